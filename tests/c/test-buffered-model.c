/* SPDX-License-Identifier: MIT */

/*
 * Buffered streams against a model without a buffer: random operations on a base that transfers
 * random parts of what is asked for, and fails now and then. What fails must have changed nothing.
 */

#include "base.h"

#include <string.h>

#define N_STEPS 300
#define MAX_COUNT 100

typedef struct
{
  guint seed;
  guint buffer_size;
  gboolean fails; /* whether the base does */

  GRand *rand;
  guint step;
  const char *operation;
  TestBackend *backend;
  TestBackend *sink; /* NULL if the base can seek */
  CimplStream *stream;

  /* The model */
  GByteArray *data;    /* what the backend has, or will have */
  gint64 position;     /* of a base that cannot seek: of reading */
  GByteArray *written; /* to a base that cannot seek */
  guint rewind_limit;
} Walk;

static void G_GNUC_NORETURN
fail_check (Walk *walk, const char *condition, int line)
{
  g_error ("seed %u, buffer size %u, step %u, %s: '%s' is wrong in line %d", walk->seed,
           walk->buffer_size, walk->step, walk->operation, condition, line);
}

#define CHECK(walk, condition)                                                                     \
  G_STMT_START                                                                                     \
  {                                                                                                \
    if (!(condition))                                                                              \
      fail_check (walk, #condition, __LINE__);                                                     \
  }                                                                                                \
  G_STMT_END

static gint32
pick (Walk *walk, gint32 begin, gint32 end)
{
  return g_rand_int_range (walk->rand, begin, end);
}

/* How the backend serves its next call. */
static void
shuffle (TestBackend *backend, gpointer user_data)
{
  Walk *walk = user_data;

  backend->max_transfer = pick (walk, 0, 3) == 0 ? G_MAXSIZE : (gsize) pick (walk, 1, 20);
  backend->fault_op = (TestOp) pick (walk, 0, TEST_N_OPS);
  backend->fault = walk->fails && pick (walk, 0, 3) == 0 ? TEST_FAULT_ERROR : TEST_FAULT_NONE;
  backend->code
      = pick (walk, 0, 2) == 0 ? CIMPL_STREAM_ERROR_WOULD_BLOCK : CIMPL_STREAM_ERROR_IO_OPERATION;
}

/* Whether an operation may fail as this @error says; takes it. */
static void
check_failure (Walk *walk, GError *error)
{
  CHECK (walk, error != NULL);
  CHECK (walk, walk->fails);
  CHECK (walk, g_str_has_suffix (error->message, TEST_FAULT_MESSAGE));
  g_error_free (error);
}

static gint64
get_left (Walk *walk)
{
  return MAX ((gint64) walk->data->len - walk->position, 0);
}

static void
check_data (Walk *walk, gconstpointer data, gsize count)
{
  CHECK (walk, (gint64) count <= get_left (walk));
  CHECK (walk, count == 0 || memcmp (data, walk->data->data + walk->position, count) == 0);
}

static void
check_content (Walk *walk, TestBackend *backend, GByteArray *expected)
{
  CHECK (walk, backend->data->len == expected->len);
  CHECK (walk,
         expected->len == 0 || memcmp (backend->data->data, expected->data, expected->len) == 0);
}

/* Operations on any base */

static void
do_read (Walk *walk)
{
  guint8 buffer[MAX_COUNT];
  gsize count = (gsize) pick (walk, 1, MAX_COUNT);
  GError *error = NULL;
  gssize n_read = cimpl_stream_try_read (walk->stream, buffer, count, NULL, &error);

  if (n_read < 0)
    {
      check_failure (walk, error);
      return;
    }
  check_data (walk, buffer, (gsize) n_read);
  CHECK (walk, n_read > 0 || get_left (walk) == 0);
  walk->position += n_read;
}

static void
do_peek (Walk *walk)
{
  CimplBufferedStream *buffered = CIMPL_BUFFERED_STREAM (walk->stream);
  gsize count = (gsize) pick (walk, 1, (gint32) walk->buffer_size + 1);
  GError *error = NULL;
  g_autoptr (GBytes) bytes = cimpl_buffered_stream_try_peek (buffered, count, NULL, &error);

  if (bytes == NULL)
    {
      check_failure (walk, error);
      return;
    }
  check_data (walk, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  CHECK (walk, (gint64) g_bytes_get_size (bytes) == MIN ((gint64) count, get_left (walk)));
}

/* Writes what is random; returns how much of @buffer was taken. */
static gssize
write_random (Walk *walk, guint8 buffer[MAX_COUNT])
{
  gsize count = (gsize) pick (walk, 1, MAX_COUNT);
  GError *error = NULL;
  gssize n_written;

  for (gsize i = 0; i < count; i++)
    buffer[i] = (guint8) pick (walk, 1, 256);
  n_written = cimpl_stream_try_write (walk->stream, buffer, count, NULL, &error);
  if (n_written < 0)
    {
      check_failure (walk, error);
      return 0;
    }
  CHECK (walk, n_written > 0 && (gsize) n_written <= count);
  return n_written;
}

/* Operations on a base that can seek */

static void
resize_model (Walk *walk, guint size)
{
  guint old_size = walk->data->len;

  g_byte_array_set_size (walk->data, size);
  if (size > old_size)
    memset (walk->data->data + old_size, 0, size - old_size);
}

static void
do_write (Walk *walk)
{
  guint8 buffer[MAX_COUNT];
  gssize n_written = write_random (walk, buffer);

  if (n_written == 0)
    return;
  if (walk->position + n_written > walk->data->len)
    resize_model (walk, (guint) (walk->position + n_written));
  memcpy (walk->data->data + walk->position, buffer, (gsize) n_written);
  walk->position += n_written;
}

static void
do_seek (Walk *walk)
{
  CimplSeekMode mode = (CimplSeekMode) pick (walk, 0, 3);
  const gint64 origins[] = { 0, walk->position, walk->data->len };
  gint64 offset = pick (walk, -80, 80);
  gint64 expected = origins[mode] + offset;
  GError *error = NULL;
  gint64 position = cimpl_stream_try_seek (walk->stream, offset, mode, NULL, &error);

  if (expected < 0)
    {
      CHECK (walk, position == -1);
      g_clear_error (&error);
    }
  else if (position < 0)
    check_failure (walk, error);
  else
    {
      CHECK (walk, position == expected);
      walk->position = position;
    }
}

static void
do_get_size (Walk *walk)
{
  GError *error = NULL;
  gint64 size = cimpl_stream_try_get_size (walk->stream, NULL, &error);

  if (size >= 0)
    {
      CHECK (walk, size == walk->data->len);
      return;
    }
  /* It may have found the end and not the way back. */
  check_failure (walk, error);
  size = cimpl_stream_try_tell (walk->stream, NULL, NULL);
  CHECK (walk, size == walk->position || size == walk->data->len);
  walk->position = size;
}

static void
do_flush (Walk *walk)
{
  GError *error = NULL;

  if (!cimpl_stream_try_flush (walk->stream, NULL, &error))
    {
      check_failure (walk, error);
      return;
    }
  CHECK (walk, walk->backend->position == walk->position);
  check_content (walk, walk->backend, walk->data);
}

static void
do_truncate (Walk *walk)
{
  guint size = (guint) pick (walk, 0, 300);
  GError *error = NULL;

  if (cimpl_stream_try_truncate (walk->stream, size, NULL, &error))
    resize_model (walk, size);
  else
    check_failure (walk, error);
}

/* Operations on one that cannot */

static void
do_write_to_sink (Walk *walk)
{
  guint8 buffer[MAX_COUNT];
  gssize n_written = write_random (walk, buffer);

  g_byte_array_append (walk->written, buffer, (guint) n_written);
}

static void
do_flush_sink (Walk *walk)
{
  GError *error = NULL;

  if (!cimpl_stream_try_flush (walk->stream, NULL, &error))
    {
      check_failure (walk, error);
      return;
    }
  check_content (walk, walk->sink, walk->written);
}

static void
do_rewind (Walk *walk)
{
  CimplSeekMode mode = (CimplSeekMode) pick (walk, 0, 2);
  gint64 offset = pick (walk, -40, 40);
  gint64 expected = mode == CIMPL_SEEK_MODE_START ? offset : walk->position + offset;
  g_autoptr (GError) error = NULL;
  gint64 position = cimpl_stream_try_seek (walk->stream, offset, mode, NULL, &error);

  if (expected >= 0 && expected <= walk->backend->position && walk->rewind_limit > 0
      && walk->position <= walk->rewind_limit)
    {
      CHECK (walk, position == expected);
      walk->position = position;
      return;
    }
  CHECK (walk, position == -1);
  CHECK (walk,
         expected < 0
             || g_error_matches (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NOT_SUPPORTED));
}

/* Walks */

typedef struct
{
  const char *name;
  void (*run) (Walk *walk);
} Step;

static const Step seekable_steps[] = {
  { "read", do_read },         { "read", do_read },         { "write", do_write },
  { "write", do_write },       { "peek", do_peek },         { "seek", do_seek },
  { "seek", do_seek },         { "get_size", do_get_size }, { "flush", do_flush },
  { "truncate", do_truncate },
};

static const Step pipe_steps[] = {
  { "read", do_read },     { "write", do_write_to_sink }, { "peek", do_peek },
  { "rewind", do_rewind }, { "rewind", do_rewind },       { "flush", do_flush_sink },
};

static void
walk_on (Walk *walk, const Step *steps, gsize n_steps)
{
  for (walk->step = 0; walk->step < N_STEPS; walk->step++)
    {
      const Step *step = &steps[pick (walk, 0, (gint32) n_steps)];

      walk->operation = step->name;
      step->run (walk);
      if (walk->sink == NULL)
        CHECK (walk, cimpl_stream_try_tell (walk->stream, NULL, NULL) == walk->position);
    }
}

static void
set_up (Walk *walk, const char *content)
{
  g_autoptr (TestBase) base = NULL;

  walk->rand = g_rand_new_with_seed (walk->seed);
  walk->data = g_byte_array_new ();
  g_byte_array_append (walk->data, (const guint8 *) content, (guint) strlen (content));
  walk->written = g_byte_array_new ();
  walk->backend = test_backend_new (content);
  walk->backend->hook = shuffle;
  walk->backend->hook_data = walk;

  base = test_base_new (walk->backend);
  if (walk->sink != NULL)
    {
      walk->sink->hook = shuffle;
      walk->sink->hook_data = walk;
      base->sink = walk->sink;
      base->lacks = CIMPL_STREAM_SEEKABLE | CIMPL_STREAM_TRUNCATABLE;
    }
  walk->stream = cimpl_buffered_stream_new (CIMPL_STREAM (base), walk->buffer_size);
  while (walk->sink == NULL && cimpl_stream_try_tell (walk->stream, NULL, NULL) < 0)
    ; /* known from now on */
}

static void
tear_down (Walk *walk)
{
  walk->fails = FALSE;
  g_assert_true (cimpl_stream_try_close (walk->stream, NULL, NULL));
  g_assert_finalize_object (walk->stream);
  test_backend_free (walk->backend);
  g_byte_array_unref (walk->data);
  g_byte_array_unref (walk->written);
  g_rand_free (walk->rand);
}

static guint
get_n_walks (void)
{
  return g_getenv ("CIMPL_TEST_QUICK") != NULL ? 8 : 1000;
}

static char *
make_content (guint size)
{
  char *content = g_malloc (size + 1);

  for (guint i = 0; i < size; i++)
    content[i] = (char) ('0' + i % 79);
  content[size] = '\0';
  return content;
}

static const guint buffer_sizes[] = { 1, 2, 7, 64 };

static void
test_seekable (gconstpointer user_data)
{
  guint n_walks = get_n_walks ();

  for (guint seed = 0; seed < n_walks; seed++)
    {
      g_autofree char *content = make_content (seed % 4 * 70);
      Walk walk = { .seed = seed, .fails = user_data != NULL };

      walk.buffer_size = buffer_sizes[seed % G_N_ELEMENTS (buffer_sizes)];
      set_up (&walk, content);
      walk_on (&walk, seekable_steps, G_N_ELEMENTS (seekable_steps));

      walk.fails = FALSE;
      walk.operation = "last flush";
      do_flush (&walk);
      tear_down (&walk);
    }
}

static void
test_pipe (gconstpointer user_data)
{
  static const guint limits[] = { 0, 1, 30, 500, 5000 };
  guint n_walks = get_n_walks ();

  for (guint seed = 0; seed < n_walks; seed++)
    {
      g_autofree char *content = make_content (2000);
      g_autoptr (TestBackend) sink = test_backend_new ("");
      Walk walk = { .seed = seed, .fails = user_data != NULL, .sink = sink };

      walk.buffer_size = buffer_sizes[seed % G_N_ELEMENTS (buffer_sizes)];
      walk.rewind_limit = limits[seed / G_N_ELEMENTS (buffer_sizes) % G_N_ELEMENTS (limits)];
      set_up (&walk, content);
      g_object_set (walk.stream, "rewind-limit", (guint64) walk.rewind_limit, NULL);
      walk_on (&walk, pipe_steps, G_N_ELEMENTS (pipe_steps));

      walk.fails = FALSE;
      walk.operation = "last flush";
      do_flush_sink (&walk);
      g_assert_cmpuint (walk.backend->calls[TEST_SEEK], ==, 0);
      tear_down (&walk);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/buffered-model/seekable", NULL, test_seekable);
  g_test_add_data_func ("/buffered-model/seekable/failing", "", test_seekable);
  g_test_add_data_func ("/buffered-model/pipe", NULL, test_pipe);
  g_test_add_data_func ("/buffered-model/pipe/failing", "", test_pipe);

  return g_test_run ();
}
