/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/cimpl-handle-private.h"

G_BEGIN_DECLS
#pragma GCC visibility push(hidden)

CimplHandle *cimpl_handle_enter_in_turn (gpointer stream, gint timeout_ms, CimplEntry *entry);

#pragma GCC visibility pop
G_END_DECLS
