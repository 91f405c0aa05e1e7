/* SPDX-License-Identifier: MIT */
#pragma once

#if !defined(CIMPL_INSIDE) && !defined(CIMPL_COMPILATION)
#error "Only <cimplstream/cimplstream.h> can be included directly."
#endif

#include <cimplstream/cimpl-stream.h>

G_BEGIN_DECLS

#define CIMPL_TYPE_IO_STREAM (cimpl_io_stream_get_type ())

CIMPL_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (CimplIOStream, cimpl_io_stream, CIMPL, IO_STREAM, GIOStream)

CIMPL_AVAILABLE_IN_1_0
GIOStream *cimpl_io_stream_new (CimplStream *base) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
