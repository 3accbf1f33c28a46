/* SPDX-License-Identifier: Apache-2.0 */
/* sink_steps.h - the steps of writing a file through base/sink.h, each of which must succeed. */
#ifndef HEFT_SINK_STEPS_H
#define HEFT_SINK_STEPS_H

#include <check.h>
#include <string.h>

#include "base/sink.h"

static inline struct heft_sink *open_sink(const char *path, const struct heft_sink_options *options)
{
	struct heft_sink *s;
	struct heft_error err;

	ck_assert_msg(heft_sink_open(path, options, &s, &err) == HEFT_OK, "%s: %s", path, err.msg);
	return s;
}

static inline void append(struct heft_sink *s, const char *text)
{
	ck_assert_int_eq(heft_sink_append(s, text, strlen(text), NULL), HEFT_OK);
}

static inline void write_whole(const char *path, const struct heft_sink_options *options,
                               const char *text)
{
	struct heft_sink *s = open_sink(path, options);
	struct heft_error err;

	append(s, text);
	ck_assert_msg(heft_sink_commit(s, &err) == HEFT_OK, "%s: %s", path, err.msg);
}

#endif
