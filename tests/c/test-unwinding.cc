/* SPDX-License-Identifier: MIT */

/*
 * Callbacks that do not return: a C++ exception leaves them, or the thread is cancelled in them.
 * The operation has then ended, and the stream serves the next one, or is closed.
 */

#include <cimplstream/cimplstream.h>

#include <pthread.h>
#include <stdexcept>

namespace
{

enum class Way
{
  NONE,
  THROW,
  CANCEL,
};

enum class Op
{
  NONE,
  READ,
  WRITE,
  SEEK,
  FLUSH,
  CLOSE,
  TRUNCATE,
  FLAGS,
  PROGRESS,
};

/* What the callbacks work on: that of @op is left in this way, the others succeed. */
struct Backend
{
  Op op = Op::NONE;
  Way way = Way::NONE;
  bool fails = false; /* without saying why */
  int n_destroyed = 0;

  void leave (Op running);
};

void
Backend::leave (Op running)
{
  if (running != op)
    return;
  if (way != Way::NONE)
    cimpl_stream_set_error (CIMPL_STREAM_ERROR_NO_SPACE, "said by who never returned");
  /* Its error is that of the operation, and has to go with it. */
  g_assert_cmpint (cimpl_stream_read (nullptr, nullptr, 1), ==, -1);
  if (way == Way::THROW)
    throw std::runtime_error ("boom");
  if (way == Way::CANCEL)
    {
      pthread_cancel (pthread_self ());
      pthread_testcancel ();
      g_assert_not_reached ();
    }
}

int64_t
answer (CimplStreamContext *context, Op op, int64_t success)
{
  auto backend = reinterpret_cast<Backend *> (context);

  backend->leave (op);
  return backend->fails ? -1 : success;
}

/* Streams of callbacks */

void
read_cb (CimplStreamContext *context, uint8_t *data, size_t, int64_t *result)
{
  *data = 'x';
  *result = answer (context, Op::READ, 1);
}

void
write_cb (CimplStreamContext *context, const uint8_t *, size_t len, int64_t *result)
{
  *result = answer (context, Op::WRITE, static_cast<int64_t> (len));
}

void
seek_cb (CimplStreamContext *context, int64_t offset, CimplSeekMode, int64_t *result)
{
  *result = answer (context, Op::SEEK, offset);
}

void
flush_cb (CimplStreamContext *context, int64_t *result)
{
  *result = answer (context, Op::FLUSH, 0);
}

void
close_cb (CimplStreamContext *context, int64_t *result)
{
  *result = answer (context, Op::CLOSE, 0);
}

void
truncate_cb (CimplStreamContext *context, int64_t, int64_t *result)
{
  *result = answer (context, Op::TRUNCATE, 0);
}

void
destroy_cb (CimplStreamContext *context)
{
  reinterpret_cast<Backend *> (context)->n_destroyed++;
}

CimplStream *
storing_stream (Backend *backend)
{
  CimplStreamCallbacks callbacks = CimplStreamCallbacks ();

  callbacks.struct_size = sizeof callbacks;
  callbacks.read = read_cb;
  callbacks.write = write_cb;
  callbacks.seek = seek_cb;
  callbacks.flush = flush_cb;
  callbacks.close = close_cb;
  callbacks.truncate = truncate_cb;
  return cimpl_stream_new_full (&callbacks, reinterpret_cast<CimplStreamContext *> (backend),
                                destroy_cb);
}

/* The form that returns its result */

intptr_t
reader (CimplStreamContext *context, uint8_t *data, size_t)
{
  *data = 'x';
  return static_cast<intptr_t> (answer (context, Op::READ, 1));
}

int64_t
seeker (CimplStreamContext *context, int64_t offset, CimplSeekMode)
{
  return answer (context, Op::SEEK, offset);
}

intptr_t
writer (CimplStreamContext *context, const uint8_t *, size_t len)
{
  return static_cast<intptr_t> (answer (context, Op::WRITE, static_cast<int64_t> (len)));
}

int32_t
flusher (CimplStreamContext *context)
{
  return static_cast<int32_t> (answer (context, Op::FLUSH, 0));
}

CimplStream *
returning_stream (Backend *backend)
{
  backend->n_destroyed = 1; /* there is nothing to be called */
  return cimpl_stream_new (reinterpret_cast<CimplStreamContext *> (backend), reader, seeker, writer,
                           flusher);
}

/* Filters over them */

CimplStream *
buffered_stream (Backend *backend)
{
  CimplStream *base = storing_stream (backend);
  CimplStream *stream = cimpl_stream_new_buffered (base, 16);

  cimpl_filter_stream_set_close_base (CIMPL_FILTER_STREAM (stream), TRUE);
  g_assert_cmpint (cimpl_free (base), ==, 0);
  return stream;
}

CimplStream *
filter_stream (Backend *backend)
{
  g_autoptr (CimplStream) base = cimpl_stream_take (storing_stream (backend));
  g_autoptr (CimplStream) stream = cimpl_fault_stream_new (base);

  cimpl_filter_stream_set_close_base (CIMPL_FILTER_STREAM (stream), TRUE);
  return cimpl_stream_ref (stream);
}

/* A subclass, which reads by a default, and may be left while it is asked what it can do */

struct TestStream
{
  CimplStream parent_instance;

  Backend *backend;
};

struct TestStreamClass
{
  CimplStreamClass parent_class;
};

G_DEFINE_TYPE (TestStream, test_stream, CIMPL_TYPE_STREAM)

Backend *
get_backend (gpointer stream)
{
  return static_cast<TestStream *> (stream)->backend;
}

GBytes *
test_stream_read_bytes (CimplStream *stream, gsize, GCancellable *, GError **error)
{
  get_backend (stream)->leave (Op::READ);
  if (!get_backend (stream)->fails)
    return g_bytes_new_static ("x", 1);
  g_set_error_literal (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_IO_OPERATION, "failed");
  return nullptr;
}

gboolean
test_stream_query_flags (CimplStream *stream, CimplStreamFlags *flags, GError **)
{
  get_backend (stream)->leave (Op::FLAGS);
  *flags = CIMPL_STREAM_READABLE;
  return TRUE;
}

void
test_stream_finalize (GObject *object)
{
  get_backend (object)->n_destroyed++;

  G_OBJECT_CLASS (test_stream_parent_class)->finalize (object);
}

void
test_stream_class_init (TestStreamClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = test_stream_finalize;
  CIMPL_STREAM_CLASS (klass)->read_bytes = test_stream_read_bytes;
  CIMPL_STREAM_CLASS (klass)->query_flags = test_stream_query_flags;
}

void
test_stream_init (TestStream *)
{
}

CimplStream *
subclass_stream (Backend *backend)
{
  auto stream = static_cast<TestStream *> (g_object_new (test_stream_get_type (), nullptr));
  CimplStream *plain = cimpl_stream_ref (CIMPL_STREAM (stream));

  stream->backend = backend;
  g_object_unref (stream);
  return plain;
}

CimplStream *
filtered_subclass_stream (Backend *backend)
{
  CimplStream *base = subclass_stream (backend);
  CimplStream *stream = cimpl_stream_new_buffered (base, 16);

  g_assert_cmpint (cimpl_free (base), ==, 0);
  return stream;
}

/* What is done with a stream; whether it worked. */

bool
do_read (CimplStream *stream, Backend *)
{
  uint8_t byte = 0;

  return cimpl_stream_read (stream, &byte, 1) == 1 && byte == 'x';
}

bool
do_read_bytes (CimplStream *stream, Backend *)
{
  g_autoptr (GBytes) bytes = cimpl_stream_try_read_bytes (stream, 1, nullptr, nullptr);

  return bytes != nullptr;
}

bool
do_read_all (CimplStream *stream, Backend *)
{
  uint8_t data[4];

  return cimpl_stream_try_read_all (stream, data, sizeof data, nullptr, nullptr, nullptr);
}

bool
do_write (CimplStream *stream, Backend *)
{
  return cimpl_stream_write (stream, reinterpret_cast<const uint8_t *> ("xyz"), 3) == 3
         && cimpl_stream_flush (stream) == 0;
}

bool
do_seek (CimplStream *stream, Backend *)
{
  return cimpl_stream_seek (stream, 7, CIMPL_SEEK_MODE_START) == 7;
}

bool
do_get_size (CimplStream *stream, Backend *)
{
  return cimpl_stream_get_size (stream) == 0;
}

bool
do_flush (CimplStream *stream, Backend *)
{
  return cimpl_stream_flush (stream) == 0;
}

bool
do_close (CimplStream *stream, Backend *)
{
  return cimpl_stream_close (stream) == 0;
}

bool
do_write_and_close (CimplStream *stream, Backend *)
{
  return cimpl_stream_write (stream, reinterpret_cast<const uint8_t *> ("xyz"), 3) == 3
         && cimpl_stream_close (stream) == 0;
}

bool
do_truncate (CimplStream *stream, Backend *)
{
  return cimpl_stream_truncate (stream, 7) == 0;
}

bool
do_get_flags (CimplStream *stream, Backend *)
{
  return cimpl_stream_get_flags (stream) == CIMPL_STREAM_READABLE;
}

int32_t
progress_cb (CimplStreamContext *context, int64_t, int64_t)
{
  reinterpret_cast<Backend *> (context)->leave (Op::PROGRESS);
  return 0;
}

/* Both are the same kind of stream; the other one never fails. */
bool
copy (CimplStream *source, CimplStream *target, Backend *backend)
{
  return cimpl_stream_copy (source, target, 4, progress_cb,
                            reinterpret_cast<CimplStreamContext *> (backend), nullptr)
         == 0;
}

/* A copy leaves the other stream in order, too. */
void
check_usable (CimplStream *stream)
{
  Backend none;

  g_assert_true (do_read (stream, &none) && do_write (stream, &none));
}

struct Other
{
  Backend backend;
  CimplStream *stream = storing_stream (&backend);

  Other () = default;
  Other (const Other &) = delete;
  ~Other ()
  {
    check_usable (stream);
    g_assert_cmpint (cimpl_free (stream), ==, 0);
    g_assert_cmpint (backend.n_destroyed, ==, 1);
  }
};

bool
do_copy_from (CimplStream *stream, Backend *backend)
{
  Other target;

  return copy (stream, target.stream, backend);
}

bool
do_copy_to (CimplStream *stream, Backend *backend)
{
  Other source;

  return copy (source.stream, stream, backend);
}

/* Of those of GIO, only this one has nothing of GIO between the caller and the callback. */
bool
do_gio_seek (CimplStream *stream, Backend *)
{
  g_autoptr (GInputStream) input = cimpl_input_stream_new (stream);

  return g_seekable_seek (G_SEEKABLE (input), 7, G_SEEK_SET, nullptr, nullptr);
}

/* GIO must not think that it is still in the middle of it. */
CimplStream *
gio_stream (Backend *backend)
{
  g_autoptr (CimplStream) base = cimpl_stream_take (storing_stream (backend));
  g_autoptr (GInputStream) input = cimpl_input_stream_new (base);
  g_autoptr (GOutputStream) output = cimpl_output_stream_new (base);
  g_autoptr (CimplStream) stream = cimpl_gio_stream_new (input, output);

  return cimpl_stream_ref (stream);
}

bool
do_read_cancellable (CimplStream *stream, Backend *)
{
  static GCancellable *cancellable = g_cancellable_new ();
  uint8_t byte;

  g_assert_null (g_cancellable_get_current ());
  g_cancellable_reset (cancellable);
  return cimpl_stream_try_read (stream, &byte, 1, cancellable, nullptr) == 1;
}

/* What the stream is like after it. */
enum class Then
{
  USABLE,
  STARTED, /* usable, and does not come to this callback again */
  OPEN,    /* and can be closed */
  CLOSED,
};

struct Row
{
  const char *name;
  CimplStream *(*make) (Backend *backend);
  bool (*operate) (CimplStream *stream, Backend *backend);
  Op op;
  Then then;
};

const Row rows[] = {
  { "read", storing_stream, do_read, Op::READ, Then::USABLE },
  { "write", storing_stream, do_write, Op::WRITE, Then::USABLE },
  { "seek", storing_stream, do_seek, Op::SEEK, Then::USABLE },
  { "get-size", storing_stream, do_get_size, Op::SEEK, Then::USABLE },
  { "flush", storing_stream, do_flush, Op::FLUSH, Then::USABLE },
  { "close", storing_stream, do_close, Op::CLOSE, Then::CLOSED },
  { "close/flush", storing_stream, do_write_and_close, Op::FLUSH, Then::OPEN },
  { "truncate", storing_stream, do_truncate, Op::TRUNCATE, Then::USABLE },
  { "read-all", storing_stream, do_read_all, Op::READ, Then::USABLE },
  { "read-bytes", storing_stream, do_read_bytes, Op::READ, Then::USABLE },
  { "returning/read", returning_stream, do_read, Op::READ, Then::USABLE },
  { "returning/write", returning_stream, do_write, Op::WRITE, Then::USABLE },
  { "returning/seek", returning_stream, do_seek, Op::SEEK, Then::USABLE },
  { "returning/flush", returning_stream, do_flush, Op::FLUSH, Then::USABLE },
  { "buffered/read", buffered_stream, do_read, Op::READ, Then::USABLE },
  { "buffered/write", buffered_stream, do_write, Op::WRITE, Then::USABLE },
  { "buffered/start", buffered_stream, do_read, Op::SEEK, Then::STARTED },
  { "buffered/seek", buffered_stream, do_seek, Op::SEEK, Then::STARTED },
  { "buffered/flush", buffered_stream, do_flush, Op::FLUSH, Then::USABLE },
  { "buffered/close", buffered_stream, do_close, Op::CLOSE, Then::CLOSED },
  { "buffered/close/write", buffered_stream, do_write_and_close, Op::WRITE, Then::OPEN },
  { "buffered/truncate", buffered_stream, do_truncate, Op::TRUNCATE, Then::USABLE },
  { "filter/read", filter_stream, do_read, Op::READ, Then::USABLE },
  { "filter/write", filter_stream, do_write, Op::WRITE, Then::USABLE },
  { "filter/seek", filter_stream, do_seek, Op::SEEK, Then::USABLE },
  { "filter/flush", filter_stream, do_flush, Op::FLUSH, Then::USABLE },
  { "filter/close", filter_stream, do_close, Op::CLOSE, Then::CLOSED },
  { "filter/truncate", filter_stream, do_truncate, Op::TRUNCATE, Then::USABLE },
  { "subclass/read", subclass_stream, do_read, Op::READ, Then::USABLE },
  { "subclass/flags", subclass_stream, do_get_flags, Op::FLAGS, Then::USABLE },
  { "filter/flags", filtered_subclass_stream, do_get_flags, Op::FLAGS, Then::USABLE },
  { "filter/start/flags", filtered_subclass_stream, do_read, Op::FLAGS, Then::STARTED },
  { "copy/from", storing_stream, do_copy_from, Op::READ, Then::USABLE },
  { "copy/to", storing_stream, do_copy_to, Op::WRITE, Then::USABLE },
  { "copy/progress/from", storing_stream, do_copy_from, Op::PROGRESS, Then::USABLE },
  { "copy/progress/to", storing_stream, do_copy_to, Op::PROGRESS, Then::USABLE },
  { "copy/from/buffered", buffered_stream, do_copy_from, Op::READ, Then::USABLE },
  { "gio/seek", storing_stream, do_gio_seek, Op::SEEK, Then::USABLE },
  { "gio-stream/read", gio_stream, do_read, Op::READ, Then::USABLE },
  { "gio-stream/write", gio_stream, do_write, Op::WRITE, Then::USABLE },
  { "gio-stream/flush", gio_stream, do_flush, Op::FLUSH, Then::USABLE },
  { "gio-stream/cancellable", gio_stream, do_read_cancellable, Op::READ, Then::USABLE },
};

struct Work
{
  const Row *row;
  CimplStream *stream;
  Backend *backend;
};

gpointer
operate_in_thread (gpointer user_data)
{
  auto work = static_cast<Work *> (user_data);

  return work->row->operate (work->stream, work->backend) ? nullptr : user_data;
}

/* Does what @row says; the callback does not return. */
void
operate (const Work *work)
{
  pthread_t thread;
  void *result;

  if (work->backend->way == Way::CANCEL)
    {
      g_assert_cmpint (
          pthread_create (&thread, nullptr, operate_in_thread, const_cast<Work *> (work)), ==, 0);
      g_assert_cmpint (pthread_join (thread, &result), ==, 0);
      g_assert_true (result == PTHREAD_CANCELED);
      return;
    }
  try
    {
      work->row->operate (work->stream, work->backend);
    }
  catch (const std::runtime_error &)
    {
      return;
    }
  g_assert_not_reached ();
}

void
check_way (const Row *row, Way way)
{
  Backend backend;
  CimplStream *stream = row->make (&backend);
  Work work = { row, stream, &backend };

  backend.op = row->op;
  for (int i = 0; i < (row->then == Then::USABLE ? 3 : 1); i++)
    {
      backend.way = way;
      operate (&work);

      /* The thread is outside of any operation. */
      cimpl_stream_clear_error ();
      g_assert_cmpint (cimpl_stream_write (nullptr, nullptr, 1), ==, -1);
      g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_NULL_PARAMETER);
      cimpl_stream_set_error (CIMPL_STREAM_ERROR_OTHER, "outside");
      g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_OTHER);

      backend.way = Way::NONE;
      if (row->then == Then::CLOSED)
        {
          g_assert_cmpint (cimpl_stream_get_size (stream), ==, -1);
          g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_CLOSED);
          break;
        }
      if (row->then == Then::OPEN)
        {
          g_assert_cmpint (cimpl_stream_close (stream), ==, 0);
          break;
        }
      /* What was said before is not the error of a later failure. */
      if (row->op != Op::FLAGS && row->op != Op::PROGRESS && row->op != Op::FLUSH)
        {
          backend.fails = true;
          g_assert_false (row->operate (stream, &backend));
          g_assert_cmpint (cimpl_stream_error_code (), !=, CIMPL_STREAM_ERROR_NO_SPACE);
          g_assert_cmpint (cimpl_stream_error_code (), !=, CIMPL_STREAM_ERROR_BUSY);
          backend.fails = false;
        }
      g_assert_true (row->operate (stream, &backend));
    }
  g_assert_cmpint (cimpl_free (stream), ==, 0);
  g_assert_cmpint (backend.n_destroyed, ==, 1);
}

void
test_exception (gconstpointer row)
{
  check_way (static_cast<const Row *> (row), Way::THROW);
}

void
test_cancel (gconstpointer row)
{
#ifdef __SANITIZE_ADDRESS__
  g_test_skip ("The address sanitizer takes what a cancelled thread unwinds for errors");
  return;
#endif
  check_way (static_cast<const Row *> (row), Way::CANCEL);
}

/* An exception that ends the iteration of a main context does not leave those waiting that it
 * serves. */

struct Reader
{
  CimplStream *stream;
  intptr_t n_read;
  int32_t code;
};

void *
read_in_thread (void *user_data)
{
  auto reader = static_cast<Reader *> (user_data);
  uint8_t byte;

  reader->n_read = cimpl_stream_read (reader->stream, &byte, 1);
  reader->code = cimpl_stream_error_code ();
  return nullptr;
}

void
test_dispatch ()
{
#ifdef __SANITIZE_THREAD__
  g_test_skip ("ThreadSanitizer does not see what hands the sources of GLib to another thread");
  return;
#endif
  static GMainContext *context = g_main_context_new (); /* never freed: GLib cannot, after that */
  Backend backend;
  g_autoptr (CimplStream) base = cimpl_stream_take (storing_stream (&backend));
  g_autoptr (CimplStream) stream = cimpl_dispatch_stream_new (base, context);
  Reader reader = { stream, 0, 0 };
  pthread_t thread;
  bool was_thrown = false;
  uint8_t byte;

  backend.op = Op::READ;
  backend.way = Way::THROW;
  g_assert_cmpint (pthread_create (&thread, nullptr, read_in_thread, &reader), ==, 0);
  while (!was_thrown)
    try
      {
        g_main_context_iteration (context, TRUE);
      }
    catch (const std::runtime_error &)
      {
        was_thrown = true;
      }
  g_assert_cmpint (pthread_join (thread, nullptr), ==, 0);
  g_assert_cmpint (reader.n_read, ==, -1);
  g_assert_cmpint (reader.code, ==, CIMPL_STREAM_ERROR_IO_OPERATION);

  backend.way = Way::NONE;
  g_assert_cmpint (cimpl_stream_read (base, &byte, 1), ==, 1);
}

void
add_tests (const char *way, GTestDataFunc test)
{
  for (const Row &row : rows)
    {
      g_autofree char *path = g_strconcat ("/unwinding/", way, "/", row.name, nullptr);

      g_test_add_data_func (path, &row, test);
    }
}

}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, nullptr);

  add_tests ("exception", test_exception);
  add_tests ("cancel", test_cancel);
  g_test_add_func ("/unwinding/dispatch", test_dispatch);
  return g_test_run ();
}
