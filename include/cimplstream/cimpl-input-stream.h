/* SPDX-License-Identifier: MIT */
#pragma once

#if !defined(CIMPL_INSIDE) && !defined(CIMPL_COMPILATION)
#error "Only <cimplstream/cimplstream.h> can be included directly."
#endif

#include <cimplstream/cimpl-stream.h>

G_BEGIN_DECLS

#define CIMPL_TYPE_INPUT_STREAM (cimpl_input_stream_get_type ())

CIMPL_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (CimplInputStream, cimpl_input_stream, CIMPL, INPUT_STREAM, GInputStream)

CIMPL_AVAILABLE_IN_1_0
GInputStream *cimpl_input_stream_new (CimplStream *base) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
