/* SPDX-License-Identifier: MIT */

/* What goes wrong in a stream comes whole out of whatever is above it: code, errno and message. */

#include <cimplstream/cimplstream.h>

#include <errno.h>

#define MESSAGE "what the innermost stream says"

/* The innermost stream: each operation fails like this, as soon as there is a failure. */
typedef struct
{
  gint code;
  gint errnum; /* or 0, for one that has a code only */
} Failure;

static void
fail (CimplStreamContext *context, int64_t *result, int64_t otherwise)
{
  const Failure *failure = *(const Failure **) context;

  *result = failure == NULL ? otherwise : -1;
  if (failure != NULL && failure->errnum != 0)
    cimpl_stream_set_errno (failure->errnum, MESSAGE);
  else if (failure != NULL)
    cimpl_stream_set_error (failure->code, MESSAGE);
}

static void
base_read (CimplStreamContext *context, uint8_t *data, size_t len, int64_t *result)
{
  data[0] = 'a';
  fail (context, result, 1);
}

static void
base_write (CimplStreamContext *context, const uint8_t *data, size_t len, int64_t *result)
{
  fail (context, result, (int64_t) len);
}

static void
base_seek (CimplStreamContext *context, int64_t offset, CimplSeekMode mode, int64_t *result)
{
  fail (context, result, offset);
}

static void
base_flush (CimplStreamContext *context, int64_t *result)
{
  fail (context, result, 0);
}

static void
base_truncate (CimplStreamContext *context, int64_t size, int64_t *result)
{
  fail (context, result, 0);
}

static CimplStream *
base_new (const Failure **failure)
{
  static const CimplStreamCallbacks callbacks = {
    .struct_size = sizeof callbacks,
    .read = base_read,
    .write = base_write,
    .seek = base_seek,
    .flush = base_flush,
    .truncate = base_truncate,
  };

  return cimpl_stream_take (
      cimpl_stream_new_full (&callbacks, (CimplStreamContext *) failure, NULL));
}

static const Failure failures[] = {
  { CIMPL_STREAM_ERROR_IO_OPERATION, EIO },
  { CIMPL_STREAM_ERROR_IO_OPERATION, EBADF },
  { CIMPL_STREAM_ERROR_IO_OPERATION, EBUSY },
  { CIMPL_STREAM_ERROR_IO_OPERATION, ENXIO },
  { CIMPL_STREAM_ERROR_IO_OPERATION, EPERM },
  { CIMPL_STREAM_ERROR_IO_OPERATION, EPIPE },
  { CIMPL_STREAM_ERROR_IO_OPERATION, ESTALE },
  { CIMPL_STREAM_ERROR_IO_OPERATION, ETIMEDOUT },
  { CIMPL_STREAM_ERROR_IO_OPERATION, ECONNRESET },
  { CIMPL_STREAM_ERROR_NO_SPACE, ENOSPC },
  { CIMPL_STREAM_ERROR_NO_SPACE, EFBIG },
  { CIMPL_STREAM_ERROR_NO_SPACE, EDQUOT },
  { CIMPL_STREAM_ERROR_NO_SPACE, ENOMEM },
  { CIMPL_STREAM_ERROR_INVALID_ARGUMENT, EINVAL },
  { CIMPL_STREAM_ERROR_CANCELLED, ECANCELED },
  { CIMPL_STREAM_ERROR_UNEXPECTED_EOF, ENODATA },
  { CIMPL_STREAM_ERROR_WOULD_BLOCK, EAGAIN },
  { CIMPL_STREAM_ERROR_IO_OPERATION, 0 },
  { CIMPL_STREAM_ERROR_OTHER, 0 },
  { CIMPL_STREAM_ERROR_CLOSED, 0 },
  { CIMPL_STREAM_ERROR_BUSY, 0 },
  { CIMPL_STREAM_ERROR_CALLBACK_CONTRACT, 0 },
  { CIMPL_STREAM_ERROR_INVALID_HANDLE, 0 },
  { CIMPL_STREAM_ERROR_STRING_TOO_LONG, 0 },
  { CIMPL_STREAM_ERROR_NO_SPACE, 0 },
};

/* What is above it */

static CimplStream *
over_nothing (CimplStream *base)
{
  return g_object_ref (base);
}

static CimplStream *
over_buffer (CimplStream *base)
{
  return cimpl_buffered_stream_new (base, 4);
}

static CimplStream *
over_dispatch (CimplStream *base)
{
  return cimpl_dispatch_stream_new (base, NULL);
}

static CimplStream *
over_io_stream (CimplStream *base)
{
  g_autoptr (GIOStream) io_stream = cimpl_io_stream_new (base);

  return cimpl_gio_stream_new_for_io_stream (io_stream);
}

static CimplStream *
over_two_streams (CimplStream *base)
{
  g_autoptr (GInputStream) input = cimpl_input_stream_new (base);
  g_autoptr (GOutputStream) output = cimpl_output_stream_new (base);

  return cimpl_gio_stream_new (input, output);
}

/* GIO's own filters pass errors on. */
static CimplStream *
over_data_streams (CimplStream *base)
{
  g_autoptr (GInputStream) input = cimpl_input_stream_new (base);
  g_autoptr (GOutputStream) output = cimpl_output_stream_new (base);
  g_autoptr (GDataInputStream) data_input = g_data_input_stream_new (input);
  g_autoptr (GDataOutputStream) data_output = g_data_output_stream_new (output);

  return cimpl_gio_stream_new (G_INPUT_STREAM (data_input), G_OUTPUT_STREAM (data_output));
}

static CimplStream *
over_all (CimplStream *base)
{
  g_autoptr (CimplStream) buffered = over_buffer (base);
  g_autoptr (CimplStream) gio = over_io_stream (buffered);
  g_autoptr (CimplStream) fault = cimpl_fault_stream_new (gio);

  return over_dispatch (fault);
}

/* What is asked of it */

static int64_t
do_read (CimplStream *stream)
{
  uint8_t byte;

  return cimpl_stream_read (stream, &byte, 1);
}

static int64_t
do_read_much (CimplStream *stream)
{
  uint8_t buffer[64];

  return cimpl_stream_read (stream, buffer, sizeof buffer);
}

/* What is written behind fails when it is flushed. */
static int64_t
do_write (CimplStream *stream)
{
  return cimpl_stream_write (stream, (const uint8_t *) "a", 1) < 0 ? -1
                                                                   : cimpl_stream_flush (stream);
}

static int64_t
do_write_much (CimplStream *stream)
{
  return cimpl_stream_write (stream, (const uint8_t *) "0123456789", 10) < 0
             ? -1
             : cimpl_stream_flush (stream);
}

static int64_t
do_close (CimplStream *stream)
{
  return cimpl_stream_write (stream, (const uint8_t *) "a", 1) < 0 ? -1
                                                                   : cimpl_stream_close (stream);
}

static int64_t
do_seek (CimplStream *stream)
{
  return cimpl_stream_seek (stream, 100, CIMPL_SEEK_MODE_START);
}

static int64_t
do_truncate (CimplStream *stream)
{
  return cimpl_stream_truncate (stream, 10);
}

static int64_t
do_copy_from (CimplStream *stream)
{
  g_autoptr (CimplStream) target = cimpl_memory_stream_new ();

  return cimpl_stream_copy (stream, target, 10, NULL, NULL, NULL);
}

static int64_t
do_copy_to (CimplStream *stream)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("0123456789", 10);
  g_autoptr (CimplStream) source = cimpl_memory_stream_new_from_bytes (bytes);

  return cimpl_stream_copy (source, stream, -1, NULL, NULL, NULL) < 0 ? -1
                                                                      : cimpl_stream_flush (stream);
}

static int64_t
do_stdio_read (CimplStream *stream)
{
  FILE *file = cimpl_stream_to_stdio (stream, "r");
  int byte = getc (file);

  fclose (file);
  return byte == EOF ? -1 : 0;
}

static int64_t
do_stdio_close (CimplStream *stream)
{
  FILE *file = cimpl_stream_to_stdio (stream, "w");
  int result;

  g_assert_cmpint (putc ('a', file), ==, 'a');
  result = fclose (file);
  return result == 0 ? cimpl_stream_flush (stream) : -1;
}

typedef struct
{
  const char *name;
  CimplStream *(*over) (CimplStream *base);
  gboolean has_one_position;
} Stack;

static const Stack stacks[] = {
  { "nothing", over_nothing, TRUE },         { "buffered", over_buffer, TRUE },
  { "fault", cimpl_fault_stream_new, TRUE }, { "dispatch", over_dispatch, TRUE },
  { "gio/io", over_io_stream, TRUE },        { "gio/two", over_two_streams, FALSE },
  { "gio/data", over_data_streams, FALSE },  { "all", over_all, TRUE },
};

static const struct
{
  const char *name;
  int64_t (*run) (CimplStream *stream);
  gboolean needs_position;
} operations[] = {
  { "read", do_read, FALSE },
  { "read-much", do_read_much, FALSE },
  { "write", do_write, FALSE },
  { "write-much", do_write_much, FALSE },
  { "close", do_close, FALSE },
  { "seek", do_seek, TRUE },
  { "truncate", do_truncate, TRUE },
  { "copy-from", do_copy_from, FALSE },
  { "copy-to", do_copy_to, FALSE },
  { "stdio/read", do_stdio_read, FALSE },
  { "stdio/close", do_stdio_close, FALSE },
};

static void
assert_whole (const Failure *failure, const char *operation)
{
  char *message = cimpl_stream_last_error ();

  if (cimpl_stream_error_code () != failure->code || cimpl_stream_error_errno () != failure->errnum
      || message == NULL || !g_str_has_suffix (message, MESSAGE))
    {
      g_test_message ("%s: of code %d, errno %d came code %d, errno %d, %s", operation,
                      failure->code, failure->errnum, cimpl_stream_error_code (),
                      cimpl_stream_error_errno (), message);
      g_test_fail ();
    }
  cimpl_free (message);
}

static void
test_whole (gconstpointer user_data)
{
  const Stack *stack = user_data;

  for (guint i = 0; i < G_N_ELEMENTS (failures); i++)
    for (guint j = 0; j < G_N_ELEMENTS (operations); j++)
      {
        const Failure *failure = NULL;
        g_autoptr (CimplStream) base = base_new (&failure);
        g_autoptr (CimplStream) stream = stack->over (base);

        if (operations[j].needs_position && !stack->has_one_position)
          continue;
        g_assert_cmpint (cimpl_stream_read (stream, (uint8_t[1]){ 0 }, 1), ==, 1);
        cimpl_stream_clear_error ();
        failure = &failures[i];
        g_assert_cmpint (operations[j].run (stream), ==, -1);
        assert_whole (&failures[i], operations[j].name);

        failure = NULL; /* what is dropped now has nothing to complain about */
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (stacks); i++)
    {
      g_autofree char *path = g_strconcat ("/errors/whole/", stacks[i].name, NULL);

      g_test_add_data_func (path, &stacks[i], test_whole);
    }
  return g_test_run ();
}
