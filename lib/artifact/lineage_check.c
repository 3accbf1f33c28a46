/* SPDX-License-Identifier: Apache-2.0 */
/* lineage_check.c - whether a lineage agrees with itself: steps follow from one another, and so do
 * the links of each one's chain (spec/lineage.md, section 3). */
#include <string.h>

#include "artifact/lineage.h"
#include "base/error.h"
#include "codec/sha256.h"
#include "train/chain.h"

enum heft_status heft_lineage_chain(const char *recipe, const uint8_t *weights_digest,
                                    struct heft_lineage_link *links, uint32_t n_links,
                                    struct heft_error *err)
{
	uint8_t chain[HEFT_SHA256_SIZE];

	HEFT_TRY(heft_chain_begin(recipe, weights_digest, chain, err));
	for (uint32_t i = 0; i < n_links; i++) {
		HEFT_TRY(heft_chain_next(chain, links[i].n_steps, links[i].loss,
		                         links[i].weights_digest, err));
		memcpy(links[i].chain, chain, sizeof chain);
	}
	return HEFT_OK;
}

static enum heft_status disagree(uint32_t step_i, const char *why, struct heft_error *err)
{
	return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET, "step %u of the lineage %s",
	                 (unsigned)step_i + 1, why);
}

/* L3-1, L3-2 */
static enum heft_status check_links(const struct heft_lineage_step *s, uint32_t step_i,
                                    struct heft_error *err)
{
	uint8_t chain[HEFT_SHA256_SIZE];
	uint64_t n_steps = 0;
	uint64_t n_epochs = 0;

	if (s->n_links == 0)
		return HEFT_OK;
	HEFT_TRY(heft_chain_begin(s->recipe, s->parent_digest, chain, err));
	for (uint32_t i = 0; i < s->n_links; i++) {
		const struct heft_lineage_link *l = &s->links[i];

		if (l->n_steps < n_steps || l->n_epochs < n_epochs)
			return disagree(step_i, "has links that run backwards", err);
		n_steps = l->n_steps;
		n_epochs = l->n_epochs;
		HEFT_TRY(heft_chain_next(chain, n_steps, l->loss, l->weights_digest, err));
		if (memcmp(chain, l->chain, sizeof chain) != 0)
			return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
			                 "step %u of the lineage has a broken chain: link %u does "
			                 "not follow from what stands before it",
			                 (unsigned)step_i + 1, (unsigned)i + 1);
	}
	return HEFT_OK;
}

/* L3-3: the weights that were kept are those of a link, where one stands there. */
static enum heft_status check_kept(const struct heft_lineage_step *s, uint32_t step_i,
                                   struct heft_error *err)
{
	bool is_there = false;
	bool is_same = false;

	if (s->kept[0] == '\0')
		return HEFT_OK;
	for (uint32_t i = 0; i < s->n_links; i++) {
		if (s->links[i].n_steps != s->kept_step)
			continue;
		is_there = true;
		is_same = is_same || memcmp(s->links[i].weights_digest, s->result_digest,
		                            HEFT_DIGEST_SIZE) == 0;
	}
	return is_there && !is_same
	               ? disagree(step_i, "kept other weights than its chain had then", err)
	               : HEFT_OK;
}

static enum heft_status check_step(const struct heft_lineage *l, uint32_t i, struct heft_error *err)
{
	const struct heft_lineage_step *s = heft_lineage_steps(l) + i;

	if (i > 0 && memcmp(s[-1].result_digest, s->parent_digest, HEFT_DIGEST_SIZE) != 0)
		return disagree(i, "does not begin with what the step before gave", err);
	HEFT_TRY(check_links(s, i, err));
	return check_kept(s, i, err);
}

enum heft_status heft_lineage_check(const struct heft_lineage *lineage, struct heft_error *err)
{
	for (uint32_t i = 0; i < heft_lineage_n_steps(lineage); i++)
		HEFT_TRY(check_step(lineage, i, err));
	return HEFT_OK;
}
