/* SPDX-License-Identifier: MIT */

#include "config.h"

#include "core/cimpl-stream-private.h"

#include "core/cimpl-stream-error-private.h"
#include "core/cimpl-wait-private.h"

/**
 * CimplStream:
 *
 * Something to read from, to write to, or both, implemented in any language.
 *
 * ```c
 * g_autoptr (CimplStream) stream = cimpl_memory_stream_new ();
 * g_autoptr (GError) error = NULL;
 * if (!cimpl_stream_try_write_all (stream, "some data", 9, NULL, NULL, &error))
 *   g_error ("It cannot be written: %s", error->message);
 * ```
 *
 * A stream serves one operation at a time: a second one, from another thread or from inside its
 * own callback, fails with %CIMPL_STREAM_ERROR_BUSY at once and changes nothing. Different
 * streams never wait for each other.
 *
 * Every operation but closing fails with %CIMPL_STREAM_ERROR_CLOSED on a closed stream. All fail
 * with %CIMPL_STREAM_ERROR_CANCELLED if their cancellable is cancelled beforehand, with
 * %CIMPL_STREAM_ERROR_INVALID_BUFFER for a count above `PTRDIFF_MAX`, and with
 * %CIMPL_STREAM_ERROR_CALLBACK_CONTRACT if the class returned what it must not. The methods tell
 * what else can go wrong in them.
 *
 * Coroutines may wait in the functions that implement a stream while others go on in the same
 * thread; but an operation must end in the thread that it began in. These functions may be left by
 * a C++ exception or by `pthread_cancel()`, which ends the operation, and never by `longjmp()`.
 *
 * Subclasses override the functions of [struct@CimplStream.StreamClass]; a failure in one of
 * them reaches the caller as an error, whatever its domain, and never as the end of the data.
 *
 * Dropping the last reference closes the stream, see [method@CimplStream.Stream.close]; an error
 * then is only logged. In a child process, dropping a stream that the parent has made neither
 * flushes nor closes it, and nowhere does dropping one of cimpl_stream_new().
 *
 * Since: 1.0
 */

typedef struct
{
  CimplHandle *handle; /* NULL until the stream is a valid handle */
  gboolean borrows;    /* what it works on may be gone when it is dropped */
} CimplStreamPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (CimplStream, cimpl_stream, G_TYPE_OBJECT)

GError *
cimpl_stream_new_refusal (CimplEntry entry, CimplHandle *handle)
{
  /* Also while what ran before is coming to its end, nothing begins any more. */
  if (entry == CIMPL_REFUSED_BUSY && handle != NULL
      && cimpl_handle_has (handle, CIMPL_LIFE_DETACHED))
    entry = CIMPL_ENTERED_CLOSED;

  switch (entry)
    {
    case CIMPL_ENTERED_CLOSED:
      return g_error_new_literal (CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CLOSED,
                                  "The stream is closed");

    case CIMPL_REFUSED_BUSY:
    case CIMPL_REFUSED_FOR_NOW:
      return g_error_new_literal (CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_BUSY,
                                  cimpl_handle_is_mine (handle)
                                      ? "The stream is used from inside its own callback"
                                      : "Another thread is using the stream");

    case CIMPL_REFUSED_WRONG_HANDLE_TYPE:
      return g_error_new_literal (CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_WRONG_HANDLE_TYPE,
                                  "The pointer is to a string, not to a stream");

    case CIMPL_REFUSED_TOO_MANY_REFERENCES:
      return g_error_new_literal (CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NO_SPACE,
                                  "The stream has too many references");

    case CIMPL_REFUSED_INVALID_HANDLE:
    case CIMPL_REFUSED_DYING:
      return g_error_new_literal (CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_HANDLE,
                                  "The pointer is not, or no longer, to a stream");

    case CIMPL_ENTERED:
    default:
      g_assert_not_reached ();
    }
}

CimplHandle *
cimpl_stream_get_handle (CimplStream *self)
{
  CimplStreamPrivate *priv = cimpl_stream_get_instance_private (self);

  return priv->handle;
}

/* Refuses an operation, which has entered where the stream is closed. */
static void
refuse (CimplStream *self, CimplEntry entry, CimplHandle *entered, CimplKind kind, GError **error)
{
  CimplHandle *handle = cimpl_stream_get_handle (self);
  GError *refusal = cimpl_stream_new_refusal (entry, handle);

  if (handle != NULL)
    cimpl_failure_record_refusal (handle, cimpl_handle_get_generation (handle), kind, refusal);
  if (entry == CIMPL_ENTERED_CLOSED)
    cimpl_handle_leave (entered);
  g_propagate_error (error, refusal);
}

/* What cimpl_stream_enter() does where it has not simply entered. */
CimplHandle *
cimpl_stream_enter_slow (CimplStream *self,
                         CimplEntry entry,
                         CimplHandle *entered,
                         CimplKind kind,
                         const char *function,
                         GError **error)
{
  if (!CIMPL_IS_STREAM (self))
    {
      g_return_if_fail_warning (G_LOG_DOMAIN, function, "CIMPL_IS_STREAM (self)");
      return NULL;
    }

  if (entered == NULL)
    entered = cimpl_reservation_take (self, &entry);
  /* Closing is what may be done to a closed stream. */
  if (entry == CIMPL_ENTERED || (entry == CIMPL_ENTERED_CLOSED && kind == CIMPL_KIND_CLOSE))
    return entered;
  refuse (self, entry, entered, kind, error);
  return NULL;
}

/* Object */

/* Before it is used: dropping @self shall neither flush nor close what it works on. */
void
cimpl_stream_set_borrows (CimplStream *self)
{
  CimplStreamPrivate *priv = cimpl_stream_get_instance_private (self);

  priv->borrows = TRUE;
}

/* Closes the stream; FALSE if it lives on, or if that has to wait for the operation that runs. */
static gboolean
close_before_end (CimplStream *self, CimplHandle *handle)
{
  CimplStreamPrivate *priv = cimpl_stream_get_instance_private (self);
  CimplEntry entry;
  g_autoptr (GError) error = NULL;

  if (cimpl_handle_enter (handle, self, &entry) == NULL)
    {
      cimpl_handle_dispose_later (handle);
      return FALSE;
    }
  CIMPL_AUTO_LEAVE (handle);

  if (!cimpl_handle_doom (handle))
    return FALSE;
  /* What the parent process has made is the parent's to flush and to close. */
  if (entry == CIMPL_ENTERED && !cimpl_handle_is_inherited (handle) && !priv->borrows
      && !cimpl_operation_close (handle, NULL, &error))
    g_warning ("%s was dropped without having been closed, and failed to close then: %s; "
               "close it explicitly",
               G_OBJECT_TYPE_NAME (self), error->message);
  cimpl_handle_set (handle, CIMPL_LIFE_CLOSED);
  return TRUE;
}

static void
cimpl_stream_constructed (GObject *object)
{
  G_OBJECT_CLASS (cimpl_stream_parent_class)->constructed (object);

  cimpl_stream_enlist (CIMPL_STREAM (object), FALSE);
}

static void
cimpl_stream_dispose (GObject *object)
{
  CimplStream *self = CIMPL_STREAM (object);
  CimplHandle *handle = cimpl_stream_get_handle (self);

  if (handle != NULL && !close_before_end (self, handle))
    return;

  G_OBJECT_CLASS (cimpl_stream_parent_class)->dispose (object);
}

/* Makes the stream a valid handle, with all of it in place: a stale pointer may be used at once. */
void
cimpl_stream_enlist (CimplStream *self, gboolean has_plain_reference)
{
  CimplStreamPrivate *priv = cimpl_stream_get_instance_private (self);

  cimpl_handle_new (self, has_plain_reference, &priv->handle);
}

static void
cimpl_stream_finalize (GObject *object)
{
  CimplHandle *handle = cimpl_stream_get_handle (CIMPL_STREAM (object));

  if (handle != NULL)
    cimpl_handle_retire (handle);

  G_OBJECT_CLASS (cimpl_stream_parent_class)->finalize (object);
}

static void
cimpl_stream_class_init (CimplStreamClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = cimpl_stream_constructed;
  object_class->dispose = cimpl_stream_dispose;
  object_class->finalize = cimpl_stream_finalize;

  cimpl_stream_class_set_defaults (klass);
}

static void
cimpl_stream_init (CimplStream *self)
{
}

/* Methods */

/**
 * cimpl_stream_try_read: (skip)
 * @self: a stream
 * @buffer: (out caller-allocates) (array length=count) (element-type guint8): where to put the
 *   data
 * @count: how many bytes fit into @buffer; 0 does nothing
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Reads at most @count bytes at the current position and moves it behind them.
 *
 * Fewer bytes than asked for are no error and do not mean that the data ends: only 0 does.
 *
 * Fails with %CIMPL_STREAM_ERROR_NOT_SUPPORTED on a stream that cannot be read, and with
 * %CIMPL_STREAM_ERROR_WOULD_BLOCK when nothing can be read without waiting and the stream does not
 * wait.
 *
 * Returns: the number of bytes read, 0 at the end of the data, or -1 on error
 *
 * Since: 1.0
 */
gssize
cimpl_stream_try_read (CimplStream *self,
                       void *buffer,
                       gsize count,
                       GCancellable *cancellable,
                       GError **error)
{
  CimplHandle *handle;

  g_return_val_if_fail (buffer != NULL || count == 0, -1);

  handle = cimpl_stream_enter (self, CIMPL_KIND_READ, G_STRFUNC, error);
  if (handle == NULL)
    return -1;
  CIMPL_AUTO_LEAVE (handle);
  return cimpl_operation_read (handle, buffer, count, cancellable, error);
}

/**
 * cimpl_stream_try_read_bytes: (rename-to cimpl_stream_read_bytes)
 * @self: a stream
 * @count: how many bytes to read at most; 0 returns no bytes
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Reads at most @count bytes at the current position and moves it behind them.
 *
 * Fewer bytes than asked for are no error and do not mean that the data ends: only an empty
 * #GBytes does.
 *
 * Fails with %CIMPL_STREAM_ERROR_NOT_SUPPORTED on a stream that cannot be read, and with
 * %CIMPL_STREAM_ERROR_WOULD_BLOCK when nothing can be read without waiting and the stream does not
 * wait.
 *
 * Returns: (transfer full): the data, empty at its end, or `NULL` on error
 *
 * Since: 1.0
 */
GBytes *
cimpl_stream_try_read_bytes (CimplStream *self,
                             gsize count,
                             GCancellable *cancellable,
                             GError **error)
{
  CimplHandle *handle;

  handle = cimpl_stream_enter (self, CIMPL_KIND_READ, G_STRFUNC, error);
  if (handle == NULL)
    return NULL;
  CIMPL_AUTO_LEAVE (handle);
  return cimpl_operation_read_bytes (handle, count, cancellable, error);
}

/**
 * cimpl_stream_try_write: (rename-to cimpl_stream_write)
 * @self: a stream
 * @data: (array length=count) (element-type guint8): the data
 * @count: how many bytes of @data to write; 0 does nothing
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Writes at most @count bytes at the current position and moves it behind them.
 *
 * A short write is no error: call again with the rest, or use
 * [method@CimplStream.Stream.write_all].
 *
 * Fails with %CIMPL_STREAM_ERROR_NOT_SUPPORTED on a stream that cannot be written, and with
 * %CIMPL_STREAM_ERROR_WOULD_BLOCK when nothing can be written without waiting and the stream
 * does not wait.
 *
 * Returns: the number of bytes written, or -1 on error
 *
 * Since: 1.0
 */
gssize
cimpl_stream_try_write (CimplStream *self,
                        const void *data,
                        gsize count,
                        GCancellable *cancellable,
                        GError **error)
{
  CimplHandle *handle;

  g_return_val_if_fail (data != NULL || count == 0, -1);

  handle = cimpl_stream_enter (self, CIMPL_KIND_WRITE, G_STRFUNC, error);
  if (handle == NULL)
    return -1;
  CIMPL_AUTO_LEAVE (handle);
  return cimpl_operation_write (handle, data, count, cancellable, error);
}

/**
 * cimpl_stream_try_write_bytes: (rename-to cimpl_stream_write_bytes)
 * @self: a stream
 * @bytes: the data
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Writes as much of @bytes as the stream takes at once, like [method@CimplStream.Stream.write].
 *
 * Fails with %CIMPL_STREAM_ERROR_NOT_SUPPORTED on a stream that cannot be written, and with
 * %CIMPL_STREAM_ERROR_WOULD_BLOCK when nothing can be written without waiting and the stream
 * does not wait.
 *
 * Returns: the number of bytes written, or -1 on error
 *
 * Since: 1.0
 */
gssize
cimpl_stream_try_write_bytes (CimplStream *self,
                              GBytes *bytes,
                              GCancellable *cancellable,
                              GError **error)
{
  gsize size;
  gconstpointer data;

  g_return_val_if_fail (bytes != NULL, -1);

  data = g_bytes_get_data (bytes, &size);
  return cimpl_stream_try_write (self, data, size, cancellable, error);
}

/**
 * cimpl_stream_try_seek: (rename-to cimpl_stream_seek)
 * @self: a stream
 * @offset: an offset in bytes
 * @mode: what @offset counts from
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Moves the position.
 *
 * Whether it may lie past the end is the stream's choice.
 *
 * Fails with %CIMPL_STREAM_ERROR_INVALID_ARGUMENT for an unknown @mode and a position before the
 * start, and with %CIMPL_STREAM_ERROR_NOT_SUPPORTED on a stream that has no position.
 *
 * Returns: the new position, in bytes from the start, or -1 on error
 *
 * Since: 1.0
 */
gint64
cimpl_stream_try_seek (CimplStream *self,
                       gint64 offset,
                       CimplSeekMode mode,
                       GCancellable *cancellable,
                       GError **error)
{
  CimplHandle *handle;

  handle = cimpl_stream_enter (self, CIMPL_KIND_SEEK, G_STRFUNC, error);
  if (handle == NULL)
    return -1;
  CIMPL_AUTO_LEAVE (handle);
  return cimpl_operation_seek (handle, offset, mode, cancellable, error);
}

/**
 * cimpl_stream_try_tell: (rename-to cimpl_stream_tell)
 * @self: a stream
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Gets the position. This is an operation of the stream like any other, a seek by nothing.
 *
 * Fails with %CIMPL_STREAM_ERROR_NOT_SUPPORTED on a stream that has no position.
 *
 * Returns: the position, in bytes from the start, or -1 on error
 *
 * Since: 1.0
 */
gint64
cimpl_stream_try_tell (CimplStream *self, GCancellable *cancellable, GError **error)
{
  return cimpl_stream_try_seek (self, 0, CIMPL_SEEK_MODE_CURRENT, cancellable, error);
}

/**
 * cimpl_stream_try_get_size: (rename-to cimpl_stream_get_size)
 * @self: a stream
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Gets the size, by a seek to the end and back.
 *
 * Fails with %CIMPL_STREAM_ERROR_NOT_SUPPORTED on a stream that has no position.
 *
 * Returns: the size in bytes, or -1 on error
 *
 * Since: 1.0
 */
gint64
cimpl_stream_try_get_size (CimplStream *self, GCancellable *cancellable, GError **error)
{
  CimplHandle *handle;

  handle = cimpl_stream_enter (self, CIMPL_KIND_SEEK, G_STRFUNC, error);
  if (handle == NULL)
    return -1;
  CIMPL_AUTO_LEAVE (handle);
  return cimpl_operation_get_size (handle, cancellable, error);
}

/**
 * cimpl_stream_try_truncate: (rename-to cimpl_stream_truncate)
 * @self: a stream
 * @size: the new size, in bytes
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Sets the size, cutting the data or adding zeros; the position stays where it is.
 *
 * Fails with %CIMPL_STREAM_ERROR_INVALID_ARGUMENT for a negative @size, and with
 * %CIMPL_STREAM_ERROR_NOT_SUPPORTED on a stream whose size cannot be set.
 *
 * Returns: whether that worked
 *
 * Since: 1.0
 */
gboolean
cimpl_stream_try_truncate (CimplStream *self,
                           gint64 size,
                           GCancellable *cancellable,
                           GError **error)
{
  CimplHandle *handle;

  handle = cimpl_stream_enter (self, CIMPL_KIND_TRUNCATE, G_STRFUNC, error);
  if (handle == NULL)
    return FALSE;
  CIMPL_AUTO_LEAVE (handle);
  return cimpl_operation_truncate (handle, size, cancellable, error);
}

/**
 * cimpl_stream_try_flush: (rename-to cimpl_stream_flush)
 * @self: a stream
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Makes all data that was written reach what is behind the stream.
 *
 * Fails with what is reported from there, such as %CIMPL_STREAM_ERROR_NO_SPACE for data that did
 * not fit after all.
 *
 * Returns: whether that worked
 *
 * Since: 1.0
 */
gboolean
cimpl_stream_try_flush (CimplStream *self, GCancellable *cancellable, GError **error)
{
  CimplHandle *handle;

  handle = cimpl_stream_enter (self, CIMPL_KIND_FLUSH, G_STRFUNC, error);
  if (handle == NULL)
    return FALSE;
  CIMPL_AUTO_LEAVE (handle);
  return cimpl_operation_flush (handle, cancellable, error);
}

/**
 * cimpl_stream_try_close: (rename-to cimpl_stream_close)
 * @self: a stream
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Flushes what was written since the last flush and closes the stream, for everybody who holds
 * it.
 *
 * The stream is closed afterwards also when this fails, which then reports the first thing that
 * went wrong; every other operation fails with %CIMPL_STREAM_ERROR_CLOSED from then on. Only
 * %CIMPL_STREAM_ERROR_BUSY leaves the stream as it is. Closing a closed stream succeeds.
 *
 * Returns: whether that worked
 *
 * Since: 1.0
 */
gboolean
cimpl_stream_try_close (CimplStream *self, GCancellable *cancellable, GError **error)
{
  CimplHandle *handle;

  g_return_val_if_fail (CIMPL_IS_STREAM (self), FALSE);

  if (cimpl_stream_get_handle (self) == NULL)
    return TRUE;
  handle = cimpl_stream_enter (self, CIMPL_KIND_CLOSE, G_STRFUNC, error);
  if (handle == NULL)
    return FALSE;
  CIMPL_AUTO_LEAVE (handle);
  return cimpl_handle_has (handle, CIMPL_LIFE_CLOSED | CIMPL_LIFE_DETACHED)
         || cimpl_operation_close (handle, cancellable, error);
}

/**
 * cimpl_stream_try_get_flags: (rename-to cimpl_stream_get_flags)
 * @self: a stream
 * @flags: (out): return location for what the stream can do
 * @error: return location for an error
 *
 * Gets what the stream can do.
 *
 * Fails with %CIMPL_STREAM_ERROR_CLOSED on a closed stream, and never with
 * %CIMPL_STREAM_ERROR_BUSY.
 *
 * Returns: whether that worked
 *
 * Since: 1.0
 */
gboolean
cimpl_stream_try_get_flags (CimplStream *self, CimplStreamFlags *flags, GError **error)
{
  CimplHandle *handle;

  g_return_val_if_fail (CIMPL_IS_STREAM (self), FALSE);
  g_return_val_if_fail (flags != NULL, FALSE);

  handle = cimpl_stream_get_handle (self);
  if (handle == NULL || cimpl_handle_has (handle, CIMPL_LIFE_CLOSED | CIMPL_LIFE_DETACHED))
    {
      g_propagate_error (error, cimpl_stream_new_refusal (CIMPL_ENTERED_CLOSED, handle));
      return FALSE;
    }

  handle = cimpl_callout_begin (self);
  CIMPL_AUTO_END_CALLOUT (handle);
  return cimpl_operation_get_flags (handle, flags, error);
}

/**
 * cimpl_stream_is_closed:
 * @self: a stream
 *
 * Whether the stream is closed, or its callbacks were detached. Never fails, and not while an
 * operation runs either.
 *
 * Returns: whether the stream is closed
 *
 * Since: 1.0
 */
gboolean
cimpl_stream_is_closed (CimplStream *self)
{
  CimplHandle *handle;

  g_return_val_if_fail (CIMPL_IS_STREAM (self), TRUE);

  handle = cimpl_stream_get_handle (self);
  return handle == NULL || cimpl_handle_has (handle, CIMPL_LIFE_CLOSED | CIMPL_LIFE_DETACHED);
}

/**
 * cimpl_stream_dup_failure:
 * @self: a stream
 *
 * Gets the first failure of the stream since it was made, or since
 * [method@CimplStream.Stream.clear_failure].
 *
 * It stays, whatever succeeds later and whoever has seen it: this is how to find out what went
 * wrong when a library that worked on the stream has kept it to itself.
 *
 * A failure is every error of an operation but for: %CIMPL_STREAM_ERROR_WOULD_BLOCK, a
 * cancellation by the caller, an argument of the caller that is wrong, and
 * %CIMPL_STREAM_ERROR_NOT_SUPPORTED where something asks for or sets the position or the size.
 * That a stream is closed or busy is a failure, too. A filter and its base each keep what they
 * have met.
 *
 * Any thread may call this at any time, it is no operation of the stream.
 *
 * Returns: (transfer full) (nullable): the failure, or `NULL` if there was none
 *
 * Since: 1.0
 */
GError *
cimpl_stream_dup_failure (CimplStream *self)
{
  CimplHandle *handle;
  g_autoptr (CimplFailure) failure = NULL;

  g_return_val_if_fail (CIMPL_IS_STREAM (self), NULL);

  handle = cimpl_stream_get_handle (self);
  failure = handle == NULL ? NULL : cimpl_failure_find (handle, 0, FALSE);
  return failure == NULL ? NULL : g_error_copy (failure->error);
}
