/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/remake.h - writes a model anew with other values, and in a heft file what was done: its
 * lineage. What training, new heads and new first values have in common. */
#ifndef ARTIFACT_REMAKE_H
#define ARTIFACT_REMAKE_H

#include "heft/lineage.h"
#include "heft/tuned.h"

struct heft_remake {
	struct heft_file *model; /* tensors, metadata, graph and what else it has */
	const char *path;
	const char *format; /* NULL: by the path's extension */
	struct heft_write_options write;
	struct heft_run run;
	const void *graph; /* instead of the model's; NULL: the model's */
	size_t graph_size;
	/* gives a tensor its new dims; NULL: they stay. n_bytes and n_elements are worked out. */
	void (*reshape)(void *user, struct heft_tensor *tensor);
	heft_tensor_bytes_fn bytes; /* is given the tensor as it will be */
	void *user;
	/* What was done. `heft`, `revision`, the digests of the parent and of the result are
	 * filled in. */
	struct heft_lineage_step step;
	const struct heft_epochs *epochs; /* NULL: no section RUN */
};

/* `weights_digest` may be NULL. Of formats without lineage the step is worked out and not
 * written. */
enum heft_status heft_remake(struct heft_remake *r, uint8_t *weights_digest,
                             struct heft_error *err);

#endif
