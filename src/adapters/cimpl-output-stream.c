/* SPDX-License-Identifier: MIT */

#include "config.h"

#include "cimplstream/cimpl-output-stream.h"

#include "adapters/cimpl-adapter-private.h"

/**
 * CimplOutputStream:
 *
 * A #GOutputStream that writes to a [class@CimplStream.Stream], for whatever takes a
 * #GOutputStream.
 *
 * ```c
 * #include <cimplstream/cimplstream.h>
 *
 * static intptr_t
 * append (CimplStreamContext *context, const uint8_t *data, size_t len)
 * {
 *   g_string_append_len ((GString *) context, (const char *) data, (gssize) len);
 *   return (intptr_t) len;
 * }
 *
 * int
 * main (void)
 * {
 *   g_autoptr (GString) text = g_string_new (NULL);
 *   CimplStream *plain = cimpl_stream_new ((CimplStreamContext *) text, NULL, NULL, append, NULL);
 *   g_autoptr (CimplStream) base = cimpl_stream_take (plain);
 *   g_autoptr (GOutputStream) output = cimpl_output_stream_new (base);
 *
 *   if (!g_output_stream_printf (output, NULL, NULL, NULL, "%d bottles", 99))
 *     return 1;
 *   return g_str_equal (text->str, "99 bottles") ? 0 : 1;
 * }
 * ```
 *
 * All errors are in %G_IO_ERROR, with the code that corresponds to the base's and the same message.
 * Writes are as short as those of the base; a base that takes nothing is an error, since GIO would
 * try for ever. Asynchronous operations run in threads of GIO, so the base is then called from a
 * foreign thread, see [class@CimplStream.DispatchStream].
 *
 * The base serves one operation at a time, whoever asks for it: while another one runs, writing
 * fails with %G_IO_ERROR_PENDING at once.
 *
 * It is a #GSeekable, which can seek and truncate if the base can. g_seekable_tell() asks the base;
 * where that fails, as while the base is busy, the result is the position that was last known,
 * or 0.
 *
 * Closing flushes the base if something was written since that was last done, and leaves it open,
 * see [property@CimplStream.OutputStream:close-base].
 *
 * Since: 1.0
 */

G_DEFINE_FINAL_TYPE_WITH_CODE (CimplOutputStream,
                               cimpl_output_stream,
                               G_TYPE_OUTPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_SEEKABLE, cimpl_adapter_seekable_init))

static gssize
cimpl_output_stream_write (GOutputStream *stream,
                           const void *data,
                           gsize count,
                           GCancellable *cancellable,
                           GError **error)
{
  CimplOutputStream *self = (CimplOutputStream *) stream; /* the hot path: no type check */
  CimplHandle *handle;
  GError *base_error = NULL;
  gssize n_written = -1;

  handle = cimpl_adapter_enter (&self->adapter, CIMPL_KIND_WRITE, &base_error);
  if (handle != NULL)
    {
      CIMPL_AUTO_LEAVE (handle);
      n_written = cimpl_operation_write (handle, data, count, cancellable, &base_error);
    }
  if (G_LIKELY (n_written > 0))
    {
      self->adapter.is_dirty = TRUE;
      return n_written;
    }
  if (n_written == 0)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s takes no more data",
                 G_OBJECT_TYPE_NAME (self->adapter.base));
  else
    cimpl_adapter_take_error (base_error, error);
  return -1;
}

static gboolean
cimpl_output_stream_flush (GOutputStream *stream, GCancellable *cancellable, GError **error)
{
  /* GIO flushes before it closes, whether there is a need or not: close knows. */
  if (g_output_stream_is_closing (stream))
    return TRUE;
  return cimpl_adapter_flush (&CIMPL_OUTPUT_STREAM (stream)->adapter, cancellable, error);
}

static gboolean
cimpl_output_stream_close (GOutputStream *stream, GCancellable *cancellable, GError **error)
{
  return cimpl_adapter_close (&CIMPL_OUTPUT_STREAM (stream)->adapter, cancellable, error);
}

static void
cimpl_output_stream_class_init (CimplOutputStreamClass *klass)
{
  GOutputStreamClass *stream_class = G_OUTPUT_STREAM_CLASS (klass);

  stream_class->write_fn = cimpl_output_stream_write;
  stream_class->flush = cimpl_output_stream_flush;
  stream_class->close_fn = cimpl_output_stream_close;

  /**
   * CimplOutputStream:base:
   *
   * The stream that is written to.
   *
   * Since: 1.0
   */

  /**
   * CimplOutputStream:close-base:
   *
   * Whether closing this stream closes [property@CimplStream.OutputStream:base], too.
   *
   * Since: 1.0
   */
  cimpl_adapter_class_init (G_OBJECT_CLASS (klass));
}

static void
cimpl_output_stream_init (CimplOutputStream *self)
{
}

/**
 * cimpl_output_stream_new: (constructor)
 * @base: the stream to write to
 *
 * Makes a #GOutputStream that writes to @base, from its current position on.
 *
 * Returns: (transfer full): a new output stream
 *
 * Since: 1.0
 */
GOutputStream *
cimpl_output_stream_new (CimplStream *base)
{
  g_return_val_if_fail (CIMPL_IS_STREAM (base), NULL);

  return g_object_new (CIMPL_TYPE_OUTPUT_STREAM, "base", base, NULL);
}
