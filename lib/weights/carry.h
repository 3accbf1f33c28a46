/* SPDX-License-Identifier: Apache-2.0 */
/* weights/carry.h - what goes with the tensors into a new file: metadata, the graph, a heft file's
 * other sections, the recipe that gives the source back. */
#ifndef WEIGHTS_CARRY_H
#define WEIGHTS_CARRY_H

#include "heft/convert.h"
#include "weights/chunk_writer.h"
#include "weights/file.h"

struct heft_carry {
	struct heft_file *file;
	const char *metadata; /* instead of the file's; NULL: the file's */
	bool drop_metadata;
	bool drop_graph;
	bool is_changed; /* other tensors than the file's are written, or other values */
	bool has_noted_graph;
	char *note; /* what is lost, of which a person should know; left alone when not empty */
	size_t note_size;
	/* What the writer borrows: */
	struct heft_origin origin;
	struct heft_section_out *sections;
	uint32_t n_sections;
};

void heft_carry_init(struct heft_carry *c, struct heft_file *file,
                     const struct heft_convert_plan *plan, bool is_changed);
/* Hands all that `w` can hold to it, after its tensors are declared and before heft_writer_begin;
 * may be called for several. HEFT_E_USAGE: the graph does not go with those tensors. */
enum heft_status heft_carry_give(struct heft_carry *c, struct heft_writer *w,
                                 struct heft_error *err);
void heft_carry_done(struct heft_carry *c); /* after the last writer is gone */

#endif
