/* SPDX-License-Identifier: Apache-2.0 */
/* base/meter.h - counts bytes done by many threads, tells the caller's progress callback, and
 * carries its wish to stop. */
#ifndef BASE_METER_H
#define BASE_METER_H

#include <pthread.h>

#include "heft/error.h"
#include "heft/progress.h"

struct heft_meter {
	heft_progress_fn fn;
	void *user;
	uint64_t n_total;
	uint64_t n_done;
	bool is_cancelled;
	pthread_mutex_t mutex;
};

/* run may be NULL */
void heft_meter_init(struct heft_meter *m, const struct heft_run *run, uint64_t n_total);
void heft_meter_done(struct heft_meter *m);
/* Adds n bytes; HEFT_E_CANCELLED once the callback has asked to stop. Any thread. */
enum heft_status heft_meter_add(struct heft_meter *m, uint64_t n, struct heft_error *err);

#endif
