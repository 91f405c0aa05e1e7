/* SPDX-License-Identifier: MIT */
#pragma once

#include "cimplstream/cimpl-stream-error.h"

#include <gio/gio.h>

G_BEGIN_DECLS
#pragma GCC visibility push(hidden)

const char *cimpl_error_code_name (gint code);
gboolean cimpl_error_code_is_known (gint code);
CimplStreamError cimpl_error_code_from_errno (gint errnum);

GIOErrorEnum cimpl_error_get_io_code (const GError *error);
gint cimpl_error_get_errno (const GError *error);
gint cimpl_error_to_errno (const GError *error);

GError *cimpl_error_new (gint code, gint errnum, const char *message);
GError *cimpl_error_new_from_errno (gint errnum, const char *message);

guint64 cimpl_error_get_serial (const GError *error);
void cimpl_error_set_serial (GError *error, guint64 serial);
void cimpl_error_set_is_argument (GError *error);
gboolean cimpl_error_is_argument (const GError *error);
guint64 cimpl_error_now (void);
guint64 cimpl_error_tick (void);

#pragma GCC visibility pop
G_END_DECLS
