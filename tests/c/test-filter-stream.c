/* SPDX-License-Identifier: MIT */

#include "base.h"
#include "operations.h"
#include "stream-contract.h"

#define CONTENT "0123456789"

/* A filter that overrides nothing */

#define PASS_TYPE_STREAM (pass_stream_get_type ())
G_DECLARE_FINAL_TYPE (PassStream, pass_stream, PASS, STREAM, CimplFilterStream)

struct _PassStream
{
  CimplFilterStream parent_instance;
};

G_DEFINE_FINAL_TYPE (PassStream, pass_stream, CIMPL_TYPE_FILTER_STREAM)

static void
pass_stream_class_init (PassStreamClass *klass)
{
}

static void
pass_stream_init (PassStream *self)
{
}

static CimplStream *
create (TestBackend *backend)
{
  g_autoptr (TestBase) base = test_base_new (backend);

  return g_object_new (PASS_TYPE_STREAM, "base", base, "close-base", TRUE, NULL);
}

static const StreamContract contract = {
  .name = "filter-stream",
  .create = create,
  .silent_code = CIMPL_STREAM_ERROR_CALLBACK_CONTRACT,
  .can_be_untouched = TRUE,
};

/* What only filters do */

typedef struct
{
  TestBackend *backend;
  TestBase *base;
  CimplStream *stream;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  fixture->backend = test_backend_new (CONTENT);
  fixture->base = test_base_new (fixture->backend);
  fixture->stream = g_object_new (PASS_TYPE_STREAM, "base", fixture->base, NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  if (fixture->stream != NULL)
    g_assert_finalize_object (fixture->stream);
  g_assert_finalize_object (fixture->base);
  test_backend_free (fixture->backend);
}

static void
test_close_base (Fixture *fixture, gconstpointer user_data)
{
  for (guint close_base = 0; close_base < 2; close_base++)
    {
      g_autoptr (CimplStream) stream
          = g_object_new (PASS_TYPE_STREAM, "base", fixture->base, "close-base", close_base, NULL);

      fixture->backend->calls[TEST_FLUSH] = 0;
      g_assert_cmpint (cimpl_stream_try_write (stream, "abc", 3, NULL, NULL), ==, 3);
      g_assert_true (cimpl_stream_try_close (stream, NULL, NULL));
      g_assert_cmpuint (fixture->backend->calls[TEST_FLUSH], ==, 1);
      g_assert_cmpuint (fixture->backend->calls[TEST_CLOSE], ==, close_base);
      g_assert_true (cimpl_stream_is_closed (CIMPL_STREAM (fixture->base))
                     == (gboolean) close_base);
    }
}

/* The filter has the last reference to its base. */
static void
test_drop (void)
{
  for (guint close_base = 0; close_base < 2; close_base++)
    {
      g_autoptr (TestBackend) backend = test_backend_new (CONTENT);
      CimplStream *stream = create (backend);
      gpointer base = cimpl_filter_stream_get_base (CIMPL_FILTER_STREAM (stream));

      cimpl_filter_stream_set_close_base (CIMPL_FILTER_STREAM (stream), (gboolean) close_base);
      g_object_add_weak_pointer (base, &base);
      g_assert_cmpint (cimpl_stream_try_write (stream, "abc", 3, NULL, NULL), ==, 3);
      g_assert_finalize_object (stream);
      g_assert_null (base);
      g_assert_cmpuint (backend->calls[TEST_FLUSH], ==, 1);
      g_assert_cmpuint (backend->calls[TEST_CLOSE], ==, 1);
    }
}

static void
drop_stream (TestBackend *backend, gpointer user_data)
{
  CimplStream **stream = user_data;

  g_clear_object (stream);
}

static void
test_drop_busy (Fixture *fixture, gconstpointer user_data)
{
  CimplFilterStream *filter = CIMPL_FILTER_STREAM (fixture->stream);
  gpointer watched = filter;
  char buffer[4];

  g_test_summary ("An operation during which the last reference goes ends with the base in place");
  g_object_add_weak_pointer (G_OBJECT (filter), &watched);
  fixture->backend->hook = drop_stream;
  fixture->backend->hook_data = &fixture->stream;
  g_assert_cmpint (cimpl_stream_try_read (CIMPL_STREAM (filter), buffer, 4, NULL, NULL), ==, 4);
  g_assert_null (watched);
}

static void
test_disposed (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (CimplStream) base = NULL;

  g_object_run_dispose (G_OBJECT (fixture->stream));
  g_object_get (fixture->stream, "base", &base, NULL);
  g_assert_null (base);
}

static void
count_notify (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  ++*(guint *) user_data;
}

static void
test_properties (Fixture *fixture, gconstpointer user_data)
{
  CimplFilterStream *filter = CIMPL_FILTER_STREAM (fixture->stream);
  g_autoptr (CimplStream) base = NULL;
  gboolean close_base = TRUE;
  guint n_notified = 0;

  g_object_get (filter, "base", &base, "close-base", &close_base, NULL);
  g_assert_true (base == CIMPL_STREAM (fixture->base));
  g_assert_true (cimpl_filter_stream_get_base (filter) == base);
  g_assert_false (close_base);
  g_assert_false (cimpl_filter_stream_get_close_base (filter));

  g_signal_connect (filter, "notify::close-base", G_CALLBACK (count_notify), &n_notified);
  for (guint i = 0; i < 2; i++)
    g_object_set (filter, "close-base", TRUE, NULL);
  cimpl_filter_stream_set_close_base (filter, 2);
  g_assert_cmpuint (n_notified, ==, 1);
  g_assert_cmpint (cimpl_filter_stream_get_close_base (filter), ==, TRUE);
  cimpl_filter_stream_set_close_base (filter, FALSE);
  g_assert_cmpuint (n_notified, ==, 2);
}

/* What subclasses chain up to, as the class itself reads with the other slot. */
static gboolean
do_read_bytes_slot (CimplStream *stream, GCancellable *cancellable, GError **error)
{
  CimplStreamClass *klass = CIMPL_STREAM_GET_CLASS (stream);
  g_autoptr (GBytes) bytes = klass->read_bytes (stream, 4, cancellable, error);

  return bytes != NULL;
}

static const TestOperation calls[] = {
  test_do_read,      do_read_bytes_slot,     test_do_write,
  test_do_tell,      test_do_truncate,       cimpl_stream_try_flush,
  test_do_get_flags, cimpl_stream_try_close, /* after which there is nothing else */
};

static void
test_error_passes (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GError) expected = g_error_new (G_FILE_ERROR, G_FILE_ERROR_PERM, "not for you");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  g_object_set (fixture->stream, "close-base", TRUE, NULL);
  fixture->base->error = expected;
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      g_autoptr (GError) error = NULL;

      if (calls[i] == test_do_get_flags)
        continue; /* never fails in this base */
      fixture->base->cancellable = NULL;
      g_assert_false (calls[i](fixture->stream, cancellable, &error));
      g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_PERM);
      g_assert_cmpstr (error->message, ==, "not for you");
      g_assert_true (fixture->base->cancellable == cancellable);
    }
}

static void
test_closed_base (Fixture *fixture, gconstpointer user_data)
{
  g_assert_true (cimpl_stream_try_close (CIMPL_STREAM (fixture->base), NULL, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (calls) - 1; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (calls[i](fixture->stream, NULL, &error));
      g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_CLOSED);
    }
  g_assert_false (cimpl_stream_is_closed (fixture->stream));
}

static void
test_no_base (void)
{
  g_autoptr (CimplStream) stream = g_object_new (PASS_TYPE_STREAM, "close-base", TRUE, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (calls[i](stream, NULL, &error));
      g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NULL_PARAMETER);
      g_assert_cmpstr (error->message, ==, "PassStream was made without a base");
    }
}

static void
test_flags (Fixture *fixture, gconstpointer user_data)
{
  CimplStreamFlags flags;

  for (guint i = 0; i < 3; i++)
    {
      fixture->base->only = i % 2 == 1 ? CIMPL_STREAM_READABLE : 0;
      g_assert_true (cimpl_stream_try_get_flags (fixture->stream, &flags, NULL));
      g_assert_true ((flags == CIMPL_STREAM_READABLE) == (fixture->base->only != 0));
    }
}

static void
use_base_again (TestBackend *backend, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (cimpl_stream_try_flush (user_data, NULL, &error));
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_BUSY);
}

static void
test_base_is_busy (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (CimplStream) other = g_object_new (PASS_TYPE_STREAM, "base", fixture->base, NULL);

  fixture->backend->hook = use_base_again;
  fixture->backend->hook_data = other;
  g_assert_true (test_do_read (fixture->stream, NULL, NULL));
  g_assert_cmpuint (fixture->backend->calls[TEST_FLUSH], ==, 0);
  fixture->backend->hook = NULL;
}

/* Subclasses add 1 to each byte that their parent reads. */

static void
add_one (guint8 *data, gsize size)
{
  for (gsize i = 0; i < size; i++)
    data[i]++;
}

/* clang-format off */
#define DEFINE_READER(TypeName, type_name, PARENT_TYPE)                                            \
  typedef PassStream TypeName;                                                                     \
  typedef PassStreamClass TypeName##Class;                                                         \
  static GType type_name##_get_type (void);                                                        \
  G_DEFINE_TYPE (TypeName, type_name, PARENT_TYPE)                                                 \
                                                                                                   \
  static gboolean                                                                                  \
  type_name##_read (CimplStream *stream,                                                           \
                    void *buffer,                                                                  \
                    gsize count,                                                                   \
                    gsize *n_read,                                                                 \
                    GCancellable *cancellable,                                                     \
                    GError **error)                                                                \
  {                                                                                                \
    if (!CIMPL_STREAM_CLASS (type_name##_parent_class)                                             \
             ->read (stream, buffer, count, n_read, cancellable, error))                           \
      return FALSE;                                                                                \
    add_one (buffer, *n_read);                                                                     \
    return TRUE;                                                                                   \
  }                                                                                                \
                                                                                                   \
  static void                                                                                      \
  type_name##_class_init (TypeName##Class *klass)                                                  \
  {                                                                                                \
    CIMPL_STREAM_CLASS (klass)->read = type_name##_read;                                           \
  }                                                                                                \
                                                                                                   \
  static void                                                                                      \
  type_name##_init (TypeName *self)                                                                \
  {                                                                                                \
  }

#define DEFINE_BYTES_READER(TypeName, type_name, PARENT_TYPE)                                      \
  typedef PassStream TypeName;                                                                     \
  typedef PassStreamClass TypeName##Class;                                                         \
  static GType type_name##_get_type (void);                                                        \
  G_DEFINE_TYPE (TypeName, type_name, PARENT_TYPE)                                                 \
                                                                                                   \
  static GBytes *                                                                                  \
  type_name##_read_bytes (CimplStream *stream,                                                     \
                          gsize count,                                                             \
                          GCancellable *cancellable,                                               \
                          GError **error)                                                          \
  {                                                                                                \
    GBytes *bytes = CIMPL_STREAM_CLASS (type_name##_parent_class)                                  \
                        ->read_bytes (stream, count, cancellable, error);                          \
    GByteArray *array;                                                                             \
                                                                                                   \
    if (bytes == NULL)                                                                             \
      return NULL;                                                                                 \
    array = g_bytes_unref_to_array (bytes);                                                        \
    add_one (array->data, array->len);                                                             \
    return g_byte_array_free_to_bytes (array);                                                     \
  }                                                                                                \
                                                                                                   \
  static void                                                                                      \
  type_name##_class_init (TypeName##Class *klass)                                                  \
  {                                                                                                \
    CIMPL_STREAM_CLASS (klass)->read_bytes = type_name##_read_bytes;                               \
  }                                                                                                \
                                                                                                   \
  static void                                                                                      \
  type_name##_init (TypeName *self)                                                                \
  {                                                                                                \
  }
/* clang-format on */

DEFINE_READER (Reader, reader, CIMPL_TYPE_FILTER_STREAM)
DEFINE_READER (ReaderOverReader, reader_over_reader, reader_get_type ())
DEFINE_BYTES_READER (BytesOverReader, bytes_over_reader, reader_get_type ())
DEFINE_BYTES_READER (Bytes, bytes, CIMPL_TYPE_FILTER_STREAM)
DEFINE_BYTES_READER (BytesOverBytes, bytes_over_bytes, bytes_get_type ())
DEFINE_READER (ReaderOverBytes, reader_over_bytes, bytes_get_type ())

static const struct
{
  const char *name;
  GType (*get_type) (void);
  const char *expected;
} readers[] = {
  { "none", pass_stream_get_type, "0123456789" },
  { "read", reader_get_type, "123456789:" },
  { "read-over-read", reader_over_reader_get_type, "23456789:;" },
  { "read-bytes-over-read", bytes_over_reader_get_type, "23456789:;" },
  { "read-bytes", bytes_get_type, "123456789:" },
  { "read-bytes-over-read-bytes", bytes_over_bytes_get_type, "23456789:;" },
  { "read-over-read-bytes", reader_over_bytes_get_type, "23456789:;" },
};

static void
test_read_slots (gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  g_autoptr (TestBackend) backend = test_backend_new (CONTENT);
  g_autoptr (TestBase) base = test_base_new (backend);
  g_autoptr (CimplStream) stream = g_object_new (readers[i].get_type (), "base", base, NULL);
  char buffer[6];
  g_autoptr (GBytes) rest = NULL;

  for (guint j = 0; j < 2; j++)
    {
      g_assert_cmpint (cimpl_stream_try_read (stream, buffer, 3, NULL, NULL), ==, 3);
      g_assert_cmpmem (buffer, 3, readers[i].expected + 3 * j, 3);
    }
  rest = cimpl_stream_try_read_bytes (stream, 100, NULL, NULL);
  g_assert_cmpmem (g_bytes_get_data (rest, NULL), g_bytes_get_size (rest), readers[i].expected + 6,
                   4);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/filter-stream/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  stream_contract_add_tests (&contract);
  ADD ("close-base", test_close_base);
  g_test_add_func ("/filter-stream/drop", test_drop);
  ADD ("drop/busy", test_drop_busy);
  ADD ("disposed", test_disposed);
  ADD ("properties", test_properties);
  ADD ("error-passes", test_error_passes);
  ADD ("closed-base", test_closed_base);
  g_test_add_func ("/filter-stream/no-base", test_no_base);
  ADD ("flags", test_flags);
  ADD ("base-is-busy", test_base_is_busy);
  for (guint i = 0; i < G_N_ELEMENTS (readers); i++)
    {
      g_autofree char *path = g_strconcat ("/filter-stream/read-slots/", readers[i].name, NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_read_slots);
    }

  return g_test_run ();
}
