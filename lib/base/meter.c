/* SPDX-License-Identifier: Apache-2.0 */
/* meter.c - counts bytes done by many threads and tells one callback. */
#include "base/meter.h"

#include "base/error.h"

void heft_meter_init(struct heft_meter *m, const struct heft_run *run, uint64_t n_total)
{
	*m = (struct heft_meter){
		.fn = run ? run->progress : NULL,
		.user = run ? run->user : NULL,
		.n_total = n_total,
	};
	pthread_mutex_init(&m->mutex, NULL);
}

void heft_meter_done(struct heft_meter *m)
{
	pthread_mutex_destroy(&m->mutex);
}

enum heft_status heft_meter_add(struct heft_meter *m, uint64_t n, struct heft_error *err)
{
	bool is_cancelled;

	if (!m->fn)
		return HEFT_OK;
	pthread_mutex_lock(&m->mutex);
	m->n_done += n;
	if (!m->is_cancelled && m->fn(m->user, m->n_done, m->n_total))
		m->is_cancelled = true;
	is_cancelled = m->is_cancelled;
	pthread_mutex_unlock(&m->mutex);
	if (is_cancelled)
		return heft_fail(err, HEFT_E_CANCELLED, HEFT_NO_OFFSET, "cancelled");
	return HEFT_OK;
}
