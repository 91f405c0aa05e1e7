/* SPDX-License-Identifier: MIT */

#ifndef CHECKSUM_H
#define CHECKSUM_H

#include <stdint.h>

#include <cimpl_stream.h>

int32_t checksum_crc32 (CimplStream *stream, uint32_t *crc);

#endif /* CHECKSUM_H */
