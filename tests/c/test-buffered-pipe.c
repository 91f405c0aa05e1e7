/* SPDX-License-Identifier: MIT */

/* Buffered streams over a base that cannot seek. */

#include "buffered-fixture.h"

#include <string.h>

static void
set_limit (BufferedFixture *fixture, guint64 limit)
{
  cimpl_buffered_stream_set_rewind_limit (CIMPL_BUFFERED_STREAM (fixture->stream), limit);
}

static void
assert_cannot_seek (BufferedFixture *fixture, gint64 offset, CimplSeekMode mode)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (cimpl_stream_try_seek (fixture->stream, offset, mode, NULL, &error), ==, -1);
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NOT_SUPPORTED);
}

/* In as many steps as it takes. */
static void
assert_read_all (BufferedFixture *fixture, const char *expected)
{
  char buffer[100];
  gsize n_read = 0;

  g_assert_true (
      cimpl_stream_try_read_all (fixture->stream, buffer, sizeof buffer, &n_read, NULL, NULL));
  g_assert_cmpmem (buffer, n_read, expected, strlen (expected));
}

static void
test_directions (BufferedFixture *fixture, gconstpointer data)
{
  CimplStreamFlags flags;

  buffered_assert_read (fixture, 2, "01");
  buffered_write (fixture, "abc");
  buffered_assert_read (fixture, 2, "23");
  test_backend_assert_content (fixture->sink, "");
  buffered_flush (fixture);
  test_backend_assert_content (fixture->sink, "abc");
  buffered_assert_read (fixture, 10, "456789");
  buffered_write (fixture, "defghijklmnopqrstuvwxyz");
  test_backend_assert_content (fixture->sink, "abcdefghijklmnopqrstuvwxyz");

  g_assert_true (cimpl_stream_try_get_flags (fixture->stream, &flags, NULL));
  g_assert_cmpuint (flags, ==, CIMPL_STREAM_READABLE | CIMPL_STREAM_WRITABLE);
  assert_cannot_seek (fixture, 0, CIMPL_SEEK_MODE_CURRENT);
  assert_cannot_seek (fixture, 0, CIMPL_SEEK_MODE_START);
  assert_cannot_seek (fixture, 0, CIMPL_SEEK_MODE_END);
  g_assert_cmpuint (fixture->backend->calls[TEST_SEEK], ==, 0);
}

/* A failed write is no reason not to read. */
static void
test_failures_apart (BufferedFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  buffered_write (fixture, "abc");
  buffered_fail (fixture, TEST_WRITE, CIMPL_STREAM_ERROR_WOULD_BLOCK, TRUE);
  g_assert_false (cimpl_stream_try_flush (fixture->stream, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_WOULD_BLOCK);
  buffered_assert_read (fixture, 2, "01");
  buffered_write (fixture, "d");
  buffered_recover (fixture);
  buffered_flush (fixture);
  test_backend_assert_content (fixture->sink, "abcd");
}

/* What can be truncated although it cannot be seeked keeps what was read ahead. */
static void
test_truncate (BufferedFixture *fixture, gconstpointer data)
{
  buffered_assert_read (fixture, 2, "01");
  buffered_write (fixture, "abc");
  g_assert_true (cimpl_stream_try_truncate (fixture->stream, 5, NULL, NULL));
  test_backend_assert_content (fixture->sink, "abc");
  buffered_assert_read (fixture, 2, "23");
}

/* Rewinding */

static void
test_rewind (BufferedFixture *fixture, gconstpointer data)
{
  set_limit (fixture, 4);
  buffered_assert_position (fixture, 0);
  buffered_assert_read (fixture, 3, "012");
  buffered_assert_position (fixture, 3);
  buffered_seek (fixture, 1);
  buffered_assert_read (fixture, 3, "123");
  buffered_seek (fixture, 0); /* with as much read as the limit allows */
  buffered_assert_read (fixture, 5, "01234");
  assert_cannot_seek (fixture, 0, CIMPL_SEEK_MODE_START);
  assert_cannot_seek (fixture, 0, CIMPL_SEEK_MODE_CURRENT);
  buffered_assert_read (fixture, 10, "56789");
  g_assert_cmpuint (fixture->backend->calls[TEST_SEEK], ==, 0);
}

static void
test_rewind_range (BufferedFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  set_limit (fixture, 100);
  fixture->backend->max_transfer = 4;
  buffered_assert_read (fixture, 2, "01");
  buffered_seek (fixture, 4); /* is there, though not read yet */
  assert_cannot_seek (fixture, 5, CIMPL_SEEK_MODE_START);
  assert_cannot_seek (fixture, 0, CIMPL_SEEK_MODE_END);
  g_assert_cmpint (
      cimpl_stream_try_seek (fixture->stream, -5, CIMPL_SEEK_MODE_CURRENT, NULL, &error), ==, -1);
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_ARGUMENT);
  buffered_assert_position (fixture, 4);
}

/* More than the buffer is kept, however it is read, and the end of the data does not matter. */
static void
test_rewind_long (BufferedFixture *fixture, gconstpointer data)
{
  set_limit (fixture, 10);
  buffered_assert_peek (fixture, 4, "0123");
  fixture->backend->max_transfer = 3;
  buffered_assert_read (fixture, 3, "012");
  buffered_assert_peek (fixture, 4, "3456");
  buffered_assert_read (fixture, 100, "3456");
  assert_read_all (fixture, "789");
  buffered_seek (fixture, 0);
  assert_read_all (fixture, "0123456789");
  buffered_assert_position (fixture, 10);
  g_assert_cmpint (fixture->backend->position, ==, 10);
}

/* However much is kept, no more is read ahead than the buffer has, and no less either. */
static void
test_rewind_pieces (BufferedFixture *fixture, gconstpointer data)
{
  set_limit (fixture, 100);
  g_byte_array_append (fixture->backend->data, (const guint8 *) "abcdefghij", 10);
  buffered_assert_read (fixture, 100, "0123");
  buffered_assert_read (fixture, 100, "4567");
  buffered_assert_read (fixture, 100, "89ab");
  buffered_assert_read (fixture, 100, "cdef");
  buffered_assert_read (fixture, 100, "ghij");
  buffered_seek (fixture, 0);
  buffered_assert_read (fixture, 100, "0123456789abcdefghij");
}

/* Without a limit, nothing is kept from the start. */
static void
test_read_past (BufferedFixture *fixture, gconstpointer data)
{
  buffered_assert_read (fixture, 8, "01234567");
  g_assert_cmpuint (fixture->backend->calls[TEST_READ], ==, 1);
}

/* Reads past a small buffer end the prefix, and do not disturb it before. */
static void
test_rewind_past (BufferedFixture *fixture, gconstpointer data)
{
  set_limit (fixture, 6);
  buffered_assert_read (fixture, 8, "0123");
  buffered_assert_read (fixture, 2, "45");
  buffered_seek (fixture, 0);
  buffered_assert_read (fixture, 100, "01234567");
  buffered_assert_read (fixture, 8, "89");
  assert_cannot_seek (fixture, 0, CIMPL_SEEK_MODE_START);
}

static void
test_rewind_limit_changes (BufferedFixture *fixture, gconstpointer data)
{
  set_limit (fixture, 100);
  buffered_assert_read (fixture, 3, "012");
  set_limit (fixture, 3);
  buffered_seek (fixture, 0);
  buffered_assert_read (fixture, 3, "012");
  set_limit (fixture, 2);
  assert_cannot_seek (fixture, 0, CIMPL_SEEK_MODE_START);
  buffered_assert_read (fixture, 100, "3");
  buffered_assert_read (fixture, 100, "456789");
  set_limit (fixture, 100); /* too late */
  assert_cannot_seek (fixture, 0, CIMPL_SEEK_MODE_START);
}

/* Streams that do not know that they are of a pipe */

static void
test_unaware (BufferedFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->base->lacks = 0;
  buffered_fail (fixture, TEST_SEEK, CIMPL_STREAM_ERROR_NOT_SUPPORTED, TRUE);
  set_limit (fixture, 10);
  buffered_assert_read (fixture, 2, "01");
  buffered_write (fixture, "abc");
  buffered_assert_read (fixture, 2, "23");
  buffered_seek (fixture, 0);
  buffered_assert_read (fixture, 2, "01");
  buffered_flush (fixture);
  test_backend_assert_content (fixture->sink, "abc");
  g_assert_cmpuint (fixture->backend->calls[TEST_SEEK], ==, 1);
}

static void
test_unaware_and_silent (BufferedFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  char byte;

  /* In both directions, reading or writing in the wrong place would be worse than an error. */
  fixture->base->lacks = 0;
  buffered_fail (fixture, TEST_SEEK, CIMPL_STREAM_ERROR_IO_OPERATION, TRUE);
  g_assert_cmpint (cimpl_stream_try_read (fixture->stream, &byte, 1, NULL, &error), ==, -1);
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_IO_OPERATION);

  fixture->base->lacks = CIMPL_STREAM_WRITABLE;
  buffered_assert_read (fixture, 2, "01");
  assert_cannot_seek (fixture, 0, CIMPL_SEEK_MODE_CURRENT);
}

int
main (int argc, char **argv)
{
  static const BufferedKind pipe = { TRUE, 16 };
  static const BufferedKind small = { TRUE, 4 };

  g_test_init (&argc, &argv, NULL);

#define ADD(path, kind, test) buffered_add_test ("/buffered-pipe/" path, kind, test)
  ADD ("directions", &pipe, test_directions);
  ADD ("failures-apart", &pipe, test_failures_apart);
  ADD ("truncate", &pipe, test_truncate);
  ADD ("rewind", &pipe, test_rewind);
  ADD ("rewind/small", &small, test_rewind_past);
  ADD ("rewind/pieces", &small, test_rewind_pieces);
  ADD ("read-past", &small, test_read_past);
  ADD ("rewind/range", &pipe, test_rewind_range);
  ADD ("rewind/long", &small, test_rewind_long);
  ADD ("rewind/limit-changes", &small, test_rewind_limit_changes);
  ADD ("unaware", &pipe, test_unaware);
  ADD ("unaware/silent", &pipe, test_unaware_and_silent);
#undef ADD

  return g_test_run ();
}
