/* SPDX-License-Identifier: MIT */

/*
 * A CimplFileStream that works on a FILE, which others may use as well: what was read ahead or is
 * yet to be written stays in its own buffer. It is locked while more than one of its functions is
 * needed for one operation.
 */

#include "config.h"

#include "streams/cimpl-file-stream-private.h"

#include "streams/cimpl-signal-guard-private.h"

#include <errno.h>
#include <stdio_ext.h>

/* Passes on what is buffered. Everything that may do so is guarded as writing is. */
static int
flush_locked (CimplFileStream *self)
{
  CimplSignalGuard guard;
  int result;

  cimpl_signal_guard_begin (&guard, self->signal);
  result = fflush (self->file);
  cimpl_signal_guard_end (&guard, result != 0);

  /* The C library drops what it could not write, so that another try would miss that. */
  if (result != 0 && (errno == EINTR || errno == EAGAIN))
    errno = EIO;
  return result == 0 ? 0 : -1;
}

static int
stdio_flush (CimplFileStream *self)
{
  int result;

  flockfile (self->file);
  result = flush_locked (self);
  funlockfile (self->file);
  return result;
}

static int
stdio_get_flags (CimplFileStream *self, CimplStreamFlags *flags)
{
  *flags = 0;
  if (__freadable (self->file))
    *flags |= CIMPL_STREAM_READABLE;
  if (__fwritable (self->file))
    *flags |= CIMPL_STREAM_WRITABLE;
  if (ftello (self->file) != -1)
    *flags |= CIMPL_STREAM_SEEKABLE;
  return 0;
}

/* How many bytes can be read without asking what is behind the FILE. */
gsize
cimpl_file_stdio_count_ready (FILE *file)
{
  gsize count;

  flockfile (file);
  count = (gsize) (file->_IO_read_end - file->_IO_read_ptr);
  funlockfile (file);
  return count;
}

/* fread() would wait until there are @count bytes: too long where somebody may wait for us. */
static gsize
read_ready (FILE *file, guint8 *buffer, gsize count)
{
  int byte = getc (file);

  if (byte == EOF)
    return 0;
  buffer[0] = (guint8) byte;
  return 1 + fread (buffer + 1, 1, MIN (count - 1, cimpl_file_stdio_count_ready (file)), file);
}

static gssize
read_locked (CimplFileStream *self, void *buffer, gsize count)
{
  FILE *file = self->file;
  gsize n_read;

  /* C does not allow reading right after writing, nor the reverse. */
  if (__fwriting (file) && flush_locked (self) != 0)
    return -1;

  /* A file may have grown meanwhile. The end of a terminal stays one until clearerr(). */
  if (self->is_regular && feof (file))
    fseeko (file, 0, SEEK_CUR);

  n_read = self->is_regular ? fread (buffer, 1, count, file) : read_ready (file, buffer, count);
  if (n_read > 0 || feof (file))
    return (gssize) n_read;
  if (errno == EINTR || errno == EAGAIN)
    clearerr (file); /* nothing that anybody should find later */
  return -1;
}

static gssize
stdio_read (CimplFileStream *self, void *buffer, gsize count)
{
  gssize n_read;

  flockfile (self->file);
  n_read = read_locked (self, buffer, count);
  funlockfile (self->file);
  return n_read;
}

static gssize
write_locked (CimplFileStream *self, const void *data, gsize count)
{
  CimplSignalGuard guard;
  gsize n_written;

  /* What has no position needs no seek, and cannot do it. */
  if (__freading (self->file) && fseeko (self->file, 0, SEEK_CUR) != 0 && errno != ESPIPE)
    return -1;

  cimpl_signal_guard_begin (&guard, self->signal);
  n_written = fwrite (data, 1, count, self->file);
  cimpl_signal_guard_end (&guard, n_written != count);
  if (n_written == count)
    return (gssize) count;

  /* Some of what fwrite() counts was dropped, and nobody knows how much: see flush_locked(). */
  if (errno == EINTR || errno == EAGAIN)
    errno = EIO;
  return -1;
}

static gssize
stdio_write (CimplFileStream *self, const void *data, gsize count)
{
  gssize n_written;

  flockfile (self->file);
  n_written = write_locked (self, data, count);
  funlockfile (self->file);
  return n_written;
}

static gint64
stdio_seek (CimplFileStream *self, gint64 offset, int whence)
{
  gint64 position = -1;

  flockfile (self->file);
  if (offset == 0 && whence == SEEK_CUR)
    position = ftello (self->file); /* without fflush(), unlike fseeko() */
  else if ((!__fwriting (self->file) || flush_locked (self) == 0)
           && fseeko (self->file, offset, whence) == 0)
    position = ftello (self->file);
  funlockfile (self->file);
  return position;
}

static int
stdio_close (CimplFileStream *self)
{
  CimplSignalGuard guard;
  int result;

  cimpl_signal_guard_begin (&guard, self->signal);
  result = fclose (self->file);
  cimpl_signal_guard_end (&guard, result != 0);
  return result == 0 ? 0 : -1;
}

const CimplFileBackend cimpl_file_stdio_backend = {
  .get_flags = stdio_get_flags,
  .read = stdio_read,
  .write = stdio_write,
  .seek = stdio_seek,
  .flush = stdio_flush,
  .close = stdio_close,
};
