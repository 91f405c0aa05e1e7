/* SPDX-License-Identifier: MIT */

/* The registry of handles, and what threads do to it. */

#include "core/cimpl-handle-private.h"
#include "cimplstream/cimplstream.h"

#define N_KEYS 20000
#define N_THREADS 4

/* How often to do something: less where each time is slow, more where time does not matter. */
static guint
scaled (guint n)
{
  if (g_getenv ("CIMPL_TEST_QUICK") != NULL)
    return n / 100;
  return g_getenv ("CIMPL_TEST_SLOW") != NULL ? 20 * n : n;
}

/* Addresses that nothing is at: no part of the registry may read them. */
static gpointer
fake_key (gsize i)
{
  return GSIZE_TO_POINTER (((gsize) 1 << 40) + i * 208);
}

static CimplHandle *
new_handle (gpointer key)
{
  CimplHandle *handle;

  cimpl_handle_new (key, FALSE, &handle);
  return handle;
}

static void
test_find (void)
{
  CimplHandle **handles = g_new (CimplHandle *, N_KEYS);

  for (gsize i = 0; i < N_KEYS; i++)
    handles[i] = new_handle (fake_key (i));
  for (gsize i = 0; i < N_KEYS; i++)
    {
      g_assert_true (cimpl_handle_find (fake_key (i)) == handles[i]);
      g_assert_null (cimpl_handle_find ((guint8 *) fake_key (i) + 8));
      g_assert_null (cimpl_handle_find ((guint8 *) fake_key (i) + 1));
    }

  /* Every other one goes: the rest stays where it is. */
  for (gsize i = 0; i < N_KEYS; i += 2)
    cimpl_handle_retire (handles[i]);
  for (gsize i = 0; i < N_KEYS; i++)
    g_assert_true (cimpl_handle_find (fake_key (i)) == (i % 2 == 0 ? NULL : handles[i]));

  for (gsize i = 1; i < N_KEYS; i += 2)
    cimpl_handle_retire (handles[i]);
  g_assert_cmpuint (atomic_load (&cimpl_table)->filled, ==, 0); /* no tombstone is left */
  g_free (handles);
}

/* A look-up may end just before a handle is recycled: what it read then must not fit any more. */
static void
test_recycle (void)
{
  CimplHandle *handle = new_handle (fake_key (0));
  guint64 own = atomic_load (&handle->own);
  guint64 life = atomic_load (&handle->life);
  CimplEntry entry;

  cimpl_handle_retire (handle);
  g_assert_true (new_handle (fake_key (0)) == handle);
  g_assert_cmpuint (atomic_load (&handle->own), !=, own);
  g_assert_cmpuint (atomic_load (&handle->life), !=, life);

  cimpl_handle_retire (handle);
  g_assert_true (new_handle (fake_key (1)) == handle);
  g_assert_null (cimpl_handle_enter (handle, fake_key (0), &entry));
  g_assert_cmpint (entry, ==, CIMPL_REFUSED_INVALID_HANDLE);
  g_assert_true (cimpl_handle_enter (handle, fake_key (1), &entry) == handle);
  g_assert_cmpint (entry, ==, CIMPL_ENTERED);
  cimpl_handle_leave (handle);
  cimpl_handle_retire (handle);
}

/* Streams come and go at random addresses: the table must neither fill up nor grow without end. */
static void
test_churn (void)
{
  enum
  {
    N_LIVE = 1000
  };
  CimplHandle *live[N_LIVE];
  gsize keys[N_LIVE];
  gsize next_key = 0;
  gsize mask;

  for (gsize i = 0; i < N_LIVE; i++)
    live[i] = new_handle (fake_key (keys[i] = next_key++));
  mask = atomic_load (&cimpl_table)->mask;

  for (guint round = 0; round < scaled (500000); round++)
    {
      guint i = (guint) g_test_rand_int_range (0, N_LIVE);

      cimpl_handle_retire (live[i]);
      next_key = (next_key + (gsize) g_test_rand_int_range (1, 50)) % 1000003;
      while (cimpl_handle_find (fake_key (next_key)) != NULL)
        next_key++;
      keys[i] = next_key;
      live[i] = new_handle (fake_key (next_key));
    }
  g_assert_cmpuint (atomic_load (&cimpl_table)->mask, <=, MAX (mask, 8191));
  for (gsize i = 0; i < N_LIVE; i++)
    {
      g_assert_true (cimpl_handle_find (fake_key (keys[i])) == live[i]);
      cimpl_handle_retire (live[i]);
    }
}

/* What is alive is found at any moment, whatever else comes and goes, and while the table grows. */

static gint stop;

static gpointer
find_all_the_time (gpointer user_data)
{
  CimplHandle **handles = user_data;

  while (!g_atomic_int_get (&stop))
    for (gsize i = 0; i < 100; i++)
      g_assert_true (cimpl_handle_find (fake_key (100 * i)) == handles[i]);
  return NULL;
}

static void
test_find_during_changes (void)
{
  CimplHandle *handles[100];
  CimplHandle **others = g_new (CimplHandle *, 8 * N_KEYS);
  GThread *finders[2];

  for (gsize i = 0; i < 100; i++)
    handles[i] = new_handle (fake_key (100 * i));
  g_atomic_int_set (&stop, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (finders); i++)
    finders[i] = g_thread_new ("finder", find_all_the_time, handles);

  for (guint round = 0; round < 3; round++)
    {
      gsize n = N_KEYS << round;

      for (gsize i = 0; i < n; i++)
        others[i] = i % 100 == 0 ? NULL : new_handle (fake_key (i));
      for (gsize i = 0; i < n; i++)
        if (others[i] != NULL)
          cimpl_handle_retire (others[i]);
    }

  g_atomic_int_set (&stop, 1);
  for (gsize i = 0; i < G_N_ELEMENTS (finders); i++)
    g_thread_join (finders[i]);
  for (gsize i = 0; i < 100; i++)
    cimpl_handle_retire (handles[i]);
  g_free (others);
}

/* Streams that know how often they are used and destroyed */

typedef struct
{
  gint inside;
  gint destroyed;
} Probe;

static void
probe_read (CimplStreamContext *context, uint8_t *data, size_t len, int64_t *result)
{
  Probe *probe = (Probe *) context;

  g_assert_cmpint (g_atomic_int_add (&probe->inside, 1), ==, 0);
  g_assert_cmpint (g_atomic_int_get (&probe->destroyed), ==, 0);
  *data = 'x';
  *result = 1;
  g_assert_cmpint (g_atomic_int_add (&probe->inside, -1), ==, 1);
}

static void
probe_destroy (CimplStreamContext *context)
{
  Probe *probe = (Probe *) context;

  g_assert_cmpint (g_atomic_int_get (&probe->inside), ==, 0);
  g_atomic_int_inc (&probe->destroyed);
}

static CimplStream *
probe_stream (Probe *probe)
{
  static const CimplStreamCallbacks callbacks = {
    .struct_size = sizeof (CimplStreamCallbacks),
    .read = probe_read,
  };

  return cimpl_stream_new_full (&callbacks, (CimplStreamContext *) probe, probe_destroy);
}

/*
 * One thread reads once, the other frees at about the same time. Whoever comes last must destroy
 * the stream. This fails where the freeing thread has no barrier for the leaving one.
 */

typedef struct
{
  CimplStream *stream; /* handed to the reader; NULL when it has read */
} Race;

/* Spins, so as to meet the other thread; but that one may need the processor that this one has. */
static void
wait_a_little (guint *n_waits)
{
  if (++*n_waits % 10000 == 0)
    g_thread_yield ();
}

static gpointer
read_what_comes (gpointer user_data)
{
  Race *race = user_data;
  guint n_waits = 0;
  uint8_t byte;

  while (!g_atomic_int_get (&stop))
    {
      CimplStream *stream = g_atomic_pointer_get (&race->stream);

      if (stream == NULL)
        {
          wait_a_little (&n_waits);
          continue;
        }
      if (cimpl_stream_read (stream, &byte, 1) != 1)
        g_assert_cmpint (cimpl_stream_error_code (), !=, CIMPL_STREAM_ERROR_IO_OPERATION);
      g_atomic_pointer_set (&race->stream, NULL);
    }
  return NULL;
}

static void
test_free_races_read (void)
{
  Race race = { NULL };
  GThread *reader;
  guint n_rounds = scaled (100000);

  g_atomic_int_set (&stop, 0);
  reader = g_thread_new ("reader", read_what_comes, &race);
  for (guint round = 0; round < n_rounds; round++)
    {
      Probe probe = { 0, 0 };
      CimplStream *stream = probe_stream (&probe);

      g_atomic_pointer_set (&race.stream, stream);
      for (volatile guint i = 0; i < round % 200; i++)
        ;
      g_assert_cmpint (cimpl_free (stream), ==, 0);
      for (guint n_waits = 0; g_atomic_pointer_get (&race.stream) != NULL;)
        wait_a_little (&n_waits);
      g_assert_cmpint (g_atomic_int_get (&probe.destroyed), ==, 1);
    }
  g_atomic_int_set (&stop, 1);
  g_thread_join (reader);
}

/* Threads read, refer to, close and free the same streams, with pointers that may be stale. */

#define N_CELLS 8
#define N_STEPS 60000 /* at most, for each thread */

static struct
{
  CimplStream *cells[N_CELLS];
  Probe probes[N_CELLS + N_THREADS * N_STEPS];
  gint next_probe;
  guint n_steps;
} shared;

static CimplStream *
shared_stream_new (void)
{
  return probe_stream (&shared.probes[g_atomic_int_add (&shared.next_probe, 1)]);
}

static gpointer
do_anything (gpointer user_data)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (GPOINTER_TO_UINT (user_data));

  for (guint step = 0; step < shared.n_steps; step++)
    {
      CimplStream **cell = &shared.cells[g_rand_int_range (random, 0, N_CELLS)];
      CimplStream *stream = g_atomic_pointer_get (cell);
      uint8_t byte = 0;

      switch (g_rand_int_range (random, 0, 8))
        {
        case 0:
          cimpl_free (g_atomic_pointer_exchange (cell, shared_stream_new ()));
          break;
        case 1:
          if (cimpl_stream_ref (stream) != NULL)
            {
              cimpl_stream_read (stream, &byte, 1);
              g_assert_cmpint (cimpl_free (stream), ==, 0);
            }
          break;
        case 2:
          if (step % 16 == 0)
            cimpl_stream_close (stream);
          break;
        case 3:
          cimpl_stream_get_flags (stream);
          break;
        default:
          if (cimpl_stream_read (stream, &byte, 1) == 1)
            g_assert_cmpint (byte, ==, 'x');
          else
            g_assert_cmpint (cimpl_stream_error_code (), !=, CIMPL_STREAM_ERROR_OK);
          break;
        }
    }
  return NULL;
}

static void
test_many_threads (void)
{
  GThread *threads[N_THREADS];

  shared.n_steps = MIN (scaled (N_STEPS), N_STEPS);
  for (guint i = 0; i < N_CELLS; i++)
    shared.cells[i] = shared_stream_new ();
  for (guint i = 0; i < N_THREADS; i++)
    threads[i]
        = g_thread_new ("anything", do_anything, GUINT_TO_POINTER ((guint) g_test_rand_int ()));
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  for (guint i = 0; i < N_CELLS; i++)
    g_assert_cmpint (cimpl_free (shared.cells[i]), ==, 0);
  for (gint i = 0; i < shared.next_probe; i++)
    g_assert_cmpint (shared.probes[i].destroyed, ==, 1);
}

/* A GObject reference and a plain one, dropped by two threads during a call of a third. */
static gpointer
unref_it (gpointer user_data)
{
  g_object_unref (user_data);
  return NULL;
}

static void
test_both_faces_drop (void)
{
  Race race = { NULL };
  GThread *reader;

  g_atomic_int_set (&stop, 0);
  reader = g_thread_new ("reader", read_what_comes, &race);
  for (guint round = 0; round < scaled (3000); round++)
    {
      Probe probe = { 0, 0 };
      CimplStream *stream = probe_stream (&probe);
      GThread *dropper;

      g_object_ref (stream);
      g_atomic_pointer_set (&race.stream, stream);
      dropper = g_thread_new ("dropper", unref_it, stream);
      g_assert_cmpint (cimpl_free (stream), ==, 0);
      g_thread_join (dropper);
      for (guint n_waits = 0; g_atomic_pointer_get (&race.stream) != NULL;)
        wait_a_little (&n_waits);
      g_assert_cmpint (g_atomic_int_get (&probe.destroyed), ==, 1);
    }
  g_atomic_int_set (&stop, 1);
  g_thread_join (reader);
}

/* What is done with pointers that may be stale, or are just being freed once too often. */

static void
ask_flags (CimplStream *stream)
{
  int32_t flags = cimpl_stream_get_flags (stream);

  g_assert_true (flags == CIMPL_STREAM_READABLE || flags == -1);
}

static void
detach_it (CimplStream *stream)
{
  cimpl_stream_detach (stream, 0);
}

static void
borrow (CimplStream *stream)
{
  g_clear_object (&(CimplStream *){ cimpl_stream_try_from_handle ((guintptr) stream, NULL) });
}

static void
buffer_it (CimplStream *stream)
{
  CimplStream *buffered = cimpl_stream_new_buffered (stream, 16);

  if (buffered != NULL)
    g_assert_cmpint (cimpl_free (buffered), ==, 0);
}

static void
open_it (CimplStream *stream)
{
  FILE *file = cimpl_stream_to_stdio (stream, "r");

  if (file != NULL)
    g_assert_cmpint (fclose (file), ==, 0);
}

static void
copy_it (CimplStream *stream)
{
  g_autoptr (CimplStream) target = cimpl_memory_stream_new ();
  CimplStream *plain = cimpl_stream_ref (target);

  cimpl_stream_copy (stream, plain, 1, NULL, NULL, NULL);
  g_assert_cmpint (cimpl_free (plain), ==, 0);
}

typedef struct
{
  const char *name;
  void (*use) (CimplStream *stream);
  gboolean refers; /* with a GObject reference */
} Use;

static const Use uses[] = {
  { "get-flags", ask_flags, FALSE }, { "detach", detach_it, FALSE },
  { "from-handle", borrow, TRUE },   { "new-buffered", buffer_it, TRUE },
  { "to-stdio", open_it, TRUE },     { "copy", copy_it, TRUE },
};

/* FALSE where a tool would take it for wrong. */
static gboolean
can_be_tested (const Use *use)
{
#ifdef __SANITIZE_THREAD__
  if (use->refers)
    {
      g_test_skip ("The thread sanitizer does not see how GObject counts references");
      return FALSE;
    }
#endif
  return TRUE;
}

#define N_POINTERS 64

typedef struct
{
  const Use *use;
  CimplStream *pointers[N_POINTERS];
} Users;

static gpointer
use_all_the_time (gpointer user_data)
{
  Users *self = user_data;

  for (guint i = 0; !g_atomic_int_get (&stop); i++)
    {
      CimplStream *stream = g_atomic_pointer_get (&self->pointers[i % N_POINTERS]);

      if (stream != NULL)
        self->use->use (stream);
    }
  return NULL;
}

static void
users_start (Users *self, GThread *threads[2])
{
  g_atomic_int_set (&stop, 0);
  for (guint i = 0; i < 2; i++)
    threads[i] = g_thread_new ("user", use_all_the_time, self);
}

static void
users_stop (GThread *threads[2])
{
  g_atomic_int_set (&stop, 1);
  for (guint i = 0; i < 2; i++)
    g_thread_join (threads[i]);
}

/* One thread frees its streams twice, while others use them: each is destroyed once. */
static void
test_double_free (gconstpointer use)
{
  Users users = { .use = use };
  guint n_rounds = scaled (20000);
  g_autofree Probe *probes = g_new0 (Probe, n_rounds);
  GThread *threads[2];

  if (!can_be_tested (use))
    return;
  users_start (&users, threads);
  for (guint i = 0; i < n_rounds; i++)
    {
      CimplStream *stream = probe_stream (&probes[i]);

      for (guint j = 0; j < N_POINTERS; j++)
        g_atomic_pointer_set (&users.pointers[j], stream);
      g_assert_cmpint (cimpl_free (stream), ==, 0);
      cimpl_free (stream);
    }
  users_stop (threads);
  for (guint i = 0; i < n_rounds; i++)
    g_assert_cmpint (probes[i].destroyed, ==, 1);
}

/* Streams come and go at the same addresses, while others use what was there: none is lost. */
static void
test_stale (gconstpointer use)
{
  Users users = { .use = use };
  Probe probe = { 0, 0 };
  CimplStream *base;
  GThread *threads[2];

  if (!can_be_tested (use))
    return;
  base = probe_stream (&probe);
  users_start (&users, threads);
  for (guint i = 0; i < scaled (50000); i++)
    {
      CimplStream *stream = cimpl_stream_new_buffered (base, 16);

      g_atomic_pointer_set (&users.pointers[i % N_POINTERS], stream);
      cimpl_free (stream);
    }
  users_stop (threads);

  /* Those that are kept for a while have let go of it, too. */
  g_assert_cmpint (cimpl_stream_get_flags (base), ==, CIMPL_STREAM_READABLE);
  g_assert_cmpint (cimpl_free (base), ==, 0);
  g_assert_cmpint (probe.destroyed, ==, 1);
}

static void
add_use_tests (const char *name, GTestDataFunc test)
{
  for (guint i = 0; i < G_N_ELEMENTS (uses); i++)
    {
      g_autofree char *path = g_strconcat ("/handle/", name, "/", uses[i].name, NULL);

      g_test_add_data_func (path, &uses[i], test);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/handle/find", test_find);
  g_test_add_func ("/handle/recycle", test_recycle);
  g_test_add_func ("/handle/churn", test_churn);
  g_test_add_func ("/handle/find-during-changes", test_find_during_changes);
  g_test_add_func ("/handle/free-races-read", test_free_races_read);
  g_test_add_func ("/handle/many-threads", test_many_threads);
  g_test_add_func ("/handle/both-faces-drop", test_both_faces_drop);
  add_use_tests ("double-free", test_double_free);
  add_use_tests ("stale", test_stale);
  return g_test_run ();
}
