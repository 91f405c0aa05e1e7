/* SPDX-License-Identifier: MIT */

#include "config.h"

#include "core/cimpl-stream-error-private.h"
#include "cimplstream/cimpl-enum-types.h"
#include "cimplstream/cimpl-version.h"

#include <errno.h>

#define LAST_ERRNO 133 /* EHWPOISON, on most systems */
#define MESSAGE "the very words"

/* The numbers and names, which programs in other languages have copied. */

typedef struct
{
  CimplStreamError code;
  gint number;
  const char *name;
} CodeCase;

static const CodeCase code_cases[] = {
  { CIMPL_STREAM_ERROR_OK, 0, "Ok" },
  { CIMPL_STREAM_ERROR_NULL_PARAMETER, 1, "NullParameter" },
  { CIMPL_STREAM_ERROR_STRING_TOO_LONG, 2, "StringTooLong" },
  { CIMPL_STREAM_ERROR_INVALID_HANDLE, 3, "InvalidHandle" },
  { CIMPL_STREAM_ERROR_WRONG_HANDLE_TYPE, 4, "WrongHandleType" },
  { CIMPL_STREAM_ERROR_OTHER, 5, "Other" },
  { CIMPL_STREAM_ERROR_IO_OPERATION, 100, "IoError" },
  { CIMPL_STREAM_ERROR_INVALID_BUFFER, 101, "InvalidBuffer" },
  { CIMPL_STREAM_ERROR_NOT_SUPPORTED, 102, "NotSupported" },
  { CIMPL_STREAM_ERROR_CLOSED, 103, "Closed" },
  { CIMPL_STREAM_ERROR_BUSY, 104, "Busy" },
  { CIMPL_STREAM_ERROR_CANCELLED, 105, "Cancelled" },
  { CIMPL_STREAM_ERROR_WOULD_BLOCK, 106, "WouldBlock" },
  { CIMPL_STREAM_ERROR_CALLBACK_CONTRACT, 107, "CallbackContract" },
  { CIMPL_STREAM_ERROR_INVALID_ARGUMENT, 108, "InvalidArgument" },
  { CIMPL_STREAM_ERROR_NO_SPACE, 109, "NoSpace" },
  { CIMPL_STREAM_ERROR_UNEXPECTED_EOF, 110, "UnexpectedEof" },
};

static void
test_code (gconstpointer user_data)
{
  const CodeCase *test = user_data;

  g_assert_cmpint ((gint) test->code, ==, test->number);
  g_assert_cmpstr (cimpl_error_code_name (test->number), ==, test->name);
  g_assert_true (cimpl_error_code_is_known (test->number));
}

static void
test_code_unknown (void)
{
  static const gint numbers[] = { -1, 6, 99, 111, 1000, G_MAXINT, G_MININT };

  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      g_autoptr (GError) error = g_error_new_literal (CIMPL_STREAM_ERROR, numbers[i], MESSAGE);

      g_assert_false (cimpl_error_code_is_known (numbers[i]));
      g_assert_cmpstr (cimpl_error_code_name (numbers[i]), ==, "Other");
      g_assert_cmpint (cimpl_stream_error_get_code (error), ==, CIMPL_STREAM_ERROR_OTHER);
      g_assert_cmpint (cimpl_error_get_io_code (error), ==, G_IO_ERROR_FAILED);
    }
}

static void
test_code_ok (void)
{
  g_autoptr (GError) error
      = g_error_new_literal (CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_OK, MESSAGE);

  g_test_summary ("What failed is never shown as a success");

  g_assert_cmpint (cimpl_stream_error_get_code (error), ==, CIMPL_STREAM_ERROR_OTHER);
}

/* "null-parameter" becomes "NullParameter". */
static char *
camel_case (const char *nick)
{
  GString *name = g_string_new (NULL);

  for (const char *c = nick; *c != '\0'; c++)
    if (c == nick || c[-1] == '-')
      g_string_append_c (name, g_ascii_toupper (*c));
    else if (*c != '-')
      g_string_append_c (name, *c);
  return g_string_free (name, FALSE);
}

static void
test_code_enum (void)
{
  g_autoptr (GEnumClass) enum_class = g_type_class_ref (CIMPL_TYPE_STREAM_ERROR);

  g_test_summary ("A code that is added gets a name, and a row in the table above");

  for (guint i = 0; i < enum_class->n_values; i++)
    {
      const GEnumValue *value = &enum_class->values[i];
      g_autofree char *name = camel_case (value->value_nick);

      g_assert_true (cimpl_error_code_is_known (value->value));
      if (value->value == CIMPL_STREAM_ERROR_IO_OPERATION)
        g_assert_cmpstr (cimpl_error_code_name (value->value), ==, "IoError");
      else
        g_assert_cmpstr (cimpl_error_code_name (value->value), ==, name);
    }
  g_assert_cmpuint (enum_class->n_values, ==, G_N_ELEMENTS (code_cases));
}

/* From errno */

typedef struct
{
  const char *name;
  gint errnum;
  CimplStreamError code;
  GIOErrorEnum io_code;
} ErrnoCase;

#define ROW(errnum) #errnum, errnum

static const ErrnoCase errno_cases[] = {
  { ROW (EIO), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_FAILED },
  { ROW (EBADF), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_FAILED },
  { ROW (ENOTSUP), CIMPL_STREAM_ERROR_NOT_SUPPORTED, G_IO_ERROR_NOT_SUPPORTED },
  { ROW (ENOSYS), CIMPL_STREAM_ERROR_NOT_SUPPORTED, G_IO_ERROR_NOT_SUPPORTED },
  { ROW (ESPIPE), CIMPL_STREAM_ERROR_NOT_SUPPORTED, G_IO_ERROR_NOT_SUPPORTED },
  { ROW (ECANCELED), CIMPL_STREAM_ERROR_CANCELLED, G_IO_ERROR_CANCELLED },
  { ROW (EAGAIN), CIMPL_STREAM_ERROR_WOULD_BLOCK, G_IO_ERROR_WOULD_BLOCK },
  { ROW (EWOULDBLOCK), CIMPL_STREAM_ERROR_WOULD_BLOCK, G_IO_ERROR_WOULD_BLOCK },
  { ROW (EINVAL), CIMPL_STREAM_ERROR_INVALID_ARGUMENT, G_IO_ERROR_INVALID_ARGUMENT },
  { ROW (ENOSPC), CIMPL_STREAM_ERROR_NO_SPACE, G_IO_ERROR_NO_SPACE },
  { ROW (EDQUOT), CIMPL_STREAM_ERROR_NO_SPACE, G_IO_ERROR_NO_SPACE },
  { ROW (EFBIG), CIMPL_STREAM_ERROR_NO_SPACE, G_IO_ERROR_NO_SPACE },
  { ROW (ENOMEM), CIMPL_STREAM_ERROR_NO_SPACE, G_IO_ERROR_NO_SPACE },
  { ROW (ENODATA), CIMPL_STREAM_ERROR_UNEXPECTED_EOF, G_IO_ERROR_PARTIAL_INPUT },
  { ROW (ENOENT), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_NOT_FOUND },
  { ROW (EEXIST), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_EXISTS },
  { ROW (EISDIR), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_IS_DIRECTORY },
  { ROW (ENOTDIR), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_NOT_DIRECTORY },
  { ROW (ENOTEMPTY), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_NOT_EMPTY },
  { ROW (EACCES), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_PERMISSION_DENIED },
  { ROW (EPERM), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_PERMISSION_DENIED },
  { ROW (EROFS), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_READ_ONLY },
  { ROW (ENAMETOOLONG), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_FILENAME_TOO_LONG },
  { ROW (ELOOP), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_TOO_MANY_LINKS },
  { ROW (EMFILE), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_TOO_MANY_OPEN_FILES },
  { ROW (EPIPE), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_BROKEN_PIPE },
  { ROW (ESHUTDOWN), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_BROKEN_PIPE },
  { ROW (ECONNRESET), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_CONNECTION_CLOSED },
  { ROW (ECONNABORTED), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_CONNECTION_CLOSED },
  { ROW (ENETRESET), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_CONNECTION_CLOSED },
  { ROW (ECONNREFUSED), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_CONNECTION_REFUSED },
  { ROW (ENOTCONN), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_NOT_CONNECTED },
  { ROW (ENETUNREACH), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_NETWORK_UNREACHABLE },
  { ROW (ENETDOWN), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_NETWORK_UNREACHABLE },
  { ROW (EHOSTUNREACH), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_HOST_UNREACHABLE },
  { ROW (EHOSTDOWN), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_HOST_UNREACHABLE },
  { ROW (EADDRINUSE), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_ADDRESS_IN_USE },
  { ROW (EMSGSIZE), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_MESSAGE_TOO_LARGE },
  { ROW (ETIMEDOUT), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_TIMED_OUT },
  { ROW (EINTR), CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_FAILED },
};

static void
test_errno (gconstpointer user_data)
{
  const ErrnoCase *test = user_data;
  g_autoptr (GError) error = cimpl_error_new_from_errno (test->errnum, MESSAGE);
  g_autoptr (GError) copy = g_error_copy (error);

  g_assert_cmpint ((gint) cimpl_error_code_from_errno (test->errnum), ==, (gint) test->code);
  g_assert_error (error, CIMPL_STREAM_ERROR, (gint) test->code);
  g_assert_cmpstr (error->message, ==, MESSAGE);
  g_assert_cmpint (cimpl_stream_error_get_code (error), ==, (gint) test->code);
  g_assert_cmpint (cimpl_error_get_io_code (error), ==, (gint) test->io_code);
  g_assert_cmpint (cimpl_error_get_errno (error), ==, test->errnum);
  g_assert_cmpint (cimpl_error_to_errno (error), ==, test->errnum);

  g_assert_error (copy, CIMPL_STREAM_ERROR, (gint) test->code);
  g_assert_cmpstr (copy->message, ==, MESSAGE);
  g_assert_cmpint (cimpl_error_get_errno (copy), ==, test->errnum);
}

static void
test_errno_any (void)
{
  g_test_summary ("No errno is lost, also those that the table does not know");

  for (gint errnum = 1; errnum <= LAST_ERRNO; errnum++)
    {
      g_autoptr (GError) error = cimpl_error_new_from_errno (errnum, MESSAGE);

      g_assert_cmpint (error->code, !=, CIMPL_STREAM_ERROR_OK);
      g_assert_true (cimpl_error_code_is_known (error->code));
      g_assert_cmpint (cimpl_error_get_errno (error), ==, errnum);
    }
}

static void
test_errno_as_gio (void)
{
  g_test_summary ("An errno that GIO has an error for is that error in the adapters, too");

  for (gint errnum = 1; errnum <= LAST_ERRNO; errnum++)
    {
      GIOErrorEnum io_code = g_io_error_from_errno (errnum);
      g_autoptr (GError) error = cimpl_error_new_from_errno (errnum, MESSAGE);

      /* No data is, to GIO, data that is wrong. */
      if (io_code != G_IO_ERROR_FAILED && errnum != ENODATA)
        g_assert_cmpint (cimpl_error_get_io_code (error), ==, io_code);
    }
}

static void
test_errno_unknown (void)
{
  static const gint errnums[] = { -1, 0, 9999, G_MAXINT };

  for (gsize i = 0; i < G_N_ELEMENTS (errnums); i++)
    g_assert_cmpint ((gint) cimpl_error_code_from_errno (errnums[i]), ==,
                     CIMPL_STREAM_ERROR_IO_OPERATION);
}

static void
test_errno_copies (void)
{
  g_autoptr (GError) copy = NULL;
  GError *error = cimpl_error_new_from_errno (ENOENT, MESSAGE);

  g_test_summary ("A copy keeps its errno when the original is gone, and when it is copied again");

  for (guint i = 0; i < 3; i++)
    {
      copy = g_error_copy (error);
      g_clear_error (&error);
      error = g_steal_pointer (&copy);
    }
  copy = error;
  g_prefix_error (&copy, "prefixed: ");
  g_assert_cmpint (cimpl_error_get_errno (copy), ==, ENOENT);
  g_assert_cmpint (cimpl_error_get_io_code (copy), ==, G_IO_ERROR_NOT_FOUND);
}

/* From GIO */

typedef struct
{
  const char *name;
  GIOErrorEnum io_code;
  CimplStreamError code;
  gint errnum;
} IoCase;

static const IoCase io_cases[] = {
  { "failed", G_IO_ERROR_FAILED, CIMPL_STREAM_ERROR_IO_OPERATION, 0 },
  { "not-supported", G_IO_ERROR_NOT_SUPPORTED, CIMPL_STREAM_ERROR_NOT_SUPPORTED, ENOTSUP },
  { "pending", G_IO_ERROR_PENDING, CIMPL_STREAM_ERROR_BUSY, EBUSY },
  { "closed", G_IO_ERROR_CLOSED, CIMPL_STREAM_ERROR_CLOSED, EBADF },
  { "cancelled", G_IO_ERROR_CANCELLED, CIMPL_STREAM_ERROR_CANCELLED, ECANCELED },
  { "would-block", G_IO_ERROR_WOULD_BLOCK, CIMPL_STREAM_ERROR_WOULD_BLOCK, EAGAIN },
  { "invalid-argument", G_IO_ERROR_INVALID_ARGUMENT, CIMPL_STREAM_ERROR_INVALID_ARGUMENT, EINVAL },
  { "no-space", G_IO_ERROR_NO_SPACE, CIMPL_STREAM_ERROR_NO_SPACE, ENOSPC },
  { "partial-input", G_IO_ERROR_PARTIAL_INPUT, CIMPL_STREAM_ERROR_UNEXPECTED_EOF, ENODATA },
  { "not-found", G_IO_ERROR_NOT_FOUND, CIMPL_STREAM_ERROR_IO_OPERATION, ENOENT },
  { "exists", G_IO_ERROR_EXISTS, CIMPL_STREAM_ERROR_IO_OPERATION, EEXIST },
  { "is-directory", G_IO_ERROR_IS_DIRECTORY, CIMPL_STREAM_ERROR_IO_OPERATION, EISDIR },
  { "permission-denied", G_IO_ERROR_PERMISSION_DENIED, CIMPL_STREAM_ERROR_IO_OPERATION, EACCES },
  { "read-only", G_IO_ERROR_READ_ONLY, CIMPL_STREAM_ERROR_IO_OPERATION, EROFS },
  { "broken-pipe", G_IO_ERROR_BROKEN_PIPE, CIMPL_STREAM_ERROR_IO_OPERATION, EPIPE },
  { "timed-out", G_IO_ERROR_TIMED_OUT, CIMPL_STREAM_ERROR_IO_OPERATION, ETIMEDOUT },
  { "address-in-use", G_IO_ERROR_ADDRESS_IN_USE, CIMPL_STREAM_ERROR_IO_OPERATION, EADDRINUSE },
  { "message-too-large", G_IO_ERROR_MESSAGE_TOO_LARGE, CIMPL_STREAM_ERROR_IO_OPERATION, EMSGSIZE },
  { "wrong-etag", G_IO_ERROR_WRONG_ETAG, CIMPL_STREAM_ERROR_IO_OPERATION, 0 },
  { "unknown", (GIOErrorEnum) 9999, CIMPL_STREAM_ERROR_IO_OPERATION, 0 },
};

static void
test_io (gconstpointer user_data)
{
  const IoCase *test = user_data;
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, (gint) test->io_code, MESSAGE);

  g_assert_cmpint (cimpl_stream_error_get_code (error), ==, (gint) test->code);
  g_assert_cmpint (cimpl_error_get_errno (error), ==, test->errnum);
  g_assert_cmpint (cimpl_error_get_io_code (error), ==, (gint) test->io_code);
}

static void
test_io_any (void)
{
  g_autoptr (GEnumClass) enum_class = g_type_class_ref (G_TYPE_IO_ERROR_ENUM);

  g_test_summary ("Every error of GIO has a code and keeps its own");

  for (guint i = 0; i < enum_class->n_values; i++)
    {
      gint io_code = enum_class->values[i].value;
      g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, io_code, MESSAGE);
      gint code = cimpl_stream_error_get_code (error);

      g_assert_cmpint (code, !=, CIMPL_STREAM_ERROR_OK);
      g_assert_true (cimpl_error_code_is_known (code));
      g_assert_cmpint (cimpl_error_get_io_code (error), ==, io_code);
    }
}

/* From our codes to GIO's and to errno */

typedef struct
{
  const char *name;
  CimplStreamError code;
  GIOErrorEnum io_code;
  gint errnum;
} OwnCase;

static const OwnCase own_cases[] = {
  { "null-parameter", CIMPL_STREAM_ERROR_NULL_PARAMETER, G_IO_ERROR_INVALID_ARGUMENT, EINVAL },
  { "string-too-long", CIMPL_STREAM_ERROR_STRING_TOO_LONG, G_IO_ERROR_INVALID_ARGUMENT, EINVAL },
  { "invalid-handle", CIMPL_STREAM_ERROR_INVALID_HANDLE, G_IO_ERROR_INVALID_ARGUMENT, EBADF },
  { "wrong-handle-type", CIMPL_STREAM_ERROR_WRONG_HANDLE_TYPE, G_IO_ERROR_INVALID_ARGUMENT, EBADF },
  { "other", CIMPL_STREAM_ERROR_OTHER, G_IO_ERROR_FAILED, EIO },
  { "io-operation", CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_FAILED, EIO },
  { "invalid-buffer", CIMPL_STREAM_ERROR_INVALID_BUFFER, G_IO_ERROR_INVALID_ARGUMENT, EINVAL },
  { "not-supported", CIMPL_STREAM_ERROR_NOT_SUPPORTED, G_IO_ERROR_NOT_SUPPORTED, ENOTSUP },
  { "closed", CIMPL_STREAM_ERROR_CLOSED, G_IO_ERROR_CLOSED, EBADF },
  { "busy", CIMPL_STREAM_ERROR_BUSY, G_IO_ERROR_PENDING, EBUSY },
  { "cancelled", CIMPL_STREAM_ERROR_CANCELLED, G_IO_ERROR_CANCELLED, ECANCELED },
  { "would-block", CIMPL_STREAM_ERROR_WOULD_BLOCK, G_IO_ERROR_WOULD_BLOCK, EAGAIN },
  { "callback-contract", CIMPL_STREAM_ERROR_CALLBACK_CONTRACT, G_IO_ERROR_FAILED, EIO },
  { "invalid-argument", CIMPL_STREAM_ERROR_INVALID_ARGUMENT, G_IO_ERROR_INVALID_ARGUMENT, EINVAL },
  { "no-space", CIMPL_STREAM_ERROR_NO_SPACE, G_IO_ERROR_NO_SPACE, ENOSPC },
  { "unexpected-eof", CIMPL_STREAM_ERROR_UNEXPECTED_EOF, G_IO_ERROR_PARTIAL_INPUT, ENODATA },
};

/* Every code but OK. */
G_STATIC_ASSERT (G_N_ELEMENTS (own_cases) == G_N_ELEMENTS (code_cases) - 1);

static void
test_own (gconstpointer user_data)
{
  const OwnCase *test = user_data;
  g_autoptr (GError) error = g_error_new_literal (CIMPL_STREAM_ERROR, (gint) test->code, MESSAGE);

  g_assert_cmpint (cimpl_stream_error_get_code (error), ==, (gint) test->code);
  g_assert_cmpint (cimpl_error_get_io_code (error), ==, (gint) test->io_code);
  g_assert_cmpint (cimpl_error_get_errno (error), ==, 0);
  g_assert_cmpint (cimpl_error_to_errno (error), ==, test->errnum);
}

/* The rest */

static void
test_foreign_domain (void)
{
  g_autoptr (GError) error = g_error_new_literal (G_FILE_ERROR, G_FILE_ERROR_NOENT, MESSAGE);

  g_test_summary ("A code of another domain is never taken for one of ours or of GIO");

  for (error->code = -1; error->code < 120; error->code++)
    {
      g_assert_cmpint (cimpl_stream_error_get_code (error), ==, CIMPL_STREAM_ERROR_OTHER);
      g_assert_cmpint (cimpl_error_get_io_code (error), ==, G_IO_ERROR_FAILED);
      g_assert_cmpint (cimpl_error_get_errno (error), ==, 0);
    }
}

#if !CIMPL_STREAM_CHECK_VERSION(1, 0, 0)
#error "The preprocessor cannot work with the version"
#endif

static void
test_version (void)
{
  enum
  {
    MAJOR = CIMPL_STREAM_MAJOR_VERSION,
    MINOR = CIMPL_STREAM_MINOR_VERSION,
    MICRO = CIMPL_STREAM_MICRO_VERSION
  };

  g_assert_cmpint (MAJOR, ==, 1);

  g_assert_true (CIMPL_STREAM_CHECK_VERSION (MAJOR, MINOR, MICRO));
  g_assert_true (CIMPL_STREAM_CHECK_VERSION (MAJOR, MINOR, MICRO - 1));
  g_assert_true (CIMPL_STREAM_CHECK_VERSION (MAJOR, MINOR - 1, MICRO + 1));
  g_assert_true (CIMPL_STREAM_CHECK_VERSION (MAJOR - 1, MINOR + 1, MICRO + 1));

  g_assert_false (CIMPL_STREAM_CHECK_VERSION (MAJOR, MINOR, MICRO + 1));
  g_assert_false (CIMPL_STREAM_CHECK_VERSION (MAJOR, MINOR + 1, MICRO - 1));
  g_assert_false (CIMPL_STREAM_CHECK_VERSION (MAJOR + 1, MINOR - 1, MICRO - 1));
}

static void
add (const char *group, const char *name, gconstpointer row, GTestDataFunc function)
{
  g_autofree char *path = g_strdup_printf ("/stream-error/%s/%s", group, name);

  g_test_add_data_func (path, row, function);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (code_cases); i++)
    add ("code", code_cases[i].name, &code_cases[i], test_code);
  g_test_add_func ("/stream-error/code/unknown", test_code_unknown);
  g_test_add_func ("/stream-error/code/ok", test_code_ok);
  g_test_add_func ("/stream-error/code/enum", test_code_enum);

  for (gsize i = 0; i < G_N_ELEMENTS (errno_cases); i++)
    add ("errno", errno_cases[i].name, &errno_cases[i], test_errno);
  g_test_add_func ("/stream-error/errno/any", test_errno_any);
  g_test_add_func ("/stream-error/errno/as-gio", test_errno_as_gio);
  g_test_add_func ("/stream-error/errno/unknown", test_errno_unknown);
  g_test_add_func ("/stream-error/errno/copies", test_errno_copies);

  for (gsize i = 0; i < G_N_ELEMENTS (io_cases); i++)
    add ("gio", io_cases[i].name, &io_cases[i], test_io);
  g_test_add_func ("/stream-error/gio/any", test_io_any);

  for (gsize i = 0; i < G_N_ELEMENTS (own_cases); i++)
    add ("own", own_cases[i].name, &own_cases[i], test_own);

  g_test_add_func ("/stream-error/foreign-domain", test_foreign_domain);
  g_test_add_func ("/stream-error/version", test_version);

  return g_test_run ();
}
