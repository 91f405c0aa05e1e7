/* SPDX-License-Identifier: MIT */

#include "config.h"

#include "cimplstream/cimpl-memory-stream.h"

#include "core/cimpl-seek-private.h"
#include "core/cimpl-stream-private.h"
#include "core/cimpl-wait-private.h"
#include "cimplstream/cimpl-stream-error.h"

#define MIN_ALLOCATION 64

/**
 * CimplMemoryStream:
 *
 * A [class@CimplStream.Stream] over memory, of one of three kinds:
 *
 * - [ctor@CimplStream.MemoryStream.new]: memory of its own, which grows as it is written to.
 * - [ctor@CimplStream.MemoryStream.new_from_bytes]: a #GBytes, which is read without being
 *   copied. Writing and truncating it fail with %CIMPL_STREAM_ERROR_NOT_SUPPORTED.
 * - cimpl_memory_stream_new_for_block(): the caller's memory, which is read and written in place.
 *   Its size is fixed, as that of a mapped file is: a write that meets the end is short, one at
 *   the end fails with %CIMPL_STREAM_ERROR_NO_SPACE, and truncating with
 *   %CIMPL_STREAM_ERROR_NOT_SUPPORTED.
 *
 * All of them can be moved past the end, where there is nothing to read. In a stream that grows, a
 * write there, like truncating it to a larger size, fills the gap with zeros. One that finds no
 * memory fails with %CIMPL_STREAM_ERROR_NO_SPACE and changes nothing.
 *
 * [method@CimplStream.MemoryStream.steal_bytes] gets the data out, also after the stream was
 * closed by whoever has written it:
 *
 * ```c
 * #include <cimplstream/cimplstream.h>
 *
 * int
 * main (void)
 * {
 *   g_autoptr (CimplStream) stream = cimpl_memory_stream_new ();
 *   g_autoptr (GBytes) bytes = NULL;
 *
 *   if (!cimpl_stream_try_write_all (stream, "some data", 9, NULL, NULL, NULL)
 *       || cimpl_stream_try_seek (stream, 20, CIMPL_SEEK_MODE_START, NULL, NULL) != 20
 *       || cimpl_stream_try_write (stream, "more", 4, NULL, NULL) != 4
 *       || !cimpl_stream_try_close (stream, NULL, NULL))
 *     return 1;
 *
 *   bytes = cimpl_memory_stream_steal_bytes (CIMPL_MEMORY_STREAM (stream), NULL);
 *   return g_bytes_get_size (bytes) == 24 ? 0 : 1;
 * }
 * ```
 *
 * Since: 1.0
 */
struct _CimplMemoryStream
{
  CimplStream parent_instance;

  GBytes *bytes;     /* (owned) (nullable): where the data lies; NULL if the stream grows */
  gboolean in_place; /* whether the memory of bytes is written */

  guint8 *data; /* (owned) if the stream grows; constant in bytes that are not written */
  gsize size;
  gsize allocated; /* at least the size, if the stream grows */
  gint64 position; /* may lie past the size */
};

G_DEFINE_FINAL_TYPE (CimplMemoryStream, cimpl_memory_stream, CIMPL_TYPE_STREAM)

enum
{
  PROP_BYTES = 1,
  PROP_IN_PLACE,
  N_PROPS,
};

static GParamSpec *properties[N_PROPS];

static gboolean
grows (CimplMemoryStream *self)
{
  return self->bytes == NULL;
}

/* How much there is from the position to the end. */
static gsize
get_left (CimplMemoryStream *self)
{
  if (self->position >= (gint64) self->size)
    return 0;
  return self->size - (gsize) self->position;
}

static gboolean
try_reallocate (CimplMemoryStream *self, gsize size)
{
  guint8 *data = g_try_realloc (self->data, size);

  if (data == NULL)
    return FALSE;
  self->data = data;
  self->allocated = size;
  return TRUE;
}

/* Has memory for @size bytes, in a stream that grows. */
static gboolean
reserve (CimplMemoryStream *self, guint64 size, GError **error)
{
  /* Twice as much as there was, or many small writes would take quadratic time. */
  gsize ample = MAX (MIN_ALLOCATION, 2 * self->allocated);

  if (size <= self->allocated)
    return TRUE;
  if (size < ample && try_reallocate (self, ample))
    return TRUE;
  if (size <= G_MAXSSIZE && try_reallocate (self, (gsize) size))
    return TRUE;
  g_set_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NO_SPACE,
               "No memory for a stream of %" G_GUINT64_FORMAT " bytes", size);
  return FALSE;
}

/* Adds zeros up to @size, for which there is memory. */
static void
fill_gap (CimplMemoryStream *self, gsize size)
{
  if (size <= self->size)
    return;
  memset (self->data + self->size, 0, size - self->size);
  self->size = size;
}

static gboolean
cimpl_memory_stream_read (CimplStream *stream,
                          void *buffer,
                          gsize count,
                          gsize *n_read,
                          GCancellable *cancellable,
                          GError **error)
{
  CimplMemoryStream *self = (CimplMemoryStream *) stream; /* the hot path: no type check */
  gsize n = MIN (count, get_left (self));

  if (n > 0)
    memmove (buffer, self->data + self->position, n); /* it may lie in the same block */
  self->position += (gint64) n;
  *n_read = n;
  return TRUE;
}

static gboolean
cimpl_memory_stream_write (CimplStream *stream,
                           const void *data,
                           gsize count,
                           gsize *n_written,
                           GCancellable *cancellable,
                           GError **error)
{
  CimplMemoryStream *self = (CimplMemoryStream *) stream;
  gsize n = count;

  if (grows (self))
    {
      if (!reserve (self, (guint64) self->position + count, error))
        return FALSE;
      fill_gap (self, (gsize) self->position);
    }
  else if (self->in_place)
    {
      n = MIN (count, get_left (self));
      if (n == 0)
        {
          g_set_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NO_SPACE,
                       "No space at position %" G_GINT64_FORMAT " of a block of %" G_GSIZE_FORMAT
                       " bytes",
                       self->position, self->size);
          return FALSE;
        }
    }
  else
    return CIMPL_STREAM_CLASS (cimpl_memory_stream_parent_class)
        ->write (stream, data, count, n_written, cancellable, error);

  memmove (self->data + self->position, data, n);
  self->position += (gint64) n;
  self->size = MAX (self->size, (gsize) self->position);
  *n_written = n;
  return TRUE;
}

static gboolean
cimpl_memory_stream_seek (CimplStream *stream,
                          gint64 offset,
                          CimplSeekMode mode,
                          gint64 *position,
                          GCancellable *cancellable,
                          GError **error)
{
  CimplMemoryStream *self = CIMPL_MEMORY_STREAM (stream);

  if (!cimpl_resolve_seek (self->position, (gint64) self->size, offset, mode, &self->position,
                           error))
    return FALSE;
  *position = self->position;
  return TRUE;
}

static gboolean
cimpl_memory_stream_truncate (CimplStream *stream,
                              gint64 size,
                              GCancellable *cancellable,
                              GError **error)
{
  CimplMemoryStream *self = CIMPL_MEMORY_STREAM (stream);

  if (!grows (self))
    return CIMPL_STREAM_CLASS (cimpl_memory_stream_parent_class)
        ->truncate (stream, size, cancellable, error);

  if (!reserve (self, (guint64) size, error))
    return FALSE;
  fill_gap (self, (gsize) size);
  self->size = (gsize) size;
  return TRUE;
}

static gboolean
cimpl_memory_stream_query_flags (CimplStream *stream, CimplStreamFlags *flags, GError **error)
{
  CimplMemoryStream *self = CIMPL_MEMORY_STREAM (stream);

  *flags = CIMPL_STREAM_READABLE | CIMPL_STREAM_SEEKABLE;
  if (grows (self))
    *flags |= CIMPL_STREAM_WRITABLE | CIMPL_STREAM_TRUNCATABLE;
  else if (self->in_place)
    *flags |= CIMPL_STREAM_WRITABLE;
  return TRUE;
}

static void
cimpl_memory_stream_set_property (GObject *object,
                                  guint property_id,
                                  const GValue *value,
                                  GParamSpec *pspec)
{
  CimplMemoryStream *self = CIMPL_MEMORY_STREAM (object);

  switch (property_id)
    {
    case PROP_BYTES:
      self->bytes = g_value_dup_boxed (value);
      if (self->bytes != NULL)
        self->data = (guint8 *) g_bytes_get_data (self->bytes, &self->size);
      break;
    case PROP_IN_PLACE:
      self->in_place = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
cimpl_memory_stream_get_property (GObject *object,
                                  guint property_id,
                                  GValue *value,
                                  GParamSpec *pspec)
{
  CimplMemoryStream *self = CIMPL_MEMORY_STREAM (object);

  switch (property_id)
    {
    case PROP_BYTES:
      /* A block changes, and may go away when the stream does. */
      g_value_set_boxed (value, self->in_place ? NULL : self->bytes);
      break;
    case PROP_IN_PLACE:
      g_value_set_boolean (value, self->in_place);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
cimpl_memory_stream_finalize (GObject *object)
{
  CimplMemoryStream *self = CIMPL_MEMORY_STREAM (object);

  if (grows (self))
    g_free (self->data);
  else
    {
      /* What frees them may be user code. It runs inside whoever used the stream last, whose errors
       * are none of its business. */
      CIMPL_AUTO_CALLOUT (self);
      g_bytes_unref (self->bytes);
    }

  G_OBJECT_CLASS (cimpl_memory_stream_parent_class)->finalize (object);
}

static void
cimpl_memory_stream_class_init (CimplMemoryStreamClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  CimplStreamClass *stream_class = CIMPL_STREAM_CLASS (klass);

  object_class->set_property = cimpl_memory_stream_set_property;
  object_class->get_property = cimpl_memory_stream_get_property;
  object_class->finalize = cimpl_memory_stream_finalize;

  stream_class->read = cimpl_memory_stream_read;
  stream_class->write = cimpl_memory_stream_write;
  stream_class->seek = cimpl_memory_stream_seek;
  stream_class->truncate = cimpl_memory_stream_truncate;
  stream_class->query_flags = cimpl_memory_stream_query_flags;

  /**
   * CimplMemoryStream:bytes:
   *
   * What a stream of fixed size was made over; without it, the stream grows.
   *
   * It is `NULL` also if it is written in place, as it is not constant then.
   *
   * Since: 1.0
   */
  properties[PROP_BYTES]
      = g_param_spec_boxed ("bytes", NULL, NULL, G_TYPE_BYTES,
                            G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * CimplMemoryStream:in-place:
   *
   * Whether writing changes the memory of [property@CimplStream.MemoryStream:bytes].
   *
   * Only for bytes that were made for the purpose, over memory that can be written: everybody else
   * relies on it that bytes are constant.
   *
   * Since: 1.0
   */
  properties[PROP_IN_PLACE]
      = g_param_spec_boolean ("in-place", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
cimpl_memory_stream_init (CimplMemoryStream *self)
{
}

/**
 * cimpl_memory_stream_new: (constructor)
 *
 * Makes an empty stream that grows as it is written to.
 *
 * Returns: (transfer full): a new stream
 *
 * Since: 1.0
 */
CimplStream *
cimpl_memory_stream_new (void)
{
  return g_object_new (CIMPL_TYPE_MEMORY_STREAM, NULL);
}

/**
 * cimpl_memory_stream_new_from_bytes: (constructor)
 * @bytes: the data
 *
 * Makes a stream that reads @bytes, without copying them.
 *
 * Returns: (transfer full): a new stream
 *
 * Since: 1.0
 */
CimplStream *
cimpl_memory_stream_new_from_bytes (GBytes *bytes)
{
  g_return_val_if_fail (bytes != NULL, NULL);

  return g_object_new (CIMPL_TYPE_MEMORY_STREAM, "bytes", bytes, NULL);
}

/**
 * cimpl_memory_stream_new_for_block: (skip)
 * @data: the block
 * @size: how many bytes @data has
 * @destroy: (nullable): called with @data when the stream no longer needs it
 *
 * Makes a stream that reads and writes the caller's memory in place. All of it is data from the
 * start.
 *
 * Closing the stream does not end its use of the block; only its finalization does, and then
 * calls @destroy.
 *
 * Returns: (transfer full): a new stream
 *
 * Since: 1.0
 */
CimplStream *
cimpl_memory_stream_new_for_block (void *data, gsize size, GDestroyNotify destroy)
{
  g_autoptr (GBytes) bytes = NULL;

  g_return_val_if_fail (data != NULL || size == 0, NULL);
  g_return_val_if_fail (size <= G_MAXSSIZE, NULL);

  bytes = g_bytes_new_with_free_func (data, size, destroy, data);
  return g_object_new (CIMPL_TYPE_MEMORY_STREAM, "bytes", bytes, "in-place", TRUE, NULL);
}

static GBytes *
steal (CimplMemoryStream *self, GError **error)
{
  GBytes *bytes;

  if (grows (self))
    bytes = g_bytes_new_take (g_realloc (self->data, self->size), self->size);
  else if (!self->in_place)
    bytes = g_bytes_ref (self->bytes);
  else
    {
      g_set_error_literal (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NOT_SUPPORTED,
                           "The block is not the stream's to give away");
      return NULL;
    }

  self->data = NULL;
  self->size = 0;
  self->allocated = 0;
  self->position = 0;
  return bytes;
}

/**
 * cimpl_memory_stream_steal_bytes:
 * @self: a memory stream
 * @error: return location for an error
 *
 * Takes all data out of the stream, whatever the position is, without copying it.
 *
 * The stream is empty afterwards, and its position 0. This works on a closed stream, too, which
 * stays closed.
 *
 * Fails with %CIMPL_STREAM_ERROR_BUSY while an operation of the stream runs, and with
 * %CIMPL_STREAM_ERROR_NOT_SUPPORTED on a stream over a block, which the caller has anyway.
 *
 * Returns: (transfer full): the data, or `NULL` on error
 *
 * Since: 1.0
 */
GBytes *
cimpl_memory_stream_steal_bytes (CimplMemoryStream *self, GError **error)
{
  CimplHandle *handle;
  CimplHandle *entered;
  CimplEntry entry;

  g_return_val_if_fail (CIMPL_IS_MEMORY_STREAM (self), NULL);

  handle = cimpl_stream_get_handle (CIMPL_STREAM (self));
  entered = cimpl_handle_enter (handle, self, &entry);
  if (entered == NULL)
    entered = cimpl_reservation_take (self, &entry);
  if (entered == NULL)
    {
      g_propagate_error (error, cimpl_stream_new_refusal (entry, handle));
      return NULL;
    }
  CIMPL_AUTO_LEAVE (handle);
  return steal (self, error);
}
