/* SPDX-License-Identifier: MIT */
#pragma once

#include "base.h"

G_BEGIN_DECLS

/* A buffered stream over a backend in memory. */
typedef struct
{
  TestBackend *backend; /* "0123456789" */
  TestBackend *sink;    /* where a pipe writes to; NULL otherwise */
  TestBase *base;
  CimplStream *stream;
} BufferedFixture;

/* Test data of a fixture; NULL for a base that can seek and a buffer of 16 bytes. */
typedef struct
{
  gboolean is_pipe;
  gsize buffer_size;
} BufferedKind;

typedef void (*BufferedTest) (BufferedFixture *fixture, gconstpointer data);

void buffered_add_test (const char *path, const BufferedKind *kind, BufferedTest test);

void buffered_assert_read (BufferedFixture *fixture, gsize count, const char *expected);
void buffered_write (BufferedFixture *fixture, const char *text);
void buffered_seek (BufferedFixture *fixture, gint64 position);
void buffered_assert_peek (BufferedFixture *fixture, gsize count, const char *expected);
void buffered_assert_position (BufferedFixture *fixture, gint64 expected);
void buffered_flush (BufferedFixture *fixture);

/* Makes the next call of @op fail, or all that follow. */
void buffered_fail (BufferedFixture *fixture, TestOp op, CimplStreamError code, gboolean lasts);
void buffered_recover (BufferedFixture *fixture);

G_END_DECLS
