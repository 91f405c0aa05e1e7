/* SPDX-License-Identifier: MIT */

/* Copying between file streams. */

#include "file-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#define SIZE (20 * 1024 * 1024 + 5) /* some pieces, and a short one */

static const char *data; /* SIZE bytes */
static char *source_path;
static char *target_path;

typedef struct
{
  CimplStream *source;
  CimplStream *target;
  GCancellable *cancellable;
  guint cancel_at; /* which report cancels; 0 for none */
  guint n_reports;
  goffset done;
  goffset total;
} Copy;

static Copy
copy_open (const char *source, const char *target, const char *mode)
{
  Copy copy = { 0 };
  g_autoptr (GError) error = NULL;

  copy.source = cimpl_file_stream_open (source, "r", &error);
  g_assert_no_error (error);
  copy.target = cimpl_file_stream_open (target, mode, &error);
  g_assert_no_error (error);
  copy.cancellable = g_cancellable_new ();
  return copy;
}

static void
copy_clear (Copy *copy)
{
  g_assert_finalize_object (copy->source);
  g_assert_finalize_object (copy->target);
  g_object_unref (copy->cancellable);
}

static void
report (goffset done, goffset total, gpointer user_data)
{
  Copy *copy = user_data;
  g_autoptr (CimplStream) other = cimpl_file_stream_open (source_path, "r", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (done, >, copy->done);
  copy->done = done;
  copy->total = total;
  if (++copy->n_reports == copy->cancel_at)
    g_cancellable_cancel (copy->cancellable);

  /* It is one operation of both. */
  g_assert_false (cimpl_stream_try_flush (copy->source, NULL, &error));
  assert_errno (error, CIMPL_STREAM_ERROR_BUSY, 0);
  g_assert_false (cimpl_file_stream_try_sync (CIMPL_FILE_STREAM (copy->target), NULL, &error));
  assert_errno (error, CIMPL_STREAM_ERROR_BUSY, 0);
  g_assert_false (cimpl_stream_try_copy (other, copy->target, 1, NULL, NULL, NULL, NULL, &error));
  assert_errno (error, CIMPL_STREAM_ERROR_BUSY, 0);
}

static void
assert_positions (Copy *copy, gint64 source, gint64 target)
{
  g_assert_cmpint (cimpl_stream_try_tell (copy->source, NULL, NULL), ==, source);
  g_assert_cmpint (cimpl_stream_try_tell (copy->target, NULL, NULL), ==, target);
}

static void
assert_bytes (const char *path, gsize offset, gconstpointer expected, gsize size)
{
  g_autofree char *content = NULL;
  gsize content_size;

  g_assert_true (g_file_get_contents (path, &content, &content_size, NULL));
  g_assert_cmpuint (content_size, ==, offset + size);
  g_assert_true (memcmp (content + offset, expected, size) == 0);
}

static void
test_all (void)
{
  Copy copy = copy_open (source_path, target_path, "w");
  gint64 n_copied = -1;
  g_autoptr (GError) error = NULL;

  g_assert_true (cimpl_stream_try_copy (copy.source, copy.target, -1, report, &copy, &n_copied,
                                        copy.cancellable, &error));
  g_assert_no_error (error);
  g_assert_cmpint (n_copied, ==, SIZE);
  g_assert_cmpint (copy.done, ==, SIZE);
  g_assert_cmpint (copy.total, ==, SIZE);
  g_assert_cmpuint (copy.n_reports, ==, 3); /* of 8 MiB: the kernel has copied it */
  assert_positions (&copy, SIZE, SIZE);
  assert_bytes (target_path, 0, data, SIZE);

  /* There is nothing any more. */
  g_assert_true (
      cimpl_stream_try_copy (copy.source, copy.target, -1, NULL, NULL, &n_copied, NULL, &error));
  g_assert_cmpint (n_copied, ==, 0);
  copy_clear (&copy);
}

static void
test_part (void)
{
  Copy copy = copy_open (source_path, target_path, "w");
  gint64 n_copied = -1;

  g_assert_true (cimpl_stream_try_write_all (copy.target, "abc", 3, NULL, NULL, NULL));
  g_assert_cmpint (cimpl_stream_try_seek (copy.source, 100, CIMPL_SEEK_MODE_START, NULL, NULL), ==,
                   100);
  g_assert_true (cimpl_stream_try_copy (copy.source, copy.target, 0, NULL, NULL, NULL, NULL, NULL));
  assert_positions (&copy, 100, 3);
  g_assert_true (cimpl_stream_try_copy (copy.source, copy.target, 9000000, report, &copy, &n_copied,
                                        NULL, NULL));
  g_assert_cmpint (n_copied, ==, 9000000);
  g_assert_cmpint (copy.total, ==, 9000000);
  assert_positions (&copy, 9000100, 9000003);
  assert_bytes (target_path, 3, data + 100, 9000000);

  copy.done = 0;
  g_assert_true (
      cimpl_stream_try_copy (copy.source, copy.target, -1, report, &copy, NULL, NULL, NULL));
  g_assert_cmpint (copy.total, ==, SIZE - 9000100);
  assert_positions (&copy, SIZE, SIZE - 97);
  copy_clear (&copy);
}

static void
test_cancelled (void)
{
  Copy copy = copy_open (source_path, target_path, "w");
  gint64 n_copied = -1;
  g_autoptr (GError) error = NULL;

  copy.cancel_at = 2;
  g_assert_false (cimpl_stream_try_copy (copy.source, copy.target, -1, report, &copy, &n_copied,
                                         copy.cancellable, &error));
  g_assert_true (g_str_has_prefix (error->message, "Copied 16777216 bytes, then: "));
  assert_errno (error, CIMPL_STREAM_ERROR_CANCELLED, 0);
  g_assert_cmpint (n_copied, ==, 16777216);
  g_assert_cmpint (copy.done, ==, n_copied);
  assert_positions (&copy, n_copied, n_copied);
  assert_bytes (target_path, 0, data, (gsize) n_copied);
  copy_clear (&copy);
}

static void
test_append (void)
{
  g_autofree char *path = file_fixture_create ("append", "abc");
  Copy copy = copy_open (source_path, path, "a");
  gint64 n_copied;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (cimpl_stream_try_seek (copy.target, 0, CIMPL_SEEK_MODE_START, NULL, NULL), ==,
                   0);
  g_assert_true (
      cimpl_stream_try_copy (copy.source, copy.target, 1000, NULL, NULL, &n_copied, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (n_copied, ==, 1000);
  assert_bytes (path, 3, data, 1000);
  copy_clear (&copy);
}

/* To another file system, if there is one. */
static void
test_elsewhere (void)
{
  g_autofree char *path = g_strdup ("/dev/shm/cimpl-file-XXXXXX");
  int fd = g_mkstemp (path);
  g_autoptr (CimplStream) source = cimpl_file_stream_open (source_path, "r", NULL);
  g_autoptr (CimplStream) target = cimpl_file_stream_new_for_fd (fd, TRUE);
  gint64 n_copied;
  g_autoptr (GError) error = NULL;

  if (fd == -1)
    {
      g_object_set (target, "close-fd", FALSE, NULL);
      g_test_skip ("there is no /dev/shm");
      return;
    }
  cimpl_stream_try_copy (source, target, -1, NULL, NULL, &n_copied, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (n_copied, ==, SIZE);
  assert_bytes (path, 0, data, SIZE);
  g_unlink (path);
}

/* These say that they are empty, and are not. */
static void
test_without_size (void)
{
  Copy copy = copy_open ("/proc/self/status", target_path, "w");
  gint64 n_copied;
  g_autofree char *content = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (
      cimpl_stream_try_copy (copy.source, copy.target, -1, NULL, NULL, &n_copied, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (n_copied, >, 100);
  g_assert_true (g_file_get_contents (target_path, &content, NULL, NULL));
  g_assert_true (g_str_has_prefix (content, "Name:"));
  copy_clear (&copy);
}

/* Pipes */

typedef struct
{
  int fd;
  gsize count; /* how much to read before closing */
} Drain;

static gpointer
drain (gpointer user_data)
{
  Drain *self = user_data;
  g_autoptr (CimplStream) stream = cimpl_file_stream_new_for_fd (self->fd, TRUE);
  g_autofree char *buffer = g_malloc (self->count);
  gsize n_read;

  g_assert_true (cimpl_stream_try_read_all (stream, buffer, self->count, &n_read, NULL, NULL));
  g_assert_true (memcmp (buffer, data, n_read) == 0);
  return GSIZE_TO_POINTER (n_read);
}

static void
copy_to_pipe (GCancellable *cancellable)
{
  g_autoptr (CimplStream) source = cimpl_file_stream_open (source_path, "r", NULL);
  g_autoptr (CimplStream) target = NULL;
  gint64 n_copied;
  g_autoptr (GError) error = NULL;
  GThread *thread;
  Drain self;
  int fds[2];

  file_fixture_pipe (fds);
  target = cimpl_file_stream_new_for_fd (fds[1], TRUE);
  self = (Drain){ fds[0], SIZE + 1 };
  thread = g_thread_new ("drain", drain, &self);
  cimpl_stream_try_copy (source, target, -1, NULL, NULL, &n_copied, cancellable, &error);
  g_assert_no_error (error);
  g_assert_cmpint (n_copied, ==, SIZE);
  g_assert_true (cimpl_stream_try_close (target, NULL, NULL));
  g_assert_cmpuint (GPOINTER_TO_SIZE (g_thread_join (thread)), ==, SIZE);
}

static void
test_to_pipe (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  copy_to_pipe (NULL);
  copy_to_pipe (cancellable);
}

/* Nothing that was read and not written is lost, and SIGPIPE kills nobody. */
static void
test_to_broken_pipe (void)
{
  g_autoptr (CimplStream) source = NULL;
  g_autoptr (CimplStream) target = NULL;
  gint64 n_copied;
  g_autoptr (GError) error = NULL;
  GThread *thread;
  Drain self;
  int fds[2];

  if (!file_fixture_in_subprocess ())
    return;
  source = cimpl_file_stream_open (source_path, "r", NULL);
  file_fixture_pipe (fds);
  target = cimpl_file_stream_new_for_fd (fds[1], TRUE);
  self = (Drain){ fds[0], 1000000 };
  thread = g_thread_new ("drain", drain, &self);
  g_assert_false (cimpl_stream_try_copy (source, target, -1, NULL, NULL, &n_copied, NULL, &error));
  assert_errno (error, CIMPL_STREAM_ERROR_IO_OPERATION, EPIPE);
  g_assert_cmpint (n_copied, >=, 1000000);
  g_assert_cmpint (n_copied, <, SIZE);
  g_assert_cmpint (cimpl_stream_try_tell (source, NULL, NULL), ==, n_copied);
  g_thread_join (thread);
}

static void
test_cancel_to_pipe (void)
{
  g_autoptr (CimplStream) source = cimpl_file_stream_open (source_path, "r", NULL);
  g_autoptr (CimplStream) target = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GThread *thread = file_fixture_cancel_soon (cancellable);
  gint64 n_copied;
  g_autoptr (GError) error = NULL;
  int fds[2];

  file_fixture_pipe (fds);
  target = cimpl_file_stream_new_for_fd (fds[1], TRUE);
  g_assert_false (
      cimpl_stream_try_copy (source, target, -1, NULL, NULL, &n_copied, cancellable, &error));
  assert_errno (error, CIMPL_STREAM_ERROR_CANCELLED, 0);
  g_assert_cmpint (cimpl_stream_try_tell (source, NULL, NULL), ==, n_copied);
  g_thread_join (thread);
  close (fds[0]);
}

/* What cannot be copied to */

static void
test_refused (void)
{
  Copy copy = copy_open (source_path, source_path, "r");
  gint64 n_copied = -1;
  g_autoptr (GError) error = NULL;

  g_assert_false (
      cimpl_stream_try_copy (copy.source, copy.target, -1, NULL, NULL, &n_copied, NULL, &error));
  assert_errno (error, CIMPL_STREAM_ERROR_NOT_SUPPORTED, 0);
  g_assert_cmpint (n_copied, ==, 0);
  assert_positions (&copy, 0, 0);
  copy_clear (&copy);

  copy = copy_open (source_path, target_path, "w");
  g_assert_true (cimpl_stream_try_close (copy.target, NULL, NULL));
  g_assert_false (
      cimpl_stream_try_copy (copy.source, copy.target, -1, NULL, NULL, &n_copied, NULL, &error));
  assert_errno (error, CIMPL_STREAM_ERROR_CLOSED, 0);
  copy_clear (&copy);

  copy = copy_open (source_path, target_path, "w");
  g_object_unref (copy.source);
  copy.source = cimpl_file_stream_open (target_path, "a", NULL);
  g_assert_false (
      cimpl_stream_try_copy (copy.source, copy.target, -1, NULL, NULL, &n_copied, NULL, &error));
  assert_errno (error, CIMPL_STREAM_ERROR_NOT_SUPPORTED, 0);
  copy_clear (&copy);
}

static void
test_size_limit (void)
{
  const gint64 limit = 10 * 1024 * 1024 + 100;
  gint64 n_copied = -1;
  g_autoptr (GError) error = NULL;
  Copy copy;

  if (!file_fixture_in_subprocess ())
    return;
  file_fixture_limit_size ((guint64) limit);
  copy = copy_open (source_path, target_path, "w");
  g_assert_false (
      cimpl_stream_try_copy (copy.source, copy.target, -1, report, &copy, &n_copied, NULL, &error));
  g_assert_nonnull (strstr (error->message, target_path));
  assert_errno (error, CIMPL_STREAM_ERROR_NO_SPACE, EFBIG);
  g_assert_cmpint (n_copied, ==, limit);
  g_assert_cmpint (copy.done, ==, limit);
  assert_positions (&copy, limit, limit);
  assert_bytes (target_path, 0, data, (gsize) limit);
  copy_clear (&copy);
}

static void
set_up (void)
{
  GRand *random = g_rand_new_with_seed (4);
  guint32 *words = g_malloc (SIZE + sizeof (guint32));

  for (gsize i = 0; i <= SIZE / sizeof *words; i++)
    words[i] = g_rand_int (random);
  g_rand_free (random);
  data = (const char *) words;
  source_path = file_fixture_path ("source");
  target_path = file_fixture_path ("target");
  g_assert_true (g_file_set_contents (source_path, data, SIZE, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/file-stream/copy/all", test_all);
  g_test_add_func ("/file-stream/copy/part", test_part);
  g_test_add_func ("/file-stream/copy/cancelled", test_cancelled);
  g_test_add_func ("/file-stream/copy/append", test_append);
  g_test_add_func ("/file-stream/copy/elsewhere", test_elsewhere);
  g_test_add_func ("/file-stream/copy/without-size", test_without_size);
  g_test_add_func ("/file-stream/copy/to-pipe", test_to_pipe);
  g_test_add_func ("/file-stream/copy/to-broken-pipe", test_to_broken_pipe);
  g_test_add_func ("/file-stream/copy/cancel-to-pipe", test_cancel_to_pipe);
  g_test_add_func ("/file-stream/copy/refused", test_refused);
  g_test_add_func ("/file-stream/copy/size-limit", test_size_limit);
  return file_fixture_run (set_up);
}
