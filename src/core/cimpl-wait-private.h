/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/cimpl-handle-private.h"

G_BEGIN_DECLS
#pragma GCC visibility push(hidden)

CimplHandle *cimpl_handle_enter_in_turn (gpointer stream, gint timeout_ms, CimplEntry *entry);

CimplEntry cimpl_reservation_begin (gpointer stream, gpointer other, gint timeout_ms);
void cimpl_reservation_end (void);
CimplHandle *cimpl_reservation_take (gpointer stream, CimplEntry *entry);

#pragma GCC visibility pop
G_END_DECLS
