/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/cimpl-handle-private.h"

G_BEGIN_DECLS
#pragma GCC visibility push(hidden)

/*
 * What has failed in a stream. As with ferror(), the first failure stays, whatever succeeds later;
 * so does the first one of each kind after a mark, for who has set that. Success pays for nothing
 * of this.
 */

/* What an operation does: its success makes good an earlier failure of the same kind. */
typedef enum
{
  CIMPL_KIND_READ = 1 << 0,
  CIMPL_KIND_WRITE = 1 << 1,
  CIMPL_KIND_SEEK = 1 << 2,
  CIMPL_KIND_FLUSH = 1 << 3,
  CIMPL_KIND_TRUNCATE = 1 << 4,
  CIMPL_KIND_CLOSE = 1 << 5,
} CimplKind;

struct _CimplFailure
{
  _Atomic guint ref_count;
  CimplFailure *next; /* younger */
  GError *error;      /* (owned) */
  guint64 serial;     /* of the error, which it keeps on its way through other streams */
  guint64 time;       /* when it failed here, by the same clock */
  CimplKind kind;
  gboolean is_recovered;
};

void cimpl_failure_unref (CimplFailure *failure);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CimplFailure, cimpl_failure_unref)
void cimpl_failure_free_all (CimplFailure *oldest);

guint64 cimpl_failure_mark (void);
void cimpl_failure_record (CimplHandle *handle, CimplKind kind, GError *error);
void cimpl_failure_record_refusal (CimplHandle *handle,
                                   guint64 generation,
                                   CimplKind kind,
                                   GError *refusal);
void cimpl_failure_recover_slow (CimplHandle *handle, CimplKind kind);
CimplFailure *cimpl_failure_find (CimplHandle *handle, guint64 since, gboolean unrecovered_only);
gboolean cimpl_failure_is_recovered (CimplHandle *handle, guint64 serial);
void cimpl_failure_clear (CimplHandle *handle);

void cimpl_failure_remember (GError *error);
GError *cimpl_failure_to_io (GError *error);
void cimpl_failure_restore (GError **error);

/* Whether a failure of @kind was not made good. */
static inline gboolean
cimpl_failure_is_left (CimplHandle *handle, CimplKind kind)
{
  return (atomic_load (&handle->failed_kinds) & kind) != 0;
}

/* For an operation of @kind that has succeeded. */
static inline void
cimpl_failure_recover (CimplHandle *handle, CimplKind kind)
{
  if (G_UNLIKELY (cimpl_failure_is_left (handle, kind)))
    cimpl_failure_recover_slow (handle, kind);
}

#pragma GCC visibility pop
G_END_DECLS
