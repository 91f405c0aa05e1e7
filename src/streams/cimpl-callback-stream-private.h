/* SPDX-License-Identifier: MIT */
#pragma once

#include "cimplstream/cimpl-callback-stream.h"

G_BEGIN_DECLS
#pragma GCC visibility push(hidden)

typedef void (*CimplDestroyCallback) (CimplStreamContext *context);

CimplStream *cimpl_callback_stream_new (CimplStreamContext *context,
                                        CimplReadCallback reader,
                                        CimplSeekCallback seeker,
                                        CimplWriteCallback writer,
                                        CimplFlushCallback flusher);
CimplStream *cimpl_callback_stream_new_full (const CimplStreamCallbacks *callbacks,
                                             CimplStreamContext *context,
                                             CimplDestroyCallback destroy);
void cimpl_callback_stream_release_context (CimplCallbackStream *self);

#pragma GCC visibility pop
G_END_DECLS
