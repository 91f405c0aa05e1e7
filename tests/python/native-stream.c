/* SPDX-License-Identifier: MIT */

/*
 * A class in C for classes in Python to derive from: the letters of the alphabet, again and again.
 * What is written is counted.
 */

#include <cimplstream/cimplstream.h>

typedef struct
{
  CimplStream parent_instance;
  guint position;
  guint n_written;
  guint n_closed;
} NativeStream;

typedef CimplStreamClass NativeStreamClass;

GType native_stream_get_type (void);
guint native_stream_count_closed (NativeStream *self);

G_DEFINE_TYPE (NativeStream, native_stream, CIMPL_TYPE_STREAM)

static gboolean
native_stream_read (CimplStream *stream,
                    void *buffer,
                    gsize count,
                    gsize *n_read,
                    GCancellable *cancellable,
                    GError **error)
{
  NativeStream *self = (NativeStream *) stream;
  guint8 *letters = buffer;

  for (gsize i = 0; i < count; i++)
    letters[i] = (guint8) ('a' + self->position++ % 26);
  *n_read = count;
  return TRUE;
}

static gboolean
native_stream_write (CimplStream *stream,
                     const void *data,
                     gsize count,
                     gsize *n_written,
                     GCancellable *cancellable,
                     GError **error)
{
  if (count > 100)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "too much at once");
      return FALSE;
    }
  ((NativeStream *) stream)->n_written += (guint) count;
  *n_written = count;
  return TRUE;
}

static gboolean
native_stream_seek (CimplStream *stream,
                    gint64 offset,
                    CimplSeekMode mode,
                    gint64 *position,
                    GCancellable *cancellable,
                    GError **error)
{
  NativeStream *self = (NativeStream *) stream;

  if (mode == CIMPL_SEEK_MODE_END)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "there is no end");
      return FALSE;
    }
  self->position = (guint) offset + (mode == CIMPL_SEEK_MODE_CURRENT ? self->position : 0);
  *position = self->position;
  return TRUE;
}

static gboolean
native_stream_close (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  ((NativeStream *) stream)->n_closed++;
  return TRUE;
}

guint
native_stream_count_closed (NativeStream *self)
{
  return self->n_closed;
}

static void
native_stream_class_init (NativeStreamClass *klass)
{
  klass->read = native_stream_read;
  klass->write = native_stream_write;
  klass->seek = native_stream_seek;
  klass->close = native_stream_close;
}

static void
native_stream_init (NativeStream *self)
{
}
