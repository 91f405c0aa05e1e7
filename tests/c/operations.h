/* SPDX-License-Identifier: MIT */
#pragma once

#include <cimplstream/cimplstream.h>

G_BEGIN_DECLS

/* One operation of each kind, for what holds for each of them: whether it succeeded. */
typedef gboolean (*TestOperation) (CimplStream *stream, GCancellable *cancellable, GError **error);

gboolean test_do_read (CimplStream *stream, GCancellable *cancellable, GError **error);
gboolean test_do_read_bytes (CimplStream *stream, GCancellable *cancellable, GError **error);
gboolean test_do_write (CimplStream *stream, GCancellable *cancellable, GError **error);
gboolean test_do_tell (CimplStream *stream, GCancellable *cancellable, GError **error);
gboolean test_do_truncate (CimplStream *stream, GCancellable *cancellable, GError **error);
gboolean test_do_get_flags (CimplStream *stream, GCancellable *cancellable, GError **error);

G_END_DECLS
