/* SPDX-License-Identifier: MIT */

#include "config.h"

#include "core/cimpl-seek-private.h"

#include "core/cimpl-stream-error-private.h"

/* Takes @argument_error. */
static void
set_argument (GError **error, GError *argument_error)
{
  cimpl_error_set_is_argument (argument_error);
  g_propagate_error (error, argument_error);
}

static void
set_before_start (GError **error, gint64 position)
{
  set_argument (error,
                g_error_new (CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_ARGUMENT,
                             "Position %" G_GINT64_FORMAT " is before the start of the stream",
                             position));
}

/* Refuses what is wrong whatever the position and the size of the stream are. */
gboolean
cimpl_check_seek (gint64 offset, CimplSeekMode mode, GError **error)
{
  switch (mode)
    {
    case CIMPL_SEEK_MODE_START:
      if (offset >= 0)
        return TRUE;
      set_before_start (error, offset);
      return FALSE;

    case CIMPL_SEEK_MODE_CURRENT:
    case CIMPL_SEEK_MODE_END:
      return TRUE;

    default:
      g_set_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_ARGUMENT,
                   "Unknown seek mode %d", (gint) mode);
      return FALSE;
    }
}

/*
 * The absolute position that a seek means, for streams that know their position and size. Past
 * the end is allowed; before the start and above 2^63 - 1 is not.
 */
gboolean
cimpl_resolve_seek (gint64 position,
                    gint64 size,
                    gint64 offset,
                    CimplSeekMode mode,
                    gint64 *resolved,
                    GError **error)
{
  gint64 origin = mode == CIMPL_SEEK_MODE_CURRENT ? position : size;

  g_assert (position >= 0 && size >= 0);

  if (!cimpl_check_seek (offset, mode, error))
    return FALSE;
  if (mode == CIMPL_SEEK_MODE_START)
    origin = 0;

  if (offset > G_MAXINT64 - origin)
    {
      set_argument (error, g_error_new (CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_INVALID_ARGUMENT,
                                        "Offset %" G_GINT64_FORMAT " from %" G_GINT64_FORMAT
                                        " is beyond 64 bits",
                                        offset, origin));
      return FALSE;
    }
  if (origin + offset < 0)
    {
      set_before_start (error, origin + offset);
      return FALSE;
    }
  *resolved = origin + offset;
  return TRUE;
}
