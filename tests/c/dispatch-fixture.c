/* SPDX-License-Identifier: MIT */

#include "dispatch-fixture.h"

#include <errno.h>

#ifdef __SANITIZE_THREAD__
/* GLib is not built for the sanitizer, which does not see how it hands memory to other threads. */
const char *__tsan_default_suppressions (void);

const char *
__tsan_default_suppressions (void)
{
  return "called_from_lib:libglib-2.0.so\n";
}
#endif

/* Loops */

void
dispatch_wait_for (_Atomic gboolean *flag)
{
  while (!atomic_load (flag))
    g_usleep (50);
}

gboolean
dispatch_set_flag (gpointer flag)
{
  atomic_store ((_Atomic gboolean *) flag, TRUE);
  return G_SOURCE_REMOVE;
}

static gpointer
run_loop (gpointer user_data)
{
  g_main_loop_run (user_data);
  return NULL;
}

DispatchLoop
dispatch_loop_start (GMainContext *context)
{
  GMainLoop *loop = g_main_loop_new (context, FALSE);

  return (DispatchLoop){ context, loop, g_thread_new ("loop", run_loop, loop) };
}

typedef struct
{
  GSourceFunc func;
  gpointer user_data;
  _Atomic gboolean is_ready; /* what was written before is seen after this, by sanitizers, too */
} Later;

static gboolean
run_now (gpointer user_data)
{
  Later *later = user_data;

  g_assert_true (atomic_load (&later->is_ready));
  return later->func (later->user_data);
}

/* Unlike g_main_context_invoke(), never runs it at once. */
void
dispatch_run_later (GMainContext *context, gint priority, GSourceFunc func, gpointer user_data)
{
  g_autoptr (GSource) source = g_idle_source_new ();
  Later *later = g_new (Later, 1);

  later->func = func;
  later->user_data = user_data;
  atomic_store (&later->is_ready, TRUE);
  g_source_set_priority (source, priority);
  g_source_set_callback (source, run_now, later, g_free);
  g_source_attach (source, context);
}

/* Returns when the loop runs and has done what was asked of it before. */
void
dispatch_loop_sync (DispatchLoop *loop)
{
  _Atomic gboolean is_done = FALSE;

  dispatch_run_later (loop->context, G_PRIORITY_DEFAULT, dispatch_set_flag, (gpointer) &is_done);
  dispatch_wait_for (&is_done);
}

static gboolean
quit (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

void
dispatch_loop_stop (DispatchLoop *loop)
{
  dispatch_run_later (loop->context, G_PRIORITY_DEFAULT, quit, loop->loop);
  g_thread_join (loop->thread);
  g_main_loop_unref (loop->loop);
}

/* Fixtures */

CimplStream *
dispatch_stream_over (TestBackend *backend, GMainContext *context, TestBase **base)
{
  *base = test_base_new (backend);
  return cimpl_dispatch_stream_new (CIMPL_STREAM (*base), context);
}

static void
fixture_set_up (DispatchFixture *fixture, gconstpointer has_loop)
{
  fixture->context = g_main_context_new ();
  if (has_loop != NULL)
    {
      fixture->loop = dispatch_loop_start (fixture->context);
      dispatch_loop_sync (&fixture->loop);
    }
  fixture->backend = test_backend_new ("0123456789");
  fixture->stream = dispatch_stream_over (fixture->backend, fixture->context, &fixture->base);
}

void
dispatch_fixture_finalize_base (DispatchFixture *fixture)
{
  fixture->backend->hook = NULL;
  g_assert_finalize_object (g_steal_pointer (&fixture->base));
}

/* Whatever a test has done, nothing is left behind. */
static void
fixture_tear_down (DispatchFixture *fixture, gconstpointer has_loop)
{
  if (fixture->stream != NULL)
    g_assert_finalize_object (fixture->stream);
  if (fixture->base != NULL)
    dispatch_fixture_finalize_base (fixture);
  if (has_loop != NULL)
    dispatch_loop_stop (&fixture->loop);
  g_assert_false (g_main_context_pending (fixture->context));
  g_main_context_unref (fixture->context);
  test_backend_free (fixture->backend);
}

guint
dispatch_fixture_count_calls (DispatchFixture *fixture)
{
  guint sum = 0;

  for (guint op = 0; op < TEST_N_OPS; op++)
    sum += fixture->backend->calls[op];
  return sum;
}

static gpointer
run_reader (gpointer user_data)
{
  DispatchReader *reader = user_data;
  char buffer[4];

  reader->n_read
      = cimpl_stream_try_read (reader->stream, buffer, 4, reader->cancellable, &reader->error);
  return NULL;
}

void
dispatch_reader_start (DispatchReader *reader, CimplStream *stream, GCancellable *cancellable)
{
  *reader = (DispatchReader){ .stream = stream, .cancellable = cancellable };
  reader->thread = g_thread_new ("reader", run_reader, reader);
}

void
dispatch_reader_assert_failed (DispatchReader *reader, CimplStreamError code)
{
  g_thread_join (reader->thread);
  g_assert_cmpint (reader->n_read, ==, -1);
  g_assert_error (reader->error, CIMPL_STREAM_ERROR, (gint) code);
  g_clear_error (&reader->error);
}

void
dispatch_assert_times_out (CimplStream *stream)
{
  CimplStream *plain = cimpl_stream_ref (stream);
  uint8_t buffer[4];

  g_assert_cmpint (cimpl_stream_read (plain, buffer, 4), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_IO_OPERATION);
  g_assert_cmpint (cimpl_stream_error_errno (), ==, ETIMEDOUT);
  cimpl_free (plain);
}

/* Fewer where everything is slow. */
guint
dispatch_n_rounds (guint wanted)
{
  return g_getenv ("CIMPL_TEST_QUICK") != NULL ? wanted / 20 : wanted;
}

/* What was given up must not run when the context is iterated after all. */
void
dispatch_fixture_assert_nothing_runs (DispatchFixture *fixture)
{
  g_assert_false (g_main_context_iteration (fixture->context, FALSE));
  g_assert_cmpuint (dispatch_fixture_count_calls (fixture), ==, 0);
}

/* Adds the cases as /NAME/…. */
void
dispatch_fixture_add_tests (const char *name, const DispatchCase *cases, gsize n_cases)
{
  for (gsize i = 0; i < n_cases; i++)
    {
      g_autofree char *path = g_strdup_printf ("/%s/%s", name, cases[i].name);

      g_test_add (path, DispatchFixture, GINT_TO_POINTER (cases[i].has_loop), fixture_set_up,
                  cases[i].run, fixture_tear_down);
    }
}
