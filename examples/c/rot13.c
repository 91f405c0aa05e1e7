/* SPDX-License-Identifier: MIT */

/*
 * A subclass in C: a filter that hides letters from who looks at the other side.
 *
 * The first half is the class, to be copied for any filter. The second half is a program that
 * puts it over a FILE *, writes and reads through it, and gives it to a native consumer.
 */

#define _POSIX_C_SOURCE 200809L /* fileno, fseeko, pread */
#define _FILE_OFFSET_BITS 64    /* or off_t has 32 bits on some machines */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cimplstream/cimplstream.h>

#include "checksum.h"

/* The class */

#define ROT13_TYPE_STREAM (rot13_stream_get_type ())
G_DECLARE_FINAL_TYPE (Rot13Stream, rot13_stream, ROT13, STREAM, CimplFilterStream)

/**
 * Rot13Stream:
 *
 * A filter: letters that are read from or written to another stream are rotated by 13 places.
 *
 * Position and size are those of the other stream, its base, and so is all else that it does not
 * override. It closes the base only if its property close-base says so.
 */
struct _Rot13Stream
{
  CimplFilterStream parent_instance;
};

G_DEFINE_FINAL_TYPE (Rot13Stream, rot13_stream, CIMPL_TYPE_FILTER_STREAM)

static void
rotate (guint8 *target, const guint8 *source, gsize count)
{
  for (gsize i = 0; i < count; i++)
    {
      guint8 first = g_ascii_islower (source[i]) ? 'a' : 'A';

      target[i] = source[i];
      if (g_ascii_isalpha (source[i]))
        target[i] = (guint8) (first + (source[i] - first + 13) % 26);
    }
}

static gboolean
rot13_stream_read (CimplStream *stream,
                   void *buffer,
                   gsize count,
                   gsize *n_read,
                   GCancellable *cancellable,
                   GError **error)
{
  CimplStreamClass *parent_class = CIMPL_STREAM_CLASS (rot13_stream_parent_class);

  if (!parent_class->read (stream, buffer, count, n_read, cancellable, error))
    return FALSE;
  rotate (buffer, buffer, *n_read);
  return TRUE;
}

static gboolean
rot13_stream_write (CimplStream *stream,
                    const void *data,
                    gsize count,
                    gsize *n_written,
                    GCancellable *cancellable,
                    GError **error)
{
  CimplStreamClass *parent_class = CIMPL_STREAM_CLASS (rot13_stream_parent_class);
  guint8 rotated[4096]; /* a longer write is a short one: who wants it all calls again */

  count = MIN (count, sizeof rotated);
  rotate (rotated, data, count);
  return parent_class->write (stream, rotated, count, n_written, cancellable, error);
}

static void
rot13_stream_class_init (Rot13StreamClass *klass)
{
  CimplStreamClass *stream_class = CIMPL_STREAM_CLASS (klass);

  stream_class->read = rot13_stream_read;
  stream_class->write = rot13_stream_write;
}

static void
rot13_stream_init (Rot13Stream *self)
{
}

/**
 * rot13_stream_new:
 * @base: the stream on the other side
 *
 * Makes a filter over @base.
 *
 * Returns: (transfer full): the filter
 */
static CimplStream *
rot13_stream_new (CimplStream *base)
{
  g_return_val_if_fail (CIMPL_IS_STREAM (base), NULL);

  return g_object_new (ROT13_TYPE_STREAM, "base", base, NULL);
}

/* The program. What lies under the filter is a FILE *, by callbacks like those of example.c. */

static intptr_t
file_read (CimplStreamContext *context, uint8_t *data, size_t len)
{
  FILE *file = (FILE *) context;
  size_t n_read = fread (data, 1, len, file);

  if (n_read == 0 && ferror (file))
    {
      cimpl_stream_set_errno (errno, "the file cannot be read");
      return -1;
    }
  return (intptr_t) n_read;
}

static intptr_t
file_write (CimplStreamContext *context, const uint8_t *data, size_t len)
{
  size_t n_written = fwrite (data, 1, len, (FILE *) context);

  if (n_written == 0)
    {
      cimpl_stream_set_errno (errno, "the file cannot be written");
      return -1;
    }
  return (intptr_t) n_written;
}

static int64_t
file_seek (CimplStreamContext *context, int64_t offset, CimplSeekMode mode)
{
  FILE *file = (FILE *) context;

  /* The values of the modes are those of SEEK_SET, SEEK_CUR and SEEK_END. */
  if (fseeko (file, (off_t) offset, (int) mode) != 0)
    {
      cimpl_stream_set_errno (errno, "the file cannot be seeked");
      return -1;
    }
  return ftello (file);
}

static int32_t
file_flush (CimplStreamContext *context)
{
  if (fflush ((FILE *) context) != 0)
    {
      cimpl_stream_set_errno (errno, "the file cannot be flushed");
      return -1;
    }
  return 0;
}

/* Shows what came; FALSE if it should be something else. */
static gboolean
expect (const char *what, const char *got, const char *expected, GError **error)
{
  g_print ("%-20s %s\n", what, got);
  if (g_str_equal (got, expected))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s expected \"%s\"", what, expected);
  return FALSE;
}

static gboolean
write_text (CimplStream *stream, const char *text, GError **error)
{
  g_print ("%-20s %s\n", "written:", text);
  return cimpl_stream_try_write_all (stream, text, strlen (text), NULL, NULL, error)
         && cimpl_stream_try_flush (stream, NULL, error);
}

/* Looks into the file without asking any stream. */
static gboolean
expect_in_file (FILE *file, const char *expected, GError **error)
{
  char content[100];
  ssize_t size = pread (fileno (file), content, sizeof content - 1, 0);

  content[MAX (size, 0)] = '\0';
  return expect ("in the file:", content, expected, error);
}

static gboolean
expect_text (CimplStream *stream, gint64 offset, const char *expected, GError **error)
{
  gint64 position = cimpl_stream_try_seek (stream, offset, CIMPL_SEEK_MODE_START, NULL, error);
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *text = NULL;

  if (position < 0)
    return FALSE;
  bytes = cimpl_stream_try_read_to_end (stream, 100, NULL, error);
  if (bytes == NULL)
    return FALSE;
  text = g_strdup_printf ("%.*s (from %d)", (int) g_bytes_get_size (bytes),
                          (const char *) g_bytes_get_data (bytes, NULL), (int) position);
  return expect ("read back:", text, expected, error);
}

/* The consumer is a library that knows nothing of filters. */
static gboolean
expect_checksum (CimplStream *stream, const char *expected, GError **error)
{
  g_autofree char *text = NULL;
  gint64 crc;

  if (cimpl_stream_try_seek (stream, 0, CIMPL_SEEK_MODE_START, NULL, error) < 0)
    return FALSE;
  crc = checksum_try_crc32 (stream, error);
  if (crc < 0)
    return FALSE;
  text = g_strdup_printf ("%08x", (guint) crc);
  return expect ("its checksum:", text, expected, error);
}

static gboolean
use_filter (FILE *file, GError **error)
{
  g_autoptr (CimplStream) base = cimpl_stream_take (
      cimpl_stream_new ((CimplStreamContext *) file, file_read, file_seek, file_write, file_flush));
  g_autoptr (CimplStream) filter = rot13_stream_new (base);

  return write_text (filter, "Hello, streams!", error)
         && expect_in_file (file, "Uryyb, fgernzf!", error)
         && expect_text (filter, 0, "Hello, streams! (from 0)", error)
         && expect_text (filter, 7, "streams! (from 7)", error)
         && expect_checksum (filter, "d15cd0b4", error)
         && cimpl_stream_try_close (filter, NULL, error)
         && expect ("base, after that:", cimpl_stream_is_closed (base) ? "closed" : "open", "open",
                    error);
}

/* What the consumer gets to know when it cannot read. */
static char *
consume_and_fail (CimplStream *stream)
{
  g_autoptr (GError) error = NULL;

  if (checksum_try_crc32 (stream, &error) >= 0)
    return g_strdup ("no error");
  return g_strdup_printf ("%s %d: %s", g_quark_to_string (error->domain), error->code,
                          error->message);
}

static gboolean
fail_in_base (FILE *write_only, GError **error)
{
  g_autoptr (CimplStream) base = cimpl_stream_take (
      cimpl_stream_new ((CimplStreamContext *) write_only, file_read, NULL, NULL, NULL));
  g_autoptr (CimplStream) filter = rot13_stream_new (base);
  g_autofree char *base_error = consume_and_fail (base);
  g_autofree char *filter_error = consume_and_fail (filter);
  CimplStreamFlags flags;

  if (!cimpl_stream_try_get_flags (filter, &flags, error))
    return FALSE;
  return expect ("no writer:", (flags & CIMPL_STREAM_WRITABLE) ? "writable" : "not writable",
                 "not writable", error)
         && expect ("error of the base:", base_error,
                    "CimplStreamError 100: the file cannot be read", error)
         && expect ("through the filter:", filter_error, base_error, error);
}

/* Takes over @file, which may be NULL. */
static gboolean
with_file (FILE *file, gboolean (*function) (FILE *file, GError **error))
{
  g_autoptr (GError) error = NULL;

  if (file == NULL)
    {
      perror ("Could not open the file");
      return FALSE;
    }
  if (!function (file, &error))
    g_printerr ("Not as expected: %s\n", error->message);
  fclose (file);
  return error == NULL;
}

int
main (void)
{
  gboolean ok
      = with_file (tmpfile (), use_filter) && with_file (fopen ("/dev/null", "wb"), fail_in_base);

  g_print ("%s\n", ok ? "All as expected." : "Something went wrong.");
  return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
