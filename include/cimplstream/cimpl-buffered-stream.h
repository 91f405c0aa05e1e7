/* SPDX-License-Identifier: MIT */
#pragma once

#if !defined(CIMPL_INSIDE) && !defined(CIMPL_COMPILATION)
#error "Only <cimplstream/cimplstream.h> can be included directly."
#endif

#include <cimplstream/cimpl-filter-stream.h>

G_BEGIN_DECLS

#define CIMPL_TYPE_BUFFERED_STREAM (cimpl_buffered_stream_get_type ())

CIMPL_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (CimplBufferedStream,
                      cimpl_buffered_stream,
                      CIMPL,
                      BUFFERED_STREAM,
                      CimplFilterStream)

CIMPL_AVAILABLE_IN_1_0
CimplStream *cimpl_buffered_stream_new (CimplStream *base,
                                        gsize buffer_size) G_GNUC_WARN_UNUSED_RESULT;

CIMPL_AVAILABLE_IN_1_0
GBytes *cimpl_buffered_stream_try_peek (CimplBufferedStream *self,
                                        gsize count,
                                        GCancellable *cancellable,
                                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
#ifdef __GI_SCANNER__
/* "rename-to" wants the name that it gives to exist. */
void cimpl_buffered_stream_peek (CimplBufferedStream *self);
#endif

CIMPL_AVAILABLE_IN_1_0
gsize cimpl_buffered_stream_get_buffer_size (CimplBufferedStream *self);
CIMPL_AVAILABLE_IN_1_0
guint64 cimpl_buffered_stream_get_rewind_limit (CimplBufferedStream *self);
CIMPL_AVAILABLE_IN_1_0
void cimpl_buffered_stream_set_rewind_limit (CimplBufferedStream *self, guint64 rewind_limit);

G_END_DECLS
