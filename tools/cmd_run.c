/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_run.c - runs a model on arrays from files, and prints or keeps what it gives. */
#include "command.h"
#include "cpu_option.h"
#include "heft/run.h"
#include "memory.h"
#include "new_file.h"
#include "print_name.h"
#include "run_inputs.h"
#include "run_profile.h"
#include "run_save.h"
#include "run_top.h"
#include "size.h"
#include "spool.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_TOP 5
#define MAX_PROBLEMS 20

struct options {
	struct opt_list input;
	struct opt_list pin;
	struct opt_list keep;
	struct opt_list assume;
	const char *weights;
	const char *out;
	const char *folder;
	const char *labels;
	const char *cpu;
	const char *seed;
	uint64_t max_memory;
	uint32_t top;
	uint32_t profile;
	uint32_t repeat;
	uint32_t threads;
	bool allow_transpose;
	bool json;
	bool no_sync;
	bool force;
	bool quiet;
};

static const char *const profile_names[] = {
	[RUN_PROFILE_NONE] = "none",
	[RUN_PROFILE_OPERATORS] = "operators",
	[RUN_PROFILE_NODES] = "nodes",
	NULL,
};

static const struct opt options[] = {
	{
		.letter = 'i',
		.name = "input",
		.arg = "[NAME=]FILE[:ARRAY]",
		.kind = OPT_LIST,
		.at = offsetof(struct options, input),
		.help = "give the model arrays of a file, as .npy, .npz and .safetensors are: "
			"those called as its inputs are, or the only one for input NAME, or "
			"ARRAY; may be repeated",
	},
	OPT_ROW_PIN,
	{
		.letter = 'w',
		.name = "weights",
		.arg = "FILE",
		.kind = OPT_TEXT,
		.at = offsetof(struct options, weights),
		.help = "run with the weights of FILE, bound as by 'convert --into'",
	},
	{
		.name = "keep",
		.arg = "GLOB",
		.kind = OPT_LIST,
		.at = offsetof(struct options, keep),
		.help = "with --weights: leave the model's tensors that match as they are; may be "
			"repeated",
	},
	{
		.name = "allow-transpose",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, allow_transpose),
		.help = "with --weights: take a matrix transposed where it fits only so",
	},
	{
		.letter = 'o',
		.name = "output",
		.arg = "OUT",
		.kind = OPT_TEXT,
		.at = offsetof(struct options, out),
		.help = "write the outputs to OUT in place of printing them: .npz, .safetensors",
	},
	{
		.letter = 'd',
		.name = "output-dir",
		.arg = "FOLDER",
		.kind = OPT_TEXT,
		.at = offsetof(struct options, folder),
		.help = "write each output to a .npy in FOLDER",
	},
	{
		.letter = 't',
		.name = "top",
		.arg = "N",
		.kind = OPT_COUNT,
		.at = offsetof(struct options, top),
		.help = "print the N classes of the highest scores, as they are, of each row",
	},
	{
		.letter = 'l',
		.name = "labels",
		.arg = "FILE",
		.kind = OPT_TEXT,
		.at = offsetof(struct options, labels),
		.help = "name the classes: FILE has a line for each",
	},
	{
		.name = "json",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, json),
		.help = "print JSON, with all values",
	},
	{
		.name = "profile",
		.arg = "operators|nodes",
		.kind = OPT_CHOICE,
		.at = offsetof(struct options, profile),
		.help = "print what each kind of operator took; or each step, too",
		.choices = profile_names,
	},
	{
		.name = "repeat",
		.arg = "N",
		.kind = OPT_COUNT,
		.at = offsetof(struct options, repeat),
		.help = "run N times and say how long it took",
	},
	{
		.name = "seed",
		.arg = "N",
		.kind = OPT_TEXT,
		.at = offsetof(struct options, seed),
		.help = "draw random numbers from this seed (default: 0)",
	},
	OPT_ROW_CPU,
	OPT_ROW_MAX_MEMORY,
	OPT_ROW_ASSUME,
	OPT_ROW_NO_SYNC,
	OPT_ROW_FORCE,
	OPT_ROW_THREADS,
	OPT_ROW_QUIET,
	OPT_ROW_END,
};

/* A run, from the command line to the outputs. */
struct model_run {
	const struct invocation *in;
	const struct options *o;
	const char *name; /* of the model's file */
	struct open_options open;
	struct heft_file *file;
	struct heft_file *weights;
	struct heft_model *model;
	struct heft_session *session;
	struct heft_session_options session_options;
	struct class_labels labels;
	struct run_inputs pins;
	struct run_inputs inputs;
	const struct heft_value *outputs;
	uint32_t n_outputs;
	uint64_t *nanoseconds;  /* of each run */
	struct output problems; /* the first of them, a line each */
	uint32_t n_problems;
	const char **keep;
};

/* --- options --- */

static int check_options(struct model_run *r)
{
	const struct options *o = r->o;

	r->session_options.n_threads = o->threads;
	r->session_options.max_bytes = o->max_memory;
	if (!o->weights && (o->allow_transpose || o->keep.n > 0))
		return report_usage(r->in->command, "--%s is for --weights FILE",
		                    o->allow_transpose ? "allow-transpose" : "keep");
	if (o->out && o->folder)
		return report_usage(r->in->command, "--output and --output-dir: choose one");
	if ((o->out || o->folder) && (o->top > 0 || o->labels))
		return report_usage(r->in->command,
		                    "--top prints scores: it goes without --output");
	if (o->seed && !size_parse_count(o->seed, 0, UINT64_MAX, &r->session_options.seed))
		return report_usage(r->in->command, "--seed: '%s' is not a number", o->seed);
	if (o->out && run_save_check(o->out) != STATUS_DONE)
		return STATUS_USAGE;
	if (o->out && new_file_check(o->out, o->force) != STATUS_DONE)
		return STATUS_USAGE;
	return cpu_option_read(r->in->command, r->o->cpu, &r->session_options.cpu_mask);
}

/* --- the run --- */

static void keep_problem(void *ctx, const struct heft_problem *problem)
{
	struct model_run *r = ctx;
	struct output *out = &r->problems;

	if (r->n_problems++ >= MAX_PROBLEMS)
		return;
	output_text(out, "  ");
	print_words(out, problem->op);
	output_text(out, *problem->node ? " '" : "");
	print_words(out, problem->node);
	output_text(out, *problem->node ? "': " : ": ");
	print_words(out, problem->reason);
	output_char(out, '\n');
}

/* Of several nodes that cannot be computed each has a line; the error tells the first. */
static int report_model(struct model_run *r, const struct heft_error *err)
{
	struct output out;

	if (r->n_problems > 1) {
		output_init(&out, STDERR_FILENO);
		output_text(&out, output_string(&r->problems));
		if (r->n_problems > MAX_PROBLEMS)
			output_format(&out, "  and %u more\n", r->n_problems - MAX_PROBLEMS);
		output_flush(&out);
		output_done(&out);
	}
	return report_error(r->name, err);
}

static int open_files(struct model_run *r, const char *path)
{
	struct heft_error err;

	if (heft_open(path, &r->open.options, &r->file, &err) != HEFT_OK)
		return report_error(r->name, &err);
	if (r->o->weights &&
	    heft_open(r->o->weights, &r->open.options, &r->weights, &err) != HEFT_OK)
		return report_error(r->o->weights, &err);
	return run_pins_read(&r->pins, r->in, r->file, r->name, &r->o->pin);
}

static int import_model(struct model_run *r)
{
	char note[HEFT_IMPORT_NOTE_SIZE] = "";
	const char **keep = memory_new(r->o->keep.n, sizeof *keep);
	const struct heft_import_options import = { .pins = r->pins.values,
		                                    .n_pins = r->pins.n,
		                                    .weights = r->weights,
		                                    .note = note,
		                                    .keep = keep,
		                                    .n_keep = r->o->keep.n,
		                                    .allow_transpose = r->o->allow_transpose,
		                                    .problem = keep_problem,
		                                    .problem_ctx = r };
	struct heft_error err;

	r->keep = keep;
	for (uint32_t i = 0; i < r->o->keep.n; i++)
		keep[i] = r->o->keep.items[i].value;
	if (heft_model_import(r->file, &import, &r->model, &err) != HEFT_OK)
		return report_model(r, &err);
	if (note[0] && !r->o->quiet)
		report_words("%s: %s", r->o->weights, note);
	return run_inputs_read(&r->inputs, r->in, r->model, &r->o->input, &r->open, r->o->quiet);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The first of several runs plans, packs weights and touches memory: the profile is of the
 * others. */
static enum heft_status run_all(struct model_run *r, struct heft_error *err)
{
	const uint32_t n_runs = r->o->repeat > 0 ? r->o->repeat : 1;
	enum heft_status st = HEFT_OK;

	r->nanoseconds = memory_new(n_runs, sizeof *r->nanoseconds);
	for (uint32_t i = 0; i < n_runs && st == HEFT_OK; i++) {
		const uint64_t start = now();

		if (r->o->profile != RUN_PROFILE_NONE && (i == 1 || n_runs == 1))
			heft_session_set_profile(r->session, true);
		st = heft_session_run(r->session, r->inputs.values, r->inputs.n, &r->outputs,
		                      &r->n_outputs, err);
		r->nanoseconds[i] = now() - start;
	}
	return st;
}

static int compute(struct model_run *r)
{
	struct heft_error err;
	enum heft_status st;

	r->session_options.problem = keep_problem;
	r->session_options.problem_ctx = r;
	st = heft_session_new(r->model, &r->session_options, &r->session, &err);
	if (st == HEFT_OK)
		st = run_all(r, &err);
	return st == HEFT_OK ? STATUS_DONE : report_model(r, &err);
}

/* --- what it gives --- */

static uint32_t n_top(const struct model_run *r)
{
	return r->o->top > 0 ? r->o->top : r->o->labels ? DEFAULT_TOP : 0;
}

static bool shows_top(const struct model_run *r, const struct heft_value *v)
{
	return n_top(r) > 0 && run_top_fits(v);
}

static void print_output(struct model_run *r, const struct heft_value *v)
{
	struct output *out = r->in->out;

	print_name_mark(out, v->name);
	print_name(out, v->name);
	output_format(out, "  %s  ", heft_dtype_name(v->dtype));
	array_print_shape(out, v->rank, v->dims);
	output_char(out, '\n');
	if (shows_top(r, v))
		run_top_print(out, v, n_top(r), &r->labels);
	else
		array_print(out, v);
}

static void print_outputs(struct model_run *r)
{
	for (uint32_t i = 0; i < r->n_outputs; i++) {
		if (i > 0)
			output_char(r->in->out, '\n');
		print_output(r, &r->outputs[i]);
	}
}

static void print_json(struct model_run *r)
{
	struct json_out j;

	json_out_init(&j, r->in->out);
	json_out_begin(&j, '{');
	json_out_key(&j, "outputs");
	json_out_begin(&j, '[');
	for (uint32_t i = 0; i < r->n_outputs; i++) {
		const struct heft_value *v = &r->outputs[i];

		json_out_begin(&j, '{');
		json_out_key(&j, "name");
		json_out_text(&j, v->name);
		json_out_key(&j, "dtype");
		json_out_text(&j, heft_dtype_name(v->dtype));
		json_out_key(&j, "shape");
		array_json_shape(&j, v->rank, v->dims);
		json_out_key(&j, shows_top(r, v) ? "top" : "values");
		if (shows_top(r, v))
			run_top_print_json(&j, v, n_top(r), &r->labels);
		else
			array_print_json(&j, v);
		json_out_end(&j, '}');
	}
	json_out_end(&j, ']');
	if (r->o->profile != RUN_PROFILE_NONE)
		run_profile_print_json(&j, r->session);
	if (r->o->repeat > 0) {
		json_out_key(&j, "nanoseconds");
		json_out_begin(&j, '[');
		for (uint32_t i = 0; i < r->o->repeat; i++)
			json_out_u64(&j, r->nanoseconds[i]);
		json_out_end(&j, ']');
	}
	json_out_end(&j, '}');
}

/* Words on standard error: of what was written, and how long it took. */
static void say_written(const struct model_run *r)
{
	uint64_t n_bytes = 0;

	for (uint32_t i = 0; i < r->n_outputs; i++)
		n_bytes += r->outputs[i].n_bytes;
	if (!r->o->quiet)
		report_words("%s: %u %s, %llu bytes of data", r->o->out ? r->o->out : r->o->folder,
		             r->n_outputs, r->n_outputs == 1 ? "array" : "arrays",
		             (unsigned long long)n_bytes);
}

static int by_value(const void *pa, const void *pb)
{
	const uint64_t a = *(const uint64_t *)pa;
	const uint64_t b = *(const uint64_t *)pb;

	return a < b ? -1 : a > b;
}

static void say_times(const struct model_run *r)
{
	const uint32_t n = r->o->repeat;
	const double first = n > 0 ? (double)r->nanoseconds[0] / 1e6 : 0;

	if (n == 0 || r->o->quiet || r->o->json)
		return;
	if (n == 1) {
		report_words("1 run: %.3f ms", first);
		return;
	}
	qsort(r->nanoseconds + 1, n - 1, sizeof *r->nanoseconds, by_value);
	report_words("%u runs: the first %.3f ms, the fastest other %.3f ms, their median %.3f ms",
	             n, first, (double)r->nanoseconds[1] / 1e6,
	             (double)r->nanoseconds[1 + (n - 1) / 2] / 1e6);
}

/* Strings, sequences and optional values without an element have no file and no text here. */
static int check_outputs(const struct model_run *r)
{
	for (uint32_t i = 0; i < r->n_outputs; i++) {
		if (heft_dtype_describe(r->outputs[i].dtype))
			continue;
		report_words("%s: output '%.80s' is no array of numbers", r->name,
		             r->outputs[i].name);
		return STATUS_BAD_DATA;
	}
	return STATUS_DONE;
}

static int give_outputs(struct model_run *r)
{
	const struct options *o = r->o;
	const struct heft_write_options write = { .overwrite = o->force, .no_sync = o->no_sync };
	int status = check_outputs(r);

	for (uint32_t i = 0; i < r->n_outputs && status == STATUS_DONE; i++)
		if (shows_top(r, &r->outputs[i]))
			status = run_top_check(&r->labels, &r->outputs[i], o->labels);
	if (status != STATUS_DONE)
		return status;
	if (o->out)
		status = run_save_file(o->out, r->outputs, r->n_outputs, &write);
	else if (o->folder)
		status = run_save_folder(o->folder, r->outputs, r->n_outputs, &write);
	else if (!o->json)
		print_outputs(r);
	if (status != STATUS_DONE)
		return status;
	if (o->out || o->folder)
		say_written(r);
	if (o->json)
		print_json(r);
	else if (o->profile != RUN_PROFILE_NONE) {
		output_text(r->in->out, o->out || o->folder ? "" : "\n");
		run_profile_print(r->in->out, r->session, (enum run_profile)o->profile);
	}
	say_times(r);
	return STATUS_DONE;
}

static void done(struct model_run *r)
{
	heft_session_free(r->session);
	heft_model_free(r->model);
	run_inputs_done(&r->inputs);
	run_inputs_done(&r->pins);
	class_labels_done(&r->labels);
	heft_close(r->weights);
	heft_close(r->file);
	open_options_done(&r->open);
	free(r->nanoseconds);
	free(r->keep);
	output_done(&r->problems);
}

static int run(const struct invocation *in)
{
	struct model_run r = { .in = in, .o = in->options };
	struct spool spool;
	int status = check_options(&r);

	if (status != STATUS_DONE)
		return status;
	output_init(&r.problems, -1);
	status = spool_open(&spool, in->operands[0]);
	if (status != STATUS_DONE)
		return status;
	r.name = spool.name;
	status = open_options_init(&r.open, in->command, &r.o->assume, NULL);
	if (status == STATUS_DONE)
		status = class_labels_read(&r.labels, r.o->labels);
	if (status == STATUS_DONE)
		status = open_files(&r, spool.path);
	if (status == STATUS_DONE)
		status = import_model(&r);
	if (status == STATUS_DONE)
		status = compute(&r);
	if (status == STATUS_DONE)
		status = give_outputs(&r);
	done(&r);
	spool_close(&spool);
	return status;
}

static const char examples[] =
	"  heft run resnet18.onnx --input image.npy --top 5 --labels names\n"
	"  heft run model.onnx --input batch.npz -o out.npz\n"
	"  heft run vad.onnx -i input=x.npy -i state=s.npz:h --pin sr=16000\n"
	"  heft run model.heft -w tuned.safetensors -i batch.npz --profile\n";

const struct command command_run = {
	.name = "run",
	.summary = "run a model: an ONNX file, or a heft file that was made of one",
	.operands = "MODEL",
	.min_operands = 1,
	.max_operands = 1,
	.options = options,
	.options_size = sizeof(struct options),
	.details = "The results are the same bits on any number of threads, and on any CPU. The\n"
		   "first dimension is the batch: an array that has all others is a batch of one.\n"
		   "\n"
		   "Each output is printed with its name, dtype and shape, and of many values the\n"
		   "first and last three along each dimension. Scores are printed as the model\n"
		   "gives them: whether they are probabilities is the model's affair.\n"
		   "\n"
		   "Inputs of another dtype or shape than the model declares are refused.\n",
	.examples = examples,
	.run = run,
};
