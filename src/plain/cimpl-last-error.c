/* SPDX-License-Identifier: MIT */

/* The error of a thread, in the plain C API. */

#include "config.h"

#include "plain/cimpl-last-error-private.h"

#include "core/cimpl-handle-private.h"
#include "core/cimpl-stream-error-private.h"
#include "core/cimpl-stream-private.h"

/*
 * The last error of a thread. What is set inside a callback belongs to the operation, and ends with
 * that, so that what a callback does with other streams does not disturb the error of its caller.
 *
 * Where coroutines share a thread, whose code that is can only be guessed. So what counts is what
 * was set last since the operation began: who has just been told of an error finds it.
 */
static GPrivate thread_error = G_PRIVATE_INIT ((GDestroyNotify) g_error_free);
static _Thread_local guint64 thread_error_time;

/*
 * How far in the C stack a callback's calls are from the operation that it serves. What is further
 * away may be a coroutine beside that, whose error must not end with it; if it is the callback
 * after all, it merely disturbs its caller's.
 */
#define CALLBACK_REACH (32 * 1024)

static const GError *
get_last_error (void)
{
  CimplHandle *operation = cimpl_operation_find (CALLBACK_REACH);
  const GError *newest = operation != NULL ? operation->last : NULL;
  guint64 time = operation != NULL ? operation->last_time : 0;

  if (thread_error_time > time)
    {
      newest = g_private_get (&thread_error);
      time = thread_error_time;
    }
  for (CimplHandle *handle = cimpl_thread_operations; handle != NULL; handle = handle->outer)
    if (handle->last != NULL && handle->last_time > time)
      {
        newest = handle->last;
        time = handle->last_time;
      }
  return newest == &cimpl_no_error ? NULL : newest;
}

/* Takes @error, which may be NULL. */
void
cimpl_set_last_error (GError *error)
{
  CimplHandle *operation = cimpl_operation_find (CALLBACK_REACH);

  cimpl_thread_time++;
  if (operation == NULL)
    {
      g_private_replace (&thread_error, error);
      thread_error_time = cimpl_thread_time;
      return;
    }
  cimpl_operation_set_last (operation, error != NULL ? error : &cimpl_no_error);
  operation->last_time = cimpl_thread_time;
}

/* Takes @error; -1, to be returned. */
int32_t
cimpl_fail (GError *error)
{
  cimpl_set_last_error (error);
  return -1;
}

int32_t
cimpl_fail_null (const char *parameter)
{
  return cimpl_fail (
      g_error_new_literal (CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NULL_PARAMETER, parameter));
}

int32_t
cimpl_fail_refused (CimplEntry entry, gpointer stream)
{
  return cimpl_fail (cimpl_stream_new_refusal (entry, cimpl_handle_find (stream)));
}

/**
 * cimpl_stream_last_error: (skip)
 *
 * Gets what went wrong last in the calling thread, as `Name: message`. Success does not change it.
 *
 * Returns: a string, to be freed with cimpl_free(), or `NULL` when there was no error
 *
 * Since: 1.0
 */
char *
cimpl_stream_last_error (void)
{
  const GError *error = get_last_error ();
  char *string;

  if (error == NULL)
    return NULL;
  string = g_strconcat (cimpl_error_code_name (cimpl_stream_error_get_code (error)), ": ",
                        error->message, NULL);
  cimpl_handle_add_string (string);
  return string;
}

/**
 * cimpl_stream_error_code: (skip)
 *
 * Gets the code of what went wrong last in the calling thread.
 *
 * Returns: a #CimplStreamError, %CIMPL_STREAM_ERROR_OK when there was no error
 *
 * Since: 1.0
 */
int32_t
cimpl_stream_error_code (void)
{
  const GError *error = get_last_error ();

  return error == NULL ? CIMPL_STREAM_ERROR_OK : cimpl_stream_error_get_code (error);
}

/**
 * cimpl_stream_error_errno: (skip)
 *
 * Gets the `errno` of what went wrong last in the calling thread.
 *
 * Returns: a value of `errno`, or 0 if none is known
 *
 * Since: 1.0
 */
int32_t
cimpl_stream_error_errno (void)
{
  const GError *error = get_last_error ();

  return error == NULL ? 0 : cimpl_error_get_errno (error);
}

/**
 * cimpl_stream_error_message: (skip)
 * @buffer: (nullable): where to put the message, of which what does not fit is cut off, between
 *   two characters; it ends with a zero byte
 * @size: how many bytes fit into @buffer, the zero byte included; with 0, nothing is written
 *
 * Gets the message of what went wrong last in the calling thread, in UTF-8, without the name of its
 * code and without allocating memory.
 *
 * Returns: how many bytes the whole message has, without the zero byte, as snprintf() does; 0 when
 *   there was no error
 *
 * Since: 1.0
 */
size_t
cimpl_stream_error_message (char *buffer, size_t size)
{
  const GError *error = get_last_error ();
  const char *message = error == NULL ? "" : error->message;
  size_t len = strlen (message);
  size_t fitting = size == 0 ? 0 : MIN (len, size - 1);

  if (size == 0)
    return len;
  while (fitting > 0 && ((guchar) message[fitting] & 0xc0) == 0x80) /* not the first of its bytes */
    fitting--;
  memcpy (buffer, message, fitting);
  buffer[fitting] = '\0';
  return len;
}

/**
 * cimpl_stream_error_serial: (skip)
 *
 * Gets the serial number of what went wrong last in the calling thread.
 *
 * Returns: a number above 0, or 0 for what is no failure of a stream, or when there was no error
 *
 * Since: 1.0
 */
uint64_t
cimpl_stream_error_serial (void)
{
  const GError *error = get_last_error ();

  return error == NULL ? 0 : cimpl_stream_error_get_serial (error);
}

/**
 * cimpl_stream_error_dup_last:
 *
 * Gets what went wrong last in the calling thread in the plain C API, with the domain and the code
 * that it had where it came from.
 *
 * Returns: (transfer full) (nullable): the error, or `NULL` when there was none
 *
 * Since: 1.0
 */
GError *
cimpl_stream_error_dup_last (void)
{
  const GError *error = get_last_error ();

  return error == NULL ? NULL : g_error_copy (error);
}

/**
 * cimpl_stream_clear_error: (skip)
 *
 * Forgets what went wrong in the calling thread.
 *
 * Since: 1.0
 */
void
cimpl_stream_clear_error (void)
{
  cimpl_set_last_error (NULL);
}

/* Takes @error: what the callback of @operation says, or outside of any simply the last error. */
static void
say_in (CimplHandle *operation, GError *error)
{
  if (operation == NULL)
    {
      cimpl_set_last_error (error);
      return;
    }
  g_clear_error (&operation->pending);
  operation->pending = error;
}

static void
say (GError *error)
{
  say_in (cimpl_operation_find (G_MAXSSIZE), error);
}

static char *
make_message (const char *message, gssize len, const char *fallback)
{
  /* Foreign languages pass what they have; a GError has UTF-8. */
  return message != NULL ? g_utf8_make_valid (message, len) : g_strdup (fallback);
}

static gint
get_known (gint code)
{
  return cimpl_error_code_is_known (code) ? code : CIMPL_STREAM_ERROR_OTHER;
}

/**
 * cimpl_stream_set_error: (skip)
 * @code: a #CimplStreamError; an unknown one becomes %CIMPL_STREAM_ERROR_OTHER, and
 *   %CIMPL_STREAM_ERROR_OK takes back what was said
 * @message: (nullable): what went wrong, in UTF-8, without the name of the code
 *
 * Says what went wrong in a callback that is about to return failure; forgotten if it then
 * succeeds. Outside of callbacks, sets the last error of the thread.
 *
 * Since: 1.0
 */
void
cimpl_stream_set_error (int32_t code, const char *message)
{
  g_autofree char *text = NULL;

  if (code == CIMPL_STREAM_ERROR_OK)
    {
      say (NULL);
      return;
    }
  code = get_known (code);
  text = make_message (message, -1, cimpl_error_code_name (code));
  say (cimpl_error_new (code, 0, text));
}

/**
 * cimpl_stream_set_errno: (skip)
 * @errnum: a value of `errno`; 0 is %CIMPL_STREAM_ERROR_OTHER
 * @message: (nullable): what went wrong, in UTF-8; `NULL` for the text of strerror()
 *
 * Like cimpl_stream_set_error(), with the code that @errnum means; the callers of
 * cimpl_stream_error_errno() get @errnum.
 *
 * Since: 1.0
 */
void
cimpl_stream_set_errno (int32_t errnum, const char *message)
{
  g_autofree char *text = NULL;

  if (errnum == 0)
    {
      cimpl_stream_set_error (CIMPL_STREAM_ERROR_OTHER, message);
      return;
    }
  text = make_message (message, -1, g_strerror (errnum));
  say (cimpl_error_new_from_errno (errnum, text));
}

/* The operation of @stream that the calling thread is inside of, or NULL. */
static CimplHandle *
find_operation (CimplStream *stream)
{
  CimplHandle *handle = cimpl_thread_operations;

  while (handle != NULL && cimpl_handle_get_stream (handle) != stream)
    handle = handle->outer;
  return handle;
}

/**
 * cimpl_stream_fail: (skip)
 * @stream: the stream whose callback it is
 * @code: a #CimplStreamError, %CIMPL_STREAM_ERROR_OK for what @errnum means; an unknown one becomes
 *   %CIMPL_STREAM_ERROR_OTHER
 * @errnum: a value of `errno`, 0 if none is known
 * @message: (nullable): what went wrong, in UTF-8, without the name of the code
 * @len: how many bytes @message has, `SIZE_MAX` if it ends with a zero byte
 *
 * Says what went wrong in a callback of @stream that is about to return failure; forgotten if it
 * then succeeds.
 *
 * Does what cimpl_stream_set_error() and cimpl_stream_set_errno() do, which go by what the thread
 * has begun last. That is wrong where coroutines share a thread, and this is right.
 *
 * When no operation of @stream runs in the calling thread, sets the last error of the thread.
 *
 * Returns: the serial number of the failure, see cimpl_stream_error_serial()
 *
 * Since: 1.0
 */
uint64_t
cimpl_stream_fail (CimplStream *stream,
                   int32_t code,
                   int32_t errnum,
                   const char *message,
                   size_t len)
{
  g_autofree char *text = NULL;
  uint64_t serial = cimpl_error_tick ();
  GError *error;

  if (code != CIMPL_STREAM_ERROR_OK)
    code = get_known (code);
  else
    code = errnum != 0 ? (int32_t) cimpl_error_code_from_errno (errnum) : CIMPL_STREAM_ERROR_OTHER;
  text = make_message (message, len > G_MAXSSIZE ? -1 : (gssize) len,
                       errnum != 0 ? g_strerror (errnum) : cimpl_error_code_name (code));
  error = cimpl_error_new (code, errnum, text);
  cimpl_error_set_serial (error, serial);
  say_in (find_operation (stream), error);
  return serial;
}

/**
 * cimpl_stream_forward_error: (skip)
 * @stream: the stream whose callback it is
 *
 * Says that a callback of @stream, which is about to return failure, fails because another stream
 * did: passes on the last error of what it has called, whole, with domain, code, errno, message and
 * what a binding keeps for it. Without an error, or when no operation of @stream runs in the
 * calling thread, does nothing.
 *
 * Since: 1.0
 */
void
cimpl_stream_forward_error (CimplStream *stream)
{
  CimplHandle *handle = find_operation (stream);
  const GError *error = get_last_error ();

  if (handle != NULL && error != NULL)
    say_in (handle, g_error_copy (error));
}
