/* SPDX-License-Identifier: MIT */
#pragma once

#if !defined(CIMPL_INSIDE) && !defined(CIMPL_COMPILATION)
#error "Only <cimplstream/cimplstream.h> can be included directly."
#endif

#include <cimplstream/cimpl-stream.h>

G_BEGIN_DECLS

#define CIMPL_TYPE_MEMORY_STREAM (cimpl_memory_stream_get_type ())

CIMPL_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (CimplMemoryStream, cimpl_memory_stream, CIMPL, MEMORY_STREAM, CimplStream)

CIMPL_AVAILABLE_IN_1_0
CimplStream *cimpl_memory_stream_new (void) G_GNUC_WARN_UNUSED_RESULT;
CIMPL_AVAILABLE_IN_1_0
CimplStream *cimpl_memory_stream_new_from_bytes (GBytes *bytes) G_GNUC_WARN_UNUSED_RESULT;
CIMPL_AVAILABLE_IN_1_0
CimplStream *cimpl_memory_stream_new_for_block (void *data,
                                                gsize size,
                                                GDestroyNotify destroy) G_GNUC_WARN_UNUSED_RESULT;

CIMPL_AVAILABLE_IN_1_0
GBytes *cimpl_memory_stream_steal_bytes (CimplMemoryStream *self,
                                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
