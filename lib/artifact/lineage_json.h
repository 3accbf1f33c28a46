/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/lineage_json.h - the JSON of LINEAGE and RUN (spec/lineage.md, section 1), which is read
 * as strictly as it is written: members in one order, one way to write a value. */
#ifndef ARTIFACT_LINEAGE_JSON_H
#define ARTIFACT_LINEAGE_JSON_H

#include "base/buffer.h"
#include "base/json_pull.h"
#include "heft/file.h"

/* --- writing --- */

/* The shortest decimal that reads back; null for a NaN, "inf" and "-inf" for infinities. */
void heft_lineage_add_real(struct heft_buffer *b, double value);
void heft_lineage_add_text(struct heft_buffer *b, const char *text); /* NULL: "" */
void heft_lineage_add_digest(struct heft_buffer *b, const uint8_t *digest);

/* --- reading --- */

/* A reader whose faults stay: after the first one everything gives nothing, and one look at `st` is
 * enough. */
struct heft_lineage_reader {
	struct heft_json *json;
	const char *text;
	struct heft_json_token token; /* the last one */
	enum heft_status st;
	struct heft_error *err;
	void **blocks; /* what texts and lists were copied into; the owner's */
};

/* `blocks` is the head of a list that heft_lineage_free_blocks frees; NULL at first. */
enum heft_status heft_lineage_reader_init(struct heft_lineage_reader *r, const char *text,
                                          size_t size, uint64_t off, void **blocks,
                                          struct heft_error *err);
void heft_lineage_reader_done(struct heft_lineage_reader *r);
void heft_lineage_free_blocks(void *blocks);

/* All of them set `st` where what comes is something else. */
void heft_lineage_fault(struct heft_lineage_reader *r, enum heft_status code, const char *msg);
void heft_lineage_take(struct heft_lineage_reader *r, enum heft_json_kind kind);
void heft_lineage_take_key(struct heft_lineage_reader *r, const char *key);
const char *heft_lineage_take_text(struct heft_lineage_reader *r); /* never NULL */
void heft_lineage_take_digest(struct heft_lineage_reader *r, uint8_t *digest);
uint64_t heft_lineage_take_u64(struct heft_lineage_reader *r);
double heft_lineage_take_real(struct heft_lineage_reader *r);
/* A whole object, as it is written. */
const char *heft_lineage_take_object(struct heft_lineage_reader *r);
/* The next token; true: it ends the array or object that is open. */
bool heft_lineage_take_end(struct heft_lineage_reader *r);
/* What the last token, a string, a key or a number, says. */
const char *heft_lineage_last_text(struct heft_lineage_reader *r);
double heft_lineage_last_real(struct heft_lineage_reader *r);
/* Hands over the items that a buffer gathered, as a block; *n of so many bytes each. */
const void *heft_lineage_take_items(struct heft_lineage_reader *r, struct heft_buffer *b,
                                    size_t item_size, uint32_t *n);

#endif
