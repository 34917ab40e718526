/*
 * The tables that translate guest-physical addresses: four levels of 512 entries, the same shape in
 * VMX (EPT) and SVM (nested paging). 4 KiB pages only. The bits beside the addresses are the
 * caller's.
 */
#ifndef CORE_LIB_NESTED_H
#define CORE_LIB_NESTED_H

#include "lib/base.h"
#include "lib/status.h"

/* Each maps 2 MiB, or leads to 1 GiB or 512 GiB: far more than any guest's few regions need. */
enum { NESTED_TABLES_MAX = 400 };

struct nested {
	uint64_t *root;
	uint64_t table_bits; /* of every entry that leads to a table */
	unsigned count;	     /* tables below the root */
	uint64_t *table[NESTED_TABLES_MAX];
};

MUST_USE enum status nested_create(struct nested *nested, uint64_t table_bits);
void nested_destroy(struct nested *nested);

/* Maps pages pages; leaf_bits: of every entry that leads to a page. Error: STATUS_NO_MEMORY. */
MUST_USE enum status nested_map(struct nested *nested, uint64_t gpa, uint64_t physical_address,
				size_t pages, uint64_t leaf_bits);

#endif
