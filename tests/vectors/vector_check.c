/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vector_check.c - prints what the library says of heft files, a line of JSON each, in the words of
 * spec/decoder, so that the two can be compared. Everything but SHA-256 comes through the public
 * headers.
 *
 *	vector_check FILE...
 *
 * With --trust first it opens them without checking their tables, reads all that there is, and says
 * nothing: whatever the bytes are, it comes back (R9-1).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "codec/sha256.h"
#include "heft/digest.h"

#define PIECE_SIZE 65536u /* not a chunk, so that reads begin and end within chunks */

struct check {
	struct heft_file *file;
	struct heft_sha256 *hash;
	struct heft_buffer out;
	struct heft_buffer faults;
	uint8_t piece[PIECE_SIZE];
	enum heft_status read_status; /* the first failure to read a tensor, verified */
};

static void add_hex(struct heft_buffer *out, const uint8_t *digest)
{
	heft_buffer_add_u8(out, '"');
	for (size_t i = 0; i < HEFT_DIGEST_SIZE; i++)
		heft_buffer_addf(out, "%02x", (unsigned)digest[i]);
	heft_buffer_add_u8(out, '"');
}

static void add_string(struct heft_buffer *out, const char *text)
{
	heft_buffer_add_json_string(out, text, strlen(text));
}

/* The SHA-256 of a tensor's bytes, or null. */
static void add_data(struct check *c, const struct heft_tensor *t)
{
	uint8_t digest[HEFT_DIGEST_SIZE];
	struct heft_error err;

	heft_sha256_begin(c->hash);
	for (uint64_t off = 0; off < t->n_bytes; off += PIECE_SIZE) {
		const uint64_t left = t->n_bytes - off;
		const size_t n = left < PIECE_SIZE ? (size_t)left : PIECE_SIZE;
		const enum heft_status st = heft_read(c->file, t, off, c->piece, n, &err);

		if (st != HEFT_OK) {
			if (c->read_status == HEFT_OK)
				c->read_status = st;
			heft_buffer_addf(&c->out, "null");
			return;
		}
		heft_sha256_add(c->hash, c->piece, n);
	}
	heft_sha256_end(c->hash, digest);
	add_hex(&c->out, digest);
}

/* The least index of the tensor's tie group. */
static uint32_t first_of_group(struct check *c, const struct heft_tensor *t)
{
	struct heft_tensor other;

	for (uint32_t i = 0; i < t->index; i++) {
		if (heft_tensor_at(c->file, i, &other, NULL) == HEFT_OK && other.tie == t->tie)
			return i;
	}
	return t->index;
}

static void add_tensor(struct check *c, const struct heft_tensor *t)
{
	const char *dtype = heft_dtype_name(t->dtype);
	uint8_t digest[HEFT_DIGEST_SIZE];

	heft_buffer_addf(&c->out, "{\"name\":");
	add_string(&c->out, t->name);
	if (strcmp(dtype, "?") != 0)
		heft_buffer_addf(&c->out, ",\"dtype\":\"%s\",\"shape\":[", dtype);
	else
		heft_buffer_addf(&c->out, ",\"dtype\":\"0x%04x\",\"shape\":[", (unsigned)t->dtype);
	for (uint32_t i = 0; i < t->rank; i++)
		heft_buffer_addf(&c->out, "%s%" PRIu64, i > 0 ? "," : "", t->dims[i]);
	if (t->space <= HEFT_SPACE_STATE)
		heft_buffer_addf(&c->out, "],\"space\":\"%s\"", heft_space_name(t->space));
	else
		heft_buffer_addf(&c->out, "],\"space\":%u", (unsigned)t->space);
	heft_buffer_addf(&c->out, ",\"tie\":%" PRIu32 ",\"n_bytes\":%" PRIu64 ",\"tensor_digest\":",
	                 first_of_group(c, t), t->n_bytes);
	if (heft_stated_tensor_digest(c->file, t, digest, NULL) == HEFT_OK)
		add_hex(&c->out, digest);
	else
		heft_buffer_addf(&c->out, "null");
	heft_buffer_addf(&c->out, ",\"data_sha256\":");
	add_data(c, t);
	heft_buffer_add_u8(&c->out, '}');
}

static void add_tensors(struct check *c)
{
	heft_buffer_addf(&c->out, ",\"tensors\":[");
	for (uint32_t i = 0; i < heft_n_tensors(c->file); i++) {
		struct heft_tensor t;

		if (i > 0)
			heft_buffer_add_u8(&c->out, ',');
		if (heft_tensor_at(c->file, i, &t, NULL) == HEFT_OK)
			add_tensor(c, &t);
		else
			heft_buffer_addf(&c->out, "null");
	}
	heft_buffer_add_u8(&c->out, ']');
}

static void add_metadata(struct check *c)
{
	const char *json;
	struct heft_error err;
	const enum heft_status st = heft_metadata(c->file, &json, &err);

	heft_buffer_addf(&c->out, ",\"metadata\":");
	if (st == HEFT_OK)
		add_string(&c->out, json);
	else
		heft_buffer_addf(&c->out, "null");
	if (st != HEFT_OK && c->read_status == HEFT_OK)
		c->read_status = st;
}

typedef enum heft_status (*digest_fn)(struct heft_file *file, uint8_t *digest,
                                      struct heft_error *err);

static void add_digest(struct check *c, const char *name, digest_fn fn)
{
	uint8_t digest[HEFT_DIGEST_SIZE];

	heft_buffer_addf(&c->out, ",\"%s\":", name);
	if (fn(c->file, digest, NULL) == HEFT_OK)
		add_hex(&c->out, digest);
	else
		heft_buffer_addf(&c->out, "null");
}

static void take_fault(void *user, const struct heft_fault *fault)
{
	struct check *c = user;

	heft_buffer_addf(&c->faults, "%s{\"what\":", c->faults.size > 0 ? "," : "");
	add_string(&c->faults, fault->what);
	heft_buffer_addf(&c->faults, ",\"message\":");
	add_string(&c->faults, fault->msg);
	heft_buffer_add_u8(&c->faults, '}');
}

static void add_state(struct check *c, uint64_t n_dead)
{
	const struct heft_file_state s = heft_file_state(c->file);

	heft_buffer_addf(&c->out,
	                 ",\"generation\":%" PRIu32 ",\"state\":{\"bad_page\":%s,\"previous\":%s,"
	                 "\"tail\":%" PRIu64 ",\"dead\":%" PRIu64 ",\"dead_verified\":%" PRIu64 "}",
	                 s.generation, s.has_bad_page ? "true" : "false",
	                 s.has_previous ? "true" : "false", s.n_tail_bytes, s.n_dead_bytes, n_dead);
}

static void add_verification(struct check *c)
{
	struct heft_verify_report report = { .ok = false };
	struct heft_verify_options strict = { .strict = true };
	struct heft_verify_report strict_report = { .ok = false };
	struct heft_error err;
	const enum heft_status st = heft_verify(c->file, NULL, take_fault, c, &report, &err);

	if (st != HEFT_OK) {
		heft_buffer_addf(&c->out, ",\"status\":\"error\",\"message\":");
		add_string(&c->out, err.msg);
		return;
	}
	heft_buffer_addf(&c->out, ",\"status\":\"%s\",\"faults\":[", report.ok ? "ok" : "fault");
	heft_buffer_add(&c->out, c->faults.bytes, c->faults.size);
	heft_buffer_addf(&c->out, "]");
	if (heft_verify(c->file, &strict, NULL, NULL, &strict_report, &err) == HEFT_OK)
		heft_buffer_addf(&c->out, ",\"strict\":%s", strict_report.ok ? "true" : "false");
	if (report.ok) {
		heft_buffer_addf(&c->out, ",\"computed_weights_digest\":");
		add_hex(&c->out, report.weights_digest);
		heft_buffer_addf(&c->out, ",\"computed_artifact_digest\":");
		add_hex(&c->out, report.artifact_digest);
	}
	add_state(c, report.n_dead_bytes);
}

static void check_open(struct check *c)
{
	add_verification(c);
	add_tensors(c);
	add_metadata(c);
	add_digest(c, "weights_digest", heft_stated_weights_digest);
	add_digest(c, "artifact_digest", heft_artifact_digest);
	heft_buffer_addf(&c->out, ",\"read\":\"%s\"", heft_status_name(c->read_status));
}

static void trust_file(struct check *c, const char *path)
{
	const struct heft_open_options options = { .flags = HEFT_OPEN_TRUST_INDEX,
		                                   .format = "heft" };

	c->out.size = 0;
	if (heft_open(path, &options, &c->file, NULL) != HEFT_OK)
		return;
	add_tensors(c);
	add_metadata(c);
	add_digest(c, "weights_digest", heft_stated_weights_digest);
	add_digest(c, "artifact_digest", heft_artifact_digest);
	heft_close(c->file);
}

static void check_file(struct check *c, const char *path)
{
	const struct heft_open_options options = { .flags = HEFT_OPEN_VERIFY, .format = "heft" };
	struct heft_error err;
	const enum heft_status st = heft_open(path, &options, &c->file, &err);

	c->out.size = 0;
	c->faults.size = 0;
	c->read_status = HEFT_OK;
	heft_buffer_addf(&c->out, "{\"file\":");
	add_string(&c->out, path);
	if (st == HEFT_OK) {
		check_open(c);
		heft_close(c->file);
	} else {
		heft_buffer_addf(&c->out, ",\"status\":\"refused\",\"code\":\"%s\",\"message\":",
		                 heft_status_name(st));
		add_string(&c->out, err.msg);
	}
	heft_buffer_addf(&c->out, "}\n");
	if (!c->out.ok || !c->faults.ok)
		abort();
	fwrite(c->out.bytes, 1, c->out.size, stdout);
}

int main(int argc, char **argv)
{
	static struct check c;
	const bool trust = argc > 1 && strcmp(argv[1], "--trust") == 0;

	heft_buffer_init(&c.out);
	heft_buffer_init(&c.faults);
	if (heft_sha256_new(&c.hash, NULL) != HEFT_OK)
		return 4;
	for (int i = trust ? 2 : 1; i < argc; i++) {
		if (trust)
			trust_file(&c, argv[i]);
		else
			check_file(&c, argv[i]);
	}
	heft_sha256_free(c.hash);
	heft_buffer_done(&c.faults);
	heft_buffer_done(&c.out);
	return fflush(stdout) == 0 ? 0 : 4;
}
