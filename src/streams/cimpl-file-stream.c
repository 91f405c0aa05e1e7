/* SPDX-License-Identifier: MIT */

#include "config.h"

#include "streams/cimpl-file-stream-private.h"

#include "streams/cimpl-signal-guard-private.h"
#include "core/cimpl-stream-error-private.h"
#include "core/cimpl-stream-private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/**
 * CimplFileStream:
 *
 * A [class@CimplStream.Stream] over a file descriptor, or over a `FILE` of C: a file, a pipe, a
 * socket, a terminal, or whatever else has one.
 *
 * ```c
 * #include <cimplstream/cimplstream.h>
 *
 * int
 * main (void)
 * {
 *   g_autofree char *directory = g_dir_make_tmp (NULL, NULL);
 *   g_autofree char *path = g_build_filename (directory, "example", NULL);
 *   g_autoptr (CimplStream) stream = cimpl_file_stream_open (path, "w+", NULL);
 *   g_autoptr (CimplStream) missing = NULL;
 *   g_autoptr (GBytes) bytes = NULL;
 *   g_autoptr (GError) error = NULL;
 *
 *   if (!cimpl_stream_try_write_all (stream, "some data", 9, NULL, NULL, &error)
 *       || cimpl_stream_try_seek (stream, -4, CIMPL_SEEK_MODE_END, NULL, &error) != 5)
 *     g_error ("%s", error->message);
 *   bytes = cimpl_stream_try_read_to_end (stream, 1000, NULL, &error);
 *   g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), "data", 4);
 *
 *   // The error of a file says which one it is: "/tmp/… cannot be opened: No such file or …"
 *   remove (path);
 *   remove (directory);
 *   missing = cimpl_file_stream_open (path, "r", &error);
 *   g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_IO_OPERATION);
 *   return missing == NULL ? 0 : 1;
 * }
 * ```
 *
 * A descriptor is not buffered: each operation is a system call, and what that does is what the
 * stream does. Short reads and writes are normal, and where they would have to wait and the
 * descriptor does not, they fail with %CIMPL_STREAM_ERROR_WOULD_BLOCK. Only what a signal handler
 * has interrupted is tried again. Errors keep the errno, and name the file.
 *
 * Whether the stream can be read, written, seeked and truncated is asked of the descriptor when
 * the stream is made. A position past the end is allowed; the next write fills the gap with zeros.
 *
 * A cancellable ends also an operation that waits, for a pipe, a socket or a terminal. With one,
 * at most `PIPE_BUF` bytes are written to those at once.
 *
 * Writing to a pipe or a socket that nobody reads any more is an error, and not a `SIGPIPE`.
 * Writing beyond `RLIMIT_FSIZE` is %CIMPL_STREAM_ERROR_NO_SPACE, and not a `SIGXFSZ`, if there was
 * such a limit when the stream was made.
 *
 * Copying from one of these streams to another is left to the kernel where that is possible.
 *
 * Since: 1.0
 */
G_DEFINE_FINAL_TYPE (CimplFileStream, cimpl_file_stream, CIMPL_TYPE_STREAM)

#define PARENT_CLASS CIMPL_STREAM_CLASS (cimpl_file_stream_parent_class)

enum
{
  PROP_FD = 1,
  PROP_CLOSE_FD,
  N_PROPS,
};

static GParamSpec *properties[N_PROPS];

/* What the stream works on that this thread is making; no property, which a binding could set. */
static _Thread_local FILE *file_of_next;

/* What to call the file in messages: its path, or "pipe:[1234]" and the like. */
char *
cimpl_file_stream_dup_name (CimplFileStream *self)
{
  g_autofree char *link_path = NULL;
  g_autofree char *path = NULL;

  if (self->fd < 0 && self->file != NULL)
    return g_strdup ("The FILE");
  link_path = g_strdup_printf ("/proc/self/fd/%d", self->fd);
  path = g_file_read_link (link_path, NULL);
  return path != NULL ? g_filename_display_name (path)
                      : g_strdup_printf ("Descriptor %d", self->fd);
}

static gboolean
fail_with_name (const char *name, const char *what, int errnum, GError **error)
{
  g_autofree char *message
      = g_strdup_printf ("%s cannot be %s: %s", name, what, g_strerror (errnum));

  g_propagate_error (error, cimpl_error_new_from_errno (errnum, message));
  return FALSE;
}

gboolean
cimpl_file_stream_fail (CimplFileStream *self, const char *what, int errnum, GError **error)
{
  g_autofree char *name = cimpl_file_stream_dup_name (self);

  return fail_with_name (name, what, errnum, error);
}

/* Of what could not be asked, each operation shows what is wrong. */
static gboolean
can (CimplFileStream *self, CimplStreamFlags flag)
{
  return (self->flags & flag) != 0 || self->probe_errno != 0;
}

/* Waits until an operation will not, or until it is cancelled. */
static gboolean
wait_until_ready (CimplFileStream *self,
                  GIOCondition condition,
                  GCancellable *cancellable,
                  GError **error)
{
  GPollFD fds[2] = { { self->fd, (gushort) condition, 0 } };
  int status;
  int n;

  if (cancellable == NULL || self->is_regular)
    return TRUE;
  /* Of what a FILE has in its buffer, the descriptor knows nothing. */
  if (self->file != NULL
      && (condition == G_IO_OUT || cimpl_file_stdio_count_ready (self->file) > 0))
    return TRUE;

  status = fcntl (self->fd, F_GETFL);
  if (status == -1 || (status & O_NONBLOCK) != 0
      || !g_cancellable_make_pollfd (cancellable, &fds[1]))
    return TRUE;

  do
    n = g_poll (fds, G_N_ELEMENTS (fds), -1);
  while (n < 0 && errno == EINTR);
  g_cancellable_release_fd (cancellable);
  return cimpl_check_not_cancelled (cancellable, error);
}

/* Slots */

static gboolean
cimpl_file_stream_read (CimplStream *stream,
                        void *buffer,
                        gsize count,
                        gsize *n_read,
                        GCancellable *cancellable,
                        GError **error)
{
  CimplFileStream *self = (CimplFileStream *) stream; /* often called: no type check */
  gssize n;

  if (!can (self, CIMPL_STREAM_READABLE))
    return PARENT_CLASS->read (stream, buffer, count, n_read, cancellable, error);

  do
    {
      if (!wait_until_ready (self, G_IO_IN, cancellable, error))
        return FALSE;
      n = self->backend->read (self, buffer, count);
    }
  while (n < 0 && errno == EINTR);

  if (n < 0)
    return cimpl_file_stream_fail (self, "read", errno, error);
  *n_read = (gsize) n;
  return TRUE;
}

static gboolean
cimpl_file_stream_write (CimplStream *stream,
                         const void *data,
                         gsize count,
                         gsize *n_written,
                         GCancellable *cancellable,
                         GError **error)
{
  CimplFileStream *self = (CimplFileStream *) stream;
  gssize n;

  if (!can (self, CIMPL_STREAM_WRITABLE))
    return PARENT_CLASS->write (stream, data, count, n_written, cancellable, error);

  /* That much can be written without waiting to what is ready for any. */
  if (cancellable != NULL && !self->is_regular)
    count = MIN (count, PIPE_BUF);
  do
    {
      if (!wait_until_ready (self, G_IO_OUT, cancellable, error))
        return FALSE;
      n = self->backend->write (self, data, count);
    }
  while (n < 0 && errno == EINTR);

  if (n < 0)
    return cimpl_file_stream_fail (self, "written", errno, error);
  *n_written = (gsize) n;
  return TRUE;
}

static gboolean
cimpl_file_stream_seek (CimplStream *stream,
                        gint64 offset,
                        CimplSeekMode mode,
                        gint64 *position,
                        GCancellable *cancellable,
                        GError **error)
{
  CimplFileStream *self = CIMPL_FILE_STREAM (stream);
  gint64 result = self->backend->seek (self, offset, (int) mode); /* the values are the same */
  int errnum = errno;

  if (result >= 0)
    {
      *position = result;
      return TRUE;
    }
  cimpl_file_stream_fail (self, "seeked", errnum, error);
  if (errnum == EINVAL || errnum == EOVERFLOW) /* there can be no such position */
    cimpl_error_set_is_argument (*error);
  return FALSE;
}

static gboolean
cimpl_file_stream_flush (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  CimplFileStream *self = CIMPL_FILE_STREAM (stream);

  if (self->backend->flush (self) != 0)
    return cimpl_file_stream_fail (self, "flushed", errno, error);
  return TRUE;
}

static gboolean
cimpl_file_stream_close (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  CimplFileStream *self = CIMPL_FILE_STREAM (stream);
  g_autofree char *name = NULL;

  if (!atomic_load (&self->close_fd))
    return TRUE;
  name = cimpl_file_stream_dup_name (self); /* as it has none any more when that has failed */
  if (self->backend->close (self) != 0)
    return fail_with_name (name, "closed", errno, error);
  return TRUE;
}

static int
truncate_descriptor (CimplFileStream *self, gint64 size)
{
  CimplSignalGuard guard;
  int result;

  do
    {
      cimpl_signal_guard_begin (&guard, self->signal);
      result = ftruncate (self->fd, size);
      cimpl_signal_guard_end (&guard, result != 0);
    }
  while (result != 0 && errno == EINTR);
  return result;
}

static gboolean
cimpl_file_stream_truncate (CimplStream *stream,
                            gint64 size,
                            GCancellable *cancellable,
                            GError **error)
{
  CimplFileStream *self = CIMPL_FILE_STREAM (stream);

  if (!can (self, CIMPL_STREAM_TRUNCATABLE))
    return PARENT_CLASS->truncate (stream, size, cancellable, error);
  if (self->backend->flush (self) != 0 || truncate_descriptor (self, size) != 0)
    return cimpl_file_stream_fail (self, "truncated", errno, error);
  return TRUE;
}

static gboolean
cimpl_file_stream_query_flags (CimplStream *stream, CimplStreamFlags *flags, GError **error)
{
  CimplFileStream *self = CIMPL_FILE_STREAM (stream);

  if (self->probe_errno != 0)
    return cimpl_file_stream_fail (self, "queried", self->probe_errno, error);
  *flags = self->flags;
  return TRUE;
}

/* Object */

static gboolean
has_size_limit (void)
{
  struct rlimit limit;

  return getrlimit (RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

/* Finds out what the descriptor is. */
static void
probe (CimplFileStream *self)
{
  struct stat status;

  if (self->backend->get_flags (self, &self->flags) != 0)
    self->probe_errno = errno;
  if (fstat (self->fd, &status) != 0)
    return;

  self->is_regular = S_ISREG (status.st_mode);
  self->is_socket = S_ISSOCK (status.st_mode);
  if (self->is_regular && (self->flags & CIMPL_STREAM_WRITABLE) != 0)
    self->flags |= CIMPL_STREAM_TRUNCATABLE;

  /* To block a signal takes longer than to write a few bytes: only where there may be one. */
  if (self->is_socket || S_ISFIFO (status.st_mode))
    self->signal = SIGPIPE;
  else if (self->is_regular && has_size_limit ())
    self->signal = SIGXFSZ;
}

static void
cimpl_file_stream_constructed (GObject *object)
{
  CimplFileStream *self = CIMPL_FILE_STREAM (object);

  self->backend = &cimpl_file_descriptor_backend;
  if (self->file != NULL)
    {
      self->backend = &cimpl_file_stdio_backend;
      self->fd = fileno (self->file);
    }
  probe (self);

  /* Last, as this makes it a valid handle. */
  G_OBJECT_CLASS (cimpl_file_stream_parent_class)->constructed (object);
}

static void
cimpl_file_stream_set_property (GObject *object,
                                guint property_id,
                                const GValue *value,
                                GParamSpec *pspec)
{
  CimplFileStream *self = CIMPL_FILE_STREAM (object);

  switch (property_id)
    {
    case PROP_FD:
      self->fd = g_value_get_int (value);
      break;
    case PROP_CLOSE_FD:
      if (atomic_exchange (&self->close_fd, g_value_get_boolean (value))
          != g_value_get_boolean (value))
        g_object_notify_by_pspec (object, pspec);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
cimpl_file_stream_get_property (GObject *object,
                                guint property_id,
                                GValue *value,
                                GParamSpec *pspec)
{
  CimplFileStream *self = CIMPL_FILE_STREAM (object);

  switch (property_id)
    {
    case PROP_FD:
      g_value_set_int (value, cimpl_file_stream_get_fd (self));
      break;
    case PROP_CLOSE_FD:
      g_value_set_boolean (value, atomic_load (&self->close_fd));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
cimpl_file_stream_class_init (CimplFileStreamClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  CimplStreamClass *stream_class = CIMPL_STREAM_CLASS (klass);

  object_class->constructed = cimpl_file_stream_constructed;
  object_class->set_property = cimpl_file_stream_set_property;
  object_class->get_property = cimpl_file_stream_get_property;

  stream_class->read = cimpl_file_stream_read;
  stream_class->write = cimpl_file_stream_write;
  stream_class->seek = cimpl_file_stream_seek;
  stream_class->flush = cimpl_file_stream_flush;
  stream_class->close = cimpl_file_stream_close;
  stream_class->truncate = cimpl_file_stream_truncate;
  stream_class->query_flags = cimpl_file_stream_query_flags;
  stream_class->copy_to = cimpl_file_stream_copy_to;

  /**
   * CimplFileStream:fd: (getter get_fd)
   *
   * The descriptor, see [method@CimplStream.FileStream.get_fd].
   *
   * Since: 1.0
   */
  properties[PROP_FD]
      = g_param_spec_int ("fd", NULL, NULL, -1, G_MAXINT, -1,
                          G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * CimplFileStream:close-fd:
   *
   * Whether closing the stream closes the descriptor, or the `FILE`, too.
   *
   * Since: 1.0
   */
  properties[PROP_CLOSE_FD]
      = g_param_spec_boolean ("close-fd", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
cimpl_file_stream_init (CimplFileStream *self)
{
  self->file = g_steal_pointer (&file_of_next);
}

/* Constructors and methods */

/**
 * cimpl_file_stream_new_for_fd: (constructor)
 * @fd: a descriptor
 * @close_fd: whether closing the stream closes @fd, too
 *
 * Makes a stream over a descriptor, with which it shares its position.
 *
 * It can be read and written as the descriptor can. One that is not open shows that in the first
 * operation: %CIMPL_STREAM_ERROR_IO_OPERATION with the errno `EBADF`.
 *
 * Returns: (transfer full): a new stream
 *
 * Since: 1.0
 */
CimplStream *
cimpl_file_stream_new_for_fd (int fd, gboolean close_fd)
{
  return g_object_new (CIMPL_TYPE_FILE_STREAM, "fd", fd, "close-fd", close_fd, NULL);
}

/**
 * cimpl_file_stream_new_for_stdio: (skip)
 * @file: a `FILE`
 * @close_file: whether closing the stream closes @file, too, with `fclose()`
 *
 * Makes a stream over a `FILE`, with which it shares its position and its buffer: both may be used
 * in turns. What is written to the stream stays in that buffer until it is flushed or closed.
 *
 * Reading waits for no more than the first byte. Writing is not interrupted by a cancellable; on
 * a descriptor that does not block, it fails where it would have to wait, and what the `FILE` had
 * in its buffer is lost: %CIMPL_STREAM_ERROR_IO_OPERATION.
 *
 * The stream must be closed or dropped before somebody else closes @file.
 *
 * Returns: (transfer full): a new stream
 *
 * Since: 1.0
 */
CimplStream *
cimpl_file_stream_new_for_stdio (FILE *file, gboolean close_file)
{
  g_return_val_if_fail (file != NULL, NULL);

  file_of_next = file;
  return g_object_new (CIMPL_TYPE_FILE_STREAM, "close-fd", close_file, NULL);
}

/**
 * cimpl_file_stream_get_fd: (get-property fd)
 * @self: a file stream
 *
 * Gets the descriptor of the stream, which remains the stream's own.
 *
 * Returns: the descriptor, or -1 of a closed stream and of a `FILE` that has none
 *
 * Since: 1.0
 */
int
cimpl_file_stream_get_fd (CimplFileStream *self)
{
  g_return_val_if_fail (CIMPL_IS_FILE_STREAM (self), -1);

  return cimpl_stream_is_closed (CIMPL_STREAM (self)) ? -1 : self->fd;
}

static gboolean
sync_descriptor (CimplFileStream *self, CimplHandle *handle, GError **error)
{
  GError *failure = NULL;
  int result;

  do
    result = fsync (self->fd);
  while (result != 0 && errno == EINTR);

  if (result == 0)
    return TRUE;
  /* The descriptor is of a pipe or the like, which is no failure. */
  if (errno == EINVAL)
    return cimpl_file_stream_fail (self, "synced", ENOTSUP, error);
  cimpl_file_stream_fail (self, "synced", errno, &failure);
  return cimpl_operation_end_failed (handle, CIMPL_KIND_FLUSH, failure, NULL, error);
}

/**
 * cimpl_file_stream_try_sync: (rename-to cimpl_file_stream_sync)
 * @self: a file stream
 * @cancellable: (nullable): a cancellable; it does not interrupt the sync once that has begun
 * @error: return location for an error
 *
 * Flushes the stream and waits until the device has the data, as fsync() does: after this, it is
 * there even if the machine crashes.
 *
 * Fails with %CIMPL_STREAM_ERROR_NOT_SUPPORTED on what is no file, such as a pipe.
 *
 * Returns: whether that worked
 *
 * Since: 1.0
 */
gboolean
cimpl_file_stream_try_sync (CimplFileStream *self, GCancellable *cancellable, GError **error)
{
  CimplHandle *handle;

  g_return_val_if_fail (CIMPL_IS_FILE_STREAM (self), FALSE);

  handle = cimpl_stream_enter (CIMPL_STREAM (self), CIMPL_KIND_FLUSH, G_STRFUNC, error);
  if (handle == NULL)
    return FALSE;
  CIMPL_AUTO_LEAVE (handle);
  return cimpl_operation_flush (handle, cancellable, error)
         && sync_descriptor (self, handle, error);
}
