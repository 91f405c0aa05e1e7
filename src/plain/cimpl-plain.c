/* SPDX-License-Identifier: MIT */

/* Streams and references in the plain C API; see include/cimpl_stream.h. */

#include "config.h"

#include "streams/cimpl-callback-stream-private.h"
#include "plain/cimpl-last-error-private.h"
#include "core/cimpl-stream-error-private.h"
#include "core/cimpl-stream-private.h"
#include "cimplstream/cimpl-buffered-stream.h"

/* Streams and references */

/**
 * cimpl_stream_new: (skip)
 * @context: what the callbacks work on; not `NULL`
 * @reader: (nullable): reads
 * @seeker: (nullable): seeks
 * @writer: (nullable): writes
 * @flusher: (nullable): flushes
 *
 * Makes a stream of callbacks. Without a reader, a seeker or a writer it cannot do that and says
 * %CIMPL_STREAM_ERROR_NOT_SUPPORTED; without a flusher, flushing succeeds.
 *
 * Everything passed in must stay valid as long as the stream is used. cimpl_free() calls no
 * callback, even if data was written and not flushed, so that @context may be gone by then; where
 * it shall flush and close, use cimpl_stream_new_full().
 *
 * Returns: a stream, to be freed with cimpl_free(), or `NULL` with
 *   %CIMPL_STREAM_ERROR_NULL_PARAMETER
 *
 * Since: 1.0
 */
CimplStream *
cimpl_stream_new (CimplStreamContext *context,
                  CimplReadCallback reader,
                  CimplSeekCallback seeker,
                  CimplWriteCallback writer,
                  CimplFlushCallback flusher)
{
  if (context == NULL)
    {
      cimpl_fail_null ("context");
      return NULL;
    }
  return cimpl_callback_stream_new (context, reader, seeker, writer, flusher);
}

/* Reads @callbacks as far as both its author and we know it. */
static gboolean
import_callbacks (const CimplStreamCallbacks *callbacks, CimplStreamCallbacks *imported)
{
  gsize size = callbacks->struct_size;
  const guint8 *bytes = (const guint8 *) callbacks;

  /* Members come one pointer at a time. */
  if (size < sizeof callbacks->struct_size || size % sizeof (void (*) (void)) != 0)
    {
      cimpl_fail (g_error_new (
          CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_ARGUMENT,
          "struct_size is %" G_GSIZE_FORMAT ", not the size of a CimplStreamCallbacks", size));
      return FALSE;
    }
  for (gsize i = sizeof *imported; i < size; i++)
    if (bytes[i] != 0)
      {
        cimpl_fail (g_error_new (
            CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NOT_SUPPORTED,
            "This version of the library knows no callback at offset %" G_GSIZE_FORMAT, i));
        return FALSE;
      }

  memset (imported, 0, sizeof *imported);
  memcpy (imported, callbacks, MIN (size, sizeof *imported));
  return TRUE;
}

/**
 * cimpl_stream_new_full: (skip)
 * @callbacks: the callbacks, which are copied
 * @context: (nullable): what the callbacks work on
 * @destroy: (nullable): frees @context; called exactly once, after the last reference of any face
 *   was dropped or by cimpl_stream_detach(), from whatever thread does that; not when this
 *   function fails
 *
 * Makes a stream of callbacks that store their result.
 *
 * Everything passed in must stay valid as long as the stream. Unless it was closed before, the last
 * cimpl_free() flushes what was written since the last flush, and closes, before @destroy.
 *
 * Returns: a stream, to be freed with cimpl_free(), or `NULL` with
 *   %CIMPL_STREAM_ERROR_NULL_PARAMETER, with %CIMPL_STREAM_ERROR_INVALID_ARGUMENT for a wrong
 *   `struct_size`, or with %CIMPL_STREAM_ERROR_NOT_SUPPORTED for callbacks of a later version
 *
 * Since: 1.0
 */
CimplStream *
cimpl_stream_new_full (const CimplStreamCallbacks *callbacks,
                       CimplStreamContext *context,
                       void (*destroy) (CimplStreamContext *context))
{
  CimplStreamCallbacks imported;

  if (callbacks == NULL)
    {
      cimpl_fail_null ("callbacks");
      return NULL;
    }
  if (!import_callbacks (callbacks, &imported))
    return NULL;
  return cimpl_callback_stream_new_full (&imported, context, destroy);
}

/**
 * cimpl_stream_new_buffered: (skip)
 * @base: a stream
 * @buffer_size: how many bytes the buffer has; 0 for the default, 65536
 *
 * Makes a stream that reads @base ahead and writes it behind, so that many small operations
 * become few large ones; see [class@CimplStream.BufferedStream].
 *
 * It has a reference of its own to @base, which must not be used otherwise meanwhile. Closing it
 * writes what was written behind, and does not close @base. Close it rather than only free it: with
 * the last cimpl_free(), it is too late to report a failure.
 *
 * Returns: a stream, to be freed with cimpl_free(), or `NULL` with
 *   %CIMPL_STREAM_ERROR_INVALID_HANDLE, or with %CIMPL_STREAM_ERROR_INVALID_BUFFER for a size
 *   above `PTRDIFF_MAX`
 *
 * Since: 1.0
 */
CimplStream *
cimpl_stream_new_buffered (CimplStream *base, size_t buffer_size)
{
  CIMPL_AUTO_DROP CimplStream *owned_base = NULL;
  g_autoptr (CimplStream) stream = NULL;
  GError *error = NULL;

  if (base == NULL)
    {
      cimpl_fail_null ("base");
      return NULL;
    }
  if (buffer_size > G_MAXSSIZE)
    {
      cimpl_fail (g_error_new (CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_BUFFER,
                               "%" G_GSIZE_FORMAT " bytes are more than any buffer has",
                               buffer_size));
      return NULL;
    }
  owned_base = cimpl_stream_try_from_handle ((guintptr) base, &error);
  if (owned_base == NULL)
    {
      cimpl_fail (error);
      return NULL;
    }
  stream = cimpl_buffered_stream_new (owned_base, buffer_size);
  return cimpl_stream_ref (stream);
}

/**
 * cimpl_stream_ref: (skip)
 * @stream: a stream
 *
 * Adds a plain reference, which owes one more cimpl_free(). Any stream can get one, also one that
 * was made with the GObject API.
 *
 * Returns: @stream, or `NULL` with %CIMPL_STREAM_ERROR_INVALID_HANDLE, also for a stream that was
 *   disposed
 *
 * Since: 1.0
 */
CimplStream *
cimpl_stream_ref (CimplStream *stream)
{
  CimplEntry entry;

  if (stream == NULL)
    {
      cimpl_fail_null ("stream");
      return NULL;
    }
  entry = cimpl_handle_ref (stream);
  if (entry == CIMPL_ENTERED)
    return stream;
  cimpl_fail_refused (entry, stream);
  return NULL;
}

/**
 * cimpl_stream_take:
 * @stream: a stream with a plain reference
 *
 * Turns a reference of the plain C API, which would have owed a cimpl_free(), into a GObject
 * reference.
 *
 * Returns: (transfer full) (nullable): @stream, or `NULL` if it has no plain reference, with
 *   %CIMPL_STREAM_ERROR_INVALID_HANDLE as the thread's plain error
 *
 * Since: 1.0
 */
CimplStream *
cimpl_stream_take (CimplStream *stream)
{
  if (stream == NULL)
    cimpl_fail_null ("stream");
  else if (cimpl_handle_take (stream))
    return stream;
  else
    cimpl_fail_refused (CIMPL_REFUSED_INVALID_HANDLE, stream);
  return NULL;
}

/**
 * cimpl_stream_try_from_handle: (rename-to cimpl_stream_from_handle)
 * @handle: the address of a stream, as a number
 * @error: return location for an error
 *
 * Gets a stream by its address, as which plain C libraries and their bindings pass it around.
 *
 * Whatever number may be passed. Fails with %CIMPL_STREAM_ERROR_INVALID_HANDLE if no stream has
 * that address (any more), and with %CIMPL_STREAM_ERROR_NULL_PARAMETER if it is 0.
 *
 * Returns: (transfer full): the stream, of whatever class it is
 *
 * Since: 1.0
 */
CimplStream *
cimpl_stream_try_from_handle (guintptr handle, GError **error)
{
  gpointer pointer = (gpointer) handle; /* NOLINT(performance-no-int-to-ptr) */
  CimplEntry entry;

  if (pointer == NULL)
    {
      g_set_error_literal (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NULL_PARAMETER,
                           "The address of the stream is 0");
      return NULL;
    }
  entry = cimpl_handle_refer (pointer);
  if (entry == CIMPL_ENTERED)
    return pointer;
  g_propagate_error (error, cimpl_stream_new_refusal (entry, NULL));
  return NULL;
}

/**
 * cimpl_free: (skip)
 * @pointer: (nullable): a stream with a plain reference, or a string that this library returned
 *
 * Gives back a plain reference to a stream, or frees a string. Never waits: a stream that is in
 * use, be it by the calling thread, goes when that operation is over.
 *
 * With the last reference of any face a stream is closed as by cimpl_stream_close(), which flushes
 * what was written; an error then is only logged. One of cimpl_stream_new() calls no callback.
 *
 * Returns: 0, or -1 with %CIMPL_STREAM_ERROR_INVALID_HANDLE for anything else
 *
 * Since: 1.0
 */
int32_t
cimpl_free (void *pointer)
{
  if (pointer == NULL || cimpl_handle_unref (pointer))
    return 0;
  if (cimpl_handle_remove_string (pointer))
    {
      g_free (pointer);
      return 0;
    }
  return cimpl_fail (g_error_new (CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_HANDLE,
                                  "Nothing at %p is owed a cimpl_free()", pointer));
}

/* FALSE if an operation still runs. */
static gboolean
detach (CimplHandle *handle, gint timeout_ms)
{
  CimplStream *stream = cimpl_handle_get_stream (handle);
  CimplEntry entry = CIMPL_REFUSED_BUSY;

  /* Busy after all: another call has come, only to be refused, or another thread detaches. */
  cimpl_handle_set (handle, CIMPL_LIFE_DETACHED);
  while (entry == CIMPL_REFUSED_BUSY && !cimpl_handle_is_mine (handle)
         && cimpl_handle_wait_idle (handle, timeout_ms))
    cimpl_handle_enter (handle, stream, &entry);
  if (entry != CIMPL_ENTERED_CLOSED)
    return FALSE;

  CIMPL_AUTO_LEAVE (handle);
  if (CIMPL_IS_CALLBACK_STREAM (stream))
    cimpl_callback_stream_release_context (CIMPL_CALLBACK_STREAM (stream));
  return TRUE;
}

/**
 * cimpl_stream_detach: (skip)
 * @stream: a stream
 * @timeout_ms: how many milliseconds to wait at most, or -1 for no limit
 *
 * For the end of the language runtime that the callbacks belong to: none of them starts from now
 * on, every operation is %CIMPL_STREAM_ERROR_CLOSED.
 *
 * Waits for the operation that runs; then frees the context of the callbacks. Without success
 * nothing is called any more at all, the function that frees the context included. Call it
 * without a lock that the callbacks need. Never %CIMPL_STREAM_ERROR_BUSY.
 *
 * Returns: 0, or -1 with %CIMPL_STREAM_ERROR_WOULD_BLOCK if an operation still runs, which it
 *   always does when called from inside a callback of @stream
 *
 * Since: 1.0
 */
int32_t
cimpl_stream_detach (CimplStream *stream, int32_t timeout_ms)
{
  CimplHandle *handle;
  CimplEntry entry;
  gboolean is_over;

  if (stream == NULL)
    return cimpl_fail_null ("stream");
  entry = cimpl_handle_hold (stream, &handle);
  if (entry == CIMPL_ENTERED)
    {
      CIMPL_AUTO_UNHOLD (handle);
      is_over = detach (handle, timeout_ms);
    }
  else if (entry == CIMPL_REFUSED_DYING) /* it is closed, or just being closed */
    is_over = !cimpl_handle_is_mine (handle) && cimpl_handle_wait_idle (handle, timeout_ms);
  else
    return cimpl_fail_refused (entry, stream);

  if (is_over)
    return 0;
  return cimpl_fail (g_error_new_literal (CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_WOULD_BLOCK,
                                          "A callback of the stream is still running"));
}

/**
 * cimpl_stream_get_flags: (skip)
 * @stream: a stream
 *
 * Gets what the stream can do. Never %CIMPL_STREAM_ERROR_BUSY.
 *
 * Returns: a combination of #CimplStreamFlags, or -1
 *
 * Since: 1.0
 */
int32_t
cimpl_stream_get_flags (CimplStream *stream)
{
  CimplHandle *handle;
  CimplEntry entry;
  GError *error = NULL;
  CimplStreamFlags flags = 0;

  if (stream == NULL)
    return cimpl_fail_null ("stream");
  entry = cimpl_handle_hold (stream, &handle);
  if (entry == CIMPL_REFUSED_DYING)
    entry = CIMPL_ENTERED_CLOSED;
  if (entry != CIMPL_ENTERED)
    return cimpl_fail_refused (entry, stream);
  {
    CIMPL_AUTO_UNHOLD (handle);
    cimpl_stream_try_get_flags (stream, &flags, &error);
  }
  return error == NULL ? (int32_t) flags : cimpl_fail (error);
}
