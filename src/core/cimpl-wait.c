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
  CimplHandle *inside; /* the operations that it runs, which end only after its turn */
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

/* Whether @handle gets free only after an operation of this thread; the last to come sees it. */
static gboolean
waits_for_us (CimplHandle *handle)
{
  Waiter *waiter;

  while (!runs_inside (cimpl_thread_operations, handle))
    {
      waiter = find_waiter_inside (handle);
      if (waiter == NULL)
        return FALSE;
      handle = waiter->awaited;
    }
  return TRUE;
}

static gboolean
waiter_add (Waiter *waiter, CimplHandle *handle)
{
  gboolean is_added;

  pthread_mutex_lock (&waiters_lock);
  is_added = !waits_for_us (handle);
  if (is_added)
    {
      waiter->inside = cimpl_thread_operations;
      waiter->awaited = handle;
      waiter->next = waiters;
      waiters = waiter;
      cimpl_handle_set (handle, CIMPL_LIFE_AWAITED);
    }
  pthread_mutex_unlock (&waiters_lock);
  return is_added;
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

/*
 * For who was refused as BUSY: enters @stream after all, as soon as the other thread leaves. If
 * that does not happen within @timeout_ms, that is CIMPL_REFUSED_FOR_NOW; and CIMPL_REFUSED_BUSY at
 * once if it never would, because the other one waits for this thread.
 */
CimplHandle *
cimpl_handle_enter_in_turn (gpointer stream, gint timeout_ms, CimplEntry *entry)
{
  CimplHandle *handle = cimpl_handle_find (stream);
  CimplHandle *entered = NULL;
  gint64 deadline = g_get_monotonic_time () + (gint64) timeout_ms * 1000;
  gulong pause_us = 10;
  __attribute__ ((cleanup (waiter_remove))) Waiter waiter = { NULL, NULL, NULL };

  if (handle == NULL || !waiter_add (&waiter, handle))
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

/*
 * For who has left a stream that is AWAITED, and may come again soon: lets one that waits go
 * first, who would have to meet the short moment in between. Not for long, he may have given up.
 */
void
cimpl_handle_hand_over (CimplHandle *handle)
{
  for (guint us = 0; us < 2 * MAX_PAUSE_US; us += 50)
    {
      if ((atomic_load (&handle->own) & CIMPL_OWN_BUSY) != 0
          || !cimpl_handle_has (handle, CIMPL_LIFE_AWAITED))
        break;
      g_usleep (50);
    }
}
