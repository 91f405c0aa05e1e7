/* SPDX-License-Identifier: MIT */

#define _GNU_SOURCE /* fseeko() */

#include "matrix-consumers.h"

#include <stdio.h>
#include <string.h>

/* Asserts that a transfer succeeded. */
static gsize
check (gssize n, GError *error)
{
  g_assert_no_error (error);
  g_assert_cmpint (n, >=, 0);
  return (gsize) n;
}

/* A stream as it is */

static gpointer
open_stream (CimplStream *stream, gboolean is_written)
{
  return g_object_ref (stream);
}

static gint64
seek_plain (gpointer stream, gint64 offset, CimplSeekMode mode)
{
  return cimpl_stream_seek (stream, offset, mode);
}

static gsize
read_plain (gpointer stream, guint8 *buffer, gsize count)
{
  return check (cimpl_stream_read (stream, buffer, count), NULL);
}

static gsize
write_plain (gpointer stream, const guint8 *data, gsize count)
{
  return check (cimpl_stream_write (stream, data, count), NULL);
}

static gint64
seek_stream (gpointer stream, gint64 offset, CimplSeekMode mode)
{
  g_autoptr (GError) error = NULL;
  gint64 position = cimpl_stream_try_seek (stream, offset, mode, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, NULL), ==, position);
  return position;
}

static gsize
read_try (gpointer stream, guint8 *buffer, gsize count)
{
  g_autoptr (GError) error = NULL;
  gssize n = cimpl_stream_try_read (stream, buffer, count, NULL, &error);

  return check (n, error);
}

static gsize
write_try (gpointer stream, const guint8 *data, gsize count)
{
  g_autoptr (GError) error = NULL;
  gssize n = cimpl_stream_try_write (stream, data, count, NULL, &error);

  return check (n, error);
}

static gsize
take_bytes (guint8 *buffer, gsize count, GBytes *bytes)
{
  gsize n = g_bytes_get_size (bytes);

  g_assert_cmpuint (n, <=, count);
  if (n > 0)
    memcpy (buffer, g_bytes_get_data (bytes, NULL), n);
  return n;
}

static gsize
read_bytes (gpointer stream, guint8 *buffer, gsize count)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = cimpl_stream_try_read_bytes (stream, count, NULL, &error);

  g_assert_no_error (error);
  return take_bytes (buffer, count, bytes);
}

static gsize
write_bytes (gpointer stream, const guint8 *data, gsize count)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_static (data, count);
  gssize n = cimpl_stream_try_write_bytes (stream, bytes, NULL, &error);

  return check (n, error);
}

static gsize
read_all (gpointer stream, guint8 *buffer, gsize count)
{
  g_autoptr (GError) error = NULL;
  gsize n;

  cimpl_stream_try_read_all (stream, buffer, count, &n, NULL, &error);
  g_assert_no_error (error);
  return n;
}

static gsize
write_all (gpointer stream, const guint8 *data, gsize count)
{
  g_autoptr (GError) error = NULL;
  gsize n;

  cimpl_stream_try_write_all (stream, data, count, &n, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (n, ==, count);
  return n;
}

static gsize
copy (CimplStream *source, CimplStream *target, gsize count)
{
  int64_t n;

  g_assert_cmpint (cimpl_stream_copy (source, target, (int64_t) count, NULL, NULL, &n), ==, 0);
  return (gsize) n;
}

static gsize
read_copy (gpointer stream, guint8 *buffer, gsize count)
{
  g_autoptr (CimplStream) target = cimpl_memory_stream_new_for_block (buffer, count, NULL);

  return copy (stream, target, count);
}

static gsize
write_copy (gpointer stream, const guint8 *data, gsize count)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (data, count);
  g_autoptr (CimplStream) source = cimpl_memory_stream_new_from_bytes (bytes);

  return copy (source, stream, count);
}

/* A FILE */

static gpointer
open_stdio (CimplStream *stream, gboolean is_written)
{
  FILE *file = cimpl_stream_to_stdio (stream, is_written ? "wb" : "rb");

  g_assert_nonnull (file);
  return file;
}

static gint64
seek_stdio (gpointer file, gint64 offset, CimplSeekMode mode)
{
  g_assert_cmpint (fseeko (file, offset, (int) mode), ==, 0);
  return ftello (file);
}

static gsize
read_stdio (gpointer file, guint8 *buffer, gsize count)
{
  gsize n = fread (buffer, 1, count, file);

  g_assert_false (ferror (file));
  return n;
}

static gsize
write_stdio (gpointer file, const guint8 *data, gsize count)
{
  return fwrite (data, 1, count, file);
}

static void
close_stdio (gpointer file)
{
  g_assert_cmpint (fclose (file), ==, 0);
}

/* Streams of GIO */

static gpointer
open_gio (CimplStream *stream, gboolean is_written)
{
  return is_written ? (gpointer) cimpl_output_stream_new (stream)
                    : (gpointer) cimpl_input_stream_new (stream);
}

static gpointer
open_io_stream (CimplStream *stream, gboolean is_written)
{
  g_autoptr (GIOStream) io_stream = cimpl_io_stream_new (stream);
  gpointer half = is_written ? (gpointer) g_io_stream_get_output_stream (io_stream)
                             : (gpointer) g_io_stream_get_input_stream (io_stream);

  /* The halves do not keep it, and would be closed with it. */
  g_object_set_data_full (half, "io-stream", g_object_ref (io_stream), NULL);
  return g_object_ref (half);
}

static gpointer
open_buffered (CimplStream *stream, gboolean is_written)
{
  if (is_written)
    {
      g_autoptr (GOutputStream) output = cimpl_output_stream_new (stream);

      return g_buffered_output_stream_new (output);
    }
  else
    {
      g_autoptr (GInputStream) input = cimpl_input_stream_new (stream);

      return g_data_input_stream_new (input);
    }
}

static gint64
seek_gio (gpointer consumer, gint64 offset, CimplSeekMode mode)
{
  static const GSeekType types[] = {
    [CIMPL_SEEK_MODE_START] = G_SEEK_SET,
    [CIMPL_SEEK_MODE_CURRENT] = G_SEEK_CUR,
    [CIMPL_SEEK_MODE_END] = G_SEEK_END,
  };
  g_autoptr (GError) error = NULL;

  g_assert_true (g_seekable_can_seek (consumer));
  g_seekable_seek (consumer, offset, types[mode], NULL, &error);
  g_assert_no_error (error);
  return g_seekable_tell (consumer);
}

static gsize
read_gio (gpointer input, guint8 *buffer, gsize count)
{
  g_autoptr (GError) error = NULL;
  gssize n = g_input_stream_read (input, buffer, count, NULL, &error);

  return check (n, error);
}

static gsize
write_gio (gpointer output, const guint8 *data, gsize count)
{
  g_autoptr (GError) error = NULL;
  gssize n = g_output_stream_write (output, data, count, NULL, &error);

  return check (n, error);
}

static gsize
read_gio_bytes (gpointer input, guint8 *buffer, gsize count)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_input_stream_read_bytes (input, count, NULL, &error);

  g_assert_no_error (error);
  return take_bytes (buffer, count, bytes);
}

/* GDataInputStream has words of its own for what is small. */
static gsize
read_data (gpointer input, guint8 *buffer, gsize count)
{
  g_autoptr (GError) error = NULL;

  if (count > 1)
    return read_gio (input, buffer, count);
  *buffer = g_data_input_stream_read_byte (input, NULL, &error);
  if (error != NULL)
    {
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED); /* the end */
      return read_gio (input, buffer, count);
    }
  return 1;
}

static gsize
write_splice (gpointer output, const guint8 *data, gsize count)
{
  g_autoptr (GInputStream) input = g_memory_input_stream_new_from_data (data, (gssize) count, NULL);
  g_autoptr (GError) error = NULL;
  gssize n
      = g_output_stream_splice (output, input, G_OUTPUT_STREAM_SPLICE_CLOSE_SOURCE, NULL, &error);

  return check (n, error);
}

static void
close_gio (gpointer consumer)
{
  g_autoptr (GError) error = NULL;

  if (G_IS_OUTPUT_STREAM (consumer))
    g_output_stream_close (consumer, NULL, &error);
  else
    g_input_stream_close (consumer, NULL, &error);
  g_assert_no_error (error);
  g_object_unref (consumer);
}

static void
close_io_stream (gpointer half)
{
  g_autoptr (GIOStream) io_stream = g_object_steal_data (half, "io-stream");
  g_autoptr (GError) error = NULL;

  g_io_stream_close (io_stream, NULL, &error);
  g_assert_no_error (error);
  g_object_unref (half);
}

const MatrixConsumer matrix_consumers[] = {
  { "plain", open_stream, seek_plain, read_plain, write_plain, g_object_unref },
  { "try", open_stream, seek_stream, read_try, write_try, g_object_unref },
  { "bytes", open_stream, seek_stream, read_bytes, write_bytes, g_object_unref },
  { "all", open_stream, seek_stream, read_all, write_all, g_object_unref },
  { "copy", open_stream, seek_stream, read_copy, write_copy, g_object_unref },
  { "stdio", open_stdio, seek_stdio, read_stdio, write_stdio, close_stdio },
  { "gio", open_gio, seek_gio, read_gio, write_gio, close_gio },
  { "gio-bytes", open_gio, seek_gio, read_gio_bytes, write_splice, close_gio },
  { "gio-buffered", open_buffered, seek_gio, read_data, write_gio, close_gio },
  { "io-stream", open_io_stream, seek_gio, read_gio, write_gio, close_io_stream },
};
const gsize matrix_n_consumers = G_N_ELEMENTS (matrix_consumers);
