/* SPDX-License-Identifier: Apache-2.0 */
/* container/verify_parts.h - what the files of a verification share: the faults found so far, and
 * the generations that are looked at. */
#ifndef CONTAINER_VERIFY_PARTS_H
#define CONTAINER_VERIFY_PARTS_H

#include <pthread.h>

#include "base/pool.h"
#include "container/runs.h"
#include "container/verify.h"

/* --- faults.c --- */
/* They are gathered by any thread, and told in the order of the file when all is done, so that
 * neither their order nor their words depend on the number of threads. */
struct heft_faults {
	struct heft_fault_item *items;
	size_t n;
	size_t capacity;
	bool lacked_memory;
	pthread_mutex_t mutex;
};

void heft_faults_init(struct heft_faults *f);
void heft_faults_done(struct heft_faults *f);
/* `what` is static; name (NULL: none) and msg are copied. */
void heft_faults_add(struct heft_faults *f, const char *what, const char *name, size_t name_size,
                     uint64_t offset, const char *msg);
/* A failure that is the file's fault is added and gives HEFT_OK; any other one is passed on. */
enum heft_status heft_faults_note(struct heft_faults *f, const char *what, const char *name,
                                  size_t name_size, enum heft_status st,
                                  const struct heft_error *found, struct heft_error *err);
enum heft_status heft_faults_tell(struct heft_faults *f, heft_fault_fn fn, void *user,
                                  struct heft_error *err);

/* --- a generation that is verified --- */
struct heft_generation {
	struct heft_index *ix; /* never trusted */
	struct heft_runs runs;
	bool is_before; /* every fault of it is "previous" */
};

struct heft_verification {
	struct heft_generation of;     /* what was asked for */
	struct heft_generation before; /* ix NULL: none, or it does not open */
	struct heft_faults faults;
	const struct heft_run *run;
	bool sections_ok; /* content sections are what the directory states */
};

/* --- verify_sections.c --- */
/* Every section of a generation, less those that `known` (NULL: none) has as well. */
enum heft_status heft_verify_sections(struct heft_verification *v, const struct heft_generation *g,
                                      const struct heft_generation *known, struct heft_error *err);

/* --- verify_data.c --- */
/* Every chunk of both generations. The report's digests are computed from what was read; they are
 * left 0 when some chunk cannot be read. */
enum heft_status heft_verify_data(struct heft_verification *v, struct heft_verify_report *report,
                                  struct heft_error *err);

/* --- verify_space.c --- */
/* Section 5: extents that overlap, gaps that are not 0, dead bytes, and, when `strict`, a file that
 * is not compact. */
enum heft_status heft_verify_space(struct heft_verification *v, bool strict, uint64_t *n_dead_bytes,
                                   struct heft_error *err);

#endif
