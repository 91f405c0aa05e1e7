/* SPDX-License-Identifier: MIT */
#pragma once

#if !defined(CIMPL_INSIDE) && !defined(CIMPL_COMPILATION)
#error "Only <cimplstream/cimplstream.h> can be included directly."
#endif

#include <cimplstream/cimpl-stream.h>

G_BEGIN_DECLS

#define CIMPL_TYPE_GIO_STREAM (cimpl_gio_stream_get_type ())

CIMPL_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (CimplGioStream, cimpl_gio_stream, CIMPL, GIO_STREAM, CimplStream)

CIMPL_AVAILABLE_IN_1_0
CimplStream *cimpl_gio_stream_new (GInputStream *input_stream,
                                   GOutputStream *output_stream) G_GNUC_WARN_UNUSED_RESULT;
CIMPL_AVAILABLE_IN_1_0
CimplStream *cimpl_gio_stream_new_for_io_stream (GIOStream *io_stream) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
