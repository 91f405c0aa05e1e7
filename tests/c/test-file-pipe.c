/* SPDX-License-Identifier: MIT */

/* File streams over what has no position: pipes, sockets, terminals. */

#define _GNU_SOURCE /* posix_openpt */

#include "file-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Pairs of streams: what is written to the second is read from the first. */

typedef struct
{
  CimplStream *reader;
  CimplStream *writer;
} Pair;

static void
open_pipe (int fds[2])
{
  file_fixture_pipe (fds);
}

static void
open_socket (int fds[2])
{
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
}

static void
open_terminal (int fds[2])
{
  fds[0] = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC);
  fds[1] = -1;
  if (fds[0] != -1 && grantpt (fds[0]) == 0 && unlockpt (fds[0]) == 0)
    fds[1] = open (ptsname (fds[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
}

static const struct
{
  const char *name;
  void (*open) (int fds[2]);
  CimplStreamFlags reader_flags;
  CimplStreamFlags writer_flags;
} kinds[] = {
  { "pipe", open_pipe, CIMPL_STREAM_READABLE, CIMPL_STREAM_WRITABLE },
  { "socket", open_socket, CIMPL_STREAM_READABLE | CIMPL_STREAM_WRITABLE,
    CIMPL_STREAM_READABLE | CIMPL_STREAM_WRITABLE },
  { "terminal", open_terminal, CIMPL_STREAM_READABLE | CIMPL_STREAM_WRITABLE,
    CIMPL_STREAM_READABLE | CIMPL_STREAM_WRITABLE },
};

static int
get_fd (CimplStream *stream)
{
  return cimpl_file_stream_get_fd (CIMPL_FILE_STREAM (stream));
}

static Pair
pair_open (void (*open_kind) (int fds[2]))
{
  int fds[2];

  open_kind (fds);
  return (Pair){ cimpl_file_stream_new_for_fd (fds[0], fds[0] != -1),
                 cimpl_file_stream_new_for_fd (fds[1], fds[1] != -1) };
}

static void
pair_clear (Pair *pair)
{
  g_assert_finalize_object (pair->reader);
  g_assert_finalize_object (pair->writer);
}

static void
assert_has_no_position (CimplStream *stream, CimplStreamFlags expected_flags)
{
  CimplStreamFlags flags = 0;
  g_autoptr (GError) error = NULL;

  g_assert_true (cimpl_stream_try_get_flags (stream, &flags, NULL));
  g_assert_cmpuint (flags, ==, expected_flags);
  g_assert_cmpint (cimpl_stream_try_seek (stream, 1, CIMPL_SEEK_MODE_START, NULL, &error), ==, -1);
  assert_errno (error, CIMPL_STREAM_ERROR_NOT_SUPPORTED, ESPIPE);
  g_assert_cmpint (cimpl_stream_try_get_size (stream, NULL, &error), ==, -1);
  assert_errno (error, CIMPL_STREAM_ERROR_NOT_SUPPORTED, ESPIPE);
  g_assert_false (cimpl_stream_try_truncate (stream, 0, NULL, &error));
  assert_errno (error, CIMPL_STREAM_ERROR_NOT_SUPPORTED, 0);
  g_assert_false (cimpl_file_stream_try_sync (CIMPL_FILE_STREAM (stream), NULL, &error));
  assert_errno (error, CIMPL_STREAM_ERROR_NOT_SUPPORTED, ENOTSUP);
}

static void
test_kind (gconstpointer user_data)
{
  gsize i = GPOINTER_TO_SIZE (user_data);
  Pair pair = pair_open (kinds[i].open);
  char buffer[100];

  if (get_fd (pair.writer) == -1)
    g_test_skip ("there are no pseudo terminals");
  else
    {
      assert_has_no_position (pair.reader, kinds[i].reader_flags);
      assert_has_no_position (pair.writer, kinds[i].writer_flags);
      g_assert_cmpint (cimpl_stream_try_write (pair.writer, "abc", 3, NULL, NULL), ==, 3);
      g_assert_cmpint (cimpl_stream_try_read (pair.reader, buffer, 100, NULL, NULL), ==, 3);
      g_assert_cmpmem (buffer, 3, "abc", 3);
    }
  pair_clear (&pair);
}

/* Each end of a pipe does but one of the two. */
static void
test_one_way (void)
{
  Pair pair = pair_open (open_pipe);
  g_autoptr (GError) error = NULL;
  char byte = 0;

  g_assert_cmpint (cimpl_stream_try_write (pair.reader, "x", 1, NULL, &error), ==, -1);
  assert_errno (error, CIMPL_STREAM_ERROR_NOT_SUPPORTED, 0);
  g_assert_cmpint (cimpl_stream_try_read (pair.writer, &byte, 1, NULL, &error), ==, -1);
  assert_errno (error, CIMPL_STREAM_ERROR_NOT_SUPPORTED, 0);
  pair_clear (&pair);
}

/* Not waiting */

static void
test_would_block (gconstpointer user_data)
{
  gsize i = GPOINTER_TO_SIZE (user_data);
  Pair pair = pair_open (kinds[i].open);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree char *data = g_malloc0 (1 << 20);
  g_autoptr (GError) error = NULL;
  GCancellable *cancellables[] = { NULL, cancellable };
  gsize n_written;

  file_fixture_set_blocking (get_fd (pair.reader), FALSE);
  file_fixture_set_blocking (get_fd (pair.writer), FALSE);
  for (gsize j = 0; j < G_N_ELEMENTS (cancellables); j++)
    {
      g_assert_cmpint (cimpl_stream_try_read (pair.reader, data, 10, cancellables[j], &error), ==,
                       -1);
      assert_errno (error, CIMPL_STREAM_ERROR_WOULD_BLOCK, EAGAIN);
    }
  g_assert_false (
      cimpl_stream_try_write_all (pair.writer, data, 1 << 20, &n_written, NULL, &error));
  assert_errno (error, CIMPL_STREAM_ERROR_WOULD_BLOCK, EAGAIN);
  g_assert_cmpuint (n_written, >, 0);
  g_assert_cmpuint (n_written, <, 1 << 20);
  g_assert_cmpint (cimpl_stream_try_write (pair.writer, data, 1, cancellable, &error), ==, -1);
  assert_errno (error, CIMPL_STREAM_ERROR_WOULD_BLOCK, EAGAIN);

  /* All that came before the end, and then the end. */
  g_assert_true (cimpl_stream_try_close (pair.writer, NULL, &error));
  for (gsize n = 0; n < n_written;)
    {
      gssize n_read = cimpl_stream_try_read (pair.reader, data, 1 << 20, cancellable, &error);

      g_assert_cmpint (n_read, >, 0);
      n += (gsize) n_read;
    }
  g_assert_cmpint (cimpl_stream_try_read (pair.reader, data, 1, NULL, &error), ==, 0);
  g_assert_no_error (error);
  pair_clear (&pair);
}

/* Cancelling what waits */

static void
test_cancel_read (gconstpointer user_data)
{
  gsize i = GPOINTER_TO_SIZE (user_data);
  Pair pair = pair_open (kinds[i].open);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  GThread *thread = file_fixture_cancel_soon (cancellable);
  char byte = 0;

  g_assert_cmpint (cimpl_stream_try_read (pair.reader, &byte, 1, cancellable, &error), ==, -1);
  assert_errno (error, CIMPL_STREAM_ERROR_CANCELLED, 0);
  g_thread_join (thread);
  pair_clear (&pair);
}

static void
test_cancel_write (gconstpointer user_data)
{
  gsize i = GPOINTER_TO_SIZE (user_data);
  Pair pair = pair_open (kinds[i].open);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *data = g_malloc0 (1 << 20);
  GThread *thread = file_fixture_cancel_soon (cancellable);
  gsize n_written;

  g_assert_false (
      cimpl_stream_try_write_all (pair.writer, data, 1 << 20, &n_written, cancellable, &error));
  assert_errno (error, CIMPL_STREAM_ERROR_CANCELLED, 0);
  g_assert_cmpuint (n_written, >, 0);
  g_thread_join (thread);
  pair_clear (&pair);
}

/* What is there is read although there is a cancellable. */
static void
test_not_cancelled (void)
{
  Pair pair = pair_open (open_pipe);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  char buffer[4];

  g_assert_cmpint (cimpl_stream_try_write (pair.writer, "abc", 3, cancellable, NULL), ==, 3);
  g_assert_cmpint (cimpl_stream_try_read (pair.reader, buffer, 4, cancellable, NULL), ==, 3);
  g_assert_cmpint (cimpl_stream_try_write (pair.writer, "abc", 3, cancellable, NULL), ==, 3);
  g_assert_true (cimpl_stream_try_close (pair.writer, NULL, NULL));
  g_assert_cmpint (cimpl_stream_try_read (pair.reader, buffer, 4, cancellable, NULL), ==, 3);
  g_assert_cmpint (cimpl_stream_try_read (pair.reader, buffer, 4, cancellable, NULL), ==, 0);
  pair_clear (&pair);
}

/* Writing to nobody */

static void
assert_broken (CimplStream *writer)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (cimpl_stream_try_write (writer, "x", 1, NULL, &error), ==, -1);
  assert_errno (error, CIMPL_STREAM_ERROR_IO_OPERATION, EPIPE);
}

static gboolean
is_pending (void)
{
  sigset_t set;

  sigpending (&set);
  return sigismember (&set, SIGPIPE) == 1;
}

static void
block_sigpipe (int how)
{
  sigset_t set;

  sigemptyset (&set);
  sigaddset (&set, SIGPIPE);
  g_assert_cmpint (pthread_sigmask (how, &set, NULL), ==, 0);
}

static void
test_broken (gconstpointer user_data)
{
  gsize i = GPOINTER_TO_SIZE (user_data);
  sigset_t mask;
  Pair pair;

  if (!file_fixture_in_subprocess ())
    return;
  pair = pair_open (kinds[i].open);
  g_assert_true (cimpl_stream_try_close (pair.reader, NULL, NULL));
  assert_broken (pair.writer);
  pthread_sigmask (SIG_SETMASK, NULL, &mask);
  g_assert_cmpint (sigismember (&mask, SIGPIPE), ==, 0);

  /* The same for somebody who has blocked it: he gets none either, and keeps what he had. */
  block_sigpipe (SIG_BLOCK);
  assert_broken (pair.writer);
  g_assert_false (is_pending ());
  raise (SIGPIPE);
  assert_broken (pair.writer);
  g_assert_true (is_pending ());
  pthread_sigmask (SIG_SETMASK, NULL, &mask);
  g_assert_cmpint (sigismember (&mask, SIGPIPE), ==, 1);
  signal (SIGPIPE, SIG_IGN); /* discards it */
  block_sigpipe (SIG_UNBLOCK);
  pair_clear (&pair);
}

static gpointer
write_to_nobody (gpointer user_data)
{
  gsize i = GPOINTER_TO_SIZE (user_data) % 2;

  for (guint j = 0; j < 50; j++)
    {
      Pair pair = pair_open (kinds[i].open);

      g_assert_true (cimpl_stream_try_close (pair.reader, NULL, NULL));
      assert_broken (pair.writer);
      pair_clear (&pair);
    }
  return NULL;
}

static void
test_broken_in_threads (void)
{
  GThread *threads[4];

  if (!file_fixture_in_subprocess ())
    return;
  /* Not for the first time in a thread: ThreadSanitizer does not see GObject's lock around that. */
  g_type_class_unref (g_type_class_ref (CIMPL_TYPE_FILE_STREAM));
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("writer", write_to_nobody, GSIZE_TO_POINTER (i));
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

static gpointer
read_and_close (gpointer user_data)
{
  char byte;

  g_assert_cmpint (cimpl_stream_try_read (user_data, &byte, 1, NULL, NULL), ==, 1);
  g_assert_true (cimpl_stream_try_close (user_data, NULL, NULL));
  return NULL;
}

/* The signal comes although some of the data was written. */
static void
test_broken_midway (void)
{
  g_autofree char *data = g_malloc0 (1 << 20);
  GThread *thread;
  gssize n_written;
  Pair pair;

  if (!file_fixture_in_subprocess ())
    return;
  pair = pair_open (open_pipe);
  thread = g_thread_new ("reader", read_and_close, pair.reader);
  n_written = cimpl_stream_try_write (pair.writer, data, 1 << 20, NULL, NULL);
  g_assert_cmpint (n_written, >, 0);
  g_assert_cmpint (n_written, <, 1 << 20);
  g_thread_join (thread);
  assert_broken (pair.writer);
  pair_clear (&pair);
}

static void
add_for_kinds (const char *name, gsize n_kinds, GTestDataFunc test)
{
  for (gsize i = 0; i < n_kinds; i++)
    {
      g_autofree char *path = g_strdup_printf ("/file-stream/%s/%s", kinds[i].name, name);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  add_for_kinds ("transfer", 3, test_kind);
  add_for_kinds ("would-block", 2, test_would_block);
  add_for_kinds ("cancel-read", 2, test_cancel_read);
  add_for_kinds ("cancel-write", 2, test_cancel_write);
  add_for_kinds ("broken", 2, test_broken);
  g_test_add_func ("/file-stream/pipe/one-way", test_one_way);
  g_test_add_func ("/file-stream/pipe/not-cancelled", test_not_cancelled);
  g_test_add_func ("/file-stream/pipe/broken-midway", test_broken_midway);
  g_test_add_func ("/file-stream/broken-in-threads", test_broken_in_threads);
  return file_fixture_run (NULL);
}
