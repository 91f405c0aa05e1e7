/* SPDX-License-Identifier: MIT */
#pragma once

#include "cimplstream/cimpl-file-stream.h"

G_BEGIN_DECLS
#pragma GCC visibility push(hidden)

/*
 * How a file is worked on: by its descriptor, or by a FILE. Each function returns what the system
 * call of its name does, -1 with errno set when it fails.
 */
typedef struct
{
  int (*get_flags) (CimplFileStream *self, CimplStreamFlags *flags);
  gssize (*read) (CimplFileStream *self, void *buffer, gsize count);
  gssize (*write) (CimplFileStream *self, const void *data, gsize count);
  gint64 (*seek) (CimplFileStream *self, gint64 offset, int whence);
  int (*flush) (CimplFileStream *self);
  int (*close) (CimplFileStream *self);
} CimplFileBackend;

extern const CimplFileBackend cimpl_file_descriptor_backend;
extern const CimplFileBackend cimpl_file_stdio_backend;

struct _CimplFileStream
{
  CimplStream parent_instance;

  const CimplFileBackend *backend;
  int fd; /* -1 without one: not every FILE has it */
  FILE *file;
  _Atomic gboolean close_fd;

  /* What the descriptor is, which does not change while it is open. */
  int probe_errno; /* why that is not known, or 0 */
  CimplStreamFlags flags;
  gboolean is_regular;
  gboolean is_socket;
  int signal; /* what the kernel sends to who writes what it does not take, or 0 */
};

gsize cimpl_file_stdio_count_ready (FILE *file);

char *cimpl_file_stream_dup_name (CimplFileStream *self);
gboolean
cimpl_file_stream_fail (CimplFileStream *self, const char *what, int errnum, GError **error);

gboolean cimpl_file_stream_copy_to (CimplStream *stream,
                                    CimplStream *target,
                                    gint64 limit,
                                    GFileProgressCallback progress,
                                    gpointer progress_data,
                                    gint64 *n_copied,
                                    GCancellable *cancellable,
                                    GError **error);

#pragma GCC visibility pop
G_END_DECLS
