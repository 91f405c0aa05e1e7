/* SPDX-License-Identifier: MIT */
#pragma once

#if !defined(CIMPL_INSIDE) && !defined(CIMPL_COMPILATION)
#error "Only <cimplstream/cimplstream.h> can be included directly."
#endif

#include <cimpl_stream.h>
#include <glib.h>

G_BEGIN_DECLS

/**
 * CIMPL_STREAM_ERROR:
 *
 * The domain of the errors that the library itself reports; the codes are those of
 * [error@CimplStream.StreamError].
 *
 * Since: 1.0
 */
#define CIMPL_STREAM_ERROR (cimpl_stream_error_quark ())

CIMPL_AVAILABLE_IN_1_0
GQuark cimpl_stream_error_quark (void);
CIMPL_AVAILABLE_IN_1_0
gint cimpl_stream_error_get_code (const GError *error);
CIMPL_AVAILABLE_IN_1_0
gint cimpl_stream_error_get_errno (const GError *error);
CIMPL_AVAILABLE_IN_1_0
guint64 cimpl_stream_error_get_serial (const GError *error);
CIMPL_AVAILABLE_IN_1_0
GError *cimpl_stream_error_dup_last (void) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
