/* SPDX-License-Identifier: Apache-2.0 */
/* format/members.h - metadata of formats whose values are strings alone. */
#ifndef FORMAT_MEMBERS_H
#define FORMAT_MEMBERS_H

#include "base/buffer.h"
#include "heft/error.h"

/* Unescaped, not NUL-ended. */
struct heft_member {
	const char *key;
	const char *value;
	size_t key_size;
	size_t value_size;
};

struct heft_members {
	struct heft_member *members; /* in the object's order */
	size_t n;

	/* its own: */
	struct heft_buffer text;
	struct heft_buffer sizes;
};

/* Reads a plan's metadata, which were checked; NULL is an empty object. Keys that begin with
 * "heft." are bookkeeping of other formats and left out without a word. HEFT_E_USAGE for another
 * value that is no string; `format` is whom it does not suit. The caller calls heft_members_done
 * whatever the result. */
enum heft_status heft_members_read(struct heft_members *m, const char *metadata, const char *format,
                                   struct heft_error *err);
void heft_members_done(struct heft_members *m);
void heft_members_sort(struct heft_members *m); /* by the bytes of the keys */

#endif
