/* SPDX-License-Identifier: MIT */

#include "adapter-fixture.h"

typedef struct
{
  const AdapterCase *adapter_case;
  GType (*get_type) (void);
} BoundCase;

gpointer
adapter_fixture_new_stream (AdapterFixture *fixture, GType type)
{
  return g_object_new (type, "base", fixture->base, NULL);
}

gint64
adapter_fixture_get_position (AdapterFixture *fixture)
{
  return cimpl_stream_try_tell (CIMPL_STREAM (fixture->base), NULL, NULL);
}

/* Makes the backend fail; what GIO sees is G_IO_ERROR_NO_SPACE. */
void
adapter_fixture_fail (AdapterFixture *fixture, TestOp op, gboolean lasts)
{
  fixture->backend->fault_op = op;
  fixture->backend->fault = TEST_FAULT_ERROR;
  fixture->backend->fault_lasts = lasts;
}

/* What the three classes do, which have no parent in common that could. */
gboolean
adapter_fixture_close (gpointer stream, GError **error)
{
  if (G_IS_INPUT_STREAM (stream))
    return g_input_stream_close (stream, NULL, error);
  if (G_IS_OUTPUT_STREAM (stream))
    return g_output_stream_close (stream, NULL, error);
  return g_io_stream_close (stream, NULL, error);
}

GOutputStream *
adapter_fixture_get_output (gpointer stream)
{
  return G_IS_IO_STREAM (stream) ? g_io_stream_get_output_stream (stream) : stream;
}

void
adapter_fixture_write (gpointer stream)
{
  g_assert_cmpint (
      g_output_stream_write (adapter_fixture_get_output (stream), "abc", 3, NULL, NULL), ==, 3);
}

/* Drops the last reference but those that a thread of GIO still has to the end of its task. */
void
adapter_fixture_finalize (gpointer object)
{
  gpointer watched = object;

  g_object_add_weak_pointer (object, &watched);
  g_object_unref (object);
  while (g_atomic_pointer_get (&watched) != NULL)
    g_usleep (50);
}

static void
run_case (gconstpointer user_data)
{
  const BoundCase *bound = user_data;
  g_autoptr (TestBackend) backend = test_backend_new ("0123456789");
  AdapterFixture fixture = { .backend = backend };

  fixture.base = g_object_new (TEST_TYPE_BASE, NULL);
  fixture.base->backend = backend;
  fixture.stream = adapter_fixture_new_stream (&fixture, bound->get_type ());
  bound->adapter_case->run (&fixture);
  if (fixture.stream != NULL)
    adapter_fixture_finalize (fixture.stream);
  fixture.base->error = NULL;
  backend->hook = NULL;
  backend->fault = TEST_FAULT_NONE;
  adapter_fixture_finalize (fixture.base);
}

void
adapter_fixture_add_tests (const char *name,
                           GType (*get_type) (void),
                           const AdapterCase *cases,
                           gsize n_cases)
{
  for (gsize i = 0; i < n_cases; i++)
    {
      BoundCase *bound = g_new (BoundCase, 1);
      g_autofree char *path = g_strdup_printf ("/gio-adapters/%s/%s", name, cases[i].name);

      bound->adapter_case = &cases[i];
      bound->get_type = get_type;
      g_test_add_data_func_full (path, bound, run_case, g_free);
    }
}
