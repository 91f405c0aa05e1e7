/* SPDX-License-Identifier: MIT */

/* What the methods of CimplStream make of a C programmer's error: a critical, and nothing worse. */

#include <cimplstream/cimplstream.h>

/* Each says whether the call failed in the way its documentation tells. */

static gboolean
read_fails (CimplStream *self, GError **error)
{
  guint8 byte;

  return cimpl_stream_try_read (self, &byte, 1, NULL, error) == -1;
}

static gboolean
read_bytes_fails (CimplStream *self, GError **error)
{
  return cimpl_stream_try_read_bytes (self, 1, NULL, error) == NULL;
}

static gboolean
read_all_fails (CimplStream *self, GError **error)
{
  gsize n_read = 1;
  guint8 byte;

  return !cimpl_stream_try_read_all (self, &byte, 1, &n_read, NULL, error) && n_read == 0;
}

static gboolean
read_to_end_fails (CimplStream *self, GError **error)
{
  return cimpl_stream_try_read_to_end (self, 1, NULL, error) == NULL;
}

static gboolean
write_fails (CimplStream *self, GError **error)
{
  return cimpl_stream_try_write (self, "x", 1, NULL, error) == -1;
}

static gboolean
write_all_fails (CimplStream *self, GError **error)
{
  gsize n_written = 1;

  return !cimpl_stream_try_write_all (self, "x", 1, &n_written, NULL, error) && n_written == 0;
}

static gboolean
seek_fails (CimplStream *self, GError **error)
{
  return cimpl_stream_try_seek (self, 0, CIMPL_SEEK_MODE_START, NULL, error) == -1;
}

static gboolean
get_size_fails (CimplStream *self, GError **error)
{
  return cimpl_stream_try_get_size (self, NULL, error) == -1;
}

static gboolean
truncate_fails (CimplStream *self, GError **error)
{
  return !cimpl_stream_try_truncate (self, 0, NULL, error);
}

static gboolean
flush_fails (CimplStream *self, GError **error)
{
  return !cimpl_stream_try_flush (self, NULL, error);
}

static gboolean
close_fails (CimplStream *self, GError **error)
{
  return !cimpl_stream_try_close (self, NULL, error);
}

static gboolean
get_flags_fails (CimplStream *self, GError **error)
{
  CimplStreamFlags flags = CIMPL_STREAM_READABLE;

  return !cimpl_stream_try_get_flags (self, &flags, error) && flags == CIMPL_STREAM_READABLE;
}

static gboolean
copy_fails (CimplStream *self, GError **error)
{
  gint64 n_copied = 1;

  return !cimpl_stream_try_copy (self, self, -1, NULL, NULL, &n_copied, NULL, error)
         && n_copied == 0;
}

static gboolean
is_closed (CimplStream *self, GError **error)
{
  return cimpl_stream_is_closed (self);
}

typedef struct
{
  const char *function;
  gboolean (*fails) (CimplStream *self, GError **error);
} Check;

static const Check checks[] = {
  { "cimpl_stream_try_read", read_fails },
  { "cimpl_stream_try_read_bytes", read_bytes_fails },
  { "cimpl_stream_try_read_all", read_all_fails },
  { "cimpl_stream_try_read_to_end", read_to_end_fails },
  { "cimpl_stream_try_write", write_fails },
  { "cimpl_stream_try_write_all", write_all_fails },
  { "cimpl_stream_try_seek", seek_fails },
  { "cimpl_stream_try_get_size", get_size_fails },
  { "cimpl_stream_try_truncate", truncate_fails },
  { "cimpl_stream_try_flush", flush_fails },
  { "cimpl_stream_try_close", close_fails },
  { "cimpl_stream_try_get_flags", get_flags_fails },
  { "cimpl_stream_try_copy", copy_fails },
  { "cimpl_stream_is_closed", is_closed },
};

static void
assert_critical (const Check *check, gpointer self)
{
  g_autofree char *pattern
      = g_strdup_printf ("%s: assertion 'CIMPL_IS_STREAM (self)' failed", check->function);
  g_autoptr (GError) error = NULL;

  g_test_expect_message ("CimplStream", G_LOG_LEVEL_CRITICAL, pattern);
  g_assert_true (check->fails (self, &error));
  g_test_assert_expected_messages ();
  g_assert_no_error (error);
}

static void
test_null (gconstpointer user_data)
{
  assert_critical (user_data, NULL);
}

static void
test_other_class (gconstpointer user_data)
{
  g_autoptr (GObject) object = g_object_new (G_TYPE_OBJECT, NULL);

  assert_critical (user_data, object);
}

/* A class that uses its stream before g_object_new() has made it one. */

#define HASTY_TYPE_STREAM (hasty_stream_get_type ())
G_DECLARE_FINAL_TYPE (HastyStream, hasty_stream, HASTY, STREAM, CimplStream)

struct _HastyStream
{
  CimplStream parent_instance;

  GError *error; /* (owned) */
};

G_DEFINE_FINAL_TYPE (HastyStream, hasty_stream, CIMPL_TYPE_STREAM)

static void
hasty_stream_class_init (HastyStreamClass *klass)
{
}

static void
hasty_stream_init (HastyStream *self)
{
  g_assert_true (flush_fails (CIMPL_STREAM (self), &self->error));
}

static void
test_too_early (void)
{
  g_autoptr (HastyStream) stream = g_object_new (HASTY_TYPE_STREAM, NULL);
  g_autoptr (GError) error = g_steal_pointer (&stream->error);

  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_HANDLE);
  g_assert_false (flush_fails (CIMPL_STREAM (stream), NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (checks); i++)
    {
      g_autofree char *null = g_strdup_printf ("/checks/null/%s", checks[i].function);
      g_autofree char *other = g_strdup_printf ("/checks/other-class/%s", checks[i].function);

      g_test_add_data_func (null, &checks[i], test_null);
      g_test_add_data_func (other, &checks[i], test_other_class);
    }
  g_test_add_func ("/checks/too-early", test_too_early);

  return g_test_run ();
}
