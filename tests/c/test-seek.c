/* SPDX-License-Identifier: MIT */

#include "config.h"

#include "core/cimpl-seek-private.h"
#include "core/cimpl-stream-error-private.h"

#define UNTOUCHED G_GINT64_CONSTANT (-77)

#define START CIMPL_SEEK_MODE_START
#define CURRENT CIMPL_SEEK_MODE_CURRENT
#define END CIMPL_SEEK_MODE_END
#define UNKNOWN(mode) ((CimplSeekMode) (mode))

/* Programs that know only the published API have these numbers built in. */
G_STATIC_ASSERT (START == 0 && CURRENT == 1 && END == 2);

/* What fails says which value it did not like. */
static void
assert_invalid_argument (const GError *error, const char *value)
{
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, value));
}

typedef struct
{
  const char *name;
  gint64 offset;
  CimplSeekMode mode;
  const char *refused; /* what the message of the refusal names; NULL: not refused */
} CheckCase;

static const CheckCase check_cases[] = {
  { "start/zero", 0, START, NULL },
  { "start/positive", 5, START, NULL },
  { "start/largest", G_MAXINT64, START, NULL },
  { "start/negative", -1, START, "-1" },
  { "start/smallest", G_MININT64, START, "-9223372036854775808" },
  { "current/zero", 0, CURRENT, NULL },
  { "current/negative", -1, CURRENT, NULL },
  { "current/largest", G_MAXINT64, CURRENT, NULL },
  { "current/smallest", G_MININT64, CURRENT, NULL },
  { "end/zero", 0, END, NULL },
  { "end/negative", -1, END, NULL },
  { "end/largest", G_MAXINT64, END, NULL },
  { "end/smallest", G_MININT64, END, NULL },
  { "unknown/next", 0, UNKNOWN (3), "3" },
  { "unknown/minus-one", 0, UNKNOWN (-1), "-1" },
  { "unknown/with-negative-offset", -5, UNKNOWN (4), "4" },
  { "unknown/largest", 0, UNKNOWN (G_MAXINT), "2147483647" },
};

static void
test_check (gconstpointer user_data)
{
  const CheckCase *test = user_data;
  g_autoptr (GError) error = NULL;
  gboolean accepted = cimpl_check_seek (test->offset, test->mode, &error);

  if (test->refused == NULL)
    {
      g_assert_no_error (error);
      g_assert_true (accepted);
      return;
    }
  assert_invalid_argument (error, test->refused);
  g_assert_false (accepted);
  g_assert_false (cimpl_check_seek (test->offset, test->mode, NULL));
}

typedef struct
{
  const char *name;
  gint64 position;
  gint64 size;
  gint64 offset;
  CimplSeekMode mode;
  gint64 expected;     /* -1: refused */
  const char *refused; /* what the message of the refusal names */
} ResolveCase;

static const ResolveCase resolve_cases[] = {
  { "start/zero", 3, 10, 0, START, 0, NULL },
  { "start/inside", 3, 10, 7, START, 7, NULL },
  { "start/at-end", 3, 10, 10, START, 10, NULL },
  { "start/past-end", 3, 10, 15, START, 15, NULL },
  { "start/largest", 3, 10, G_MAXINT64, START, G_MAXINT64, NULL },
  { "start/largest-from-largest", G_MAXINT64, G_MAXINT64, G_MAXINT64, START, G_MAXINT64, NULL },
  { "start/negative", 3, 10, -1, START, -1, "-1" },
  { "start/negative-but-above-position", 3, 10, -2, START, -1, "-2" },
  { "start/smallest", 3, 10, G_MININT64, START, -1, "-9223372036854775808" },

  { "current/zero", 3, 10, 0, CURRENT, 3, NULL },
  { "current/forward", 3, 10, 4, CURRENT, 7, NULL },
  { "current/past-end", 3, 10, 12, CURRENT, 15, NULL },
  { "current/backward", 3, 10, -2, CURRENT, 1, NULL },
  { "current/to-start", 3, 10, -3, CURRENT, 0, NULL },
  { "current/before-start", 3, 10, -4, CURRENT, -1, "-1" },
  { "current/from-past-end", 30, 10, 1, CURRENT, 31, NULL },
  { "current/back-from-past-end", 30, 10, -25, CURRENT, 5, NULL },
  { "current/largest-from-zero", 0, 10, G_MAXINT64, CURRENT, G_MAXINT64, NULL },
  { "current/up-to-largest", 3, 10, G_MAXINT64 - 3, CURRENT, G_MAXINT64, NULL },
  { "current/overflow-by-one", 3, 10, G_MAXINT64 - 2, CURRENT, -1, "9223372036854775805" },
  { "current/overflow", 3, 10, G_MAXINT64, CURRENT, -1, "9223372036854775807" },
  { "current/overflow-twice", G_MAXINT64, 10, G_MAXINT64, CURRENT, -1, "9223372036854775807" },
  { "current/largest-to-zero", G_MAXINT64, 10, -G_MAXINT64, CURRENT, 0, NULL },
  { "current/smallest", 3, 10, G_MININT64, CURRENT, -1, "-9223372036854775805" },
  { "current/smallest-from-zero", 0, 10, G_MININT64, CURRENT, -1, "-9223372036854775808" },
  { "current/smallest-from-largest", G_MAXINT64, 10, G_MININT64, CURRENT, -1, "-1" },

  { "end/zero", 3, 10, 0, END, 10, NULL },
  { "end/inside", 3, 10, -4, END, 6, NULL },
  { "end/to-start", 3, 10, -10, END, 0, NULL },
  { "end/past-end", 3, 10, 5, END, 15, NULL },
  { "end/before-start", 3, 10, -11, END, -1, "-1" },
  { "end/of-nothing", 0, 0, 0, END, 0, NULL },
  { "end/before-nothing", 0, 0, -1, END, -1, "-1" },
  { "end/past-nothing", 0, 0, 1, END, 1, NULL },
  { "end/up-to-largest", 3, 10, G_MAXINT64 - 10, END, G_MAXINT64, NULL },
  { "end/overflow-by-one", 3, 10, G_MAXINT64 - 9, END, -1, "9223372036854775798" },
  { "end/overflow", 3, 10, G_MAXINT64, END, -1, "9223372036854775807" },
  { "end/largest-to-zero", 3, G_MAXINT64, -G_MAXINT64, END, 0, NULL },
  { "end/smallest", 3, 10, G_MININT64, END, -1, "-9223372036854775798" },
  { "end/smallest-from-largest", 3, G_MAXINT64, G_MININT64, END, -1, "-1" },

  { "unknown/next", 3, 10, 0, UNKNOWN (3), -1, "3" },
  { "unknown/minus-one", 3, 10, 0, UNKNOWN (-1), -1, "-1" },
  { "unknown/before-overflow", 3, 10, G_MAXINT64, UNKNOWN (7), -1, "7" },
};

static void
test_resolve (gconstpointer user_data)
{
  const ResolveCase *test = user_data;
  g_autoptr (GError) error = NULL;
  gint64 resolved = UNTOUCHED;
  gboolean success = cimpl_resolve_seek (test->position, test->size, test->offset, test->mode,
                                         &resolved, &error);

  if (test->expected >= 0)
    {
      g_assert_no_error (error);
      g_assert_true (success);
      g_assert_cmpint (resolved, ==, test->expected);
      return;
    }
  assert_invalid_argument (error, test->refused);
  g_assert_false (success);
  g_assert_cmpint (resolved, ==, UNTOUCHED);

  g_assert_false (
      cimpl_resolve_seek (test->position, test->size, test->offset, test->mode, &resolved, NULL));
  g_assert_cmpint (resolved, ==, UNTOUCHED);
}

static void
add (const char *group, const char *name, gconstpointer row, GTestDataFunc function)
{
  g_autofree char *path = g_strdup_printf ("/seek/%s/%s", group, name);

  g_test_add_data_func (path, row, function);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (check_cases); i++)
    add ("check", check_cases[i].name, &check_cases[i], test_check);
  for (gsize i = 0; i < G_N_ELEMENTS (resolve_cases); i++)
    add ("resolve", resolve_cases[i].name, &resolve_cases[i], test_resolve);

  return g_test_run ();
}
