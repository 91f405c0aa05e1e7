/* SPDX-License-Identifier: MIT */

/*
 * A program like those written for the published cimpl_stream library: it knows that API from its
 * own declarations, includes no header of ours, and is linked with the shared library only.
 */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

/* What such a program takes for granted: these names, types and numbers. */

typedef struct CimplStream CimplStream;
typedef struct CimplStreamContext CimplStreamContext;

typedef enum
{
  FROM_START = 0,
  FROM_CURRENT = 1,
  FROM_END = 2
} SeekFrom;

enum
{
  NO_ERROR = 0,
  NULL_PARAMETER = 1,
  INVALID_HANDLE = 3,
  WRONG_HANDLE_TYPE = 4,
  IO_OPERATION = 100
};

typedef intptr_t (*Reader) (CimplStreamContext *context, uint8_t *data, size_t len);
typedef int64_t (*Seeker) (CimplStreamContext *context, int64_t offset, SeekFrom from);
typedef intptr_t (*Writer) (CimplStreamContext *context, const uint8_t *data, size_t len);
typedef int32_t (*Flusher) (CimplStreamContext *context);

extern CimplStream *cimpl_stream_new (CimplStreamContext *context,
                                      Reader reader,
                                      Seeker seeker,
                                      Writer writer,
                                      Flusher flusher);
extern intptr_t cimpl_stream_read (CimplStream *stream, uint8_t *buffer, size_t len);
extern intptr_t cimpl_stream_write (CimplStream *stream, const uint8_t *data, size_t len);
extern int64_t cimpl_stream_seek (CimplStream *stream, int64_t offset, SeekFrom from);
extern int32_t cimpl_stream_flush (CimplStream *stream);
extern char *cimpl_stream_last_error (void);
extern int32_t cimpl_stream_error_code (void);
extern void cimpl_stream_clear_error (void);
extern int32_t cimpl_free (void *pointer);

/* Its callbacks: a FILE in memory, and another one of which everything fails. */

#define CAPACITY 64

typedef struct
{
  uint8_t data[CAPACITY];
  size_t size;
  size_t position;
  guint n_flushes;
  gboolean is_gone;
} MemoryFile;

static MemoryFile *
get_file (CimplStreamContext *context)
{
  MemoryFile *file = (MemoryFile *) context;

  g_assert_false (file->is_gone);
  return file;
}

static intptr_t
memory_read (CimplStreamContext *context, uint8_t *data, size_t len)
{
  MemoryFile *file = get_file (context);
  size_t left = file->position < file->size ? file->size - file->position : 0;

  len = MIN (len, left);
  memcpy (data, file->data + file->position, len);
  file->position += len;
  return (intptr_t) len;
}

static int64_t
memory_seek (CimplStreamContext *context, int64_t offset, SeekFrom from)
{
  MemoryFile *file = get_file (context);
  int64_t position = offset;

  if (from == FROM_CURRENT)
    position += (int64_t) file->position;
  else if (from == FROM_END)
    position += (int64_t) file->size;
  else if (from != FROM_START)
    return -1;

  if (position < 0 || position > CAPACITY)
    return -1;
  file->position = (size_t) position;
  return position;
}

static intptr_t
memory_write (CimplStreamContext *context, const uint8_t *data, size_t len)
{
  MemoryFile *file = get_file (context);

  len = MIN (len, CAPACITY - file->position);
  memcpy (file->data + file->position, data, len);
  file->position += len;
  file->size = MAX (file->size, file->position);
  return (intptr_t) len;
}

static int32_t
memory_flush (CimplStreamContext *context)
{
  get_file (context)->n_flushes++;
  return 0;
}

static CimplStream *
memory_stream (MemoryFile *file)
{
  CimplStream *stream = cimpl_stream_new ((CimplStreamContext *) file, memory_read, memory_seek,
                                          memory_write, memory_flush);

  g_assert_nonnull (stream);
  return stream;
}

static intptr_t
fail_read (CimplStreamContext *context, uint8_t *data, size_t len)
{
  return -1;
}

static int64_t
fail_seek (CimplStreamContext *context, int64_t offset, SeekFrom from)
{
  return -1;
}

static intptr_t
fail_write (CimplStreamContext *context, const uint8_t *data, size_t len)
{
  return -1;
}

static int32_t
fail_flush (CimplStreamContext *context)
{
  return EOF; /* as fflush() does */
}

static CimplStream *
failing_stream (void)
{
  static char context;

  return cimpl_stream_new ((CimplStreamContext *) &context, fail_read, fail_seek, fail_write,
                           fail_flush);
}

static void
assert_last_error (int32_t code, const char *prefix)
{
  char *message = cimpl_stream_last_error ();

  g_assert_cmpint (cimpl_stream_error_code (), ==, code);
  g_assert_nonnull (message);
  if (!g_str_has_prefix (message, prefix))
    g_assert_cmpstr (message, ==, prefix);
  g_assert_cmpint (cimpl_free (message), ==, 0);
}

/* Each operation with the same signature, for the tables below. */

typedef int64_t (*Operation) (CimplStream *stream);

static int64_t
do_read (CimplStream *stream)
{
  uint8_t buffer[4];

  return cimpl_stream_read (stream, buffer, sizeof buffer);
}

static int64_t
do_read_nowhere (CimplStream *stream)
{
  return cimpl_stream_read (stream, NULL, 4);
}

static int64_t
do_write (CimplStream *stream)
{
  return cimpl_stream_write (stream, (const uint8_t *) "data", 4);
}

static int64_t
do_write_nothing (CimplStream *stream)
{
  return cimpl_stream_write (stream, NULL, 4);
}

static int64_t
do_seek (CimplStream *stream)
{
  return cimpl_stream_seek (stream, 0, FROM_START);
}

static int64_t
do_flush (CimplStream *stream)
{
  return cimpl_stream_flush (stream);
}

/* The tests */

static void
test_use (void)
{
  MemoryFile file = { 0 };
  CimplStream *stream = memory_stream (&file);
  uint8_t buffer[CAPACITY];

  cimpl_stream_clear_error ();
  g_assert_cmpint (cimpl_stream_write (stream, (const uint8_t *) "Hello, stream", 13), ==, 13);
  g_assert_cmpint (cimpl_stream_flush (stream), ==, 0);
  g_assert_cmpuint (file.n_flushes, ==, 1);

  g_assert_cmpint (cimpl_stream_seek (stream, 0, FROM_START), ==, 0);
  g_assert_cmpint (cimpl_stream_read (stream, buffer, sizeof buffer), ==, 13);
  g_assert_cmpmem (buffer, 13, "Hello, stream", 13);
  g_assert_cmpint (cimpl_stream_read (stream, buffer, sizeof buffer), ==, 0);

  g_assert_cmpint (cimpl_stream_seek (stream, -6, FROM_END), ==, 7);
  g_assert_cmpint (cimpl_stream_read (stream, buffer, 3), ==, 3);
  g_assert_cmpmem (buffer, 3, "str", 3);
  g_assert_cmpint (cimpl_stream_seek (stream, -1, FROM_CURRENT), ==, 9);
  g_assert_cmpint (cimpl_stream_seek (stream, 2, FROM_CURRENT), ==, 11);
  g_assert_cmpint (cimpl_stream_write (stream, (const uint8_t *) "ks", 2), ==, 2);
  g_assert_cmpuint (file.size, ==, 13);
  g_assert_cmpmem (file.data, 13, "Hello, streks", 13);

  /* A full device: the write is short, as fwrite() would say. */
  g_assert_cmpint (cimpl_stream_seek (stream, CAPACITY - 2, FROM_START), ==, CAPACITY - 2);
  g_assert_cmpint (cimpl_stream_write (stream, (const uint8_t *) "1234", 4), ==, 2);

  g_assert_cmpint (cimpl_stream_error_code (), ==, NO_ERROR);
  g_assert_cmpint (cimpl_free (stream), ==, 0);
}

static void
test_new_null (void)
{
  g_assert_null (cimpl_stream_new (NULL, memory_read, memory_seek, memory_write, memory_flush));
  assert_last_error (NULL_PARAMETER, "NullParameter: context");
}

typedef struct
{
  const char *name;
  Operation operation;
  const char *message;
} FailureCase;

static const FailureCase null_stream_cases[] = {
  { "read", do_read, "NullParameter: stream" },
  { "read-nowhere", do_read_nowhere, "NullParameter: stream" },
  { "write", do_write, "NullParameter: stream" },
  { "write-nothing", do_write_nothing, "NullParameter: stream" },
  { "seek", do_seek, "NullParameter: stream" },
  { "flush", do_flush, "NullParameter: stream" },
};

static void
test_null_stream (gconstpointer user_data)
{
  const FailureCase *test = user_data;

  g_assert_cmpint (test->operation (NULL), ==, -1);
  assert_last_error (NULL_PARAMETER, test->message);
}

static const FailureCase null_buffer_cases[] = {
  { "read", do_read_nowhere, "NullParameter: buffer" },
  { "write", do_write_nothing, "NullParameter: data" },
};

static void
test_null_buffer (gconstpointer user_data)
{
  const FailureCase *test = user_data;
  MemoryFile file = { 0 };
  CimplStream *stream = memory_stream (&file);

  g_assert_cmpint (test->operation (stream), ==, -1);
  assert_last_error (NULL_PARAMETER, test->message);
  g_assert_cmpint (cimpl_free (stream), ==, 0);
}

static const FailureCase callback_cases[] = {
  { "read", do_read, "IoError: Read callback returned error" },
  { "write", do_write, "IoError: Write callback returned error" },
  { "seek", do_seek, "IoError: Seek callback returned error" },
  { "flush", do_flush, "IoError: Flush callback returned error" },
};

static void
test_callback (gconstpointer user_data)
{
  const FailureCase *test = user_data;
  CimplStream *stream = failing_stream ();

  g_assert_cmpint (test->operation (stream), ==, -1);
  assert_last_error (IO_OPERATION, test->message);
  g_assert_cmpint (cimpl_free (stream), ==, 0);
}

static int32_t
fail_flush_otherwise (CimplStreamContext *context)
{
  return 1;
}

static void
test_flush_not_zero (void)
{
  MemoryFile file = { 0 };
  CimplStream *stream = cimpl_stream_new ((CimplStreamContext *) &file, memory_read, memory_seek,
                                          memory_write, fail_flush_otherwise);

  g_test_summary ("Whatever is not 0 from a flusher is a failure, also what is not negative");

  cimpl_stream_clear_error ();
  g_assert_cmpint (cimpl_stream_flush (stream), !=, 0);
  g_assert_cmpint (cimpl_stream_error_code (), !=, NO_ERROR);
  g_assert_cmpint (cimpl_free (stream), ==, 0);
}

static void
test_error_stays (void)
{
  MemoryFile file = { 0 };
  CimplStream *stream = memory_stream (&file);

  g_test_summary ("Success leaves the last error alone, and only clearing it makes it NULL");

  g_assert_cmpint (cimpl_stream_flush (NULL), ==, -1);
  g_assert_cmpint (cimpl_stream_flush (stream), ==, 0);
  assert_last_error (NULL_PARAMETER, "NullParameter: stream");
  assert_last_error (NULL_PARAMETER, "NullParameter: stream");

  cimpl_stream_clear_error ();
  g_assert_cmpint (cimpl_stream_error_code (), ==, NO_ERROR);
  g_assert_null (cimpl_stream_last_error ());
  g_assert_cmpint (cimpl_free (stream), ==, 0);
}

static void
test_error_copies (void)
{
  char *first;
  char *second;

  g_test_summary ("Each message is the caller's own, and outlives the error");

  g_assert_cmpint (cimpl_stream_flush (NULL), ==, -1);
  first = cimpl_stream_last_error ();
  second = cimpl_stream_last_error ();
  cimpl_stream_clear_error ();

  g_assert_true (first != second);
  g_assert_cmpint (cimpl_free (first), ==, 0);
  g_assert_true (g_str_has_prefix (second, "NullParameter: stream"));
  g_assert_cmpint (cimpl_free (second), ==, 0);
}

static gpointer
look_for_error (gpointer user_data)
{
  return GINT_TO_POINTER (cimpl_stream_error_code ());
}

static void
test_error_of_thread (void)
{
  GThread *thread;

  g_assert_cmpint (cimpl_stream_flush (NULL), ==, -1);
  thread = g_thread_new ("look", look_for_error, NULL);
  g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (thread)), ==, NO_ERROR);
  assert_last_error (NULL_PARAMETER, "NullParameter: stream");
}

static void
test_free_null (void)
{
  cimpl_stream_clear_error ();
  g_assert_cmpint (cimpl_free (NULL), ==, 0);
  g_assert_cmpint (cimpl_stream_error_code (), ==, NO_ERROR);
}

static void
test_free_stream_twice (void)
{
  MemoryFile file = { 0 };
  CimplStream *stream = memory_stream (&file);

  g_assert_cmpint (cimpl_free (stream), ==, 0);
  g_assert_cmpint (cimpl_free (stream), ==, -1);
  assert_last_error (INVALID_HANDLE, "InvalidHandle: ");
}

static void
test_free_string_twice (void)
{
  char *message;

  g_assert_cmpint (cimpl_stream_flush (NULL), ==, -1);
  message = cimpl_stream_last_error ();
  g_assert_cmpint (cimpl_free (message), ==, 0);
  g_assert_cmpint (cimpl_free (message), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, INVALID_HANDLE);
}

static void
test_free_foreign (void)
{
  char *foreign = g_strdup ("not from the library");

  g_test_summary ("The published Python binding frees a copy of each message, which is not ours");

  g_assert_cmpint (cimpl_free (foreign), ==, -1);
  assert_last_error (INVALID_HANDLE, "InvalidHandle: ");
  g_assert_cmpstr (foreign, ==, "not from the library");
  g_free (foreign);
}

static const FailureCase operation_cases[] = {
  { "read", do_read, NULL },
  { "write", do_write, NULL },
  { "seek", do_seek, NULL },
  { "flush", do_flush, NULL },
};

/* Freeing a stream calls nothing, also when data was not flushed. */
static void
test_free_after_context (gconstpointer user_data)
{
  const FailureCase *test = user_data;
  MemoryFile file = { 0 };
  CimplStream *stream = memory_stream (&file);

  g_assert_cmpint (test->operation (stream), >=, 0);
  file.is_gone = TRUE;
  g_assert_cmpint (cimpl_free (stream), ==, 0);
}

static void
test_use_after_free (gconstpointer user_data)
{
  const FailureCase *test = user_data;
  MemoryFile file = { 0 };
  CimplStream *stream = memory_stream (&file);

  g_assert_cmpint (cimpl_free (stream), ==, 0);
  g_assert_cmpint (test->operation (stream), ==, -1);
  assert_last_error (INVALID_HANDLE, "InvalidHandle: ");
}

static void
test_wrong_handle (gconstpointer user_data)
{
  const FailureCase *test = user_data;
  char *message;

  g_assert_cmpint (cimpl_stream_flush (NULL), ==, -1);
  message = cimpl_stream_last_error ();
  g_assert_cmpint (test->operation ((CimplStream *) message), ==, -1);
  assert_last_error (WRONG_HANDLE_TYPE, "WrongHandleType: ");
  g_assert_cmpint (cimpl_free (message), ==, 0);
}

static void
add_rows (const char *group, const FailureCase *rows, gsize n_rows, GTestDataFunc function)
{
  for (gsize i = 0; i < n_rows; i++)
    {
      g_autofree char *path = g_strdup_printf ("/published/%s/%s", group, rows[i].name);

      g_test_add_data_func (path, &rows[i], function);
    }
}

#define ADD_ROWS(group, rows, function) add_rows (group, rows, G_N_ELEMENTS (rows), function)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/published/use", test_use);
  g_test_add_func ("/published/new-null", test_new_null);
  ADD_ROWS ("null-stream", null_stream_cases, test_null_stream);
  ADD_ROWS ("null-buffer", null_buffer_cases, test_null_buffer);
  ADD_ROWS ("callback", callback_cases, test_callback);
  g_test_add_func ("/published/flush-not-zero", test_flush_not_zero);
  g_test_add_func ("/published/error/stays", test_error_stays);
  g_test_add_func ("/published/error/copies", test_error_copies);
  g_test_add_func ("/published/error/of-thread", test_error_of_thread);
  g_test_add_func ("/published/free/null", test_free_null);
  g_test_add_func ("/published/free/stream-twice", test_free_stream_twice);
  g_test_add_func ("/published/free/string-twice", test_free_string_twice);
  g_test_add_func ("/published/free/foreign", test_free_foreign);
  ADD_ROWS ("free/after-context", operation_cases, test_free_after_context);
  ADD_ROWS ("use-after-free", operation_cases, test_use_after_free);
  ADD_ROWS ("wrong-handle", operation_cases, test_wrong_handle);

  return g_test_run ();
}
