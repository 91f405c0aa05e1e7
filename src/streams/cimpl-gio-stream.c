/* SPDX-License-Identifier: MIT */

#include "config.h"

#include "cimplstream/cimpl-gio-stream.h"

#include "core/cimpl-stream-private.h"

#include <stdatomic.h>

/**
 * CimplGioStream:
 *
 * A [class@CimplStream.Stream] over streams of GIO: a #GInputStream, a #GOutputStream, or both, as
 * a #GIOStream or otherwise.
 *
 * ```c
 * #include <cimplstream/cimplstream.h>
 * #include <string.h>
 *
 * int
 * main (void)
 * {
 *   g_autoptr (GFileIOStream) io_stream = NULL;
 *   g_autoptr (GFile) file = g_file_new_tmp (NULL, &io_stream, NULL);
 *   g_autoptr (CimplStream) stream = cimpl_gio_stream_new_for_io_stream (G_IO_STREAM (io_stream));
 *   char buffer[4];
 *   gboolean success
 *       = cimpl_stream_try_write_all (stream, "some data", 9, NULL, NULL, NULL)
 *         && cimpl_stream_try_seek (stream, -4, CIMPL_SEEK_MODE_END, NULL, NULL) == 5
 *         && cimpl_stream_try_read_all (stream, buffer, sizeof buffer, NULL, NULL, NULL)
 *         && memcmp (buffer, "data", sizeof buffer) == 0;
 *
 *   g_file_delete (file, NULL, NULL);
 *   return success ? 0 : 1;
 * }
 * ```
 *
 * Operations get the cancellable of the caller. Their errors are not changed, and those of a
 * [class@CimplStream.Stream] below, which GIO shows as %G_IO_ERROR, are what they were; where the
 * plain C API shows a code, or with cimpl_stream_error_get_code(), %G_IO_ERROR_PENDING, which means
 * that somebody else is using the GIO stream, is %CIMPL_STREAM_ERROR_BUSY, and
 * %G_IO_ERROR_WOULD_BLOCK is %CIMPL_STREAM_ERROR_WOULD_BLOCK.
 *
 * Whether the stream can seek and be truncated is asked of GIO whenever it matters, in whatever
 * thread that is. Only what has one position can seek: a single GIO stream, or a #GIOStream that is
 * #GSeekable itself, such as #GFileIOStream. Of two separate streams each has a position of its
 * own; seeking would have to pass over one of them, and fails with
 * %CIMPL_STREAM_ERROR_NOT_SUPPORTED.
 *
 * Flushing flushes the output stream.
 *
 * Since: 1.0
 */
struct _CimplGioStream
{
  CimplStream parent_instance;

  GIOStream *io_stream;  /* (owned) (nullable): where the others come from */
  GInputStream *input;   /* (owned) (nullable) */
  GOutputStream *output; /* (owned) (nullable) */
  GSeekable *seekable;   /* (nullable): that of the above which has the one position */
  _Atomic gboolean close_base;
};

G_DEFINE_FINAL_TYPE (CimplGioStream, cimpl_gio_stream, CIMPL_TYPE_STREAM)

enum
{
  PROP_INPUT_STREAM = 1,
  PROP_OUTPUT_STREAM,
  PROP_IO_STREAM,
  PROP_CLOSE_BASE,
  N_PROPS,
};

static GParamSpec *properties[N_PROPS];

static gboolean
can_seek (CimplGioStream *self)
{
  return self->seekable != NULL && g_seekable_can_seek (self->seekable);
}

static gboolean
can_truncate (CimplGioStream *self)
{
  return self->seekable != NULL && g_seekable_can_truncate (self->seekable);
}

static GSeekType
to_seek_type (CimplSeekMode mode)
{
  switch (mode)
    {
    case CIMPL_SEEK_MODE_START:
      return G_SEEK_SET;
    case CIMPL_SEEK_MODE_CURRENT:
      return G_SEEK_CUR;
    case CIMPL_SEEK_MODE_END:
      return G_SEEK_END;
    default:
      g_assert_not_reached ();
    }
}

/* What comes from a stream of ours, by one of our adapters, is whole again. */
static gboolean
finish (gboolean success, GError **error)
{
  if (!success)
    cimpl_failure_restore (error);
  return success;
}

/* A call of GIO, whose end is our business if user code in it does not return: else nobody's. */
typedef struct
{
  GInputStream *input; /* that or the other one, and neither after it has returned */
  GOutputStream *output;
  GCancellable *cancellable;
} GioCall;

static void
gio_call_end (GioCall *call)
{
  if (G_LIKELY (call->input == NULL && call->output == NULL))
    return;
  if (call->input != NULL)
    g_input_stream_clear_pending (call->input);
  else
    g_output_stream_clear_pending (call->output);
  if (call->cancellable != NULL && g_cancellable_get_current () == call->cancellable)
    g_cancellable_pop_current (call->cancellable);
}

#define GIO_CALL __attribute__ ((cleanup (gio_call_end))) GioCall

static gboolean
cimpl_gio_stream_read (CimplStream *stream,
                       void *buffer,
                       gsize count,
                       gsize *n_read,
                       GCancellable *cancellable,
                       GError **error)
{
  CimplGioStream *self = CIMPL_GIO_STREAM (stream);
  gssize n;

  if (self->input == NULL)
    return CIMPL_STREAM_CLASS (cimpl_gio_stream_parent_class)
        ->read (stream, buffer, count, n_read, cancellable, error);

  {
    GIO_CALL call = { self->input, NULL, cancellable };

    n = g_input_stream_read (self->input, buffer, count, cancellable, error);
    call.input = NULL;
  }
  if (n < 0)
    return finish (FALSE, error);
  *n_read = (gsize) n;
  return TRUE;
}

static gboolean
cimpl_gio_stream_write (CimplStream *stream,
                        const void *data,
                        gsize count,
                        gsize *n_written,
                        GCancellable *cancellable,
                        GError **error)
{
  CimplGioStream *self = CIMPL_GIO_STREAM (stream);
  gssize n;

  if (self->output == NULL)
    return CIMPL_STREAM_CLASS (cimpl_gio_stream_parent_class)
        ->write (stream, data, count, n_written, cancellable, error);

  {
    GIO_CALL call = { NULL, self->output, cancellable };

    n = g_output_stream_write (self->output, data, count, cancellable, error);
    call.output = NULL;
  }
  if (n < 0)
    return finish (FALSE, error);
  *n_written = (gsize) n;
  return TRUE;
}

static gboolean
cimpl_gio_stream_seek (CimplStream *stream,
                       gint64 offset,
                       CimplSeekMode mode,
                       gint64 *position,
                       GCancellable *cancellable,
                       GError **error)
{
  CimplGioStream *self = CIMPL_GIO_STREAM (stream);
  gboolean moves = offset != 0 || mode != CIMPL_SEEK_MODE_CURRENT;

  if (!can_seek (self))
    return CIMPL_STREAM_CLASS (cimpl_gio_stream_parent_class)
        ->seek (stream, offset, mode, position, cancellable, error);

  /* Even a seek to where it is makes some streams write or drop what they have buffered. */
  if (moves && !g_seekable_seek (self->seekable, offset, to_seek_type (mode), cancellable, error))
    return finish (FALSE, error);
  *position = g_seekable_tell (self->seekable);
  return TRUE;
}

static gboolean
cimpl_gio_stream_flush (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  CimplGioStream *self = CIMPL_GIO_STREAM (stream);
  gboolean success = TRUE;

  if (self->output != NULL)
    {
      GIO_CALL call = { NULL, self->output, cancellable };

      success = g_output_stream_flush (self->output, cancellable, error);
      call.output = NULL;
    }
  return finish (success, error);
}

static gboolean
cimpl_gio_stream_close (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  CimplGioStream *self = CIMPL_GIO_STREAM (stream);
  gboolean success = TRUE;

  if (!atomic_load (&self->close_base))
    return TRUE;
  if (self->io_stream != NULL)
    return finish (g_io_stream_close (self->io_stream, cancellable, error), error);

  /* As a GIOStream does it. */
  if (self->output != NULL)
    success = finish (g_output_stream_close (self->output, cancellable, error), error);
  if (self->input != NULL
      && !g_input_stream_close (self->input, cancellable, success ? error : NULL))
    success = finish (FALSE, success ? error : NULL);
  return success;
}

static gboolean
cimpl_gio_stream_truncate (CimplStream *stream,
                           gint64 size,
                           GCancellable *cancellable,
                           GError **error)
{
  CimplGioStream *self = CIMPL_GIO_STREAM (stream);

  if (!can_truncate (self))
    return CIMPL_STREAM_CLASS (cimpl_gio_stream_parent_class)
        ->truncate (stream, size, cancellable, error);
  return finish (g_seekable_truncate (self->seekable, size, cancellable, error), error);
}

static gboolean
cimpl_gio_stream_query_flags (CimplStream *stream, CimplStreamFlags *flags, GError **error)
{
  CimplGioStream *self = CIMPL_GIO_STREAM (stream);

  *flags = 0;
  if (self->input != NULL)
    *flags |= CIMPL_STREAM_READABLE;
  if (self->output != NULL)
    *flags |= CIMPL_STREAM_WRITABLE;
  if (can_seek (self))
    *flags |= CIMPL_STREAM_SEEKABLE;
  if (can_truncate (self))
    *flags |= CIMPL_STREAM_TRUNCATABLE;
  return TRUE;
}

/* What has the one position of the stream, if anything has. */
static GSeekable *
find_seekable (CimplGioStream *self)
{
  gpointer candidate = self->io_stream;

  if (candidate == NULL && self->output == NULL)
    candidate = self->input;
  if (candidate == NULL && self->input == NULL)
    candidate = self->output;
  return G_IS_SEEKABLE (candidate) ? candidate : NULL;
}

static void
cimpl_gio_stream_constructed (GObject *object)
{
  CimplGioStream *self = CIMPL_GIO_STREAM (object);

  if (self->io_stream != NULL)
    {
      g_set_object (&self->input, g_io_stream_get_input_stream (self->io_stream));
      g_set_object (&self->output, g_io_stream_get_output_stream (self->io_stream));
    }
  self->seekable = find_seekable (self);

  /* Last, as this makes it a valid handle. */
  G_OBJECT_CLASS (cimpl_gio_stream_parent_class)->constructed (object);
}

static void
cimpl_gio_stream_set_property (GObject *object,
                               guint property_id,
                               const GValue *value,
                               GParamSpec *pspec)
{
  CimplGioStream *self = CIMPL_GIO_STREAM (object);

  switch (property_id)
    {
    case PROP_INPUT_STREAM:
      self->input = g_value_dup_object (value);
      break;
    case PROP_OUTPUT_STREAM:
      self->output = g_value_dup_object (value);
      break;
    case PROP_IO_STREAM:
      self->io_stream = g_value_dup_object (value);
      break;
    case PROP_CLOSE_BASE:
      if (atomic_exchange (&self->close_base, g_value_get_boolean (value))
          != g_value_get_boolean (value))
        g_object_notify_by_pspec (object, pspec);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
cimpl_gio_stream_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  CimplGioStream *self = CIMPL_GIO_STREAM (object);

  switch (property_id)
    {
    case PROP_INPUT_STREAM:
      g_value_set_object (value, self->input);
      break;
    case PROP_OUTPUT_STREAM:
      g_value_set_object (value, self->output);
      break;
    case PROP_IO_STREAM:
      g_value_set_object (value, self->io_stream);
      break;
    case PROP_CLOSE_BASE:
      g_value_set_boolean (value, atomic_load (&self->close_base));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
cimpl_gio_stream_finalize (GObject *object)
{
  CimplGioStream *self = CIMPL_GIO_STREAM (object);

  {
    /* What closes them may be user code. It runs inside whoever used the stream last, whose errors
     * are none of its business. */
    CIMPL_AUTO_CALLOUT (self);
    g_clear_object (&self->input);
    g_clear_object (&self->output);
    g_clear_object (&self->io_stream);
  }

  G_OBJECT_CLASS (cimpl_gio_stream_parent_class)->finalize (object);
}

static void
cimpl_gio_stream_class_init (CimplGioStreamClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  CimplStreamClass *stream_class = CIMPL_STREAM_CLASS (klass);

  object_class->constructed = cimpl_gio_stream_constructed;
  object_class->set_property = cimpl_gio_stream_set_property;
  object_class->get_property = cimpl_gio_stream_get_property;
  object_class->finalize = cimpl_gio_stream_finalize;

  stream_class->read = cimpl_gio_stream_read;
  stream_class->write = cimpl_gio_stream_write;
  stream_class->seek = cimpl_gio_stream_seek;
  stream_class->flush = cimpl_gio_stream_flush;
  stream_class->close = cimpl_gio_stream_close;
  stream_class->truncate = cimpl_gio_stream_truncate;
  stream_class->query_flags = cimpl_gio_stream_query_flags;

  /**
   * CimplGioStream:input-stream:
   *
   * What is read from, or `NULL` if the stream cannot be read.
   *
   * Since: 1.0
   */
  properties[PROP_INPUT_STREAM]
      = g_param_spec_object ("input-stream", NULL, NULL, G_TYPE_INPUT_STREAM,
                             G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * CimplGioStream:output-stream:
   *
   * What is written to, or `NULL` if the stream cannot be written.
   *
   * Since: 1.0
   */
  properties[PROP_OUTPUT_STREAM]
      = g_param_spec_object ("output-stream", NULL, NULL, G_TYPE_OUTPUT_STREAM,
                             G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * CimplGioStream:io-stream:
   *
   * Where both come from, if they belong together.
   *
   * Since: 1.0
   */
  properties[PROP_IO_STREAM]
      = g_param_spec_object ("io-stream", NULL, NULL, G_TYPE_IO_STREAM,
                             G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * CimplGioStream:close-base:
   *
   * Whether closing this stream closes the streams of GIO, too.
   *
   * They may also be closed because nobody else holds them, when this stream is finalized; but
   * then GIO drops the error if that fails.
   *
   * Since: 1.0
   */
  properties[PROP_CLOSE_BASE]
      = g_param_spec_boolean ("close-base", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
cimpl_gio_stream_init (CimplGioStream *self)
{
}

/**
 * cimpl_gio_stream_new: (constructor)
 * @input_stream: (nullable): what to read from
 * @output_stream: (nullable): what to write to
 *
 * Makes a stream over one stream of GIO, or over two that have nothing in common, such as the two
 * directions of a connection. At least one of them is needed.
 *
 * For the two of a #GIOStream there is [ctor@CimplStream.GioStream.new_for_io_stream].
 *
 * Returns: (transfer full): a new stream
 *
 * Since: 1.0
 */
CimplStream *
cimpl_gio_stream_new (GInputStream *input_stream, GOutputStream *output_stream)
{
  g_return_val_if_fail (input_stream == NULL || G_IS_INPUT_STREAM (input_stream), NULL);
  g_return_val_if_fail (output_stream == NULL || G_IS_OUTPUT_STREAM (output_stream), NULL);
  g_return_val_if_fail (input_stream != NULL || output_stream != NULL, NULL);

  return g_object_new (CIMPL_TYPE_GIO_STREAM, "input-stream", input_stream, "output-stream",
                       output_stream, NULL);
}

/**
 * cimpl_gio_stream_new_for_io_stream: (constructor)
 * @io_stream: what to read from and to write to
 *
 * Makes a stream over both streams of a #GIOStream.
 *
 * Returns: (transfer full): a new stream
 *
 * Since: 1.0
 */
CimplStream *
cimpl_gio_stream_new_for_io_stream (GIOStream *io_stream)
{
  g_return_val_if_fail (G_IS_IO_STREAM (io_stream), NULL);

  return g_object_new (CIMPL_TYPE_GIO_STREAM, "io-stream", io_stream, NULL);
}
