/* SPDX-License-Identifier: MIT */

#include "gio-backend.h"

static void test_io_stream_seekable_init (GSeekableIface *iface);

G_DEFINE_FINAL_TYPE (TestInputStream, test_input_stream, G_TYPE_INPUT_STREAM)
G_DEFINE_FINAL_TYPE (TestOutputStream, test_output_stream, G_TYPE_OUTPUT_STREAM)
G_DEFINE_FINAL_TYPE_WITH_CODE (TestIOStream,
                               test_io_stream,
                               G_TYPE_IO_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_SEEKABLE,
                                                      test_io_stream_seekable_init))

static gboolean
begin (TestShared *shared, TestOp op, TestFault *fault, GCancellable *cancellable, GError **error)
{
  shared->cancellable = cancellable;
  *fault = test_backend_begin (shared->backend, op);
  if (*fault == TEST_FAULT_ERROR)
    g_set_error_literal (error, CIMPL_STREAM_ERROR, (gint) shared->backend->code,
                         TEST_FAULT_MESSAGE);
  else if (shared->error != NULL)
    g_propagate_error (error, g_error_copy (shared->error));
  return *fault != TEST_FAULT_ERROR && *fault != TEST_FAULT_SILENT && shared->error == NULL;
}

static gssize
test_input_stream_read (GInputStream *stream,
                        void *buffer,
                        gsize count,
                        GCancellable *cancellable,
                        GError **error)
{
  TestShared *shared = TEST_INPUT_STREAM (stream)->shared;
  TestFault fault;

  if (!begin (shared, TEST_READ, &fault, cancellable, error))
    return -1;
  if (fault != TEST_FAULT_NONE)
    return fault == TEST_FAULT_NEGATIVE ? -7 : (gssize) count + 1;
  return (gssize) test_backend_read (shared->backend, buffer, count);
}

static void
test_input_stream_class_init (TestInputStreamClass *klass)
{
  G_INPUT_STREAM_CLASS (klass)->read_fn = test_input_stream_read;
}

static void
test_input_stream_init (TestInputStream *self)
{
}

static gssize
test_output_stream_write (GOutputStream *stream,
                          const void *buffer,
                          gsize count,
                          GCancellable *cancellable,
                          GError **error)
{
  TestShared *shared = TEST_OUTPUT_STREAM (stream)->shared;
  TestFault fault;

  if (!begin (shared, TEST_WRITE, &fault, cancellable, error))
    return -1;
  if (fault != TEST_FAULT_NONE)
    return fault == TEST_FAULT_NEGATIVE ? -7 : (gssize) count + 1;
  return (gssize) test_backend_write (shared->backend, buffer, count);
}

static gboolean
test_output_stream_flush (GOutputStream *stream, GCancellable *cancellable, GError **error)
{
  TestFault fault;

  /* GIO flushes what it closes, also if nothing was written; not of interest here. */
  return g_output_stream_is_closing (stream)
         || begin (TEST_OUTPUT_STREAM (stream)->shared, TEST_FLUSH, &fault, cancellable, error);
}

static gboolean
test_output_stream_close (GOutputStream *stream, GCancellable *cancellable, GError **error)
{
  TestFault fault;

  return begin (TEST_OUTPUT_STREAM (stream)->shared, TEST_CLOSE, &fault, cancellable, error);
}

static void
test_output_stream_class_init (TestOutputStreamClass *klass)
{
  G_OUTPUT_STREAM_CLASS (klass)->write_fn = test_output_stream_write;
  G_OUTPUT_STREAM_CLASS (klass)->flush = test_output_stream_flush;
  G_OUTPUT_STREAM_CLASS (klass)->close_fn = test_output_stream_close;
}

static void
test_output_stream_init (TestOutputStream *self)
{
}

static goffset
test_io_stream_tell (GSeekable *seekable)
{
  TestBackend *backend = TEST_IO_STREAM (seekable)->shared.backend;

  backend->calls[TEST_SEEK]++;
  if (backend->fault_op == TEST_SEEK && backend->fault == TEST_FAULT_NEGATIVE)
    return -7;
  return backend->position;
}

static gboolean
test_io_stream_can_seek (GSeekable *seekable)
{
  return !TEST_IO_STREAM (seekable)->shared.cannot_seek;
}

static gboolean
test_io_stream_seek (GSeekable *seekable,
                     goffset offset,
                     GSeekType type,
                     GCancellable *cancellable,
                     GError **error)
{
  static const CimplSeekMode modes[] = {
    [G_SEEK_CUR] = CIMPL_SEEK_MODE_CURRENT,
    [G_SEEK_SET] = CIMPL_SEEK_MODE_START,
    [G_SEEK_END] = CIMPL_SEEK_MODE_END,
  };
  TestShared *shared = &TEST_IO_STREAM (seekable)->shared;
  TestFault fault;

  if (!begin (shared, TEST_SEEK, &fault, cancellable, error))
    return FALSE;
  if (test_backend_seek (shared->backend, offset, modes[type]) >= 0)
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "Before the start");
  return FALSE;
}

static gboolean
test_io_stream_truncate (GSeekable *seekable,
                         goffset size,
                         GCancellable *cancellable,
                         GError **error)
{
  TestShared *shared = &TEST_IO_STREAM (seekable)->shared;
  TestFault fault;

  if (!begin (shared, TEST_TRUNCATE, &fault, cancellable, error))
    return FALSE;
  g_byte_array_set_size (shared->backend->data, (guint) size);
  return TRUE;
}

static void
test_io_stream_seekable_init (GSeekableIface *iface)
{
  iface->tell = test_io_stream_tell;
  iface->can_seek = test_io_stream_can_seek;
  iface->seek = test_io_stream_seek;
  iface->can_truncate = test_io_stream_can_seek;
  iface->truncate_fn = test_io_stream_truncate;
}

static GInputStream *
test_io_stream_get_input_stream (GIOStream *stream)
{
  return G_INPUT_STREAM (TEST_IO_STREAM (stream)->input);
}

static GOutputStream *
test_io_stream_get_output_stream (GIOStream *stream)
{
  return G_OUTPUT_STREAM (TEST_IO_STREAM (stream)->output);
}

static void
test_io_stream_finalize (GObject *object)
{
  g_object_unref (TEST_IO_STREAM (object)->input);
  g_object_unref (TEST_IO_STREAM (object)->output);

  G_OBJECT_CLASS (test_io_stream_parent_class)->finalize (object);
}

static void
test_io_stream_class_init (TestIOStreamClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = test_io_stream_finalize;
  G_IO_STREAM_CLASS (klass)->get_input_stream = test_io_stream_get_input_stream;
  G_IO_STREAM_CLASS (klass)->get_output_stream = test_io_stream_get_output_stream;
}

static void
test_io_stream_init (TestIOStream *self)
{
  self->input = g_object_new (TEST_TYPE_INPUT_STREAM, NULL);
  self->input->shared = &self->shared;
  self->output = g_object_new (TEST_TYPE_OUTPUT_STREAM, NULL);
  self->output->shared = &self->shared;
}

TestIOStream *
test_io_stream_new (TestBackend *backend)
{
  TestIOStream *self = g_object_new (TEST_TYPE_IO_STREAM, NULL);

  self->shared.backend = backend;
  return self;
}
