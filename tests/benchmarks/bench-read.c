/* SPDX-License-Identifier: MIT */

/*
 * What reading one byte costs, where the byte itself costs next to nothing: through the plain API,
 * through the GObject API, and through GIO for comparison. Then, whether two threads that read a
 * stream each get twice as much done as one.
 */

#define _GNU_SOURCE /* sched_setaffinity */

#include "bench.h"

#include <pthread.h>
#include <sched.h>

#include <cimplstream/cimplstream.h>
#include <gio/gio.h>

#define MAX_THREADS 2

/* The sources: the next byte is always 1. */

static intptr_t
read_byte (CimplStreamContext *context, uint8_t *data, size_t len)
{
  *data = 1;
  return 1;
}

static CimplStream *
byte_stream_new (void)
{
  static int context;

  return cimpl_stream_new ((CimplStreamContext *) &context, read_byte, NULL, NULL, NULL);
}

#define BYTE_TYPE_INPUT_STREAM (byte_input_stream_get_type ())
G_DECLARE_FINAL_TYPE (ByteInputStream, byte_input_stream, BYTE, INPUT_STREAM, GInputStream)

struct _ByteInputStream
{
  GInputStream parent_instance;
};

G_DEFINE_FINAL_TYPE (ByteInputStream, byte_input_stream, G_TYPE_INPUT_STREAM)

static gssize
byte_input_stream_read (GInputStream *stream,
                        void *buffer,
                        gsize count,
                        GCancellable *cancellable,
                        GError **error)
{
  *(guint8 *) buffer = 1;
  return 1;
}

static void
byte_input_stream_class_init (ByteInputStreamClass *klass)
{
  G_INPUT_STREAM_CLASS (klass)->read_fn = byte_input_stream_read;
}

static void
byte_input_stream_init (ByteInputStream *self)
{
}

/* The loops: each reads @count bytes from @source and returns how many came. */

typedef guint64 (*Loop) (gpointer source, guint64 count);

static guint64
loop_direct (gpointer source, guint64 count)
{
  CimplReadCallback volatile callback = read_byte; /* volatile, or it would be inlined */
  guint64 sum = 0;
  uint8_t byte;

  for (guint64 i = 0; i < count; i++)
    sum += (guint64) callback (source, &byte, 1);
  return sum;
}

static guint64
loop_plain (gpointer source, guint64 count)
{
  guint64 sum = 0;
  uint8_t byte;

  for (guint64 i = 0; i < count; i++)
    sum += (guint64) cimpl_stream_read (source, &byte, 1);
  return sum;
}

static guint64
loop_gobject (gpointer source, guint64 count)
{
  guint64 sum = 0;
  guint8 byte;

  for (guint64 i = 0; i < count; i++)
    sum += (guint64) cimpl_stream_try_read (source, &byte, 1, NULL, NULL);
  return sum;
}

static guint64
loop_gio (gpointer source, guint64 count)
{
  guint64 sum = 0;
  guint8 byte;

  for (guint64 i = 0; i < count; i++)
    sum += (guint64) g_input_stream_read (source, &byte, 1, NULL, NULL);
  return sum;
}

/* Measuring. */

static double
run_loop (Loop loop, gpointer source, guint64 count)
{
  double start = now_ns ();
  guint64 sum = loop (source, count);
  double elapsed = now_ns () - start;

  if (sum != count)
    g_error ("A read failed");
  return elapsed;
}

/* How many reads it takes to fill a sample. */
static guint64
calibrate (Loop loop, gpointer source)
{
  guint64 count = 1000;

  while (run_loop (loop, source, count) < sample_ns)
    count *= 2;
  return count;
}

/* One thread */

typedef struct
{
  Loop loop;
  gpointer source;
  guint64 count;
  double samples[N_REPETITIONS]; /* ns per read */
} Subject;

static void
bench_single (CimplStream *stream)
{
  g_autoptr (GInputStream) input_stream = g_object_new (BYTE_TYPE_INPUT_STREAM, NULL);
  g_autoptr (GInputStream) adapter_stream = cimpl_input_stream_new (stream);
  Subject gio = { loop_gio, input_stream, 0, { 0 } };
  Subject adapter = { loop_gio, adapter_stream, 0, { 0 } };
  Subject plain = { loop_plain, stream, 0, { 0 } };
  Subject gobject = { loop_gobject, stream, 0, { 0 } };
  Subject direct = { loop_direct, NULL, 0, { 0 } };
  Subject *subjects[] = { &gio, &adapter, &plain, &gobject, &direct };

  for (guint i = 0; i < G_N_ELEMENTS (subjects); i++)
    subjects[i]->count = calibrate (subjects[i]->loop, subjects[i]->source);

  /* In turns, so that a change of the machine's speed meets all of them. */
  for (guint repetition = 0; repetition < n_repetitions; repetition++)
    for (guint i = 0; i < G_N_ELEMENTS (subjects); i++)
      {
        Subject *subject = subjects[i];
        double elapsed = run_loop (subject->loop, subject->source, subject->count);

        subject->samples[repetition] = elapsed / (double) subject->count;
      }

  print_comparison ("1 byte: cimpl_stream_read / g_input_stream_read", plain.samples, gio.samples,
                    "ns", "<=\t0.5");
  print_comparison ("1 byte: cimpl_stream_try_read / g_input_stream_read", gobject.samples,
                    gio.samples, "ns", "-\t-");
  print_difference ("1 byte: cimpl_stream_try_read above cimpl_stream_read", gobject.samples,
                    plain.samples, "ns", "<=\t8");
  print_difference ("1 byte: g_input_stream_read of a CimplInputStream", adapter.samples,
                    gio.samples, "ns", "<=\t20");
  print_comparison ("1 byte: the callback alone / g_input_stream_read", direct.samples, gio.samples,
                    "ns", "-\t-");
}

/* Two threads */

typedef struct
{
  Loop loop;
  gpointer source;
  guint64 count;
  pthread_barrier_t *barrier;
  double start;
  double end;
} Reader;

static gpointer
reader_thread (gpointer user_data)
{
  Reader *self = user_data;

  pthread_barrier_wait (self->barrier);
  self->start = now_ns ();
  if (self->loop (self->source, self->count) != self->count)
    g_error ("A read failed");
  self->end = now_ns ();
  return NULL;
}

/* Returns how many million reads a second @n_threads did together, each of its own source. */
static double
run_threads (Loop loop, gpointer *sources, guint n_threads, guint64 count)
{
  Reader readers[MAX_THREADS];
  GThread *threads[MAX_THREADS];
  pthread_barrier_t barrier;
  double start, end;

  pthread_barrier_init (&barrier, NULL, n_threads);
  for (guint i = 0; i < n_threads; i++)
    {
      readers[i] = (Reader){ loop, sources[i], count, &barrier, 0, 0 };
      threads[i] = g_thread_new ("reader", reader_thread, &readers[i]);
    }
  for (guint i = 0; i < n_threads; i++)
    g_thread_join (threads[i]);
  pthread_barrier_destroy (&barrier);

  start = readers[0].start;
  end = readers[0].end;
  for (guint i = 1; i < n_threads; i++)
    {
      start = MIN (start, readers[i].start);
      end = MAX (end, readers[i].end);
    }
  return (double) (count * n_threads) / (end - start) * 1e3;
}

static void
bench_threads (CimplStream *stream)
{
  gpointer streams[MAX_THREADS] = { stream, byte_stream_new () };
  gpointer no_sources[MAX_THREADS] = { NULL, NULL };
  /* Long against the start of a thread */
  guint64 count = calibrate (loop_plain, stream) * 4;
  guint64 direct_count = calibrate (loop_direct, NULL) * 4;
  double one[N_REPETITIONS], two[N_REPETITIONS];
  double direct_one[N_REPETITIONS], direct_two[N_REPETITIONS];

  for (guint i = 0; i < n_repetitions; i++)
    {
      one[i] = run_threads (loop_plain, streams, 1, count);
      two[i] = run_threads (loop_plain, streams, 2, count);
      direct_one[i] = run_threads (loop_direct, no_sources, 1, direct_count);
      direct_two[i] = run_threads (loop_direct, no_sources, 2, direct_count);
    }
  print_comparison ("1 byte: two threads, a stream each / one thread", two, one, "M/s", ">=\t1.6");
  /* What the machine itself has to give: where this is far from 2, the row above says nothing. */
  print_comparison ("1 byte: two threads, the callback alone / one thread", direct_two, direct_one,
                    "M/s", "-\t-");
  cimpl_free (streams[1]);
}

int
main (int argc, char **argv)
{
  CimplStream *stream = byte_stream_new ();
  cpu_set_t all, one;

  bench_init (argc, argv);

  sched_getaffinity (0, sizeof all, &all);
  CPU_ZERO (&one);
  CPU_SET ((size_t) sched_getcpu (), &one);
  sched_setaffinity (0, sizeof one, &one);
  bench_single (stream);

  sched_setaffinity (0, sizeof all, &all);
  if (CPU_COUNT (&all) >= MAX_THREADS)
    bench_threads (stream);
  else
    g_printerr ("There is but one CPU: two threads are not measured\n");

  cimpl_free (stream);
  return EXIT_SUCCESS;
}
