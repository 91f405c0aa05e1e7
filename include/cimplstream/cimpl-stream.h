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

struct CimplStream
{
  /*< private >*/
  GObject parent_instance;
};

/**
 * CimplStreamClass:
 * @parent_class: the parent class
 *
 * What a subclass overrides. Each function returns %FALSE or `NULL` with @error set when it
 * fails; then it leaves its out-parameters alone. Success without the out-parameter set, a count
 * above what was asked for, a negative position and failure without an error are reported to the
 * caller as %CIMPL_STREAM_ERROR_CALLBACK_CONTRACT.
 *
 * In Python and JavaScript, return values for all out-parameters: PyGObject without our overrides
 * crashes on a tuple that is too short, and GJS does not notice what is missing from an array.
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
 * The slot for languages that can fill a caller's buffer; the others override
 * [vfunc@CimplStream.Stream.read_bytes]. A class overrides one of the two.
 *
 * Fail with %CIMPL_STREAM_ERROR_WOULD_BLOCK rather than report the end of the data when nothing
 * can be read without waiting.
 *
 * Returns: whether that worked
 *
 * Since: 1.0
 */

/**
 * CimplStreamClass::read_bytes:
 * @self: a stream
 * @count: how many bytes to read at most; at least 1
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Reads at most @count bytes at the current position and moves it behind them.
 *
 * The slot for languages that cannot fill a caller's buffer; like
 * [vfunc@CimplStream.Stream.read] otherwise.
 *
 * Returns: (transfer full): the data, empty at its end, or `NULL` on error
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
 * Fail with %CIMPL_STREAM_ERROR_WOULD_BLOCK when nothing can be written without waiting.
 *
 * Returns: whether that worked
 *
 * Since: 1.0
 */

/**
 * CimplStreamClass::seek:
 * @self: a stream
 * @offset: an offset in bytes; not negative with %CIMPL_SEEK_MODE_START
 * @mode: what @offset counts from; one of the known modes
 * @position: (out): return location for the new position, in bytes from the start
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Moves the position. Whether it may lie past the end is the choice of the class.
 *
 * Fail with %CIMPL_STREAM_ERROR_INVALID_ARGUMENT for a position before the start.
 *
 * Returns: whether that worked
 *
 * Since: 1.0
 */

/**
 * CimplStreamClass::flush:
 * @self: a stream
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Passes on what is buffered. By default there is nothing to do.
 *
 * Returns: whether that worked
 *
 * Since: 1.0
 */

/**
 * CimplStreamClass::close:
 * @self: a stream
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Closes. By default there is nothing to do.
 *
 * Called at most once, after [vfunc@CimplStream.Stream.flush] if something was written since the
 * last flush. The stream is closed afterwards also when this fails.
 *
 * Returns: whether that worked
 *
 * Since: 1.0
 */

/**
 * CimplStreamClass::truncate:
 * @self: a stream
 * @size: the new size, in bytes; not negative
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Sets the size, cutting the data or adding zeros; the position stays where it is.
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
 * Says what the stream can do; by default, what its class overrides.
 *
 * May be called while another operation runs, from any thread.
 *
 * Returns: whether that worked
 *
 * Since: 1.0
 */

/**
 * CimplStreamClass::copy_to: (skip)
 * @self: a stream
 * @target: the stream to write to
 * @limit: how many bytes to copy at most, or -1 for all up to the end
 * @progress: (nullable): to be called after each block with the bytes copied so far and in total,
 *   or -1 where that is not known
 * @progress_data: data for @progress
 * @n_copied: (out): return location for the number of bytes copied; set on failure, too
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Copies to @target faster than reading and writing would; optional.
 *
 * %CIMPL_STREAM_ERROR_NOT_SUPPORTED with nothing copied makes
 * [method@CimplStream.Stream.copy] read and write. For C alone, as an override in another language
 * could not call @progress.
 *
 * Returns: whether all was copied
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
/**
 * cimpl_stream_read_bytes: (skip)
 */
void cimpl_stream_read_bytes (CimplStream *self);
/**
 * cimpl_stream_read_to_end: (skip)
 */
void cimpl_stream_read_to_end (CimplStream *self);
/**
 * cimpl_stream_write_bytes: (skip)
 */
void cimpl_stream_write_bytes (CimplStream *self);
/**
 * cimpl_stream_write_all: (skip)
 */
void cimpl_stream_write_all (CimplStream *self);
/**
 * cimpl_stream_from_handle: (skip)
 */
void cimpl_stream_from_handle (guintptr handle);
#endif

CIMPL_AVAILABLE_IN_1_0
gboolean cimpl_stream_is_closed (CimplStream *self);
CIMPL_AVAILABLE_IN_1_0
GError *cimpl_stream_dup_failure (CimplStream *self) G_GNUC_WARN_UNUSED_RESULT;
CIMPL_AVAILABLE_IN_1_0
CimplStream *cimpl_stream_take (CimplStream *stream) G_GNUC_WARN_UNUSED_RESULT;
CIMPL_AVAILABLE_IN_1_0
CimplStream *cimpl_stream_try_from_handle (guintptr handle,
                                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
