/* SPDX-License-Identifier: MIT */

#include "buffered-fixture.h"
#include "stream-contract.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The contract */

static CimplStream *
create_sized (TestBackend *backend, gsize buffer_size)
{
  g_autoptr (TestBase) base = test_base_new (backend);
  CimplStream *stream = cimpl_buffered_stream_new (CIMPL_STREAM (base), buffer_size);

  g_object_set (stream, "close-base", TRUE, NULL);
  return stream;
}

static CimplStream *
create_small (TestBackend *backend)
{
  return create_sized (backend, 1);
}

static CimplStream *
create_large (TestBackend *backend)
{
  return create_sized (backend, 0);
}

static const StreamContract contracts[] = {
  {
      .name = "buffered-stream/small",
      .create = create_small,
      .silent_code = CIMPL_STREAM_ERROR_CALLBACK_CONTRACT,
      .can_be_untouched = TRUE,
      .knows_position = TRUE,
  },
  {
      .name = "buffered-stream/large",
      .create = create_large,
      .silent_code = CIMPL_STREAM_ERROR_CALLBACK_CONTRACT,
      .can_be_untouched = TRUE,
      .knows_position = TRUE,
      .buffers = TRUE,
  },
};

/* Reading ahead and writing behind */

static void
test_read_ahead (BufferedFixture *fixture, gconstpointer data)
{
  buffered_assert_read (fixture, 1, "0");
  buffered_assert_read (fixture, 2, "12");
  buffered_assert_read (fixture, 3, "345");
  g_assert_cmpuint (fixture->backend->calls[TEST_READ], ==, 1);

  /* What is there is no reason to ask for the rest. */
  buffered_assert_read (fixture, 10, "6789");
  g_assert_cmpuint (fixture->backend->calls[TEST_READ], ==, 1);
}

static void
test_read_past (BufferedFixture *fixture, gconstpointer data)
{
  buffered_assert_read (fixture, 8, "01234567");
  g_assert_cmpuint (fixture->backend->calls[TEST_READ], ==, 1);
  buffered_assert_position (fixture, 8);
  buffered_seek (fixture, 1);
  buffered_assert_read (fixture, 1, "1");
}

static void
test_end (BufferedFixture *fixture, gconstpointer data)
{
  g_test_summary ("The end of the data is not remembered: a file may grow");
  buffered_assert_read (fixture, 10, "0123456789");
  buffered_assert_read (fixture, 10, "");
  g_byte_array_append (fixture->backend->data, (const guint8 *) "ab", 2);
  buffered_assert_read (fixture, 10, "ab");
  buffered_assert_read (fixture, 10, "");
}

static void
test_write_behind (BufferedFixture *fixture, gconstpointer data)
{
  buffered_write (fixture, "ab");
  buffered_write (fixture, "c");
  g_assert_cmpuint (fixture->backend->calls[TEST_WRITE], ==, 0);
  buffered_assert_position (fixture, 3);
  buffered_flush (fixture);
  g_assert_cmpuint (fixture->backend->calls[TEST_WRITE], ==, 1);
  g_assert_cmpuint (fixture->backend->calls[TEST_FLUSH], ==, 1);
  test_backend_assert_content (fixture->backend, "abc3456789");

  buffered_flush (fixture);
  g_assert_cmpuint (fixture->backend->calls[TEST_WRITE], ==, 1);
}

/* With a buffer of four bytes. */
static void
test_write_full (BufferedFixture *fixture, gconstpointer data)
{
  buffered_write (fixture, "abc");
  buffered_write (fixture, "de");
  test_backend_assert_content (fixture->backend, "abc3456789");
  buffered_write (fixture, "fg");
  g_assert_cmpuint (fixture->backend->calls[TEST_WRITE], ==, 1);

  /* What was written before comes first. */
  buffered_write (fixture, "hijklm");
  g_assert_cmpuint (fixture->backend->calls[TEST_WRITE], ==, 3);
  test_backend_assert_content (fixture->backend, "abcdefghijklm");
}

static void
test_write_slowly (BufferedFixture *fixture, gconstpointer data)
{
  fixture->backend->max_transfer = 2;
  buffered_write (fixture, "abcde");
  buffered_flush (fixture);
  g_assert_cmpuint (fixture->backend->calls[TEST_WRITE], ==, 3);
  test_backend_assert_content (fixture->backend, "abcde56789");
}

static void
test_mixed (BufferedFixture *fixture, gconstpointer data)
{
  buffered_assert_read (fixture, 2, "01");
  buffered_write (fixture, "ab");
  buffered_assert_read (fixture, 2, "45");
  buffered_write (fixture, "c");
  buffered_seek (fixture, 1);
  buffered_assert_read (fixture, 6, "1ab45c");
  buffered_seek (fixture, 9);
  buffered_write (fixture, "de");
  buffered_seek (fixture, 0);
  buffered_assert_read (fixture, 16, "01ab45c78de");

  g_assert_cmpuint (fixture->backend->calls[TEST_READ], ==, 1);
  g_assert_cmpuint (fixture->backend->calls[TEST_WRITE], ==, 0);
  buffered_flush (fixture);
  test_backend_assert_content (fixture->backend, "01ab45c78de");
}

/* What was written is read, also where the window goes on from it. */
static void
test_read_after_write (BufferedFixture *fixture, gconstpointer data)
{
  buffered_seek (fixture, 3);
  buffered_write (fixture, "abc");
  buffered_assert_read (fixture, 10, "6789");
  buffered_seek (fixture, 3);
  buffered_write (fixture, "d");
  buffered_assert_read (fixture, 20, "bc6789");
}

static void
test_write_after_read (BufferedFixture *fixture, gconstpointer data)
{
  buffered_assert_read (fixture, 2, "01");
  g_assert_cmpint (fixture->backend->position, ==, 4); /* has been read ahead */
  buffered_write (fixture, "abcdef");                  /* goes past the buffer */
  test_backend_assert_content (fixture->backend, "01abcdef89");
  buffered_assert_read (fixture, 2, "89");
}

static void
test_seeks_are_free (BufferedFixture *fixture, gconstpointer data)
{
  buffered_assert_read (fixture, 1, "0");
  g_assert_cmpuint (fixture->backend->calls[TEST_SEEK], ==, 1); /* where it begins */
  for (gint64 position = 0; position <= 10; position++)
    {
      buffered_seek (fixture, position);
      buffered_assert_position (fixture, position);
    }
  g_assert_cmpint (cimpl_stream_try_seek (fixture->stream, -7, CIMPL_SEEK_MODE_CURRENT, NULL, NULL),
                   ==, 3);
  buffered_assert_read (fixture, 2, "34");
  g_assert_cmpuint (fixture->backend->calls[TEST_SEEK], ==, 1);
  g_assert_cmpuint (fixture->backend->calls[TEST_READ], ==, 1);
}

static void
test_seek_away (BufferedFixture *fixture, gconstpointer data)
{
  buffered_assert_read (fixture, 1, "0");
  buffered_write (fixture, "ab");
  buffered_seek (fixture, 20);
  test_backend_assert_content (fixture->backend, "0ab3456789");
  buffered_assert_read (fixture, 1, "");
  g_assert_cmpint (cimpl_stream_try_seek (fixture->stream, -2, CIMPL_SEEK_MODE_END, NULL, NULL), ==,
                   8);
  buffered_assert_read (fixture, 1, "8");
}

/* The end can only be where the base has all data. */
static void
test_seek_end (BufferedFixture *fixture, gconstpointer data)
{
  buffered_seek (fixture, 10);
  buffered_write (fixture, "abc");
  g_assert_cmpint (cimpl_stream_try_get_size (fixture->stream, NULL, NULL), ==, 13);
  buffered_assert_position (fixture, 13);
}

static void
test_truncate (BufferedFixture *fixture, gconstpointer data)
{
  buffered_assert_read (fixture, 2, "01");
  buffered_write (fixture, "ab");
  g_assert_true (cimpl_stream_try_truncate (fixture->stream, 6, NULL, NULL));
  buffered_assert_position (fixture, 4);
  buffered_assert_read (fixture, 10, "45");
  buffered_assert_read (fixture, 10, "");
  test_backend_assert_content (fixture->backend, "01ab45");
}

static void
test_flush_gives_back (BufferedFixture *fixture, gconstpointer data)
{
  char byte;

  buffered_assert_read (fixture, 3, "012");
  g_assert_cmpint (fixture->backend->position, ==, 10);
  buffered_flush (fixture);
  g_assert_finalize_object (g_steal_pointer (&fixture->stream));
  g_assert_cmpint (cimpl_stream_try_read (CIMPL_STREAM (fixture->base), &byte, 1, NULL, NULL), ==,
                   1);
  g_assert_cmpint (byte, ==, '3');
}

static void
test_starts_anywhere (BufferedFixture *fixture, gconstpointer data)
{
  fixture->backend->position = 4;
  buffered_assert_read (fixture, 1, "4");
  buffered_assert_position (fixture, 5);
  buffered_seek (fixture, 3);
  buffered_assert_read (fixture, 2, "34");
}

static void
test_read_only (BufferedFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->base->lacks = CIMPL_STREAM_WRITABLE;
  buffered_assert_read (fixture, 1, "0");
  buffered_fail (fixture, TEST_WRITE, CIMPL_STREAM_ERROR_NOT_SUPPORTED, FALSE);
  g_assert_cmpint (cimpl_stream_try_write (fixture->stream, "a", 1, NULL, &error), ==, -1);
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NOT_SUPPORTED);
  buffered_assert_read (fixture, 1, "1");
}

/* Peeking */

static void
test_peek (BufferedFixture *fixture, gconstpointer data)
{
  fixture->backend->max_transfer = 2;
  buffered_assert_peek (fixture, 0, "");
  g_assert_cmpuint (fixture->backend->calls[TEST_READ], ==, 0);
  buffered_assert_peek (fixture, 3, "012");
  g_assert_cmpuint (fixture->backend->calls[TEST_READ], ==, 2);
  buffered_assert_position (fixture, 0);
  buffered_assert_read (fixture, 3, "012");
  buffered_assert_peek (fixture, 4, "3456");
  buffered_assert_read (fixture, 2, "34");
  buffered_write (fixture, "ab");
  buffered_seek (fixture, 4);
  buffered_assert_peek (fixture, 4, "4ab7");
  buffered_seek (fixture, 8);
  buffered_assert_peek (fixture, 4, "89"); /* and the end */
  buffered_assert_read (fixture, 4, "89");
  buffered_assert_peek (fixture, 4, "");
}

static void
test_peek_too_much (BufferedFixture *fixture, gconstpointer data)
{
  CimplBufferedStream *buffered = CIMPL_BUFFERED_STREAM (fixture->stream);
  g_autoptr (GError) error = NULL;

  buffered_assert_peek (fixture, 4, "0123");
  g_assert_null (cimpl_buffered_stream_try_peek (buffered, 5, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_ARGUMENT);
}

static void
assert_peek_fails (CimplStream *stream, GCancellable *cancellable, CimplStreamError code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (
      cimpl_buffered_stream_try_peek (CIMPL_BUFFERED_STREAM (stream), 1, cancellable, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, (gint) code);
}

static void
peek_again (TestBackend *backend, gpointer user_data)
{
  assert_peek_fails (user_data, NULL, CIMPL_STREAM_ERROR_BUSY);
}

static void
test_peek_refused (BufferedFixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  fixture->backend->hook = peek_again;
  fixture->backend->hook_data = fixture->stream;
  buffered_assert_peek (fixture, 1, "0");
  fixture->backend->hook = NULL;
  g_cancellable_cancel (cancellable);
  assert_peek_fails (fixture->stream, cancellable, CIMPL_STREAM_ERROR_CANCELLED);
  g_assert_true (cimpl_stream_try_close (fixture->stream, NULL, NULL));
  assert_peek_fails (fixture->stream, NULL, CIMPL_STREAM_ERROR_CLOSED);
}

/* Properties, and lives */

static void
count_notify (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  ++*(guint *) user_data;
}

static void
test_properties (BufferedFixture *fixture, gconstpointer data)
{
  g_autoptr (CimplStream) stream = cimpl_buffered_stream_new (CIMPL_STREAM (fixture->base), 0);
  CimplBufferedStream *buffered = CIMPL_BUFFERED_STREAM (stream);
  guint64 buffer_size = 0;
  guint64 rewind_limit = 1;
  guint n_notified = 0;

  g_object_get (stream, "buffer-size", &buffer_size, "rewind-limit", &rewind_limit, NULL);
  g_assert_cmpuint (buffer_size, ==, 65536);
  g_assert_cmpuint (rewind_limit, ==, 0);
  g_assert_cmpuint (cimpl_buffered_stream_get_buffer_size (CIMPL_BUFFERED_STREAM (fixture->stream)),
                    ==, 16);

  g_signal_connect (stream, "notify::rewind-limit", G_CALLBACK (count_notify), &n_notified);
  g_object_set (stream, "rewind-limit", (guint64) 5, NULL);
  cimpl_buffered_stream_set_rewind_limit (buffered, 5);
  g_assert_cmpuint (cimpl_buffered_stream_get_rewind_limit (buffered), ==, 5);
  g_assert_cmpuint (n_notified, ==, 1);
}

static void
test_without_base (void)
{
  g_autoptr (CimplStream) stream = g_object_new (CIMPL_TYPE_BUFFERED_STREAM, NULL);
  g_autoptr (GError) error = NULL;
  char byte;

  g_assert_cmpint (cimpl_stream_try_read (stream, &byte, 1, NULL, &error), ==, -1);
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NULL_PARAMETER);
}

static void
test_drop_in_child (BufferedFixture *fixture, gconstpointer data)
{
  pid_t child;
  int status;

  g_test_summary ("What the parent wrote behind is the parent's to write");
  buffered_write (fixture, "abc");
  child = fork ();
  if (child == 0)
    {
      g_object_unref (fixture->stream);
      execl (fixture->backend->calls[TEST_WRITE] == 0 ? "/bin/true" : "/bin/false", "child", NULL);
      _exit (2);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
  g_assert_finalize_object (g_steal_pointer (&fixture->stream));
  test_backend_assert_content (fixture->backend, "abc3456789");
}

static void
assert_plain_refused (CimplStream *base, size_t buffer_size, CimplStreamError code)
{
  cimpl_stream_clear_error ();
  g_assert_null (cimpl_stream_new_buffered (base, buffer_size));
  g_assert_cmpint (cimpl_stream_error_code (), ==, (gint) code);
}

static void
test_plain (BufferedFixture *fixture, gconstpointer data)
{
  CimplStream *base = cimpl_stream_ref (CIMPL_STREAM (fixture->base));
  CimplStream *stream = cimpl_stream_new_buffered (base, 4);
  uint8_t bytes[4];

  g_assert_cmpint (cimpl_free (base), ==, 0);
  g_assert_cmpint (cimpl_stream_read (stream, bytes, 2), ==, 2);
  g_assert_cmpint (cimpl_stream_read (stream, bytes, 4), ==, 2);
  g_assert_cmpint (cimpl_stream_write (stream, bytes, 2), ==, 2);
  g_assert_cmpint (cimpl_stream_tell (stream), ==, 6);
  g_assert_cmpint (cimpl_stream_close (stream), ==, 0);
  test_backend_assert_content (fixture->backend, "0123236789");
  g_assert_false (cimpl_stream_is_closed (CIMPL_STREAM (fixture->base)));
  g_assert_cmpint (cimpl_free (stream), ==, 0);
  g_assert_cmpint (cimpl_free (stream), ==, -1);

  assert_plain_refused (NULL, 0, CIMPL_STREAM_ERROR_NULL_PARAMETER);
  assert_plain_refused (stream, 0, CIMPL_STREAM_ERROR_INVALID_HANDLE);
  assert_plain_refused (CIMPL_STREAM (fixture->base), (size_t) PTRDIFF_MAX + 1,
                        CIMPL_STREAM_ERROR_INVALID_BUFFER);
}

/* The plain reference is the only one, and the base goes with it. */
static void
test_plain_drop (void)
{
  g_autoptr (TestBackend) backend = test_backend_new ("");
  CimplStream *base = CIMPL_STREAM (test_base_new (backend));
  CimplStream *stream = cimpl_stream_new_buffered (base, 0);

  g_object_unref (base);
  g_assert_cmpint (cimpl_stream_write (stream, (const uint8_t *) "abc", 3), ==, 3);
  g_assert_cmpint (cimpl_free (stream), ==, 0);
  test_backend_assert_content (backend, "abc");
  g_assert_cmpuint (backend->calls[TEST_CLOSE], ==, 1);
}

int
main (int argc, char **argv)
{
  static const BufferedKind small = { FALSE, 4 };

  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (contracts); i++)
    stream_contract_add_tests (&contracts[i]);

#define ADD(path, kind, test) buffered_add_test ("/buffered-stream/" path, kind, test)
  ADD ("read/ahead", NULL, test_read_ahead);
  ADD ("read/past", &small, test_read_past);
  ADD ("read/end", NULL, test_end);
  ADD ("read/after-write", NULL, test_read_after_write);
  ADD ("write/behind", NULL, test_write_behind);
  ADD ("write/full", &small, test_write_full);
  ADD ("write/slowly", NULL, test_write_slowly);
  ADD ("write/after-read", &small, test_write_after_read);
  ADD ("write/read-only", NULL, test_read_only);
  ADD ("mixed", NULL, test_mixed);
  ADD ("seek/free", NULL, test_seeks_are_free);
  ADD ("seek/away", NULL, test_seek_away);
  ADD ("seek/end", NULL, test_seek_end);
  ADD ("seek/starts-anywhere", NULL, test_starts_anywhere);
  ADD ("truncate", NULL, test_truncate);
  ADD ("flush-gives-back", NULL, test_flush_gives_back);
  ADD ("peek", &small, test_peek);
  ADD ("peek/too-much", &small, test_peek_too_much);
  ADD ("peek/refused", NULL, test_peek_refused);
  ADD ("properties", NULL, test_properties);
  g_test_add_func ("/buffered-stream/without-base", test_without_base);
  ADD ("drop-in-child", NULL, test_drop_in_child);
  ADD ("plain", NULL, test_plain);
  g_test_add_func ("/buffered-stream/plain/drop", test_plain_drop);
#undef ADD

  return g_test_run ();
}
