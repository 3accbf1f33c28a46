/* SPDX-License-Identifier: Apache-2.0 */
/* tuned.c - heft_tuned_write: what a training made of a model, as a file. */
#include "heft/tuned.h"

#include "artifact/remake.h"

enum heft_status heft_tuned_write(struct heft_file *parent, const char *path,
                                  heft_tensor_bytes_fn bytes, void *user,
                                  const struct heft_lineage_step *step,
                                  const struct heft_epochs *epochs,
                                  const struct heft_tuned_options *options, uint8_t *weights_digest,
                                  struct heft_error *err)
{
	struct heft_remake r = {
		.model = parent,
		.path = path,
		.bytes = bytes,
		.user = user,
		.step = *step,
		.epochs = epochs,
	};

	if (options) {
		r.format = options->format;
		r.write = options->write;
		r.run = options->run;
	}
	return heft_remake(&r, weights_digest, err);
}
