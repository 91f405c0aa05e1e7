/* SPDX-License-Identifier: MIT */
#pragma once

#include <cimplstream/cimplstream.h>

G_BEGIN_DECLS

typedef enum
{
  TEST_READ,
  TEST_WRITE,
  TEST_SEEK,
  TEST_FLUSH,
  TEST_CLOSE,
  TEST_TRUNCATE,
  TEST_N_OPS,
} TestOp;

/* What the next call of an operation does wrong, in whatever way its kind of stream can say it. */
typedef enum
{
  TEST_FAULT_NONE,
  TEST_FAULT_ERROR,     /* fails with the code and the message of the backend */
  TEST_FAULT_SILENT,    /* fails and does not say why */
  TEST_FAULT_TOO_MUCH,  /* transfers one byte more than asked for */
  TEST_FAULT_NEGATIVE,  /* has the result -7 */
  TEST_FAULT_UNTOUCHED, /* succeeds without a result */
} TestFault;

typedef struct _TestBackend TestBackend;

/* Data in memory behind a stream of any kind, which counts what it is asked for. */
struct _TestBackend
{
  GByteArray *data;
  gint64 position;
  gsize max_transfer; /* of one call */
  guint calls[TEST_N_OPS];

  TestOp fault_op;
  TestFault fault;
  gboolean fault_lasts;
  CimplStreamError code;

  void (*hook) (TestBackend *backend, gpointer user_data); /* runs inside each call */
  gpointer hook_data;
};

TestBackend *test_backend_new (const char *content);
void test_backend_free (TestBackend *backend);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestBackend, test_backend_free)

#define TEST_FAULT_MESSAGE "the backend fails on purpose"

TestFault test_backend_begin (TestBackend *backend, TestOp op);
gsize test_backend_read (TestBackend *backend, void *buffer, gsize count);
gsize test_backend_write (TestBackend *backend, const void *data, gsize count);
gint64 test_backend_seek (TestBackend *backend, gint64 offset, CimplSeekMode mode);

void test_backend_assert_content (TestBackend *backend, const char *expected);

G_END_DECLS
