/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_log.c - tells from what a file of weights was made, and how. */
#include "command.h"
#include "heft/lineage.h"
#include "json_out.h"
#include "log_text.h"
#include "print_name.h"
#include "spool.h"

struct options {
	bool all;
	bool json;
};

static const struct opt options[] = {
	{
		.letter = 'a',
		.name = "all",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, all),
		.help = "print whole recipes, every name and every epoch",
	},
	{
		.name = "json",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, json),
		.help = "print JSON",
	},
	OPT_ROW_END,
};

/* What a file tells; NULL where it tells nothing. */
struct told {
	struct heft_lineage *lineage;
	struct heft_epochs *epochs;
};

static void json_epochs(struct json_out *j, const struct heft_epochs *e)
{
	json_out_begin(j, '{');
	json_out_key(j, "columns");
	json_out_begin(j, '[');
	for (uint32_t k = 0; k < e->n_columns; k++)
		json_out_text(j, e->columns[k]);
	json_out_end(j, ']');
	json_out_key(j, "rows");
	json_out_begin(j, '[');
	for (uint32_t i = 0; i < e->n_rows; i++) {
		json_out_begin(j, '[');
		for (uint32_t k = 0; k < e->n_columns; k++) {
			json_out_real_or_null(j, e->cells[(size_t)i * e->n_columns + k]);
		}
		json_out_end(j, ']');
	}
	json_out_end(j, ']');
	json_out_end(j, '}');
}

/* The lineage stands in it as the file has it: canonical JSON, which was checked. */
static enum heft_status print_json(struct output *out, const char *name, const struct told *told,
                                   struct heft_error *err)
{
	const char *text = "null";
	struct json_out j;

	if (told->lineage) {
		const enum heft_status st = heft_lineage_text(told->lineage, &text, err);

		if (st != HEFT_OK)
			return st;
	}
	json_out_init(&j, out);
	json_out_begin(&j, '{');
	json_out_key(&j, "file");
	json_out_text(&j, name);
	json_out_key(&j, "lineage");
	json_out_raw(&j, text);
	json_out_key(&j, "run");
	if (told->epochs)
		json_epochs(&j, told->epochs);
	else
		json_out_text(&j, NULL);
	json_out_end(&j, '}');
	return HEFT_OK;
}

static void print_text(struct output *out, const char *name, const struct told *told, bool is_all)
{
	print_words(out, name);
	if (!told->lineage) {
		output_text(out, ": no lineage\n");
		return;
	}
	const uint32_t n = heft_lineage_n_steps(told->lineage);

	output_format(out, ": %u %s\n", (unsigned)n, n == 1 ? "step" : "steps, the oldest first");
	log_print_steps(out, told->lineage, is_all);
	if (told->epochs)
		log_print_epochs(out, told->epochs, is_all);
}

static enum heft_status read_told(struct heft_file *file, struct told *told, struct heft_error *err)
{
	enum heft_status st = heft_lineage_read(file, &told->lineage, err);

	if (st != HEFT_OK)
		return st == HEFT_E_NOT_FOUND ? HEFT_OK : st;
	st = heft_epochs_read(file, &told->epochs, err);
	return st == HEFT_E_NOT_FOUND ? HEFT_OK : st;
}

static enum heft_status log_file(const struct invocation *in, const char *name,
                                 struct heft_file *file, struct heft_error *err)
{
	const struct options *o = in->options;
	struct told told = { 0 };
	enum heft_status st = read_told(file, &told, err);

	if (st == HEFT_OK && o->json)
		st = print_json(in->out, name, &told, err);
	else if (st == HEFT_OK)
		print_text(in->out, name, &told, o->all);
	heft_epochs_free(told.epochs);
	heft_lineage_free(told.lineage);
	return st;
}

static int run(const struct invocation *in)
{
	struct heft_file *file;
	struct heft_error err;
	enum heft_status st;
	struct spool spool;
	int status = spool_open(&spool, in->operands[0]);

	if (status != STATUS_DONE)
		return status;
	st = heft_open(spool.path, NULL, &file, &err);
	if (st == HEFT_OK) {
		st = log_file(in, spool.name, file, &err);
		heft_close(file);
	}
	if (st != HEFT_OK)
		status = report_error(spool.name, &err);
	spool_close(&spool);
	return status;
}

const struct command command_log = {
	.name = "log",
	.summary = "tell from what a file was made, and how its training went",
	.operands = "FILE",
	.min_operands = 1,
	.max_operands = 1,
	.options = options,
	.options_size = sizeof(struct options),
	.details =
		"A heft file that heft trained, gave first values or a new last layer tells so:\n"
		"each step with the digest of the weights it began from, its data, its recipe,\n"
		"and the digest of the weights it gave. Of a recipe what is not usual is told,\n"
		"with --all everything. 'heft verify' checks that it agrees with the weights.\n"
		"\n"
		"Of another file it is said that it has no lineage; that is no mistake.\n",
	.examples = "  heft log tuned.heft\n"
		    "  heft log --json tuned.heft | jq .lineage.steps[-1].metrics\n",
	.run = run,
};
