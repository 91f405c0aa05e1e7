/* SPDX-License-Identifier: MIT */
#pragma once

#include "base.h"

#include <stdatomic.h>

G_BEGIN_DECLS

/* A loop in a thread. What it shares with the tests are atomics, which thread sanitizers see. */
typedef struct
{
  GMainContext *context;
  GMainLoop *loop;
  GThread *thread;
} DispatchLoop;

DispatchLoop dispatch_loop_start (GMainContext *context);
void dispatch_loop_sync (DispatchLoop *loop);
void dispatch_loop_stop (DispatchLoop *loop);

void
dispatch_run_later (GMainContext *context, gint priority, GSourceFunc func, gpointer user_data);
gboolean dispatch_set_flag (gpointer flag);
void dispatch_wait_for (_Atomic gboolean *flag);

/* A base and a dispatch stream over it, in the context of a loop or in one that nobody iterates. */
typedef struct
{
  TestBackend *backend;
  TestBase *base;
  CimplStream *stream;
  GMainContext *context;
  DispatchLoop loop; /* if loop.thread is not NULL */
} DispatchFixture;

typedef struct
{
  const char *name;
  void (*run) (DispatchFixture *fixture, gconstpointer has_loop);
  gboolean has_loop;
} DispatchCase;

CimplStream *dispatch_stream_over (TestBackend *backend, GMainContext *context, TestBase **base);
void dispatch_fixture_add_tests (const char *name, const DispatchCase *cases, gsize n_cases);
void dispatch_fixture_finalize_base (DispatchFixture *fixture);
guint dispatch_fixture_count_calls (DispatchFixture *fixture);
void dispatch_fixture_assert_nothing_runs (DispatchFixture *fixture);
void dispatch_assert_times_out (CimplStream *stream);
guint dispatch_n_rounds (guint wanted);

/* A read in a thread of its own, where that of the test has something else to do. */
typedef struct
{
  CimplStream *stream;
  GCancellable *cancellable;
  gssize n_read;
  GError *error;
  GThread *thread;
} DispatchReader;

void dispatch_reader_start (DispatchReader *reader, CimplStream *stream, GCancellable *cancellable);
void dispatch_reader_assert_failed (DispatchReader *reader, CimplStreamError code);

G_END_DECLS
