/* SPDX-License-Identifier: Apache-2.0 */
/* verify_sections.c - every section against its CRC and digest, and what the known content sections
 * must hold (spec/container.md 3 and 7). */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "container/content.h"
#include "container/index_parts.h"
#include "container/verify_parts.h"

/* Of a compressed section of a type that is not known: what a reader may be asked to hold. */
#define MAX_UNKNOWN_SIZE (UINT64_C(1) << 32)

/* Sections are read whole only where their content is known, or they must be decompressed. */
static enum heft_status check_section(struct heft_index *ix, const struct heft_section *s,
                                      struct heft_sha256 *h, bool *is_stated,
                                      struct heft_error *err)
{
	const uint64_t max_size = s->type == HEFT_SECTION_META ? HEFT_META_MAX : MAX_UNKNOWN_SIZE;
	const bool is_known = s->type == HEFT_SECTION_META || s->type == HEFT_SECTION_ORIGIN;
	enum heft_status st;
	uint8_t *bytes;

	*is_stated = false;
	if (!is_known && s->stored_size == s->size) {
		HEFT_TRY(heft_section_load(ix, s, h, NULL, err));
		*is_stated = true;
		return HEFT_OK;
	}
	HEFT_TRY(heft_index_read_section(ix, s, max_size, &bytes, err));
	*is_stated = true;
	st = heft_content_check(ix, s, bytes, err);
	heft_free(bytes);
	return st;
}

static bool has_section(const struct heft_generation *known, const struct heft_section *s)
{
	struct heft_section k;

	return known && heft_index_find_section(known->ix, s->type, &k) && k.off == s->off &&
	       k.crc == s->crc && k.stored_size == s->stored_size && k.size == s->size &&
	       memcmp(k.digest, s->digest, sizeof k.digest) == 0;
}

static enum heft_status verify_all(struct heft_verification *v, const struct heft_generation *g,
                                   const struct heft_generation *known, struct heft_sha256 *h,
                                   struct heft_error *err)
{
	for (uint32_t i = 0; i < heft_index_n_sections(g->ix); i++) {
		struct heft_section s;
		struct heft_error found;
		char name[HEFT_SECTION_NAME_SIZE];
		enum heft_status st;
		bool is_stated;

		heft_index_section(g->ix, i, &s);
		if (has_section(known, &s))
			continue;
		st = check_section(g->ix, &s, h, &is_stated, &found);
		if (!is_stated && (s.type & HEFT_TYPE_LAYOUT) == 0 && !g->is_before)
			v->sections_ok = false;
		heft_section_name(s.type, name);
		HEFT_TRY(heft_faults_note(&v->faults, g->is_before ? "previous" : "section", name,
		                          strlen(name), st, &found, err));
	}
	return HEFT_OK;
}

enum heft_status heft_verify_sections(struct heft_verification *v, const struct heft_generation *g,
                                      const struct heft_generation *known, struct heft_error *err)
{
	struct heft_sha256 *h;
	enum heft_status st;

	HEFT_TRY(heft_sha256_new(&h, err));
	st = verify_all(v, g, known, h, err);
	heft_sha256_free(h);
	return st;
}
