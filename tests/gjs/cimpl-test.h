/* SPDX-License-Identifier: MIT */
#pragma once

#include <cimplstream/cimplstream.h>

G_BEGIN_DECLS

#define CIMPL_TEST_TYPE_DIGITS (cimpl_test_digits_get_type ())
G_DECLARE_DERIVABLE_TYPE (CimplTestDigits, cimpl_test_digits, CIMPL_TEST, DIGITS, CimplStream)

struct _CimplTestDigitsClass
{
  CimplStreamClass parent_class;
};

/**
 * CimplTestOperation:
 * @CIMPL_TEST_OPERATION_READ: read at most so many bytes
 * @CIMPL_TEST_OPERATION_WRITE: write so many bytes
 * @CIMPL_TEST_OPERATION_SEEK: seek to so many bytes from the start
 * @CIMPL_TEST_OPERATION_TRUNCATE: set the size to so many bytes
 * @CIMPL_TEST_OPERATION_FLUSH: flush
 * @CIMPL_TEST_OPERATION_CLOSE: close
 * @CIMPL_TEST_OPERATION_GET_FLAGS: get the flags
 *
 * An operation of a stream.
 */
typedef enum
{
  CIMPL_TEST_OPERATION_READ,
  CIMPL_TEST_OPERATION_WRITE,
  CIMPL_TEST_OPERATION_SEEK,
  CIMPL_TEST_OPERATION_TRUNCATE,
  CIMPL_TEST_OPERATION_FLUSH,
  CIMPL_TEST_OPERATION_CLOSE,
  CIMPL_TEST_OPERATION_GET_FLAGS,
} CimplTestOperation;

gssize cimpl_test_read_plainly (CimplStream *stream);
guintptr cimpl_test_get_handle (CimplStream *stream);
GVariant *cimpl_test_run_in_thread (CimplStream *stream,
                                    CimplTestOperation operation,
                                    guint count,
                                    GCancellable *cancellable,
                                    GError **error);
void cimpl_test_run_in_thread_async (CimplStream *stream,
                                     CimplTestOperation operation,
                                     guint count,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
GVariant *cimpl_test_run_in_thread_finish (GAsyncResult *result, GError **error);

G_END_DECLS
