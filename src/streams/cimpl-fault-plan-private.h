/* SPDX-License-Identifier: MIT */
#pragma once

#include "cimplstream/cimpl-fault-stream.h"

#include <pthread.h>

G_BEGIN_DECLS
#pragma GCC visibility push(hidden)

#define CIMPL_FAULT_N_KINDS 6 /* of operations */

typedef enum
{
  CIMPL_FAULT_ERROR,
  CIMPL_FAULT_ERRNO,
  CIMPL_FAULT_SHORT_COUNT,
  CIMPL_FAULT_DELAY,
  CIMPL_FAULT_TOO_MUCH,
} CimplFaultType;

typedef struct
{
  CimplFaultType type;
  CimplFaultOperation operations;
  CimplFaultUnit unit;
  guint64 at;    /* strikes from when so many units of its operations have been seen */
  gint times;    /* that are left; negative for ever */
  guint64 value; /* what its type takes: a code, an errno, a count, milliseconds */
} CimplFault;

/* What becomes of an operation. */
typedef struct
{
  guint64 delay; /* in milliseconds */
  gsize limit;   /* of its count */
  gboolean is_too_much;
  GError *error; /* (owned) (nullable) */
} CimplFaultEffect;

/* The faults that are still to come, and what was counted. Any thread may use it at any time. */
typedef struct
{
  pthread_mutex_t lock; /* guards all below; never held while anything else is called */
  GArray *faults; /* (owned) (element-type CimplFault): in the order in which they were added */
  guint64 n_operations[CIMPL_FAULT_N_KINDS];
  guint64 n_bytes_read;
  guint64 n_bytes_written;
} CimplFaultPlan;

void cimpl_fault_plan_init (CimplFaultPlan *plan);
void cimpl_fault_plan_finalize (CimplFaultPlan *plan);

void cimpl_fault_plan_add (CimplFaultPlan *plan, CimplFault fault);
void cimpl_fault_plan_remove_all (CimplFaultPlan *plan);
guint64
cimpl_fault_plan_count (CimplFaultPlan *plan, CimplFaultOperation operations, CimplFaultUnit unit);

CimplFaultEffect cimpl_fault_plan_begin (CimplFaultPlan *plan, CimplFaultOperation operation);
void cimpl_fault_plan_end (CimplFaultPlan *plan, CimplFaultOperation operation, gsize n_bytes);

#pragma GCC visibility pop
G_END_DECLS
