/* SPDX-License-Identifier: MIT */
#pragma once

#if !defined(CIMPL_INSIDE) && !defined(CIMPL_COMPILATION)
#error "Only <cimplstream/cimplstream.h> can be included directly."
#endif

#include <cimplstream/cimpl-stream.h>

G_BEGIN_DECLS

#define CIMPL_TYPE_FILTER_STREAM (cimpl_filter_stream_get_type ())

CIMPL_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (CimplFilterStream, cimpl_filter_stream, CIMPL, FILTER_STREAM, CimplStream)

/**
 * CimplFilterStreamClass:
 * @parent_class: the parent class; its functions pass each operation to the base, unless a
 *   subclass overrides them
 *
 * What a subclass overrides is in [struct@CimplStream.StreamClass].
 *
 * Since: 1.0
 */
struct _CimplFilterStreamClass
{
  CimplStreamClass parent_class;

  /*< private >*/
  gpointer reserved[4];
};

CIMPL_AVAILABLE_IN_1_0
CimplStream *cimpl_filter_stream_get_base (CimplFilterStream *self);
CIMPL_AVAILABLE_IN_1_0
gboolean cimpl_filter_stream_get_close_base (CimplFilterStream *self);
CIMPL_AVAILABLE_IN_1_0
void cimpl_filter_stream_set_close_base (CimplFilterStream *self, gboolean close_base);

G_END_DECLS
