/* SPDX-License-Identifier: Apache-2.0 */
/* test_graph_sequences.c - sequences and optional values in models: made, changed, carried through
 * loops, and refused where they are none. */
#include "alloc_fail.h"
#include "kinds_made.h"
#include "unit.h"

/* a = [1 2], b = [3], c = [4 5 6], and s = <a b c>. */
static struct import_made three(void)
{
	struct import_made m = import_start(17);

	kinds_ints(&m.graph, "a", "1,2");
	kinds_ints(&m.graph, "b", "3");
	kinds_ints(&m.graph, "c", "4,5,6");
	graph_add_nodes(&m.graph, "s = SequenceConstruct a b c");
	return m;
}

static void check(struct import_made m, const char *nodes, const char *outputs, const char *expect)
{
	graph_add_nodes(&m.graph, nodes);
	graph_add_names(&m.graph, 12, outputs);
	kinds_check(&m, NULL, expect);
}

static void refused(struct import_made m, const char *nodes, const char *message)
{
	graph_add_nodes(&m.graph, nodes);
	graph_add_names(&m.graph, 12, "y");
	kinds_refused(&m, NULL, HEFT_E_USAGE, message);
}

START_TEST(a_sequence_is_made_grown_cut_and_read)
{
	struct import_made m = three();

	kinds_int(&m.graph, "i", -2);
	kinds_int(&m.graph, "j", 0);
	check(m,
	      "l = SequenceLength s; t = SequenceInsert s b; u = SequenceInsert s c j;"
	      "v = SequenceErase s; w = SequenceErase s i; x = SequenceAt s i",
	      "s; l; t; u; v; w; x",
	      "s = <[1 2] [3] [4 5 6]>, l = 3, t = <[1 2] [3] [4 5 6] [3]>, "
	      "u = <[4 5 6] [1 2] [3] [4 5 6]>, v = <[1 2] [3]>, w = <[1 2] [4 5 6]>, x = [3]");
	m = import_start(17);
	kinds_node(&m.graph, "e = SequenceEmpty", "dtype", (int64_t)7, NULL);
	kinds_ints(&m.graph, "a", "1,2");
	check(m, "l = SequenceLength e; y = SequenceInsert e a", "e; l; y",
	      "e = <>, l = 0, y = <[1 2]>");
}
END_TEST

START_TEST(positions_and_dtypes_are_checked)
{
	struct import_made m = three();

	kinds_int(&m.graph, "i", 3);
	refused(m, "y = SequenceAt s i",
	        "node 'y' (SequenceAt): position 3 is none of a sequence of 3 items");
	m = three();
	kinds_int(&m.graph, "i", -4);
	refused(m, "y = SequenceInsert s a i",
	        "node 'y' (SequenceInsert): position -4 is none of a sequence of 3 items");
	refused(three(), "y = SequenceAt s a",
	        "node 'y' (SequenceAt): input 1 is not a list of at most 1 integers");
	m = import_start(17);
	graph_add_nodes(&m.graph, "e = SequenceEmpty; y = SequenceErase e");
	refused(m, "", "node 'y' (SequenceErase): the sequence is empty");
	m = import_start(17);
	kinds_ints(&m.graph, "a", "1,2");
	refused(m, "e = SequenceEmpty; y = SequenceInsert e a",
	        "node 'y' (SequenceInsert): input 1 is I64, and items of the sequence are F32");
	m = three();
	kinds_texts(&m.graph, "t", "x,y");
	refused(m, "y = SequenceConstruct a t",
	        "node 'y' (SequenceConstruct): inputs 0 and 1 are I64 and strings");
	refused(three(), "y = SequenceConstruct s",
	        "node 'y' (SequenceConstruct): input 0 is a sequence and not an array");
	refused(three(), "y = SequenceLength a",
	        "node 'y' (SequenceLength): input 0 is I64 and not a sequence");
}
END_TEST

START_TEST(what_takes_arrays_takes_no_sequence)
{
	struct import_made m = three();

	graph_add_nodes(&m.graph, "y = Relu s");
	graph_add_names(&m.graph, 12, "y");
	kinds_refused(&m, NULL, HEFT_E_UNSUPPORTED, "node 'y' (Relu): input 0 is a sequence");
	refused(three(), "y = Shape s", "node 'y' (Shape): input 0 is a sequence");
	refused(three(), "y = Concat a s", "node 'y' (Concat): input 1 is a sequence");
}
END_TEST

/* --- arrays cut and put together --- */

static void add_matrix(struct import_made *m)
{
	kinds_ints(&m->graph, "flat", "1,2,3,4,5,6,7,8,9,10");
	kinds_ints(&m->graph, "shape", "2,5");
	graph_add_nodes(&m->graph, "x = Reshape flat shape");
}

START_TEST(an_array_is_cut_along_an_axis)
{
	struct import_made m = import_start(17);

	add_matrix(&m);
	kinds_int(&m.graph, "two", 2);
	kinds_ints(&m.graph, "sizes", "1,0,4");
	kinds_node(&m.graph, "a = SplitToSequence x two", "axis", (int64_t)1, NULL);
	kinds_node(&m.graph, "b = SplitToSequence x sizes", "axis", (int64_t)-1, NULL);
	kinds_node(&m.graph, "c = SplitToSequence x", "keepdims", (int64_t)0, NULL);
	check(m, "d = SplitToSequence x", "a; b; c; d",
	      "a = <[1 2; 6 7] [3 4; 8 9] [5; 10]>, b = <[1; 6] [] [2 3 4 5; 7 8 9 10]>, "
	      "c = <[1 2 3 4 5] [6 7 8 9 10]>, d = <[1 2 3 4 5] [6 7 8 9 10]>");
	m = import_start(17);
	add_matrix(&m);
	kinds_ints(&m.graph, "sizes", "1,2");
	kinds_node(&m.graph, "y = SplitToSequence x sizes", "axis", (int64_t)1, NULL);
	refused(m, "", "node 'y' (SplitToSequence): parts leave 2 over");
	m = import_start(17);
	add_matrix(&m);
	kinds_ints(&m.graph, "sizes", "7,-2");
	kinds_node(&m.graph, "y = SplitToSequence x sizes", "axis", (int64_t)1, NULL);
	refused(m, "", "node 'y' (SplitToSequence): part 0 of 7 does not fit");
	m = import_start(17);
	add_matrix(&m);
	kinds_int(&m.graph, "none", 0);
	refused(m, "y = SplitToSequence x none",
	        "node 'y' (SplitToSequence): parts of 0 are asked for");
}
END_TEST

START_TEST(items_are_put_together)
{
	struct import_made m = import_start(17);

	add_matrix(&m);
	kinds_int(&m.graph, "two", 2);
	kinds_node(&m.graph, "parts = SplitToSequence x two", "axis", (int64_t)1, NULL);
	kinds_node(&m.graph, "whole = ConcatFromSequence parts", "axis", (int64_t)1, NULL);
	kinds_node(&m.graph, "rows = SplitToSequence x", "keepdims", (int64_t)0, NULL);
	kinds_node(&m.graph, "across = ConcatFromSequence rows", "axis", (int64_t)-1, "new_axis",
	           (int64_t)1, NULL);
	check(m, "", "whole; across",
	      "whole = [1 2 3 4 5; 6 7 8 9 10], across = [1 6; 2 7; 3 8; 4 9; 5 10]");
	m = three();
	kinds_node(&m.graph, "y = ConcatFromSequence s", "axis", (int64_t)0, "new_axis", (int64_t)1,
	           NULL);
	refused(m, "", "node 'y' (ConcatFromSequence): items 0 and 1 are of different shapes");
	m = import_start(17);
	graph_add_nodes(&m.graph, "e = SequenceEmpty");
	kinds_node(&m.graph, "y = ConcatFromSequence e", "axis", (int64_t)0, NULL);
	refused(m, "", "node 'y' (ConcatFromSequence): the sequence is empty");
}
END_TEST

/* --- optional values --- */

START_TEST(an_optional_value_has_something_or_nothing)
{
	struct import_made m = three();

	check(m,
	      "full = Optional s; empty = Optional; f = OptionalHasElement full;"
	      "e = OptionalHasElement empty; y = OptionalGetElement full; h = OptionalHasElement a",
	      "empty; f; e; y; h",
	      "empty = nothing, f = true, e = false, y = <[1 2] [3] [4 5 6]>, h = true");
	m = import_start(17);
	refused(m, "empty = Optional; y = OptionalGetElement empty",
	        "node 'y' (OptionalGetElement): the optional value has no element");
}
END_TEST

/* --- blocks --- */

static void add_body(struct heft_buffer *graph, const char *text, struct heft_buffer *body)
{
	struct heft_buffer n = import_node(text);

	graph_add_subgraph(&n, "body", body);
	made_message(graph, 1, &n);
}

/* Each iteration inserts its number in front of one sequence and at the end of another, which loses
 * its first item, and both change places. */
START_TEST(loops_carry_sequences)
{
	struct import_made m = import_start(17);
	struct heft_buffer body = made_empty();

	graph_add_names(&body, 11, "i; go; p; q");
	kinds_int(&body, "zero", 0);
	graph_add_nodes(&body, "on = Identity go; r = SequenceInsert p i zero;"
	                       "t = SequenceInsert q i; u = SequenceErase t zero");
	graph_add_names(&body, 12, "on; u; r");
	kinds_int(&m.graph, "n", 5);
	kinds_int(&m.graph, "a", 100);
	kinds_int(&m.graph, "b", 200);
	graph_add_nodes(&m.graph, "s = SequenceConstruct a b");
	add_body(&m.graph, "v w = Loop n - s s", &body);
	/* p, q: <100 200> twice; then <200 0>, <0 100 200>; <100 200 1>, <1 200 0>;
	 * <200 0 2>, <2 100 200 1>; <100 200 1 3>, <3 200 0 2>; <200 0 2 4>, <4 100 200 1 3> */
	check(m, "", "v; w; s", "v = <200 0 2 4>, w = <4 100 200 1 3>, s = <100 200>");
}
END_TEST

START_TEST(a_loop_in_a_loop_carries_a_sequence)
{
	struct import_made m = import_start(17);
	struct heft_buffer inner = made_empty();
	struct heft_buffer outer = made_empty();

	graph_add_names(&inner, 11, "k; go2; q");
	graph_add_nodes(&inner, "on2 = Identity go2; ik = Add i k; r = SequenceInsert q ik");
	graph_add_names(&inner, 12, "on2; r");
	graph_add_names(&outer, 11, "i; go; p");
	add_body(&outer, "t = Loop two - p", &inner);
	graph_add_nodes(&outer, "on = Identity go; l = SequenceLength t");
	graph_add_names(&outer, 12, "on; t; l");
	kinds_int(&m.graph, "two", 2);
	kinds_int(&m.graph, "three", 3);
	graph_add_nodes(&m.graph, "s = SequenceConstruct two");
	add_body(&m.graph, "v lengths = Loop three - s", &outer);
	check(m, "", "v; lengths", "v = <2 0 1 1 2 2 3>, lengths = [3 5 7]");
}
END_TEST

START_TEST(a_map_runs_for_each_item)
{
	struct import_made m = three();
	struct heft_buffer body = made_empty();

	graph_add_names(&body, 11, "x; y");
	graph_add_nodes(&body, "z = Add x y; n = Shape x; o = Identity x");
	graph_add_names(&body, 12, "z; n; o");
	kinds_int(&m.graph, "ten", 10);
	add_body(&m.graph, "z n o = SequenceMap s ten", &body);
	check(m, "", "z; n; o",
	      "z = <[11 12] [13] [14 15 16]>, n = <[2] [1] [3]>, o = <[1 2] [3] [4 5 6]>");
	m = three();
	body = made_empty();
	graph_add_names(&body, 11, "x; y");
	graph_add_nodes(&body, "z = Add x y");
	graph_add_names(&body, 12, "z");
	graph_add_nodes(&m.graph, "short = SequenceConstruct a");
	add_body(&m.graph, "y = SequenceMap s short", &body);
	refused(m, "", "node 'y' (SequenceMap): inputs 0 and 1 have 3 and 1 items");
	m = three();
	body = made_empty();
	graph_add_names(&body, 11, "x");
	graph_add_nodes(&body, "z = SequenceConstruct x");
	graph_add_names(&body, 12, "z");
	add_body(&m.graph, "y = SequenceMap s", &body);
	refused(m, "", "node 'y' (SequenceMap): output 0 of its body is no array");
	m = three();
	body = made_empty();
	graph_add_names(&body, 11, "x");
	graph_add_names(&body, 12, "x");
	add_body(&m.graph, "y = SequenceMap a", &body);
	refused(m, "", "node 'y' (SequenceMap): input 0 is I64 and not a sequence");
	m = import_start(17);
	graph_add_nodes(&m.graph, "s = SequenceEmpty");
	body = made_empty();
	graph_add_names(&body, 11, "x");
	graph_add_names(&body, 12, "x");
	add_body(&m.graph, "y = SequenceMap s", &body);
	check(m, "", "y", "y = <>");
}
END_TEST

START_TEST(a_loop_does_not_stack_sequences)
{
	struct import_made m = three();
	struct heft_buffer body = made_empty();

	graph_add_names(&body, 11, "i; go");
	graph_add_nodes(&body, "on = Identity go; t = Identity s");
	graph_add_names(&body, 12, "on; t");
	kinds_int(&m.graph, "n", 2);
	add_body(&m.graph, "y = Loop n -", &body);
	refused(m, "", "node 'y' (Loop): an iteration makes a sequence, which cannot be stacked");
}
END_TEST

/* --- inputs, and no memory --- */

START_TEST(a_sequence_is_an_input)
{
	static int64_t numbers[2] = { 7, 8 };
	struct import_made m = import_start(17);
	struct heft_sequence *s = calloc(1, sizeof *s + 2 * sizeof *s->items);
	const uint64_t n = 1;
	struct heft_value v = { .name = "s", .dtype = HEFT_KIND_SEQUENCE };

	ck_assert_ptr_nonnull(s);
	s->n = 2;
	s->dtype = HEFT_DTYPE_I64;
	for (int i = 0; i < 2; i++) {
		heft_array_set(&s->items[i], HEFT_DTYPE_I64, 1, &n, NULL);
		s->items[i].bytes = &numbers[i];
	}
	v.bytes = s;
	v.n_bytes = sizeof *s;
	graph_add_names(&m.graph, 11, "s");
	graph_add_nodes(&m.graph, "y = SequenceErase s");
	graph_add_names(&m.graph, 12, "s; y");
	kinds_check(&m, &v, "s = <[7] [8]>, y = <[7]>");
	free(s);
}
END_TEST

START_TEST(no_memory_is_told_at_every_allocation)
{
	const struct heft_session_options one = { .n_threads = 1 };
	struct import_made m = three();
	struct imported im;
	size_t n;

	kinds_texts(&m.graph, "t", "a,bc");
	graph_add_nodes(&m.graph,
	                "u = SequenceConstruct t t; v = SequenceInsert u t; w = SequenceErase v;"
	                "q = SequenceErase s; o = Optional q");
	kinds_node(&m.graph, "x = ConcatFromSequence w", "axis", (int64_t)0, NULL);
	kinds_node(&m.graph, "p = SplitToSequence x", "axis", (int64_t)0, NULL);
	graph_add_names(&m.graph, 12, "x; p; o");
	im = import_whole(&m, NULL);
	for (n = 1;; n++) {
		const struct heft_value *outputs;
		struct heft_session *session;
		struct heft_error err;
		enum heft_status st;
		uint32_t n_outputs;

		ck_assert_int_eq(heft_session_new(im.model, &one, &session, &err), HEFT_OK);
		alloc_fail_at(n);
		st = heft_session_run(session, NULL, 0, &outputs, &n_outputs, &err);
		if (!alloc_fail_done()) {
			char *text;

			ck_assert_int_eq(st, HEFT_OK);
			text = kinds_outputs(outputs, n_outputs);
			ck_assert_str_eq(text, "x = ['a' 'bc' 'a' 'bc'], p = <['a'] ['bc'] ['a'] "
			                       "['bc']>, o = <[1 2] [3]>");
			heft_free(text);
			heft_session_free(session);
			break;
		}
		ck_assert_int_eq(st, HEFT_E_NOMEM);
		heft_session_free(session);
	}
	ck_assert_uint_gt(n, 20);
	import_done(&im);
}
END_TEST

static Suite *sequences_suite(void)
{
	Suite *s = suite_create("graph_sequences");
	TCase *t = tcase_create("sequences");

	tcase_add_test(t, a_sequence_is_made_grown_cut_and_read);
	tcase_add_test(t, positions_and_dtypes_are_checked);
	tcase_add_test(t, what_takes_arrays_takes_no_sequence);
	tcase_add_test(t, an_array_is_cut_along_an_axis);
	tcase_add_test(t, items_are_put_together);
	tcase_add_test(t, an_optional_value_has_something_or_nothing);
	tcase_add_test(t, loops_carry_sequences);
	tcase_add_test(t, a_loop_in_a_loop_carries_a_sequence);
	tcase_add_test(t, a_map_runs_for_each_item);
	tcase_add_test(t, a_loop_does_not_stack_sequences);
	tcase_add_test(t, a_sequence_is_an_input);
	tcase_add_test(t, no_memory_is_told_at_every_allocation);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(sequences_suite());
}
