/* SPDX-License-Identifier: MIT */

/* File streams over system calls that fail: the linker puts those below before the real ones. */

#include "file-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef enum
{
  CALL_OPEN,
  CALL_READ,
  CALL_WRITE,
  CALL_SEND,
  CALL_SEEK,
  CALL_TRUNCATE,
  CALL_SYNC,
  CALL_CLOSE,
  CALL_COPY_RANGE,
  CALL_SENDFILE,
  N_CALLS,
} Call;

static struct
{
  guint n_calls;
  guint n_successes; /* before it fails */
  guint n_failures;
  int errnum; /* 0: it returns 0 */
} script[N_CALLS];

#define FOR_EVER G_MAXUINT

static void
fail_after (Call call, guint n_successes, guint n_failures, int errnum)
{
  script[call].n_calls = 0;
  script[call].n_successes = n_successes;
  script[call].n_failures = n_failures;
  script[call].errnum = errnum;
}

static void
fail_next (Call call, guint n_failures, int errnum)
{
  fail_after (call, 0, n_failures, errnum);
}

static gboolean
is_to_fail (Call call, int *result)
{
  script[call].n_calls++;
  if (script[call].n_successes > 0)
    {
      script[call].n_successes--;
      return FALSE;
    }
  if (script[call].n_failures == 0)
    return FALSE;
  script[call].n_failures--;
  errno = script[call].errnum;
  *result = errno == 0 ? 0 : -1;
  return TRUE;
}

#define WRAP(type, name, call, parameters, arguments)                                              \
  type __real_##name parameters;                                                                   \
  type __wrap_##name parameters;                                                                   \
  type __wrap_##name parameters                                                                    \
  {                                                                                                \
    int result;                                                                                    \
                                                                                                   \
    return is_to_fail (call, &result) ? result : __real_##name arguments;                          \
  }

WRAP (int, open64, CALL_OPEN, (const char *path, int flags, mode_t mode), (path, flags, mode))
WRAP (ssize_t, read, CALL_READ, (int fd, void *buffer, size_t count), (fd, buffer, count))
WRAP (ssize_t, write, CALL_WRITE, (int fd, const void *data, size_t count), (fd, data, count))
WRAP (ssize_t,
      send,
      CALL_SEND,
      (int fd, const void *data, size_t count, int flags),
      (fd, data, count, flags))
WRAP (off_t, lseek64, CALL_SEEK, (int fd, off_t offset, int whence), (fd, offset, whence))
WRAP (int, ftruncate64, CALL_TRUNCATE, (int fd, off_t size), (fd, size))
WRAP (int, fsync, CALL_SYNC, (int fd), (fd))
WRAP (int, close, CALL_CLOSE, (int fd), (fd))
WRAP (ssize_t,
      copy_file_range,
      CALL_COPY_RANGE,
      (int in, off_t *in_offset, int out, off_t *out_offset, size_t count, unsigned int flags),
      (in, in_offset, out, out_offset, count, flags))
WRAP (ssize_t,
      sendfile64,
      CALL_SENDFILE,
      (int out, int in, off_t *offset, size_t count),
      (out, in, offset, count))

/* Operations and the system call that each of them makes */

typedef struct
{
  CimplStream *file;
  CimplStream *pipe;
  CimplStream *socket;
  int ends[2]; /* the other ones */
} Streams;

static gboolean
do_read (Streams *streams, GError **error)
{
  char buffer[4];

  return cimpl_stream_try_read (streams->file, buffer, 4, NULL, error) == 4;
}

static gboolean
do_write (Streams *streams, GError **error)
{
  return cimpl_stream_try_write (streams->file, "abcd", 4, NULL, error) == 4;
}

static gboolean
do_write_pipe (Streams *streams, GError **error)
{
  return cimpl_stream_try_write (streams->pipe, "abcd", 4, NULL, error) == 4;
}

static gboolean
do_send (Streams *streams, GError **error)
{
  return cimpl_stream_try_write (streams->socket, "abcd", 4, NULL, error) == 4;
}

static gboolean
do_seek (Streams *streams, GError **error)
{
  return cimpl_stream_try_seek (streams->file, 2, CIMPL_SEEK_MODE_START, NULL, error) == 2;
}

static gboolean
do_truncate (Streams *streams, GError **error)
{
  return cimpl_stream_try_truncate (streams->file, 5, NULL, error);
}

static gboolean
do_sync (Streams *streams, GError **error)
{
  return cimpl_file_stream_try_sync (CIMPL_FILE_STREAM (streams->file), NULL, error);
}

static const struct
{
  const char *name;
  Call call;
  gboolean (*run) (Streams *streams, GError **error);
  const char *message;
  gboolean cannot_be_interrupted;
} operations[] = {
  { "read", CALL_READ, do_read, "cannot be read", FALSE },
  { "write", CALL_WRITE, do_write, "cannot be written", FALSE },
  { "write-pipe", CALL_WRITE, do_write_pipe, "cannot be written", FALSE },
  { "send", CALL_SEND, do_send, "cannot be written", FALSE },
  { "seek", CALL_SEEK, do_seek, "cannot be seeked", TRUE },
  { "truncate", CALL_TRUNCATE, do_truncate, "cannot be truncated", FALSE },
  { "sync", CALL_SYNC, do_sync, "cannot be synced", FALSE },
};

static Streams
streams_open (void)
{
  g_autofree char *path = file_fixture_create ("faults", "0123456789");
  int pipe_fds[2];
  int socket_fds[2];

  memset (script, 0, sizeof script);
  file_fixture_pipe (pipe_fds);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socket_fds), ==, 0);
  return (Streams){ cimpl_file_stream_open (path, "r+", NULL),
                    cimpl_file_stream_new_for_fd (pipe_fds[1], TRUE),
                    cimpl_file_stream_new_for_fd (socket_fds[1], TRUE),
                    { pipe_fds[0], socket_fds[0] } };
}

static void
streams_clear (Streams *streams)
{
  g_assert_finalize_object (streams->file);
  g_assert_finalize_object (streams->pipe);
  g_assert_finalize_object (streams->socket);
  close (streams->ends[0]);
  close (streams->ends[1]);
}

static void
test_interrupted (gconstpointer user_data)
{
  gsize i = GPOINTER_TO_SIZE (user_data);
  Streams streams = streams_open ();
  g_autoptr (GError) error = NULL;

  fail_next (operations[i].call, 2, EINTR);
  g_assert_true (operations[i].run (&streams, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (script[operations[i].call].n_calls, ==, 3);
  streams_clear (&streams);
}

static void
test_fails (gconstpointer user_data)
{
  gsize i = GPOINTER_TO_SIZE (user_data);
  static const struct
  {
    int errnum;
    CimplStreamError code;
  } rows[] = {
    { EIO, CIMPL_STREAM_ERROR_IO_OPERATION },   { ECONNRESET, CIMPL_STREAM_ERROR_IO_OPERATION },
    { ENOSPC, CIMPL_STREAM_ERROR_NO_SPACE },    { EDQUOT, CIMPL_STREAM_ERROR_NO_SPACE },
    { EAGAIN, CIMPL_STREAM_ERROR_WOULD_BLOCK },
  };
  Streams streams = streams_open ();
  g_autoptr (GError) error = NULL;

  for (gsize j = 0; j < G_N_ELEMENTS (rows); j++)
    {
      fail_next (operations[i].call, 1, rows[j].errnum);
      g_assert_false (operations[i].run (&streams, &error));
      g_assert_nonnull (strstr (error->message, operations[i].message));
      g_assert_true (g_str_has_suffix (error->message, g_strerror (rows[j].errnum)));
      assert_errno (error, rows[j].code, rows[j].errnum);
      g_assert_cmpuint (script[operations[i].call].n_calls, ==, 1);
    }

  /* Nothing has moved or stays wrong. */
  g_assert_cmpint (cimpl_stream_try_tell (streams.file, NULL, NULL), ==, 0);
  g_assert_true (operations[i].run (&streams, &error));
  g_assert_no_error (error);
  streams_clear (&streams);
}

static void
test_open_interrupted (void)
{
  g_autofree char *path = file_fixture_create ("open", "");
  g_autoptr (CimplStream) stream = NULL;
  g_autoptr (GError) error = NULL;

  fail_next (CALL_OPEN, 2, EINTR);
  stream = cimpl_file_stream_open (path, "r", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (script[CALL_OPEN].n_calls, ==, 3);
}

static void
test_close_fails (void)
{
  static const struct
  {
    int errnum;
    CimplStreamError code;
  } rows[] = {
    { EIO, CIMPL_STREAM_ERROR_IO_OPERATION },
    { ENOSPC, CIMPL_STREAM_ERROR_NO_SPACE },
    { EDQUOT, CIMPL_STREAM_ERROR_NO_SPACE },
  };
  g_autofree char *path = file_fixture_create ("close", "");
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (CimplStream) stream = cimpl_file_stream_open (path, "r", NULL);
      int fd = cimpl_file_stream_get_fd (CIMPL_FILE_STREAM (stream));

      fail_next (CALL_CLOSE, 1, rows[i].errnum);
      g_assert_false (cimpl_stream_try_close (stream, NULL, &error));
      g_assert_true (g_str_has_prefix (error->message, path));
      assert_errno (error, rows[i].code, rows[i].errnum);
      g_assert_true (cimpl_stream_is_closed (stream));
      g_assert_cmpuint (script[CALL_CLOSE].n_calls, ==, 1);
      close (fd);
    }
}

/* Linux has closed it all the same, and another thread may have got the number meanwhile. */
static void
test_close_interrupted (void)
{
  g_autofree char *path = file_fixture_create ("close", "");
  g_autoptr (CimplStream) stream = cimpl_file_stream_open (path, "r", NULL);
  int fd = cimpl_file_stream_get_fd (CIMPL_FILE_STREAM (stream));
  g_autoptr (GError) error = NULL;

  fail_next (CALL_CLOSE, 1, EINTR);
  g_assert_true (cimpl_stream_try_close (stream, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (script[CALL_CLOSE].n_calls, ==, 1);
  close (fd);
}

/* Copying */

#define PIECE (8 * 1024 * 1024)
#define SIZE (2 * PIECE + 10)

static const struct
{
  const char *name;
  guint n_pieces;   /* that copy_file_range() copies, before ... */
  guint n_failures; /* of copy_file_range() */
  int errnum;
  int sendfile_errnum; /* if that fails then, too: for ever */
  gboolean uses_sendfile;
  gboolean uses_write;
  CimplStreamError code; /* if all of it fails */
} copies[] = {
  { "at-once", 0, 0, 0, 0, FALSE, FALSE, 0 },
  { "interrupted", 0, 2, EINTR, 0, FALSE, FALSE, 0 },
  { "interrupted-midway", 1, 2, EINTR, 0, FALSE, FALSE, 0 },
  { "other-file-system", 0, FOR_EVER, EXDEV, 0, TRUE, FALSE, 0 },
  { "old-kernel", 0, FOR_EVER, ENOSYS, 0, TRUE, FALSE, 0 },
  { "not-allowed", 0, FOR_EVER, EPERM, EPERM, TRUE, TRUE, 0 },
  { "bad-file", 0, FOR_EVER, EINVAL, EINVAL, TRUE, TRUE, 0 },
  { "appended", 0, FOR_EVER, EBADF, EINVAL, TRUE, TRUE, 0 },
  { "without-size", 0, FOR_EVER, 0, 0, FALSE, TRUE, 0 },
  { "changes-midway", 1, FOR_EVER, EXDEV, 0, TRUE, FALSE, 0 },
  { "fails-midway", 2, FOR_EVER, EIO, EIO, TRUE, FALSE, CIMPL_STREAM_ERROR_IO_OPERATION },
  { "full-midway", 1, FOR_EVER, ENOSPC, ENOSPC, TRUE, FALSE, CIMPL_STREAM_ERROR_NO_SPACE },
};

static void
test_copy (gconstpointer user_data)
{
  gsize i = GPOINTER_TO_SIZE (user_data);
  gint64 expected = copies[i].code == 0 ? SIZE : copies[i].n_pieces * PIECE;
  g_autofree char *source_path = file_fixture_path ("source");
  g_autofree char *target_path = file_fixture_path ("target");
  g_autoptr (CimplStream) source = cimpl_file_stream_open (source_path, "w+", NULL);
  g_autoptr (CimplStream) target = cimpl_file_stream_open (target_path, "w", NULL);
  g_autoptr (GError) error = NULL;
  gint64 n_copied = -1;

  g_assert_true (cimpl_stream_try_truncate (source, SIZE, NULL, NULL));
  memset (script, 0, sizeof script);
  fail_after (CALL_COPY_RANGE, copies[i].n_pieces, copies[i].n_failures, copies[i].errnum);
  if (copies[i].sendfile_errnum != 0)
    fail_next (CALL_SENDFILE, FOR_EVER, copies[i].sendfile_errnum);

  cimpl_stream_try_copy (source, target, -1, NULL, NULL, &n_copied, NULL, &error);
  g_assert_cmpint (script[CALL_SENDFILE].n_calls > 0, ==, copies[i].uses_sendfile);
  g_assert_cmpint (script[CALL_WRITE].n_calls > 0, ==, copies[i].uses_write);
  g_assert_cmpint (n_copied, ==, expected);
  g_assert_cmpint (cimpl_stream_try_tell (source, NULL, NULL), ==, expected);
  g_assert_cmpint (cimpl_stream_try_get_size (target, NULL, NULL), ==, expected);
  if (copies[i].code == 0)
    g_assert_no_error (error);
  else
    {
      g_assert_nonnull (strstr (error->message, source_path));
      g_assert_nonnull (strstr (error->message, target_path));
      assert_errno (error, copies[i].code, copies[i].errnum);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (operations); i++)
    {
      g_autofree char *fails = g_strdup_printf ("/file-stream/fails/%s", operations[i].name);
      g_autofree char *interrupted
          = g_strdup_printf ("/file-stream/interrupted/%s", operations[i].name);

      g_test_add_data_func (fails, GSIZE_TO_POINTER (i), test_fails);
      if (!operations[i].cannot_be_interrupted)
        g_test_add_data_func (interrupted, GSIZE_TO_POINTER (i), test_interrupted);
    }
  g_test_add_func ("/file-stream/interrupted/open", test_open_interrupted);
  g_test_add_func ("/file-stream/interrupted/close", test_close_interrupted);
  g_test_add_func ("/file-stream/fails/close", test_close_fails);
  for (gsize i = 0; i < G_N_ELEMENTS (copies); i++)
    {
      g_autofree char *path = g_strdup_printf ("/file-stream/copy/%s", copies[i].name);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_copy);
    }
  return file_fixture_run (NULL);
}
