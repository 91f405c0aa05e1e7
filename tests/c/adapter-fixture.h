/* SPDX-License-Identifier: MIT */
#pragma once

#include "dispatch-fixture.h"

G_BEGIN_DECLS

/* A GIO stream over a TestBase, which it does not close. */
typedef struct
{
  TestBackend *backend;
  TestBase *base;
  gpointer stream;
} AdapterFixture;

typedef struct
{
  const char *name;
  void (*run) (AdapterFixture *fixture);
} AdapterCase;

/* Adds the cases as /gio-adapters/NAME/…, each with a stream of what @get_type returns. */
void adapter_fixture_add_tests (const char *name,
                                GType (*get_type) (void),
                                const AdapterCase *cases,
                                gsize n_cases);

gpointer adapter_fixture_new_stream (AdapterFixture *fixture, GType type);
void adapter_fixture_finalize (gpointer object);
gboolean adapter_fixture_close (gpointer stream, GError **error);
GOutputStream *adapter_fixture_get_output (gpointer stream);
void adapter_fixture_write (gpointer stream);
gint64 adapter_fixture_get_position (AdapterFixture *fixture);
void adapter_fixture_fail (AdapterFixture *fixture, TestOp op, gboolean lasts);

G_END_DECLS
