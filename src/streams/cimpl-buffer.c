/* SPDX-License-Identifier: MIT */

#include "config.h"

#include "streams/cimpl-buffer-private.h"

#include "core/cimpl-seek-private.h"
#include "cimplstream/cimpl-stream-error.h"

void
cimpl_buffer_init (CimplBuffer *self,
                   CimplStream *base,
                   gsize size,
                   gboolean is_seekable,
                   gint64 position)
{
  self->base = base;
  self->size = size;
  self->is_seekable = is_seekable;
  self->origin = position;
  self->base_position = position;
}

/* Frees the memory, and with it what the base does not have. */
void
cimpl_buffer_clear (CimplBuffer *self)
{
  g_clear_pointer (&self->data, g_free);
  self->capacity = 0;
  self->offset = self->end = 0;
  self->dirty_start = self->dirty_end = 0;
}

static gboolean
resize (CimplBuffer *self, gsize capacity, GError **error)
{
  guint8 *data;

  g_assert (capacity >= self->end);

  if (capacity == self->capacity)
    return TRUE;
  data = g_try_realloc (self->data, capacity);
  if (data == NULL)
    {
      g_set_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NO_SPACE,
                   "No memory for a buffer of %" G_GSIZE_FORMAT " bytes", capacity);
      return FALSE;
    }
  self->data = data;
  self->capacity = capacity;
  return TRUE;
}

/* Where in the base the byte at @offset is. A base that counts beyond 64 bits is its own fault. */
static gint64
get_position (const CimplBuffer *self, gsize offset)
{
  return (gint64) MIN ((guint64) self->origin + offset, G_MAXINT64);
}

static gboolean
contains (const CimplBuffer *self, gint64 position)
{
  return position >= self->origin && (guint64) (position - self->origin) <= self->end;
}

/* Forgets what lies before the user's position, as far as the base has it. */
static void
compact (CimplBuffer *self)
{
  gsize n = cimpl_buffer_is_dirty (self) ? MIN (self->dirty_start, self->offset) : self->offset;

  if (n == 0)
    return;
  memmove (self->data, self->data + n, self->end - n);
  self->origin = get_position (self, n);
  self->offset -= n;
  self->end -= n;
  if (cimpl_buffer_is_dirty (self))
    {
      self->dirty_start -= n;
      self->dirty_end -= n;
    }
}

/* Forgets everything; the base has to have it. The user stays where he is. */
void
cimpl_buffer_restart (CimplBuffer *self)
{
  g_assert (!cimpl_buffer_is_dirty (self));

  self->origin = get_position (self, self->offset);
  self->offset = self->end = 0;
}

/* The base */

/* Puts the base where the byte at @offset is. */
gboolean
cimpl_buffer_move_base (CimplBuffer *self, gsize offset, GCancellable *cancellable, GError **error)
{
  gint64 wanted = get_position (self, offset);

  if (!self->is_seekable || self->base_position == wanted)
    return TRUE;

  self->base_position = -1;
  self->base_position
      = cimpl_stream_try_seek (self->base, wanted, CIMPL_SEEK_MODE_START, cancellable, error);
  if (self->base_position == wanted)
    return TRUE;
  if (self->base_position >= 0)
    g_set_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_IO_OPERATION,
                 "%s went to position %" G_GINT64_FORMAT " instead of %" G_GINT64_FORMAT,
                 G_OBJECT_TYPE_NAME (self->base), self->base_position, wanted);
  return FALSE;
}

/*
 * Reads or writes at the position of the base, and follows it. That is not known (-1) after a
 * failure, which may have left the base anywhere, nor if the call does not return.
 */

static void
follow_base (CimplBuffer *self, gint64 position, gssize n)
{
  if (n >= 0 && position <= G_MAXINT64 - n)
    self->base_position = position + n;
}

static gint64
steal_base_position (CimplBuffer *self)
{
  gint64 position = self->base_position;

  self->base_position = -1;
  return position;
}

static gssize
read_base (CimplBuffer *self, void *buffer, gsize count, GCancellable *cancellable, GError **error)
{
  gint64 position = steal_base_position (self);
  gssize n_read = cimpl_stream_try_read (self->base, buffer, count, cancellable, error);

  follow_base (self, position, n_read);
  return n_read;
}

static gssize
write_base (CimplBuffer *self,
            const void *data,
            gsize count,
            GCancellable *cancellable,
            GError **error)
{
  gint64 position = steal_base_position (self);
  gssize n_written = cimpl_stream_try_write (self->base, data, count, cancellable, error);

  follow_base (self, position, n_written);
  return n_written;
}

static gboolean
write_dirty (CimplBuffer *self, GCancellable *cancellable, GError **error)
{
  if (!cimpl_buffer_move_base (self, self->dirty_start, cancellable, error))
    return FALSE;
  while (cimpl_buffer_is_dirty (self))
    {
      gssize n_written = write_base (self, self->data + self->dirty_start,
                                     self->dirty_end - self->dirty_start, cancellable, error);

      if (n_written == 0)
        g_set_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_IO_OPERATION,
                     "%s takes no more data", G_OBJECT_TYPE_NAME (self->base));
      if (n_written <= 0)
        return FALSE;
      self->dirty_start += (gsize) n_written;
    }
  self->dirty_start = self->dirty_end = 0;
  return TRUE;
}

/* Writes to the base what it does not have. What fails, or is left of it, is kept. */
gboolean
cimpl_buffer_drain (CimplBuffer *self, GCancellable *cancellable, GError **error)
{
  if (!cimpl_buffer_is_dirty (self) || write_dirty (self, cancellable, error))
    return TRUE;
  g_prefix_error (
      error, "%" G_GSIZE_FORMAT " bytes were not written: ", self->dirty_end - self->dirty_start);
  return FALSE;
}

/* Reading */

/* Whether all that was read of a base that cannot seek is there, and is to be kept. */
static gboolean
keeps_start (const CimplBuffer *self, guint64 rewind_limit)
{
  return !self->is_seekable && rewind_limit > 0 && self->origin == 0
         && self->offset <= rewind_limit;
}

/*
 * Reads what comes after the window, once; returns the number of bytes, or -1. Less than @wanted
 * bytes must be unread, and @wanted be at most the size of the window.
 */
gssize
cimpl_buffer_read_ahead (CimplBuffer *self,
                         gsize wanted,
                         guint64 rewind_limit,
                         GCancellable *cancellable,
                         GError **error)
{
  gsize capacity = self->size;
  gssize n_read;

  if (keeps_start (self, rewind_limit))
    capacity = self->capacity >= self->offset + wanted ? self->capacity
                                                       : self->end + MAX (self->end, self->size);
  else if (cimpl_buffer_drain (self, cancellable, error))
    compact (self);
  else
    return -1;

  if (!resize (self, capacity, error)
      || !cimpl_buffer_move_base (self, self->end, cancellable, error))
    return -1;
  n_read = read_base (self, self->data + self->end, MIN (capacity - self->end, self->size),
                      cancellable, error);
  if (n_read > 0)
    self->end += (gsize) n_read;
  return n_read;
}

/* Reads straight into @buffer; nothing is unread. */
static gssize
read_past (CimplBuffer *self, void *buffer, gsize count, GCancellable *cancellable, GError **error)
{
  gssize n_read;

  if (!cimpl_buffer_drain (self, cancellable, error))
    return -1;
  cimpl_buffer_restart (self);
  if (!cimpl_buffer_move_base (self, 0, cancellable, error))
    return -1;
  n_read = read_base (self, buffer, count, cancellable, error);
  if (n_read > 0)
    self->origin = get_position (self, (gsize) n_read);
  return n_read;
}

/* Reads what is unread, or else asks the base. Returns the number of bytes, or -1. */
gssize
cimpl_buffer_read (CimplBuffer *self,
                   void *buffer,
                   gsize count,
                   guint64 rewind_limit,
                   GCancellable *cancellable,
                   GError **error)
{
  if (cimpl_buffer_get_unread (self) == 0)
    {
      if (count >= self->size && !keeps_start (self, rewind_limit))
        return read_past (self, buffer, count, cancellable, error);
      if (cimpl_buffer_read_ahead (self, 1, rewind_limit, cancellable, error) < 0)
        return -1;
    }
  count = MIN (count, cimpl_buffer_get_unread (self));
  cimpl_buffer_take (self, buffer, count);
  return (gssize) count;
}

/* Writing */

/* Writes straight from @data; all is drained. */
static gssize
write_past (CimplBuffer *self,
            const void *data,
            gsize count,
            GCancellable *cancellable,
            GError **error)
{
  gssize n_written;

  cimpl_buffer_restart (self);
  if (!cimpl_buffer_move_base (self, 0, cancellable, error))
    return -1;
  n_written = write_base (self, data, count, cancellable, error);
  if (n_written > 0)
    self->origin = get_position (self, (gsize) n_written);
  return n_written;
}

/* Makes room for some of what is to be written, without the base if need be. */
static gboolean
make_room (CimplBuffer *self, GError **error)
{
  if (!cimpl_buffer_is_dirty (self))
    cimpl_buffer_restart (self);
  else if (cimpl_buffer_get_room (self) == 0)
    compact (self);
  return resize (self, self->size, error);
}

/*
 * Writes more than there is room for. A base that would block is no failure as long as the window
 * takes something.
 */
gssize
cimpl_buffer_write (CimplBuffer *self,
                    const void *data,
                    gsize count,
                    GCancellable *cancellable,
                    GError **error)
{
  GError *local_error = NULL;

  if (cimpl_buffer_drain (self, cancellable, &local_error) && count >= self->size)
    {
      gssize n_written = write_past (self, data, count, cancellable, &local_error);

      if (n_written >= 0)
        return n_written;
    }

  if (local_error != NULL
      && cimpl_stream_error_get_code (local_error) != CIMPL_STREAM_ERROR_WOULD_BLOCK)
    {
      g_propagate_error (error, local_error);
      return -1;
    }
  if (!make_room (self, error))
    {
      g_clear_error (&local_error);
      return -1;
    }
  count = MIN (count, cimpl_buffer_get_room (self));
  if (count == 0)
    {
      g_propagate_error (error, local_error);
      return -1;
    }
  g_clear_error (&local_error);
  cimpl_buffer_put (self, data, count);
  return (gssize) count;
}

/* Moves the user, within the window if possible. Returns the new position, or -1. */
gint64
cimpl_buffer_seek (CimplBuffer *self,
                   gint64 offset,
                   CimplSeekMode mode,
                   GCancellable *cancellable,
                   GError **error)
{
  gint64 position = -1;

  if (mode != CIMPL_SEEK_MODE_END)
    {
      if (!cimpl_resolve_seek (get_position (self, self->offset), 0, offset, mode, &position,
                               error))
        return -1;
      offset = position;
      mode = CIMPL_SEEK_MODE_START;
    }

  if (!contains (self, position))
    {
      if (!cimpl_buffer_drain (self, cancellable, error))
        return -1;
      self->base_position = -1;
      position = cimpl_stream_try_seek (self->base, offset, mode, cancellable, error);
      self->base_position = position;
      if (position < 0)
        return -1;
    }
  if (!contains (self, position))
    {
      self->origin = position;
      self->end = 0;
    }
  self->offset = (gsize) (position - self->origin);
  return position;
}

/* Moves the user where a base that cannot seek has been read. Returns the new position, or -1. */
gint64
cimpl_buffer_rewind (CimplBuffer *self,
                     gint64 offset,
                     CimplSeekMode mode,
                     guint64 rewind_limit,
                     GError **error)
{
  const char *base_name = G_OBJECT_TYPE_NAME (self->base);
  gint64 position = -1;

  if (mode == CIMPL_SEEK_MODE_END || rewind_limit == 0)
    g_set_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NOT_SUPPORTED, "%s cannot be seeked",
                 base_name);
  else if (!keeps_start (self, rewind_limit))
    g_set_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NOT_SUPPORTED,
                 "%s cannot be seeked, and more was read than can be rewound", base_name);
  else if (cimpl_resolve_seek ((gint64) self->offset, 0, offset, mode, &position, error))
    {
      if (contains (self, position))
        {
          self->offset = (gsize) position;
          return position;
        }
      g_set_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NOT_SUPPORTED,
                   "%s cannot be seeked, and only %" G_GSIZE_FORMAT " bytes of it were read",
                   base_name, self->end);
    }
  return -1;
}
