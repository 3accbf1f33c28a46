/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_lineage.c - bytes as section LINEAGE and as section RUN: what is read is written again as
 * the very same bytes. */
#include <stdlib.h>
#include <string.h>

#include "artifact/lineage.h"
#include "fuzz.h"

static void read_lineage(const char *text, size_t n)
{
	struct heft_error err = { .code = HEFT_OK };
	struct heft_lineage *lineage;
	const char *again;

	if (heft_lineage_new(&lineage, &err) != HEFT_OK)
		return;
	if (heft_lineage_parse(lineage, text, n, 0, &err) == HEFT_OK) {
		if (heft_lineage_text(lineage, &again, &err) == HEFT_OK &&
		    (strlen(again) != n || memcmp(again, text, n) != 0))
			abort();
		heft_lineage_check(lineage, &err);
	} else if (err.offset != HEFT_NO_OFFSET && err.offset > n) {
		abort();
	}
	heft_lineage_free(lineage);
}

static void read_epochs(const char *text, size_t n)
{
	struct heft_error err = { .code = HEFT_OK };
	struct heft_epochs *epochs;
	struct heft_buffer b;

	if (heft_epochs_parse(text, n, 0, &epochs, &err) != HEFT_OK)
		return;
	heft_buffer_init(&b);
	heft_epochs_add(&b, epochs);
	if (b.ok && (b.size != n || memcmp(b.bytes, text, n) != 0))
		abort();
	heft_buffer_done(&b);
	heft_epochs_free(epochs);
}

/* A step as it may stand in one, with the input in the place of its recipe, and of a name. */
static void append_step(const char *text, size_t n)
{
	char copy[512];
	const char *const names[] = { copy };
	const struct heft_lineage_step steps[] = {
		{ .recipe = copy },
		{ .changed = names, .n_changed = 1 },
	};
	struct heft_lineage *lineage;

	if (n >= sizeof copy)
		return;
	memcpy(copy, text, n);
	copy[n] = '\0';
	for (size_t i = 0; i < 2; i++) {
		const char *again;

		if (heft_lineage_new(&lineage, NULL) != HEFT_OK)
			return;
		if (heft_lineage_append(lineage, &steps[i], NULL) == HEFT_OK &&
		    heft_lineage_text(lineage, &again, NULL) == HEFT_OK)
			read_lineage(again, strlen(again));
		heft_lineage_free(lineage);
	}
}

/* A whole lineage, of which the input changes bytes: two of it say where, one to what. */
static void change_bytes(const uint8_t *bytes, size_t n)
{
	static const char *const names[] = { "a", "b" };
	const struct heft_lineage_data data = { .use = "val", .arrays = names, .n_arrays = 2 };
	const struct heft_lineage_metric metric = { .name = "loss", .value = 1e-7 };
	const struct heft_lineage_rewrite rewrite = { .what = "strip", .where = "node" };
	const struct heft_lineage_step step = {
		.heft = "1",
		.recipe = "{\"lr\":[1,\"x\"]}",
		.data = &data,
		.n_data = 1,
		.changed = names,
		.n_changed = 2,
		.metrics = &metric,
		.n_metrics = 1,
		.rewrites = &rewrite,
		.n_rewrites = 1,
		.kept = "last",
	};
	struct heft_lineage *lineage;
	const char *text;
	size_t size;
	char *copy;

	if (heft_lineage_new(&lineage, NULL) != HEFT_OK)
		return;
	if (heft_lineage_append(lineage, &step, NULL) != HEFT_OK ||
	    heft_lineage_text(lineage, &text, NULL) != HEFT_OK)
		abort();
	size = strlen(text);
	copy = malloc(size);
	if (copy) {
		memcpy(copy, text, size);
		for (size_t i = 0; i + 3 <= n && i < 30; i += 3)
			copy[((size_t)bytes[i] << 8 | bytes[i + 1]) % size] = (char)bytes[i + 2];
		read_lineage(copy, size);
	}
	free(copy);
	heft_lineage_free(lineage);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	/* Where there are no bytes there is no place either. */
	const char *text = n > 0 ? (const char *)bytes : "";

	read_lineage(text, n);
	read_epochs(text, n);
	append_step(text, n);
	change_bytes(bytes, n);
	return 0;
}
