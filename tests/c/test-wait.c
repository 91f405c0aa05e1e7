/* SPDX-License-Identifier: MIT */

/* Waiting for the operations of other threads, in the plain C API. */

#include <cimplstream/cimplstream.h>

#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHORT_MS 20
#define LONG_MS 30000 /* never over, unless something hangs */

/* A stream whose reads, while it is held, wait inside until they are let go. */

typedef struct
{
  CimplStream *stream;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  gboolean is_held;
  guint n_inside;
  GThread *thread; /* that reads */

  void (*happen) (gpointer gate); /* once, in the next callback */
  gint64 n_calls;
} Gate;

static void
gate_pass (Gate *self)
{
  void (*happen) (gpointer gate) = self->happen;

  self->happen = NULL;
  self->n_calls++;
  if (happen != NULL)
    happen (self);

  pthread_mutex_lock (&self->lock);
  self->n_inside++;
  pthread_cond_broadcast (&self->changed);
  while (self->is_held)
    pthread_cond_wait (&self->changed, &self->lock);
  self->n_inside--;
  pthread_mutex_unlock (&self->lock);
}

static void
gate_transfer (CimplStreamContext *context, uint8_t *data, size_t len, int64_t *result)
{
  gate_pass ((Gate *) context);
  *result = (int64_t) len;
}

static void
gate_write (CimplStreamContext *context, const uint8_t *data, size_t len, int64_t *result)
{
  gate_pass ((Gate *) context);
  *result = (int64_t) len;
}

static void
gate_seek (CimplStreamContext *context, int64_t offset, CimplSeekMode mode, int64_t *result)
{
  gate_pass ((Gate *) context);
  *result = 7;
}

static void
gate_truncate (CimplStreamContext *context, int64_t size, int64_t *result)
{
  gate_pass ((Gate *) context);
  *result = 0;
}

static void
gate_flush (CimplStreamContext *context, int64_t *result)
{
  gate_pass ((Gate *) context);
  *result = 0;
}

static const CimplStreamCallbacks callbacks = {
  .struct_size = sizeof (CimplStreamCallbacks),
  .read = gate_transfer,
  .write = gate_write,
  .seek = gate_seek,
  .flush = gate_flush,
  .truncate = gate_truncate,
};

static void
gate_init (Gate *self)
{
  memset (self, 0, sizeof *self);
  pthread_mutex_init (&self->lock, NULL);
  pthread_cond_init (&self->changed, NULL);
  self->stream = cimpl_stream_new_full (&callbacks, (CimplStreamContext *) self, NULL);
}

static void
gate_clear (Gate *self)
{
  g_assert_cmpint (cimpl_free (self->stream), ==, 0);
  pthread_mutex_destroy (&self->lock);
  pthread_cond_destroy (&self->changed);
}

static gpointer
gate_read (gpointer gate)
{
  uint8_t byte;

  return GSIZE_TO_POINTER (cimpl_stream_read (((Gate *) gate)->stream, &byte, 1));
}

static void
gate_set_held (Gate *self, gboolean is_held)
{
  pthread_mutex_lock (&self->lock);
  self->is_held = is_held;
  pthread_cond_broadcast (&self->changed);
  pthread_mutex_unlock (&self->lock);
}

/* Has another thread read, until gate_release(). */
static void
gate_hold (Gate *self)
{
  gate_set_held (self, TRUE);
  self->thread = g_thread_new ("holder", gate_read, self);
  pthread_mutex_lock (&self->lock);
  while (self->n_inside == 0)
    pthread_cond_wait (&self->changed, &self->lock);
  pthread_mutex_unlock (&self->lock);
}

static void
gate_release (Gate *self)
{
  gate_set_held (self, FALSE);
  g_assert_cmpint (GPOINTER_TO_SIZE (g_thread_join (g_steal_pointer (&self->thread))), ==, 1);
}

static gpointer
release_later (gpointer gate)
{
  g_usleep (SHORT_MS * 1000);
  gate_set_held (gate, FALSE);
  return NULL;
}

/* The operations */

static int64_t
wait_read (CimplStream *stream, int32_t timeout_ms)
{
  uint8_t byte;

  return cimpl_stream_read_wait (stream, &byte, 1, timeout_ms);
}

static int64_t
wait_write (CimplStream *stream, int32_t timeout_ms)
{
  return cimpl_stream_write_wait (stream, (const uint8_t *) "x", 1, timeout_ms);
}

static int64_t
wait_seek (CimplStream *stream, int32_t timeout_ms)
{
  return cimpl_stream_seek_wait (stream, 7, CIMPL_SEEK_MODE_START, timeout_ms);
}

static int64_t
wait_truncate (CimplStream *stream, int32_t timeout_ms)
{
  return cimpl_stream_truncate_wait (stream, 7, timeout_ms);
}

static int64_t
wait_close (CimplStream *stream, int32_t timeout_ms)
{
  return cimpl_stream_close_wait (stream, timeout_ms);
}

static int64_t
wait_flush (CimplStream *stream, int32_t timeout_ms)
{
  return cimpl_stream_flush_wait (stream, timeout_ms);
}

static int64_t
wait_to_copy (CimplStream *stream, int32_t timeout_ms)
{
  CimplStream *target = cimpl_memory_stream_new ();
  int64_t copied = cimpl_stream_reserve (stream, target, timeout_ms);

  if (copied == 0 && cimpl_stream_copy (stream, target, 3, NULL, NULL, &copied) != 0)
    copied = -1;
  cimpl_stream_end_reservation ();
  g_object_unref (target);
  return copied;
}

static int64_t
wait_to_copy_there (CimplStream *stream, int32_t timeout_ms)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("abc", 3);
  CimplStream *source = cimpl_memory_stream_new_from_bytes (bytes);
  int64_t copied = cimpl_stream_reserve (source, stream, timeout_ms);

  if (copied == 0 && cimpl_stream_copy (source, stream, -1, NULL, NULL, &copied) != 0)
    copied = -1;
  cimpl_stream_end_reservation ();
  g_object_unref (source);
  return copied;
}

static int64_t
wait_to_close (CimplStream *stream, int32_t timeout_ms)
{
  int64_t result = cimpl_stream_reserve (stream, NULL, timeout_ms);

  if (result == 0 && !cimpl_stream_try_close (stream, NULL, NULL))
    result = -1;
  cimpl_stream_end_reservation ();
  return result;
}

typedef struct
{
  const char *name;
  int64_t (*wait) (CimplStream *stream, int32_t timeout_ms);
  int64_t result;
  int64_t result_if_closed;
} Operation;

static const Operation operations[] = {
  { "read", wait_read, 1, -1 },
  { "write", wait_write, 1, -1 },
  { "seek", wait_seek, 7, -1 },
  { "tell", cimpl_stream_tell_wait, 7, -1 },
  { "truncate", wait_truncate, 0, -1 },
  { "flush", wait_flush, 0, -1 },
  { "close", wait_close, 0, 0 },
  { "copy", wait_to_copy, 3, -1 },
  { "copy-there", wait_to_copy_there, 3, -1 },
  { "reserved-close", wait_to_close, 0, 0 },
};

/* Waits, and then does it. */
static void
test_waits (gconstpointer data)
{
  const Operation *operation = data;
  Gate gate;
  GThread *releaser;

  gate_init (&gate);
  gate_hold (&gate);
  releaser = g_thread_new ("releaser", release_later, &gate);
  g_assert_cmpint (operation->wait (gate.stream, LONG_MS), ==, operation->result);
  g_thread_join (releaser);
  gate_release (&gate);
  g_assert_cmpint (cimpl_stream_failed (gate.stream), ==, 0);
  gate_clear (&gate);
}

/* Refused for now, which is no failure. */
static void
test_timeout (gconstpointer data)
{
  const Operation *operation = data;
  const int32_t timeouts_ms[] = { SHORT_MS, 0, -1, G_MININT32 };
  Gate gate;

  gate_init (&gate);
  gate_hold (&gate);
  for (guint i = 0; i < G_N_ELEMENTS (timeouts_ms); i++)
    {
      gint64 start = g_get_monotonic_time ();

      g_assert_cmpint (operation->wait (gate.stream, timeouts_ms[i]), ==, -2);
      g_assert_cmpint (g_get_monotonic_time () - start, >=,
                       timeouts_ms[i] * G_GINT64_CONSTANT (1000));
      g_assert_cmpint (cimpl_stream_failed (gate.stream), ==, 0);
    }
  gate_release (&gate);
  g_assert_cmpint (gate.n_calls, ==, 1);
  g_assert_cmpint (operation->wait (gate.stream, 0), ==, operation->result);
  gate_clear (&gate);
}

static void
test_timeout_code (void)
{
  Gate gate;

  gate_init (&gate);
  gate_hold (&gate);
  g_assert_cmpint (wait_read (gate.stream, 0), ==, -2);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_BUSY);
  gate_release (&gate);
  gate_clear (&gate);
}

static void
test_closed (gconstpointer data)
{
  const Operation *operation = data;
  Gate gate;

  gate_init (&gate);
  g_assert_cmpint (cimpl_stream_close (gate.stream), ==, 0);
  g_assert_cmpint (operation->wait (gate.stream, LONG_MS), ==, operation->result_if_closed);
  gate_clear (&gate);
}

/* Pointers to what is no stream are not waited for. */
static void
test_stale (void)
{
  /* Of a kind whose address is not soon that of another one, such as what copying needs here. */
  CimplStream *stream = cimpl_stream_new ((CimplStreamContext *) "", NULL, NULL, NULL, NULL);

  g_assert_cmpint (cimpl_free (stream), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
    {
      if (operations[i].wait == wait_to_close) /* the GObject API reads what is there */
        continue;
      g_assert_cmpint (operations[i].wait (stream, LONG_MS), ==, -1);
      g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_INVALID_HANDLE);
      if (operations[i].wait == wait_to_copy || operations[i].wait == wait_to_copy_there)
        continue;
      g_assert_cmpint (operations[i].wait (NULL, LONG_MS), ==, -1);
      g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_NULL_PARAMETER);
    }
  g_assert_cmpint (cimpl_stream_reserve (NULL, NULL, LONG_MS), ==, 0);
  g_assert_cmpint (cimpl_stream_reserve (stream, NULL, LONG_MS), ==, 0);
  cimpl_stream_end_reservation ();
}

/* Waits that would never end */

static void
use_again (gpointer gate)
{
  for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
    {
      g_assert_cmpint (operations[i].wait (((Gate *) gate)->stream, LONG_MS), ==, -1);
      if (operations[i].wait != wait_to_close)
        g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_BUSY);
    }
}

static void
test_inside (void)
{
  Gate gate;

  gate_init (&gate);
  gate.happen = use_again;
  g_assert_cmpint (wait_read (gate.stream, LONG_MS), ==, 1);
  g_assert_cmpint (gate.n_calls, ==, 1);
  g_assert_cmpint (cimpl_stream_failed (gate.stream), ==, CIMPL_STREAM_ERROR_BUSY);
  gate_clear (&gate);
}

static Gate gates[2];
static gint n_arrived;
static gint n_refused;

static void
use_other (gpointer gate)
{
  Gate *other = gate == &gates[0] ? &gates[1] : &gates[0];
  int64_t n_read;

  g_atomic_int_inc (&n_arrived);
  while (g_atomic_int_get (&n_arrived) < 2)
    g_thread_yield ();
  n_read = wait_read (other->stream, LONG_MS);
  if (n_read == 1)
    return;
  g_assert_cmpint (n_read, ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_BUSY);
  g_assert_cmpint (cimpl_stream_failed (other->stream), ==, CIMPL_STREAM_ERROR_BUSY);
  g_atomic_int_inc (&n_refused);
}

static void
test_cycle (void)
{
  GThread *thread;

  for (guint i = 0; i < 2; i++)
    {
      gate_init (&gates[i]);
      gates[i].happen = use_other;
    }
  thread = g_thread_new ("first", gate_read, &gates[0]);
  gate_read (&gates[1]);
  g_thread_join (thread);
  g_assert_cmpint (n_refused, ==, 1);
  for (guint i = 0; i < 2; i++)
    gate_clear (&gates[i]);
}

#define N_COPIES 200

static gpointer
copy_often (gpointer streams)
{
  CimplStream *const *pair = streams;

  for (guint i = 0; i < N_COPIES; i++)
    {
      while (cimpl_stream_reserve (pair[0], pair[1], SHORT_MS) != 0)
        continue;
      g_assert_cmpint (cimpl_stream_copy (pair[0], pair[1], 1, NULL, NULL, NULL), ==, 0);
      cimpl_stream_end_reservation ();
    }
  return NULL;
}

/* Reserving both ways round ends, and nobody is told that it would not. */
static void
test_opposite_copies (void)
{
  CimplStream *streams[3];
  GThread *thread;

  for (guint i = 0; i < 2; i++)
    gate_init (&gates[i]);
  streams[0] = streams[2] = gates[0].stream;
  streams[1] = gates[1].stream;
  thread = g_thread_new ("there", copy_often, streams);
  copy_often (streams + 1);
  g_thread_join (thread);
  for (guint i = 0; i < 2; i++)
    {
      g_assert_cmpint (cimpl_stream_failed (gates[i].stream), ==, 0);
      gate_clear (&gates[i]);
    }
}

/* What is reserved is this thread's until it is used or given up. */
static void
test_reservation (void)
{
  Gate gate;
  GThread *thread;

  gate_init (&gate);
  g_assert_cmpint (cimpl_stream_reserve (gate.stream, NULL, 0), ==, 0);
  thread = g_thread_new ("other", gate_read, &gate);
  g_assert_cmpint (GPOINTER_TO_SIZE (g_thread_join (thread)), ==, -1);
  cimpl_stream_clear_failure (gate.stream);
  g_assert_cmpint (wait_seek (gate.stream, 0), ==, 7); /* uses it */
  thread = g_thread_new ("other", gate_read, &gate);
  g_assert_cmpint (GPOINTER_TO_SIZE (g_thread_join (thread)), ==, 1);

  g_assert_cmpint (cimpl_stream_reserve (gate.stream, gate.stream, 0), ==, 0);
  cimpl_stream_clear_error ();
  g_assert_cmpint (cimpl_stream_read (NULL, NULL, 0), ==, -1); /* is no error inside of it */
  cimpl_stream_end_reservation ();
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_NULL_PARAMETER);
  thread = g_thread_new ("other", gate_read, &gate);
  g_assert_cmpint (GPOINTER_TO_SIZE (g_thread_join (thread)), ==, 1);
  gate_clear (&gate);
}

/* The end of a stream that is waited for */

static gpointer
detach_later (gpointer gate)
{
  g_usleep (SHORT_MS * 1000);
  return GINT_TO_POINTER (cimpl_stream_detach (((Gate *) gate)->stream, 0));
}

static void
test_detach (void)
{
  Gate gate;
  GThread *thread;

  gate_init (&gate);
  gate_hold (&gate);
  thread = g_thread_new ("detacher", detach_later, &gate);
  g_assert_cmpint (wait_read (gate.stream, LONG_MS), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_CLOSED);
  g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (thread)), ==, -1);
  gate_release (&gate);
  gate_clear (&gate);
}

static gpointer
free_later (gpointer gate)
{
  g_usleep (SHORT_MS * 1000);
  cimpl_free (((Gate *) gate)->stream);
  gate_set_held (gate, FALSE);
  return NULL;
}

/* The last reference goes while a thread waits: it is in time, or finds no stream any more. */
static void
test_freed (void)
{
  Gate gate;
  GThread *thread;
  int64_t n_read;

  gate_init (&gate);
  gate_hold (&gate);
  thread = g_thread_new ("freer", free_later, &gate);
  n_read = wait_read (gate.stream, LONG_MS);
  if (n_read != 1)
    {
      g_assert_cmpint (n_read, ==, -1);
      g_assert_true (cimpl_stream_error_code () == CIMPL_STREAM_ERROR_INVALID_HANDLE
                     || cimpl_stream_error_code () == CIMPL_STREAM_ERROR_CLOSED);
    }
  g_thread_join (thread);
  gate_release (&gate);
  pthread_mutex_destroy (&gate.lock);
  pthread_cond_destroy (&gate.changed);
}

/* Whoever else wants it */

static gint is_over;

static gpointer
read_on (gpointer gate)
{
  while (!g_atomic_int_get (&is_over))
    gate_read (gate);
  return NULL;
}

static void
test_fairness (void)
{
  Gate gate;
  GThread *thread;

  gate_init (&gate);
  g_atomic_int_set (&is_over, FALSE);
  thread = g_thread_new ("reader", read_on, &gate);
  for (guint i = 0; i < 100; i++)
    g_assert_cmpint (wait_seek (gate.stream, LONG_MS), ==, 7);
  g_atomic_int_set (&is_over, TRUE);
  g_thread_join (thread);
  gate_clear (&gate);
}

static gpointer
gate_wait (gpointer gate)
{
  return GSIZE_TO_POINTER (wait_read (((Gate *) gate)->stream, LONG_MS));
}

/* One that is left behind would be one for ever, and hold up all who leave. */
static void
test_cancelled (void)
{
#ifdef __SANITIZE_ADDRESS__
  g_test_skip ("The address sanitizer does not know how cancelled threads end");
#else
  Gate gate;
  pthread_t thread;
  void *result;

  gate_init (&gate);
  gate_hold (&gate);
  g_assert_cmpint (pthread_create (&thread, NULL, gate_wait, &gate), ==, 0);
  g_usleep (SHORT_MS * 1000);
  g_assert_cmpint (pthread_cancel (thread), ==, 0);
  g_assert_cmpint (pthread_join (thread, &result), ==, 0);
  g_assert_true (result == PTHREAD_CANCELED);
  g_assert_cmpint (wait_read (gate.stream, 0), ==, -2); /* goes through all waiters */
  gate_release (&gate);
  g_assert_cmpint (wait_read (gate.stream, 0), ==, 1);
  gate_clear (&gate);
#endif
}

/* In the child, nobody waits; there is not even anybody inside. */
static void
test_fork (void)
{
#ifdef __SANITIZE_THREAD__
  g_test_skip ("The thread sanitizer does not like children of processes with threads");
#else
  Gate gate;
  GThread *waiter;
  pid_t child;
  int status;

  gate_init (&gate);
  gate_hold (&gate);
  waiter = g_thread_new ("waiter", gate_wait, &gate);
  g_usleep (SHORT_MS * 1000);
  child = fork ();
  if (child == 0)
    {
      alarm (30);
      /* Not a read, which would be held. */
      _exit (cimpl_stream_read_wait (gate.stream, NULL, 0, 0) == 0 ? 0 : 1);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
  gate_release (&gate);
  g_assert_cmpint (GPOINTER_TO_SIZE (g_thread_join (waiter)), ==, 1);
  gate_clear (&gate);
#endif
}

static void
add (const char *path, const Operation *operation, void (*test) (gconstpointer operation))
{
  g_autofree char *full = g_strdup_printf ("/wait/%s/%s", path, operation->name);

  g_test_add_data_func (full, operation, test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
    {
      add ("until-left", &operations[i], test_waits);
      add ("timeout", &operations[i], test_timeout);
      add ("closed", &operations[i], test_closed);
    }
  g_test_add_func ("/wait/timeout/code", test_timeout_code);
  g_test_add_func ("/wait/stale", test_stale);
  g_test_add_func ("/wait/inside", test_inside);
  g_test_add_func ("/wait/cycle", test_cycle);
  g_test_add_func ("/wait/opposite-copies", test_opposite_copies);
  g_test_add_func ("/wait/reservation", test_reservation);
  g_test_add_func ("/wait/detach", test_detach);
  g_test_add_func ("/wait/freed", test_freed);
  g_test_add_func ("/wait/fairness", test_fairness);
  g_test_add_func ("/wait/cancelled", test_cancelled);
  g_test_add_func ("/wait/fork", test_fork);

  return g_test_run ();
}
