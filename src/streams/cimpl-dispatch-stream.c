/* SPDX-License-Identifier: MIT */

#include "config.h"

#include "cimplstream/cimpl-dispatch-stream.h"

#include "streams/cimpl-dispatch-task-private.h"
#include "core/cimpl-stream-private.h"
#include "cimplstream/cimpl-stream-error.h"

#include <stdatomic.h>

#define DEFAULT_TIMEOUT_MS 30000
#define MAX_COPY_BYTES (1 << 20)
#define UNKNOWN_FLAGS G_MAXUINT

/*
 * The base, shared by the stream and by operations that their callers have left. These do not
 * hold the context, which holds them for as long as they are queued.
 */
typedef struct
{
  _Atomic guint ref_count;
  CimplStream *base;       /* (owned) */
  _Atomic guint flags;     /* what the base last said that it can do */
  _Atomic guint n_running; /* operations that the base is in */
} Target;

/* What is asked of the base, and what comes back. */
typedef struct _Call Call;

struct _Call
{
  gboolean (*run) (Call *call, CimplStream *base, GCancellable *cancellable, GError **error);
  Target *target; /* (owned) by a copy, until it has run */
  void *buffer;
  gconstpointer data;
  gsize count;
  gint64 offset;
  CimplSeekMode mode;

  gint64 result;
  GBytes *bytes; /* (owned): what was read without a buffer; a copy of data */
};

/**
 * CimplDispatchStream:
 *
 * A filter that runs each operation of another stream in one #GMainContext.
 *
 * It is for implementations that may only run in the thread of a main loop, while those who read
 * and write are in other threads. JavaScript is such a case: GJS refuses to run it in a foreign
 * thread and returns zero instead, which would be the end of the data.
 *
 * ```js
 * const stream = CimplStream.DispatchStream.new(new MyStream(), null);
 * consumer.start(stream); // reads it in threads of its own, and the main loop runs MyStream
 * ```
 *
 * In C, a consumer may be GIO, which reads in a thread of its own:
 *
 * ```c
 * #include <cimplstream/cimplstream.h>
 *
 * static intptr_t
 * read_dot (CimplStreamContext *main_thread, uint8_t *data, size_t len)
 * {
 *   *data = '.';
 *   return g_thread_self () == (GThread *) main_thread ? 1 : -1;
 * }
 *
 * static void
 * keep (GObject *source, GAsyncResult *result, gpointer kept)
 * {
 *   *(GAsyncResult **) kept = g_object_ref (result);
 * }
 *
 * int
 * main (void)
 * {
 *   CimplStreamContext *main_thread = (CimplStreamContext *) g_thread_self ();
 *   CimplStream *plain = cimpl_stream_new (main_thread, read_dot, NULL, NULL, NULL);
 *   g_autoptr (CimplStream) base = cimpl_stream_take (plain);
 *   g_autoptr (CimplStream) stream = cimpl_dispatch_stream_new (base, NULL);
 *   g_autoptr (GInputStream) input = cimpl_input_stream_new (stream);
 *   g_autoptr (GAsyncResult) result = NULL;
 *
 *   g_input_stream_skip_async (input, 1, G_PRIORITY_DEFAULT, NULL, keep, &result);
 *   while (result == NULL)
 *     g_main_context_iteration (NULL, TRUE);
 *   return g_input_stream_skip_finish (input, result, NULL) == 1 ? 0 : 1;
 * }
 * ```
 *
 * In the thread that owns the context, operations run at once; so they do in the thread that made
 * the stream, if the context was its thread-default one and no other thread was iterating it. From
 * any other thread, an operation waits for the context to run it:
 *
 * - A context that does not begin it within [property@CimplStream.DispatchStream:timeout] is an
 *   error with the errno `ETIMEDOUT`, and the operation will not run any more. Nobody may be
 *   iterating the context, or the thread that does is busy, maybe waiting for this very one. Once
 *   the operation has begun, its end is waited for.
 * - A cancellable ends the wait with %CIMPL_STREAM_ERROR_CANCELLED. An operation that has not
 *   begun will not run any more. One that has is left alone: it gets the cancellable, too, and
 *   ends when it likes, without touching the memory of the caller. What it still reads is lost,
 *   and what it still writes is written: the position is known again after a seek. With a
 *   cancellable, at most 1 MiB is read or written at once.
 * - Closing the base, see [property@CimplStream.FilterStream:close-base], is not given up: after
 *   either error, the context does it when it comes to that.
 *
 * What the stream can do is asked in the context like everything else. While an operation runs,
 * other threads get what the base said before.
 *
 * Flushing flushes the base. The base must not be used otherwise at the same time; the operation
 * that comes second fails with %CIMPL_STREAM_ERROR_BUSY.
 *
 * Dropping the stream drops its reference of the base in the same thread, whichever that is. If
 * that is the last one, the base is closed there, unless it is closed already.
 *
 * Since: 1.0
 */
struct _CimplDispatchStream
{
  CimplFilterStream parent_instance;

  GMainContext *context; /* (owned) */
  GThread *home;         /* (owned) (nullable): may run operations like the owner of the context */
  Target *target;        /* (owned); NULL once disposed */
  _Atomic gint timeout;
};

G_DEFINE_FINAL_TYPE (CimplDispatchStream, cimpl_dispatch_stream, CIMPL_TYPE_FILTER_STREAM)

enum
{
  PROP_MAIN_CONTEXT = 1,
  PROP_TIMEOUT,
  N_PROPS,
};

static GParamSpec *properties[N_PROPS];

/* Target */

static Target *
target_ref (Target *target)
{
  atomic_fetch_add (&target->ref_count, 1);
  return target;
}

static void
target_unref (Target *target)
{
  if (atomic_fetch_sub (&target->ref_count, 1) > 1)
    return;
  g_clear_pointer (&target->base, cimpl_handle_drop);
  g_free (target);
}

/* Call */

static gboolean
call_flags (Call *call, CimplStream *base, GCancellable *cancellable, GError **error)
{
  CimplStreamFlags flags;

  if (!cimpl_stream_try_get_flags (base, &flags, error))
    return FALSE;
  atomic_store (&call->target->flags, flags);
  call->result = flags;
  return TRUE;
}

static gboolean
call_read (Call *call, CimplStream *base, GCancellable *cancellable, GError **error)
{
  if (call->buffer != NULL)
    {
      call->result = cimpl_stream_try_read (base, call->buffer, call->count, cancellable, error);
      return call->result >= 0;
    }

  call->bytes = cimpl_stream_try_read_bytes (base, call->count, cancellable, error);
  if (call->bytes == NULL)
    return FALSE;
  call->result = (gint64) g_bytes_get_size (call->bytes);
  return TRUE;
}

static gboolean
call_write (Call *call, CimplStream *base, GCancellable *cancellable, GError **error)
{
  call->result = cimpl_stream_try_write (base, call->data, call->count, cancellable, error);
  return call->result >= 0;
}

static gboolean
call_seek (Call *call, CimplStream *base, GCancellable *cancellable, GError **error)
{
  call->result = cimpl_stream_try_seek (base, call->offset, call->mode, cancellable, error);
  return call->result >= 0;
}

static gboolean
call_flush (Call *call, CimplStream *base, GCancellable *cancellable, GError **error)
{
  return cimpl_stream_try_flush (base, cancellable, error);
}

static gboolean
call_close (Call *call, CimplStream *base, GCancellable *cancellable, GError **error)
{
  return cimpl_stream_try_close (base, cancellable, error);
}

static gboolean
call_truncate (Call *call, CimplStream *base, GCancellable *cancellable, GError **error)
{
  return cimpl_stream_try_truncate (base, call->offset, cancellable, error);
}

static void
end_running (Target **target)
{
  atomic_fetch_sub (&(*target)->n_running, 1);
}

/* In the context, or in a thread that may stand in for it. */
static gboolean
call_run (Call *call, GCancellable *cancellable, GError **error)
{
  Target *target = call->target;

  if (call->run == call_flags)
    return call_flags (call, target->base, cancellable, error);

  /* Other threads cannot ask while the operation runs. */
  if (atomic_load (&target->flags) == UNKNOWN_FLAGS)
    call_flags (&(Call){ .target = target }, target->base, NULL, NULL);

  __attribute__ ((cleanup (end_running))) Target *running = target;
  atomic_fetch_add (&running->n_running, 1);
  return call->run (call, running->base, cancellable, error);
}

/* The same for a copy, as a task. */
static gboolean
call_run_copy (gpointer data, GCancellable *cancellable, GError **error)
{
  Call *call = data;
  gboolean success = call_run (call, cancellable, error);

  /* Before its caller goes on, who may then expect to have the last reference to the base. */
  g_clear_pointer (&call->target, target_unref);
  return success;
}

/*
 * A caller who @can_leave before the end gives the call memory of its own. As short transfers are
 * no error, that need not be much.
 */
static Call *
call_copy (const Call *call, gboolean can_leave)
{
  Call *copy = g_memdup2 (call, sizeof *call);

  target_ref (copy->target);
  if (!can_leave)
    return copy;

  copy->buffer = NULL;
  copy->count = MIN (call->count, MAX_COPY_BYTES);
  if (call->data != NULL)
    {
      copy->bytes = g_bytes_new (call->data, copy->count);
      copy->data = g_bytes_get_data (copy->bytes, NULL);
    }
  return copy;
}

static void
call_free (gpointer data)
{
  Call *call = data;

  g_clear_pointer (&call->target, target_unref);
  g_clear_pointer (&call->bytes, g_bytes_unref);
  g_free (call);
}

static void
call_take_result (Call *call, const Call *copy)
{
  call->result = copy->result;
  if (call->buffer != NULL && copy->bytes != NULL && copy->result > 0)
    memcpy (call->buffer, g_bytes_get_data (copy->bytes, NULL), (gsize) copy->result);
}

/* Stream */

static gboolean
is_at_home (CimplDispatchStream *self)
{
  return self->home == g_thread_self () || g_main_context_is_owner (self->context);
}

static gboolean
forward (CimplDispatchStream *self, Call *call, GCancellable *cancellable, GError **error)
{
  Call *copy = call_copy (call, cancellable != NULL);
  CimplDispatchTask *task = cimpl_dispatch_task_new (call_run_copy, copy, call_free);
  gboolean must_run = call->run == call_close; /* what is owned is closed, if late */
  gboolean success = cimpl_dispatch_task_run (task, self->context, must_run,
                                              atomic_load (&self->timeout), cancellable, error);

  if (success)
    call_take_result (call, copy);
  cimpl_dispatch_task_unref (task);
  return success;
}

static gboolean
run (CimplStream *stream, Call *call, GCancellable *cancellable, GError **error)
{
  CimplDispatchStream *self = CIMPL_DISPATCH_STREAM (stream);

  if (self->target->base == NULL)
    {
      g_set_error_literal (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NULL_PARAMETER,
                           "The stream was made without a base");
      return FALSE;
    }
  call->target = self->target;
  if (is_at_home (self))
    return call_run (call, cancellable, error);
  return forward (self, call, cancellable, error);
}

static gboolean
cimpl_dispatch_stream_read (CimplStream *stream,
                            void *buffer,
                            gsize count,
                            gsize *n_read,
                            GCancellable *cancellable,
                            GError **error)
{
  Call call = { .run = call_read, .buffer = buffer, .count = count };

  if (!run (stream, &call, cancellable, error))
    return FALSE;
  *n_read = (gsize) call.result;
  return TRUE;
}

static gboolean
cimpl_dispatch_stream_write (CimplStream *stream,
                             const void *data,
                             gsize count,
                             gsize *n_written,
                             GCancellable *cancellable,
                             GError **error)
{
  Call call = { .run = call_write, .data = data, .count = count };

  if (!run (stream, &call, cancellable, error))
    return FALSE;
  *n_written = (gsize) call.result;
  return TRUE;
}

static gboolean
cimpl_dispatch_stream_seek (CimplStream *stream,
                            gint64 offset,
                            CimplSeekMode mode,
                            gint64 *position,
                            GCancellable *cancellable,
                            GError **error)
{
  Call call = { .run = call_seek, .offset = offset, .mode = mode };

  if (!run (stream, &call, cancellable, error))
    return FALSE;
  *position = call.result;
  return TRUE;
}

static gboolean
cimpl_dispatch_stream_flush (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  return run (stream, &(Call){ .run = call_flush }, cancellable, error);
}

static gboolean
cimpl_dispatch_stream_close (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  if (!cimpl_filter_stream_get_close_base (CIMPL_FILTER_STREAM (stream)))
    return TRUE;
  return run (stream, &(Call){ .run = call_close }, cancellable, error);
}

static gboolean
cimpl_dispatch_stream_truncate (CimplStream *stream,
                                gint64 size,
                                GCancellable *cancellable,
                                GError **error)
{
  Call call = { .run = call_truncate, .offset = size };

  return run (stream, &call, cancellable, error);
}

static gboolean
cimpl_dispatch_stream_query_flags (CimplStream *stream, CimplStreamFlags *flags, GError **error)
{
  CimplDispatchStream *self = CIMPL_DISPATCH_STREAM (stream);
  Call call = { .run = call_flags };
  guint known = atomic_load (&self->target->flags);

  /* Flags are never BUSY: the thread of the context may wait for this one inside the operation. */
  if (known != UNKNOWN_FLAGS && atomic_load (&self->target->n_running) > 0 && !is_at_home (self))
    {
      *flags = known;
      return TRUE;
    }

  if (!run (stream, &call, NULL, error))
    return FALSE;
  *flags = (CimplStreamFlags) call.result;
  return TRUE;
}

static void
cimpl_dispatch_stream_constructed (GObject *object)
{
  CimplDispatchStream *self = CIMPL_DISPATCH_STREAM (object);
  g_autoptr (GMainContext) thread_default = g_main_context_ref_thread_default ();

  g_set_object (&self->target->base, cimpl_filter_stream_get_base (CIMPL_FILTER_STREAM (self)));

  if (self->context == NULL)
    self->context = g_main_context_ref (thread_default);

  /* Threads without a context of their own all have the global one; at most one of them runs it. */
  if (self->context == thread_default && g_main_context_acquire (self->context))
    {
      self->home = g_thread_ref (g_thread_self ());
      g_main_context_release (self->context);
    }

  /* Last, as this makes it a valid handle. */
  G_OBJECT_CLASS (cimpl_dispatch_stream_parent_class)->constructed (object);
}

static void
cimpl_dispatch_stream_set_property (GObject *object,
                                    guint property_id,
                                    const GValue *value,
                                    GParamSpec *pspec)
{
  CimplDispatchStream *self = CIMPL_DISPATCH_STREAM (object);

  switch (property_id)
    {
    case PROP_MAIN_CONTEXT:
      self->context = g_value_dup_boxed (value);
      break;
    case PROP_TIMEOUT:
      if (atomic_exchange (&self->timeout, g_value_get_int (value)) != g_value_get_int (value))
        g_object_notify_by_pspec (object, pspec);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
cimpl_dispatch_stream_get_property (GObject *object,
                                    guint property_id,
                                    GValue *value,
                                    GParamSpec *pspec)
{
  CimplDispatchStream *self = CIMPL_DISPATCH_STREAM (object);

  switch (property_id)
    {
    case PROP_MAIN_CONTEXT:
      g_value_set_boxed (value, self->context);
      break;
    case PROP_TIMEOUT:
      g_value_set_int (value, atomic_load (&self->timeout));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
cimpl_dispatch_stream_dispose (GObject *object)
{
  CimplDispatchStream *self = CIMPL_DISPATCH_STREAM (object);

  G_OBJECT_CLASS (cimpl_dispatch_stream_parent_class)->dispose (object);

  /* Otherwise it lives on, or an operation still runs, and this comes again after it. */
  if (cimpl_handle_has (cimpl_stream_get_handle (CIMPL_STREAM (self)), CIMPL_LIFE_CLOSED))
    g_clear_pointer (&self->target, target_unref);
}

static void
cimpl_dispatch_stream_finalize (GObject *object)
{
  CimplDispatchStream *self = CIMPL_DISPATCH_STREAM (object);

  g_clear_pointer (&self->context, g_main_context_unref);
  g_clear_pointer (&self->home, g_thread_unref);

  G_OBJECT_CLASS (cimpl_dispatch_stream_parent_class)->finalize (object);
}

static void
cimpl_dispatch_stream_class_init (CimplDispatchStreamClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  CimplStreamClass *stream_class = CIMPL_STREAM_CLASS (klass);

  object_class->constructed = cimpl_dispatch_stream_constructed;
  object_class->set_property = cimpl_dispatch_stream_set_property;
  object_class->get_property = cimpl_dispatch_stream_get_property;
  object_class->dispose = cimpl_dispatch_stream_dispose;
  object_class->finalize = cimpl_dispatch_stream_finalize;

  stream_class->read = cimpl_dispatch_stream_read;
  stream_class->write = cimpl_dispatch_stream_write;
  stream_class->seek = cimpl_dispatch_stream_seek;
  stream_class->flush = cimpl_dispatch_stream_flush;
  stream_class->close = cimpl_dispatch_stream_close;
  stream_class->truncate = cimpl_dispatch_stream_truncate;
  stream_class->query_flags = cimpl_dispatch_stream_query_flags;

  /**
   * CimplDispatchStream:main-context:
   *
   * The context that operations run in.
   *
   * Made with `NULL`, it is the thread-default context of the thread that makes the stream.
   *
   * Since: 1.0
   */
  properties[PROP_MAIN_CONTEXT]
      = g_param_spec_boxed ("main-context", NULL, NULL, G_TYPE_MAIN_CONTEXT,
                            G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * CimplDispatchStream:timeout:
   *
   * How long an operation waits for the context to begin it, in milliseconds; -1 for ever.
   *
   * It can be set from any thread, for the operations that follow.
   *
   * Since: 1.0
   */
  properties[PROP_TIMEOUT]
      = g_param_spec_int ("timeout", NULL, NULL, -1, G_MAXINT, DEFAULT_TIMEOUT_MS,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
cimpl_dispatch_stream_init (CimplDispatchStream *self)
{
  self->target = g_new0 (Target, 1);
  atomic_store (&self->target->ref_count, 1);
  atomic_store (&self->target->flags, UNKNOWN_FLAGS);
  atomic_store (&self->timeout, DEFAULT_TIMEOUT_MS);
}

/**
 * cimpl_dispatch_stream_new: (constructor)
 * @base: the stream whose operations are to be run in @context
 * @context: (nullable): a context, or `NULL` for the thread-default one of the calling thread
 *
 * Makes a stream that runs each operation of @base in @context.
 *
 * It is best made in the thread that iterates @context, see [class@CimplStream.DispatchStream].
 *
 * Returns: (transfer full): a new stream
 *
 * Since: 1.0
 */
CimplStream *
cimpl_dispatch_stream_new (CimplStream *base, GMainContext *context)
{
  g_return_val_if_fail (CIMPL_IS_STREAM (base), NULL);

  return g_object_new (CIMPL_TYPE_DISPATCH_STREAM, "base", base, "main-context", context, NULL);
}
