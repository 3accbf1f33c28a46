/* SPDX-License-Identifier: Apache-2.0 */
/* dataset_file.c - a data set that is one file of arrays: npz, safetensors, whatever heft_open
 * reads. */
#include "base/error.h"
#include "train/dataset_tensors.h"

/* The least sure of all: it is what is left. */
static enum heft_status file_probe(const struct heft_dataset_place *place, unsigned *sure,
                                   struct heft_error *err)
{
	(void)err;
	*sure = place->is_file || place->is_folder;
	return HEFT_OK;
}

static enum heft_status file_open(const struct heft_dataset_place *place,
                                  const struct heft_dataset_options *options,
                                  struct heft_dataset *ds, void **st, struct heft_error *err)
{
	struct heft_dataset_tensors *s;
	struct heft_tensor t;
	struct heft_file *file;

	HEFT_TRY(heft_dataset_tensors_new(&s, err));
	*st = s;
	HEFT_TRY(heft_dataset_tensors_open(s, place->path, options, &file, err));
	for (uint32_t i = 0; i < heft_n_tensors(file); i++) {
		HEFT_TRY(heft_tensor_at(file, i, &t, err));
		if (t.space == HEFT_SPACE_WEIGHTS)
			HEFT_TRY(heft_dataset_tensors_add(s, ds, file, &t, NULL, err));
	}
	return HEFT_OK;
}

static enum heft_status file_digest(void *st, const struct heft_run *run, uint8_t *digest,
                                    struct heft_error *err)
{
	const struct heft_dataset_tensors *s = st;

	return heft_weights_digest(s->files[0], run, digest, err);
}

const struct heft_dataset_kind heft_dataset_kind_file = {
	.name = "file",
	.probe = file_probe,
	.open = file_open,
	.read = heft_dataset_tensors_read,
	.digest = file_digest,
	.close = heft_dataset_tensors_close,
};
