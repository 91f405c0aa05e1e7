/* SPDX-License-Identifier: MIT */

/* A CimplFileStream that works on a descriptor. */

#include "config.h"

#include "streams/cimpl-file-stream-private.h"

#include "streams/cimpl-signal-guard-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static int
descriptor_get_flags (CimplFileStream *self, CimplStreamFlags *flags)
{
  int status = fcntl (self->fd, F_GETFL);

  if (status == -1)
    return -1;

  *flags = 0;
  if ((status & O_ACCMODE) == O_RDONLY || (status & O_ACCMODE) == O_RDWR)
    *flags |= CIMPL_STREAM_READABLE;
  if ((status & O_ACCMODE) == O_WRONLY || (status & O_ACCMODE) == O_RDWR)
    *flags |= CIMPL_STREAM_WRITABLE;
  if (lseek (self->fd, 0, SEEK_CUR) != -1)
    *flags |= CIMPL_STREAM_SEEKABLE;
  return 0;
}

static gssize
descriptor_read (CimplFileStream *self, void *buffer, gsize count)
{
  return read (self->fd, buffer, count);
}

static gssize
descriptor_write (CimplFileStream *self, const void *data, gsize count)
{
  CimplSignalGuard guard;
  gssize n_written;

  if (self->is_socket)
    return send (self->fd, data, count, MSG_NOSIGNAL);

  cimpl_signal_guard_begin (&guard, self->signal);
  n_written = write (self->fd, data, count);
  cimpl_signal_guard_end (&guard, n_written != (gssize) count);
  return n_written;
}

static gint64
descriptor_seek (CimplFileStream *self, gint64 offset, int whence)
{
  return lseek (self->fd, offset, whence);
}

static int
descriptor_flush (CimplFileStream *self)
{
  return 0;
}

static int
descriptor_close (CimplFileStream *self)
{
  /* Linux has closed it also when it was interrupted; to do so again could hit somebody else's. */
  return close (self->fd) == 0 || errno == EINTR ? 0 : -1;
}

const CimplFileBackend cimpl_file_descriptor_backend = {
  .get_flags = descriptor_get_flags,
  .read = descriptor_read,
  .write = descriptor_write,
  .seek = descriptor_seek,
  .flush = descriptor_flush,
  .close = descriptor_close,
};
