/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pickle.c - bytes as a pickle, and every value of what it makes looked at. */
#include "fuzz.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/pickle.h"

static uint64_t look_at_bytes(const struct heft_pickle *p, heft_pickle_ref v)
{
	const uint8_t *bytes;
	uint64_t sum = 0;
	size_t n;

	bytes = heft_pickle_bytes(p, v, &n);
	for (size_t i = 0; i < n && i < 4096; i++)
		sum += bytes[i];
	return sum + heft_pickle_is_text(p, v, "state_dict");
}

/* A value is a number below how many there are, or none. */
static void check(const struct heft_pickle *p, heft_pickle_ref v)
{
	if (v != HEFT_PICKLE_NONE && v >= heft_pickle_n_values(p))
		abort();
}

static void look_at_container(const struct heft_pickle *p, heft_pickle_ref v)
{
	const uint32_t n_items = heft_pickle_n_items(p, v);
	const uint32_t n_pairs = heft_pickle_n_pairs(p, v);
	heft_pickle_ref key;
	heft_pickle_ref value;

	for (uint32_t i = 0; i < n_items && i < 1000; i++)
		check(p, heft_pickle_item(p, v, i));
	for (uint32_t i = 0; i < n_pairs && i < 1000; i++) {
		heft_pickle_pair(p, v, i, &key, &value);
		check(p, key);
		check(p, value);
	}
	check(p, heft_pickle_get(p, v, "a"));
	check(p, heft_pickle_callee(p, v));
	check(p, heft_pickle_argument(p, v));
	check(p, heft_pickle_state(p, v));
	if (heft_pickle_is_of(p, v, "torch", "Size") && n_pairs > UINT32_MAX / 2)
		abort();
}

static void look_at(const struct heft_pickle *p, heft_pickle_ref v)
{
	switch (heft_pickle_kind(p, v)) {
	case HEFT_PICKLE_TEXT:
	case HEFT_PICKLE_BYTES:
	case HEFT_PICKLE_BIG:
		if (look_at_bytes(p, v) == UINT64_MAX)
			abort();
		break;
	case HEFT_PICKLE_GLOBAL:
		if (strlen(heft_pickle_module(p, v)) > 255 || strlen(heft_pickle_name(p, v)) > 255)
			abort();
		break;
	default:
		look_at_container(p, v);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	const struct heft_pickle_limits limits = { .max_size = UINT64_C(1) << 24 };
	struct heft_pickle *p = NULL;
	size_t n_used = 0;
	bool is_cut;

	if (heft_pickle_parse(bytes, n, 0, &limits, &p, &n_used, &is_cut, NULL) != HEFT_OK)
		return 0;
	if (n_used > n || is_cut)
		abort();
	check(p, heft_pickle_root(p));
	for (heft_pickle_ref v = 0; v < heft_pickle_n_values(p); v++)
		look_at(p, v);
	heft_pickle_free(p);
	return 0;
}
