/* SPDX-License-Identifier: Apache-2.0 */
/* lineage_text.c - a lineage as canonical JSON (spec/lineage.md, section 2). */
#include <string.h>

#include "artifact/lineage.h"
#include "artifact/lineage_json.h"

static const char *const kinds[] = {
	[HEFT_LINEAGE_TUNE] = "tune",
	[HEFT_LINEAGE_INIT] = "init",
	[HEFT_LINEAGE_HEAD] = "head",
};

static void add_member_u64(struct heft_buffer *b, const char *key, uint64_t value)
{
	heft_buffer_addf(b, "\"%s\":%llu", key, (unsigned long long)value);
}

static void add_names(struct heft_buffer *b, const char *key, const char *const *names, uint32_t n)
{
	heft_buffer_addf(b, ",\"%s\":[", key);
	for (uint32_t i = 0; i < n; i++) {
		heft_buffer_addf(b, i > 0 ? "," : "");
		heft_lineage_add_text(b, names[i]);
	}
	heft_buffer_addf(b, "]");
}

/* The object without the white space around its tokens. */
static void add_compact(struct heft_buffer *b, const char *json)
{
	bool is_in_text = false;

	for (; *json; json++) {
		if (!is_in_text && strchr(" \t\r\n", *json))
			continue;
		heft_buffer_add_u8(b, (uint8_t)*json);
		if (*json == '"')
			is_in_text = !is_in_text;
		else if (is_in_text && *json == '\\' && json[1])
			heft_buffer_add_u8(b, (uint8_t) * ++json);
	}
}

static void add_parent(struct heft_buffer *b, const struct heft_lineage_step *s)
{
	heft_buffer_addf(b, ",\"parent\":{\"weights\":");
	heft_lineage_add_digest(b, s->parent_digest);
	if (s->has_parent_artifact) {
		heft_buffer_addf(b, ",\"artifact\":");
		heft_lineage_add_digest(b, s->parent_artifact);
	}
	heft_buffer_addf(b, "}");
}

static void add_data(struct heft_buffer *b, const struct heft_lineage_step *s)
{
	heft_buffer_addf(b, ",\"data\":[");
	for (uint32_t i = 0; i < s->n_data; i++) {
		const struct heft_lineage_data *d = &s->data[i];

		heft_buffer_addf(b, i > 0 ? ",{\"use\":" : "{\"use\":");
		heft_lineage_add_text(b, d->use);
		heft_buffer_addf(b, ",\"digest\":");
		heft_lineage_add_digest(b, d->digest);
		heft_buffer_addf(b, ",");
		add_member_u64(b, "samples", d->n_samples);
		add_names(b, "arrays", d->arrays, d->n_arrays);
		heft_buffer_addf(b, "}");
	}
	heft_buffer_addf(b, "]");
}

static void add_rewrites(struct heft_buffer *b, const struct heft_lineage_step *s)
{
	heft_buffer_addf(b, ",\"rewrites\":[");
	for (uint32_t i = 0; i < s->n_rewrites; i++) {
		heft_buffer_addf(b, i > 0 ? ",{\"what\":" : "{\"what\":");
		heft_lineage_add_text(b, s->rewrites[i].what);
		heft_buffer_addf(b, ",\"where\":");
		heft_lineage_add_text(b, s->rewrites[i].where);
		heft_buffer_addf(b, "}");
	}
	heft_buffer_addf(b, "]");
}

static void add_metrics(struct heft_buffer *b, const struct heft_lineage_step *s)
{
	heft_buffer_addf(b, ",\"metrics\":{");
	for (uint32_t i = 0; i < s->n_metrics; i++) {
		heft_buffer_addf(b, i > 0 ? "," : "");
		heft_lineage_add_text(b, s->metrics[i].name);
		heft_buffer_addf(b, ":");
		heft_lineage_add_real(b, s->metrics[i].value);
	}
	heft_buffer_addf(b, "}");
}

static void add_links(struct heft_buffer *b, const struct heft_lineage_step *s)
{
	heft_buffer_addf(b, ",\"links\":[");
	for (uint32_t i = 0; i < s->n_links; i++) {
		const struct heft_lineage_link *l = &s->links[i];

		heft_buffer_addf(b, i > 0 ? ",{" : "{");
		add_member_u64(b, "steps", l->n_steps);
		heft_buffer_addf(b, ",");
		add_member_u64(b, "epochs", l->n_epochs);
		heft_buffer_addf(b, ",\"loss\":");
		heft_lineage_add_real(b, l->loss);
		heft_buffer_addf(b, ",\"weights\":");
		heft_lineage_add_digest(b, l->weights_digest);
		heft_buffer_addf(b, ",\"chain\":");
		heft_lineage_add_digest(b, l->chain);
		heft_buffer_addf(b, "}");
	}
	heft_buffer_addf(b, "]");
}

void heft_lineage_add_step(struct heft_buffer *b, const struct heft_lineage_step *s)
{
	heft_buffer_addf(b, "{\"kind\":");
	heft_lineage_add_text(b, (unsigned)s->kind < sizeof kinds / sizeof *kinds ? kinds[s->kind]
	                                                                          : NULL);
	heft_buffer_addf(b, ",\"heft\":");
	heft_lineage_add_text(b, s->heft);
	heft_buffer_addf(b, ",\"revision\":");
	heft_lineage_add_text(b, s->revision);
	heft_buffer_addf(b, ",");
	add_member_u64(b, "numerics", s->numerics);
	add_parent(b, s);
	heft_buffer_addf(b, ",\"recipe\":");
	add_compact(b, s->recipe ? s->recipe : "{}");
	heft_buffer_addf(b, ",\"seed\":\"%llu\"", (unsigned long long)s->seed);
	add_data(b, s);
	add_names(b, "changed", s->changed, s->n_changed);
	add_names(b, "frozen", s->frozen, s->n_frozen);
	add_rewrites(b, s);
	add_metrics(b, s);
	add_links(b, s);
	heft_buffer_addf(b, ",\"kept\":{\"which\":");
	heft_lineage_add_text(b, s->kept);
	heft_buffer_addf(b, ",");
	add_member_u64(b, "epoch", s->kept_epoch);
	heft_buffer_addf(b, ",");
	add_member_u64(b, "step", s->kept_step);
	heft_buffer_addf(b, "},\"result\":");
	heft_lineage_add_digest(b, s->result_digest);
	heft_buffer_addf(b, "}");
}

void heft_lineage_add(struct heft_buffer *b, const struct heft_lineage *lineage)
{
	const struct heft_lineage_step *steps = heft_lineage_steps(lineage);

	heft_buffer_addf(b, "{\"lineage\":%d,\"steps\":[", HEFT_LINEAGE_VERSION);
	for (uint32_t i = 0; i < heft_lineage_n_steps(lineage); i++) {
		heft_buffer_addf(b, i > 0 ? "," : "");
		heft_lineage_add_step(b, &steps[i]);
	}
	heft_buffer_addf(b, "]}");
}
