/* SPDX-License-Identifier: MIT */
#pragma once

/* What the GIO classes over a CimplStream share. */

#include "cimplstream/cimpl-input-stream.h"
#include "cimplstream/cimpl-io-stream.h"
#include "cimplstream/cimpl-output-stream.h"

#include "core/cimpl-stream-private.h"

#include <stdatomic.h>

G_BEGIN_DECLS
#pragma GCC visibility push(hidden)

typedef struct
{
  CimplStream *base; /* (owned) (nullable): the property need not be set */
  _Atomic gboolean close_base;
  gboolean is_dirty; /* written through this adapter since it flushed; for the pending operation */
  gboolean is_dropped;     /* what closes it now is its end, and not somebody's wish */
  _Atomic gint64 position; /* what the base last told */
} CimplAdapter;

struct _CimplInputStream
{
  GInputStream parent_instance;

  CimplAdapter adapter;
};

struct _CimplOutputStream
{
  GOutputStream parent_instance;

  CimplAdapter adapter;
};

struct _CimplIOStream
{
  GIOStream parent_instance;

  CimplAdapter adapter;
  GInputStream *input;   /* (owned): over the same base, made when it is asked for */
  GOutputStream *output; /* (owned): likewise */
};

void cimpl_adapter_class_init (GObjectClass *object_class);
void cimpl_adapter_dispose (GObject *object);
void cimpl_adapter_finalize (GObject *object);
void cimpl_adapter_seekable_init (GSeekableIface *iface);

void cimpl_adapter_refuse (GError **error);
void cimpl_adapter_take_error (GError *base_error, GError **error);
gboolean cimpl_adapter_flush (CimplAdapter *self, GCancellable *cancellable, GError **error);
gboolean cimpl_adapter_close (CimplAdapter *self, GCancellable *cancellable, GError **error);

/* Enters the base, or is NULL. The error, also of what follows, is for cimpl_adapter_take_error().
 */
static G_ALWAYS_INLINE inline CimplHandle *
cimpl_adapter_enter (CimplAdapter *self, CimplKind kind, GError **base_error)
{
  if (G_LIKELY (self->base != NULL))
    return cimpl_stream_enter (self->base, kind, G_STRFUNC, base_error);
  cimpl_adapter_refuse (base_error);
  return NULL;
}

#pragma GCC visibility pop
G_END_DECLS
