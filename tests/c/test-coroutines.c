/* SPDX-License-Identifier: MIT */

/*
 * Operations of several coroutines of one thread, which wait in the callbacks of their streams and
 * go on in any order: each gets its own result.
 */

#include "cimplstream/cimplstream.h"

#include <string.h>
#include <ucontext.h>

#define N_COROUTINES 3
#define N_MANY 8
#define STACK_SIZE (256 * 1024)

typedef struct _Coroutine Coroutine;

struct _Coroutine
{
  ucontext_t context;
  gboolean is_done;
  void (*run) (Coroutine *self);

  guint number;
  gboolean fails;        /* so do its callbacks */
  const struct Row *row; /* what it does, … */
  CimplStream *stream;   /* … with what; */
  CimplStream *target;   /* for copying */
  char *message;         /* and what came of it: NULL for success */
  gint n_destroyed;      /* of its streams */
};

static guint8 stacks[N_MANY][STACK_SIZE]; /* of the coroutine with this number */
static ucontext_t main_context;
static Coroutine *running; /* NULL: none does */

/* Lets others go on, in a coroutine. */
static void
wait_for_turn (void)
{
  Coroutine *self = running;

  if (self == NULL)
    return;
  running = NULL;
  swapcontext (&self->context, &main_context);
}

static void
resume (Coroutine *self)
{
  g_assert_false (self->is_done);
  running = self;
  swapcontext (&main_context, &self->context);
}

static void
resume_to_end (Coroutine *self)
{
  while (!self->is_done)
    resume (self);
}

static void
run_coroutine (void)
{
  Coroutine *self = running;

  self->run (self);
  self->is_done = TRUE;
  running = NULL;
}

static void
coroutine_begin (Coroutine *self, void (*run) (Coroutine *self))
{
  self->run = run;
  self->is_done = FALSE;
  getcontext (&self->context);
  self->context.uc_stack.ss_sp = stacks[self->number];
  self->context.uc_stack.ss_size = STACK_SIZE;
  self->context.uc_link = &main_context;
  makecontext (&self->context, run_coroutine, 0);
  resume (self);
}

static void
coroutine_clear (Coroutine *self)
{
  g_assert_true (self->is_done);
  g_clear_pointer (&self->message, g_free);
}

/* Streams whose callbacks wait, then succeed, or fail with a message of their coroutine. */

#define COROUTINE(context) ((Coroutine *) (context))

static void
answer (Coroutine *self, int64_t success, int64_t *result)
{
  g_autofree char *message = g_strdup_printf ("of coroutine %u", self->number);

  wait_for_turn ();
  if (self->fails)
    cimpl_stream_set_error (CIMPL_STREAM_ERROR_NO_SPACE, message);
  *result = self->fails ? -1 : success;
}

static void
read_cb (CimplStreamContext *context, uint8_t *data, size_t len, int64_t *result)
{
  *data = 'x';
  answer (COROUTINE (context), 1, result);
}

static void
write_cb (CimplStreamContext *context, const uint8_t *data, size_t len, int64_t *result)
{
  answer (COROUTINE (context), (int64_t) len, result);
}

static void
seek_cb (CimplStreamContext *context, int64_t offset, CimplSeekMode mode, int64_t *result)
{
  answer (COROUTINE (context), offset, result);
}

static void
flush_cb (CimplStreamContext *context, int64_t *result)
{
  answer (COROUTINE (context), 0, result);
}

static void
close_cb (CimplStreamContext *context, int64_t *result)
{
  answer (COROUTINE (context), 0, result);
}

static void
truncate_cb (CimplStreamContext *context, int64_t size, int64_t *result)
{
  answer (COROUTINE (context), 0, result);
}

static void
destroy_cb (CimplStreamContext *context)
{
  wait_for_turn ();
  COROUTINE (context)->n_destroyed++;
}

static CimplStream *
waiting_stream (Coroutine *self)
{
  static const CimplStreamCallbacks callbacks = {
    .struct_size = sizeof callbacks,
    .read = read_cb,
    .write = write_cb,
    .seek = seek_cb,
    .flush = flush_cb,
    .close = close_cb,
    .truncate = truncate_cb,
  };

  return cimpl_stream_take (
      cimpl_stream_new_full (&callbacks, (CimplStreamContext *) self, destroy_cb));
}

static CimplStream *
buffered_stream (Coroutine *self)
{
  g_autoptr (CimplStream) base = waiting_stream (self);

  return cimpl_buffered_stream_new (base, 16);
}

static CimplStream *
filter_stream (Coroutine *self)
{
  g_autoptr (CimplStream) base = waiting_stream (self);

  return cimpl_fault_stream_new (base);
}

/* A subclass that waits while it is asked what it can do. */

#define TEST_TYPE_WAITING (test_waiting_get_type ())
G_DECLARE_FINAL_TYPE (TestWaiting, test_waiting, TEST, WAITING, CimplStream)

struct _TestWaiting
{
  CimplStream parent_instance;

  Coroutine *coroutine;
};

G_DEFINE_FINAL_TYPE (TestWaiting, test_waiting, CIMPL_TYPE_STREAM)

static gboolean
test_waiting_query_flags (CimplStream *stream, CimplStreamFlags *flags, GError **error)
{
  int64_t result;

  *flags = CIMPL_STREAM_READABLE;
  answer (TEST_WAITING (stream)->coroutine, 0, &result);
  return result == 0;
}

static void
test_waiting_class_init (TestWaitingClass *klass)
{
  CIMPL_STREAM_CLASS (klass)->query_flags = test_waiting_query_flags;
}

static void
test_waiting_init (TestWaiting *self)
{
}

static CimplStream *
flags_stream (Coroutine *self)
{
  TestWaiting *stream = g_object_new (TEST_TYPE_WAITING, NULL);

  stream->coroutine = self;
  return CIMPL_STREAM (stream);
}

static CimplStream *
filtered_flags_stream (Coroutine *self)
{
  g_autoptr (CimplStream) base = flags_stream (self);

  return cimpl_fault_stream_new (base);
}

/* What a coroutine does; returns the message of the error, or NULL. */

static char *
get_message (gboolean success)
{
  char *message, *copy;

  if (success)
    return NULL;
  message = cimpl_stream_last_error ();
  copy = g_strdup (message);
  g_assert_cmpint (cimpl_free (message), ==, 0);
  return copy;
}

static char *
take_message (gboolean success, GError *error)
{
  char *message = success ? NULL : g_strdup (error->message);

  g_assert_true (success == (error == NULL));
  g_clear_error (&error);
  return message;
}

static char *
do_read (Coroutine *self)
{
  uint8_t byte = 0;
  intptr_t n_read = cimpl_stream_read (self->stream, &byte, 1);

  if (n_read == 1)
    g_assert_cmpint (byte, ==, 'x');
  return get_message (n_read == 1);
}

static char *
do_write (Coroutine *self)
{
  return get_message (cimpl_stream_write (self->stream, (const uint8_t *) "xyz", 3) == 3
                      && cimpl_stream_flush (self->stream) == 0);
}

static char *
do_seek (Coroutine *self)
{
  return get_message (cimpl_stream_seek (self->stream, 7, CIMPL_SEEK_MODE_START) == 7);
}

static char *
do_get_size (Coroutine *self)
{
  return get_message (cimpl_stream_get_size (self->stream) == 0);
}

static char *
do_flush (Coroutine *self)
{
  return get_message (cimpl_stream_flush (self->stream) == 0);
}

static char *
do_truncate (Coroutine *self)
{
  return get_message (cimpl_stream_truncate (self->stream, 7) == 0);
}

static char *
do_get_flags (Coroutine *self)
{
  return get_message (cimpl_stream_get_flags (self->stream) == CIMPL_STREAM_READABLE);
}

static char *
do_try_read (Coroutine *self)
{
  guint8 byte;
  GError *error = NULL;
  gssize n_read = cimpl_stream_try_read (self->stream, &byte, 1, NULL, &error);

  return take_message (n_read == 1, error);
}

static char *
do_gio_read (Coroutine *self)
{
  g_autoptr (GInputStream) input = cimpl_input_stream_new (self->stream);
  guint8 byte;
  GError *error = NULL;
  gssize n_read = g_input_stream_read (input, &byte, 1, NULL, &error);

  return take_message (n_read == 1, error);
}

static char *
do_gio_write (Coroutine *self)
{
  g_autoptr (GOutputStream) output = cimpl_output_stream_new (self->stream);
  GError *error = NULL;
  gboolean success = g_output_stream_write (output, "xyz", 3, NULL, &error) == 3
                     && g_output_stream_flush (output, NULL, &error);

  return take_message (success, error);
}

static char *
do_gio_seek (Coroutine *self)
{
  g_autoptr (GInputStream) input = cimpl_input_stream_new (self->stream);
  GError *error = NULL;
  gboolean success = g_seekable_seek (G_SEEKABLE (input), 7, G_SEEK_SET, NULL, &error);

  return take_message (success, error);
}

static void
wait_in_progress (goffset done, goffset total, gpointer user_data)
{
  wait_for_turn ();
}

/* Copies 4 bytes, and waits in the callbacks of both streams and in that of the progress. */
static char *
do_copy (Coroutine *self)
{
  GError *error = NULL;
  gboolean success = cimpl_stream_try_copy (self->stream, self->target, 4, wait_in_progress, NULL,
                                            NULL, NULL, &error);

  return take_message (success, error);
}

static char *
do_copy_back (Coroutine *self)
{
  GError *error = NULL;
  gboolean success = cimpl_stream_try_copy (self->target, self->stream, 4, wait_in_progress, NULL,
                                            NULL, NULL, &error);

  return take_message (success, error);
}

typedef struct Row
{
  const char *name;
  CimplStream *(*make) (Coroutine *self);
  char *(*operate) (Coroutine *self);
} Row;

static const Row rows[] = {
  { "read", waiting_stream, do_read },
  { "write", waiting_stream, do_write },
  { "seek", waiting_stream, do_seek },
  { "get-size", waiting_stream, do_get_size },
  { "flush", waiting_stream, do_flush },
  { "truncate", waiting_stream, do_truncate },
  { "try-read", waiting_stream, do_try_read },
  { "buffered/read", buffered_stream, do_read },
  { "buffered/write", buffered_stream, do_write },
  { "buffered/seek", buffered_stream, do_seek },
  { "filter/read", filter_stream, do_read },
  { "filter/write", filter_stream, do_write },
  { "filter/seek", filter_stream, do_seek },
  { "gio/read", waiting_stream, do_gio_read },
  { "gio/write", waiting_stream, do_gio_write },
  { "gio/seek", waiting_stream, do_gio_seek },
  { "gio/buffered/read", buffered_stream, do_gio_read },
  { "flags", flags_stream, do_get_flags },
  { "filter/flags", filtered_flags_stream, do_get_flags },
  { "copy/source", waiting_stream, do_copy },
  { "copy/target", waiting_stream, do_copy_back },
};

static void
operate (Coroutine *self)
{
  self->message = self->row->operate (self);
}

/* The stream at the other end of a copy; never fails. */
static Coroutine quiet;

static void
check_message (const Coroutine *self)
{
  g_autofree char *wanted = g_strdup_printf ("of coroutine %u", self->number);

  if (!self->fails)
    g_assert_cmpstr (self->message, ==, NULL);
  else if (self->message == NULL || !g_str_has_suffix (self->message, wanted))
    g_error ("Coroutine %u got: %s", self->number, self->message);
}

/* Of the first call after an operation. */
static void
check_error_state (void)
{
  uint8_t byte;

  g_assert_cmpint (cimpl_stream_read (NULL, &byte, 1), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_NULL_PARAMETER);
  cimpl_stream_clear_error ();
}

/* All wait in an operation, and then end in this order. */
static void
check_order (const Row *row, const guint order[N_COROUTINES], guint failing)
{
  Coroutine coroutines[N_COROUTINES] = { 0 };

  for (guint i = 0; i < N_COROUTINES; i++)
    {
      Coroutine *self = &coroutines[i];

      self->number = i;
      self->fails = (failing & (1u << i)) != 0;
      self->row = row;
      self->stream = row->make (self);
      self->target = waiting_stream (&quiet);
      coroutine_begin (self, operate);
      g_assert_false (self->is_done);
    }
  for (guint i = 0; i < N_COROUTINES; i++)
    {
      resume_to_end (&coroutines[order[i]]);
      check_message (&coroutines[order[i]]);
    }
  check_error_state ();

  for (guint i = 0; i < N_COROUTINES; i++)
    {
      Coroutine *self = &coroutines[i];

      coroutine_clear (self);
      self->fails = FALSE; /* and is not BUSY */
      g_assert_null (row->operate (self));
      g_assert_finalize_object (self->stream);
      g_assert_finalize_object (self->target);
    }
}

static void
test_order (gconstpointer user_data)
{
  static const guint orders[][N_COROUTINES]
      = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

  for (guint i = 0; i < G_N_ELEMENTS (orders); i++)
    for (guint failing = 0; failing < 1u << N_COROUTINES; failing++)
      check_order (user_data, orders[i], failing);
}

/* Coroutines that do something all the time, and wait now and then. */

static void
operate_often (Coroutine *self)
{
  for (guint i = 0; i < 50; i++)
    {
      self->fails = g_test_rand_bit ();
      self->row = &rows[g_test_rand_int_range (0, G_N_ELEMENTS (rows))];
      self->stream = self->row->make (self);
      self->target = waiting_stream (&quiet);
      g_clear_pointer (&self->message, g_free);
      operate (self);
      check_message (self);

      self->fails = FALSE;
      g_clear_object (&self->stream);
      g_clear_object (&self->target);
    }
}

static void
test_at_random (void)
{
  Coroutine coroutines[N_MANY] = { 0 };
  guint n_left = N_MANY;

  for (guint i = 0; i < N_MANY; i++)
    {
      coroutines[i].number = i;
      coroutine_begin (&coroutines[i], operate_often);
    }
  while (n_left > 0)
    {
      Coroutine *self = &coroutines[g_test_rand_int_range (0, N_MANY)];

      if (self->is_done)
        continue;
      resume (self);
      if (self->is_done)
        n_left--;
    }
  for (guint i = 0; i < N_MANY; i++)
    coroutine_clear (&coroutines[i]);
  check_error_state ();
}

/* A stream that a coroutine waits in is BUSY for the others, and goes when that has ended. */
static void
test_busy (void)
{
  Coroutine self = { .row = &rows[0] };
  CimplStream *plain;
  uint8_t byte;

  self.stream = waiting_stream (&self);
  plain = cimpl_stream_ref (self.stream);
  g_object_unref (plain);
  coroutine_begin (&self, operate);

  g_assert_cmpint (cimpl_stream_read (plain, &byte, 1), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_BUSY);
  g_assert_cmpint (cimpl_stream_detach (plain, -1), ==, -1);
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_WOULD_BLOCK);
  g_assert_cmpint (cimpl_free (plain), ==, 0);
  g_assert_cmpint (self.n_destroyed, ==, 0);

  resume_to_end (&self);
  g_assert_null (self.message);
  g_assert_cmpint (cimpl_free (plain), ==, -1);
  coroutine_clear (&self);
}

/* What frees the context may wait, too. */
static void
drop (Coroutine *self)
{
  g_clear_object (&self->stream);
}

static void
test_destroy (void)
{
  Coroutine coroutines[2] = { { .number = 0 }, { .number = 1 } };

  for (guint i = 0; i < 2; i++)
    {
      coroutines[i].stream = waiting_stream (&coroutines[i]);
      coroutine_begin (&coroutines[i], drop);
    }
  for (guint i = 0; i < 2; i++)
    {
      resume_to_end (&coroutines[i]);
      g_assert_cmpint (coroutines[i].n_destroyed, ==, 1);
      coroutine_clear (&coroutines[i]);
    }
  check_error_state ();
}

/* The errors of code that is in no operation, while others wait in one. */

static gint
fail_outside (void)
{
  uint8_t byte;

  g_assert_cmpint (cimpl_stream_seek (NULL, 0, CIMPL_SEEK_MODE_START), ==, -1);
  g_assert_cmpint (cimpl_free (&byte), ==, -1);
  return CIMPL_STREAM_ERROR_INVALID_HANDLE;
}

static void
test_outside (void)
{
  Coroutine self = { .row = &rows[0] };
  gint code;

  self.stream = waiting_stream (&self);
  cimpl_stream_clear_error ();
  coroutine_begin (&self, operate);
  code = fail_outside ();
  g_assert_cmpint (cimpl_stream_error_code (), ==, code);
  resume_to_end (&self);
  g_assert_null (self.message);
  g_assert_cmpint (cimpl_stream_error_code (), ==, code);
  coroutine_clear (&self);

  /* Nor is it what went wrong in the callback. */
  self.fails = TRUE;
  coroutine_begin (&self, operate);
  cimpl_stream_set_error (CIMPL_STREAM_ERROR_OTHER, "outside");
  g_assert_cmpint (cimpl_stream_error_code (), ==, CIMPL_STREAM_ERROR_OTHER);
  resume_to_end (&self);
  check_message (&self);
  coroutine_clear (&self);
  self.fails = FALSE;
  g_assert_finalize_object (self.stream);
}

static void
fail_and_wait (Coroutine *self)
{
  gint code = fail_outside ();

  wait_for_turn ();
  g_assert_cmpint (cimpl_stream_error_code (), ==, code);
}

static void
test_beside (void)
{
  for (guint first = 0; first < 2; first++)
    {
      Coroutine coroutines[2]
          = { { .number = 0, .row = &rows[0] }, { .number = 1, .row = &rows[0] } };
      Coroutine *inside = &coroutines[first], *outside = &coroutines[1 - first];

      cimpl_stream_clear_error ();
      inside->stream = waiting_stream (inside);
      coroutine_begin (inside, operate);
      coroutine_begin (outside, fail_and_wait);
      resume_to_end (inside);
      resume_to_end (outside);
      coroutine_clear (inside);
      coroutine_clear (outside);
      g_assert_finalize_object (inside->stream);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/coroutines/order/", rows[i].name, NULL);

      g_test_add_data_func (path, &rows[i], test_order);
    }
  g_test_add_func ("/coroutines/at-random", test_at_random);
  g_test_add_func ("/coroutines/busy", test_busy);
  g_test_add_func ("/coroutines/destroy", test_destroy);
  g_test_add_func ("/coroutines/outside", test_outside);
  g_test_add_func ("/coroutines/beside", test_beside);
  return g_test_run ();
}
