/* SPDX-License-Identifier: MIT */

#include "config.h"

#include "streams/cimpl-callback-stream-private.h"

#include "core/cimpl-stream-error-private.h"
#include "core/cimpl-stream-private.h"

/**
 * CimplCallbackStream:
 *
 * A [class@CimplStream.Stream] made of C callbacks, by the functions cimpl_stream_new() and
 * cimpl_stream_new_full() of the plain C API. Made otherwise it has no callbacks and can do
 * nothing.
 *
 * ```c
 * #include <cimplstream/cimplstream.h>
 * #include <stdio.h>
 *
 * static void
 * write_file (CimplStreamContext *context, const uint8_t *data, size_t len, int64_t *result)
 * {
 *   size_t n_written = fwrite (data, 1, len, (FILE *) context);
 *
 *   *result = n_written > 0 ? (int64_t) n_written : -1;
 * }
 *
 * static void
 * close_file (CimplStreamContext *context, int64_t *result)
 * {
 *   *result = fclose ((FILE *) context);
 * }
 *
 * int
 * main (void)
 * {
 *   const CimplStreamCallbacks callbacks = {
 *     .struct_size = sizeof callbacks,
 *     .write = write_file,
 *     .close = close_file,
 *   };
 *   CimplStreamContext *file = (CimplStreamContext *) tmpfile ();
 *   CimplStream *plain = cimpl_stream_new_full (&callbacks, file, NULL);
 *   g_autoptr (CimplStream) stream = cimpl_stream_take (plain);
 *
 *   if (!cimpl_stream_try_write_all (stream, "some data", 9, NULL, NULL, NULL))
 *     return 1;
 *   return cimpl_stream_try_close (stream, NULL, NULL) ? 0 : 1;
 * }
 * ```
 *
 * cimpl_stream_take() takes over the reference that the plain C API would give back with
 * cimpl_free(). When the last reference goes, a stream of cimpl_stream_new_full() is closed like
 * any other, while one of cimpl_stream_new() calls no callback any more.
 *
 * Since: 1.0
 */
struct _CimplCallbackStream
{
  CimplStream parent_instance;

  CimplStreamContext *context;

  /* Either these, which return their result, … */
  CimplReadCallback reader;
  CimplSeekCallback seeker;
  CimplWriteCallback writer;
  CimplFlushCallback flusher;

  /* … or these, which store it. */
  CimplStreamCallbacks callbacks;

  _Atomic (CimplDestroyCallback) destroy; /* NULL once called */
};

G_DEFINE_FINAL_TYPE (CimplCallbackStream, cimpl_callback_stream, CIMPL_TYPE_STREAM)

#define UNTOUCHED INT64_MIN

/*
 * Memory that is given back is soon handed out again, and would make stale handles valid. So a
 * stream that is made waits, and serves only after N_WAITING others.
 */
#define N_WAITING 1024
static _Atomic (CimplCallbackStream *) waiting[N_WAITING];
static _Atomic guint waiting_next;
static _Thread_local gboolean is_making_waiting;

static G_GNUC_NO_INLINE gboolean
set_failure (CimplCallbackStream *self, const char *callback, gint64 result, GError **error)
{
  g_autofree char *message = NULL;

  if (result == -1)
    {
      /* The wording is that of the published library. */
      message = g_strdup_printf ("%s callback returned error", callback);
      cimpl_operation_fail (cimpl_stream_get_handle (CIMPL_STREAM (self)), error, message);
    }
  else if (result == UNTOUCHED)
    g_set_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CALLBACK_CONTRACT,
                 "%s callback did not set its result", callback);
  else
    g_set_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CALLBACK_CONTRACT,
                 "%s callback returned %" G_GINT64_FORMAT, callback, result);
  return FALSE;
}

static inline gboolean
check_count (CimplCallbackStream *self,
             const char *callback,
             gint64 result,
             gsize *count,
             GError **error)
{
  if (G_UNLIKELY (result < 0))
    return set_failure (self, callback, result, error);
  *count = (gsize) MIN ((guint64) result, (guint64) G_MAXSIZE - 1);
  return TRUE;
}

static gboolean
check_status (CimplCallbackStream *self, const char *callback, gint64 result, GError **error)
{
  return result == 0 || set_failure (self, callback, result, error);
}

/* Out of line, so that the other form does not pay for the registers of this one. */
static G_GNUC_NO_INLINE gboolean
read_storing (CimplCallbackStream *self, void *buffer, gsize count, gsize *n_read, GError **error)
{
  int64_t result = UNTOUCHED;

  if (self->callbacks.read == NULL)
    return CIMPL_STREAM_CLASS (cimpl_callback_stream_parent_class)
        ->read (CIMPL_STREAM (self), buffer, count, n_read, NULL, error);
  self->callbacks.read (self->context, buffer, count, &result);
  return check_count (self, "Read", result, n_read, error);
}

static gboolean
cimpl_callback_stream_read (CimplStream *stream,
                            void *buffer,
                            gsize count,
                            gsize *n_read,
                            GCancellable *cancellable,
                            GError **error)
{
  CimplCallbackStream *self = (CimplCallbackStream *) stream; /* the hot path: no type check */

  if (self->reader == NULL)
    return read_storing (self, buffer, count, n_read, error);
  return check_count (self, "Read", self->reader (self->context, buffer, count), n_read, error);
}

static G_GNUC_NO_INLINE gboolean
write_storing (CimplCallbackStream *self,
               const void *data,
               gsize count,
               gsize *n_written,
               GError **error)
{
  int64_t result = UNTOUCHED;

  if (self->callbacks.write == NULL)
    return CIMPL_STREAM_CLASS (cimpl_callback_stream_parent_class)
        ->write (CIMPL_STREAM (self), data, count, n_written, NULL, error);
  self->callbacks.write (self->context, data, count, &result);
  return check_count (self, "Write", result, n_written, error);
}

static gboolean
cimpl_callback_stream_write (CimplStream *stream,
                             const void *data,
                             gsize count,
                             gsize *n_written,
                             GCancellable *cancellable,
                             GError **error)
{
  CimplCallbackStream *self = (CimplCallbackStream *) stream;

  if (self->writer == NULL)
    return write_storing (self, data, count, n_written, error);
  return check_count (self, "Write", self->writer (self->context, data, count), n_written, error);
}

static gboolean
cimpl_callback_stream_seek (CimplStream *stream,
                            gint64 offset,
                            CimplSeekMode mode,
                            gint64 *position,
                            GCancellable *cancellable,
                            GError **error)
{
  CimplCallbackStream *self = CIMPL_CALLBACK_STREAM (stream);
  int64_t result = UNTOUCHED;

  if (self->seeker != NULL)
    result = self->seeker (self->context, offset, mode);
  else if (self->callbacks.seek != NULL)
    self->callbacks.seek (self->context, offset, mode, &result);
  else
    return CIMPL_STREAM_CLASS (cimpl_callback_stream_parent_class)
        ->seek (stream, offset, mode, position, cancellable, error);

  if (result < 0)
    return set_failure (self, "Seek", result, error);
  *position = result;
  return TRUE;
}

static gboolean
cimpl_callback_stream_flush (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  CimplCallbackStream *self = CIMPL_CALLBACK_STREAM (stream);
  int64_t result = UNTOUCHED;

  if (self->flusher != NULL)
    result = self->flusher (self->context);
  else if (self->callbacks.flush != NULL)
    self->callbacks.flush (self->context, &result);
  else
    return TRUE;
  return check_status (self, "Flush", result, error);
}

static gboolean
cimpl_callback_stream_close (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  CimplCallbackStream *self = CIMPL_CALLBACK_STREAM (stream);
  int64_t result = UNTOUCHED;

  if (self->callbacks.close == NULL)
    return TRUE;
  self->callbacks.close (self->context, &result);
  return check_status (self, "Close", result, error);
}

static gboolean
cimpl_callback_stream_truncate (CimplStream *stream,
                                gint64 size,
                                GCancellable *cancellable,
                                GError **error)
{
  CimplCallbackStream *self = CIMPL_CALLBACK_STREAM (stream);
  int64_t result = UNTOUCHED;

  if (self->callbacks.truncate == NULL)
    return CIMPL_STREAM_CLASS (cimpl_callback_stream_parent_class)
        ->truncate (stream, size, cancellable, error);
  self->callbacks.truncate (self->context, size, &result);
  return check_status (self, "Truncate", result, error);
}

static gboolean
cimpl_callback_stream_query_flags (CimplStream *stream, CimplStreamFlags *flags, GError **error)
{
  CimplCallbackStream *self = CIMPL_CALLBACK_STREAM (stream);

  *flags = 0;
  if (self->reader != NULL || self->callbacks.read != NULL)
    *flags |= CIMPL_STREAM_READABLE;
  if (self->writer != NULL || self->callbacks.write != NULL)
    *flags |= CIMPL_STREAM_WRITABLE;
  if (self->seeker != NULL || self->callbacks.seek != NULL)
    *flags |= CIMPL_STREAM_SEEKABLE;
  if (self->callbacks.truncate != NULL)
    *flags |= CIMPL_STREAM_TRUNCATABLE;
  return TRUE;
}

/* Gives the context back to its owner, once. No callback may run or start any more. */
void
cimpl_callback_stream_release_context (CimplCallbackStream *self)
{
  CimplDestroyCallback destroy = atomic_exchange (&self->destroy, NULL);

  if (destroy == NULL)
    return;

  /* It may run inside whoever used the stream last, whose errors are none of its business. */
  CIMPL_AUTO_CALLOUT (self);
  destroy (self->context);
}

static void
cimpl_callback_stream_constructed (GObject *object)
{
  if (!is_making_waiting) /* those become valid handles when they are used */
    G_OBJECT_CLASS (cimpl_callback_stream_parent_class)->constructed (object);
}

static void
cimpl_callback_stream_dispose (GObject *object)
{
  CimplCallbackStream *self = CIMPL_CALLBACK_STREAM (object);
  CimplHandle *handle = cimpl_stream_get_handle (CIMPL_STREAM (self));

  G_OBJECT_CLASS (cimpl_callback_stream_parent_class)->dispose (object);

  if (handle != NULL && !cimpl_handle_has (handle, CIMPL_LIFE_CLOSED))
    return; /* it lives on, or an operation still runs, and this comes again after it */

  /* A detached stream has released its context, or must never call into that runtime again. */
  if (handle != NULL && !cimpl_handle_has (handle, CIMPL_LIFE_DETACHED))
    cimpl_callback_stream_release_context (self);
}

static void
cimpl_callback_stream_class_init (CimplCallbackStreamClass *klass)
{
  CimplStreamClass *stream_class = CIMPL_STREAM_CLASS (klass);

  G_OBJECT_CLASS (klass)->constructed = cimpl_callback_stream_constructed;
  G_OBJECT_CLASS (klass)->dispose = cimpl_callback_stream_dispose;

  stream_class->read = cimpl_callback_stream_read;
  stream_class->write = cimpl_callback_stream_write;
  stream_class->seek = cimpl_callback_stream_seek;
  stream_class->flush = cimpl_callback_stream_flush;
  stream_class->close = cimpl_callback_stream_close;
  stream_class->truncate = cimpl_callback_stream_truncate;
  stream_class->query_flags = cimpl_callback_stream_query_flags;
}

static void
cimpl_callback_stream_init (CimplCallbackStream *self)
{
}

static CimplCallbackStream *
make_waiting (void)
{
  CimplCallbackStream *self;

  is_making_waiting = TRUE;
  self = g_object_new (CIMPL_TYPE_CALLBACK_STREAM, NULL);
  is_making_waiting = FALSE;
  return self;
}

/* A stream that is no valid handle yet. */
static CimplCallbackStream *
get_unused (void)
{
  static _Atomic gboolean is_filled;
  guint i;

  /* By whoever comes, and not once by one whom the others wait for: he may not be in a fork. */
  if (!atomic_load (&is_filled))
    {
      for (i = 0; i < N_WAITING; i++)
        {
          CimplCallbackStream *none = NULL;
          CimplCallbackStream *made = make_waiting ();

          if (!atomic_compare_exchange_strong (&waiting[i], &none, made))
            g_object_unref (made);
        }
      atomic_store (&is_filled, TRUE);
    }

  i = atomic_fetch_add (&waiting_next, 1) % N_WAITING;
  return atomic_exchange (&waiting[i], make_waiting ());
}

/* With one plain reference, like the other one. */
CimplStream *
cimpl_callback_stream_new (CimplStreamContext *context,
                           CimplReadCallback reader,
                           CimplSeekCallback seeker,
                           CimplWriteCallback writer,
                           CimplFlushCallback flusher)
{
  CimplCallbackStream *self = get_unused ();

  self->context = context;
  self->reader = reader;
  self->seeker = seeker;
  self->writer = writer;
  self->flusher = flusher;
  cimpl_stream_set_borrows (CIMPL_STREAM (self)); /* @context has nobody who says how long */
  cimpl_stream_enlist (CIMPL_STREAM (self), TRUE);
  return CIMPL_STREAM (self);
}

/* @callbacks is complete, whatever its struct_size says. */
CimplStream *
cimpl_callback_stream_new_full (const CimplStreamCallbacks *callbacks,
                                CimplStreamContext *context,
                                CimplDestroyCallback destroy)
{
  CimplCallbackStream *self = get_unused ();

  self->context = context;
  self->callbacks = *callbacks;
  atomic_store (&self->destroy, destroy);
  cimpl_stream_enlist (CIMPL_STREAM (self), TRUE);
  return CIMPL_STREAM (self);
}
