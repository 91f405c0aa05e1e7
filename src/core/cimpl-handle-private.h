/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/cimpl-table-private.h"
#include "cimpl_stream.h"

#include <gio/gio.h>
#include <stdatomic.h>

G_BEGIN_DECLS
#pragma GCC visibility push(hidden) /* -fvisibility alone does not cover declarations */

/*
 * Handles: what makes any pointer safe to pass in.
 *
 * Every live stream has a CimplHandle, a cell of memory that is never freed and serves one stream
 * after another. A lock-free table leads from the address of a stream to its handle, so that a
 * stale or foreign pointer is recognised without being read.
 *
 *  own   generation | CLAIMED | BUSY. Who turns idle into BUSY runs an operation; the stream is
 *        not finalized before that thread leaves. CLAIMED is the same for a handful of
 *        instructions, and is waited for instead of being reported. The one piece of user code
 *        in them is a toggle notify of g_object_ref(), which finds the stream BUSY.
 *  life  generation:27 | plain references:20 | holds:8 | flags:9.
 *  key   the address of the stream, or NULL.
 *
 * The generation goes up when the handle is recycled, so a compare-and-swap that succeeds proves
 * that the handle still belongs to the stream it was found for.
 *
 * A hold is a plain reference that cimpl_free() cannot give back: it keeps a stream that is used
 * otherwise than by an operation. All of both together own one GObject reference. It is taken and
 * dropped only between operations, when nothing else can happen to the stream:
 *
 *  OWED     the first of them was added, its GObject reference is yet to be taken
 *  PENDING  a GObject reference is to be dropped
 *  DISPOSE  dispose was put off, and is to be run when a PENDING reference is dropped
 *  REVIVED  with DISPOSE: by the last g_object_unref(), and not by g_object_run_dispose()
 *  KEEP     with DISPOSE: that cannot be told, so somebody may still be in g_object_unref()
 *  AWAITED  a thread waits for its turn, see cimpl-wait.c
 *  DYING    dispose has found none of them, or the last GObject reference is just being dropped;
 *           from now on there will be none
 *
 * Who sets OWED or PENDING then looks for BUSY; who leaves an operation clears BUSY and then looks
 * for these flags; whoever finds both conditions met settles it. The leaver's two steps have no
 * barrier between them, which would cost more than all the rest of them; the other one makes up
 * for it with membarrier(2).
 */

typedef struct _CimplHandle CimplHandle;
typedef struct _CimplFailure CimplFailure;

typedef gboolean (*CimplReadFunc) (CimplStream *self,
                                   void *buffer,
                                   gsize count,
                                   gsize *n_read,
                                   GCancellable *cancellable,
                                   GError **error);

struct _CimplHandle
{
  _Alignas(128) _Atomic guint64 own; /* two cache lines, which are fetched in pairs */
  _Atomic guint64 life;
  _Atomic gpointer key;

  /* The rest is touched only by the operation that runs. */
  _Atomic CimplReadFunc read; /* of the class, once it is known to be the slot that serves */

  /* The operation itself, see below. The first cache line ends with these. */
  CimplHandle *outer; /* of the operations of the thread, the one that had begun before */
  CimplHandle **link; /* what points to this one: the list of the thread, or another's `outer` */
  GError *last;       /* (owned): the last error of calls made by user code inside the operation */
  GError *pending;    /* (owned): what user code says went wrong, until it returns */

  guint64 last_time;        /* when that was set or the operation began, by cimpl_thread_time */
  guintptr stack;           /* where in the C stack the operation began */
  gboolean is_dirty;        /* written since the last flush */
  gboolean in_default_read; /* a default reads with the other slot, and must not be called back */

  /* See cimpl-failure-private.h; guarded by the lock of the registry. */
  _Atomic guint8 failed_kinds; /* of the failures that were not made good */
  guint8 n_failures;
  CimplFailure *failures; /* (owned): oldest first */

  guint process; /* the fork generation it was made in */
  CimplHandle *next_free;
};

#define CIMPL_OWN_BUSY G_GUINT64_CONSTANT (1)
#define CIMPL_OWN_CLAIMED G_GUINT64_CONSTANT (2)

#define CIMPL_LIFE_CLOSED G_GUINT64_CONSTANT (1)
#define CIMPL_LIFE_DETACHED G_GUINT64_CONSTANT (2)
#define CIMPL_LIFE_OWED G_GUINT64_CONSTANT (4)
#define CIMPL_LIFE_PENDING G_GUINT64_CONSTANT (8)
#define CIMPL_LIFE_DISPOSE G_GUINT64_CONSTANT (16)
#define CIMPL_LIFE_DYING G_GUINT64_CONSTANT (32)
#define CIMPL_LIFE_REVIVED G_GUINT64_CONSTANT (64)
#define CIMPL_LIFE_KEEP G_GUINT64_CONSTANT (128)
#define CIMPL_LIFE_AWAITED G_GUINT64_CONSTANT (256)

typedef enum
{
  CIMPL_ENTERED,
  CIMPL_ENTERED_CLOSED,
  CIMPL_REFUSED_BUSY,
  CIMPL_REFUSED_FOR_NOW, /* for who has waited: another thread is still inside */
  CIMPL_REFUSED_INVALID_HANDLE,
  CIMPL_REFUSED_WRONG_HANDLE_TYPE,
  CIMPL_REFUSED_TOO_MANY_REFERENCES,
  CIMPL_REFUSED_DYING,
} CimplEntry;

/* One of the streams that a handle serves one after another, which may be gone by now. */
typedef struct
{
  CimplHandle *handle;
  guint64 generation;
} CimplIncarnation;

extern gboolean cimpl_leave_needs_fence;
extern _Thread_local CimplHandle *cimpl_thread_operations
    __attribute__ ((tls_model ("initial-exec")));

void cimpl_registry_lock (void);
void cimpl_registry_unlock (void);
guint64 cimpl_handle_get_generation (CimplHandle *handle);

/* Counts how often an error was set. */
extern _Thread_local guint64 cimpl_thread_time __attribute__ ((tls_model ("initial-exec")));

void cimpl_handle_new (gpointer stream, gboolean has_reference, CimplHandle **place);
void cimpl_handle_retire (CimplHandle *handle);
gboolean cimpl_handle_is_inherited (CimplHandle *handle);

extern GError cimpl_no_error; /* what `last` is after the error was cleared */
CimplHandle *cimpl_operation_find (gsize reach);
void cimpl_operation_clear_errors (CimplHandle *handle);
void cimpl_operation_set_last (CimplHandle *handle, GError *last);

CimplHandle *cimpl_callout_new (gpointer stream);
void cimpl_callout_end (CimplHandle *callout);

CimplHandle *cimpl_handle_claim_slow (CimplHandle *handle,
                                      gconstpointer stream,
                                      CimplEntry *refusal,
                                      CimplIncarnation *busy);
void cimpl_handle_settle (CimplHandle *handle, guint64 idle);
void cimpl_handle_dispose_later (CimplHandle *handle);
gboolean cimpl_handle_doom (CimplHandle *handle);
gboolean cimpl_handle_is_mine (CimplHandle *handle);
gboolean cimpl_handle_wait_idle (CimplHandle *handle, gint timeout_ms);
void cimpl_handle_hand_over (CimplHandle *handle);

CimplEntry cimpl_handle_ref (gpointer pointer);
gboolean cimpl_handle_unref (gpointer pointer);
CimplEntry cimpl_handle_hold (gpointer pointer, CimplHandle **handle);
void cimpl_handle_unhold (CimplHandle *handle);
CimplEntry cimpl_handle_refer (gpointer pointer);
void cimpl_handle_drop (gpointer stream);
gboolean cimpl_handle_take (gpointer pointer);

void cimpl_handle_add_string (char *string);
gboolean cimpl_handle_remove_string (gpointer pointer);

/* The handle that @stream had a moment ago, or NULL. Reads nothing at @stream. */
static inline CimplHandle *
cimpl_handle_find (gconstpointer stream)
{
  return cimpl_table_find (stream);
}

static inline gboolean
cimpl_handle_has (CimplHandle *handle, guint64 flag)
{
  return (atomic_load_explicit (&handle->life, memory_order_acquire) & flag) != 0;
}

static inline void
cimpl_handle_set (CimplHandle *handle, guint64 flag)
{
  atomic_fetch_or_explicit (&handle->life, flag, memory_order_seq_cst);
}

/* For who has entered the stream. */
static inline gpointer
cimpl_handle_get_stream (CimplHandle *handle)
{
  return atomic_load_explicit (&handle->key, memory_order_relaxed);
}

/*
 * The operations of a thread are a list, the last begun first, and end in any order: user code may
 * be a coroutine, which waits in the middle of one while others go on in the same thread. They may
 * also be unwound by a C++ exception or by pthread_cancel(). So all that belongs to one lies in its
 * handle, and nothing of it on the C stack, which may be elsewhere by then.
 *
 * An operation must end in the thread that it began in.
 */

/* Inline, as the user's code will be deeper in this very stack. */
static G_ALWAYS_INLINE inline void
cimpl_operation_set_stack (CimplHandle *handle)
{
  handle->stack = (guintptr) __builtin_frame_address (0);
}

/* Makes @handle the last begun. */
static G_ALWAYS_INLINE inline void
cimpl_operation_link (CimplHandle *handle)
{
  CimplHandle *outer = cimpl_thread_operations;

  cimpl_operation_set_stack (handle);
  handle->last_time = cimpl_thread_time;
  handle->outer = outer;
  handle->link = &cimpl_thread_operations;
  if (G_UNLIKELY (outer != NULL))
    outer->link = &handle->outer;
  cimpl_thread_operations = handle;
}

static inline void
cimpl_operation_unlink (CimplHandle *handle)
{
  CimplHandle *outer = handle->outer;

  *handle->link = outer;
  if (G_UNLIKELY (outer != NULL))
    outer->link = handle->link;
}

/*
 * Makes @handle the operation that the caller's code runs inside of, where he has entered several
 * and lets them work in turns.
 */
static G_ALWAYS_INLINE inline void
cimpl_operation_raise (CimplHandle *handle)
{
  cimpl_operation_unlink (handle);
  cimpl_operation_link (handle);
}

static inline void
cimpl_operation_end (CimplHandle *handle)
{
  cimpl_operation_unlink (handle);
  if (G_UNLIKELY (((guintptr) handle->last | (guintptr) handle->pending) != 0)) /* one branch */
    cimpl_operation_clear_errors (handle);
}

/*
 * Runs user code that is no operation of @stream, without disturbing the thread's last error. Owes
 * a cimpl_callout_end(), also if that code is unwound.
 */
static G_ALWAYS_INLINE inline CimplHandle *
cimpl_callout_begin (gpointer stream)
{
  CimplHandle *callout = cimpl_callout_new (stream);

  cimpl_operation_link (callout);
  return callout;
}

/* Makes an idle handle BUSY, if it is that of @stream. */
static inline gboolean
cimpl_handle_try_claim (CimplHandle *handle, gconstpointer stream)
{
  /* own before key: the recycler clears key before it changes own. */
  guint64 idle = atomic_load_explicit (&handle->own, memory_order_acquire);

  if (G_UNLIKELY (atomic_load_explicit (&handle->key, memory_order_acquire) != stream))
    return FALSE;
  if (G_UNLIKELY ((idle & (CIMPL_OWN_BUSY | CIMPL_OWN_CLAIMED)) != 0))
    return FALSE;
  if (G_UNLIKELY (!atomic_compare_exchange_strong_explicit (
          &handle->own, &idle, idle | CIMPL_OWN_BUSY, memory_order_seq_cst, memory_order_relaxed)))
    return FALSE;
  return TRUE;
}

/* Begins an operation on a handle that was claimed. */
static G_ALWAYS_INLINE inline CimplEntry
cimpl_handle_begin (CimplHandle *handle)
{
  /* After BUSY, in the one order of all: who closes or detaches looks for BUSY after his flag. */
  guint64 life = atomic_load_explicit (&handle->life, memory_order_seq_cst);

  cimpl_operation_link (handle);
  return G_UNLIKELY ((life & (CIMPL_LIFE_CLOSED | CIMPL_LIFE_DETACHED)) != 0) ? CIMPL_ENTERED_CLOSED
                                                                              : CIMPL_ENTERED;
}

/*
 * Begins an operation on @stream, which @handle was found for (or NULL). Returns the handle that
 * was entered, which owes a cimpl_handle_leave(), also if user code is unwound; or NULL if @entry
 * is neither CIMPL_ENTERED nor CIMPL_ENTERED_CLOSED. After the latter, no user code may run.
 * After CIMPL_REFUSED_BUSY, @busy is what was: nothing but that tells, once the pointer is stale.
 */
static G_ALWAYS_INLINE inline CimplHandle *
cimpl_handle_enter_or_name (CimplHandle *handle,
                            gpointer stream,
                            CimplEntry *entry,
                            CimplIncarnation *busy)
{
  if (G_UNLIKELY (handle == NULL) || G_UNLIKELY (!cimpl_handle_try_claim (handle, stream)))
    {
      /* Of their own, so that those of the caller stay in registers. */
      CimplEntry refusal = CIMPL_ENTERED;
      CimplIncarnation seen = { NULL, 0 };

      handle = cimpl_handle_claim_slow (handle, stream, &refusal, &seen);
      if (handle == NULL)
        {
          *entry = refusal;
          *busy = seen;
          return NULL;
        }
    }

  *entry = cimpl_handle_begin (handle);
  return handle;
}

/* The same for who keeps the stream, or does not mind which it is. */
static G_ALWAYS_INLINE inline CimplHandle *
cimpl_handle_enter (CimplHandle *handle, gpointer stream, CimplEntry *entry)
{
  CimplIncarnation busy;

  return cimpl_handle_enter_or_name (handle, stream, entry, &busy);
}

static inline void
cimpl_handle_leave (CimplHandle *handle)
{
  guint64 life;
  guint64 idle = atomic_load_explicit (&handle->own, memory_order_relaxed) & ~CIMPL_OWN_BUSY;

  cimpl_operation_end (handle);

  if (G_UNLIKELY (cimpl_leave_needs_fence))
    atomic_exchange_explicit (&handle->own, idle, memory_order_seq_cst);
  else
    atomic_store_explicit (&handle->own, idle, memory_order_release);

  life = atomic_load_explicit (&handle->life, memory_order_relaxed);
  if (G_LIKELY ((life & (CIMPL_LIFE_OWED | CIMPL_LIFE_PENDING | CIMPL_LIFE_AWAITED)) == 0))
    return;
  if ((life & CIMPL_LIFE_AWAITED) != 0)
    cimpl_handle_hand_over (handle);
  if ((life & (CIMPL_LIFE_OWED | CIMPL_LIFE_PENDING)) != 0)
    cimpl_handle_settle (handle, idle);
}

static inline void
cimpl_handle_auto_leave (CimplHandle **handle)
{
  cimpl_handle_leave (*handle);
}

static inline void
cimpl_handle_auto_unhold (CimplHandle **handle)
{
  cimpl_handle_unhold (*handle);
}

static inline void
cimpl_handle_auto_drop (CimplStream **stream)
{
  if (*stream != NULL)
    cimpl_handle_drop (*stream);
}

static inline void
cimpl_callout_auto_end (CimplHandle **callout)
{
  cimpl_callout_end (*callout);
}

/*
 * What ends an operation at the end of the block, however that is left: user code may throw, or be
 * cancelled. @handle must have been entered: to test it for NULL there costs more than all of this.
 */
#define CIMPL_AUTO_LEAVE(handle)                                                                   \
  __attribute__ ((cleanup (cimpl_handle_auto_leave))) G_GNUC_UNUSED CimplHandle *G_PASTE (         \
      leaving_at_, __LINE__)                                                                       \
      = (handle)
#define CIMPL_AUTO_DROP __attribute__ ((cleanup (cimpl_handle_auto_drop)))
#define CIMPL_AUTO_UNHOLD(handle)                                                                  \
  __attribute__ ((cleanup (cimpl_handle_auto_unhold))) G_GNUC_UNUSED CimplHandle *G_PASTE (        \
      held_at_, __LINE__)                                                                          \
      = (handle)
#define CIMPL_AUTO_END_CALLOUT(callout)                                                            \
  __attribute__ ((cleanup (cimpl_callout_auto_end))) G_GNUC_UNUSED CimplHandle *G_PASTE (          \
      ending_at_, __LINE__)                                                                        \
      = (callout)
#define CIMPL_AUTO_CALLOUT(stream) CIMPL_AUTO_END_CALLOUT (cimpl_callout_begin (stream))

#pragma GCC visibility pop
G_END_DECLS
