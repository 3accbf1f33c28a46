/* SPDX-License-Identifier: Apache-2.0 */
/* lineage_made.h - a step of a lineage with something in every list, its chain right. */
#ifndef HEFT_TEST_LINEAGE_MADE_H
#define HEFT_TEST_LINEAGE_MADE_H

#include <check.h>
#include <math.h>
#include <string.h>

#include "heft/lineage.h"

#define STEP_RECIPE "{\"optimizer\":\"sgd\",\"lr\":0.1,\"freeze\":[\"a, b\",\"\\\"c\\\\\"]}"

struct made_step {
	struct heft_lineage_step step;
	struct heft_lineage_data data[2];
	struct heft_lineage_rewrite rewrites[1];
	struct heft_lineage_metric metrics[3];
	struct heft_lineage_link links[3];
};

static inline void step_chain(struct made_step *m)
{
	ck_assert_int_eq(heft_lineage_chain(m->step.recipe, m->step.parent_digest, m->links,
	                                    m->step.n_links, NULL),
	                 HEFT_OK);
}

/* From weights whose digest is all `from` to such of `to`. */
static inline void step_make(struct made_step *m, uint8_t from, uint8_t to)
{
	static const char *const arrays[] = { "x", "y" };
	static const char *const changed[] = { "fc.weight", "fc.bias" };
	static const char *const frozen[] = { "conv.weight", "conv \"1\"\\\t\xc3\xa9" };

	memset(m, 0, sizeof *m);
	m->data[0] = (struct heft_lineage_data){
		.use = "train", .n_samples = UINT64_C(1) << 60, .n_arrays = 2, .arrays = arrays
	};
	m->data[1] = (struct heft_lineage_data){ .use = "val" };
	m->rewrites[0] = (struct heft_lineage_rewrite){ "strip", "/fc/Softmax" };
	m->metrics[0] = (struct heft_lineage_metric){ "accuracy", 0.1 };
	m->metrics[1] = (struct heft_lineage_metric){ "r2", -(double)INFINITY };
	m->metrics[2] = (struct heft_lineage_metric){ "f1", (double)NAN };
	for (uint64_t i = 0; i < 3; i++)
		m->links[i] = (struct heft_lineage_link){ .n_steps = 10 * i,
			                                  .n_epochs = i,
			                                  .loss = i == 1 ? (double)NAN : 1.0 / 3 };
	memset(m->links[2].weights_digest, to, HEFT_DIGEST_SIZE);
	m->step = (struct heft_lineage_step){
		.numerics = 1,
		.heft = "0.1.0",
		.revision = "abc",
		.recipe = STEP_RECIPE,
		.seed = UINT64_MAX,
		.data = m->data,
		.n_data = 2,
		.changed = changed,
		.n_changed = 2,
		.frozen = frozen,
		.n_frozen = 2,
		.rewrites = m->rewrites,
		.n_rewrites = 1,
		.metrics = m->metrics,
		.n_metrics = 3,
		.links = m->links,
		.n_links = 3,
		.kept = "best",
		.kept_epoch = 2,
		.kept_step = 20,
	};
	memset(m->step.parent_digest, from, HEFT_DIGEST_SIZE);
	memset(m->step.result_digest, to, HEFT_DIGEST_SIZE);
	step_chain(m);
}

#endif
