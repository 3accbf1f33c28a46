/* SPDX-License-Identifier: Apache-2.0 */
/* walk_data.h - opens bytes as a data set and uses everything that a caller can ask of it. */
#ifndef HEFT_FUZZ_WALK_DATA_H
#define HEFT_FUZZ_WALK_DATA_H

#include "fuzz.h"
#include "heft/dataset.h"

#define WALK_ROW (UINT64_C(1) << 20) /* bytes of a sample that is read */

static inline void walk_array(struct heft_dataset *ds, uint32_t i)
{
	const uint64_t samples[] = { heft_dataset_n_samples(ds) - 1, 0 };
	struct heft_dataset_array a;
	uint8_t *bytes;

	if (heft_dataset_array_at(ds, i, &a, NULL) != HEFT_OK || a.n_bytes > WALK_ROW)
		return;
	bytes = malloc(2 * (size_t)a.n_bytes + 1);
	if (!bytes)
		abort();
	heft_dataset_read(ds, i, samples, 2, bytes, NULL);
	free(bytes);
}

/* As this kind, with small limits. */
static inline void walk_data(const uint8_t *bytes, size_t n, const char *kind)
{
	const struct heft_dataset_options options = {
		.kind = kind,
		.limits = { .max_logical_bytes = 4 * WALK_ROW },
	};
	const int fd = fuzz_file_open(bytes, n);
	struct heft_error err = { .code = HEFT_OK };
	struct heft_dataset *ds;
	uint8_t digest[HEFT_DIGEST_SIZE];
	uint32_t n_names;
	char path[64];

	fuzz_file_path(fd, path, sizeof path);
	if (heft_dataset_open(path, &options, &ds, &err) == HEFT_OK) {
		for (uint32_t i = 0; i < heft_dataset_n_arrays(ds); i++)
			walk_array(ds, i);
		heft_dataset_class_names(ds, &n_names);
		heft_dataset_digest(ds, NULL, digest, NULL);
		heft_dataset_close(ds);
	} else if (err.code == HEFT_OK || err.msg[0] == '\0') {
		abort(); /* a failure that says nothing */
	}
	fuzz_file_close(fd);
}

#endif
