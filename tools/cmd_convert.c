/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_convert.c - writes a file of weights anew: another format, other names, other dtypes. */
#include "command.h"
#include "heft/convert.h"
#include "memory.h"
#include "nearest.h"
#include "new_file.h"
#include "open_options.h"
#include "print_name.h"
#include "progress_bar.h"
#include "size.h"
#include "spool.h"
#include "tensor_words.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct options {
	const char *to;
	enum heft_dtype dtype;
	struct opt_list dtype_of;
	struct opt_list include;
	struct opt_list exclude;
	struct opt_list rename;
	struct opt_list assume;
	uint32_t compress;
	uint64_t align;
	uint64_t shard;
	const char *into;
	struct opt_list keep;
	bool allow_transpose;
	bool external;
	bool no_graph;
	bool weights_only;
	bool no_metadata;
	bool no_sync;
	bool force;
	bool quiet;
	uint32_t threads;
};

static const char *const compress_names[] = {
	[HEFT_COMPRESS_NONE] = "none",
	[HEFT_COMPRESS_FAST] = "fast",
	[HEFT_COMPRESS_BEST] = "best",
	NULL,
};

static const struct opt options[] = {
	{
		.letter = 't',
		.name = "to",
		.arg = "FORMAT",
		.kind = OPT_TEXT,
		.at = offsetof(struct options, to),
		.help = "write this format (default: by OUT's extension)",
	},
	{
		.letter = 'd',
		.name = "dtype",
		.arg = "DTYPE",
		.kind = OPT_DTYPE,
		.at = offsetof(struct options, dtype),
		.help = "cast floating tensors to DTYPE, as in BF16; integers stay",
	},
	{
		.name = "dtype-of",
		.arg = "GLOB=DTYPE",
		.kind = OPT_LIST,
		.at = offsetof(struct options, dtype_of),
		.help = "cast the tensors that match, of any type; the first such "
			"option that matches counts, and before --dtype",
	},
	{
		.letter = 'i',
		.name = "include",
		.arg = "GLOB",
		.kind = OPT_LIST,
		.at = offsetof(struct options, include),
		.help = "write only tensors that match; may be repeated",
	},
	{
		.letter = 'x',
		.name = "exclude",
		.arg = "GLOB",
		.kind = OPT_LIST,
		.at = offsetof(struct options, exclude),
		.help = "leave out tensors that match; may be repeated",
	},
	{
		.letter = 'r',
		.name = "rename",
		.arg = "FROM=TO",
		.kind = OPT_LIST,
		.at = offsetof(struct options, rename),
		.help = "rename a tensor, or all that match when both sides have one '*'",
	},
	{
		.name = "weights-only",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, weights_only),
		.help = "leave out the tensors of an optimizer and of other state",
	},
	{
		.name = "no-metadata",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, no_metadata),
		.help = "leave out the metadata, where the format cannot hold it",
	},
	{
		.name = "no-graph",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, no_graph),
		.help = "leave out the graph, which needs its tensors as they are",
	},
	{
		.name = "into",
		.arg = "FILE",
		.kind = OPT_TEXT,
		.at = offsetof(struct options, into),
		.help = "write FILE, say an ONNX model, with the weights of IN: each tensor by its "
			"name, else by its shape where only one is left of it",
	},
	{
		.name = "allow-transpose",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, allow_transpose),
		.help = "with --into: take a matrix transposed where it fits only so",
	},
	{
		.name = "keep",
		.arg = "GLOB",
		.kind = OPT_LIST,
		.at = offsetof(struct options, keep),
		.help = "with --into: leave FILE's tensors that match as they are; may be repeated",
	},
	{
		.letter = 'c',
		.name = "compress",
		.arg = "none|fast|best",
		.kind = OPT_CHOICE,
		.at = offsetof(struct options, compress),
		.help = "compress without loss, where the format can; fast if nothing else is said",
		.choices = compress_names,
	},
	{
		.name = "align",
		.arg = "SIZE",
		.kind = OPT_SIZE,
		.at = offsetof(struct options, align),
		.help = "align uncompressed tensors in a heft file: 64 (default) to 2MiB",
	},
	{
		.name = "shard",
		.arg = "SIZE",
		.kind = OPT_SIZE,
		.at = offsetof(struct options, shard),
		.help = "cut a safetensors file into files of at most SIZE bytes of tensors, as in "
			"5GB (which is what a folder takes if nothing is said), and an index",
	},
	{
		.name = "external",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, external),
		.help = "put the tensors of an ONNX model into a file beside, OUT.data",
	},
	OPT_ROW_ASSUME,
	OPT_ROW_NO_SYNC,
	OPT_ROW_FORCE,
	OPT_ROW_THREADS,
	OPT_ROW_QUIET,
	OPT_ROW_END,
};

/* A plan, and the arrays that it points to. */
struct plan_memory {
	const char **patterns; /* includes, then excludes, then those of --keep */
	struct heft_rename *renames;
	struct heft_dtype_rule *rules;
	char **copies; /* texts that were cut at '=' */
	uint32_t n_copies;
};

static void free_plan_memory(struct plan_memory *m)
{
	for (uint32_t i = 0; i < m->n_copies; i++)
		free(m->copies[i]);
	free(m->copies);
	free(m->patterns);
	free(m->renames);
	free(m->rules);
}

/* The part of a text before `end`, kept with the plan. */
static const char *keep_part(struct plan_memory *m, const char *text, const char *end)
{
	char *part = memory_copy_text(text, (size_t)(end - text));

	m->copies[m->n_copies++] = part;
	return part;
}

static void add_patterns(const struct options *o, struct plan_memory *m,
                         struct heft_convert_plan *plan)
{
	m->patterns = memory_new(o->include.n + o->exclude.n + o->keep.n, sizeof *m->patterns);
	for (uint32_t i = 0; i < o->include.n; i++)
		m->patterns[i] = o->include.items[i].value;
	for (uint32_t i = 0; i < o->exclude.n; i++)
		m->patterns[o->include.n + i] = o->exclude.items[i].value;
	for (uint32_t i = 0; i < o->keep.n; i++)
		m->patterns[o->include.n + o->exclude.n + i] = o->keep.items[i].value;
	plan->include = m->patterns;
	plan->n_include = o->include.n;
	plan->exclude = m->patterns + o->include.n;
	plan->n_exclude = o->exclude.n;
	plan->keep = plan->exclude + o->exclude.n;
	plan->n_keep = o->keep.n;
}

static int add_renames(const struct invocation *in, struct plan_memory *m,
                       struct heft_convert_plan *plan)
{
	const struct options *o = in->options;

	m->renames = memory_new(o->rename.n, sizeof *m->renames);
	for (uint32_t i = 0; i < o->rename.n; i++) {
		const char *text = o->rename.items[i].value;
		const char *equals = strchr(text, '=');

		if (!equals)
			return report_usage(in->command,
			                    "--rename: '%s' has no '=': FROM=TO expected", text);
		m->renames[i].from = keep_part(m, text, equals);
		m->renames[i].to = equals + 1;
	}
	plan->renames = m->renames;
	plan->n_renames = o->rename.n;
	return STATUS_DONE;
}

/* A dtype holds no '=', a pattern may. */
static int add_rules(const struct invocation *in, struct plan_memory *m,
                     struct heft_convert_plan *plan)
{
	const struct options *o = in->options;

	m->rules = memory_new(o->dtype_of.n, sizeof *m->rules);
	for (uint32_t i = 0; i < o->dtype_of.n; i++) {
		const char *text = o->dtype_of.items[i].value;
		const char *equals = strrchr(text, '=');

		if (!equals)
			return report_usage(in->command,
			                    "--dtype-of: '%s' has no '=': GLOB=DTYPE expected",
			                    text);
		m->rules[i].pattern = keep_part(m, text, equals);
		m->rules[i].dtype = heft_dtype_from_name(equals + 1);
		if (m->rules[i].dtype == HEFT_DTYPE_NONE)
			return report_usage(in->command, "--dtype-of: '%s' is not a dtype",
			                    equals + 1);
	}
	plan->dtype_rules = m->rules;
	plan->n_dtype_rules = o->dtype_of.n;
	return STATUS_DONE;
}

/* Whether a list of extensions, as in ".pt .pth", has that of `word`. */
static bool has_extension(const char *extensions, const char *word)
{
	const size_t n = strlen(word);

	for (const char *at = extensions; at; at = strchr(at, ' ')) {
		at += strspn(at, " .");
		if (strncmp(at, word, n) == 0 && (at[n] == ' ' || at[n] == '\0'))
			return true;
	}
	return false;
}

static int check_format(const struct invocation *in, const char *format)
{
	struct nearest nearest;
	const char *extensions;
	const char *name;

	nearest_init(&nearest, format);
	for (uint32_t i = 0; (name = heft_format_at(i, &extensions, NULL, NULL)) != NULL; i++) {
		if (strcmp(name, format) == 0)
			return STATUS_DONE;
		if (has_extension(extensions, format))
			return report_usage(in->command, "unknown format '%s'; is '%s' meant?",
			                    format, name);
		nearest_offer(&nearest, name);
	}
	if (nearest.best)
		return report_usage(in->command, "unknown format '%s'; is '%s' meant?", format,
		                    nearest.best);
	return report_usage(in->command, "unknown format '%s'; 'heft --help' lists them", format);
}

static void add_tensor(struct output *out, const struct heft_tensor *t)
{
	print_name_mark(out, t->name);
	print_name(out, t->name);
	output_text(out, "  ");
	tensor_words_dtype(out, t->dtype);
	output_text(out, "  ");
	tensor_words_shape(out, t);
}

/* A line on stderr for each tensor of the model that finds none. */
static void print_unbound(void *user, const struct heft_unbound *u)
{
	struct output out;

	(void)user;
	output_init(&out, STDERR_FILENO);
	add_tensor(&out, &u->tensor);
	output_text(&out, u->n_candidates > 0 ? ": " : ": nothing of its shape is left");
	for (uint32_t i = 0; i < u->n_candidates; i++) {
		output_text(&out, i > 0 ? ", " : "");
		print_name(&out, u->candidates[i].name);
		if (u->candidates[i].dtype != u->tensor.dtype) {
			output_char(&out, ' ');
			tensor_words_dtype(&out, u->candidates[i].dtype);
		}
	}
	output_char(&out, '\n');
	output_flush(&out);
	output_done(&out);
}

static int make_plan(const struct invocation *in, struct plan_memory *m,
                     struct heft_convert_plan *plan)
{
	const struct options *o = in->options;
	const struct heft_write_options write = {
		.compress = (enum heft_compress)o->compress,
		.alignment = (uint32_t)o->align,
		.overwrite = o->force,
		.no_sync = o->no_sync,
		.external_data = o->external,
	};
	int status = o->to ? check_format(in, o->to) : STATUS_DONE;

	if (o->align > UINT32_MAX)
		return report_usage(in->command, "--align: more than 2MiB");
	if (!o->into && (o->allow_transpose || o->keep.n > 0))
		return report_usage(in->command, "--%s is for --into FILE",
		                    o->allow_transpose ? "allow-transpose" : "keep");
	*plan = (struct heft_convert_plan){
		.format = o->to,
		.write = write,
		.float_dtype = o->dtype,
		.shard_size = o->shard,
		.drop_metadata = o->no_metadata,
		.drop_graph = o->no_graph,
		.allow_transpose = o->allow_transpose,
		.unbound = print_unbound,
		.weights_only = o->weights_only,
	};
	m->copies = memory_new(o->rename.n + o->dtype_of.n, sizeof *m->copies);
	add_patterns(o, m, plan);
	if (status == STATUS_DONE)
		status = add_renames(in, m, plan);
	if (status == STATUS_DONE)
		status = add_rules(in, m, plan);
	return status;
}

static void print_counts(struct output *out, const struct heft_convert_report *r)
{
	output_grouped(out, r->n_tensors);
	output_text(out, r->n_tensors == 1 ? " tensor" : " tensors");
	if (r->n_cast > 0)
		output_format(out, ", %" PRIu64 " cast", r->n_cast);
	if (r->n_renamed > 0)
		output_format(out, ", %" PRIu64 " renamed", r->n_renamed);
	output_text(out, ", ");
	output_grouped(out, r->n_bytes);
	output_text(out, " bytes of data");
	/* Of a pipe it is not known. */
	if (r->file_size == 0)
		return;
	output_text(out, " in ");
	output_grouped(out, r->file_size);
	if (r->n_bytes > 0)
		output_format(out, " (%.1f %%)", 100 * (double)r->file_size / (double)r->n_bytes);
	if (r->n_files > 1)
		output_format(out, ", %" PRIu32 " files", r->n_files);
}

static void print_report(const char *path, const struct heft_convert_report *r)
{
	struct output out;

	output_init(&out, STDERR_FILENO);
	print_words(&out, path);
	output_text(&out, ": ");
	print_counts(&out, r);
	if (r->is_restored)
		output_text(&out, ", restored byte for byte");
	output_text(&out, "\nweights digest ");
	output_hex(&out, r->weights_digest, HEFT_DIGEST_SIZE);
	output_char(&out, '\n');
	output_flush(&out);
	output_done(&out);
}

/*
 * What is wrong with the data belongs to the source, and so does a rule that matches nothing in it;
 * everything else belongs to the target. Of a source and a model the library does not say which.
 */
static int report_convert(const struct invocation *in, const char *source,
                          const struct heft_error *err)
{
	const struct options *o = in->options;
	const bool is_rule = err->code == HEFT_E_USAGE && strncmp(err->msg, "--", 2) == 0;
	const bool is_data = report_status(err->code) == STATUS_BAD_DATA;
	struct output both;
	int status;

	if (!is_data || !o->into)
		return report_error(is_rule || is_data ? source : in->operands[1], err);
	output_init(&both, -1);
	output_format(&both, "%s or %s", source, o->into);
	status = report_error(output_string(&both), err);
	output_done(&both);
	return status;
}

/* A reader that went away knows that it did: as with other output, nothing is said. */
static bool has_lost_reader(const char *path)
{
	struct pollfd fd = { .fd = STDOUT_FILENO };

	return strcmp(path, "-") == 0 && poll(&fd, 1, 0) == 1 && (fd.revents & POLLERR);
}

static int convert_open(const struct invocation *in, const char *source, struct heft_file *file,
                        struct heft_convert_plan *plan)
{
	const struct options *o = in->options;
	const char *path = in->operands[1];
	const char *shown = strcmp(path, "-") == 0 ? "standard output" : path;
	struct heft_convert_report report;
	struct progress_bar bar;
	struct heft_error err;
	enum heft_status st;

	plan->run = progress_bar_start(&bar, "convert", source, o->threads);
	st = heft_convert(file, path, plan, &report, &err);
	progress_bar_done(&bar);
	if (st == HEFT_E_IO && has_lost_reader(path))
		return STATUS_SYSTEM;
	if (st != HEFT_OK)
		return report_convert(in, source, &err);
	if (report.note[0])
		report_words("%s: %s", shown, report.note);
	if (!o->quiet)
		print_report(shown, &report);
	return STATUS_DONE;
}

static int convert(const struct invocation *in, const struct spool *spool,
                   const struct open_options *open, struct heft_convert_plan *plan)
{
	const struct options *o = in->options;
	struct heft_file *file;
	struct heft_error err;
	int status;

	if (heft_open(spool->path, &open->options, &file, &err) != HEFT_OK)
		return report_error(spool->name, &err);
	if (o->into && heft_open(o->into, &open->options, &plan->into, &err) != HEFT_OK)
		status = report_error(o->into, &err);
	else
		status = convert_open(in, spool->name, file, plan);
	heft_close(plan->into);
	heft_close(file);
	return status;
}

/* Of standard output, a folder, or shards, the library says which names are taken. */
static bool is_set(const struct invocation *in)
{
	const struct options *o = in->options;
	struct stat st;

	return strcmp(in->operands[1], "-") == 0 || o->shard > 0 ||
	       (stat(in->operands[1], &st) == 0 && S_ISDIR(st.st_mode));
}

static int run(const struct invocation *in)
{
	const struct options *o = in->options;
	struct heft_convert_plan plan;
	struct plan_memory memory = { 0 };
	struct open_options open = { 0 };
	struct spool spool;
	int status;

	if (strcmp(in->operands[1], "-") == 0 && !o->to)
		return report_usage(in->command,
		                    "standard output has no extension: --to FORMAT expected");
	if (strcmp(in->operands[1], "-") == 0 && isatty(STDOUT_FILENO))
		return report_usage(in->command, "standard output is a terminal; redirect it");
	status = make_plan(in, &memory, &plan);
	if (status == STATUS_DONE)
		status = open_options_init(&open, in->command, &o->assume, in->operands[1]);
	if (status == STATUS_DONE && !is_set(in))
		status = new_file_check(in->operands[1], o->force);
	if (status == STATUS_DONE)
		status = spool_open(&spool, in->operands[0]);
	if (status == STATUS_DONE) {
		status = convert(in, &spool, &open, &plan);
		spool_close(&spool);
	}
	open_options_done(&open);
	free_plan_memory(&memory);
	return status;
}

const struct command command_convert = {
	.name = "convert",
	.summary = "write a file of weights in another format, or a part of it",
	.operands = "IN OUT",
	.min_operands = 2,
	.max_operands = 2,
	.options = options,
	.options_size = sizeof(struct options),
	.details =
		"Reads IN, whose format is told by its content, and writes OUT, whose format is\n"
		"told by its extension or --to. OUT appears whole or not at all; an existing one\n"
		"needs -f. '-' is standard input or output. What OUT's format cannot hold is\n"
		"said before anything is written. A heft file gives back the file that it was\n"
		"made from byte for byte.\n"
		"\n"
		"A folder is read as the one file of weights in it, which may be the index of a\n"
		"set of shards. As OUT a folder, there or called so by a '/' at its end, takes\n"
		"such a set, all of it or nothing.\n"
		"\n"
		"The graph of an ONNX model goes into a heft file, and back out of it, as long as\n"
		"the tensors that it names keep their names, dtypes and shapes. --into FILE puts\n"
		"weights into a graph: OUT is FILE, with the bytes of IN's tensors of the same\n"
		"names; --include, --exclude, --rename and --dtype are for those. Of a floating\n"
		"tensor that finds none the candidates are listed, and nothing is written.\n"
		"\n"
		"GLOB is a pattern of the shell for the whole name; '*' also matches '.' and\n"
		"'/'. A pattern that matches nothing is a mistake.\n",
	.examples =
		"  heft convert model.safetensors model.heft\n"
		"  heft convert --compress --dtype BF16 model.safetensors small.heft\n"
		"  heft convert --include 'encoder.*' --rename 'encoder.*=*' a.heft b.safetensors\n"
		"  heft convert --shard 5GB model.heft folder/\n"
		"  heft convert tuned.safetensors --into model.onnx tuned.onnx\n"
		"  heft convert model.heft - --to safetensors | sha256sum\n",
	.run = run,
};
