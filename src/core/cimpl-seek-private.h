/* SPDX-License-Identifier: MIT */
#pragma once

#include "cimpl_stream.h"

#include <glib.h>

G_BEGIN_DECLS
#pragma GCC visibility push(hidden)

gboolean cimpl_check_seek (gint64 offset, CimplSeekMode mode, GError **error);
gboolean cimpl_resolve_seek (gint64 position,
                             gint64 size,
                             gint64 offset,
                             CimplSeekMode mode,
                             gint64 *resolved,
                             GError **error);

#pragma GCC visibility pop
G_END_DECLS
