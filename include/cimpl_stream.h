/* SPDX-License-Identifier: MIT */

/*
 * The plain C API of CimplStream: C99, C++11, no GLib header.
 *
 * Source and binary compatible with the published cimpl_stream C API
 * (https://github.com/gpeacock/cimpl, stream-example). Each function is documented above its
 * definition in src/plain. Unless it says otherwise:
 *
 *  - failure is -1 or NULL; what went wrong is kept for the calling thread and read with
 *    cimpl_stream_error_code() and cimpl_stream_last_error();
 *  - lengths and offsets are in bytes;
 *  - a stream that is no longer there, or never was one, is recognised without being read:
 *    CIMPL_STREAM_ERROR_INVALID_HANDLE;
 *  - a stream serves one call at a time, a second one gets CIMPL_STREAM_ERROR_BUSY at once;
 *  - callbacks may be coroutines, which wait in them while others go on; but a call must end in the
 *    thread that it began in;
 *  - a callback may be left by a C++ exception or by pthread_cancel(), which ends the call; the
 *    stream serves the next one, or is closed if its close callback was left. It must not be left
 *    by longjmp(), nor through functions that cannot be left so, as those of stdio and of GIO; and
 *    what frees the context must return.
 */

#ifndef CIMPL_STREAM_H
#define CIMPL_STREAM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__GNUC__)
#define CIMPL_AVAILABLE_IN_1_0 __attribute__ ((visibility ("default"))) extern
#else
#define CIMPL_AVAILABLE_IN_1_0 extern
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* A stream; the same object that the GObject API calls CimplStream. */
typedef struct CimplStream CimplStream;

/**
 * CimplStreamContext: (skip)
 *
 * What the callbacks of a stream work on: opaque here, the caller's own object.
 *
 * Since: 1.0
 */
typedef struct CimplStreamContext CimplStreamContext;

/**
 * CimplSeekMode:
 * @CIMPL_SEEK_MODE_START: from the start of the stream, like `SEEK_SET`
 * @CIMPL_SEEK_MODE_CURRENT: from the current position, like `SEEK_CUR`
 * @CIMPL_SEEK_MODE_END: from the end of the stream, like `SEEK_END`
 *
 * What an offset counts from. The values are those of `SEEK_SET`, `SEEK_CUR` and `SEEK_END`, and
 * not those of `GSeekType`, which counts in another order.
 *
 * Since: 1.0
 */
typedef enum CimplSeekMode
{
  CIMPL_SEEK_MODE_START = 0,
  CIMPL_SEEK_MODE_CURRENT = 1,
  CIMPL_SEEK_MODE_END = 2
} CimplSeekMode;

/**
 * CimplStreamFlags:
 * @CIMPL_STREAM_READABLE: the stream can be read
 * @CIMPL_STREAM_WRITABLE: the stream can be written
 * @CIMPL_STREAM_SEEKABLE: the stream has a position that can be asked for and set
 * @CIMPL_STREAM_TRUNCATABLE: the size of the stream can be set
 *
 * What a stream can do.
 *
 * Since: 1.0
 */
typedef enum CimplStreamFlags
{
  CIMPL_STREAM_READABLE = 1 << 0,
  CIMPL_STREAM_WRITABLE = 1 << 1,
  CIMPL_STREAM_SEEKABLE = 1 << 2,
  CIMPL_STREAM_TRUNCATABLE = 1 << 3
} CimplStreamFlags;

/**
 * CimplStreamError:
 * @CIMPL_STREAM_ERROR_OK: no error; never the code of a #GError
 * @CIMPL_STREAM_ERROR_NULL_PARAMETER: a required parameter was `NULL`
 * @CIMPL_STREAM_ERROR_STRING_TOO_LONG: a string was longer than accepted
 * @CIMPL_STREAM_ERROR_INVALID_HANDLE: a pointer that is not, or no longer, a stream
 * @CIMPL_STREAM_ERROR_WRONG_HANDLE_TYPE: a pointer of this library, but not to a stream
 * @CIMPL_STREAM_ERROR_OTHER: anything without a code of its own
 * @CIMPL_STREAM_ERROR_IO_OPERATION: reading, writing, seeking or flushing failed
 * @CIMPL_STREAM_ERROR_INVALID_BUFFER: a count above `PTRDIFF_MAX`
 * @CIMPL_STREAM_ERROR_NOT_SUPPORTED: the stream cannot do that
 * @CIMPL_STREAM_ERROR_CLOSED: the stream is closed
 * @CIMPL_STREAM_ERROR_BUSY: another operation of the same stream is running
 * @CIMPL_STREAM_ERROR_CANCELLED: the operation was cancelled
 * @CIMPL_STREAM_ERROR_WOULD_BLOCK: nothing can be transferred now; try again later
 * @CIMPL_STREAM_ERROR_CALLBACK_CONTRACT: a callback or a subclass returned what it must not
 * @CIMPL_STREAM_ERROR_INVALID_ARGUMENT: an argument is out of its range
 * @CIMPL_STREAM_ERROR_NO_SPACE: the device or the memory behind the stream is full
 * @CIMPL_STREAM_ERROR_UNEXPECTED_EOF: the stream ended before all data was there
 *
 * What can go wrong, in the plain C API and in the error domain `CIMPL_STREAM_ERROR`.
 *
 * Since: 1.0
 */
typedef enum CimplStreamError
{
  CIMPL_STREAM_ERROR_OK = 0,
  CIMPL_STREAM_ERROR_NULL_PARAMETER = 1,
  CIMPL_STREAM_ERROR_STRING_TOO_LONG = 2,
  CIMPL_STREAM_ERROR_INVALID_HANDLE = 3,
  CIMPL_STREAM_ERROR_WRONG_HANDLE_TYPE = 4,
  CIMPL_STREAM_ERROR_OTHER = 5,
  CIMPL_STREAM_ERROR_IO_OPERATION = 100,
  CIMPL_STREAM_ERROR_INVALID_BUFFER = 101,
  CIMPL_STREAM_ERROR_NOT_SUPPORTED = 102,
  CIMPL_STREAM_ERROR_CLOSED = 103,
  CIMPL_STREAM_ERROR_BUSY = 104,
  CIMPL_STREAM_ERROR_CANCELLED = 105,
  CIMPL_STREAM_ERROR_WOULD_BLOCK = 106,
  CIMPL_STREAM_ERROR_CALLBACK_CONTRACT = 107,
  CIMPL_STREAM_ERROR_INVALID_ARGUMENT = 108,
  CIMPL_STREAM_ERROR_NO_SPACE = 109,
  CIMPL_STREAM_ERROR_UNEXPECTED_EOF = 110
} CimplStreamError;

/**
 * CimplReadCallback: (skip)
 * @context: what was given to cimpl_stream_new()
 * @data: where to put the data
 * @len: how many bytes fit into @data; at least 1
 *
 * Reads at most @len bytes into @data; fewer are no error.
 *
 * Returns: how many bytes were read, 0 at the end of the data, or -1 on failure
 *
 * Since: 1.0
 */
typedef intptr_t (*CimplReadCallback) (CimplStreamContext *context, uint8_t *data, size_t len);

/**
 * CimplSeekCallback: (skip)
 * @context: what was given to cimpl_stream_new()
 * @offset: the offset in bytes; not negative with %CIMPL_SEEK_MODE_START
 * @mode: what @offset counts from
 *
 * Moves the position. Past the end is the backend's choice.
 *
 * Returns: the new position, in bytes from the start, or -1 on failure
 *
 * Since: 1.0
 */
typedef int64_t (*CimplSeekCallback) (CimplStreamContext *context,
                                      int64_t offset,
                                      CimplSeekMode mode);

/**
 * CimplWriteCallback: (skip)
 * @context: what was given to cimpl_stream_new()
 * @data: the data
 * @len: how many bytes @data has; at least 1
 *
 * Writes at most @len bytes of @data; fewer are no error.
 *
 * Returns: how many bytes were written, or -1 on failure
 *
 * Since: 1.0
 */
typedef intptr_t (*CimplWriteCallback) (CimplStreamContext *context,
                                        const uint8_t *data,
                                        size_t len);

/**
 * CimplFlushCallback: (skip)
 * @context: what was given to cimpl_stream_new()
 *
 * Passes on what is buffered.
 *
 * Returns: 0, or -1 on failure
 *
 * Since: 1.0
 */
typedef int32_t (*CimplFlushCallback) (CimplStreamContext *context);

/**
 * CimplStreamCallbacks: (skip)
 * @struct_size: `sizeof (CimplStreamCallbacks)`, by which the library knows how many members
 *   the caller has
 * @read: reads, like a #CimplReadCallback
 * @write: writes, like a #CimplWriteCallback
 * @seek: seeks, like a #CimplSeekCallback
 * @flush: flushes, like a #CimplFlushCallback
 * @close: closes; 0, or -1 on failure; called at most once
 * @truncate: sets the size in bytes, without moving the position; 0, or -1 on failure
 *
 * Callbacks whose result lies in memory, for bindings whose runtime cannot promise a return
 * value. The library presets `*result` to `INT64_MIN`; a callback that leaves it so is reported
 * as %CIMPL_STREAM_ERROR_CALLBACK_CONTRACT.
 *
 * Without @read, @write, @seek or @truncate the stream cannot do that; without @flush or @close
 * there is nothing to do.
 *
 * Since: 1.0
 */
typedef struct CimplStreamCallbacks
{
  size_t struct_size;
  void (*read) (CimplStreamContext *context, uint8_t *data, size_t len, int64_t *result);
  void (*write) (CimplStreamContext *context, const uint8_t *data, size_t len, int64_t *result);
  void (*seek) (CimplStreamContext *context, int64_t offset, CimplSeekMode mode, int64_t *result);
  void (*flush) (CimplStreamContext *context, int64_t *result);
  void (*close) (CimplStreamContext *context, int64_t *result);
  void (*truncate) (CimplStreamContext *context, int64_t size, int64_t *result);
} CimplStreamCallbacks;

/**
 * CimplProgressCallback: (skip)
 * @context: what was given to cimpl_stream_copy()
 * @done: how many bytes were copied so far
 * @total: how many there are to copy, or -1 if that is not known
 *
 * Told how far a copy is.
 *
 * Returns: 0 to go on; anything else ends the copy with %CIMPL_STREAM_ERROR_CANCELLED
 *
 * Since: 1.0
 */
typedef int32_t (*CimplProgressCallback) (CimplStreamContext *context,
                                          int64_t done,
                                          int64_t total);

/* Streams and references: each of these owes one cimpl_free(). */
CIMPL_AVAILABLE_IN_1_0
CimplStream *cimpl_stream_new (CimplStreamContext *context,
                               CimplReadCallback reader,
                               CimplSeekCallback seeker,
                               CimplWriteCallback writer,
                               CimplFlushCallback flusher);
CIMPL_AVAILABLE_IN_1_0
CimplStream *cimpl_stream_new_full (const CimplStreamCallbacks *callbacks,
                                    CimplStreamContext *context,
                                    void (*destroy) (CimplStreamContext *context));
CIMPL_AVAILABLE_IN_1_0
CimplStream *cimpl_stream_new_buffered (CimplStream *base, size_t buffer_size);
CIMPL_AVAILABLE_IN_1_0
CimplStream *cimpl_stream_ref (CimplStream *stream);
CIMPL_AVAILABLE_IN_1_0
int32_t cimpl_free (void *pointer);

/* Operations. */
CIMPL_AVAILABLE_IN_1_0
intptr_t cimpl_stream_read (CimplStream *stream, uint8_t *buffer, size_t len);
CIMPL_AVAILABLE_IN_1_0
intptr_t cimpl_stream_write (CimplStream *stream, const uint8_t *data, size_t len);
CIMPL_AVAILABLE_IN_1_0
int64_t cimpl_stream_seek (CimplStream *stream, int64_t offset, CimplSeekMode mode);
CIMPL_AVAILABLE_IN_1_0
int64_t cimpl_stream_tell (CimplStream *stream);
CIMPL_AVAILABLE_IN_1_0
int64_t cimpl_stream_get_size (CimplStream *stream);
CIMPL_AVAILABLE_IN_1_0
int32_t cimpl_stream_truncate (CimplStream *stream, int64_t size);
CIMPL_AVAILABLE_IN_1_0
int32_t cimpl_stream_flush (CimplStream *stream);
CIMPL_AVAILABLE_IN_1_0
int32_t cimpl_stream_close (CimplStream *stream);
CIMPL_AVAILABLE_IN_1_0
int32_t cimpl_stream_copy (CimplStream *source,
                           CimplStream *target,
                           int64_t limit,
                           CimplProgressCallback progress,
                           CimplStreamContext *context,
                           int64_t *copied);
CIMPL_AVAILABLE_IN_1_0
int32_t cimpl_stream_get_flags (CimplStream *stream);
CIMPL_AVAILABLE_IN_1_0
int32_t cimpl_stream_detach (CimplStream *stream, int32_t timeout_ms);

/* The same, waiting for the operation of another thread; -2 if that still runs after the time. */
CIMPL_AVAILABLE_IN_1_0
intptr_t cimpl_stream_read_wait (CimplStream *stream, uint8_t *buffer, size_t len, int32_t timeout_ms);
CIMPL_AVAILABLE_IN_1_0
intptr_t cimpl_stream_write_wait (CimplStream *stream, const uint8_t *data, size_t len, int32_t timeout_ms);
CIMPL_AVAILABLE_IN_1_0
int64_t cimpl_stream_seek_wait (CimplStream *stream, int64_t offset, CimplSeekMode mode, int32_t timeout_ms);
CIMPL_AVAILABLE_IN_1_0
int64_t cimpl_stream_tell_wait (CimplStream *stream, int32_t timeout_ms);
CIMPL_AVAILABLE_IN_1_0
int32_t cimpl_stream_truncate_wait (CimplStream *stream, int64_t size, int32_t timeout_ms);
CIMPL_AVAILABLE_IN_1_0
int32_t cimpl_stream_flush_wait (CimplStream *stream, int32_t timeout_ms);
CIMPL_AVAILABLE_IN_1_0
int32_t cimpl_stream_close_wait (CimplStream *stream, int32_t timeout_ms);

/* Waiting in advance, for what does not wait by itself. */
CIMPL_AVAILABLE_IN_1_0
int32_t cimpl_stream_reserve (CimplStream *stream, CimplStream *other, int32_t timeout_ms);
CIMPL_AVAILABLE_IN_1_0
void cimpl_stream_end_reservation (void);

/* What has failed in a stream, whoever was told of it. */
CIMPL_AVAILABLE_IN_1_0
int32_t cimpl_stream_failed (CimplStream *stream);
CIMPL_AVAILABLE_IN_1_0
int32_t cimpl_stream_clear_failure (CimplStream *stream);

/* The stream as a FILE, which owes one fclose(). */
CIMPL_AVAILABLE_IN_1_0
FILE *cimpl_stream_to_stdio (CimplStream *stream, const char *mode);

/* The calling thread's last error. */
CIMPL_AVAILABLE_IN_1_0
char *cimpl_stream_last_error (void);
CIMPL_AVAILABLE_IN_1_0
int32_t cimpl_stream_error_code (void);
CIMPL_AVAILABLE_IN_1_0
int32_t cimpl_stream_error_errno (void);
CIMPL_AVAILABLE_IN_1_0
size_t cimpl_stream_error_message (char *buffer, size_t size);
CIMPL_AVAILABLE_IN_1_0
void cimpl_stream_clear_error (void);

/* For callbacks: what went wrong, before they return failure. */
CIMPL_AVAILABLE_IN_1_0
void cimpl_stream_set_error (int32_t code, const char *message);
CIMPL_AVAILABLE_IN_1_0
void cimpl_stream_set_errno (int32_t errnum, const char *message);
CIMPL_AVAILABLE_IN_1_0
uint64_t cimpl_stream_fail (CimplStream *stream,
                            int32_t code,
                            int32_t errnum,
                            const char *message,
                            size_t len);
CIMPL_AVAILABLE_IN_1_0
void cimpl_stream_forward_error (CimplStream *stream);

/*
 * For bindings that keep what an error is in their language, such as an exception: a failure has a
 * serial number, the same on its whole way through filters, adapters and threads.
 */
CIMPL_AVAILABLE_IN_1_0
uint64_t cimpl_stream_error_serial (void);
CIMPL_AVAILABLE_IN_1_0
uint64_t cimpl_stream_mark (void);
CIMPL_AVAILABLE_IN_1_0
int32_t cimpl_stream_failed_since (CimplStream *stream,
                                   uint64_t mark,
                                   int32_t unrecovered_only,
                                   uint64_t *serial);

#ifdef __cplusplus
}
#endif

#endif /* CIMPL_STREAM_H */
