/* SPDX-License-Identifier: MIT */

/* The error of a thread, in the plain C API. */

#include "config.h"

#include "plain/cimpl-last-error-private.h"

#include "core/cimpl-handle-private.h"
#include "core/cimpl-stream-error-private.h"

/*
 * The last error of a thread. Inside a callback it is that of the frame, so that what a callback
 * does with other streams does not disturb the error of its caller.
 */
static GPrivate thread_error = G_PRIVATE_INIT ((GDestroyNotify) g_error_free);

static const GError *
get_last_error (void)
{
  return cimpl_frame_top != NULL ? cimpl_frame_top->last : g_private_get (&thread_error);
}

/* Takes @error, which may be NULL. */
void
cimpl_set_last_error (GError *error)
{
  if (cimpl_frame_top == NULL)
    {
      g_private_replace (&thread_error, error);
      return;
    }
  g_clear_error (&cimpl_frame_top->last);
  cimpl_frame_top->last = error;
}

/**
 * cimpl_stream_last_error: (skip)
 *
 * Gets what went wrong last in the calling thread, as `Name: message`. Success does not change it.
 *
 * Returns: a string, to be freed with cimpl_free(), or `NULL` when there was no error
 *
 * Since: 1.0
 */
char *
cimpl_stream_last_error (void)
{
  const GError *error = get_last_error ();
  char *string;

  if (error == NULL)
    return NULL;
  string = g_strconcat (cimpl_error_code_name (cimpl_stream_error_get_code (error)), ": ",
                        error->message, NULL);
  cimpl_handle_add_string (string);
  return string;
}

/**
 * cimpl_stream_error_code: (skip)
 *
 * Gets the code of what went wrong last in the calling thread.
 *
 * Returns: a #CimplStreamError, %CIMPL_STREAM_ERROR_OK when there was no error
 *
 * Since: 1.0
 */
int32_t
cimpl_stream_error_code (void)
{
  const GError *error = get_last_error ();

  return error == NULL ? CIMPL_STREAM_ERROR_OK : cimpl_stream_error_get_code (error);
}

/**
 * cimpl_stream_error_errno: (skip)
 *
 * Gets the `errno` of what went wrong last in the calling thread.
 *
 * Returns: a value of `errno`, or 0 if none is known
 *
 * Since: 1.0
 */
int32_t
cimpl_stream_error_errno (void)
{
  const GError *error = get_last_error ();

  return error == NULL ? 0 : cimpl_error_get_errno (error);
}

/**
 * cimpl_stream_error_dup_last:
 *
 * Gets what went wrong last in the calling thread in the plain C API, with the domain and the code
 * that it had where it came from.
 *
 * Returns: (transfer full) (nullable): the error, or `NULL` when there was none
 *
 * Since: 1.0
 */
GError *
cimpl_stream_error_dup_last (void)
{
  const GError *error = get_last_error ();

  return error == NULL ? NULL : g_error_copy (error);
}

/**
 * cimpl_stream_clear_error: (skip)
 *
 * Forgets what went wrong in the calling thread.
 *
 * Since: 1.0
 */
void
cimpl_stream_clear_error (void)
{
  cimpl_set_last_error (NULL);
}

/* Takes @error: what the running callback says, or outside of any simply the last error. */
static void
say (GError *error)
{
  if (cimpl_frame_top == NULL)
    {
      cimpl_set_last_error (error);
      return;
    }
  g_clear_error (&cimpl_frame_top->pending);
  cimpl_frame_top->pending = error;
}

static char *
make_message (const char *message, const char *fallback)
{
  /* Foreign languages pass what they have; a GError has UTF-8. */
  return g_utf8_make_valid (message != NULL ? message : fallback, -1);
}

/**
 * cimpl_stream_set_error: (skip)
 * @code: a #CimplStreamError; an unknown one becomes %CIMPL_STREAM_ERROR_OTHER, and
 *   %CIMPL_STREAM_ERROR_OK takes back what was said
 * @message: (nullable): what went wrong, in UTF-8, without the name of the code
 *
 * Says what went wrong in a callback that is about to return failure; forgotten if it then
 * succeeds. Outside of callbacks, sets the last error of the thread.
 *
 * Since: 1.0
 */
void
cimpl_stream_set_error (int32_t code, const char *message)
{
  g_autofree char *text = NULL;

  if (code == CIMPL_STREAM_ERROR_OK)
    {
      say (NULL);
      return;
    }
  if (!cimpl_error_code_is_known (code))
    code = CIMPL_STREAM_ERROR_OTHER;
  text = make_message (message, cimpl_error_code_name (code));
  say (g_error_new_literal (CIMPL_STREAM_ERROR, code, text));
}

/**
 * cimpl_stream_set_errno: (skip)
 * @errnum: a value of `errno`; 0 is %CIMPL_STREAM_ERROR_OTHER
 * @message: (nullable): what went wrong, in UTF-8; `NULL` for the text of strerror()
 *
 * Like cimpl_stream_set_error(), with the code that @errnum means; the callers of
 * cimpl_stream_error_errno() get @errnum.
 *
 * Since: 1.0
 */
void
cimpl_stream_set_errno (int32_t errnum, const char *message)
{
  g_autofree char *text = NULL;

  if (errnum == 0)
    {
      cimpl_stream_set_error (CIMPL_STREAM_ERROR_OTHER, message);
      return;
    }
  text = make_message (message, g_strerror (errnum));
  say (cimpl_error_new_from_errno (errnum, text));
}
