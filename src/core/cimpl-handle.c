/* SPDX-License-Identifier: MIT */

#include "config.h"

#include "core/cimpl-handle-private.h"

#include "core/cimpl-failure-private.h"

#include <pthread.h>
#ifdef HAVE_MEMBARRIER
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#define HOLD_ONE (G_GUINT64_CONSTANT (1) << 9)
#define HOLD_MASK (G_GUINT64_CONSTANT (0xff) << 9)
#define REFERENCE_ONE (G_GUINT64_CONSTANT (1) << 17)
#define REFERENCE_MASK (G_GUINT64_CONSTANT (0xfffff) << 17)
#define COUNTED_MASK (REFERENCE_MASK | HOLD_MASK)
#define GENERATION_SHIFT 37
#define LIFE_GENERATION(life) ((life) >> GENERATION_SHIFT)
#define IDLE_OF(life) (LIFE_GENERATION (life) << 2)
#define OWN_GENERATION(own) ((own) >> 2)

#define PUT_OFF_MASK (CIMPL_LIFE_DISPOSE | CIMPL_LIFE_REVIVED | CIMPL_LIFE_KEEP)

#define HANDLES_PER_CHUNK 64

typedef struct _Chunk Chunk;

struct _Chunk
{
  CimplHandle handles[HANDLES_PER_CHUNK];
  Chunk *next;
};

GError cimpl_no_error;
gboolean cimpl_leave_needs_fence = TRUE;
_Thread_local CimplHandle *cimpl_thread_operations;
_Thread_local guint64 cimpl_thread_time;

/* All below is guarded by this lock, which no user code runs under and no operation takes. */
static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static Chunk *chunks;
static CimplHandle *free_handles;
static guint process; /* how many forks this process is away from the one that loaded us */

/* What this thread has CLAIMED for a g_object_ref(), whose toggle notify may be user code. */
static _Thread_local CimplHandle *referring;

static CimplHandle string_handle; /* what the table has for strings; its key matches nothing */

void
cimpl_registry_lock (void)
{
  pthread_mutex_lock (&registry_lock);
}

void
cimpl_registry_unlock (void)
{
  pthread_mutex_unlock (&registry_lock);
}

/* Which of the streams that the handle serves one after another it is. */
guint64
cimpl_handle_get_generation (CimplHandle *handle)
{
  return LIFE_GENERATION (atomic_load_explicit (&handle->life, memory_order_acquire));
}

/* Makes every other thread of the process execute a full barrier, see membarrier(2). */
static gboolean
barrier_register (void)
{
#ifdef HAVE_MEMBARRIER
  return syscall (SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
#else
  return FALSE;
#endif
}

static void
barrier_all_threads (void)
{
#ifdef HAVE_MEMBARRIER
  if (!cimpl_leave_needs_fence)
    syscall (SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
#endif
}

void
cimpl_operation_clear_errors (CimplHandle *handle)
{
  cimpl_operation_set_last (handle, NULL);
  g_clear_error (&handle->pending);
}

/* Takes @last, which may be NULL. */
void
cimpl_operation_set_last (CimplHandle *handle, GError *last)
{
  if (handle->last != NULL && handle->last != &cimpl_no_error)
    g_error_free (handle->last);
  handle->last = last;
}

/*
 * The operation that the caller's code runs inside of; NULL if it is outside of any. Coroutines may
 * have begun others since, and wait in them; but those have C stacks of their own, and of what lies
 * above the caller in the same stack, nothing is nearer to him than the innermost operation. Code
 * of a coroutine that is in no operation may lie below the stack of one that is, by at least the
 * size of its own: operations more than @reach bytes away do not count.
 */
CimplHandle *
cimpl_operation_find (gsize reach)
{
  guintptr here = (guintptr) __builtin_frame_address (0);
  guintptr nearest = reach; /* for what lies below, the difference is larger than any */
  CimplHandle *found = NULL;

  for (CimplHandle *handle = cimpl_thread_operations; handle != NULL; handle = handle->outer)
    if (handle->stack - here < nearest)
      {
        nearest = handle->stack - here;
        found = handle;
      }
  return found;
}

gboolean
cimpl_handle_is_mine (CimplHandle *handle)
{
  for (CimplHandle *mine = cimpl_thread_operations; mine != NULL; mine = mine->outer)
    if (mine == handle)
      return TRUE;
  return FALSE;
}

/*
 * Callouts: what cimpl_operation_find() finds in user code that is no operation. No table
 * leads to these handles, so no stale pointer finds one; each thread keeps those it has used.
 */

static _Thread_local CimplHandle *idle_callouts __attribute__ ((tls_model ("initial-exec")));

static void
free_idle_callouts (gpointer unused)
{
  while (idle_callouts != NULL)
    {
      CimplHandle *callout = idle_callouts;

      idle_callouts = callout->next_free;
      g_aligned_free (callout);
    }
}

static GPrivate callouts_end = G_PRIVATE_INIT (free_idle_callouts);

static CimplHandle *
add_callout (void)
{
  g_private_set (&callouts_end, &callouts_end); /* whatever it is: not NULL */
  return g_aligned_alloc0 (1, sizeof (CimplHandle), _Alignof(CimplHandle));
}

CimplHandle *
cimpl_callout_new (gpointer stream)
{
  CimplHandle *callout = idle_callouts;

  if (callout != NULL)
    idle_callouts = callout->next_free;
  else
    callout = add_callout ();
  atomic_store_explicit (&callout->key, stream, memory_order_relaxed);
  return callout;
}

void
cimpl_callout_end (CimplHandle *callout)
{
  cimpl_operation_end (callout);
  callout->next_free = idle_callouts;
  idle_callouts = callout;
}

static void
before_fork (void)
{
  pthread_mutex_lock (&registry_lock);
}

static void
after_fork_in_parent (void)
{
  pthread_mutex_unlock (&registry_lock);
}

/* The operations of the threads that are not in the child will never end: end them. */
static void
end_operation_of_nobody (CimplHandle *handle)
{
  if ((atomic_load (&handle->own) & (CIMPL_OWN_BUSY | CIMPL_OWN_CLAIMED)) == 0)
    return;
  handle->last = handle->pending = NULL; /* not freed: that thread may just have been at it */
  handle->in_default_read = FALSE;
  atomic_fetch_and (&handle->own, ~(CIMPL_OWN_BUSY | CIMPL_OWN_CLAIMED));
}

static void
after_fork_in_child (void)
{
  process++;
  for (Chunk *chunk = chunks; chunk != NULL; chunk = chunk->next)
    for (guint i = 0; i < HANDLES_PER_CHUNK; i++)
      if (!cimpl_handle_is_mine (&chunk->handles[i]))
        end_operation_of_nobody (&chunk->handles[i]);
  cimpl_leave_needs_fence = !barrier_register ();
  pthread_mutex_unlock (&registry_lock);
}

gboolean
cimpl_handle_is_inherited (CimplHandle *handle)
{
  return handle->process != process;
}

static void __attribute__ ((constructor)) initialize (void)
{
  cimpl_table_init ();
  cimpl_leave_needs_fence = !barrier_register ();
  pthread_atfork (before_fork, after_fork_in_parent, after_fork_in_child);
}

static void
add_chunk (void)
{
  Chunk *chunk = g_aligned_alloc0 (1, sizeof *chunk, _Alignof(Chunk));

  chunk->next = chunks;
  chunks = chunk;
  for (guint i = 0; i < HANDLES_PER_CHUNK; i++)
    {
      chunk->handles[i].next_free = free_handles;
      free_handles = &chunk->handles[i];
    }
}

/*
 * Makes @stream a valid handle, if wished with a first plain reference, which takes over that of
 * the caller. From now on any thread may come with a stale pointer to the same address, so @place
 * is set before that.
 */
void
cimpl_handle_new (gpointer stream, gboolean has_reference, CimplHandle **place)
{
  CimplHandle *handle;

  pthread_mutex_lock (&registry_lock);
  if (free_handles == NULL)
    add_chunk ();
  handle = free_handles;
  free_handles = handle->next_free;
  atomic_store_explicit (&handle->read, NULL, memory_order_relaxed);
  handle->is_dirty = FALSE;
  handle->in_default_read = FALSE;
  handle->process = process;
  if (has_reference)
    atomic_fetch_add (&handle->life, REFERENCE_ONE);
  *place = handle;
  atomic_store_explicit (&handle->key, stream, memory_order_release);
  cimpl_table_insert (stream, handle);
  pthread_mutex_unlock (&registry_lock);
}

/*
 * The stream of @handle goes: its address is no valid handle any more. An operation that is just
 * being refused because the stream is closed is waited for; it runs no user code.
 */
void
cimpl_handle_retire (CimplHandle *handle)
{
  guint64 idle = IDLE_OF (atomic_load_explicit (&handle->life, memory_order_relaxed));
  guint64 next = LIFE_GENERATION (atomic_load_explicit (&handle->life, memory_order_relaxed)) + 1;
  guint64 expected = idle;
  CimplFailure *failures;

  while (!atomic_compare_exchange_weak (&handle->own, &expected, idle | CIMPL_OWN_CLAIMED))
    {
      expected = idle;
      g_thread_yield ();
    }

  pthread_mutex_lock (&registry_lock);
  cimpl_table_remove (atomic_load_explicit (&handle->key, memory_order_relaxed));
  atomic_store_explicit (&handle->key, NULL, memory_order_release);
  atomic_store_explicit (&handle->life, next << GENERATION_SHIFT, memory_order_release);
  atomic_store_explicit (&handle->own, IDLE_OF (next << GENERATION_SHIFT), memory_order_release);
  failures = g_steal_pointer (&handle->failures);
  handle->n_failures = 0;
  atomic_store (&handle->failed_kinds, 0);
  handle->next_free = free_handles;
  free_handles = handle;
  pthread_mutex_unlock (&registry_lock);
  cimpl_failure_free_all (failures);
}

/* What cimpl_handle_try_claim() did not do at first sight: does it after all, or says why not. */
CimplHandle *
cimpl_handle_claim_slow (CimplHandle *handle,
                         gconstpointer stream,
                         CimplEntry *refusal,
                         CimplIncarnation *busy)
{
  while (handle != NULL)
    {
      guint64 own = atomic_load_explicit (&handle->own, memory_order_acquire);

      if (handle == &string_handle)
        {
          *refusal = CIMPL_REFUSED_WRONG_HANDLE_TYPE;
          return NULL;
        }
      if (atomic_load_explicit (&handle->key, memory_order_acquire) == stream
          && ((own & CIMPL_OWN_BUSY) != 0 || handle == referring))
        {
          *refusal = CIMPL_REFUSED_BUSY;
          *busy = (CimplIncarnation){ handle, OWN_GENERATION (own) };
          return NULL;
        }

      /* Claimed for a moment, recycled meanwhile, or idle again: look once more. */
      if ((own & CIMPL_OWN_CLAIMED) != 0)
        g_thread_yield ();
      handle = cimpl_handle_find (stream);
      if (handle != NULL && cimpl_handle_try_claim (handle, stream))
        return handle;
    }
  *refusal = CIMPL_REFUSED_INVALID_HANDLE;
  return NULL;
}

static gboolean
swap_life (CimplHandle *handle, guint64 *life, guint64 changed)
{
  return atomic_compare_exchange_strong (&handle->life, life, changed);
}

static gint
get_ref_count (gpointer stream)
{
  return g_atomic_int_get (&((GObject *) stream)->ref_count);
}

/* What to note down about a dispose that is put off. */
static guint64
put_off (gpointer stream, guint64 life)
{
  gboolean is_owner
      = (life & (COUNTED_MASK | CIMPL_LIFE_PENDING)) != 0 && (life & CIMPL_LIFE_OWED) == 0;
  gint ref_count = get_ref_count (stream);

  if (ref_count == 1)
    return PUT_OFF_MASK;
  if (ref_count == 2 && is_owner)
    return CIMPL_LIFE_DISPOSE | CIMPL_LIFE_KEEP;
  return CIMPL_LIFE_DISPOSE;
}

/*
 * Runs the dispose that was put off, with the reference that kept the stream until now. A thread
 * that has dropped the last reference may still be in g_object_unref(), which touches a revived
 * object once more (GLib 2.74), so the memory is kept until many others have come this way.
 */
static void
dispose_late (CimplHandle *handle, gpointer stream, gboolean keep)
{
  static _Atomic gpointer kept[64];
  static _Atomic guint next;

  g_object_run_dispose (stream);
  if (keep && cimpl_handle_has (handle, CIMPL_LIFE_CLOSED))
    stream = atomic_exchange (&kept[atomic_fetch_add (&next, 1) % G_N_ELEMENTS (kept)], stream);
  g_clear_object (&stream);
}

/* Claims an idle handle and takes or drops the reference that waits for that. */
static gboolean
settle_if_idle (CimplHandle *handle, guint64 idle)
{
  guint64 own = idle;
  guint64 life;
  guint64 changed;
  gpointer stream;

  while (!atomic_compare_exchange_strong (&handle->own, &own, idle | CIMPL_OWN_CLAIMED))
    {
      if (own != (idle | CIMPL_OWN_CLAIMED) || handle == referring)
        return FALSE;
      own = idle;
      g_thread_yield ();
    }

  stream = atomic_load_explicit (&handle->key, memory_order_relaxed);
  life = atomic_load (&handle->life);
  do
    {
      changed = life & ~(CIMPL_LIFE_OWED | CIMPL_LIFE_PENDING);
      if ((life & (CIMPL_LIFE_OWED | CIMPL_LIFE_PENDING)) == CIMPL_LIFE_PENDING)
        {
          changed &= ~PUT_OFF_MASK;
          /* From here on nobody can come between, and revive what is already going. */
          if ((life & CIMPL_LIFE_DISPOSE) == 0 && get_ref_count (stream) == 1)
            changed |= CIMPL_LIFE_DYING;
        }
    }
  while (!swap_life (handle, &life, changed));
  changed ^= life; /* what is to be done; with both, the one reference serves as the other */
  if ((changed & (CIMPL_LIFE_OWED | CIMPL_LIFE_PENDING)) == CIMPL_LIFE_OWED)
    {
      referring = handle;
      g_object_ref (stream);
      referring = NULL;
    }
  atomic_store_explicit (&handle->own, idle, memory_order_release);

  if ((changed & CIMPL_LIFE_DISPOSE) != 0)
    dispose_late (handle, stream, (changed & CIMPL_LIFE_KEEP) != 0);
  else if ((changed & (CIMPL_LIFE_OWED | CIMPL_LIFE_PENDING)) == CIMPL_LIFE_PENDING)
    g_object_unref (stream);
  else if (changed != 0 && cimpl_handle_has (handle, CIMPL_LIFE_OWED | CIMPL_LIFE_PENDING))
    cimpl_handle_settle (handle, idle); /* left behind by the toggle notify */
  return TRUE;
}

/* Does what waits for the end of the operation that runs, now or when that is over. */
void
cimpl_handle_settle (CimplHandle *handle, guint64 idle)
{
  if (settle_if_idle (handle, idle))
    return;

  /*
   * Somebody is inside. If he has already looked for the flags and missed them, his leaving may
   * still wait in a store buffer; after the barrier either we see that he left, or he sees them.
   */
  barrier_all_threads ();
  settle_if_idle (handle, idle);
}

/*
 * For a dispose that finds an operation running: puts it off to the end of that, with a reference
 * that keeps the stream. Dropped inside its own callback, that one will simply be the last.
 */
void
cimpl_handle_dispose_later (CimplHandle *handle)
{
  GObject *stream = atomic_load_explicit (&handle->key, memory_order_relaxed);
  guint64 life = atomic_load (&handle->life);
  guint64 noted = put_off (stream, life);
  guint64 changed;

  if ((noted & CIMPL_LIFE_REVIVED) != 0 && cimpl_handle_is_mine (handle))
    noted = 0;

  g_object_ref (stream);
  do
    {
      changed = life | noted;
      if ((life & (COUNTED_MASK | CIMPL_LIFE_PENDING)) == 0 || (life & CIMPL_LIFE_OWED) != 0)
        changed |= CIMPL_LIFE_PENDING;
    }
  while (!swap_life (handle, &life, changed));

  if (((changed ^ life) & CIMPL_LIFE_PENDING) != 0)
    cimpl_handle_settle (handle, IDLE_OF (life));
  else
    g_object_unref (stream); /* something else keeps the stream */
}

/*
 * For a dispose that has entered the stream. With plain references or holds it is put off until
 * they are gone, and this is FALSE; otherwise none can be added any more, as nothing shows whether
 * this is the end of the stream: somebody else may just be dropping a reference, too.
 */
gboolean
cimpl_handle_doom (CimplHandle *handle)
{
  GObject *stream = cimpl_handle_get_stream (handle);
  guint64 life = atomic_load (&handle->life);

  for (;;)
    {
      if ((life & COUNTED_MASK) == 0)
        {
          if (swap_life (handle, &life, life | CIMPL_LIFE_DYING))
            return TRUE;
        }
      else if (swap_life (handle, &life, (life & ~CIMPL_LIFE_OWED) | put_off (stream, life)))
        {
          if ((life & CIMPL_LIFE_OWED) != 0)
            g_object_ref (stream);
          return FALSE;
        }
    }
}

/* Waits until no operation of the stream runs; FALSE after @timeout_ms (negative: never). */
gboolean
cimpl_handle_wait_idle (CimplHandle *handle, gint timeout_ms)
{
  gint64 deadline = g_get_monotonic_time () + (gint64) timeout_ms * 1000;
  guint64 own = atomic_load (&handle->own);
  gulong pause_us = 10;

  /* With another generation, it is that of another stream. */
  while ((own & CIMPL_OWN_BUSY) != 0 && atomic_load (&handle->own) == own)
    {
      if (timeout_ms >= 0 && g_get_monotonic_time () >= deadline)
        return FALSE;
      g_usleep (pause_us);
      pause_us = MIN (2 * pause_us, 2000);
    }
  return TRUE;
}

/*
 * Finds the handle of @pointer and reads its life, such that a compare-and-swap on it succeeds
 * only while the handle still belongs to @pointer.
 */
static CimplEntry
find_life (gpointer pointer, CimplHandle **handle, guint64 *life)
{
  do
    {
      *handle = cimpl_handle_find (pointer);
      if (*handle == NULL)
        return CIMPL_REFUSED_INVALID_HANDLE;
      if (*handle == &string_handle)
        return CIMPL_REFUSED_WRONG_HANDLE_TYPE;
      *life = atomic_load_explicit (&(*handle)->life, memory_order_acquire);
    }
  while (atomic_load_explicit (&(*handle)->key, memory_order_acquire) != pointer);
  return CIMPL_ENTERED;
}

/* With one more plain reference or hold; the first one is owed its GObject reference. */
static guint64
count_up (guint64 life, guint64 one)
{
  guint64 changed = life + one;

  if ((life & COUNTED_MASK) != 0)
    return changed;
  /* A reference that was to be dropped serves again. */
  if ((life & CIMPL_LIFE_PENDING) != 0)
    return changed & ~CIMPL_LIFE_PENDING;
  return changed | CIMPL_LIFE_OWED;
}

static guint64
count_down (guint64 life, guint64 one)
{
  guint64 changed = life - one;

  if ((changed & COUNTED_MASK) != 0)
    return changed;
  /* A reference that was yet to be taken is not needed any more. */
  if ((life & CIMPL_LIFE_OWED) != 0)
    return changed & ~CIMPL_LIFE_OWED;
  return changed | CIMPL_LIFE_PENDING;
}

/* Adds a plain reference or a hold, for which there is room in @mask. */
static CimplEntry
add (gpointer pointer, guint64 one, guint64 mask, CimplHandle **handle)
{
  for (;;)
    {
      guint64 life;
      guint64 changed;
      CimplEntry entry = find_life (pointer, handle, &life);

      if (entry != CIMPL_ENTERED)
        return entry;
      if ((life & CIMPL_LIFE_DYING) != 0)
        return CIMPL_REFUSED_DYING;
      if ((life & mask) == mask)
        return CIMPL_REFUSED_TOO_MANY_REFERENCES;

      changed = count_up (life, one);
      if (swap_life (*handle, &life, changed))
        {
          if ((changed & CIMPL_LIFE_OWED) != 0)
            cimpl_handle_settle (*handle, IDLE_OF (life));
          return CIMPL_ENTERED;
        }
    }
}

/* Adds a plain reference. */
CimplEntry
cimpl_handle_ref (gpointer pointer)
{
  CimplHandle *handle;

  return add (pointer, REFERENCE_ONE, REFERENCE_MASK, &handle);
}

/*
 * Keeps the stream at @pointer from going, whoever gives back plain references that he does not
 * have. On CIMPL_ENTERED, @handle is owed a cimpl_handle_unhold().
 */
CimplEntry
cimpl_handle_hold (gpointer pointer, CimplHandle **handle)
{
  return add (pointer, HOLD_ONE, HOLD_MASK, handle);
}

void
cimpl_handle_unhold (CimplHandle *handle)
{
  guint64 life = atomic_load (&handle->life);
  guint64 changed;

  do
    changed = count_down (life, HOLD_ONE);
  while (!swap_life (handle, &life, changed));
  if ((changed & CIMPL_LIFE_PENDING) != 0)
    cimpl_handle_settle (handle, IDLE_OF (life));
}

/* Gives a plain reference back; FALSE if @pointer has none. Never waits for an operation. */
gboolean
cimpl_handle_unref (gpointer pointer)
{
  for (;;)
    {
      CimplHandle *handle;
      guint64 life;
      guint64 changed;

      if (find_life (pointer, &handle, &life) != CIMPL_ENTERED || (life & REFERENCE_MASK) == 0)
        return FALSE;

      changed = count_down (life, REFERENCE_ONE);
      if (swap_life (handle, &life, changed))
        {
          if ((changed & CIMPL_LIFE_PENDING) != 0)
            cimpl_handle_settle (handle, IDLE_OF (life));
          return TRUE;
        }
    }
}

/* Adds a GObject reference, for who holds the stream. */
static void
refer (CimplHandle *handle)
{
  guint64 life;

  g_object_ref (cimpl_handle_get_stream (handle));

  /* What an earlier last g_object_unref() would have done is not due: here is one more. */
  life = atomic_load (&handle->life);
  while ((life & CIMPL_LIFE_REVIVED) != 0 && !swap_life (handle, &life, life & ~PUT_OFF_MASK))
    ;
}

/* Adds a GObject reference to the stream at @pointer. */
CimplEntry
cimpl_handle_refer (gpointer pointer)
{
  CimplHandle *handle;
  CimplEntry entry = cimpl_handle_hold (pointer, &handle);

  if (entry != CIMPL_ENTERED)
    return entry;
  refer (handle);
  cimpl_handle_unhold (handle);
  return CIMPL_ENTERED;
}

/*
 * Drops a GObject reference that streams have to each other. g_object_unref() of the last one could
 * meet a cimpl_handle_refer() of a stale pointer, and then touches what that thread may free.
 */
void
cimpl_handle_drop (gpointer stream)
{
  CimplHandle *handle;
  CimplEntry entry = cimpl_handle_hold (stream, &handle);

  g_object_unref (stream);
  if (entry == CIMPL_ENTERED)
    cimpl_handle_unhold (handle);
}

/* Turns a plain reference into a GObject reference; FALSE if @pointer has none. */
gboolean
cimpl_handle_take (gpointer pointer)
{
  CimplHandle *handle;
  guint64 life;
  gboolean has_reference;

  if (cimpl_handle_hold (pointer, &handle) != CIMPL_ENTERED)
    return FALSE;

  life = atomic_load (&handle->life);
  while ((has_reference = (life & REFERENCE_MASK) != 0)
         && !swap_life (handle, &life, life - REFERENCE_ONE))
    ;
  if (has_reference)
    refer (handle);
  cimpl_handle_unhold (handle);
  return has_reference;
}

/* Strings given to the caller are in the same table: told from streams, and freed only once. */
void
cimpl_handle_add_string (char *string)
{
  pthread_mutex_lock (&registry_lock);
  cimpl_table_insert (string, &string_handle);
  pthread_mutex_unlock (&registry_lock);
}

gboolean
cimpl_handle_remove_string (gpointer pointer)
{
  gboolean found;

  pthread_mutex_lock (&registry_lock);
  found = cimpl_handle_find (pointer) == &string_handle;
  if (found)
    cimpl_table_remove (pointer);
  pthread_mutex_unlock (&registry_lock);
  return found;
}
