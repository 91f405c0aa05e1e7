/* SPDX-License-Identifier: MIT */

/* File streams over a FILE. */

#define _GNU_SOURCE /* fopencookie */

#include "file-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void
assert_reads (CimplStream *stream, gsize count, const char *expected)
{
  char buffer[100];
  g_autoptr (GError) error = NULL;
  gssize n = cimpl_stream_try_read (stream, buffer, count, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpmem (buffer, n, expected, strlen (expected));
}

static void
assert_writes (CimplStream *stream, const char *data)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (cimpl_stream_try_write (stream, data, strlen (data), NULL, &error), ==,
                   (gssize) strlen (data));
  g_assert_no_error (error);
}

/* Sharing it */

static void
test_reading_in_turns (void)
{
  g_autofree char *path = file_fixture_create ("turns", "one\ntwo\n0123456789");
  FILE *file = fopen (path, "re");
  g_autoptr (CimplStream) stream = cimpl_file_stream_new_for_stdio (file, TRUE);
  char line[10];

  g_assert_nonnull (fgets (line, sizeof line, file));
  assert_reads (stream, 3, "two");
  g_assert_cmpint (getc (file), ==, '\n');
  assert_reads (stream, 4, "0123");
  g_assert_cmpint (ungetc ('x', file), ==, 'x');
  assert_reads (stream, 2, "x4");
  g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, NULL), ==, ftell (file));
  g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, NULL), ==, 13);
  g_assert_cmpint (cimpl_stream_try_seek (stream, -2, CIMPL_SEEK_MODE_END, NULL, NULL), ==, 16);
  g_assert_cmpint (getc (file), ==, '8');
}

static void
assert_size (const char *path, goffset expected)
{
  struct stat status;

  g_assert_cmpint (stat (path, &status), ==, 0);
  g_assert_cmpint (status.st_size, ==, expected);
}

/* Its buffer keeps what is written, in the order in which both wrote. */
static void
test_writing_in_turns (void)
{
  g_autofree char *path = file_fixture_create ("turns", "");
  FILE *file = fopen (path, "r+e");
  g_autoptr (CimplStream) stream = cimpl_file_stream_new_for_stdio (file, TRUE);

  assert_writes (stream, "ab");
  fputs ("cd", file);
  assert_writes (stream, "ef");
  g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, NULL), ==, 6);
  assert_size (path, 0);
  g_assert_true (cimpl_stream_try_flush (stream, NULL, NULL));
  file_fixture_assert_content (path, "abcdef");

  fputs ("gh", file);
  g_assert_true (cimpl_file_stream_try_sync (CIMPL_FILE_STREAM (stream), NULL, NULL));
  file_fixture_assert_content (path, "abcdefgh");
  assert_writes (stream, "ij");
  g_assert_true (cimpl_stream_try_truncate (stream, 9, NULL, NULL));
  file_fixture_assert_content (path, "abcdefghi");
  g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, NULL), ==, 10);
}

/* C wants a seek or a flush between reading and writing: the stream does that, also for others. */
static void
test_switching (void)
{
  g_autofree char *path = file_fixture_create ("switching", "0123456789");
  FILE *file = fopen (path, "r+e");
  g_autoptr (CimplStream) stream = cimpl_file_stream_new_for_stdio (file, TRUE);

  assert_reads (stream, 2, "01");
  assert_writes (stream, "ab");
  assert_reads (stream, 2, "45");
  assert_writes (stream, "c");
  assert_reads (stream, 1, "7");
  fseek (file, 0, SEEK_CUR);
  fputs ("d", file);
  assert_reads (stream, 1, "9");
  assert_reads (stream, 1, "");
  assert_writes (stream, "e");
  assert_reads (stream, 1, "");
  g_assert_cmpint (cimpl_stream_try_seek (stream, 0, CIMPL_SEEK_MODE_START, NULL, NULL), ==, 0);
  assert_reads (stream, 100, "01ab45c7d9e");
}

/* The end of a file is where it is now, not where it once was. */
static void
test_growing (void)
{
  g_autofree char *path = file_fixture_create ("growing", "ab");
  g_autoptr (CimplStream) stream = cimpl_file_stream_new_for_stdio (fopen (path, "re"), TRUE);
  g_autoptr (CimplStream) other = cimpl_file_stream_open (path, "a", NULL);

  assert_reads (stream, 10, "ab");
  assert_reads (stream, 10, "");
  assert_writes (other, "cd");
  assert_reads (stream, 10, "cd");
}

static void
test_flags (void)
{
  g_autofree char *path = file_fixture_create ("flags", "");
  static const struct
  {
    const char *mode;
    CimplStreamFlags flags;
  } rows[] = {
    { "re", CIMPL_STREAM_READABLE | CIMPL_STREAM_SEEKABLE },
    { "ae", CIMPL_STREAM_WRITABLE | CIMPL_STREAM_SEEKABLE | CIMPL_STREAM_TRUNCATABLE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      /* What counts is what the FILE can do; the descriptor could do more. */
      FILE *file = fdopen (open (path, O_RDWR | O_CLOEXEC), rows[i].mode);
      g_autoptr (CimplStream) stream = cimpl_file_stream_new_for_stdio (file, TRUE);
      CimplStreamFlags flags;

      g_assert_true (cimpl_stream_try_get_flags (stream, &flags, NULL));
      g_assert_cmpuint (flags, ==, rows[i].flags);
      g_assert_cmpint (cimpl_file_stream_get_fd (CIMPL_FILE_STREAM (stream)), ==, fileno (file));
    }
}

static CimplStream *
open_stream (const char *path, const char *mode, gboolean is_stdio)
{
  if (!is_stdio)
    return cimpl_file_stream_open (path, mode, NULL);
  return cimpl_file_stream_new_for_stdio (fopen (path, mode), TRUE);
}

/* The kernel knows nothing of what is in the buffer of either. */
static void
test_copy (void)
{
  g_autofree char *content = g_strdup_printf ("%-10000s", "0123456789"); /* not all is buffered */
  g_autofree char *source_path = file_fixture_create ("source", content);
  g_autofree char *target_path = file_fixture_path ("target");

  for (gsize i = 1; i < 4; i++)
    {
      g_autoptr (CimplStream) source = open_stream (source_path, "r", (i & 1) != 0);
      g_autoptr (CimplStream) target = open_stream (target_path, "w", (i & 2) != 0);
      gint64 n_copied;

      assert_reads (source, 1, "0");
      assert_writes (target, "ab");
      g_assert_true (cimpl_stream_try_copy (source, target, 4, NULL, NULL, &n_copied, NULL, NULL));
      g_assert_cmpint (n_copied, ==, 4);
      assert_reads (source, 1, "5");
      assert_writes (target, "c");
      g_assert_true (cimpl_stream_try_close (target, NULL, NULL));
      file_fixture_assert_content (target_path, "ab1234c");
    }
}

/* Pipes */

static void
test_pipe (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  CimplStream *stream;
  GThread *thread;
  char buffer[10];
  int fds[2];

  file_fixture_pipe (fds);
  stream = cimpl_file_stream_new_for_stdio (fdopen (fds[0], "re"), TRUE);
  g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, &error), ==, -1);
  assert_errno (error, CIMPL_STREAM_ERROR_NOT_SUPPORTED, ESPIPE);

  /* It does not wait for more than there is, ... */
  g_assert_cmpint (write (fds[1], "abcde", 5), ==, 5);
  assert_reads (stream, 2, "ab");
  g_assert_cmpint (cimpl_stream_try_read (stream, buffer, 1, cancellable, NULL), ==, 1);
  assert_reads (stream, 100, "de");

  /* ... nor for ever where there is nothing. */
  thread = file_fixture_cancel_soon (cancellable);
  g_assert_cmpint (cimpl_stream_try_read (stream, buffer, 1, cancellable, &error), ==, -1);
  assert_errno (error, CIMPL_STREAM_ERROR_CANCELLED, 0);
  g_thread_join (thread);

  file_fixture_set_blocking (fds[0], FALSE);
  g_assert_cmpint (cimpl_stream_try_read (stream, buffer, 1, NULL, &error), ==, -1);
  assert_errno (error, CIMPL_STREAM_ERROR_WOULD_BLOCK, EAGAIN);
  close (fds[1]);
  assert_reads (stream, 100, "");
  g_assert_finalize_object (stream);
}

static gboolean
write_much (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  g_autofree char *data = g_malloc0 (1 << 20);

  return cimpl_stream_try_write (stream, data, 1 << 20, cancellable, error) >= 0;
}

static gboolean
seek (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  return cimpl_stream_try_seek (stream, 0, CIMPL_SEEK_MODE_START, cancellable, error) >= 0;
}

static gboolean
read_byte (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  char byte;

  return cimpl_stream_try_read (stream, &byte, 1, cancellable, error) >= 0;
}

static void
test_socket (void)
{
  CimplStream *streams[2];
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  for (gsize i = 0; i < 2; i++)
    streams[i] = cimpl_file_stream_new_for_stdio (fdopen (fds[i], "r+e"), TRUE);
  for (gsize i = 0; i < 4; i++)
    {
      assert_writes (streams[i % 2], "abc");
      g_assert_true (cimpl_stream_try_flush (streams[i % 2], NULL, NULL));
      assert_reads (streams[(i + 1) % 2], 100, "abc");
    }
  g_assert_finalize_object (streams[0]);
  g_assert_finalize_object (streams[1]);
}

/* Whatever makes the FILE pass on what it has in its buffer. */
static void
test_broken (void)
{
  static gboolean (*const operations[]) (CimplStream *, GCancellable *, GError **)
      = { write_much, seek, read_byte, cimpl_stream_try_flush, cimpl_stream_try_close };

  if (!file_fixture_in_subprocess ())
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (operations); i++)
    {
      CimplStream *stream;
      g_autoptr (GError) error = NULL;
      int fds[2];

      g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
      stream = cimpl_file_stream_new_for_stdio (fdopen (fds[1], "r+e"), TRUE);
      close (fds[0]);
      assert_writes (stream, "a");
      g_assert_false (operations[i](stream, NULL, &error));
      assert_errno (error, CIMPL_STREAM_ERROR_IO_OPERATION, EPIPE);
      g_assert_true (cimpl_stream_try_close (stream, NULL, &error));
      g_assert_finalize_object (stream);
    }
}

/* What others wrote to the FILE, and the stream does not know of. */
static void
test_broken_by_others (void)
{
  g_autoptr (GError) error = NULL;
  CimplStream *stream;
  FILE *file;
  int fds[2];

  if (!file_fixture_in_subprocess ())
    return;
  file_fixture_pipe (fds);
  file = fdopen (fds[1], "we");
  stream = cimpl_file_stream_new_for_stdio (file, TRUE);
  close (fds[0]);
  fputs ("a", file);
  g_assert_false (cimpl_stream_try_close (stream, NULL, &error));
  assert_errno (error, CIMPL_STREAM_ERROR_IO_OPERATION, EPIPE);
  g_assert_finalize_object (stream);
}

/* A FILE with functions of its own, and without a descriptor. */

typedef struct
{
  gssize result; /* of the next calls; G_MAXINT: as much as was asked for */
  int errnum;    /* why it fails */
  guint n_reads;
  guint n_writes;
  guint n_closes;
} Cookie;

static gssize
next_result (Cookie *cookie, gsize count)
{
  gssize result = MIN (cookie->result, (gssize) count);

  errno = cookie->errnum;
  if (errno == EINTR || errno == EAGAIN) /* these pass */
    {
      cookie->result = G_MAXINT;
      cookie->errnum = 0;
    }
  return result;
}

static gssize
cookie_read (void *data, char *buffer, gsize count)
{
  Cookie *cookie = data;
  gssize result;

  cookie->n_reads++;
  result = next_result (cookie, MIN (count, 3));
  if (result > 0)
    memset (buffer, 'x', (gsize) result);
  return result;
}

static gssize
cookie_write (void *data, const char *buffer, gsize count)
{
  Cookie *cookie = data;

  cookie->n_writes++;
  return MAX (next_result (cookie, count), 0); /* 0 is how it says that it fails */
}

static int
cookie_close (void *data)
{
  Cookie *cookie = data;

  cookie->n_closes++;
  errno = cookie->errnum;
  return cookie->errnum == 0 ? 0 : -1;
}

static FILE *
open_cookie (Cookie *cookie)
{
  static const cookie_io_functions_t functions
      = { .read = cookie_read, .write = cookie_write, .close = cookie_close };

  *cookie = (Cookie){ G_MAXINT, 0, 0, 0, 0 };
  return fopencookie (cookie, "r+", functions);
}

static void
test_read_fails (void)
{
  Cookie cookie;
  FILE *file = open_cookie (&cookie);
  g_autoptr (CimplStream) stream = cimpl_file_stream_new_for_stdio (file, TRUE);
  g_autoptr (GError) error = NULL;
  char byte;

  g_assert_cmpint (cimpl_file_stream_get_fd (CIMPL_FILE_STREAM (stream)), ==, -1);

  /* What passes is tried again, or left to the caller, and nobody finds it in the FILE. */
  cookie.result = -1;
  cookie.errnum = EINTR;
  assert_reads (stream, 100, "xxx");
  g_assert_cmpuint (cookie.n_reads, ==, 2);
  g_assert_false (ferror (file));
  cookie.result = -1;
  cookie.errnum = EAGAIN;
  g_assert_cmpint (cimpl_stream_try_read (stream, &byte, 1, NULL, &error), ==, -1);
  assert_errno (error, CIMPL_STREAM_ERROR_WOULD_BLOCK, EAGAIN);
  g_assert_false (ferror (file));

  cookie.result = -1;
  cookie.errnum = EIO;
  g_assert_cmpint (cimpl_stream_try_read (stream, &byte, 1, NULL, &error), ==, -1);
  g_assert_cmpstr (error->message, ==, "The FILE cannot be read: Input/output error");
  assert_errno (error, CIMPL_STREAM_ERROR_IO_OPERATION, EIO);
  g_assert_true (ferror (file));

  /* An error of the past is not taken for the end, nor the end for an error. */
  cookie.errnum = 0;
  cookie.result = G_MAXINT;
  assert_reads (stream, 100, "xxx");
  cookie.result = 0;
  assert_reads (stream, 100, "");
  g_assert_true (ferror (file));
}

/* What the FILE could not write it has dropped: that is never a matter of trying again. */
static void
test_write_fails (void)
{
  static const struct
  {
    int errnum;
    int expected;
    CimplStreamError code;
  } rows[] = {
    { EIO, EIO, CIMPL_STREAM_ERROR_IO_OPERATION },
    { EINTR, EIO, CIMPL_STREAM_ERROR_IO_OPERATION },
    { EAGAIN, EIO, CIMPL_STREAM_ERROR_IO_OPERATION },
    { ENOSPC, ENOSPC, CIMPL_STREAM_ERROR_NO_SPACE },
  };
  g_autofree char *data = g_malloc0 (1 << 20);

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      Cookie cookie;
      g_autoptr (CimplStream) stream
          = cimpl_file_stream_new_for_stdio (open_cookie (&cookie), TRUE);
      g_autoptr (GError) error = NULL;

      assert_writes (stream, "abc");
      cookie.result = -1;
      cookie.errnum = rows[i].errnum;
      g_assert_cmpint (cimpl_stream_try_write (stream, data, 1 << 20, NULL, &error), ==, -1);
      assert_errno (error, rows[i].code, rows[i].expected);

      cookie.errnum = 0;
      cookie.result = G_MAXINT;
      assert_writes (stream, "abc");
      cookie.result = -1;
      cookie.errnum = rows[i].errnum;
      g_assert_false (cimpl_stream_try_flush (stream, NULL, &error));
      assert_errno (error, rows[i].code, rows[i].expected);
      cookie.errnum = 0;
    }
}

static void
test_close (void)
{
  Cookie cookie;
  FILE *file = open_cookie (&cookie);
  CimplStream *stream = cimpl_file_stream_new_for_stdio (file, FALSE);
  g_autoptr (GError) error = NULL;

  assert_writes (stream, "abc");
  g_assert_finalize_object (stream);
  g_assert_cmpuint (cookie.n_writes, ==, 1);
  g_assert_cmpuint (cookie.n_closes, ==, 0);

  stream = cimpl_file_stream_new_for_stdio (file, TRUE);
  cookie.errnum = EDQUOT;
  g_assert_false (cimpl_stream_try_close (stream, NULL, &error));
  assert_errno (error, CIMPL_STREAM_ERROR_NO_SPACE, EDQUOT);
  g_assert_cmpuint (cookie.n_closes, ==, 1);
  g_assert_finalize_object (stream);
  g_assert_cmpuint (cookie.n_closes, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/file-stream/stdio/reading-in-turns", test_reading_in_turns);
  g_test_add_func ("/file-stream/stdio/writing-in-turns", test_writing_in_turns);
  g_test_add_func ("/file-stream/stdio/switching", test_switching);
  g_test_add_func ("/file-stream/stdio/growing", test_growing);
  g_test_add_func ("/file-stream/stdio/flags", test_flags);
  g_test_add_func ("/file-stream/stdio/copy", test_copy);
  g_test_add_func ("/file-stream/stdio/pipe", test_pipe);
  g_test_add_func ("/file-stream/stdio/socket", test_socket);
  g_test_add_func ("/file-stream/stdio/broken", test_broken);
  g_test_add_func ("/file-stream/stdio/broken-by-others", test_broken_by_others);
  g_test_add_func ("/file-stream/stdio/read-fails", test_read_fails);
  g_test_add_func ("/file-stream/stdio/write-fails", test_write_fails);
  g_test_add_func ("/file-stream/stdio/close", test_close);
  return file_fixture_run (NULL);
}
