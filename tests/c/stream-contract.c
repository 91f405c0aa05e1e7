/* SPDX-License-Identifier: MIT */

/* What every kind of stream promises: one set of cases for all of them. */

#include "stream-contract.h"

#include <string.h>

#define CONTENT "0123456789"

typedef struct
{
  const StreamContract *contract;
  TestBackend *backend;
  CimplStream *stream;
} Fixture;

typedef struct
{
  const char *name;
  void (*run) (Fixture *fixture);
} ContractCase;

typedef struct
{
  const StreamContract *contract;
  const ContractCase *contract_case;
} BoundCase;

/* One operation of each kind, for all that holds for each of them: TRUE if it succeeded. */
typedef gboolean (*Operation) (CimplStream *stream, GCancellable *cancellable, GError **error);

static gboolean
do_read (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  guint8 buffer[4];

  return cimpl_stream_try_read (stream, buffer, sizeof buffer, cancellable, error) >= 0;
}

static gboolean
do_read_bytes (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  g_autoptr (GBytes) bytes = cimpl_stream_try_read_bytes (stream, 4, cancellable, error);

  return bytes != NULL;
}

static gboolean
do_write (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  return cimpl_stream_try_write (stream, "abc", 3, cancellable, error) >= 0;
}

static gboolean
do_seek (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  return cimpl_stream_try_seek (stream, 3, CIMPL_SEEK_MODE_START, cancellable, error) >= 0;
}

static gboolean
do_get_size (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  return cimpl_stream_try_get_size (stream, cancellable, error) >= 0;
}

static gboolean
do_truncate (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  return cimpl_stream_try_truncate (stream, 5, cancellable, error);
}

static gboolean
do_read_to_end (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  g_autoptr (GBytes) bytes = cimpl_stream_try_read_to_end (stream, 100, cancellable, error);

  return bytes != NULL;
}

static gboolean
do_write_all (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  return cimpl_stream_try_write_all (stream, "abc", 3, NULL, cancellable, error);
}

static const struct
{
  TestOp op;
  Operation run;
} operations[] = {
  { TEST_READ, do_read },         { TEST_READ, do_read_bytes },
  { TEST_READ, do_read_to_end },  { TEST_WRITE, do_write },
  { TEST_WRITE, do_write_all },   { TEST_SEEK, do_seek },
  { TEST_SEEK, do_get_size },     { TEST_FLUSH, cimpl_stream_try_flush },
  { TEST_TRUNCATE, do_truncate },
};

static guint
count_calls (TestBackend *backend)
{
  guint sum = 0;

  for (guint op = 0; op < TEST_N_OPS; op++)
    sum += backend->calls[op];
  return sum;
}

/* The operations that a kind of stream has, one after the other: FALSE after the last one. */
static gboolean
next_operation (Fixture *fixture, gsize *i)
{
  do
    ++*i;
  while (*i < G_N_ELEMENTS (operations) && operations[*i].op == TEST_TRUNCATE
         && fixture->contract->cannot_truncate);
  return *i < G_N_ELEMENTS (operations);
}

/* Sees to it that each operation is a call of the backend. */
static void
prepare (Fixture *fixture)
{
  CimplStream *stream = fixture->stream;

  if (!fixture->contract->knows_position)
    return;
  g_assert_cmpint (cimpl_stream_try_seek (stream, 9, CIMPL_SEEK_MODE_START, NULL, NULL), ==, 9);
  g_assert_true (cimpl_stream_try_flush (stream, NULL, NULL));
}

/* An operation, with what it leaves for later. */
static gboolean
perform (Fixture *fixture, gsize i, GError **error)
{
  if (!operations[i].run (fixture->stream, NULL, error))
    return FALSE;
  if (fixture->contract->knows_position && operations[i].op == TEST_WRITE)
    return cimpl_stream_try_flush (fixture->stream, NULL, error);
  return TRUE;
}

#define FOR_EACH_OPERATION(fixture, i) for (gsize i = (gsize) -1; next_operation (fixture, &i);)

static guint
expected_closes (Fixture *fixture)
{
  return fixture->contract->cannot_close ? 0 : 1;
}

static void
assert_content (Fixture *fixture, CimplStream *stream, TestBackend *backend, const char *expected)
{
  if (fixture->contract->fetch != NULL)
    fixture->contract->fetch (stream, backend);
  test_backend_assert_content (backend, expected);
}

static void
assert_position (Fixture *fixture, gint64 expected)
{
  g_assert_cmpint (cimpl_stream_try_tell (fixture->stream, NULL, NULL), ==, expected);
}

static void
assert_failed (CimplStream *stream, CimplStreamError code)
{
  g_autoptr (GError) failure = cimpl_stream_dup_failure (stream);

  if (code == CIMPL_STREAM_ERROR_OK)
    g_assert_no_error (failure);
  else
    g_assert_error (failure, CIMPL_STREAM_ERROR, (gint) code);
  g_assert_cmpint (cimpl_stream_failed (stream), ==, (gint) code);
}

/* Reading */

static void
test_read (Fixture *fixture)
{
  char buffer[100];

  g_assert_cmpint (cimpl_stream_try_read (fixture->stream, buffer, 4, NULL, NULL), ==, 4);
  g_assert_cmpmem (buffer, 4, "0123", 4);
  if (fixture->contract->buffers)
    g_assert_true (cimpl_stream_try_flush (fixture->stream, NULL, NULL));
  fixture->backend->max_transfer = 2;
  g_assert_cmpint (cimpl_stream_try_read (fixture->stream, buffer, 100, NULL, NULL), ==, 2);
  g_assert_cmpmem (buffer, 2, "45", 2);
}

static void
test_read_end (Fixture *fixture)
{
  char buffer[100];
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (cimpl_stream_try_read (fixture->stream, buffer, 100, NULL, NULL), ==, 10);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GBytes) bytes = NULL;

      g_assert_cmpint (cimpl_stream_try_read (fixture->stream, buffer, 100, NULL, &error), ==, 0);
      g_assert_no_error (error);
      bytes = cimpl_stream_try_read_bytes (fixture->stream, 100, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (g_bytes_get_size (bytes), ==, 0);
    }
}

static void
test_read_bytes (Fixture *fixture)
{
  g_autoptr (GBytes) bytes = cimpl_stream_try_read_bytes (fixture->stream, 4, NULL, NULL);

  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), "0123", 4);
  assert_position (fixture, 4);
}

static void
test_read_nothing (Fixture *fixture)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (cimpl_stream_try_read (fixture->stream, NULL, 0, NULL, &error), ==, 0);
  g_assert_no_error (error);
  bytes = cimpl_stream_try_read_bytes (fixture->stream, 0, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_bytes_get_size (bytes), ==, 0);
  g_assert_cmpuint (count_calls (fixture->backend), ==, 0);
}

static void
test_read_too_large (Fixture *fixture)
{
  char byte = 'x';
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (
      cimpl_stream_try_read (fixture->stream, &byte, (gsize) G_MAXSSIZE + 1, NULL, &error), ==, -1);
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_BUFFER);
  g_clear_error (&error);
  g_assert_false (
      cimpl_stream_try_read_all (fixture->stream, &byte, G_MAXSIZE, NULL, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_BUFFER);
  g_assert_cmpint (byte, ==, 'x');
  g_assert_cmpuint (count_calls (fixture->backend), ==, 0);
}

static void
test_read_all (Fixture *fixture)
{
  char buffer[20];
  gsize n_read = 99;

  fixture->backend->max_transfer = 3;
  g_assert_true (cimpl_stream_try_read_all (fixture->stream, buffer, 8, &n_read, NULL, NULL));
  g_assert_cmpmem (buffer, n_read, "01234567", 8);
  g_assert_true (cimpl_stream_try_read_all (fixture->stream, buffer, 20, &n_read, NULL, NULL));
  g_assert_cmpmem (buffer, n_read, "89", 2);
}

static void
fail_from_second_call_on (TestBackend *backend, gpointer user_data)
{
  const TestOp *op = user_data;

  if (backend->calls[*op] < 2)
    return;
  backend->fault_op = *op;
  backend->fault = TEST_FAULT_ERROR;
}

static void
test_read_all_fails_midway (Fixture *fixture)
{
  TestOp op = TEST_READ;
  char buffer[20];
  gsize n_read = 99;
  g_autoptr (GError) error = NULL;

  fixture->backend->max_transfer = 3;
  fixture->backend->hook = fail_from_second_call_on;
  fixture->backend->hook_data = &op;
  g_assert_false (cimpl_stream_try_read_all (fixture->stream, buffer, 8, &n_read, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_cmpstr (error->message, ==, "Read 3 bytes, then: " TEST_FAULT_MESSAGE);
  g_assert_cmpmem (buffer, n_read, "012", 3);
}

static void
test_read_to_end (Fixture *fixture)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;

  fixture->backend->max_transfer = 3;
  bytes = cimpl_stream_try_read_to_end (fixture->stream, 10, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), CONTENT, 10);
}

static void
test_read_to_end_limit (Fixture *fixture)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;

  bytes = cimpl_stream_try_read_to_end (fixture->stream, 9, NULL, &error);
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_null (bytes);
}

/* Writing */

static void
test_write (Fixture *fixture)
{
  g_assert_cmpint (cimpl_stream_try_write (fixture->stream, "abc", 3, NULL, NULL), ==, 3);
  fixture->backend->max_transfer = 1;
  if (fixture->contract->buffers)
    {
      g_assert_cmpint (cimpl_stream_try_write (fixture->stream, "d", 1, NULL, NULL), ==, 1);
      g_assert_cmpuint (fixture->backend->calls[TEST_WRITE], ==, 0);
    }
  else
    g_assert_cmpint (cimpl_stream_try_write (fixture->stream, "def", 3, NULL, NULL), ==, 1);
  assert_position (fixture, 4);
  g_assert_true (cimpl_stream_try_flush (fixture->stream, NULL, NULL));
  assert_content (fixture, fixture->stream, fixture->backend, "abcd456789");
}

static void
test_write_bytes (Fixture *fixture)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("abc", 3);

  g_assert_cmpint (cimpl_stream_try_write_bytes (fixture->stream, bytes, NULL, NULL), ==, 3);
  g_assert_true (cimpl_stream_try_flush (fixture->stream, NULL, NULL));
  assert_content (fixture, fixture->stream, fixture->backend, "abc3456789");
}

static void
test_write_nothing (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (cimpl_stream_try_write (fixture->stream, NULL, 0, NULL, &error), ==, 0);
  g_assert_no_error (error);
  g_assert_cmpint (
      cimpl_stream_try_write (fixture->stream, "", (gsize) G_MAXSSIZE + 1, NULL, &error), ==, -1);
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_BUFFER);
  g_assert_cmpuint (count_calls (fixture->backend), ==, 0);
}

static void
test_write_all (Fixture *fixture)
{
  gsize n_written = 99;

  fixture->backend->max_transfer = 2;
  g_assert_true (
      cimpl_stream_try_write_all (fixture->stream, "abcdefg", 7, &n_written, NULL, NULL));
  g_assert_cmpuint (n_written, ==, 7);
  g_assert_true (cimpl_stream_try_flush (fixture->stream, NULL, NULL));
  assert_content (fixture, fixture->stream, fixture->backend, "abcdefg789");
}

static void
take_one_byte_only_once (TestBackend *backend, gpointer user_data)
{
  backend->max_transfer = backend->calls[TEST_WRITE] < 2 ? 1 : 0;
}

static void
test_write_all_without_progress (Fixture *fixture)
{
  gsize n_written = 99;
  g_autoptr (GError) error = NULL;

  fixture->backend->hook = take_one_byte_only_once;
  if (fixture->contract->buffers)
    {
      g_assert_true (
          cimpl_stream_try_write_all (fixture->stream, "abc", 3, &n_written, NULL, NULL));
      g_assert_false (cimpl_stream_try_flush (fixture->stream, NULL, &error));
      g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_IO_OPERATION);
      return;
    }
  g_assert_false (cimpl_stream_try_write_all (fixture->stream, "abc", 3, &n_written, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_IO_OPERATION);
  g_assert_true (g_str_has_prefix (error->message, "Wrote 1 bytes, then: "));
  g_assert_cmpuint (n_written, ==, 1);
}

/* Seeking and sizes */

static void
test_seek (Fixture *fixture)
{
  static const struct
  {
    gint64 start;
    gint64 offset;
    CimplSeekMode mode;
    gint64 expected; /* -1: fails, and the position stays */
  } rows[] = {
    { 3, 5, CIMPL_SEEK_MODE_START, 5 },     { 3, 5, CIMPL_SEEK_MODE_CURRENT, 8 },
    { 3, -3, CIMPL_SEEK_MODE_CURRENT, 0 },  { 3, -4, CIMPL_SEEK_MODE_END, 6 },
    { 3, 0, CIMPL_SEEK_MODE_END, 10 },      { 3, 7, CIMPL_SEEK_MODE_END, 17 },
    { 3, -4, CIMPL_SEEK_MODE_CURRENT, -1 }, { 3, -11, CIMPL_SEEK_MODE_END, -1 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      gint64 position;

      g_test_message ("row %" G_GSIZE_FORMAT, i);
      g_assert_cmpint (
          cimpl_stream_try_seek (fixture->stream, rows[i].start, CIMPL_SEEK_MODE_START, NULL, NULL),
          ==, rows[i].start);
      position
          = cimpl_stream_try_seek (fixture->stream, rows[i].offset, rows[i].mode, NULL, &error);
      g_assert_cmpint (position, ==, rows[i].expected);
      g_assert_true ((error == NULL) == (position >= 0));
      assert_position (fixture, position >= 0 ? position : rows[i].start);
    }
}

static void
test_seek_refused (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (cimpl_stream_try_seek (fixture->stream, -1, CIMPL_SEEK_MODE_START, NULL, &error),
                   ==, -1);
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_cmpint (cimpl_stream_try_seek (fixture->stream, 0, (CimplSeekMode) 3, NULL, &error), ==,
                   -1);
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_false (cimpl_stream_try_truncate (fixture->stream, -1, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_ARGUMENT);
  g_assert_cmpuint (count_calls (fixture->backend), ==, 0);
}

static void
test_size (Fixture *fixture)
{
  g_assert_cmpint (cimpl_stream_try_seek (fixture->stream, 4, CIMPL_SEEK_MODE_START, NULL, NULL),
                   ==, 4);
  g_assert_cmpint (cimpl_stream_try_get_size (fixture->stream, NULL, NULL), ==, 10);
  assert_position (fixture, 4);
}

static void
test_truncate (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  if (fixture->contract->cannot_truncate)
    {
      g_assert_false (cimpl_stream_try_truncate (fixture->stream, 2, NULL, &error));
      g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NOT_SUPPORTED);
      return;
    }
  g_assert_cmpint (cimpl_stream_try_seek (fixture->stream, 4, CIMPL_SEEK_MODE_START, NULL, NULL),
                   ==, 4);
  g_assert_true (cimpl_stream_try_truncate (fixture->stream, 2, NULL, NULL));
  assert_content (fixture, fixture->stream, fixture->backend, "01");
  assert_position (fixture, 4);
}

static void
test_flags (Fixture *fixture)
{
  CimplStreamFlags expected = CIMPL_STREAM_READABLE | CIMPL_STREAM_WRITABLE | CIMPL_STREAM_SEEKABLE;
  CimplStreamFlags flags = 0;
  g_autoptr (GError) error = NULL;

  if (!fixture->contract->cannot_truncate)
    expected |= CIMPL_STREAM_TRUNCATABLE;
  g_assert_true (cimpl_stream_try_get_flags (fixture->stream, &flags, NULL));
  g_assert_cmpuint (flags, ==, expected);
  g_assert_true (cimpl_stream_try_close (fixture->stream, NULL, NULL));
  g_assert_false (cimpl_stream_try_get_flags (fixture->stream, &flags, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CLOSED);
}

/* Failures */

static void
test_error_passes (Fixture *fixture)
{
  static const CimplStreamError codes[] = {
    CIMPL_STREAM_ERROR_NO_SPACE,
    CIMPL_STREAM_ERROR_WOULD_BLOCK,
    CIMPL_STREAM_ERROR_IO_OPERATION,
  };

  FOR_EACH_OPERATION (fixture, i)
    for (gsize j = 0; j < G_N_ELEMENTS (codes); j++)
      {
        g_autoptr (GError) error = NULL;

        prepare (fixture);
        fixture->backend->fault_op = operations[i].op;
        fixture->backend->fault = TEST_FAULT_ERROR;
        fixture->backend->fault_lasts = TRUE; /* a buffer may take what would block */
        fixture->backend->code = codes[j];
        g_assert_false (perform (fixture, i, &error));
        g_assert_error (error, CIMPL_STREAM_ERROR, (gint) codes[j]);
        g_assert_true (g_str_has_suffix (error->message, TEST_FAULT_MESSAGE));
        g_clear_error (&error);
        fixture->backend->fault = TEST_FAULT_NONE;
        fixture->backend->fault_lasts = FALSE;

        g_assert_true (perform (fixture, i, &error));
        g_assert_no_error (error);
      }
}

static void
test_error_leaves_outputs (Fixture *fixture)
{
  CimplStream *stream = fixture->stream;
  CimplStreamFlags flags = CIMPL_STREAM_SEEKABLE;
  gint64 position;

  assert_position (fixture, 0);
  fixture->backend->fault = TEST_FAULT_ERROR;
  fixture->backend->fault_op = TEST_SEEK;
  position = cimpl_stream_try_seek (stream, 5, CIMPL_SEEK_MODE_START, NULL, NULL);
  g_assert_cmpint (position, ==, -1);
  assert_position (fixture, 0);

  g_assert_true (cimpl_stream_try_close (stream, NULL, NULL));
  g_assert_false (cimpl_stream_try_get_flags (stream, &flags, NULL));
  g_assert_cmpuint (flags, ==, CIMPL_STREAM_SEEKABLE);
}

static void
test_fault (Fixture *fixture, TestFault fault, CimplStreamError code, gboolean counts_only)
{
  FOR_EACH_OPERATION (fixture, i)
    {
      g_autoptr (GError) error = NULL;

      if (counts_only && operations[i].op != TEST_READ && operations[i].op != TEST_WRITE)
        continue;
      prepare (fixture);
      fixture->backend->fault_op = operations[i].op;
      fixture->backend->fault = fault;
      g_assert_false (perform (fixture, i, &error));
      g_assert_error (error, CIMPL_STREAM_ERROR, (gint) code);
    }
}

static void
test_silent_failure (Fixture *fixture)
{
  test_fault (fixture, TEST_FAULT_SILENT, fixture->contract->silent_code, FALSE);
}

static void
test_too_much (Fixture *fixture)
{
  test_fault (fixture, TEST_FAULT_TOO_MUCH, CIMPL_STREAM_ERROR_CALLBACK_CONTRACT, TRUE);
}

static void
test_negative (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  if (fixture->contract->counts_can_be_negative)
    test_fault (fixture, TEST_FAULT_NEGATIVE, CIMPL_STREAM_ERROR_CALLBACK_CONTRACT, TRUE);

  prepare (fixture);
  fixture->backend->fault_op = TEST_SEEK;
  fixture->backend->fault = TEST_FAULT_NEGATIVE;
  fixture->backend->fault_lasts = TRUE; /* a stream of GIO is asked for its position afterwards */
  g_assert_false (do_seek (fixture->stream, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CALLBACK_CONTRACT);
}

static void
test_untouched (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  if (!fixture->contract->can_be_untouched)
    {
      g_test_skip ("this kind of stream always has a result");
      return;
    }
  test_fault (fixture, TEST_FAULT_UNTOUCHED, CIMPL_STREAM_ERROR_CALLBACK_CONTRACT, TRUE);

  prepare (fixture);
  fixture->backend->fault_op = TEST_SEEK;
  fixture->backend->fault = TEST_FAULT_UNTOUCHED;
  g_assert_false (do_seek (fixture->stream, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CALLBACK_CONTRACT);
}

static void
test_size_goes_back_after_error (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  TestOp op = TEST_SEEK;

  g_assert_cmpint (cimpl_stream_try_seek (fixture->stream, 4, CIMPL_SEEK_MODE_START, NULL, NULL),
                   ==, 4);
  /* Asking for the position works, then not. */
  fixture->backend->calls[TEST_SEEK] = fixture->contract->knows_position ? 1 : 0;
  fixture->backend->hook = fail_from_second_call_on;
  fixture->backend->hook_data = &op;
  g_assert_cmpint (cimpl_stream_try_get_size (fixture->stream, NULL, &error), ==, -1);
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_cmpint (fixture->backend->position, ==, 4);
}

static void
test_cancelled (Fixture *fixture)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  g_cancellable_cancel (cancellable);
  FOR_EACH_OPERATION (fixture, i)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (operations[i].run (fixture->stream, cancellable, &error));
      g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CANCELLED);
    }
  g_assert_cmpuint (count_calls (fixture->backend), ==, 0);
}

/* Closing */

static void
test_close (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (cimpl_stream_is_closed (fixture->stream));
  g_assert_true (cimpl_stream_try_close (fixture->stream, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (cimpl_stream_is_closed (fixture->stream));
  g_assert_true (cimpl_stream_try_close (fixture->stream, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (fixture->backend->calls[TEST_CLOSE], ==, expected_closes (fixture));

  FOR_EACH_OPERATION (fixture, i)
    {
      g_assert_false (operations[i].run (fixture->stream, NULL, &error));
      g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CLOSED);
      g_clear_error (&error);
    }
  g_assert_cmpuint (count_calls (fixture->backend), ==, expected_closes (fixture));
}

static void
test_close_flushes_once (Fixture *fixture)
{
  g_assert_cmpint (cimpl_stream_try_write (fixture->stream, "a", 1, NULL, NULL), ==, 1);
  g_assert_true (cimpl_stream_try_close (fixture->stream, NULL, NULL));
  g_assert_cmpuint (fixture->backend->calls[TEST_FLUSH], ==, 1);
}

static void
test_close_does_not_flush_again (Fixture *fixture)
{
  g_assert_cmpint (cimpl_stream_try_write (fixture->stream, "a", 1, NULL, NULL), ==, 1);
  g_assert_true (cimpl_stream_try_flush (fixture->stream, NULL, NULL));
  g_assert_cmpint (cimpl_stream_try_seek (fixture->stream, 0, CIMPL_SEEK_MODE_START, NULL, NULL),
                   ==, 0);
  g_assert_true (cimpl_stream_try_close (fixture->stream, NULL, NULL));
  g_assert_cmpuint (fixture->backend->calls[TEST_FLUSH], ==, 1);
}

static void
test_close_with_failing_flush (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (cimpl_stream_try_write (fixture->stream, "a", 1, NULL, NULL), ==, 1);
  fixture->backend->fault_op = TEST_FLUSH;
  fixture->backend->fault = TEST_FAULT_ERROR;
  g_assert_false (cimpl_stream_try_close (fixture->stream, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_cmpuint (fixture->backend->calls[TEST_CLOSE], ==, expected_closes (fixture));
  g_assert_true (cimpl_stream_is_closed (fixture->stream));
  g_clear_error (&error);
  g_assert_true (cimpl_stream_try_close (fixture->stream, NULL, &error));
  g_assert_no_error (error);
}

static void
test_close_fails (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  if (fixture->contract->cannot_close)
    {
      g_test_skip ("this kind of stream has nothing that could fail");
      return;
    }
  fixture->backend->fault_op = TEST_CLOSE;
  fixture->backend->fault = TEST_FAULT_ERROR;
  g_assert_false (cimpl_stream_try_close (fixture->stream, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_true (cimpl_stream_is_closed (fixture->stream));
}

static void
test_drop (Fixture *fixture)
{
  g_assert_cmpint (cimpl_stream_try_write (fixture->stream, "a", 1, NULL, NULL), ==, 1);
  g_assert_finalize_object (g_steal_pointer (&fixture->stream));
  g_assert_cmpuint (fixture->backend->calls[TEST_FLUSH], ==, fixture->contract->borrows ? 0 : 1);
  g_assert_cmpuint (fixture->backend->calls[TEST_CLOSE], ==, expected_closes (fixture));
}

static void
test_drop_logs_failure (Fixture *fixture)
{
  if (fixture->contract->cannot_close)
    {
      g_test_skip ("this kind of stream has nothing that could fail");
      return;
    }
  fixture->backend->fault_op = TEST_CLOSE;
  fixture->backend->fault = TEST_FAULT_ERROR;
  g_test_expect_message ("CimplStream", G_LOG_LEVEL_WARNING, "*failed to close*on purpose*");
  g_assert_finalize_object (g_steal_pointer (&fixture->stream));
  g_test_assert_expected_messages ();
}

/* Two at once */

static void
assert_busy (TestBackend *backend, gpointer user_data)
{
  Fixture *fixture = user_data;
  CimplStreamFlags flags;
  g_autoptr (GError) error = NULL;

  FOR_EACH_OPERATION (fixture, i)
    {
      g_assert_false (operations[i].run (fixture->stream, NULL, &error));
      g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_BUSY);
      g_clear_error (&error);
    }
  g_assert_false (cimpl_stream_try_close (fixture->stream, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_BUSY);
  g_assert_false (cimpl_stream_is_closed (fixture->stream));
  g_assert_true (cimpl_stream_try_get_flags (fixture->stream, &flags, NULL));
}

static gpointer
assert_busy_thread (gpointer user_data)
{
  Fixture *fixture = user_data;

  assert_busy (fixture->backend, fixture);
  return NULL;
}

static void
assert_busy_in_thread (TestBackend *backend, gpointer user_data)
{
  g_thread_join (g_thread_new ("busy", assert_busy_thread, user_data));
}

static void
test_busy (Fixture *fixture, void (*hook) (TestBackend *backend, gpointer user_data))
{
  fixture->backend->hook = hook;
  fixture->backend->hook_data = fixture;
  FOR_EACH_OPERATION (fixture, i)
    {
      g_autoptr (GError) error = NULL;

      g_assert_true (operations[i].run (fixture->stream, NULL, &error));
      g_assert_no_error (error);
    }
  assert_failed (fixture->stream, CIMPL_STREAM_ERROR_BUSY);
  g_assert_true (cimpl_stream_try_close (fixture->stream, NULL, NULL));
}

static void
test_busy_inside (Fixture *fixture)
{
  test_busy (fixture, assert_busy);
}

static void
test_busy_thread (Fixture *fixture)
{
  test_busy (fixture, assert_busy_in_thread);
}

static void
drop_stream (TestBackend *backend, gpointer user_data)
{
  CimplStream **stream = user_data;

  g_clear_object (stream);
}

static void
test_drop_inside (Fixture *fixture)
{
  CimplStream *stream = g_steal_pointer (&fixture->stream);
  gpointer watched = stream;
  char buffer[4];

  g_object_add_weak_pointer (G_OBJECT (stream), &watched);
  fixture->backend->hook = drop_stream;
  fixture->backend->hook_data = &stream;
  g_assert_cmpint (cimpl_stream_try_read (stream, buffer, 4, NULL, NULL), ==, 4);
  g_assert_cmpmem (buffer, 4, "0123", 4);
  g_assert_null (watched);
  g_assert_cmpuint (fixture->backend->calls[TEST_CLOSE], ==, expected_closes (fixture));
}

/* Copying */

static void
test_copy (Fixture *fixture)
{
  g_autoptr (TestBackend) backend = test_backend_new ("");
  g_autoptr (CimplStream) target = fixture->contract->create (backend);
  gint64 n_copied = -1;

  fixture->backend->max_transfer = 3;
  backend->max_transfer = 2;
  g_assert_true (
      cimpl_stream_try_copy (fixture->stream, target, 7, NULL, NULL, &n_copied, NULL, NULL));
  g_assert_cmpint (n_copied, ==, 7);
  g_assert_true (
      cimpl_stream_try_copy (fixture->stream, target, -1, NULL, NULL, &n_copied, NULL, NULL));
  g_assert_cmpint (n_copied, ==, 3);
  g_assert_true (cimpl_stream_try_close (target, NULL, NULL));
  assert_content (fixture, target, backend, CONTENT);
}

static void
store_progress (goffset done, goffset total, gpointer user_data)
{
  goffset *progress = user_data;

  progress[0] = done;
  progress[1] = total;
}

static void
test_copy_fails_midway (Fixture *fixture)
{
  g_autoptr (TestBackend) backend = test_backend_new ("");
  g_autoptr (CimplStream) target = fixture->contract->create (backend);
  TestOp op = TEST_WRITE;
  goffset progress[2] = { -1, -1 };
  gint64 n_copied = -1;
  g_autoptr (GError) error = NULL;

  if (fixture->contract->buffers)
    {
      g_test_skip ("the target takes everything, and fails when it is flushed");
      return;
    }
  backend->max_transfer = 4;
  backend->hook = fail_from_second_call_on;
  backend->hook_data = &op;
  g_assert_false (cimpl_stream_try_copy (fixture->stream, target, -1, store_progress, progress,
                                         &n_copied, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_true (g_str_has_prefix (error->message, "Copied 4 bytes, then: "));
  g_assert_cmpint (n_copied, ==, 4);
  g_assert_cmpint (progress[0], ==, 4);
  g_assert_cmpint (progress[1], ==, 10);
  assert_position (fixture, 4); /* nothing is lost */
}

static void
say_something (TestBackend *backend, gpointer user_data)
{
  cimpl_stream_set_error (CIMPL_STREAM_ERROR_CANCELLED, "said by who succeeds");
}

/* What the source says and does not mean is not what the target fails with. */
static void
test_copy_keeps_errors_apart (Fixture *fixture)
{
  g_autoptr (TestBackend) backend = test_backend_new ("");
  g_autoptr (CimplStream) target = fixture->contract->create (backend);
  g_autoptr (GError) error = NULL;
  char byte;

  if (fixture->contract->buffers)
    {
      g_test_skip ("the target takes everything, and fails when it is flushed");
      return;
    }
  g_assert_cmpint (cimpl_stream_try_read (fixture->stream, &byte, 1, NULL, NULL), ==, 1);
  fixture->backend->hook = say_something;
  backend->fault_op = TEST_WRITE;
  backend->fault = TEST_FAULT_SILENT;
  g_assert_false (
      cimpl_stream_try_copy (fixture->stream, target, -1, NULL, NULL, NULL, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, (gint) fixture->contract->silent_code);
}

static void
test_copy_onto_itself (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (
      cimpl_stream_try_copy (fixture->stream, fixture->stream, -1, NULL, NULL, NULL, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_ARGUMENT);
}

/* The plain API on the same stream */

static void
test_plain (Fixture *fixture)
{
  CimplStream *stream = cimpl_stream_ref (fixture->stream);
  uint8_t buffer[4];

  g_assert_cmpint (cimpl_stream_read (stream, buffer, 4), ==, 4);
  g_assert_cmpint (cimpl_stream_write (stream, (const uint8_t *) "ab", 2), ==, 2);
  g_assert_cmpint (cimpl_stream_seek (stream, -1, CIMPL_SEEK_MODE_CURRENT), ==, 5);
  g_assert_cmpint (cimpl_stream_tell (stream), ==, 5);
  g_assert_cmpint (cimpl_stream_get_size (stream), ==, 10);
  g_assert_cmpint (cimpl_stream_flush (stream), ==, 0);
  assert_content (fixture, fixture->stream, fixture->backend, "0123ab6789");
  g_assert_cmpint (cimpl_stream_truncate (stream, 8), ==,
                   fixture->contract->cannot_truncate ? -1 : 0);

  g_assert_cmpint (cimpl_stream_close (stream), ==, 0);
  g_assert_cmpint (cimpl_stream_close (stream), ==, 0);
  g_assert_cmpint (cimpl_stream_read (stream, buffer, 4), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_CLOSED);
  g_assert_cmpint (cimpl_free (stream), ==, 0);
  g_assert_cmpint (cimpl_free (stream), ==, -1);
}

static void
test_plain_fails (Fixture *fixture)
{
  uint8_t buffer[4];

  fixture->backend->fault_op = TEST_READ;
  fixture->backend->fault = TEST_FAULT_ERROR;
  g_assert_cmpint (cimpl_stream_read (fixture->stream, buffer, 4), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_NO_SPACE);
}

/* What stays of a failure */

static void
fail_with (Fixture *fixture, gsize i, CimplStreamError code)
{
  g_autoptr (GError) error = NULL;

  prepare (fixture);
  fixture->backend->fault_op = operations[i].op;
  fixture->backend->fault = TEST_FAULT_ERROR;
  fixture->backend->fault_lasts = TRUE;
  fixture->backend->code = code;
  g_assert_false (perform (fixture, i, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, (gint) code);
  fixture->backend->fault = TEST_FAULT_NONE;
  fixture->backend->fault_lasts = FALSE;
}

static void
test_failure_stays (Fixture *fixture)
{
  CimplStream *stream = fixture->stream;

  FOR_EACH_OPERATION (fixture, i)
    {
      fail_with (fixture, i, CIMPL_STREAM_ERROR_NO_SPACE);
      FOR_EACH_OPERATION (fixture, j)
        g_assert_true (perform (fixture, j, NULL));
      fail_with (fixture, i, CIMPL_STREAM_ERROR_UNEXPECTED_EOF);
      assert_failed (stream, CIMPL_STREAM_ERROR_NO_SPACE);

      g_assert_cmpint (cimpl_stream_clear_failure (stream), ==, 0);
      assert_failed (stream, CIMPL_STREAM_ERROR_OK);
    }
  fail_with (fixture, 0, CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_true (cimpl_stream_try_close (stream, NULL, NULL));
  assert_failed (stream, CIMPL_STREAM_ERROR_NO_SPACE);
}

static void
test_failure_of_close (Fixture *fixture)
{
  if (fixture->contract->cannot_close)
    return;
  fixture->backend->fault_op = TEST_CLOSE;
  fixture->backend->fault = TEST_FAULT_ERROR;
  g_assert_false (cimpl_stream_try_close (fixture->stream, NULL, NULL));
  assert_failed (fixture->stream, CIMPL_STREAM_ERROR_NO_SPACE);
}

static void
test_failure_is_not (Fixture *fixture)
{
  static const CimplStreamError answers[]
      = { CIMPL_STREAM_ERROR_WOULD_BLOCK, CIMPL_STREAM_ERROR_NOT_SUPPORTED };
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  CimplStream *stream = fixture->stream;

  g_cancellable_cancel (cancelled);
  FOR_EACH_OPERATION (fixture, i)
    {
      for (gsize j = 0; j < G_N_ELEMENTS (answers); j++)
        if (j == 0 || operations[i].op == TEST_SEEK || operations[i].op == TEST_TRUNCATE)
          fail_with (fixture, i, answers[j]);
      g_assert_false (operations[i].run (stream, cancelled, NULL));
    }
  g_assert_cmpint (cimpl_stream_try_read (stream, "", (gsize) G_MAXSSIZE + 1, NULL, NULL), ==, -1);
  g_assert_cmpint (cimpl_stream_try_seek (stream, 0, (CimplSeekMode) 7, NULL, NULL), ==, -1);
  g_assert_cmpint (cimpl_stream_try_seek (stream, -1, CIMPL_SEEK_MODE_START, NULL, NULL), ==, -1);
  g_assert_false (cimpl_stream_try_truncate (stream, -1, NULL, NULL));
  assert_failed (stream, CIMPL_STREAM_ERROR_OK);
}

static void
test_failure_of_misuse (Fixture *fixture)
{
  CimplStream *stream = fixture->stream;

  g_assert_true (cimpl_stream_try_close (stream, NULL, NULL));
  assert_failed (stream, CIMPL_STREAM_ERROR_OK);
  FOR_EACH_OPERATION (fixture, i)
    {
      g_assert_false (operations[i].run (stream, NULL, NULL));
      assert_failed (stream, CIMPL_STREAM_ERROR_CLOSED);
      cimpl_stream_clear_failure (stream);
    }
}

static const ContractCase cases[] = {
  { "read/end", test_read_end },
  { "read/bytes", test_read_bytes },
  { "read/nothing", test_read_nothing },
  { "read/too-large", test_read_too_large },
  { "read/all", test_read_all },
  { "read/to-end", test_read_to_end },
  { "read/to-end-limit", test_read_to_end_limit },
  { "write/bytes", test_write_bytes },
  { "write/nothing", test_write_nothing },
  { "write/all", test_write_all },
  { "seek/rows", test_seek },
  { "seek/refused", test_seek_refused },
  { "size", test_size },
  { "truncate", test_truncate },
  { "flags", test_flags },
  { "cancelled", test_cancelled },
  { "close", test_close },
  { "copy", test_copy },
  { "copy/onto-itself", test_copy_onto_itself },
  { "plain", test_plain },
  { "failure/of-misuse", test_failure_of_misuse },
};

/* Those that need a backend which fails, is slow or counts. */
static const ContractCase backend_cases[] = {
  { "read/short", test_read },
  { "read/all-fails-midway", test_read_all_fails_midway },
  { "write/short", test_write },
  { "write/all-without-progress", test_write_all_without_progress },
  { "size/goes-back-after-error", test_size_goes_back_after_error },
  { "error/passes", test_error_passes },
  { "error/leaves-outputs", test_error_leaves_outputs },
  { "error/silent", test_silent_failure },
  { "error/too-much", test_too_much },
  { "error/negative", test_negative },
  { "error/untouched", test_untouched },
  { "close/flushes-once", test_close_flushes_once },
  { "close/does-not-flush-again", test_close_does_not_flush_again },
  { "close/with-failing-flush", test_close_with_failing_flush },
  { "close/fails", test_close_fails },
  { "drop", test_drop },
  { "drop/logs-failure", test_drop_logs_failure },
  { "drop/inside", test_drop_inside },
  { "busy/inside", test_busy_inside },
  { "busy/thread", test_busy_thread },
  { "copy/fails-midway", test_copy_fails_midway },
  { "copy/keeps-errors-apart", test_copy_keeps_errors_apart },
  { "plain/fails", test_plain_fails },
  { "failure/stays", test_failure_stays },
  { "failure/of-close", test_failure_of_close },
  { "failure/is-not", test_failure_is_not },
};

static void
run_case (gconstpointer user_data)
{
  const BoundCase *bound = user_data;
  Fixture fixture = { bound->contract, test_backend_new (CONTENT), NULL };

  fixture.stream = fixture.contract->create (fixture.backend);
  bound->contract_case->run (&fixture);

  fixture.backend->hook = NULL;
  fixture.backend->fault = TEST_FAULT_NONE;
  fixture.backend->max_transfer = G_MAXSIZE;
  if (fixture.stream != NULL)
    g_assert_finalize_object (fixture.stream);
  g_assert_cmpuint (fixture.backend->calls[TEST_CLOSE], ==, expected_closes (&fixture));
  test_backend_free (fixture.backend);
}

/* (owned): for good, as tests that end in a child process could not free them. */
static GSList *bound_cases;

static void
add_case (const StreamContract *contract, const ContractCase *contract_case)
{
  g_autofree char *path = g_strdup_printf ("/%s/contract/%s", contract->name, contract_case->name);
  BoundCase *bound = g_new (BoundCase, 1);

  *bound = (BoundCase){ contract, contract_case };
  bound_cases = g_slist_prepend (bound_cases, bound);
  g_test_add_data_func (path, bound, run_case);
}

void
stream_contract_add_tests (const StreamContract *contract)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    add_case (contract, &cases[i]);
  for (gsize i = 0; contract->fetch == NULL && i < G_N_ELEMENTS (backend_cases); i++)
    add_case (contract, &backend_cases[i]);
}
