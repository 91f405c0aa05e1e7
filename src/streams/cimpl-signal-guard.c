/* SPDX-License-Identifier: MIT */

#include "config.h"

#include "streams/cimpl-signal-guard-private.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

static void
set_to (sigset_t *set, int signal)
{
  sigemptyset (set);
  sigaddset (set, signal);
}

void
cimpl_signal_guard_begin (CimplSignalGuard *guard, int signal)
{
  sigset_t set;

  guard->signal = signal;
  if (signal == 0)
    return;

  set_to (&set, signal);
  pthread_sigmask (SIG_BLOCK, &set, &guard->old_mask);

  /* Only what was blocked before can have been pending before. */
  guard->was_pending = sigismember (&guard->old_mask, signal) == 1 && sigpending (&set) == 0
                       && sigismember (&set, signal) == 1;
}

/* Leaves errno alone. A call that did all that it was asked for cannot have raised the signal. */
void
cimpl_signal_guard_end (CimplSignalGuard *guard, gboolean may_be_raised)
{
  static const struct timespec no_time = { 0, 0 };
  int saved_errno = errno;
  sigset_t set;

  if (guard->signal == 0)
    return;

  set_to (&set, guard->signal);
  if (may_be_raised && !guard->was_pending)
    while (sigtimedwait (&set, NULL, &no_time) == -1 && errno == EINTR)
      ;
  pthread_sigmask (SIG_SETMASK, &guard->old_mask, NULL);
  errno = saved_errno;
}
