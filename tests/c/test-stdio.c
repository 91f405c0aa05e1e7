/* SPDX-License-Identifier: MIT */

/* A stream as a FILE. */

#define _GNU_SOURCE /* getline(), fseeko() */

#include "adapter-fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct
{
  AdapterFixture base; /* without a GIO stream */
  FILE *file;          /* in the mode of the case, if it has one */
} Fixture;

typedef struct
{
  const char *name;
  const char *mode;
  void (*run) (Fixture *fixture);
} Case;

static FILE *
open_file (Fixture *fixture, const char *mode)
{
  FILE *file = cimpl_stream_to_stdio (CIMPL_STREAM (fixture->base.base), mode);

  g_assert_nonnull (file);
  return file;
}

static void
close_file (Fixture *fixture)
{
  g_assert_cmpint (fclose (g_steal_pointer (&fixture->file)), ==, 0);
}

static void
assert_content (Fixture *fixture, const char *expected)
{
  test_backend_assert_content (fixture->base.backend, expected);
}

static guint
count_calls (Fixture *fixture, TestOp op)
{
  return fixture->base.backend->calls[op];
}

/* Reading, writing, seeking */

static void
test_read (Fixture *fixture)
{
  char buffer[20];

  fixture->base.backend->max_transfer = 3;
  g_assert_cmpuint (fread (buffer, 1, 4, fixture->file), ==, 4);
  g_assert_cmpmem (buffer, 4, "0123", 4);
  g_assert_cmpint (fgetc (fixture->file), ==, '4');
  g_assert_cmpint (ungetc ('x', fixture->file), ==, 'x');
  g_assert_cmpint (ftello (fixture->file), ==, 4);
  g_assert_cmpint (fgetc (fixture->file), ==, 'x');
  g_assert_cmpuint (fread (buffer, 1, 20, fixture->file), ==, 5);
  g_assert_true (feof (fixture->file));
  g_assert_false (ferror (fixture->file));
}

static void
test_lines (Fixture *fixture)
{
  char *line = NULL;
  size_t allocated = 0;

  memcpy (fixture->base.backend->data->data, "one\ntwo..\n", 10);
  g_assert_cmpint (getline (&line, &allocated, fixture->file), ==, 4);
  g_assert_cmpstr (line, ==, "one\n");
  g_assert_cmpint (getline (&line, &allocated, fixture->file), ==, 6);
  g_assert_cmpint (getline (&line, &allocated, fixture->file), ==, -1);
  g_assert_true (feof (fixture->file));
  free (line);
}

static void
test_unbuffered (Fixture *fixture)
{
  char buffer[4];

  setvbuf (fixture->file, NULL, _IONBF, 0);
  g_assert_cmpuint (fread (buffer, 1, 4, fixture->file), ==, 4);
  g_assert_cmpmem (buffer, 4, "0123", 4);
  g_assert_cmpint (fixture->base.backend->position, ==, 4);
}

static void
test_write (Fixture *fixture)
{
  g_assert_cmpint (fputs ("ab", fixture->file), >=, 0);
  g_assert_cmpint (fprintf (fixture->file, "%d", 42), ==, 2);
  assert_content (fixture, "0123456789"); /* it is in the buffer */
  fixture->base.backend->max_transfer = 1;
  g_assert_cmpint (fflush (fixture->file), ==, 0);
  assert_content (fixture, "ab42456789"); /* and "w" has not truncated */
  g_assert_cmpuint (fwrite ("xyz", 1, 3, fixture->file), ==, 3);
  close_file (fixture);
  assert_content (fixture, "ab42xyz789");
  g_assert_cmpuint (count_calls (fixture, TEST_FLUSH), ==, 1);
}

static void
test_append (Fixture *fixture)
{
  g_assert_cmpint (fputs ("ab", fixture->file), >=, 0);
  g_assert_cmpint (fflush (fixture->file), ==, 0);
  assert_content (fixture, "0123456789ab");
  g_assert_cmpint (fseeko (fixture->file, 2, SEEK_SET), ==, 0);
  g_assert_cmpint (fgetc (fixture->file), ==, '2');
  g_assert_cmpint (fseeko (fixture->file, 0, SEEK_CUR), ==, 0);
  g_assert_cmpint (fputs ("cd", fixture->file), >=, 0);
  close_file (fixture);
  assert_content (fixture, "0123456789abcd");
}

static void
test_append_to_pipe (Fixture *fixture)
{
  FILE *file;
  CimplStreamFlags flags;

  g_test_summary ("Who has no position writes at the end anyway");
  fixture->base.base->only = CIMPL_STREAM_WRITABLE;
  adapter_fixture_fail (&fixture->base, TEST_SEEK, TRUE);
  g_assert_true (cimpl_stream_try_get_flags (CIMPL_STREAM (fixture->base.base), &flags, NULL));
  g_assert_cmpint ((gint) flags, ==, CIMPL_STREAM_WRITABLE);
  file = open_file (fixture, "a");
  g_assert_cmpint (fputs ("ab", file), >=, 0);
  g_assert_cmpint (fclose (file), ==, 0);
  assert_content (fixture, "ab23456789");
}

static void
test_both_directions (Fixture *fixture)
{
  char buffer[4];

  g_assert_cmpuint (fread (buffer, 1, 4, fixture->file), ==, 4);
  g_assert_cmpint (fseeko (fixture->file, 0, SEEK_CUR), ==, 0);
  g_assert_cmpint (fputs ("abc", fixture->file), >=, 0);
  g_assert_cmpint (fseeko (fixture->file, -2, SEEK_CUR), ==, 0);
  g_assert_cmpuint (fread (buffer, 1, 4, fixture->file), ==, 4);
  g_assert_cmpmem (buffer, 4, "bc78", 4);
  assert_content (fixture, "0123abc789");
}

static void
test_seek (Fixture *fixture)
{
  static const struct
  {
    off_t offset;
    int whence;
    off_t expected;
  } seeks[] = {
    { 3, SEEK_SET, 3 },
    { 2, SEEK_CUR, 5 },
    { -4, SEEK_END, 6 },
    { (off_t) 5 << 32, SEEK_SET, (off_t) 5 << 32 },
    { 1, SEEK_CUR, ((off_t) 5 << 32) + 1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (seeks); i++)
    {
      g_assert_cmpint (fseeko (fixture->file, seeks[i].offset, seeks[i].whence), ==, 0);
      g_assert_cmpint (ftello (fixture->file), ==, seeks[i].expected);
      g_assert_cmpint (fflush (fixture->file), ==, 0);
      g_assert_cmpint (fixture->base.backend->position, ==, seeks[i].expected);
    }
  errno = 0;
  g_assert_cmpint (fseeko (fixture->file, -11, SEEK_END), ==, -1);
  g_assert_cmpint (errno, ==, EINVAL);
}

static void
test_seek_pipe (Fixture *fixture)
{
  fixture->base.backend->code = CIMPL_STREAM_ERROR_NOT_SUPPORTED;
  adapter_fixture_fail (&fixture->base, TEST_SEEK, TRUE);
  g_assert_cmpint (fseeko (fixture->file, 1, SEEK_SET), ==, -1);
  g_assert_cmpint (errno, ==, ESPIPE);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_NOT_SUPPORTED);
}

/* Errors */

static void
test_error_codes (Fixture *fixture)
{
  static const struct
  {
    CimplStreamError code;
    int errnum;
  } codes[] = {
    { CIMPL_STREAM_ERROR_IO_OPERATION, EIO },      { CIMPL_STREAM_ERROR_OTHER, EIO },
    { CIMPL_STREAM_ERROR_WOULD_BLOCK, EAGAIN },    { CIMPL_STREAM_ERROR_NO_SPACE, ENOSPC },
    { CIMPL_STREAM_ERROR_CANCELLED, ECANCELED },   { CIMPL_STREAM_ERROR_BUSY, EBUSY },
    { CIMPL_STREAM_ERROR_CALLBACK_CONTRACT, EIO },
  };
  char buffer[4];

  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      fixture->base.backend->code = codes[i].code;
      adapter_fixture_fail (&fixture->base, TEST_READ, FALSE);
      errno = 0;
      g_assert_cmpuint (fread (buffer, 1, 4, fixture->file), ==, 0);
      g_assert_cmpint (errno, ==, codes[i].errnum);
      g_assert_true (ferror (fixture->file));
      g_assert_false (feof (fixture->file));
      g_assert_cmpint (cimpl_stream_error_code (), ==, (gint) codes[i].code);
      clearerr (fixture->file);
    }
  g_assert_cmpuint (fread (buffer, 1, 4, fixture->file), ==, 4);
}

static void
test_foreign_error (Fixture *fixture)
{
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, "no");

  fixture->base.base->error = error;
  g_assert_cmpint (fgetc (fixture->file), ==, EOF);
  g_assert_cmpint (errno, ==, EACCES);
  fixture->base.base->error = NULL;
}

static intptr_t
fail_with_errno (CimplStreamContext *context, uint8_t *data, size_t len)
{
  cimpl_stream_set_errno (ENXIO, "nothing there");
  return -1;
}

static void
test_errno (void)
{
  CimplStream *stream
      = cimpl_stream_new ((CimplStreamContext *) "", fail_with_errno, NULL, NULL, NULL);
  FILE *file = cimpl_stream_to_stdio (stream, "r");
  char *message;

  g_assert_cmpint (fgetc (file), ==, EOF);
  g_assert_cmpint (errno, ==, ENXIO);
  message = cimpl_stream_last_error ();
  g_assert_cmpstr (message, ==, "IoError: nothing there");
  cimpl_free (message);
  g_assert_cmpint (fclose (file), ==, 0);
  g_assert_cmpint (cimpl_free (stream), ==, 0);
}

static void
test_write_fails (Fixture *fixture)
{
  g_assert_cmpint (fputs ("abc", fixture->file), >=, 0);
  adapter_fixture_fail (&fixture->base, TEST_WRITE, FALSE);
  errno = 0;
  g_assert_cmpint (fflush (fixture->file), ==, EOF);
  g_assert_cmpint (errno, ==, ENOSPC);
  g_assert_true (ferror (fixture->file));
  clearerr (fixture->file);

  /* What was taken before it failed is not written again. */
  g_assert_cmpint (fputs ("abc", fixture->file), >=, 0);
  fixture->base.backend->max_transfer = 0;
  g_assert_cmpint (fflush (fixture->file), ==, EOF);
  g_assert_cmpint (errno, ==, EIO);
  fixture->base.backend->max_transfer = G_MAXSIZE;
  clearerr (fixture->file);
  g_assert_cmpint (fputs ("de", fixture->file), >=, 0);
  close_file (fixture);
  assert_content (fixture, "de23456789");
}

static void
test_close_fails (Fixture *fixture)
{
  static const TestOp ops[] = { TEST_WRITE, TEST_FLUSH };

  for (guint i = 0; i < G_N_ELEMENTS (ops); i++)
    {
      FILE *file = open_file (fixture, "w");

      g_assert_cmpint (fputs ("abc", file), >=, 0);
      adapter_fixture_fail (&fixture->base, ops[i], FALSE);
      errno = 0;
      g_assert_cmpint (fclose (file), ==, EOF);
      g_assert_cmpint (errno, ==, ENOSPC);
      g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_NO_SPACE);
    }
}

/* References and closing */

static void
test_close (Fixture *fixture)
{
  fgetc (fixture->file);
  close_file (fixture);
  g_assert_cmpuint (count_calls (fixture, TEST_FLUSH), ==, 0);
  g_assert_cmpuint (count_calls (fixture, TEST_CLOSE), ==, 0);
  g_assert_false (cimpl_stream_is_closed (CIMPL_STREAM (fixture->base.base)));
}

static void
test_last_reference (void)
{
  g_autoptr (TestBackend) backend = test_backend_new ("0123456789");
  TestBase *base = g_object_new (TEST_TYPE_BASE, NULL);
  CimplStream *stream = cimpl_stream_ref (CIMPL_STREAM (base));
  gpointer watched = base;
  FILE *file;

  base->backend = backend;
  g_object_add_weak_pointer (G_OBJECT (base), &watched);
  g_object_unref (base);
  file = cimpl_stream_to_stdio (stream, "r");
  g_assert_cmpint (cimpl_free (stream), ==, 0);
  g_assert_cmpint (cimpl_free (stream), ==, -1); /* that of the FILE is not for him to give back */
  g_assert_cmpint (fgetc (file), ==, '0');
  g_assert_nonnull (watched);
  g_assert_cmpint (fclose (file), ==, 0);
  g_assert_null (watched);
  g_assert_cmpuint (backend->calls[TEST_CLOSE], ==, 1);
  g_assert_null (cimpl_stream_to_stdio (stream, "r"));
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_INVALID_HANDLE);
}

static void
test_closed_stream (Fixture *fixture)
{
  FILE *file = open_file (fixture, "w");

  g_assert_cmpint (fputs ("abc", file), >=, 0);
  g_assert_cmpint (fflush (file), ==, 0);
  g_assert_true (cimpl_stream_try_close (CIMPL_STREAM (fixture->base.base), NULL, NULL));
  g_assert_cmpint (fclose (file), ==, 0); /* the stream has flushed */

  g_assert_cmpint (fgetc (fixture->file), ==, EOF);
  g_assert_cmpint (errno, ==, EBADF);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_CLOSED);
  g_assert_null (cimpl_stream_to_stdio (CIMPL_STREAM (fixture->base.base), "r"));
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_CLOSED);
}

/* Modes */

static void
assert_refused (Fixture *fixture, const char *mode, CimplStreamError code)
{
  cimpl_stream_clear_error ();
  g_assert_null (cimpl_stream_to_stdio (CIMPL_STREAM (fixture->base.base), mode));
  g_assert_cmpint (cimpl_stream_error_code (), ==, (gint) code);
}

static void
test_modes (Fixture *fixture)
{
  static const char *const modes[]
      = { "r", "rb", "r+", "rb+", "r+b", "w", "wb", "w+", "wb+", "w+b", "a", "ab", "a+", "a+b" };
  static const char *const bad_modes[] = { "", "x", "b", "+r", "rw", "r++", "rbb", "re", "\xff" };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      FILE *file = open_file (fixture, modes[i]);
      gboolean is_both = strchr (modes[i], '+') != NULL;

      g_assert_true ((fgetc (file) != EOF) == (is_both || modes[i][0] == 'r'));
      rewind (file);
      g_assert_true ((fputc ('0', file) != EOF) == (is_both || modes[i][0] != 'r'));
      g_assert_cmpint (fclose (file), ==, 0);
      fixture->base.backend->position = 0;
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad_modes); i++)
    assert_refused (fixture, bad_modes[i], CIMPL_STREAM_ERROR_INVALID_ARGUMENT);
  assert_refused (fixture, NULL, CIMPL_STREAM_ERROR_NULL_PARAMETER);
  g_assert_null (cimpl_stream_to_stdio (NULL, "r"));
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_NULL_PARAMETER);
}

static void
test_modes_of_stream (Fixture *fixture)
{
  static const char *const modes[] = { "r", "w", "a", "r+", "w+", "a+b" };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      fixture->base.base->only = CIMPL_STREAM_READABLE;
      if (i != 0)
        assert_refused (fixture, modes[i], CIMPL_STREAM_ERROR_NOT_SUPPORTED);
      else
        fclose (open_file (fixture, modes[i]));
      fixture->base.base->only = 0;
      fixture->base.base->only = CIMPL_STREAM_WRITABLE;
      if (i != 1 && i != 2)
        assert_refused (fixture, modes[i], CIMPL_STREAM_ERROR_NOT_SUPPORTED);
      else
        fclose (open_file (fixture, modes[i]));
      fixture->base.base->only = 0;
    }
}

static const Case cases[] = {
  { "read", "r", test_read },
  { "lines", "r", test_lines },
  { "unbuffered", "r", test_unbuffered },
  { "write", "w", test_write },
  { "append", "a+", test_append },
  { "append/pipe", NULL, test_append_to_pipe },
  { "both-directions", "r+", test_both_directions },
  { "seek", "r", test_seek },
  { "seek/pipe", "r", test_seek_pipe },
  { "error-codes", "r", test_error_codes },
  { "foreign-error", "r", test_foreign_error },
  { "write-fails", "w", test_write_fails },
  { "close-fails", NULL, test_close_fails },
  { "close", "r+", test_close },
  { "closed-stream", "r", test_closed_stream },
  { "modes", NULL, test_modes },
  { "modes/of-stream", NULL, test_modes_of_stream },
};

static void
run_case (gconstpointer user_data)
{
  const Case *test = user_data;
  g_autoptr (TestBackend) backend = test_backend_new ("0123456789");
  Fixture fixture = { .base.backend = backend };

  fixture.base.base = g_object_new (TEST_TYPE_BASE, NULL);
  fixture.base.base->backend = backend;
  if (test->mode != NULL)
    fixture.file = open_file (&fixture, test->mode);
  test->run (&fixture);
  if (fixture.file != NULL)
    close_file (&fixture);
  g_assert_finalize_object (fixture.base.base);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/stdio/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], run_case);
    }
  g_test_add_func ("/stdio/errno", test_errno);
  g_test_add_func ("/stdio/last-reference", test_last_reference);
  return g_test_run ();
}
