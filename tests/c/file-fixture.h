/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/cimpl-stream-error-private.h"

#include <cimplstream/cimplstream.h>

G_BEGIN_DECLS

/* Runs the tests with a directory of their own, which @set_up may fill. */
int file_fixture_run (void (*set_up) (void));

char *file_fixture_path (const char *name);
char *file_fixture_create (const char *name, const char *content);
void file_fixture_assert_content (const char *path, const char *expected);

/* A pipe: its reading and its writing end. */
void file_fixture_pipe (int fds[2]);
void file_fixture_set_blocking (int fd, gboolean is_blocking);
void file_fixture_fill (int fd);

/* Cancels it in a moment, in another thread; joined by the caller. */
GThread *file_fixture_cancel_soon (GCancellable *cancellable);

/* Runs the test once more, in a process of its own that a signal would kill; TRUE in there. */
gboolean file_fixture_in_subprocess (void);
void file_fixture_limit_size (guint64 limit);

#define assert_errno(error, expected_code, expected_errno)                                         \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_assert_error (error, CIMPL_STREAM_ERROR, (gint) (expected_code));                            \
    g_assert_cmpint (cimpl_error_get_errno (error), ==, expected_errno);                           \
    g_clear_error (&error);                                                                        \
  }                                                                                                \
  G_STMT_END

G_END_DECLS
