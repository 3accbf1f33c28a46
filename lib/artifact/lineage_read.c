/* SPDX-License-Identifier: Apache-2.0 */
/* lineage_read.c - reads the text of section LINEAGE (spec/lineage.md, section 2): members in their
 * order and no other ones, and in the end the very bytes that would be written. */
#include <string.h>

#include "artifact/lineage.h"
#include "artifact/lineage_json.h"
#include "base/error.h"

static void take_names(struct heft_lineage_reader *r, const char *key, const char *const **names,
                       uint32_t *n)
{
	struct heft_buffer list;

	heft_buffer_init(&list);
	heft_lineage_take_key(r, key);
	heft_lineage_take(r, HEFT_JSON_ARRAY);
	while (!heft_lineage_take_end(r)) {
		const char *name;

		if (r->token.kind != HEFT_JSON_STRING)
			heft_lineage_fault(r, HEFT_E_CORRUPT, "a name was expected here");
		name = heft_lineage_last_text(r);
		heft_buffer_add(&list, &name, sizeof name);
	}
	*names = heft_lineage_take_items(r, &list, sizeof(const char *), n);
}

static const char *take_member_text(struct heft_lineage_reader *r, const char *key)
{
	heft_lineage_take_key(r, key);
	return heft_lineage_take_text(r);
}

static uint64_t take_member_u64(struct heft_lineage_reader *r, const char *key)
{
	heft_lineage_take_key(r, key);
	return heft_lineage_take_u64(r);
}

static void take_member_digest(struct heft_lineage_reader *r, const char *key, uint8_t *digest)
{
	heft_lineage_take_key(r, key);
	heft_lineage_take_digest(r, digest);
}

/* The next item of a list of objects: true where one begins. */
static bool take_item(struct heft_lineage_reader *r)
{
	if (heft_lineage_take_end(r))
		return false;
	if (r->token.kind != HEFT_JSON_OBJECT)
		heft_lineage_fault(r, HEFT_E_CORRUPT, "an object was expected here");
	return r->st == HEFT_OK;
}

static void begin_list(struct heft_lineage_reader *r, const char *key, struct heft_buffer *items)
{
	heft_buffer_init(items);
	heft_lineage_take_key(r, key);
	heft_lineage_take(r, HEFT_JSON_ARRAY);
}

static enum heft_lineage_kind take_kind(struct heft_lineage_reader *r)
{
	const char *word = take_member_text(r, "kind");

	if (strcmp(word, "init") == 0)
		return HEFT_LINEAGE_INIT;
	if (strcmp(word, "head") == 0)
		return HEFT_LINEAGE_HEAD;
	if (strcmp(word, "tune") != 0)
		heft_lineage_fault(r, HEFT_E_CORRUPT, "a step is of no known kind");
	return HEFT_LINEAGE_TUNE;
}

static void take_parent(struct heft_lineage_reader *r, struct heft_lineage_step *s)
{
	heft_lineage_take_key(r, "parent");
	heft_lineage_take(r, HEFT_JSON_OBJECT);
	take_member_digest(r, "weights", s->parent_digest);
	if (heft_lineage_take_end(r))
		return;
	if (r->token.kind != HEFT_JSON_KEY || r->token.text_size != strlen("artifact") ||
	    memcmp(r->token.text, "artifact", r->token.text_size) != 0)
		heft_lineage_fault(r, HEFT_E_CORRUPT, "the member 'artifact' was expected here");
	s->has_parent_artifact = true;
	heft_lineage_take_digest(r, s->parent_artifact);
	heft_lineage_take(r, HEFT_JSON_OBJECT_END);
}

/* A whole number of 64 bits stands in quotes: JSON's readers make doubles of numbers. */
static uint64_t take_seed(struct heft_lineage_reader *r)
{
	struct heft_json_token number;
	uint64_t seed = 0;

	heft_lineage_take_key(r, "seed");
	heft_lineage_take(r, HEFT_JSON_STRING);
	if (r->st != HEFT_OK)
		return 0;
	number = r->token;
	number.kind = HEFT_JSON_NUMBER;
	if (number.text_size == 0 || !heft_json_u64(&number, &seed))
		heft_lineage_fault(r, HEFT_E_CORRUPT, "the seed is no whole number");
	return seed;
}

static void take_data(struct heft_lineage_reader *r, struct heft_lineage_step *s)
{
	struct heft_buffer items;

	begin_list(r, "data", &items);
	while (take_item(r)) {
		struct heft_lineage_data d = { .use = take_member_text(r, "use") };

		if (strcmp(d.use, "train") != 0 && strcmp(d.use, "val") != 0)
			heft_lineage_fault(r, HEFT_E_CORRUPT, "data is used for something unknown");
		take_member_digest(r, "digest", d.digest);
		d.n_samples = take_member_u64(r, "samples");
		take_names(r, "arrays", &d.arrays, &d.n_arrays);
		heft_lineage_take(r, HEFT_JSON_OBJECT_END);
		heft_buffer_add(&items, &d, sizeof d);
	}
	s->data = heft_lineage_take_items(r, &items, sizeof *s->data, &s->n_data);
}

static void take_rewrites(struct heft_lineage_reader *r, struct heft_lineage_step *s)
{
	struct heft_buffer items;

	begin_list(r, "rewrites", &items);
	while (take_item(r)) {
		struct heft_lineage_rewrite w;

		w.what = take_member_text(r, "what");
		w.where = take_member_text(r, "where");
		heft_lineage_take(r, HEFT_JSON_OBJECT_END);
		heft_buffer_add(&items, &w, sizeof w);
	}
	s->rewrites = heft_lineage_take_items(r, &items, sizeof *s->rewrites, &s->n_rewrites);
}

static void take_metrics(struct heft_lineage_reader *r, struct heft_lineage_step *s)
{
	struct heft_buffer items;

	heft_buffer_init(&items);
	heft_lineage_take_key(r, "metrics");
	heft_lineage_take(r, HEFT_JSON_OBJECT);
	while (!heft_lineage_take_end(r)) {
		struct heft_lineage_metric m;

		m.name = heft_lineage_last_text(r);
		m.value = heft_lineage_take_real(r);
		heft_buffer_add(&items, &m, sizeof m);
	}
	s->metrics = heft_lineage_take_items(r, &items, sizeof *s->metrics, &s->n_metrics);
}

static void take_links(struct heft_lineage_reader *r, struct heft_lineage_step *s)
{
	struct heft_buffer items;

	begin_list(r, "links", &items);
	while (take_item(r)) {
		struct heft_lineage_link l;

		l.n_steps = take_member_u64(r, "steps");
		l.n_epochs = take_member_u64(r, "epochs");
		heft_lineage_take_key(r, "loss");
		l.loss = heft_lineage_take_real(r);
		take_member_digest(r, "weights", l.weights_digest);
		take_member_digest(r, "chain", l.chain);
		heft_lineage_take(r, HEFT_JSON_OBJECT_END);
		heft_buffer_add(&items, &l, sizeof l);
	}
	s->links = heft_lineage_take_items(r, &items, sizeof *s->links, &s->n_links);
}

static void take_kept(struct heft_lineage_reader *r, struct heft_lineage_step *s)
{
	heft_lineage_take_key(r, "kept");
	heft_lineage_take(r, HEFT_JSON_OBJECT);
	s->kept = take_member_text(r, "which");
	if (strcmp(s->kept, "") != 0 && strcmp(s->kept, "best") != 0 &&
	    strcmp(s->kept, "last") != 0)
		heft_lineage_fault(r, HEFT_E_CORRUPT, "other weights than best or last were kept");
	s->kept_epoch = take_member_u64(r, "epoch");
	s->kept_step = take_member_u64(r, "step");
	heft_lineage_take(r, HEFT_JSON_OBJECT_END);
}

/* Behind the bracket that begins it. */
static void take_step(struct heft_lineage_reader *r, struct heft_lineage *lineage)
{
	struct heft_lineage_step s = { .kind = take_kind(r) };
	uint64_t numerics;

	s.heft = take_member_text(r, "heft");
	s.revision = take_member_text(r, "revision");
	numerics = take_member_u64(r, "numerics");
	s.numerics = (uint32_t)numerics;
	if (numerics > UINT32_MAX)
		heft_lineage_fault(r, HEFT_E_CORRUPT, "there is no such version of numerics");
	take_parent(r, &s);
	heft_lineage_take_key(r, "recipe");
	s.recipe = heft_lineage_take_object(r);
	s.seed = take_seed(r);
	take_data(r, &s);
	take_names(r, "changed", &s.changed, &s.n_changed);
	take_names(r, "frozen", &s.frozen, &s.n_frozen);
	take_rewrites(r, &s);
	take_metrics(r, &s);
	take_links(r, &s);
	take_kept(r, &s);
	take_member_digest(r, "result", s.result_digest);
	heft_lineage_take(r, HEFT_JSON_OBJECT_END);
	if (r->st != HEFT_OK)
		return;
	heft_buffer_add(&lineage->steps, &s, sizeof s);
	if (!lineage->steps.ok)
		heft_lineage_fault(r, HEFT_E_NOMEM, "no memory for a lineage");
}

static void take_steps(struct heft_lineage_reader *r, struct heft_lineage *lineage)
{
	uint64_t version;

	heft_lineage_take(r, HEFT_JSON_OBJECT);
	version = take_member_u64(r, "lineage");
	if (r->st == HEFT_OK && version != HEFT_LINEAGE_VERSION)
		heft_lineage_fault(r, version == 0 ? HEFT_E_CORRUPT : HEFT_E_UNSUPPORTED,
		                   "the lineage is of a version that is not known");
	heft_lineage_take_key(r, "steps");
	heft_lineage_take(r, HEFT_JSON_ARRAY);
	while (take_item(r)) {
		take_step(r, lineage);
		if (heft_lineage_n_steps(lineage) > HEFT_LINEAGE_STEPS_MAX)
			heft_lineage_fault(r, HEFT_E_LIMIT, "the lineage has too many steps");
	}
	heft_lineage_take(r, HEFT_JSON_OBJECT_END);
	if (r->st == HEFT_OK && heft_lineage_n_steps(lineage) == 0)
		heft_lineage_fault(r, HEFT_E_CORRUPT, "the lineage has no steps");
}

/* spec L1-1 */
static enum heft_status compare(struct heft_buffer *b, const char *text, size_t size, uint64_t off,
                                struct heft_error *err)
{
	size_t same = 0;
	enum heft_status st = HEFT_OK;

	if (!b->ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a lineage");
	while (same < size && same < b->size && (uint8_t)text[same] == b->bytes[same])
		same++;
	if (same != size || same != b->size)
		st = heft_fail(err, HEFT_E_CORRUPT, off + same,
		               "the lineage is not written canonically");
	return st;
}

enum heft_status heft_lineage_parse_step(struct heft_lineage *lineage, const char *text,
                                         size_t size, struct heft_error *err)
{
	struct heft_lineage_reader r;
	struct heft_buffer b;
	enum heft_status st;

	HEFT_TRY(heft_lineage_reader_init(&r, text, size, 0, &lineage->blocks, err));
	heft_lineage_take(&r, HEFT_JSON_OBJECT);
	take_step(&r, lineage);
	heft_lineage_take(&r, HEFT_JSON_END);
	st = r.st;
	heft_lineage_reader_done(&r);
	if (st != HEFT_OK)
		return st;
	heft_buffer_init(&b);
	heft_lineage_add_step(&b, heft_lineage_steps(lineage) + heft_lineage_n_steps(lineage) - 1);
	st = compare(&b, text, size, 0, err);
	heft_buffer_done(&b);
	return st;
}

enum heft_status heft_lineage_parse(struct heft_lineage *lineage, const char *text, size_t size,
                                    uint64_t off, struct heft_error *err)
{
	struct heft_lineage_reader r;
	struct heft_buffer b;
	enum heft_status st;

	HEFT_TRY(heft_lineage_reader_init(&r, text, size, off, &lineage->blocks, err));
	take_steps(&r, lineage);
	heft_lineage_take(&r, HEFT_JSON_END);
	st = r.st;
	heft_lineage_reader_done(&r);
	if (st != HEFT_OK)
		return st;
	heft_buffer_init(&b);
	heft_lineage_add(&b, lineage);
	st = compare(&b, text, size, off, err);
	heft_buffer_done(&b);
	return st;
}
