/* SPDX-License-Identifier: MIT */
#pragma once

#if !defined(CIMPL_INSIDE) && !defined(CIMPL_COMPILATION)
#error "Only <cimplstream/cimplstream.h> can be included directly."
#endif

#include <cimpl_stream.h>
#include <gio/gio.h>

G_BEGIN_DECLS

/* G_DECLARE_DERIVABLE_TYPE, spelled out: its typedef of CimplStream is in cimpl_stream.h. */
#define CIMPL_TYPE_STREAM (cimpl_stream_get_type ())
#define CIMPL_STREAM(o) (G_TYPE_CHECK_INSTANCE_CAST ((o), CIMPL_TYPE_STREAM, CimplStream))
#define CIMPL_STREAM_CLASS(k) (G_TYPE_CHECK_CLASS_CAST ((k), CIMPL_TYPE_STREAM, CimplStreamClass))
#define CIMPL_IS_STREAM(o) (G_TYPE_CHECK_INSTANCE_TYPE ((o), CIMPL_TYPE_STREAM))
#define CIMPL_IS_STREAM_CLASS(k) (G_TYPE_CHECK_CLASS_TYPE ((k), CIMPL_TYPE_STREAM))
#define CIMPL_STREAM_GET_CLASS(o)                                                                  \
  (G_TYPE_INSTANCE_GET_CLASS ((o), CIMPL_TYPE_STREAM, CimplStreamClass))

CIMPL_AVAILABLE_IN_1_0
GType cimpl_stream_get_type (void);

typedef struct _CimplStreamClass CimplStreamClass;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CimplStream, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CimplStreamClass, g_type_class_unref)

struct _CimplStream
{
  GObject parent_instance;
};

/**
 * CimplStreamClass:
 * @parent_class: the parent class
 * @read: reads at most @count bytes (at least 1) into @buffer; the slot for languages that can
 *   fill a caller's buffer. Sets @n_read, 0 at the end of the data.
 * @read_bytes: the same, returning the data; the slot for every other language. A class
 *   overrides one of the two.
 * @write: writes at most @count bytes (at least 1) of @data. Sets @n_written.
 * @seek: moves the position; sets @position to the new one, in bytes from the start. @mode is
 *   valid, and @offset not negative with %CIMPL_SEEK_MODE_START.
 * @flush: passes on what is buffered
 * @close: closes; called at most once
 * @truncate: sets the size to @size bytes (not negative) without moving the position
 * @query_flags: says what the stream can do; by default what its class overrides. May be called
 *   while another operation runs, from any thread.
 * @copy_to: copies to @target faster than reading and writing would; optional. Sets @n_copied
 *   also when it fails. %CIMPL_STREAM_ERROR_NOT_SUPPORTED with nothing copied makes
 *   [method@CimplStream.Stream.copy] read and write.
 *
 * What a subclass overrides. Each function returns %FALSE or `NULL` with @error set when it
 * fails; then it leaves its out-parameters alone (but @n_copied). Success without the
 * out-parameter set, a count above what was asked for, a negative position and failure without
 * an error are reported to the caller as %CIMPL_STREAM_ERROR_CALLBACK_CONTRACT.
 *
 * The methods of [class@CimplStream.Stream] have checked the arguments, that the stream is open
 * and that nothing else uses it before any of these is called.
 *
 * Since: 1.0
 */
/**
 * CimplStreamClass::read:
 * @self: a stream
 * @buffer: (type guintptr): where to put the data; an address, in languages that have none
 * @count: how many bytes fit into @buffer; at least 1
 * @n_read: (out): return location for the number of bytes read, 0 at the end of the data
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Reads at most @count bytes at the current position and moves it behind them.
 *
 * Returns: whether that worked
 *
 * Since: 1.0
 */

/**
 * CimplStreamClass::write:
 * @self: a stream
 * @data: (array length=count) (element-type guint8): the data
 * @count: how many bytes @data has; at least 1
 * @n_written: (out): return location for the number of bytes written
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Writes at most @count bytes at the current position and moves it behind them.
 *
 * Returns: whether that worked
 *
 * Since: 1.0
 */

/**
 * CimplStreamClass::seek:
 * @self: a stream
 * @offset: an offset in bytes; not negative with %CIMPL_SEEK_MODE_START
 * @mode: what @offset counts from
 * @position: (out): return location for the new position, in bytes from the start
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Moves the position.
 *
 * Returns: whether that worked
 *
 * Since: 1.0
 */

/**
 * CimplStreamClass::query_flags:
 * @self: a stream
 * @flags: (out): return location for what the stream can do
 * @error: return location for an error
 *
 * Says what the stream can do.
 *
 * Returns: whether that worked
 *
 * Since: 1.0
 */

struct _CimplStreamClass
{
  GObjectClass parent_class;

  gboolean (*read) (CimplStream *self,
                    void *buffer,
                    gsize count,
                    gsize *n_read,
                    GCancellable *cancellable,
                    GError **error);
  GBytes *(*read_bytes) (CimplStream *self, gsize count, GCancellable *cancellable, GError **error);
  gboolean (*write) (CimplStream *self,
                     const void *data,
                     gsize count,
                     gsize *n_written,
                     GCancellable *cancellable,
                     GError **error);
  gboolean (*seek) (CimplStream *self,
                    gint64 offset,
                    CimplSeekMode mode,
                    gint64 *position,
                    GCancellable *cancellable,
                    GError **error);
  gboolean (*flush) (CimplStream *self, GCancellable *cancellable, GError **error);
  gboolean (*close) (CimplStream *self, GCancellable *cancellable, GError **error);
  gboolean (*truncate) (CimplStream *self, gint64 size, GCancellable *cancellable, GError **error);
  gboolean (*query_flags) (CimplStream *self, CimplStreamFlags *flags, GError **error);
  gboolean (*copy_to) (CimplStream *self,
                       CimplStream *target,
                       gint64 limit,
                       GFileProgressCallback progress,
                       gpointer progress_data,
                       gint64 *n_copied,
                       GCancellable *cancellable,
                       GError **error);

  /*< private >*/
  gpointer reserved[8];
};

CIMPL_AVAILABLE_IN_1_0
gssize cimpl_stream_try_read (CimplStream *self,
                              void *buffer,
                              gsize count,
                              GCancellable *cancellable,
                              GError **error);
CIMPL_AVAILABLE_IN_1_0
GBytes *cimpl_stream_try_read_bytes (CimplStream *self,
                                     gsize count,
                                     GCancellable *cancellable,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
CIMPL_AVAILABLE_IN_1_0
gboolean cimpl_stream_try_read_all (CimplStream *self,
                                    void *buffer,
                                    gsize count,
                                    gsize *bytes_read,
                                    GCancellable *cancellable,
                                    GError **error);
CIMPL_AVAILABLE_IN_1_0
GBytes *cimpl_stream_try_read_to_end (CimplStream *self,
                                      gsize limit,
                                      GCancellable *cancellable,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
CIMPL_AVAILABLE_IN_1_0
gssize cimpl_stream_try_write (CimplStream *self,
                               const void *data,
                               gsize count,
                               GCancellable *cancellable,
                               GError **error);
CIMPL_AVAILABLE_IN_1_0
gssize cimpl_stream_try_write_bytes (CimplStream *self,
                                     GBytes *bytes,
                                     GCancellable *cancellable,
                                     GError **error);
CIMPL_AVAILABLE_IN_1_0
gboolean cimpl_stream_try_write_all (CimplStream *self,
                                     const void *data,
                                     gsize count,
                                     gsize *bytes_written,
                                     GCancellable *cancellable,
                                     GError **error);
CIMPL_AVAILABLE_IN_1_0
gint64 cimpl_stream_try_seek (CimplStream *self,
                              gint64 offset,
                              CimplSeekMode mode,
                              GCancellable *cancellable,
                              GError **error);
CIMPL_AVAILABLE_IN_1_0
gint64 cimpl_stream_try_tell (CimplStream *self, GCancellable *cancellable, GError **error);
CIMPL_AVAILABLE_IN_1_0
gint64 cimpl_stream_try_get_size (CimplStream *self, GCancellable *cancellable, GError **error);
CIMPL_AVAILABLE_IN_1_0
gboolean cimpl_stream_try_truncate (CimplStream *self,
                                    gint64 size,
                                    GCancellable *cancellable,
                                    GError **error);
CIMPL_AVAILABLE_IN_1_0
gboolean cimpl_stream_try_flush (CimplStream *self, GCancellable *cancellable, GError **error);
CIMPL_AVAILABLE_IN_1_0
gboolean cimpl_stream_try_close (CimplStream *self, GCancellable *cancellable, GError **error);
CIMPL_AVAILABLE_IN_1_0
gboolean cimpl_stream_try_get_flags (CimplStream *self, CimplStreamFlags *flags, GError **error);
CIMPL_AVAILABLE_IN_1_0
gboolean cimpl_stream_try_copy (CimplStream *self,
                                CimplStream *target,
                                gint64 limit,
                                GFileProgressCallback progress,
                                gpointer progress_data,
                                gint64 *bytes_copied,
                                GCancellable *cancellable,
                                GError **error);
#ifdef __GI_SCANNER__
/* "rename-to" wants the name that it gives to exist; the plain API has no function of these. */
void cimpl_stream_read_bytes (CimplStream *self);
void cimpl_stream_read_to_end (CimplStream *self);
void cimpl_stream_write_bytes (CimplStream *self);
void cimpl_stream_write_all (CimplStream *self);
void cimpl_stream_from_handle (guintptr handle);
#endif

CIMPL_AVAILABLE_IN_1_0
gboolean cimpl_stream_is_closed (CimplStream *self);
CIMPL_AVAILABLE_IN_1_0
CimplStream *cimpl_stream_take (CimplStream *stream) G_GNUC_WARN_UNUSED_RESULT;
CIMPL_AVAILABLE_IN_1_0
CimplStream *cimpl_stream_try_from_handle (guintptr handle,
                                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
