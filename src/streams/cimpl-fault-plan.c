/* SPDX-License-Identifier: MIT */

/* Which operation of a CimplFaultStream meets which fault. */

#include "config.h"

#include "streams/cimpl-fault-plan-private.h"

#include "core/cimpl-stream-error-private.h"

#define TRANSFERS (CIMPL_FAULT_OPERATION_READ | CIMPL_FAULT_OPERATION_WRITE)

void
cimpl_fault_plan_init (CimplFaultPlan *plan)
{
  pthread_mutex_init (&plan->lock, NULL);
  plan->faults = g_array_new (FALSE, FALSE, sizeof (CimplFault));
}

void
cimpl_fault_plan_finalize (CimplFaultPlan *plan)
{
  g_array_unref (plan->faults);
  pthread_mutex_destroy (&plan->lock);
}

/* With the lock held */

static guint64
count_operations (CimplFaultPlan *plan, CimplFaultOperation operations)
{
  guint64 sum = 0;

  for (guint i = 0; i < CIMPL_FAULT_N_KINDS; i++)
    if ((operations & (1u << i)) != 0)
      sum += plan->n_operations[i];
  return sum;
}

static guint64
count_bytes (CimplFaultPlan *plan, CimplFaultOperation operations)
{
  guint64 sum = 0;

  if ((operations & TRANSFERS) == 0)
    operations = TRANSFERS;
  if ((operations & CIMPL_FAULT_OPERATION_READ) != 0)
    sum += plan->n_bytes_read;
  if ((operations & CIMPL_FAULT_OPERATION_WRITE) != 0)
    sum += plan->n_bytes_written;
  return sum;
}

static guint64
count_units (CimplFaultPlan *plan, CimplFaultOperation operations, CimplFaultUnit unit)
{
  return unit == CIMPL_FAULT_UNIT_BYTES ? count_bytes (plan, operations)
                                        : count_operations (plan, operations);
}

static GError *
new_error (CimplFaultPlan *plan, const CimplFault *fault, guint kind)
{
  static const char *const names[CIMPL_FAULT_N_KINDS]
      = { "read", "write", "seek", "flush", "truncate", "close" };
  g_autofree char *message = g_strdup_printf ("Injected failure of %s %" G_GUINT64_FORMAT,
                                              names[kind], plan->n_operations[kind]);

  if (fault->type == CIMPL_FAULT_ERRNO)
    return cimpl_error_new_from_errno ((gint) fault->value, message);
  return g_error_new_literal (CIMPL_STREAM_ERROR, (gint) fault->value, message);
}

static void
strike (CimplFaultPlan *plan, const CimplFault *fault, guint kind, CimplFaultEffect *effect)
{
  switch (fault->type)
    {
    case CIMPL_FAULT_ERROR:
    case CIMPL_FAULT_ERRNO:
      if (effect->error == NULL)
        effect->error = new_error (plan, fault, kind);
      break;
    case CIMPL_FAULT_SHORT_COUNT:
      effect->limit = MIN (effect->limit, (gsize) fault->value);
      break;
    case CIMPL_FAULT_DELAY:
      effect->delay += fault->value;
      break;
    case CIMPL_FAULT_TOO_MUCH:
      effect->is_too_much = TRUE;
      break;
    default:
      g_assert_not_reached ();
    }
}

/* Whether a fault hits the operation that has just been counted, which is one of its kinds. */
static gboolean
is_due (CimplFaultPlan *plan, const CimplFault *fault, CimplFaultEffect *effect)
{
  guint64 seen = count_units (plan, fault->operations, fault->unit);

  if (fault->unit != CIMPL_FAULT_UNIT_BYTES)
    return seen > fault->at;
  if (seen < fault->at)
    effect->limit = (gsize) MIN (effect->limit, fault->at - seen);
  return seen >= fault->at;
}

static void
meet_faults (CimplFaultPlan *plan,
             CimplFaultOperation operation,
             guint kind,
             CimplFaultEffect *effect)
{
  guint i = 0;

  while (i < plan->faults->len)
    {
      CimplFault *fault = &g_array_index (plan->faults, CimplFault, i);

      i++;
      if ((fault->operations & operation) == 0 || !is_due (plan, fault, effect))
        continue;
      strike (plan, fault, kind, effect);
      if (fault->times > 0 && --fault->times == 0)
        g_array_remove_index (plan->faults, --i);
    }
}

/* Without it */

/* Adds a fault that strikes @fault.at units from now. */
void
cimpl_fault_plan_add (CimplFaultPlan *plan, CimplFault fault)
{
  if (fault.times == 0)
    return;

  pthread_mutex_lock (&plan->lock);
  if (!g_uint64_checked_add (&fault.at, fault.at, count_units (plan, fault.operations, fault.unit)))
    fault.at = G_MAXUINT64;
  g_array_append_val (plan->faults, fault);
  pthread_mutex_unlock (&plan->lock);
}

void
cimpl_fault_plan_remove_all (CimplFaultPlan *plan)
{
  pthread_mutex_lock (&plan->lock);
  g_array_set_size (plan->faults, 0);
  pthread_mutex_unlock (&plan->lock);
}

guint64
cimpl_fault_plan_count (CimplFaultPlan *plan, CimplFaultOperation operations, CimplFaultUnit unit)
{
  guint64 n;

  pthread_mutex_lock (&plan->lock);
  n = count_units (plan, operations, unit);
  pthread_mutex_unlock (&plan->lock);
  return n;
}

/* Counts an operation and says what becomes of it. */
CimplFaultEffect
cimpl_fault_plan_begin (CimplFaultPlan *plan, CimplFaultOperation operation)
{
  CimplFaultEffect effect = { .limit = G_MAXSIZE };
  guint kind = (guint) g_bit_nth_lsf (operation, -1);

  pthread_mutex_lock (&plan->lock);
  plan->n_operations[kind]++;
  meet_faults (plan, operation, kind, &effect);
  pthread_mutex_unlock (&plan->lock);
  return effect;
}

/* Counts what a read or write has transferred. */
void
cimpl_fault_plan_end (CimplFaultPlan *plan, CimplFaultOperation operation, gsize n_bytes)
{
  pthread_mutex_lock (&plan->lock);
  if (operation == CIMPL_FAULT_OPERATION_READ)
    plan->n_bytes_read += n_bytes;
  else
    plan->n_bytes_written += n_bytes;
  pthread_mutex_unlock (&plan->lock);
}
