/* SPDX-License-Identifier: MIT */

/* cimpl_stream_copy() */

#include <cimplstream/cimplstream.h>

#include <string.h>

typedef struct
{
  guint8 *data;
  gsize size;
  gsize position;
  gsize full_at; /* a write beyond fails */
} Memory;

static intptr_t
memory_read (CimplStreamContext *context, uint8_t *data, size_t len)
{
  Memory *self = (Memory *) context;
  gsize n = MIN (len, self->size - self->position);

  memcpy (data, self->data + self->position, n);
  self->position += n;
  return (intptr_t) n;
}

static intptr_t
memory_write (CimplStreamContext *context, const uint8_t *data, size_t len)
{
  Memory *self = (Memory *) context;
  gsize n = MIN (len, self->full_at - self->position);

  if (n == 0)
    {
      cimpl_stream_set_error (CIMPL_STREAM_ERROR_NO_SPACE, "the memory is full");
      return -1;
    }
  memcpy (self->data + self->position, data, n);
  self->position += n;
  return (intptr_t) n;
}

static int64_t
memory_seek (CimplStreamContext *context, int64_t offset, CimplSeekMode mode)
{
  Memory *self = (Memory *) context;

  self->position = (gsize) (offset
                            + (mode == CIMPL_SEEK_MODE_CURRENT ? (int64_t) self->position
                               : mode == CIMPL_SEEK_MODE_END   ? (int64_t) self->size
                                                               : 0));
  return (int64_t) self->position;
}

#define SIZE (1 << 20)

typedef struct
{
  Memory from;
  Memory to;
  CimplStream *source;
  CimplStream *target;

  int64_t done; /* what the last progress call said */
  int64_t total;
  int64_t stop_at;
} Fixture;

static void
set_up (Fixture *self, gconstpointer user_data)
{
  self->from = (Memory){ g_malloc (SIZE), SIZE, 0, 0 };
  for (gsize i = 0; i < SIZE; i++)
    self->from.data[i] = (guint8) (i * 31 >> 4);
  self->to = (Memory){ g_malloc0 (SIZE), SIZE, 0, SIZE };
  self->source
      = cimpl_stream_new ((CimplStreamContext *) &self->from, memory_read, memory_seek, NULL, NULL);
  self->target
      = cimpl_stream_new ((CimplStreamContext *) &self->to, NULL, NULL, memory_write, NULL);
  self->done = self->total = -2;
  self->stop_at = G_MAXINT64;
}

static void
tear_down (Fixture *self, gconstpointer user_data)
{
  g_assert_cmpint (cimpl_free (self->source), ==, 0);
  g_assert_cmpint (cimpl_free (self->target), ==, 0);
  g_free (self->from.data);
  g_free (self->to.data);
}

static int32_t
note_progress (CimplStreamContext *context, int64_t done, int64_t total)
{
  Fixture *self = (Fixture *) context;

  g_assert_cmpint (done, >, self->done);
  self->done = done;
  self->total = total;
  return done >= self->stop_at;
}

static int32_t
copy (Fixture *self, int64_t limit, int64_t *copied)
{
  return cimpl_stream_copy (self->source, self->target, limit, note_progress,
                            (CimplStreamContext *) self, copied);
}

static void
test_all (Fixture *self, gconstpointer user_data)
{
  int64_t copied = -1;

  g_assert_cmpint (copy (self, -1, &copied), ==, 0);
  g_assert_cmpint (copied, ==, SIZE);
  g_assert_cmpint (self->done, ==, SIZE);
  g_assert_cmpint (self->total, ==, SIZE);
  g_assert_cmpint (memcmp (self->from.data, self->to.data, SIZE), ==, 0);

  g_assert_cmpint (cimpl_stream_copy (self->source, self->target, -1, NULL, NULL, NULL), ==, 0);
}

static void
test_limit (Fixture *self, gconstpointer user_data)
{
  int64_t copied = -1;

  g_assert_cmpint (copy (self, 1000, &copied), ==, 0);
  g_assert_cmpint (copied, ==, 1000);
  g_assert_cmpint (self->total, ==, 1000);
  g_assert_cmpuint (self->from.position, ==, 1000);
  g_assert_cmpuint (self->to.position, ==, 1000);
}

static void
assert_failed (CimplStreamError code, const char *message)
{
  char *string = cimpl_stream_last_error ();

  g_assert_cmpint (cimpl_stream_error_code (), ==, code);
  if (strstr (string, message) == NULL)
    g_error ("%s does not say %s", string, message);
  cimpl_free (string);
}

static void
test_target_fails (Fixture *self, gconstpointer user_data)
{
  int64_t copied = -1;

  self->to.full_at = 700001;
  g_assert_cmpint (copy (self, -1, &copied), ==, -1);
  g_assert_cmpint (copied, ==, 700001);
  g_assert_cmpint (self->done, ==, 700001);
  assert_failed (CIMPL_STREAM_ERROR_NO_SPACE, "700001 bytes");
  g_assert_cmpuint (self->from.position, ==,
                    700001); /* what was read and not written is given back */
}

static void
test_stopped (Fixture *self, gconstpointer user_data)
{
  int64_t copied = -1;

  self->stop_at = 1;
  g_assert_cmpint (copy (self, -1, &copied), ==, -1);
  assert_failed (CIMPL_STREAM_ERROR_CANCELLED, "cancelled");
  g_assert_cmpint (copied, ==, self->done);
  g_assert_cmpint (copied, ==, (int64_t) self->to.position);
  g_assert_cmpint (copied, ==, (int64_t) self->from.position);

  self->stop_at = G_MAXINT64; /* and goes on where it was */
  self->done = -2;
  g_assert_cmpint (copy (self, -1, NULL), ==, 0);
  g_assert_cmpint (memcmp (self->from.data, self->to.data, SIZE), ==, 0);
}

static void
test_bad_handles (Fixture *self, gconstpointer user_data)
{
  int64_t copied = -1;

  g_assert_cmpint (cimpl_stream_copy (NULL, self->target, -1, NULL, NULL, &copied), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_NULL_PARAMETER);
  g_assert_cmpint (copied, ==, 0);
  g_assert_cmpint (cimpl_stream_copy (self->source, (CimplStream *) self, -1, NULL, NULL, NULL), ==,
                   -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_INVALID_HANDLE);
  g_assert_cmpint (cimpl_stream_copy (self->source, self->source, -1, NULL, NULL, NULL), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_INVALID_ARGUMENT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, test) g_test_add (path, Fixture, NULL, set_up, test, tear_down)
  ADD ("/plain-copy/all", test_all);
  ADD ("/plain-copy/limit", test_limit);
  ADD ("/plain-copy/target-fails", test_target_fails);
  ADD ("/plain-copy/stopped", test_stopped);
  ADD ("/plain-copy/bad-handles", test_bad_handles);
  return g_test_run ();
}
