/* SPDX-License-Identifier: Apache-2.0 */
/* tune_data.c - what a lineage tells of the data: its digests, and the arrays that were read. */
#include "artifact/tune.h"
#include "base/alloc.h"
#include "base/error.h"
#include "train/trainer_state.h"

/* Each array once, in the order of the model's inputs, and the target's behind them. */
static enum heft_status list_arrays(const struct heft_trainer *t,
                                    const struct heft_trainer_side *side,
                                    struct heft_lineage_data *row, struct heft_error *err)
{
	const uint32_t n_inputs = heft_model_n_inputs(t->model);
	const char *target = heft_feed_target_array(side->feed);
	const char **arrays = heft_alloc_array(n_inputs + 1, sizeof *arrays);

	if (!arrays)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u names",
		                 n_inputs + 1);
	for (uint32_t i = 0; i < n_inputs; i++) {
		const char *name = heft_feed_input_array(side->feed, i);

		if (name)
			arrays[row->n_arrays++] = name;
	}
	if (target)
		arrays[row->n_arrays++] = target;
	row->arrays = arrays;
	return HEFT_OK;
}

static enum heft_status add(struct heft_tuning *u, const char *use, struct heft_dataset *ds,
                            const struct heft_trainer_side *side, struct heft_error *err)
{
	struct heft_lineage_data *row = &u->data[u->n_data++];

	row->use = use;
	row->n_samples = side->n;
	HEFT_TRY(heft_dataset_digest(ds, &u->options.target.run, row->digest, err));
	return list_arrays(u->trainer, side, row, err);
}

enum heft_status heft_tuning_describe_data(struct heft_tuning *u, struct heft_error *err)
{
	const struct heft_trainer *t = u->trainer;

	HEFT_TRY(add(u, "train", u->train, &t->train, err));
	if (t->val.n == 0)
		return HEFT_OK;
	return add(u, "val", u->val ? u->val : u->train, &t->val, err);
}

void heft_tuning_forget_data(struct heft_tuning *u)
{
	for (uint32_t i = 0; i < u->n_data; i++)
		heft_free((void *)(uintptr_t)u->data[i].arrays);
}
