/* SPDX-License-Identifier: Apache-2.0 */
/* carry.c - what goes with the tensors into a new file. */
#include "weights/carry.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "container/index_parts.h"
#include "weights/graph_fit.h"

void heft_carry_init(struct heft_carry *c, struct heft_file *file,
                     const struct heft_convert_plan *plan, bool is_changed)
{
	*c = (struct heft_carry){ .file = file,
		                  .metadata = plan->metadata,
		                  .drop_metadata = plan->drop_metadata,
		                  .drop_graph = plan->drop_graph,
		                  .is_changed = is_changed };
	heft_origin_init(&c->origin);
}

void heft_carry_done(struct heft_carry *c)
{
	for (uint32_t i = 0; i < c->n_sections; i++)
		heft_free((void *)c->sections[i].bytes);
	heft_free(c->sections);
	heft_origin_done(&c->origin);
}

static void note(struct heft_carry *c, const char *fmt, uint32_t type)
{
	char name[HEFT_SECTION_NAME_SIZE];

	if (c->note && !c->note[0])
		snprintf(c->note, c->note_size, fmt, heft_section_name(type, name));
}

/* A recipe is of no use then. */
static bool has_other_metadata(const struct heft_carry *c)
{
	return c->drop_metadata || c->metadata;
}

/* META and GRAPH go as what they are, whatever the format. */
static bool is_known(uint32_t type)
{
	return type == HEFT_SECTION_META || type == HEFT_SECTION_GRAPH;
}

static bool is_carried(struct heft_carry *c, const struct heft_section *s)
{
	if ((s->type & HEFT_TYPE_LAYOUT) || is_known(s->type))
		return false;
	if ((s->type & HEFT_TYPE_BOUND) &&
	    (c->is_changed || (s->type == HEFT_SECTION_ORIGIN && has_other_metadata(c)))) {
		if (s->type != HEFT_SECTION_ORIGIN)
			note(c, "section %s spoke of the old tensors and was dropped", s->type);
		return false;
	}
	return true;
}

/* A heft file's content sections go into a heft file as they are. */
static enum heft_status carry_sections(struct heft_carry *c, struct heft_writer *w,
                                       struct heft_error *err)
{
	struct heft_index *ix = heft_file_index(c->file);
	const uint32_t n = heft_index_n_sections(ix);
	struct heft_section s;
	uint8_t *bytes;

	c->sections = heft_zalloc_array(n, sizeof *c->sections);
	if (!c->sections)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u sections", n);
	for (uint32_t i = 0; i < n; i++) {
		heft_index_section(ix, i, &s);
		if (!is_carried(c, &s))
			continue;
		HEFT_TRY(heft_index_read_section(ix, &s, UINT64_MAX, &bytes, err));
		c->sections[c->n_sections++] = (struct heft_section_out){ .type = s.type,
			                                                  .bytes = bytes,
			                                                  .size = s.size };
	}
	w->plan.sections = c->sections;
	w->plan.n_sections = c->n_sections;
	return HEFT_OK;
}

static void note_lost_sections(struct heft_carry *c)
{
	struct heft_index *ix = heft_file_index(c->file);
	struct heft_section s;

	for (uint32_t i = 0; i < heft_index_n_sections(ix); i++) {
		heft_index_section(ix, i, &s);
		if (!(s.type & HEFT_TYPE_LAYOUT) && !is_known(s.type) &&
		    s.type != HEFT_SECTION_ORIGIN)
			note(c, "the target has no place for section %s", s.type);
	}
}

/* A heft file's META is content even where it says nothing. */
static bool has_metadata(const struct heft_carry *c, const char *json)
{
	struct heft_index *ix = heft_file_index(c->file);
	struct heft_section s;

	return ix ? heft_index_find_section(ix, HEFT_SECTION_META, &s) : strcmp(json, "{}") != 0;
}

static enum heft_status give_metadata(const struct heft_carry *c, struct heft_writer *w,
                                      struct heft_error *err)
{
	const char *json;

	if (c->drop_metadata)
		return HEFT_OK;
	if (c->metadata)
		return heft_set_metadata(w, c->metadata, err);
	HEFT_TRY(heft_metadata(c->file, &json, err));
	return has_metadata(c, json) ? heft_set_metadata(w, json, err) : HEFT_OK;
}

static void note_lost_graph(struct heft_carry *c, const char *format)
{
	const size_t n = c->note ? strlen(c->note) : 0;

	if (c->note && !c->has_noted_graph)
		snprintf(c->note + n, c->note_size - n,
		         "%sthe graph is left out: %s has no place for it", n > 0 ? "; " : "",
		         format);
	c->has_noted_graph = true;
}

static enum heft_status give_graph(struct heft_carry *c, struct heft_writer *w,
                                   struct heft_error *err)
{
	const void *graph;
	size_t size;

	if (c->drop_graph)
		return HEFT_OK;
	HEFT_TRY(heft_graph(c->file, &graph, &size, err));
	if (size == 0)
		return HEFT_OK;
	if (!(w->format->caps & HEFT_FORMAT_GRAPH)) {
		note_lost_graph(c, w->format->name);
		return HEFT_OK;
	}
	if (c->is_changed)
		HEFT_TRY(heft_graph_fit_check(graph, size, w->tensors,
		                              "--no-graph writes the tensors alone", err));
	w->plan.graph = graph; /* lives as long as the file */
	w->plan.graph_size = size;
	return HEFT_OK;
}

enum heft_status heft_carry_give(struct heft_carry *c, struct heft_writer *w,
                                 struct heft_error *err)
{
	const struct heft_format *from = c->file->format;

	HEFT_TRY(give_metadata(c, w, err));
	HEFT_TRY(give_graph(c, w, err));
	if (!(w->format->caps & HEFT_FORMAT_DIGESTS)) {
		if (from->index)
			note_lost_sections(c);
		return HEFT_OK;
	}
	if (from->index)
		return carry_sections(c, w, err);
	if (from->origin && !c->is_changed && !has_other_metadata(c)) {
		HEFT_TRY(from->origin(c->file->st, c->file->path, &c->origin, err));
		w->plan.origin = &c->origin;
	}
	return HEFT_OK;
}
