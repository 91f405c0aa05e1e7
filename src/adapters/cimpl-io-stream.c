/* SPDX-License-Identifier: MIT */

#include "config.h"

#include "cimplstream/cimpl-io-stream.h"

#include "adapters/cimpl-adapter-private.h"

/**
 * CimplIOStream:
 *
 * A #GIOStream that reads and writes a [class@CimplStream.Stream], for whatever takes a #GIOStream.
 *
 * ```c
 * #include <cimplstream/cimplstream.h>
 *
 * int
 * main (void)
 * {
 *   g_autoptr (CimplStream) base = cimpl_memory_stream_new ();
 *   g_autoptr (GIOStream) io = cimpl_io_stream_new (base);
 *   char text[6] = "";
 *
 *   g_output_stream_write_all (g_io_stream_get_output_stream (io), "hello", 5, NULL, NULL, NULL);
 *   g_seekable_seek (G_SEEKABLE (io), 0, G_SEEK_SET, NULL, NULL);
 *   g_input_stream_read_all (g_io_stream_get_input_stream (io), text, 5, NULL, NULL, NULL);
 *   return g_str_equal (text, "hello") ? 0 : 1;
 * }
 * ```
 *
 * Its two halves, [class@CimplStream.InputStream] and [class@CimplStream.OutputStream], share one
 * base and so one position, that of a file and not those of a connection: what is written is not
 * what is read next. The stream itself is a #GSeekable that moves it.
 *
 * The base serves one operation at a time. The halves may be used from two threads, but what one of
 * them asks for while an operation of the other one runs fails with %G_IO_ERROR_PENDING at once,
 * and changes nothing; nothing waits. So an asynchronous read has to end before anything is
 * written.
 *
 * Closing closes both halves, which flushes what was written, and leaves the base open, see
 * [property@CimplStream.IOStream:close-base]. A half that is closed alone leaves the other one as
 * it is.
 *
 * Since: 1.0
 */

G_DEFINE_FINAL_TYPE_WITH_CODE (CimplIOStream,
                               cimpl_io_stream,
                               G_TYPE_IO_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_SEEKABLE, cimpl_adapter_seekable_init))

/* Two threads may ask for their halves at once. */

static GInputStream *
cimpl_io_stream_get_input_stream (GIOStream *stream)
{
  CimplIOStream *self = CIMPL_IO_STREAM (stream);

  if (g_once_init_enter (&self->input))
    g_once_init_leave (&self->input,
                       g_object_new (CIMPL_TYPE_INPUT_STREAM, "base", self->adapter.base, NULL));
  return self->input;
}

static GOutputStream *
cimpl_io_stream_get_output_stream (GIOStream *stream)
{
  CimplIOStream *self = CIMPL_IO_STREAM (stream);

  if (g_once_init_enter (&self->output))
    g_once_init_leave (&self->output,
                       g_object_new (CIMPL_TYPE_OUTPUT_STREAM, "base", self->adapter.base, NULL));
  return self->output;
}

static gboolean
cimpl_io_stream_close (GIOStream *stream, GCancellable *cancellable, GError **error)
{
  CimplIOStream *self = CIMPL_IO_STREAM (stream);
  GOutputStream *output = g_io_stream_get_output_stream (stream);
  gboolean success = cimpl_adapter_close (&self->adapter, cancellable, error);

  CIMPL_OUTPUT_STREAM (output)->adapter.is_dropped = self->adapter.is_dropped;
  /* The halves come second: over a base that is closed already, they have nothing left to flush. */
  return G_IO_STREAM_CLASS (cimpl_io_stream_parent_class)
             ->close_fn (stream, cancellable, success ? error : NULL)
         && success;
}

static void
cimpl_io_stream_dispose (GObject *object)
{
  CimplIOStream *self = CIMPL_IO_STREAM (object);

  cimpl_adapter_dispose (object);

  if (self->adapter.base == NULL)
    {
      g_clear_object (&self->input);
      g_clear_object (&self->output);
    }
}

static void
cimpl_io_stream_finalize (GObject *object)
{
  CimplIOStream *self = CIMPL_IO_STREAM (object);

  g_clear_object (&self->input);
  g_clear_object (&self->output);

  cimpl_adapter_finalize (object);
}

static void
cimpl_io_stream_class_init (CimplIOStreamClass *klass)
{
  GIOStreamClass *stream_class = G_IO_STREAM_CLASS (klass);

  stream_class->get_input_stream = cimpl_io_stream_get_input_stream;
  stream_class->get_output_stream = cimpl_io_stream_get_output_stream;
  stream_class->close_fn = cimpl_io_stream_close;

  /**
   * CimplIOStream:base:
   *
   * The stream that is read and written to.
   *
   * Since: 1.0
   */

  /**
   * CimplIOStream:close-base:
   *
   * Whether closing this stream closes [property@CimplStream.IOStream:base], too.
   *
   * Since: 1.0
   */
  cimpl_adapter_class_init (G_OBJECT_CLASS (klass));
  G_OBJECT_CLASS (klass)->dispose = cimpl_io_stream_dispose;
  G_OBJECT_CLASS (klass)->finalize = cimpl_io_stream_finalize;
}

static void
cimpl_io_stream_init (CimplIOStream *self)
{
}

/**
 * cimpl_io_stream_new: (constructor)
 * @base: the stream to read and to write to
 *
 * Makes a #GIOStream that reads and writes @base, from its current position on.
 *
 * Returns: (transfer full): a new stream
 *
 * Since: 1.0
 */
GIOStream *
cimpl_io_stream_new (CimplStream *base)
{
  g_return_val_if_fail (CIMPL_IS_STREAM (base), NULL);

  return g_object_new (CIMPL_TYPE_IO_STREAM, "base", base, NULL);
}
