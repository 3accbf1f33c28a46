/* SPDX-License-Identifier: Apache-2.0 */
/* run_pins.c - a value on the command line, as "16000", "true" or "[[1, 2], [3, 4]]", becomes an
 * array of the dtype that the model declares. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "heft/graph.h"
#include "memory.h"
#include "nearest.h"
#include "run_inputs.h"

/* Numbers in brackets, in the making. */
struct pin_parser {
	const char *at;
	enum heft_dtype dtype;
	uint8_t *bytes;
	size_t n_bytes;
	uint32_t rank;
	bool is_ranked;
	bool has_dim[HEFT_VALUE_MAX_RANK];
	uint64_t dims[HEFT_VALUE_MAX_RANK];
};

static void skip_blanks(struct pin_parser *p)
{
	while (*p->at == ' ')
		p->at++;
}

static bool is_end(char c)
{
	return c == '\0' || c == ',' || c == ']' || c == ' ';
}

static void add_element(struct pin_parser *p, enum heft_dtype from, const void *value)
{
	const size_t size = heft_dtype_describe(p->dtype)->n_bytes;

	p->bytes = memory_resize(p->bytes, p->n_bytes + size, 1);
	heft_cast_elements(p->dtype, p->bytes + p->n_bytes, from, value, 1, NULL);
	p->n_bytes += size;
}

static bool parse_word(struct pin_parser *p, const char *word)
{
	const size_t n = strlen(word);
	const uint8_t value = strcmp(word, "true") == 0;

	if (strncasecmp(p->at, word, n) != 0 || !is_end(p->at[n]) || p->dtype != HEFT_DTYPE_BOOL)
		return false;
	add_element(p, HEFT_DTYPE_BOOL, &value);
	p->at += n;
	return true;
}

/* An integer must be one, and within the dtype. */
static bool parse_integer(struct pin_parser *p)
{
	char *end;
	int64_t value;
	int64_t back;
	uint8_t element[8];

	errno = 0;
	value = strtoll(p->at, &end, 10);
	if (end == p->at || !is_end(*end) || errno != 0)
		return false;
	heft_cast_elements(p->dtype, element, HEFT_DTYPE_I64, &value, 1, NULL);
	heft_cast_elements(HEFT_DTYPE_I64, &back, p->dtype, element, 1, NULL);
	if (back != value)
		return false;
	add_element(p, HEFT_DTYPE_I64, &value);
	p->at = end;
	return true;
}

static bool parse_number(struct pin_parser *p)
{
	const struct heft_dtype_info *info = heft_dtype_describe(p->dtype);
	double value;
	char *end;

	if (parse_word(p, "true") || parse_word(p, "false"))
		return true;
	if (info->is_integer || p->dtype == HEFT_DTYPE_BOOL)
		return parse_integer(p);
	value = strtod(p->at, &end);
	if (end == p->at || !is_end(*end))
		return false;
	add_element(p, HEFT_DTYPE_F64, &value);
	p->at = end;
	return true;
}

/* What is `depth` brackets deep; every list there has as many items as the first one. */
static bool parse_items(struct pin_parser *p, uint32_t depth)
{
	uint64_t n = 0;

	skip_blanks(p);
	if (*p->at != '[') {
		if (p->is_ranked && depth != p->rank)
			return false;
		p->is_ranked = true;
		p->rank = depth;
		return parse_number(p);
	}
	if (depth == HEFT_VALUE_MAX_RANK || (p->is_ranked && depth >= p->rank))
		return false;
	p->at++;
	skip_blanks(p);
	for (; *p->at != ']'; n++) {
		if (n > 0 && *p->at++ != ',')
			return false;
		if (!parse_items(p, depth + 1))
			return false;
		skip_blanks(p);
	}
	p->at++;
	if (n == 0 && !p->is_ranked) {
		p->is_ranked = true;
		p->rank = depth + 1;
	}
	if (p->has_dim[depth] && p->dims[depth] != n)
		return false;
	p->has_dim[depth] = true;
	p->dims[depth] = n;
	return true;
}

/* A number alone fills an input of one element, whatever its rank. */
static void take_rank(struct pin_parser *p, const struct heft_graph_value *declared)
{
	if (p->rank > 0 || !declared->has_shape || declared->rank > HEFT_VALUE_MAX_RANK)
		return;
	for (uint32_t d = 0; d < declared->rank; d++)
		p->dims[d] = 1;
	p->rank = declared->rank;
}

/* --- the input that it is for --- */

static int refuse_name(const struct invocation *in, const char *spec, struct nearest *nearest)
{
	if (nearest->best)
		return report_usage(in->command, "--pin %s: no input of that name; is '%s' meant?",
		                    spec, nearest->best);
	return report_usage(in->command, "--pin %s: no input of that name", spec);
}

static int find_declared(const struct invocation *in, const struct heft_graph_list *list,
                         const char *spec, size_t name_size, struct heft_graph_value *declared)
{
	struct heft_graph_part part = { .n_inputs = 0 };
	struct nearest nearest;
	char *name = memory_copy_text(spec, name_size);
	int status = STATUS_USAGE;

	nearest_init(&nearest, name);
	if (heft_graph_list_part(list, 0, &part, NULL) != HEFT_OK)
		part.n_inputs = 0;
	for (uint32_t k = 0; status != STATUS_DONE && k < part.n_inputs; k++) {
		if (heft_graph_list_part_input(list, 0, k, declared, NULL) != HEFT_OK)
			continue;
		nearest_offer(&nearest, declared->name);
		if (strcmp(declared->name, name) == 0)
			status = STATUS_DONE;
	}
	if (status != STATUS_DONE)
		status = refuse_name(in, spec, &nearest);
	free(name);
	return status;
}

/* The name is kept behind the elements. */
static void add_pin(struct run_inputs *pins, struct pin_parser *p, const char *name)
{
	const uint32_t i = pins->n;
	const size_t name_size = strlen(name) + 1;
	struct heft_value *v;

	pins->values = memory_resize(pins->values, i + 1, sizeof *pins->values);
	pins->bytes = memory_resize(pins->bytes, i + 1, sizeof *pins->bytes);
	p->bytes = memory_resize(p->bytes, p->n_bytes + name_size, 1);
	memcpy(p->bytes + p->n_bytes, name, name_size);
	pins->bytes[i] = p->bytes;
	v = &pins->values[i];
	*v = (struct heft_value){ .name = (const char *)p->bytes + p->n_bytes,
		                  .dtype = p->dtype,
		                  .rank = p->rank,
		                  .bytes = p->bytes,
		                  .n_bytes = p->n_bytes };
	memcpy(v->dims, p->dims, sizeof v->dims);
	pins->n = i + 1;
}

static int read_pin(struct run_inputs *pins, const struct invocation *in,
                    const struct heft_graph_list *list, const char *spec)
{
	const char *equals = strrchr(spec, '=');
	struct heft_graph_value declared;
	struct pin_parser p = { .at = equals ? equals + 1 : spec };
	const struct heft_dtype_info *info;
	int status;

	if (!equals)
		return report_usage(in->command, "--pin: '%s' has no '=': NAME=VALUE expected",
		                    spec);
	status = find_declared(in, list, spec, (size_t)(equals - spec), &declared);
	if (status != STATUS_DONE)
		return status;
	info = heft_dtype_describe(declared.dtype);
	if (!info || info->n_elements > 1 || info->is_complex || info->is_block)
		return report_usage(in->command, "--pin %s: no value of type '%s' can be given",
		                    spec, declared.type);
	p.dtype = declared.dtype;
	if (!parse_items(&p, 0) || *p.at != '\0') {
		free(p.bytes);
		return report_usage(in->command, "--pin %s: not a number, or list of them, of %s",
		                    spec, declared.type);
	}
	take_rank(&p, &declared);
	add_pin(pins, &p, declared.name);
	return STATUS_DONE;
}

int run_pins_read(struct run_inputs *pins, const struct invocation *in, struct heft_file *model,
                  const char *path, const struct opt_list *specs)
{
	struct heft_graph_list *list;
	struct heft_error err;
	int status = STATUS_DONE;

	if (specs->n == 0)
		return STATUS_DONE;
	if (heft_graph_list_open(model, &list, &err) != HEFT_OK)
		return report_error(path, &err);
	for (uint32_t i = 0; i < specs->n && status == STATUS_DONE; i++)
		status = read_pin(pins, in, list, specs->items[i].value);
	heft_graph_list_close(list);
	return status;
}
