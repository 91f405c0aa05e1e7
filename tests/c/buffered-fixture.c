/* SPDX-License-Identifier: MIT */

#include "buffered-fixture.h"

#include <string.h>

static const BufferedKind default_kind = { FALSE, 16 };

static void
set_up (BufferedFixture *fixture, gconstpointer data)
{
  const BufferedKind *kind = data;

  fixture->backend = test_backend_new ("0123456789");
  fixture->base = test_base_new (fixture->backend);
  if (kind->is_pipe)
    {
      fixture->sink = test_backend_new ("");
      fixture->base->sink = fixture->sink;
      fixture->base->lacks = CIMPL_STREAM_SEEKABLE | CIMPL_STREAM_TRUNCATABLE;
    }
  fixture->stream = cimpl_buffered_stream_new (CIMPL_STREAM (fixture->base), kind->buffer_size);
}

static void
tear_down (BufferedFixture *fixture, gconstpointer data)
{
  if (fixture->stream != NULL)
    g_assert_finalize_object (fixture->stream);
  g_assert_finalize_object (fixture->base);
  test_backend_free (fixture->backend);
  g_clear_pointer (&fixture->sink, test_backend_free);
}

void
buffered_add_test (const char *path, const BufferedKind *kind, BufferedTest test)
{
  g_test_add (path, BufferedFixture, kind != NULL ? kind : &default_kind, set_up, test, tear_down);
}

void
buffered_assert_read (BufferedFixture *fixture, gsize count, const char *expected)
{
  char buffer[100];
  g_autoptr (GError) error = NULL;
  gssize n_read = cimpl_stream_try_read (fixture->stream, buffer, count, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpmem (buffer, n_read, expected, strlen (expected));
}

/* All of it at once. */
void
buffered_write (BufferedFixture *fixture, const char *text)
{
  g_autoptr (GError) error = NULL;
  gssize n_written = cimpl_stream_try_write (fixture->stream, text, strlen (text), NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpint (n_written, ==, strlen (text));
}

void
buffered_seek (BufferedFixture *fixture, gint64 position)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (
      cimpl_stream_try_seek (fixture->stream, position, CIMPL_SEEK_MODE_START, NULL, &error), ==,
      position);
  g_assert_no_error (error);
}

void
buffered_assert_peek (BufferedFixture *fixture, gsize count, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = cimpl_buffered_stream_try_peek (
      CIMPL_BUFFERED_STREAM (fixture->stream), count, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), expected,
                   strlen (expected));
}

void
buffered_assert_position (BufferedFixture *fixture, gint64 expected)
{
  g_assert_cmpint (cimpl_stream_try_tell (fixture->stream, NULL, NULL), ==, expected);
}

void
buffered_flush (BufferedFixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (cimpl_stream_try_flush (fixture->stream, NULL, &error));
  g_assert_no_error (error);
}

static void
set_fault (TestBackend *backend, TestOp op, TestFault fault, CimplStreamError code, gboolean lasts)
{
  backend->fault_op = op;
  backend->fault = fault;
  backend->code = code;
  backend->fault_lasts = lasts;
}

void
buffered_fail (BufferedFixture *fixture, TestOp op, CimplStreamError code, gboolean lasts)
{
  set_fault (fixture->backend, op, TEST_FAULT_ERROR, code, lasts);
  if (fixture->sink != NULL)
    set_fault (fixture->sink, op, TEST_FAULT_ERROR, code, lasts);
}

void
buffered_recover (BufferedFixture *fixture)
{
  fixture->backend->fault = TEST_FAULT_NONE;
  if (fixture->sink != NULL)
    fixture->sink->fault = TEST_FAULT_NONE;
}
