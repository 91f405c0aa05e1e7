/* SPDX-License-Identifier: MIT */
#pragma once

#if !defined(CIMPL_INSIDE) && !defined(CIMPL_COMPILATION)
#error "Only <cimplstream/cimplstream.h> can be included directly."
#endif

#include <cimplstream/cimpl-stream.h>

G_BEGIN_DECLS

#define CIMPL_TYPE_OUTPUT_STREAM (cimpl_output_stream_get_type ())

CIMPL_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (CimplOutputStream, cimpl_output_stream, CIMPL, OUTPUT_STREAM, GOutputStream)

CIMPL_AVAILABLE_IN_1_0
GOutputStream *cimpl_output_stream_new (CimplStream *base) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
