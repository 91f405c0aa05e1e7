/* SPDX-License-Identifier: MIT */

/* What the GIO classes over a CimplStream share: errors, closing, properties and GSeekable. */

#include "config.h"

#include "adapters/cimpl-adapter-private.h"

#include "core/cimpl-stream-error-private.h"

enum
{
  PROP_BASE = 1,
  PROP_CLOSE_BASE,
};

static CimplAdapter *
get_adapter (gpointer stream)
{
  if (CIMPL_IS_INPUT_STREAM (stream))
    return &CIMPL_INPUT_STREAM (stream)->adapter;
  if (CIMPL_IS_OUTPUT_STREAM (stream))
    return &CIMPL_OUTPUT_STREAM (stream)->adapter;
  return &CIMPL_IO_STREAM (stream)->adapter;
}

/* The same three methods of three classes that have no parent in common. */

static gboolean
set_pending (gpointer stream, GError **error)
{
  if (G_IS_INPUT_STREAM (stream))
    return g_input_stream_set_pending (stream, error);
  if (G_IS_OUTPUT_STREAM (stream))
    return g_output_stream_set_pending (stream, error);
  return g_io_stream_set_pending (stream, error);
}

static void
clear_pending (gpointer stream)
{
  if (G_IS_INPUT_STREAM (stream))
    g_input_stream_clear_pending (stream);
  else if (G_IS_OUTPUT_STREAM (stream))
    g_output_stream_clear_pending (stream);
  else
    g_io_stream_clear_pending (stream);
}

static gboolean
close_stream (gpointer stream, GError **error)
{
  if (G_IS_INPUT_STREAM (stream))
    return g_input_stream_close (stream, NULL, error);
  if (G_IS_OUTPUT_STREAM (stream))
    return g_output_stream_close (stream, NULL, error);
  return g_io_stream_close (stream, NULL, error);
}

/* Errors */

/* For what was made without a base. */
void
cimpl_adapter_refuse (GError **error)
{
  g_set_error_literal (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NULL_PARAMETER,
                       "The stream was made without a base");
}

/* Makes an error of the base one of GIO, if it is not. */
void
cimpl_adapter_take_error (GError *base_error, GError **error)
{
  g_propagate_error (error, cimpl_failure_to_io (base_error));
}

static gboolean
finish (gboolean success, GError *base_error, GError **error)
{
  if (!success)
    cimpl_adapter_take_error (base_error, error);
  return success;
}

/* Flushing and closing */

gboolean
cimpl_adapter_flush (CimplAdapter *self, GCancellable *cancellable, GError **error)
{
  CimplHandle *handle;
  GError *base_error = NULL;
  gboolean success = FALSE;

  handle = cimpl_adapter_enter (self, CIMPL_KIND_FLUSH, &base_error);
  if (handle != NULL)
    {
      CIMPL_AUTO_LEAVE (handle);
      success = cimpl_operation_flush (handle, cancellable, &base_error);
    }
  if (success)
    self->is_dirty = FALSE;
  return finish (success, base_error, error);
}

/* Closes the base, if that is wanted, or flushes what was written. */
gboolean
cimpl_adapter_close (CimplAdapter *self, GCancellable *cancellable, GError **error)
{
  GError *base_error = NULL;
  gboolean success;

  if (self->base == NULL)
    return TRUE;
  /* What the parent process has made is the parent's to flush and to close. */
  if (self->is_dropped && cimpl_handle_is_inherited (cimpl_stream_get_handle (self->base)))
    return TRUE;

  if (atomic_load (&self->close_base))
    {
      success = cimpl_stream_try_close (self->base, cancellable, &base_error);
      return finish (success, base_error, error);
    }
  /* A closed base has flushed. */
  if (!self->is_dirty || cimpl_stream_is_closed (self->base))
    return TRUE;
  return cimpl_adapter_flush (self, cancellable, error);
}

/* Object */

static void
cimpl_adapter_set_property (GObject *object,
                            guint property_id,
                            const GValue *value,
                            GParamSpec *pspec)
{
  CimplAdapter *self = get_adapter (object);

  switch (property_id)
    {
    case PROP_BASE:
      self->base = g_value_dup_object (value);
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
cimpl_adapter_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  CimplAdapter *self = get_adapter (object);

  switch (property_id)
    {
    case PROP_BASE:
      g_value_set_object (value, self->base);
      break;
    case PROP_CLOSE_BASE:
      g_value_set_boolean (value, atomic_load (&self->close_base));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

/* The classes are final, so the parent of the object's own class is the one to chain up to. */
static GObjectClass *
get_parent_class (GObject *object)
{
  return g_type_class_peek_parent (G_OBJECT_GET_CLASS (object));
}

void
cimpl_adapter_dispose (GObject *object)
{
  g_autoptr (GError) error = NULL;

  /* GIO closes by itself, and keeps quiet if that fails. */
  get_adapter (object)->is_dropped = TRUE;
  if (!close_stream (object, &error))
    g_warning ("%s was dropped without having been closed, and failed to close then: %s; "
               "close it explicitly",
               G_OBJECT_TYPE_NAME (object), error->message);

  get_parent_class (object)->dispose (object);

  /* The end of the base may be user code, and bindings see to it that this runs where that can. */
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PENDING)) /* else it comes again */
    g_clear_object (&get_adapter (object)->base);
}

void
cimpl_adapter_finalize (GObject *object)
{
  g_clear_pointer (&get_adapter (object)->base, cimpl_handle_drop);

  get_parent_class (object)->finalize (object);
}

/* The properties are documented in the files of the classes. */
void
cimpl_adapter_class_init (GObjectClass *object_class)
{
  object_class->set_property = cimpl_adapter_set_property;
  object_class->get_property = cimpl_adapter_get_property;
  object_class->dispose = cimpl_adapter_dispose;
  object_class->finalize = cimpl_adapter_finalize;

  g_object_class_install_property (
      object_class, PROP_BASE,
      g_param_spec_object ("base", NULL, NULL, CIMPL_TYPE_STREAM,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS));
  g_object_class_install_property (
      object_class, PROP_CLOSE_BASE,
      g_param_spec_boolean ("close-base", NULL, NULL, FALSE,
                            G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS));
}

/* GSeekable */

static CimplStreamFlags
get_flags (GSeekable *seekable)
{
  CimplStream *base = get_adapter (seekable)->base;
  CimplStreamFlags flags = 0;

  if (base != NULL)
    cimpl_stream_try_get_flags (base, &flags, NULL);
  return flags;
}

/*
 * There is no way to say that this failed, and a negative result makes callers abort. So while the
 * base is busy, and if it fails, the answer is what it was last.
 */
static goffset
cimpl_adapter_tell (GSeekable *seekable)
{
  CimplAdapter *self = get_adapter (seekable);
  CimplHandle *handle;
  gint64 position = -1;

  handle = cimpl_adapter_enter (self, CIMPL_KIND_SEEK, NULL);
  if (handle != NULL)
    {
      CIMPL_AUTO_LEAVE (handle);
      position = cimpl_operation_seek (handle, 0, CIMPL_SEEK_MODE_CURRENT, NULL, NULL);
    }
  if (position < 0)
    return atomic_load (&self->position);
  atomic_store (&self->position, position);
  return position;
}

static gboolean
cimpl_adapter_can_seek (GSeekable *seekable)
{
  return (get_flags (seekable) & CIMPL_STREAM_SEEKABLE) != 0;
}

/* What there is no mode for stays unknown, and is refused as such. */
static CimplSeekMode
get_seek_mode (GSeekType type)
{
  switch (type)
    {
    case G_SEEK_CUR:
      return CIMPL_SEEK_MODE_CURRENT;
    case G_SEEK_SET:
      return CIMPL_SEEK_MODE_START;
    case G_SEEK_END:
      return CIMPL_SEEK_MODE_END;
    default:
      return (CimplSeekMode) type;
    }
}

/* Begins an operation that GIO does not know of; one at a time, as for the others. */
static gboolean
begin (GSeekable *seekable, GCancellable *cancellable, GError **error)
{
  if (!set_pending (seekable, error))
    return FALSE;
  if (cancellable != NULL)
    g_cancellable_push_current (cancellable);
  return TRUE;
}

typedef struct
{
  GSeekable *seekable;
  GCancellable *cancellable;
} Begun;

static void
end (Begun *begun)
{
  if (begun->cancellable != NULL)
    g_cancellable_pop_current (begun->cancellable);
  clear_pending (begun->seekable);
}

/* At the end of the block, however that is left. */
#define AUTO_END(seekable, cancellable)                                                            \
  __attribute__ ((cleanup (end))) G_GNUC_UNUSED Begun begun = { seekable, cancellable }

static gboolean
cimpl_adapter_seek (GSeekable *seekable,
                    goffset offset,
                    GSeekType type,
                    GCancellable *cancellable,
                    GError **error)
{
  CimplAdapter *self = get_adapter (seekable);
  CimplHandle *handle;
  gint64 position = -1;
  GError *base_error = NULL;

  if (!begin (seekable, cancellable, error))
    return FALSE;
  {
    AUTO_END (seekable, cancellable);
    handle = cimpl_adapter_enter (self, CIMPL_KIND_SEEK, &base_error);
    if (handle != NULL)
      {
        CIMPL_AUTO_LEAVE (handle);
        position
            = cimpl_operation_seek (handle, offset, get_seek_mode (type), cancellable, &base_error);
      }
  }
  if (position >= 0)
    atomic_store (&self->position, position);
  return finish (position >= 0, base_error, error);
}

static gboolean
cimpl_adapter_can_truncate (GSeekable *seekable)
{
  return !G_IS_INPUT_STREAM (seekable) && (get_flags (seekable) & CIMPL_STREAM_TRUNCATABLE) != 0;
}

static gboolean
cimpl_adapter_truncate (GSeekable *seekable,
                        goffset size,
                        GCancellable *cancellable,
                        GError **error)
{
  CimplHandle *handle;
  gboolean success = FALSE;
  GError *base_error = NULL;

  if (G_IS_INPUT_STREAM (seekable))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                           "An input stream cannot be truncated");
      return FALSE;
    }
  if (!begin (seekable, cancellable, error))
    return FALSE;
  {
    AUTO_END (seekable, cancellable);
    handle = cimpl_adapter_enter (get_adapter (seekable), CIMPL_KIND_TRUNCATE, &base_error);
    if (handle != NULL)
      {
        CIMPL_AUTO_LEAVE (handle);
        success = cimpl_operation_truncate (handle, size, cancellable, &base_error);
      }
  }
  return finish (success, base_error, error);
}

void
cimpl_adapter_seekable_init (GSeekableIface *iface)
{
  iface->tell = cimpl_adapter_tell;
  iface->can_seek = cimpl_adapter_can_seek;
  iface->seek = cimpl_adapter_seek;
  iface->can_truncate = cimpl_adapter_can_truncate;
  iface->truncate_fn = cimpl_adapter_truncate;
}
