/* SPDX-License-Identifier: MIT */

#include "backend.h"

#include <string.h>

TestBackend *
test_backend_new (const char *content)
{
  TestBackend *backend = g_new0 (TestBackend, 1);

  backend->data = g_byte_array_new ();
  g_byte_array_append (backend->data, (const guint8 *) content, (guint) strlen (content));
  backend->max_transfer = G_MAXSIZE;
  backend->code = CIMPL_STREAM_ERROR_NO_SPACE;
  return backend;
}

void
test_backend_free (TestBackend *backend)
{
  g_byte_array_unref (backend->data);
  g_free (backend);
}

/* Counts a call, runs the hook, and says what is to go wrong. */
TestFault
test_backend_begin (TestBackend *backend, TestOp op)
{
  TestFault fault = TEST_FAULT_NONE;

  backend->calls[op]++;
  if (backend->hook != NULL)
    backend->hook (backend, backend->hook_data);
  if (backend->fault_op == op)
    {
      fault = backend->fault;
      if (!backend->fault_lasts)
        backend->fault = TEST_FAULT_NONE;
    }
  return fault;
}

gsize
test_backend_read (TestBackend *backend, void *buffer, gsize count)
{
  gint64 left = MAX (backend->data->len - backend->position, 0);
  gsize n = MIN (MIN (count, backend->max_transfer), (gsize) left);

  if (n > 0)
    memcpy (buffer, backend->data->data + backend->position, n);
  backend->position += (gint64) n;
  return n;
}

gsize
test_backend_write (TestBackend *backend, const void *data, gsize count)
{
  gsize n = MIN (count, backend->max_transfer);
  guint end = (guint) ((gsize) backend->position + n);

  if (end > backend->data->len)
    {
      guint old_len = backend->data->len;

      g_byte_array_set_size (backend->data, end);
      memset (backend->data->data + old_len, 0, end - old_len);
    }
  if (n > 0)
    memcpy (backend->data->data + backend->position, data, n);
  backend->position += (gint64) n;
  return n;
}

/* The new position; -1, and nothing changed, if it would be before the start. */
gint64
test_backend_seek (TestBackend *backend, gint64 offset, CimplSeekMode mode)
{
  const gint64 origins[] = { 0, backend->position, backend->data->len };
  gint64 position = origins[mode] + offset;

  if (position < 0)
    return -1;
  backend->position = position;
  return position;
}

void
test_backend_assert_content (TestBackend *backend, const char *expected)
{
  g_assert_cmpmem (backend->data->data, backend->data->len, expected, strlen (expected));
}
