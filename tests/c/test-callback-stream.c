/* SPDX-License-Identifier: MIT */

#include "stream-contract.h"

#include <string.h>

#define BACKEND(context) ((TestBackend *) (context))

/* Streams of callbacks that return their result */

/* What a callback returns that goes wrong; FALSE if it does not. */
static gboolean
fail (TestBackend *backend, TestOp op, gsize len, int64_t *result)
{
  switch (test_backend_begin (backend, op))
    {
    case TEST_FAULT_NONE:
      return FALSE;
    case TEST_FAULT_ERROR:
      cimpl_stream_set_error ((int32_t) backend->code, TEST_FAULT_MESSAGE);
      *result = -1;
      return TRUE;
    case TEST_FAULT_SILENT:
      *result = -1;
      return TRUE;
    case TEST_FAULT_TOO_MUCH:
      *result = (int64_t) len + 1;
      return TRUE;
    case TEST_FAULT_NEGATIVE:
      *result = -7;
      return TRUE;
    case TEST_FAULT_UNTOUCHED:
      return TRUE;
    default:
      g_assert_not_reached ();
    }
}

static intptr_t
read_cb (CimplStreamContext *context, uint8_t *data, size_t len)
{
  int64_t result = 0;

  if (fail (BACKEND (context), TEST_READ, len, &result))
    return (intptr_t) result;
  return (intptr_t) test_backend_read (BACKEND (context), data, len);
}

static int64_t
seek_cb (CimplStreamContext *context, int64_t offset, CimplSeekMode mode)
{
  int64_t result = 0;

  if (fail (BACKEND (context), TEST_SEEK, 0, &result))
    return result;
  return test_backend_seek (BACKEND (context), offset, mode);
}

static intptr_t
write_cb (CimplStreamContext *context, const uint8_t *data, size_t len)
{
  int64_t result = 0;

  if (fail (BACKEND (context), TEST_WRITE, len, &result))
    return (intptr_t) result;
  return (intptr_t) test_backend_write (BACKEND (context), data, len);
}

static int32_t
flush_cb (CimplStreamContext *context)
{
  int64_t result = 0;

  return fail (BACKEND (context), TEST_FLUSH, 0, &result) ? (int32_t) result : 0;
}

static CimplStream *
create_returning (TestBackend *backend)
{
  return cimpl_stream_take (
      cimpl_stream_new ((CimplStreamContext *) backend, read_cb, seek_cb, write_cb, flush_cb));
}

/* Streams of callbacks that store their result */

static void
checked_read (CimplStreamContext *context, uint8_t *data, size_t len, int64_t *result)
{
  if (!fail (BACKEND (context), TEST_READ, len, result))
    *result = (int64_t) test_backend_read (BACKEND (context), data, len);
}

static void
checked_write (CimplStreamContext *context, const uint8_t *data, size_t len, int64_t *result)
{
  if (!fail (BACKEND (context), TEST_WRITE, len, result))
    *result = (int64_t) test_backend_write (BACKEND (context), data, len);
}

static void
checked_seek (CimplStreamContext *context, int64_t offset, CimplSeekMode mode, int64_t *result)
{
  if (!fail (BACKEND (context), TEST_SEEK, 0, result))
    *result = test_backend_seek (BACKEND (context), offset, mode);
}

static void
checked_flush (CimplStreamContext *context, int64_t *result)
{
  if (!fail (BACKEND (context), TEST_FLUSH, 0, result))
    *result = 0;
}

static void
checked_close (CimplStreamContext *context, int64_t *result)
{
  if (!fail (BACKEND (context), TEST_CLOSE, 0, result))
    *result = 0;
}

static void
checked_truncate (CimplStreamContext *context, int64_t size, int64_t *result)
{
  if (fail (BACKEND (context), TEST_TRUNCATE, 0, result))
    return;
  g_byte_array_set_size (BACKEND (context)->data, (guint) size);
  *result = 0;
}

static const CimplStreamCallbacks all_callbacks = {
  sizeof (CimplStreamCallbacks),
  checked_read,
  checked_write,
  checked_seek,
  checked_flush,
  checked_close,
  checked_truncate,
};

static CimplStream *
create_storing (TestBackend *backend)
{
  return cimpl_stream_take (
      cimpl_stream_new_full (&all_callbacks, (CimplStreamContext *) backend, NULL));
}

static const StreamContract contracts[] = {
  {
      .name = "callback-stream/returning",
      .create = create_returning,
      .silent_code = CIMPL_STREAM_ERROR_IO_OPERATION,
      .counts_can_be_negative = TRUE,
      .cannot_truncate = TRUE,
      .cannot_close = TRUE,
      .borrows = TRUE,
  },
  {
      .name = "callback-stream/storing",
      .create = create_storing,
      .silent_code = CIMPL_STREAM_ERROR_IO_OPERATION,
      .can_be_untouched = TRUE,
      .counts_can_be_negative = TRUE,
  },
};

/* What only these streams do */

static void
assert_last_error (CimplStreamError code, const char *message)
{
  char *last_error = cimpl_stream_last_error ();

  g_assert_cmpint (cimpl_stream_error_code (), ==, (gint) code);
  g_assert_cmpstr (last_error, ==, message);
  g_assert_cmpint (cimpl_free (last_error), ==, 0);
}

static void
test_messages (void)
{
  g_autoptr (TestBackend) backend = test_backend_new ("0123456789");
  CimplStream *stream
      = cimpl_stream_new_full (&all_callbacks, (CimplStreamContext *) backend, NULL);
  uint8_t buffer[4];

  backend->fault_op = TEST_READ;
  backend->fault = TEST_FAULT_SILENT;
  g_assert_cmpint (cimpl_stream_read (stream, buffer, 4), ==, -1);
  assert_last_error (CIMPL_STREAM_ERROR_IO_OPERATION, "IoError: Read callback returned error");
  backend->fault = TEST_FAULT_ERROR;
  g_assert_cmpint (cimpl_stream_read (stream, buffer, 4), ==, -1);
  assert_last_error (CIMPL_STREAM_ERROR_NO_SPACE, "NoSpace: " TEST_FAULT_MESSAGE);
  backend->fault = TEST_FAULT_NEGATIVE;
  g_assert_cmpint (cimpl_stream_read (stream, buffer, 4), ==, -1);
  assert_last_error (CIMPL_STREAM_ERROR_CALLBACK_CONTRACT,
                     "CallbackContract: Read callback returned -7");
  backend->fault = TEST_FAULT_UNTOUCHED;
  g_assert_cmpint (cimpl_stream_read (stream, buffer, 4), ==, -1);
  assert_last_error (CIMPL_STREAM_ERROR_CALLBACK_CONTRACT,
                     "CallbackContract: Read callback did not set its result");
  backend->fault = TEST_FAULT_TOO_MUCH;
  g_assert_cmpint (cimpl_stream_read (stream, buffer, 4), ==, -1);
  assert_last_error (CIMPL_STREAM_ERROR_CALLBACK_CONTRACT,
                     "CallbackContract: read of CimplCallbackStream returned 5 bytes where at most "
                     "4 were asked for");
  cimpl_free (stream);
}

static void
test_status_contract (void)
{
  static int32_t (*const calls[]) (CimplStream *) = { cimpl_stream_flush, cimpl_stream_close };
  static const TestOp ops[] = { TEST_FLUSH, TEST_CLOSE };
  static const TestFault faults[]
      = { TEST_FAULT_TOO_MUCH, TEST_FAULT_NEGATIVE, TEST_FAULT_UNTOUCHED };

  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    for (guint j = 0; j < G_N_ELEMENTS (faults); j++)
      {
        g_autoptr (TestBackend) backend = test_backend_new ("");
        CimplStream *stream
            = cimpl_stream_new_full (&all_callbacks, (CimplStreamContext *) backend, NULL);

        backend->fault_op = ops[i];
        backend->fault = faults[j];
        g_assert_cmpint (calls[i](stream), ==, -1);
        g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_CALLBACK_CONTRACT);
        cimpl_free (stream);
      }
}

static void
test_missing (void)
{
  static const CimplStreamCallbacks none = { .struct_size = sizeof (CimplStreamCallbacks) };
  CimplStream *streams[] = {
    cimpl_stream_new ((CimplStreamContext *) &none, NULL, NULL, NULL, NULL),
    cimpl_stream_new_full (&none, NULL, NULL),
  };
  uint8_t buffer[4] = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (streams); i++)
    {
      g_assert_cmpint (cimpl_stream_get_flags (streams[i]), ==, 0);
      g_assert_cmpint (cimpl_stream_read (streams[i], buffer, 4), ==, -1);
      assert_last_error (CIMPL_STREAM_ERROR_NOT_SUPPORTED,
                         "NotSupported: CimplCallbackStream cannot be read");
      g_assert_cmpint (cimpl_stream_write (streams[i], buffer, 4), ==, -1);
      g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_NOT_SUPPORTED);
      g_assert_cmpint (cimpl_stream_seek (streams[i], 0, CIMPL_SEEK_MODE_START), ==, -1);
      g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_NOT_SUPPORTED);
      g_assert_cmpint (cimpl_stream_truncate (streams[i], 0), ==, -1);
      g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_NOT_SUPPORTED);
      g_assert_cmpint (cimpl_stream_flush (streams[i]), ==, 0);
      g_assert_cmpint (cimpl_stream_close (streams[i]), ==, 0);
      g_assert_cmpint (cimpl_free (streams[i]), ==, 0);
    }
}

/* struct_size */

typedef struct
{
  CimplStreamCallbacks known;
  void (*later) (void);
} LaterCallbacks;

static void
later_callback (void)
{
}

static void
test_struct_size (void)
{
  g_autoptr (TestBackend) backend = test_backend_new ("0123456789");
  CimplStreamContext *context = (CimplStreamContext *) backend;
  LaterCallbacks later = { all_callbacks, NULL };
  CimplStreamCallbacks older = all_callbacks;
  CimplStream *stream;

  /* An older caller: what it does not have is never called. */
  older.struct_size = offsetof (CimplStreamCallbacks, flush);
  stream = cimpl_stream_new_full (&older, context, NULL);
  g_assert_cmpint (cimpl_stream_get_flags (stream), ==,
                   CIMPL_STREAM_READABLE | CIMPL_STREAM_WRITABLE | CIMPL_STREAM_SEEKABLE);
  g_assert_cmpint (cimpl_stream_flush (stream), ==, 0);
  g_assert_cmpint (cimpl_stream_close (stream), ==, 0);
  g_assert_cmpuint (backend->calls[TEST_FLUSH] + backend->calls[TEST_CLOSE], ==, 0);
  cimpl_free (stream);

  /* A later caller: fine, as long as it does not need what we do not know. */
  later.known.struct_size = sizeof later;
  stream = cimpl_stream_new_full (&later.known, context, NULL);
  g_assert_cmpint (cimpl_stream_tell (stream), ==, 0);
  cimpl_free (stream);
  later.later = later_callback;
  g_assert_null (cimpl_stream_new_full (&later.known, context, NULL));
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_NOT_SUPPORTED);

  /* Forgotten, or wrong. */
  older.struct_size = 0;
  g_assert_null (cimpl_stream_new_full (&older, context, NULL));
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_INVALID_ARGUMENT);
  older.struct_size = sizeof older - 1;
  g_assert_null (cimpl_stream_new_full (&older, context, NULL));
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_INVALID_ARGUMENT);
}

/* destroy */

static void
count_destroy (CimplStreamContext *context)
{
  TestBackend *backend = BACKEND (context);

  /* The last of all, and with everything closed. */
  g_assert_cmpuint (backend->calls[TEST_CLOSE], ==, 1);
  backend->position = -1;
}

static CimplStream *
new_with_destroy (TestBackend *backend)
{
  return cimpl_stream_new_full (&all_callbacks, (CimplStreamContext *) backend, count_destroy);
}

static void
test_destroy (void)
{
  g_autoptr (TestBackend) backend = test_backend_new ("");
  CimplStream *stream = new_with_destroy (backend);

  g_object_ref (stream);
  g_assert_cmpint (cimpl_free (stream), ==, 0);
  g_assert_cmpint (backend->position, ==, 0);
  g_assert_cmpint (cimpl_stream_tell (stream), ==, 0); /* still a valid handle */
  g_object_unref (stream);
  g_assert_cmpint (backend->position, ==, -1);
}

static void
test_destroy_after_close (void)
{
  g_autoptr (TestBackend) backend = test_backend_new ("");
  CimplStream *stream = new_with_destroy (backend);

  g_assert_cmpint (cimpl_stream_close (stream), ==, 0);
  g_assert_cmpint (backend->position, ==, 0);
  g_assert_cmpint (cimpl_free (stream), ==, 0);
  g_assert_cmpint (backend->position, ==, -1);
}

static void
test_run_dispose (void)
{
  g_autoptr (TestBackend) backend = test_backend_new ("");
  CimplStream *stream = new_with_destroy (backend);
  uint8_t buffer[4];

  /* Plain references keep a stream, … */
  g_object_run_dispose (G_OBJECT (stream));
  g_assert_cmpint (cimpl_stream_tell (stream), ==, 0);

  /* … and without any it is closed, and cannot get one any more. */
  stream = cimpl_stream_take (stream);
  g_object_run_dispose (G_OBJECT (stream));
  g_assert_cmpint (backend->position, ==, -1);
  g_assert_cmpint (cimpl_stream_read (stream, buffer, 4), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_CLOSED);
  g_assert_cmpint (cimpl_stream_get_flags (stream), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_CLOSED);
  g_assert_cmpint (cimpl_stream_detach (stream, 0), ==, 0);
  g_assert_null (cimpl_stream_ref (stream));
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_INVALID_HANDLE);
  g_assert_cmpint (cimpl_free (stream), ==, -1);
  g_object_unref (stream);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (contracts); i++)
    stream_contract_add_tests (&contracts[i]);

  g_test_add_func ("/callback-stream/messages", test_messages);
  g_test_add_func ("/callback-stream/status-contract", test_status_contract);
  g_test_add_func ("/callback-stream/missing", test_missing);
  g_test_add_func ("/callback-stream/struct-size", test_struct_size);
  g_test_add_func ("/callback-stream/destroy", test_destroy);
  g_test_add_func ("/callback-stream/destroy/after-close", test_destroy_after_close);
  g_test_add_func ("/callback-stream/run-dispose", test_run_dispose);
  return g_test_run ();
}
