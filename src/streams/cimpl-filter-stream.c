/* SPDX-License-Identifier: MIT */

#include "config.h"

#include "cimplstream/cimpl-filter-stream.h"

#include "core/cimpl-stream-private.h"
#include "cimplstream/cimpl-stream-error.h"

#include <stdatomic.h>

/**
 * CimplFilterStream:
 * @parent_instance: the parent instance
 *
 * A stream over another one, its base: what all filters share.
 *
 * Every operation is passed to [property@CimplStream.FilterStream:base]; a subclass overrides what
 * it does otherwise, and chains up to that very function, or calls the methods of the base, for the
 * rest. What the filter can do is what the base can do.
 *
 * Closing flushes the base, if something was written since the last flush, and closes it only with
 * [property@CimplStream.FilterStream:close-base].
 *
 * While the filter is in use, the base must not be used otherwise; the operation that comes second
 * fails with %CIMPL_STREAM_ERROR_BUSY.
 *
 * Here is a filter that reads lower case as upper case. In other languages than C it would
 * override `read_bytes` instead of `read`.
 *
 * ```c
 * #include <cimplstream/cimplstream.h>
 *
 * G_DECLARE_FINAL_TYPE (UpperStream, upper_stream, UPPER, STREAM, CimplFilterStream)
 * struct _UpperStream { CimplFilterStream parent_instance; };
 * G_DEFINE_FINAL_TYPE (UpperStream, upper_stream, CIMPL_TYPE_FILTER_STREAM)
 *
 * static gboolean
 * upper_stream_read (CimplStream *stream, void *buffer, gsize count, gsize *n_read,
 *                    GCancellable *cancellable, GError **error)
 * {
 *   CimplStreamClass *parent_class = CIMPL_STREAM_CLASS (upper_stream_parent_class);
 *
 *   if (!parent_class->read (stream, buffer, count, n_read, cancellable, error))
 *     return FALSE;
 *   for (gsize i = 0; i < *n_read; i++)
 *     ((char *) buffer)[i] = g_ascii_toupper (((char *) buffer)[i]);
 *   return TRUE;
 * }
 *
 * static void
 * upper_stream_class_init (UpperStreamClass *klass)
 * {
 *   CIMPL_STREAM_CLASS (klass)->read = upper_stream_read;
 * }
 *
 * static void
 * upper_stream_init (UpperStream *self)
 * {
 * }
 *
 * static intptr_t
 * read_letters (CimplStreamContext *context, uint8_t *data, size_t len)
 * {
 *   data[0] = 'a';
 *   return 1;
 * }
 *
 * int
 * main (void)
 * {
 *   g_autoptr (CimplStream) base = cimpl_stream_take (
 *       cimpl_stream_new ((CimplStreamContext *) "", read_letters, NULL, NULL, NULL));
 *   g_autoptr (CimplStream) stream = g_object_new (upper_stream_get_type (), "base", base, NULL);
 *   char letter = '\0';
 *
 *   if (cimpl_stream_try_read (stream, &letter, 1, NULL, NULL) != 1 || letter != 'A')
 *     return 1;
 *   return 0;
 * }
 * ```
 *
 * Since: 1.0
 */
typedef struct
{
  CimplStream *base; /* (owned); NULL once disposed */
  _Atomic gboolean close_base;
} CimplFilterStreamPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (CimplFilterStream, cimpl_filter_stream, CIMPL_TYPE_STREAM)

enum
{
  PROP_BASE = 1,
  PROP_CLOSE_BASE,
  N_PROPS,
};

static GParamSpec *properties[N_PROPS];
static CimplStreamClass *filter_class;

/* The base, or NULL with @error set. */
static CimplStream *
get_base (CimplStream *stream, GError **error)
{
  CimplStream *base = cimpl_filter_stream_get_base (CIMPL_FILTER_STREAM (stream));

  if (base == NULL)
    g_set_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NULL_PARAMETER,
                 "%s was made without a base", G_OBJECT_TYPE_NAME (stream));
  return base;
}

#define READ G_STRUCT_OFFSET (CimplStreamClass, read)
#define READ_BYTES G_STRUCT_OFFSET (CimplStreamClass, read_bytes)
#define SLOT(klass, offset) G_STRUCT_MEMBER (gpointer, klass, offset)

static gboolean
inherits (CimplStreamClass *klass, gsize slot)
{
  return SLOT (klass, slot) == SLOT (filter_class, slot);
}

/*
 * Whether a subclass that has chained up from @slot means a parent that overrides the @other of the
 * two read slots, and not this class. The functions of CimplStream then read with that one.
 */
static gboolean
parent_overrides (CimplStream *stream, gsize other, gsize slot)
{
  CimplStreamClass *klass = CIMPL_STREAM_GET_CLASS (stream);
  CimplStreamClass *parent = klass;

  if (inherits (klass, slot) || inherits (klass, other)
      || cimpl_stream_get_handle (stream)->in_default_read)
    return FALSE;
  while (!inherits (parent, slot))
    parent = g_type_class_peek_parent (parent);
  return SLOT (parent, other) == SLOT (klass, other);
}

static gboolean
cimpl_filter_stream_read (CimplStream *stream,
                          void *buffer,
                          gsize count,
                          gsize *n_read,
                          GCancellable *cancellable,
                          GError **error)
{
  CimplStreamClass *parent_class = CIMPL_STREAM_CLASS (cimpl_filter_stream_parent_class);
  CimplStream *base = get_base (stream, error);
  gssize n;

  if (base == NULL)
    return FALSE;
  if (parent_overrides (stream, READ_BYTES, READ))
    return parent_class->read (stream, buffer, count, n_read, cancellable, error);
  n = cimpl_stream_try_read (base, buffer, count, cancellable, error);
  if (n < 0)
    return FALSE;
  *n_read = (gsize) n;
  return TRUE;
}

static GBytes *
cimpl_filter_stream_read_bytes (CimplStream *stream,
                                gsize count,
                                GCancellable *cancellable,
                                GError **error)
{
  CimplStreamClass *parent_class = CIMPL_STREAM_CLASS (cimpl_filter_stream_parent_class);
  CimplStream *base = get_base (stream, error);

  if (base == NULL)
    return NULL;
  if (parent_overrides (stream, READ, READ_BYTES))
    return parent_class->read_bytes (stream, count, cancellable, error);
  return cimpl_stream_try_read_bytes (base, count, cancellable, error);
}

static gboolean
cimpl_filter_stream_write (CimplStream *stream,
                           const void *data,
                           gsize count,
                           gsize *n_written,
                           GCancellable *cancellable,
                           GError **error)
{
  CimplStream *base = get_base (stream, error);
  gssize n;

  if (base == NULL)
    return FALSE;
  n = cimpl_stream_try_write (base, data, count, cancellable, error);
  if (n < 0)
    return FALSE;
  *n_written = (gsize) n;
  return TRUE;
}

static gboolean
cimpl_filter_stream_seek (CimplStream *stream,
                          gint64 offset,
                          CimplSeekMode mode,
                          gint64 *position,
                          GCancellable *cancellable,
                          GError **error)
{
  CimplStream *base = get_base (stream, error);
  gint64 new_position;

  if (base == NULL)
    return FALSE;
  new_position = cimpl_stream_try_seek (base, offset, mode, cancellable, error);
  if (new_position < 0)
    return FALSE;
  *position = new_position;
  return TRUE;
}

static gboolean
cimpl_filter_stream_flush (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  CimplStream *base = get_base (stream, error);

  return base != NULL && cimpl_stream_try_flush (base, cancellable, error);
}

static gboolean
cimpl_filter_stream_close (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  CimplStream *base;

  if (!cimpl_filter_stream_get_close_base (CIMPL_FILTER_STREAM (stream)))
    return TRUE;
  base = get_base (stream, error);
  return base != NULL && cimpl_stream_try_close (base, cancellable, error);
}

static gboolean
cimpl_filter_stream_truncate (CimplStream *stream,
                              gint64 size,
                              GCancellable *cancellable,
                              GError **error)
{
  CimplStream *base = get_base (stream, error);

  return base != NULL && cimpl_stream_try_truncate (base, size, cancellable, error);
}

static gboolean
cimpl_filter_stream_query_flags (CimplStream *stream, CimplStreamFlags *flags, GError **error)
{
  CimplStream *base = get_base (stream, error);

  return base != NULL && cimpl_stream_try_get_flags (base, flags, error);
}

static void
cimpl_filter_stream_set_property (GObject *object,
                                  guint property_id,
                                  const GValue *value,
                                  GParamSpec *pspec)
{
  CimplFilterStream *self = CIMPL_FILTER_STREAM (object);
  CimplFilterStreamPrivate *priv = cimpl_filter_stream_get_instance_private (self);

  switch (property_id)
    {
    case PROP_BASE:
      priv->base = g_value_dup_object (value);
      break;
    case PROP_CLOSE_BASE:
      cimpl_filter_stream_set_close_base (self, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
cimpl_filter_stream_get_property (GObject *object,
                                  guint property_id,
                                  GValue *value,
                                  GParamSpec *pspec)
{
  CimplFilterStream *self = CIMPL_FILTER_STREAM (object);

  switch (property_id)
    {
    case PROP_BASE:
      g_value_set_object (value, cimpl_filter_stream_get_base (self));
      break;
    case PROP_CLOSE_BASE:
      g_value_set_boolean (value, cimpl_filter_stream_get_close_base (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
cimpl_filter_stream_dispose (GObject *object)
{
  CimplFilterStream *self = CIMPL_FILTER_STREAM (object);
  CimplFilterStreamPrivate *priv = cimpl_filter_stream_get_instance_private (self);

  /* Closes the stream, which may flush and close the base. */
  G_OBJECT_CLASS (cimpl_filter_stream_parent_class)->dispose (object);

  /* Otherwise it lives on, or an operation still runs, and this comes again after it. */
  if (cimpl_handle_has (cimpl_stream_get_handle (CIMPL_STREAM (self)), CIMPL_LIFE_CLOSED))
    g_clear_pointer (&priv->base, cimpl_handle_drop);
}

static void
cimpl_filter_stream_class_init (CimplFilterStreamClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  CimplStreamClass *stream_class = CIMPL_STREAM_CLASS (klass);

  filter_class = stream_class;

  object_class->set_property = cimpl_filter_stream_set_property;
  object_class->get_property = cimpl_filter_stream_get_property;
  object_class->dispose = cimpl_filter_stream_dispose;

  stream_class->read = cimpl_filter_stream_read;
  stream_class->read_bytes = cimpl_filter_stream_read_bytes;
  stream_class->write = cimpl_filter_stream_write;
  stream_class->seek = cimpl_filter_stream_seek;
  stream_class->flush = cimpl_filter_stream_flush;
  stream_class->close = cimpl_filter_stream_close;
  stream_class->truncate = cimpl_filter_stream_truncate;
  stream_class->query_flags = cimpl_filter_stream_query_flags;

  /**
   * CimplFilterStream:base:
   *
   * The stream that operations are passed to.
   *
   * The filter holds a reference to it until it goes. Without a base, every operation fails with
   * %CIMPL_STREAM_ERROR_NULL_PARAMETER.
   *
   * Since: 1.0
   */
  properties[PROP_BASE]
      = g_param_spec_object ("base", NULL, NULL, CIMPL_TYPE_STREAM,
                             G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * CimplFilterStream:close-base:
   *
   * Whether closing this stream closes [property@CimplStream.FilterStream:base], too.
   *
   * Since: 1.0
   */
  properties[PROP_CLOSE_BASE]
      = g_param_spec_boolean ("close-base", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
cimpl_filter_stream_init (CimplFilterStream *self)
{
}

/**
 * cimpl_filter_stream_get_base:
 * @self: a filter
 *
 * Gets the stream that operations are passed to.
 *
 * Returns: (transfer none) (nullable): the base; `NULL` in a filter that was made without one, or
 *   that was disposed
 *
 * Since: 1.0
 */
CimplStream *
cimpl_filter_stream_get_base (CimplFilterStream *self)
{
  CimplFilterStreamPrivate *priv;

  g_return_val_if_fail (CIMPL_IS_FILTER_STREAM (self), NULL);

  priv = cimpl_filter_stream_get_instance_private (self);
  return priv->base;
}

/**
 * cimpl_filter_stream_get_close_base:
 * @self: a filter
 *
 * Gets whether closing @self closes its base, too.
 *
 * Returns: whether the base is closed with @self
 *
 * Since: 1.0
 */
gboolean
cimpl_filter_stream_get_close_base (CimplFilterStream *self)
{
  CimplFilterStreamPrivate *priv;

  g_return_val_if_fail (CIMPL_IS_FILTER_STREAM (self), FALSE);

  priv = cimpl_filter_stream_get_instance_private (self);
  return atomic_load (&priv->close_base);
}

/**
 * cimpl_filter_stream_set_close_base:
 * @self: a filter
 * @close_base: whether to close the base with @self
 *
 * Sets whether closing @self closes its base, too. It may be called from any thread.
 *
 * Since: 1.0
 */
void
cimpl_filter_stream_set_close_base (CimplFilterStream *self, gboolean close_base)
{
  CimplFilterStreamPrivate *priv;

  g_return_if_fail (CIMPL_IS_FILTER_STREAM (self));

  priv = cimpl_filter_stream_get_instance_private (self);
  close_base = !!close_base;
  if (atomic_exchange (&priv->close_base, close_base) != close_base)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CLOSE_BASE]);
}
