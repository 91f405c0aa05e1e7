/* SPDX-License-Identifier: MIT */

/* How an operation of a dispatch stream gets to its context, and when it does not. */

#include "dispatch-fixture.h"

#include <string.h>

/* The operation that waits in a context, or NULL. */
static GSource *
find_operation (GMainContext *context)
{
  for (guint id = 1; id < 20; id++)
    {
      GSource *source = g_main_context_find_source_by_id (context, id);

      if (source != NULL && g_strcmp0 (g_source_get_name (source), "CimplDispatchStream") == 0)
        return source;
    }
  return NULL;
}

static GSource *
wait_for_operation (GMainContext *context)
{
  GSource *source;

  while ((source = find_operation (context)) == NULL)
    g_usleep (50);
  return source;
}

/* Cancelling */

static void
test_cancel_before_begin (DispatchFixture *fixture, gconstpointer has_loop)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  DispatchReader reader;

  dispatch_reader_start (&reader, fixture->stream, cancellable);
  wait_for_operation (fixture->context);
  g_cancellable_cancel (cancellable);
  dispatch_reader_assert_failed (&reader, CIMPL_STREAM_ERROR_CANCELLED);
  dispatch_fixture_assert_nothing_runs (fixture);
}

typedef struct
{
  GCancellable *cancellable;
  _Atomic gboolean is_open;
} Gate;

/* Inside the operation: makes the caller leave, and goes on when the test says so. */
static void
cancel_and_wait (TestBackend *backend, gpointer user_data)
{
  Gate *gate = user_data;

  g_cancellable_cancel (gate->cancellable);
  dispatch_wait_for (&gate->is_open);
}

static void
gate_set_up (Gate *gate, DispatchFixture *fixture)
{
  *gate = (Gate){ .cancellable = g_cancellable_new () };
  fixture->backend->hook = cancel_and_wait;
  fixture->backend->hook_data = gate;
}

static void
gate_open (Gate *gate, DispatchFixture *fixture)
{
  atomic_store (&gate->is_open, TRUE);
  dispatch_loop_sync (&fixture->loop);
  g_assert_finalize_object (gate->cancellable);
}

static void
test_cancel_read (DispatchFixture *fixture, gconstpointer has_loop)
{
  char buffer[] = "abc";
  g_autoptr (GError) error = NULL;
  GCancellable *cancellable;
  Gate gate;

  gate_set_up (&gate, fixture);
  cancellable = gate.cancellable;
  g_assert_cmpint (cimpl_stream_try_read (fixture->stream, buffer, 3, gate.cancellable, &error), ==,
                   -1);
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CANCELLED);
  gate_open (&gate, fixture);
  g_assert_true (fixture->base->cancellable == cancellable);
  g_assert_cmpstr (buffer, ==, "abc");
  g_assert_cmpint (fixture->backend->position, ==, 3);
}

static void
test_cancel_write (DispatchFixture *fixture, gconstpointer has_loop)
{
  char data[] = "abc";
  g_autoptr (GError) error = NULL;
  Gate gate;

  gate_set_up (&gate, fixture);
  g_assert_cmpint (cimpl_stream_try_write (fixture->stream, data, 3, gate.cancellable, &error), ==,
                   -1);
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CANCELLED);
  memset (data, 'x', sizeof data);
  gate_open (&gate, fixture);
  test_backend_assert_content (fixture->backend, "abc3456789");
}

static void
test_cancel_and_drop (DispatchFixture *fixture, gconstpointer has_loop)
{
  gpointer base = fixture->base;
  char buffer[4];
  Gate gate;

  gate_set_up (&gate, fixture);
  g_assert_cmpint (cimpl_stream_try_read (fixture->stream, buffer, 4, gate.cancellable, NULL), ==,
                   -1);
  g_object_add_weak_pointer (base, &base);
  g_assert_finalize_object (g_steal_pointer (&fixture->stream));
  g_clear_object (&fixture->base);
  g_assert_nonnull (base);
  gate_open (&gate, fixture);
  g_assert_null (base);
  g_assert_cmpuint (fixture->backend->calls[TEST_CLOSE], ==, 1);
}

/* A cancellable that nobody cancels must not change what comes back, nor is all of it copied. */
static void
test_cancellable (DispatchFixture *fixture, gconstpointer has_loop)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  const gsize limit = 1 << 20;
  g_autofree char *data = g_malloc0 (limit + 1);
  char buffer[4] = "";

  g_assert_cmpint (cimpl_stream_try_read (fixture->stream, buffer, 4, cancellable, NULL), ==, 4);
  g_assert_cmpmem (buffer, 4, "0123", 4);
  g_assert_cmpint (cimpl_stream_try_write (fixture->stream, "abc", 3, cancellable, NULL), ==, 3);
  test_backend_assert_content (fixture->backend, "0123abc789");

  g_assert_cmpint (cimpl_stream_try_write (fixture->stream, data, limit + 1, cancellable, NULL), ==,
                   limit);
  g_assert_cmpint (cimpl_stream_try_write (fixture->stream, data, limit + 1, NULL, NULL), ==,
                   limit + 1);
  g_assert_cmpint (cimpl_stream_try_seek (fixture->stream, 0, CIMPL_SEEK_MODE_START, NULL, NULL),
                   ==, 0);
  g_assert_cmpint (cimpl_stream_try_read (fixture->stream, data, limit + 1, cancellable, NULL), ==,
                   limit);
  g_assert_cmpint (cimpl_stream_try_read (fixture->stream, data, limit + 1, NULL, NULL), ==,
                   limit + 1);
}

/* When an operation has ended, nothing of it is left that the caller could meet. */
static void
test_cancellable_is_released (DispatchFixture *fixture, gconstpointer has_loop)
{
  guint n_rounds = dispatch_n_rounds (3000);

  for (guint i = 0; i < n_rounds; i++)
    {
      GCancellable *cancellable = g_cancellable_new ();

      g_assert_true (cimpl_stream_try_flush (fixture->stream, cancellable, NULL));
      g_assert_finalize_object (cancellable);
    }
}

/* A context that does not run the operation */

static void
test_timeout (DispatchFixture *fixture, gconstpointer has_loop)
{
  CimplStreamFlags flags;
  g_autoptr (GError) error = NULL;

  g_object_set (fixture->stream, "timeout", 2, NULL);
  dispatch_assert_times_out (fixture->stream);
  g_assert_false (cimpl_stream_try_get_flags (fixture->stream, &flags, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_IO_OPERATION);
  g_assert_cmpstr (error->message, ==, "The main context did not begin the operation within 2 ms");
  dispatch_fixture_assert_nothing_runs (fixture);
}

static void
outlast_timeout (TestBackend *backend, gpointer user_data)
{
  g_usleep (12000);
}

static void
test_timeout_is_for_beginning (DispatchFixture *fixture, gconstpointer has_loop)
{
  char buffer[4];
  gssize n_read;

  fixture->backend->hook = outlast_timeout;
  g_object_set (fixture->stream, "timeout", 10, NULL);
  do /* on a slow machine it may indeed not begin in time */
    n_read = cimpl_stream_try_read (fixture->stream, buffer, 4, NULL, NULL);
  while (dispatch_fixture_count_calls (fixture) == 0);
  g_assert_cmpint (n_read, ==, 4);
}

static void
test_timeout_of_close (DispatchFixture *fixture, gconstpointer has_loop)
{
  gboolean is_closed = FALSE;

  fixture->backend->hook = outlast_timeout;
  for (guint i = 0; i < 50 && !is_closed; i++) /* the same here */
    {
      TestBase *base;
      CimplStream *stream = dispatch_stream_over (fixture->backend, fixture->context, &base);

      g_object_set (stream, "close-base", TRUE, "timeout", 10, NULL);
      is_closed = cimpl_stream_try_close (stream, NULL, NULL);
      dispatch_loop_sync (&fixture->loop);
      g_assert_finalize_object (stream);
      g_assert_finalize_object (base);
    }
  g_assert_true (is_closed);
}

static void
test_timeout_races (DispatchFixture *fixture, gconstpointer has_loop)
{
  guint n_rounds = dispatch_n_rounds (5000);
  guint n_done = 0;

  g_test_summary ("Either an operation runs and its caller knows it, or neither");
  g_object_set (fixture->stream, "timeout", 0, NULL);
  for (guint i = 0; i < n_rounds; i++)
    if (cimpl_stream_try_flush (fixture->stream, NULL, NULL))
      n_done++;
  dispatch_loop_sync (&fixture->loop);
  g_assert_cmpuint (dispatch_fixture_count_calls (fixture), ==, n_done);
}

typedef struct
{
  DispatchFixture *fixture;
  DispatchLoop *loop;
  _Atomic gboolean is_inside;
  _Atomic gboolean is_over;
} Blocker;

static gboolean
quit_when_queued (gpointer user_data)
{
  Blocker *blocker = user_data;

  atomic_store (&blocker->is_inside, TRUE);
  while (find_operation (blocker->fixture->context) == NULL && !atomic_load (&blocker->is_over))
    g_usleep (50);
  g_main_loop_quit (blocker->loop->loop);
  return G_SOURCE_REMOVE;
}

static void
test_loop_quits (DispatchFixture *fixture, gconstpointer has_loop)
{
  DispatchLoop loop = dispatch_loop_start (fixture->context);
  Blocker blocker = { .fixture = fixture, .loop = &loop };

  dispatch_run_later (fixture->context, G_PRIORITY_DEFAULT, quit_when_queued, &blocker);
  dispatch_wait_for (&blocker.is_inside);
  g_object_set (fixture->stream, "timeout", 20, NULL);
  dispatch_assert_times_out (fixture->stream);
  atomic_store (&blocker.is_over, TRUE);
  g_thread_join (loop.thread);
  g_main_loop_unref (loop.loop);
  dispatch_fixture_assert_nothing_runs (fixture);
}

static gboolean
wait_for_reader (gpointer user_data)
{
  Blocker *blocker = user_data;
  DispatchReader reader;

  dispatch_reader_start (&reader, blocker->fixture->stream, NULL);
  dispatch_reader_assert_failed (&reader, CIMPL_STREAM_ERROR_IO_OPERATION);
  return dispatch_set_flag ((gpointer) &blocker->is_over);
}

static void
test_owner_waits_for_caller (DispatchFixture *fixture, gconstpointer has_loop)
{
  Blocker blocker = { .fixture = fixture };

  g_object_set (fixture->stream, "timeout", 2, NULL);
  dispatch_run_later (fixture->context, G_PRIORITY_DEFAULT, wait_for_reader, &blocker);
  dispatch_wait_for (&blocker.is_over);
  dispatch_loop_sync (&fixture->loop);
  g_assert_cmpuint (dispatch_fixture_count_calls (fixture), ==, 0);
}

static void
test_source_destroyed (DispatchFixture *fixture, gconstpointer has_loop)
{
  DispatchReader reader;

  g_object_set (fixture->stream, "timeout", -1, NULL);
  dispatch_reader_start (&reader, fixture->stream, NULL);
  g_source_destroy (wait_for_operation (fixture->context));
  dispatch_reader_assert_failed (&reader, CIMPL_STREAM_ERROR_IO_OPERATION);
  dispatch_fixture_assert_nothing_runs (fixture);
}

typedef struct
{
  DispatchFixture *fixture;
  guint n_calls; /* that the base had before */
} Event;

static gboolean
note_calls (gpointer user_data)
{
  Event *event = user_data;

  event->n_calls = dispatch_fixture_count_calls (event->fixture);
  return G_SOURCE_REMOVE;
}

static void
test_priority (DispatchFixture *fixture, gconstpointer has_loop)
{
  static const struct
  {
    gint priority;
    guint n_calls;
  } rows[] = {
    { G_PRIORITY_DEFAULT_IDLE, 1 },
    { G_PRIORITY_HIGH_IDLE, 1 },
    { G_PRIORITY_DEFAULT, 0 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      Event event = { fixture, 99 };
      DispatchReader reader;

      fixture->backend->calls[TEST_READ] = 0;
      dispatch_run_later (fixture->context, rows[i].priority, note_calls, &event);
      dispatch_reader_start (&reader, fixture->stream, NULL);
      wait_for_operation (fixture->context);
      while (g_main_context_iteration (fixture->context, FALSE))
        ;
      g_thread_join (reader.thread);
      g_assert_cmpuint (event.n_calls, ==, rows[i].n_calls);
    }
}

static const DispatchCase cases[] = {
  { "cancel/before-begin", test_cancel_before_begin, FALSE },
  { "cancel/read", test_cancel_read, TRUE },
  { "cancel/write", test_cancel_write, TRUE },
  { "cancel/and-drop", test_cancel_and_drop, TRUE },
  { "cancel/not", test_cancellable, TRUE },
  { "cancel/released", test_cancellable_is_released, TRUE },
  { "timeout", test_timeout, FALSE },
  { "timeout/is-for-beginning", test_timeout_is_for_beginning, TRUE },
  { "timeout/of-close", test_timeout_of_close, TRUE },
  { "timeout/races", test_timeout_races, TRUE },
  { "timeout/loop-quits", test_loop_quits, FALSE },
  { "timeout/owner-waits-for-caller", test_owner_waits_for_caller, TRUE },
  { "source-destroyed", test_source_destroyed, FALSE },
  { "priority", test_priority, FALSE },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  dispatch_fixture_add_tests ("dispatch-task", cases, G_N_ELEMENTS (cases));
  return g_test_run ();
}
