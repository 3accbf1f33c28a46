/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_members.c - walks through the members of a JSON object that the library has checked already:
 * all that can happen in it is strings, brackets and the rest. A text that is no object has no
 * members.
 */
#include "json_members.h"

#include <string.h>

#define BLANKS " \t\r\n"

/* The byte after the string that begins at `p`, or the end of the text. */
static const char *skip_string(const char *p)
{
	for (p++; *p && *p != '"'; p++)
		if (*p == '\\' && p[1])
			p++;
	return *p ? p + 1 : p;
}

/* The byte after the value that begins at `p`. */
static const char *skip_value(const char *p)
{
	size_t depth = 0;

	while (*p) {
		if (*p == '"') {
			p = skip_string(p);
			continue;
		}
		if (*p == '{' || *p == '[')
			depth++;
		else if (depth == 0 && (strchr(BLANKS, *p) || *p == ',' || *p == '}'))
			return p;
		else if (*p == '}' || *p == ']')
			depth--;
		p++;
	}
	return p;
}

bool json_members_next(const char **at, struct json_member *member)
{
	const char *p = *at + strspn(*at, BLANKS "{,");

	if (*p != '"')
		return false;
	const char *key_end = skip_string(p);
	const char *value = key_end + strspn(key_end, BLANKS ":");
	const char *value_end = skip_value(value);

	*member = (struct json_member){
		.key = p + 1,
		.key_size = (size_t)(key_end - p) - 2,
		.value = value,
		.value_size = (size_t)(value_end - value),
	};
	*at = value_end;
	return true;
}
