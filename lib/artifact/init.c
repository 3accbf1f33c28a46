/* SPDX-License-Identifier: Apache-2.0 */
/* init.c - heft_init_write: a model with first values to train from. */
#include <fnmatch.h>
#include <math.h>
#include <string.h>

#include "artifact/first_values.h"
#include "artifact/lineage_json.h"
#include "artifact/remake.h"
#include "artifact/weight_use.h"
#include "base/alloc.h"
#include "base/error.h"

#define EMBEDDING_DEVIATION 0.02 /* as BERT's */
#define SLOPE 0.25               /* as PRelu's usual one */

/* What becomes of one tensor. */
struct plan {
	struct heft_first first;
	bool is_new;
};

struct job {
	struct heft_file *file;
	const struct heft_init_options *options;
	struct heft_graph_list *list;
	struct heft_weight_use *uses;
	struct plan *plans; /* one a tensor of the file */
	const char **changed;
	const char **frozen;
	uint32_t n_changed;
	uint32_t n_frozen;
	struct heft_buffer recipe;
	struct heft_init_report report;
	void *bytes; /* of the tensor that was asked for last */
};

/* --- which tensors --- */

static bool matches(const char *const *patterns, uint32_t n, const char *name)
{
	for (uint32_t i = 0; i < n; i++)
		if (fnmatch(patterns[i], name, 0) == 0)
			return true;
	return false;
}

static bool is_asked_for(const struct heft_init_options *o, const char *name)
{
	return (o->n_only == 0 || matches(o->only, o->n_only, name)) &&
	       !matches(o->keep, o->n_keep, name);
}

static enum heft_status check_pattern(const struct job *job, const char *pattern,
                                      struct heft_error *err)
{
	struct heft_tensor t;

	for (uint32_t i = 0; i < heft_n_tensors(job->file); i++) {
		HEFT_TRY(heft_tensor_at(job->file, i, &t, err));
		if (fnmatch(pattern, t.name, 0) == 0)
			return HEFT_OK;
	}
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "no tensor is called '%.100s'",
	                 pattern);
}

static enum heft_status check_options(const struct job *job, struct heft_error *err)
{
	const struct heft_init_options *o = job->options;

	if ((unsigned)o->first > HEFT_FIRST_ZERO)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "no such first values");
	if (o->first == HEFT_FIRST_NORMAL && !(o->deviation > 0 && isfinite(o->deviation)))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the deviation of first values is a number above 0");
	for (uint32_t i = 0; i < o->n_only; i++)
		HEFT_TRY(check_pattern(job, o->only[i], err));
	for (uint32_t i = 0; i < o->n_keep; i++)
		HEFT_TRY(check_pattern(job, o->keep[i], err));
	return HEFT_OK;
}

/* --- what each becomes --- */

static enum heft_status refuse(const struct job *job, const struct heft_tensor *t,
                               const struct heft_weight_use *use, struct heft_error *err)
{
	return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
	                 "tensor '%.80s', which node '%.60s' (%.30s) reads, tells no first "
	                 "values: keep it as it is by a pattern",
	                 t->name, heft_look_name(job->list, use->node),
	                 heft_look_op(job->list, use->node));
}

static void plan_constant(struct job *job, struct plan *plan, double value)
{
	plan->is_new = true;
	plan->first.is_constant = true;
	plan->first.value = value;
	job->report.n_constants++;
}

static void plan_weight(struct job *job, struct plan *plan, const struct heft_weight_use *use)
{
	plan->is_new = true;
	plan->first.first = job->options->first;
	plan->first.deviation = job->options->deviation;
	plan->first.fan_in = use->fan_in;
	plan->first.fan_out = use->fan_out;
	if (use->kind == HEFT_USE_EMBEDDING && plan->first.first != HEFT_FIRST_ZERO &&
	    plan->first.first != HEFT_FIRST_NORMAL) {
		plan->first.first = HEFT_FIRST_NORMAL;
		plan->first.deviation = EMBEDDING_DEVIATION;
	}
	job->report.n_weights++;
}

/* A number by itself is a setting, unless a rule names what it does. */
static bool is_setting(const struct heft_tensor *t, const struct heft_weight_use *use)
{
	return use->kind == HEFT_USE_NONE || use->kind == HEFT_USE_KEPT ||
	       (use->kind == HEFT_USE_UNKNOWN &&
	        (t->n_elements <= 1 || t->role == HEFT_ROLE_BUFFER));
}

static enum heft_status plan_tensor(struct job *job, const struct heft_tensor *t,
                                    struct heft_error *err)
{
	const struct heft_weight_use *use = &job->uses[t->index];
	const struct heft_dtype_info *info = heft_dtype_describe(t->dtype);
	struct plan *plan = &job->plans[t->index];

	if (!info || !info->is_float || t->space != HEFT_SPACE_WEIGHTS || is_setting(t, use))
		return HEFT_OK;
	if (!is_asked_for(job->options, t->name)) {
		job->frozen[job->n_frozen++] = t->name;
		job->report.n_kept++;
		return HEFT_OK;
	}
	if (use->kind == HEFT_USE_UNKNOWN)
		return refuse(job, t, use, err);
	if (use->kind == HEFT_USE_ZERO)
		plan_constant(job, plan, 0);
	else if (use->kind == HEFT_USE_ONE)
		plan_constant(job, plan, 1);
	else if (use->kind == HEFT_USE_QUARTER)
		plan_constant(job, plan, SLOPE);
	else
		plan_weight(job, plan, use);
	job->changed[job->n_changed++] = t->name;
	job->report.n_values += t->n_elements;
	return HEFT_OK;
}

static enum heft_status plan_all(struct job *job, struct heft_error *err)
{
	const uint32_t n = heft_n_tensors(job->file);
	struct heft_tensor t;

	job->plans = heft_zalloc_array(n, sizeof *job->plans);
	job->changed = heft_alloc_array(n, sizeof *job->changed);
	job->frozen = heft_alloc_array(n, sizeof *job->frozen);
	if (!job->plans || !job->changed || !job->frozen)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u tensors", n);
	for (uint32_t i = 0; i < n; i++) {
		HEFT_TRY(heft_tensor_at(job->file, i, &t, err));
		HEFT_TRY(plan_tensor(job, &t, err));
	}
	if (job->n_changed == 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "no tensor is left to be given first values");
	return HEFT_OK;
}

/* --- writing --- */

static enum heft_status give_bytes(void *user, const struct heft_tensor *t, const void **bytes,
                                   struct heft_error *err)
{
	struct job *job = user;
	const struct plan *plan = &job->plans[t->index];

	heft_free(job->bytes);
	job->bytes = NULL;
	if (!plan->is_new)
		return HEFT_OK;
	job->bytes = heft_alloc((size_t)t->n_bytes);
	if (!job->bytes)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for '%.80s'",
		                 t->name);
	HEFT_TRY(heft_first_fill(&plan->first, job->options->seed, t, job->bytes, err));
	*bytes = job->bytes;
	return HEFT_OK;
}

static void add_patterns(struct heft_buffer *b, const char *key, const char *const *patterns,
                         uint32_t n)
{
	if (n == 0)
		return;
	heft_buffer_addf(b, ",\"%s\":[", key);
	for (uint32_t i = 0; i < n; i++) {
		heft_buffer_addf(b, i > 0 ? "," : "");
		heft_lineage_add_text(b, patterns[i]);
	}
	heft_buffer_addf(b, "]");
}

static const char *make_recipe(struct job *job)
{
	const struct heft_init_options *o = job->options;
	struct heft_buffer *b = &job->recipe;

	heft_buffer_addf(b, "{\"init\":\"%s\"", heft_first_name(o->first));
	if (o->first == HEFT_FIRST_NORMAL) {
		heft_buffer_addf(b, ",\"deviation\":");
		heft_lineage_add_real(b, o->deviation);
	}
	add_patterns(b, "only", o->only, o->n_only);
	add_patterns(b, "keep", o->keep, o->n_keep);
	heft_buffer_addf(b, "}");
	heft_buffer_add_u8(b, 0);
	return b->ok ? (const char *)b->bytes : NULL;
}

static enum heft_status write_file(struct job *job, const char *path, struct heft_error *err)
{
	const struct heft_init_options *o = job->options;
	struct heft_remake r = {
		.model = job->file,
		.path = path,
		.format = o->target.format,
		.write = o->target.write,
		.run = o->target.run,
		.bytes = give_bytes,
		.user = job,
	};
	const char *recipe = make_recipe(job);

	if (!recipe)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a recipe");
	r.step = (struct heft_lineage_step){
		.kind = HEFT_LINEAGE_INIT,
		.numerics = HEFT_LINEAGE_NUMERICS,
		.recipe = recipe,
		.seed = o->seed,
		.changed = job->changed,
		.n_changed = job->n_changed,
		.frozen = job->frozen,
		.n_frozen = job->n_frozen,
	};
	return heft_remake(&r, job->report.weights_digest, err);
}

static enum heft_status init(struct job *job, const char *path, struct heft_error *err)
{
	HEFT_TRY(check_options(job, err));
	HEFT_TRY(heft_graph_list_open(job->file, &job->list, err));
	HEFT_TRY(heft_weight_uses(job->list, job->file, &job->uses, err));
	HEFT_TRY(plan_all(job, err));
	return write_file(job, path, err);
}

enum heft_status heft_init_write(struct heft_file *file, const char *path,
                                 const struct heft_init_options *options,
                                 struct heft_init_report *report, struct heft_error *err)
{
	struct job job = { .file = file, .options = options };
	enum heft_status st;

	heft_buffer_init(&job.recipe);
	st = init(&job, path, err);
	heft_buffer_done(&job.recipe);
	heft_free(job.bytes);
	heft_free(job.plans);
	heft_free((void *)job.changed);
	heft_free((void *)job.frozen);
	heft_free(job.uses);
	heft_graph_list_close(job.list);
	if (st == HEFT_OK && report)
		*report = job.report;
	return st;
}
