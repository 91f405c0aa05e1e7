/* SPDX-License-Identifier: MIT */
#pragma once

#include <cimplstream/cimplstream.h>

G_BEGIN_DECLS

/* Everything that a stream can be read, written and moved through. */

typedef struct
{
  const char *name;
  gpointer (*open) (CimplStream *stream, gboolean is_written);
  gint64 (*seek) (gpointer consumer, gint64 offset, CimplSeekMode mode);
  gsize (*read) (gpointer consumer, guint8 *buffer, gsize count); /* 0 only at the end */
  gsize (*write) (gpointer consumer, const guint8 *data, gsize count);
  void (*close) (gpointer consumer); /* leaves the stream open */
} MatrixConsumer;

extern const MatrixConsumer matrix_consumers[];
extern const gsize matrix_n_consumers;

G_END_DECLS
