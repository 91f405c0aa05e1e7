/* SPDX-License-Identifier: MIT */

/*
 * A stream over a FILE *, in plain C: four callbacks, and everything that can be done with them.
 *
 * It writes a file, reads it back, seeks, appends, and shows what a failure looks like.
 */

#define _POSIX_C_SOURCE 200809L /* fseeko, mkstemp */
#define _FILE_OFFSET_BITS 64    /* or off_t has 32 bits on some machines */

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cimpl_stream.h>

/*
 * The callbacks. What the library calls a context is our FILE *; it never looks inside.
 * A callback that fails says why, with a message of its own or, as here, that of errno.
 */

static intptr_t
file_read (CimplStreamContext *context, uint8_t *data, size_t len)
{
  FILE *file = (FILE *) context;
  size_t n_read = fread (data, 1, len, file);

  /* What was read before an error counts; the error comes back with the next call. */
  if (n_read == 0 && ferror (file))
    {
      cimpl_stream_set_errno (errno, NULL);
      clearerr (file);
      return -1;
    }
  return (intptr_t) n_read;
}

static intptr_t
file_write (CimplStreamContext *context, const uint8_t *data, size_t len)
{
  FILE *file = (FILE *) context;
  size_t n_written = fwrite (data, 1, len, file);

  if (n_written == 0)
    {
      cimpl_stream_set_errno (errno, NULL);
      clearerr (file);
      return -1;
    }
  return (intptr_t) n_written;
}

static int64_t
file_seek (CimplStreamContext *context, int64_t offset, CimplSeekMode mode)
{
  static const int whence[] = {
    [CIMPL_SEEK_MODE_START] = SEEK_SET,
    [CIMPL_SEEK_MODE_CURRENT] = SEEK_CUR,
    [CIMPL_SEEK_MODE_END] = SEEK_END,
  };
  FILE *file = (FILE *) context;

  if (fseeko (file, (off_t) offset, whence[mode]) != 0)
    {
      cimpl_stream_set_errno (errno, NULL);
      return -1;
    }
  return ftello (file);
}

static int32_t
file_flush (CimplStreamContext *context)
{
  if (fflush ((FILE *) context) != 0)
    {
      cimpl_stream_set_errno (errno, NULL);
      return -1;
    }
  return 0;
}

/* The stream does not own the file: whoever opened it closes it. */
static CimplStream *
stream_for_file (FILE *file)
{
  return cimpl_stream_new ((CimplStreamContext *) file, file_read, file_seek, file_write,
                           file_flush);
}

/* A program that uses streams. Nothing below knows that there is a FILE * behind them. */

static bool
report_failure (const char *what)
{
  char *message = cimpl_stream_last_error ();

  fprintf (stderr, "Could not %s: %s\n", what, message != NULL ? message : "unknown error");
  cimpl_free (message);
  return false;
}

/* A short write is no error: the rest is written by the next call. */
static bool
write_text (CimplStream *stream, const char *text)
{
  const uint8_t *data = (const uint8_t *) text;
  size_t left = strlen (text);

  printf ("write \"%s\"\n", text);
  while (left > 0)
    {
      intptr_t n_written = cimpl_stream_write (stream, data, left);

      if (n_written < 0)
        return report_failure ("write");
      data += n_written;
      left -= (size_t) n_written;
    }
  return true;
}

/* Reads to the end, in whatever pieces the stream comes, and compares with @expected. */
static bool
expect_rest (CimplStream *stream, const char *expected)
{
  char text[100];
  size_t length = 0;
  intptr_t n_read;

  do
    {
      n_read = cimpl_stream_read (stream, (uint8_t *) text + length, sizeof text - 1 - length);
      if (n_read < 0)
        return report_failure ("read");
      length += (size_t) n_read;
    }
  while (n_read > 0); /* 0 is the end */

  text[length] = '\0';
  printf ("  read \"%s\"\n", text);
  if (strcmp (text, expected) != 0)
    {
      fprintf (stderr, "Read something else than \"%s\"\n", expected);
      return false;
    }
  return true;
}

static bool
seek_to (CimplStream *stream, int64_t offset, CimplSeekMode mode, int64_t expected)
{
  static const char *const names[] = { "start", "current position", "end" };
  int64_t position = cimpl_stream_seek (stream, offset, mode);

  if (position < 0)
    return report_failure ("seek");
  printf ("seek %+" PRId64 " from the %s: now at %" PRId64 "\n", offset, names[mode], position);
  if (position != expected)
    {
      fprintf (stderr, "Expected to be at %" PRId64 "\n", expected);
      return false;
    }
  return true;
}

static bool
write_and_read_back (CimplStream *stream)
{
  return write_text (stream, "Hello, streams!") && seek_to (stream, 0, CIMPL_SEEK_MODE_START, 0)
         && expect_rest (stream, "Hello, streams!");
}

static bool
seek_about (CimplStream *stream)
{
  return seek_to (stream, 7, CIMPL_SEEK_MODE_START, 7)
         && seek_to (stream, -2, CIMPL_SEEK_MODE_CURRENT, 5) && expect_rest (stream, ", streams!")
         && seek_to (stream, -8, CIMPL_SEEK_MODE_END, 7) && expect_rest (stream, "streams!");
}

static bool
append (CimplStream *stream)
{
  return seek_to (stream, 0, CIMPL_SEEK_MODE_END, 15) && write_text (stream, " And more.")
         && seek_to (stream, 0, CIMPL_SEEK_MODE_START, 0)
         && expect_rest (stream, "Hello, streams! And more.");
}

static bool
use_stream (CimplStream *stream)
{
  return write_and_read_back (stream) && seek_about (stream) && append (stream);
}

/* A file that was opened for reading refuses a write, and the stream tells why. */
static bool
fail_to_write (CimplStream *stream)
{
  char *message;
  bool as_expected;

  if (cimpl_stream_write (stream, (const uint8_t *) "x", 1) != -1)
    {
      fprintf (stderr, "A write to a read-only file went through\n");
      return false;
    }

  message = cimpl_stream_last_error ();
  printf ("write to a read-only file: %s\n", message != NULL ? message : "unknown error");
  as_expected = message != NULL && cimpl_stream_error_errno () == EBADF;
  cimpl_free (message);
  cimpl_stream_clear_error ();

  return as_expected && expect_rest (stream, "Hello, streams! And more."); /* it still works */
}

/* Takes over @file, which may be NULL, and passes a stream for it to @function. */
static bool
with_stream (FILE *file, bool (*function) (CimplStream *stream))
{
  CimplStream *stream;
  bool ok;

  if (file == NULL)
    {
      perror ("Could not open the file");
      return false;
    }

  stream = stream_for_file (file);
  ok = stream != NULL ? function (stream) : report_failure ("make a stream");

  /* Closing flushes, and so can fail; freeing would close as well, but could not tell. */
  if (stream != NULL && cimpl_stream_close (stream) != 0)
    ok = report_failure ("close the stream");
  cimpl_free (stream);

  if (fclose (file) != 0)
    {
      perror ("Could not close the file");
      ok = false;
    }
  return ok;
}

int
main (void)
{
  char path[] = "/tmp/cimpl-example-XXXXXX";
  int fd = mkstemp (path);
  bool ok;

  if (fd < 0)
    {
      perror ("Could not make a temporary file");
      return EXIT_FAILURE;
    }

  ok = with_stream (fdopen (fd, "w+b"), use_stream)
       && with_stream (fopen (path, "rb"), fail_to_write);
  remove (path);

  puts (ok ? "All as expected." : "Something went wrong.");
  return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
