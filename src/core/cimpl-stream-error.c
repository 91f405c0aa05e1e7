/* SPDX-License-Identifier: MIT */

#include "config.h"

#include "core/cimpl-stream-error-private.h"

#include <errno.h>
#include <stdatomic.h>

/* What a GError of our domain remembers, also when it is copied. */
typedef struct
{
  gint errnum;          /* the errno it comes from, 0 if none is known */
  guint64 serial;       /* by which it is known again wherever it goes, 0 if it has none */
  gboolean is_argument; /* nothing is wrong but the argument of the caller */
} CimplStreamErrorPrivate;

static void
cimpl_stream_error_private_init (CimplStreamErrorPrivate *priv)
{
}

static void
cimpl_stream_error_private_copy (const CimplStreamErrorPrivate *src, CimplStreamErrorPrivate *dest)
{
  *dest = *src;
}

static void
cimpl_stream_error_private_clear (CimplStreamErrorPrivate *priv)
{
}

/**
 * cimpl_stream_error_quark:
 *
 * Gets the domain of the errors that the library itself reports.
 *
 * Returns: the quark of %CIMPL_STREAM_ERROR
 *
 * Since: 1.0
 */
G_DEFINE_EXTENDED_ERROR (CimplStreamError, cimpl_stream_error)

/* Bindings get the domain by its name. An error that they make before it is known to be an extended
 * one has no private data, and freeing it later would corrupt the heap. */
static void __attribute__ ((constructor)) register_domain (void) { cimpl_stream_error_quark (); }

/* The clock of failures, which has no other unit than their order. */
static _Atomic guint64 now;

static const struct
{
  CimplStreamError code;
  const char *name;
} names[] = {
  { CIMPL_STREAM_ERROR_OK, "Ok" },
  { CIMPL_STREAM_ERROR_NULL_PARAMETER, "NullParameter" },
  { CIMPL_STREAM_ERROR_STRING_TOO_LONG, "StringTooLong" },
  { CIMPL_STREAM_ERROR_INVALID_HANDLE, "InvalidHandle" },
  { CIMPL_STREAM_ERROR_WRONG_HANDLE_TYPE, "WrongHandleType" },
  { CIMPL_STREAM_ERROR_OTHER, "Other" },
  { CIMPL_STREAM_ERROR_IO_OPERATION, "IoError" }, /* as the published library spells it */
  { CIMPL_STREAM_ERROR_INVALID_BUFFER, "InvalidBuffer" },
  { CIMPL_STREAM_ERROR_NOT_SUPPORTED, "NotSupported" },
  { CIMPL_STREAM_ERROR_CLOSED, "Closed" },
  { CIMPL_STREAM_ERROR_BUSY, "Busy" },
  { CIMPL_STREAM_ERROR_CANCELLED, "Cancelled" },
  { CIMPL_STREAM_ERROR_WOULD_BLOCK, "WouldBlock" },
  { CIMPL_STREAM_ERROR_CALLBACK_CONTRACT, "CallbackContract" },
  { CIMPL_STREAM_ERROR_INVALID_ARGUMENT, "InvalidArgument" },
  { CIMPL_STREAM_ERROR_NO_SPACE, "NoSpace" },
  { CIMPL_STREAM_ERROR_UNEXPECTED_EOF, "UnexpectedEof" },
};

/*
 * The one mapping between our codes, GIO's and errno. A look-up by any column takes the first row
 * that has the value, so the first row of a value says what it becomes elsewhere.
 */
static const struct
{
  CimplStreamError code;
  GIOErrorEnum io_code;
  gint errnum;
} mappings[] = {
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_FAILED, EIO },
  { CIMPL_STREAM_ERROR_NOT_SUPPORTED, G_IO_ERROR_NOT_SUPPORTED, ENOTSUP },
  { CIMPL_STREAM_ERROR_NOT_SUPPORTED, G_IO_ERROR_NOT_SUPPORTED, ENOSYS },
  { CIMPL_STREAM_ERROR_NOT_SUPPORTED, G_IO_ERROR_NOT_SUPPORTED, ESPIPE },
  /* A busy device is not what BUSY means. */
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_BUSY, EBUSY },
  { CIMPL_STREAM_ERROR_BUSY, G_IO_ERROR_PENDING, EBUSY },
  { CIMPL_STREAM_ERROR_CANCELLED, G_IO_ERROR_CANCELLED, ECANCELED },
  { CIMPL_STREAM_ERROR_WOULD_BLOCK, G_IO_ERROR_WOULD_BLOCK, EAGAIN },
  { CIMPL_STREAM_ERROR_INVALID_ARGUMENT, G_IO_ERROR_INVALID_ARGUMENT, EINVAL },
  { CIMPL_STREAM_ERROR_NO_SPACE, G_IO_ERROR_NO_SPACE, ENOSPC },
  { CIMPL_STREAM_ERROR_NO_SPACE, G_IO_ERROR_NO_SPACE, ENOMEM },
  { CIMPL_STREAM_ERROR_NO_SPACE, G_IO_ERROR_NO_SPACE, EDQUOT },
  { CIMPL_STREAM_ERROR_NO_SPACE, G_IO_ERROR_NO_SPACE, EFBIG },
  { CIMPL_STREAM_ERROR_UNEXPECTED_EOF, G_IO_ERROR_PARTIAL_INPUT, ENODATA },
  /* A descriptor without write access is EBADF too, which is not what CLOSED means. */
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_FAILED, EBADF },
  { CIMPL_STREAM_ERROR_CLOSED, G_IO_ERROR_CLOSED, EBADF },
  { CIMPL_STREAM_ERROR_NULL_PARAMETER, G_IO_ERROR_INVALID_ARGUMENT, EINVAL },
  { CIMPL_STREAM_ERROR_STRING_TOO_LONG, G_IO_ERROR_INVALID_ARGUMENT, EINVAL },
  { CIMPL_STREAM_ERROR_INVALID_BUFFER, G_IO_ERROR_INVALID_ARGUMENT, EINVAL },
  { CIMPL_STREAM_ERROR_INVALID_HANDLE, G_IO_ERROR_INVALID_ARGUMENT, EBADF },
  { CIMPL_STREAM_ERROR_WRONG_HANDLE_TYPE, G_IO_ERROR_INVALID_ARGUMENT, EBADF },
  { CIMPL_STREAM_ERROR_OTHER, G_IO_ERROR_FAILED, EIO },
  { CIMPL_STREAM_ERROR_CALLBACK_CONTRACT, G_IO_ERROR_FAILED, EIO },
  /* Only between GIO and errno: the plain API has no code of its own for these. */
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_NOT_FOUND, ENOENT },
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_EXISTS, EEXIST },
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_IS_DIRECTORY, EISDIR },
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_NOT_DIRECTORY, ENOTDIR },
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_NOT_EMPTY, ENOTEMPTY },
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_PERMISSION_DENIED, EACCES },
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_PERMISSION_DENIED, EPERM },
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_READ_ONLY, EROFS },
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_FILENAME_TOO_LONG, ENAMETOOLONG },
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_TOO_MANY_LINKS, ELOOP },
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_TOO_MANY_OPEN_FILES, EMFILE },
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_NO_SUCH_DEVICE, ENODEV },
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_BROKEN_PIPE, EPIPE },
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_BROKEN_PIPE, ESHUTDOWN },
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_CONNECTION_CLOSED, ECONNRESET },
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_CONNECTION_CLOSED, ECONNABORTED },
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_CONNECTION_CLOSED, ENETRESET },
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_CONNECTION_REFUSED, ECONNREFUSED },
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_NOT_CONNECTED, ENOTCONN },
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_NETWORK_UNREACHABLE, ENETUNREACH },
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_HOST_UNREACHABLE, EHOSTUNREACH },
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_HOST_UNREACHABLE, EHOSTDOWN },
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_ADDRESS_IN_USE, EADDRINUSE },
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_MESSAGE_TOO_LARGE, EMSGSIZE },
  { CIMPL_STREAM_ERROR_IO_OPERATION, G_IO_ERROR_TIMED_OUT, ETIMEDOUT },
};

/* The name of @code in the messages of the plain API; that of OTHER for an unknown one. */
const char *
cimpl_error_code_name (gint code)
{
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if ((gint) names[i].code == code)
      return names[i].name;
  return "Other";
}

gboolean
cimpl_error_code_is_known (gint code)
{
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if ((gint) names[i].code == code)
      return TRUE;
  return FALSE;
}

CimplStreamError
cimpl_error_code_from_errno (gint errnum)
{
  for (gsize i = 0; i < G_N_ELEMENTS (mappings); i++)
    if (mappings[i].errnum == errnum)
      return mappings[i].code;
  return CIMPL_STREAM_ERROR_IO_OPERATION;
}

/**
 * cimpl_stream_error_get_code:
 * @error: an error of any domain
 *
 * Gets the code that the plain C API shows for an error. For one of %CIMPL_STREAM_ERROR that is
 * its own code, for one of %G_IO_ERROR the corresponding one, and for others
 * %CIMPL_STREAM_ERROR_OTHER; never %CIMPL_STREAM_ERROR_OK.
 *
 * Returns: a [error@CimplStream.StreamError]
 *
 * Since: 1.0
 */
gint
cimpl_stream_error_get_code (const GError *error)
{
  if (error->domain == CIMPL_STREAM_ERROR)
    return error->code != CIMPL_STREAM_ERROR_OK && cimpl_error_code_is_known (error->code)
               ? error->code
               : CIMPL_STREAM_ERROR_OTHER;
  if (error->domain == G_IO_ERROR)
    {
      for (gsize i = 0; i < G_N_ELEMENTS (mappings); i++)
        if ((gint) mappings[i].io_code == error->code)
          return mappings[i].code;
      return CIMPL_STREAM_ERROR_IO_OPERATION;
    }
  return CIMPL_STREAM_ERROR_OTHER;
}

/* The code that GIO shows for an error of any domain; an errno says more than our code. */
GIOErrorEnum
cimpl_error_get_io_code (const GError *error)
{
  gint errnum = cimpl_error_get_errno (error);
  gint code = cimpl_stream_error_get_code (error);

  if (error->domain == G_IO_ERROR)
    return (GIOErrorEnum) error->code;
  for (gsize i = 0; errnum != 0 && i < G_N_ELEMENTS (mappings); i++)
    if (mappings[i].errnum == errnum)
      return mappings[i].io_code;
  if (errnum != 0)
    return g_io_error_from_errno (errnum);
  for (gsize i = 0; i < G_N_ELEMENTS (mappings); i++)
    if ((gint) mappings[i].code == code)
      return mappings[i].io_code;
  return G_IO_ERROR_FAILED;
}

/* The errno that an error comes from, or 0 if none is known. */
gint
cimpl_error_get_errno (const GError *error)
{
  if (error->domain == CIMPL_STREAM_ERROR)
    return cimpl_stream_error_get_private (error)->errnum;
  if (error->domain == G_IO_ERROR && error->code != G_IO_ERROR_FAILED)
    for (gsize i = 0; i < G_N_ELEMENTS (mappings); i++)
      if ((gint) mappings[i].io_code == error->code)
        return mappings[i].errnum;
  return 0;
}

/* The errno that stands for an error: the one it comes from, or else that of its code. */
gint
cimpl_error_to_errno (const GError *error)
{
  gint errnum = cimpl_error_get_errno (error);
  gint code = cimpl_stream_error_get_code (error);

  for (gsize i = 0; errnum == 0 && i < G_N_ELEMENTS (mappings); i++)
    if ((gint) mappings[i].code == code)
      errnum = mappings[i].errnum;
  return errnum;
}

/* With a known @code, and @errnum 0 if none is known. */
GError *
cimpl_error_new (gint code, gint errnum, const char *message)
{
  GError *error = g_error_new_literal (CIMPL_STREAM_ERROR, code, message);

  cimpl_stream_error_get_private (error)->errnum = errnum;
  return error;
}

GError *
cimpl_error_new_from_errno (gint errnum, const char *message)
{
  return cimpl_error_new ((gint) cimpl_error_code_from_errno (errnum), errnum, message);
}

/* The serial number of an error, 0 if it has none. */
guint64
cimpl_error_get_serial (const GError *error)
{
  return error->domain == CIMPL_STREAM_ERROR ? cimpl_stream_error_get_private (error)->serial : 0;
}

void
cimpl_error_set_serial (GError *error, guint64 serial)
{
  if (error->domain == CIMPL_STREAM_ERROR)
    cimpl_stream_error_get_private (error)->serial = serial;
}

/* Says of an error of ours that the caller alone is to blame, by an argument that never works. */
void
cimpl_error_set_is_argument (GError *error)
{
  cimpl_stream_error_get_private (error)->is_argument = TRUE;
}

gboolean
cimpl_error_is_argument (const GError *error)
{
  return error->domain == CIMPL_STREAM_ERROR && cimpl_stream_error_get_private (error)->is_argument;
}

guint64
cimpl_error_now (void)
{
  return atomic_load (&now);
}

guint64
cimpl_error_tick (void)
{
  return atomic_fetch_add (&now, 1) + 1;
}
