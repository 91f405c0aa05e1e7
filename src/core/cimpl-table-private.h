/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdatomic.h>

G_BEGIN_DECLS
#pragma GCC visibility push(hidden) /* -fvisibility alone does not cover declarations */

/*
 * The table from addresses to what they stand for: open addressing, one writer at a time, and
 * readers without locks at any time. Live entries never move, so a look-up finds them whatever
 * happens meanwhile; it may also find what has just been removed.
 */

typedef struct
{
  _Atomic gpointer key; /* NULL: never used; 1: used before, a tombstone */
  _Atomic gpointer value;
} CimplTableEntry;

typedef struct _CimplTable CimplTable;

struct _CimplTable
{
  gsize mask;
  gsize filled;         /* entries whose key is not NULL; the writer's */
  CimplTable *previous; /* smaller ones, kept because somebody may still be looking into them */
  CimplTableEntry entries[];
};

extern _Atomic (CimplTable *) cimpl_table;

void cimpl_table_init (void);
void cimpl_table_insert (gpointer key, gpointer value);
void cimpl_table_remove (gpointer key);

static inline gsize
cimpl_table_index (const CimplTable *table, gconstpointer key)
{
  guintptr address = (guintptr) key;

  /* Neighbours in memory share cache lines of the table; the second term keeps heaps apart. */
  return ((address >> 5) ^ (address >> 26)) & table->mask;
}

/* The value of @key, or NULL. @key may be any pointer but NULL, and is not read. */
static inline gpointer
cimpl_table_find (gconstpointer key)
{
  CimplTable *table = atomic_load_explicit (&cimpl_table, memory_order_acquire);

  for (gsize i = cimpl_table_index (table, key);; i = (i + 1) & table->mask)
    {
      gconstpointer found = atomic_load_explicit (&table->entries[i].key, memory_order_acquire);

      if (G_LIKELY (found == key))
        return atomic_load_explicit (&table->entries[i].value, memory_order_relaxed);
      if (found == NULL)
        return NULL;
    }
}

#pragma GCC visibility pop
G_END_DECLS
