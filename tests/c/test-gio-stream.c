/* SPDX-License-Identifier: MIT */

#include "gio-backend.h"
#include "stream-contract.h"

#include <gio/gunixinputstream.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#define CONTENT "0123456789"

/* The contract */

static CimplStream *
create (TestBackend *backend)
{
  g_autoptr (TestIOStream) io_stream = test_io_stream_new (backend);
  CimplStream *stream = cimpl_gio_stream_new_for_io_stream (G_IO_STREAM (io_stream));

  g_object_set (stream, "close-base", TRUE, NULL);
  return stream;
}

static const StreamContract contract = {
  .name = "gio-stream",
  .create = create,
  .silent_code = CIMPL_STREAM_ERROR_CALLBACK_CONTRACT,
  .counts_can_be_negative = TRUE,
};

/* Fixture: the same, for what the contract does not say. */

typedef struct
{
  TestBackend *backend;
  TestIOStream *io_stream;
  CimplStream *stream;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  fixture->backend = test_backend_new (CONTENT);
  fixture->io_stream = test_io_stream_new (fixture->backend);
  fixture->stream = cimpl_gio_stream_new_for_io_stream (G_IO_STREAM (fixture->io_stream));
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  if (fixture->stream != NULL)
    g_assert_finalize_object (fixture->stream);
  if (fixture->io_stream != NULL)
    g_assert_finalize_object (fixture->io_stream);
  test_backend_free (fixture->backend);
}

static void
make_pair (Fixture *fixture)
{
  g_assert_finalize_object (fixture->stream);
  fixture->stream = cimpl_gio_stream_new (G_INPUT_STREAM (fixture->io_stream->input),
                                          G_OUTPUT_STREAM (fixture->io_stream->output));
}

#define assert_flags(stream, expected)                                                             \
  G_STMT_START                                                                                     \
  {                                                                                                \
    CimplStreamFlags flags;                                                                        \
    g_assert_true (cimpl_stream_try_get_flags (stream, &flags, NULL));                             \
    g_assert_cmpuint (flags, ==, expected);                                                        \
  }                                                                                                \
  G_STMT_END

#define assert_fails(operation, domain, code)                                                      \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autoptr (GError) error = NULL;                                                               \
    g_assert_false (operation);                                                                    \
    g_assert_error (error, domain, (gint) (code));                                                 \
  }                                                                                                \
  G_STMT_END

#define assert_not_supported(operation)                                                            \
  assert_fails (operation, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NOT_SUPPORTED)

/* Errors and cancellables */

static void
test_errors (Fixture *fixture, gconstpointer user_data)
{
  static const struct
  {
    GQuark (*domain) (void);
    gint code;
    CimplStreamError plain_code;
  } rows[] = {
    { g_io_error_quark, G_IO_ERROR_WOULD_BLOCK, CIMPL_STREAM_ERROR_WOULD_BLOCK },
    { g_io_error_quark, G_IO_ERROR_PENDING, CIMPL_STREAM_ERROR_BUSY },
    { g_io_error_quark, G_IO_ERROR_CANCELLED, CIMPL_STREAM_ERROR_CANCELLED },
    { g_io_error_quark, G_IO_ERROR_NO_SPACE, CIMPL_STREAM_ERROR_NO_SPACE },
    { g_io_error_quark, G_IO_ERROR_TIMED_OUT, CIMPL_STREAM_ERROR_IO_OPERATION },
    { g_io_error_quark, G_IO_ERROR_CLOSED, CIMPL_STREAM_ERROR_CLOSED },
    { g_file_error_quark, G_FILE_ERROR_IO, CIMPL_STREAM_ERROR_OTHER },
  };
  guint8 byte = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) thrown
          = g_error_new (rows[i].domain (), rows[i].code, "row %u", (guint) i);
      g_autoptr (GError) caught = NULL;

      g_test_message ("%s", thrown->message);
      fixture->io_stream->shared.error = thrown;
      g_assert_cmpint (cimpl_stream_try_read (fixture->stream, &byte, 1, NULL, &caught), ==, -1);
      g_assert_error (caught, thrown->domain, thrown->code);
      g_assert_cmpstr (caught->message, ==, thrown->message);
      assert_fails (cimpl_stream_try_write (fixture->stream, &byte, 1, NULL, &error) >= 0,
                    thrown->domain, thrown->code);
      assert_fails (cimpl_stream_try_flush (fixture->stream, NULL, &error), thrown->domain,
                    thrown->code);

      g_assert_cmpint (cimpl_stream_read (fixture->stream, &byte, 1), ==, -1);
      g_assert_cmpint (cimpl_stream_error_code (), ==, (gint) rows[i].plain_code);
      fixture->io_stream->shared.error = NULL;
    }
}

static void
test_pending (Fixture *fixture, gconstpointer user_data)
{
  GInputStream *input = G_INPUT_STREAM (fixture->io_stream->input);
  guint8 byte;

  g_assert_true (g_input_stream_set_pending (input, NULL));
  assert_fails (cimpl_stream_try_read (fixture->stream, &byte, 1, NULL, &error) >= 0, G_IO_ERROR,
                G_IO_ERROR_PENDING);
  g_assert_cmpint (cimpl_stream_read (fixture->stream, &byte, 1), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_BUSY);
  g_input_stream_clear_pending (input);
  g_assert_cmpint (cimpl_stream_read (fixture->stream, &byte, 1), ==, 1);
}

#define ASSERT_PASSES_CANCELLABLE(operation)                                                       \
  G_STMT_START                                                                                     \
  {                                                                                                \
    fixture->io_stream->shared.cancellable = NULL;                                                 \
    g_assert_true (operation);                                                                     \
    g_assert_true (fixture->io_stream->shared.cancellable == cancellable);                         \
  }                                                                                                \
  G_STMT_END

static void
test_cancellable (Fixture *fixture, gconstpointer is_pair)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  CimplStream *stream;
  char buffer[4];

  if (is_pair != NULL)
    make_pair (fixture);
  stream = fixture->stream;
  g_object_set (stream, "close-base", TRUE, NULL);
  ASSERT_PASSES_CANCELLABLE (cimpl_stream_try_read (stream, buffer, 4, cancellable, NULL) == 4);
  ASSERT_PASSES_CANCELLABLE (cimpl_stream_try_write (stream, "abc", 3, cancellable, NULL) == 3);
  ASSERT_PASSES_CANCELLABLE (cimpl_stream_try_flush (stream, cancellable, NULL));
  if (is_pair == NULL)
    {
      ASSERT_PASSES_CANCELLABLE (
          cimpl_stream_try_seek (stream, 1, CIMPL_SEEK_MODE_CURRENT, cancellable, NULL) == 8);
      ASSERT_PASSES_CANCELLABLE (cimpl_stream_try_truncate (stream, 5, cancellable, NULL));
    }
  ASSERT_PASSES_CANCELLABLE (cimpl_stream_try_close (stream, cancellable, NULL));
}

static gpointer
cancel_thread (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return NULL;
}

/* Pipes */

static void
test_pipe (void)
{
  g_autoptr (GInputStream) input = NULL;
  g_autoptr (CimplStream) stream = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GThread *thread;
  char buffer[8];
  gint fds[2];

  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  input = g_unix_input_stream_new (fds[0], TRUE);
  stream = cimpl_gio_stream_new (input, NULL);
  assert_flags (stream, CIMPL_STREAM_READABLE);

  thread = g_thread_new ("cancel", cancel_thread, cancellable);
  g_assert_cmpint (cimpl_stream_try_read (stream, buffer, 8, cancellable, NULL), ==, -1);
  g_thread_join (thread);

  g_assert_cmpint (write (fds[1], "abc", 3), ==, 3);
  close (fds[1]);
  g_assert_cmpint (cimpl_stream_try_read (stream, buffer, 8, NULL, NULL), ==, 3);
  g_assert_cmpint (cimpl_stream_try_read (stream, buffer, 8, NULL, NULL), ==, 0);
  assert_not_supported (cimpl_stream_try_tell (stream, NULL, &error) >= 0);
}

/* Seeking */

static void
test_can_seek_is_asked (Fixture *fixture, gconstpointer user_data)
{
  const guint transfers = CIMPL_STREAM_READABLE | CIMPL_STREAM_WRITABLE;
  CimplStream *stream = fixture->stream;

  fixture->io_stream->shared.cannot_seek = TRUE;
  assert_flags (stream, transfers);
  assert_not_supported (cimpl_stream_try_tell (stream, NULL, &error) >= 0);
  assert_not_supported (cimpl_stream_try_seek (stream, 1, CIMPL_SEEK_MODE_START, NULL, &error)
                        >= 0);
  assert_not_supported (cimpl_stream_try_truncate (stream, 1, NULL, &error));

  fixture->io_stream->shared.cannot_seek = FALSE;
  assert_flags (stream, transfers | CIMPL_STREAM_SEEKABLE | CIMPL_STREAM_TRUNCATABLE);
  g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, NULL), ==, 0);
}

/* To tell the position of a GBufferedOutputStream must not write what it has buffered. */
static void
test_tell_does_not_seek (void)
{
  g_autoptr (GOutputStream) memory = g_memory_output_stream_new_resizable ();
  g_autoptr (GOutputStream) buffered = g_buffered_output_stream_new (memory);
  g_autoptr (CimplStream) stream = cimpl_gio_stream_new (NULL, buffered);

  g_assert_cmpint (cimpl_stream_try_write (stream, "abc", 3, NULL, NULL), ==, 3);
  g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, NULL), ==, 3);
  g_assert_cmpuint (g_memory_output_stream_get_data_size (G_MEMORY_OUTPUT_STREAM (memory)), ==, 0);
  g_assert_cmpint (cimpl_stream_try_seek (stream, 1, CIMPL_SEEK_MODE_START, NULL, NULL), ==, 1);
  g_assert_cmpuint (g_memory_output_stream_get_data_size (G_MEMORY_OUTPUT_STREAM (memory)), ==, 3);
}

/* Two streams have two positions, of which neither must be lost. */
static void
test_pair (void)
{
  g_autoptr (GInputStream) input = g_memory_input_stream_new_from_data (CONTENT, 10, NULL);
  g_autoptr (GOutputStream) output = g_memory_output_stream_new_resizable ();
  g_autoptr (GIOStream) io_stream = g_simple_io_stream_new (input, output);
  CimplStream *streams[] = {
    cimpl_gio_stream_new (input, output),
    cimpl_gio_stream_new_for_io_stream (io_stream),
  };

  for (gsize i = 0; i < G_N_ELEMENTS (streams); i++)
    {
      g_autoptr (CimplStream) stream = streams[i];
      char buffer[4];

      assert_flags (stream, CIMPL_STREAM_READABLE | CIMPL_STREAM_WRITABLE);
      g_assert_cmpint (cimpl_stream_try_write (stream, "ab", 2, NULL, NULL), ==, 2);
      assert_not_supported (cimpl_stream_try_tell (stream, NULL, &error) >= 0);
      assert_not_supported (cimpl_stream_try_seek (stream, 0, CIMPL_SEEK_MODE_START, NULL, &error)
                            >= 0);
      assert_not_supported (cimpl_stream_try_truncate (stream, 0, NULL, &error));
      g_assert_cmpint (cimpl_stream_try_read (stream, buffer, 4, NULL, NULL), ==, 4);
      g_assert_cmpmem (buffer, 4, CONTENT + 4 * i, 4);
      g_assert_cmpint (cimpl_stream_try_write (stream, "cd", 2, NULL, NULL), ==, 2);
    }
  g_assert_cmpmem (g_memory_output_stream_get_data (G_MEMORY_OUTPUT_STREAM (output)),
                   g_memory_output_stream_get_data_size (G_MEMORY_OUTPUT_STREAM (output)),
                   "abcdabcd", 8);
}

/* Streams of GIO itself */

static void
test_memory_input (void)
{
  g_autoptr (GInputStream) input = g_memory_input_stream_new_from_data (CONTENT, 10, NULL);
  g_autoptr (CimplStream) stream = cimpl_gio_stream_new (input, NULL);
  char buffer[8];

  assert_flags (stream, CIMPL_STREAM_READABLE | CIMPL_STREAM_SEEKABLE);
  g_assert_cmpint (cimpl_stream_try_seek (stream, -6, CIMPL_SEEK_MODE_END, NULL, NULL), ==, 4);
  g_assert_cmpint (cimpl_stream_try_seek (stream, 2, CIMPL_SEEK_MODE_CURRENT, NULL, NULL), ==, 6);
  g_assert_cmpint (cimpl_stream_try_read (stream, buffer, 8, NULL, NULL), ==, 4);
  g_assert_cmpmem (buffer, 4, "6789", 4);
  g_assert_cmpint (cimpl_stream_try_read (stream, buffer, 8, NULL, NULL), ==, 0);
  g_assert_cmpint (cimpl_stream_try_get_size (stream, NULL, NULL), ==, 10);
  assert_fails (cimpl_stream_try_seek (stream, 11, CIMPL_SEEK_MODE_START, NULL, &error) >= 0,
                G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  assert_not_supported (cimpl_stream_try_write (stream, "abc", 3, NULL, &error) >= 0);
  assert_not_supported (cimpl_stream_try_truncate (stream, 3, NULL, &error));
  g_assert_true (cimpl_stream_try_flush (stream, NULL, NULL));
}

static void
test_memory_output (void)
{
  g_autoptr (GOutputStream) output = g_memory_output_stream_new_resizable ();
  GMemoryOutputStream *memory = G_MEMORY_OUTPUT_STREAM (output);
  g_autoptr (CimplStream) stream = cimpl_gio_stream_new (NULL, output);
  char byte;

  assert_flags (stream, CIMPL_STREAM_WRITABLE | CIMPL_STREAM_SEEKABLE | CIMPL_STREAM_TRUNCATABLE);
  g_assert_cmpint (cimpl_stream_try_write (stream, CONTENT, 10, NULL, NULL), ==, 10);
  g_assert_cmpint (cimpl_stream_try_seek (stream, 3, CIMPL_SEEK_MODE_START, NULL, NULL), ==, 3);
  g_assert_cmpint (cimpl_stream_try_write (stream, "abc", 3, NULL, NULL), ==, 3);
  g_assert_true (cimpl_stream_try_truncate (stream, 8, NULL, NULL));
  g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, NULL), ==, 6);
  g_assert_cmpmem (g_memory_output_stream_get_data (memory),
                   g_memory_output_stream_get_data_size (memory), "012abc67", 8);
  assert_not_supported (cimpl_stream_try_read (stream, &byte, 1, NULL, &error) >= 0);
}

static void
test_memory_full (void)
{
  char block[4];
  g_autoptr (GOutputStream) output = g_memory_output_stream_new (block, 4, NULL, NULL);
  g_autoptr (CimplStream) stream = cimpl_gio_stream_new (NULL, output);
  gsize n_written;

  assert_fails (cimpl_stream_try_write_all (stream, CONTENT, 10, &n_written, NULL, &error),
                G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_assert_cmpuint (n_written, ==, 4);
  g_assert_cmpmem (block, 4, "0123", 4);
}

static void
test_file (void)
{
  g_autoptr (GFileIOStream) io_stream = NULL;
  g_autoptr (GFile) file = g_file_new_tmp ("cimpl-XXXXXX", &io_stream, NULL);
  g_autoptr (CimplStream) stream = cimpl_gio_stream_new_for_io_stream (G_IO_STREAM (io_stream));
  g_autofree char *contents = NULL;
  char buffer[8];
  gsize length;

  assert_flags (stream, CIMPL_STREAM_READABLE | CIMPL_STREAM_WRITABLE | CIMPL_STREAM_SEEKABLE
                            | CIMPL_STREAM_TRUNCATABLE);

  /* One position for both directions. */
  g_assert_cmpint (cimpl_stream_try_write (stream, CONTENT, 10, NULL, NULL), ==, 10);
  g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, NULL), ==, 10);
  g_assert_cmpint (cimpl_stream_try_seek (stream, -8, CIMPL_SEEK_MODE_END, NULL, NULL), ==, 2);
  g_assert_cmpint (cimpl_stream_try_read (stream, buffer, 2, NULL, NULL), ==, 2);
  g_assert_cmpmem (buffer, 2, "23", 2);
  g_assert_cmpint (cimpl_stream_try_write (stream, "abc", 3, NULL, NULL), ==, 3);
  g_assert_cmpint (cimpl_stream_try_read (stream, buffer, 8, NULL, NULL), ==, 3);
  g_assert_cmpmem (buffer, 3, "789", 3);
  g_assert_cmpint (cimpl_stream_try_read (stream, buffer, 8, NULL, NULL), ==, 0);

  g_assert_true (cimpl_stream_try_truncate (stream, 8, NULL, NULL));
  g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, NULL), ==, 10);
  g_assert_true (g_file_load_contents (file, NULL, &contents, &length, NULL, NULL));
  g_assert_cmpmem (contents, length, "0123abc7", 8);
  g_assert_true (g_file_delete (file, NULL, NULL));
}

static void
test_converter (void)
{
  g_autoptr (GConverter) compressor
      = G_CONVERTER (g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP, -1));
  g_autoptr (GConverter) decompressor
      = G_CONVERTER (g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP));
  g_autoptr (GInputStream) memory = g_memory_input_stream_new_from_data (CONTENT, 10, NULL);
  g_autoptr (GInputStream) compressed = g_converter_input_stream_new (memory, compressor);
  g_autoptr (GInputStream) input = g_converter_input_stream_new (compressed, decompressor);
  g_autoptr (CimplStream) stream = cimpl_gio_stream_new (input, NULL);
  g_autoptr (GBytes) bytes = NULL;

  assert_flags (stream, CIMPL_STREAM_READABLE);
  bytes = cimpl_stream_try_read_to_end (stream, 100, NULL, NULL);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), CONTENT, 10);
  assert_not_supported (cimpl_stream_try_get_size (stream, NULL, &error) >= 0);
}

/* Closing and dropping */

static void
test_close_leaves_base (Fixture *fixture, gconstpointer user_data)
{
  g_assert_cmpint (cimpl_stream_try_write (fixture->stream, "abc", 3, NULL, NULL), ==, 3);
  g_assert_true (cimpl_stream_try_close (fixture->stream, NULL, NULL));
  g_assert_false (g_io_stream_is_closed (G_IO_STREAM (fixture->io_stream)));
  g_assert_cmpuint (fixture->backend->calls[TEST_FLUSH], ==, 1);
  g_assert_cmpuint (fixture->backend->calls[TEST_CLOSE], ==, 0);
}

static void
test_close_base (Fixture *fixture, gconstpointer user_data)
{
  g_object_set (fixture->stream, "close-base", TRUE, NULL);
  g_assert_true (cimpl_stream_try_close (fixture->stream, NULL, NULL));
  g_assert_true (g_io_stream_is_closed (G_IO_STREAM (fixture->io_stream)));
}

static void
test_close_pair (Fixture *fixture, gconstpointer user_data)
{
  GInputStream *input = G_INPUT_STREAM (fixture->io_stream->input);
  GOutputStream *output = G_OUTPUT_STREAM (fixture->io_stream->output);

  make_pair (fixture);
  g_object_set (fixture->stream, "close-base", TRUE, NULL);

  /* Both, whatever fails; and the first error is what is reported. */
  fixture->backend->fault_op = TEST_CLOSE;
  fixture->backend->fault = TEST_FAULT_ERROR;
  g_assert_true (g_input_stream_set_pending (input, NULL));
  assert_fails (cimpl_stream_try_close (fixture->stream, NULL, &error), CIMPL_STREAM_ERROR,
                fixture->backend->code);
  g_assert_true (g_output_stream_is_closed (output));
  g_input_stream_clear_pending (input);

  make_pair (fixture);
  g_object_set (fixture->stream, "close-base", TRUE, NULL);
  g_assert_true (g_input_stream_set_pending (input, NULL));
  assert_fails (cimpl_stream_try_close (fixture->stream, NULL, &error), G_IO_ERROR,
                G_IO_ERROR_PENDING);
  g_input_stream_clear_pending (input);

  make_pair (fixture);
  g_object_set (fixture->stream, "close-base", TRUE, NULL);
  g_assert_true (cimpl_stream_try_close (fixture->stream, NULL, NULL));
  g_assert_true (g_input_stream_is_closed (input));
}

static void
test_references (Fixture *fixture, gconstpointer user_data)
{
  GIOStream *io_stream = G_IO_STREAM (fixture->io_stream);
  g_autoptr (GInputStream) input = NULL;
  g_autoptr (GOutputStream) output = NULL;
  g_autoptr (GIOStream) same = NULL;
  gboolean close_base;

  g_object_get (fixture->stream, "input-stream", &input, "output-stream", &output, "io-stream",
                &same, "close-base", &close_base, NULL);
  g_assert_true (input == g_io_stream_get_input_stream (io_stream));
  g_assert_true (output == g_io_stream_get_output_stream (io_stream));
  g_assert_true (same == io_stream);
  g_assert_false (close_base);
  g_clear_object (&input);
  g_clear_object (&output);
  g_clear_object (&same);

  /* The stream keeps them, and nothing else does. */
  g_object_add_weak_pointer (G_OBJECT (io_stream), (gpointer *) &fixture->io_stream);
  g_object_unref (io_stream);
  g_assert_cmpint (cimpl_stream_try_tell (fixture->stream, NULL, NULL), ==, 0);
  g_assert_finalize_object (g_steal_pointer (&fixture->stream));
  g_assert_null (fixture->io_stream);
}

static void
test_references_of_pair (void)
{
  GInputStream *input = g_memory_input_stream_new ();
  GOutputStream *output = g_memory_output_stream_new_resizable ();
  CimplStream *stream = cimpl_gio_stream_new (input, output);
  gpointer watched[] = { input, output };

  for (gsize i = 0; i < G_N_ELEMENTS (watched); i++)
    {
      gpointer object = watched[i];

      g_object_add_weak_pointer (object, &watched[i]);
      g_object_unref (object);
      g_assert_nonnull (watched[i]);
    }
  g_assert_finalize_object (stream);
  g_assert_null (watched[0]);
  g_assert_null (watched[1]);
}

static void
fail_at_something (TestBackend *backend, gpointer user_data)
{
  g_assert_cmpint (cimpl_stream_read (NULL, NULL, 0), ==, -1);
}

/* What GIO closes because nobody else holds it disturbs nobody. */
static void
test_drop_keeps_error (Fixture *fixture, gconstpointer user_data)
{
  CimplStream *stream = cimpl_stream_ref (fixture->stream);

  g_clear_object (&fixture->stream);
  g_clear_object (&fixture->io_stream);
  fixture->backend->hook = fail_at_something;
  cimpl_stream_clear_error ();
  g_assert_cmpint (cimpl_free (stream), ==, 0);
  g_assert_cmpuint (fixture->backend->calls[TEST_CLOSE], ==, 1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_OK);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  stream_contract_add_tests (&contract);

#define ADD(path, user_data, test)                                                                 \
  g_test_add ("/gio-stream/" path, Fixture, user_data, set_up, test, tear_down)
  ADD ("errors", NULL, test_errors);
  ADD ("pending", NULL, test_pending);
  ADD ("cancellable", NULL, test_cancellable);
  ADD ("cancellable/pair", "", test_cancellable);
  ADD ("seek/is-asked", NULL, test_can_seek_is_asked);
  ADD ("close/leaves-base", NULL, test_close_leaves_base);
  ADD ("close/base", NULL, test_close_base);
  ADD ("close/pair", NULL, test_close_pair);
  ADD ("references", NULL, test_references);
  ADD ("drop-keeps-error", NULL, test_drop_keeps_error);
  g_test_add_func ("/gio-stream/references/pair", test_references_of_pair);
  g_test_add_func ("/gio-stream/seek/tell", test_tell_does_not_seek);
  g_test_add_func ("/gio-stream/pair", test_pair);
  g_test_add_func ("/gio-stream/pipe", test_pipe);
  g_test_add_func ("/gio-stream/memory-input", test_memory_input);
  g_test_add_func ("/gio-stream/memory-output", test_memory_output);
  g_test_add_func ("/gio-stream/memory-full", test_memory_full);
  g_test_add_func ("/gio-stream/file", test_file);
  g_test_add_func ("/gio-stream/converter", test_converter);
  return g_test_run ();
}
