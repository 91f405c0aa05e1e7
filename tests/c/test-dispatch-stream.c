/* SPDX-License-Identifier: MIT */

#include "dispatch-fixture.h"
#include "stream-contract.h"

/* The contract */

static DispatchLoop contract_loop;

static CimplStream *
create_closing (TestBackend *backend, GMainContext *context)
{
  TestBase *base;
  CimplStream *stream = dispatch_stream_over (backend, context, &base);

  g_object_set (stream, "close-base", TRUE, NULL);
  g_object_unref (base);
  return stream;
}

static CimplStream *
create_here (TestBackend *backend)
{
  return create_closing (backend, NULL);
}

static CimplStream *
create_elsewhere (TestBackend *backend)
{
  return create_closing (backend, contract_loop.context);
}

static const StreamContract contracts[] = {
  {
      .name = "dispatch-stream/here",
      .create = create_here,
      .silent_code = CIMPL_STREAM_ERROR_CALLBACK_CONTRACT,
      .can_be_untouched = TRUE,
  },
  {
      .name = "dispatch-stream/elsewhere",
      .create = create_elsewhere,
      .silent_code = CIMPL_STREAM_ERROR_CALLBACK_CONTRACT,
      .can_be_untouched = TRUE,
  },
};
/* In which thread the base is called */

#define ASSERT_RUNS_IN(expected, operation)                                                        \
  G_STMT_START                                                                                     \
  {                                                                                                \
    fixture->base->thread = NULL;                                                                  \
    g_assert_true (operation);                                                                     \
    g_assert_true (fixture->base->thread == (expected));                                           \
  }                                                                                                \
  G_STMT_END

static void
assert_runs_in (DispatchFixture *fixture, GThread *thread)
{
  CimplStream *stream = fixture->stream;
  CimplStreamFlags flags;
  char buffer[4];

  g_object_set (stream, "close-base", TRUE, NULL);
  ASSERT_RUNS_IN (thread, cimpl_stream_try_get_flags (stream, &flags, NULL));
  ASSERT_RUNS_IN (thread, cimpl_stream_try_read (stream, buffer, 4, NULL, NULL) == 4);
  ASSERT_RUNS_IN (thread, cimpl_stream_try_write (stream, "abc", 3, NULL, NULL) == 3);
  ASSERT_RUNS_IN (thread, cimpl_stream_try_tell (stream, NULL, NULL) == 7);
  ASSERT_RUNS_IN (thread, cimpl_stream_try_truncate (stream, 5, NULL, NULL));
  ASSERT_RUNS_IN (thread, cimpl_stream_try_flush (stream, NULL, NULL));
  ASSERT_RUNS_IN (thread, cimpl_stream_try_close (stream, NULL, NULL));
}

static void
test_thread_of_loop (DispatchFixture *fixture, gconstpointer has_loop)
{
  assert_runs_in (fixture, fixture->loop.thread);
}

static void
test_thread_of_owner (DispatchFixture *fixture, gconstpointer has_loop)
{
  g_assert_true (g_main_context_acquire (fixture->context));
  assert_runs_in (fixture, g_thread_self ());
  g_main_context_release (fixture->context);
}

/* Makes the stream anew where the context is the thread-default one. */
static gpointer
make_at_home (gpointer user_data)
{
  DispatchFixture *fixture = user_data;

  g_assert_finalize_object (g_steal_pointer (&fixture->stream));
  g_main_context_push_thread_default (fixture->context);
  fixture->stream = cimpl_dispatch_stream_new (CIMPL_STREAM (fixture->base), NULL);
  g_main_context_pop_thread_default (fixture->context);
  return NULL;
}

static void
test_thread_at_home (DispatchFixture *fixture, gconstpointer has_loop)
{
  make_at_home (fixture);
  assert_runs_in (fixture, g_thread_self ());
}

static void
test_thread_away_from_home (DispatchFixture *fixture, gconstpointer has_loop)
{
  g_thread_join (g_thread_new ("home", make_at_home, fixture));

  g_object_set (fixture->stream, "timeout", 0, NULL);
  dispatch_assert_times_out (fixture->stream);

  /* One of many would get the memory of the thread that is gone, if nobody kept that. */
  for (guint i = 0; i < 100; i++)
    {
      DispatchReader reader;

      dispatch_reader_start (&reader, fixture->stream, NULL);
      dispatch_reader_assert_failed (&reader, CIMPL_STREAM_ERROR_IO_OPERATION);
    }
  dispatch_fixture_assert_nothing_runs (fixture);
}

static void
test_thread_of_global_default (DispatchFixture *fixture, gconstpointer has_loop)
{
  DispatchLoop loop = dispatch_loop_start (g_main_context_default ());

  g_test_summary ("A thread without a context of its own is no home, if another one runs the "
                  "global default context");
  dispatch_loop_sync (&loop);
  g_assert_finalize_object (fixture->stream);
  fixture->stream = cimpl_dispatch_stream_new (CIMPL_STREAM (fixture->base), NULL);
  assert_runs_in (fixture, loop.thread);
  dispatch_loop_stop (&loop);
}

/* Closing and dropping */

static void
test_close_base (DispatchFixture *fixture, gconstpointer has_loop)
{
  for (guint close_base = 0; close_base < 2; close_base++)
    {
      g_autoptr (CimplStream) stream
          = g_object_new (CIMPL_TYPE_DISPATCH_STREAM, "base", fixture->base, "main-context",
                          fixture->context, "close-base", close_base, NULL);

      fixture->backend->calls[TEST_FLUSH] = 0;
      g_assert_cmpint (cimpl_stream_try_write (stream, "abc", 3, NULL, NULL), ==, 3);
      g_assert_true (cimpl_stream_try_close (stream, NULL, NULL));
      g_assert_cmpuint (fixture->backend->calls[TEST_FLUSH], ==, 1);
      g_assert_cmpuint (fixture->backend->calls[TEST_CLOSE], ==, close_base);
      g_assert_true (cimpl_stream_is_closed (CIMPL_STREAM (fixture->base))
                     == (gboolean) close_base);
    }
}

static void
test_close_late (DispatchFixture *fixture, gconstpointer has_loop)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_object_set (fixture->stream, "close-base", TRUE, "timeout", 0, NULL);
  g_assert_false (cimpl_stream_try_close (fixture->stream, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_IO_OPERATION);
  g_assert_true (cimpl_stream_is_closed (fixture->stream));
  g_assert_cmpuint (dispatch_fixture_count_calls (fixture), ==, 0);
  g_assert_true (g_main_context_iteration (fixture->context, FALSE));
  g_assert_cmpuint (fixture->backend->calls[TEST_CLOSE], ==, 1);
  g_assert_finalize_object (g_steal_pointer (&fixture->stream));
  dispatch_fixture_finalize_base (fixture);
  g_clear_error (&error);

  fixture->stream = dispatch_stream_over (fixture->backend, fixture->context, &fixture->base);
  g_object_set (fixture->stream, "close-base", TRUE, NULL);
  g_cancellable_cancel (cancellable);
  g_assert_false (cimpl_stream_try_close (fixture->stream, cancellable, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CANCELLED);
  g_assert_cmpuint (fixture->backend->calls[TEST_CLOSE], ==, 1);
  g_assert_true (g_main_context_iteration (fixture->context, FALSE));
  g_assert_cmpuint (fixture->backend->calls[TEST_CLOSE], ==, 2);
}

static void
test_close_never (DispatchFixture *fixture, gconstpointer has_loop)
{
  g_test_summary ("What waits in a context that goes does not keep it, nor the base");
  g_object_set (fixture->stream, "close-base", TRUE, "timeout", 0, NULL);
  g_assert_false (cimpl_stream_try_close (fixture->stream, NULL, NULL));
  g_assert_finalize_object (g_steal_pointer (&fixture->stream));
  g_main_context_unref (fixture->context);
  fixture->context = g_main_context_new ();
  dispatch_fixture_finalize_base (fixture);
}

static void
test_drop_elsewhere (DispatchFixture *fixture, gconstpointer has_loop)
{
  g_object_set (fixture->stream, "close-base", TRUE, NULL);
  g_assert_cmpint (cimpl_stream_try_write (fixture->stream, "abc", 3, NULL, NULL), ==, 3);
  fixture->base->thread = NULL;
  g_assert_finalize_object (g_steal_pointer (&fixture->stream));
  g_assert_cmpuint (fixture->backend->calls[TEST_FLUSH], ==, 1);
  g_assert_cmpuint (fixture->backend->calls[TEST_CLOSE], ==, 1);
  g_assert_true (fixture->base->thread == fixture->loop.thread);
}

static void
drop_stream (TestBackend *backend, gpointer user_data)
{
  CimplStream **stream = user_data;

  g_clear_object (stream);
}

static void
test_drop_inside (DispatchFixture *fixture, gconstpointer has_loop)
{
  CimplStream *stream = fixture->stream;
  gpointer watched = stream;
  char buffer[4];

  g_test_summary ("The thread of the context drops the last reference while another one waits");
  g_object_add_weak_pointer (G_OBJECT (stream), &watched);
  fixture->backend->hook = drop_stream;
  fixture->backend->hook_data = &fixture->stream;
  g_assert_cmpint (cimpl_stream_try_read (stream, buffer, 4, NULL, NULL), ==, 4);
  g_assert_null (watched);
}

/* What passes through, and what does not */

static gboolean
do_read (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  char buffer[4];

  return cimpl_stream_try_read (stream, buffer, 4, cancellable, error) >= 0;
}

static void
test_error_passes (DispatchFixture *fixture, gconstpointer has_loop)
{
  static gboolean (*const calls[]) (CimplStream *, GCancellable *, GError **)
      = { do_read, cimpl_stream_try_flush, cimpl_stream_try_close };
  g_autoptr (GError) expected = g_error_new (G_FILE_ERROR, G_FILE_ERROR_PERM, "not for you");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  g_object_set (fixture->stream, "close-base", TRUE, NULL);
  fixture->base->error = expected;
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (calls[i](fixture->stream, i % 2 == 0 ? cancellable : NULL, &error));
      g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_PERM);
      g_assert_cmpstr (error->message, ==, "not for you");
    }
}

static void
test_flags (DispatchFixture *fixture, gconstpointer has_loop)
{
  CimplStreamFlags flags;

  for (guint i = 0; i < 3; i++)
    {
      fixture->base->only = i % 2 == 1 ? CIMPL_STREAM_READABLE : 0;
      g_assert_true (do_read (fixture->stream, NULL, NULL));
      g_assert_true (cimpl_stream_try_get_flags (fixture->stream, &flags, NULL));
      g_assert_true ((flags == CIMPL_STREAM_READABLE) == (fixture->base->only != 0));
    }
}

static void
use_base_again (TestBackend *backend, gpointer user_data)
{
  CimplStream *other = user_data;
  g_autoptr (GError) error = NULL;

  g_assert_false (cimpl_stream_try_flush (other, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_BUSY);
}

static void
test_base_is_busy (DispatchFixture *fixture, gconstpointer has_loop)
{
  g_autoptr (CimplStream) other
      = cimpl_dispatch_stream_new (CIMPL_STREAM (fixture->base), fixture->context);
  char buffer[4];

  fixture->backend->hook = use_base_again;
  fixture->backend->hook_data = other;
  g_assert_cmpint (cimpl_stream_try_read (fixture->stream, buffer, 4, NULL, NULL), ==, 4);
  g_assert_cmpuint (dispatch_fixture_count_calls (fixture), ==, 1);
}

static void
count_notify (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  ++*(guint *) user_data;
}

static void
test_properties (DispatchFixture *fixture, gconstpointer has_loop)
{
  g_autoptr (CimplStream) base = NULL;
  g_autoptr (GMainContext) context = NULL;
  gboolean close_base = TRUE;
  gint timeout = 0;
  guint n_notified = 0;

  g_object_get (fixture->stream, "base", &base, "main-context", &context, "close-base", &close_base,
                "timeout", &timeout, NULL);
  g_assert_true (base == CIMPL_STREAM (fixture->base));
  g_assert_true (context == fixture->context);
  g_assert_false (close_base);
  g_assert_cmpint (timeout, ==, 30000);

  g_signal_connect (fixture->stream, "notify", G_CALLBACK (count_notify), &n_notified);
  for (guint i = 0; i < 2; i++)
    g_object_set (fixture->stream, "close-base", TRUE, "timeout", -1, NULL);
  g_assert_cmpuint (n_notified, ==, 2);
  g_object_get (fixture->stream, "close-base", &close_base, "timeout", &timeout, NULL);
  g_assert_true (close_base);
  g_assert_cmpint (timeout, ==, -1);
  g_object_set (fixture->stream, "close-base", FALSE, NULL);
}

static void
test_no_base (void)
{
  g_autoptr (CimplStream) stream = g_object_new (CIMPL_TYPE_DISPATCH_STREAM, NULL);
  g_autoptr (GMainContext) context = NULL;
  CimplStreamFlags flags;
  char buffer[4];
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (cimpl_stream_try_read (stream, buffer, 4, NULL, &error), ==, -1);
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NULL_PARAMETER);
  g_assert_false (cimpl_stream_try_get_flags (stream, &flags, NULL));
  g_object_get (stream, "main-context", &context, NULL);
  g_assert_true (context == g_main_context_default ());
}

/* Many at once */

#define N_WORKERS 4

typedef struct
{
  TestBackend *backend;
  TestBase *base;
  CimplStream *stream;
  GThread *thread;
  guint n_operations;
} Worker;

static gpointer
run_worker (gpointer user_data)
{
  Worker *worker = user_data;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  for (guint i = 0; i < worker->n_operations; i += 3)
    {
      guint value = 0;

      g_assert_cmpint (cimpl_stream_try_write (worker->stream, &i, sizeof i, NULL, NULL), ==,
                       sizeof i);
      g_assert_cmpint (cimpl_stream_try_seek (worker->stream, -(gint64) sizeof i,
                                              CIMPL_SEEK_MODE_CURRENT, NULL, NULL),
                       >=, 0);
      g_assert_cmpint (cimpl_stream_try_read (worker->stream, &value, sizeof value,
                                              i % 2 == 0 ? cancellable : NULL, NULL),
                       ==, sizeof value);
      g_assert_cmpuint (value, ==, i);
    }
  g_assert_finalize_object (worker->stream);
  return NULL;
}

static void
test_many (DispatchFixture *fixture, gconstpointer has_loop)
{
  Worker workers[N_WORKERS];

  for (guint i = 0; i < N_WORKERS; i++)
    {
      workers[i].n_operations = dispatch_n_rounds (1500);
      workers[i].backend = test_backend_new ("");
      workers[i].stream
          = dispatch_stream_over (workers[i].backend, fixture->context, &workers[i].base);
      workers[i].thread = g_thread_new ("worker", run_worker, &workers[i]);
    }
  for (guint i = 0; i < N_WORKERS; i++)
    {
      g_thread_join (workers[i].thread);
      g_assert_true (workers[i].base->thread == fixture->loop.thread);
      g_assert_finalize_object (workers[i].base);
      test_backend_free (workers[i].backend);
    }
}

/* Whoever uses the base otherwise gets BUSY, or makes others get it; nothing worse. */
static void
test_many_on_one_base (DispatchFixture *fixture, gconstpointer has_loop)
{
  DispatchReader readers[N_WORKERS];
  guint n_rounds = dispatch_n_rounds (200);

  for (guint round = 0; round < n_rounds; round++)
    {
      for (guint i = 0; i < N_WORKERS; i++)
        dispatch_reader_start (&readers[i],
                               i % 2 == 0 ? fixture->stream : CIMPL_STREAM (fixture->base), NULL);
      for (guint i = 0; i < N_WORKERS; i++)
        {
          g_thread_join (readers[i].thread);
          if (readers[i].error != NULL)
            g_assert_error (readers[i].error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_BUSY);
          g_assert_true ((readers[i].n_read < 0) == (readers[i].error != NULL));
          g_clear_error (&readers[i].error);
        }
    }
}

static const DispatchCase cases[] = {
  { "thread/of-loop", test_thread_of_loop, TRUE },
  { "thread/of-owner", test_thread_of_owner, FALSE },
  { "thread/at-home", test_thread_at_home, FALSE },
  { "thread/away-from-home", test_thread_away_from_home, FALSE },
  { "thread/of-global-default", test_thread_of_global_default, FALSE },
  { "close/base", test_close_base, TRUE },
  { "close/late", test_close_late, FALSE },
  { "close/never", test_close_never, FALSE },
  { "drop/elsewhere", test_drop_elsewhere, TRUE },
  { "drop/inside", test_drop_inside, TRUE },
  { "error-passes", test_error_passes, TRUE },
  { "flags", test_flags, TRUE },
  { "base-is-busy", test_base_is_busy, TRUE },
  { "properties", test_properties, FALSE },
  { "many", test_many, TRUE },
  { "many/on-one-base", test_many_on_one_base, TRUE },
};

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (contracts); i++)
    stream_contract_add_tests (&contracts[i]);
  dispatch_fixture_add_tests ("dispatch-stream", cases, G_N_ELEMENTS (cases));
  g_test_add_func ("/dispatch-stream/no-base", test_no_base);

  contract_loop = dispatch_loop_start (g_main_context_new ());
  result = g_test_run ();
  dispatch_loop_stop (&contract_loop);
  g_main_context_unref (contract_loop.context);
  return result;
}
