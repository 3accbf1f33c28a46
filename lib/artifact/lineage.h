/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/lineage.h - a lineage in memory, and the text of sections LINEAGE and RUN
 * (spec/lineage.md). */
#ifndef ARTIFACT_LINEAGE_H
#define ARTIFACT_LINEAGE_H

#include "base/buffer.h"
#include "heft/lineage.h"

#define HEFT_LINEAGE_VERSION 1
#define HEFT_LINEAGE_SIZE_MAX (UINT64_C(16) << 20) /* bytes of either section */
#define HEFT_LINEAGE_STEPS_MAX 4096u

struct heft_lineage {
	struct heft_buffer steps; /* struct heft_lineage_step */
	struct heft_buffer text;  /* made when asked for */
	void *blocks;             /* what the steps point to */
};

static inline const struct heft_lineage_step *heft_lineage_steps(const struct heft_lineage *l)
{
	return (const struct heft_lineage_step *)(const void *)l->steps.bytes;
}

/* lineage_text.c: one step, and a whole section, as canonical JSON. */
void heft_lineage_add_step(struct heft_buffer *b, const struct heft_lineage_step *step);
void heft_lineage_add(struct heft_buffer *b, const struct heft_lineage *lineage);
/* lineage_read.c: adds the step, or the steps of the section, that the text says. `off` is where it
 * stands in a file. CORRUPT also where the text is not the canonical one. */
enum heft_status heft_lineage_parse_step(struct heft_lineage *lineage, const char *text,
                                         size_t size, struct heft_error *err);
enum heft_status heft_lineage_parse(struct heft_lineage *lineage, const char *text, size_t size,
                                    uint64_t off, struct heft_error *err);
/* lineage_check.c: that each step begins with what the one before gave, and its chain of digests.
 * CORRUPT. */
enum heft_status heft_lineage_check(const struct heft_lineage *lineage, struct heft_error *err);

/* epochs.c: section RUN. */
void heft_epochs_add(struct heft_buffer *b, const struct heft_epochs *epochs);
enum heft_status heft_epochs_parse(const char *text, size_t size, uint64_t off,
                                   struct heft_epochs **epochs, struct heft_error *err);

/* lineage_file.c: reads a section of an open heft file (heft_free). NOT_FOUND: there is none. */
enum heft_status heft_lineage_section(struct heft_file *file, uint32_t type, char **text,
                                      size_t *size, uint64_t *off, struct heft_error *err);

#endif
