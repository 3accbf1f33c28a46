/* SPDX-License-Identifier: Apache-2.0 */
/* regex.c - a regular expression becomes a program. What a part of it becomes has no outside, its
 * jumps are counted from where they stand, so it can be moved and repeated as it is. */
#include "graph/regex.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "graph/code_points.h"

#define MAX_STEPS 20000u
#define MAX_RANGES 20000u
#define MAX_DEPTH 200u
#define MAX_REPEAT 1000u /* RE2's too */
#define NO_END UINT32_MAX

struct parser {
	struct heft_regex *r;
	const char *at;
	const char *end;
	unsigned depth;
	struct heft_error *err;
};

static enum heft_status parse_any(struct parser *p);

/* --- the program --- */

static uint32_t n_steps(const struct parser *p)
{
	return (uint32_t)(p->r->code.size / sizeof(struct heft_regex_step));
}

static uint32_t n_ranges(const struct parser *p)
{
	return (uint32_t)(p->r->ranges.size / (2 * sizeof(uint32_t)));
}

static struct heft_regex_step *step_at(const struct parser *p, uint32_t i)
{
	return (struct heft_regex_step *)(void *)p->r->code.bytes + i;
}

static enum heft_status check(const struct parser *p)
{
	if (!p->r->code.ok || !p->r->ranges.ok)
		return heft_fail(p->err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
		                 "no memory for a regular expression");
	if (n_steps(p) > MAX_STEPS || n_ranges(p) > MAX_RANGES)
		return heft_fail(p->err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "the regular expression is too long");
	return HEFT_OK;
}

static enum heft_status add(struct parser *p, enum heft_regex_kind kind, int32_t a, int32_t b)
{
	const struct heft_regex_step s = { kind, a, b };

	heft_buffer_add(&p->r->code, &s, sizeof s);
	return check(p);
}

/* A step in front of those from `at` on. */
static enum heft_status insert(struct parser *p, uint32_t at, enum heft_regex_kind kind, int32_t a,
                               int32_t b)
{
	const uint32_t n = n_steps(p);

	HEFT_TRY(add(p, kind, a, b));
	memmove(step_at(p, at + 1), step_at(p, at), (n - at) * sizeof(struct heft_regex_step));
	*step_at(p, at) = (struct heft_regex_step){ kind, a, b };
	return HEFT_OK;
}

/* The `size` steps from `at` on once more, behind all. */
static enum heft_status repeat(struct parser *p, uint32_t at, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++) {
		const struct heft_regex_step s = *step_at(p, at + i);

		HEFT_TRY(add(p, s.kind, s.a, s.b));
	}
	return HEFT_OK;
}

static enum heft_status usage(const struct parser *p, const char *what)
{
	return heft_fail(p->err, HEFT_E_USAGE, HEFT_NO_OFFSET, "the regular expression %s", what);
}

static enum heft_status unsupported(const struct parser *p, const char *what)
{
	return heft_fail(p->err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
	                 "the regular expression has %s, which is not computed", what);
}

/* --- characters --- */

static bool eat(struct parser *p, const char *text)
{
	const size_t n = strlen(text);

	if ((size_t)(p->end - p->at) < n || memcmp(p->at, text, n) != 0)
		return false;
	p->at += n;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static enum heft_status add_range(struct parser *p, uint32_t first, uint32_t last)
{
	const uint32_t range[2] = { first, last };

	heft_buffer_add(&p->r->ranges, range, sizeof range);
	return check(p);
}

struct named {
	const char *name;
	const char *ranges; /* pairs of characters */
};

/* All characters that no pair has: pairs are in order. */
static enum heft_status add_pairs(struct parser *p, const char *pairs, bool is_not)
{
	uint32_t from = 0;

	for (; *pairs; pairs += 2) {
		const uint32_t first = (uint8_t)pairs[0];
		const uint32_t last = (uint8_t)pairs[1];

		if (!is_not)
			HEFT_TRY(add_range(p, first, last));
		else if (first > from)
			HEFT_TRY(add_range(p, from, first - 1));
		from = last + 1;
	}
	return is_not ? add_range(p, from, UINT32_MAX - 1) : HEFT_OK;
}

/* \d and its like; *has is false, and nothing is read, where there is none. */
static enum heft_status parse_perl_class(struct parser *p, bool *has)
{
	static const struct named classes[] = {
		{ "\\d", "09" },
		{ "\\w", "09AZ__az" },
		{ "\\s", "\t\n\f\r  " },
	};
	char upper[3];

	*has = true;
	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
		memcpy(upper, classes[i].name, sizeof upper);
		upper[1] = (char)(upper[1] - 'a' + 'A');
		if (eat(p, classes[i].name))
			return add_pairs(p, classes[i].ranges, false);
		if (eat(p, upper))
			return add_pairs(p, classes[i].ranges, true);
	}
	*has = false;
	return HEFT_OK;
}

/* [:alpha:] and its like, in a class. */
static enum heft_status parse_posix_class(struct parser *p, bool *has)
{
	static const struct named classes[] = {
		{ "alnum:]", "09AZaz" },   { "alpha:]", "AZaz" },
		{ "blank:]", "\t\t  " },   { "cntrl:]", "\x01\x1f\x7f\x7f" },
		{ "digit:]", "09" },       { "graph:]", "!~" },
		{ "lower:]", "az" },       { "print:]", " ~" },
		{ "punct:]", "!/:@[`{~" }, { "space:]", "\t\r  " },
		{ "upper:]", "AZ" },       { "word:]", "09AZ__az" },
		{ "xdigit:]", "09AFaf" },  { "ascii:]", "\x01\x7f" },
	};
	bool is_not;

	*has = eat(p, "[:");
	if (!*has)
		return HEFT_OK;
	is_not = eat(p, "^");
	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
		if (!eat(p, classes[i].name))
			continue;
		/* NUL cannot stand in the table */
		if (classes[i].ranges[0] == '\x01' && !is_not)
			HEFT_TRY(add_range(p, 0, 0));
		return add_pairs(p, classes[i].ranges, is_not);
	}
	return usage(p, "has a class of a name that there is not");
}

static bool hex_digit(char c, uint32_t *value)
{
	if (is_digit(c))
		*value = *value * 16 + (uint32_t)(c - '0');
	else if ((c | 32) >= 'a' && (c | 32) <= 'f')
		*value = *value * 16 + (uint32_t)((c | 32) - 'a') + 10;
	else
		return false;
	return true;
}

/* Behind "\x". */
static enum heft_status parse_hex(struct parser *p, uint32_t *c)
{
	const bool is_long = eat(p, "{");
	const size_t most = is_long ? 6 : 2;
	size_t n = 0;

	*c = 0;
	while (n < most && p->at < p->end && hex_digit(*p->at, c)) {
		p->at++;
		n++;
	}
	if (n == 0 || (!is_long && n < 2) || (is_long && !eat(p, "}")) || *c > HEFT_CODE_POINT_MAX)
		return usage(p, "has a number after \\x that is none");
	return HEFT_OK;
}

/* A character, plain or escaped, in a class or outside. */
static enum heft_status parse_character(struct parser *p, uint32_t *c)
{
	static const char names[] = "afnrtv";
	static const char meant[] = "\a\f\n\r\t\v";
	const char *name;

	if (!eat(p, "\\")) {
		*c = heft_code_point_next(&p->at, p->end);
		return *c <= HEFT_CODE_POINT_MAX ? HEFT_OK : usage(p, "is not UTF-8");
	}
	if (p->at == p->end)
		return usage(p, "ends with \\");
	if (eat(p, "x"))
		return parse_hex(p, c);
	name = strchr(names, *p->at);
	if (name && *name) {
		*c = (uint8_t)meant[name - names];
		p->at++;
		return HEFT_OK;
	}
	if (is_digit(*p->at) || (*p->at >= 'A' && *p->at <= 'Z') ||
	    (*p->at >= 'a' && *p->at <= 'z'))
		return unsupported(p, "an escaped letter or digit");
	*c = heft_code_point_next(&p->at, p->end);
	return HEFT_OK;
}

/* --- classes --- */

static enum heft_status parse_class_range(struct parser *p)
{
	uint32_t first;
	uint32_t last;

	HEFT_TRY(parse_character(p, &first));
	last = first;
	if (p->end - p->at > 1 && p->at[0] == '-' && p->at[1] != ']') {
		p->at++;
		HEFT_TRY(parse_character(p, &last));
	}
	if (last < first)
		return usage(p, "has a range that goes backwards");
	return add_range(p, first, last);
}

/* Behind the "[". A "]" that comes first is a character. */
static enum heft_status parse_class(struct parser *p)
{
	const uint32_t at = n_ranges(p);
	const bool is_not = eat(p, "^");
	bool is_first = true;
	bool has;

	while (is_first || p->at == p->end || *p->at != ']') {
		if (p->at == p->end)
			return usage(p, "has a [ without its ]");
		is_first = false;
		HEFT_TRY(parse_posix_class(p, &has));
		if (!has)
			HEFT_TRY(parse_perl_class(p, &has));
		if (!has)
			HEFT_TRY(parse_class_range(p));
	}
	p->at++;
	return add(p, is_not ? HEFT_REGEX_NOT_IN : HEFT_REGEX_IN, (int32_t)at,
	           (int32_t)(n_ranges(p) - at));
}

/* --- parts --- */

/* Behind "(". */
static enum heft_status parse_group(struct parser *p)
{
	if (eat(p, "?P<") || eat(p, "?<")) {
		const char *name = p->at;

		while (p->at < p->end && (is_digit(*p->at) || *p->at == '_' ||
		                          ((*p->at | 32) >= 'a' && (*p->at | 32) <= 'z')))
			p->at++;
		if (p->at == name || !eat(p, ">"))
			return usage(p, "has a group of no name");
	} else if (!eat(p, "?:") && eat(p, "?")) {
		return unsupported(p, "flags");
	}
	if (++p->depth > MAX_DEPTH)
		return heft_fail(p->err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "the regular expression is too deep");
	HEFT_TRY(parse_any(p));
	p->depth--;
	return eat(p, ")") ? HEFT_OK : usage(p, "has a ( without its )");
}

static enum heft_status parse_atom(struct parser *p)
{
	static const struct {
		const char *text;
		enum heft_regex_kind kind;
	} plain[] = {
		{ ".", HEFT_REGEX_ANY },       { "^", HEFT_REGEX_BEGIN },
		{ "$", HEFT_REGEX_END },       { "\\A", HEFT_REGEX_BEGIN },
		{ "\\z", HEFT_REGEX_END },     { "\\b", HEFT_REGEX_EDGE },
		{ "\\B", HEFT_REGEX_NO_EDGE },
	};
	const uint32_t at = n_ranges(p);
	uint32_t c;
	bool has;

	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
		if (eat(p, plain[i].text))
			return add(p, plain[i].kind, 0, 0);
	}
	if (eat(p, "("))
		return parse_group(p);
	if (eat(p, "["))
		return parse_class(p);
	HEFT_TRY(parse_perl_class(p, &has));
	if (!has) {
		HEFT_TRY(parse_character(p, &c));
		HEFT_TRY(add_range(p, c, c));
	}
	return add(p, HEFT_REGEX_IN, (int32_t)at, (int32_t)(n_ranges(p) - at));
}

/* "{2}", "{2,}" or "{2,5}"; anything else is characters. */
static bool parse_counts(struct parser *p, uint32_t *least, uint32_t *most)
{
	const char *const start = p->at;
	uint32_t numbers[2] = { 0, NO_END };
	uint32_t n = 0;

	if (!eat(p, "{"))
		return false;
	for (bool goes_on = true; goes_on && n < 2; n++) {
		if (p->at < p->end && is_digit(*p->at))
			numbers[n] = 0;
		else if (n == 0)
			break;
		for (; p->at < p->end && is_digit(*p->at); p->at++) {
			if (numbers[n] <= MAX_REPEAT)
				numbers[n] = numbers[n] * 10 + (uint32_t)(*p->at - '0');
		}
		goes_on = n == 0 && eat(p, ",");
	}
	if (n == 0 || !eat(p, "}")) {
		p->at = start;
		return false;
	}
	*least = numbers[0];
	*most = n == 2 ? numbers[1] : numbers[0];
	return true;
}

/* The part from `at` on as often as [least, most]. */
static enum heft_status quantify(struct parser *p, uint32_t at, uint32_t least, uint32_t most)
{
	const uint32_t size = n_steps(p) - at;

	if (size == 0)
		return HEFT_OK;
	if (most == NO_END && least == 0) {
		HEFT_TRY(insert(p, at, HEFT_REGEX_FORK, 1, (int32_t)size + 2));
		return add(p, HEFT_REGEX_GO, -(int32_t)size - 1, 0);
	}
	if (most == 0) {
		p->r->code.size = at * sizeof(struct heft_regex_step);
		return HEFT_OK;
	}
	for (uint32_t i = 1; i < least; i++)
		HEFT_TRY(repeat(p, at, size));
	if (most == NO_END)
		return add(p, HEFT_REGEX_FORK, -(int32_t)size, 1);
	if (least == 0)
		HEFT_TRY(insert(p, at, HEFT_REGEX_FORK, 1, (int32_t)size + 1));
	for (uint32_t i = least > 0 ? least : 1; i < most; i++) {
		HEFT_TRY(add(p, HEFT_REGEX_FORK, 1, (int32_t)size + 1));
		HEFT_TRY(repeat(p, least == 0 ? at + 1 : at, size));
	}
	return HEFT_OK;
}

static bool parse_quantifier(struct parser *p, uint32_t *least, uint32_t *most)
{
	*least = 0;
	*most = NO_END;
	if (eat(p, "*"))
		return true;
	if (eat(p, "+")) {
		*least = 1;
		return true;
	}
	if (eat(p, "?")) {
		*most = 1;
		return true;
	}
	return parse_counts(p, least, most);
}

static enum heft_status parse_repeated(struct parser *p)
{
	const uint32_t at = n_steps(p);
	uint32_t least;
	uint32_t most;

	if (p->at < p->end && strchr("*+?", *p->at))
		return usage(p, "repeats nothing");
	HEFT_TRY(parse_atom(p));
	if (!parse_quantifier(p, &least, &most))
		return HEFT_OK;
	if (least > MAX_REPEAT || (most != NO_END && (most > MAX_REPEAT || most < least)))
		return usage(p, "repeats something more than 1000 times, or less than no time");
	HEFT_TRY(quantify(p, at, least, most));
	eat(p, "?"); /* which of the matches is found does not matter here */
	if (parse_quantifier(p, &least, &most))
		return usage(p, "repeats a repetition");
	return HEFT_OK;
}

/* Alternatives, up to the end or a ")". */
static enum heft_status parse_any(struct parser *p)
{
	uint32_t at = n_steps(p);
	const uint32_t start = at;

	for (;;) {
		while (p->at < p->end && *p->at != '|' && *p->at != ')')
			HEFT_TRY(parse_repeated(p));
		if (!eat(p, "|"))
			break;
		/* what the first one leads to is behind all: known at the end */
		HEFT_TRY(insert(p, at, HEFT_REGEX_FORK, 1, (int32_t)(n_steps(p) - at) + 2));
		HEFT_TRY(add(p, HEFT_REGEX_GO, 0, 0));
		at = n_steps(p);
	}
	for (uint32_t i = start; i < at; i++) {
		struct heft_regex_step *s = step_at(p, i);

		if (s->kind == HEFT_REGEX_GO && s->a == 0)
			s->a = (int32_t)(n_steps(p) - i);
	}
	return HEFT_OK;
}

enum heft_status heft_regex_init(struct heft_regex *r, const char *pattern, struct heft_error *err)
{
	struct parser p = { .r = r, .at = pattern, .end = pattern + strlen(pattern), .err = err };

	heft_buffer_init(&r->code);
	heft_buffer_init(&r->ranges);
	r->room = NULL;
	HEFT_TRY(parse_any(&p));
	if (p.at < p.end)
		return usage(&p, "has a ) without its (");
	HEFT_TRY(add(&p, HEFT_REGEX_MATCH, 0, 0));
	r->room = heft_alloc_array((size_t)n_steps(&p) * 4, sizeof *r->room);
	return r->room ? HEFT_OK
	               : heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
	                           "no memory for a regular expression");
}

void heft_regex_done(struct heft_regex *r)
{
	heft_buffer_done(&r->code);
	heft_buffer_done(&r->ranges);
	heft_free(r->room);
}
