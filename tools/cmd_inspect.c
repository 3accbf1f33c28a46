/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_inspect.c - shows what is in a file of weights to people and to scripts; no data is read. */
#include "command.h"
#include "inspect_text.h"
#include "json_out.h"
#include "memory.h"
#include "spool.h"
#include "tensor_words.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <sys/stat.h>

struct options {
	bool json;
};

static const struct opt options[] = {
	{
		.name = "json",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, json),
		.help = "print JSON, metadata in full",
	},
	OPT_ROW_END,
};

static void print_json_tensor(struct json_out *j, const struct heft_tensor *t)
{
	struct output word;

	output_init(&word, -1);
	json_out_begin(j, '{');
	json_out_key(j, "name");
	json_out_text(j, t->name);
	json_out_key(j, "dtype");
	tensor_words_dtype(&word, t->dtype);
	json_out_text(j, output_string(&word));
	json_out_key(j, "shape");
	json_out_begin(j, '[');
	for (uint32_t i = 0; i < t->rank; i++)
		json_out_u64(j, t->dims[i]);
	json_out_end(j, ']');
	json_out_key(j, "n_bytes");
	json_out_u64(j, t->n_bytes);
	json_out_key(j, "space");
	output_clear(&word);
	tensor_words_space(&word, t->space);
	json_out_text(j, output_string(&word));
	json_out_key(j, "role");
	json_out_text(j, heft_role_name(t->role));
	output_done(&word);
}

/* The name of the first tensor of its tie group; absent when it stands alone. */
static enum heft_status print_json_tie(struct json_out *j, struct heft_file *file,
                                       const struct heft_tensor *t, struct heft_error *err)
{
	struct heft_tensor first;
	enum heft_status st;

	if (t->tie == t->index)
		return HEFT_OK;
	st = heft_tensor_at(file, t->tie, &first, err);
	if (st == HEFT_OK) {
		json_out_key(j, "tied_to");
		json_out_text(j, first.name);
	}
	return st;
}

static enum heft_status print_json_tensors(struct json_out *j, const struct inspection *x,
                                           struct heft_error *err)
{
	enum heft_status st = HEFT_OK;
	struct heft_tensor t;

	json_out_key(j, "tensors");
	json_out_begin(j, '[');
	for (uint32_t i = 0; i < x->n_shown && st == HEFT_OK && !j->out->error; i++) {
		st = heft_tensor_at(x->file, x->shown[i], &t, err);
		if (st != HEFT_OK)
			break;
		print_json_tensor(j, &t);
		st = print_json_tie(j, x->file, &t, err);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
	return st;
}

static void print_json_state(struct json_out *j, const struct inspection *x)
{
	json_out_key(j, "generation");
	json_out_u64(j, x->state.generation);
	json_out_key(j, "n_dead_bytes");
	json_out_u64(j, x->state.n_dead_bytes);
	json_out_key(j, "n_tail_bytes");
	json_out_u64(j, x->state.n_tail_bytes);
	json_out_key(j, "has_bad_page");
	json_out_bool(j, x->state.has_bad_page);
}

static enum heft_status print_json(struct output *out, const struct inspection *x,
                                   struct heft_error *err)
{
	struct json_out j;
	enum heft_status st;

	json_out_init(&j, out);
	json_out_begin(&j, '{');
	json_out_key(&j, "file");
	json_out_text(&j, x->name);
	json_out_key(&j, "format");
	json_out_text(&j, heft_format_name(x->file));
	json_out_key(&j, "file_size");
	json_out_u64(&j, x->file_size);
	json_out_key(&j, "n_tensors");
	json_out_u64(&j, x->n_shown);
	json_out_key(&j, "n_elements");
	json_out_u64(&j, x->shown_total.n_elements);
	json_out_key(&j, "n_bytes");
	json_out_u64(&j, x->shown_total.n_bytes);
	if (x->has_digest) {
		json_out_key(&j, "weights_digest");
		json_out_hex(&j, x->digest, sizeof x->digest);
		print_json_state(&j, x);
	}
	json_out_key(&j, "metadata");
	json_out_raw(&j, x->metadata);
	st = print_json_tensors(&j, x, err);
	json_out_end(&j, '}');
	return st;
}

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
	for (uint32_t i = 0; i < n && st == HEFT_OK; i++) {
		st = heft_tensor_at(x->file, i, &t, err);
		if (st != HEFT_OK)
			break;
		add_total(&x->total, &t);
		if (t.space == HEFT_SPACE_WEIGHTS && t.role != HEFT_ROLE_BUFFER && t.tie == i)
			x->n_parameters += t.n_elements;
		add_dtype(x, t.dtype);
		if (pattern && fnmatch(pattern, t.name, 0) != 0)
			continue;
		x->shown[x->n_shown++] = i;
		add_total(&x->shown_total, &t);
		x->has_roles |= t.role != HEFT_ROLE_UNKNOWN;
		x->has_spaces |= t.space != HEFT_SPACE_WEIGHTS;
		x->has_ties |= t.tie != i;
	}
	return st;
}

static enum heft_status read_rest(struct inspection *x, const char *path, struct heft_error *err)
{
	struct stat file_stat;
	enum heft_status st = heft_metadata(x->file, &x->metadata, err);

	if (st != HEFT_OK)
		return st;
	if (stat(path, &file_stat) == 0)
		x->file_size = (uint64_t)file_stat.st_size;
	x->state = heft_file_state(x->file);
	st = heft_stated_weights_digest(x->file, x->digest, err);
	x->has_digest = st == HEFT_OK;
	/* Other formats state none. */
	return st == HEFT_E_UNSUPPORTED ? HEFT_OK : st;
}

static int inspect(const struct invocation *in, struct inspection *x, const char *path)
{
	const struct options *o = in->options;
	const char *pattern = in->n_operands > 1 ? in->operands[1] : NULL;
	struct heft_error err;
	enum heft_status st = survey(x, pattern, &err);

	if (st == HEFT_OK)
		st = read_rest(x, path, &err);
	if (st == HEFT_OK && pattern && x->n_shown == 0) {
		report_words("%s: no tensor matches '%s'", x->name, pattern);
		return STATUS_USAGE;
	}
	if (st == HEFT_OK)
		st = o->json ? print_json(in->out, x, &err) : inspect_text_print(in->out, x, &err);
	return st == HEFT_OK ? STATUS_DONE : report_error(x->name, &err);
}

static int run(const struct invocation *in)
{
	struct inspection x = { 0 };
	struct heft_error err;
	struct spool spool;
	int status = spool_open(&spool, in->operands[0]);

	if (status != STATUS_DONE)
		return status;
	x.name = spool.name;
	if (heft_open(spool.path, NULL, &x.file, &err) == HEFT_OK) {
		status = inspect(in, &x, spool.path);
		heft_close(x.file);
	} else {
		status = report_error(spool.name, &err);
	}
	free(x.shown);
	free(x.dtypes);
	spool_close(&spool);
	return status;
}

static const char examples[] = "  heft inspect model.safetensors\n"
			       "  heft inspect model.heft 'encoder.*'\n"
			       "  heft inspect --json model.heft | jq '.tensors[].name'\n";

const struct command command_inspect = {
	.name = "inspect",
	.summary = "show what is in a file: tensors, metadata, state",
	.operands = "FILE [PATTERN]",
	.min_operands = 1,
	.max_operands = 2,
	.options = options,
	.options_size = sizeof(struct options),
	.details = "Lists the tensors in the file's order; with PATTERN those whose whole name\n"
		   "matches it, as in '*.bias'; '*' also matches '.' and '/'. On a terminal long\n"
		   "names are shortened in the middle, in a pipe they are not. The data is not\n"
		   "read: use 'heft verify' to check it.\n",
	.examples = examples,
	.run = run,
};
