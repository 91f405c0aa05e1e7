/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdint.h>

G_BEGIN_DECLS
#pragma GCC visibility push(hidden)

void cimpl_set_last_error (GError *error);
int32_t cimpl_fail (GError *error);
int32_t cimpl_fail_null (const char *parameter);

#pragma GCC visibility pop
G_END_DECLS
