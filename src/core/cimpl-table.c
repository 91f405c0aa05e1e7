/* SPDX-License-Identifier: MIT */

#include "config.h"

#include "core/cimpl-table-private.h"

#define TOMBSTONE GSIZE_TO_POINTER (1) /* who looks for this finds the value NULL */
#define FIRST_SIZE 256

_Atomic (CimplTable *) cimpl_table;

static void
table_put (CimplTable *table, gpointer key, gpointer value)
{
  gsize i = cimpl_table_index (table, key);

  for (;;)
    {
      gpointer found = atomic_load_explicit (&table->entries[i].key, memory_order_relaxed);

      if (found == NULL)
        table->filled++;
      if (found == NULL || found == TOMBSTONE)
        break;
      i = (i + 1) & table->mask;
    }

  atomic_store_explicit (&table->entries[i].value, value, memory_order_relaxed);
  atomic_store_explicit (&table->entries[i].key, key, memory_order_release);
}

static CimplTable *
table_new (gsize size, CimplTable *previous)
{
  CimplTable *table = g_malloc0 (sizeof *table + size * sizeof (CimplTableEntry));

  table->mask = size - 1;
  table->previous = previous;
  return table;
}

void
cimpl_table_init (void)
{
  atomic_store (&cimpl_table, table_new (FIRST_SIZE, NULL));
}

static CimplTable *
table_grow (CimplTable *old)
{
  CimplTable *table = table_new (2 * (old->mask + 1), old);

  for (gsize i = 0; i <= old->mask; i++)
    {
      gpointer key = atomic_load_explicit (&old->entries[i].key, memory_order_relaxed);

      if (key != NULL && key != TOMBSTONE)
        table_put (table, key, atomic_load_explicit (&old->entries[i].value, memory_order_relaxed));
    }
  atomic_store_explicit (&cimpl_table, table, memory_order_release);
  return table;
}

/* At least half of the entries stay empty, so that look-ups are short and end. */
void
cimpl_table_insert (gpointer key, gpointer value)
{
  CimplTable *table = atomic_load_explicit (&cimpl_table, memory_order_relaxed);

  if (2 * (table->filled + 1) > table->mask)
    table = table_grow (table);
  table_put (table, key, value);
}

/*
 * An entry becomes empty only if the next one is, as no chain can then lead through it; its
 * neighbours before it follow, so tombstones only lie between live entries and cannot pile up.
 */
void
cimpl_table_remove (gpointer key)
{
  CimplTable *table = atomic_load_explicit (&cimpl_table, memory_order_relaxed);
  gsize i = cimpl_table_index (table, key);
  gsize next;

  while (atomic_load_explicit (&table->entries[i].key, memory_order_relaxed) != key)
    i = (i + 1) & table->mask;
  atomic_store_explicit (&table->entries[i].value, NULL, memory_order_relaxed);
  atomic_store_explicit (&table->entries[i].key, TOMBSTONE, memory_order_release);

  next = (i + 1) & table->mask;
  if (atomic_load_explicit (&table->entries[next].key, memory_order_relaxed) != NULL)
    return;
  while (atomic_load_explicit (&table->entries[i].key, memory_order_relaxed) == TOMBSTONE)
    {
      atomic_store_explicit (&table->entries[i].key, NULL, memory_order_release);
      table->filled--;
      i = (i - 1) & table->mask;
    }
}
