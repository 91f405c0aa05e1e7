/* SPDX-License-Identifier: MIT */

#ifndef CHECKSUM_H
#define CHECKSUM_H

#include <stdint.h>

#include <cimplstream/cimplstream.h>

/* For any language that can call C. */
int32_t checksum_crc32 (CimplStream *stream, uint32_t *crc);

/* For GLib programmers, and through introspection for JavaScript, Python, Vala, ... */
gint64 checksum_try_crc32 (CimplStream *stream, GError **error);

#endif /* CHECKSUM_H */
