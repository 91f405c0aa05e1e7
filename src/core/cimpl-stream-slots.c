/* SPDX-License-Identifier: MIT */

/*
 * The slots of CimplStreamClass: their defaults, and calling them with everything checked that
 * comes back.
 */

#include "config.h"

#include "core/cimpl-stream-private.h"

#include "core/cimpl-seek-private.h"
#include "core/cimpl-stream-error-private.h"

#define UNSET_POSITION G_MININT64
#define UNSET_FLAGS G_MAXUINT

static void
set_not_supported (CimplStream *self, GError **error, const char *what)
{
  g_set_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NOT_SUPPORTED, "%s cannot be %s",
               G_OBJECT_TYPE_NAME (self), what);
}

static void
set_contract (CimplStream *self, GError **error, const char *slot, const char *what)
{
  g_set_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CALLBACK_CONTRACT, "%s of %s %s", slot,
               G_OBJECT_TYPE_NAME (self), what);
}

void
cimpl_operation_fail (CimplHandle *handle, GError **error, const char *message)
{
  GError *pending = g_steal_pointer (&handle->pending);

  g_propagate_error (error, pending != NULL
                                ? pending
                                : g_error_new_literal (CIMPL_STREAM_ERROR,
                                                       CIMPL_STREAM_ERROR_IO_OPERATION, message));
}

/* What follows when a slot did not simply succeed. Takes @slot_error. */
static gboolean
cimpl_operation_check_slow (CimplHandle *handle,
                            const char *slot,
                            gboolean success,
                            GError *slot_error,
                            GError **error)
{
  GError *pending = g_steal_pointer (&handle->pending);

  if (success && slot_error == NULL)
    {
      g_clear_error (&pending); /* said, but not meant */
      return TRUE;
    }

  if (success)
    set_contract (cimpl_handle_get_stream (handle), error, slot, "succeeded with an error set");
  else if (slot_error != NULL)
    {
      /* Of a foreign domain, it has no room for the number; so it is recognised by its message. */
      if (pending != NULL)
        cimpl_failure_remember (pending);
      g_propagate_error (error, g_steal_pointer (&slot_error));
    }
  else if (pending != NULL)
    g_propagate_error (error, g_steal_pointer (&pending));
  else
    set_contract (cimpl_handle_get_stream (handle), error, slot, "failed without an error");
  g_clear_error (&slot_error);
  g_clear_error (&pending);
  return FALSE;
}

static inline gboolean
cimpl_operation_check (CimplHandle *handle,
                       const char *slot,
                       gboolean success,
                       GError *slot_error,
                       GError **error)
{
  if (G_LIKELY (success && slot_error == NULL && handle->pending == NULL))
    return TRUE;
  return cimpl_operation_check_slow (handle, slot, success, slot_error, error);
}

/*
 * Whether an error is a failure of the stream. That it would block is none, nor is what the caller
 * has cancelled; and that something has no position or no other size is but an answer.
 */
static gboolean
is_failure (CimplKind kind, const GError *error, GCancellable *cancellable)
{
  switch (cimpl_stream_error_get_code (error))
    {
    case CIMPL_STREAM_ERROR_WOULD_BLOCK:
      return FALSE;
    case CIMPL_STREAM_ERROR_CANCELLED:
      return !g_cancellable_is_cancelled (cancellable);
    case CIMPL_STREAM_ERROR_NOT_SUPPORTED:
      return (kind & (CIMPL_KIND_SEEK | CIMPL_KIND_TRUNCATE)) == 0;
    default:
      return TRUE;
    }
}

/* Ends an operation that failed, not by the caller's fault: the stream keeps @failure, which is
 * passed on. FALSE, to be returned. */
gboolean
cimpl_operation_end_failed (CimplHandle *handle,
                            CimplKind kind,
                            GError *failure,
                            GCancellable *cancellable,
                            GError **error)
{
  if (is_failure (kind, failure, cancellable))
    cimpl_failure_record (handle, kind, failure);
  g_propagate_error (error, failure);
  return FALSE;
}

static void
set_bad_count (CimplStream *self, const char *slot, gsize n_done, gsize count, GError **error)
{
  if (n_done == CIMPL_UNSET_COUNT)
    set_contract (self, error, slot, "succeeded without saying how many bytes");
  else
    g_set_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CALLBACK_CONTRACT,
                 "%s of %s returned %" G_GSIZE_FORMAT " bytes where at most %" G_GSIZE_FORMAT
                 " were asked for",
                 slot, G_OBJECT_TYPE_NAME (self), n_done, count);
}

/* For a slot that waits or takes long: the methods have checked it before they call one. */
gboolean
cimpl_check_not_cancelled (GCancellable *cancellable, GError **error)
{
  if (!g_cancellable_is_cancelled (cancellable))
    return TRUE;
  g_set_error_literal (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CANCELLED,
                       "The operation was cancelled");
  return FALSE;
}

/* Whether a transfer of @count bytes can be asked of a slot; count 0 is the caller's. */
static gboolean
check_transfer (gsize count, GCancellable *cancellable, GError **error)
{
  if (count > G_MAXSSIZE)
    {
      g_set_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_BUFFER,
                   "%" G_GSIZE_FORMAT " bytes are more than any buffer has", count);
      return FALSE;
    }
  return cimpl_check_not_cancelled (cancellable, error);
}

static gboolean
copy_bytes (CimplStream *self,
            GBytes *bytes,
            void *buffer,
            gsize count,
            gsize *n_read,
            GError **error)
{
  gsize size = g_bytes_get_size (bytes);

  if (size > count)
    {
      set_bad_count (self, "read_bytes", size, count, error);
      return FALSE;
    }
  if (size > 0)
    memcpy (buffer, g_bytes_get_data (bytes, NULL), size);
  *n_read = size;
  return TRUE;
}

/* Defaults of the slots */

static void
end_default_read (CimplHandle **handle)
{
  (*handle)->in_default_read = FALSE;
}

/* Until the end of the block, however that is left. */
#define IN_DEFAULT_READ(handle)                                                                    \
  __attribute__ ((cleanup (end_default_read))) G_GNUC_UNUSED CimplHandle *reading = (handle);      \
  (handle)->in_default_read = TRUE

static GBytes *cimpl_stream_default_read_bytes (CimplStream *self,
                                                gsize count,
                                                GCancellable *cancellable,
                                                GError **error);

static gboolean
cimpl_stream_default_read (CimplStream *self,
                           void *buffer,
                           gsize count,
                           gsize *n_read,
                           GCancellable *cancellable,
                           GError **error)
{
  CimplHandle *handle = cimpl_stream_get_handle (self);
  CimplStreamClass *klass = CIMPL_STREAM_GET_CLASS (self);
  g_autoptr (GBytes) bytes = NULL;

  if (handle->in_default_read || klass->read_bytes == cimpl_stream_default_read_bytes)
    {
      set_not_supported (self, error, "read");
      return FALSE;
    }
  IN_DEFAULT_READ (handle);
  bytes = klass->read_bytes (self, count, cancellable, error);
  return bytes != NULL && copy_bytes (self, bytes, buffer, count, n_read, error);
}

/* Reads by the slot that fills a buffer. */
static GBytes *
read_new_bytes (CimplStream *self, gsize count, GCancellable *cancellable, GError **error)
{
  g_autofree guint8 *buffer = g_try_malloc (count);
  gsize n_read = CIMPL_UNSET_COUNT;

  if (buffer == NULL)
    {
      g_set_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NO_SPACE,
                   "No memory to read %" G_GSIZE_FORMAT " bytes", count);
      return NULL;
    }
  if (!CIMPL_STREAM_GET_CLASS (self)->read (self, buffer, count, &n_read, cancellable, error))
    return NULL;
  if (n_read > count)
    {
      set_bad_count (self, "read", n_read, count, error);
      return NULL;
    }
  if (n_read < count)
    buffer = g_realloc (buffer, n_read); /* a short read must not keep a large block */
  return g_bytes_new_take (g_steal_pointer (&buffer), n_read);
}

static GBytes *
cimpl_stream_default_read_bytes (CimplStream *self,
                                 gsize count,
                                 GCancellable *cancellable,
                                 GError **error)
{
  CimplHandle *handle = cimpl_stream_get_handle (self);
  CimplStreamClass *klass = CIMPL_STREAM_GET_CLASS (self);

  if (handle->in_default_read || klass->read == cimpl_stream_default_read)
    {
      set_not_supported (self, error, "read");
      return NULL;
    }
  IN_DEFAULT_READ (handle);
  return read_new_bytes (self, count, cancellable, error);
}

static gboolean
cimpl_stream_default_write (CimplStream *self,
                            const void *data,
                            gsize count,
                            gsize *n_written,
                            GCancellable *cancellable,
                            GError **error)
{
  set_not_supported (self, error, "written");
  return FALSE;
}

static gboolean
cimpl_stream_default_seek (CimplStream *self,
                           gint64 offset,
                           CimplSeekMode mode,
                           gint64 *position,
                           GCancellable *cancellable,
                           GError **error)
{
  set_not_supported (self, error, "seeked");
  return FALSE;
}

static gboolean
cimpl_stream_default_flush (CimplStream *self, GCancellable *cancellable, GError **error)
{
  return TRUE;
}

static gboolean
cimpl_stream_default_close (CimplStream *self, GCancellable *cancellable, GError **error)
{
  return TRUE;
}

static gboolean
cimpl_stream_default_truncate (CimplStream *self,
                               gint64 size,
                               GCancellable *cancellable,
                               GError **error)
{
  set_not_supported (self, error, "truncated");
  return FALSE;
}

static gboolean
cimpl_stream_default_copy_to (CimplStream *self,
                              CimplStream *target,
                              gint64 limit,
                              GFileProgressCallback progress,
                              gpointer progress_data,
                              gint64 *n_copied,
                              GCancellable *cancellable,
                              GError **error)
{
  set_not_supported (self, error, "copied faster");
  return FALSE;
}

typedef enum
{
  READ_SLOT_NONE,
  READ_SLOT_READ,
  READ_SLOT_READ_BYTES,
} ReadSlot;

/* The slot that the most derived class overrides: a subclass may choose otherwise than its parent.
 */
static ReadSlot
find_read_slot (CimplStreamClass *klass)
{
  while (G_TYPE_FROM_CLASS (klass) != CIMPL_TYPE_STREAM)
    {
      CimplStreamClass *parent = g_type_class_peek_parent (klass);

      if (klass->read != parent->read)
        return READ_SLOT_READ;
      if (klass->read_bytes != parent->read_bytes)
        return READ_SLOT_READ_BYTES;
      klass = parent;
    }
  return READ_SLOT_NONE;
}

static gboolean
cimpl_stream_default_query_flags (CimplStream *self, CimplStreamFlags *flags, GError **error)
{
  CimplStreamClass *klass = CIMPL_STREAM_GET_CLASS (self);

  *flags = 0;
  if (find_read_slot (klass) != READ_SLOT_NONE)
    *flags |= CIMPL_STREAM_READABLE;
  if (klass->write != cimpl_stream_default_write)
    *flags |= CIMPL_STREAM_WRITABLE;
  if (klass->seek != cimpl_stream_default_seek)
    *flags |= CIMPL_STREAM_SEEKABLE;
  if (klass->truncate != cimpl_stream_default_truncate)
    *flags |= CIMPL_STREAM_TRUNCATABLE;
  return TRUE;
}

/* The operations proper */

/* cimpl_operation_read() where it is not simply a matter of calling the slot. */
gssize
cimpl_operation_read_slow (CimplHandle *handle,
                           void *buffer,
                           gsize count,
                           GCancellable *cancellable,
                           GError **error)
{
  CimplStreamClass *klass = cimpl_operation_get_class (handle);
  gsize n_read = CIMPL_UNSET_COUNT;
  GError *slot_error = NULL;
  gboolean success;

  if (count == 0)
    return 0;
  if (!check_transfer (count, cancellable, error))
    return -1;
  if (find_read_slot (klass) == READ_SLOT_READ_BYTES)
    {
      g_autoptr (GBytes) bytes = cimpl_operation_read_bytes (handle, count, cancellable, error);

      /* It has checked the size. */
      if (bytes == NULL
          || !copy_bytes (cimpl_handle_get_stream (handle), bytes, buffer, count, &n_read, error))
        return -1;
      return (gssize) n_read;
    }

  /*
   * As long as there is something to be made good, every read comes by here. Another thread may
   * just be refused, which sets what is left first: we see that, or it sees to the rest.
   */
  atomic_store (&handle->read, klass->read);
  if (cimpl_failure_is_left (handle, CIMPL_KIND_READ))
    atomic_store (&handle->read, NULL);
  success = klass->read (cimpl_handle_get_stream (handle), buffer, count, &n_read, cancellable,
                         &slot_error);
  return cimpl_operation_check_transfer (handle, CIMPL_KIND_READ, success, n_read, count,
                                         slot_error, cancellable, error);
}

/* The result of a transfer that did not simply succeed. Takes @slot_error. */
gssize
cimpl_operation_check_transfer (CimplHandle *handle,
                                CimplKind kind,
                                gboolean success,
                                gsize n_done,
                                gsize count,
                                GError *slot_error,
                                GCancellable *cancellable,
                                GError **error)
{
  const char *slot = kind == CIMPL_KIND_READ ? "read" : "write";
  GError *failure = NULL;

  if (cimpl_operation_check (handle, slot, success, slot_error, &failure) && n_done > count)
    set_bad_count (cimpl_handle_get_stream (handle), slot, n_done, count, &failure);
  if (failure != NULL)
    {
      cimpl_operation_end_failed (handle, kind, failure, cancellable, error);
      return -1;
    }
  cimpl_failure_recover (handle, kind);
  return (gssize) n_done;
}

GBytes *
cimpl_operation_read_bytes (CimplHandle *handle,
                            gsize count,
                            GCancellable *cancellable,
                            GError **error)
{
  GError *slot_error = NULL;
  GError *failure = NULL;
  g_autoptr (GBytes) bytes = NULL;

  if (count == 0)
    return g_bytes_new (NULL, 0);
  if (!check_transfer (count, cancellable, error))
    return NULL;

  if (find_read_slot (cimpl_operation_get_class (handle)) == READ_SLOT_READ)
    bytes = read_new_bytes (cimpl_handle_get_stream (handle), count, cancellable, &slot_error);
  else
    bytes = cimpl_operation_get_class (handle)->read_bytes (cimpl_handle_get_stream (handle), count,
                                                            cancellable, &slot_error);
  if (cimpl_operation_check (handle, "read_bytes", bytes != NULL, slot_error, &failure)
      && g_bytes_get_size (bytes) > count)
    set_bad_count (cimpl_handle_get_stream (handle), "read_bytes", g_bytes_get_size (bytes), count,
                   &failure);
  if (failure != NULL)
    {
      cimpl_operation_end_failed (handle, CIMPL_KIND_READ, failure, cancellable, error);
      return NULL;
    }
  cimpl_failure_recover (handle, CIMPL_KIND_READ);
  return g_steal_pointer (&bytes);
}

/* cimpl_operation_write() where it is not simply a matter of calling the slot. */
gssize
cimpl_operation_write_slow (CimplHandle *handle,
                            const void *data,
                            gsize count,
                            GCancellable *cancellable,
                            GError **error)
{
  gsize n_written = CIMPL_UNSET_COUNT;
  GError *slot_error = NULL;
  gboolean success;

  if (count == 0)
    return 0;
  if (!check_transfer (count, cancellable, error))
    return -1;

  success = cimpl_operation_get_class (handle)->write (cimpl_handle_get_stream (handle), data,
                                                       count, &n_written, cancellable, &slot_error);
  handle->is_dirty |= success;
  return cimpl_operation_check_transfer (handle, CIMPL_KIND_WRITE, success, n_written, count,
                                         slot_error, cancellable, error);
}

/*
 * Whether a seek failed by the caller's own fault, which a stream alone can tell for such. Our own
 * say so; for others, that must be what is wrong with a seek back.
 */
static gboolean
is_wrong_offset (gint64 offset, CimplSeekMode mode, const GError *error)
{
  return cimpl_error_is_argument (error)
         || (mode != CIMPL_SEEK_MODE_START && offset < 0
             && cimpl_stream_error_get_code (error) == CIMPL_STREAM_ERROR_INVALID_ARGUMENT);
}

gint64
cimpl_operation_seek (CimplHandle *handle,
                      gint64 offset,
                      CimplSeekMode mode,
                      GCancellable *cancellable,
                      GError **error)
{
  gint64 position = UNSET_POSITION;
  GError *slot_error = NULL;
  GError *failure = NULL;
  gboolean success;

  if (!cimpl_check_seek (offset, mode, error) || !cimpl_check_not_cancelled (cancellable, error))
    return -1;

  success = cimpl_operation_get_class (handle)->seek (cimpl_handle_get_stream (handle), offset,
                                                      mode, &position, cancellable, &slot_error);
  if (!cimpl_operation_check (handle, "seek", success, slot_error, &failure))
    ;
  else if (position == UNSET_POSITION)
    set_contract (cimpl_handle_get_stream (handle), &failure, "seek",
                  "succeeded without setting the position");
  else if (position < 0)
    g_set_error (&failure, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CALLBACK_CONTRACT,
                 "seek of %s returned the position %" G_GINT64_FORMAT,
                 G_OBJECT_TYPE_NAME (cimpl_handle_get_stream (handle)), position);
  else
    {
      cimpl_failure_recover (handle, CIMPL_KIND_SEEK);
      return position;
    }

  if (is_wrong_offset (offset, mode, failure))
    g_propagate_error (error, failure);
  else
    cimpl_operation_end_failed (handle, CIMPL_KIND_SEEK, failure, cancellable, error);
  return -1;
}

gint64
cimpl_operation_get_size (CimplHandle *handle, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  gint64 position = cimpl_operation_seek (handle, 0, CIMPL_SEEK_MODE_CURRENT, cancellable, error);
  gint64 size;

  if (position < 0)
    return -1;
  size = cimpl_operation_seek (handle, 0, CIMPL_SEEK_MODE_END, cancellable, &local_error);
  /* Go back whatever happened, and not only as long as nobody cancels. */
  if (cimpl_operation_seek (handle, position, CIMPL_SEEK_MODE_START, NULL,
                            local_error == NULL ? &local_error : NULL)
      < 0)
    size = -1;
  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  return size;
}

/* Ends an operation whose slot returns nothing but whether it succeeded. Takes @slot_error. */
static gboolean
end_operation (CimplHandle *handle,
               CimplKind kind,
               const char *slot,
               gboolean success,
               GError *slot_error,
               GCancellable *cancellable,
               GError **error)
{
  GError *failure = NULL;

  if (!cimpl_operation_check (handle, slot, success, slot_error, &failure))
    return cimpl_operation_end_failed (handle, kind, failure, cancellable, error);
  cimpl_failure_recover (handle, kind);
  return TRUE;
}

gboolean
cimpl_operation_truncate (CimplHandle *handle,
                          gint64 size,
                          GCancellable *cancellable,
                          GError **error)
{
  GError *slot_error = NULL;
  gboolean success;

  if (size < 0)
    {
      g_set_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_ARGUMENT,
                   "A stream cannot have the size %" G_GINT64_FORMAT, size);
      return FALSE;
    }
  if (!cimpl_check_not_cancelled (cancellable, error))
    return FALSE;

  success = cimpl_operation_get_class (handle)->truncate (cimpl_handle_get_stream (handle), size,
                                                          cancellable, &slot_error);
  return end_operation (handle, CIMPL_KIND_TRUNCATE, "truncate", success, slot_error, cancellable,
                        error);
}

gboolean
cimpl_operation_flush (CimplHandle *handle, GCancellable *cancellable, GError **error)
{
  GError *slot_error = NULL;
  gboolean success;

  if (!cimpl_check_not_cancelled (cancellable, error))
    return FALSE;

  success = cimpl_operation_get_class (handle)->flush (cimpl_handle_get_stream (handle),
                                                       cancellable, &slot_error);
  if (!end_operation (handle, CIMPL_KIND_FLUSH, "flush", success, slot_error, cancellable, error))
    return FALSE;
  handle->is_dirty = FALSE;
  return TRUE;
}

static void
set_closed (CimplHandle **handle)
{
  cimpl_handle_set (*handle, CIMPL_LIFE_CLOSED);
}

gboolean
cimpl_operation_close (CimplHandle *handle, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) first_error = NULL;
  GError *slot_error = NULL;
  gboolean success;

  if (handle->is_dirty)
    cimpl_operation_flush (handle, cancellable, &first_error);

  {
    /* Finished, whatever failed, and even if this does not return. */
    __attribute__ ((cleanup (set_closed))) G_GNUC_UNUSED CimplHandle *closing = handle;

    success = cimpl_operation_get_class (handle)->close (cimpl_handle_get_stream (handle),
                                                         cancellable, &slot_error);
  }
  end_operation (handle, CIMPL_KIND_CLOSE, "close", success, slot_error, cancellable,
                 first_error == NULL ? &first_error : NULL);

  if (first_error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&first_error));
  return FALSE;
}

gboolean
cimpl_operation_copy_to (CimplHandle *handle,
                         CimplStream *target,
                         gint64 limit,
                         GFileProgressCallback progress,
                         gpointer progress_data,
                         gint64 *n_copied,
                         GCancellable *cancellable,
                         GError **error)
{
  gint64 n = UNSET_POSITION;
  GError *slot_error = NULL;
  GError *failure = NULL;
  gboolean success;

  if (!cimpl_check_not_cancelled (cancellable, error))
    return FALSE;

  success = cimpl_operation_get_class (handle)->copy_to (cimpl_handle_get_stream (handle), target,
                                                         limit, progress, progress_data, &n,
                                                         cancellable, &slot_error);
  *n_copied = MAX (n, 0); /* also on failure */
  if (cimpl_operation_check (handle, "copy_to", success, slot_error, &failure)
      && (n < 0 || (limit >= 0 && n > limit)))
    set_contract (cimpl_handle_get_stream (handle), &failure, "copy_to",
                  "succeeded without a valid count");
  if (failure == NULL)
    {
      cimpl_failure_recover (handle, CIMPL_KIND_READ);
      return TRUE;
    }

  if (*n_copied > 0
      || !g_error_matches (failure, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NOT_SUPPORTED))
    return cimpl_operation_end_failed (handle, CIMPL_KIND_READ, failure, cancellable, error);
  g_propagate_error (error, failure); /* it is to be copied otherwise */
  return FALSE;
}

gboolean
cimpl_operation_get_flags (CimplHandle *handle, CimplStreamFlags *flags, GError **error)
{
  const guint known = CIMPL_STREAM_READABLE | CIMPL_STREAM_WRITABLE | CIMPL_STREAM_SEEKABLE
                      | CIMPL_STREAM_TRUNCATABLE;
  CimplStreamFlags queried = UNSET_FLAGS;
  GError *slot_error = NULL;
  gboolean success;

  success = cimpl_operation_get_class (handle)->query_flags (cimpl_handle_get_stream (handle),
                                                             &queried, &slot_error);
  if (!cimpl_operation_check (handle, "query_flags", success, slot_error, error))
    return FALSE;
  if ((queried & ~known) != 0)
    {
      set_contract (cimpl_handle_get_stream (handle), error, "query_flags",
                    "set no or unknown flags");
      return FALSE;
    }
  *flags = queried;
  return TRUE;
}

void
cimpl_stream_class_set_defaults (CimplStreamClass *klass)
{
  klass->read = cimpl_stream_default_read;
  klass->read_bytes = cimpl_stream_default_read_bytes;
  klass->write = cimpl_stream_default_write;
  klass->seek = cimpl_stream_default_seek;
  klass->flush = cimpl_stream_default_flush;
  klass->close = cimpl_stream_default_close;
  klass->truncate = cimpl_stream_default_truncate;
  klass->query_flags = cimpl_stream_default_query_flags;
  klass->copy_to = cimpl_stream_default_copy_to;
}
