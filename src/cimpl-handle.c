/* SPDX-License-Identifier: MIT */

#include "config.h"

#include "cimpl-handle-private.h"

#include <pthread.h>
#ifdef HAVE_MEMBARRIER
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#define REFERENCE_ONE (G_GUINT64_CONSTANT (1) << 4)
#define REFERENCE_MASK (G_GUINT64_CONSTANT (0x0ffffff) << 4)
#define GENERATION_SHIFT 28
#define LIFE_GENERATION(life) ((life) >> GENERATION_SHIFT)
#define IDLE_OF(life) (LIFE_GENERATION (life) << 2)

#define TOMBSTONE GSIZE_TO_POINTER (1) /* no stream lies at an odd address */
#define HANDLES_PER_CHUNK 64
#define FIRST_TABLE_SIZE 256

typedef struct _Chunk Chunk;

struct _Chunk
{
  CimplHandle handles[HANDLES_PER_CHUNK];
  Chunk *next;
};

static struct
{
  CimplTable table;
  CimplTableEntry entry;
} empty_table; /* one entry, never filled */

_Atomic (CimplTable *) cimpl_table = &empty_table.table;
gboolean cimpl_leave_needs_fence = TRUE;
_Thread_local CimplFrame *cimpl_frame_top;

/* All below is guarded by this lock, which no user code runs under and no operation takes. */
static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static Chunk *chunks;
static CimplHandle *free_handles;
static guint process; /* how many forks this process is away from the one that loaded us */

static CimplHandle string_handle; /* what the table has for strings; its key matches nothing */

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

gboolean
cimpl_handle_is_mine (CimplHandle *handle)
{
  for (CimplFrame *frame = cimpl_frame_top; frame != NULL; frame = frame->outer)
    if (frame->handle == handle)
      return TRUE;
  return FALSE;
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
after_fork_in_child (void)
{
  process++;
  for (Chunk *chunk = chunks; chunk != NULL; chunk = chunk->next)
    for (guint i = 0; i < HANDLES_PER_CHUNK; i++)
      {
        CimplHandle *handle = &chunk->handles[i];

        if (!cimpl_handle_is_mine (handle))
          atomic_fetch_and (&handle->own, ~(CIMPL_OWN_BUSY | CIMPL_OWN_CLAIMED));
      }
  cimpl_leave_needs_fence = !barrier_register ();
  pthread_mutex_unlock (&registry_lock);
}

static void __attribute__ ((constructor))
initialize (void)
{
  cimpl_leave_needs_fence = !barrier_register ();
  pthread_atfork (before_fork, after_fork_in_parent, after_fork_in_child);
}

gboolean
cimpl_handle_is_inherited (CimplHandle *handle)
{
  return handle->process != process;
}

static void
table_put (CimplTable *table, gpointer key, CimplHandle *handle)
{
  gsize i = cimpl_table_index (table, key);

  for (;;)
    {
      gpointer found = atomic_load_explicit (&table->entries[i].key, memory_order_relaxed);

      if (found == NULL)
        table->filled++;
      if (found == NULL || found == TOMBSTONE)
        break;
      i = (i + 1) & table->mask;
    }

  atomic_store_explicit (&table->entries[i].handle, handle, memory_order_relaxed);
  atomic_store_explicit (&table->entries[i].key, key, memory_order_release);
}

static CimplTable *
table_grow (CimplTable *old)
{
  gsize size = old == &empty_table.table ? FIRST_TABLE_SIZE : 2 * (old->mask + 1);
  CimplTable *table = g_malloc0 (sizeof *table + size * sizeof (CimplTableEntry));

  table->mask = size - 1;
  table->previous = old;
  for (gsize i = 0; i <= old->mask; i++)
    {
      gpointer key = atomic_load_explicit (&old->entries[i].key, memory_order_relaxed);

      if (key != NULL && key != TOMBSTONE)
        table_put (table, key,
                   atomic_load_explicit (&old->entries[i].handle, memory_order_relaxed));
    }
  atomic_store_explicit (&cimpl_table, table, memory_order_release);
  return table;
}

/* With the lock. At least half of the entries stay empty, so that look-ups are short and end. */
static void
registry_insert (gpointer key, CimplHandle *handle)
{
  CimplTable *table = atomic_load_explicit (&cimpl_table, memory_order_relaxed);

  if (2 * (table->filled + 1) > table->mask)
    table = table_grow (table);
  table_put (table, key, handle);
}

/*
 * With the lock. Live entries never move, so a look-up finds them whatever happens meanwhile. An
 * entry becomes empty only if the next one is, as no chain can then lead through it; its
 * neighbours before it follow, so tombstones only lie between live entries and cannot pile up.
 */
static void
registry_remove (gpointer key)
{
  CimplTable *table = atomic_load_explicit (&cimpl_table, memory_order_relaxed);
  gsize i = cimpl_table_index (table, key);
  gsize next;

  while (atomic_load_explicit (&table->entries[i].key, memory_order_relaxed) != key)
    i = (i + 1) & table->mask;
  atomic_store_explicit (&table->entries[i].key, TOMBSTONE, memory_order_release);

  next = (i + 1) & table->mask;
  if (atomic_load_explicit (&table->entries[next].key, memory_order_relaxed) != NULL)
    return;
  while (atomic_load_explicit (&table->entries[i].key, memory_order_relaxed) == TOMBSTONE)
    {
      atomic_store_explicit (&table->entries[i].key, NULL, memory_order_release);
      table->filled--;
      i = (i - 1) & table->mask;
    }
}

static void
add_chunk (void)
{
  Chunk *chunk = g_aligned_alloc0 (1, sizeof *chunk, _Alignof (Chunk));

  chunk->next = chunks;
  chunks = chunk;
  for (guint i = 0; i < HANDLES_PER_CHUNK; i++)
    {
      chunk->handles[i].next_free = free_handles;
      free_handles = &chunk->handles[i];
    }
}

/* Makes @stream a valid handle, without plain references. */
CimplHandle *
cimpl_handle_new (gpointer stream)
{
  CimplHandle *handle;

  pthread_mutex_lock (&registry_lock);
  if (free_handles == NULL)
    add_chunk ();
  handle = free_handles;
  free_handles = handle->next_free;
  handle->read_slot = CIMPL_READ_SLOT_UNKNOWN;
  handle->is_dirty = FALSE;
  handle->in_default_read = FALSE;
  handle->process = process;
  atomic_store_explicit (&handle->key, stream, memory_order_release);
  registry_insert (stream, handle);
  pthread_mutex_unlock (&registry_lock);
  return handle;
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

  while (!atomic_compare_exchange_weak (&handle->own, &expected, idle | CIMPL_OWN_CLAIMED))
    {
      expected = idle;
      g_thread_yield ();
    }

  pthread_mutex_lock (&registry_lock);
  registry_remove (atomic_load_explicit (&handle->key, memory_order_relaxed));
  atomic_store_explicit (&handle->key, NULL, memory_order_release);
  atomic_store_explicit (&handle->life, next << GENERATION_SHIFT, memory_order_release);
  atomic_store_explicit (&handle->own, IDLE_OF (next << GENERATION_SHIFT), memory_order_release);
  handle->next_free = free_handles;
  free_handles = handle;
  pthread_mutex_unlock (&registry_lock);
}

/* cimpl_handle_enter() where the first look did not succeed: finds out why, or enters after all. */
CimplEntry
cimpl_handle_enter_slow (CimplHandle *handle, gpointer stream, CimplFrame *frame)
{
  while (handle != NULL)
    {
      guint64 own = atomic_load_explicit (&handle->own, memory_order_acquire);

      if (handle == &string_handle)
        return CIMPL_REFUSED_WRONG_HANDLE_TYPE;
      if (atomic_load_explicit (&handle->key, memory_order_acquire) == stream
          && (own & CIMPL_OWN_BUSY) != 0)
        return CIMPL_REFUSED_BUSY;

      /* Claimed for a moment, recycled meanwhile, or idle again: look once more. */
      if ((own & CIMPL_OWN_CLAIMED) != 0)
        g_thread_yield ();
      handle = cimpl_handle_find (stream);
      if (handle != NULL && cimpl_handle_try_enter (handle, stream, frame))
        return CIMPL_ENTERED;
    }
  return CIMPL_REFUSED_INVALID_HANDLE;
}

/* Claims an idle handle and drops the pending reference, if there still is one. */
static gboolean
settle_if_idle (CimplHandle *handle, guint64 idle)
{
  guint64 own = idle;
  guint64 life;
  gpointer stream;

  while (!atomic_compare_exchange_strong (&handle->own, &own, idle | CIMPL_OWN_CLAIMED))
    {
      if (own != (idle | CIMPL_OWN_CLAIMED))
        return FALSE;
      own = idle;
      g_thread_yield ();
    }

  stream = atomic_load_explicit (&handle->key, memory_order_relaxed);
  life = atomic_fetch_and (&handle->life, ~(CIMPL_LIFE_PENDING | CIMPL_LIFE_DISPOSE));
  atomic_store_explicit (&handle->own, idle, memory_order_release);
  if ((life & CIMPL_LIFE_DISPOSE) != 0)
    g_object_run_dispose (stream);
  if ((life & CIMPL_LIFE_PENDING) != 0)
    g_object_unref (stream);
  return TRUE;
}

/* Drops the pending reference of the incarnation that @idle names, now or when its call is over. */
void
cimpl_handle_settle (CimplHandle *handle, guint64 idle)
{
  if (settle_if_idle (handle, idle))
    return;

  /*
   * Somebody is inside. If he has already looked for PENDING and missed it, his leaving may still
   * wait in a store buffer; after the barrier either we see that he left, or he sees PENDING.
   */
  barrier_all_threads ();
  settle_if_idle (handle, idle);
}

/*
 * For a dispose that finds an operation running: takes a reference, and runs dispose again and
 * drops the reference when that operation is over.
 */
void
cimpl_handle_dispose_later (CimplHandle *handle)
{
  guint64 idle = IDLE_OF (atomic_load_explicit (&handle->life, memory_order_relaxed));

  g_object_ref (atomic_load_explicit (&handle->key, memory_order_relaxed));
  cimpl_handle_set (handle, CIMPL_LIFE_PENDING | CIMPL_LIFE_DISPOSE);
  cimpl_handle_settle (handle, idle);
}

/* Waits until no operation runs; FALSE after @timeout_ms (negative: never). */
gboolean
cimpl_handle_wait_idle (CimplHandle *handle, gint timeout_ms)
{
  gint64 deadline = g_get_monotonic_time () + (gint64) timeout_ms * 1000;
  gulong pause_us = 10;

  while ((atomic_load (&handle->own) & CIMPL_OWN_BUSY) != 0)
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

static gboolean
swap_life (CimplHandle *handle, guint64 *life, guint64 changed)
{
  return atomic_compare_exchange_strong (&handle->life, life, changed);
}

/* Makes the caller's reference the first plain one of a new stream. */
void
cimpl_handle_adopt (CimplHandle *handle)
{
  atomic_fetch_add (&handle->life, REFERENCE_ONE);
}

/* Adds a plain reference. Without any yet, the caller must hold a GObject reference. */
CimplEntry
cimpl_handle_ref (gpointer pointer)
{
  for (;;)
    {
      CimplHandle *handle;
      guint64 life;
      CimplEntry entry = find_life (pointer, &handle, &life);

      if (entry != CIMPL_ENTERED)
        return entry;
      if ((life & REFERENCE_MASK) == REFERENCE_MASK)
        return CIMPL_REFUSED_TOO_MANY_REFERENCES;

      if ((life & (REFERENCE_MASK | CIMPL_LIFE_PENDING)) == 0)
        {
          g_object_ref (pointer);
          if (swap_life (handle, &life, life + REFERENCE_ONE))
            return CIMPL_ENTERED;
          g_object_unref (pointer);
        }
      /* A reference that was about to be dropped serves again. */
      else if (swap_life (handle, &life,
                          (life & ~(CIMPL_LIFE_PENDING | CIMPL_LIFE_DISPOSE)) + REFERENCE_ONE))
        return CIMPL_ENTERED;
    }
}

/* Gives a plain reference back; FALSE if @pointer has none. Never waits for an operation. */
gboolean
cimpl_handle_unref (gpointer pointer)
{
  for (;;)
    {
      CimplHandle *handle;
      guint64 life;
      gboolean last;

      if (find_life (pointer, &handle, &life) != CIMPL_ENTERED || (life & REFERENCE_MASK) == 0)
        return FALSE;
      last = (life & REFERENCE_MASK) == REFERENCE_ONE;
      if (swap_life (handle, &life, (life - REFERENCE_ONE) | (last ? CIMPL_LIFE_PENDING : 0)))
        {
          if (last)
            cimpl_handle_settle (handle, IDLE_OF (life));
          return TRUE;
        }
    }
}

/* Turns a plain reference into a GObject reference; FALSE if @pointer has none. */
gboolean
cimpl_handle_take (gpointer pointer)
{
  for (;;)
    {
      CimplHandle *handle;
      guint64 life;
      gboolean last;

      if (find_life (pointer, &handle, &life) != CIMPL_ENTERED || (life & REFERENCE_MASK) == 0)
        return FALSE;
      last = (life & REFERENCE_MASK) == REFERENCE_ONE;
      if (!last)
        g_object_ref (pointer);
      if (swap_life (handle, &life, life - REFERENCE_ONE))
        return TRUE;
      if (!last)
        g_object_unref (pointer);
    }
}

/* Strings given to the caller are in the same table: told from streams, and freed only once. */
void
cimpl_handle_add_string (char *string)
{
  pthread_mutex_lock (&registry_lock);
  registry_insert (string, &string_handle);
  pthread_mutex_unlock (&registry_lock);
}

gboolean
cimpl_handle_remove_string (gpointer pointer)
{
  gboolean found;

  pthread_mutex_lock (&registry_lock);
  found = cimpl_handle_find (pointer) == &string_handle;
  if (found)
    registry_remove (pointer);
  pthread_mutex_unlock (&registry_lock);
  return found;
}
