/* SPDX-License-Identifier: MIT */
#pragma once

#include "backend.h"

G_BEGIN_DECLS

/* A TestBackend as a subclass, which remembers how it was called last. */

#define TEST_TYPE_BASE (test_base_get_type ())
G_DECLARE_FINAL_TYPE (TestBase, test_base, TEST, BASE, CimplStream)

struct _TestBase
{
  CimplStream parent_instance;

  TestBackend *backend;
  TestBackend *sink;      /* (nullable): what is written goes there instead */
  CimplStreamFlags lacks; /* what it says it cannot do */
  const GError *error;    /* what it fails with */
  CimplStreamFlags only;  /* all that it says it can do, unless 0 */
  GThread *thread;        /* in which it was called */
  GCancellable *cancellable;
};

TestBase *test_base_new (TestBackend *backend);

G_END_DECLS
