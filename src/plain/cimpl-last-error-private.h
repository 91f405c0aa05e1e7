/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

G_BEGIN_DECLS
#pragma GCC visibility push(hidden)

void cimpl_set_last_error (GError *error);

#pragma GCC visibility pop
G_END_DECLS
