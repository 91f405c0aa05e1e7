/* SPDX-License-Identifier: MIT */

/*
 * Every kind of stream through everything that can use one: the same data in random pieces and
 * from random places, compared by digest. --seed repeats a run.
 */

#include "matrix-consumers.h"
#include "matrix-sources.h"

#include <string.h>

#define MAX_PIECE_BITS 18
#define MAX_PIECE (1 << MAX_PIECE_BITS)
#define CANARY 0xa5
#define DIGEST G_CHECKSUM_MD5 /* against mistakes; the fastest one */

typedef struct
{
  const MatrixSourceKind *kind;
  const MatrixConsumer *consumer;
} Case;

/* One case at work. */
typedef struct
{
  const MatrixConsumer *consumer;
  gpointer handle; /* what the consumer is opened as */
  gsize position;
  guint8 *buffer; /* a piece, and a byte behind it */
} Walk;

/* What is written over the content in the end; planned once, so that one digest is enough. */
typedef struct
{
  gsize start;
  gsize from;
  gsize count;
} Change;

static guint8 *content;
static gsize content_size;
static char *content_digest;
static guint n_seeks;
static Change *changes;
static char *changed_digest;

/* The sizes of pieces: as many small ones as large ones. */
static gsize
random_piece (gsize limit)
{
  gint32 bits = g_test_rand_int_range (0, MAX_PIECE_BITS + 1);
  gsize size = (gsize) g_test_rand_int_range (1, (1 << bits) + 1);

  return MIN (size, limit);
}

static gsize
random_offset (gsize end)
{
  return (gsize) g_test_rand_int_range (0, (gint32) end + 1);
}

static void
set_up_content (void)
{
  gboolean is_quick = g_getenv ("CIMPL_TEST_QUICK") != NULL;
  g_autoptr (GRand) rand = g_rand_new_with_seed ((guint32) g_test_rand_int ());

  content_size = is_quick ? 1 << 18 : 8 << 20;
  n_seeks = is_quick ? 10 : 100;
  content = g_malloc (content_size);
  for (gsize i = 0; i < content_size; i += sizeof (guint32))
    {
      guint32 word = g_rand_int (rand);

      memcpy (content + i, &word, sizeof word);
    }
  content_digest = g_compute_checksum_for_data (DIGEST, content, content_size);
}

static void
set_up_changes (void)
{
  g_autofree guint8 *changed = g_memdup2 (content, content_size);

  changes = g_new (Change, n_seeks);
  for (guint i = 0; i < n_seeks; i++)
    {
      Change *change = &changes[i];

      change->start = random_offset (content_size - 1);
      change->count = random_piece (content_size - change->start);
      change->from = random_offset (content_size - change->count);
      memcpy (changed + change->start, content + change->from, change->count);
    }
  changed_digest = g_compute_checksum_for_data (DIGEST, changed, content_size);
}

static void
begin (Walk *walk, const Case *test, MatrixSource *source)
{
  CimplStreamFlags flags;

  g_assert_true (cimpl_stream_try_get_flags (source->stream, &flags, NULL));
  g_assert_cmpint ((flags & CIMPL_STREAM_SEEKABLE) == 0, ==, test->kind->is_pipe);
  *walk = (Walk){ .consumer = test->consumer };
  walk->handle = walk->consumer->open (source->stream, source->is_written);
  walk->buffer = g_malloc (MAX_PIECE + 1);
}

static void
end (Walk *walk)
{
  walk->consumer->close (walk->handle);
  g_free (walk->buffer);
}

static void
seek_to (Walk *walk, gsize position)
{
  CimplSeekMode mode = (CimplSeekMode) g_test_rand_int_range (0, 3);
  const gsize origins[] = { 0, walk->position, content_size };
  gint64 offset = (gint64) position - (gint64) origins[mode];

  g_assert_cmpint (walk->consumer->seek (walk->handle, offset, mode), ==, position);
  walk->position = position;
}

static gsize
read_piece (Walk *walk)
{
  gsize count = random_piece (MAX_PIECE);
  gsize n;

  walk->buffer[count] = CANARY;
  n = walk->consumer->read (walk->handle, walk->buffer, count);
  g_assert_cmpuint (n, <=, count);
  g_assert_cmpuint (walk->buffer[count], ==, CANARY);
  walk->position += n;
  return n;
}

static void
write_all (Walk *walk, const guint8 *data, gsize count)
{
  while (count > 0)
    {
      gsize n = walk->consumer->write (walk->handle, data, count);

      g_assert_cmpuint (n, >, 0);
      g_assert_cmpuint (n, <=, count);
      walk->position += n;
      data += n;
      count -= n;
    }
}

static void
test_read (gconstpointer user_data)
{
  const Case *test = user_data;
  g_autoptr (GChecksum) checksum = g_checksum_new (DIGEST);
  MatrixSource source;
  Walk walk;
  gsize n;

  matrix_source_open (&source, test->kind, content, content_size);
  begin (&walk, test, &source);

  while ((n = read_piece (&walk)) > 0)
    g_checksum_update (checksum, walk.buffer, (gssize) n);
  g_assert_cmpuint (walk.position, ==, content_size);
  g_assert_cmpstr (g_checksum_get_string (checksum), ==, content_digest);

  for (guint i = 0; i < n_seeks && !test->kind->is_pipe; i++)
    {
      gsize start = random_offset (content_size);

      seek_to (&walk, start);
      while ((n = read_piece (&walk)) > 0 && g_test_rand_bit ())
        {
          g_assert_cmpmem (walk.buffer, n, content + start, n);
          start = walk.position;
        }
      g_assert_cmpmem (walk.buffer, n, content + start, n);
      g_assert_true (n > 0 || walk.position == content_size);
    }

  end (&walk);
  matrix_source_close (&source, test->kind);
  matrix_source_clear (&source);
}

static void
test_write (gconstpointer user_data)
{
  const Case *test = user_data;
  g_autofree char *digest = NULL;
  GByteArray *written;
  MatrixSource source;
  Walk walk;

  matrix_source_open (&source, test->kind, NULL, content_size);
  begin (&walk, test, &source);

  while (walk.position < content_size)
    write_all (&walk, content + walk.position, random_piece (content_size - walk.position));

  for (guint i = 0; i < n_seeks && !test->kind->is_pipe; i++)
    {
      seek_to (&walk, changes[i].start);
      write_all (&walk, content + changes[i].from, changes[i].count);
    }

  end (&walk);
  matrix_source_close (&source, test->kind);
  written = source.backend->data;
  g_assert_cmpuint (written->len, ==, content_size);
  digest = g_compute_checksum_for_data (DIGEST, written->data, written->len);
  g_assert_cmpstr (digest, ==, test->kind->is_pipe ? content_digest : changed_digest);
  matrix_source_clear (&source);
}

static void
add_case (const char *direction, const Case *test, void (*run) (gconstpointer))
{
  g_autofree char *path
      = g_strdup_printf ("/matrix/%s/%s/%s", direction, test->kind->name, test->consumer->name);

  g_test_add_data_func_full (path, g_memdup2 (test, sizeof *test), run, g_free);
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  set_up_content ();
  set_up_changes ();

  for (gsize i = 0; i < matrix_n_source_kinds; i++)
    for (gsize j = 0; j < matrix_n_consumers; j++)
      {
        const Case test = { &matrix_source_kinds[i], &matrix_consumers[j] };

        add_case ("read", &test, test_read);
        if (!test.kind->is_read_only)
          add_case ("write", &test, test_write);
      }

  result = g_test_run ();
  g_free (content);
  g_free (content_digest);
  g_free (changes);
  g_free (changed_digest);
  return result;
}
