/* SPDX-License-Identifier: MIT */

#define _GNU_SOURCE /* MAP_ANONYMOUS */

#include "file-fixture.h"
#include "stream-contract.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

/* The contract, over a file each */

static char *
create_file (TestBackend *backend)
{
  static guint n_files;
  g_autofree char *name = g_strdup_printf ("contract-%u", n_files++);
  char *path = file_fixture_path (name);

  g_assert_true (
      g_file_set_contents (path, (char *) backend->data->data, (gssize) backend->data->len, NULL));
  return path;
}

static CimplStream *
name_file (CimplStream *stream, char *path)
{
  g_object_set_data_full (G_OBJECT (stream), "path", path, g_free);
  return stream;
}

static CimplStream *
create_open (TestBackend *backend)
{
  char *path = create_file (backend);

  return name_file (cimpl_file_stream_open (path, "r+", NULL), path);
}

static CimplStream *
create_for_fd (TestBackend *backend)
{
  char *path = create_file (backend);

  return name_file (cimpl_file_stream_new_for_fd (open (path, O_RDWR | O_CLOEXEC), TRUE), path);
}

static CimplStream *
create_for_stdio (TestBackend *backend)
{
  char *path = create_file (backend);

  return name_file (cimpl_file_stream_new_for_stdio (fopen (path, "r+e"), TRUE), path);
}

static void
fetch (CimplStream *stream, TestBackend *backend)
{
  const char *path = g_object_get_data (G_OBJECT (stream), "path");
  g_autofree char *content = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (path, &content, &size, NULL));
  g_byte_array_set_size (backend->data, 0);
  g_byte_array_append (backend->data, (guint8 *) content, (guint) size);
}

#define CONTRACT(variant, create_function)                                                         \
  {                                                                                                \
    .name = "file-stream/" variant, .create = create_function, .fetch = fetch,                     \
    .cannot_close = TRUE, /* without a backend that would count it */                              \
  }

static const StreamContract contracts[] = {
  CONTRACT ("path", create_open),
  CONTRACT ("fd", create_for_fd),
  CONTRACT ("stdio", create_for_stdio),
};

/* Opening */

#define READ CIMPL_STREAM_READABLE
#define WRITE (CIMPL_STREAM_WRITABLE | CIMPL_STREAM_TRUNCATABLE)
#define SEEK CIMPL_STREAM_SEEKABLE

static const struct
{
  const char *mode;
  CimplStreamFlags flags;
  int missing;         /* the errno if there is no file, or 0 */
  int existing;        /* the same if there is one */
  const char *content; /* of "abc", once "X" was written at the start */
} modes[] = {
  { "r", READ | SEEK, ENOENT, 0, NULL },
  { "rb", READ | SEEK, ENOENT, 0, NULL },
  { "r+", READ | WRITE | SEEK, ENOENT, 0, "Xbc" },
  { "r+b", READ | WRITE | SEEK, ENOENT, 0, "Xbc" },
  { "rb+", READ | WRITE | SEEK, ENOENT, 0, "Xbc" },
  { "w", WRITE | SEEK, 0, 0, "X" },
  { "wb", WRITE | SEEK, 0, 0, "X" },
  { "w+", READ | WRITE | SEEK, 0, 0, "X" },
  { "a", WRITE | SEEK, 0, 0, "abcX" },
  { "ab+", READ | WRITE | SEEK, 0, 0, "abcX" },
  { "x", WRITE | SEEK, 0, EEXIST, NULL },
  { "x+b", READ | WRITE | SEEK, 0, EEXIST, NULL },
  { "wx", WRITE | SEEK, 0, EEXIST, NULL },
  { "w+bx", READ | WRITE | SEEK, 0, EEXIST, NULL },
};

static void
assert_flags (CimplStream *stream, CimplStreamFlags expected)
{
  CimplStreamFlags flags;
  g_autoptr (GError) error = NULL;

  cimpl_stream_try_get_flags (stream, &flags, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (flags, ==, expected);
}

static void
assert_transfers (CimplStream *stream, CimplStreamFlags flags)
{
  char byte = 'X';
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (cimpl_stream_try_seek (stream, 0, CIMPL_SEEK_MODE_START, NULL, NULL), ==, 0);
  if ((flags & CIMPL_STREAM_WRITABLE) != 0)
    g_assert_cmpint (cimpl_stream_try_write (stream, &byte, 1, NULL, &error), ==, 1);
  else
    {
      g_assert_cmpint (cimpl_stream_try_write (stream, &byte, 1, NULL, &error), ==, -1);
      assert_errno (error, CIMPL_STREAM_ERROR_NOT_SUPPORTED, 0);
      g_assert_false (cimpl_stream_try_truncate (stream, 0, NULL, &error));
      assert_errno (error, CIMPL_STREAM_ERROR_NOT_SUPPORTED, 0);
    }
  if ((flags & CIMPL_STREAM_READABLE) != 0)
    g_assert_cmpint (cimpl_stream_try_read (stream, &byte, 1, NULL, &error), >=, 0);
  else
    {
      g_assert_cmpint (cimpl_stream_try_read (stream, &byte, 1, NULL, &error), ==, -1);
      assert_errno (error, CIMPL_STREAM_ERROR_NOT_SUPPORTED, 0);
    }
  g_assert_no_error (error);
}

static void
test_mode (gconstpointer user_data)
{
  gsize i = GPOINTER_TO_SIZE (user_data);
  g_autofree char *path = file_fixture_path ("mode");
  const int errors[] = { modes[i].missing, modes[i].existing };
  g_autoptr (GError) error = NULL;

  for (gsize exists = 0; exists < 2; exists++)
    {
      g_autoptr (CimplStream) stream = NULL;

      g_unlink (path);
      if (exists)
        g_free (file_fixture_create ("mode", "abc"));
      stream = cimpl_file_stream_open (path, modes[i].mode, &error);
      if (errors[exists] != 0)
        {
          g_assert_null (stream);
          g_assert_nonnull (strstr (error->message, path));
          assert_errno (error, CIMPL_STREAM_ERROR_IO_OPERATION, errors[exists]);
          continue;
        }
      g_assert_no_error (error);
      assert_flags (stream, modes[i].flags);
      g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, NULL), ==,
                       exists && modes[i].mode[0] == 'a' ? 3 : 0);
      assert_transfers (stream, modes[i].flags);
      g_assert_true (cimpl_stream_try_close (stream, NULL, NULL));
      if (exists && modes[i].content != NULL)
        file_fixture_assert_content (path, modes[i].content);
    }
}

static void
test_bad_modes (void)
{
  static const char *const bad[] = {
    "",   "b",  "+r",   "rw",  "rr", "r++", "rbb", "rt", "rx",  "ax",
    "xx", "re", "wxx+", "wrx", "U",  "R",   "r ",  " r", "r+w", "r,ccs=UTF-8",
  };
  g_autofree char *path = file_fixture_create ("bad", "abc");

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *quoted = g_strdup_printf ("\"%s\"", bad[i]);
      g_autoptr (GError) error = NULL;

      g_assert_null (cimpl_file_stream_open (path, bad[i], &error));
      g_assert_nonnull (strstr (error->message, quoted));
      assert_errno (error, CIMPL_STREAM_ERROR_INVALID_ARGUMENT, 0);
    }
  file_fixture_assert_content (path, "abc");
}

static void
test_open_fails (void)
{
  g_autofree char *file = file_fixture_create ("file", "");
  g_autofree char *inside_file = g_build_filename (file, "file", NULL);
  g_autofree char *dir = g_path_get_dirname (file);
  const struct
  {
    const char *path;
    const char *mode;
    int errnum;
  } rows[] = {
    { dir, "r", EISDIR }, { dir, "r+", EISDIR },         { dir, "w", EISDIR },
    { dir, "a", EISDIR }, { inside_file, "r", ENOTDIR }, { "", "r", ENOENT },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (cimpl_file_stream_open (rows[i].path, rows[i].mode, &error));
      g_assert_true (g_str_has_prefix (error->message, rows[i].path));
      g_assert_nonnull (strstr (error->message, g_strerror (rows[i].errnum)));
      assert_errno (error, CIMPL_STREAM_ERROR_IO_OPERATION, rows[i].errnum);
    }
}

static void
test_open_attributes (void)
{
  g_autofree char *path = file_fixture_path ("attributes");
  mode_t old_mask = umask (027);
  g_autoptr (CimplStream) stream = cimpl_file_stream_open (path, "w", NULL);
  int fd = cimpl_file_stream_get_fd (CIMPL_FILE_STREAM (stream));
  struct stat status;

  umask (old_mask);
  g_assert_cmpint (stat (path, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 0777, ==, 0640);
  g_assert_cmpint (fcntl (fd, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
}

/* Each write goes to the end, wherever that is by then. */
static void
test_append (void)
{
  g_autofree char *path = file_fixture_create ("append", "abc");
  g_autoptr (CimplStream) first = cimpl_file_stream_open (path, "a", NULL);
  g_autoptr (CimplStream) second = cimpl_file_stream_open (path, "a", NULL);

  g_assert_true (cimpl_stream_try_write_all (first, "1", 1, NULL, NULL, NULL));
  g_assert_true (cimpl_stream_try_write_all (second, "22", 2, NULL, NULL, NULL));
  g_assert_cmpint (cimpl_stream_try_seek (first, 0, CIMPL_SEEK_MODE_START, NULL, NULL), ==, 0);
  g_assert_true (cimpl_stream_try_write_all (first, "3", 1, NULL, NULL, NULL));
  g_assert_cmpint (cimpl_stream_try_tell (first, NULL, NULL), ==, 7);
  file_fixture_assert_content (path, "abc1223");
}

/* Ownership and properties */

static gboolean
is_open (int fd)
{
  return fcntl (fd, F_GETFD) != -1;
}

static void
test_ownership (void)
{
  g_autofree char *path = file_fixture_create ("owned", "");

  for (guint i = 0; i < 8; i++)
    {
      gboolean owns = (i & 1) != 0;
      gboolean is_dropped = (i & 2) != 0;
      gboolean is_set_later = (i & 4) != 0;
      int fd = open (path, O_RDONLY | O_CLOEXEC);
      CimplStream *stream = cimpl_file_stream_new_for_fd (fd, owns != is_set_later);
      gboolean close_fd;

      if (is_set_later)
        g_object_set (stream, "close-fd", owns, NULL);
      g_object_get (stream, "close-fd", &close_fd, NULL);
      g_assert_cmpint (close_fd, ==, owns);
      if (!is_dropped)
        g_assert_true (cimpl_stream_try_close (stream, NULL, NULL));
      g_assert_finalize_object (stream);
      g_assert_cmpint (is_open (fd), ==, !owns);
      if (!owns)
        close (fd);
    }
}

static void
test_get_fd (void)
{
  g_autofree char *path = file_fixture_create ("fd", "");
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  g_autoptr (CimplStream) stream = cimpl_file_stream_new_for_fd (fd, TRUE);
  int property;

  g_assert_cmpint (cimpl_file_stream_get_fd (CIMPL_FILE_STREAM (stream)), ==, fd);
  g_object_get (stream, "fd", &property, NULL);
  g_assert_cmpint (property, ==, fd);
  g_assert_true (cimpl_stream_try_close (stream, NULL, NULL));
  g_assert_cmpint (cimpl_file_stream_get_fd (CIMPL_FILE_STREAM (stream)), ==, -1);
}

static void
test_bad_fd (void)
{
  g_autoptr (CimplStream) stream = cimpl_file_stream_new_for_fd (999, TRUE);
  CimplStreamFlags flags;
  g_autoptr (GError) error = NULL;
  char byte = 0;

  g_assert_false (is_open (999));
  g_assert_false (cimpl_stream_try_get_flags (stream, &flags, &error));
  assert_errno (error, CIMPL_STREAM_ERROR_IO_OPERATION, EBADF);
  g_assert_cmpint (cimpl_stream_try_read (stream, &byte, 1, NULL, &error), ==, -1);
  g_assert_cmpstr (error->message, ==, "Descriptor 999 cannot be read: Bad file descriptor");
  assert_errno (error, CIMPL_STREAM_ERROR_IO_OPERATION, EBADF);
  g_assert_cmpint (cimpl_stream_try_write (stream, &byte, 1, NULL, &error), ==, -1);
  assert_errno (error, CIMPL_STREAM_ERROR_IO_OPERATION, EBADF);
  g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, &error), ==, -1);
  assert_errno (error, CIMPL_STREAM_ERROR_IO_OPERATION, EBADF);
  g_assert_false (cimpl_stream_try_truncate (stream, 0, NULL, &error));
  assert_errno (error, CIMPL_STREAM_ERROR_IO_OPERATION, EBADF);
  g_assert_false (cimpl_file_stream_try_sync (CIMPL_FILE_STREAM (stream), NULL, &error));
  assert_errno (error, CIMPL_STREAM_ERROR_IO_OPERATION, EBADF);
  g_assert_false (cimpl_stream_try_close (stream, NULL, &error));
  assert_errno (error, CIMPL_STREAM_ERROR_IO_OPERATION, EBADF);
}

/* Sizes */

static void
test_large_file (void)
{
  const gint64 size = G_GINT64_CONSTANT (5) << 30;
  g_autofree char *path = file_fixture_path ("large");
  g_autoptr (CimplStream) stream = cimpl_file_stream_open (path, "w+", NULL);
  g_autoptr (GError) error = NULL;
  char buffer[4] = "....";

  if (!cimpl_stream_try_truncate (stream, size, NULL, &error))
    {
      g_test_skip (error->message);
      return;
    }
  g_assert_cmpint (cimpl_stream_try_seek (stream, 10, CIMPL_SEEK_MODE_END, NULL, NULL), ==,
                   size + 10);
  g_assert_cmpint (cimpl_stream_try_write (stream, "ab", 2, NULL, NULL), ==, 2);
  g_assert_cmpint (cimpl_stream_try_get_size (stream, NULL, NULL), ==, size + 12);
  g_assert_cmpint (cimpl_stream_try_seek (stream, -4, CIMPL_SEEK_MODE_CURRENT, NULL, NULL), ==,
                   size + 8);
  g_assert_cmpint (cimpl_stream_try_read (stream, buffer, 4, NULL, NULL), ==, 4);
  g_assert_cmpmem (buffer, 4, "\0\0ab", 4);
  g_assert_true (cimpl_stream_try_truncate (stream, size + 11, NULL, NULL));
  g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, NULL), ==, size + 12);
  g_assert_cmpint (cimpl_stream_try_read (stream, buffer, 4, NULL, NULL), ==, 0);
}

/* What Linux does not do at once is a short transfer. */
static void
test_large_counts (void)
{
  const gsize count = (gsize) 3 << 30;
  g_autofree char *path = file_fixture_create ("counts", "0123456789");
  g_autoptr (CimplStream) stream = cimpl_file_stream_open (path, "r", NULL);
  g_autoptr (CimplStream) null = cimpl_file_stream_open ("/dev/null", "w", NULL);
  g_autoptr (GError) error = NULL;
  void *memory = mmap (NULL, count, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

  if (memory == MAP_FAILED)
    {
      g_test_skip ("no address space for 3 GiB");
      return;
    }
  g_assert_cmpint (cimpl_stream_try_read (stream, memory, count, NULL, &error), ==, 10);
  g_assert_no_error (error);
  g_assert_cmpint (cimpl_stream_try_write (null, memory, count, NULL, &error), ==, 0x7ffff000);
  g_assert_no_error (error);
  munmap (memory, count);
}

static void
test_seek_overflow (void)
{
  static const CimplSeekMode seek_modes[] = { CIMPL_SEEK_MODE_CURRENT, CIMPL_SEEK_MODE_END };
  g_autofree char *path = file_fixture_create ("overflow", "0123456789");
  FILE *file = fopen (path, "re");
  CimplStream *streams[]
      = { cimpl_file_stream_open (path, "r", NULL), cimpl_file_stream_new_for_stdio (file, TRUE) };

  for (gsize i = 0; i < 4; i++)
    {
      CimplStream *stream = streams[i % 2];
      g_autoptr (GError) error = NULL;

      g_assert_cmpint (cimpl_stream_try_seek (stream, 3, CIMPL_SEEK_MODE_START, NULL, NULL), ==, 3);
      g_assert_cmpint (cimpl_stream_try_seek (stream, G_MAXINT64, seek_modes[i / 2], NULL, &error),
                       ==, -1);
      g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_ARGUMENT);
      g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, NULL), ==, 3);
    }
  g_assert_finalize_object (streams[0]);
  g_assert_finalize_object (streams[1]);
}

static void
test_no_space (void)
{
  g_autoptr (CimplStream) stream = cimpl_file_stream_open ("/dev/full", "w", NULL);
  g_autoptr (GError) error = NULL;

  if (stream == NULL)
    {
      g_test_skip ("there is no /dev/full");
      return;
    }
  g_assert_cmpint (cimpl_stream_try_write (stream, "x", 1, NULL, &error), ==, -1);
  g_assert_cmpstr (error->message, ==, "/dev/full cannot be written: No space left on device");
  assert_errno (error, CIMPL_STREAM_ERROR_NO_SPACE, ENOSPC);
}

static void
test_size_limit (void)
{
  g_autofree char *path = NULL;
  g_autoptr (CimplStream) stream = NULL;
  g_autoptr (GError) error = NULL;
  static const char data[200];
  gsize n_written;

  if (!file_fixture_in_subprocess ())
    return;
  path = file_fixture_path ("limited");
  file_fixture_limit_size (100);
  stream = cimpl_file_stream_open (path, "w", NULL);
  g_assert_false (cimpl_stream_try_write_all (stream, data, 200, &n_written, NULL, &error));
  g_assert_cmpuint (n_written, ==, 100);
  assert_errno (error, CIMPL_STREAM_ERROR_NO_SPACE, EFBIG);
  g_assert_false (cimpl_stream_try_truncate (stream, 101, NULL, &error));
  assert_errno (error, CIMPL_STREAM_ERROR_NO_SPACE, EFBIG);
  g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, NULL), ==, 100);
}

/* Syncing */

static void
test_sync (void)
{
  g_autofree char *path = file_fixture_path ("sync");
  g_autoptr (CimplStream) stream = cimpl_file_stream_open (path, "w", NULL);
  CimplFileStream *file = CIMPL_FILE_STREAM (stream);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_assert_true (cimpl_stream_try_write_all (stream, "abc", 3, NULL, NULL, NULL));
  g_assert_true (cimpl_file_stream_try_sync (file, cancellable, &error));
  g_assert_no_error (error);
  g_cancellable_cancel (cancellable);
  g_assert_false (cimpl_file_stream_try_sync (file, cancellable, &error));
  assert_errno (error, CIMPL_STREAM_ERROR_CANCELLED, 0);
  g_assert_true (cimpl_stream_try_close (stream, NULL, NULL));
  g_assert_false (cimpl_file_stream_try_sync (file, NULL, &error));
  assert_errno (error, CIMPL_STREAM_ERROR_CLOSED, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (contracts); i++)
    stream_contract_add_tests (&contracts[i]);
  for (gsize i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autofree char *name = g_strdup_printf ("/file-stream/open/%s", modes[i].mode);

      g_test_add_data_func (name, GSIZE_TO_POINTER (i), test_mode);
    }
  g_test_add_func ("/file-stream/open/bad-modes", test_bad_modes);
  g_test_add_func ("/file-stream/open/fails", test_open_fails);
  g_test_add_func ("/file-stream/open/attributes", test_open_attributes);
  g_test_add_func ("/file-stream/append", test_append);
  g_test_add_func ("/file-stream/ownership", test_ownership);
  g_test_add_func ("/file-stream/get-fd", test_get_fd);
  g_test_add_func ("/file-stream/bad-fd", test_bad_fd);
  g_test_add_func ("/file-stream/large-file", test_large_file);
  g_test_add_func ("/file-stream/large-counts", test_large_counts);
  g_test_add_func ("/file-stream/seek-overflow", test_seek_overflow);
  g_test_add_func ("/file-stream/no-space", test_no_space);
  g_test_add_func ("/file-stream/size-limit", test_size_limit);
  g_test_add_func ("/file-stream/sync", test_sync);
  return file_fixture_run (NULL);
}
