/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/cimpl-failure-private.h"
#include "core/cimpl-handle-private.h"
#include "cimplstream/cimpl-stream.h"

G_BEGIN_DECLS
#pragma GCC visibility push(hidden)

/*
 * The operations proper, for whoever has entered a stream (see cimpl-handle-private.h): the
 * methods of CimplStream, and the plain API, which enters by a pointer it cannot trust.
 */
GBytes *cimpl_operation_read_bytes (CimplHandle *handle,
                                    gsize count,
                                    GCancellable *cancellable,
                                    GError **error);
gint64 cimpl_operation_seek (CimplHandle *handle,
                             gint64 offset,
                             CimplSeekMode mode,
                             GCancellable *cancellable,
                             GError **error);
gint64 cimpl_operation_get_size (CimplHandle *handle, GCancellable *cancellable, GError **error);
gboolean cimpl_operation_truncate (CimplHandle *handle,
                                   gint64 size,
                                   GCancellable *cancellable,
                                   GError **error);
gboolean cimpl_operation_flush (CimplHandle *handle, GCancellable *cancellable, GError **error);
gboolean cimpl_operation_close (CimplHandle *handle, GCancellable *cancellable, GError **error);
gboolean cimpl_operation_get_flags (CimplHandle *handle, CimplStreamFlags *flags, GError **error);
gboolean cimpl_operation_copy_to (CimplHandle *handle,
                                  CimplStream *target,
                                  gint64 limit,
                                  GFileProgressCallback progress,
                                  gpointer progress_data,
                                  gint64 *n_copied,
                                  GCancellable *cancellable,
                                  GError **error);

gssize cimpl_operation_read_slow (CimplHandle *handle,
                                  void *buffer,
                                  gsize count,
                                  GCancellable *cancellable,
                                  GError **error);
gssize cimpl_operation_write_slow (CimplHandle *handle,
                                   const void *data,
                                   gsize count,
                                   GCancellable *cancellable,
                                   GError **error);
gssize cimpl_operation_check_transfer (CimplHandle *handle,
                                       CimplKind kind,
                                       gboolean success,
                                       gsize n_done,
                                       gsize count,
                                       GError *slot_error,
                                       GCancellable *cancellable,
                                       GError **error);
gboolean cimpl_operation_end_failed (CimplHandle *handle,
                                     CimplKind kind,
                                     GError *failure,
                                     GCancellable *cancellable,
                                     GError **error);

gboolean cimpl_check_not_cancelled (GCancellable *cancellable, GError **error);

#define CIMPL_UNSET_COUNT G_MAXSIZE

static inline CimplStreamClass *
cimpl_operation_get_class (CimplHandle *handle)
{
  return (CimplStreamClass *) ((GTypeInstance *) cimpl_handle_get_stream (handle))->g_class;
}

/* Reading and writing are short, and often called for few bytes: they are worth inlining. */
static G_ALWAYS_INLINE inline gssize
cimpl_operation_read (CimplHandle *handle,
                      void *buffer,
                      gsize count,
                      GCancellable *cancellable,
                      GError **error)
{
  CimplReadFunc read = atomic_load_explicit (&handle->read, memory_order_relaxed);
  gsize n_read = CIMPL_UNSET_COUNT;
  GError *slot_error = NULL;
  gboolean success;

  if (G_UNLIKELY (count - 1 >= G_MAXSSIZE) || G_UNLIKELY (cancellable != NULL)
      || G_UNLIKELY (read == NULL))
    return cimpl_operation_read_slow (handle, buffer, count, cancellable, error);

  success = read (cimpl_handle_get_stream (handle), buffer, count, &n_read, NULL, &slot_error);
  if (G_UNLIKELY (!success) || G_UNLIKELY (n_read > count) || G_UNLIKELY (slot_error != NULL)
      || G_UNLIKELY (handle->pending != NULL))
    return cimpl_operation_check_transfer (handle, CIMPL_KIND_READ, success, n_read, count,
                                           slot_error, NULL, error);
  return (gssize) n_read;
}

static G_ALWAYS_INLINE inline gssize
cimpl_operation_write (CimplHandle *handle,
                       const void *data,
                       gsize count,
                       GCancellable *cancellable,
                       GError **error)
{
  gsize n_written = CIMPL_UNSET_COUNT;
  GError *slot_error = NULL;
  gboolean success;

  if (G_UNLIKELY (count - 1 >= G_MAXSSIZE) || G_UNLIKELY (cancellable != NULL))
    return cimpl_operation_write_slow (handle, data, count, cancellable, error);

  success = cimpl_operation_get_class (handle)->write (cimpl_handle_get_stream (handle), data,
                                                       count, &n_written, NULL, &slot_error);
  handle->is_dirty |= success;
  if (G_UNLIKELY (!success) || G_UNLIKELY (n_written > count) || G_UNLIKELY (slot_error != NULL)
      || G_UNLIKELY (handle->pending != NULL))
    return cimpl_operation_check_transfer (handle, CIMPL_KIND_WRITE, success, n_written, count,
                                           slot_error, NULL, error);
  cimpl_failure_recover (handle, CIMPL_KIND_WRITE);
  return (gssize) n_written;
}

GError *cimpl_stream_new_refusal (CimplEntry entry, CimplHandle *handle);
CimplHandle *cimpl_stream_enter_slow (CimplStream *self,
                                      CimplEntry entry,
                                      CimplHandle *entered,
                                      CimplKind kind,
                                      const char *function,
                                      GError **error);

/*
 * Enters @self, which the caller has a reference to, for an operation of @kind, 0 for one of none;
 * NULL with @error set if it is refused, which is a failure of that kind. For what is no stream at
 * all, logs what g_return_val_if_fail() in @function would, and sets no error. To find the handle
 * in the table is faster than a type check, and shows the same.
 */
static G_ALWAYS_INLINE inline CimplHandle *
cimpl_stream_enter (CimplStream *self, CimplKind kind, const char *function, GError **error)
{
  CimplEntry entry = CIMPL_REFUSED_INVALID_HANDLE;
  CimplHandle *handle = NULL;

  if (G_LIKELY (self != NULL))
    handle = cimpl_handle_enter (cimpl_handle_find (self), self, &entry);
  if (G_LIKELY (entry == CIMPL_ENTERED))
    return handle;
  handle = cimpl_stream_enter_slow (self, entry, handle, kind, function, error);
  if (handle != NULL)
    cimpl_operation_set_stack (handle);
  return handle;
}

CimplHandle *cimpl_stream_get_handle (CimplStream *self);
void cimpl_stream_set_borrows (CimplStream *self);
void cimpl_stream_enlist (CimplStream *self, gboolean has_plain_reference);

void cimpl_stream_class_set_defaults (CimplStreamClass *klass);

/* Ends a failed callback: moves what it said went wrong to @error, or else @message. */
void cimpl_operation_fail (CimplHandle *handle, GError **error, const char *message);

#pragma GCC visibility pop
G_END_DECLS
