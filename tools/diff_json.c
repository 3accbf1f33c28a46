/* SPDX-License-Identifier: Apache-2.0 */
/* diff_json.c - shows scripts how two files differ. */
#include "diff_result.h"
#include "json_out.h"
#include "tensor_words.h"

/* The first of them names a change. */
static const char *name_reason(uint32_t reasons)
{
	if (reasons & HEFT_DIFF_SHAPE)
		return "shape";
	return reasons & HEFT_DIFF_DTYPE ? "dtype" : "values";
}

static void print_dtypes(struct json_out *j, const struct heft_tensor *a,
                         const struct heft_tensor *b)
{
	struct output word;

	output_init(&word, -1);
	json_out_key(j, "dtype");
	json_out_begin(j, '[');
	tensor_words_dtype(&word, a->dtype);
	json_out_text(j, output_string(&word));
	output_clear(&word);
	tensor_words_dtype(&word, b->dtype);
	json_out_text(j, output_string(&word));
	json_out_end(j, ']');
	output_done(&word);
}

static void print_space(struct json_out *j, enum heft_space space)
{
	struct output word;

	output_init(&word, -1);
	json_out_key(j, "space");
	tensor_words_space(&word, space);
	json_out_text(j, output_string(&word));
	output_done(&word);
}

static void print_shape(struct json_out *j, const struct heft_tensor *t)
{
	json_out_begin(j, '[');
	for (uint32_t i = 0; i < t->rank; i++)
		json_out_u64(j, t->dims[i]);
	json_out_end(j, ']');
}

static void print_measure(struct json_out *j, const char *key, bool is_known, double value)
{
	json_out_key(j, key);
	if (is_known)
		json_out_real(j, value);
	else
		json_out_text(j, NULL);
}

static void print_count(struct json_out *j, const char *key, bool is_known, uint64_t value)
{
	json_out_key(j, key);
	if (is_known)
		json_out_u64(j, value);
	else
		json_out_text(j, NULL);
}

static void print_row(struct json_out *j, const struct diff_row *row, const struct heft_tensor *a,
                      const struct heft_tensor *b)
{
	json_out_begin(j, '{');
	json_out_key(j, "name");
	json_out_text(j, a->name);
	json_out_key(j, "reason");
	json_out_text(j, name_reason(row->reasons));
	print_measure(j, "max_abs", row->has_measures, row->max_abs);
	print_measure(j, "rms", row->has_measures, row->rms);
	print_measure(j, "cosine", row->has_measures, row->cosine);
	print_count(j, "n_different", row->is_compared, row->n_different);
	print_measure(j, "relative", row->has_measures, row->relative);
	print_count(j, "n_compared", row->is_compared, row->n_compared);
	print_count(j, "n_not_finite", row->has_measures, row->n_not_finite);
	print_dtypes(j, a, b);
	json_out_key(j, "shape");
	json_out_begin(j, '[');
	print_shape(j, a);
	print_shape(j, b);
	json_out_end(j, ']');
	print_space(j, a->space);
	json_out_end(j, '}');
}

static enum heft_status print_rows(struct json_out *j, const struct diff_result *r,
                                   struct heft_error *err)
{
	enum heft_status st = HEFT_OK;
	struct heft_tensor a;
	struct heft_tensor b;

	json_out_key(j, "changed");
	json_out_begin(j, '[');
	for (uint32_t i = 0; i < r->n_rows && st == HEFT_OK && !j->out->error; i++) {
		st = heft_tensor_at(r->file[0], r->rows[i].a, &a, err);
		if (st == HEFT_OK)
			st = heft_tensor_at(r->file[1], r->rows[i].b, &b, err);
		if (st == HEFT_OK)
			print_row(j, &r->rows[i], &a, &b);
	}
	json_out_end(j, ']');
	return st;
}

/* k: 0 in A, 1 in B. */
static enum heft_status print_only(struct json_out *j, const struct diff_result *r, uint32_t k,
                                   struct heft_error *err)
{
	const struct diff_places *only = &r->only[k];
	enum heft_status st = HEFT_OK;
	struct heft_tensor t;

	json_out_key(j, k == 0 ? "only_in_a" : "only_in_b");
	json_out_begin(j, '[');
	for (uint32_t i = 0; i < only->n && st == HEFT_OK && !j->out->error; i++) {
		st = heft_tensor_at(r->file[k], k == 0 ? only->items[i].a : only->items[i].b, &t,
		                    err);
		if (st == HEFT_OK)
			json_out_text(j, t.name);
	}
	json_out_end(j, ']');
	return st;
}

static enum heft_status print_renamed(struct json_out *j, const struct diff_result *r,
                                      struct heft_error *err)
{
	enum heft_status st = HEFT_OK;
	struct heft_tensor a;
	struct heft_tensor b;

	json_out_key(j, "renamed");
	json_out_begin(j, '[');
	for (uint32_t i = 0; i < r->renamed.n && st == HEFT_OK && !j->out->error; i++) {
		st = heft_tensor_at(r->file[0], r->renamed.items[i].a, &a, err);
		if (st == HEFT_OK)
			st = heft_tensor_at(r->file[1], r->renamed.items[i].b, &b, err);
		if (st != HEFT_OK)
			break;
		json_out_begin(j, '{');
		json_out_key(j, "from");
		json_out_text(j, a.name);
		json_out_key(j, "to");
		json_out_text(j, b.name);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
	return st;
}

static void print_members(struct json_out *j, const struct diff_metadata *m, const char *key,
                          bool is_in_a, bool is_in_b)
{
	struct output text;

	output_init(&text, -1);
	json_out_key(j, key);
	json_out_begin(j, '[');
	for (size_t i = 0; i < m->n; i++) {
		if (m->items[i].is_in_a != is_in_a || m->items[i].is_in_b != is_in_b)
			continue;
		output_clear(&text);
		output_char(&text, '"');
		output_bytes(&text, m->items[i].key, m->items[i].key_size);
		output_char(&text, '"');
		json_out_raw(j, output_string(&text));
	}
	json_out_end(j, ']');
	output_done(&text);
}

static void print_metadata(struct json_out *j, const struct diff_metadata *m)
{
	json_out_key(j, "metadata");
	json_out_begin(j, '{');
	json_out_key(j, "equal");
	json_out_bool(j, m->n == 0);
	print_members(j, m, "only_in_a", true, false);
	print_members(j, m, "only_in_b", false, true);
	print_members(j, m, "changed", true, true);
	json_out_end(j, '}');
}

enum heft_status diff_json_print(struct output *out, const struct diff_result *r,
                                 struct heft_error *err)
{
	const struct heft_diff_summary *s = &r->summary;
	struct json_out j;
	enum heft_status st;

	json_out_init(&j, out);
	json_out_begin(&j, '{');
	json_out_key(&j, "equal");
	json_out_bool(&j, s->is_equal);
	json_out_key(&j, "n_equal");
	json_out_u64(&j, s->n_equal);
	json_out_key(&j, "n_tied_otherwise");
	json_out_u64(&j, s->n_tied_otherwise);
	print_metadata(&j, &r->metadata);
	st = print_only(&j, r, 0, err);
	if (st == HEFT_OK)
		st = print_only(&j, r, 1, err);
	if (st == HEFT_OK)
		st = print_renamed(&j, r, err);
	if (st == HEFT_OK)
		st = print_rows(&j, r, err);
	json_out_end(&j, '}');
	return st;
}
