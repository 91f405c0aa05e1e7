/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <signal.h>

G_BEGIN_DECLS
#pragma GCC visibility push(hidden)

/*
 * Keeps a signal from killing the process that a system call raises in this thread on top of the
 * errno that it fails with: SIGPIPE, SIGXFSZ.
 */
typedef struct
{
  int signal; /* 0 if there is none to guard against */
  sigset_t old_mask;
  gboolean was_pending;
} CimplSignalGuard;

void cimpl_signal_guard_begin (CimplSignalGuard *guard, int signal);
void cimpl_signal_guard_end (CimplSignalGuard *guard, gboolean may_be_raised);

#pragma GCC visibility pop
G_END_DECLS
