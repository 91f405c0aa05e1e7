/* SPDX-License-Identifier: MIT */

/*
 * What CimplFileStream adds to the system calls, on a file that is in memory anyway, and whether
 * copying one file to another is as fast as with GIO's own streams.
 */

#include "bench.h"

#include <fcntl.h>
#include <unistd.h>

#include <cimplstream/cimplstream.h>

#define BLOCK (64 * 1024)
#define BYTES_PER_NS 4 /* roughly what is read from memory, for the size of a sample */
#define SMALL_WRITE 16
#define N_SMALL_WRITES 256 /* fit into a pipe */

static gsize file_size;

/* Each of these does one sample, and returns the time it takes in ns. */
typedef double (*Sample) (const char *source, const char *target);

static double
read_by_system_call (const char *source, const char *target)
{
  static guint8 block[BLOCK];
  int fd = open (source, O_RDONLY | O_CLOEXEC);
  double start = now_ns ();
  double elapsed;
  gsize sum = 0;
  gssize n;

  while ((n = read (fd, block, sizeof block)) > 0)
    sum += (gsize) n;
  elapsed = now_ns () - start;
  close (fd);
  g_assert_cmpuint (sum, ==, file_size);
  return elapsed;
}

static double
read_by_stream (const char *source, const char *target)
{
  static guint8 block[BLOCK];
  g_autoptr (CimplStream) stream = cimpl_file_stream_open (source, "r", NULL);
  double start = now_ns ();
  double elapsed;
  gsize sum = 0;
  gssize n;

  while ((n = cimpl_stream_try_read (stream, block, sizeof block, NULL, NULL)) > 0)
    sum += (gsize) n;
  elapsed = now_ns () - start;
  g_assert_cmpuint (sum, ==, file_size);
  return elapsed;
}

static double
copy_by_gio (const char *source, const char *target)
{
  g_autoptr (GFile) source_file = g_file_new_for_path (source);
  g_autoptr (GFile) target_file = g_file_new_for_path (target);
  g_autoptr (GFileInputStream) input = g_file_read (source_file, NULL, NULL);
  g_autoptr (GFileOutputStream) output
      = g_file_create (target_file, G_FILE_CREATE_NONE, NULL, NULL);
  double start = now_ns ();
  double elapsed;
  gssize n;

  n = g_output_stream_splice (G_OUTPUT_STREAM (output), G_INPUT_STREAM (input),
                              G_OUTPUT_STREAM_SPLICE_NONE, NULL, NULL);
  elapsed = now_ns () - start;
  g_assert_cmpint (n, ==, (gssize) file_size);
  return elapsed;
}

static double
copy_by_stream (const char *source, const char *target)
{
  g_autoptr (CimplStream) input = cimpl_file_stream_open (source, "r", NULL);
  g_autoptr (CimplStream) output = cimpl_file_stream_open (target, "x", NULL);
  double start = now_ns ();
  double elapsed;
  gint64 n;

  cimpl_stream_try_copy (input, output, -1, NULL, NULL, &n, NULL, NULL);
  elapsed = now_ns () - start;
  g_assert_cmpint (n, ==, (gint64) file_size);
  return elapsed;
}

/* In turns, so that a change of the machine's speed meets both. */
static void
bench_throughput (const char *what,
                  Sample ours,
                  Sample peer,
                  const char *source,
                  const char *target,
                  const char *wanted)
{
  const Sample functions[2] = { ours, peer };
  double samples[2][N_REPETITIONS];

  for (guint i = 0; i < n_repetitions; i++)
    for (guint j = 0; j < G_N_ELEMENTS (functions); j++)
      {
        samples[j][i] = (double) file_size / functions[j](source, target) * 1e3;
        unlink (target);
      }
  print_comparison (what, samples[0], samples[1], "MB/s", wanted);
}

/* What it takes that no SIGPIPE can kill the process. */
static void
bench_pipe (void)
{
  double ours[N_REPETITIONS], peer[N_REPETITIONS];
  static guint8 data[SMALL_WRITE * N_SMALL_WRITES];
  g_autoptr (CimplStream) stream = NULL;
  int fds[2];

  if (pipe (fds) != 0)
    g_error ("There is no pipe");
  stream = cimpl_file_stream_new_for_fd (fds[1], TRUE);
  for (guint i = 0; i < n_repetitions; i++)
    {
      double start = now_ns ();

      for (guint j = 0; j < N_SMALL_WRITES; j++)
        if (cimpl_stream_try_write (stream, data, SMALL_WRITE, NULL, NULL) != SMALL_WRITE)
          g_error ("A write failed");
      ours[i] = (now_ns () - start) / N_SMALL_WRITES;
      if (read (fds[0], data, sizeof data) != sizeof data)
        g_error ("A read failed");

      start = now_ns ();
      for (guint j = 0; j < N_SMALL_WRITES; j++)
        if (write (fds[1], data, SMALL_WRITE) != SMALL_WRITE)
          g_error ("A write failed");
      peer[i] = (now_ns () - start) / N_SMALL_WRITES;
      if (read (fds[0], data, sizeof data) != sizeof data)
        g_error ("A read failed");
    }
  close (fds[0]);
  print_difference ("16 bytes to a pipe: CimplFileStream above write(2)", ours, peer, "ns", "-\t-");
}

int
main (int argc, char **argv)
{
  g_autofree char *directory = g_dir_make_tmp ("cimpl-bench-XXXXXX", NULL);
  g_autofree char *source = g_build_filename (directory, "source", NULL);
  g_autofree char *target = g_build_filename (directory, "target", NULL);
  g_autofree char *content = NULL;

  bench_init (argc, argv);
  file_size = (gsize) (sample_ns * BYTES_PER_NS);
  content = g_malloc0 (file_size);
  if (!g_file_set_contents (source, content, (gssize) file_size, NULL))
    g_error ("%s cannot be written", source);

  bench_throughput ("64 KiB: CimplFileStream / read(2)", read_by_stream, read_by_system_call,
                    source, target, ">=\t0.95");
  bench_throughput ("cimpl_stream_try_copy / g_output_stream_splice, of files", copy_by_stream,
                    copy_by_gio, source, target, ">=\t0.9");
  bench_pipe ();

  unlink (source);
  rmdir (directory);
  return EXIT_SUCCESS;
}
