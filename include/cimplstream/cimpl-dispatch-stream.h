/* SPDX-License-Identifier: MIT */
#pragma once

#if !defined(CIMPL_INSIDE) && !defined(CIMPL_COMPILATION)
#error "Only <cimplstream/cimplstream.h> can be included directly."
#endif

#include <cimplstream/cimpl-filter-stream.h>

G_BEGIN_DECLS

#define CIMPL_TYPE_DISPATCH_STREAM (cimpl_dispatch_stream_get_type ())

CIMPL_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (CimplDispatchStream,
                      cimpl_dispatch_stream,
                      CIMPL,
                      DISPATCH_STREAM,
                      CimplFilterStream)

CIMPL_AVAILABLE_IN_1_0
CimplStream *cimpl_dispatch_stream_new (CimplStream *base,
                                        GMainContext *context) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
