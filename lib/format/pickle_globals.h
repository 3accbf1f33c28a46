/* SPDX-License-Identifier: Apache-2.0 */
/* format/pickle_globals.h - which globals a pickle may name, and what calling them is taken for
 * (spec/foreign/pickle.md, section 2). */
#ifndef FORMAT_PICKLE_GLOBALS_H
#define FORMAT_PICKLE_GLOBALS_H

#include <stdbool.h>
#include <stddef.h>

enum heft_pickle_action {
	HEFT_PICKLE_NAMED,  /* may be named, and be a class; not called */
	HEFT_PICKLE_CALLED, /* a call of it stays one: inert */
	/* a call of it is taken for what it makes */
	HEFT_PICKLE_MAKES_DICT,
	HEFT_PICKLE_MAKES_FACTORY_DICT, /* defaultdict: its first argument makes values */
	HEFT_PICKLE_MAKES_LIST,
	HEFT_PICKLE_MAKES_TUPLE,
	HEFT_PICKLE_MAKES_SET,
	HEFT_PICKLE_MAKES_BYTES,
	HEFT_PICKLE_ENCODES, /* _codecs.encode */
	HEFT_PICKLE_RECONSTRUCTS,
	HEFT_PICKLE_MAKES_OBJECT,
	HEFT_PICKLE_MAKES_OBJECT_EX
};

/* Python 2's names become Python 3's. */
void heft_pickle_modernise(const char **module, const char **name);
/* False: it may not be named. */
bool heft_pickle_find_global(const char *module, const char *name, enum heft_pickle_action *action);
/* pickle_stdlib.c: whether a module is of Python's standard library, 2's or 3's, by its first
 * part. */
bool heft_pickle_is_stdlib(const char *module);

#endif
