/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_tune.c - trains a model on data and writes the result with its lineage. */
#include "command.h"
#include "cpu_option.h"
#include "heft/tune.h"
#include "interrupt.h"
#include "new_file.h"
#include "recipe_options.h"
#include "spool.h"
#include "train_inputs.h"
#include "tune_plan.h"
#include "tune_show.h"

struct options {
	struct opt_list recipe;
	struct opt_list group;
	struct opt_list input;
	struct opt_list pin;
	struct opt_list assume;
	const char *data;
	const char *val;
	const char *output;
	const char *config;
	const char *target;
	const char *cpu;
	const char *checkpoint;
	const char *resume;
	uint64_t max_memory;
	uint32_t threads;
	bool print_config;
	bool dry_run;
	bool json;
	bool quiet;
	bool force;
	bool no_sync;
};

#define ROW(word, form, member, text)                                \
	{                                                            \
		.name = word, .arg = form, .kind = OPT_TEXT,         \
		.at = offsetof(struct options, member), .help = text \
	}
#define ROW_FLAG(word, member, text)                                                    \
	{                                                                               \
		.name = word, .kind = OPT_FLAG, .at = offsetof(struct options, member), \
		.help = text                                                            \
	}
#define ROW_KEY(key, form, text)                                     \
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
		.help = "samples to train with: npz, safetensors, a folder of npy, IDX or CSV",
	},
	ROW("val", "DATA", val, "samples to validate with, which are not trained with"),
	{
		.letter = 'o',
		.name = "output",
		.arg = "OUT",
		.kind = OPT_TEXT,
		.at = offsetof(struct options, output),
		.help = "write the result to OUT; a heft file tells what it was made from",
	},
	ROW("config", "FILE", config, "read the recipe from JSON in FILE; options change it"),
	ROW_FLAG("print-config", print_config, "print the recipe as JSON, and do nothing else"),
	ROW_FLAG("dry-run", dry_run, "say what would be done, and train nothing"),
	OPT_ROW_INPUT_ARRAY,
	OPT_ROW_TARGET,
	ROW_KEY("loss", "NAME", "cross_entropy, bce, mse, l1 or huber (default: by the targets)"),
	ROW_KEY("class-weights", "LIST", "a weight for each class, between commas"),
	ROW_KEY("label-smoothing", "SHARE", "share of a target that all classes divide"),
	ROW_KEY("ignore-index", "CLASS", "targets of this class do not count"),
	ROW_KEY("pos-weight", "LIST", "of bce: a weight of positive answers, one or one each"),
	ROW_KEY("huber-delta", "REAL", "where huber becomes linear (default: 1)"),
	ROW_KEY("optimizer", "NAME", "sgd, adam, adamw or amsgrad (default: adamw)"),
	ROW_KEY("lr", "RATE", "learning rate (default: sgd 0.01, others 0.001)"),
	ROW_KEY("momentum", "SHARE", "of sgd"),
	ROW_KEY("dampening", "SHARE", "of sgd's momentum"),
	ROW_KEY("nesterov", "true|false", "Nesterov's momentum, of sgd"),
	ROW_KEY("beta1", "SHARE", "of Adam's mean (default: 0.9)"),
	ROW_KEY("beta2", "SHARE", "of Adam's mean of squares (default: 0.999)"),
	ROW_KEY("epsilon", "REAL", "added to Adam's divisor (default: 1e-8)"),
	ROW_KEY("weight-decay", "REAL", "of weights (default: adamw 0.01, others 0)"),
	ROW_KEY("decay-all", "true|false", "decay biases and norms as well"),
	ROW_KEY("schedule", "NAME", "constant, step, exponential, cosine or linear"),
	ROW_KEY("warmup", "STEPS", "steps in which the rate grows to what it is"),
	ROW_KEY("step-size", "EPOCHS", "of schedule step: epochs from one to the next"),
	ROW_KEY("gamma", "FACTOR", "of schedules step and exponential"),
	ROW_KEY("min-lr", "RATE", "of schedules cosine and linear: the rate at the end"),
	ROW_KEY("clip-norm", "REAL", "greatest norm of all gradients"),
	ROW_KEY("clip-value", "REAL", "greatest size of a gradient's element"),
	ROW_KEY("epochs", "N", "how often the data is gone through (default: 10)"),
	ROW_KEY("batch", "N", "samples of a step (default: 32)"),
	ROW_KEY("micro-batch", "N", "samples at a time, whose gradients are added"),
	ROW_KEY("seed", "N", "of everything that is drawn (default: 0)"),
	ROW_KEY("split", "SHARE", "share of the data that is kept for validation"),
	ROW_KEY("patience", "EPOCHS", "stop after EPOCHS without a better one"),
	ROW_KEY("monitor", "NAME",
	        "what makes an epoch the best: train_loss, val_loss, val_accuracy, ..."),
	ROW_KEY("keep", "best|last", "the epoch whose weights are written (default: best)"),
	ROW_KEY("freeze", "GLOB", "tensors that stay as they are; may be repeated"),
	ROW_KEY("train", "GLOB", "tensors that alone are trained; may be repeated"),
	{
		.name = "group",
		.arg = "GLOB:lr=R,decay=R",
		.kind = OPT_LIST,
		.at = offsetof(struct options, group),
		.help = "tensors with a rate or a decay of their own; may be repeated",
	},
	ROW_KEY("head", "N", "put a new last layer for N classes"),
	ROW_KEY("head-init", "he|xavier|zero", "its first weights (default: he)"),
	ROW_KEY("skip-nonfinite", "true|false",
	        "leave out a step whose gradients are not finite, and go on"),
	ROW_KEY("normalize", "HOW", "'mean=M,...;std=S,...;scale=X' of the channels of an input"),
	ROW_KEY("dropout", "true|false", "whether the model's dropout drops (default: true)"),
	ROW_KEY("checkpoint-every", "N UNIT", "'100 steps', '1 epoch' or '10 minutes'"),
	ROW("checkpoint", "PATH", checkpoint, "write checkpoints to PATH (default: OUT.ckpt)"),
	ROW("resume", "PATH", resume, "go on from the checkpoint PATH"),
	OPT_ROW_PIN,
	ROW_FLAG("json", json, "print JSON, an object a line"),
	OPT_ROW_CPU,
	OPT_ROW_MAX_MEMORY,
	OPT_ROW_ASSUME,
	OPT_ROW_FORCE,
	OPT_ROW_QUIET,
	OPT_ROW_NO_SYNC,
	OPT_ROW_THREADS,
	OPT_ROW_END,
};

struct tuning {
	const struct invocation *in;
	const struct options *o;
	const char *name; /* of the model's file */
	struct train_inputs inputs;
	struct heft_recipe *recipe;
	struct tune_show show;
};

static int set_recipe(struct tuning *t)
{
	struct heft_error err;
	int status;

	if (heft_recipe_new(&t->recipe, &err) != HEFT_OK)
		return report_error(t->in->command->name, &err);
	status = t->o->config ? tune_config_read(t->recipe, t->o->config) : STATUS_DONE;
	if (status == STATUS_DONE)
		status = recipe_options_set(t->recipe, t->in->command, &t->o->recipe);
	for (uint32_t i = 0; i < t->o->group.n && status == STATUS_DONE; i++) {
		if (heft_recipe_set(t->recipe, "groups", t->o->group.items[i].value, &err) !=
		    HEFT_OK)
			status = report_usage(t->in->command, "--group: %s", err.msg);
	}
	if (status == STATUS_DONE && heft_recipe_check(t->recipe, &err) != HEFT_OK)
		status = report_usage(t->in->command, "%s", err.msg);
	return status;
}

static int open_all(struct tuning *t, const char *path)
{
	const struct options *o = t->o;
	const struct train_words words = {
		.path = path,
		.name = t->name,
		.data = o->data,
		.val = o->val,
		.target = o->target,
		.input = &o->input,
		.pin = &o->pin,
		.assume = &o->assume,
	};

	return train_inputs_open(&t->inputs, t->in, &words);
}

/* What is wrong belongs to the model, the data or the target: the sentence says what. */
static int report_failure(struct tuning *t, const struct heft_tune_report *r,
                          const struct heft_error *err)
{
	tune_show_wipe(&t->show);
	if (r->has_checkpoint && !t->o->quiet) {
		if (t->o->checkpoint)
			report_words("a checkpoint is in %s: --resume goes on from it",
			             t->o->checkpoint);
		else
			report_words("a checkpoint is in %s.ckpt: --resume goes on from it",
			             t->o->output);
	}
	return report_error(t->name, err);
}

static int tune(struct tuning *t)
{
	const struct options *o = t->o;
	struct heft_tune_options how = {
		.trainer = {
			.n_threads = o->threads,
			.max_bytes = o->max_memory,
		},
		.target = {
			.write = { .overwrite = o->force, .no_sync = o->no_sync },
			.run = { .n_threads = o->threads },
		},
		.checkpoint = o->checkpoint,
		.resume = o->resume,
		.dry_run = o->dry_run,
	};
	struct heft_tune_report report;
	struct heft_error err;
	int status = cpu_option_read(t->in->command, o->cpu, &how.trainer.cpu_mask);

	if (status != STATUS_DONE)
		return status;
	train_inputs_set(&t->inputs, &how.trainer);
	interrupt_watch();
	how.calls = o->dry_run ? tune_plan_calls(t->in->out) : tune_show_calls(&t->show);
	if (heft_tune(t->inputs.model, o->output ? o->output : "dry-run.heft", t->recipe,
	              t->inputs.train, t->inputs.val, &how, &report, &err) != HEFT_OK)
		return report_failure(t, &report, &err);
	if (!o->dry_run)
		tune_show_end(&t->show, o->output, &report);
	return STATUS_DONE;
}

static int check(const struct invocation *in)
{
	const struct options *o = in->options;

	if (in->n_operands == 0)
		return report_usage(in->command, "MODEL is needed");
	if (!o->data)
		return report_usage(in->command, "--data DATA is needed");
	if (o->dry_run)
		return STATUS_DONE;
	if (!o->output)
		return report_usage(in->command, "--output OUT is needed");
	return new_file_check(o->output, o->force);
}

static int run_model(struct tuning *t)
{
	struct spool spool;
	int status = check(t->in);

	if (status == STATUS_DONE)
		status = spool_open(&spool, t->in->operands[0]);
	if (status != STATUS_DONE)
		return status;
	t->name = spool.name;
	status = open_all(t, spool.path);
	if (status == STATUS_DONE)
		status = tune(t);
	spool_close(&spool);
	return status;
}

static int run(const struct invocation *in)
{
	const struct options *o = in->options;
	struct tuning t = { .in = in, .o = o };
	int status;

	t.show = (struct tune_show){ .out = o->json ? in->out : NULL, .is_quiet = o->quiet };
	status = set_recipe(&t);
	if (status == STATUS_DONE)
		status = o->print_config ? tune_config_print(t.recipe, in->out) : run_model(&t);
	heft_recipe_free(t.recipe);
	train_inputs_done(&t.inputs);
	return status;
}

static const char examples[] =
	"  heft tune model.onnx --data train.npz --val test.npz -o tuned.heft\n"
	"  heft tune model.onnx --data digits.npz --split 0.2 --head 10 --freeze 'conv*' \\\n"
	"      --optimizer adam --lr 1e-3 --epochs 20 --patience 3 -o tuned.heft\n"
	"  heft tune --print-config --optimizer sgd > recipe.json\n";

const struct command command_tune = {
	.name = "tune",
	.summary = "train a model on data, and write the result with its lineage",
	.operands = "MODEL",
	.min_operands = 0,
	.max_operands = 1,
	.options = options,
	.options_size = sizeof(struct options),
	.details =
		"Arrays of the data feed the inputs that are called as they are; the target is\n"
		"y, label or target, or the array that is left over. A Softmax at the end is\n"
		"left out for the loss, and stays in the model.\n"
		"\n"
		"The same model, data and recipe give the same bits, with any number of threads,\n"
		"on any CPU, and whether the run was stopped and resumed or not. OUT tells what\n"
		"it was made from ('heft log').\n"
		"\n"
		"Ctrl-C ends the step, writes a checkpoint and exits with 130; --resume goes on\n"
		"from it. Checkpoints are written as --checkpoint-every says, else each minute\n"
		"at the end of an epoch; the file is removed when OUT is written.\n",
	.examples = examples,
	.run = run,
};
