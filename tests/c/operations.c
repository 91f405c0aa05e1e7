/* SPDX-License-Identifier: MIT */

#include "operations.h"

gboolean
test_do_read (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  char buffer[4];

  return cimpl_stream_try_read (stream, buffer, 4, cancellable, error) >= 0;
}

gboolean
test_do_read_bytes (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  g_autoptr (GBytes) bytes = cimpl_stream_try_read_bytes (stream, 4, cancellable, error);

  return bytes != NULL;
}

gboolean
test_do_write (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  return cimpl_stream_try_write (stream, "abc", 3, cancellable, error) >= 0;
}

gboolean
test_do_tell (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  return cimpl_stream_try_tell (stream, cancellable, error) >= 0;
}

gboolean
test_do_truncate (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  return cimpl_stream_try_truncate (stream, 5, cancellable, error);
}

gboolean
test_do_get_flags (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  CimplStreamFlags flags;

  return cimpl_stream_try_get_flags (stream, &flags, error);
}
