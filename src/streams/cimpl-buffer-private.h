/* SPDX-License-Identifier: MIT */
#pragma once

#include "cimplstream/cimpl-stream.h"

#include <string.h>

G_BEGIN_DECLS
#pragma GCC visibility push(hidden)

/*
 * A window on the data of a base stream, and a position in it: what CimplBufferedStream reads
 * ahead and writes behind.
 *
 * The first `end` bytes of `data` are those of the base from `origin` on. Of these, the ones from
 * `dirty_start` to `dirty_end` were written here, and the base does not have them yet. The user is
 * at origin + offset.
 *
 * What fails leaves the window and the user's position as they are, so that all can be tried again.
 *
 * With a base that cannot seek, one such window is read only and another one written only; they
 * count from 0, and where the base stands is not their concern.
 */
typedef struct
{
  guint8 *data; /* (owned); NULL until it is needed */
  gsize capacity;
  gsize offset; /* at most end */
  gsize end;
  gsize dirty_start; /* both are 0 if the base has everything */
  gsize dirty_end;

  gsize size;        /* the capacity to have, if nothing else asks for more */
  CimplStream *base; /* NULL until it is initialized; who embeds this keeps the reference */
  gboolean is_seekable;
  gint64 origin;
  gint64 base_position; /* where the base stands; -1 if it may be anywhere, after a failure */
} CimplBuffer;

void cimpl_buffer_init (CimplBuffer *self,
                        CimplStream *base,
                        gsize size,
                        gboolean is_seekable,
                        gint64 position);
void cimpl_buffer_clear (CimplBuffer *self);

void cimpl_buffer_restart (CimplBuffer *self);
gboolean
cimpl_buffer_move_base (CimplBuffer *self, gsize offset, GCancellable *cancellable, GError **error);

/* Up to @rewind_limit bytes from the start of a base that cannot seek stay in the window. */
gssize cimpl_buffer_read_ahead (CimplBuffer *self,
                                gsize wanted,
                                guint64 rewind_limit,
                                GCancellable *cancellable,
                                GError **error);
gssize cimpl_buffer_read (CimplBuffer *self,
                          void *buffer,
                          gsize count,
                          guint64 rewind_limit,
                          GCancellable *cancellable,
                          GError **error);
gboolean cimpl_buffer_drain (CimplBuffer *self, GCancellable *cancellable, GError **error);
gssize cimpl_buffer_write (CimplBuffer *self,
                           const void *data,
                           gsize count,
                           GCancellable *cancellable,
                           GError **error);
gint64 cimpl_buffer_seek (CimplBuffer *self,
                          gint64 offset,
                          CimplSeekMode mode,
                          GCancellable *cancellable,
                          GError **error);
gint64 cimpl_buffer_rewind (CimplBuffer *self,
                            gint64 offset,
                            CimplSeekMode mode,
                            guint64 rewind_limit,
                            GError **error);

static inline gboolean
cimpl_buffer_is_dirty (const CimplBuffer *self)
{
  return self->dirty_start < self->dirty_end;
}

/* How many bytes there are to be read without asking the base. */
static inline gsize
cimpl_buffer_get_unread (const CimplBuffer *self)
{
  return self->end - self->offset;
}

/* How many bytes can be written without asking the base. */
static inline gsize
cimpl_buffer_get_room (const CimplBuffer *self)
{
  return self->capacity - self->offset;
}

/*
 * Without a call for 8 to 16 bytes, where that would cost as much as the rest of an operation: by
 * the first and the last eight, which may overlap.
 */
static inline void
cimpl_buffer_copy (guint8 *target, const guint8 *source, gsize count)
{
  if (count >= 8 && count <= 16)
    {
      guint64 head, tail;

      memcpy (&head, source, 8);
      memcpy (&tail, source + count - 8, 8);
      memcpy (target, &head, 8);
      memcpy (target + count - 8, &tail, 8);
    }
  else
    memcpy (target, source, count);
}

/* Reads @count bytes, which have to be there. */
static inline void
cimpl_buffer_take (CimplBuffer *self, void *buffer, gsize count)
{
  const guint8 *data = self->data + self->offset;

  self->offset += count;
  cimpl_buffer_copy (buffer, data, count);
}

/* Writes @count bytes, which there has to be room for. */
static inline void
cimpl_buffer_put (CimplBuffer *self, const void *data, gsize count)
{
  gsize start = self->offset;
  gsize end = start + count;

  /* With what is clean between the two, if need be: it does no harm to write that again. */
  if (start < self->dirty_start || !cimpl_buffer_is_dirty (self))
    self->dirty_start = start;
  if (end > self->dirty_end)
    self->dirty_end = end;
  if (end > self->end)
    self->end = end;
  self->offset = end;
  cimpl_buffer_copy (self->data + start, data, count);
}

#pragma GCC visibility pop
G_END_DECLS
