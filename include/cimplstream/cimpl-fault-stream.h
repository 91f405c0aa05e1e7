/* SPDX-License-Identifier: MIT */
#pragma once

#if !defined(CIMPL_INSIDE) && !defined(CIMPL_COMPILATION)
#error "Only <cimplstream/cimplstream.h> can be included directly."
#endif

#include <cimplstream/cimpl-filter-stream.h>

G_BEGIN_DECLS

/**
 * CimplFaultOperation:
 * @CIMPL_FAULT_OPERATION_READ: reading
 * @CIMPL_FAULT_OPERATION_WRITE: writing
 * @CIMPL_FAULT_OPERATION_SEEK: moving the position; also asking for it, or for the size
 * @CIMPL_FAULT_OPERATION_FLUSH: flushing; also as a part of closing
 * @CIMPL_FAULT_OPERATION_TRUNCATE: setting the size
 * @CIMPL_FAULT_OPERATION_CLOSE: closing
 * @CIMPL_FAULT_OPERATION_ANY: all of them
 *
 * Kinds of operations of a [class@CimplStream.FaultStream].
 *
 * Since: 1.0
 */
typedef enum
{
  CIMPL_FAULT_OPERATION_READ = 1 << 0,
  CIMPL_FAULT_OPERATION_WRITE = 1 << 1,
  CIMPL_FAULT_OPERATION_SEEK = 1 << 2,
  CIMPL_FAULT_OPERATION_FLUSH = 1 << 3,
  CIMPL_FAULT_OPERATION_TRUNCATE = 1 << 4,
  CIMPL_FAULT_OPERATION_CLOSE = 1 << 5,
  CIMPL_FAULT_OPERATION_ANY = (1 << 6) - 1
} CimplFaultOperation;

/**
 * CimplFaultUnit:
 * @CIMPL_FAULT_UNIT_OPERATIONS: operations
 * @CIMPL_FAULT_UNIT_BYTES: bytes
 *
 * What a [class@CimplStream.FaultStream] counts until a fault.
 *
 * Since: 1.0
 */
typedef enum
{
  CIMPL_FAULT_UNIT_OPERATIONS,
  CIMPL_FAULT_UNIT_BYTES
} CimplFaultUnit;

#define CIMPL_TYPE_FAULT_STREAM (cimpl_fault_stream_get_type ())

CIMPL_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (CimplFaultStream, cimpl_fault_stream, CIMPL, FAULT_STREAM, CimplFilterStream)

CIMPL_AVAILABLE_IN_1_0
CimplStream *cimpl_fault_stream_new (CimplStream *base) G_GNUC_WARN_UNUSED_RESULT;

CIMPL_AVAILABLE_IN_1_0
void cimpl_fault_stream_add_error (CimplFaultStream *self,
                                   CimplFaultOperation operations,
                                   guint64 after,
                                   CimplFaultUnit unit,
                                   gint times,
                                   CimplStreamError code);
CIMPL_AVAILABLE_IN_1_0
void cimpl_fault_stream_add_errno (CimplFaultStream *self,
                                   CimplFaultOperation operations,
                                   guint64 after,
                                   CimplFaultUnit unit,
                                   gint times,
                                   gint errnum);
CIMPL_AVAILABLE_IN_1_0
void cimpl_fault_stream_add_short_count (CimplFaultStream *self,
                                         CimplFaultOperation operations,
                                         guint64 after,
                                         CimplFaultUnit unit,
                                         gint times,
                                         gsize max_count);
CIMPL_AVAILABLE_IN_1_0
void cimpl_fault_stream_add_delay (CimplFaultStream *self,
                                   CimplFaultOperation operations,
                                   guint64 after,
                                   CimplFaultUnit unit,
                                   gint times,
                                   guint milliseconds);
CIMPL_AVAILABLE_IN_1_0
void cimpl_fault_stream_add_too_much (CimplFaultStream *self,
                                      CimplFaultOperation operations,
                                      guint64 after,
                                      CimplFaultUnit unit,
                                      gint times);
CIMPL_AVAILABLE_IN_1_0
void cimpl_fault_stream_clear (CimplFaultStream *self);

CIMPL_AVAILABLE_IN_1_0
guint64 cimpl_fault_stream_get_n_operations (CimplFaultStream *self,
                                             CimplFaultOperation operations);
CIMPL_AVAILABLE_IN_1_0
guint64 cimpl_fault_stream_get_n_bytes (CimplFaultStream *self, CimplFaultOperation operations);

G_END_DECLS
