/* SPDX-License-Identifier: Apache-2.0 */
/* head.c - heft_head_write: a model with a new last layer, for another number of classes. */
#include <stdio.h>
#include <string.h>

#include "artifact/first_values.h"
#include "artifact/head_find.h"
#include "artifact/head_graph.h"
#include "artifact/remake.h"
#include "base/alloc.h"
#include "base/error.h"

#define RECIPE_SIZE 160
#define N_CLASSES_MAX (UINT64_C(1) << 31)

struct job {
	struct heft_file *file;
	const struct heft_head_options *options;
	struct heft_graph_list *list;
	struct heft_head_layer layer;
	uint32_t weight; /* of the file */
	uint32_t bias;   /* HEFT_GRAPH_NONE: none */
	struct heft_buffer graph;
	void *bytes; /* of the tensor that was asked for last */
};

static void reshape(void *user, struct heft_tensor *t)
{
	const struct job *job = user;

	if (t->index == job->weight)
		t->dims[job->layer.weight_axis] = job->options->n_classes;
	else if (t->index == job->bias)
		t->dims[job->layer.bias_axis] = job->options->n_classes;
}

static enum heft_status give_bytes(void *user, const struct heft_tensor *t, const void **bytes,
                                   struct heft_error *err)
{
	struct job *job = user;
	const struct heft_first first = { .first = job->options->first,
		                          .is_constant = t->index == job->bias,
		                          .fan_in = job->layer.fan_in,
		                          .fan_out = job->options->n_classes };

	heft_free(job->bytes);
	job->bytes = NULL;
	if (t->index != job->weight && t->index != job->bias)
		return HEFT_OK;
	job->bytes = heft_alloc((size_t)t->n_bytes);
	if (!job->bytes)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for '%.80s'",
		                 t->name);
	HEFT_TRY(heft_first_fill(&first, job->options->seed, t, job->bytes, err));
	*bytes = job->bytes;
	return HEFT_OK;
}

/* A tensor that is another one as well cannot get a shape of its own. */
static enum heft_status check_untied(const struct job *job, uint32_t tensor, struct heft_error *err)
{
	struct heft_tensor t;

	for (uint32_t i = 0; tensor != HEFT_GRAPH_NONE && i < heft_n_tensors(job->file); i++) {
		HEFT_TRY(heft_tensor_at(job->file, i, &t, err));
		if ((i == tensor && t.tie != i) || (i != tensor && t.tie == tensor))
			return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
			                 "no new head: tensor '%.80s' is tied", t.name);
	}
	return HEFT_OK;
}

static uint32_t tensor_of(const struct job *job, uint32_t of_model)
{
	return of_model == HEFT_ONNX_NONE ? HEFT_GRAPH_NONE : job->list->tensors[of_model];
}

static enum heft_status look(struct job *job, struct heft_error *err)
{
	HEFT_TRY(heft_graph_list_open(job->file, &job->list, err));
	HEFT_TRY(heft_head_find(job->list, job->file, &job->layer, err));
	job->weight = tensor_of(job, job->layer.weight);
	job->bias = tensor_of(job, job->layer.bias);
	if (job->weight == HEFT_GRAPH_NONE ||
	    (job->layer.bias != HEFT_ONNX_NONE && job->bias == HEFT_GRAPH_NONE))
		return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
		                 "the graph's last linear layer has a weight that the file has "
		                 "not");
	HEFT_TRY(check_untied(job, job->weight, err));
	HEFT_TRY(check_untied(job, job->bias, err));
	return heft_head_graph(job->list, &job->layer, job->options->n_classes, &job->graph, err);
}

static void tell(const struct job *job, struct heft_head_report *report)
{
	const struct heft_listing *tensors = job->list->model.tensors;
	const struct heft_head_layer *l = &job->layer;

	report->n_old = l->n_old;
	snprintf(report->weight, sizeof report->weight, "%s",
	         heft_listing_name(tensors, l->weight));
	snprintf(report->bias, sizeof report->bias, "%s",
	         l->bias == HEFT_ONNX_NONE ? "" : heft_listing_name(tensors, l->bias));
	snprintf(report->layer_op, sizeof report->layer_op, "%s", heft_look_op(job->list, l->node));
}

static enum heft_status write_file(struct job *job, const char *path,
                                   struct heft_head_report *report, struct heft_error *err)
{
	const struct heft_head_options *o = job->options;
	const struct heft_listing *tensors = job->list->model.tensors;
	const uint32_t n_changed = job->layer.bias == HEFT_ONNX_NONE ? 1 : 2;
	const char *changed[2] = { heft_listing_name(tensors, job->layer.weight), NULL };
	const struct heft_lineage_rewrite rewrite = {
		.what = "head", .where = heft_look_name(job->list, job->layer.node)
	};
	char recipe[RECIPE_SIZE];
	struct heft_remake r = {
		.model = job->file,
		.path = path,
		.format = o->target.format,
		.write = o->target.write,
		.run = o->target.run,
		.graph = job->graph.bytes,
		.graph_size = job->graph.size,
		.reshape = reshape,
		.bytes = give_bytes,
		.user = job,
	};

	if (n_changed == 2)
		changed[1] = heft_listing_name(tensors, job->layer.bias);
	snprintf(recipe, sizeof recipe, "{\"head\":%llu,\"was\":%llu,\"head_init\":\"%s\"}",
	         (unsigned long long)o->n_classes, (unsigned long long)job->layer.n_old,
	         heft_first_name(o->first));
	r.step = (struct heft_lineage_step){
		.kind = HEFT_LINEAGE_HEAD,
		.numerics = HEFT_LINEAGE_NUMERICS,
		.recipe = recipe,
		.seed = o->seed,
		.changed = changed,
		.n_changed = n_changed,
		.rewrites = &rewrite,
		.n_rewrites = 1,
	};
	return heft_remake(&r, report->weights_digest, err);
}

static enum heft_status check_options(const struct heft_head_options *o, struct heft_error *err)
{
	if (o->n_classes == 0 || o->n_classes > N_CLASSES_MAX)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a head has from 1 to 2^31 classes");
	if (o->first != HEFT_FIRST_HE && o->first != HEFT_FIRST_XAVIER &&
	    o->first != HEFT_FIRST_ZERO)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a head begins with he, xavier or zero");
	return HEFT_OK;
}

enum heft_status heft_head_write(struct heft_file *file, const char *path,
                                 const struct heft_head_options *options,
                                 struct heft_head_report *report, struct heft_error *err)
{
	struct heft_head_report made = { .n_old = 0 };
	struct job job = { .file = file, .options = options };
	enum heft_status st;

	HEFT_TRY(check_options(options, err));
	heft_buffer_init(&job.graph);
	st = look(&job, err);
	if (st == HEFT_OK) {
		tell(&job, &made);
		st = write_file(&job, path, &made, err);
	}
	heft_free(job.bytes);
	heft_buffer_done(&job.graph);
	heft_graph_list_close(job.list);
	if (st == HEFT_OK && report)
		*report = made;
	return st;
}
