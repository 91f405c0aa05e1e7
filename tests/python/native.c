/* SPDX-License-Identifier: MIT */

/*
 * A native library as the Python tests need one: it takes streams, and knows nothing of Python.
 * What it returns is -1 on failure, unless said otherwise.
 */

#include <cimpl_stream.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define EXPORT __attribute__ ((visibility ("default")))

enum
{
  BLOCK = 65536
};

/* Reads to the end, @chunk bytes (at most BLOCK) at a time; @total counts them even on failure. */
EXPORT int32_t native_drain (CimplStream *stream, size_t chunk, int64_t *total);
int32_t
native_drain (CimplStream *stream, size_t chunk, int64_t *total)
{
  uint8_t buffer[BLOCK];

  *total = 0;
  for (;;)
    {
      intptr_t n_read = cimpl_stream_read (stream, buffer, chunk);

      if (n_read <= 0)
        return (int32_t) n_read;
      *total += n_read;
    }
}

/* Reads once and keeps silent about a failure. */
EXPORT int32_t native_swallow (CimplStream *stream);
int32_t
native_swallow (CimplStream *stream)
{
  uint8_t buffer[16];

  (void) !cimpl_stream_read (stream, buffer, sizeof buffer);
  return 0;
}

/* Reads until it does not fail, at most @attempts times; the bytes read. */
EXPORT intptr_t native_retry (CimplStream *stream, int32_t attempts);
intptr_t
native_retry (CimplStream *stream, int32_t attempts)
{
  uint8_t buffer[16];
  intptr_t n_read = -1;

  while (n_read < 0 && attempts-- > 0)
    n_read = cimpl_stream_read (stream, buffer, sizeof buffer);
  return n_read;
}

/* Like native_swallow(), but returns a pointer, NULL on failure. */
EXPORT void *native_pointer (CimplStream *stream);
void *
native_pointer (CimplStream *stream)
{
  static int something;
  uint8_t buffer[16];

  return cimpl_stream_read (stream, buffer, sizeof buffer) < 0 ? NULL : &something;
}

/* Reads once; -1 on failure, also after cleaning up by a seek. */
EXPORT int32_t native_report (CimplStream *stream);
int32_t
native_report (CimplStream *stream)
{
  uint8_t buffer[16];

  return cimpl_stream_read (stream, buffer, sizeof buffer) < 0 ? -1 : 0;
}

EXPORT int32_t native_report_after_cleanup (CimplStream *stream);
int32_t
native_report_after_cleanup (CimplStream *stream)
{
  int32_t result = native_report (stream);

  cimpl_stream_seek (stream, 0, CIMPL_SEEK_MODE_START);
  return result;
}

/* Likewise, but 0 whatever happened. */
EXPORT int32_t native_swallow_and_seek (CimplStream *stream);
int32_t
native_swallow_and_seek (CimplStream *stream)
{
  native_report_after_cleanup (stream);
  return 0;
}

/* Other conventions for native_report(): a positive number on failure; 0 on failure. */
EXPORT int32_t native_status (CimplStream *stream);
int32_t
native_status (CimplStream *stream)
{
  return native_report_after_cleanup (stream) < 0 ? 7 : 0;
}

EXPORT int32_t native_flag (CimplStream *stream);
int32_t
native_flag (CimplStream *stream)
{
  return native_report_after_cleanup (stream) == 0;
}

/* Reads without looking at the result, and then fails for another reason. */
EXPORT int32_t native_refuse (CimplStream *stream);
int32_t
native_refuse (CimplStream *stream)
{
  native_swallow (stream);
  return -1;
}

/* Writes data, and then a header over its start, without looking at what failed. */
EXPORT int32_t native_write_header (CimplStream *stream);
int32_t
native_write_header (CimplStream *stream)
{
  cimpl_stream_write (stream, (const uint8_t *) "0123456789", 10);
  cimpl_stream_seek (stream, 0, CIMPL_SEEK_MODE_START);
  cimpl_stream_write (stream, (const uint8_t *) "head", 4);
  return 0;
}

/* Writes, and closes, without looking at what failed. */
EXPORT int32_t native_write_and_close (CimplStream *stream);
int32_t
native_write_and_close (CimplStream *stream)
{
  cimpl_stream_write (stream, (const uint8_t *) "0123456789", 10);
  cimpl_stream_flush (stream);
  cimpl_stream_close (stream);
  return 0;
}

/* native_report_after_cleanup() in a thread of its own. */
static void *
report_in_thread (void *stream)
{
  return native_report_after_cleanup (stream) < 0 ? stream : NULL;
}

EXPORT int32_t native_report_in_thread (CimplStream *stream);
int32_t
native_report_in_thread (CimplStream *stream)
{
  pthread_t thread;
  void *failed;

  if (pthread_create (&thread, NULL, report_in_thread, stream) != 0)
    abort ();
  pthread_join (thread, &failed);
  return failed != NULL ? -1 : 0;
}

EXPORT int32_t native_swallow_in_thread (CimplStream *stream);
int32_t
native_swallow_in_thread (CimplStream *stream)
{
  native_report_in_thread (stream);
  return 0;
}

/*
 * Reads single bytes, with time between the calls in which no Python runs, and counts them into
 * @total, until @milliseconds have passed or a call fails. At the end of the data it starts over.
 */
EXPORT int32_t native_work (CimplStream *stream, int64_t milliseconds, int64_t *total);
int32_t
native_work (CimplStream *stream, int64_t milliseconds, int64_t *total)
{
  struct timespec pause = { 0, 100000 };

  for (int64_t i = 0; i < 10 * milliseconds; i++)
    {
      uint8_t byte;
      intptr_t n_read = cimpl_stream_read (stream, &byte, 1);

      if (n_read < 0 || (n_read == 0 && cimpl_stream_seek (stream, 0, CIMPL_SEEK_MODE_START) < 0))
        return -1;
      *total += n_read;
      nanosleep (&pause, NULL);
    }
  return 0;
}

/*
 * Reads single bytes until @milliseconds have passed, also after failures; the number of those
 * reads after the first failure that succeeded.
 */
EXPORT int64_t native_insist (CimplStream *stream, int64_t milliseconds);
int64_t
native_insist (CimplStream *stream, int64_t milliseconds)
{
  struct timespec pause = { 0, 100000 };
  int64_t n_later = 0;
  int failed = 0;

  for (int64_t i = 0; i < 10 * milliseconds; i++)
    {
      uint8_t byte;

      if (cimpl_stream_read (stream, &byte, 1) < 0)
        failed = 1;
      else
        n_later += failed;
      nanosleep (&pause, NULL);
    }
  return n_later;
}

/* A stream that reads from another one and hides its errors. */
static intptr_t
layer_read (CimplStreamContext *context, uint8_t *data, size_t len)
{
  return cimpl_stream_read ((CimplStream *) context, data, len);
}

EXPORT CimplStream *native_layer (CimplStream *stream);
CimplStream *
native_layer (CimplStream *stream)
{
  return cimpl_stream_new ((CimplStreamContext *) stream, layer_read, NULL, NULL, NULL);
}

/* One stream that is held beyond the call. */
static CimplStream *held;

EXPORT int32_t native_hold (CimplStream *stream);
int32_t
native_hold (CimplStream *stream)
{
  held = cimpl_stream_ref (stream);
  return held != NULL ? 0 : -1;
}

EXPORT intptr_t native_read_held (uint8_t *buffer, size_t len);
intptr_t
native_read_held (uint8_t *buffer, size_t len)
{
  return cimpl_stream_read (held, buffer, len);
}

EXPORT int32_t native_release (void);
int32_t
native_release (void)
{
  CimplStream *stream = held;

  held = NULL;
  return cimpl_free (stream);
}

/* A thread that reads a stream over and over, until it cannot any more. */
typedef struct
{
  CimplStream *stream;
  pthread_t thread;
  size_t chunk;
  atomic_int stop;
  atomic_long n_reads;
  int32_t error; /* the code that ended it, 0 if it was stopped */
} Reader;

static void *
reader_run (void *data)
{
  Reader *self = data;
  uint8_t *buffer = malloc (self->chunk);

  while (!atomic_load (&self->stop))
    {
      intptr_t n_read = cimpl_stream_read (self->stream, buffer, self->chunk);

      if (n_read == 0)
        n_read = (intptr_t) cimpl_stream_seek (self->stream, 0, CIMPL_SEEK_MODE_START);
      if (n_read < 0 && cimpl_stream_error_code () == CIMPL_STREAM_ERROR_BUSY)
        continue;
      if (n_read < 0)
        {
          self->error = cimpl_stream_error_code ();
          break;
        }
      atomic_fetch_add (&self->n_reads, 1);
    }
  free (buffer);
  cimpl_free (self->stream);
  return NULL;
}

EXPORT Reader *native_start (CimplStream *stream, size_t chunk);
Reader *
native_start (CimplStream *stream, size_t chunk)
{
  Reader *self = calloc (1, sizeof *self);

  self->stream = cimpl_stream_ref (stream);
  self->chunk = chunk;
  if (pthread_create (&self->thread, NULL, reader_run, self) != 0)
    abort ();
  return self;
}

/* How many reads have succeeded so far. */
EXPORT int64_t native_count (Reader *self);
int64_t
native_count (Reader *self)
{
  return atomic_load (&self->n_reads);
}

/* Waits for the thread, told to stop if @stop; returns the error code that ended it. */
EXPORT int32_t native_join (Reader *self, int32_t stop);
int32_t
native_join (Reader *self, int32_t stop)
{
  int32_t error;

  if (stop)
    atomic_store (&self->stop, 1);
  pthread_join (self->thread, NULL);
  error = self->error;
  free (self);
  return error;
}
