/* SPDX-License-Identifier: Apache-2.0 */
/* opt.c - parses a command line by a command's table of options. */
#include "opt.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "command.h"
#include "heft/tensor.h"
#include "memory.h"
#include "nearest.h"
#include "report.h"
#include "size.h"

#define MAX_THREADS 1024

struct parser {
	const struct command *command;
	char **words;
	uint32_t n_words;
	uint32_t i; /* the word after the current one */
	uint32_t n_operands;
	char *options;
	bool wants_help;
};

static void *field(const struct parser *p, const struct opt *opt)
{
	return p->options + opt->at;
}

/* A list's room is that of all words: asked for once, never too small. */
static void append(const struct parser *p, const struct opt *opt, const char *value)
{
	struct opt_list *list = field(p, opt);

	if (!list->items)
		list->items = memory_new(p->n_words, sizeof *list->items);
	list->items[list->n++] = (struct opt_item){ .opt = opt, .value = value };
}

static int refuse_value(const struct parser *p, const struct opt *opt, const char *value,
                        const char *want)
{
	return report_usage(p->command, "--%s: '%s' is not %s", opt->name, value, want);
}

static int set_choice(const struct parser *p, const struct opt *opt, const char *value)
{
	char want[128] = "one of";
	size_t n = strlen(want);

	for (uint32_t i = 0; opt->choices[i]; i++) {
		const size_t size = strlen(opt->choices[i]);

		if (strcasecmp(opt->choices[i], value) == 0) {
			*(uint32_t *)field(p, opt) = i;
			return STATUS_DONE;
		}
		if (n + size + 2 < sizeof want) {
			want[n++] = ' ';
			memcpy(want + n, opt->choices[i], size + 1);
			n += size;
		}
	}
	return refuse_value(p, opt, value, want);
}

static int set_count(const struct parser *p, const struct opt *opt, const char *value)
{
	uint64_t count;

	if (!size_parse_count(value, 1, MAX_THREADS, &count))
		return refuse_value(p, opt, value, "a number from 1 to 1024");
	*(uint32_t *)field(p, opt) = (uint32_t)count;
	return STATUS_DONE;
}

/* Zero means a default in the library's options; a user's zero means hardly at all. */
static int set_seconds(const struct parser *p, const struct opt *opt, const char *value)
{
	uint32_t *ms = field(p, opt);

	if (!size_parse_seconds(value, ms))
		return refuse_value(p, opt, value, "a number of seconds");
	if (*ms == 0)
		*ms = 1;
	return STATUS_DONE;
}

static int set_dtype(const struct parser *p, const struct opt *opt, const char *value)
{
	const enum heft_dtype dtype = heft_dtype_from_name(value);

	if (dtype == HEFT_DTYPE_NONE)
		return refuse_value(p, opt, value, "a dtype, as F32, F16, BF16, F8_E4M3 are");
	*(enum heft_dtype *)field(p, opt) = dtype;
	return STATUS_DONE;
}

static int set_value(const struct parser *p, const struct opt *opt, const char *value)
{
	switch (opt->kind) {
	case OPT_FLAG:
		*(bool *)field(p, opt) = true;
		break;
	case OPT_TEXT:
		*(const char **)field(p, opt) = value;
		break;
	case OPT_LIST:
		append(p, opt, value);
		break;
	case OPT_COUNT:
		return set_count(p, opt, value);
	case OPT_SIZE:
		if (!size_parse(value, field(p, opt)))
			return refuse_value(p, opt, value, "a size, as 4096, 64KiB, 5GB are");
		break;
	case OPT_SECONDS:
		return set_seconds(p, opt, value);
	case OPT_DTYPE:
		return set_dtype(p, opt, value);
	case OPT_CHOICE:
		return set_choice(p, opt, value);
	}
	return STATUS_DONE;
}

/* Sets an option that stands alone or with a value, which may be the next word. */
static int take(struct parser *p, const struct opt *opt, const char *value)
{
	if (opt->kind == OPT_FLAG && value)
		return report_usage(p->command, "--%s takes no value", opt->name);
	if (opt->kind == OPT_CHOICE && !value)
		value = opt->choices[1];
	if (opt->kind != OPT_FLAG && !value) {
		if (p->i == p->n_words)
			return report_usage(p->command, "--%s needs a value: --%s %s", opt->name,
			                    opt->name, opt->arg);
		value = p->words[p->i++];
	}
	return set_value(p, opt, value);
}

static int refuse_long(const struct parser *p, const char *name)
{
	struct nearest nearest;

	nearest_init(&nearest, name);
	for (const struct opt *opt = p->command->options; opt->name; opt++)
		nearest_offer(&nearest, opt->name);
	nearest_offer(&nearest, "help");
	if (nearest.best)
		return report_usage(p->command, "unknown option '--%s'; is '--%s' meant?", name,
		                    nearest.best);
	return report_usage(p->command, "unknown option '--%s'", name);
}

static int take_long(struct parser *p, char *word)
{
	const char *value = strchr(word, '=');
	const size_t name_size = value ? (size_t)(value - word) : strlen(word);

	if (value)
		value++;
	if (!value && strcmp(word, "help") == 0) {
		p->wants_help = true;
		return STATUS_DONE;
	}
	for (const struct opt *opt = p->command->options; opt->name; opt++)
		if (strlen(opt->name) == name_size && memcmp(opt->name, word, name_size) == 0)
			return take(p, opt, value);
	word[name_size] = '\0';
	return refuse_long(p, word);
}

static const struct opt *find_letter(const struct parser *p, char letter)
{
	for (const struct opt *opt = p->command->options; opt->name; opt++)
		if (opt->letter && opt->letter == letter)
			return opt;
	return NULL;
}

/* "-fq", "-j4", "-j 4": flags may stand together, a value may follow its letter. */
static int take_letters(struct parser *p, const char *letters)
{
	int status = STATUS_DONE;

	for (; *letters && status == STATUS_DONE; letters++) {
		const struct opt *opt = find_letter(p, *letters);

		if (!opt && *letters == 'h')
			p->wants_help = true;
		else if (!opt)
			return report_usage(p->command, "unknown option '-%c'", *letters);
		else if (opt->kind == OPT_FLAG)
			status = take(p, opt, NULL);
		else
			return take(p, opt, letters[1] ? letters + 1 : NULL);
	}
	return status;
}

/* "--compress best" reads as an operand too many; say what was meant. */
static const struct opt *find_choice(const struct command *command, const char *word)
{
	for (const struct opt *opt = command->options; opt->name; opt++)
		for (uint32_t i = 0; opt->choices && opt->choices[i]; i++)
			if (strcasecmp(opt->choices[i], word) == 0)
				return opt;
	return NULL;
}

static int check_operands(const struct parser *p)
{
	const struct command *command = p->command;

	if (p->n_operands < command->min_operands)
		return report_usage(command, "%s: %s expected",
		                    p->n_operands > 0 ? "too few operands" : "no operand",
		                    command->operands);
	for (uint32_t i = 0; p->n_operands > command->max_operands && i < p->n_operands; i++) {
		const struct opt *opt = find_choice(command, p->words[i]);

		if (opt)
			return report_usage(command, "too many operands; is --%s=%s meant?",
			                    opt->name, p->words[i]);
	}
	if (p->n_operands > command->max_operands)
		return report_usage(command, "'%s' is one operand too many: %s expected",
		                    p->words[command->max_operands], command->operands);
	return STATUS_DONE;
}

int opt_parse(const struct command *command, char **words, uint32_t n_words, void *options,
              uint32_t *n_operands, bool *wants_help)
{
	struct parser p = {
		.command = command, .words = words, .n_words = n_words, .options = options
	};
	bool is_ended = false;
	int status = STATUS_DONE;

	while (p.i < n_words && status == STATUS_DONE && !p.wants_help) {
		char *word = words[p.i++];

		if (is_ended || word[0] != '-' || word[1] == '\0')
			words[p.n_operands++] = word;
		else if (strcmp(word, "--") == 0)
			is_ended = true;
		else if (word[1] == '-')
			status = take_long(&p, word + 2);
		else
			status = take_letters(&p, word + 1);
	}
	if (status == STATUS_DONE && !p.wants_help)
		status = check_operands(&p);
	*n_operands = p.n_operands;
	*wants_help = p.wants_help;
	return status;
}

void opt_done(const struct command *command, void *options)
{
	for (const struct opt *opt = command->options; opt->name; opt++) {
		if (opt->kind != OPT_LIST)
			continue;
		void *at = (char *)options + opt->at;
		struct opt_list *list = at;

		free(list->items);
		*list = (struct opt_list){ 0 };
	}
}
