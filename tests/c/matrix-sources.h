/* SPDX-License-Identifier: MIT */
#pragma once

#include "dispatch-fixture.h"

G_BEGIN_DECLS

/* Streams of every kind, for whoever is to be tried with all of them. */

/*
 * What is behind a stream. The data of the backend is what can be read, and after
 * matrix_source_close() what was written, also if the stream kept it elsewhere.
 */
typedef struct
{
  TestBackend *backend;
  gboolean is_written; /* rather than read */
  gsize size;          /* of what will have been written in the end, where that has a bound */

  CimplStream *stream; /* (owned) */
  char *path;          /* of a file */
  int fd;              /* the other end of a pipe, … */
  GThread *thread;     /* … and who uses it */
  GOutputStream *sink;
  DispatchLoop loop;
} MatrixSource;

typedef struct
{
  const char *name;
  CimplStream *(*open) (MatrixSource *source);
  void (*collect) (MatrixSource *source); /* (nullable): it is in the backend anyway */
  gboolean is_pipe;
  gboolean is_read_only;
} MatrixSourceKind;

extern const MatrixSourceKind matrix_source_kinds[];
extern const gsize matrix_n_source_kinds;

/* @content is what can be read, or NULL if @size bytes are to be written. */
void matrix_source_open (MatrixSource *source,
                         const MatrixSourceKind *kind,
                         const guint8 *content,
                         gsize size);
void matrix_source_close (MatrixSource *source, const MatrixSourceKind *kind);
void matrix_source_clear (MatrixSource *source);

G_END_DECLS
