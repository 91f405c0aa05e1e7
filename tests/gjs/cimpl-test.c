/* SPDX-License-Identifier: MIT */

/*
 * What the tests in JavaScript need of a native library that uses CimplStream: a class in C to
 * derive from, the plain C API, and somebody who calls a stream from a thread of his own.
 */

#include "cimpl-test.h"

typedef struct
{
  char next;
} CimplTestDigitsPrivate;

/**
 * CimplTestDigits:
 *
 * The ten digits and then the end; overrides `read`.
 */
G_DEFINE_TYPE_WITH_PRIVATE (CimplTestDigits, cimpl_test_digits, CIMPL_TYPE_STREAM)

static gboolean
cimpl_test_digits_read (CimplStream *stream,
                        void *buffer,
                        gsize count,
                        gsize *n_read,
                        GCancellable *cancellable,
                        GError **error)
{
  CimplTestDigitsPrivate *priv
      = cimpl_test_digits_get_instance_private (CIMPL_TEST_DIGITS (stream));
  char *digits = buffer;

  for (*n_read = 0; *n_read < count && priv->next <= '9'; ++*n_read)
    digits[*n_read] = priv->next++;
  return TRUE;
}

static void
cimpl_test_digits_class_init (CimplTestDigitsClass *klass)
{
  CIMPL_STREAM_CLASS (klass)->read = cimpl_test_digits_read;
}

static void
cimpl_test_digits_init (CimplTestDigits *self)
{
  CimplTestDigitsPrivate *priv = cimpl_test_digits_get_instance_private (self);

  priv->next = '0';
}

/**
 * cimpl_test_read_plainly:
 * @stream: a stream
 *
 * Reads a byte by the plain C API, which keeps the error for its caller to ask for.
 *
 * Returns: the number of bytes read, or -1 on failure
 */
gssize
cimpl_test_read_plainly (CimplStream *stream)
{
  guint8 byte;

  return cimpl_stream_read (stream, &byte, 1);
}

/**
 * cimpl_test_get_handle:
 * @stream: a stream
 *
 * Gets what plain C libraries know the stream by.
 *
 * Returns: the address of the stream
 */
guintptr
cimpl_test_get_handle (CimplStream *stream)
{
  return (guintptr) stream;
}

typedef struct
{
  CimplStream *stream; /* (owned) */
  CimplTestOperation operation;
  guint count;
} Call;

static void
call_free (gpointer data)
{
  Call *call = data;

  g_object_unref (call->stream);
  g_free (call);
}

static GVariant *
read_stream (CimplStream *stream, guint count, GCancellable *cancellable, GError **error)
{
  g_autoptr (GBytes) bytes = cimpl_stream_try_read_bytes (stream, count, cancellable, error);

  return bytes == NULL ? NULL : g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);
}

static GVariant *
write_stream (CimplStream *stream, guint count, GCancellable *cancellable, GError **error)
{
  g_autofree char *data = g_strnfill (count, 'x');
  gssize n_written = cimpl_stream_try_write (stream, data, count, cancellable, error);

  return n_written < 0 ? NULL : g_variant_new_int64 (n_written);
}

static GVariant *
seek_stream (CimplStream *stream, guint count, GCancellable *cancellable, GError **error)
{
  gint64 position
      = cimpl_stream_try_seek (stream, count, CIMPL_SEEK_MODE_START, cancellable, error);

  return position < 0 ? NULL : g_variant_new_int64 (position);
}

static GVariant *
get_flags (CimplStream *stream, GError **error)
{
  CimplStreamFlags flags;

  return cimpl_stream_try_get_flags (stream, &flags, error) ? g_variant_new_int64 (flags) : NULL;
}

static GVariant *
new_success (gboolean success)
{
  return success ? g_variant_new_boolean (TRUE) : NULL;
}

static GVariant *
run (const Call *call, GCancellable *cancellable, GError **error)
{
  switch (call->operation)
    {
    case CIMPL_TEST_OPERATION_READ:
      return read_stream (call->stream, call->count, cancellable, error);

    case CIMPL_TEST_OPERATION_WRITE:
      return write_stream (call->stream, call->count, cancellable, error);

    case CIMPL_TEST_OPERATION_SEEK:
      return seek_stream (call->stream, call->count, cancellable, error);

    case CIMPL_TEST_OPERATION_TRUNCATE:
      return new_success (
          cimpl_stream_try_truncate (call->stream, call->count, cancellable, error));

    case CIMPL_TEST_OPERATION_FLUSH:
      return new_success (cimpl_stream_try_flush (call->stream, cancellable, error));

    case CIMPL_TEST_OPERATION_CLOSE:
      return new_success (cimpl_stream_try_close (call->stream, cancellable, error));

    case CIMPL_TEST_OPERATION_GET_FLAGS:
      return get_flags (call->stream, error);

    default:
      g_assert_not_reached ();
    }
}

static void
run_call (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  GError *error = NULL;
  GVariant *result = run (task_data, cancellable, &error);

  if (result == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_variant_ref_sink (result), (GDestroyNotify) g_variant_unref);
}

static GTask *
new_task (CimplStream *stream,
          CimplTestOperation operation,
          guint count,
          GCancellable *cancellable,
          GAsyncReadyCallback callback,
          gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Call *call = g_new (Call, 1);

  call->stream = g_object_ref (stream);
  call->operation = operation;
  call->count = count;
  g_task_set_task_data (task, call, call_free);
  g_task_set_check_cancellable (task, FALSE); /* the stream is to report it */
  return task;
}

/**
 * cimpl_test_run_in_thread:
 * @stream: a stream
 * @operation: what to do with it
 * @count: what the operation takes
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does something with a stream in another thread, and waits for it without running any main loop.
 *
 * Returns: (transfer full): the data, the number, or the truth that @operation comes to
 */
GVariant *
cimpl_test_run_in_thread (CimplStream *stream,
                          CimplTestOperation operation,
                          guint count,
                          GCancellable *cancellable,
                          GError **error)
{
  g_autoptr (GTask) task = new_task (stream, operation, count, cancellable, NULL, NULL);

  g_task_run_in_thread_sync (task, run_call);
  return g_task_propagate_pointer (task, error);
}

/**
 * cimpl_test_run_in_thread_async:
 * @stream: a stream
 * @operation: what to do with it
 * @count: what the operation takes
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): called when it is done
 * @user_data: for @callback
 *
 * Does something with a stream in another thread.
 */
void
cimpl_test_run_in_thread_async (CimplStream *stream,
                                CimplTestOperation operation,
                                guint count,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_autoptr (GTask) task = new_task (stream, operation, count, cancellable, callback, user_data);

  g_task_run_in_thread (task, run_call);
}

/**
 * cimpl_test_run_in_thread_finish:
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of cimpl_test_run_in_thread_async().
 *
 * Returns: (transfer full): like that of cimpl_test_run_in_thread()
 */
GVariant *
cimpl_test_run_in_thread_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
