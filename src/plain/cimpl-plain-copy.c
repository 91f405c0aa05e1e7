/* SPDX-License-Identifier: MIT */

/* Copying, in the plain C API. */

#include "config.h"

#include "plain/cimpl-last-error-private.h"
#include "core/cimpl-handle-private.h"
#include "cimplstream/cimpl-stream-error.h"
#include "cimplstream/cimpl-stream.h"

typedef struct
{
  CimplProgressCallback progress;
  CimplStreamContext *context;
  GCancellable *cancellable;
} Progress;

static void
report_progress (goffset done, goffset total, gpointer user_data)
{
  Progress *self = user_data;

  if (self->progress (self->context, done, total) != 0)
    g_cancellable_cancel (self->cancellable);
}

/**
 * cimpl_stream_copy: (skip)
 * @source: the stream to read from
 * @target: the stream to write to
 * @limit: how many bytes to copy at most, or -1 for all up to the end
 * @progress: (nullable): called after each block, and able to end the copy
 * @context: (nullable): for @progress
 * @copied: (out) (optional): return location for the number of bytes copied, set on error too
 *
 * Copies from the position of @source to that of @target. The whole is one operation of both.
 *
 * When @target fails, what was already read from @source and not yet written is given back by a
 * seek; where @source cannot seek, the error says how many bytes that were.
 *
 * Returns: 0 if all was copied, or -1
 *
 * Since: 1.0
 */
int32_t
cimpl_stream_copy (CimplStream *source,
                   CimplStream *target,
                   int64_t limit,
                   CimplProgressCallback progress,
                   CimplStreamContext *context,
                   int64_t *copied)
{
  CIMPL_AUTO_DROP CimplStream *held_source = NULL;
  CIMPL_AUTO_DROP CimplStream *held_target = NULL;
  g_autoptr (GCancellable) cancellable = progress != NULL ? g_cancellable_new () : NULL;
  Progress self = { progress, context, cancellable };
  GError *error = NULL;

  if (copied != NULL)
    *copied = 0;
  held_source = cimpl_stream_try_from_handle ((guintptr) source, &error);
  if (held_source != NULL)
    held_target = cimpl_stream_try_from_handle ((guintptr) target, &error);
  if (held_target != NULL
      && cimpl_stream_try_copy (source, target, limit, progress != NULL ? report_progress : NULL,
                                &self, copied, cancellable, &error))
    return 0;

  cimpl_set_last_error (error);
  return -1;
}
