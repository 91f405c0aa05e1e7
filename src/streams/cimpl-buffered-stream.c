/* SPDX-License-Identifier: MIT */

#include "config.h"

#include "cimplstream/cimpl-buffered-stream.h"

#include "streams/cimpl-buffer-private.h"
#include "core/cimpl-stream-private.h"
#include "cimplstream/cimpl-stream-error.h"

#include <stdatomic.h>

#define DEFAULT_SIZE 65536

/**
 * CimplBufferedStream:
 *
 * A filter that reads its base ahead and writes it behind, so that many small operations become
 * few large ones.
 *
 * Reading, writing and seeking mix freely, over one position. What is read or written in pieces
 * larger than [property@CimplStream.BufferedStream:buffer-size] goes past the buffer. A read
 * returns what the buffer holds, without asking the base for the rest; a seek inside the buffer
 * does not ask the base either, nor does telling the position more than once.
 *
 * Data that was written reaches the base when the buffer is full, or is needed for something else,
 * and at the latest by [method@CimplStream.Stream.flush] and [method@CimplStream.Stream.close]. So
 * it is one of these, or of the operations in between, that reports what the base has to say: that
 * operation fails, nothing of it has happened, and the error tells how many bytes were not written.
 * They are still there; the next operation that needs it, or another flush, tries again. Only a
 * stream that is closed, or dropped, in spite of the failure loses them.
 *
 * Flushing also puts the base where the stream is, if it can seek. Before that, and while the
 * stream is in use, the base must not be used otherwise. The end of the data is not remembered: a
 * base that has grown is read on. One that writes elsewhere than where it is, such as a file that
 * is open for appending, can be either read or written through a buffer, but not both.
 *
 * If the base cannot seek, such as a pipe or a socket, the two directions have nothing to do with
 * each other and there is no position; what is to be answered has to be flushed before the answer
 * is read. But up to [property@CimplStream.BufferedStream:rewind-limit] bytes can be read and then
 * read again, to find out what kind of data it is.
 *
 * ```c
 * #include <cimplstream/cimplstream.h>
 *
 * static intptr_t
 * read_letters (CimplStreamContext *context, uint8_t *data, size_t len)
 * {
 *   ++*(int *) context;
 *   for (size_t i = 0; i < len; i++)
 *     data[i] = 'a';
 *   return (intptr_t) len;
 * }
 *
 * int
 * main (void)
 * {
 *   int n_calls = 0;
 *   g_autoptr (CimplStream) base = cimpl_stream_take (
 *       cimpl_stream_new ((CimplStreamContext *) &n_calls, read_letters, NULL, NULL, NULL));
 *   g_autoptr (CimplStream) stream = cimpl_buffered_stream_new (base, 0);
 *   char letter;
 *
 *   for (int i = 0; i < 1000; i++)
 *     if (cimpl_stream_try_read (stream, &letter, 1, NULL, NULL) != 1)
 *       return 1;
 *   return n_calls == 1 ? 0 : 1;
 * }
 * ```
 *
 * Since: 1.0
 */
struct _CimplBufferedStream
{
  CimplFilterStream parent_instance;

  CimplBuffer in;   /* of a base that cannot seek, from its start on, as long as that is kept */
  CimplBuffer *out; /* `in`, or `behind` if the base cannot seek; NULL if it cannot be written */
  CimplBuffer behind;

  gsize buffer_size;
  _Atomic guint64 rewind_limit;
};

G_DEFINE_FINAL_TYPE (CimplBufferedStream, cimpl_buffered_stream, CIMPL_TYPE_FILTER_STREAM)

enum
{
  PROP_BUFFER_SIZE = 1,
  PROP_REWIND_LIMIT,
  N_PROPS,
};

static GParamSpec *properties[N_PROPS];

static CimplStreamClass *
get_parent_class (void)
{
  return CIMPL_STREAM_CLASS (cimpl_buffered_stream_parent_class);
}

/*
 * Whether @error, of asking where the base is, shows that it cannot seek: not every stream of a
 * pipe knows that it is one. Where data goes both ways, a mere failure shows nothing.
 */
static gboolean
has_no_position (CimplStreamFlags flags, const GError *error)
{
  const guint both = CIMPL_STREAM_READABLE | CIMPL_STREAM_WRITABLE;
  gint code = cimpl_stream_error_get_code (error);

  return code == CIMPL_STREAM_ERROR_NOT_SUPPORTED
         || (code == CIMPL_STREAM_ERROR_IO_OPERATION && (flags & both) != both);
}

/* Learns what the base can do and where it is; before that nothing is buffered. */
static gboolean
start (CimplBufferedStream *self, GCancellable *cancellable, GError **error)
{
  CimplStream *stream = CIMPL_STREAM (self);
  CimplStream *base;
  CimplStreamFlags flags;
  gboolean is_seekable;
  gint64 position = 0;

  if (self->in.base != NULL)
    return TRUE;

  if (!get_parent_class ()->query_flags (stream, &flags, error))
    return FALSE;
  is_seekable = (flags & CIMPL_STREAM_SEEKABLE) != 0;
  if (is_seekable)
    {
      GError *local_error = NULL;

      is_seekable = get_parent_class ()->seek (stream, 0, CIMPL_SEEK_MODE_CURRENT, &position,
                                               cancellable, &local_error);
      if (!is_seekable && !has_no_position (flags, local_error))
        {
          g_propagate_error (error, local_error);
          return FALSE;
        }
      g_clear_error (&local_error);
    }

  base = cimpl_filter_stream_get_base (CIMPL_FILTER_STREAM (self));
  cimpl_buffer_init (&self->in, base, self->buffer_size, is_seekable, position);
  cimpl_buffer_init (&self->behind, base, self->buffer_size, FALSE, 0);
  if ((flags & CIMPL_STREAM_WRITABLE) != 0)
    self->out = is_seekable ? &self->in : &self->behind;
  return TRUE;
}

static G_GNUC_NO_INLINE gboolean
read_slow (CimplBufferedStream *self,
           void *buffer,
           gsize count,
           gsize *n_read,
           GCancellable *cancellable,
           GError **error)
{
  gssize n;

  if (!start (self, cancellable, error))
    return FALSE;
  n = cimpl_buffer_read (&self->in, buffer, count, atomic_load (&self->rewind_limit), cancellable,
                         error);
  if (n < 0)
    return FALSE;
  *n_read = (gsize) n;
  return TRUE;
}

static gboolean
cimpl_buffered_stream_read (CimplStream *stream,
                            void *buffer,
                            gsize count,
                            gsize *n_read,
                            GCancellable *cancellable,
                            GError **error)
{
  CimplBufferedStream *self = (CimplBufferedStream *) stream; /* the hot path: no type check */

  if (G_UNLIKELY (count > cimpl_buffer_get_unread (&self->in)))
    return read_slow (self, buffer, count, n_read, cancellable, error);
  *n_read = count;
  cimpl_buffer_take (&self->in, buffer, count);
  return TRUE;
}

static G_GNUC_NO_INLINE gboolean
write_slow (CimplBufferedStream *self,
            const void *data,
            gsize count,
            gsize *n_written,
            GCancellable *cancellable,
            GError **error)
{
  gssize n;

  if (!start (self, cancellable, error))
    return FALSE;
  if (self->out == NULL) /* the base says why */
    return get_parent_class ()->write (CIMPL_STREAM (self), data, count, n_written, cancellable,
                                       error);
  n = cimpl_buffer_write (self->out, data, count, cancellable, error);
  if (n < 0)
    return FALSE;
  *n_written = (gsize) n;
  return TRUE;
}

static gboolean
cimpl_buffered_stream_write (CimplStream *stream,
                             const void *data,
                             gsize count,
                             gsize *n_written,
                             GCancellable *cancellable,
                             GError **error)
{
  CimplBufferedStream *self = (CimplBufferedStream *) stream;

  if (G_UNLIKELY (self->out == NULL) || G_UNLIKELY (count > cimpl_buffer_get_room (self->out)))
    return write_slow (self, data, count, n_written, cancellable, error);
  *n_written = count;
  cimpl_buffer_put (self->out, data, count);
  return TRUE;
}

static gboolean
cimpl_buffered_stream_seek (CimplStream *stream,
                            gint64 offset,
                            CimplSeekMode mode,
                            gint64 *position,
                            GCancellable *cancellable,
                            GError **error)
{
  CimplBufferedStream *self = CIMPL_BUFFERED_STREAM (stream);
  gint64 new_position;

  if (!start (self, cancellable, error))
    return FALSE;
  if (self->in.is_seekable)
    new_position = cimpl_buffer_seek (&self->in, offset, mode, cancellable, error);
  else
    new_position
        = cimpl_buffer_rewind (&self->in, offset, mode, atomic_load (&self->rewind_limit), error);
  if (new_position < 0)
    return FALSE;
  *position = new_position;
  return TRUE;
}

static gboolean
cimpl_buffered_stream_flush (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  CimplBufferedStream *self = CIMPL_BUFFERED_STREAM (stream);

  if (self->out != NULL && !cimpl_buffer_drain (self->out, cancellable, error))
    return FALSE;
  if (!get_parent_class ()->flush (stream, cancellable, error))
    return FALSE;

  if (!self->in.is_seekable)
    return TRUE;
  cimpl_buffer_restart (&self->in);
  return cimpl_buffer_move_base (&self->in, 0, cancellable, error);
}

static gboolean
cimpl_buffered_stream_truncate (CimplStream *stream,
                                gint64 size,
                                GCancellable *cancellable,
                                GError **error)
{
  CimplBufferedStream *self = CIMPL_BUFFERED_STREAM (stream);

  if (self->out != NULL && !cimpl_buffer_drain (self->out, cancellable, error))
    return FALSE;
  if (!get_parent_class ()->truncate (stream, size, cancellable, error))
    return FALSE;

  if (self->in.is_seekable)
    cimpl_buffer_restart (&self->in); /* it may hold what was cut off */
  return TRUE;
}

static gboolean
cimpl_buffered_stream_close (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  CimplBufferedStream *self = CIMPL_BUFFERED_STREAM (stream);

  cimpl_buffer_clear (&self->in);
  cimpl_buffer_clear (&self->behind);
  return get_parent_class ()->close (stream, cancellable, error);
}

static void
cimpl_buffered_stream_set_property (GObject *object,
                                    guint property_id,
                                    const GValue *value,
                                    GParamSpec *pspec)
{
  CimplBufferedStream *self = CIMPL_BUFFERED_STREAM (object);

  switch (property_id)
    {
    case PROP_BUFFER_SIZE:
      self->buffer_size = (gsize) g_value_get_uint64 (value);
      break;
    case PROP_REWIND_LIMIT:
      cimpl_buffered_stream_set_rewind_limit (self, g_value_get_uint64 (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
cimpl_buffered_stream_get_property (GObject *object,
                                    guint property_id,
                                    GValue *value,
                                    GParamSpec *pspec)
{
  CimplBufferedStream *self = CIMPL_BUFFERED_STREAM (object);

  switch (property_id)
    {
    case PROP_BUFFER_SIZE:
      g_value_set_uint64 (value, self->buffer_size);
      break;
    case PROP_REWIND_LIMIT:
      g_value_set_uint64 (value, cimpl_buffered_stream_get_rewind_limit (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
cimpl_buffered_stream_finalize (GObject *object)
{
  CimplBufferedStream *self = CIMPL_BUFFERED_STREAM (object);

  cimpl_buffer_clear (&self->in);
  cimpl_buffer_clear (&self->behind);

  G_OBJECT_CLASS (cimpl_buffered_stream_parent_class)->finalize (object);
}

static void
cimpl_buffered_stream_class_init (CimplBufferedStreamClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  CimplStreamClass *stream_class = CIMPL_STREAM_CLASS (klass);

  object_class->set_property = cimpl_buffered_stream_set_property;
  object_class->get_property = cimpl_buffered_stream_get_property;
  object_class->finalize = cimpl_buffered_stream_finalize;

  stream_class->read = cimpl_buffered_stream_read;
  stream_class->write = cimpl_buffered_stream_write;
  stream_class->seek = cimpl_buffered_stream_seek;
  stream_class->flush = cimpl_buffered_stream_flush;
  stream_class->close = cimpl_buffered_stream_close;
  stream_class->truncate = cimpl_buffered_stream_truncate;

  /**
   * CimplBufferedStream:buffer-size:
   *
   * How many bytes are read ahead or written behind at most.
   *
   * The memory is allocated when it is needed; a base that cannot seek may need it twice, once for
   * each direction.
   *
   * Since: 1.0
   */
  properties[PROP_BUFFER_SIZE]
      = g_param_spec_uint64 ("buffer-size", NULL, NULL, 1, G_MAXSSIZE, DEFAULT_SIZE,
                             G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * CimplBufferedStream:rewind-limit:
   *
   * How many bytes from the start of a base that cannot seek are kept to be read again.
   *
   * As long as no more than that has been read, the stream has a position, which counts from where
   * it began to read, and [method@CimplStream.Stream.seek] goes back to any position before it.
   * With the next byte the start is given up, and for good when the memory is needed otherwise;
   * nothing can be seeked then.
   *
   * The memory grows as the data is read, to about twice the limit. Set it before reading, from
   * any thread; 0, the default, keeps nothing. A base that can seek is not affected.
   *
   * Since: 1.0
   */
  properties[PROP_REWIND_LIMIT]
      = g_param_spec_uint64 ("rewind-limit", NULL, NULL, 0, G_MAXUINT64, 0,
                             G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
cimpl_buffered_stream_init (CimplBufferedStream *self)
{
}

/**
 * cimpl_buffered_stream_new: (constructor)
 * @base: the stream to read ahead and write behind
 * @buffer_size: how many bytes the buffer has; 0 for the default, 65536
 *
 * Makes a stream that buffers what is read from and written to @base.
 *
 * Returns: (transfer full): a new stream
 *
 * Since: 1.0
 */
CimplStream *
cimpl_buffered_stream_new (CimplStream *base, gsize buffer_size)
{
  g_return_val_if_fail (CIMPL_IS_STREAM (base), NULL);
  g_return_val_if_fail (buffer_size <= G_MAXSSIZE, NULL);

  return g_object_new (CIMPL_TYPE_BUFFERED_STREAM, "base", base, "buffer-size",
                       (guint64) (buffer_size > 0 ? buffer_size : DEFAULT_SIZE), NULL);
}

/* Looks at what the caller may look at: what goes wrong is a failure. */
static GBytes *
peek_checked (CimplBufferedStream *self, gsize count, GCancellable *cancellable, GError **error)
{
  guint64 limit = atomic_load (&self->rewind_limit);
  CimplBuffer *in = &self->in;
  gssize n_read = 1;

  if (!start (self, cancellable, error))
    return NULL;
  while (n_read > 0 && cimpl_buffer_get_unread (in) < count)
    n_read = cimpl_buffer_read_ahead (in, count, limit, cancellable, error);
  if (n_read < 0)
    return NULL;
  return g_bytes_new (in->data + in->offset, MIN (count, cimpl_buffer_get_unread (in)));
}

static GBytes *
peek (CimplBufferedStream *self,
      CimplHandle *handle,
      gsize count,
      GCancellable *cancellable,
      GError **error)
{
  GError *failure = NULL;
  GBytes *bytes;

  if (count == 0)
    return g_bytes_new (NULL, 0);
  if (count > self->buffer_size)
    {
      g_set_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_ARGUMENT,
                   "%" G_GSIZE_FORMAT " bytes do not fit into a buffer of %" G_GSIZE_FORMAT, count,
                   self->buffer_size);
      return NULL;
    }
  if (!cimpl_check_not_cancelled (cancellable, error))
    return NULL;

  bytes = peek_checked (self, count, cancellable, &failure);
  if (bytes == NULL)
    cimpl_operation_end_failed (handle, CIMPL_KIND_READ, failure, cancellable, error);
  return bytes;
}

/**
 * cimpl_buffered_stream_try_peek: (rename-to cimpl_buffered_stream_peek)
 * @self: a buffered stream
 * @count: how many bytes to look at; 0 returns no bytes
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Gets the next @count bytes and leaves them to be read.
 *
 * Fewer mean that the data ends there: this reads from the base until there are as many, and so
 * waits for them where a read would not. If that fails, what was read before the failure stays in
 * the buffer.
 *
 * Fails with %CIMPL_STREAM_ERROR_INVALID_ARGUMENT if @count is larger than
 * [property@CimplStream.BufferedStream:buffer-size], and like
 * [method@CimplStream.Stream.read_bytes].
 *
 * Returns: (transfer full): the data, empty at its end, or `NULL` on error
 *
 * Since: 1.0
 */
GBytes *
cimpl_buffered_stream_try_peek (CimplBufferedStream *self,
                                gsize count,
                                GCancellable *cancellable,
                                GError **error)
{
  CimplHandle *handle;

  g_return_val_if_fail (CIMPL_IS_BUFFERED_STREAM (self), NULL);

  handle = cimpl_stream_enter (CIMPL_STREAM (self), CIMPL_KIND_READ, G_STRFUNC, error);
  if (handle == NULL)
    return NULL;
  CIMPL_AUTO_LEAVE (handle);
  return peek (self, handle, count, cancellable, error);
}

/**
 * cimpl_buffered_stream_get_buffer_size:
 * @self: a buffered stream
 *
 * Gets how many bytes are read ahead or written behind at most.
 *
 * Returns: the size of the buffer, in bytes
 *
 * Since: 1.0
 */
gsize
cimpl_buffered_stream_get_buffer_size (CimplBufferedStream *self)
{
  g_return_val_if_fail (CIMPL_IS_BUFFERED_STREAM (self), 0);

  return self->buffer_size;
}

/**
 * cimpl_buffered_stream_get_rewind_limit:
 * @self: a buffered stream
 *
 * Gets how many bytes from the start of a base that cannot seek are kept to be read again.
 *
 * Returns: the limit, in bytes
 *
 * Since: 1.0
 */
guint64
cimpl_buffered_stream_get_rewind_limit (CimplBufferedStream *self)
{
  g_return_val_if_fail (CIMPL_IS_BUFFERED_STREAM (self), 0);

  return atomic_load (&self->rewind_limit);
}

/**
 * cimpl_buffered_stream_set_rewind_limit:
 * @self: a buffered stream
 * @rewind_limit: how many bytes to keep, or 0 for none
 *
 * Sets how many bytes from the start of a base that cannot seek are kept to be read again, see
 * [property@CimplStream.BufferedStream:rewind-limit].
 *
 * Since: 1.0
 */
void
cimpl_buffered_stream_set_rewind_limit (CimplBufferedStream *self, guint64 rewind_limit)
{
  g_return_if_fail (CIMPL_IS_BUFFERED_STREAM (self));

  if (atomic_exchange (&self->rewind_limit, rewind_limit) != rewind_limit)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_REWIND_LIMIT]);
}
