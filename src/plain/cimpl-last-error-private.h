/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/cimpl-handle-private.h"

G_BEGIN_DECLS
#pragma GCC visibility push(hidden)

void cimpl_set_last_error (GError *error);
int32_t cimpl_fail (GError *error);
int32_t cimpl_fail_null (const char *parameter);
int32_t cimpl_fail_refused (CimplEntry entry, gpointer stream);

#pragma GCC visibility pop
G_END_DECLS
