/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_inspect.c - shows what is in a file of weights to people and to scripts; its data is read
 * for statistics alone. */
#include "command.h"
#include "inspect_cost.h"
#include "inspect_graph.h"
#include "inspect_json.h"
#include "inspect_sort.h"
#include "inspect_stats.h"
#include "memory.h"
#include "open_options.h"
#include "size.h"
#include "spool.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

struct options {
	struct opt_list assume;
	bool json;
	bool stats;
	bool tree;
	bool graph;
	uint32_t depth;
	uint32_t batch;
	struct opt_list size;
	const char *sort;
	uint32_t top;
	uint32_t threads;
};

static const struct opt options[] = {
	{
		.name = "json",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, json),
		.help = "print JSON, metadata in full",
	},
	{
		.name = "stats",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, stats),
		.help = "read the data and show extremes, mean, deviation and a histogram of every "
			"tensor, NaNs and infinities, and totals",
	},
	{
		.name = "tree",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, tree),
		.help = "show modules in place of tensors, with sums: names are parted at '.' and "
			"'/'",
	},
	{
		.name = "depth",
		.arg = "N",
		.kind = OPT_COUNT,
		.at = offsetof(struct options, depth),
		.help = "show N levels of the tree",
	},
	{
		.name = "graph",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, graph),
		.help = "show the graph in place of tensors: inputs, outputs and every node, with "
			"shapes where the file tells them, weights and parameters",
	},
	{
		.name = "batch",
		.arg = "N",
		.kind = OPT_COUNT,
		.at = offsetof(struct options, batch),
		.help = "with --graph: count multiply-adds and bytes for a batch of N (default: 1)",
	},
	{
		.name = "size",
		.arg = "NAME=N",
		.kind = OPT_LIST,
		.at = offsetof(struct options, size),
		.help = "likewise, for N in the free dimension NAME (default: 1); may be repeated",
	},
	{
		.name = "sort",
		.arg = "KEY",
		.kind = OPT_TEXT,
		.at = offsetof(struct options, sort),
		.help = "list by name or size; with --stats also by min, max, mean, std, abs-max, "
			"l2, zeros or nan; the largest first",
		.choices = inspect_sort_names,
	},
	{
		.name = "top",
		.arg = "N",
		.kind = OPT_COUNT,
		.at = offsetof(struct options, top),
		.help = "list the first N tensors only",
	},
	OPT_ROW_THREADS,
	OPT_ROW_ASSUME,
	OPT_ROW_END,
};

static void add_dtype(struct inspection *x, enum heft_dtype dtype)
{
	uint32_t i = 0;

	while (i < x->n_dtypes && x->dtypes[i].dtype != dtype)
		i++;
	if (i == x->n_dtypes) {
		x->dtypes = memory_resize(x->dtypes, i + 1, sizeof *x->dtypes);
		x->dtypes[x->n_dtypes++] = (struct dtype_count){ .dtype = dtype };
	}
	x->dtypes[i].n_tensors++;
}

static void add_total(struct tensor_total *total, const struct heft_tensor *t)
{
	total->n_elements += t->n_elements;
	total->n_bytes += t->n_bytes;
}

/* Looks at every tensor once: what is shown, and the sums. */
static enum heft_status survey(struct inspection *x, const char *pattern, struct heft_error *err)
{
	const uint32_t n = heft_n_tensors(x->file);
	enum heft_status st = HEFT_OK;
	struct heft_tensor t;

	x->shown = memory_new(n, sizeof *x->shown);
	x->roles = memory_new(n, sizeof *x->roles);
	st = heft_roles(x->file, x->roles, err);
	for (uint32_t i = 0; i < n && st == HEFT_OK; i++) {
		st = heft_tensor_at(x->file, i, &t, err);
		if (st != HEFT_OK)
			break;
		add_total(&x->total, &t);
		x->n_parameters += inspection_parameters(x, &t);
		add_dtype(x, t.dtype);
		if (pattern && fnmatch(pattern, t.name, 0) != 0)
			continue;
		x->shown[x->n_shown++] = i;
		add_total(&x->shown_total, &t);
		x->has_roles |= x->roles[i] != HEFT_ROLE_UNKNOWN;
		x->has_spaces |= t.space != HEFT_SPACE_WEIGHTS;
		x->has_ties |= t.tie != i;
		x->has_void |= t.dtype == HEFT_DTYPE_VOID;
	}
	return st;
}

static enum heft_status read_rest(struct inspection *x, struct heft_error *err)
{
	enum heft_status st = heft_metadata(x->file, &x->metadata, err);
	const void *graph;

	if (st == HEFT_OK)
		st = heft_graph(x->file, &graph, &x->graph_size, err);
	if (st != HEFT_OK && st != HEFT_E_LIMIT)
		return st;
	x->file_size = heft_file_size(x->file, &x->n_files);
	x->state = heft_file_state(x->file);
	st = heft_stated_weights_digest(x->file, x->digest, err);
	x->has_digest = st == HEFT_OK;
	/* Other formats state none. */
	return st == HEFT_E_UNSUPPORTED ? HEFT_OK : st;
}

static enum heft_status inspect_for_people(const struct invocation *in, struct inspection *x,
                                           struct heft_error *err)
{
	const struct options *o = in->options;
	enum heft_status st = HEFT_OK;

	x->n_listed = o->top > 0 && o->top < x->n_shown ? o->top : x->n_shown;
	if (o->stats)
		st = inspect_stats_collect(x, o->threads, err);
	if (st == HEFT_OK && x->view == INSPECT_LIST)
		st = inspect_sort(x, err);
	return st == HEFT_OK ? inspect_text_print(in->out, x, err) : st;
}

/* Whether the pattern matches anything that is to be shown. */
static enum heft_status find_matches(const struct inspection *x, bool *has_any,
                                     struct heft_error *err)
{
	struct heft_graph_facts facts = { .n_nodes = 0 };
	enum heft_status st = HEFT_OK;

	*has_any = x->view != INSPECT_GRAPH && x->n_shown > 0;
	if (x->view == INSPECT_GRAPH)
		heft_graph_list_facts(x->graph, &facts);
	for (uint32_t i = 0; !*has_any && i < facts.n_nodes && st == HEFT_OK; i++)
		st = inspect_graph_matches(x, i, has_any, err);
	return st;
}

static int inspect(const struct invocation *in, struct inspection *x)
{
	const struct options *o = in->options;
	const char *pattern = x->pattern;
	bool has_any;
	struct heft_error err;
	enum heft_status st = survey(x, pattern, &err);

	if (st == HEFT_OK)
		st = read_rest(x, &err);
	if (st == HEFT_OK && x->view == INSPECT_GRAPH)
		st = heft_graph_list_open(x->file, &x->graph, &err);
	if (st == HEFT_OK && x->view == INSPECT_GRAPH)
		inspect_cost_init(x->cost, x->file, o->batch > 0 ? o->batch : 1, &o->size);
	if (st == HEFT_E_NOT_FOUND) {
		report_words("%s: no graph is in this file: ONNX files have one, and heft files "
		             "that were made of them",
		             x->name);
		return STATUS_USAGE;
	}
	if (st == HEFT_OK && pattern)
		st = find_matches(x, &has_any, &err);
	if (st == HEFT_OK && pattern && !has_any) {
		report_words("%s: no %s matches '%s'", x->name,
		             x->view == INSPECT_GRAPH ? "node" : "tensor", pattern);
		return STATUS_USAGE;
	}
	if (st == HEFT_OK && o->json)
		st = inspect_json_print(in->out, x, o->stats, o->threads, &err);
	else if (st == HEFT_OK)
		st = inspect_for_people(in, x, &err);
	return st == HEFT_OK ? STATUS_DONE : report_error(x->name, &err);
}

static int check_sizes(const struct invocation *in)
{
	const struct options *o = in->options;

	for (uint32_t i = 0; i < o->size.n; i++) {
		const char *equals = strrchr(o->size.items[i].value, '=');
		uint64_t size;

		if (!equals || !size_parse_count(equals + 1, 0, UINT32_MAX, &size))
			return report_usage(in->command, "--size: '%s' is not NAME=N",
			                    o->size.items[i].value);
	}
	return STATUS_DONE;
}

static int check_options(const struct invocation *in, struct inspection *x)
{
	const struct options *o = in->options;

	if (o->tree && o->graph)
		return report_usage(in->command, "--tree and --graph are two views: choose one");
	if ((o->tree || o->graph) && (o->stats || o->top > 0))
		return report_usage(in->command,
		                    "--%s does not list tensors: it goes without "
		                    "--stats and --top",
		                    o->tree ? "tree" : "graph");
	if (o->graph && o->sort)
		return report_usage(in->command, "--graph shows nodes in the file's order");
	if ((o->batch > 0 || o->size.n > 0) && !o->graph)
		return report_usage(in->command, "--%s needs --graph",
		                    o->batch > 0 ? "batch" : "size");
	if (o->depth > 0 && !o->tree)
		return report_usage(in->command, "--depth needs --tree");
	if (o->json && (o->sort || o->top > 0))
		return report_usage(in->command, "--json lists every tensor in the file's order");
	if (!o->sort)
		return check_sizes(in);
	if (!inspect_sort_find(o->sort, &x->sort))
		return report_usage(in->command,
		                    "--sort: '%s' is not one of file, name, size, min, max, mean, "
		                    "std, abs-max, l2, zeros, nan",
		                    o->sort);
	if (x->sort >= INSPECT_SORT_MIN && !o->stats)
		return report_usage(in->command, "--sort %s needs --stats", o->sort);
	return STATUS_DONE;
}

static int run(const struct invocation *in)
{
	const struct options *o = in->options;
	struct inspect_cost cost = { 0 };
	struct inspection x = { .cost = &cost };
	struct open_options open;
	struct heft_error err;
	struct spool spool;
	int status;

	x.view = o->tree ? INSPECT_TREE : o->graph ? INSPECT_GRAPH : INSPECT_LIST;
	x.pattern = in->n_operands > 1 ? in->operands[1] : NULL;
	x.max_depth = o->depth;
	status = check_options(in, &x);
	if (status != STATUS_DONE)
		return status;
	status = open_options_init(&open, in->command, &o->assume, NULL);

	if (status == STATUS_DONE)
		status = spool_open(&spool, in->operands[0]);
	if (status != STATUS_DONE) {
		open_options_done(&open);
		return status;
	}
	x.name = spool.name;
	if (heft_open(spool.path, &open.options, &x.file, &err) == HEFT_OK) {
		status = inspect(in, &x);
		inspect_cost_done(&cost);
		heft_graph_list_close(x.graph);
		heft_close(x.file);
	} else {
		status = report_error(spool.name, &err);
	}
	free(x.shown);
	free(x.roles);
	free(x.figures);
	free(x.dtypes);
	spool_close(&spool);
	open_options_done(&open);
	return status;
}

static const char examples[] = "  heft inspect model.safetensors\n"
			       "  heft inspect --tree --depth 2 model.safetensors\n"
			       "  heft inspect --graph model.onnx Conv\n"
			       "  heft inspect model.heft 'encoder.*'\n"
			       "  heft inspect --stats --sort abs-max --top 10 model.safetensors\n"
			       "  heft inspect --json model.heft | jq '.tensors[].name'\n";

const struct command command_inspect = {
	.name = "inspect",
	.summary = "show what is in a file: tensors, metadata, state",
	.operands = "FILE [PATTERN]",
	.min_operands = 1,
	.max_operands = 2,
	.options = options,
	.options_size = sizeof(struct options),
	.details =
		"Lists the tensors in the file's order; with PATTERN those whose whole name\n"
		"matches it, as in '*.bias'; '*' also matches '.' and '/'. On a terminal long\n"
		"names are shortened in the middle, in a pipe they are not. The data is not\n"
		"read, unless --stats asks for it: use 'heft verify' to check it. What a tensor's\n"
		"role is, the graph says where there is one, else the name.\n"
		"\n"
		"With --tree a line stands for a module, or for a tensor beside others; what is\n"
		"in it is in its sums, and a module with but one thing in it shares its line.\n"
		"With --graph PATTERN is held against each node's operator, name, outputs and\n"
		"weights; #12 among the inputs is what node 12 makes. Outputs' names and\n"
		"attributes are shown in a pipe, and where a terminal has 110 columns.\n"
		"\n"
		"With --stats NaNs are left out and counted; the columns of blocks show how the\n"
		"values lie between min and max, a dot where there are none. Totals follow for\n"
		"groups of tensors, those whose names have the same first part.\n",
	.examples = examples,
	.run = run,
};
