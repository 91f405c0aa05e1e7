/* SPDX-License-Identifier: MIT */

/* Copying between two descriptors inside the kernel. */

#define _GNU_SOURCE /* copy_file_range */

#include "config.h"

#include "streams/cimpl-file-stream-private.h"

#include "streams/cimpl-signal-guard-private.h"
#include "core/cimpl-stream-private.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

/* Large enough not to cost anything, small enough to be cancelled between two of them. */
#define COPY_PIECE (8 * 1024 * 1024)

static gboolean
can_copy (CimplFileStream *source, CimplFileStream *target, GCancellable *cancellable)
{
  return source->backend == &cimpl_file_descriptor_backend
         && target->backend == &cimpl_file_descriptor_backend
         && source->is_regular
         /* Whatever else may have to be waited for, and only write() can be interrupted then. */
         && (target->is_regular || cancellable == NULL);
}

/* How much there is to copy, for progress reports: -1 if that is not known. */
static gint64
get_total (int fd, gint64 limit)
{
  struct stat status;
  gint64 position = lseek (fd, 0, SEEK_CUR);

  if (position == -1 || fstat (fd, &status) != 0)
    return -1;
  position = MAX (status.st_size - position, 0);
  return limit < 0 ? position : MIN (position, limit);
}

/* Whatever copy_file_range() fails with, sendfile() can do it, or fails as well. */
static gssize
copy_piece (int source, int target, gsize count, gboolean *use_sendfile)
{
  if (!*use_sendfile)
    {
      gssize n = copy_file_range (source, NULL, target, NULL, count, 0);

      if (n >= 0 || errno == EINTR)
        return n;
      *use_sendfile = TRUE;
    }
  return sendfile (target, source, NULL, count);
}

/* Either of them may be what is wrong. */
static gboolean
fail_midway (CimplFileStream *source, CimplFileStream *target, int errnum, GError **error)
{
  g_autofree char *name = cimpl_file_stream_dup_name (target);
  g_autofree char *what = g_strdup_printf ("copied to %s", name);

  return cimpl_file_stream_fail (source, what, errnum, error);
}

static gboolean
copy (CimplFileStream *source,
      CimplFileStream *target,
      gint64 limit,
      GFileProgressCallback progress,
      gpointer progress_data,
      gint64 *n_copied,
      GCancellable *cancellable,
      GError **error)
{
  gint64 total = progress != NULL ? get_total (source->fd, limit) : -1;
  gboolean use_sendfile = FALSE;

  while (limit < 0 || *n_copied < limit)
    {
      gsize count = limit < 0 ? COPY_PIECE : (gsize) MIN (COPY_PIECE, limit - *n_copied);
      CimplSignalGuard guard;
      gssize n;

      if (!cimpl_check_not_cancelled (cancellable, error))
        return FALSE;

      cimpl_signal_guard_begin (&guard, target->signal);
      n = copy_piece (source->fd, target->fd, count, &use_sendfile);
      cimpl_signal_guard_end (&guard, n != (gssize) count);

      if (n < 0 && errno == EINTR)
        continue;
      /* Reading and writing will show what is wrong, or the data of a file that claims no size. */
      if (n <= 0 && *n_copied == 0)
        return cimpl_file_stream_fail (source, "copied faster", ENOTSUP, error);
      if (n < 0)
        return fail_midway (source, target, errno, error);
      if (n == 0)
        return TRUE;

      *n_copied += n;
      if (progress != NULL)
        progress (*n_copied, total, progress_data);
    }
  return TRUE;
}

gboolean
cimpl_file_stream_copy_to (CimplStream *stream,
                           CimplStream *target,
                           gint64 limit,
                           GFileProgressCallback progress,
                           gpointer progress_data,
                           gint64 *n_copied,
                           GCancellable *cancellable,
                           GError **error)
{
  CimplFileStream *self = CIMPL_FILE_STREAM (stream);
  CimplHandle *handle = NULL;
  CimplEntry entry;
  GError *failure = NULL;
  gboolean success;

  *n_copied = 0;
  if (CIMPL_IS_FILE_STREAM (target) && can_copy (self, CIMPL_FILE_STREAM (target), cancellable))
    handle = cimpl_handle_enter (cimpl_stream_get_handle (target), target, &entry);
  if (handle == NULL)
    return cimpl_file_stream_fail (self, "copied faster", ENOTSUP, error);
  CIMPL_AUTO_LEAVE (handle);
  if (entry == CIMPL_ENTERED_CLOSED) /* writing will show that, as what is the target's fault */
    return cimpl_file_stream_fail (self, "copied faster", ENOTSUP, error);
  success = copy (self, CIMPL_FILE_STREAM (target), limit, progress, progress_data, n_copied,
                  cancellable, &failure);
  if (success)
    cimpl_failure_recover (handle, CIMPL_KIND_WRITE);
  else if (*n_copied == 0) /* it may be copied otherwise */
    g_propagate_error (error, failure);
  else
    cimpl_operation_end_failed (handle, CIMPL_KIND_WRITE, failure, cancellable, error);
  return success;
}
