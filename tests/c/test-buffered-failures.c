/* SPDX-License-Identifier: MIT */

/* What becomes of buffered data when something fails. */

#include "buffered-fixture.h"

#include <string.h>

/* Operations that need the base to have what was written behind. */

static gboolean
do_read (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  char bytes[100];

  return cimpl_stream_try_read (stream, bytes, sizeof bytes, cancellable, error) >= 0;
}

static gboolean
do_write (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  return cimpl_stream_try_write (stream, "defghijklmnopqrstuvwxyz", 23, cancellable, error) >= 0;
}

static gboolean
do_write_little (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  return cimpl_stream_try_write (stream, "defghijklmnopqr", 15, cancellable, error) >= 0;
}

static gboolean
do_seek (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  return cimpl_stream_try_seek (stream, 8, CIMPL_SEEK_MODE_START, cancellable, error) >= 0;
}

static gboolean
do_seek_end (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  return cimpl_stream_try_seek (stream, 0, CIMPL_SEEK_MODE_END, cancellable, error) >= 0;
}

static gboolean
do_truncate (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  return cimpl_stream_try_truncate (stream, 20, cancellable, error);
}

static gboolean
do_peek (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  g_autoptr (GBytes) bytes
      = cimpl_buffered_stream_try_peek (CIMPL_BUFFERED_STREAM (stream), 4, cancellable, error);

  return bytes != NULL;
}

static const struct
{
  const char *name;
  gboolean (*run) (CimplStream *stream, GCancellable *cancellable, GError **error);
} operations[] = {
  { "read", do_read },
  { "write", do_write },
  { "write-little", do_write_little },
  { "seek", do_seek },
  { "seek-end", do_seek_end },
  { "truncate", do_truncate },
  { "peek", do_peek },
  { "flush", cimpl_stream_try_flush },
};

/* The next operation, whichever it is, reports what the base says of a write; nothing is lost. */
static void
test_reported (BufferedFixture *fixture, gconstpointer data)
{
  for (gsize i = 0; i < G_N_ELEMENTS (operations); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", operations[i].name);
      buffered_seek (fixture, 2);
      buffered_write (fixture, "abc");
      buffered_fail (fixture, TEST_WRITE, CIMPL_STREAM_ERROR_NO_SPACE, TRUE);
      for (guint j = 0; j < 2; j++)
        {
          g_assert_false (operations[i].run (fixture->stream, NULL, &error));
          g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NO_SPACE);
          g_assert_cmpstr (error->message, ==, "3 bytes were not written: " TEST_FAULT_MESSAGE);
          g_clear_error (&error);
          buffered_assert_position (fixture, 5);
        }
      test_backend_assert_content (fixture->backend, "0123456789");

      buffered_recover (fixture);
      buffered_flush (fixture);
      test_backend_assert_content (fixture->backend, "01abc56789");
      memcpy (fixture->backend->data->data, "0123456789", 10);
    }
}

static void
fail_second_write (TestBackend *backend, gpointer user_data)
{
  if (backend->calls[TEST_WRITE] == 2)
    {
      backend->fault_op = TEST_WRITE;
      backend->fault = TEST_FAULT_ERROR;
      backend->hook = NULL;
    }
}

static void
test_half_written (BufferedFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  buffered_write (fixture, "abcdef");
  fixture->backend->max_transfer = 4;
  fixture->backend->hook = fail_second_write;
  g_assert_false (cimpl_stream_try_flush (fixture->stream, NULL, &error));
  g_assert_cmpstr (error->message, ==, "2 bytes were not written: " TEST_FAULT_MESSAGE);
  test_backend_assert_content (fixture->backend, "abcd456789");
  buffered_flush (fixture);
  test_backend_assert_content (fixture->backend, "abcdef6789");
}

static void
test_takes_nothing (BufferedFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  buffered_write (fixture, "abc");
  fixture->backend->max_transfer = 0;
  g_assert_false (cimpl_stream_try_flush (fixture->stream, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_IO_OPERATION);
  g_assert_cmpstr (error->message, ==, "3 bytes were not written: TestBase takes no more data");
  fixture->backend->max_transfer = G_MAXSIZE;
  buffered_flush (fixture);
  test_backend_assert_content (fixture->backend, "abc3456789");
}

static void
test_close (BufferedFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  buffered_write (fixture, "abc");
  buffered_fail (fixture, TEST_WRITE, CIMPL_STREAM_ERROR_NO_SPACE, FALSE);
  g_assert_false (cimpl_stream_try_close (fixture->stream, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_cmpstr (error->message, ==, "3 bytes were not written: " TEST_FAULT_MESSAGE);
  g_assert_true (cimpl_stream_is_closed (fixture->stream));

  g_assert_true (cimpl_stream_try_close (fixture->stream, NULL, NULL));
  g_assert_finalize_object (g_steal_pointer (&fixture->stream));
  g_assert_cmpuint (fixture->backend->calls[TEST_WRITE], ==, 1);
  test_backend_assert_content (fixture->backend, "0123456789");
}

static void
test_drop (BufferedFixture *fixture, gconstpointer data)
{
  buffered_write (fixture, "abc");
  buffered_fail (fixture, TEST_WRITE, CIMPL_STREAM_ERROR_NO_SPACE, FALSE);
  g_test_expect_message ("CimplStream", G_LOG_LEVEL_WARNING,
                         "CimplBufferedStream*3 bytes were not written: " TEST_FAULT_MESSAGE "*");
  g_assert_finalize_object (g_steal_pointer (&fixture->stream));
  g_test_assert_expected_messages ();
}

/* Would-block */

static void
test_would_block (BufferedFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("A write that does not fit takes what does, and fails only if nothing does");
  buffered_write (fixture, "abcdefghijkl");
  buffered_fail (fixture, TEST_WRITE, CIMPL_STREAM_ERROR_WOULD_BLOCK, TRUE);
  g_assert_cmpint (cimpl_stream_try_write (fixture->stream, "mnopqr", 6, NULL, &error), ==, 4);
  g_assert_no_error (error);
  g_assert_cmpint (cimpl_stream_try_write (fixture->stream, "qr", 2, NULL, &error), ==, -1);
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_WOULD_BLOCK);
  buffered_assert_position (fixture, 16);
  buffered_seek (fixture, 0);
  buffered_assert_read (fixture, 16, "abcdefghijklmnop");

  buffered_recover (fixture);
  buffered_write (fixture, "qr");
  buffered_flush (fixture);
  test_backend_assert_content (fixture->backend, "abcdefghijklmnopqr");
}

/* An empty buffer also takes the start of what would have gone past it. */
static void
test_would_block_past (BufferedFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  buffered_fail (fixture, TEST_WRITE, CIMPL_STREAM_ERROR_WOULD_BLOCK, TRUE);
  g_assert_cmpint (
      cimpl_stream_try_write (fixture->stream, "abcdefghijklmnopqrst", 20, NULL, &error), ==, 16);
  g_assert_no_error (error);
  buffered_recover (fixture);
  buffered_write (fixture, "qrst");
  buffered_flush (fixture);
  test_backend_assert_content (fixture->backend, "abcdefghijklmnopqrst");
}

static void
block_second_write (TestBackend *backend, gpointer user_data)
{
  backend->code = CIMPL_STREAM_ERROR_WOULD_BLOCK;
  fail_second_write (backend, user_data);
}

/* What the base does take makes room. */
static void
test_would_block_midway (BufferedFixture *fixture, gconstpointer data)
{
  buffered_write (fixture, "abcdefgh");
  buffered_write (fixture, "ijklmnop");
  fixture->backend->max_transfer = 5;
  fixture->backend->hook = block_second_write;
  g_assert_cmpint (cimpl_stream_try_write (fixture->stream, "qrstuvw", 7, NULL, NULL), ==, 5);
  buffered_assert_position (fixture, 21);
  buffered_flush (fixture);
  test_backend_assert_content (fixture->backend, "abcdefghijklmnopqrstu");
}

static void
test_read_would_block (BufferedFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  char byte;

  buffered_fail (fixture, TEST_READ, CIMPL_STREAM_ERROR_WOULD_BLOCK, FALSE);
  g_assert_cmpint (cimpl_stream_try_read (fixture->stream, &byte, 1, NULL, &error), ==, -1);
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_WOULD_BLOCK);
  buffered_assert_read (fixture, 3, "012");
}

/* A base that fails in the middle of a peek */

static void
fail_second_read (TestBackend *backend, gpointer user_data)
{
  if (backend->calls[TEST_READ] == 2)
    {
      backend->fault_op = TEST_READ;
      backend->fault = TEST_FAULT_ERROR;
      backend->hook = NULL;
    }
}

static void
test_peek (BufferedFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->backend->max_transfer = 2;
  fixture->backend->hook = fail_second_read;
  g_assert_null (
      cimpl_buffered_stream_try_peek (CIMPL_BUFFERED_STREAM (fixture->stream), 4, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NO_SPACE);
  buffered_assert_read (fixture, 4, "01");
  g_assert_cmpuint (fixture->backend->calls[TEST_READ], ==, 2);
  buffered_assert_peek (fixture, 4, "2345");
}

/* Where the base stands */

static void
lose_position (TestBackend *backend, gpointer user_data)
{
  if (backend->fault == TEST_FAULT_ERROR)
    backend->position = 1;
}

/* A failure may leave it anywhere. */
static void
test_position_lost (BufferedFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  char byte;

  buffered_seek (fixture, 4);
  fixture->backend->hook = lose_position;
  buffered_fail (fixture, TEST_READ, CIMPL_STREAM_ERROR_IO_OPERATION, FALSE);
  g_assert_cmpint (cimpl_stream_try_read (fixture->stream, &byte, 1, NULL, &error), ==, -1);
  buffered_assert_position (fixture, 4);
  buffered_assert_read (fixture, 2, "45");

  buffered_write (fixture, "a");
  buffered_fail (fixture, TEST_WRITE, CIMPL_STREAM_ERROR_IO_OPERATION, FALSE);
  g_assert_false (cimpl_stream_try_flush (fixture->stream, NULL, NULL));
  buffered_flush (fixture);
  test_backend_assert_content (fixture->backend, "012345a789");

  buffered_fail (fixture, TEST_SEEK, CIMPL_STREAM_ERROR_IO_OPERATION, FALSE);
  g_assert_cmpint (cimpl_stream_try_seek (fixture->stream, 0, CIMPL_SEEK_MODE_START, NULL, NULL),
                   ==, -1);
  buffered_assert_position (fixture, 7);
  buffered_assert_read (fixture, 2, "78");
}

static void
test_start_fails (BufferedFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->backend->position = 3;
  buffered_fail (fixture, TEST_SEEK, CIMPL_STREAM_ERROR_IO_OPERATION, FALSE);
  g_assert_cmpint (cimpl_stream_try_write (fixture->stream, "a", 1, NULL, &error), ==, -1);
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_IO_OPERATION);
  buffered_write (fixture, "a");
  buffered_flush (fixture);
  test_backend_assert_content (fixture->backend, "012a456789");
}

/* A stream of callbacks that goes where it likes: to *context, up to which it takes data. */

static int64_t
seek_somewhere (CimplStreamContext *context, int64_t offset, CimplSeekMode mode)
{
  return *(gint64 *) context;
}

static intptr_t
read_anything (CimplStreamContext *context, uint8_t *data, size_t len)
{
  memset (data, 'x', len);
  return (intptr_t) len;
}

static intptr_t
write_anything (CimplStreamContext *context, const uint8_t *data, size_t len)
{
  return (intptr_t) len;
}

static CimplStream *
new_over_callbacks (gint64 *position, gsize buffer_size)
{
  CimplStream *plain = cimpl_stream_new ((CimplStreamContext *) position, read_anything,
                                         seek_somewhere, write_anything, NULL);
  g_autoptr (CimplStream) base = cimpl_stream_take (plain);

  return cimpl_buffered_stream_new (base, buffer_size);
}

static void
test_wrong_position (void)
{
  gint64 position = 0;
  g_autoptr (CimplStream) stream = new_over_callbacks (&position, 16);
  g_autoptr (GError) error = NULL;
  char bytes[4];

  g_test_summary ("Nothing is written where it does not belong");
  g_assert_cmpint (cimpl_stream_try_read (stream, bytes, 4, NULL, NULL), ==, 4);
  g_assert_cmpint (cimpl_stream_try_write (stream, "abc", 3, NULL, NULL), ==, 3);
  position = 9;
  g_assert_false (cimpl_stream_try_flush (stream, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_IO_OPERATION);
  g_assert_cmpstr (error->message, ==,
                   "3 bytes were not written: CimplCallbackStream went to position 9 instead of 4");
  position = 4;
  g_assert_true (cimpl_stream_try_close (stream, NULL, NULL));
}

static void
test_far_position (void)
{
  gint64 position = G_MAXINT64 - 1;
  g_autoptr (CimplStream) stream = new_over_callbacks (&position, 16);
  char bytes[20];

  g_test_summary ("A base that counts beyond 64 bits does no harm");
  g_assert_cmpint (cimpl_stream_try_read (stream, bytes, 4, NULL, NULL), ==, 4);
  g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, NULL), ==, G_MAXINT64);
  g_assert_cmpint (cimpl_stream_try_write (stream, bytes, 4, NULL, NULL), ==, 4);
  cimpl_stream_try_flush (stream, NULL, NULL);
  cimpl_stream_try_read (stream, bytes, 20, NULL, NULL);
  cimpl_stream_try_write (stream, bytes, 20, NULL, NULL);
  g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, NULL), ==, G_MAXINT64);
  cimpl_stream_try_close (stream, NULL, NULL);
}

/* Cancelling */

static void
cancel (TestBackend *backend, gpointer user_data)
{
  g_cancellable_cancel (user_data);
}

static void
test_cancelled (BufferedFixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  buffered_seek (fixture, 2);
  buffered_write (fixture, "abcdef");
  fixture->backend->max_transfer = 2;
  fixture->backend->hook = cancel;
  fixture->backend->hook_data = cancellable;
  g_assert_false (cimpl_stream_try_flush (fixture->stream, cancellable, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CANCELLED);
  g_assert_true (g_str_has_prefix (error->message, "4 bytes were not written: "));

  fixture->backend->hook = NULL;
  buffered_assert_position (fixture, 8);
  buffered_seek (fixture, 2);
  buffered_assert_read (fixture, 6, "abcdef");
  buffered_flush (fixture);
  test_backend_assert_content (fixture->backend, "01abcdef89");
}

static void
test_cancelled_peek (BufferedFixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  buffered_assert_position (fixture, 0);
  fixture->backend->max_transfer = 2;
  fixture->backend->hook = cancel;
  fixture->backend->hook_data = cancellable;
  g_assert_null (cimpl_buffered_stream_try_peek (CIMPL_BUFFERED_STREAM (fixture->stream), 4,
                                                 cancellable, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CANCELLED);
  fixture->backend->hook = NULL;
  buffered_assert_read (fixture, 4, "01");
}

/* Memory */

static void
test_no_memory (BufferedFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  char byte;

#ifdef __SANITIZE_ADDRESS__
  g_test_skip ("a sanitizer ends the program when there is no memory");
  return;
#endif
  g_assert_cmpint (cimpl_stream_try_read (fixture->stream, &byte, 1, NULL, &error), ==, -1);
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NO_SPACE);
  g_clear_error (&error);
  g_assert_cmpint (cimpl_stream_try_write (fixture->stream, "a", 1, NULL, &error), ==, -1);
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NO_SPACE);
  buffered_assert_position (fixture, 0);
}

int
main (int argc, char **argv)
{
  static const BufferedKind enormous = { FALSE, G_MAXSSIZE };

  g_test_init (&argc, &argv, NULL);

#define ADD(path, kind, test) buffered_add_test ("/buffered-failures/" path, kind, test)
  ADD ("write-behind/reported", NULL, test_reported);
  ADD ("write-behind/half", NULL, test_half_written);
  ADD ("write-behind/takes-nothing", NULL, test_takes_nothing);
  ADD ("write-behind/close", NULL, test_close);
  ADD ("write-behind/drop", NULL, test_drop);
  ADD ("would-block", NULL, test_would_block);
  ADD ("would-block/past", NULL, test_would_block_past);
  ADD ("would-block/midway", NULL, test_would_block_midway);
  ADD ("would-block/read", NULL, test_read_would_block);
  ADD ("peek", NULL, test_peek);
  ADD ("position/lost", NULL, test_position_lost);
  ADD ("position/unknown", NULL, test_start_fails);
  g_test_add_func ("/buffered-failures/position/wrong", test_wrong_position);
  g_test_add_func ("/buffered-failures/position/far", test_far_position);
  ADD ("cancelled", NULL, test_cancelled);
  ADD ("cancelled/peek", NULL, test_cancelled_peek);
  ADD ("no-memory", &enormous, test_no_memory);
#undef ADD

  return g_test_run ();
}
