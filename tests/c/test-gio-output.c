/* SPDX-License-Identifier: MIT */

/* What the GIO classes over a CimplStream promise that can write. */

#include "adapter-fixture.h"

#include <string.h>

static void
test_write (AdapterFixture *fixture)
{
  GOutputStream *output = adapter_fixture_get_output (fixture->stream);
  g_autoptr (GError) error = NULL;

  adapter_fixture_write (output);
  fixture->backend->max_transfer = 2;
  g_assert_cmpint (g_output_stream_write (output, "defg", 4, NULL, NULL), ==, 2);
  test_backend_assert_content (fixture->backend, "abcde56789");

  fixture->backend->max_transfer = 0;
  g_assert_cmpint (g_output_stream_write (output, "defg", 4, NULL, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_cmpstr (error->message, ==, "TestBase takes no more data");
  g_clear_error (&error);

  adapter_fixture_fail (fixture, TEST_WRITE, FALSE);
  g_assert_cmpint (g_output_stream_write (output, "defg", 4, NULL, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
}

static void
test_write_cancelled (AdapterFixture *fixture)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_cmpint (g_output_stream_write (adapter_fixture_get_output (fixture->stream), "abc", 3,
                                          cancellable, &error),
                   ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (fixture->backend->calls[TEST_WRITE], ==, 0);
}

static void
test_flush (AdapterFixture *fixture)
{
  GOutputStream *output = adapter_fixture_get_output (fixture->stream);
  g_autoptr (GError) error = NULL;

  adapter_fixture_write (output);
  g_assert_true (g_output_stream_flush (output, NULL, NULL));
  g_assert_cmpuint (fixture->backend->calls[TEST_FLUSH], ==, 1);
  g_assert_true (adapter_fixture_close (fixture->stream, NULL));
  g_assert_cmpuint (fixture->backend->calls[TEST_FLUSH], ==, 1);

  output = G_OUTPUT_STREAM (adapter_fixture_new_stream (fixture, CIMPL_TYPE_OUTPUT_STREAM));
  adapter_fixture_fail (fixture, TEST_FLUSH, FALSE);
  g_assert_false (g_output_stream_flush (output, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_assert_finalize_object (output);
}

static void
test_close_flushes (AdapterFixture *fixture)
{
  for (gboolean close_base = FALSE; close_base <= TRUE; close_base++)
    {
      gpointer stream = adapter_fixture_new_stream (fixture, G_OBJECT_TYPE (fixture->stream));

      memset (fixture->backend->calls, 0, sizeof fixture->backend->calls);
      g_object_set (stream, "close-base", close_base, NULL);
      adapter_fixture_write (stream);
      g_assert_true (adapter_fixture_close (stream, NULL));
      g_assert_cmpuint (fixture->backend->calls[TEST_FLUSH], ==, 1);
      g_assert_cmpuint (fixture->backend->calls[TEST_CLOSE], ==, close_base);
      g_assert_finalize_object (stream);
    }
}

static void
test_close_flush_fails (AdapterFixture *fixture)
{
  for (gboolean close_base = FALSE; close_base <= TRUE; close_base++)
    {
      gpointer stream = adapter_fixture_new_stream (fixture, G_OBJECT_TYPE (fixture->stream));
      g_autoptr (GError) error = NULL;

      memset (fixture->backend->calls, 0, sizeof fixture->backend->calls);
      g_object_set (stream, "close-base", close_base, NULL);
      adapter_fixture_write (stream);
      adapter_fixture_fail (fixture, TEST_FLUSH, TRUE);
      g_assert_false (adapter_fixture_close (stream, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
      g_assert_cmpuint (fixture->backend->calls[TEST_FLUSH], ==, 1);
      g_assert_cmpuint (fixture->backend->calls[TEST_CLOSE], ==, close_base);
      g_assert_true (g_output_stream_is_closed (adapter_fixture_get_output (stream)));
      fixture->backend->fault = TEST_FAULT_NONE;
      g_assert_finalize_object (stream);
    }
}

static void
close_while_busy (TestBackend *backend, gpointer user_data)
{
  AdapterFixture *fixture = user_data;
  g_autoptr (GError) error = NULL;

  g_assert_false (adapter_fixture_close (fixture->stream, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
}

static void
test_close_busy_base (AdapterFixture *fixture)
{
  char byte;

  g_object_set (fixture->stream, "close-base", TRUE, NULL);
  adapter_fixture_write (fixture->stream);
  fixture->backend->hook = close_while_busy;
  fixture->backend->hook_data = fixture;
  g_assert_cmpint (cimpl_stream_try_read (CIMPL_STREAM (fixture->base), &byte, 1, NULL, NULL), ==,
                   1);
  fixture->backend->hook = NULL;
  g_assert_false (cimpl_stream_is_closed (CIMPL_STREAM (fixture->base)));
}

static void
test_drop_flushes (AdapterFixture *fixture)
{
  adapter_fixture_write (fixture->stream);
  g_assert_finalize_object (g_steal_pointer (&fixture->stream));
  g_assert_cmpuint (fixture->backend->calls[TEST_FLUSH], ==, 1);
}

static const AdapterCase writing_cases[] = {
  { "write", test_write },
  { "write/cancelled", test_write_cancelled },
  { "flush", test_flush },
  { "close-flushes", test_close_flushes },
  { "close-flush-fails", test_close_flush_fails },
  { "close-busy-base", test_close_busy_base },
  { "drop-flushes", test_drop_flushes },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  adapter_fixture_add_tests ("output", cimpl_output_stream_get_type, writing_cases,
                             G_N_ELEMENTS (writing_cases));
  adapter_fixture_add_tests ("io", cimpl_io_stream_get_type, writing_cases,
                             G_N_ELEMENTS (writing_cases));
  return g_test_run ();
}
