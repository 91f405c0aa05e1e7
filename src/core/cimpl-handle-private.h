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
 *  life  generation | plain references | flags.
 *  key   the address of the stream, or NULL.
 *
 * The generation goes up when the handle is recycled, so a compare-and-swap that succeeds proves
 * that the handle still belongs to the stream it was found for.
 *
 * All plain references together own one GObject reference. It is taken and dropped only between
 * operations, when nothing else can happen to the stream:
 *
 *  OWED     the first plain reference was added, its GObject reference is yet to be taken
 *  PENDING  a GObject reference is to be dropped
 *  DISPOSE  dispose was put off, and is to be run when a PENDING reference is dropped
 *  REVIVED  with DISPOSE: by the last g_object_unref(), and not by g_object_run_dispose()
 *  DYING    dispose has found no plain reference, and from now on there will be none
 *
 * Who sets OWED or PENDING then looks for BUSY; who leaves an operation clears BUSY and then looks
 * for these flags; whoever finds both conditions met settles it. The leaver's two steps have no
 * barrier between them, which would cost more than all the rest of them; the other one makes up
 * for it with membarrier(2).
 */

typedef struct _CimplHandle CimplHandle;
typedef struct _CimplFrame CimplFrame;
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

  /* Touched only by the operation that runs; here because this cache line is at hand. */
  _Atomic CimplReadFunc read; /* of the class, once it is known to be the slot that serves */
  gboolean is_dirty;          /* written since the last flush */
  gboolean in_default_read;   /* a default reads with the other slot, and must not be called back */

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

/* An operation that runs in this thread; the innermost one first. */
struct _CimplFrame
{
  CimplFrame *outer;
  CimplHandle *handle;
  gpointer stream;
  GError *last;    /* (owned): the last error of calls made by user code inside this operation */
  GError *pending; /* (owned): what user code says went wrong, until it returns */
};

typedef enum
{
  CIMPL_ENTERED,
  CIMPL_ENTERED_CLOSED,
  CIMPL_REFUSED_BUSY,
  CIMPL_REFUSED_INVALID_HANDLE,
  CIMPL_REFUSED_WRONG_HANDLE_TYPE,
  CIMPL_REFUSED_TOO_MANY_REFERENCES,
} CimplEntry;

extern gboolean cimpl_leave_needs_fence;
extern _Thread_local CimplFrame *cimpl_frame_top __attribute__ ((tls_model ("initial-exec")));

void cimpl_registry_lock (void);
void cimpl_registry_unlock (void);
guint64 cimpl_handle_get_generation (CimplHandle *handle);

CimplHandle *cimpl_handle_new (gpointer stream, gboolean has_reference);
void cimpl_handle_retire (CimplHandle *handle);
gboolean cimpl_handle_is_inherited (CimplHandle *handle);

void cimpl_frame_clear (CimplFrame *frame);

CimplHandle *
cimpl_handle_claim_slow (CimplHandle *handle, gconstpointer stream, CimplEntry *refusal);
void cimpl_handle_settle (CimplHandle *handle, guint64 idle);
void cimpl_handle_dispose_later (CimplHandle *handle);
gboolean cimpl_handle_doom (CimplHandle *handle);
gboolean cimpl_handle_is_mine (CimplHandle *handle);
gboolean cimpl_handle_wait_idle (CimplHandle *handle, gint timeout_ms);

CimplEntry cimpl_handle_ref (gpointer pointer);
gboolean cimpl_handle_unref (gpointer pointer);
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

/* Runs user code that may use streams itself, without disturbing the thread's last error. */
static inline void
cimpl_frame_push (CimplFrame *frame, CimplHandle *handle, gpointer stream)
{
  frame->handle = handle;
  frame->stream = stream;
  frame->last = NULL;
  frame->pending = NULL;
  frame->outer = cimpl_frame_top;
  cimpl_frame_top = frame;
}

static inline void
cimpl_frame_pop (CimplFrame *frame)
{
  cimpl_frame_top = frame->outer;
  if (G_UNLIKELY (((guintptr) frame->last | (guintptr) frame->pending) != 0)) /* one branch */
    cimpl_frame_clear (frame);
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

/*
 * Begins an operation on @stream, which @handle was found for (or NULL). Only CIMPL_ENTERED and
 * CIMPL_ENTERED_CLOSED owe a cimpl_handle_leave(); after the second, no user code may run.
 */
static inline CimplEntry
cimpl_handle_enter (CimplHandle *handle, gpointer stream, CimplFrame *frame)
{
  guint64 life;

  if (G_UNLIKELY (handle == NULL) || G_UNLIKELY (!cimpl_handle_try_claim (handle, stream)))
    {
      CimplEntry refusal;

      handle = cimpl_handle_claim_slow (handle, stream, &refusal);
      if (handle == NULL)
        return refusal;
    }

  /* After BUSY, in the one order of all: who closes or detaches looks for BUSY after his flag. */
  life = atomic_load_explicit (&handle->life, memory_order_seq_cst);
  cimpl_frame_push (frame, handle, stream);
  if (G_UNLIKELY ((life & (CIMPL_LIFE_CLOSED | CIMPL_LIFE_DETACHED)) != 0))
    return CIMPL_ENTERED_CLOSED;
  return CIMPL_ENTERED;
}

static inline void
cimpl_handle_leave (CimplFrame *frame)
{
  CimplHandle *handle = frame->handle;
  guint64 idle = atomic_load_explicit (&handle->own, memory_order_relaxed) & ~CIMPL_OWN_BUSY;

  cimpl_frame_pop (frame);

  if (G_UNLIKELY (cimpl_leave_needs_fence))
    atomic_exchange_explicit (&handle->own, idle, memory_order_seq_cst);
  else
    atomic_store_explicit (&handle->own, idle, memory_order_release);

  if (G_UNLIKELY ((atomic_load_explicit (&handle->life, memory_order_relaxed)
                   & (CIMPL_LIFE_OWED | CIMPL_LIFE_PENDING))
                  != 0))
    cimpl_handle_settle (handle, idle);
}

#pragma GCC visibility pop
G_END_DECLS
