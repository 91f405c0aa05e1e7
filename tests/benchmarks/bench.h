/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Measuring, for the benchmarks in C.
 *
 * They print a line per figure, for the table of tests/benchmarks/run:
 * what, ours, peer, unit, ratio (or, with a sign, difference), relation, target; separated by tabs.
 */

#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define N_REPETITIONS 31
#define SAMPLE_NS 10e6
#define QUICK_REPETITIONS 3
#define QUICK_SAMPLE_NS 0.1e6

static guint n_repetitions = N_REPETITIONS;
static double sample_ns = SAMPLE_NS;

static inline void
bench_init (int argc, char **argv)
{
  if (argc > 1 && strcmp (argv[1], "--quick") == 0)
    {
      n_repetitions = QUICK_REPETITIONS;
      sample_ns = QUICK_SAMPLE_NS;
    }

#ifndef __OPTIMIZE__
  g_printerr ("Built without optimization: the figures mean little\n");
#endif
}

static inline double
now_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double) now.tv_sec * 1e9 + (double) now.tv_nsec;
}

static inline int
compare_doubles (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a;
  double y = *(const double *) b;

  return (x > y) - (x < y);
}

static inline double
median (const double *samples)
{
  double sorted[N_REPETITIONS];

  memcpy (sorted, samples, n_repetitions * sizeof *samples);
  qsort (sorted, n_repetitions, sizeof *sorted, compare_doubles);
  return sorted[n_repetitions / 2];
}

/*
 * The ratio is the median of the ratios of what was measured side by side, rather than the ratio
 * of the medians: a machine that is slow for a second is slow for both sides of some pairs.
 */
static inline void
print_comparison (const char *what,
                  const double *ours,
                  const double *peer,
                  const char *unit,
                  const char *target)
{
  double ratios[N_REPETITIONS];

  for (guint i = 0; i < n_repetitions; i++)
    ratios[i] = ours[i] / peer[i];
  g_print ("%s\t%.2f\t%.2f\t%s\t%.3f\t%s\n", what, median (ours), median (peer), unit,
           median (ratios), target);
}

/* The same, with a difference for a ratio. */
static inline void
print_difference (const char *what,
                  const double *ours,
                  const double *peer,
                  const char *unit,
                  const char *target)
{
  double differences[N_REPETITIONS];

  for (guint i = 0; i < n_repetitions; i++)
    differences[i] = ours[i] - peer[i];
  g_print ("%s\t%.2f\t%.2f\t%s\t%+.2f\t%s\n", what, median (ours), median (peer), unit,
           median (differences), target);
}
