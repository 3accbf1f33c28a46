/* SPDX-License-Identifier: Apache-2.0 */
/* test_onnx_splice.c - tests of lib/onnx/splice.c on messages made by hand. */
#include "onnx/splice.h"

#include <stdlib.h>

#include "onnx_made.h"
#include "unit.h"

#define N_CUTS 4

/* The input, its frames, the cuts, and the copy, holes filled with 'h'. */
struct made {
	struct heft_buffer bytes;
	struct heft_onnx_frame frames[4];
	struct heft_onnx_model model;
	struct heft_wire_input in;
	struct heft_cut cuts[N_CUTS];
	uint32_t n_cuts;
	uint32_t next;
	uint32_t n_pieces;
	struct heft_buffer copy;
};

static void rewind_cuts(void *ctx)
{
	struct made *m = ctx;

	m->next = 0;
}

static enum heft_status next_cut(void *ctx, struct heft_cut *cut, bool *has, struct heft_error *err)
{
	struct made *m = ctx;

	(void)err;
	*has = m->next < m->n_cuts;
	if (*has)
		*cut = m->cuts[m->next++];
	return HEFT_OK;
}

static enum heft_status copy_piece(void *ctx, const struct heft_splice_piece *p,
                                   struct heft_error *err)
{
	struct made *m = ctx;
	uint8_t *to;

	ck_assert_uint_eq(p->to, m->copy.size);
	ck_assert_uint_gt(p->size, 0);
	ck_assert(heft_buffer_reserve(&m->copy, (size_t)p->size));
	to = m->copy.bytes + m->copy.size;
	m->copy.size += (size_t)p->size;
	m->n_pieces++;
	if (p->weight != HEFT_ONNX_NONE)
		memset(to, 'h', (size_t)p->size);
	else if (p->bytes)
		memcpy(to, p->bytes, (size_t)p->size);
	else
		return heft_wire_copy(&m->in, p->from, to, (size_t)p->size, err);
	return HEFT_OK;
}

static struct heft_cut_source source_of(struct made *m)
{
	return (struct heft_cut_source){ rewind_cuts, next_cut, m };
}

static void made_done(struct made *m)
{
	heft_buffer_done(&m->bytes);
	heft_buffer_done(&m->copy);
}

/* "a" { "b" { ten times 'c' } "d" }, with a tag before each. */
static void nest(struct made *m)
{
	struct heft_buffer inner = made_empty();
	struct heft_buffer outer = made_empty();

	memset(m, 0, sizeof *m);
	m->bytes = made_empty();
	m->copy = made_empty();
	made_text(&inner, 1, "cccccccccc"); /* 12 bytes */
	made_text(&outer, 1, "b");
	made_message(&outer, 2, &inner);
	made_text(&outer, 3, "d");
	made_text(&m->bytes, 1, "a");
	made_message(&m->bytes, 2, &outer);
	heft_wire_input_memory(&m->in, m->bytes.bytes, m->bytes.size);
	m->frames[0] = (struct heft_onnx_frame){
		.len_off = 4, .off = 5, .size = 20, .parent = HEFT_ONNX_NONE
	};
	m->frames[1] = (struct heft_onnx_frame){ .len_off = 9, .off = 10, .size = 12 };
	m->model.frames = m->frames;
	m->model.n_frames = 2;
	ck_assert_uint_eq(m->bytes.size, 25);
}

static void splice(struct made *m)
{
	const struct heft_cut_source cuts = source_of(m);
	struct heft_splice s;
	struct heft_error err;

	ck_assert_msg(heft_splice_init(&s, &m->in, &m->model, &cuts, &err) == HEFT_OK, "%s",
	              err.msg);
	ck_assert_msg(heft_splice_walk(&s, copy_piece, m, &err) == HEFT_OK, "%s", err.msg);
	ck_assert_uint_eq(s.size, m->copy.size);
	heft_splice_done(&s);
}

START_TEST(without_cuts_the_copy_is_the_input)
{
	struct made m;

	nest(&m);
	splice(&m);
	ck_assert_uint_eq(m.copy.size, m.bytes.size);
	ck_assert_mem_eq(m.copy.bytes, m.bytes.bytes, m.bytes.size);
	made_done(&m);
}
END_TEST

START_TEST(lengths_around_a_cut_are_those_of_what_is_left)
{
	static const uint8_t expect[] = "\x0a\x01"
					"a\x12\x0a\x0a\x01"
					"b\x12\x02xy\x1a\x01"
					"d";
	struct made m;

	nest(&m);
	m.cuts[0] = (struct heft_cut){
		.off = 10, .n = 12, .bytes = (const uint8_t *)"xy", .bytes_size = 2, .frame = 1
	};
	m.n_cuts = 1;
	splice(&m);
	ck_assert_uint_eq(m.copy.size, sizeof expect - 1);
	ck_assert_mem_eq(m.copy.bytes, expect, sizeof expect - 1);
	made_done(&m);
}
END_TEST

/* Two bytes of length, and three, where there was one. */
START_TEST(a_hole_makes_lengths_longer_all_the_way_out)
{
	static const uint64_t holes[] = { 100, 116, 117, 200, 16000, 20000, 3000000 };
	const uint64_t hole = holes[_i];
	struct heft_wire_message rest;
	struct heft_wire_field f;
	struct made m;
	bool has;

	nest(&m);
	m.cuts[0] = (struct heft_cut){ .off = 22, .hole_size = hole, .frame = 1, .weight = 7 };
	m.n_cuts = 1;
	splice(&m);
	rest = (struct heft_wire_message){ 0, m.copy.size };
	heft_wire_input_memory(&m.in, m.copy.bytes, m.copy.size);
	ck_assert_int_eq(heft_wire_next(&m.in, &rest, &f, &has, NULL), HEFT_OK);
	ck_assert_int_eq(heft_wire_next(&m.in, &rest, &f, &has, NULL), HEFT_OK);
	ck_assert_uint_eq(rest.at, rest.end);
	ck_assert_uint_eq(f.off - f.len_off, heft_wire_varint_size(f.size));
	rest = heft_wire_inner(&f);
	ck_assert_int_eq(heft_wire_next(&m.in, &rest, &f, &has, NULL), HEFT_OK);
	ck_assert_int_eq(heft_wire_next(&m.in, &rest, &f, &has, NULL), HEFT_OK);
	ck_assert_uint_eq(f.size, 12 + hole);
	ck_assert_int_eq(m.copy.bytes[f.off + f.size - 1], 'h');
	ck_assert_int_eq(heft_wire_next(&m.in, &rest, &f, &has, NULL), HEFT_OK);
	ck_assert_uint_eq(f.number, 3);
	made_done(&m);
}
END_TEST

START_TEST(cuts_of_the_model_itself_and_at_its_end_are_taken)
{
	static const uint8_t expect[] = "\x12\x14\x0a\x01"
					"b\x12\x0c\x0a\x0a"
					"cccccccccc\x1a\x01"
					"dend";
	struct made m;

	nest(&m);
	m.cuts[0] = (struct heft_cut){ .off = 0, .n = 3, .frame = HEFT_ONNX_NONE };
	m.cuts[1] = (struct heft_cut){
		.off = 25, .bytes = (const uint8_t *)"end", .bytes_size = 3, .frame = HEFT_ONNX_NONE
	};
	m.n_cuts = 2;
	splice(&m);
	ck_assert_uint_eq(m.copy.size, sizeof expect - 1);
	ck_assert_mem_eq(m.copy.bytes, expect, sizeof expect - 1);
	made_done(&m);
}
END_TEST

START_TEST(a_length_in_more_bytes_than_it_takes_becomes_short)
{
	static const uint8_t wide[] = "\x12\x83\x80\x00"
				      "abc";
	struct made m;

	nest(&m);
	heft_wire_input_memory(&m.in, wide, sizeof wide - 1);
	m.frames[0] = (struct heft_onnx_frame){
		.len_off = 1, .off = 4, .size = 3, .parent = HEFT_ONNX_NONE
	};
	m.model.n_frames = 1;
	splice(&m);
	ck_assert_uint_eq(m.copy.size, 5);
	ck_assert_mem_eq(m.copy.bytes,
	                 "\x12\x03"
	                 "abc",
	                 5);
	made_done(&m);
}
END_TEST

START_TEST(cuts_that_run_back_are_refused)
{
	struct made m;
	struct heft_splice s;
	struct heft_error err;
	const struct heft_cut_source cuts = source_of(&m);

	nest(&m);
	m.cuts[0] = (struct heft_cut){ .off = 12, .n = 4, .frame = 1 };
	m.cuts[1] = (struct heft_cut){ .off = 14, .n = 4, .frame = 1 };
	m.n_cuts = 2;
	ck_assert_int_eq(heft_splice_init(&s, &m.in, &m.model, &cuts, &err), HEFT_OK);
	ck_assert_int_eq(heft_splice_walk(&s, copy_piece, &m, &err), HEFT_E_CORRUPT);
	m.cuts[1].off = 30;
	m.copy.size = 0;
	ck_assert_int_eq(heft_splice_walk(&s, copy_piece, &m, &err), HEFT_E_CORRUPT);
	m.n_cuts = 0;
	m.copy.size = 0;
	ck_assert_int_eq(heft_splice_walk(&s, copy_piece, &m, &err), HEFT_E_CORRUPT);
	ck_assert_str_eq(err.msg, "the model changes while it is read");
	heft_splice_done(&s);
	made_done(&m);
}
END_TEST

START_TEST(a_copy_that_no_file_can_be_is_refused)
{
	struct made m;
	struct heft_splice s;
	struct heft_error err;
	const struct heft_cut_source cuts = source_of(&m);

	nest(&m);
	m.cuts[0] = (struct heft_cut){ .off = 12, .hole_size = UINT64_MAX / 4, .frame = 1 };
	m.cuts[1] = (struct heft_cut){ .off = 14, .hole_size = UINT64_MAX / 4, .frame = 1 };
	m.n_cuts = 2;
	ck_assert_int_eq(heft_splice_init(&s, &m.in, &m.model, &cuts, &err), HEFT_E_LIMIT);
	made_done(&m);
}
END_TEST

static Suite *splice_suite(void)
{
	Suite *s = suite_create("onnx_splice");
	TCase *tc = tcase_create("splice");

	tcase_add_test(tc, without_cuts_the_copy_is_the_input);
	tcase_add_test(tc, lengths_around_a_cut_are_those_of_what_is_left);
	tcase_add_loop_test(tc, a_hole_makes_lengths_longer_all_the_way_out, 0, 7);
	tcase_add_test(tc, cuts_of_the_model_itself_and_at_its_end_are_taken);
	tcase_add_test(tc, a_length_in_more_bytes_than_it_takes_becomes_short);
	tcase_add_test(tc, cuts_that_run_back_are_refused);
	tcase_add_test(tc, a_copy_that_no_file_can_be_is_refused);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(splice_suite());
}
