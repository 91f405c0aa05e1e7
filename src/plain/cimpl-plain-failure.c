/* SPDX-License-Identifier: MIT */

/* What has failed in a stream, in the plain C API; see cimpl-failure-private.h. */

#include "config.h"

#include "core/cimpl-stream-private.h"
#include "cimplstream/cimpl-filter-stream.h"
#include "cimplstream/cimpl-stream-error.h"
#include "plain/cimpl-last-error-private.h"

static CimplStream *
get_base (CimplStream *stream)
{
  return CIMPL_IS_FILTER_STREAM (stream)
             ? cimpl_filter_stream_get_base (CIMPL_FILTER_STREAM (stream))
             : NULL;
}

/* Whether a filter of @base, from @top on, has made good what the two of them have met. */
static gboolean
is_recovered_above (CimplStream *base, CimplStream *top, guint64 serial)
{
  for (CimplStream *stream = top; stream != base; stream = get_base (stream))
    if (cimpl_failure_is_recovered (cimpl_stream_get_handle (stream), serial))
      return TRUE;
  return FALSE;
}

/* The first failure after @mark of @top and what it filters, or NULL. */
static CimplFailure *
find_failure (CimplStream *top, guint64 mark, gboolean unrecovered_only)
{
  CimplFailure *first = NULL;

  for (CimplStream *stream = top; stream != NULL; stream = get_base (stream))
    {
      CimplHandle *handle = cimpl_stream_get_handle (stream);
      CimplFailure *failure = cimpl_failure_find (handle, mark, unrecovered_only);

      while (failure != NULL && unrecovered_only
             && is_recovered_above (stream, top, failure->serial))
        {
          guint64 time = failure->time;

          cimpl_failure_unref (failure);
          failure = cimpl_failure_find (handle, time, TRUE);
        }
      if (failure != NULL && (first == NULL || failure->time < first->time))
        {
          CimplFailure *later = first;

          first = failure;
          failure = later;
        }
      g_clear_pointer (&failure, cimpl_failure_unref);
    }
  return first;
}

/* Keeps the stream while it is asked, or fails with NULL. */
static CimplHandle *
hold (CimplStream *stream)
{
  CimplHandle *handle;
  CimplEntry entry;

  if (stream == NULL)
    {
      cimpl_fail_null ("stream");
      return NULL;
    }
  entry = cimpl_handle_hold (stream, &handle);
  if (entry == CIMPL_ENTERED)
    return handle;
  cimpl_fail_refused (entry, stream);
  return NULL;
}

/* Makes a failure the thread's last error, and tells what it is. Takes @failure. */
static int32_t
publish (CimplFailure *failure, uint64_t *serial)
{
  int32_t code = CIMPL_STREAM_ERROR_OK;

  if (serial != NULL)
    *serial = failure == NULL ? 0 : failure->serial;
  if (failure != NULL)
    {
      code = cimpl_stream_error_get_code (failure->error);
      cimpl_set_last_error (g_error_copy (failure->error));
      cimpl_failure_unref (failure);
    }
  return code;
}

/**
 * cimpl_stream_failed: (skip)
 * @stream: a stream
 *
 * Tells whether an operation of the stream has failed since it was made, or since
 * cimpl_stream_clear_failure(), whatever has succeeded since and whoever was told; and makes the
 * first failure the thread's last error. It is to a stream what ferror() is to a `FILE`, and like
 * that to be asked at the end, of a library that may have kept a failure to itself.
 *
 * A failure is every error of an operation but for: %CIMPL_STREAM_ERROR_WOULD_BLOCK, a
 * cancellation by the caller, an argument of the caller that is wrong, and
 * %CIMPL_STREAM_ERROR_NOT_SUPPORTED where something asks for or sets the position or the size.
 * That a stream is closed or busy is a failure, too. A filter and its base each keep what they
 * have met.
 *
 * Any thread may ask at any time, it is no operation of the stream.
 *
 * Returns: the code of the first failure, %CIMPL_STREAM_ERROR_OK if there was none, or -1 with
 *   %CIMPL_STREAM_ERROR_INVALID_HANDLE
 *
 * Since: 1.0
 */
int32_t
cimpl_stream_failed (CimplStream *stream)
{
  CimplHandle *handle = hold (stream);
  CimplFailure *failure;

  if (handle == NULL)
    return -1;
  failure = cimpl_failure_find (handle, 0, FALSE);
  cimpl_handle_unhold (handle);
  return publish (failure, NULL);
}

/**
 * cimpl_stream_clear_failure:
 * @stream: a stream
 *
 * Forgets what has failed in the stream, for who has dealt with it.
 *
 * Returns: 0, or -1 with %CIMPL_STREAM_ERROR_INVALID_HANDLE as the thread's plain error
 *
 * Since: 1.0
 */
int32_t
cimpl_stream_clear_failure (CimplStream *stream)
{
  CimplHandle *handle = hold (stream);

  if (handle == NULL)
    return -1;
  cimpl_failure_clear (handle);
  cimpl_handle_unhold (handle);
  return 0;
}

/**
 * cimpl_stream_mark: (skip)
 *
 * Marks the time, for cimpl_stream_failed_since(): from now on, each stream keeps its next
 * failure, also if it has failed before.
 *
 * Returns: the time, in failures of the process; 0 if there were none
 *
 * Since: 1.0
 */
uint64_t
cimpl_stream_mark (void)
{
  return cimpl_failure_mark ();
}

/**
 * cimpl_stream_failed_since: (skip)
 * @stream: a stream
 * @mark: what cimpl_stream_mark() returned, or 0 for all failures
 * @unrecovered_only: whether to pass over a failure after which an operation of the same kind has
 *   succeeded on the same stream, or on a filter that met it, too
 * @serial: (out) (optional): return location for the serial number of the failure, or 0
 *
 * Like cimpl_stream_failed(), for the first failure after a mark, of the stream or of what it
 * filters.
 *
 * A stream keeps at most 16 failures: its first one, and the first ones after marks.
 *
 * Returns: the code of the failure, %CIMPL_STREAM_ERROR_OK if there was none, or -1 with
 *   %CIMPL_STREAM_ERROR_INVALID_HANDLE
 *
 * Since: 1.0
 */
int32_t
cimpl_stream_failed_since (CimplStream *stream,
                           uint64_t mark,
                           int32_t unrecovered_only,
                           uint64_t *serial)
{
  CimplHandle *handle = hold (stream);
  CimplFailure *failure;

  if (handle == NULL)
    return -1;
  failure = find_failure (stream, mark, unrecovered_only);
  cimpl_handle_unhold (handle);
  return publish (failure, serial);
}
