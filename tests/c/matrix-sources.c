/* SPDX-License-Identifier: MIT */

#define _GNU_SOURCE /* pipe2 */

#include "matrix-sources.h"

#include <fcntl.h>
#include <unistd.h>

#include <glib/gstdio.h>

#define BUFFER_SIZE 10000   /* between the sizes of what is read and written */
#define MIN_TRANSFER_BITS 8 /* of a backend that takes and gives as it likes */
#define MAX_TRANSFER_BITS 18
#define SHORT_COUNT 4099 /* of a stream that always gives less */

/* Callbacks */

#define BACKEND(context) ((TestBackend *) (context))

static intptr_t
read_cb (CimplStreamContext *context, uint8_t *data, size_t len)
{
  return (intptr_t) test_backend_read (BACKEND (context), data, len);
}

static int64_t
seek_cb (CimplStreamContext *context, int64_t offset, CimplSeekMode mode)
{
  return test_backend_seek (BACKEND (context), offset, mode);
}

static intptr_t
write_cb (CimplStreamContext *context, const uint8_t *data, size_t len)
{
  return (intptr_t) test_backend_write (BACKEND (context), data, len);
}

static CimplStream *
open_callbacks (MatrixSource *source)
{
  return cimpl_stream_take (
      cimpl_stream_new ((CimplStreamContext *) source->backend, read_cb, seek_cb, write_cb, NULL));
}

static void
vary (TestBackend *backend, gpointer user_data)
{
  backend->max_transfer = (gsize) 1 << g_test_rand_int_range (MIN_TRANSFER_BITS, MAX_TRANSFER_BITS);
}

static void
full_read_cb (CimplStreamContext *context, uint8_t *data, size_t len, int64_t *result)
{
  test_backend_begin (BACKEND (context), TEST_READ);
  *result = read_cb (context, data, len);
}

static void
full_write_cb (CimplStreamContext *context, const uint8_t *data, size_t len, int64_t *result)
{
  test_backend_begin (BACKEND (context), TEST_WRITE);
  *result = write_cb (context, data, len);
}

static void
full_seek_cb (CimplStreamContext *context, int64_t offset, CimplSeekMode mode, int64_t *result)
{
  *result = seek_cb (context, offset, mode);
}

static CimplStream *
open_full_callbacks (MatrixSource *source)
{
  const CimplStreamCallbacks callbacks = {
    .struct_size = sizeof callbacks,
    .read = full_read_cb,
    .write = full_write_cb,
    .seek = full_seek_cb,
  };

  source->backend->hook = vary;
  return cimpl_stream_take (
      cimpl_stream_new_full (&callbacks, (CimplStreamContext *) source->backend, NULL));
}

static CimplStream *
open_subclass (MatrixSource *source)
{
  return CIMPL_STREAM (test_base_new (source->backend));
}

/* Memory */

static void
take_data (MatrixSource *source, GBytes *bytes)
{
  g_byte_array_unref (source->backend->data);
  source->backend->data = g_bytes_unref_to_array (bytes);
}

static CimplStream *
open_memory (MatrixSource *source)
{
  GByteArray *data = source->backend->data;
  CimplStream *stream = cimpl_memory_stream_new ();
  g_autoptr (GError) error = NULL;

  cimpl_stream_try_write_all (stream, data->data, data->len, NULL, NULL, &error);
  g_assert_no_error (error);
  cimpl_stream_try_seek (stream, 0, CIMPL_SEEK_MODE_START, NULL, &error);
  g_assert_no_error (error);
  return stream;
}

static void
collect_memory (MatrixSource *source)
{
  g_autoptr (GError) error = NULL;
  GBytes *bytes = cimpl_memory_stream_steal_bytes (CIMPL_MEMORY_STREAM (source->stream), &error);

  g_assert_no_error (error);
  take_data (source, bytes);
}

static CimplStream *
open_bytes (MatrixSource *source)
{
  GByteArray *data = source->backend->data;
  g_autoptr (GBytes) bytes = g_bytes_new_static (data->data, data->len);

  return cimpl_memory_stream_new_from_bytes (bytes);
}

static CimplStream *
open_block (MatrixSource *source)
{
  GByteArray *data = source->backend->data;

  g_byte_array_set_size (data, (guint) source->size);
  return cimpl_memory_stream_new_for_block (data->data, data->len, NULL);
}

/* Files */

static void
create_file (MatrixSource *source)
{
  GByteArray *data = source->backend->data;
  g_autoptr (GError) error = NULL;
  int fd = g_file_open_tmp ("cimpl-matrix-XXXXXX", &source->path, &error);

  g_assert_no_error (error);
  close (fd);
  g_file_set_contents_full (source->path, (const char *) data->data, data->len,
                            G_FILE_SET_CONTENTS_NONE, 0600, &error);
  g_assert_no_error (error);
}

static void
collect_file (MatrixSource *source)
{
  g_autoptr (GError) error = NULL;
  char *content;
  gsize size;

  g_file_get_contents (source->path, &content, &size, &error);
  g_assert_no_error (error);
  take_data (source, g_bytes_new_take (content, size));
}

static CimplStream *
open_file (MatrixSource *source)
{
  g_autoptr (GError) error = NULL;
  CimplStream *stream;

  create_file (source);
  stream = cimpl_file_stream_open (source->path, "r+b", &error);
  g_assert_no_error (error);
  return stream;
}

static CimplStream *
open_fd (MatrixSource *source)
{
  int fd;

  create_file (source);
  fd = g_open (source->path, O_RDWR | O_CLOEXEC, 0);
  g_assert_cmpint (fd, >=, 0);
  return cimpl_file_stream_new_for_fd (fd, TRUE);
}

static CimplStream *
open_stdio (MatrixSource *source)
{
  FILE *file;

  create_file (source);
  file = g_fopen (source->path, "r+be");
  g_assert_nonnull (file);
  return cimpl_file_stream_new_for_stdio (file, TRUE);
}

/* Pipes */

static gpointer
feed (gpointer user_data)
{
  MatrixSource *source = user_data;
  GByteArray *data = source->backend->data;
  gsize n_fed = 0;

  while (n_fed < data->len)
    {
      gssize n = write (source->fd, data->data + n_fed, data->len - n_fed);

      g_assert_cmpint (n, >, 0);
      n_fed += (gsize) n;
    }
  close (source->fd);
  return NULL;
}

static gpointer
drain (gpointer user_data)
{
  MatrixSource *source = user_data;
  guint8 buffer[30000];
  gssize n;

  while ((n = read (source->fd, buffer, sizeof buffer)) > 0)
    g_byte_array_append (source->backend->data, buffer, (guint) n);
  g_assert_cmpint (n, ==, 0);
  close (source->fd);
  return NULL;
}

static CimplStream *
open_pipe (MatrixSource *source)
{
  int fds[2];

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  source->fd = fds[source->is_written ? 0 : 1];
  source->thread = g_thread_new ("pipe", source->is_written ? drain : feed, source);
  return cimpl_file_stream_new_for_fd (fds[source->is_written ? 1 : 0], TRUE);
}

/* Streams of GIO */

static CimplStream *
open_gio_file (MatrixSource *source)
{
  g_autoptr (GFile) file = NULL;
  g_autoptr (GFileIOStream) io_stream = NULL;
  g_autoptr (GError) error = NULL;

  create_file (source);
  file = g_file_new_for_path (source->path);
  io_stream = g_file_open_readwrite (file, NULL, &error);
  g_assert_no_error (error);
  return cimpl_gio_stream_new_for_io_stream (G_IO_STREAM (io_stream));
}

static CimplStream *
open_gio_memory (MatrixSource *source)
{
  GByteArray *data = source->backend->data;
  g_autoptr (GInputStream) input = NULL;

  if (source->is_written)
    {
      source->sink = g_memory_output_stream_new_resizable ();
      return cimpl_gio_stream_new (NULL, source->sink);
    }
  input = g_memory_input_stream_new_from_data (data->data, data->len, NULL);
  return cimpl_gio_stream_new (input, NULL);
}

static void
collect_gio_memory (MatrixSource *source)
{
  GMemoryOutputStream *sink = G_MEMORY_OUTPUT_STREAM (source->sink);

  g_assert_true (g_output_stream_close (source->sink, NULL, NULL));
  take_data (source, g_memory_output_stream_steal_as_bytes (sink));
}

/* A filter whose base has every bit turned over */

#define INVERT_TYPE_STREAM (invert_stream_get_type ())
G_DECLARE_FINAL_TYPE (InvertStream, invert_stream, INVERT, STREAM, CimplFilterStream)

struct _InvertStream
{
  CimplFilterStream parent_instance;
};

G_DEFINE_FINAL_TYPE (InvertStream, invert_stream, CIMPL_TYPE_FILTER_STREAM)

static void
invert (guint8 *target, const guint8 *data, gsize count)
{
  for (gsize i = 0; i < count; i++)
    target[i] = data[i] ^ 0xff;
}

static gboolean
invert_stream_read (CimplStream *stream,
                    void *buffer,
                    gsize count,
                    gsize *n_read,
                    GCancellable *cancellable,
                    GError **error)
{
  CimplStreamClass *parent_class = CIMPL_STREAM_CLASS (invert_stream_parent_class);

  if (!parent_class->read (stream, buffer, count, n_read, cancellable, error))
    return FALSE;
  invert (buffer, buffer, *n_read);
  return TRUE;
}

static gboolean
invert_stream_write (CimplStream *stream,
                     const void *data,
                     gsize count,
                     gsize *n_written,
                     GCancellable *cancellable,
                     GError **error)
{
  CimplStreamClass *parent_class = CIMPL_STREAM_CLASS (invert_stream_parent_class);
  g_autofree guint8 *inverted = g_malloc (count);

  invert (inverted, data, count);
  return parent_class->write (stream, inverted, count, n_written, cancellable, error);
}

static void
invert_stream_class_init (InvertStreamClass *klass)
{
  CIMPL_STREAM_CLASS (klass)->read = invert_stream_read;
  CIMPL_STREAM_CLASS (klass)->write = invert_stream_write;
}

static void
invert_stream_init (InvertStream *self)
{
}

static void
collect_inverted (MatrixSource *source)
{
  GByteArray *data = source->backend->data;

  invert (data->data, data->data, data->len);
}

static CimplStream *
open_filter (MatrixSource *source)
{
  g_autoptr (CimplStream) base = open_subclass (source);

  collect_inverted (source);
  return g_object_new (INVERT_TYPE_STREAM, "base", base, NULL);
}

/* The other filters */

static CimplStream *
open_buffered (MatrixSource *source)
{
  g_autoptr (CimplStream) base = open_subclass (source);

  source->backend->hook = vary;
  return cimpl_buffered_stream_new (base, BUFFER_SIZE);
}

static CimplStream *
open_buffered_pipe (MatrixSource *source)
{
  g_autoptr (CimplStream) base = open_pipe (source);

  return cimpl_buffered_stream_new (base, BUFFER_SIZE);
}

static CimplStream *
open_fault (MatrixSource *source)
{
  g_autoptr (CimplStream) base = open_subclass (source);
  CimplStream *stream = cimpl_fault_stream_new (base);

  cimpl_fault_stream_add_short_count (CIMPL_FAULT_STREAM (stream),
                                      CIMPL_FAULT_OPERATION_READ | CIMPL_FAULT_OPERATION_WRITE, 0,
                                      CIMPL_FAULT_UNIT_OPERATIONS, -1, SHORT_COUNT);
  return stream;
}

static CimplStream *
open_dispatch (MatrixSource *source)
{
  g_autoptr (CimplStream) base = open_subclass (source);
  g_autoptr (GMainContext) context = g_main_context_new ();

  source->loop = dispatch_loop_start (context);
  dispatch_loop_sync (&source->loop);
  return cimpl_dispatch_stream_new (base, context);
}

const MatrixSourceKind matrix_source_kinds[] = {
  { .name = "callbacks", .open = open_callbacks },
  { .name = "full-callbacks", .open = open_full_callbacks },
  { .name = "subclass", .open = open_subclass },
  { .name = "memory", .open = open_memory, .collect = collect_memory },
  { .name = "memory-bytes", .open = open_bytes, .is_read_only = TRUE },
  { .name = "memory-block", .open = open_block },
  { .name = "file", .open = open_file, .collect = collect_file },
  { .name = "file-fd", .open = open_fd, .collect = collect_file },
  { .name = "file-stdio", .open = open_stdio, .collect = collect_file },
  { .name = "file-pipe", .open = open_pipe, .is_pipe = TRUE },
  { .name = "gio-file", .open = open_gio_file, .collect = collect_file },
  { .name = "gio-memory", .open = open_gio_memory, .collect = collect_gio_memory },
  { .name = "filter", .open = open_filter, .collect = collect_inverted },
  { .name = "buffered", .open = open_buffered },
  { .name = "buffered-pipe", .open = open_buffered_pipe, .is_pipe = TRUE },
  { .name = "fault", .open = open_fault },
  { .name = "dispatch", .open = open_dispatch },
};
const gsize matrix_n_source_kinds = G_N_ELEMENTS (matrix_source_kinds);

void
matrix_source_open (MatrixSource *source,
                    const MatrixSourceKind *kind,
                    const guint8 *content,
                    gsize size)
{
  *source = (MatrixSource){ .is_written = content == NULL, .size = size };
  source->backend = test_backend_new ("");
  if (content != NULL)
    g_byte_array_append (source->backend->data, content, (guint) size);
  source->stream = kind->open (source);
}

/* Closes the stream, after which what was written has to be where it belongs. */
void
matrix_source_close (MatrixSource *source, const MatrixSourceKind *kind)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (cimpl_stream_try_close (source->stream, NULL, &error));
  g_assert_no_error (error);
  if (source->is_written && kind->collect != NULL)
    kind->collect (source);
  g_assert_finalize_object (g_steal_pointer (&source->stream));
  g_clear_pointer (&source->thread, g_thread_join);
}

void
matrix_source_clear (MatrixSource *source)
{
  if (source->loop.thread != NULL)
    dispatch_loop_stop (&source->loop);
  if (source->path != NULL)
    g_assert_cmpint (g_remove (source->path), ==, 0);
  g_free (source->path);
  g_clear_object (&source->sink);
  test_backend_free (source->backend);
}
