/* SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS
#pragma GCC visibility push(hidden)

/*
 * A function call on its way from one thread to the GMainContext of another, while the first one
 * waits. The data is that of the thread that runs it, and when that is done, the caller's again. A
 * caller who has left before leaves it to the task.
 */
typedef struct _CimplDispatchTask CimplDispatchTask;

typedef gboolean (*CimplDispatchFunc) (gpointer data, GCancellable *cancellable, GError **error);

CimplDispatchTask *
cimpl_dispatch_task_new (CimplDispatchFunc func, gpointer data, GDestroyNotify free_data);
void cimpl_dispatch_task_unref (CimplDispatchTask *task);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CimplDispatchTask, cimpl_dispatch_task_unref)
gboolean cimpl_dispatch_task_run (CimplDispatchTask *task,
                                  GMainContext *context,
                                  gboolean must_run,
                                  gint timeout_ms,
                                  GCancellable *cancellable,
                                  GError **error);

#pragma GCC visibility pop
G_END_DECLS
