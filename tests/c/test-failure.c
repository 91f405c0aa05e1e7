/* SPDX-License-Identifier: MIT */

/* What stays of a failure, as consumers see it that swallow errors, go on and try again. */

#include <cimplstream/cimplstream.h>

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base.h"

/* A stream of callbacks that fail when they are told to. */

struct CimplStreamContext
{
  CimplStream *stream;
  CimplStream *base; /* of a filter, which passes on what that says */
  int32_t code;      /* OK: succeed */
  int32_t errnum;
  uint64_t serial; /* of the last failure */
};

static int64_t
succeed_or_fail (CimplStreamContext *context, int64_t result)
{
  if (context->code == CIMPL_STREAM_ERROR_OK)
    return result;
  context->serial
      = cimpl_stream_fail (context->stream, context->code, context->errnum, "on purpose", SIZE_MAX);
  return -1;
}

static intptr_t
on_read (CimplStreamContext *context, uint8_t *data, size_t len)
{
  if (context->base != NULL)
    {
      intptr_t n_read = cimpl_stream_read (context->base, data, len);

      if (n_read < 0)
        cimpl_stream_forward_error (context->stream);
      return n_read;
    }
  data[0] = 'x';
  return (intptr_t) succeed_or_fail (context, 1);
}

static intptr_t
on_write (CimplStreamContext *context, const uint8_t *data, size_t len)
{
  return (intptr_t) succeed_or_fail (context, (int64_t) len);
}

static int64_t
on_seek (CimplStreamContext *context, int64_t offset, CimplSeekMode mode)
{
  return succeed_or_fail (context, offset);
}

static int32_t
on_flush (CimplStreamContext *context)
{
  return (int32_t) succeed_or_fail (context, 0);
}

static CimplStream *
new_stream (CimplStreamContext *context)
{
  context->stream = cimpl_stream_new (context, on_read, on_seek, on_write, on_flush);
  return context->stream;
}

static intptr_t
read_byte (CimplStream *stream)
{
  uint8_t byte;

  return cimpl_stream_read (stream, &byte, 1);
}

/* Fails one read with @code. */
static void
fail_read (CimplStreamContext *context, int32_t code)
{
  context->code = code;
  g_assert_cmpint (read_byte (context->stream), ==, -1);
  context->code = CIMPL_STREAM_ERROR_OK;
}

static void
assert_last_error (int32_t code, int32_t errnum, const char *message)
{
  char text[64];

  g_assert_cmpint (cimpl_stream_error_code (), ==, code);
  g_assert_cmpint (cimpl_stream_error_errno (), ==, errnum);
  g_assert_cmpuint (cimpl_stream_error_message (text, sizeof text), ==, strlen (message));
  g_assert_cmpstr (text, ==, message);
}

/* The plain API */

static void
test_plain (void)
{
  CimplStreamContext context = { .errnum = ENOSPC };
  CimplStream *stream = new_stream (&context);

  g_assert_cmpint (cimpl_stream_failed (stream), ==, CIMPL_STREAM_ERROR_OK);
  fail_read (&context, CIMPL_STREAM_ERROR_NO_SPACE);
  cimpl_stream_clear_error ();
  context.errnum = 0;
  fail_read (&context, CIMPL_STREAM_ERROR_UNEXPECTED_EOF);
  g_assert_cmpint (read_byte (stream), ==, 1);

  g_assert_cmpint (cimpl_stream_failed (stream), ==, CIMPL_STREAM_ERROR_NO_SPACE);
  assert_last_error (CIMPL_STREAM_ERROR_NO_SPACE, ENOSPC, "on purpose");
  g_assert_cmpint (cimpl_stream_clear_failure (stream), ==, 0);
  g_assert_cmpint (cimpl_stream_failed (stream), ==, CIMPL_STREAM_ERROR_OK);
  /* That was the answer, and no error of its own. */
  assert_last_error (CIMPL_STREAM_ERROR_NO_SPACE, ENOSPC, "on purpose");
  g_assert_cmpint (cimpl_free (stream), ==, 0);
}

static void
test_plain_refused (void)
{
  CimplStreamContext context = { .base = NULL };
  CimplStream *stream = new_stream (&context);
  uint64_t serial = 1;

  g_assert_cmpint (cimpl_free (stream), ==, 0);
  g_assert_cmpint (cimpl_stream_failed (stream), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_INVALID_HANDLE);
  g_assert_cmpint (cimpl_stream_clear_failure (stream), ==, -1);
  g_assert_cmpint (cimpl_stream_failed_since (stream, 0, 0, &serial), ==, -1);
  g_assert_cmpint (cimpl_stream_failed (NULL), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_NULL_PARAMETER);
  g_assert_cmpint (cimpl_stream_clear_failure (NULL), ==, -1);
  g_assert_cmpint (cimpl_stream_failed_since (NULL, 0, 0, NULL), ==, -1);
}

static void
test_message (void)
{
  char text[4] = "abc";

  cimpl_stream_clear_error ();
  g_assert_cmpuint (cimpl_stream_error_message (NULL, 0), ==, 0);
  g_assert_cmpuint (cimpl_stream_error_message (text, sizeof text), ==, 0);
  g_assert_cmpstr (text, ==, "");

  cimpl_stream_set_error (CIMPL_STREAM_ERROR_OTHER, "six is");
  g_assert_cmpuint (cimpl_stream_error_message (NULL, 0), ==, 6);
  g_assert_cmpuint (cimpl_stream_error_message (text, sizeof text), ==, 6);
  g_assert_cmpstr (text, ==, "six");
  g_assert_cmpuint (cimpl_stream_error_message (text, 1), ==, 6);
  g_assert_cmpstr (text, ==, "");

  /* No character is cut in two. */
  cimpl_stream_set_error (CIMPL_STREAM_ERROR_OTHER, "a\u20acb");
  g_assert_cmpuint (cimpl_stream_error_message (text, 4), ==, 5);
  g_assert_cmpstr (text, ==, "a");
  cimpl_stream_set_error (CIMPL_STREAM_ERROR_OTHER, "\u20acb");
  g_assert_cmpuint (cimpl_stream_error_message (text, 4), ==, 4);
  g_assert_cmpstr (text, ==, "\u20ac");
}

typedef struct
{
  const char *name;
  int32_t code;
  int32_t errnum;
  const char *message;
  size_t len;
  int32_t expected_code;
  const char *expected_message;
} FailCase;

static const FailCase fail_cases[] = {
  { "code", CIMPL_STREAM_ERROR_NO_SPACE, 0, "full", SIZE_MAX, CIMPL_STREAM_ERROR_NO_SPACE, "full" },
  { "errno", 0, EPIPE, "gone", SIZE_MAX, CIMPL_STREAM_ERROR_IO_OPERATION, "gone" },
  { "both", CIMPL_STREAM_ERROR_CLOSED, EPIPE, "gone", SIZE_MAX, CIMPL_STREAM_ERROR_CLOSED, "gone" },
  { "neither", 0, 0, "why", SIZE_MAX, CIMPL_STREAM_ERROR_OTHER, "why" },
  { "unknown", 99, 0, "why", SIZE_MAX, CIMPL_STREAM_ERROR_OTHER, "why" },
  { "length", 0, 0, "abcdef", 3, CIMPL_STREAM_ERROR_OTHER, "abc" },
  { "empty", 0, 0, "abcdef", 0, CIMPL_STREAM_ERROR_OTHER, "" },
  { "no-text", CIMPL_STREAM_ERROR_BUSY, 0, NULL, 0, CIMPL_STREAM_ERROR_BUSY, "Busy" },
  { "no-utf8", 0, 0, "a\xff", 2, CIMPL_STREAM_ERROR_OTHER, "a\xef\xbf\xbd" },
};

static intptr_t
on_read_fail (CimplStreamContext *context, uint8_t *data, size_t len)
{
  const FailCase *test = (const FailCase *) context->base;

  cimpl_stream_fail (context->stream, test->code, test->errnum, test->message, test->len);
  return -1;
}

/* Inside a callback, and outside of any, where it is the last error of the thread. */
static void
test_fail (gconstpointer user_data)
{
  const FailCase *test = user_data;
  CimplStreamContext context = { .base = (CimplStream *) test };

  context.stream = cimpl_stream_new (&context, on_read_fail, NULL, NULL, NULL);
  g_assert_cmpint (read_byte (context.stream), ==, -1);
  assert_last_error (test->expected_code, test->errnum, test->expected_message);

  cimpl_stream_clear_error ();
  cimpl_stream_fail (context.stream, test->code, test->errnum, test->message, test->len);
  assert_last_error (test->expected_code, test->errnum, test->expected_message);
  g_assert_cmpint (cimpl_stream_clear_failure (context.stream), ==, 0);
  g_assert_cmpint (cimpl_stream_failed (context.stream), ==, CIMPL_STREAM_ERROR_OK);
  g_assert_cmpint (cimpl_free (context.stream), ==, 0);
}

/* Whatever stream is at work innermost, it is the named one that has failed. */
static intptr_t
on_read_named (CimplStreamContext *context, uint8_t *data, size_t len)
{
  CimplStreamContext *outer = (CimplStreamContext *) context->base;

  cimpl_stream_fail (outer->stream, CIMPL_STREAM_ERROR_NO_SPACE, 0, "the outer one", SIZE_MAX);
  return -1;
}

static intptr_t
on_read_inner (CimplStreamContext *context, uint8_t *data, size_t len)
{
  g_assert_cmpint (read_byte (context->base), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_IO_OPERATION);
  return -1;
}

static void
test_fail_names_stream (void)
{
  CimplStreamContext outer = { .base = NULL };
  CimplStreamContext inner = { .base = (CimplStream *) &outer };

  inner.stream = cimpl_stream_new (&inner, on_read_named, NULL, NULL, NULL);
  outer.base = inner.stream;
  outer.stream = cimpl_stream_new (&outer, on_read_inner, NULL, NULL, NULL);
  g_assert_cmpint (read_byte (outer.stream), ==, -1);
  assert_last_error (CIMPL_STREAM_ERROR_NO_SPACE, 0, "the outer one");
  g_assert_cmpint (cimpl_free (outer.stream), ==, 0);
  g_assert_cmpint (cimpl_free (inner.stream), ==, 0);
}

/* Filters */

static void
test_forward (void)
{
  CimplStreamContext base = { .errnum = EPIPE };
  CimplStreamContext filter = { .base = new_stream (&base) };
  CimplStream *stream = new_stream (&filter);

  base.code = CIMPL_STREAM_ERROR_CLOSED;
  g_assert_cmpint (read_byte (stream), ==, -1);
  assert_last_error (CIMPL_STREAM_ERROR_CLOSED, EPIPE, "on purpose");
  g_assert_cmpuint (cimpl_stream_error_serial (), ==, base.serial);
  g_assert_cmpint (cimpl_stream_failed (base.stream), ==, CIMPL_STREAM_ERROR_CLOSED);
  g_assert_cmpint (cimpl_stream_failed (stream), ==, CIMPL_STREAM_ERROR_CLOSED);
  assert_last_error (CIMPL_STREAM_ERROR_CLOSED, EPIPE, "on purpose");

  cimpl_stream_forward_error (stream); /* of no operation: nothing */
  g_assert_cmpint (cimpl_free (stream), ==, 0);
  g_assert_cmpint (cimpl_free (base.stream), ==, 0);
}

/* GIO makes an error of its own domain of it, and is not in the way either. */
static void
test_serial_through_gio (void)
{
  CimplStreamContext context = { .errnum = ENOSPC };
  g_autoptr (CimplStream) base = cimpl_stream_take (new_stream (&context));
  g_autoptr (GInputStream) input = cimpl_input_stream_new (base);
  g_autoptr (GInputStream) buffered = g_buffered_input_stream_new (input);
  g_autoptr (CimplStream) stream = cimpl_gio_stream_new (buffered, NULL);
  uint64_t serial;

  context.code = CIMPL_STREAM_ERROR_NO_SPACE;
  g_assert_cmpint (read_byte (stream), ==, -1);
  assert_last_error (CIMPL_STREAM_ERROR_NO_SPACE, ENOSPC, "on purpose");
  g_assert_cmpuint (cimpl_stream_error_serial (), ==, context.serial);
  g_assert_cmpint (cimpl_stream_failed_since (stream, 0, 0, &serial), ==,
                   CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_cmpuint (serial, ==, context.serial);
}

/* What a binding does: the error that it makes again has nothing but domain, code and message. */
static void
test_rebuilt_error (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) rebuilt = NULL;
  g_autoptr (GError) other = g_error_new (CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_OTHER, "other");
  g_autoptr (CimplStream) again = NULL;
  guint64 serial;
  g_autoptr (CimplStream) stream = cimpl_file_stream_open ("/nonexistent/file", "r", &error);

  g_assert_null (stream);
  g_assert_cmpint (cimpl_stream_error_get_errno (error), ==, ENOENT);
  rebuilt = g_error_new_literal (error->domain, error->code, error->message);
  g_assert_cmpint (cimpl_stream_error_get_errno (rebuilt), ==, ENOENT);
  g_assert_cmpuint (cimpl_stream_error_get_serial (rebuilt), ==,
                    cimpl_stream_error_get_serial (error));
  g_assert_cmpuint (cimpl_stream_error_get_serial (error), >, 0);
  g_assert_cmpint (cimpl_stream_error_get_errno (other), ==, 0);
  g_assert_cmpuint (cimpl_stream_error_get_serial (other), ==, 0);

  serial = cimpl_stream_error_get_serial (error);
  g_clear_error (&error);
  again = cimpl_file_stream_open ("/nonexistent/file", "r", &error);
  g_assert_null (again);
  g_assert_cmpuint (cimpl_stream_error_get_serial (error), >, serial);
}

/* Two failures are two, also if they have the same to say, and both are known as what they are. */

static intptr_t
on_read_say_so (CimplStreamContext *context, uint8_t *data, size_t len)
{
  if (context->code == CIMPL_STREAM_ERROR_OK)
    return 1;
  cimpl_stream_set_error (context->code, "said so");
  return -1;
}

static void
test_same_message (void)
{
  CimplStreamContext context = { .base = NULL };
  g_autoptr (CimplStream) base = NULL;
  g_autoptr (CimplStream) stream = NULL;
  uint64_t first;
  uint64_t serial;
  uint64_t mark;

  base = cimpl_stream_take (cimpl_stream_new (&context, on_read_say_so, NULL, NULL, NULL));
  stream = cimpl_buffered_stream_new (base, 16);
  context.stream = stream;
  fail_read (&context, CIMPL_STREAM_ERROR_NO_SPACE);
  first = cimpl_stream_error_serial ();
  g_assert_cmpint (cimpl_stream_failed_since (base, 0, 0, &serial), ==,
                   CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_cmpuint (serial, ==, first);
  g_assert_cmpint (read_byte (stream), ==, 1);

  /* The buffer has made good the first one, and never met the second. */
  context.stream = base;
  mark = cimpl_stream_mark ();
  fail_read (&context, CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_cmpuint (cimpl_stream_error_serial (), >, first);
  g_assert_cmpint (cimpl_stream_failed_since (stream, mark, 1, &serial), ==,
                   CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_cmpuint (serial, >, first);
}

static void
test_same_refusal (void)
{
  CimplStreamContext context = { .base = NULL };
  CimplStream *stream = new_stream (&context);
  uint64_t first;

  g_assert_cmpint (cimpl_stream_close (stream), ==, 0);
  g_assert_cmpint (read_byte (stream), ==, -1);
  first = cimpl_stream_error_serial ();
  g_assert_cmpuint (first, >, 0);
  g_assert_cmpint (read_byte (stream), ==, -1);
  g_assert_cmpuint (cimpl_stream_error_serial (), >, first);
  g_assert_cmpint (cimpl_free (stream), ==, 0);
}

/* A filter in a language whose errors keep nothing but domain, code and message. */
static gboolean
rebuild_error (CimplStream *self,
               void *buffer,
               gsize count,
               gsize *n_read,
               GCancellable *cancellable,
               GError **error)
{
  CimplStream *base = g_object_get_data (G_OBJECT (self), "base");
  g_autoptr (GError) base_error = NULL;

  g_assert_cmpint (cimpl_stream_try_read (base, buffer, count, NULL, &base_error), ==, -1);
  g_set_error (error, base_error->domain, base_error->code, "Filtered: %s", base_error->message);
  return FALSE;
}

typedef CimplStream RebuildingStream;
typedef CimplStreamClass RebuildingStreamClass;
GType rebuilding_stream_get_type (void);
G_DEFINE_TYPE (RebuildingStream, rebuilding_stream, CIMPL_TYPE_STREAM)

static void
rebuilding_stream_class_init (RebuildingStreamClass *klass)
{
  klass->read = rebuild_error;
}

static void
rebuilding_stream_init (RebuildingStream *self)
{
}

static void
test_rebuilt_in_filter (void)
{
  CimplStreamContext context = { .code = CIMPL_STREAM_ERROR_NO_SPACE };
  g_autoptr (CimplStream) base = cimpl_stream_take (new_stream (&context));
  g_autoptr (CimplStream) stream = g_object_new (rebuilding_stream_get_type (), NULL);

  g_object_set_data (G_OBJECT (stream), "base", base);
  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpint (read_byte (stream), ==, -1);
      g_assert_cmpuint (cimpl_stream_error_serial (), ==, context.serial);
    }
}

/* Since a mark */

static void
test_mark (void)
{
  CimplStreamContext context = { .base = NULL };
  CimplStream *stream = new_stream (&context);
  uint64_t mark = cimpl_stream_mark ();
  uint64_t serial = 1;
  uint64_t first;

  g_assert_cmpint (cimpl_stream_failed_since (stream, mark, 0, &serial), ==, 0);
  g_assert_cmpuint (serial, ==, 0);

  fail_read (&context, CIMPL_STREAM_ERROR_NO_SPACE);
  first = context.serial;
  fail_read (&context, CIMPL_STREAM_ERROR_UNEXPECTED_EOF);
  g_assert_cmpint (cimpl_stream_failed_since (stream, mark, 0, &serial), ==,
                   CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_cmpuint (serial, ==, first);

  mark = cimpl_stream_mark ();
  g_assert_cmpint (cimpl_stream_failed_since (stream, mark, 0, NULL), ==, 0);
  fail_read (&context, CIMPL_STREAM_ERROR_CANCELLED);
  first = context.serial;
  for (guint i = 0; i < 100; i++)
    fail_read (&context, CIMPL_STREAM_ERROR_UNEXPECTED_EOF);
  g_assert_cmpint (cimpl_stream_failed_since (stream, mark, 0, &serial), ==,
                   CIMPL_STREAM_ERROR_CANCELLED);
  g_assert_cmpuint (serial, ==, first);
  g_assert_cmpint (cimpl_stream_failed (stream), ==, CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_cmpint (cimpl_free (stream), ==, 0);
}

/* However often somebody marks and swallows, the first and the latest are there. */
static void
test_mark_bounded (void)
{
  CimplStreamContext context = { .base = NULL };
  CimplStream *stream = new_stream (&context);
  uint64_t serial;
  uint64_t first;

  fail_read (&context, CIMPL_STREAM_ERROR_NO_SPACE);
  first = context.serial;
  for (guint i = 0; i < 100; i++)
    {
      uint64_t mark = cimpl_stream_mark ();

      fail_read (&context, CIMPL_STREAM_ERROR_UNEXPECTED_EOF);
      g_assert_cmpint (cimpl_stream_failed_since (stream, mark, 0, &serial), ==,
                       CIMPL_STREAM_ERROR_UNEXPECTED_EOF);
      g_assert_cmpuint (serial, ==, context.serial);
    }
  g_assert_cmpint (cimpl_stream_failed_since (stream, 0, 0, &serial), ==,
                   CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_cmpuint (serial, ==, first);
  g_assert_cmpint (cimpl_free (stream), ==, 0);
}

typedef struct
{
  const char *name;
  const char *steps; /* r, w, s, f: an operation that succeeds; R, W, S, F: one that fails */
  char unrecovered;  /* the step that failed first and was not made good, or 0 */
} RecoveryCase;

static const RecoveryCase recovery_cases[] = {
  { "nothing", "rws", 0 },      { "read", "R", 'R' },      { "read-again", "Rr", 0 },
  { "other-kind", "Rsw", 'R' }, { "write", "Ww", 0 },      { "seek", "Ss", 0 },
  { "flush", "Ff", 0 },         { "again", "RrR", 'R' },   { "second", "RWr", 'W' },
  { "both", "RWrw", 0 },        { "first", "WRrS", 'W' },  { "header-rewritten", "Wsf", 'W' },
  { "flush-write", "Fw", 'F' }, { "retries", "RRRRr", 0 },
};

static int64_t
take_step (CimplStreamContext *context, char step)
{
  context->code = g_ascii_isupper (step) ? CIMPL_STREAM_ERROR_NO_SPACE : CIMPL_STREAM_ERROR_OK;
  switch (g_ascii_tolower (step))
    {
    case 'r':
      return read_byte (context->stream);
    case 'w':
      return cimpl_stream_write (context->stream, (const uint8_t *) "x", 1);
    case 's':
      return cimpl_stream_seek (context->stream, 5, CIMPL_SEEK_MODE_START);
    default:
      return cimpl_stream_flush (context->stream);
    }
}

static void
test_recovery (gconstpointer user_data)
{
  const RecoveryCase *test = user_data;
  CimplStreamContext context = { .base = NULL };
  CimplStream *stream = new_stream (&context);
  uint64_t mark = cimpl_stream_mark ();
  uint64_t expected = 0;
  uint64_t serial;
  int32_t code;

  for (const char *step = test->steps; *step != '\0'; step++)
    {
      g_assert_cmpint (take_step (&context, *step) < 0, ==, g_ascii_isupper (*step));
      if (*step == test->unrecovered)
        expected = context.serial;
    }
  code = cimpl_stream_failed_since (stream, mark, 1, &serial);
  g_assert_cmpint (code, ==, (expected == 0 ? CIMPL_STREAM_ERROR_OK : CIMPL_STREAM_ERROR_NO_SPACE));
  g_assert_cmpuint (serial, ==, expected);
  g_assert_cmpint (cimpl_free (stream), ==, 0);
}

/* A filter that keeps the failure of its base to itself, and one that makes it good. */
static void
test_mark_sees_base (void)
{
  CimplStreamContext context = { .base = NULL };
  g_autoptr (CimplStream) base = cimpl_stream_take (new_stream (&context));
  g_autoptr (CimplStream) stream = cimpl_buffered_stream_new (base, 16);
  uint64_t mark = cimpl_stream_mark ();
  uint64_t serial;

  fail_read (&context, CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_cmpint (cimpl_stream_failed (stream), ==, CIMPL_STREAM_ERROR_OK);
  g_assert_cmpint (cimpl_stream_failed_since (stream, mark, 1, &serial), ==,
                   CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_cmpuint (serial, ==, context.serial);

  /* Both meet the next one, and the buffer makes it good. */
  cimpl_stream_clear_failure (base);
  g_assert_cmpint (read_byte (stream), ==, 1);
  g_assert_cmpint (cimpl_stream_seek (stream, 9, CIMPL_SEEK_MODE_START), ==, 9);
  context.code = CIMPL_STREAM_ERROR_NO_SPACE;
  g_assert_cmpint (read_byte (stream), ==, -1);
  g_assert_cmpint (cimpl_stream_failed_since (stream, mark, 1, &serial), ==,
                   CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_cmpuint (serial, ==, context.serial);
  context.code = CIMPL_STREAM_ERROR_OK;
  g_assert_cmpint (read_byte (stream), ==, 1);
  g_assert_cmpint (cimpl_stream_failed_since (stream, mark, 1, &serial), ==, 0);
  g_assert_cmpint (cimpl_stream_failed_since (stream, mark, 0, &serial), ==,
                   CIMPL_STREAM_ERROR_NO_SPACE);
}

/* Threads and time */

static gpointer
read_in_thread (gpointer context)
{
  fail_read (context, CIMPL_STREAM_ERROR_UNEXPECTED_EOF);
  return NULL;
}

static void
test_thread (void)
{
  CimplStreamContext context = { .base = NULL };
  CimplStream *stream = new_stream (&context);

  cimpl_stream_clear_error ();
  g_thread_join (g_thread_new ("reader", read_in_thread, &context));
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_OK);
  g_assert_cmpint (cimpl_stream_failed (stream), ==, CIMPL_STREAM_ERROR_UNEXPECTED_EOF);
  g_assert_cmpint (cimpl_free (stream), ==, 0);
}

/* However many were refused while others read: the next one that reads makes that good. */

static gpointer
read_often (gpointer stream)
{
  for (guint i = 0; i < 20000; i++)
    read_byte (stream);
  return NULL;
}

static void
test_refused_recovery (void)
{
  for (guint i = 0; i < 2000; i++)
    {
      CimplStreamContext context = { .base = NULL };
      CimplStream *stream = new_stream (&context);
      GThread *thread = g_thread_new ("reader", read_often, stream);

      read_often (stream);
      g_thread_join (thread);
      g_assert_cmpint (read_byte (stream), ==, 1);
      g_assert_cmpint (cimpl_stream_failed_since (stream, 0, 1, NULL), ==, CIMPL_STREAM_ERROR_OK);
      g_assert_cmpint (cimpl_free (stream), ==, 0);
    }
}

/* Whoever gets the memory of a stream that is gone starts anew. */
static void
test_gone (void)
{
  for (guint i = 0; i < 5000; i++)
    {
      CimplStreamContext context = { .base = NULL };
      CimplStream *stream = new_stream (&context);

      g_assert_cmpint (cimpl_stream_failed (stream), ==, CIMPL_STREAM_ERROR_OK);
      fail_read (&context, CIMPL_STREAM_ERROR_NO_SPACE);
      g_assert_cmpint (cimpl_free (stream), ==, 0);
    }
}

/*
 * Who is refused as BUSY may be slow to say so. That must not be held against the next stream at
 * the same address. A signal makes him slow, wherever he is, until there is such a stream.
 */

#define SLOW_REFUSALS 1000
#define MAX_NAPS 5 /* he may have been met with a lock that is needed to make a stream */

static _Atomic (CimplStream *) contended;
static _Atomic gboolean is_napping;
static _Atomic gboolean is_replaced;
static _Atomic gboolean is_over;
static _Atomic pthread_t slow_thread_id;
static _Atomic gboolean slow_thread_runs;

static void
nap (int signal_number)
{
  struct timespec pause = { 0, 50 * 1000 };

  atomic_store (&is_napping, TRUE);
  for (guint i = 0; i < MAX_NAPS && !atomic_load (&is_replaced); i++)
    nanosleep (&pause, NULL);
}

typedef CimplStream NapStream;
typedef CimplStreamClass NapStreamClass;
GType nap_stream_get_type (void);
G_DEFINE_TYPE (NapStream, nap_stream, CIMPL_TYPE_STREAM)

static gboolean
nap_stream_read (CimplStream *self,
                 void *buffer,
                 gsize count,
                 gsize *n_read,
                 GCancellable *cancellable,
                 GError **error)
{
  *n_read = 0;
  if (pthread_equal (pthread_self (), atomic_load (&slow_thread_id)))
    return TRUE;
  g_usleep (g_random_int_range (1, 20));
  g_assert_cmpint (pthread_kill (atomic_load (&slow_thread_id), SIGUSR1), ==, 0);
  while (!atomic_load (&is_napping))
    g_thread_yield ();
  return TRUE;
}

static void
nap_stream_class_init (NapStreamClass *klass)
{
  klass->read = nap_stream_read;
}

static void
nap_stream_init (NapStream *self)
{
}

static gpointer
read_contended (gpointer unused)
{
  atomic_store (&slow_thread_id, pthread_self ());
  atomic_store (&slow_thread_runs, TRUE);
  while (!atomic_load (&is_over))
    read_byte (atomic_load (&contended));
  return NULL;
}

static void
test_gone_while_busy (void)
{
  struct sigaction action = { .sa_handler = nap };
  struct sigaction before;
  GThread *slow_thread;
  guint n_reused = 0;
  guint n_wrong = 0;

  g_assert_cmpint (sigaction (SIGUSR1, &action, &before), ==, 0);
  atomic_store (&contended, g_object_new (nap_stream_get_type (), NULL));
  slow_thread = g_thread_new ("slow", read_contended, NULL);
  while (!atomic_load (&slow_thread_runs))
    g_thread_yield ();

  for (guint i = 0; i < SLOW_REFUSALS; i++)
    {
      CimplStream *stream = atomic_load (&contended);
      guint8 byte;

      atomic_store (&is_replaced, FALSE);
      atomic_store (&is_napping, FALSE);
      while (cimpl_stream_try_read (stream, &byte, 1, NULL, NULL) == -1)
        g_thread_yield (); /* until the other one is not inside */
      g_object_unref (stream);
      atomic_store (&contended, g_object_new (nap_stream_get_type (), NULL));
      n_reused += atomic_load (&contended) == stream;
      atomic_store (&is_replaced, TRUE);

      /* He has told of the refusal as soon as he is inside of the new one. */
      for (guint j = 0; j < 10; j++)
        g_thread_yield ();
      n_wrong += cimpl_stream_failed (atomic_load (&contended)) != CIMPL_STREAM_ERROR_OK;
    }
  atomic_store (&is_over, TRUE);
  g_thread_join (slow_thread);
  g_object_unref (atomic_load (&contended));
  g_assert_cmpint (sigaction (SIGUSR1, &before, NULL), ==, 0);
  g_test_message ("%u of %u addresses were used again, %u failures were wrong", n_reused,
                  SLOW_REFUSALS, n_wrong);
  g_assert_cmpuint (n_wrong, ==, 0);
}

/* Other ways to use a stream */

static void
test_stdio (void)
{
  CimplStreamContext context = { .base = NULL };
  CimplStream *stream = new_stream (&context);
  FILE *file = cimpl_stream_to_stdio (stream, "r+");

  g_assert_nonnull (file);
  context.code = CIMPL_STREAM_ERROR_NO_SPACE;
  g_assert_cmpint (fgetc (file), ==, EOF);
  context.code = CIMPL_STREAM_ERROR_OK;
  g_assert_cmpint (fclose (file), ==, 0);
  g_assert_cmpint (cimpl_stream_failed (stream), ==, CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_cmpint (cimpl_free (stream), ==, 0);
}

static void
test_copy (void)
{
  CimplStreamContext context = { .code = CIMPL_STREAM_ERROR_NO_SPACE };
  g_autoptr (GBytes) bytes = g_bytes_new_static ("data", 4);
  g_autoptr (CimplStream) source = cimpl_memory_stream_new_from_bytes (bytes);
  g_autoptr (CimplStream) target = cimpl_stream_take (new_stream (&context));

  g_assert_false (cimpl_stream_try_copy (source, target, -1, NULL, NULL, NULL, NULL, NULL));
  g_assert_cmpint (cimpl_stream_failed (source), ==, CIMPL_STREAM_ERROR_OK);
  g_assert_cmpint (cimpl_stream_failed (target), ==, CIMPL_STREAM_ERROR_NO_SPACE);
}

static void
test_without_progress (void)
{
  g_autoptr (TestBackend) backend = test_backend_new ("");
  g_autoptr (CimplStream) stream = CIMPL_STREAM (test_base_new (backend));

  backend->max_transfer = 0;
  g_assert_false (cimpl_stream_try_write_all (stream, "x", 1, NULL, NULL, NULL));
  g_assert_cmpint (cimpl_stream_failed (stream), ==, CIMPL_STREAM_ERROR_IO_OPERATION);
}

static void
test_peek (void)
{
  CimplStreamContext context = { .code = CIMPL_STREAM_ERROR_NO_SPACE };
  g_autoptr (CimplStream) base = cimpl_stream_take (new_stream (&context));
  g_autoptr (CimplStream) stream = cimpl_buffered_stream_new (base, 16);
  CimplBufferedStream *buffered = CIMPL_BUFFERED_STREAM (stream);

  g_assert_null (cimpl_buffered_stream_try_peek (buffered, 17, NULL, NULL));
  g_assert_cmpint (cimpl_stream_failed (stream), ==, CIMPL_STREAM_ERROR_OK);
  g_assert_null (cimpl_buffered_stream_try_peek (buffered, 1, NULL, NULL));
  g_assert_cmpint (cimpl_stream_failed (stream), ==, CIMPL_STREAM_ERROR_NO_SPACE);
  context.code = CIMPL_STREAM_ERROR_OK;
}

/* To look before the start is the caller's own mistake, and a way to find out how long it is. */
static void
test_before_start (void)
{
  g_autoptr (CimplStream) stream = cimpl_memory_stream_new ();

  g_assert_cmpint (cimpl_stream_try_seek (stream, -22, CIMPL_SEEK_MODE_END, NULL, NULL), ==, -1);
  g_assert_cmpint (cimpl_stream_failed (stream), ==, CIMPL_STREAM_ERROR_OK);
}

/* Nor is anything wrong with a stream when an offset leads to where no position can be. */
static void
test_beyond_range (void)
{
  g_autofree char *path = g_build_filename (g_get_tmp_dir (), "cimpl-range-XXXXXX", NULL);
  int fd = g_mkstemp (path);
  g_autoptr (CimplStream) memory = cimpl_memory_stream_new ();
  g_autoptr (CimplStream) buffered = cimpl_buffered_stream_new (memory, 16);
  g_autoptr (CimplStream) file = cimpl_file_stream_new_for_fd (fd, TRUE);
  CimplStream *streams[] = { memory, buffered, file };
  CimplSeekMode modes[] = { CIMPL_SEEK_MODE_CURRENT, CIMPL_SEEK_MODE_END };

  g_assert_cmpint (fd, !=, -1);
  g_assert_cmpint (g_unlink (path), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (streams); i++)
    {
      CimplStream *stream = streams[i];

      g_assert_cmpint (cimpl_stream_try_write (stream, "some", 4, NULL, NULL), ==, 4);
      g_assert_true (cimpl_stream_try_flush (stream, NULL, NULL));
      for (gsize j = 0; j < G_N_ELEMENTS (modes); j++)
        g_assert_cmpint (cimpl_stream_seek (stream, G_MAXINT64, modes[j]), ==, -1);
      g_assert_cmpint (cimpl_stream_failed (stream), ==, CIMPL_STREAM_ERROR_OK);
    }
  g_assert_cmpint (cimpl_stream_failed (memory), ==, CIMPL_STREAM_ERROR_OK);
}

/* That there is nothing to copy to is not the fault of the source, however it would be copied. */
static void
test_copy_to_closed (void)
{
  g_autoptr (CimplStream) source
      = cimpl_file_stream_new_for_fd (open ("/proc/self/exe", O_RDONLY), TRUE);
  g_autoptr (CimplStream) target = cimpl_file_stream_new_for_fd (open ("/dev/null", O_RDWR), TRUE);

  g_assert_true (cimpl_stream_try_close (target, NULL, NULL));
  g_assert_cmpint (cimpl_stream_copy (source, target, -1, NULL, NULL, NULL), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_CLOSED);
  g_assert_cmpint (cimpl_stream_failed (source), ==, CIMPL_STREAM_ERROR_OK);
  g_assert_cmpint (cimpl_stream_failed (target), ==, CIMPL_STREAM_ERROR_CLOSED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/failure/plain", test_plain);
  g_test_add_func ("/failure/plain/refused", test_plain_refused);
  g_test_add_func ("/failure/message", test_message);
  for (gsize i = 0; i < G_N_ELEMENTS (fail_cases); i++)
    {
      g_autofree char *path = g_strconcat ("/failure/fail/", fail_cases[i].name, NULL);

      g_test_add_data_func (path, &fail_cases[i], test_fail);
    }
  g_test_add_func ("/failure/fail-names-stream", test_fail_names_stream);
  g_test_add_func ("/failure/forward", test_forward);
  g_test_add_func ("/failure/serial-through-gio", test_serial_through_gio);
  g_test_add_func ("/failure/rebuilt-error", test_rebuilt_error);
  g_test_add_func ("/failure/same-message", test_same_message);
  g_test_add_func ("/failure/same-refusal", test_same_refusal);
  g_test_add_func ("/failure/rebuilt-in-filter", test_rebuilt_in_filter);
  g_test_add_func ("/failure/mark", test_mark);
  g_test_add_func ("/failure/mark/bounded", test_mark_bounded);
  g_test_add_func ("/failure/mark/sees-base", test_mark_sees_base);
  for (gsize i = 0; i < G_N_ELEMENTS (recovery_cases); i++)
    {
      g_autofree char *path = g_strconcat ("/failure/recovery/", recovery_cases[i].name, NULL);

      g_test_add_data_func (path, &recovery_cases[i], test_recovery);
    }
  g_test_add_func ("/failure/thread", test_thread);
  g_test_add_func ("/failure/refused-recovery", test_refused_recovery);
  g_test_add_func ("/failure/gone", test_gone);
  g_test_add_func ("/failure/gone/while-busy", test_gone_while_busy);
  g_test_add_func ("/failure/stdio", test_stdio);
  g_test_add_func ("/failure/copy", test_copy);
  g_test_add_func ("/failure/without-progress", test_without_progress);
  g_test_add_func ("/failure/peek", test_peek);
  g_test_add_func ("/failure/before-start", test_before_start);
  g_test_add_func ("/failure/beyond-range", test_beyond_range);
  g_test_add_func ("/failure/copy/to-closed", test_copy_to_closed);

  return g_test_run ();
}
