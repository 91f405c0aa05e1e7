/* SPDX-License-Identifier: MIT */

#include "base.h"
#include "operations.h"
#include "stream-contract.h"

#include <errno.h>

#define CONTENT "0123456789"

#define READ CIMPL_FAULT_OPERATION_READ
#define WRITE CIMPL_FAULT_OPERATION_WRITE
#define SEEK CIMPL_FAULT_OPERATION_SEEK
#define FLUSH CIMPL_FAULT_OPERATION_FLUSH
#define TRUNCATE CIMPL_FAULT_OPERATION_TRUNCATE
#define CLOSE CIMPL_FAULT_OPERATION_CLOSE
#define ANY CIMPL_FAULT_OPERATION_ANY
#define OPERATIONS CIMPL_FAULT_UNIT_OPERATIONS
#define BYTES CIMPL_FAULT_UNIT_BYTES

/* Without faults, it is a stream like any other. */

static CimplStream *
create (TestBackend *backend)
{
  g_autoptr (TestBase) base = test_base_new (backend);
  CimplStream *stream = cimpl_fault_stream_new (CIMPL_STREAM (base));

  g_object_set (stream, "close-base", TRUE, NULL);
  return stream;
}

static const StreamContract contract = {
  .name = "fault-stream",
  .create = create,
  .silent_code = CIMPL_STREAM_ERROR_CALLBACK_CONTRACT,
  .can_be_untouched = TRUE,
};

/* With faults */

typedef struct
{
  TestBackend *backend;
  CimplStream *stream;
  CimplFaultStream *faults; /* the same */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  fixture->backend = test_backend_new (CONTENT);
  fixture->stream = create (fixture->backend);
  fixture->faults = CIMPL_FAULT_STREAM (fixture->stream);
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  cimpl_fault_stream_clear (fixture->faults);
  g_assert_finalize_object (fixture->stream);
  test_backend_free (fixture->backend);
}

static gssize
read_some (Fixture *fixture, gsize count)
{
  char buffer[100];

  return cimpl_stream_try_read (fixture->stream, buffer, count, NULL, NULL);
}

static gssize
write_some (Fixture *fixture, gsize count)
{
  return cimpl_stream_try_write (fixture->stream, "abcdefghij", count, NULL, NULL);
}

static void
assert_read_fails (Fixture *fixture, CimplStreamError code)
{
  char buffer[4] = "abc";
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (cimpl_stream_try_read (fixture->stream, buffer, 4, NULL, &error), ==, -1);
  g_assert_error (error, CIMPL_STREAM_ERROR, (gint) code);
  g_assert_cmpstr (buffer, ==, "abc");
}

typedef struct
{
  const char *name;
  CimplFaultOperation operation;
  TestOp op;
  TestOperation run;
  const char *message;
} KindCase;

static const KindCase kinds[] = {
  { "read", READ, TEST_READ, test_do_read, "Injected failure of read 2" },
  { "read-bytes", READ, TEST_READ, test_do_read_bytes, "Injected failure of read 2" },
  { "write", WRITE, TEST_WRITE, test_do_write, "Injected failure of write 2" },
  { "seek", SEEK, TEST_SEEK, test_do_tell, "Injected failure of seek 2" },
  { "flush", FLUSH, TEST_FLUSH, cimpl_stream_try_flush, "Injected failure of flush 2" },
  { "truncate", TRUNCATE, TEST_TRUNCATE, test_do_truncate, "Injected failure of truncate 2" },
};

/* The second operation fails, without a trace in the base, and counts nevertheless. */
static void
test_kind (Fixture *fixture, gconstpointer user_data)
{
  const KindCase *kind = user_data;
  gint64 position;
  g_autoptr (GError) error = NULL;

  cimpl_fault_stream_add_error (fixture->faults, kind->operation, 1, OPERATIONS, 1,
                                CIMPL_STREAM_ERROR_NO_SPACE);
  cimpl_fault_stream_add_error (fixture->faults, ANY & ~kind->operation, 0, OPERATIONS, -1,
                                CIMPL_STREAM_ERROR_IO_OPERATION);

  g_assert_true (kind->run (fixture->stream, NULL, &error));
  g_assert_no_error (error);
  position = fixture->backend->position;
  g_assert_false (kind->run (fixture->stream, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_cmpstr (error->message, ==, kind->message);
  g_assert_cmpint (fixture->backend->position, ==, position);
  g_assert_cmpuint (fixture->backend->calls[kind->op], ==, 1);
  g_assert_true (kind->run (fixture->stream, NULL, NULL));

  g_assert_cmpuint (cimpl_fault_stream_get_n_operations (fixture->faults, kind->operation), ==, 3);
  g_assert_cmpuint (cimpl_fault_stream_get_n_operations (fixture->faults, ANY), ==, 3);
}

static void
test_after_operations (Fixture *fixture, gconstpointer user_data)
{
  g_assert_cmpint (read_some (fixture, 1), ==, 1);
  cimpl_fault_stream_add_error (fixture->faults, READ | FLUSH, 3, OPERATIONS, 1,
                                CIMPL_STREAM_ERROR_IO_OPERATION);
  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpint (write_some (fixture, 1), ==, 1);
      if (i == 1)
        g_assert_true (cimpl_stream_try_flush (fixture->stream, NULL, NULL));
      else
        g_assert_cmpint (read_some (fixture, 1), ==, 1);
    }
  assert_read_fails (fixture, CIMPL_STREAM_ERROR_IO_OPERATION);
  g_assert_cmpint (read_some (fixture, 1), ==, 1);
}

static void
test_times (Fixture *fixture, gconstpointer user_data)
{
  cimpl_fault_stream_add_error (fixture->faults, READ, 0, OPERATIONS, 0, CIMPL_STREAM_ERROR_OTHER);
  cimpl_fault_stream_add_error (fixture->faults, READ, 1, OPERATIONS, 2,
                                CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_cmpint (read_some (fixture, 1), ==, 1);
  assert_read_fails (fixture, CIMPL_STREAM_ERROR_NO_SPACE);
  assert_read_fails (fixture, CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_cmpint (read_some (fixture, 1), ==, 1);

  cimpl_fault_stream_add_error (fixture->faults, READ, 0, OPERATIONS, -1,
                                CIMPL_STREAM_ERROR_IO_OPERATION);
  for (guint i = 0; i < 5; i++)
    assert_read_fails (fixture, CIMPL_STREAM_ERROR_IO_OPERATION);
  cimpl_fault_stream_clear (fixture->faults);
  g_assert_cmpint (read_some (fixture, 1), ==, 1);
}

static void
test_never (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("What is not to come before the counters are full does not wrap around");
  g_assert_cmpint (read_some (fixture, 2), ==, 2);
  for (guint unit = OPERATIONS; unit <= BYTES; unit++)
    cimpl_fault_stream_add_error (fixture->faults, READ, G_MAXUINT64, (CimplFaultUnit) unit, -1,
                                  CIMPL_STREAM_ERROR_OTHER);
  g_assert_cmpint (read_some (fixture, 2), ==, 2);
}

static void
test_after_bytes_read (Fixture *fixture, gconstpointer user_data)
{
  g_assert_cmpint (read_some (fixture, 1), ==, 1);
  cimpl_fault_stream_add_error (fixture->faults, READ, 5, BYTES, 2, CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_cmpint (write_some (fixture, 1), ==, 1);
  g_assert_cmpint (read_some (fixture, 3), ==, 3);
  g_assert_cmpint (read_some (fixture, 100), ==, 2);
  g_assert_cmpint (cimpl_stream_try_tell (fixture->stream, NULL, NULL), ==, 7);
  for (guint i = 0; i < 2; i++)
    {
      assert_read_fails (fixture, CIMPL_STREAM_ERROR_NO_SPACE);
      g_assert_cmpint (fixture->backend->position, ==, 7);
    }
  g_assert_cmpint (read_some (fixture, 100), ==, 3);
}

static void
test_after_bytes_written (Fixture *fixture, gconstpointer user_data)
{
  gsize n_written;
  g_autoptr (GError) error = NULL;

  cimpl_fault_stream_add_error (fixture->faults, WRITE, 7, BYTES, 1, CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_false (
      cimpl_stream_try_write_all (fixture->stream, "abcdefghijkl", 12, &n_written, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_cmpuint (n_written, ==, 7);
  test_backend_assert_content (fixture->backend, "abcdefg789");
  g_assert_cmpint (write_some (fixture, 1), ==, 1);
}

static void
test_after_bytes_of_both (Fixture *fixture, gconstpointer user_data)
{
  cimpl_fault_stream_add_error (fixture->faults, ANY, 6, BYTES, 1, CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_cmpint (read_some (fixture, 4), ==, 4);
  g_assert_true (test_do_tell (fixture->stream, NULL, NULL));
  g_assert_cmpint (write_some (fixture, 4), ==, 2);
  g_assert_false (test_do_tell (fixture->stream, NULL, NULL));
  g_assert_cmpint (write_some (fixture, 4), ==, 4);
}

static void
test_after_bytes_of_others (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("What transfers nothing itself counts what reads and writes do, uncut");
  cimpl_fault_stream_add_error (fixture->faults, FLUSH, 6, BYTES, 1, CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_cmpint (read_some (fixture, 4), ==, 4);
  g_assert_true (cimpl_stream_try_flush (fixture->stream, NULL, NULL));
  g_assert_cmpint (write_some (fixture, 4), ==, 4);
  g_assert_false (cimpl_stream_try_flush (fixture->stream, NULL, NULL));
  g_assert_true (cimpl_stream_try_flush (fixture->stream, NULL, NULL));
}

static void
test_end_is_before (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("The data ends where the fault would be: nothing fails before somebody reads on");
  cimpl_fault_stream_add_error (fixture->faults, READ, 10, BYTES, 1, CIMPL_STREAM_ERROR_OTHER);
  g_assert_cmpint (read_some (fixture, 100), ==, 10);
  assert_read_fails (fixture, CIMPL_STREAM_ERROR_OTHER);
  g_assert_cmpint (read_some (fixture, 100), ==, 0);
}

static void
test_errno (Fixture *fixture, gconstpointer user_data)
{
  static const struct
  {
    gint errnum;
    CimplStreamError code;
  } cases[] = {
    { EIO, CIMPL_STREAM_ERROR_IO_OPERATION },
    { ENOSPC, CIMPL_STREAM_ERROR_NO_SPACE },
    { EAGAIN, CIMPL_STREAM_ERROR_WOULD_BLOCK },
  };
  CimplStream *plain = cimpl_stream_ref (fixture->stream);
  uint8_t buffer[4];

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      cimpl_fault_stream_add_errno (fixture->faults, READ, 0, OPERATIONS, 1, cases[i].errnum);
      g_assert_cmpint (cimpl_stream_read (plain, buffer, 4), ==, -1);
      g_assert_cmpint (cimpl_stream_error_code (), ==, (gint) cases[i].code);
      g_assert_cmpint (cimpl_stream_error_errno (), ==, cases[i].errnum);
    }
  cimpl_free (plain);
}

static void
test_unknown_code (Fixture *fixture, gconstpointer user_data)
{
  static const gint codes[] = { CIMPL_STREAM_ERROR_OK, -1, 99 };

  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      cimpl_fault_stream_add_error (fixture->faults, READ, 0, OPERATIONS, 1,
                                    (CimplStreamError) codes[i]);
      assert_read_fails (fixture, CIMPL_STREAM_ERROR_OTHER);
    }
}

static void
test_short_count (Fixture *fixture, gconstpointer user_data)
{
  cimpl_fault_stream_add_short_count (fixture->faults, ANY, 1, OPERATIONS, 4, 2);
  g_assert_cmpint (read_some (fixture, 3), ==, 3);
  g_assert_cmpint (read_some (fixture, 3), ==, 2);
  g_assert_cmpint (write_some (fixture, 3), ==, 2);
  g_assert_cmpint (write_some (fixture, 1), ==, 1);
  g_assert_true (test_do_tell (fixture->stream, NULL, NULL));
  g_assert_cmpint (write_some (fixture, 3), ==, 3);
  test_backend_assert_content (fixture->backend, "01234abaabc");
}

static void
test_no_count (Fixture *fixture, gconstpointer user_data)
{
  gsize n_written;
  g_autoptr (GError) error = NULL;

  cimpl_fault_stream_add_short_count (fixture->faults, ANY, 0, OPERATIONS, -1, 0);
  g_assert_cmpint (read_some (fixture, 3), ==, 0);
  g_assert_cmpint (write_some (fixture, 3), ==, 0);
  g_assert_false (cimpl_stream_try_write_all (fixture->stream, "abc", 3, &n_written, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_IO_OPERATION);
  g_assert_cmpuint (fixture->backend->calls[TEST_READ] + fixture->backend->calls[TEST_WRITE], ==,
                    0);
}

static void
test_delay (Fixture *fixture, gconstpointer user_data)
{
  gint64 start = g_get_monotonic_time ();

  for (guint i = 0; i < 2; i++)
    cimpl_fault_stream_add_delay (fixture->faults, READ, 0, OPERATIONS, 1, 10);
  g_assert_cmpint (read_some (fixture, 3), ==, 3);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 20 * 1000);

  /* What is delayed for weeks is another one. */
  cimpl_fault_stream_add_delay (fixture->faults, READ, 1, OPERATIONS, -1, G_MAXUINT);
  g_assert_cmpint (read_some (fixture, 3), ==, 3);
}

typedef struct
{
  CimplStream *stream;
  GCancellable *cancellable;
  GError *error;
} Reader;

static gpointer
run_reader (gpointer user_data)
{
  Reader *reader = user_data;

  g_assert_false (test_do_read (reader->stream, reader->cancellable, &reader->error));
  return NULL;
}

static void
test_delay_is_cancelled (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Reader reader = { fixture->stream, cancellable, NULL };
  GThread *thread;

  cimpl_fault_stream_add_delay (fixture->faults, READ, 0, OPERATIONS, 1, G_MAXUINT);
  cimpl_fault_stream_add_error (fixture->faults, READ, 0, OPERATIONS, 1, CIMPL_STREAM_ERROR_OTHER);
  thread = g_thread_new ("reader", run_reader, &reader);
  /* None of this waits for the delay. */
  while (cimpl_fault_stream_get_n_operations (fixture->faults, READ) == 0)
    g_usleep (50);
  cimpl_fault_stream_add_error (fixture->faults, READ, 0, OPERATIONS, 1,
                                CIMPL_STREAM_ERROR_NO_SPACE);
  g_cancellable_cancel (cancellable);

  g_thread_join (thread);
  g_assert_error (reader.error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CANCELLED);
  g_clear_error (&reader.error);
  g_assert_cmpuint (fixture->backend->calls[TEST_READ], ==, 0);
  assert_read_fails (fixture, CIMPL_STREAM_ERROR_NO_SPACE);
}

static void
test_too_much (Fixture *fixture, gconstpointer user_data)
{
  char buffer[8] = "abcdefg";
  g_autoptr (GError) error = NULL;

  cimpl_fault_stream_add_too_much (fixture->faults, ANY, 1, OPERATIONS, 3);
  g_assert_cmpint (cimpl_stream_try_tell (fixture->stream, NULL, NULL), ==, 0);
  g_assert_cmpint (cimpl_stream_try_tell (fixture->stream, NULL, NULL), ==, 0);

  g_assert_cmpint (cimpl_stream_try_read (fixture->stream, buffer, 4, NULL, &error), ==, -1);
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CALLBACK_CONTRACT);
  g_assert_cmpstr (error->message, ==,
                   "read of CimplFaultStream returned 5 bytes where at most 4 were asked for");
  g_assert_cmpstr (buffer, ==, "0123efg");
  g_clear_error (&error);

  g_assert_cmpint (cimpl_stream_try_write (fixture->stream, "abc", 3, NULL, &error), ==, -1);
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CALLBACK_CONTRACT);
  test_backend_assert_content (fixture->backend, "0123abc789");

  g_assert_cmpuint (cimpl_fault_stream_get_n_bytes (fixture->faults, READ), ==, 4);
  g_assert_cmpuint (cimpl_fault_stream_get_n_bytes (fixture->faults, WRITE), ==, 3);
  g_assert_cmpint (write_some (fixture, 3), ==, 3);
}

static void
test_many_at_once (Fixture *fixture, gconstpointer user_data)
{
  cimpl_fault_stream_add_short_count (fixture->faults, READ, 0, OPERATIONS, 2, 3);
  cimpl_fault_stream_add_error (fixture->faults, READ, 0, OPERATIONS, 1,
                                CIMPL_STREAM_ERROR_NO_SPACE);
  cimpl_fault_stream_add_error (fixture->faults, READ, 0, OPERATIONS, 2,
                                CIMPL_STREAM_ERROR_WOULD_BLOCK);
  cimpl_fault_stream_add_short_count (fixture->faults, READ, 0, OPERATIONS, 4, 1);
  cimpl_fault_stream_add_short_count (fixture->faults, READ, 0, OPERATIONS, 3, 2);
  assert_read_fails (fixture, CIMPL_STREAM_ERROR_NO_SPACE);
  assert_read_fails (fixture, CIMPL_STREAM_ERROR_WOULD_BLOCK);
  g_assert_cmpint (read_some (fixture, 100), ==, 1);
  g_assert_cmpint (read_some (fixture, 100), ==, 1);
  g_assert_cmpint (read_some (fixture, 100), ==, 8);
}

static void
test_counts (Fixture *fixture, gconstpointer user_data)
{
  g_assert_cmpint (read_some (fixture, 0), ==, 0);
  g_assert_cmpint (read_some (fixture, 4), ==, 4);
  g_assert_cmpint (write_some (fixture, 10), ==, 10);
  g_assert_cmpint (cimpl_stream_try_get_size (fixture->stream, NULL, NULL), ==, 14);
  g_assert_cmpint (read_some (fixture, 4), ==, 0);
  g_assert_true (test_do_truncate (fixture->stream, NULL, NULL));
  g_assert_true (cimpl_stream_try_close (fixture->stream, NULL, NULL));
  g_assert_cmpint (read_some (fixture, 4), ==, -1);

  g_assert_cmpuint (cimpl_fault_stream_get_n_operations (fixture->faults, READ), ==, 2);
  g_assert_cmpuint (cimpl_fault_stream_get_n_operations (fixture->faults, WRITE), ==, 1);
  g_assert_cmpuint (cimpl_fault_stream_get_n_operations (fixture->faults, SEEK), ==, 3);
  g_assert_cmpuint (cimpl_fault_stream_get_n_operations (fixture->faults, FLUSH | CLOSE), ==, 2);
  g_assert_cmpuint (cimpl_fault_stream_get_n_operations (fixture->faults, ANY), ==, 9);
  g_assert_cmpuint (cimpl_fault_stream_get_n_bytes (fixture->faults, READ), ==, 4);
  g_assert_cmpuint (cimpl_fault_stream_get_n_bytes (fixture->faults, WRITE | SEEK), ==, 10);
  g_assert_cmpuint (cimpl_fault_stream_get_n_bytes (fixture->faults, ANY), ==, 14);
  g_assert_cmpuint (cimpl_fault_stream_get_n_bytes (fixture->faults, FLUSH), ==, 14);
}

static void
test_close (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("What closes fails after it has closed all that is to be closed");
  g_assert_cmpint (write_some (fixture, 3), ==, 3);
  cimpl_fault_stream_add_error (fixture->faults, CLOSE, 0, OPERATIONS, 1,
                                CIMPL_STREAM_ERROR_NO_SPACE);
  fixture->backend->fault_op = TEST_CLOSE;
  fixture->backend->fault = TEST_FAULT_ERROR;
  fixture->backend->code = CIMPL_STREAM_ERROR_IO_OPERATION;
  g_assert_false (cimpl_stream_try_close (fixture->stream, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_cmpuint (fixture->backend->calls[TEST_FLUSH], ==, 1);
  g_assert_cmpuint (fixture->backend->calls[TEST_CLOSE], ==, 1);
  g_assert_true (cimpl_stream_is_closed (fixture->stream));
}

static void
test_close_and_base_fails (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  fixture->backend->fault_op = TEST_CLOSE;
  fixture->backend->fault = TEST_FAULT_ERROR;
  g_assert_false (cimpl_stream_try_close (fixture->stream, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_cmpstr (error->message, ==, TEST_FAULT_MESSAGE);
}

static void
test_flush_again (Fixture *fixture, gconstpointer user_data)
{
  g_assert_cmpint (write_some (fixture, 3), ==, 3);
  cimpl_fault_stream_add_error (fixture->faults, FLUSH, 0, OPERATIONS, 1,
                                CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_false (cimpl_stream_try_flush (fixture->stream, NULL, NULL));
  g_assert_cmpuint (fixture->backend->calls[TEST_FLUSH], ==, 0);
  g_assert_true (cimpl_stream_try_close (fixture->stream, NULL, NULL));
  g_assert_cmpuint (fixture->backend->calls[TEST_FLUSH], ==, 1);
}

/* Something of everything, as a test of its users has it. */
static gboolean
run_scenario (CimplStream *stream, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;
  gboolean success = cimpl_stream_try_write_all (stream, "abc", 3, NULL, NULL, error)
                     && cimpl_stream_try_truncate (stream, 5, NULL, error)
                     && cimpl_stream_try_seek (stream, 0, CIMPL_SEEK_MODE_START, NULL, error) == 0;

  if (success)
    bytes = cimpl_stream_try_read_to_end (stream, 100, NULL, error);
  return cimpl_stream_try_close (stream, NULL, bytes != NULL ? error : NULL) && bytes != NULL;
}

static void
test_each_in_turn (void)
{
  guint64 n_operations = 7; /* the end takes a read of its own, and closing a flush */

  for (guint64 after = 0; after <= n_operations; after++)
    for (gint times = -1; times <= 1; times += 2)
      {
        g_autoptr (TestBackend) backend = test_backend_new (CONTENT);
        CimplStream *stream = create (backend);
        g_autoptr (GError) error = NULL;

        cimpl_fault_stream_add_error (CIMPL_FAULT_STREAM (stream), ANY, after, OPERATIONS, times,
                                      CIMPL_STREAM_ERROR_IO_OPERATION);
        g_assert_true (run_scenario (stream, &error) == (after == n_operations));
        if (after < n_operations)
          g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_IO_OPERATION);
        g_assert_cmpuint (backend->calls[TEST_CLOSE], ==, 1);
        g_assert_finalize_object (stream);
      }
}

static gpointer
add_faults (gpointer user_data)
{
  CimplFaultStream *faults = user_data;

  for (guint i = 0; i < 1000; i++)
    {
      cimpl_fault_stream_add_error (faults, READ, i % 3, OPERATIONS, 1, CIMPL_STREAM_ERROR_OTHER);
      cimpl_fault_stream_add_short_count (faults, READ, 1, BYTES, 2, 1);
      if (i % 10 == 0)
        cimpl_fault_stream_clear (faults);
      g_assert_cmpuint (cimpl_fault_stream_get_n_bytes (faults, READ), ==, 0);
    }
  cimpl_fault_stream_clear (faults);
  return NULL;
}

static void
test_threads (Fixture *fixture, gconstpointer user_data)
{
  GThread *thread = g_thread_new ("faults", add_faults, fixture->faults);
  guint n_failed = 0;

  g_byte_array_set_size (fixture->backend->data, 0);
  for (guint i = 0; i < 1000; i++)
    if (read_some (fixture, 4) < 0)
      n_failed++;
  g_thread_join (thread);
  g_test_message ("%u reads failed", n_failed);
  g_assert_cmpuint (cimpl_fault_stream_get_n_operations (fixture->faults, ANY), ==, 1000);
  g_assert_cmpint (read_some (fixture, 4), ==, 0);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/fault-stream/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  stream_contract_add_tests (&contract);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autofree char *path = g_strconcat ("/fault-stream/kind/", kinds[i].name, NULL);

      g_test_add (path, Fixture, &kinds[i], set_up, test_kind, tear_down);
    }
  ADD ("after-operations", test_after_operations);
  ADD ("times", test_times);
  ADD ("never", test_never);
  ADD ("after-bytes/read", test_after_bytes_read);
  ADD ("after-bytes/written", test_after_bytes_written);
  ADD ("after-bytes/of-both", test_after_bytes_of_both);
  ADD ("after-bytes/of-others", test_after_bytes_of_others);
  ADD ("after-bytes/end", test_end_is_before);
  ADD ("errno", test_errno);
  ADD ("unknown-code", test_unknown_code);
  ADD ("short-count", test_short_count);
  ADD ("short-count/none", test_no_count);
  ADD ("delay", test_delay);
  ADD ("delay/cancelled", test_delay_is_cancelled);
  ADD ("too-much", test_too_much);
  ADD ("many-at-once", test_many_at_once);
  ADD ("counts", test_counts);
  ADD ("close", test_close);
  ADD ("close/base-fails", test_close_and_base_fails);
  ADD ("flush-again", test_flush_again);
  g_test_add_func ("/fault-stream/each-in-turn", test_each_in_turn);
  ADD ("threads", test_threads);

  return g_test_run ();
}
