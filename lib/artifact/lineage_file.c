/* SPDX-License-Identifier: Apache-2.0 */
/* lineage_file.c - what an open file tells of its lineage, and whether that is so. */
#include <stdio.h>
#include <string.h>

#include "artifact/lineage.h"
#include "base/alloc.h"
#include "base/error.h"
#include "container/index.h"
#include "weights/file.h"

enum heft_status heft_lineage_section(struct heft_file *file, uint32_t type, char **text,
                                      size_t *size, uint64_t *off, struct heft_error *err)
{
	struct heft_index *ix = heft_file_index(file);
	struct heft_section s;
	uint8_t *bytes;

	if (!ix || !heft_index_find_section(ix, type, &s))
		return heft_fail(err, HEFT_E_NOT_FOUND, HEFT_NO_OFFSET,
		                 "the file tells nothing of its lineage");
	HEFT_TRY(heft_index_read_section(ix, &s, HEFT_LINEAGE_SIZE_MAX, &bytes, err));
	*text = (char *)bytes;
	*size = (size_t)s.size;
	*off = s.off;
	return HEFT_OK;
}

enum heft_status heft_lineage_read(struct heft_file *file, struct heft_lineage **lineage,
                                   struct heft_error *err)
{
	struct heft_lineage *l = NULL;
	enum heft_status st;
	uint64_t off;
	size_t size;
	char *text;

	HEFT_TRY(heft_lineage_section(file, HEFT_SECTION_LINEAGE, &text, &size, &off, err));
	st = heft_lineage_new(&l, err);
	if (st == HEFT_OK)
		st = heft_lineage_parse(l, text, size, off, err);
	heft_free(text);
	if (st != HEFT_OK) {
		heft_lineage_free(l);
		return st;
	}
	*lineage = l;
	return HEFT_OK;
}

enum heft_status heft_epochs_read(struct heft_file *file, struct heft_epochs **epochs,
                                  struct heft_error *err)
{
	enum heft_status st;
	uint64_t off;
	size_t size;
	char *text;

	HEFT_TRY(heft_lineage_section(file, HEFT_SECTION_RUN, &text, &size, &off, err));
	st = heft_epochs_parse(text, size, off, epochs, err);
	heft_free(text);
	return st;
}

/* --- whether it agrees --- */

static enum heft_status check_names(struct heft_file *file, const char *const *names, uint32_t n,
                                    struct heft_error *err)
{
	struct heft_tensor t;

	for (uint32_t i = 0; i < n; i++) {
		const enum heft_status st = heft_find(file, names[i], &t, err);

		if (st == HEFT_E_NOT_FOUND)
			return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
			                 "the lineage names tensor '%.80s', which the file has not",
			                 names[i]);
		HEFT_TRY(st);
	}
	return HEFT_OK;
}

static uint32_t find_column(const struct heft_epochs *e, const char *name)
{
	uint32_t i = 0;

	while (i < e->n_columns && strcmp(e->columns[i], name) != 0)
		i++;
	return i;
}

/* L4-2: rows ascend by epoch, and the one whose weights were kept is among them. */
static enum heft_status check_epochs(const struct heft_epochs *e, const struct heft_lineage_step *s,
                                     struct heft_error *err)
{
	const uint32_t column = find_column(e, "epoch");
	bool has_kept = s->kept[0] == '\0';
	double last = 0;

	if (column == e->n_columns)
		return HEFT_OK;
	for (uint32_t i = 0; i < e->n_rows; i++) {
		const double epoch = e->cells[(size_t)i * e->n_columns + column];

		if (!(epoch > last))
			return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
			                 "row %u of the run does not follow the one before",
			                 (unsigned)i + 1);
		last = epoch;
		has_kept = has_kept || epoch == (double)s->kept_epoch;
	}
	if (!has_kept)
		return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
		                 "the run does not tell of epoch %llu, whose weights were kept",
		                 (unsigned long long)s->kept_epoch);
	return HEFT_OK;
}

static enum heft_status check_run(struct heft_file *file, const struct heft_lineage_step *s,
                                  struct heft_error *err)
{
	struct heft_epochs *epochs;
	enum heft_status st = heft_epochs_read(file, &epochs, err);

	if (st == HEFT_E_NOT_FOUND)
		return HEFT_OK;
	HEFT_TRY(st);
	st = check_epochs(epochs, s, err);
	heft_epochs_free(epochs);
	return st;
}

static enum heft_status check_file(struct heft_file *file, const struct heft_lineage *l,
                                   const uint8_t *weights_digest, struct heft_error *err)
{
	const struct heft_lineage_step *s = heft_lineage_steps(l) + heft_lineage_n_steps(l) - 1;

	HEFT_TRY(heft_lineage_check(l, err));
	if (memcmp(s->result_digest, weights_digest, HEFT_DIGEST_SIZE) != 0)
		return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
		                 "the lineage ends with other weights than the file's");
	HEFT_TRY(check_names(file, s->changed, s->n_changed, err));
	HEFT_TRY(check_names(file, s->frozen, s->n_frozen, err));
	return check_run(file, s, err);
}

static bool has_run(struct heft_file *file)
{
	struct heft_index *ix = heft_file_index(file);
	struct heft_section s;

	return ix && heft_index_find_section(ix, HEFT_SECTION_RUN, &s);
}

static enum heft_status check(struct heft_file *file, const uint8_t *weights_digest,
                              struct heft_lineage_report *report, struct heft_error *err)
{
	struct heft_lineage *lineage;
	enum heft_status st = heft_lineage_read(file, &lineage, err);

	if (st == HEFT_E_NOT_FOUND && has_run(file))
		return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
		                 "the file tells of a run and of no lineage");
	HEFT_TRY(st);
	report->n_steps = heft_lineage_n_steps(lineage);
	for (uint32_t i = 0; i < report->n_steps; i++)
		report->n_links += heft_lineage_steps(lineage)[i].n_links;
	st = check_file(file, lineage, weights_digest, err);
	heft_lineage_free(lineage);
	return st;
}

enum heft_status heft_lineage_verify(struct heft_file *file, const uint8_t *weights_digest,
                                     struct heft_lineage_report *report, struct heft_error *err)
{
	struct heft_lineage_report made = { .answer = HEFT_LINEAGE_AGREES };
	struct heft_error found;
	const enum heft_status st = check(file, weights_digest, &made, &found);

	if (st == HEFT_E_NOMEM || st == HEFT_E_IO)
		return heft_fail(err, st, found.offset, "%s", found.msg);
	if (st == HEFT_E_NOT_FOUND)
		made.answer = HEFT_LINEAGE_NONE;
	else if (st != HEFT_OK) {
		made.answer = HEFT_LINEAGE_DIFFERS;
		snprintf(made.msg, sizeof made.msg, "%s", found.msg);
	}
	*report = made;
	return HEFT_OK;
}
