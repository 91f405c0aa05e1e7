/* SPDX-License-Identifier: MIT */

/* The methods of CimplStream that repeat an operation until all is done. */

#include "config.h"

#include "core/cimpl-stream-private.h"

#include "core/cimpl-stream-error-private.h"

#define FIRST_BLOCK 8192
#define COPY_BLOCK (256 * 1024)

/* Prefixes an error with how far a transfer came. */
static void
prefix_progress (GError **error, const char *verb, guint64 done)
{
  g_prefix_error (error, "%s %" G_GUINT64_FORMAT " bytes, then: ", verb, done);
}

static gboolean
cimpl_operation_read_all (CimplHandle *handle,
                          guint8 *buffer,
                          gsize count,
                          gsize *n_read,
                          GCancellable *cancellable,
                          GError **error)
{
  while (*n_read < count)
    {
      gssize n
          = cimpl_operation_read (handle, buffer + *n_read, count - *n_read, cancellable, error);

      if (n <= 0)
        return n == 0;
      *n_read += (gsize) n;
    }
  return TRUE;
}

static GError *
new_full (CimplStream *self)
{
  return g_error_new (CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_IO_OPERATION, "%s takes no more data",
                      G_OBJECT_TYPE_NAME (self));
}

static gboolean
cimpl_operation_write_all (CimplHandle *handle,
                           const guint8 *data,
                           gsize count,
                           gsize *n_written,
                           GCancellable *cancellable,
                           GError **error)
{
  while (*n_written < count)
    {
      gssize n = cimpl_operation_write (handle, data + *n_written, count - *n_written, cancellable,
                                        error);

      if (n == 0)
        return cimpl_operation_end_failed (
            handle, CIMPL_KIND_WRITE, new_full (cimpl_handle_get_stream (handle)), NULL, error);
      if (n < 0)
        return FALSE;
      *n_written += (gsize) n;
    }
  return TRUE;
}

/**
 * cimpl_stream_try_read_all: (skip)
 * @self: a stream
 * @buffer: (out caller-allocates) (array length=count) (element-type guint8): where to put the
 *   data
 * @count: how many bytes to read
 * @bytes_read: (out) (optional): return location for the number of bytes read; set on error too
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Reads until @buffer is full or the data ends.
 *
 * The end of the data is no error: @bytes_read is then less than @count. The whole is one
 * operation of the stream.
 *
 * Fails with %CIMPL_STREAM_ERROR_NOT_SUPPORTED on a stream that cannot be read.
 *
 * Returns: whether nothing failed
 *
 * Since: 1.0
 */
gboolean
cimpl_stream_try_read_all (CimplStream *self,
                           void *buffer,
                           gsize count,
                           gsize *bytes_read,
                           GCancellable *cancellable,
                           GError **error)
{
  CimplHandle *handle;
  gsize done = 0;
  gboolean success = FALSE;

  if (bytes_read != NULL)
    *bytes_read = 0;
  g_return_val_if_fail (buffer != NULL || count == 0, FALSE);

  handle = cimpl_stream_enter (self, CIMPL_KIND_READ, G_STRFUNC, error);
  if (handle != NULL)
    {
      CIMPL_AUTO_LEAVE (handle);
      success = cimpl_operation_read_all (handle, buffer, count, &done, cancellable, error);
    }
  if (bytes_read != NULL)
    *bytes_read = done;
  if (!success)
    prefix_progress (error, "Read", done);
  return success;
}

static gboolean
grow (guint8 **data, gsize *allocated, gsize wanted, GError **error)
{
  guint8 *larger = g_try_realloc (*data, wanted);

  if (larger == NULL)
    {
      g_set_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NO_SPACE,
                   "No memory for %" G_GSIZE_FORMAT " bytes", wanted);
      return FALSE;
    }
  *data = larger;
  *allocated = wanted;
  return TRUE;
}

static GBytes *
cimpl_operation_read_to_end (CimplHandle *handle,
                             gsize limit,
                             GCancellable *cancellable,
                             GError **error)
{
  g_autofree guint8 *data = NULL;
  gsize allocated = 0;
  gsize done = 0;

  for (;;)
    {
      gssize n;

      /* One byte above the limit is asked for: only reading it shows that there is one. */
      if (done == allocated
          && !grow (&data, &allocated,
                    MIN (MAX (FIRST_BLOCK, 2 * allocated), limit < G_MAXSSIZE ? limit + 1 : limit),
                    error))
        break;
      n = cimpl_operation_read (handle, data + done, allocated - done, cancellable, error);
      if (n < 0)
        break;
      done += (gsize) n;
      if (done > limit)
        {
          g_set_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NO_SPACE,
                       "There is more than the limit of %" G_GSIZE_FORMAT " bytes", limit);
          break;
        }
      if (n == 0)
        {
          if (done < allocated)
            data = g_realloc (data, done);
          return g_bytes_new_take (g_steal_pointer (&data), done);
        }
    }
  prefix_progress (error, "Read", done);
  return NULL;
}

/**
 * cimpl_stream_try_read_to_end: (rename-to cimpl_stream_read_to_end)
 * @self: a stream
 * @limit: how many bytes to accept at most
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Reads all data up to its end. The whole is one operation of the stream.
 *
 * Fails with %CIMPL_STREAM_ERROR_NO_SPACE if there is more than @limit bytes, rather than cutting
 * the data, and with %CIMPL_STREAM_ERROR_NOT_SUPPORTED on a stream that cannot be read. Whatever
 * the error, what was read before it is lost.
 *
 * Returns: (transfer full): the data, or `NULL` on error
 *
 * Since: 1.0
 */
GBytes *
cimpl_stream_try_read_to_end (CimplStream *self,
                              gsize limit,
                              GCancellable *cancellable,
                              GError **error)
{
  CimplHandle *handle;

  handle = cimpl_stream_enter (self, CIMPL_KIND_READ, G_STRFUNC, error);
  if (handle == NULL)
    return NULL;
  CIMPL_AUTO_LEAVE (handle);
  return cimpl_operation_read_to_end (handle, limit, cancellable, error);
}

/**
 * cimpl_stream_try_write_all: (rename-to cimpl_stream_write_all)
 * @self: a stream
 * @data: (array length=count) (element-type guint8): the data
 * @count: how many bytes @data has
 * @bytes_written: (out) (optional): return location for the number of bytes written; set on error
 *   too
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Writes all of @data, in as many steps as the stream needs. The whole is one operation of the
 * stream.
 *
 * Fails with %CIMPL_STREAM_ERROR_NOT_SUPPORTED on a stream that cannot be written, and with
 * %CIMPL_STREAM_ERROR_IO_OPERATION if it takes nothing in one of the steps.
 *
 * Returns: whether all was written
 *
 * Since: 1.0
 */
gboolean
cimpl_stream_try_write_all (CimplStream *self,
                            const void *data,
                            gsize count,
                            gsize *bytes_written,
                            GCancellable *cancellable,
                            GError **error)
{
  CimplHandle *handle;
  gsize done = 0;
  gboolean success = FALSE;

  if (bytes_written != NULL)
    *bytes_written = 0;
  g_return_val_if_fail (data != NULL || count == 0, FALSE);

  handle = cimpl_stream_enter (self, CIMPL_KIND_WRITE, G_STRFUNC, error);
  if (handle != NULL)
    {
      CIMPL_AUTO_LEAVE (handle);
      success = cimpl_operation_write_all (handle, data, count, &done, cancellable, error);
    }
  if (bytes_written != NULL)
    *bytes_written = done;
  if (!success)
    prefix_progress (error, "Wrote", done);
  return success;
}

/* How much there is to copy, for progress reports: -1 if the source does not know. */
static gint64
get_total (CimplHandle *source, gint64 limit)
{
  gint64 position = cimpl_operation_seek (source, 0, CIMPL_SEEK_MODE_CURRENT, NULL, NULL);
  gint64 size = position < 0 ? -1 : cimpl_operation_get_size (source, NULL, NULL);

  if (size < 0)
    return -1;
  size = MAX (size - position, 0);
  return limit < 0 ? size : MIN (size, limit);
}

/* Copies by reading and writing. What was read but could not be written is given back. */
static gboolean
copy_blocks (CimplHandle *source,
             CimplHandle *target,
             gint64 limit,
             GFileProgressCallback progress,
             gpointer progress_data,
             gint64 *n_copied,
             GCancellable *cancellable,
             GError **error)
{
  g_autofree guint8 *block = g_malloc (COPY_BLOCK);
  gint64 total = progress != NULL ? get_total (source, limit) : -1;

  for (;;)
    {
      gsize wanted = COPY_BLOCK;
      gsize n_written = 0;
      gssize n_read;
      gboolean success;

      if (limit >= 0)
        wanted = (gsize) MIN ((gint64) wanted, limit - *n_copied);
      cimpl_operation_raise (source);
      n_read = cimpl_operation_read (source, block, wanted, cancellable, error);
      if (n_read <= 0)
        return n_read == 0;

      cimpl_operation_raise (target);
      success = cimpl_operation_write_all (target, block, (gsize) n_read, &n_written, cancellable,
                                           error);
      *n_copied += (gint64) n_written;
      if (progress != NULL)
        progress (*n_copied, total, progress_data);
      if (!success)
        {
          gint64 rest = n_read - (gint64) n_written;

          cimpl_operation_raise (source);
          if (cimpl_operation_seek (source, -rest, CIMPL_SEEK_MODE_CURRENT, NULL, NULL) < 0)
            g_prefix_error (error, "%" G_GINT64_FORMAT " bytes were read and not written: ", rest);
          return FALSE;
        }
    }
}

/* Copies in the way of the source's class, or else by reading and writing. */
static gboolean
cimpl_operation_copy (CimplHandle *source,
                      CimplStream *target,
                      gint64 limit,
                      GFileProgressCallback progress,
                      gpointer progress_data,
                      gint64 *n_copied,
                      GCancellable *cancellable,
                      GError **error)
{
  CimplHandle *target_handle;
  GError *slot_error = NULL;

  if (cimpl_operation_copy_to (source, target, limit, progress, progress_data, n_copied,
                               cancellable, &slot_error))
    return TRUE;
  if (*n_copied > 0
      || !g_error_matches (slot_error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NOT_SUPPORTED))
    {
      g_propagate_error (error, slot_error);
      return FALSE;
    }
  g_error_free (slot_error);

  target_handle = cimpl_stream_enter (target, CIMPL_KIND_WRITE, G_STRFUNC, error);
  if (target_handle == NULL)
    return FALSE;
  CIMPL_AUTO_LEAVE (target_handle);
  return copy_blocks (source, target_handle, limit, progress, progress_data, n_copied, cancellable,
                      error);
}

/**
 * cimpl_stream_try_copy: (rename-to cimpl_stream_copy)
 * @self: the stream to read from
 * @target: the stream to write to
 * @limit: how many bytes to copy at most, or -1 for all up to the end
 * @progress: (nullable) (scope call) (closure progress_data): called after each block with the
 *   bytes copied so far and in total, or -1 where that is not known
 * @progress_data: data for @progress
 * @bytes_copied: (out) (optional): return location for the number of bytes copied; set on error
 *   too
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Copies from the position of @self to that of @target. The whole is one operation of both.
 *
 * Fails with %CIMPL_STREAM_ERROR_NOT_SUPPORTED if @self cannot be read or @target cannot be
 * written, and with %CIMPL_STREAM_ERROR_INVALID_ARGUMENT if they are the same stream.
 *
 * When @target fails, what was already read from @self and not yet written is given back by a
 * seek; where @self cannot seek, the error says how many bytes that were.
 *
 * Returns: whether all was copied
 *
 * Since: 1.0
 */
gboolean
cimpl_stream_try_copy (CimplStream *self,
                       CimplStream *target,
                       gint64 limit,
                       GFileProgressCallback progress,
                       gpointer progress_data,
                       gint64 *bytes_copied,
                       GCancellable *cancellable,
                       GError **error)
{
  CimplHandle *handle = NULL;
  g_autoptr (GError) local_error = NULL;
  gint64 done = 0;
  gboolean success = FALSE;

  if (bytes_copied != NULL)
    *bytes_copied = 0;
  g_return_val_if_fail (CIMPL_IS_STREAM (self), FALSE);
  g_return_val_if_fail (CIMPL_IS_STREAM (target), FALSE);

  if (self == target)
    g_set_error_literal (&local_error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_ARGUMENT,
                         "A stream cannot be copied onto itself");
  else
    handle = cimpl_stream_enter (self, CIMPL_KIND_READ, G_STRFUNC, &local_error);
  if (handle != NULL)
    {
      CIMPL_AUTO_LEAVE (handle);
      success = cimpl_operation_copy (handle, target, limit, progress, progress_data, &done,
                                      cancellable, &local_error);
    }

  if (bytes_copied != NULL)
    *bytes_copied = done;
  if (success)
    return TRUE;
  prefix_progress (&local_error, "Copied", (guint64) done);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}
