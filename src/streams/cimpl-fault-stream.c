/* SPDX-License-Identifier: MIT */

#include "config.h"

#include "cimplstream/cimpl-fault-stream.h"

#include "streams/cimpl-fault-plan-private.h"
#include "core/cimpl-stream-error-private.h"
#include "core/cimpl-stream-private.h"

/**
 * CimplFaultStream:
 *
 * A filter that lets operations of another stream fail on purpose: for tests of everybody who
 * reads or writes streams.
 *
 * Faults are added with [method@CimplStream.FaultStream.add_error] and its relatives, which say
 * which operations the fault is for, how much of them goes well before, and how often it comes:
 *
 * - The unit of `after` is either operations of these kinds, or the bytes that they transfer. In
 *   bytes, a read or write that would pass the point is cut short to end there, so that the next
 *   one meets the fault. Operations that transfer nothing, such as seeks, count the bytes of
 *   reads and writes. Counting starts when the fault is added: after 0, the next operation is hit.
 * - `times` is the number of operations that are hit, one after the other. With a negative number,
 *   all that follow are.
 *
 * Several faults may hit the same operation: it waits for the sum of the delays, fails with the
 * error that was added first, and else keeps to the smallest of the short counts.
 *
 * An operation that is to fail does not reach the base, so that the base is where it was, and a
 * flush may be tried again. Only closing goes on, and closes the base if it is to be closed, before
 * it fails.
 *
 * The stream counts the operations that it was asked for, and the bytes that were transferred.
 * Faults may be added and counts be read from any thread, while an operation runs as well.
 *
 * ```c
 * #include <cimplstream/cimplstream.h>
 * #include <errno.h>
 * #include <string.h>
 *
 * static intptr_t
 * read_dots (CimplStreamContext *context, uint8_t *data, size_t len)
 * {
 *   memset (data, '.', len);
 *   return (intptr_t) len;
 * }
 *
 * int
 * main (void)
 * {
 *   g_autoptr (CimplStream) dots = cimpl_stream_take (
 *       cimpl_stream_new ((CimplStreamContext *) "", read_dots, NULL, NULL, NULL));
 *   g_autoptr (CimplStream) stream = cimpl_fault_stream_new (dots);
 *   char buffer[100];
 *   gsize n_read;
 *
 *   // The device fails once, in the middle: does who reads it say so, and can he go on?
 *   cimpl_fault_stream_add_errno (CIMPL_FAULT_STREAM (stream), CIMPL_FAULT_OPERATION_READ, 40,
 *                                 CIMPL_FAULT_UNIT_BYTES, 1, EIO);
 *   if (cimpl_stream_try_read_all (stream, buffer, 100, &n_read, NULL, NULL) || n_read != 40)
 *     return 1;
 *   return cimpl_stream_try_read_all (stream, buffer, 60, &n_read, NULL, NULL) ? 0 : 1;
 * }
 * ```
 *
 * To test that nothing goes unnoticed, let each operation fail in turn: run the same scenario with
 * an error after 0, 1, 2, … operations of %CIMPL_FAULT_OPERATION_ANY, until it succeeds because it
 * has fewer.
 *
 * Since: 1.0
 */
struct _CimplFaultStream
{
  CimplFilterStream parent_instance;

  CimplFaultPlan plan;
};

G_DEFINE_FINAL_TYPE (CimplFaultStream, cimpl_fault_stream, CIMPL_TYPE_FILTER_STREAM)

static gboolean
delay (guint64 milliseconds, GCancellable *cancellable, GError **error)
{
  gint64 end = g_get_monotonic_time () + (gint64) milliseconds * 1000;
  gint64 left;
  GPollFD poll_fd;
  guint n_fds = g_cancellable_make_pollfd (cancellable, &poll_fd) ? 1 : 0;

  while ((left = end - g_get_monotonic_time ()) > 0 && !g_cancellable_is_cancelled (cancellable))
    g_poll (&poll_fd, n_fds, (gint) MIN (left / 1000 + 1, G_MAXINT));
  if (n_fds > 0)
    g_cancellable_release_fd (cancellable);
  return cimpl_check_not_cancelled (cancellable, error);
}

/* Begins an operation: FALSE if it fails instead. */
static gboolean
begin (CimplStream *stream,
       CimplFaultOperation operation,
       CimplFaultEffect *effect,
       GCancellable *cancellable,
       GError **error)
{
  *effect = cimpl_fault_plan_begin (&CIMPL_FAULT_STREAM (stream)->plan, operation);
  if (effect->delay > 0 && !delay (effect->delay, cancellable, error))
    {
      g_clear_error (&effect->error);
      return FALSE;
    }
  if (effect->error == NULL)
    return TRUE;
  g_propagate_error (error, effect->error);
  return FALSE;
}

/* Ends a transfer of @n_bytes, where @count were asked for: what it says that it has done. */
static gsize
end (CimplStream *stream,
     CimplFaultOperation operation,
     const CimplFaultEffect *effect,
     gsize n_bytes,
     gsize count)
{
  cimpl_fault_plan_end (&CIMPL_FAULT_STREAM (stream)->plan, operation, n_bytes);
  return effect->is_too_much ? count + 1 : n_bytes;
}

static gboolean
cimpl_fault_stream_read (CimplStream *stream,
                         void *buffer,
                         gsize count,
                         gsize *n_read,
                         GCancellable *cancellable,
                         GError **error)
{
  CimplStreamClass *parent_class = CIMPL_STREAM_CLASS (cimpl_fault_stream_parent_class);
  CimplFaultEffect effect;
  gsize n;

  if (!begin (stream, CIMPL_FAULT_OPERATION_READ, &effect, cancellable, error)
      || !parent_class->read (stream, buffer, MIN (count, effect.limit), &n, cancellable, error))
    return FALSE;
  *n_read = end (stream, CIMPL_FAULT_OPERATION_READ, &effect, n, count);
  return TRUE;
}

static gboolean
cimpl_fault_stream_write (CimplStream *stream,
                          const void *data,
                          gsize count,
                          gsize *n_written,
                          GCancellable *cancellable,
                          GError **error)
{
  CimplStreamClass *parent_class = CIMPL_STREAM_CLASS (cimpl_fault_stream_parent_class);
  CimplFaultEffect effect;
  gsize n;

  if (!begin (stream, CIMPL_FAULT_OPERATION_WRITE, &effect, cancellable, error)
      || !parent_class->write (stream, data, MIN (count, effect.limit), &n, cancellable, error))
    return FALSE;
  *n_written = end (stream, CIMPL_FAULT_OPERATION_WRITE, &effect, n, count);
  return TRUE;
}

static gboolean
cimpl_fault_stream_seek (CimplStream *stream,
                         gint64 offset,
                         CimplSeekMode mode,
                         gint64 *position,
                         GCancellable *cancellable,
                         GError **error)
{
  CimplStreamClass *parent_class = CIMPL_STREAM_CLASS (cimpl_fault_stream_parent_class);
  CimplFaultEffect effect;

  return begin (stream, CIMPL_FAULT_OPERATION_SEEK, &effect, cancellable, error)
         && parent_class->seek (stream, offset, mode, position, cancellable, error);
}

static gboolean
cimpl_fault_stream_flush (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  CimplStreamClass *parent_class = CIMPL_STREAM_CLASS (cimpl_fault_stream_parent_class);
  CimplFaultEffect effect;

  return begin (stream, CIMPL_FAULT_OPERATION_FLUSH, &effect, cancellable, error)
         && parent_class->flush (stream, cancellable, error);
}

static gboolean
cimpl_fault_stream_truncate (CimplStream *stream,
                             gint64 size,
                             GCancellable *cancellable,
                             GError **error)
{
  CimplStreamClass *parent_class = CIMPL_STREAM_CLASS (cimpl_fault_stream_parent_class);
  CimplFaultEffect effect;

  return begin (stream, CIMPL_FAULT_OPERATION_TRUNCATE, &effect, cancellable, error)
         && parent_class->truncate (stream, size, cancellable, error);
}

static gboolean
cimpl_fault_stream_close (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  CimplStreamClass *parent_class = CIMPL_STREAM_CLASS (cimpl_fault_stream_parent_class);
  CimplFaultEffect effect;
  gboolean success = begin (stream, CIMPL_FAULT_OPERATION_CLOSE, &effect, cancellable, error);

  /* What is to be closed is closed: there is no other time for it. */
  return parent_class->close (stream, cancellable, success ? error : NULL) && success;
}

static void
cimpl_fault_stream_finalize (GObject *object)
{
  CimplFaultStream *self = CIMPL_FAULT_STREAM (object);

  cimpl_fault_plan_finalize (&self->plan);

  G_OBJECT_CLASS (cimpl_fault_stream_parent_class)->finalize (object);
}

static void
cimpl_fault_stream_class_init (CimplFaultStreamClass *klass)
{
  CimplStreamClass *stream_class = CIMPL_STREAM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = cimpl_fault_stream_finalize;

  stream_class->read = cimpl_fault_stream_read;
  stream_class->write = cimpl_fault_stream_write;
  stream_class->seek = cimpl_fault_stream_seek;
  stream_class->flush = cimpl_fault_stream_flush;
  stream_class->truncate = cimpl_fault_stream_truncate;
  stream_class->close = cimpl_fault_stream_close;
}

static void
cimpl_fault_stream_init (CimplFaultStream *self)
{
  cimpl_fault_plan_init (&self->plan);
}

/**
 * cimpl_fault_stream_new: (constructor)
 * @base: the stream whose operations are to fail
 *
 * Makes a stream that passes everything to @base, until faults are added.
 *
 * Returns: (transfer full): a new stream
 *
 * Since: 1.0
 */
CimplStream *
cimpl_fault_stream_new (CimplStream *base)
{
  g_return_val_if_fail (CIMPL_IS_STREAM (base), NULL);

  return g_object_new (CIMPL_TYPE_FAULT_STREAM, "base", base, NULL);
}

/* Methods */

/**
 * cimpl_fault_stream_add_error:
 * @self: a stream
 * @operations: which operations fail
 * @after: how much of them goes well before
 * @unit: what @after counts
 * @times: how many of them fail then; negative for all
 * @code: what they fail with; what is no code of an error becomes %CIMPL_STREAM_ERROR_OTHER
 *
 * Lets operations fail with an error of the domain %CIMPL_STREAM_ERROR.
 *
 * %CIMPL_STREAM_ERROR_WOULD_BLOCK, once, is a stream that is not ready and shall be tried again.
 *
 * See [class@CimplStream.FaultStream] for how the arguments work.
 *
 * Since: 1.0
 */
void
cimpl_fault_stream_add_error (CimplFaultStream *self,
                              CimplFaultOperation operations,
                              guint64 after,
                              CimplFaultUnit unit,
                              gint times,
                              CimplStreamError code)
{
  g_return_if_fail (CIMPL_IS_FAULT_STREAM (self));

  if (code == CIMPL_STREAM_ERROR_OK || !cimpl_error_code_is_known ((gint) code))
    code = CIMPL_STREAM_ERROR_OTHER;
  cimpl_fault_plan_add (&self->plan,
                        (CimplFault){ CIMPL_FAULT_ERROR, operations, unit, after, times, code });
}

/**
 * cimpl_fault_stream_add_errno:
 * @self: a stream
 * @operations: which operations fail
 * @after: how much of them goes well before
 * @unit: what @after counts
 * @times: how many of them fail then; negative for all
 * @errnum: what they fail with, such as `EIO`
 *
 * Lets operations fail as if a function of the system had set `errno`.
 *
 * The error has the code that belongs to @errnum in the domain %CIMPL_STREAM_ERROR, and keeps
 * @errnum itself for consumers that ask for it, such as `OSError` in Python.
 *
 * See [class@CimplStream.FaultStream] for how the arguments work.
 *
 * Since: 1.0
 */
void
cimpl_fault_stream_add_errno (CimplFaultStream *self,
                              CimplFaultOperation operations,
                              guint64 after,
                              CimplFaultUnit unit,
                              gint times,
                              gint errnum)
{
  g_return_if_fail (CIMPL_IS_FAULT_STREAM (self));

  cimpl_fault_plan_add (&self->plan, (CimplFault){ CIMPL_FAULT_ERRNO, operations, unit, after,
                                                   times, (guint64) errnum });
}

/**
 * cimpl_fault_stream_add_short_count:
 * @self: a stream
 * @operations: which operations are cut short; only reads and writes can be
 * @after: how much of them goes well before
 * @unit: what @after counts
 * @times: how many of them are cut short then; negative for all
 * @max_count: how many bytes each of them transfers at most
 *
 * Lets reads and writes transfer less than was asked for.
 *
 * With a @max_count of 0, reads say that the data ends, and writes get nowhere; neither reaches
 * the base.
 *
 * See [class@CimplStream.FaultStream] for how the arguments work.
 *
 * Since: 1.0
 */
void
cimpl_fault_stream_add_short_count (CimplFaultStream *self,
                                    CimplFaultOperation operations,
                                    guint64 after,
                                    CimplFaultUnit unit,
                                    gint times,
                                    gsize max_count)
{
  g_return_if_fail (CIMPL_IS_FAULT_STREAM (self));

  cimpl_fault_plan_add (&self->plan, (CimplFault){ CIMPL_FAULT_SHORT_COUNT, operations, unit, after,
                                                   times, max_count });
}

/**
 * cimpl_fault_stream_add_delay:
 * @self: a stream
 * @operations: which operations are delayed
 * @after: how much of them comes in time before
 * @unit: what @after counts
 * @times: how many of them are delayed then; negative for all
 * @milliseconds: how long each of them waits, in milliseconds
 *
 * Lets operations wait before they reach the base.
 *
 * A cancellable ends the wait, and the operation with %CIMPL_STREAM_ERROR_CANCELLED.
 *
 * See [class@CimplStream.FaultStream] for how the arguments work.
 *
 * Since: 1.0
 */
void
cimpl_fault_stream_add_delay (CimplFaultStream *self,
                              CimplFaultOperation operations,
                              guint64 after,
                              CimplFaultUnit unit,
                              gint times,
                              guint milliseconds)
{
  g_return_if_fail (CIMPL_IS_FAULT_STREAM (self));

  cimpl_fault_plan_add (
      &self->plan, (CimplFault){ CIMPL_FAULT_DELAY, operations, unit, after, times, milliseconds });
}

/**
 * cimpl_fault_stream_add_too_much:
 * @self: a stream
 * @operations: which operations are wrong; only reads and writes can be
 * @after: how much of them goes well before
 * @unit: what @after counts
 * @times: how many of them are wrong then; negative for all
 *
 * Lets reads and writes claim one byte more than was asked for.
 *
 * The base transfers what it can. As a stream whose class is wrong about that, it makes the
 * operation fail with %CIMPL_STREAM_ERROR_CALLBACK_CONTRACT.
 *
 * See [class@CimplStream.FaultStream] for how the arguments work.
 *
 * Since: 1.0
 */
void
cimpl_fault_stream_add_too_much (CimplFaultStream *self,
                                 CimplFaultOperation operations,
                                 guint64 after,
                                 CimplFaultUnit unit,
                                 gint times)
{
  g_return_if_fail (CIMPL_IS_FAULT_STREAM (self));

  cimpl_fault_plan_add (&self->plan,
                        (CimplFault){ CIMPL_FAULT_TOO_MUCH, operations, unit, after, times, 0 });
}

/**
 * cimpl_fault_stream_clear:
 * @self: a stream
 *
 * Removes all faults, those that have not come and those that still would. The counts stay.
 *
 * Since: 1.0
 */
void
cimpl_fault_stream_clear (CimplFaultStream *self)
{
  g_return_if_fail (CIMPL_IS_FAULT_STREAM (self));

  cimpl_fault_plan_remove_all (&self->plan);
}

/**
 * cimpl_fault_stream_get_n_operations:
 * @self: a stream
 * @operations: which operations to count
 *
 * Gets how many operations there were, those that failed included.
 *
 * These are the operations that reached the stream: not those that were refused before, because
 * it was closed or busy, nor reads and writes of 0 bytes.
 *
 * Returns: the number of operations
 *
 * Since: 1.0
 */
guint64
cimpl_fault_stream_get_n_operations (CimplFaultStream *self, CimplFaultOperation operations)
{
  g_return_val_if_fail (CIMPL_IS_FAULT_STREAM (self), 0);

  return cimpl_fault_plan_count (&self->plan, operations, CIMPL_FAULT_UNIT_OPERATIONS);
}

/**
 * cimpl_fault_stream_get_n_bytes:
 * @self: a stream
 * @operations: which operations to count the bytes of
 *
 * Gets how many bytes were transferred: with %CIMPL_FAULT_OPERATION_READ those that were read, with
 * %CIMPL_FAULT_OPERATION_WRITE those that were written, and with both or neither the sum.
 *
 * Returns: the number of bytes
 *
 * Since: 1.0
 */
guint64
cimpl_fault_stream_get_n_bytes (CimplFaultStream *self, CimplFaultOperation operations)
{
  g_return_val_if_fail (CIMPL_IS_FAULT_STREAM (self), 0);

  return cimpl_fault_plan_count (&self->plan, operations, CIMPL_FAULT_UNIT_BYTES);
}
