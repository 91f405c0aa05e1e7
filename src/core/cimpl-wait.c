/* SPDX-License-Identifier: MIT */

/* Waiting for the operation of another thread, for callers that are able to. */

#include "config.h"

#include "core/cimpl-wait-private.h"

#include <pthread.h>

#define MAX_PAUSE_US 500
#define YIELDS 20 /* first, since most operations are short */

typedef struct _Waiter Waiter;

/* A thread that waits, which does not change what is said here until it has removed it. */
struct _Waiter
{
  CimplHandle *inside; /* the operations that it runs, which end only after its turn ... */
  CimplHandle *spared; /* ... but for this one, which it ends if it waits too long, or NULL */
  CimplHandle *awaited;
  Waiter *next;
};

static pthread_mutex_t waiters_lock = PTHREAD_MUTEX_INITIALIZER;
static Waiter *waiters;

static void
before_fork (void)
{
  pthread_mutex_lock (&waiters_lock);
}

static void
after_fork_in_parent (void)
{
  pthread_mutex_unlock (&waiters_lock);
}

/* The threads that wait are not in the child. */
static void
after_fork_in_child (void)
{
  for (; waiters != NULL; waiters = waiters->next)
    atomic_fetch_and (&waiters->awaited->life, ~CIMPL_LIFE_AWAITED);
  pthread_mutex_unlock (&waiters_lock);
}

static void __attribute__ ((constructor)) initialize (void)
{
  pthread_atfork (before_fork, after_fork_in_parent, after_fork_in_child);
}

static gboolean
runs_inside (CimplHandle *operations, CimplHandle *handle)
{
  for (; operations != NULL; operations = operations->outer)
    if (operations == handle)
      return TRUE;
  return FALSE;
}

static Waiter *
find_waiter_inside (CimplHandle *handle)
{
  for (Waiter *waiter = waiters; waiter != NULL; waiter = waiter->next)
    if (runs_inside (waiter->inside, handle))
      return waiter;
  return NULL;
}

/*
 * What @waiter would be refused with if it cannot wait for @handle, since that gets free only after
 * an operation of this very thread; the last to come sees it. CIMPL_ENTERED if it can.
 */
static CimplEntry
find_cycle (Waiter *waiter, CimplHandle *handle)
{
  gboolean is_broken = FALSE;

  while (!runs_inside (waiter->inside, handle))
    {
      Waiter *other = find_waiter_inside (handle);

      if (other == NULL)
        return CIMPL_ENTERED;
      is_broken |= other->spared == handle;
      handle = other->awaited;
    }
  if (handle == waiter->spared)
    return CIMPL_REFUSED_FOR_NOW;
  return is_broken ? CIMPL_ENTERED : CIMPL_REFUSED_BUSY;
}

static gboolean
waiter_add (Waiter *waiter, CimplHandle *handle, CimplEntry *entry)
{
  CimplEntry refusal;

  pthread_mutex_lock (&waiters_lock);
  waiter->inside = cimpl_thread_operations;
  refusal = find_cycle (waiter, handle);
  if (refusal == CIMPL_ENTERED)
    {
      waiter->awaited = handle;
      waiter->next = waiters;
      waiters = waiter;
      cimpl_handle_set (handle, CIMPL_LIFE_AWAITED);
    }
  else
    *entry = refusal;
  pthread_mutex_unlock (&waiters_lock);
  return refusal == CIMPL_ENTERED;
}

static void
waiter_remove (Waiter *waiter)
{
  gboolean is_awaited = FALSE;
  Waiter **link = &waiters;

  if (waiter->awaited == NULL) /* it never waited */
    return;
  pthread_mutex_lock (&waiters_lock);
  while (*link != waiter)
    link = &(*link)->next;
  *link = waiter->next;
  for (Waiter *other = waiters; other != NULL; other = other->next)
    is_awaited |= other->awaited == waiter->awaited;
  if (!is_awaited)
    atomic_fetch_and (&waiter->awaited->life, ~CIMPL_LIFE_AWAITED);
  pthread_mutex_unlock (&waiters_lock);
}

/* Whether it is for another thread to leave, which it may do. */
static gboolean
is_worth_waiting (CimplHandle *handle, CimplEntry entry)
{
  return entry == CIMPL_REFUSED_BUSY && !cimpl_handle_has (handle, CIMPL_LIFE_DETACHED);
}

static CimplHandle *
enter_in_turn (gpointer stream, gint64 deadline, CimplHandle *spared, CimplEntry *entry)
{
  CimplHandle *handle = cimpl_handle_find (stream);
  CimplHandle *entered = NULL;
  gulong pause_us = 10;
  __attribute__ ((cleanup (waiter_remove))) Waiter waiter = { .spared = spared };

  if (handle == NULL)
    {
      *entry = CIMPL_REFUSED_INVALID_HANDLE; /* gone since */
      return NULL;
    }
  if (!waiter_add (&waiter, handle, entry))
    return NULL;

  for (guint n = 0; is_worth_waiting (handle, *entry) && g_get_monotonic_time () < deadline; n++)
    {
      if (n < YIELDS)
        g_thread_yield ();
      else
        {
          g_usleep (pause_us); /* a thread may be cancelled here */
          pause_us = MIN (2 * pause_us, MAX_PAUSE_US);
        }
      entered = cimpl_handle_enter (cimpl_handle_find (stream), stream, entry);
    }
  if (is_worth_waiting (handle, *entry))
    *entry = CIMPL_REFUSED_FOR_NOW;
  return entered;
}

static gint64
get_deadline (gint timeout_ms)
{
  return g_get_monotonic_time () + (gint64) timeout_ms * 1000;
}

/*
 * For who was refused as BUSY: enters @stream after all, as soon as the other thread leaves. If
 * that does not happen within @timeout_ms, that is CIMPL_REFUSED_FOR_NOW; and CIMPL_REFUSED_BUSY at
 * once if it never would, because the other one waits for this thread.
 */
CimplHandle *
cimpl_handle_enter_in_turn (gpointer stream, gint timeout_ms, CimplEntry *entry)
{
  return enter_in_turn (stream, get_deadline (timeout_ms), NULL, entry);
}

/*
 * Reservations: a thread may enter streams for the next operation on them, be it called through
 * functions that know nothing of waiting. That takes them over instead of being refused.
 */

static _Thread_local CimplHandle *reserved[2];

/* Returns CIMPL_ENTERED; or else does nothing, and says why. */
static CimplEntry
reserve (guint i, gpointer stream, gint64 deadline)
{
  CimplEntry entry;
  CimplHandle *handle = cimpl_handle_enter (cimpl_handle_find (stream), stream, &entry);

  if (entry == CIMPL_REFUSED_BUSY)
    handle = enter_in_turn (stream, deadline, reserved[0], &entry);
  if (entry == CIMPL_ENTERED)
    {
      handle->stack = 0; /* no code runs inside of it yet: cimpl_operation_find() is to pass by */
      reserved[i] = handle;
    }
  else if (handle != NULL)
    cimpl_handle_leave (handle);
  return entry;
}

/*
 * Reserves @stream, and @other unless it is NULL, waiting as cimpl_handle_enter_in_turn() does. If
 * one cannot be entered, none is reserved, and why is returned.
 */
CimplEntry
cimpl_reservation_begin (gpointer stream, gpointer other, gint timeout_ms)
{
  gint64 deadline = get_deadline (timeout_ms);
  CimplEntry entry;

  cimpl_reservation_end ();
  entry = reserve (0, stream, deadline);
  if (entry == CIMPL_ENTERED && other != NULL && other != stream)
    entry = reserve (1, other, deadline);
  if (entry != CIMPL_ENTERED)
    cimpl_reservation_end ();
  return entry;
}

/* Leaves what no operation has taken over. */
void
cimpl_reservation_end (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (reserved); i++)
    {
      CimplHandle *handle = g_steal_pointer (&reserved[i]);

      if (handle != NULL)
        cimpl_handle_leave (handle);
    }
}

/* For who was refused as @entry says: enters @stream after all if this thread has reserved it. */
CimplHandle *
cimpl_reservation_take (gpointer stream, CimplEntry *entry)
{
  for (guint i = 0; *entry == CIMPL_REFUSED_BUSY && i < G_N_ELEMENTS (reserved); i++)
    if (reserved[i] != NULL && cimpl_handle_get_stream (reserved[i]) == stream)
      {
        CimplHandle *handle = g_steal_pointer (&reserved[i]);

        cimpl_operation_unlink (handle);
        cimpl_operation_link (handle);
        *entry = cimpl_handle_has (handle, CIMPL_LIFE_CLOSED | CIMPL_LIFE_DETACHED)
                     ? CIMPL_ENTERED_CLOSED
                     : CIMPL_ENTERED;
        return handle;
      }
  return NULL;
}

/*
 * For who has left a stream that is AWAITED, and may come again soon: lets one that waits go
 * first, who would have to meet the short moment in between. Not for long, he may have given up.
 */
void
cimpl_handle_hand_over (CimplHandle *handle)
{
  int cancel_state; /* what else the leaver has to do must be done */

  pthread_setcancelstate (PTHREAD_CANCEL_DISABLE, &cancel_state);
  for (guint us = 0; us < 2 * MAX_PAUSE_US; us += 50)
    {
      if ((atomic_load (&handle->own) & CIMPL_OWN_BUSY) != 0
          || !cimpl_handle_has (handle, CIMPL_LIFE_AWAITED))
        break;
      g_usleep (50);
    }
  pthread_setcancelstate (cancel_state, NULL);
}
