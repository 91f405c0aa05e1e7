/* SPDX-License-Identifier: MIT */

#include "base.h"

#include <string.h>

G_DEFINE_FINAL_TYPE (TestBase, test_base, CIMPL_TYPE_STREAM)

static TestBackend *
get_sink (TestBase *self)
{
  return self->sink != NULL ? self->sink : self->backend;
}

static gboolean
begin (CimplStream *stream, TestOp op, TestFault *fault, GCancellable *cancellable, GError **error)
{
  TestBase *self = TEST_BASE (stream);
  TestBackend *backend = op == TEST_WRITE || op == TEST_FLUSH ? get_sink (self) : self->backend;

  self->thread = g_thread_self ();
  self->cancellable = cancellable;
  *fault = test_backend_begin (backend, op);
  if (*fault == TEST_FAULT_ERROR)
    g_set_error_literal (error, CIMPL_STREAM_ERROR, (gint) backend->code, TEST_FAULT_MESSAGE);
  else if (self->error != NULL)
    g_propagate_error (error, g_error_copy (self->error));
  return *fault != TEST_FAULT_ERROR && *fault != TEST_FAULT_SILENT && self->error == NULL;
}

static gboolean
test_base_read (CimplStream *stream,
                void *buffer,
                gsize count,
                gsize *n_read,
                GCancellable *cancellable,
                GError **error)
{
  TestFault fault;

  if (!begin (stream, TEST_READ, &fault, cancellable, error))
    return FALSE;
  if (fault == TEST_FAULT_TOO_MUCH)
    *n_read = count + 1;
  else if (fault == TEST_FAULT_NONE)
    *n_read = test_backend_read (TEST_BASE (stream)->backend, buffer, count);
  return TRUE;
}

static gboolean
test_base_write (CimplStream *stream,
                 const void *data,
                 gsize count,
                 gsize *n_written,
                 GCancellable *cancellable,
                 GError **error)
{
  TestFault fault;

  if (!begin (stream, TEST_WRITE, &fault, cancellable, error))
    return FALSE;
  if (fault == TEST_FAULT_TOO_MUCH)
    *n_written = count + 1;
  else if (fault == TEST_FAULT_NONE)
    *n_written = test_backend_write (get_sink (TEST_BASE (stream)), data, count);
  return TRUE;
}

static gboolean
test_base_seek (CimplStream *stream,
                gint64 offset,
                CimplSeekMode mode,
                gint64 *position,
                GCancellable *cancellable,
                GError **error)
{
  TestFault fault;

  if (!begin (stream, TEST_SEEK, &fault, cancellable, error))
    return FALSE;
  if (fault == TEST_FAULT_NEGATIVE)
    *position = -7;
  if (fault != TEST_FAULT_NONE)
    return TRUE;
  *position = test_backend_seek (TEST_BASE (stream)->backend, offset, mode);
  if (*position >= 0)
    return TRUE;
  g_set_error_literal (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_ARGUMENT, "before 0");
  return FALSE;
}

static gboolean
test_base_flush (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  TestFault fault;

  return begin (stream, TEST_FLUSH, &fault, cancellable, error);
}

static gboolean
test_base_close (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  TestFault fault;

  return begin (stream, TEST_CLOSE, &fault, cancellable, error);
}

static gboolean
test_base_truncate (CimplStream *stream, gint64 size, GCancellable *cancellable, GError **error)
{
  GByteArray *data = TEST_BASE (stream)->backend->data;
  guint old_len = data->len;
  TestFault fault;

  if (!begin (stream, TEST_TRUNCATE, &fault, cancellable, error))
    return FALSE;
  g_byte_array_set_size (data, (guint) size);
  if (data->len > old_len)
    memset (data->data + old_len, 0, data->len - old_len);
  return TRUE;
}

static gboolean
test_base_query_flags (CimplStream *stream, CimplStreamFlags *flags, GError **error)
{
  TestBase *self = TEST_BASE (stream);

  self->thread = g_thread_self ();
  if (!CIMPL_STREAM_CLASS (test_base_parent_class)->query_flags (stream, flags, error))
    return FALSE;
  if (self->only != 0)
    *flags = self->only;
  *flags &= ~self->lacks;
  return TRUE;
}

static void
test_base_class_init (TestBaseClass *klass)
{
  CimplStreamClass *stream_class = CIMPL_STREAM_CLASS (klass);

  stream_class->read = test_base_read;
  stream_class->write = test_base_write;
  stream_class->seek = test_base_seek;
  stream_class->flush = test_base_flush;
  stream_class->close = test_base_close;
  stream_class->truncate = test_base_truncate;
  stream_class->query_flags = test_base_query_flags;
}

static void
test_base_init (TestBase *self)
{
}

/* A stream over @backend, which outlives it; the caller owns a reference. */
TestBase *
test_base_new (TestBackend *backend)
{
  TestBase *self = g_object_new (TEST_TYPE_BASE, NULL);

  self->backend = backend;
  return self;
}
