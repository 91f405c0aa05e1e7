/* SPDX-License-Identifier: MIT */

#include "stream-contract.h"

#include <sys/wait.h>
#include <unistd.h>

/* A subclass over a TestBackend; TestBytesStream reads with the other slot. */

#define TEST_TYPE_STREAM (test_stream_get_type ())
G_DECLARE_DERIVABLE_TYPE (TestStream, test_stream, TEST, STREAM, CimplStream)

struct _TestStreamClass
{
  CimplStreamClass parent_class;
};

typedef struct
{
  TestBackend *backend;
} TestStreamPrivate;

G_DEFINE_TYPE_WITH_PRIVATE (TestStream, test_stream, CIMPL_TYPE_STREAM)

static TestBackend *
get_backend (gpointer self)
{
  TestStreamPrivate *priv = test_stream_get_instance_private (TEST_STREAM (self));

  return priv->backend;
}

/* FALSE: go on. TRUE: the slot returns *success. */
static gboolean
misbehave (gpointer self, TestOp op, gboolean *success, TestFault *fault, GError **error)
{
  TestBackend *backend = get_backend (self);

  *fault = test_backend_begin (backend, op);
  *success = *fault != TEST_FAULT_ERROR && *fault != TEST_FAULT_SILENT;
  if (*fault == TEST_FAULT_ERROR)
    g_set_error_literal (error, CIMPL_STREAM_ERROR, (gint) backend->code, TEST_FAULT_MESSAGE);
  return *fault != TEST_FAULT_NONE;
}

static gboolean
test_stream_read (CimplStream *self,
                  void *buffer,
                  gsize count,
                  gsize *n_read,
                  GCancellable *cancellable,
                  GError **error)
{
  gboolean success;
  TestFault fault;

  if (!misbehave (self, TEST_READ, &success, &fault, error))
    *n_read = test_backend_read (get_backend (self), buffer, count);
  else if (fault == TEST_FAULT_TOO_MUCH)
    *n_read = count + 1;
  return success;
}

static gboolean
test_stream_write (CimplStream *self,
                   const void *data,
                   gsize count,
                   gsize *n_written,
                   GCancellable *cancellable,
                   GError **error)
{
  gboolean success;
  TestFault fault;

  if (!misbehave (self, TEST_WRITE, &success, &fault, error))
    *n_written = test_backend_write (get_backend (self), data, count);
  else if (fault == TEST_FAULT_TOO_MUCH)
    *n_written = count + 1;
  return success;
}

static gboolean
test_stream_seek (CimplStream *self,
                  gint64 offset,
                  CimplSeekMode mode,
                  gint64 *position,
                  GCancellable *cancellable,
                  GError **error)
{
  gboolean success;
  TestFault fault;

  if (misbehave (self, TEST_SEEK, &success, &fault, error))
    {
      if (fault == TEST_FAULT_NEGATIVE)
        *position = -7;
      return success;
    }
  *position = test_backend_seek (get_backend (self), offset, mode);
  if (*position >= 0)
    return TRUE;
  g_set_error_literal (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_ARGUMENT, "before 0");
  return FALSE;
}

static gboolean
test_stream_flush (CimplStream *self, GCancellable *cancellable, GError **error)
{
  gboolean success;
  TestFault fault;

  misbehave (self, TEST_FLUSH, &success, &fault, error);
  return success;
}

static gboolean
test_stream_close (CimplStream *self, GCancellable *cancellable, GError **error)
{
  gboolean success;
  TestFault fault;

  misbehave (self, TEST_CLOSE, &success, &fault, error);
  return success;
}

static gboolean
test_stream_truncate (CimplStream *self, gint64 size, GCancellable *cancellable, GError **error)
{
  gboolean success;
  TestFault fault;

  if (!misbehave (self, TEST_TRUNCATE, &success, &fault, error))
    g_byte_array_set_size (get_backend (self)->data, (guint) size);
  return success;
}

static void
test_stream_class_init (TestStreamClass *klass)
{
  CimplStreamClass *stream_class = CIMPL_STREAM_CLASS (klass);

  stream_class->read = test_stream_read;
  stream_class->write = test_stream_write;
  stream_class->seek = test_stream_seek;
  stream_class->flush = test_stream_flush;
  stream_class->close = test_stream_close;
  stream_class->truncate = test_stream_truncate;
}

static void
test_stream_init (TestStream *self)
{
}

static gpointer
new_stream (GType type, TestBackend *backend)
{
  TestStream *self = g_object_new (type, NULL);
  TestStreamPrivate *priv = test_stream_get_instance_private (self);

  priv->backend = backend;
  return self;
}

/* Overrides the other read slot than its parent does. */

typedef TestStream TestBytesStream;
typedef TestStreamClass TestBytesStreamClass;
static GType test_bytes_stream_get_type (void);
G_DEFINE_TYPE (TestBytesStream, test_bytes_stream, TEST_TYPE_STREAM)

static GBytes *
test_bytes_stream_read_bytes (CimplStream *self,
                              gsize count,
                              GCancellable *cancellable,
                              GError **error)
{
  gboolean success;
  TestFault fault;
  g_autofree guint8 *buffer = NULL;
  gsize n_read;

  if (misbehave (self, TEST_READ, &success, &fault, error))
    return fault == TEST_FAULT_TOO_MUCH ? g_bytes_new_take (g_malloc0 (count + 1), count + 1)
                                        : NULL;
  buffer = g_malloc (count);
  n_read = test_backend_read (get_backend (self), buffer, count);
  return g_bytes_new_take (g_steal_pointer (&buffer), n_read);
}

static void
test_bytes_stream_class_init (TestBytesStreamClass *klass)
{
  CIMPL_STREAM_CLASS (klass)->read_bytes = test_bytes_stream_read_bytes;
}

static void
test_bytes_stream_init (TestBytesStream *self)
{
}

static CimplStream *
create_read (TestBackend *backend)
{
  return new_stream (TEST_TYPE_STREAM, backend);
}

static CimplStream *
create_read_bytes (TestBackend *backend)
{
  return new_stream (test_bytes_stream_get_type (), backend);
}

static const StreamContract contracts[] = {
  {
      .name = "stream/read-slot",
      .create = create_read,
      .silent_code = CIMPL_STREAM_ERROR_CALLBACK_CONTRACT,
      .can_be_untouched = TRUE,
  },
  {
      .name = "stream/read-bytes-slot",
      .create = create_read_bytes,
      .silent_code = CIMPL_STREAM_ERROR_CALLBACK_CONTRACT,
      .can_be_untouched = TRUE,
  },
};

/* Chaining up between the read slots */

typedef TestStream TestChainStream;
typedef TestStreamClass TestChainStreamClass;
static GType test_chain_stream_get_type (void);
G_DEFINE_TYPE (TestChainStream, test_chain_stream, TEST_TYPE_STREAM)

/* Reads twice as much as asked for from its parent, which overrides the other slot. */
static GBytes *
test_chain_stream_read_bytes (CimplStream *self,
                              gsize count,
                              GCancellable *cancellable,
                              GError **error)
{
  g_autoptr (GBytes) bytes = CIMPL_STREAM_CLASS (test_chain_stream_parent_class)
                                 ->read_bytes (self, 2 * count, cancellable, error);

  return bytes == NULL ? NULL : g_bytes_new_from_bytes (bytes, 1, g_bytes_get_size (bytes) / 2);
}

static void
test_chain_stream_class_init (TestChainStreamClass *klass)
{
  CIMPL_STREAM_CLASS (klass)->read_bytes = test_chain_stream_read_bytes;
}

static void
test_chain_stream_init (TestChainStream *self)
{
}

static void
test_chain_up (void)
{
  g_autoptr (TestBackend) backend = test_backend_new ("0123456789");
  g_autoptr (CimplStream) stream = new_stream (test_chain_stream_get_type (), backend);
  g_autoptr (GBytes) bytes = NULL;
  char buffer[3];

  g_assert_cmpint (cimpl_stream_try_read (stream, buffer, 3, NULL, NULL), ==, 3);
  g_assert_cmpmem (buffer, 3, "123", 3);
  bytes = cimpl_stream_try_read_bytes (stream, 2, NULL, NULL);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), "78", 2);
}

/* Nothing but chaining up, in both slots: must end in an error, not in a recursion. */

typedef TestStream TestLoopStream;
typedef TestStreamClass TestLoopStreamClass;
static GType test_loop_stream_get_type (void);
G_DEFINE_TYPE (TestLoopStream, test_loop_stream, TEST_TYPE_STREAM)

static gboolean
test_loop_stream_read (CimplStream *self,
                       void *buffer,
                       gsize count,
                       gsize *n_read,
                       GCancellable *cancellable,
                       GError **error)
{
  CimplStreamClass *base_class = g_type_class_peek (CIMPL_TYPE_STREAM);

  return base_class->read (self, buffer, count, n_read, cancellable, error);
}

static GBytes *
test_loop_stream_read_bytes (CimplStream *self,
                             gsize count,
                             GCancellable *cancellable,
                             GError **error)
{
  CimplStreamClass *base_class = g_type_class_peek (CIMPL_TYPE_STREAM);

  return base_class->read_bytes (self, count, cancellable, error);
}

static void
test_loop_stream_class_init (TestLoopStreamClass *klass)
{
  CIMPL_STREAM_CLASS (klass)->read = test_loop_stream_read;
  CIMPL_STREAM_CLASS (klass)->read_bytes = test_loop_stream_read_bytes;
}

static void
test_loop_stream_init (TestLoopStream *self)
{
}

static void
test_no_recursion (void)
{
  g_autoptr (TestBackend) backend = test_backend_new ("0123456789");
  g_autoptr (CimplStream) stream = new_stream (test_loop_stream_get_type (), backend);
  g_autoptr (GError) error = NULL;
  char buffer[3];

  for (guint i = 0; i < 2; i++)
    {
      g_assert_cmpint (cimpl_stream_try_read (stream, buffer, 3, NULL, &error), ==, -1);
      g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NOT_SUPPORTED);
      g_clear_error (&error);
      g_assert_null (cimpl_stream_try_read_bytes (stream, 3, NULL, &error));
      g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NOT_SUPPORTED);
      g_clear_error (&error);
    }
}

/* A class that overrides nothing */

typedef CimplStream TestEmptyStream;
typedef CimplStreamClass TestEmptyStreamClass;
static GType test_empty_stream_get_type (void);
G_DEFINE_TYPE (TestEmptyStream, test_empty_stream, CIMPL_TYPE_STREAM)

static void
test_empty_stream_class_init (TestEmptyStreamClass *klass)
{
}

static void
test_empty_stream_init (TestEmptyStream *self)
{
}

static void
test_defaults (void)
{
  g_autoptr (CimplStream) stream = g_object_new (test_empty_stream_get_type (), NULL);
  CimplStreamFlags flags = CIMPL_STREAM_READABLE;
  g_autoptr (GError) error = NULL;
  char buffer[3];

  g_assert_true (cimpl_stream_try_get_flags (stream, &flags, NULL));
  g_assert_cmpuint (flags, ==, 0);
  g_assert_cmpint (cimpl_stream_try_read (stream, buffer, 3, NULL, &error), ==, -1);
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NOT_SUPPORTED);
  g_assert_cmpstr (error->message, ==, "TestEmptyStream cannot be read");
  g_clear_error (&error);
  g_assert_null (cimpl_stream_try_read_bytes (stream, 3, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NOT_SUPPORTED);
  g_clear_error (&error);
  g_assert_cmpint (cimpl_stream_try_write (stream, "abc", 3, NULL, &error), ==, -1);
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NOT_SUPPORTED);
  g_clear_error (&error);
  g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, &error), ==, -1);
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NOT_SUPPORTED);
  g_clear_error (&error);
  g_assert_false (cimpl_stream_try_truncate (stream, 0, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NOT_SUPPORTED);
  g_clear_error (&error);
  g_assert_true (cimpl_stream_try_flush (stream, NULL, &error));
  g_assert_true (cimpl_stream_try_close (stream, NULL, &error));
  g_assert_no_error (error);
}

/* Slots that break the rules of GError, or of their own results */

typedef enum
{
  BREAK_FOREIGN_ERROR,
  BREAK_TRUE_WITH_ERROR,
  BREAK_PLAIN_ERROR,
  BREAK_FLAGS_UNSET,
  BREAK_FLAGS_UNKNOWN,
  BREAK_COPY_UNSET,
  BREAK_COPY_NEGATIVE,
  BREAK_COPY_TOO_MUCH,
} Break;

static Break break_how;

static gboolean
break_flush (CimplStream *self, GCancellable *cancellable, GError **error)
{
  switch (break_how)
    {
    case BREAK_FOREIGN_ERROR:
      g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_ROFS, "read-only");
      return FALSE;
    case BREAK_TRUE_WITH_ERROR:
      g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_ROFS, "read-only");
      return TRUE;
    case BREAK_PLAIN_ERROR:
      cimpl_stream_set_error (CIMPL_STREAM_ERROR_WOULD_BLOCK, "said the plain way");
      return FALSE;
    case BREAK_FLAGS_UNSET:
    case BREAK_FLAGS_UNKNOWN:
    case BREAK_COPY_UNSET:
    case BREAK_COPY_NEGATIVE:
    case BREAK_COPY_TOO_MUCH:
    default:
      return TRUE;
    }
}

static gboolean
break_query_flags (CimplStream *self, CimplStreamFlags *flags, GError **error)
{
  if (break_how == BREAK_FLAGS_UNKNOWN)
    *flags = 1 << 20;
  return TRUE;
}

static gboolean
break_copy_to (CimplStream *self,
               CimplStream *target,
               gint64 limit,
               GFileProgressCallback progress,
               gpointer progress_data,
               gint64 *n_copied,
               GCancellable *cancellable,
               GError **error)
{
  if (break_how == BREAK_COPY_NEGATIVE)
    *n_copied = -7;
  else if (break_how == BREAK_COPY_TOO_MUCH)
    *n_copied = limit + 1;
  return TRUE;
}

typedef CimplStream TestBrokenStream;
typedef CimplStreamClass TestBrokenStreamClass;
static GType test_broken_stream_get_type (void);
G_DEFINE_TYPE (TestBrokenStream, test_broken_stream, CIMPL_TYPE_STREAM)

static void
test_broken_stream_class_init (TestBrokenStreamClass *klass)
{
  klass->flush = break_flush;
  klass->query_flags = break_query_flags;
  klass->copy_to = break_copy_to;
}

static void
test_broken_stream_init (TestBrokenStream *self)
{
}

static void
test_slot_errors (void)
{
  g_autoptr (CimplStream) stream = g_object_new (test_broken_stream_get_type (), NULL);
  CimplStreamFlags flags;
  g_autoptr (GError) error = NULL;

  break_how = BREAK_FOREIGN_ERROR;
  g_assert_false (cimpl_stream_try_flush (stream, NULL, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_ROFS);
  g_clear_error (&error);

  break_how = BREAK_TRUE_WITH_ERROR;
  g_assert_false (cimpl_stream_try_flush (stream, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CALLBACK_CONTRACT);
  g_clear_error (&error);

  break_how = BREAK_PLAIN_ERROR;
  g_assert_false (cimpl_stream_try_flush (stream, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_WOULD_BLOCK);
  g_assert_cmpstr (error->message, ==, "said the plain way");
  g_clear_error (&error);

  for (break_how = BREAK_FLAGS_UNSET; break_how <= BREAK_FLAGS_UNKNOWN; break_how++)
    {
      g_assert_false (cimpl_stream_try_get_flags (stream, &flags, &error));
      g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CALLBACK_CONTRACT);
      g_clear_error (&error);
    }

  for (break_how = BREAK_COPY_UNSET; break_how <= BREAK_COPY_TOO_MUCH; break_how++)
    {
      g_autoptr (CimplStream) target = g_object_new (test_empty_stream_get_type (), NULL);

      g_assert_false (cimpl_stream_try_copy (stream, target, 5, NULL, NULL, NULL, NULL, &error));
      g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CALLBACK_CONTRACT);
      g_clear_error (&error);
    }
}

/* Nothing keeps a C program from calling a slot itself. */
static void
test_slot_outside (void)
{
  g_autoptr (CimplStream) stream = g_object_new (test_empty_stream_get_type (), NULL);
  g_autoptr (TestBackend) backend = test_backend_new ("");
  g_autoptr (CimplStream) long_reader = new_stream (test_bytes_stream_get_type (), backend);
  CimplStreamClass *base_class = g_type_class_peek (CIMPL_TYPE_STREAM);
  g_autoptr (GError) error = NULL;
  gsize n = 0;
  char buffer[4];

  g_assert_false (CIMPL_STREAM_GET_CLASS (stream)->write (stream, "x", 1, &n, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NOT_SUPPORTED);
  g_clear_error (&error);

  backend->fault = TEST_FAULT_TOO_MUCH;
  g_assert_false (base_class->read (long_reader, buffer, 4, &n, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CALLBACK_CONTRACT);
}

/* What the plain API shows as one of its codes has not lost its own domain. */
static void
test_last_error_of_plain_call (void)
{
  g_autoptr (CimplStream) stream = g_object_new (test_broken_stream_get_type (), NULL);
  g_autoptr (GError) error = NULL;

  break_how = BREAK_FOREIGN_ERROR;
  g_assert_cmpint (cimpl_stream_flush (stream), ==, -1);
  error = cimpl_stream_error_dup_last ();
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_ROFS);
  g_assert_cmpstr (error->message, ==, "read-only");

  cimpl_stream_clear_error ();
  g_assert_null (cimpl_stream_error_dup_last ());
}

/* Dropped by one thread while another is inside */

static void
signal_and_wait (TestBackend *backend, gpointer user_data)
{
  gint *stage = user_data;

  backend->hook = NULL;
  g_atomic_int_set (stage, 1);
  while (g_atomic_int_get (stage) != 2)
    g_usleep (100);
}

static gpointer
read_four (gpointer user_data)
{
  char buffer[4];

  /* Without a reference: the stream must outlive the call all the same. */
  g_assert_cmpint (cimpl_stream_try_read (user_data, buffer, 4, NULL, NULL), ==, 4);
  return NULL;
}

static void
test_drop_elsewhere (void)
{
  g_autoptr (TestBackend) backend = test_backend_new ("0123456789");
  CimplStream *stream = new_stream (TEST_TYPE_STREAM, backend);
  gpointer watched = stream;
  gint stage = 0;
  GThread *reader;

  g_object_add_weak_pointer (G_OBJECT (stream), &watched);
  backend->hook = signal_and_wait;
  backend->hook_data = &stage;
  reader = g_thread_new ("reader", read_four, stream);
  while (g_atomic_int_get (&stage) != 1)
    g_usleep (100);

  g_object_unref (stream);
  g_assert_nonnull (watched);
  g_assert_cmpuint (backend->calls[TEST_CLOSE], ==, 0);

  g_atomic_int_set (&stage, 2);
  g_thread_join (reader);
  g_assert_null (watched);
  g_assert_cmpuint (backend->calls[TEST_CLOSE], ==, 1);
}

/* References that come and go at odd times */

static void
set_flag (gpointer flag)
{
  *(gboolean *) flag = TRUE;
}

static CimplStream *
new_watched_stream (TestBackend *backend, gboolean *is_finalized)
{
  CimplStream *stream = new_stream (TEST_TYPE_STREAM, backend);

  *is_finalized = FALSE;
  g_object_set_data_full (G_OBJECT (stream), "watch", is_finalized, set_flag);
  return stream;
}

static void
run_dispose (TestBackend *backend, gpointer stream)
{
  g_object_run_dispose (stream);
}

/* A dispose that is put off must not keep the stream for good. */
static void
test_run_dispose (void)
{
  g_autoptr (TestBackend) backend = test_backend_new ("0123456789");
  gboolean is_finalized;
  CimplStream *stream = new_watched_stream (backend, &is_finalized);

  cimpl_stream_ref (stream);
  g_object_run_dispose (G_OBJECT (stream)); /* put off by the plain reference */
  g_assert_false (cimpl_stream_is_closed (stream));
  g_assert_cmpint (cimpl_free (stream), ==, 0);
  g_assert_true (cimpl_stream_is_closed (stream));
  g_object_unref (stream);
  g_assert_true (is_finalized);

  stream = new_watched_stream (backend, &is_finalized);
  backend->hook = run_dispose; /* put off by the operation */
  backend->hook_data = stream;
  g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, NULL), ==, 0);
  backend->hook = NULL;
  g_assert_true (cimpl_stream_is_closed (stream));
  g_object_unref (stream);
  g_assert_true (is_finalized);
}

static void
use_when_toggled (gpointer result, GObject *stream, gboolean is_last_ref)
{
  g_autoptr (GError) error = NULL;

  if (is_last_ref)
    return;
  *(gint64 *) result = cimpl_stream_try_tell (CIMPL_STREAM (stream), NULL, &error);
  if (error != NULL)
    g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_BUSY);
}

/* Bindings have toggle references, whose notify may use the stream: it must not wait for itself. */
static void
test_toggle_reference (void)
{
  g_autoptr (TestBackend) backend = test_backend_new ("0123456789");
  CimplStream *stream = new_stream (TEST_TYPE_STREAM, backend);
  gint64 result = G_MAXINT64;

  g_object_add_toggle_ref (G_OBJECT (stream), use_when_toggled, &result);
  g_object_unref (stream);
  g_assert_true (cimpl_stream_ref (stream) == stream);
  g_assert_cmpint (result, <=, 0);
  g_assert_cmpint (cimpl_stream_tell (stream), ==, 0);
  g_assert_cmpint (cimpl_free (stream), ==, 0);
  g_object_remove_toggle_ref (G_OBJECT (stream), use_when_toggled, &result);
  g_assert_cmpuint (backend->calls[TEST_CLOSE], ==, 1);
}

/* A last g_object_unref() is put off and overtaken by a plain reference, which is then taken. */
static void
test_take_after_last_unref (void)
{
  g_autoptr (TestBackend) backend = test_backend_new ("0123456789");
  gboolean is_finalized;
  CimplStream *stream = new_watched_stream (backend, &is_finalized);
  gint stage = 0;
  GThread *reader;

  backend->hook = signal_and_wait;
  backend->hook_data = &stage;
  reader = g_thread_new ("reader", read_four, stream);
  while (g_atomic_int_get (&stage) != 1)
    g_usleep (100);
  g_assert_true (cimpl_stream_ref (stream) == stream);
  g_object_unref (stream);
  g_atomic_int_set (&stage, 2);
  g_thread_join (reader);

  g_assert_cmpint (cimpl_stream_tell (stream), ==, 4);
  g_assert_true (cimpl_stream_take (stream) == stream);
  g_assert_false (cimpl_stream_is_closed (stream));
  g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, NULL), ==, 4);
  g_object_unref (stream);
  g_assert_true (is_finalized);
}

/* Forks */

static void
wait_for_child (pid_t child)
{
  int status;

  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
}

/* Not _exit(): a leak checker would miss the parent's threads in the child. */
static void
end_child (void)
{
  execl ("/bin/true", "true", NULL);
  _exit (0);
}

/* In a child, an assertion must not run the rest of the tests: any failure is the exit status. */
#define CHILD_CHECK(condition)                                                                     \
  if (!(condition))                                                                                \
  _exit (__LINE__ % 250 + 1)

static void
test_fork_drop (void)
{
  g_autoptr (TestBackend) backend = test_backend_new ("");
  CimplStream *stream = new_stream (TEST_TYPE_STREAM, backend);
  pid_t child;

  g_assert_cmpint (cimpl_stream_try_write (stream, "abc", 3, NULL, NULL), ==, 3);
  child = fork ();
  if (child == 0)
    {
      g_object_unref (stream);
      CHILD_CHECK (backend->calls[TEST_FLUSH] == 0 && backend->calls[TEST_CLOSE] == 0);
      end_child ();
    }
  wait_for_child (child);
  g_assert_finalize_object (stream);
  g_assert_cmpuint (backend->calls[TEST_CLOSE], ==, 1);
}

static void
test_fork_explicit_close (void)
{
  g_autoptr (TestBackend) backend = test_backend_new ("");
  CimplStream *stream = new_stream (TEST_TYPE_STREAM, backend);
  pid_t child;

  g_assert_cmpint (cimpl_stream_try_write (stream, "abc", 3, NULL, NULL), ==, 3);
  child = fork ();
  if (child == 0)
    {
      CHILD_CHECK (cimpl_stream_try_close (stream, NULL, NULL));
      CHILD_CHECK (backend->calls[TEST_FLUSH] == 1 && backend->calls[TEST_CLOSE] == 1);
      end_child ();
    }
  wait_for_child (child);
  g_assert_finalize_object (stream);
}

static void
fork_inside (TestBackend *backend, gpointer user_data)
{
  CimplStream *stream = user_data;
  pid_t child;

  backend->hook = NULL;
  child = fork ();
  if (child == 0)
    {
      /* This thread is in the child, and so is its operation. */
      g_autoptr (GError) error = NULL;

      CHILD_CHECK (cimpl_stream_try_tell (stream, NULL, &error) == -1);
      CHILD_CHECK (g_error_matches (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_BUSY));
      end_child ();
    }
  wait_for_child (child);
}

static void
test_fork_inside (void)
{
  g_autoptr (TestBackend) backend = test_backend_new ("0123");
  g_autoptr (CimplStream) stream = new_stream (TEST_TYPE_STREAM, backend);

  backend->hook = fork_inside;
  backend->hook_data = stream;
  read_four (stream);
}

static void
test_fork_while_busy (void)
{
  g_autoptr (TestBackend) backend = test_backend_new ("0123456789");
  g_autoptr (CimplStream) stream = new_stream (TEST_TYPE_STREAM, backend);
  g_autoptr (GError) error = NULL;
  gint stage = 0;
  GThread *reader;
  pid_t child;

  backend->hook = signal_and_wait;
  backend->hook_data = &stage;
  reader = g_thread_new ("reader", read_four, stream);
  while (g_atomic_int_get (&stage) != 1)
    g_usleep (100);
  g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, &error), ==, -1);
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_BUSY);

  child = fork ();
  if (child == 0)
    {
      CHILD_CHECK (cimpl_stream_try_tell (stream, NULL, NULL) == 0);
      end_child ();
    }
  wait_for_child (child);
  g_atomic_int_set (&stage, 2);
  g_thread_join (reader);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (contracts); i++)
    stream_contract_add_tests (&contracts[i]);

  g_test_add_func ("/stream/chain-up", test_chain_up);
  g_test_add_func ("/stream/no-recursion", test_no_recursion);
  g_test_add_func ("/stream/defaults", test_defaults);
  g_test_add_func ("/stream/slot-errors", test_slot_errors);
  g_test_add_func ("/stream/slot-outside", test_slot_outside);
  g_test_add_func ("/stream/slot-last-error", test_last_error_of_plain_call);
  g_test_add_func ("/stream/drop-elsewhere", test_drop_elsewhere);
  g_test_add_func ("/stream/run-dispose", test_run_dispose);
  g_test_add_func ("/stream/toggle-reference", test_toggle_reference);
  g_test_add_func ("/stream/take-after-last-unref", test_take_after_last_unref);
  g_test_add_func ("/stream/fork/drop", test_fork_drop);
  g_test_add_func ("/stream/fork/explicit-close", test_fork_explicit_close);
  g_test_add_func ("/stream/fork/inside", test_fork_inside);
  g_test_add_func ("/stream/fork/while-busy", test_fork_while_busy);
  return g_test_run ();
}
