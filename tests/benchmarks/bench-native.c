/* SPDX-License-Identifier: MIT */

/* The native loops of bench_bridge.py: a library that reads streams and does nothing with them. */

#include <cimpl_stream.h>

int64_t bench_read (CimplStream *stream, size_t size, int64_t max_count);

/*
 * Reads @size bytes at a time (at most 64 KiB), until the end or for @max_count times.
 *
 * Returns how many bytes came, or -1 on failure.
 */
int64_t
bench_read (CimplStream *stream, size_t size, int64_t max_count)
{
  uint8_t buffer[65536];
  int64_t total = 0;

  if (size > sizeof buffer)
    return -1;

  for (int64_t i = 0; i < max_count; i++)
    {
      intptr_t n_read = cimpl_stream_read (stream, buffer, size);

      if (n_read < 0)
        return -1;
      if (n_read == 0)
        break;
      total += n_read;
    }
  return total;
}
