/* SPDX-License-Identifier: MIT */
#pragma once

#if !defined(CIMPL_INSIDE) && !defined(CIMPL_COMPILATION)
#error "Only <cimplstream/cimplstream.h> can be included directly."
#endif

#include <cimplstream/cimpl-stream.h>

#include <stdio.h>

G_BEGIN_DECLS

#define CIMPL_TYPE_FILE_STREAM (cimpl_file_stream_get_type ())

CIMPL_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (CimplFileStream, cimpl_file_stream, CIMPL, FILE_STREAM, CimplStream)

CIMPL_AVAILABLE_IN_1_0
CimplStream *cimpl_file_stream_open (const char *path,
                                     const char *mode,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
CIMPL_AVAILABLE_IN_1_0
CimplStream *cimpl_file_stream_new_for_fd (int fd, gboolean close_fd) G_GNUC_WARN_UNUSED_RESULT;
CIMPL_AVAILABLE_IN_1_0
CimplStream *cimpl_file_stream_new_for_stdio (FILE *file,
                                              gboolean close_file) G_GNUC_WARN_UNUSED_RESULT;

CIMPL_AVAILABLE_IN_1_0
int cimpl_file_stream_get_fd (CimplFileStream *self);
CIMPL_AVAILABLE_IN_1_0
gboolean
cimpl_file_stream_try_sync (CimplFileStream *self, GCancellable *cancellable, GError **error);
#ifdef __GI_SCANNER__
void cimpl_file_stream_sync (CimplFileStream *self); /* for "rename-to", see CimplStream */
#endif

G_END_DECLS
