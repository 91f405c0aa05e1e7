/* SPDX-License-Identifier: MIT */

/* Operations in the plain C API, which refuse to wait, or wait for each other. */

#include "config.h"

#include "core/cimpl-stream-private.h"
#include "core/cimpl-wait-private.h"
#include "plain/cimpl-last-error-private.h"

#define DO_NOT_WAIT -1 /* nor tell a refusal that is final from one that is not */
#define REFUSED_FOR_NOW -2

/*
 * Refuses an operation, which has @entered where the stream is closed, and has found it @busy where
 * that is what it is. Returns what to return.
 */
static int32_t
refuse (CimplEntry entry, CimplHandle *entered, CimplIncarnation busy, CimplKind kind)
{
  CimplHandle *handle = entry == CIMPL_ENTERED_CLOSED ? entered : busy.handle;
  GError *refusal = cimpl_stream_new_refusal (entry, handle);

  if (entry == CIMPL_REFUSED_BUSY)
    cimpl_failure_record_refusal (handle, busy.generation, kind, refusal);
  if (entry == CIMPL_ENTERED_CLOSED)
    {
      cimpl_failure_record_refusal (handle, cimpl_handle_get_generation (handle), kind, refusal);
      cimpl_handle_leave (handle);
    }
  cimpl_fail (refusal);
  return entry == CIMPL_REFUSED_FOR_NOW ? REFUSED_FOR_NOW : -1;
}

/* What enter() does where it has not simply entered, or has @entered a closed stream. */
static G_GNUC_NO_INLINE CimplHandle *
enter_slow (CimplStream *stream,
            CimplKind kind,
            gint timeout_ms,
            CimplHandle *entered,
            int32_t *refusal)
{
  CimplEntry entry = CIMPL_ENTERED_CLOSED;
  CimplIncarnation busy = { NULL, 0 };

  if (stream == NULL)
    {
      *refusal = cimpl_fail_null ("stream");
      return NULL;
    }
  if (entered == NULL)
    entered = cimpl_handle_enter_or_name (cimpl_handle_find (stream), stream, &entry, &busy);
  if (entered == NULL)
    entered = cimpl_reservation_take (stream, &entry);
  if (entry == CIMPL_REFUSED_BUSY && timeout_ms >= 0)
    entered = cimpl_handle_enter_in_turn (stream, timeout_ms, &entry);
  /* Closing is what may be done to a closed stream. */
  if (entry == CIMPL_ENTERED || (entry == CIMPL_ENTERED_CLOSED && kind == CIMPL_KIND_CLOSE))
    return entered;
  *refusal = refuse (entry, entered, busy, kind);
  return NULL;
}

/*
 * What cimpl_stream_enter() is to the GObject API; here a pointer is never read, whatever it is.
 * Waits up to @timeout_ms, unless that is negative. NULL with what is to be returned in @refusal.
 */
static G_ALWAYS_INLINE inline CimplHandle *
enter (CimplStream *stream, CimplKind kind, gint timeout_ms, int32_t *refusal)
{
  CimplHandle *handle = G_LIKELY (stream != NULL) ? cimpl_handle_find (stream) : NULL;

  if (G_LIKELY (handle != NULL) && G_LIKELY (cimpl_handle_try_claim (handle, stream)))
    {
      if (G_LIKELY (cimpl_handle_begin (handle) == CIMPL_ENTERED))
        return handle;
    }
  else
    handle = NULL;
  handle = enter_slow (stream, kind, timeout_ms, handle, refusal);
  if (handle != NULL)
    cimpl_operation_set_stack (handle);
  return handle;
}

/* After the operation that it is of was left, which may run the user's destroy. */
static inline void
publish (GError *error)
{
  if (G_UNLIKELY (error != NULL))
    cimpl_set_last_error (error);
}

static G_ALWAYS_INLINE inline gssize
read_within (CimplStream *stream, uint8_t *buffer, size_t len, gint timeout_ms)
{
  CimplHandle *handle;
  GError *error = NULL;
  gssize n_read;
  int32_t refusal;

  if (G_UNLIKELY (buffer == NULL && len > 0))
    return cimpl_fail_null (stream != NULL ? "buffer" : "stream");
  handle = enter (stream, CIMPL_KIND_READ, timeout_ms, &refusal);
  if (handle == NULL)
    return refusal;
  {
    CIMPL_AUTO_LEAVE (handle);
    n_read = cimpl_operation_read (handle, buffer, len, NULL, &error);
  }
  publish (error);
  return n_read;
}

static G_ALWAYS_INLINE inline gssize
write_within (CimplStream *stream, const uint8_t *data, size_t len, gint timeout_ms)
{
  CimplHandle *handle;
  GError *error = NULL;
  gssize n_written;
  int32_t refusal;

  if (G_UNLIKELY (data == NULL && len > 0))
    return cimpl_fail_null (stream != NULL ? "data" : "stream");
  handle = enter (stream, CIMPL_KIND_WRITE, timeout_ms, &refusal);
  if (handle == NULL)
    return refusal;
  {
    CIMPL_AUTO_LEAVE (handle);
    n_written = cimpl_operation_write (handle, data, len, NULL, &error);
  }
  publish (error);
  return n_written;
}

static gint64
seek_within (CimplStream *stream, int64_t offset, CimplSeekMode mode, gint timeout_ms)
{
  CimplHandle *handle;
  GError *error = NULL;
  gint64 position;
  int32_t refusal;

  handle = enter (stream, CIMPL_KIND_SEEK, timeout_ms, &refusal);
  if (handle == NULL)
    return refusal;
  {
    CIMPL_AUTO_LEAVE (handle);
    position = cimpl_operation_seek (handle, offset, mode, NULL, &error);
  }
  publish (error);
  return position;
}

static int32_t
truncate_within (CimplStream *stream, int64_t size, gint timeout_ms)
{
  CimplHandle *handle;
  GError *error = NULL;
  int32_t refusal;

  handle = enter (stream, CIMPL_KIND_TRUNCATE, timeout_ms, &refusal);
  if (handle == NULL)
    return refusal;
  {
    CIMPL_AUTO_LEAVE (handle);
    cimpl_operation_truncate (handle, size, NULL, &error);
  }
  publish (error);
  return error == NULL ? 0 : -1;
}

static int32_t
flush_within (CimplStream *stream, gint timeout_ms)
{
  CimplHandle *handle;
  GError *error = NULL;
  int32_t refusal;

  handle = enter (stream, CIMPL_KIND_FLUSH, timeout_ms, &refusal);
  if (handle == NULL)
    return refusal;
  {
    CIMPL_AUTO_LEAVE (handle);
    cimpl_operation_flush (handle, NULL, &error);
  }
  publish (error);
  return error == NULL ? 0 : -1;
}

static int32_t
close_within (CimplStream *stream, gint timeout_ms)
{
  CimplHandle *handle;
  GError *error = NULL;
  int32_t refusal;

  handle = enter (stream, CIMPL_KIND_CLOSE, timeout_ms, &refusal);
  if (handle == NULL)
    return refusal;
  {
    CIMPL_AUTO_LEAVE (handle);
    if (!cimpl_handle_has (handle, CIMPL_LIFE_CLOSED | CIMPL_LIFE_DETACHED))
      cimpl_operation_close (handle, NULL, &error);
  }
  publish (error);
  return error == NULL ? 0 : -1;
}

/**
 * cimpl_stream_read: (skip)
 * @stream: a stream
 * @buffer: where to put the data
 * @len: how many bytes fit into @buffer; 0 does nothing
 *
 * Reads at most @len bytes at the current position and moves it behind them. Fewer are no error
 * and do not mean that the data ends: only 0 does.
 *
 * Returns: the number of bytes read, 0 at the end of the data, or -1
 *
 * Since: 1.0
 */
intptr_t
cimpl_stream_read (CimplStream *stream, uint8_t *buffer, size_t len)
{
  return read_within (stream, buffer, len, DO_NOT_WAIT);
}

/**
 * cimpl_stream_write: (skip)
 * @stream: a stream
 * @data: the data
 * @len: how many bytes of @data to write; 0 does nothing
 *
 * Writes at most @len bytes at the current position and moves it behind them. A short write is no
 * error.
 *
 * Returns: the number of bytes written, or -1
 *
 * Since: 1.0
 */
intptr_t
cimpl_stream_write (CimplStream *stream, const uint8_t *data, size_t len)
{
  return write_within (stream, data, len, DO_NOT_WAIT);
}

/**
 * cimpl_stream_seek: (skip)
 * @stream: a stream
 * @offset: an offset in bytes
 * @mode: what @offset counts from
 *
 * Moves the position. Whether it may lie past the end is the stream's choice.
 *
 * Returns: the new position, in bytes from the start, or -1
 *
 * Since: 1.0
 */
int64_t
cimpl_stream_seek (CimplStream *stream, int64_t offset, CimplSeekMode mode)
{
  return seek_within (stream, offset, mode, DO_NOT_WAIT);
}

/**
 * cimpl_stream_tell: (skip)
 * @stream: a stream
 *
 * Gets the position, by a seek by nothing.
 *
 * Returns: the position, in bytes from the start, or -1
 *
 * Since: 1.0
 */
int64_t
cimpl_stream_tell (CimplStream *stream)
{
  return cimpl_stream_seek (stream, 0, CIMPL_SEEK_MODE_CURRENT);
}

/**
 * cimpl_stream_get_size: (skip)
 * @stream: a stream
 *
 * Gets the size, by a seek to the end and back.
 *
 * Returns: the size in bytes, or -1
 *
 * Since: 1.0
 */
int64_t
cimpl_stream_get_size (CimplStream *stream)
{
  CimplHandle *handle;
  GError *error = NULL;
  gint64 size;
  int32_t refusal;

  handle = enter (stream, CIMPL_KIND_SEEK, DO_NOT_WAIT, &refusal);
  if (handle == NULL)
    return refusal;
  {
    CIMPL_AUTO_LEAVE (handle);
    size = cimpl_operation_get_size (handle, NULL, &error);
  }
  publish (error);
  return size;
}

/**
 * cimpl_stream_truncate: (skip)
 * @stream: a stream
 * @size: the new size, in bytes
 *
 * Sets the size, cutting the data or adding zeros; the position stays where it is.
 *
 * Returns: 0, or -1
 *
 * Since: 1.0
 */
int32_t
cimpl_stream_truncate (CimplStream *stream, int64_t size)
{
  return truncate_within (stream, size, DO_NOT_WAIT);
}

/**
 * cimpl_stream_flush: (skip)
 * @stream: a stream
 *
 * Makes all data that was written reach what is behind the stream.
 *
 * Returns: 0, or -1
 *
 * Since: 1.0
 */
int32_t
cimpl_stream_flush (CimplStream *stream)
{
  return flush_within (stream, DO_NOT_WAIT);
}

/**
 * cimpl_stream_close: (skip)
 * @stream: a stream
 *
 * Flushes what was written since the last flush and closes the stream, for everybody who holds
 * it; the reference stays. The stream is closed also when this fails, but for
 * %CIMPL_STREAM_ERROR_BUSY. Closing a closed stream succeeds.
 *
 * Returns: 0, or -1 with the first thing that went wrong
 *
 * Since: 1.0
 */
int32_t
cimpl_stream_close (CimplStream *stream)
{
  return close_within (stream, DO_NOT_WAIT);
}

/* Waiting */

/**
 * cimpl_stream_reserve: (skip)
 * @stream: a stream
 * @other: (nullable): another one that the operation uses, too, such as the target of a copy
 * @timeout_ms: how many milliseconds to wait at most; 0 does not wait
 *
 * Waits for operations of other threads, and keeps those that come later out until this thread's
 * next operation on @stream, and on @other, has ended. For bindings that want to wait in functions
 * which refuse to, such as cimpl_stream_copy() and those of the GObject API.
 *
 * Owes a cimpl_stream_end_reservation(), whatever comes of the operation. A thread has one
 * reservation at a time.
 *
 * Returns: 0; also where nothing is reserved, since waiting would be in vain: the operation will
 *   fail, and say why. -2 if another thread still uses one of the streams after the time, which
 *   counts as no failure
 *
 * Since: 1.0
 */
int32_t
cimpl_stream_reserve (CimplStream *stream, CimplStream *other, int32_t timeout_ms)
{
  CimplEntry entry = cimpl_reservation_begin (stream, other, MAX (timeout_ms, 0));

  return entry == CIMPL_REFUSED_FOR_NOW ? REFUSED_FOR_NOW : 0;
}

/**
 * cimpl_stream_end_reservation: (skip)
 *
 * Ends the reservation of this thread, if no operation has.
 *
 * Since: 1.0
 */
void
cimpl_stream_end_reservation (void)
{
  cimpl_reservation_end ();
}

/**
 * cimpl_stream_read_wait: (skip)
 * @stream: a stream
 * @buffer: where to put the data
 * @len: how many bytes fit into @buffer
 * @timeout_ms: how many milliseconds to wait at most; 0 does not wait
 *
 * cimpl_stream_read(), waiting for an operation of another thread instead of being refused at once.
 * Never waits where that would never end: inside a callback of @stream, or for a thread that itself
 * waits in this way for this one.
 *
 * Returns: as cimpl_stream_read(); -2 with %CIMPL_STREAM_ERROR_BUSY, and without having done
 *   anything, if another thread still uses @stream
 *
 * Since: 1.0
 */
intptr_t
cimpl_stream_read_wait (CimplStream *stream, uint8_t *buffer, size_t len, int32_t timeout_ms)
{
  return read_within (stream, buffer, len, MAX (timeout_ms, 0));
}

/**
 * cimpl_stream_write_wait: (skip)
 * @stream: a stream
 * @data: the data
 * @len: how many bytes to write
 * @timeout_ms: how many milliseconds to wait at most; 0 does not wait
 *
 * cimpl_stream_write(), waiting for an operation of another thread instead of being refused at
 * once. Never waits where that would never end: inside a callback of @stream, or for a thread that
 * itself waits in this way for this one.
 *
 * Returns: as cimpl_stream_write(); -2 with %CIMPL_STREAM_ERROR_BUSY, and without having done
 *   anything, if another thread still uses @stream
 *
 * Since: 1.0
 */
intptr_t
cimpl_stream_write_wait (CimplStream *stream, const uint8_t *data, size_t len, int32_t timeout_ms)
{
  return write_within (stream, data, len, MAX (timeout_ms, 0));
}

/**
 * cimpl_stream_seek_wait: (skip)
 * @stream: a stream
 * @offset: where to, in bytes
 * @mode: what @offset counts from
 * @timeout_ms: how many milliseconds to wait at most; 0 does not wait
 *
 * cimpl_stream_seek(), waiting for an operation of another thread instead of being refused at once.
 * Never waits where that would never end: inside a callback of @stream, or for a thread that itself
 * waits in this way for this one.
 *
 * Returns: as cimpl_stream_seek(); -2 with %CIMPL_STREAM_ERROR_BUSY, and without having done
 *   anything, if another thread still uses @stream
 *
 * Since: 1.0
 */
int64_t
cimpl_stream_seek_wait (CimplStream *stream, int64_t offset, CimplSeekMode mode, int32_t timeout_ms)
{
  return seek_within (stream, offset, mode, MAX (timeout_ms, 0));
}

/**
 * cimpl_stream_tell_wait: (skip)
 * @stream: a stream
 * @timeout_ms: how many milliseconds to wait at most; 0 does not wait
 *
 * cimpl_stream_tell(), waiting for an operation of another thread instead of being refused at once.
 * Never waits where that would never end: inside a callback of @stream, or for a thread that itself
 * waits in this way for this one.
 *
 * Returns: as cimpl_stream_tell(); -2 with %CIMPL_STREAM_ERROR_BUSY, and without having done
 *   anything, if another thread still uses @stream
 *
 * Since: 1.0
 */
int64_t
cimpl_stream_tell_wait (CimplStream *stream, int32_t timeout_ms)
{
  return cimpl_stream_seek_wait (stream, 0, CIMPL_SEEK_MODE_CURRENT, timeout_ms);
}

/**
 * cimpl_stream_truncate_wait: (skip)
 * @stream: a stream
 * @size: the new size in bytes
 * @timeout_ms: how many milliseconds to wait at most; 0 does not wait
 *
 * cimpl_stream_truncate(), waiting for an operation of another thread instead of being refused at
 * once. Never waits where that would never end: inside a callback of @stream, or for a thread that
 * itself waits in this way for this one.
 *
 * Returns: as cimpl_stream_truncate(); -2 with %CIMPL_STREAM_ERROR_BUSY, and without having done
 *   anything, if another thread still uses @stream
 *
 * Since: 1.0
 */
int32_t
cimpl_stream_truncate_wait (CimplStream *stream, int64_t size, int32_t timeout_ms)
{
  return truncate_within (stream, size, MAX (timeout_ms, 0));
}

/**
 * cimpl_stream_flush_wait: (skip)
 * @stream: a stream
 * @timeout_ms: how many milliseconds to wait at most; 0 does not wait
 *
 * cimpl_stream_flush(), waiting for an operation of another thread instead of being refused at
 * once. Never waits where that would never end: inside a callback of @stream, or for a thread that
 * itself waits in this way for this one.
 *
 * Returns: as cimpl_stream_flush(); -2 with %CIMPL_STREAM_ERROR_BUSY, and without having done
 *   anything, if another thread still uses @stream
 *
 * Since: 1.0
 */
int32_t
cimpl_stream_flush_wait (CimplStream *stream, int32_t timeout_ms)
{
  return flush_within (stream, MAX (timeout_ms, 0));
}

/**
 * cimpl_stream_close_wait: (skip)
 * @stream: a stream
 * @timeout_ms: how many milliseconds to wait at most; 0 does not wait
 *
 * cimpl_stream_close(), waiting for an operation of another thread instead of being refused at
 * once. Never waits where that would never end: inside a callback of @stream, or for a thread that
 * itself waits in this way for this one.
 *
 * Returns: as cimpl_stream_close(); -2 with %CIMPL_STREAM_ERROR_BUSY, and without having done
 *   anything, if another thread still uses @stream
 *
 * Since: 1.0
 */
int32_t
cimpl_stream_close_wait (CimplStream *stream, int32_t timeout_ms)
{
  return close_within (stream, MAX (timeout_ms, 0));
}
