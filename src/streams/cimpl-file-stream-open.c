/* SPDX-License-Identifier: MIT */

#include "config.h"

#include "streams/cimpl-file-stream-private.h"

#include "core/cimpl-failure-private.h"
#include "core/cimpl-stream-error-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The flags of open() that @mode means; -1 if it means nothing. */
static int
parse_mode (const char *mode)
{
  static const struct
  {
    char letter;
    int access;
    int flags;
  } letters[] = {
    { 'r', O_RDONLY, 0 },
    { 'w', O_WRONLY, O_CREAT | O_TRUNC },
    { 'a', O_WRONLY, O_CREAT | O_APPEND },
    { 'x', O_WRONLY, O_CREAT | O_EXCL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (letters); i++)
    {
      /* C has "wx" for what Python calls "x". */
      const char *allowed = letters[i].letter == 'w' ? "+bx" : "+b";
      int access = letters[i].access;
      int flags = letters[i].flags;

      if (mode[0] != letters[i].letter)
        continue;
      for (const char *c = mode + 1; *c != '\0'; c++)
        {
          if (strchr (allowed, *c) == NULL || strchr (c + 1, *c) != NULL)
            return -1;
          if (*c == '+')
            access = O_RDWR;
          if (*c == 'x')
            flags = O_CREAT | O_EXCL;
        }
      return access | flags;
    }
  return -1;
}

/* open(), also refusing directories that are only to be read. */
static int
open_file (const char *path, int flags)
{
  struct stat status;
  int fd;

  do
    fd = open (path, flags | O_CLOEXEC, 0666);
  while (fd == -1 && errno == EINTR);

  if (fd != -1 && fstat (fd, &status) == 0 && S_ISDIR (status.st_mode))
    {
      close (fd);
      errno = EISDIR;
      return -1;
    }
  return fd;
}

/**
 * cimpl_file_stream_open: (constructor)
 * @path: (type filename): the path of a file
 * @mode: what for: `r`, `w`, `a` or `x`, and after it `+` or `b` or both
 * @error: return location for an error
 *
 * Opens a file, as `fopen()` in C and `open()` in Python do. The stream owns the descriptor.
 *
 * | mode | the file | position |
 * |---|---|---|
 * | `r` | is read, and must exist | start |
 * | `w` | is written, and is made or emptied | start |
 * | `a` | is written, and is made if it does not exist; each write goes to its end | end |
 * | `x` | is written, and must not exist; also spelt `wx`, as in C | start |
 *
 * With `+` it is both read and written. All files are binary, so that `b` changes nothing, and `t`
 * is refused. The descriptor is not inherited by programs that the process executes.
 *
 * Fails with %CIMPL_STREAM_ERROR_INVALID_ARGUMENT for any other @mode; with
 * %CIMPL_STREAM_ERROR_IO_OPERATION and the errno `ENOENT`, `EEXIST`, `EISDIR`, `EACCES` and so on
 * where the file cannot be opened; and with %CIMPL_STREAM_ERROR_NO_SPACE where it cannot be made.
 *
 * Returns: (transfer full): a new stream, or `NULL` on error
 *
 * Since: 1.0
 */
CimplStream *
cimpl_file_stream_open (const char *path, const char *mode, GError **error)
{
  g_autofree char *name = NULL;
  int flags;
  int fd;

  g_return_val_if_fail (path != NULL, NULL);
  g_return_val_if_fail (mode != NULL, NULL);

  name = g_filename_display_name (path);
  flags = parse_mode (mode);
  if (flags == -1)
    {
      g_set_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_ARGUMENT,
                   "%s cannot be opened: the mode is \"%s\", and not r, w, a or x with + or b",
                   name, mode);
      return NULL;
    }

  fd = open_file (path, flags);
  if (fd == -1)
    {
      int errnum = errno;
      g_autofree char *message
          = g_strdup_printf ("%s cannot be opened: %s", name, g_strerror (errnum));
      GError *failure = cimpl_error_new_from_errno (errnum, message);

      cimpl_failure_remember (failure); /* there is no stream that could */
      g_propagate_error (error, failure);
      return NULL;
    }

  if ((flags & O_APPEND) != 0)
    lseek (fd, 0, SEEK_END); /* what has no position does not need one */
  return cimpl_file_stream_new_for_fd (fd, TRUE);
}
