/* SPDX-License-Identifier: Apache-2.0 */
/* rename.c - matches names with rename rules and makes the new ones. */
#include "weights/rename.h"

#include <string.h>

#include "base/error.h"

static size_t count_stars(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += *s == '*';
	return n;
}

enum heft_status heft_rename_check(const struct heft_rename *rule, struct heft_error *err)
{
	const size_t n_from = count_stars(rule->from);

	if (n_from == 0 || (n_from == 1 && count_stars(rule->to) == 1))
		return HEFT_OK;
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	                 "--rename '%s=%s' needs one '*' on both sides, or none on the left",
	                 rule->from, rule->to);
}

bool heft_rename_matches(const struct heft_rename *rule, const char *name, const char **part,
                         size_t *part_size)
{
	const char *star = strchr(rule->from, '*');
	const size_t name_size = strlen(name);
	size_t before;
	size_t after;

	*part = NULL;
	*part_size = 0;
	if (!star)
		return strcmp(rule->from, name) == 0;
	before = (size_t)(star - rule->from);
	after = strlen(star + 1);
	if (name_size < before + after || memcmp(name, rule->from, before) != 0 ||
	    memcmp(name + name_size - after, star + 1, after) != 0)
		return false;
	*part = name + before;
	*part_size = name_size - before - after;
	return true;
}

enum heft_status heft_rename_fill(const struct heft_rename *rule, const char *part,
                                  size_t part_size, char *to, struct heft_error *err)
{
	const char *star = strchr(rule->from, '*') ? strchr(rule->to, '*') : NULL;
	const size_t before = star ? (size_t)(star - rule->to) : strlen(rule->to);
	const char *rest = star ? star + 1 : "";

	if (before + part_size + strlen(rest) > HEFT_MAX_NAME)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a new name is longer than %d bytes", HEFT_MAX_NAME);
	memcpy(to, rule->to, before);
	if (part_size)
		memcpy(to + before, part, part_size);
	memcpy(to + before + part_size, rest, strlen(rest) + 1);
	return HEFT_OK;
}
