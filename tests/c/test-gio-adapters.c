/* SPDX-License-Identifier: MIT */

/* What all GIO classes over a CimplStream promise. */

#include "adapter-fixture.h"

#include <sys/wait.h>
#include <unistd.h>

#define MESSAGE "the base says so"

/* The three classes have no parent that can do what all of them do. */

static gboolean
set_pending (gpointer stream)
{
  if (G_IS_INPUT_STREAM (stream))
    return g_input_stream_set_pending (stream, NULL);
  if (G_IS_OUTPUT_STREAM (stream))
    return g_output_stream_set_pending (stream, NULL);
  return g_io_stream_set_pending (stream, NULL);
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
seek (gpointer stream, goffset offset, GSeekType type, GError **error)
{
  return g_seekable_seek (stream, offset, type, NULL, error);
}

static void
count_notify (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  ++*(guint *) user_data;
}

static void
test_properties (AdapterFixture *fixture)
{
  g_autoptr (CimplStream) base = NULL;
  gboolean close_base = TRUE;
  guint n_notified = 0;

  g_object_get (fixture->stream, "base", &base, "close-base", &close_base, NULL);
  g_assert_true (base == CIMPL_STREAM (fixture->base));
  g_assert_false (close_base);

  g_signal_connect (fixture->stream, "notify", G_CALLBACK (count_notify), &n_notified);
  for (guint i = 0; i < 2; i++)
    g_object_set (fixture->stream, "close-base", TRUE, NULL);
  g_assert_cmpuint (n_notified, ==, 1);
  g_object_get (fixture->stream, "close-base", &close_base, NULL);
  g_assert_true (close_base);
}

static void
test_no_base (AdapterFixture *fixture)
{
  gpointer stream = g_object_new (G_OBJECT_TYPE (fixture->stream), "close-base", TRUE, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (g_seekable_can_seek (stream));
  g_assert_cmpint (g_seekable_tell (stream), ==, 0);
  g_assert_false (seek (stream, 0, G_SEEK_SET, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_assert_cmpstr (error->message, ==, "The stream was made without a base");
  g_clear_error (&error);
  if (!G_IS_OUTPUT_STREAM (stream))
    {
      GInputStream *input
          = G_IS_IO_STREAM (stream) ? g_io_stream_get_input_stream (stream) : stream;
      char byte;

      g_assert_cmpint (g_input_stream_read (input, &byte, 1, NULL, &error), ==, -1);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
      g_clear_error (&error);
      g_assert_cmpint (g_input_stream_skip (input, 1, NULL, &error), ==, -1);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
    }
  else
    {
      g_assert_cmpint (g_output_stream_write (stream, "a", 1, NULL, &error), ==, -1);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
    }
  g_assert_true (adapter_fixture_close (stream, NULL));
  g_assert_finalize_object (stream);
}

static void
test_seek (AdapterFixture *fixture)
{
  static const struct
  {
    goffset offset;
    GSeekType type;
    gint64 expected;
  } seeks[] = {
    { 3, G_SEEK_SET, 3 },
    { 2, G_SEEK_CUR, 5 },
    { -4, G_SEEK_END, 6 },
    { -1, G_SEEK_CUR, 5 },
    { G_GINT64_CONSTANT (5) << 32, G_SEEK_SET, G_GINT64_CONSTANT (5) << 32 },
    { 0, G_SEEK_CUR, G_GINT64_CONSTANT (5) << 32 },
  };
  static const struct
  {
    goffset offset;
    GSeekType type;
  } refused[] = {
    { -1, G_SEEK_SET },   { -20, G_SEEK_CUR },   { -11, G_SEEK_END },
    { 0, (GSeekType) 3 }, { 0, (GSeekType) -1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (seeks); i++)
    {
      g_assert_true (seek (fixture->stream, seeks[i].offset, seeks[i].type, NULL));
      g_assert_cmpint (adapter_fixture_get_position (fixture), ==, seeks[i].expected);
      g_assert_cmpint (g_seekable_tell (fixture->stream), ==, seeks[i].expected);
    }

  g_assert_true (seek (fixture->stream, 4, G_SEEK_SET, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (seek (fixture->stream, refused[i].offset, refused[i].type, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
      g_assert_cmpint (adapter_fixture_get_position (fixture), ==, 4);
    }
}

static void
test_tell (AdapterFixture *fixture)
{
  gpointer other = adapter_fixture_new_stream (fixture, G_OBJECT_TYPE (fixture->stream));

  g_test_summary ("It follows the base; when that fails, it is what is known, and never negative");
  g_assert_true (seek (fixture->stream, 4, G_SEEK_SET, NULL));
  g_assert_cmpint (g_seekable_tell (other), ==, 4);
  g_assert_true (seek (fixture->stream, 5, G_SEEK_SET, NULL));
  adapter_fixture_fail (fixture, TEST_SEEK, TRUE);
  g_assert_cmpint (g_seekable_tell (fixture->stream), ==, 5);
  g_assert_cmpint (g_seekable_tell (other), ==, 4);
  g_assert_finalize_object (other);

  other = adapter_fixture_new_stream (fixture, G_OBJECT_TYPE (fixture->stream));
  g_assert_cmpint (g_seekable_tell (other), ==, 0);
  g_assert_finalize_object (other);
}

static void
test_abilities (AdapterFixture *fixture)
{
  g_assert_true (g_seekable_can_seek (fixture->stream));
  g_assert_true (g_seekable_can_truncate (fixture->stream) == !G_IS_INPUT_STREAM (fixture->stream));
  fixture->base->only = CIMPL_STREAM_READABLE;
  g_assert_false (g_seekable_can_seek (fixture->stream));
  g_assert_false (g_seekable_can_truncate (fixture->stream));
  fixture->base->only = 0;
  g_assert_true (cimpl_stream_try_close (CIMPL_STREAM (fixture->base), NULL, NULL));
  g_assert_false (g_seekable_can_seek (fixture->stream));
  g_assert_false (g_seekable_can_truncate (fixture->stream));
}

static void
test_truncate (AdapterFixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (seek (fixture->stream, 2, G_SEEK_SET, NULL));
  if (G_IS_INPUT_STREAM (fixture->stream))
    {
      g_assert_false (g_seekable_truncate (fixture->stream, 5, NULL, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
      g_assert_cmpuint (fixture->backend->calls[TEST_TRUNCATE], ==, 0);
      return;
    }

  g_assert_true (g_seekable_truncate (fixture->stream, 5, NULL, NULL));
  test_backend_assert_content (fixture->backend, "01234");
  g_assert_cmpint (adapter_fixture_get_position (fixture), ==, 2);
  g_assert_false (g_seekable_truncate (fixture->stream, -1, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  adapter_fixture_fail (fixture, TEST_TRUNCATE, FALSE);
  g_assert_false (g_seekable_truncate (fixture->stream, 5, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
}

static void
assert_moving_fails (gpointer stream, gint code)
{
  gint truncate_code = G_IS_INPUT_STREAM (stream) ? G_IO_ERROR_NOT_SUPPORTED : code;
  g_autoptr (GError) error = NULL;

  g_assert_false (seek (stream, 1, G_SEEK_SET, &error));
  g_assert_error (error, G_IO_ERROR, code);
  g_clear_error (&error);
  g_assert_false (g_seekable_truncate (stream, 5, NULL, &error));
  g_assert_error (error, G_IO_ERROR, truncate_code);
}

static void
meet_operation (TestBackend *backend, gpointer user_data)
{
  AdapterFixture *fixture = user_data;
  g_autoptr (GError) error = NULL;

  backend->hook = NULL;
  g_assert_false (set_pending (fixture->stream));
  g_assert_nonnull (g_cancellable_get_current ());
  g_assert_true (g_cancellable_get_current () == fixture->base->cancellable);
}

static void
test_pending (AdapterFixture *fixture)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  g_assert_true (set_pending (fixture->stream));
  assert_moving_fails (fixture->stream, G_IO_ERROR_PENDING);
  clear_pending (fixture->stream);
  g_assert_cmpuint (fixture->backend->calls[TEST_SEEK], ==, 0);

  fixture->backend->hook = meet_operation;
  fixture->backend->hook_data = fixture;
  g_assert_true (g_seekable_seek (fixture->stream, 1, G_SEEK_SET, cancellable, NULL));
  if (!G_IS_INPUT_STREAM (fixture->stream))
    {
      fixture->backend->hook = meet_operation;
      g_assert_true (g_seekable_truncate (fixture->stream, 5, cancellable, NULL));
    }
  g_assert_null (fixture->backend->hook);
  g_assert_null (g_cancellable_get_current ());
  g_assert_true (seek (fixture->stream, 1, G_SEEK_SET, NULL));
}

static void
test_closed (AdapterFixture *fixture)
{
  g_assert_true (adapter_fixture_close (fixture->stream, NULL));
  assert_moving_fails (fixture->stream, G_IO_ERROR_CLOSED);
}

static void
test_closed_base (AdapterFixture *fixture)
{
  if (!G_IS_INPUT_STREAM (fixture->stream))
    adapter_fixture_write (fixture->stream);
  g_assert_true (cimpl_stream_try_close (CIMPL_STREAM (fixture->base), NULL, NULL));
  assert_moving_fails (fixture->stream, G_IO_ERROR_CLOSED);
  g_assert_true (adapter_fixture_close (fixture->stream, NULL)); /* the base has flushed */
  g_assert_cmpuint (fixture->backend->calls[TEST_FLUSH], <=, 1);
}

static void
use_while_busy (TestBackend *backend, gpointer user_data)
{
  AdapterFixture *fixture = user_data;

  assert_moving_fails (fixture->stream, G_IO_ERROR_PENDING);
  g_assert_true (g_seekable_can_seek (fixture->stream));
  g_assert_cmpint (g_seekable_tell (fixture->stream), ==, 3);
}

static void
test_busy_base (AdapterFixture *fixture)
{
  char byte;

  g_assert_true (seek (fixture->stream, 3, G_SEEK_SET, NULL));
  fixture->backend->hook = use_while_busy;
  fixture->backend->hook_data = fixture;
  g_assert_cmpint (cimpl_stream_try_read (CIMPL_STREAM (fixture->base), &byte, 1, NULL, NULL), ==,
                   1);
  fixture->backend->hook = NULL;
  g_assert_cmpint (g_seekable_tell (fixture->stream), ==, 4);
}

static void
test_errors (AdapterFixture *fixture)
{
  const struct
  {
    GQuark domain;
    gint code;
    GIOErrorEnum expected;
  } errors[] = {
    { CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_WOULD_BLOCK, G_IO_ERROR_WOULD_BLOCK },
    { CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CANCELLED, G_IO_ERROR_CANCELLED },
    { CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_FAILED },
    { CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CALLBACK_CONTRACT, G_IO_ERROR_FAILED },
    { G_IO_ERROR, G_IO_ERROR_NOT_FOUND, G_IO_ERROR_NOT_FOUND },
    { G_IO_ERROR, 12345, (GIOErrorEnum) 12345 },
    { G_CONVERT_ERROR, G_CONVERT_ERROR_ILLEGAL_SEQUENCE, G_IO_ERROR_FAILED },
  };

  for (guint i = 0; i < G_N_ELEMENTS (errors); i++)
    {
      g_autoptr (GError) base_error
          = g_error_new_literal (errors[i].domain, errors[i].code, MESSAGE);
      g_autoptr (GError) error = NULL;

      fixture->base->error = base_error;
      g_assert_false (seek (fixture->stream, 1, G_SEEK_SET, &error));
      g_assert_error (error, G_IO_ERROR, (gint) errors[i].expected);
      g_assert_cmpstr (error->message, ==, MESSAGE);
      g_assert_false (seek (fixture->stream, 1, G_SEEK_SET, NULL));
      fixture->base->error = NULL;
    }
}

static void
test_close (AdapterFixture *fixture)
{
  for (gboolean close_base = FALSE; close_base <= TRUE; close_base++)
    {
      gpointer stream = adapter_fixture_new_stream (fixture, G_OBJECT_TYPE (fixture->stream));

      g_object_set (stream, "close-base", close_base, NULL);
      for (guint i = 0; i < 2; i++)
        g_assert_true (adapter_fixture_close (stream, NULL));
      g_assert_cmpuint (fixture->backend->calls[TEST_CLOSE], ==, close_base);
      g_assert_finalize_object (stream);
      g_assert_true (cimpl_stream_is_closed (CIMPL_STREAM (fixture->base)) == close_base);
    }
  g_assert_cmpuint (fixture->backend->calls[TEST_FLUSH], ==, 0);
}

static void
test_close_fails (AdapterFixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_object_set (fixture->stream, "close-base", TRUE, NULL);
  adapter_fixture_fail (fixture, TEST_CLOSE, FALSE);
  g_assert_false (adapter_fixture_close (fixture->stream, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_assert_cmpstr (error->message, ==, TEST_FAULT_MESSAGE);
  assert_moving_fails (fixture->stream, G_IO_ERROR_CLOSED);
  g_assert_true (adapter_fixture_close (fixture->stream, NULL));
}

static void
test_drop (AdapterFixture *fixture)
{
  g_object_set (fixture->stream, "close-base", TRUE, NULL);
  g_assert_finalize_object (g_steal_pointer (&fixture->stream));
  g_assert_cmpuint (fixture->backend->calls[TEST_CLOSE], ==, 1);
}

static void
test_drop_fails (AdapterFixture *fixture)
{
  g_object_set (fixture->stream, "close-base", TRUE, NULL);
  adapter_fixture_fail (fixture, TEST_CLOSE, FALSE);
  g_test_expect_message ("CimplStream", G_LOG_LEVEL_WARNING,
                         "*was dropped without having been closed, and failed to close then: "
                         "the backend fails on purpose; close it explicitly");
  g_assert_finalize_object (g_steal_pointer (&fixture->stream));
  g_test_assert_expected_messages ();
}

static void
test_dispose (AdapterFixture *fixture)
{
  g_test_summary ("Disposed, it lets go of the base, unless an operation is running");
  if (G_IS_IO_STREAM (fixture->stream))
    adapter_fixture_write (fixture->stream);

  set_pending (fixture->stream);
  g_test_expect_message ("CimplStream", G_LOG_LEVEL_WARNING, "*failed to close then*");
  g_object_run_dispose (fixture->stream);
  g_test_assert_expected_messages ();
  g_assert_cmpuint (G_OBJECT (fixture->base)->ref_count, >, 1);
  clear_pending (fixture->stream);

  g_object_run_dispose (fixture->stream);
  g_assert_cmpuint (G_OBJECT (fixture->base)->ref_count, ==, 1);
  assert_moving_fails (fixture->stream, G_IO_ERROR_CLOSED);
  g_assert_cmpint (g_seekable_tell (fixture->stream), >=, 0);
  g_assert_finalize_object (g_steal_pointer (&fixture->stream));
}

/* What a child process does to the stream reaches the backend of the child alone. */
static guint
count_calls_in_child (AdapterFixture *fixture, void (*run) (gpointer stream))
{
  pid_t child = fork ();
  int status;

  if (child == 0)
    {
      run (fixture->stream);
      _exit ((int) (fixture->backend->calls[TEST_FLUSH] + fixture->backend->calls[TEST_CLOSE]));
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  return (guint) WEXITSTATUS (status);
}

static void
close_explicitly (gpointer stream)
{
  adapter_fixture_close (stream, NULL);
}

static void
test_child (AdapterFixture *fixture)
{
  gboolean can_write = !G_IS_INPUT_STREAM (fixture->stream);

  g_test_summary ("Dropped in a child, it leaves everything to the parent");
  if (can_write)
    adapter_fixture_write (fixture->stream);
  for (gint close_base = FALSE; close_base <= TRUE; close_base++)
    {
      g_object_set (fixture->stream, "close-base", close_base, NULL);
      g_assert_cmpuint (count_calls_in_child (fixture, g_object_unref), ==, 0);
      g_assert_cmpuint (count_calls_in_child (fixture, close_explicitly), ==,
                        can_write + close_base);
    }
}

static const AdapterCase common_cases[] = {
  { "properties", test_properties },
  { "no-base", test_no_base },
  { "seek", test_seek },
  { "tell", test_tell },
  { "abilities", test_abilities },
  { "truncate", test_truncate },
  { "pending", test_pending },
  { "closed", test_closed },
  { "closed-base", test_closed_base },
  { "busy-base", test_busy_base },
  { "errors", test_errors },
  { "close", test_close },
  { "close-fails", test_close_fails },
  { "drop", test_drop },
  { "drop-fails", test_drop_fails },
  { "dispose", test_dispose },
  { "child", test_child },
};

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    GType (*get_type) (void);
  } classes[] = {
    { "input", cimpl_input_stream_get_type },
    { "output", cimpl_output_stream_get_type },
    { "io", cimpl_io_stream_get_type },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (classes); i++)
    adapter_fixture_add_tests (classes[i].name, classes[i].get_type, common_cases,
                               G_N_ELEMENTS (common_cases));
  return g_test_run ();
}
