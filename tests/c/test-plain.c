/* SPDX-License-Identifier: MIT */

/* The plain C API: handles, references, and the error of a thread. */

#include <cimplstream/cimplstream.h>

#include <errno.h>
#include <string.h>

/* Streams whose every callback runs a function of the test, with the stream at hand. */

typedef struct
{
  CimplStream *stream;
  CimplStream *other;
  int64_t (*run) (gpointer context); /* what the callback does, and its result */
  gint stage;
  guint n_destroyed;
} Context;

static void
call (CimplStreamContext *context, int64_t *result)
{
  *result = ((Context *) context)->run (context);
}

static void
call_read (CimplStreamContext *context, uint8_t *data, size_t len, int64_t *result)
{
  memset (data, 'x', len);
  call (context, result);
}

static void
call_seek (CimplStreamContext *context, int64_t offset, CimplSeekMode mode, int64_t *result)
{
  call (context, result);
}

static void
count_destroy (CimplStreamContext *context)
{
  ((Context *) context)->n_destroyed++;
}

static const CimplStreamCallbacks callbacks = {
  .struct_size = sizeof (CimplStreamCallbacks),
  .read = call_read,
  .seek = call_seek,
};

static void
context_init (Context *context, int64_t (*run) (gpointer context))
{
  memset (context, 0, sizeof *context);
  context->run = run;
  context->stream
      = cimpl_stream_new_full (&callbacks, (CimplStreamContext *) context, count_destroy);
}

static int64_t
succeed (gpointer context)
{
  return 1;
}

static int64_t
fail_silently (gpointer context)
{
  return -1;
}

static int64_t
fail_with_no_space (gpointer context)
{
  cimpl_stream_set_error (CIMPL_STREAM_ERROR_NO_SPACE, "full");
  return -1;
}

static intptr_t
read_one (CimplStream *stream)
{
  uint8_t byte;

  return cimpl_stream_read (stream, &byte, 1);
}

static void
assert_last_error (CimplStreamError code, gint errnum, const char *message)
{
  char *last_error = cimpl_stream_last_error ();

  g_assert_cmpint (cimpl_stream_error_code (), ==, (gint) code);
  g_assert_cmpint (cimpl_stream_error_errno (), ==, errnum);
  g_assert_cmpstr (last_error, ==, message);
  g_assert_cmpint (cimpl_free (last_error), ==, 0);
}

/* Parameters */

static void
test_null (void)
{
  Context context;
  uint8_t byte;

  context_init (&context, succeed);
  cimpl_stream_clear_error ();
  g_assert_null (cimpl_stream_new (NULL, NULL, NULL, NULL, NULL));
  assert_last_error (CIMPL_STREAM_ERROR_NULL_PARAMETER, 0, "NullParameter: context");
  g_assert_null (cimpl_stream_new_full (NULL, NULL, NULL));
  assert_last_error (CIMPL_STREAM_ERROR_NULL_PARAMETER, 0, "NullParameter: callbacks");
  g_assert_cmpint (cimpl_stream_read (context.stream, NULL, 1), ==, -1);
  assert_last_error (CIMPL_STREAM_ERROR_NULL_PARAMETER, 0, "NullParameter: buffer");
  g_assert_cmpint (cimpl_stream_write (context.stream, NULL, 1), ==, -1);
  assert_last_error (CIMPL_STREAM_ERROR_NULL_PARAMETER, 0, "NullParameter: data");
  g_assert_cmpint (cimpl_stream_read (context.stream, NULL, 0), ==, 0);
  g_assert_cmpint (cimpl_stream_write (context.stream, NULL, 0), ==, 0);

#define ASSERT_NULL_STREAM(call)                                                                   \
  cimpl_stream_clear_error ();                                                                     \
  g_assert_cmpint ((gint64) (call), ==, -1);                                                       \
  assert_last_error (CIMPL_STREAM_ERROR_NULL_PARAMETER, 0, "NullParameter: stream")

  ASSERT_NULL_STREAM (cimpl_stream_read (NULL, &byte, 1));
  ASSERT_NULL_STREAM (cimpl_stream_read (NULL, NULL, 1));
  ASSERT_NULL_STREAM (cimpl_stream_write (NULL, &byte, 1));
  ASSERT_NULL_STREAM (cimpl_stream_seek (NULL, 0, CIMPL_SEEK_MODE_START));
  ASSERT_NULL_STREAM (cimpl_stream_tell (NULL));
  ASSERT_NULL_STREAM (cimpl_stream_get_size (NULL));
  ASSERT_NULL_STREAM (cimpl_stream_truncate (NULL, 0));
  ASSERT_NULL_STREAM (cimpl_stream_flush (NULL));
  ASSERT_NULL_STREAM (cimpl_stream_close (NULL));
  ASSERT_NULL_STREAM (cimpl_stream_get_flags (NULL));
  ASSERT_NULL_STREAM (cimpl_stream_detach (NULL, 0));
  ASSERT_NULL_STREAM (cimpl_stream_ref (NULL) == NULL ? -1 : 0);
  ASSERT_NULL_STREAM (cimpl_stream_take (NULL) == NULL ? -1 : 0);
  g_assert_cmpint (cimpl_free (NULL), ==, 0);
  cimpl_free (context.stream);
}

/* Handles */

static void
assert_refused (gpointer pointer, CimplStreamError code)
{
  uint8_t byte;

  cimpl_stream_clear_error ();
  g_assert_cmpint (cimpl_stream_read (pointer, &byte, 1), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, (gint) code);
  g_assert_cmpint (cimpl_stream_close (pointer), ==, -1);
  g_assert_cmpint (cimpl_stream_get_flags (pointer), ==, -1);
  g_assert_cmpint (cimpl_stream_detach (pointer, 0), ==, -1);
  g_assert_null (cimpl_stream_ref (pointer));
  g_assert_cmpint (cimpl_stream_error_code (), ==, (gint) code);
}

static void
test_invalid_handles (void)
{
  Context context;
  CimplStream *freed;
  gint on_stack = 0;
  char *string;

  context_init (&context, succeed);
  freed = context.stream;
  g_assert_cmpint (cimpl_free (freed), ==, 0);
  g_assert_cmpint (cimpl_free (freed), ==, -1);
  assert_refused (freed, CIMPL_STREAM_ERROR_INVALID_HANDLE);
  g_assert_null (cimpl_stream_take (freed));

  assert_refused (&on_stack, CIMPL_STREAM_ERROR_INVALID_HANDLE);
  assert_refused ((gpointer) 1, CIMPL_STREAM_ERROR_INVALID_HANDLE);
  assert_refused ((gpointer) 8, CIMPL_STREAM_ERROR_INVALID_HANDLE);
  assert_refused ((guint8 *) freed + 1, CIMPL_STREAM_ERROR_INVALID_HANDLE);
  assert_refused ((gpointer) G_MAXSIZE, CIMPL_STREAM_ERROR_INVALID_HANDLE);
  g_assert_cmpint (cimpl_free (&on_stack), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_INVALID_HANDLE);

  string = cimpl_stream_last_error ();
  assert_refused (string, CIMPL_STREAM_ERROR_WRONG_HANDLE_TYPE);
  g_assert_cmpint (cimpl_free (string), ==, 0);
  g_assert_cmpint (cimpl_free (string), ==, -1);
}

/* Memory that is given back is handed out again at once; the address of a stream must not be. */
static void
test_stale_handles (void)
{
  CimplStream *stale[1000];
  Context context;

  for (guint i = 0; i < G_N_ELEMENTS (stale); i++)
    {
      context_init (&context, succeed);
      stale[i] = context.stream;
    }
  for (guint i = 0; i < G_N_ELEMENTS (stale); i++)
    g_assert_cmpint (cimpl_free (stale[i]), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (stale); i++)
    context_init (&context, succeed);
  for (guint i = 0; i < G_N_ELEMENTS (stale); i++)
    assert_refused (stale[i], CIMPL_STREAM_ERROR_INVALID_HANDLE);
}

static void
test_foreign_object (void)
{
  g_autoptr (GObject) object = g_object_new (G_TYPE_OBJECT, NULL);

  assert_refused (object, CIMPL_STREAM_ERROR_INVALID_HANDLE);
  g_assert_cmpint (cimpl_free (object), ==, -1);
}

/* References */

static void
test_references (void)
{
  Context context;

  context_init (&context, succeed);
  g_assert_true (cimpl_stream_ref (context.stream) == context.stream);
  g_assert_cmpint (cimpl_free (context.stream), ==, 0);
  g_assert_cmpuint (context.n_destroyed, ==, 0);
  g_assert_cmpint (read_one (context.stream), ==, 1);
  g_assert_cmpint (cimpl_free (context.stream), ==, 0);
  g_assert_cmpuint (context.n_destroyed, ==, 1);
}

static void
test_ledger (void)
{
  Context context;

  /* A double free must not take the reference that the other face holds. */
  context_init (&context, succeed);
  g_object_ref (context.stream);
  g_assert_cmpint (cimpl_free (context.stream), ==, 0);
  g_assert_cmpint (cimpl_free (context.stream), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_INVALID_HANDLE);
  g_assert_cmpint (read_one (context.stream), ==, 1);
  g_assert_finalize_object (context.stream);
  g_assert_cmpuint (context.n_destroyed, ==, 1);
}

static void
test_take (void)
{
  Context context;
  CimplStream *taken;

  context_init (&context, succeed);
  cimpl_stream_ref (context.stream);
  taken = cimpl_stream_take (context.stream); /* one of two, … */
  g_assert_true (taken == context.stream);
  g_object_unref (taken);
  g_assert_cmpuint (context.n_destroyed, ==, 0);
  taken = cimpl_stream_take (context.stream); /* … and the last one */
  g_assert_cmpint (cimpl_free (context.stream), ==, -1);
  g_assert_finalize_object (taken);
  g_assert_cmpuint (context.n_destroyed, ==, 1);
}

static void
test_from_handle (void)
{
  g_autoptr (GError) error = NULL;
  Context context;
  CimplStream *stream;
  guintptr handle;

  context_init (&context, succeed);
  handle = (guintptr) context.stream;
  stream = cimpl_stream_try_from_handle (handle, &error);
  g_assert_no_error (error);
  g_assert_true (stream == context.stream);
  g_assert_cmpint (cimpl_free (context.stream), ==, 0); /* the plain reference is still there, … */
  g_assert_cmpint (cimpl_free (context.stream), ==, -1); /* … and only that one */
  g_assert_cmpint (read_one (stream), ==, 1);
  g_assert_finalize_object (stream);

  g_assert_null (cimpl_stream_try_from_handle (handle, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_HANDLE);
  g_clear_error (&error);
  g_assert_null (cimpl_stream_try_from_handle (0, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NULL_PARAMETER);
}

/* Freeing while the stream is in use */

static int64_t
free_self (gpointer user_data)
{
  Context *context = user_data;

  g_assert_cmpint (cimpl_free (context->stream), ==, 0);
  g_assert_cmpuint (context->n_destroyed, ==, 0);
  g_assert_cmpint (cimpl_free (context->stream), ==, -1);
  return fail_with_no_space (context);
}

static void
test_free_inside (void)
{
  Context context;

  context_init (&context, free_self);
  g_assert_cmpint (read_one (context.stream), ==, -1);
  assert_last_error (CIMPL_STREAM_ERROR_NO_SPACE, 0,
                     "NoSpace: full"); /* destroy did not spoil it */
  g_assert_cmpuint (context.n_destroyed, ==, 1);
  assert_refused (context.stream, CIMPL_STREAM_ERROR_INVALID_HANDLE);
}

static int64_t
free_self_and_take_back (gpointer user_data)
{
  Context *context = user_data;

  g_assert_cmpint (cimpl_free (context->stream), ==, 0);
  g_assert_true (cimpl_stream_ref (context->stream) == context->stream);
  return 1;
}

static void
test_free_inside_and_take_back (void)
{
  Context context;

  context_init (&context, free_self_and_take_back);
  g_assert_cmpint (read_one (context.stream), ==, 1);
  g_assert_cmpuint (context.n_destroyed, ==, 0);
  g_assert_cmpint (cimpl_free (context.stream), ==, 0);
  g_assert_cmpuint (context.n_destroyed, ==, 1);
}

static int64_t
wait_inside (gpointer user_data)
{
  Context *context = user_data;

  g_atomic_int_set (&context->stage, 1);
  while (g_atomic_int_get (&context->stage) != 2)
    g_usleep (100);
  return 1;
}

static gpointer
read_one_thread (gpointer user_data)
{
  return GSIZE_TO_POINTER ((gsize) read_one (user_data));
}

static GThread *
start_reader (Context *context)
{
  GThread *reader = g_thread_new ("reader", read_one_thread, context->stream);

  while (g_atomic_int_get (&context->stage) != 1)
    g_usleep (100);
  return reader;
}

static void
test_free_elsewhere (void)
{
  Context context;
  GThread *reader;

  context_init (&context, wait_inside);
  reader = start_reader (&context);
  g_assert_cmpint (cimpl_free (context.stream), ==, 0);
  g_assert_cmpuint (context.n_destroyed, ==, 0);
  g_atomic_int_set (&context.stage, 2);
  g_assert_cmpuint (GPOINTER_TO_SIZE (g_thread_join (reader)), ==, 1);
  g_assert_cmpuint (context.n_destroyed, ==, 1);
  assert_refused (context.stream, CIMPL_STREAM_ERROR_INVALID_HANDLE);
}

static void
free_other (CimplStreamContext *user_data)
{
  Context *context = (Context *) user_data;

  read_one (context->other);
  cimpl_free (context->other);
}

/* What destroy does, and what fails in it, is nothing to the caller whose operation comes last. */
static void
test_destroy_uses_streams (void)
{
  Context other;
  Context context;

  context_init (&other, fail_with_no_space);
  memset (&context, 0, sizeof context);
  context.other = other.stream;
  context.run = free_self_and_take_back;
  context.stream = cimpl_stream_new_full (&callbacks, (CimplStreamContext *) &context, free_other);
  cimpl_stream_clear_error ();
  g_assert_cmpint (cimpl_free (context.stream), ==, 0);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_OK);
  g_assert_cmpuint (other.n_destroyed, ==, 1);
}

/* The error of a thread */

static void
test_error_stays (void)
{
  Context good;
  Context bad;

  context_init (&good, succeed);
  context_init (&bad, fail_silently);
  cimpl_stream_clear_error ();
  g_assert_null (cimpl_stream_last_error ());
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_OK);
  g_assert_cmpint (cimpl_stream_error_errno (), ==, 0);

  g_assert_cmpint (read_one (bad.stream), ==, -1);
  g_assert_cmpint (read_one (good.stream), ==, 1);
  assert_last_error (CIMPL_STREAM_ERROR_IO_OPERATION, 0, "IoError: Read callback returned error");
  g_assert_cmpint (cimpl_stream_tell (bad.stream), ==, -1);
  assert_last_error (CIMPL_STREAM_ERROR_IO_OPERATION, 0, "IoError: Seek callback returned error");

  cimpl_stream_clear_error ();
  g_assert_null (cimpl_stream_last_error ());
  cimpl_free (good.stream);
  cimpl_free (bad.stream);
}

static gpointer
assert_no_error_thread (gpointer user_data)
{
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_OK);
  g_assert_cmpint (read_one (user_data), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_IO_OPERATION);
  return NULL;
}

static void
test_error_is_of_the_thread (void)
{
  Context bad;

  context_init (&bad, fail_silently);
  g_assert_cmpint (read_one (NULL), ==, -1);
  g_thread_join (g_thread_new ("other", assert_no_error_thread, bad.stream));
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_NULL_PARAMETER);
  cimpl_free (bad.stream);
}

static int64_t
say_and_succeed (gpointer context)
{
  cimpl_stream_set_error (CIMPL_STREAM_ERROR_NO_SPACE, "not so bad after all");
  return 1;
}

static void
test_set_error_is_dropped (void)
{
  Context context;

  context_init (&context, say_and_succeed);
  cimpl_stream_clear_error ();
  g_assert_cmpint (read_one (context.stream), ==, 1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_OK);
  context.run = fail_silently;
  g_assert_cmpint (read_one (context.stream), ==, -1);
  assert_last_error (CIMPL_STREAM_ERROR_IO_OPERATION, 0, "IoError: Read callback returned error");
  cimpl_free (context.stream);
}

static int64_t
say_unknown (gpointer context)
{
  cimpl_stream_set_error (4711, NULL);
  return -1;
}

static int64_t
say_and_take_back (gpointer context)
{
  cimpl_stream_set_error (CIMPL_STREAM_ERROR_NO_SPACE, "full");
  cimpl_stream_set_error (CIMPL_STREAM_ERROR_OK, NULL);
  return -1;
}

static int64_t
say_latin1 (gpointer context)
{
  cimpl_stream_set_error (CIMPL_STREAM_ERROR_OTHER, "caf\xe9");
  return -1;
}

static int64_t
say_enospc (gpointer context)
{
  cimpl_stream_set_errno (ENOSPC, "disk full");
  return -1;
}

static int64_t
say_enoent (gpointer context)
{
  cimpl_stream_set_errno (ENOENT, NULL);
  return -1;
}

static void
test_set_error (void)
{
  static const struct
  {
    int64_t (*run) (gpointer context);
    CimplStreamError code;
    gint errnum;
    const char *message;
  } rows[] = {
    { fail_with_no_space, CIMPL_STREAM_ERROR_NO_SPACE, 0, "NoSpace: full" },
    { say_unknown, CIMPL_STREAM_ERROR_OTHER, 0, "Other: Other" },
    { say_and_take_back, CIMPL_STREAM_ERROR_IO_OPERATION, 0,
      "IoError: Read callback returned error" },
    { say_latin1, CIMPL_STREAM_ERROR_OTHER, 0, "Other: caf\xef\xbf\xbd" },
    { say_enospc, CIMPL_STREAM_ERROR_NO_SPACE, ENOSPC, "NoSpace: disk full" },
    { say_enoent, CIMPL_STREAM_ERROR_IO_OPERATION, ENOENT, "IoError: No such file or directory" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      Context context;

      context_init (&context, rows[i].run);
      g_assert_cmpint (read_one (context.stream), ==, -1);
      assert_last_error (rows[i].code, rows[i].errnum, rows[i].message);
      cimpl_free (context.stream);
    }
}

static void
test_set_error_outside (void)
{
  cimpl_stream_set_errno (ENOSPC, "full");
  assert_last_error (CIMPL_STREAM_ERROR_NO_SPACE, ENOSPC, "NoSpace: full");
  cimpl_stream_set_error (CIMPL_STREAM_ERROR_OK, NULL);
  g_assert_null (cimpl_stream_last_error ());
}

static int64_t
use_other (gpointer user_data)
{
  Context *context = user_data;

  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_OK);
  g_assert_cmpint (read_one (context->other), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_NO_SPACE);
  return 1;
}

static void
test_callback_uses_streams (void)
{
  Context other;
  Context context;

  context_init (&other, fail_with_no_space);
  context_init (&context, use_other);
  context.other = other.stream;
  g_assert_cmpint (read_one (NULL), ==, -1);
  g_assert_cmpint (read_one (context.stream), ==, 1);
  assert_last_error (CIMPL_STREAM_ERROR_NULL_PARAMETER, 0, "NullParameter: stream");
  cimpl_free (context.stream);
  cimpl_free (other.stream);
}

static int64_t
use_self (gpointer user_data)
{
  Context *context = user_data;

  g_assert_cmpint (read_one (context->stream), ==, -1);
  assert_last_error (CIMPL_STREAM_ERROR_BUSY, 0,
                     "Busy: The stream is used from inside its own callback");
  return 1;
}

static void
test_busy_inside (void)
{
  Context context;

  context_init (&context, use_self);
  g_assert_cmpint (read_one (context.stream), ==, 1);
  cimpl_free (context.stream);
}

/* Detaching */

static void
test_detach (void)
{
  Context context;

  context_init (&context, succeed);
  g_assert_cmpint (cimpl_stream_detach (context.stream, 0), ==, 0);
  g_assert_cmpuint (context.n_destroyed, ==, 1);
  g_assert_true (cimpl_stream_is_closed (context.stream));
  g_assert_cmpint (read_one (context.stream), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_CLOSED);
  g_assert_cmpint (cimpl_stream_get_flags (context.stream), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_CLOSED);
  g_assert_cmpint (cimpl_stream_detach (context.stream, 0), ==, 0);
  g_assert_cmpint (cimpl_stream_close (context.stream), ==, 0);
  g_assert_cmpint (cimpl_free (context.stream), ==, 0);
  g_assert_cmpuint (context.n_destroyed, ==, 1);
}

static void
test_detach_while_busy (void)
{
  Context context;
  GThread *reader;

  context_init (&context, wait_inside);
  reader = start_reader (&context);
  g_assert_cmpint (cimpl_stream_detach (context.stream, 10), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_WOULD_BLOCK);
  g_assert_cmpuint (context.n_destroyed, ==, 0);
  g_assert_cmpint (read_one (context.stream), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_CLOSED);

  g_atomic_int_set (&context.stage, 2);
  g_assert_cmpint (cimpl_stream_detach (context.stream, -1), ==, 0);
  g_assert_cmpuint (context.n_destroyed, ==, 1);
  g_thread_join (reader);
  cimpl_free (context.stream);
  g_assert_cmpuint (context.n_destroyed, ==, 1);
}

/* The runtime may be gone: nothing of it is called, not even to free the context. */
static void
test_detach_in_vain (void)
{
  Context context;
  GThread *reader;

  context_init (&context, wait_inside);
  reader = start_reader (&context);
  g_assert_cmpint (cimpl_stream_detach (context.stream, 0), ==, -1);
  g_atomic_int_set (&context.stage, 2);
  g_thread_join (reader);
  cimpl_free (context.stream);
  g_assert_cmpuint (context.n_destroyed, ==, 0);
}

static int64_t
detach_self (gpointer user_data)
{
  Context *context = user_data;

  g_assert_cmpint (cimpl_stream_detach (context->stream, -1), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_WOULD_BLOCK);
  return 1;
}

static void
test_detach_inside (void)
{
  Context context;

  context_init (&context, detach_self);
  g_assert_cmpint (read_one (context.stream), ==, 1);
  g_assert_cmpint (read_one (context.stream), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_CLOSED);
  cimpl_free (context.stream);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/plain/null", test_null);
  g_test_add_func ("/plain/handle/invalid", test_invalid_handles);
  g_test_add_func ("/plain/handle/stale", test_stale_handles);
  g_test_add_func ("/plain/handle/foreign-object", test_foreign_object);
  g_test_add_func ("/plain/reference", test_references);
  g_test_add_func ("/plain/reference/ledger", test_ledger);
  g_test_add_func ("/plain/reference/take", test_take);
  g_test_add_func ("/plain/reference/from-handle", test_from_handle);
  g_test_add_func ("/plain/free/inside", test_free_inside);
  g_test_add_func ("/plain/free/inside-and-take-back", test_free_inside_and_take_back);
  g_test_add_func ("/plain/free/elsewhere", test_free_elsewhere);
  g_test_add_func ("/plain/free/destroy-uses-streams", test_destroy_uses_streams);
  g_test_add_func ("/plain/error/stays", test_error_stays);
  g_test_add_func ("/plain/error/is-of-the-thread", test_error_is_of_the_thread);
  g_test_add_func ("/plain/error/set-error", test_set_error);
  g_test_add_func ("/plain/error/set-error-is-dropped", test_set_error_is_dropped);
  g_test_add_func ("/plain/error/set-error-outside", test_set_error_outside);
  g_test_add_func ("/plain/error/callback-uses-streams", test_callback_uses_streams);
  g_test_add_func ("/plain/busy-inside", test_busy_inside);
  g_test_add_func ("/plain/detach", test_detach);
  g_test_add_func ("/plain/detach/while-busy", test_detach_while_busy);
  g_test_add_func ("/plain/detach/in-vain", test_detach_in_vain);
  g_test_add_func ("/plain/detach/inside", test_detach_inside);
  return g_test_run ();
}
