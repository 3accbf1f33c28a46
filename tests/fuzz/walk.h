/* SPDX-License-Identifier: Apache-2.0 */
/* walk.h - opens bytes as a file and uses everything that a caller can ask of it. */
#ifndef HEFT_FUZZ_WALK_H
#define HEFT_FUZZ_WALK_H

#include "fuzz.h"
#include "heft/digest.h"
#include "walk_graph.h"

#define WALK_TENSORS 64                /* more are listed, not read */
#define WALK_BYTES (UINT64_C(1) << 20) /* of a tensor */

static inline void walk_tensor(struct heft_file *file, const struct heft_tensor *t)
{
	const size_t n = (size_t)(t->n_bytes < WALK_BYTES ? t->n_bytes : WALK_BYTES);
	uint8_t digest[HEFT_DIGEST_SIZE];
	uint8_t *bytes = malloc(n > 0 ? n : 1);
	struct heft_tensor found;
	const void *mapped;

	if (!bytes)
		abort();
	heft_find_in(file, t->space, t->name, &found, NULL);
	heft_read(file, t, 0, bytes, n, NULL);
	/* The tail too, so that the last chunk is decoded. */
	heft_read(file, t, t->n_bytes - n, bytes, n, NULL);
	heft_map(file, t, &mapped, NULL);
	heft_stated_tensor_digest(file, t, digest, NULL);
	free(bytes);
}

static inline void walk_file(struct heft_file *file)
{
	const struct heft_verify_options options = { .run = { .n_threads = 1 } };
	struct heft_verify_report report;
	uint8_t digest[HEFT_DIGEST_SIZE];
	struct heft_tensor t;
	const char *json;

	for (uint32_t i = 0; i < heft_n_tensors(file); i++)
		if (heft_tensor_at(file, i, &t, NULL) == HEFT_OK && i < WALK_TENSORS)
			walk_tensor(file, &t);
	heft_metadata(file, &json, NULL);
	walk_graph_list(file);
	heft_file_state(file);
	heft_stated_weights_digest(file, digest, NULL);
	heft_artifact_digest(file, digest, NULL);
	heft_weights_digest(file, &options.run, digest, NULL);
	heft_verify(file, &options, NULL, NULL, &report, NULL);
}

/* As `format` (NULL: whichever recognises it), with these flags and small limits. */
static inline void walk_bytes(const uint8_t *bytes, size_t n, const char *format, uint32_t flags)
{
	const struct heft_open_options options = {
		.flags = flags,
		.format = format,
		.limits = { .max_tensors = 4096, .max_logical_bytes = 32 * WALK_BYTES },
	};
	const int fd = fuzz_file_open(bytes, n);
	struct heft_error err = { .code = HEFT_OK };
	struct heft_file *file;
	char path[64];

	fuzz_file_path(fd, path, sizeof path);
	if (heft_open(path, &options, &file, &err) == HEFT_OK) {
		walk_file(file);
		heft_close(file);
	} else if (err.code == HEFT_OK || err.msg[0] == '\0') {
		abort(); /* a failure that says nothing */
	}
	fuzz_file_close(fd);
}

#endif
