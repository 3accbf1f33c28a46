/* SPDX-License-Identifier: Apache-2.0 */
/* json_members.h - walks through the members of a JSON object that the library has checked. */
#ifndef TOOLS_JSON_MEMBERS_H
#define TOOLS_JSON_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>

/* Pieces of the text itself: a key without its quotes, a value as it stands, escapes and all. */
struct json_member {
	const char *key;
	size_t key_size;
	const char *value;
	size_t value_size;
};

/* Gives the next member and moves *at, at first the object's text; false after the last one. */
bool json_members_next(const char **at, struct json_member *member);

#endif
