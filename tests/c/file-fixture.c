/* SPDX-License-Identifier: MIT */

#define _GNU_SOURCE /* pipe2 */

#include "file-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <glib/gstdio.h>

static char *directory;

static void
remove_directory (void)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = file_fixture_path (name);

      g_assert_cmpint (g_remove (path), ==, 0);
    }
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

int
file_fixture_run (void (*set_up) (void))
{
  int result;

  directory = g_dir_make_tmp ("cimpl-file-XXXXXX", NULL);
  if (set_up != NULL)
    set_up ();
  result = g_test_run ();
  remove_directory ();
  g_free (directory);
  return result;
}

char *
file_fixture_path (const char *name)
{
  return g_build_filename (directory, name, NULL);
}

char *
file_fixture_create (const char *name, const char *content)
{
  char *path = file_fixture_path (name);

  g_assert_true (g_file_set_contents (path, content, -1, NULL));
  return path;
}

void
file_fixture_assert_content (const char *path, const char *expected)
{
  g_autofree char *content = NULL;

  g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, expected);
}

void
file_fixture_pipe (int fds[2])
{
  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
}

void
file_fixture_set_blocking (int fd, gboolean is_blocking)
{
  g_assert_cmpint (fcntl (fd, F_SETFL, is_blocking ? 0 : O_NONBLOCK), ==, 0);
}

void
file_fixture_fill (int fd)
{
  static const char page[4096];

  file_fixture_set_blocking (fd, FALSE);
  while (write (fd, page, sizeof page) > 0)
    ;
  g_assert_cmpint (errno, ==, EAGAIN);
  file_fixture_set_blocking (fd, TRUE);
}

static gpointer
cancel (gpointer user_data)
{
  /* Whenever that is, it must do: most often in the middle of what it is to interrupt. */
  g_usleep (20000);
  g_cancellable_cancel (user_data);
  return NULL;
}

GThread *
file_fixture_cancel_soon (GCancellable *cancellable)
{
  return g_thread_new ("cancel", cancel, cancellable);
}

gboolean
file_fixture_in_subprocess (void)
{
  if (g_test_subprocess ())
    {
      signal (SIGPIPE, SIG_DFL);
      signal (SIGXFSZ, SIG_DFL);
      return TRUE;
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
  return FALSE;
}

void
file_fixture_limit_size (guint64 size)
{
  struct rlimit limit;

  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  limit.rlim_cur = size;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
}
