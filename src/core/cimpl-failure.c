/* SPDX-License-Identifier: MIT */

#include "config.h"

#include "core/cimpl-failure-private.h"

#include "core/cimpl-stream-error-private.h"

/* Of a stream: who marks and swallows for ever must not fill the memory. */
#define MAX_FAILURES 16

/* The time when somebody last began to watch. */
static _Atomic guint64 last_mark;

/* What failed last in this thread: bindings and GIO make errors of their own out of its message. */
static void forget (gpointer failure);
static GPrivate last_failure = G_PRIVATE_INIT (forget);
static _Thread_local guint64 last_failure_time; /* by cimpl_thread_time */

/* With the number @serial, 0 for a new one. */
static CimplFailure *
failure_new (CimplKind kind, guint64 serial, GError *error)
{
  CimplFailure *failure = g_new0 (CimplFailure, 1);

  atomic_init (&failure->ref_count, 1);
  failure->kind = kind;
  failure->serial = serial != 0 ? serial : cimpl_error_tick ();
  cimpl_error_set_serial (error, failure->serial);
  failure->error = g_error_copy (error);
  return failure;
}

static CimplFailure *
failure_ref (CimplFailure *failure)
{
  atomic_fetch_add_explicit (&failure->ref_count, 1, memory_order_relaxed);
  return failure;
}

void
cimpl_failure_unref (CimplFailure *failure)
{
  if (atomic_fetch_sub_explicit (&failure->ref_count, 1, memory_order_acq_rel) > 1)
    return;
  g_error_free (failure->error);
  g_free (failure);
}

void
cimpl_failure_free_all (CimplFailure *oldest)
{
  while (oldest != NULL)
    {
      CimplFailure *next = oldest->next;

      cimpl_failure_unref (oldest);
      oldest = next;
    }
}

static void
forget (gpointer failure)
{
  cimpl_failure_unref (failure);
}

/* Takes @failure. */
static void
remember (CimplFailure *failure)
{
  g_private_replace (&last_failure, failure);
  last_failure_time = ++cimpl_thread_time;
}

/*
 * Begins to watch, all streams: their next failures will be kept, also where others came before.
 * Returns the time, which failures from now on are later than.
 */
guint64
cimpl_failure_mark (void)
{
  guint64 now = cimpl_error_now ();
  guint64 mark = atomic_load (&last_mark);

  while (mark < now && !atomic_compare_exchange_weak (&last_mark, &mark, now))
    ;
  return now;
}

/* Whether nobody will miss what fails now: an earlier failure, not made good, says it for all. */
static gboolean
is_known (CimplHandle *handle, CimplKind kind)
{
  guint64 mark = atomic_load (&last_mark);

  for (CimplFailure *failure = handle->failures; failure != NULL; failure = failure->next)
    if (failure->kind == kind && !failure->is_recovered && failure->time > mark)
      return TRUE;
  return FALSE;
}

/*
 * Adds the youngest failure. The oldest stays for good, so what is too much goes from the middle;
 * returns that, or NULL, to be freed without the lock.
 */
static CimplFailure *
append (CimplHandle *handle, CimplFailure *failure)
{
  CimplFailure **link = &handle->failures;
  CimplFailure *dropped = NULL;

  for (guint i = 0; *link != NULL; i++)
    {
      if (i == MAX_FAILURES / 2 && handle->n_failures == MAX_FAILURES)
        {
          dropped = *link;
          *link = g_steal_pointer (&dropped->next);
          handle->n_failures--;
        }
      else
        link = &(*link)->next;
    }
  *link = failure;
  handle->n_failures++;
  return dropped;
}

/* Takes @failure, of the stream that @handle had in @generation. */
static void
record (CimplHandle *handle, guint64 generation, CimplFailure *failure)
{
  CimplKind kind = failure->kind;
  CimplFailure *dropped = NULL;

  cimpl_registry_lock ();
  if (cimpl_handle_get_generation (handle) == generation && !is_known (handle, kind))
    {
      failure->time = cimpl_error_tick ();
      dropped = append (handle, failure_ref (failure));
      atomic_fetch_or (&handle->failed_kinds, (guint8) kind);
      /* On its short way, reading looks at nothing else. */
      if (kind == CIMPL_KIND_READ)
        atomic_store (&handle->read, NULL);
    }
  cimpl_registry_unlock ();
  cimpl_failure_free_all (dropped);
  remember (failure);
}

/* Whether something has failed inside of the operation, which may fail because of that. */
static gboolean
has_failed_inside (CimplHandle *handle)
{
  return handle->last != NULL || last_failure_time > handle->last_time;
}

/* Records that the operation of @kind fails that the caller has entered. Numbers @error. */
void
cimpl_failure_record (CimplHandle *handle, CimplKind kind, GError *error)
{
  guint64 serial = has_failed_inside (handle) ? cimpl_stream_error_get_serial (error)
                                              : cimpl_error_get_serial (error);

  record (handle, cimpl_handle_get_generation (handle), failure_new (kind, serial, error));
}

/*
 * Records that an operation of @kind was refused by the stream that @handle had in @generation.
 * Nothing keeps that stream, so it may have gone since. Numbers @refusal.
 */
void
cimpl_failure_record_refusal (CimplHandle *handle,
                              guint64 generation,
                              CimplKind kind,
                              GError *refusal)
{
  record (handle, generation, failure_new (kind, 0, refusal));
}

/* An operation of @kind has succeeded where one had failed. */
void
cimpl_failure_recover_slow (CimplHandle *handle, CimplKind kind)
{
  cimpl_registry_lock ();
  atomic_fetch_and (&handle->failed_kinds, (guint8) ~(guint) kind);
  for (CimplFailure *failure = handle->failures; failure != NULL; failure = failure->next)
    if (failure->kind == kind)
      failure->is_recovered = TRUE;
  cimpl_registry_unlock ();
}

/*
 * The first failure that came after the time @since, 0 for the first of all, or NULL; if wished,
 * the first that was not made good. The caller keeps the stream.
 */
CimplFailure *
cimpl_failure_find (CimplHandle *handle, guint64 since, gboolean unrecovered_only)
{
  CimplFailure *failure;

  cimpl_registry_lock ();
  for (failure = handle->failures; failure != NULL; failure = failure->next)
    if (failure->time > since && !(unrecovered_only && failure->is_recovered))
      {
        failure_ref (failure);
        break;
      }
  cimpl_registry_unlock ();
  return failure;
}

/* Whether the error with that number came by here, too, and was made good. */
gboolean
cimpl_failure_is_recovered (CimplHandle *handle, guint64 serial)
{
  CimplFailure *failure;
  gboolean is_recovered;

  cimpl_registry_lock ();
  failure = handle->failures;
  while (failure != NULL && failure->serial != serial)
    failure = failure->next;
  is_recovered = failure != NULL && failure->is_recovered;
  cimpl_registry_unlock ();
  return is_recovered;
}

/* Forgets all failures. The caller keeps the stream. */
void
cimpl_failure_clear (CimplHandle *handle)
{
  CimplFailure *failures;

  cimpl_registry_lock ();
  failures = g_steal_pointer (&handle->failures);
  handle->n_failures = 0;
  atomic_store (&handle->failed_kinds, 0);
  cimpl_registry_unlock ();
  cimpl_failure_free_all (failures);
}

/* Remembers what fails as one of this thread, for the following functions. Numbers it. */
void
cimpl_failure_remember (GError *error)
{
  remember (failure_new (0, cimpl_error_get_serial (error), error));
}

/* What is remembered, if @error is that or was made of its message, maybe with a prefix. */
static const CimplFailure *
recall (const GError *error)
{
  const CimplFailure *failure = g_private_get (&last_failure);

  if (failure == NULL || failure->error->message[0] == '\0'
      || !g_str_has_suffix (error->message, failure->error->message))
    return NULL;
  return failure;
}

/* Makes @error, which it takes, one of GIO, which has no room for our code and errno. */
GError *
cimpl_failure_to_io (GError *error)
{
  GError *io_error;

  if (error->domain == G_IO_ERROR)
    return error;
  io_error
      = g_error_new_literal (G_IO_ERROR, (gint) cimpl_error_get_io_code (error), error->message);
  remember (failure_new (0, cimpl_stream_error_get_serial (error), error));
  g_error_free (error);
  return io_error;
}

/* Makes an error that came through cimpl_failure_to_io() what it was before that. */
void
cimpl_failure_restore (GError **error)
{
  const CimplFailure *failure = error == NULL || *error == NULL ? NULL : recall (*error);

  if (failure == NULL || strcmp (failure->error->message, (*error)->message) != 0
      || !g_error_matches (*error, G_IO_ERROR, (gint) cimpl_error_get_io_code (failure->error)))
    return;
  g_error_free (*error);
  *error = g_error_copy (failure->error);
}

/**
 * cimpl_stream_error_get_errno:
 * @error: an error of any domain
 *
 * Gets the `errno` that an error comes from.
 *
 * Bindings that make exceptions of errors rebuild them from domain, code and message. What was
 * the last failure of the calling thread is recognised then, too.
 *
 * Returns: a value of `errno`, or 0 if none is known
 *
 * Since: 1.0
 */
gint
cimpl_stream_error_get_errno (const GError *error)
{
  gint errnum = cimpl_error_get_errno (error);
  const CimplFailure *failure = errnum == 0 ? recall (error) : NULL;

  return failure == NULL ? errnum : cimpl_error_get_errno (failure->error);
}

/**
 * cimpl_stream_error_get_serial:
 * @error: an error of any domain
 *
 * Gets the serial number of a failure, which stays the same on its way through other streams. What
 * was the last failure of the calling thread is recognised as in
 * [func@CimplStream.StreamError.get_errno].
 *
 * Returns: a number above 0, or 0 for what is no failure of a stream
 *
 * Since: 1.0
 */
guint64
cimpl_stream_error_get_serial (const GError *error)
{
  guint64 serial = cimpl_error_get_serial (error);
  const CimplFailure *failure = serial == 0 ? recall (error) : NULL;

  return failure == NULL ? serial : failure->serial;
}
