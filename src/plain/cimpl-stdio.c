/* SPDX-License-Identifier: MIT */

/* A FILE over a stream, see include/cimpl_stream.h. */

#define _GNU_SOURCE /* fopencookie() */

#include "config.h"

#include "cimplstream/cimpl-stream.h"

#include "plain/cimpl-last-error-private.h"
#include "core/cimpl-handle-private.h"
#include "core/cimpl-stream-error-private.h"

#include <errno.h>
#include <string.h>

typedef struct
{
  CimplStream *stream; /* (owned) */
  gboolean appends;    /* writes at the end, wherever the position is */
  gboolean is_dirty;   /* written, which is what there is to flush in the end */
} Cookie;

/* Takes @error: what went wrong, to both who asks for errno and who asks the library. */
static void
publish (GError *error)
{
  gint errnum = cimpl_error_to_errno (error);

  cimpl_set_last_error (error);
  errno = errnum;
}

#if defined(HAVE_FOPENCOOKIE) || defined(HAVE_FUNOPEN)

static gssize
cookie_read (Cookie *self, char *buffer, gsize size)
{
  GError *error = NULL;
  gssize n_read = cimpl_stream_try_read (self->stream, buffer, size, NULL, &error);

  if (n_read < 0)
    publish (error);
  return n_read;
}

/* To stdio a short write is a failed one; so this is less than @size only after an error. */
static gsize
cookie_write (Cookie *self, const char *data, gsize size)
{
  GError *error = NULL;
  gsize n_written = 0;

  if (!self->appends
      || cimpl_stream_try_seek (self->stream, 0, CIMPL_SEEK_MODE_END, NULL, &error) >= 0)
    cimpl_stream_try_write_all (self->stream, data, size, &n_written, NULL, &error);
  self->is_dirty |= n_written > 0;
  if (error != NULL)
    publish (error);
  return n_written;
}

static gint64
cookie_seek (Cookie *self, gint64 offset, int whence)
{
  GError *error = NULL;
  gint64 position;
  gboolean has_position;

  G_STATIC_ASSERT ((int) CIMPL_SEEK_MODE_START == SEEK_SET);
  G_STATIC_ASSERT ((int) CIMPL_SEEK_MODE_CURRENT == SEEK_CUR);
  G_STATIC_ASSERT ((int) CIMPL_SEEK_MODE_END == SEEK_END);

  position = cimpl_stream_try_seek (self->stream, offset, (CimplSeekMode) whence, NULL, &error);
  if (position >= 0)
    return position;
  has_position = cimpl_stream_error_get_code (error) != CIMPL_STREAM_ERROR_NOT_SUPPORTED;
  publish (error);
  if (!has_position)
    errno = ESPIPE; /* what programs look for to tell a pipe from a failure */
  return -1;
}

static int
cookie_close (Cookie *self)
{
  GError *error = NULL;

  {
    g_autofree Cookie *owned = self;
    CIMPL_AUTO_DROP CimplStream *stream = owned->stream;

    /* A closed stream has flushed. */
    if (owned->is_dirty && !cimpl_stream_is_closed (stream))
      cimpl_stream_try_flush (stream, NULL, &error);
  }
  if (error == NULL)
    return 0;
  publish (error); /* last, as dropping the stream may run the user's code */
  return EOF;
}

#endif

#if defined(HAVE_FOPENCOOKIE)

static ssize_t
on_read (void *cookie, char *buffer, size_t size)
{
  return cookie_read (cookie, buffer, size);
}

/* Unlike the others, must not return -1. */
static ssize_t
on_write (void *cookie, const char *data, size_t size)
{
  return (ssize_t) cookie_write (cookie, data, size);
}

/* An off64_t, which not every C library calls so. */
static int
on_seek (void *cookie, int64_t *offset, int whence)
{
  gint64 position = cookie_seek (cookie, *offset, whence);

  if (position < 0)
    return -1;
  *offset = position;
  return 0;
}

static int
on_close (void *cookie)
{
  return cookie_close (cookie);
}

static FILE *
open_cookie (Cookie *self, const char *mode, CimplStreamFlags wanted)
{
  return fopencookie (self, mode,
                      (cookie_io_functions_t){
                          .read = on_read,
                          .write = on_write,
                          .seek = on_seek,
                          .close = on_close,
                      });
}

#elif defined(HAVE_FUNOPEN)

static int
on_read (void *cookie, char *buffer, int size)
{
  return (int) cookie_read (cookie, buffer, (gsize) size);
}

/* What follows a part that was written is lost, as there is no other way to say that it failed. */
static int
on_write (void *cookie, const char *data, int size)
{
  return cookie_write (cookie, data, (gsize) size) == (gsize) size ? size : -1;
}

static fpos_t
on_seek (void *cookie, fpos_t offset, int whence)
{
  return cookie_seek (cookie, offset, whence);
}

static int
on_close (void *cookie)
{
  return cookie_close (cookie);
}

static FILE *
open_cookie (Cookie *self, const char *mode, CimplStreamFlags wanted)
{
  return funopen (self, (wanted & CIMPL_STREAM_READABLE) != 0 ? on_read : NULL,
                  (wanted & CIMPL_STREAM_WRITABLE) != 0 ? on_write : NULL, on_seek, on_close);
}

#else

static FILE *
open_cookie (Cookie *self, const char *mode, CimplStreamFlags wanted)
{
  errno = ENOSYS;
  return NULL;
}

#endif

static gboolean
check_mode (CimplStream *stream,
            const char *mode,
            CimplStreamFlags flags,
            CimplStreamFlags *wanted,
            GError **error)
{
  static const char *const suffixes[] = { "", "b", "+", "b+", "+b", NULL };

  if (mode[0] == '\0' || strchr ("rwa", mode[0]) == NULL || !g_strv_contains (suffixes, mode + 1))
    {
      g_autofree char *text = g_utf8_make_valid (mode, -1);

      g_set_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_ARGUMENT,
                   "\"%s\" is not r, w or a, with or without + and b", text);
      return FALSE;
    }

  *wanted = mode[0] == 'r' ? CIMPL_STREAM_READABLE : CIMPL_STREAM_WRITABLE;
  if (strchr (mode, '+') != NULL)
    *wanted = CIMPL_STREAM_READABLE | CIMPL_STREAM_WRITABLE;
  if ((flags & *wanted) == *wanted)
    return TRUE;
  g_set_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NOT_SUPPORTED,
               "%s cannot be %s, as the mode \"%s\" asks for", G_OBJECT_TYPE_NAME (stream),
               (*wanted & ~flags & CIMPL_STREAM_READABLE) != 0 ? "read" : "written", mode);
  return FALSE;
}

static FILE *
open_stream (CimplStream *stream, const char *mode, GError **error)
{
  CimplStreamFlags flags, wanted;
  Cookie *self;
  FILE *file;

  if (!cimpl_stream_try_get_flags (stream, &flags, error)
      || !check_mode (stream, mode, flags, &wanted, error))
    return NULL;

  self = g_new0 (Cookie, 1);
  self->stream = g_object_ref (stream);
  /* Without a position, everything is written at the end. */
  self->appends = mode[0] == 'a' && (flags & CIMPL_STREAM_SEEKABLE) != 0;
  file = open_cookie (self, mode, wanted);
  if (file == NULL)
    {
      int errnum = errno;
      g_autofree char *message = g_strconcat ("No FILE can be made: ", g_strerror (errnum), NULL);

      g_propagate_error (error, cimpl_error_new_from_errno (errnum, message));
      g_object_unref (self->stream);
      g_free (self);
    }
  return file;
}

/**
 * cimpl_stream_to_stdio: (skip)
 * @stream: a stream
 * @mode: what the `FILE` is for, as in fdopen(): `r`, `w` or `a`, then `+` for both directions; a
 *   `b` changes nothing
 *
 * Makes a `FILE` that reads and writes @stream, for libraries that want one.
 *
 * It has a reference of its own, which fclose() gives back, having written what is left in its
 * buffer and flushed the stream, if anything was written; whether that worked is what fclose()
 * returns. The stream is not closed. Nothing is truncated, also with `w`; with `a`, all is written
 * at the end of a stream that can seek.
 *
 * When a function of stdio fails, `errno` is that of the stream's error, or corresponds to its
 * code: `EAGAIN` for would-block, `ENOSPC`, `ESPIPE` for a seek in what has no position, `EBADF`
 * for a closed stream, or else `EIO`. cimpl_stream_last_error() says more.
 *
 * The `FILE` has a buffer, and so a position of its own: fflush() before somebody else uses the
 * stream after writing, and fseeko() before reading on after somebody else has. fflush() hands the
 * data to the stream and does not flush that. With `_IONBF`, glibc reads byte by byte, which is one
 * operation of the stream each. The callbacks of the stream must return: a C++ exception would
 * leave the functions of stdio, which are not made for that.
 *
 * Returns: a `FILE`, to be closed with fclose(), or `NULL` with
 *   %CIMPL_STREAM_ERROR_NULL_PARAMETER, with %CIMPL_STREAM_ERROR_INVALID_HANDLE, with
 *   %CIMPL_STREAM_ERROR_CLOSED, with %CIMPL_STREAM_ERROR_INVALID_ARGUMENT for another @mode, or
 *   with %CIMPL_STREAM_ERROR_NOT_SUPPORTED for one that the stream cannot serve, and where the C
 *   library has neither fopencookie() nor funopen()
 *
 * Since: 1.0
 */
FILE *
cimpl_stream_to_stdio (CimplStream *stream, const char *mode)
{
  CIMPL_AUTO_DROP CimplStream *held = NULL;
  GError *error = NULL;
  FILE *file = NULL;

  if (stream != NULL && mode == NULL)
    g_set_error_literal (&error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NULL_PARAMETER, "mode");
  else
    held = cimpl_stream_try_from_handle ((guintptr) stream, &error);
  if (held != NULL)
    file = open_stream (held, mode, &error);
  if (file == NULL)
    publish (error);
  return file;
}
