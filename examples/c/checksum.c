/* SPDX-License-Identifier: MIT */

/*
 * A native library that consumes streams, whoever made them: a C program, Python, or another.
 */

#include "checksum.h"

#include <zlib.h>

/*
 * Reads @stream from where it is to its end and stores the CRC-32 of what came in @crc.
 *
 * Returns 0, or -1 on failure. There is nothing to do about an error here: it is the stream's,
 * cimpl_stream_last_error() tells it to the caller, and @crc stays as it was.
 */
int32_t
checksum_crc32 (CimplStream *stream, uint32_t *crc)
{
  uint8_t buffer[65536];
  uLong sum = crc32 (0, NULL, 0);
  intptr_t n_read;

  while ((n_read = cimpl_stream_read (stream, buffer, sizeof buffer)) > 0)
    sum = crc32 (sum, buffer, (uInt) n_read);

  if (n_read < 0)
    return -1;
  *crc = (uint32_t) sum;
  return 0;
}

/**
 * checksum_try_crc32: (rename-to checksum_crc32)
 * @stream: a stream
 * @error: return location for an error
 *
 * Reads @stream from where it is to its end.
 *
 * Fails with the error of @stream, whatever its domain.
 *
 * Returns: the CRC-32 of what came, or -1 on error
 */
gint64
checksum_try_crc32 (CimplStream *stream, GError **error)
{
  uint32_t crc;

  if (checksum_crc32 (stream, &crc) != 0)
    {
      g_propagate_error (error, cimpl_stream_error_dup_last ());
      return -1;
    }
  return crc;
}
