/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_zip.c - bytes as a zip archive, every member read: from its end, then from its begin. */
#include "format/zip.h"
#include "fuzz.h"

#define MAX_MEMBERS 64                /* more are listed, not read */
#define MAX_BYTES (UINT64_C(1) << 20) /* of a member */
#define PIECE ((size_t)5000)

static void read_member(struct heft_zip *z, uint32_t i)
{
	const struct heft_zip_member *m = heft_zip_member(z, i);
	const uint64_t n = m->size < MAX_BYTES ? m->size : MAX_BYTES;
	const size_t last = (size_t)(n < PIECE ? n : PIECE);
	uint8_t bytes[PIECE];

	if (m->name[m->name_size] != '\0')
		abort();
	heft_zip_read(z, i, n - last, bytes, last, NULL);
	for (uint64_t at = 0; at < n; at += PIECE)
		heft_zip_read(z, i, at, bytes, (size_t)(n - at < PIECE ? n - at : PIECE), NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	const struct heft_zip_limits limits = { .max_members = 4096 };
	struct heft_error err = { .code = HEFT_OK };
	struct heft_source *src;
	struct heft_zip *z;

	if (heft_source_open_fd(fuzz_file_open(bytes, n), false, &src, NULL) != HEFT_OK)
		abort();
	if (heft_zip_open(src, &limits, &z, &err) == HEFT_OK) {
		for (uint32_t i = 0; i < heft_zip_n_members(z) && i < MAX_MEMBERS; i++)
			read_member(z, i);
		heft_zip_close(z);
	} else if (err.code == HEFT_OK || err.msg[0] == '\0') {
		abort(); /* a failure that says nothing */
	}
	heft_source_close(src);
	return 0;
}
