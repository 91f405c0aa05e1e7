/* SPDX-License-Identifier: MIT */

#include "stream-contract.h"

#include <string.h>

#ifdef __SANITIZE_ADDRESS__
/* It would end the program where there is no memory, instead of saying so. */
const char *__asan_default_options (void);

const char *
__asan_default_options (void)
{
  return "allocator_may_return_null=1";
}
#endif

static GBytes *
steal (CimplStream *stream)
{
  g_autoptr (GError) error = NULL;
  GBytes *bytes = cimpl_memory_stream_steal_bytes (CIMPL_MEMORY_STREAM (stream), &error);

  g_assert_no_error (error);
  g_assert_nonnull (bytes);
  return bytes;
}

static void
seek_to (CimplStream *stream, gint64 position)
{
  g_assert_cmpint (cimpl_stream_try_seek (stream, position, CIMPL_SEEK_MODE_START, NULL, NULL), ==,
                   position);
}

static void
write_all (CimplStream *stream, const char *text)
{
  g_autoptr (GError) error = NULL;

  cimpl_stream_try_write_all (stream, text, strlen (text), NULL, NULL, &error);
  g_assert_no_error (error);
}

static GBytes *
read_from (CimplStream *stream, gint64 position)
{
  g_autoptr (GError) error = NULL;
  GBytes *bytes;

  seek_to (stream, position);
  bytes = cimpl_stream_try_read_to_end (stream, 1 << 20, NULL, &error);
  g_assert_no_error (error);
  return bytes;
}

#define assert_bytes(bytes, expected, size)                                                        \
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), expected, size)

#define assert_fails(operation, code)                                                              \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autoptr (GError) error = NULL;                                                               \
    g_assert_false (operation);                                                                    \
    g_assert_error (error, CIMPL_STREAM_ERROR, code);                                              \
  }                                                                                                \
  G_STMT_END

/* The contract */

static CimplStream *
create (TestBackend *backend)
{
  CimplStream *stream = cimpl_memory_stream_new ();

  g_assert_true (cimpl_stream_try_write_all (stream, backend->data->data, backend->data->len, NULL,
                                             NULL, NULL));
  seek_to (stream, 0);
  return stream;
}

static void
fetch (CimplStream *stream, TestBackend *backend)
{
  g_autoptr (GBytes) bytes = NULL;

  if (cimpl_stream_is_closed (stream))
    bytes = steal (stream);
  else
    {
      gint64 position = cimpl_stream_try_tell (stream, NULL, NULL);

      bytes = read_from (stream, 0);
      seek_to (stream, position);
    }
  g_byte_array_set_size (backend->data, 0);
  g_byte_array_append (backend->data, g_bytes_get_data (bytes, NULL),
                       (guint) g_bytes_get_size (bytes));
}

static const StreamContract contract = {
  .name = "memory-stream",
  .create = create,
  .cannot_close = TRUE,
  .fetch = fetch,
};

/* Growing */

static void
test_gap (void)
{
  g_autoptr (CimplStream) stream = cimpl_memory_stream_new ();
  g_autoptr (GBytes) bytes = NULL;
  char byte;

  /* What was cut off must not come back in the gap. */
  write_all (stream, "abcdefgh");
  g_assert_true (cimpl_stream_try_truncate (stream, 2, NULL, NULL));

  seek_to (stream, 5);
  g_assert_cmpint (cimpl_stream_try_read (stream, &byte, 1, NULL, NULL), ==, 0);
  g_assert_cmpint (cimpl_stream_try_get_size (stream, NULL, NULL), ==, 2);
  write_all (stream, "xy");
  bytes = steal (stream);
  assert_bytes (bytes, "ab\0\0\0xy", 7);
}

/* A gap beyond what was allocated, which nobody has cleared. */
static void
test_gap_large (void)
{
  g_autoptr (CimplStream) stream = cimpl_memory_stream_new ();
  g_autofree guint8 *dirty = g_malloc (100000);
  g_autofree guint8 *expected = g_malloc0 (90003);
  g_autoptr (GBytes) bytes = NULL;

  memset (dirty, 'x', 100000);
  g_clear_pointer (&dirty, g_free);

  write_all (stream, "abc");
  seek_to (stream, 90000);
  write_all (stream, "xyz");
  memcpy (expected, "abc", 3);
  memcpy (expected + 90000, "xyz", 3);
  bytes = steal (stream);
  assert_bytes (bytes, expected, 90003);
}

static void
test_overwrite (void)
{
  g_autoptr (CimplStream) stream = cimpl_memory_stream_new ();
  g_autoptr (GBytes) bytes = NULL;

  write_all (stream, "abcdefgh");
  seek_to (stream, 2);
  write_all (stream, "xy");
  g_assert_cmpint (cimpl_stream_try_get_size (stream, NULL, NULL), ==, 8);
  seek_to (stream, 7);
  write_all (stream, "zz");
  bytes = steal (stream);
  assert_bytes (bytes, "abxyefgzz", 9);
}

static void
test_truncate (void)
{
  g_autoptr (CimplStream) stream = cimpl_memory_stream_new ();
  g_autoptr (GBytes) bytes = NULL;

  write_all (stream, "abcdefgh");
  g_assert_true (cimpl_stream_try_truncate (stream, 3, NULL, NULL));
  g_assert_true (cimpl_stream_try_truncate (stream, 6, NULL, NULL));
  g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, NULL), ==, 8);
  bytes = steal (stream);
  assert_bytes (bytes, "abc\0\0\0", 6);
}

static void
test_truncate_to_nothing (void)
{
  g_autoptr (CimplStream) stream = cimpl_memory_stream_new ();
  g_autoptr (GBytes) bytes = NULL;

  g_assert_true (cimpl_stream_try_truncate (stream, 0, NULL, NULL));
  write_all (stream, "abc");
  g_assert_true (cimpl_stream_try_truncate (stream, 0, NULL, NULL));
  g_assert_cmpint (cimpl_stream_try_get_size (stream, NULL, NULL), ==, 0);
  bytes = steal (stream);
  g_assert_cmpuint (g_bytes_get_size (bytes), ==, 0);
}

static void
test_no_memory (void)
{
  static const gint64 positions[] = {
    G_MAXINT64 / 4, /* of which there is twice as much, by the numbers */
    G_MAXINT64 - 3,
    G_MAXINT64 - 1,
    G_MAXINT64,
  };
  g_autoptr (CimplStream) stream = cimpl_memory_stream_new ();
  g_autoptr (GBytes) bytes = NULL;

  write_all (stream, "abc");
  for (gsize i = 0; i < G_N_ELEMENTS (positions); i++)
    {
      seek_to (stream, positions[i]);
      assert_fails (cimpl_stream_try_write (stream, "xyz", 3, NULL, &error) == 3,
                    CIMPL_STREAM_ERROR_NO_SPACE);
      g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, NULL), ==, positions[i]);
      assert_fails (cimpl_stream_try_truncate (stream, positions[i], NULL, &error),
                    CIMPL_STREAM_ERROR_NO_SPACE);
    }
  bytes = steal (stream);
  assert_bytes (bytes, "abc", 3);
}

static void
test_seek_overflow (void)
{
  static const struct
  {
    gint64 offset;
    CimplSeekMode mode;
  } rows[] = {
    { G_MAXINT64, CIMPL_SEEK_MODE_CURRENT },
    { G_MAXINT64 - 2, CIMPL_SEEK_MODE_END },
    { G_MININT64, CIMPL_SEEK_MODE_CURRENT },
    { G_MININT64, CIMPL_SEEK_MODE_END },
    { -4, CIMPL_SEEK_MODE_END },
  };
  g_autoptr (CimplStream) stream = cimpl_memory_stream_new ();

  write_all (stream, "abc");
  seek_to (stream, 1);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_test_message ("row %" G_GSIZE_FORMAT, i);
      assert_fails (cimpl_stream_try_seek (stream, rows[i].offset, rows[i].mode, NULL, &error) >= 0,
                    CIMPL_STREAM_ERROR_INVALID_ARGUMENT);
      g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, NULL), ==, 1);
    }
}

static void
test_many_writes (void)
{
  enum
  {
    N_WRITES = 1 << 16
  };
  g_autoptr (CimplStream) stream = cimpl_memory_stream_new ();
  g_autoptr (GBytes) bytes = NULL;
  const guint32 *numbers;
  gsize size;

  for (guint32 i = 0; i < N_WRITES; i++)
    g_assert_cmpint (cimpl_stream_try_write (stream, &i, sizeof i, NULL, NULL), ==, sizeof i);
  bytes = steal (stream);
  numbers = g_bytes_get_data (bytes, &size);
  g_assert_cmpuint (size, ==, N_WRITES * sizeof *numbers);
  for (guint32 i = 0; i < N_WRITES; i++)
    g_assert_cmpuint (numbers[i], ==, i);
}

/* Over bytes */

static void
test_bytes (void)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("0123456789", 10);
  g_autoptr (CimplStream) stream = cimpl_memory_stream_new_from_bytes (bytes);
  g_autoptr (GBytes) read = read_from (stream, 4);
  CimplStreamFlags flags;
  char buffer[4];

  assert_bytes (read, "456789", 6);
  g_assert_cmpint (cimpl_stream_try_read (stream, buffer, 4, NULL, NULL), ==, 0);
  seek_to (stream, 100);
  g_assert_cmpint (cimpl_stream_try_read (stream, buffer, 4, NULL, NULL), ==, 0);
  g_assert_cmpint (cimpl_stream_try_get_size (stream, NULL, NULL), ==, 10);

  g_assert_true (cimpl_stream_try_get_flags (stream, &flags, NULL));
  g_assert_cmpuint (flags, ==, CIMPL_STREAM_READABLE | CIMPL_STREAM_SEEKABLE);
  seek_to (stream, 0);
  assert_fails (cimpl_stream_try_write (stream, "x", 1, NULL, &error) == 1,
                CIMPL_STREAM_ERROR_NOT_SUPPORTED);
  assert_fails (cimpl_stream_try_truncate (stream, 4, NULL, &error),
                CIMPL_STREAM_ERROR_NOT_SUPPORTED);
  assert_bytes (bytes, "0123456789", 10);
}

static GBytes *
get_bytes (CimplStream *stream, gboolean *in_place)
{
  GBytes *bytes;

  g_object_get (stream, "bytes", &bytes, "in-place", in_place, NULL);
  return bytes;
}

static void
test_properties (void)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("abc", 3);
  g_autoptr (CimplStream) over_bytes = cimpl_memory_stream_new_from_bytes (bytes);
  g_autoptr (CimplStream) over_block = cimpl_memory_stream_new_for_block (NULL, 0, NULL);
  g_autoptr (CimplStream) growing = cimpl_memory_stream_new ();
  g_autoptr (GBytes) same = NULL;
  gboolean in_place = TRUE;

  same = get_bytes (over_bytes, &in_place);
  g_assert_true (same == bytes);
  g_assert_false (in_place);
  g_assert_null (get_bytes (over_block, &in_place));
  g_assert_true (in_place);
  g_assert_null (get_bytes (growing, &in_place));
  g_assert_false (in_place);
}

static void
count_call (gpointer user_data)
{
  ++*(guint *) user_data;
}

static void
test_bytes_are_kept (void)
{
  guint n_freed = 0;
  GBytes *bytes = g_bytes_new_with_free_func ("abc", 3, count_call, &n_freed);
  CimplStream *stream = cimpl_memory_stream_new_from_bytes (bytes);

  g_bytes_unref (bytes);
  g_assert_true (cimpl_stream_try_close (stream, NULL, NULL));
  g_assert_cmpuint (n_freed, ==, 0);
  g_assert_finalize_object (stream);
  g_assert_cmpuint (n_freed, ==, 1);
}

/* Over a block */

static void
test_block (void)
{
  char block[] = "0123456789";
  g_autoptr (CimplStream) stream = cimpl_memory_stream_new_for_block (block, 10, NULL);
  g_autoptr (GBytes) read = NULL;
  CimplStreamFlags flags;

  g_assert_true (cimpl_stream_try_get_flags (stream, &flags, NULL));
  g_assert_cmpuint (flags, ==,
                    CIMPL_STREAM_READABLE | CIMPL_STREAM_WRITABLE | CIMPL_STREAM_SEEKABLE);
  g_assert_cmpint (cimpl_stream_try_get_size (stream, NULL, NULL), ==, 10);
  write_all (stream, "abc");
  g_assert_cmpstr (block, ==, "abc3456789");
  block[5] = 'x'; /* is the owner's as before */
  read = read_from (stream, 3);
  assert_bytes (read, "34x6789", 7);
  assert_fails (cimpl_stream_try_truncate (stream, 4, NULL, &error),
                CIMPL_STREAM_ERROR_NOT_SUPPORTED);
  assert_fails (cimpl_memory_stream_steal_bytes (CIMPL_MEMORY_STREAM (stream), &error) != NULL,
                CIMPL_STREAM_ERROR_NOT_SUPPORTED);
}

static void
test_block_full (void)
{
  char block[] = "0123456789";
  g_autoptr (CimplStream) stream = cimpl_memory_stream_new_for_block (block, 8, NULL);

  seek_to (stream, 6);
  g_assert_cmpint (cimpl_stream_try_write (stream, "abc", 3, NULL, NULL), ==, 2);
  assert_fails (cimpl_stream_try_write (stream, "c", 1, NULL, &error) >= 0,
                CIMPL_STREAM_ERROR_NO_SPACE);
  seek_to (stream, G_MAXINT64);
  assert_fails (cimpl_stream_try_write (stream, "c", 1, NULL, &error) >= 0,
                CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, NULL), ==, G_MAXINT64);
  g_assert_cmpstr (block, ==, "012345ab89");
}

static void
test_block_fills_up (void)
{
  char block[] = "0123456789";
  g_autoptr (CimplStream) stream = cimpl_memory_stream_new_for_block (block, 8, NULL);
  g_autoptr (GError) error = NULL;
  gsize n_written;

  seek_to (stream, 5);
  g_assert_false (cimpl_stream_try_write_all (stream, "vwxyz", 5, &n_written, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NO_SPACE);
  g_assert_cmpstr (error->message, ==,
                   "Wrote 3 bytes, then: No space at position 8 of a block of 8 bytes");
  g_assert_cmpuint (n_written, ==, 3);
  g_assert_cmpstr (block, ==, "01234vwx89");
}

/* Into itself, as memmove() does. */
static void
test_block_overlap (void)
{
  char block[] = "0123456789abcdefghijklmnopqrstuvwxyz";
  g_autoptr (CimplStream) stream = cimpl_memory_stream_new_for_block (block, 36, NULL);

  seek_to (stream, 3);
  g_assert_cmpint (cimpl_stream_try_write (stream, block, 33, NULL, NULL), ==, 33);
  g_assert_cmpstr (block, ==, "0120123456789abcdefghijklmnopqrstuvw");
  seek_to (stream, 0);
  g_assert_cmpint (cimpl_stream_try_read (stream, block + 1, 35, NULL, NULL), ==, 35);
  g_assert_cmpstr (block, ==, "00120123456789abcdefghijklmnopqrstuv");
}

static void
test_block_empty (void)
{
  g_autoptr (CimplStream) stream = cimpl_memory_stream_new_for_block (NULL, 0, NULL);
  char byte;

  g_assert_cmpint (cimpl_stream_try_read (stream, &byte, 1, NULL, NULL), ==, 0);
  assert_fails (cimpl_stream_try_write (stream, "x", 1, NULL, &error) >= 0,
                CIMPL_STREAM_ERROR_NO_SPACE);
}

static void
test_block_destroy (void)
{
  guint n_destroyed = 0;
  CimplStream *stream
      = cimpl_memory_stream_new_for_block (&n_destroyed, sizeof n_destroyed, count_call);

  g_assert_true (cimpl_stream_try_close (stream, NULL, NULL));
  g_assert_cmpuint (n_destroyed, ==, 0);
  g_assert_finalize_object (stream);
  g_assert_cmpuint (n_destroyed, ==, 1);
}

static void
fail_at_something (gpointer user_data)
{
  g_assert_cmpint (cimpl_stream_read (NULL, NULL, 0), ==, -1);
  count_call (user_data);
}

static void
test_block_destroy_keeps_error (void)
{
  guint n_destroyed = 0;
  CimplStream *stream
      = cimpl_memory_stream_new_for_block (&n_destroyed, sizeof n_destroyed, fail_at_something);

  cimpl_stream_ref (stream);
  g_object_unref (stream);
  cimpl_stream_clear_error ();
  g_assert_cmpint (cimpl_free (stream), ==, 0);
  g_assert_cmpuint (n_destroyed, ==, 1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_OK);
}

/* Stealing */

static void
test_steal (void)
{
  g_autoptr (CimplStream) stream = cimpl_memory_stream_new ();
  g_autoptr (GBytes) first = NULL;
  g_autoptr (GBytes) second = NULL;
  g_autoptr (GBytes) third = NULL;

  write_all (stream, "abc");
  seek_to (stream, 1);
  first = steal (stream);
  assert_bytes (first, "abc", 3);

  /* It is as good as new. */
  g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, NULL), ==, 0);
  g_assert_cmpint (cimpl_stream_try_get_size (stream, NULL, NULL), ==, 0);
  write_all (stream, "xyz");
  assert_bytes (first, "abc", 3);
  g_assert_true (cimpl_stream_try_close (stream, NULL, NULL));
  second = steal (stream);
  assert_bytes (second, "xyz", 3);
  third = steal (stream);
  g_assert_cmpuint (g_bytes_get_size (third), ==, 0);
  g_assert_true (cimpl_stream_is_closed (stream));
}

static void
test_steal_bytes (void)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("0123456789", 10);
  g_autoptr (CimplStream) stream = cimpl_memory_stream_new_from_bytes (bytes);
  g_autoptr (GBytes) stolen = NULL;
  char byte;

  seek_to (stream, 3);
  stolen = steal (stream);
  g_assert_true (stolen == bytes);

  /* What is left is empty, and can still not be written. */
  g_assert_cmpint (cimpl_stream_try_tell (stream, NULL, NULL), ==, 0);
  g_assert_cmpint (cimpl_stream_try_read (stream, &byte, 1, NULL, NULL), ==, 0);
  assert_fails (cimpl_stream_try_write (stream, "x", 1, NULL, &error) >= 0,
                CIMPL_STREAM_ERROR_NOT_SUPPORTED);
}

static void
steal_and_fail (goffset done, goffset total, gpointer user_data)
{
  assert_fails (cimpl_memory_stream_steal_bytes (user_data, &error) != NULL,
                CIMPL_STREAM_ERROR_BUSY);
}

static void
test_steal_busy (void)
{
  g_autoptr (CimplStream) source = cimpl_memory_stream_new ();
  g_autoptr (CimplStream) target = cimpl_memory_stream_new ();
  g_autoptr (GBytes) bytes = NULL;

  write_all (source, "abc");
  seek_to (source, 0);
  g_assert_true (
      cimpl_stream_try_copy (source, target, -1, steal_and_fail, target, NULL, NULL, NULL));
  bytes = steal (target);
  assert_bytes (bytes, "abc", 3);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  stream_contract_add_tests (&contract);

  g_test_add_func ("/memory-stream/gap", test_gap);
  g_test_add_func ("/memory-stream/gap/large", test_gap_large);
  g_test_add_func ("/memory-stream/overwrite", test_overwrite);
  g_test_add_func ("/memory-stream/truncate", test_truncate);
  g_test_add_func ("/memory-stream/truncate/to-nothing", test_truncate_to_nothing);
  g_test_add_func ("/memory-stream/no-memory", test_no_memory);
  g_test_add_func ("/memory-stream/seek-overflow", test_seek_overflow);
  g_test_add_func ("/memory-stream/many-writes", test_many_writes);
  g_test_add_func ("/memory-stream/bytes", test_bytes);
  g_test_add_func ("/memory-stream/properties", test_properties);
  g_test_add_func ("/memory-stream/bytes/are-kept", test_bytes_are_kept);
  g_test_add_func ("/memory-stream/block", test_block);
  g_test_add_func ("/memory-stream/block/full", test_block_full);
  g_test_add_func ("/memory-stream/block/fills-up", test_block_fills_up);
  g_test_add_func ("/memory-stream/block/overlap", test_block_overlap);
  g_test_add_func ("/memory-stream/block/empty", test_block_empty);
  g_test_add_func ("/memory-stream/block/destroy", test_block_destroy);
  g_test_add_func ("/memory-stream/block/destroy-keeps-error", test_block_destroy_keeps_error);
  g_test_add_func ("/memory-stream/steal", test_steal);
  g_test_add_func ("/memory-stream/steal/bytes", test_steal_bytes);
  g_test_add_func ("/memory-stream/steal/busy", test_steal_busy);
  return g_test_run ();
}
