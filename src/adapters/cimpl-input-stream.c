/* SPDX-License-Identifier: MIT */

#include "config.h"

#include "cimplstream/cimpl-input-stream.h"

#include "adapters/cimpl-adapter-private.h"

#define SKIP_BLOCK 8192

/**
 * CimplInputStream:
 *
 * A #GInputStream that reads a [class@CimplStream.Stream], for whatever takes a #GInputStream.
 *
 * ```c
 * #include <cimplstream/cimplstream.h>
 * #include <stdio.h>
 *
 * static intptr_t
 * read_file (CimplStreamContext *context, uint8_t *data, size_t len)
 * {
 *   return (intptr_t) fread (data, 1, len, (FILE *) context);
 * }
 *
 * int
 * main (void)
 * {
 *   CimplStreamContext *file = (CimplStreamContext *) tmpfile ();
 *   CimplStream *plain = cimpl_stream_new (file, read_file, NULL, NULL, NULL);
 *   g_autoptr (CimplStream) base = cimpl_stream_take (plain);
 *   g_autoptr (GInputStream) input = cimpl_input_stream_new (base);
 *   g_autoptr (GDataInputStream) lines = g_data_input_stream_new (input);
 *   g_autofree char *line = NULL;
 *
 *   fputs ("a line\nanother\n", (FILE *) file);
 *   rewind ((FILE *) file);
 *   line = g_data_input_stream_read_line (lines, NULL, NULL, NULL);
 *   return g_strcmp0 (line, "a line") == 0 ? 0 : 1;
 * }
 * ```
 *
 * All errors are in %G_IO_ERROR, with the code that corresponds to the base's and the same message.
 * Reads are as short as those of the base. Asynchronous operations run in threads of GIO, so the
 * base is then called from a foreign thread, see [class@CimplStream.DispatchStream].
 *
 * The base serves one operation at a time, whoever asks for it: while another one runs, reading
 * fails with %G_IO_ERROR_PENDING at once.
 *
 * It is a #GSeekable, which can seek if the base can, and never truncates. g_seekable_tell() asks
 * the base; where that fails, as while the base is busy, the result is the position that was last
 * known, or 0.
 *
 * Closing leaves the base open, see [property@CimplStream.InputStream:close-base].
 *
 * Since: 1.0
 */

G_DEFINE_FINAL_TYPE_WITH_CODE (CimplInputStream,
                               cimpl_input_stream,
                               G_TYPE_INPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_SEEKABLE, cimpl_adapter_seekable_init))

static gssize
cimpl_input_stream_read (GInputStream *stream,
                         void *buffer,
                         gsize count,
                         GCancellable *cancellable,
                         GError **error)
{
  CimplInputStream *self = (CimplInputStream *) stream; /* the hot path: no type check */
  CimplHandle *handle;
  GError *base_error = NULL;
  gssize n_read = -1;

  handle = cimpl_adapter_enter (&self->adapter, CIMPL_KIND_READ, &base_error);
  if (handle != NULL)
    {
      CIMPL_AUTO_LEAVE (handle);
      n_read = cimpl_operation_read (handle, buffer, count, cancellable, &base_error);
    }
  if (G_UNLIKELY (n_read < 0))
    cimpl_adapter_take_error (base_error, error);
  return n_read;
}

/*
 * Skips without reading, if the base can seek: sets @n_skipped, to 0 where that leads nowhere.
 * FALSE if the base is no longer where it was, for which there is no remedy.
 */
static gboolean
skip_by_seeking (CimplHandle *handle,
                 gsize count,
                 gsize *n_skipped,
                 GCancellable *cancellable,
                 GError **error)
{
  gint64 start = cimpl_operation_seek (handle, 0, CIMPL_SEEK_MODE_CURRENT, cancellable, NULL);
  gint64 end, target;

  *n_skipped = 0;
  if (start < 0)
    return TRUE;
  end = cimpl_operation_seek (handle, 0, CIMPL_SEEK_MODE_END, cancellable, NULL);
  target = end > start ? start + (gint64) MIN (count, (guint64) (end - start)) : start;
  /* Go there whatever happened, and not only as long as nobody cancels. */
  if (target != end
      && cimpl_operation_seek (handle, target, CIMPL_SEEK_MODE_START, NULL, error) < 0)
    return FALSE;
  *n_skipped = (gsize) (target - start);
  return TRUE;
}

static gssize
skip_by_reading (CimplHandle *handle, gsize count, GCancellable *cancellable, GError **error)
{
  guint8 block[SKIP_BLOCK];
  GError *local_error = NULL;
  gsize done = 0;
  gssize n_read = 1;

  while (done < count && n_read > 0)
    {
      n_read = cimpl_operation_read (handle, block, MIN (count - done, sizeof block), cancellable,
                                     &local_error);
      if (n_read > 0)
        done += (gsize) n_read;
    }
  if (local_error == NULL)
    return (gssize) done;
  if (done == 0)
    {
      g_propagate_error (error, local_error);
      return -1;
    }
  /* As after a short read, the next operation meets the error again if it lasts. */
  g_error_free (local_error);
  return (gssize) done;
}

/* One operation of the base, so that nobody else meets the positions on the way. */
static gssize
cimpl_input_stream_skip (GInputStream *stream,
                         gsize count,
                         GCancellable *cancellable,
                         GError **error)
{
  CimplInputStream *self = CIMPL_INPUT_STREAM (stream);
  CimplHandle *handle;
  GError *base_error = NULL;
  gssize result = -1;

  handle = cimpl_adapter_enter (&self->adapter, CIMPL_KIND_SEEK, &base_error);
  if (handle != NULL)
    {
      CIMPL_AUTO_LEAVE (handle);
      gsize n_skipped;

      if (skip_by_seeking (handle, count, &n_skipped, cancellable, &base_error))
        /* At its end too: devices have data behind their size, which is 0. */
        result = n_skipped > 0 ? (gssize) n_skipped
                               : skip_by_reading (handle, count, cancellable, &base_error);
    }
  if (result < 0)
    cimpl_adapter_take_error (base_error, error);
  return result;
}

static gboolean
cimpl_input_stream_close (GInputStream *stream, GCancellable *cancellable, GError **error)
{
  return cimpl_adapter_close (&CIMPL_INPUT_STREAM (stream)->adapter, cancellable, error);
}

static void
cimpl_input_stream_class_init (CimplInputStreamClass *klass)
{
  GInputStreamClass *stream_class = G_INPUT_STREAM_CLASS (klass);

  stream_class->read_fn = cimpl_input_stream_read;
  stream_class->skip = cimpl_input_stream_skip;
  stream_class->close_fn = cimpl_input_stream_close;

  /**
   * CimplInputStream:base:
   *
   * The stream that is read.
   *
   * Since: 1.0
   */

  /**
   * CimplInputStream:close-base:
   *
   * Whether closing this stream closes [property@CimplStream.InputStream:base], too.
   *
   * Since: 1.0
   */
  cimpl_adapter_class_init (G_OBJECT_CLASS (klass));
}

static void
cimpl_input_stream_init (CimplInputStream *self)
{
}

/**
 * cimpl_input_stream_new: (constructor)
 * @base: the stream to read
 *
 * Makes a #GInputStream that reads @base, from its current position on.
 *
 * Returns: (transfer full): a new input stream
 *
 * Since: 1.0
 */
GInputStream *
cimpl_input_stream_new (CimplStream *base)
{
  g_return_val_if_fail (CIMPL_IS_STREAM (base), NULL);

  return g_object_new (CIMPL_TYPE_INPUT_STREAM, "base", base, NULL);
}
