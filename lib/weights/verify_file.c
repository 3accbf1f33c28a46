/* SPDX-License-Identifier: Apache-2.0 */
/* verify_file.c - heft_verify: everything that a heft file states; that any other file can be read.
 */
#include "heft/digest.h"

#include <string.h>

#include "base/error.h"
#include "container/verify.h"
#include "weights/file.h"

/* Reads all of a file that states no digests, and compares what it does state of its data. */
static enum heft_status check_foreign(struct heft_file *file, const struct heft_run *run,
                                      uint8_t *weights_digest, struct heft_error *err)
{
	uint8_t digest[HEFT_DIGEST_SIZE];

	HEFT_TRY(heft_weights_digest(file, run, digest, err));
	if (file->format->check_data)
		HEFT_TRY(file->format->check_data(file->st, run, err));
	memcpy(weights_digest, digest, sizeof digest);
	return HEFT_OK;
}

/* Such a file was checked against its format when it was opened; its data is left. */
static enum heft_status verify_foreign(struct heft_file *file, const struct heft_verify_options *o,
                                       heft_fault_fn fn, void *user,
                                       struct heft_verify_report *report, struct heft_error *err)
{
	struct heft_error local;
	enum heft_status st = check_foreign(file, &o->run, report->weights_digest, &local);
	struct heft_fault fault = { .what = "data", .offset = HEFT_NO_OFFSET };

	if (st == HEFT_OK) {
		report->ok = true;
		return HEFT_OK;
	}
	if (st != HEFT_E_CORRUPT && st != HEFT_E_UNSUPPORTED)
		return heft_fail(err, st, local.offset, "%s", local.msg);
	fault.offset = local.offset;
	fault.msg = local.msg;
	report->n_faults = 1;
	if (fn)
		fn(user, &fault);
	return HEFT_OK;
}

enum heft_status heft_verify(struct heft_file *file, const struct heft_verify_options *options,
                             heft_fault_fn fn, void *user, struct heft_verify_report *report,
                             struct heft_error *err)
{
	const struct heft_verify_options none = { .strict = false };
	struct heft_index *ix = heft_file_index(file);

	if (!options)
		options = &none;
	*report = (struct heft_verify_report){ .ok = false };
	if (!ix)
		return verify_foreign(file, options, fn, user, report, err);
	return heft_index_verify(ix, options, fn, user, report, err);
}
