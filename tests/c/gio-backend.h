/* SPDX-License-Identifier: MIT */
#pragma once

#include "backend.h"

G_BEGIN_DECLS

/* A TestBackend as a GIOStream that can seek, which remembers how it was called last. */

/* What the three have in common. */
typedef struct
{
  TestBackend *backend;
  const GError *error; /* what reading and writing fail with */
  GCancellable *cancellable;
  gboolean cannot_seek;
} TestShared;

#define TEST_TYPE_INPUT_STREAM (test_input_stream_get_type ())
G_DECLARE_FINAL_TYPE (TestInputStream, test_input_stream, TEST, INPUT_STREAM, GInputStream)
#define TEST_TYPE_OUTPUT_STREAM (test_output_stream_get_type ())
G_DECLARE_FINAL_TYPE (TestOutputStream, test_output_stream, TEST, OUTPUT_STREAM, GOutputStream)
#define TEST_TYPE_IO_STREAM (test_io_stream_get_type ())
G_DECLARE_FINAL_TYPE (TestIOStream, test_io_stream, TEST, IO_STREAM, GIOStream)

struct _TestInputStream
{
  GInputStream parent_instance;
  TestShared *shared;
};

struct _TestOutputStream
{
  GOutputStream parent_instance;
  TestShared *shared;
};

struct _TestIOStream
{
  GIOStream parent_instance;
  TestInputStream *input;
  TestOutputStream *output;
  TestShared shared;
};

TestIOStream *test_io_stream_new (TestBackend *backend);

G_END_DECLS
