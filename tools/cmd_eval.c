/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_eval.c - says how well a model does on data: loss, metrics, classes, confusion. */
#include "command.h"
#include "cpu_option.h"
#include "eval_print.h"
#include "heft/lineage.h"
#include "memory.h"
#include "recipe_options.h"
#include "spool.h"
#include "train_inputs.h"

#include <string.h>

struct options {
	struct opt_list recipe;
	struct opt_list input;
	struct opt_list pin;
	struct opt_list assume;
	const char *data;
	const char *target;
	const char *cpu;
	uint64_t max_memory;
	uint32_t threads;
	bool json;
	bool quiet;
};

#define ROW_RECIPE(key, form, text)                                  \
	{                                                            \
		.name = key, .arg = form, .kind = OPT_LIST,          \
		.at = offsetof(struct options, recipe), .help = text \
	}

static const struct opt options[] = {
	{
		.letter = 'd',
		.name = "data",
		.arg = "DATA",
		.kind = OPT_TEXT,
		.at = offsetof(struct options, data),
		.help = "the samples: npz, safetensors, a folder of npy, IDX or CSV",
	},
	OPT_ROW_INPUT_ARRAY,
	OPT_ROW_TARGET,
	ROW_RECIPE("loss", "NAME",
	           "cross_entropy, bce, mse, l1 or huber (default: as it was trained, or by the "
	           "target)"),
	ROW_RECIPE("class-weights", "LIST", "a weight for each class, between commas"),
	ROW_RECIPE("pos-weight", "LIST", "of bce: a weight of positive answers, one or one each"),
	ROW_RECIPE("label-smoothing", "REAL", "of cross_entropy"),
	ROW_RECIPE("ignore-index", "N", "of cross_entropy: targets of this class do not count"),
	ROW_RECIPE("huber-delta", "REAL", "of huber"),
	ROW_RECIPE("normalize", "HOW",
	           "'mean=M,...;std=S,...;scale=X' of the channels of an input"),
	ROW_RECIPE("batch", "N", "run N samples at a time (default: 32)"),
	OPT_ROW_PIN,
	{
		.name = "json",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, json),
		.help = "print JSON",
	},
	OPT_ROW_CPU,
	OPT_ROW_MAX_MEMORY,
	OPT_ROW_ASSUME,
	OPT_ROW_THREADS,
	OPT_ROW_QUIET,
	OPT_ROW_END,
};

struct evaluation {
	const struct invocation *in;
	const struct options *o;
	const char *name; /* of the model's file */
	struct train_inputs inputs;
	struct heft_recipe *recipe;
	struct heft_evaluated *result;
};

/* A model that heft trained is evaluated as it was trained: with its loss, and its inputs
 * normalised as they were then. */
static enum heft_status take_lineage(struct evaluation *e, struct heft_error *err)
{
	struct heft_lineage *lineage;
	struct heft_lineage_step step;
	enum heft_status st = heft_lineage_read(e->inputs.model, &lineage, err);

	if (st != HEFT_OK)
		return st == HEFT_E_NOT_FOUND ? HEFT_OK : st;
	if (heft_lineage_n_steps(lineage) > 0) {
		st = heft_lineage_step_at(lineage, heft_lineage_n_steps(lineage) - 1, &step, err);
		if (st == HEFT_OK && step.kind == HEFT_LINEAGE_TUNE)
			st = heft_recipe_parse(e->recipe, step.recipe, strlen(step.recipe), err);
	}
	heft_lineage_free(lineage);
	return st;
}

static int set_recipe(struct evaluation *e)
{
	struct heft_error err;
	int status;

	if (heft_recipe_new(&e->recipe, &err) != HEFT_OK || take_lineage(e, &err) != HEFT_OK)
		return report_error(e->name, &err);
	status = recipe_options_set(e->recipe, e->in->command, &e->o->recipe);
	for (uint32_t i = 0; i < e->o->recipe.n && status == STATUS_DONE; i++) {
		if (strcmp(e->o->recipe.items[i].opt->name, "batch") == 0 &&
		    heft_recipe_set(e->recipe, "micro_batch", "0", &err) != HEFT_OK)
			status = report_error(e->name, &err);
	}
	return status;
}

static int open_all(struct evaluation *e, const char *path)
{
	const struct options *o = e->o;
	const struct train_words words = {
		.path = path,
		.name = e->name,
		.data = o->data,
		.target = o->target,
		.input = &o->input,
		.pin = &o->pin,
		.assume = &o->assume,
	};
	const int status = train_inputs_open(&e->inputs, e->in, &words);

	return status == STATUS_DONE ? set_recipe(e) : status;
}

static int evaluate(struct evaluation *e)
{
	struct heft_trainer_options how = {
		.n_threads = e->o->threads,
		.max_bytes = e->o->max_memory,
	};
	struct heft_error err;
	int status = cpu_option_read(e->in->command, e->o->cpu, &how.cpu_mask);

	if (status != STATUS_DONE)
		return status;
	train_inputs_set(&e->inputs, &how);
	if (heft_evaluate(e->inputs.model, e->recipe, e->inputs.train, &how, &e->result, &err) !=
	    HEFT_OK)
		return report_error(e->name, &err);
	for (uint32_t i = 0; !e->o->quiet && heft_evaluated_note(e->result, i) != NULL; i++)
		report_words("%s", heft_evaluated_note(e->result, i));
	return STATUS_DONE;
}

static void print(const struct evaluation *e)
{
	struct eval_names names = { .model = e->name, .data = e->o->data };

	names.classes = heft_dataset_class_names(e->inputs.train, &names.n_classes);
	if (e->o->json)
		eval_print_json(e->in->out, e->result, &names);
	else
		eval_print(e->in->out, e->result, &names);
}

static void done(struct evaluation *e)
{
	heft_evaluated_free(e->result);
	heft_recipe_free(e->recipe);
	train_inputs_done(&e->inputs);
}

static int run(const struct invocation *in)
{
	struct evaluation e = { .in = in, .o = in->options };
	struct spool spool;
	int status;

	if (!e.o->data)
		return report_usage(in->command, "--data DATA is needed");
	status = spool_open(&spool, in->operands[0]);
	if (status != STATUS_DONE)
		return status;
	e.name = spool.name;
	status = open_all(&e, spool.path);
	if (status == STATUS_DONE)
		status = evaluate(&e);
	if (status == STATUS_DONE)
		print(&e);
	done(&e);
	spool_close(&spool);
	return status;
}

static const char examples[] = "  heft eval tuned.heft --data test.npz\n"
			       "  heft eval model.onnx --data fashion/t10k --json | jq .metrics\n";

const struct command command_eval = {
	.name = "eval",
	.summary = "say how well a model does on data: loss, metrics, confusion",
	.operands = "MODEL",
	.min_operands = 1,
	.max_operands = 1,
	.options = options,
	.options_size = sizeof(struct options),
	.details = "Arrays of the data feed the inputs that are called as they are; the target is\n"
		   "y, label or target, or the array that is left over. A model that 'heft tune'\n"
		   "wrote is evaluated with the loss and the normalisation that it was trained\n"
		   "with, unless options say otherwise.\n"
		   "\n"
		   "Of classes, precision, recall and F1 of each are printed, and of at most 20\n"
		   "how often each was taken for which, where the lines fit the terminal.\n",
	.examples = examples,
	.run = run,
};
