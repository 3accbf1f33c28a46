/* SPDX-License-Identifier: Apache-2.0 */
/* scratch_beside.c - a scratch file where the new file is: there is room for that one as well. */
#include "weights/scratch_beside.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

enum heft_status heft_scratch_beside(const struct heft_sink *sink, struct heft_scratch **out,
                                     struct heft_error *err)
{
	const char *path = heft_sink_temp_path(sink);
	const char *slash = path ? strrchr(path, '/') : NULL;
	char *folder = NULL;
	enum heft_status st;

	if (path) {
		folder = slash ? heft_strndup(path, (size_t)(slash - path) + 1) : heft_strdup(".");
		if (!folder)
			return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a path");
	}
	st = heft_scratch_new(folder, out, err);
	heft_free(folder);
	return st;
}
