/* SPDX-License-Identifier: MIT */
#pragma once

#include "backend.h"

G_BEGIN_DECLS

/* A kind of stream that keeps the contract of CimplStream. */
typedef struct
{
  const char *name;

  /* A stream over @backend, which outlives it; the caller owns a GObject reference. */
  CimplStream *(*create) (TestBackend *backend);

  CimplStreamError silent_code;    /* what a failure is reported as that says nothing */
  gboolean can_be_untouched;       /* whether TEST_FAULT_UNTOUCHED can be expressed */
  gboolean counts_can_be_negative; /* the same of TEST_FAULT_NEGATIVE for counts */
  gboolean cannot_truncate;
  gboolean cannot_close; /* has nothing of its own to do when it is closed */
  gboolean borrows;      /* calls nothing when it is dropped */

  /*
   * For streams of data that is not in the backend, which only shows what it is at first: puts into
   * the backend what @stream, which may be closed, has now. Cases that want a backend which fails,
   * is slow or counts are left out.
   */
  void (*fetch) (CimplStream *stream, TestBackend *backend);
  /* Asks for its position once, and no more to go where it is. */
  gboolean knows_position;
  /* That, too; reads ahead and writes behind, so that what goes wrong with a write comes later. */
  gboolean buffers;
} StreamContract;

/* Adds the cases as /NAME/contract/…; @contract must stay. */
void stream_contract_add_tests (const StreamContract *contract);

G_END_DECLS
