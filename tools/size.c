/* SPDX-License-Identifier: Apache-2.0 */
/* size.c - sizes as people write and read them. */
#include "size.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

struct unit {
	const char *name;
	uint64_t size;
};

static const struct unit units[] = {
	{ "", 1 },
	{ "B", 1 },
	{ "kB", 1000 },
	{ "MB", 1000000 },
	{ "GB", 1000000000 },
	{ "TB", 1000000000000 },
	{ "KiB", (uint64_t)1 << 10 },
	{ "MiB", (uint64_t)1 << 20 },
	{ "GiB", (uint64_t)1 << 30 },
	{ "TiB", (uint64_t)1 << 40 },
};

/* Reads digits; false without one or past 64 bits. strtoull would take signs and blanks. */
static bool read_digits(const char **text, uint64_t *value)
{
	const char *p = *text;

	*value = 0;
	for (; *p >= '0' && *p <= '9'; p++) {
		const uint64_t digit = (uint64_t)(*p - '0');

		if (*value > (UINT64_MAX - digit) / 10)
			return false;
		*value = *value * 10 + digit;
	}
	if (p == *text)
		return false;
	*text = p;
	return true;
}

bool size_parse(const char *text, uint64_t *size)
{
	uint64_t value;

	if (!read_digits(&text, &value))
		return false;
	if (*text == ' ')
		text++;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcasecmp(text, units[i].name) != 0)
			continue;
		if (value > UINT64_MAX / units[i].size)
			return false;
		*size = value * units[i].size;
		return true;
	}
	return false;
}

bool size_parse_seconds(const char *text, uint32_t *ms)
{
	uint64_t whole;
	uint64_t thousandths = 0;

	if (!read_digits(&text, &whole) || whole > UINT32_MAX / 1000 - 1)
		return false;
	if (*text == '.') {
		text++;
		for (uint32_t unit = 100; *text >= '0' && *text <= '9'; text++, unit /= 10)
			thousandths += unit * (uint64_t)(*text - '0');
	}
	*ms = (uint32_t)(whole * 1000 + thousandths);
	return *text == '\0';
}

bool size_parse_count(const char *text, uint64_t least, uint64_t most, uint64_t *count)
{
	return read_digits(&text, count) && *text == '\0' && *count >= least && *count <= most;
}

void size_print(struct output *out, uint64_t size)
{
	static const char *const names[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	double value = (double)size;
	size_t i = 0;

	while (value >= 999.5 && i + 1 < sizeof names / sizeof names[0]) {
		value /= 1000;
		i++;
	}
	if (i == 0)
		output_format(out, "%" PRIu64 " B", size);
	else
		output_format(out, "%.*f %s",
		              value < 9.995   ? 2
		              : value < 99.95 ? 1
		                              : 0,
		              value, names[i]);
}

void size_print_seconds(struct output *out, uint64_t seconds)
{
	if (seconds >= 3600)
		output_format(out, "%" PRIu64 ":%02u:%02u", seconds / 3600,
		              (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));
	else
		output_format(out, "%u:%02u", (unsigned)(seconds / 60), (unsigned)(seconds % 60));
}
