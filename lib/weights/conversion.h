/* SPDX-License-Identifier: Apache-2.0 */
/* weights/conversion.h - a conversion on its way: what writing one file and writing a set of files
 * share. */
#ifndef WEIGHTS_CONVERSION_H
#define WEIGHTS_CONVERSION_H

#include "base/meter.h"
#include "weights/chunk_writer.h"
#include "weights/file.h"
#include "weights/selection.h"

struct heft_conversion {
	struct heft_file *file;
	const char *path;
	const struct heft_format *format; /* of the target */
	const struct heft_convert_plan *plan;
	struct heft_convert_report *report;
	bool wants_digest; /* the report is the caller's and not only ours */
	struct heft_meter meter;
};

/* convert.c: how many files there are, and their size. */
void heft_report_files(struct heft_convert_report *r, struct heft_sink *sink);
/* A heft file that is converted onto itself was opened before its lock was taken; what was
 * committed in between would be lost (spec R8.2-5): HEFT_E_BUSY. */
enum heft_status heft_check_replaced(const struct heft_writer *w, const char *path,
                                     struct heft_file *file, struct heft_error *err);

/* convert_into.c: the plan has a model to write into. */
enum heft_status heft_convert_into(struct heft_conversion *c, struct heft_error *err);
/* convert_set.c: `format` has sets. */
enum heft_status heft_convert_to_set(struct heft_conversion *c, struct heft_error *err);
/* Whether the path is that of a folder, be it there or only called so by a slash at its end. */
bool heft_path_is_folder(const char *path);

#endif
