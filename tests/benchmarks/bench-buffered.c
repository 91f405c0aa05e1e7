/* SPDX-License-Identifier: MIT */

/*
 * What small reads and writes through a buffer cost, over callbacks that cost next to nothing:
 * against the buffer of stdio and that of GIO, with 64 KiB each. And whether the buffer is in the
 * way of large reads.
 */

#define _GNU_SOURCE /* fopencookie */

#include "bench.h"

#include <stdio.h>

#include <cimplstream/cimplstream.h>
#include <gio/gio.h>

#define BUFFER_SIZE 65536
#define SMALL 16
#define LARGE (1024 * 1024)

/* The sources and sinks: they touch the data as little as possible. */

static intptr_t
read_some (CimplStreamContext *context, uint8_t *data, size_t len)
{
  *data = 1;
  return (intptr_t) len;
}

static intptr_t
read_much (CimplStreamContext *context, uint8_t *data, size_t len)
{
  memset (data, 1, len);
  return (intptr_t) len;
}

static intptr_t
write_some (CimplStreamContext *context, const uint8_t *data, size_t len)
{
  return (intptr_t) len;
}

static ssize_t
read_cookie (void *cookie, char *data, size_t len)
{
  return read_some (cookie, (uint8_t *) data, len);
}

static ssize_t
write_cookie (void *cookie, const char *data, size_t len)
{
  return write_some (cookie, (const uint8_t *) data, len);
}

static FILE *
open_cookie (const char *mode)
{
  const cookie_io_functions_t functions = { .read = read_cookie, .write = write_cookie };
  FILE *file = fopencookie (NULL, mode, functions);

  setvbuf (file, NULL, _IOFBF, BUFFER_SIZE);
  return file;
}

#define SOME_TYPE_INPUT_STREAM (some_input_stream_get_type ())
G_DECLARE_FINAL_TYPE (SomeInputStream, some_input_stream, SOME, INPUT_STREAM, GInputStream)

struct _SomeInputStream
{
  GInputStream parent_instance;
};

G_DEFINE_FINAL_TYPE (SomeInputStream, some_input_stream, G_TYPE_INPUT_STREAM)

static gssize
some_input_stream_read (GInputStream *stream,
                        void *buffer,
                        gsize count,
                        GCancellable *cancellable,
                        GError **error)
{
  return read_some (NULL, buffer, count);
}

static void
some_input_stream_class_init (SomeInputStreamClass *klass)
{
  G_INPUT_STREAM_CLASS (klass)->read_fn = some_input_stream_read;
}

static void
some_input_stream_init (SomeInputStream *self)
{
}

/* The loops: each transfers @count pieces, and returns how many bytes that were. */

typedef guint64 (*Loop) (gpointer stream, guint64 count);

static guint64
loop_read (gpointer stream, guint64 count)
{
  guint64 sum = 0;
  uint8_t data[SMALL];

  for (guint64 i = 0; i < count; i++)
    sum += (guint64) cimpl_stream_read (stream, data, sizeof data);
  return sum;
}

static guint64
loop_fread (gpointer file, guint64 count)
{
  guint64 sum = 0;
  uint8_t data[SMALL];

  for (guint64 i = 0; i < count; i++)
    sum += fread (data, 1, sizeof data, file);
  return sum;
}

static guint64
loop_gio_read (gpointer stream, guint64 count)
{
  guint64 sum = 0;
  guint8 data[SMALL];

  for (guint64 i = 0; i < count; i++)
    sum += (guint64) g_input_stream_read (stream, data, sizeof data, NULL, NULL);
  return sum;
}

static guint64
loop_write (gpointer stream, guint64 count)
{
  static const uint8_t data[SMALL];
  guint64 sum = 0;

  for (guint64 i = 0; i < count; i++)
    sum += (guint64) cimpl_stream_write (stream, data, sizeof data);
  return sum;
}

static guint64
loop_fwrite (gpointer file, guint64 count)
{
  static const uint8_t data[SMALL];
  guint64 sum = 0;

  for (guint64 i = 0; i < count; i++)
    sum += fwrite (data, 1, sizeof data, file);
  return sum;
}

static guint64
loop_read_large (gpointer stream, guint64 count)
{
  static uint8_t data[LARGE];
  guint64 sum = 0;

  for (guint64 i = 0; i < count; i++)
    sum += (guint64) cimpl_stream_read (stream, data, sizeof data);
  return sum;
}

/* Measuring */

typedef struct
{
  Loop loop;
  gpointer stream;
  gsize size; /* of a piece */
  guint64 count;
  double samples[N_REPETITIONS]; /* ns per piece */
} Subject;

static double
run_loop (Subject *self)
{
  double start = now_ns ();
  guint64 sum = self->loop (self->stream, self->count);
  double elapsed = now_ns () - start;

  if (sum != self->count * self->size)
    g_error ("A transfer failed");
  return elapsed;
}

/*
 * In turns, so that a change of the machine's speed meets all of them; and in short ones, most of
 * which nobody interrupts.
 */
static void
measure (Subject *const *subjects, gsize n_subjects)
{
  for (gsize i = 0; i < n_subjects; i++)
    for (subjects[i]->count = 4; run_loop (subjects[i]) < sample_ns / 10;)
      subjects[i]->count *= 2;

  for (guint repetition = 0; repetition < n_repetitions; repetition++)
    for (gsize i = 0; i < n_subjects; i++)
      subjects[i]->samples[repetition] = run_loop (subjects[i]) / (double) subjects[i]->count;
}

static void
bench_small_reads (CimplStream *base)
{
  CimplStream *stream = cimpl_stream_new_buffered (base, BUFFER_SIZE);
  g_autoptr (GInputStream) input = g_object_new (SOME_TYPE_INPUT_STREAM, NULL);
  g_autoptr (GInputStream) buffered_input = g_buffered_input_stream_new_sized (input, BUFFER_SIZE);
  FILE *file = open_cookie ("r");
  Subject ours = { loop_read, stream, SMALL, 0, { 0 } };
  Subject stdio = { loop_fread, file, SMALL, 0, { 0 } };
  Subject gio = { loop_gio_read, buffered_input, SMALL, 0, { 0 } };
  Subject *const subjects[] = { &ours, &stdio, &gio };

  measure (subjects, G_N_ELEMENTS (subjects));
  print_comparison ("16 bytes, buffered: cimpl_stream_read / fread", ours.samples, stdio.samples,
                    "ns", "<=\t1");
  print_comparison ("16 bytes, buffered: the same / g_input_stream_read", ours.samples, gio.samples,
                    "ns", "<=\t0.5");
  fclose (file);
  cimpl_free (stream);
}

static void
bench_small_writes (CimplStream *base)
{
  CimplStream *stream = cimpl_stream_new_buffered (base, BUFFER_SIZE);
  FILE *file = open_cookie ("w");
  Subject ours = { loop_write, stream, SMALL, 0, { 0 } };
  Subject stdio = { loop_fwrite, file, SMALL, 0, { 0 } };
  Subject *const subjects[] = { &ours, &stdio };

  measure (subjects, G_N_ELEMENTS (subjects));
  print_comparison ("16 bytes, buffered: cimpl_stream_write / fwrite", ours.samples, stdio.samples,
                    "ns", "-\t-");
  fclose (file);
  cimpl_free (stream);
}

static void
bench_large_reads (CimplStream *base)
{
  CimplStream *stream = cimpl_stream_new_buffered (base, BUFFER_SIZE);
  Subject buffered = { loop_read_large, stream, LARGE, 0, { 0 } };
  Subject unbuffered = { loop_read_large, base, LARGE, 0, { 0 } };
  Subject *const subjects[] = { &buffered, &unbuffered };
  double ours[N_REPETITIONS], peer[N_REPETITIONS];

  measure (subjects, G_N_ELEMENTS (subjects));
  for (guint i = 0; i < n_repetitions; i++)
    {
      ours[i] = LARGE / buffered.samples[i];
      peer[i] = LARGE / unbuffered.samples[i];
    }
  print_comparison ("1 MiB: buffered / unbuffered", ours, peer, "GB/s", ">=\t0.95");
  cimpl_free (stream);
}

int
main (int argc, char **argv)
{
  CimplStreamContext *no_context = (CimplStreamContext *) "";
  CimplStream *some = cimpl_stream_new (no_context, read_some, NULL, write_some, NULL);
  CimplStream *much = cimpl_stream_new (no_context, read_much, NULL, NULL, NULL);

  bench_init (argc, argv);
  bench_small_reads (some);
  bench_small_writes (some);
  bench_large_reads (much);

  cimpl_free (much);
  cimpl_free (some);
  return EXIT_SUCCESS;
}
