/* SPDX-License-Identifier: MIT */

/* Reading and skipping, asynchronous use, and the two halves of an I/O stream. */

#include "adapter-fixture.h"

#include <string.h>

/* Reading and skipping */

static void
test_read (AdapterFixture *fixture)
{
  char buffer[20];
  g_autoptr (GError) error = NULL;

  fixture->backend->max_transfer = 7;
  g_assert_cmpint (g_input_stream_read (fixture->stream, buffer, 20, NULL, NULL), ==, 7);
  g_assert_cmpmem (buffer, 7, "0123456", 7);
  g_assert_cmpint (g_input_stream_read (fixture->stream, buffer, 20, NULL, NULL), ==, 3);
  g_assert_cmpint (g_input_stream_read (fixture->stream, buffer, 20, NULL, &error), ==, 0);
  g_assert_no_error (error);
  adapter_fixture_fail (fixture, TEST_READ, FALSE);
  g_assert_cmpint (g_input_stream_read (fixture->stream, buffer, 20, NULL, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_assert_cmpstr (error->message, ==, TEST_FAULT_MESSAGE);
}

static void
test_read_cancelled (AdapterFixture *fixture)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  char buffer[4];

  g_cancellable_cancel (cancellable);
  g_assert_cmpint (g_input_stream_read (fixture->stream, buffer, 4, cancellable, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_cmpint (g_input_stream_skip (fixture->stream, 4, cancellable, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (adapter_fixture_get_position (fixture), ==, 0);
}

static void
test_skip (AdapterFixture *fixture)
{
  static const struct
  {
    gint64 start;
    gsize count;
    gssize expected;
  } skips[] = {
    { 2, 5, 5 }, { 2, 8, 8 }, { 7, 4, 3 }, { 0, G_MAXSSIZE, 10 }, { 10, 1, 0 }, { 15, 3, 0 },
  };

  for (guint can_seek = 0; can_seek < 2; can_seek++)
    for (guint i = 0; i < G_N_ELEMENTS (skips); i++)
      {
        fixture->backend->fault = TEST_FAULT_NONE;
        fixture->backend->position = skips[i].start;
        fixture->backend->calls[TEST_READ] = 0;
        fixture->backend->max_transfer = 2;
        if (!can_seek)
          adapter_fixture_fail (fixture, TEST_SEEK, TRUE);
        g_assert_cmpint (g_input_stream_skip (fixture->stream, skips[i].count, NULL, NULL), ==,
                         skips[i].expected);
        g_assert_cmpint (fixture->backend->position, ==, skips[i].start + skips[i].expected);
        if (can_seek)
          g_assert_cmpuint (fixture->backend->calls[TEST_READ], ==, skips[i].expected == 0);
      }
}

/* Fails the call of seek that @user_data counts down to. */
static void
fail_nth_seek (TestBackend *backend, gpointer user_data)
{
  guint *n_left = user_data;

  if (--*n_left > 0)
    return;
  if (backend->calls[TEST_SEEK] == 2)
    backend->position = 10; /* it has been at the end all the same */
  backend->fault_op = TEST_SEEK;
  backend->fault = TEST_FAULT_ERROR;
  backend->hook = NULL;
}

static void
test_skip_seek_fails (AdapterFixture *fixture)
{
  for (guint nth = 1; nth <= 4; nth++)
    {
      guint n_left = nth;
      gboolean is_lost = nth == 3;
      g_autoptr (GError) error = NULL;

      /* The third one comes back from the end; without any other, it reads. */
      fixture->backend->position = 2;
      fixture->backend->calls[TEST_SEEK] = 0;
      fixture->backend->hook = fail_nth_seek;
      fixture->backend->hook_data = &n_left;
      g_assert_cmpint (g_input_stream_skip (fixture->stream, 5, NULL, &error), ==,
                       is_lost ? -1 : 5);
      if (is_lost)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
      else
        g_assert_cmpint (fixture->backend->position, ==, 7);
      fixture->backend->fault = TEST_FAULT_NONE;
      fixture->backend->hook = NULL;
    }
}

static void
fail_second_read (TestBackend *backend, gpointer user_data)
{
  if (backend->calls[TEST_READ] != 2)
    return;
  backend->fault_op = TEST_READ;
  backend->fault = TEST_FAULT_ERROR;
  backend->fault_lasts = TRUE;
}

static void
test_skip_read_fails (AdapterFixture *fixture)
{
  g_autoptr (GError) error = NULL;
  char byte;

  g_test_summary ("What was skipped before counts, and the error comes next");
  adapter_fixture_fail (fixture, TEST_SEEK, TRUE);
  fixture->backend->max_transfer = 3;
  fixture->backend->hook = fail_second_read;
  g_assert_cmpint (g_input_stream_skip (fixture->stream, 8, NULL, &error), ==, 3);
  g_assert_no_error (error);
  g_assert_cmpint (g_input_stream_read (fixture->stream, &byte, 1, NULL, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
}

static void
cancel_second_seek (TestBackend *backend, gpointer user_data)
{
  if (backend->calls[TEST_SEEK] == 2)
    g_cancellable_cancel (user_data);
}

static void
test_skip_cancelled_inside (AdapterFixture *fixture)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  g_test_summary ("The position is not left where the size was asked for");
  fixture->backend->hook = cancel_second_seek;
  fixture->backend->hook_data = cancellable;
  g_assert_cmpint (g_input_stream_skip (fixture->stream, 4, cancellable, NULL), ==, 4);
  g_assert_cmpint (fixture->backend->position, ==, 4);
}

/* Like /dev/zero */

static intptr_t
read_zeros (CimplStreamContext *context, uint8_t *data, size_t len)
{
  memset (data, 0, len);
  return (intptr_t) len;
}

static int64_t
seek_nowhere (CimplStreamContext *context, int64_t offset, CimplSeekMode mode)
{
  return 0;
}

static void
test_skip_in_device (void)
{
  CimplStream *plain
      = cimpl_stream_new ((CimplStreamContext *) "", read_zeros, seek_nowhere, NULL, NULL);
  g_autoptr (CimplStream) base = cimpl_stream_take (plain);
  g_autoptr (GInputStream) input = cimpl_input_stream_new (base);

  g_test_summary ("A size of 0 is not the end of the data");
  g_assert_cmpint (g_input_stream_skip (input, 100000, NULL, NULL), ==, 100000);
}

static void
test_lines (AdapterFixture *fixture)
{
  g_autoptr (GDataInputStream) lines = g_data_input_stream_new (fixture->stream);
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  g_filter_input_stream_set_close_base_stream (G_FILTER_INPUT_STREAM (lines), FALSE);
  memcpy (fixture->backend->data->data, "one\ntwo\n..", 10);
  fixture->backend->max_transfer = 3;
  first = g_data_input_stream_read_line (lines, NULL, NULL, NULL);
  g_assert_cmpstr (first, ==, "one");
  second = g_data_input_stream_read_line (lines, NULL, NULL, NULL);
  g_assert_cmpstr (second, ==, "two");
  g_assert_cmpint (g_seekable_tell (G_SEEKABLE (lines)), ==, 8);
  g_assert_true (g_seekable_seek (G_SEEKABLE (lines), 1, G_SEEK_SET, NULL, NULL));
  g_assert_cmpint (g_data_input_stream_read_byte (lines, NULL, NULL), ==, 'n');
}

/* Asynchronous */

static void
keep_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GAsyncResult **kept = user_data;

  *kept = g_object_ref (result);
}

static GAsyncResult *
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return *result;
}

static void
test_async_input (AdapterFixture *fixture)
{
  g_autoptr (GAsyncResult) read = NULL;
  g_autoptr (GAsyncResult) skipped = NULL;
  g_autoptr (GAsyncResult) closed = NULL;
  g_autoptr (GError) error = NULL;
  char buffer[4];

  g_input_stream_read_async (fixture->stream, buffer, 4, 0, NULL, keep_result, &read);
  g_assert_cmpint (g_input_stream_read_finish (fixture->stream, wait_for (&read), NULL), ==, 4);
  g_assert_cmpmem (buffer, 4, "0123", 4);
  g_assert_true (fixture->base->thread != g_thread_self ());

  g_input_stream_skip_async (fixture->stream, 3, 0, NULL, keep_result, &skipped);
  g_assert_cmpint (g_input_stream_skip_finish (fixture->stream, wait_for (&skipped), NULL), ==, 3);
  g_assert_cmpint (fixture->backend->position, ==, 7);
  g_clear_object (&skipped);

  adapter_fixture_fail (fixture, TEST_READ, TRUE);
  fixture->backend->position = 10;
  g_input_stream_skip_async (fixture->stream, 3, 0, NULL, keep_result, &skipped);
  g_assert_cmpint (g_input_stream_skip_finish (fixture->stream, wait_for (&skipped), &error), ==,
                   -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);

  g_object_set (fixture->stream, "close-base", TRUE, NULL);
  g_input_stream_close_async (fixture->stream, 0, NULL, keep_result, &closed);
  g_assert_true (g_input_stream_close_finish (fixture->stream, wait_for (&closed), NULL));
  g_assert_cmpuint (fixture->backend->calls[TEST_CLOSE], ==, 1);
}

static void
test_async_output (AdapterFixture *fixture)
{
  g_autoptr (GAsyncResult) written = NULL;
  g_autoptr (GAsyncResult) flushed = NULL;
  g_autoptr (GAsyncResult) closed = NULL;
  g_autoptr (GError) error = NULL;
  gsize n_written;

  fixture->backend->max_transfer = 2;
  g_output_stream_write_all_async (fixture->stream, "abcde", 5, 0, NULL, keep_result, &written);
  g_assert_true (
      g_output_stream_write_all_finish (fixture->stream, wait_for (&written), &n_written, NULL));
  g_assert_cmpuint (n_written, ==, 5);
  test_backend_assert_content (fixture->backend, "abcde56789");
  g_assert_true (fixture->base->thread != g_thread_self ());

  adapter_fixture_fail (fixture, TEST_FLUSH, FALSE);
  g_output_stream_flush_async (fixture->stream, 0, NULL, keep_result, &flushed);
  g_assert_false (g_output_stream_flush_finish (fixture->stream, wait_for (&flushed), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);

  g_output_stream_close_async (fixture->stream, 0, NULL, keep_result, &closed);
  g_assert_true (g_output_stream_close_finish (fixture->stream, wait_for (&closed), NULL));
  g_assert_cmpuint (fixture->backend->calls[TEST_FLUSH], ==, 2);
  g_assert_cmpuint (fixture->backend->calls[TEST_CLOSE], ==, 0);
}

static void
test_splice (AdapterFixture *fixture)
{
  for (guint is_async = 0; is_async < 2; is_async++)
    {
      g_autoptr (TestBackend) source_backend = test_backend_new ("abcdefgh");
      TestBase *source_base = g_object_new (TEST_TYPE_BASE, NULL);
      GInputStream *source = cimpl_input_stream_new (CIMPL_STREAM (source_base));
      GOutputStream *target = adapter_fixture_new_stream (fixture, CIMPL_TYPE_OUTPUT_STREAM);
      GOutputStreamSpliceFlags flags
          = G_OUTPUT_STREAM_SPLICE_CLOSE_SOURCE | G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET;
      g_autoptr (GAsyncResult) spliced = NULL;
      gssize n;

      source_base->backend = source_backend;
      source_backend->max_transfer = 3;
      fixture->backend->max_transfer = 2;
      fixture->backend->position = is_async;
      fixture->backend->calls[TEST_FLUSH] = 0;
      if (is_async)
        {
          g_output_stream_splice_async (target, source, flags, 0, NULL, keep_result, &spliced);
          n = g_output_stream_splice_finish (target, wait_for (&spliced), NULL);
        }
      else
        n = g_output_stream_splice (target, source, flags, NULL, NULL);
      g_assert_cmpint (n, ==, 8);
      test_backend_assert_content (fixture->backend, is_async ? "aabcdefgh9" : "abcdefgh89");
      g_assert_cmpuint (fixture->backend->calls[TEST_FLUSH], ==, 1);
      g_assert_true (g_input_stream_is_closed (source));
      g_assert_true (g_output_stream_is_closed (target));
      g_clear_object (&spliced);
      adapter_fixture_finalize (source);
      adapter_fixture_finalize (target);
      adapter_fixture_finalize (source_base);
    }
}

/* Holds the thread of an asynchronous operation inside the base until it is cancelled. */
typedef struct
{
  GCancellable *cancellable;
  _Atomic gboolean is_inside;
} Holdup;

static void
wait_for_cancellation (TestBackend *backend, gpointer user_data)
{
  Holdup *holdup = user_data;
  GPollFD fd;

  backend->hook = NULL;
  g_assert_true (g_cancellable_make_pollfd (holdup->cancellable, &fd));
  atomic_store (&holdup->is_inside, TRUE);
  g_assert_cmpint (g_poll (&fd, 1, -1), ==, 1);
  g_cancellable_release_fd (holdup->cancellable);
  backend->fault_op = TEST_READ;
  backend->fault = TEST_FAULT_ERROR;
  backend->code = CIMPL_STREAM_ERROR_CANCELLED;
}

static void
hold_up_read (AdapterFixture *fixture,
              Holdup *holdup,
              GInputStream *input,
              char *buffer,
              GAsyncResult **read)
{
  holdup->cancellable = g_cancellable_new ();
  holdup->is_inside = FALSE;
  fixture->backend->hook = wait_for_cancellation;
  fixture->backend->hook_data = holdup;
  g_input_stream_read_async (input, buffer, 4, 0, holdup->cancellable, keep_result, read);
  dispatch_wait_for (&holdup->is_inside);
}

static void
release_read (Holdup *holdup, GInputStream *input, GAsyncResult **read)
{
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (holdup->cancellable);
  g_assert_cmpint (g_input_stream_read_finish (input, wait_for (read), &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_object (&holdup->cancellable);
}

static void
test_async_cancelled (AdapterFixture *fixture)
{
  g_autoptr (GAsyncResult) read = NULL;
  g_autoptr (GError) error = NULL;
  Holdup holdup;
  char buffer[4];

  hold_up_read (fixture, &holdup, fixture->stream, buffer, &read);
  g_assert_true (fixture->base->cancellable == holdup.cancellable);
  g_assert_false (g_seekable_seek (fixture->stream, 0, G_SEEK_SET, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
  release_read (&holdup, fixture->stream, &read);
}

static void
test_async_cancelled_before (AdapterFixture *fixture)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) read = NULL;
  g_autoptr (GError) error = NULL;
  char buffer[4];

  g_cancellable_cancel (cancellable);
  g_input_stream_read_async (fixture->stream, buffer, 4, 0, cancellable, keep_result, &read);
  g_assert_cmpint (g_input_stream_read_finish (fixture->stream, wait_for (&read), &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (fixture->backend->calls[TEST_READ], ==, 0);
}

static const AdapterCase input_cases[] = {
  { "read", test_read },
  { "read/cancelled", test_read_cancelled },
  { "skip", test_skip },
  { "skip/seek-fails", test_skip_seek_fails },
  { "skip/read-fails", test_skip_read_fails },
  { "skip/cancelled-inside", test_skip_cancelled_inside },
  { "lines", test_lines },
  { "async", test_async_input },
  { "async/cancelled", test_async_cancelled },
  { "async/cancelled-before", test_async_cancelled_before },
};

static const AdapterCase output_cases[] = {
  { "async", test_async_output },
  { "splice", test_splice },
};

/* The halves of an I/O stream */

static void
test_halves (AdapterFixture *fixture)
{
  GInputStream *input = g_io_stream_get_input_stream (fixture->stream);
  GOutputStream *output = g_io_stream_get_output_stream (fixture->stream);
  char buffer[3];

  g_assert_true (CIMPL_IS_INPUT_STREAM (input));
  g_assert_true (CIMPL_IS_OUTPUT_STREAM (output));
  g_assert_true (input == g_io_stream_get_input_stream (fixture->stream));
  g_assert_true (output == g_io_stream_get_output_stream (fixture->stream));

  g_assert_cmpint (g_output_stream_write (output, "abc", 3, NULL, NULL), ==, 3);
  g_assert_cmpint (g_input_stream_read (input, buffer, 3, NULL, NULL), ==, 3);
  g_assert_cmpmem (buffer, 3, "345", 3);
  g_assert_cmpint (g_seekable_tell (fixture->stream), ==, 6);
  g_assert_true (g_seekable_seek (fixture->stream, 1, G_SEEK_SET, NULL, NULL));
  g_assert_cmpint (g_seekable_tell (G_SEEKABLE (output)), ==, 1);
  g_assert_cmpint (g_input_stream_read (input, buffer, 3, NULL, NULL), ==, 3);
  g_assert_cmpmem (buffer, 3, "bc3", 3);
}

static void
test_half_closed (AdapterFixture *fixture)
{
  GOutputStream *output = g_io_stream_get_output_stream (fixture->stream);
  char buffer[3];

  g_object_set (fixture->stream, "close-base", TRUE, NULL);
  g_assert_cmpint (g_output_stream_write (output, "abc", 3, NULL, NULL), ==, 3);
  g_assert_true (g_output_stream_close (output, NULL, NULL));
  g_assert_cmpuint (fixture->backend->calls[TEST_FLUSH], ==, 1);
  g_assert_cmpuint (fixture->backend->calls[TEST_CLOSE], ==, 0);
  g_assert_cmpint (
      g_input_stream_read (g_io_stream_get_input_stream (fixture->stream), buffer, 3, NULL, NULL),
      ==, 3);
}

static void
test_halves_outlive (AdapterFixture *fixture)
{
  g_autoptr (GInputStream) input = g_object_ref (g_io_stream_get_input_stream (fixture->stream));
  g_autoptr (GError) error = NULL;
  char byte;

  g_assert_finalize_object (g_steal_pointer (&fixture->stream));
  g_assert_cmpint (g_input_stream_read (input, &byte, 1, NULL, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

static void
test_halves_after_close (AdapterFixture *fixture)
{
  g_assert_true (g_io_stream_close (fixture->stream, NULL, NULL));
  g_assert_true (g_input_stream_is_closed (g_io_stream_get_input_stream (fixture->stream)));
  g_assert_true (g_output_stream_is_closed (g_io_stream_get_output_stream (fixture->stream)));
}

static void
test_halves_at_once (AdapterFixture *fixture)
{
  GInputStream *input = g_io_stream_get_input_stream (fixture->stream);
  GOutputStream *output = g_io_stream_get_output_stream (fixture->stream);
  g_autoptr (GAsyncResult) read = NULL;
  g_autoptr (GError) error = NULL;
  Holdup holdup;
  char buffer[4];

  g_assert_true (g_seekable_seek (G_SEEKABLE (output), 2, G_SEEK_SET, NULL, NULL));
  hold_up_read (fixture, &holdup, input, buffer, &read);
  g_assert_cmpint (g_output_stream_write (output, "abc", 3, NULL, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
  g_clear_error (&error);
  g_assert_false (g_seekable_seek (fixture->stream, 0, G_SEEK_SET, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
  g_assert_cmpint (g_seekable_tell (G_SEEKABLE (output)), ==, 2);
  release_read (&holdup, input, &read);

  g_assert_cmpint (g_output_stream_write (output, "abc", 3, NULL, NULL), ==, 3);
  test_backend_assert_content (fixture->backend, "01abc56789");
}

static void
test_async_close (AdapterFixture *fixture)
{
  GOutputStream *output = g_io_stream_get_output_stream (fixture->stream);
  g_autoptr (GAsyncResult) closed = NULL;

  g_object_set (fixture->stream, "close-base", TRUE, NULL);
  g_assert_cmpint (g_output_stream_write (output, "abc", 3, NULL, NULL), ==, 3);
  g_io_stream_close_async (fixture->stream, 0, NULL, keep_result, &closed);
  g_assert_true (g_io_stream_close_finish (fixture->stream, wait_for (&closed), NULL));
  g_assert_true (fixture->base->thread != g_thread_self ());
  g_assert_cmpuint (fixture->backend->calls[TEST_FLUSH], ==, 1);
  g_assert_cmpuint (fixture->backend->calls[TEST_CLOSE], ==, 1);
}

static const AdapterCase io_cases[] = {
  { "halves", test_halves },
  { "halves/one-closed", test_half_closed },
  { "halves/outlive", test_halves_outlive },
  { "halves/after-close", test_halves_after_close },
  { "halves/at-once", test_halves_at_once },
  { "async/close", test_async_close },
};

int
main (int argc, char **argv)
{
#ifdef __SANITIZE_THREAD__
  puts ("1..0 # SKIP ThreadSanitizer does not see what hands objects to the threads of GTask");
  return 0;
#endif

  g_test_init (&argc, &argv, NULL);
  adapter_fixture_add_tests ("input", cimpl_input_stream_get_type, input_cases,
                             G_N_ELEMENTS (input_cases));
  g_test_add_func ("/gio-adapters/input/skip/in-device", test_skip_in_device);
  adapter_fixture_add_tests ("output", cimpl_output_stream_get_type, output_cases,
                             G_N_ELEMENTS (output_cases));
  adapter_fixture_add_tests ("io", cimpl_io_stream_get_type, io_cases, G_N_ELEMENTS (io_cases));
  return g_test_run ();
}
