/* SPDX-License-Identifier: MIT */

#include "base.h"
#include "stream-contract.h"

#define CONTENT "0123456789"

/* A filter that overrides nothing */

#define PASS_TYPE_STREAM (pass_stream_get_type ())
G_DECLARE_FINAL_TYPE (PassStream, pass_stream, PASS, STREAM, CimplFilterStream)

struct _PassStream
{
  CimplFilterStream parent_instance;
};

G_DEFINE_FINAL_TYPE (PassStream, pass_stream, CIMPL_TYPE_FILTER_STREAM)

static void
pass_stream_class_init (PassStreamClass *klass)
{
}

static void
pass_stream_init (PassStream *self)
{
}

static CimplStream *
create (TestBackend *backend)
{
  g_autoptr (TestBase) base = test_base_new (backend);

  return g_object_new (PASS_TYPE_STREAM, "base", base, "close-base", TRUE, NULL);
}

static const StreamContract contract = {
  .name = "filter-stream",
  .create = create,
  .silent_code = CIMPL_STREAM_ERROR_CALLBACK_CONTRACT,
  .can_be_untouched = TRUE,
};

/* What only filters do */

typedef struct
{
  TestBackend *backend;
  TestBase *base;
  CimplStream *stream;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  fixture->backend = test_backend_new (CONTENT);
  fixture->base = test_base_new (fixture->backend);
  fixture->stream = g_object_new (PASS_TYPE_STREAM, "base", fixture->base, NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  if (fixture->stream != NULL)
    g_assert_finalize_object (fixture->stream);
  g_assert_finalize_object (fixture->base);
  test_backend_free (fixture->backend);
}

static void
test_close_base (Fixture *fixture, gconstpointer user_data)
{
  for (guint close_base = 0; close_base < 2; close_base++)
    {
      g_autoptr (CimplStream) stream
          = g_object_new (PASS_TYPE_STREAM, "base", fixture->base, "close-base", close_base, NULL);

      fixture->backend->calls[TEST_FLUSH] = 0;
      g_assert_cmpint (cimpl_stream_try_write (stream, "abc", 3, NULL, NULL), ==, 3);
      g_assert_true (cimpl_stream_try_close (stream, NULL, NULL));
      g_assert_cmpuint (fixture->backend->calls[TEST_FLUSH], ==, 1);
      g_assert_cmpuint (fixture->backend->calls[TEST_CLOSE], ==, close_base);
      g_assert_true (cimpl_stream_is_closed (CIMPL_STREAM (fixture->base))
                     == (gboolean) close_base);
    }
}

/* The filter has the last reference to its base. */
static void
test_drop (void)
{
  for (guint close_base = 0; close_base < 2; close_base++)
    {
      g_autoptr (TestBackend) backend = test_backend_new (CONTENT);
      CimplStream *stream = create (backend);
      gpointer base = cimpl_filter_stream_get_base (CIMPL_FILTER_STREAM (stream));

      cimpl_filter_stream_set_close_base (CIMPL_FILTER_STREAM (stream), (gboolean) close_base);
      g_object_add_weak_pointer (base, &base);
      g_assert_cmpint (cimpl_stream_try_write (stream, "abc", 3, NULL, NULL), ==, 3);
      g_assert_finalize_object (stream);
      g_assert_null (base);
      g_assert_cmpuint (backend->calls[TEST_FLUSH], ==, 1);
      g_assert_cmpuint (backend->calls[TEST_CLOSE], ==, 1);
    }
}

#define ADD(path, function)                                                                        \
  g_test_add ("/filter-stream/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  stream_contract_add_tests (&contract);
  ADD ("close-base", test_close_base);
  g_test_add_func ("/filter-stream/drop", test_drop);

  return g_test_run ();
}
