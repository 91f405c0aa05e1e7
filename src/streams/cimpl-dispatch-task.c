/* SPDX-License-Identifier: MIT */

#include "config.h"

#include "streams/cimpl-dispatch-task-private.h"

#include "core/cimpl-stream-error-private.h"

#include <errno.h>
#include <stdatomic.h>

typedef enum
{
  QUEUED,
  RUNNING,
  DONE,
  WITHDRAWN, /* will not run, as its caller has left */
  DROPPED,   /* will not run, as its source was destroyed */
} State;

/* Who moves the state on from QUEUED decides whether the task runs. */
struct _CimplDispatchTask
{
  _Atomic guint ref_count;
  _Atomic State state;
  GMutex lock; /* for waiting only: the caller is woken under it */
  GCond changed;

  CimplDispatchFunc func;
  gpointer data;
  GDestroyNotify free_data;
  gboolean must_run;
  GCancellable *cancellable; /* (owned) (nullable): NULL once done */
  gboolean success;
  GError *error; /* (owned) */
};

/* Takes @data. */
CimplDispatchTask *
cimpl_dispatch_task_new (CimplDispatchFunc func, gpointer data, GDestroyNotify free_data)
{
  CimplDispatchTask *task = g_new0 (CimplDispatchTask, 1);

  g_mutex_init (&task->lock);
  g_cond_init (&task->changed);
  task->func = func;
  task->data = data;
  task->free_data = free_data;
  atomic_store (&task->ref_count, 1);
  return task;
}

static CimplDispatchTask *
cimpl_dispatch_task_ref (CimplDispatchTask *task)
{
  atomic_fetch_add (&task->ref_count, 1);
  return task;
}

void
cimpl_dispatch_task_unref (CimplDispatchTask *task)
{
  if (atomic_fetch_sub (&task->ref_count, 1) > 1)
    return;
  task->free_data (task->data);
  g_clear_object (&task->cancellable);
  g_clear_error (&task->error);
  g_mutex_clear (&task->lock);
  g_cond_clear (&task->changed);
  g_free (task);
}

/* Moves a task on that has not begun; FALSE if it has, or never will. */
static gboolean
claim (CimplDispatchTask *task, State state)
{
  State expected = QUEUED;

  return atomic_compare_exchange_strong (&task->state, &expected, state);
}

static void
wake_caller (CimplDispatchTask *task)
{
  g_mutex_lock (&task->lock);
  g_cond_signal (&task->changed);
  g_mutex_unlock (&task->lock);
}

/* Also when user code was left by an exception: somebody is waiting. */
static void
finish (CimplDispatchTask **running)
{
  CimplDispatchTask *task = *running;

  if (!task->success && task->error == NULL)
    task->error = g_error_new_literal (CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_IO_OPERATION,
                                       "The operation did not return");
  g_clear_object (&task->cancellable); /* before the caller may expect to have the last reference */
  atomic_store (&task->state, DONE);
  wake_caller (task);
}

static void
run (CimplDispatchTask *task)
{
  __attribute__ ((cleanup (finish))) CimplDispatchTask *running = task;

  running->success = running->func (running->data, running->cancellable, &running->error);
}

static gboolean
source_dispatched (gpointer user_data)
{
  /* The source has one, but what GLib does to keep that is nothing that sanitizers see. */
  g_autoptr (CimplDispatchTask) task = cimpl_dispatch_task_ref (user_data);

  if (claim (task, RUNNING))
    run (task);
  return G_SOURCE_REMOVE;
}

static void
source_destroyed (gpointer user_data)
{
  CimplDispatchTask *task = user_data;

  if (claim (task, DROPPED))
    wake_caller (task);
  cimpl_dispatch_task_unref (task);
}

static void
cancelled (GCancellable *cancellable, CimplDispatchTask *task)
{
  wake_caller (task);
}

/*
 * The priority is that of events. A thread is waiting, so idle work and redrawing come later; but
 * one that reads byte by byte must not keep events out, as it would with a higher priority. With
 * the same one, each iteration of the context serves both.
 */
static GSource *
attach (CimplDispatchTask *task, GMainContext *context)
{
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "CimplDispatchStream");
  g_source_set_callback (source, source_dispatched, cimpl_dispatch_task_ref (task),
                         source_destroyed);
  g_source_attach (source, context);
  return source;
}

static void
set_timed_out (GError **error, gint timeout_ms)
{
  g_autofree char *message
      = g_strdup_printf ("The main context did not begin the operation within %d ms", timeout_ms);

  g_propagate_error (error, cimpl_error_new_from_errno (ETIMEDOUT, message));
}

/* FALSE with @error set if there is no point in waiting any more. */
static gboolean
wait_for_end (CimplDispatchTask *task, gint timeout_ms, GCancellable *cancellable, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + (gint64) timeout_ms * 1000;
  gboolean is_late = FALSE;
  gboolean is_cancelled = FALSE;
  State state;

  g_mutex_lock (&task->lock);
  while ((state = atomic_load (&task->state)) == QUEUED || state == RUNNING)
    {
      is_cancelled = g_cancellable_is_cancelled (cancellable);
      if (is_cancelled && !task->must_run)
        claim (task, WITHDRAWN);
      if (is_cancelled)
        break;

      /* If it begins right now, it has to be waited for: it may use the caller's memory. */
      if (is_late && state == QUEUED && (task->must_run || claim (task, WITHDRAWN)))
        break;

      if (is_late || timeout_ms < 0)
        g_cond_wait (&task->changed, &task->lock);
      else
        is_late = !g_cond_wait_until (&task->changed, &task->lock, deadline);
    }
  g_mutex_unlock (&task->lock);

  if (state == DONE)
    return TRUE;
  if (state == DROPPED)
    g_set_error_literal (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_IO_OPERATION,
                         "The main context has dropped the operation");
  else if (is_cancelled)
    g_set_error_literal (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CANCELLED,
                         "The operation was cancelled");
  else
    set_timed_out (error, timeout_ms);
  return FALSE;
}

/*
 * Runs the task in @context, once, and waits for its end. The caller gives up when the task has
 * not begun after @timeout_ms (negative: never), and when @cancellable is cancelled; only then the
 * task can still run when this returns, but it will not begin. With @must_run it will even begin,
 * after either, if the context ever comes to that.
 */
gboolean
cimpl_dispatch_task_run (CimplDispatchTask *task,
                         GMainContext *context,
                         gboolean must_run,
                         gint timeout_ms,
                         GCancellable *cancellable,
                         GError **error)
{
  g_autoptr (GSource) source = NULL;
  gulong cancelled_id = 0;
  gboolean is_done;

  task->must_run = must_run;
  g_set_object (&task->cancellable, cancellable);
  atomic_store (&task->state, QUEUED); /* what is above is seen by who moves it on */
  source = attach (task, context);
  if (cancellable != NULL)
    cancelled_id = g_cancellable_connect (cancellable, G_CALLBACK (cancelled),
                                          cimpl_dispatch_task_ref (task),
                                          (GDestroyNotify) cimpl_dispatch_task_unref);

  is_done = wait_for_end (task, timeout_ms, cancellable, error);

  /* g_cancellable_disconnect() would wait for all its handlers, and one may wait for us. */
  g_clear_signal_handler (&cancelled_id, cancellable);
  if (atomic_load (&task->state) == WITHDRAWN)
    g_source_destroy (source);
  if (!is_done)
    return FALSE;
  if (task->error != NULL)
    g_propagate_error (error, g_steal_pointer (&task->error));
  return task->success;
}
