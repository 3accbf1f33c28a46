/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_graph_ops.c - every operator of lib/graph, by the rows of op_rows/<group>.txt.
 *
 * A row is one line, a case of an operator; a line that begins with # is a comment, where tags of
 * rules are named. Parts from the end, and in front of OUTPUT, may be left out:
 *
 *	OP OPSET INPUT... ; ATTRIBUTE... ; OPTION... ; = OUTPUT...
 *	Conv 13 F32[2,6,9,8] F32[4,3,3,3] F32[4] ; group=2 pads=[1,1,1,1] strides=[2,1]
 *	com.microsoft.Gelu 1 F32[2,3]
 *	TopK 11 F32[3,7] I64{2} ; axis=-1 ; out=2
 *	Slice 13 F32{1,2,3} I64{1} I64{3} ; ; ; = F32{2,3}
 *
 *	INPUT      -                   left out
 *	           F32[2,3]            drawn numbers: floats in [-2, 2), integers -8 to 8, or 0 to 8
 *	                               where there is no sign, BOOL 0 and 1
 *	           F32[2,3]:-4..4      floats in [-4, 4), integers -4 to 4
 *	           F32[2,3]:special    NaN, infinities, zeros, subnormals among them; or extremes
 *	           I64{1,2}            these values, of rank 1
 *	           F32[2,3]{1,nan}     these in turn; I64[]{3} is of rank 0
 *	ATTRIBUTE  name=1 name=1.0 name="text" name=[1,2] name=[1.0,2.0] name=["a"] name=F32{1.5}
 *	OPTION     out=N               outputs of the node, else the operator's min_out
 *	           wants=[0,2]         which of them are wanted, else all
 *	           error=USAGE         or UNSUPPORTED, LIMIT: that is what infer says
 *	           one_layout          not tried with channels last
 *	           no_end              not tried with something fused into it
 *	OUTPUT     as an INPUT with values, or -; = bit by bit, ~ within 1e-5 x max(1, |value|)
 *
 * BITS=check does no more than compare each row with op_rows/<group>.bits, BITS=write writes these.
 * ROWS is the folder; with ROW=conv.txt, or ROW=conv.txt:12, only those are run.
 */
#include "op_bits.h"
#include "op_mutate.h"
#include "op_run.h"

#include <dirent.h>

#define MAX_ROWS 4096
#define MAX_OPERATORS 1024
#define N_MUTATIONS 24

static const uint32_t masks[] = { 0, HEFT_CPU_SSE42 | HEFT_CPU_AVX2,
	                          HEFT_CPU_SSE42 | HEFT_CPU_AVX2 | HEFT_CPU_AVX512 };
#define N_MASKS (sizeof masks / sizeof *masks)
static const uint32_t thread_counts[] = { 1, 2, 3, 7 };
#define N_COUNTS (sizeof thread_counts / sizeof *thread_counts)

struct line {
	char place[64];
	char *text;
};

static struct line lines[MAX_ROWS];
static int n_lines;

static struct heft_team *teams[N_COUNTS];
static struct op_row row;
static struct op_result first;

static void start_teams(void)
{
	for (size_t k = 1; k < N_COUNTS; k++)
		ck_assert_int_eq(heft_team_new(thread_counts[k], &teams[k], NULL), HEFT_OK);
}

static void stop_teams(void)
{
	for (size_t k = 1; k < N_COUNTS; k++)
		heft_team_free(teams[k]);
}

static void read_line(int i)
{
	row_read(&row, lines[i].place, lines[i].text);
	ck_assert_msg(row.op, "%s: there is no operator %s", row.place, row.name);
}

static struct op_way plain_way(void)
{
	return (struct op_way){ .wanted = row.wanted, .rubbish = 0xa5 };
}

/* Runs the row so and compares it with what `want` has; outputs that either does not want are
 * passed over. */
static void check_way(const struct op_way *way, const struct op_result *want)
{
	struct op_result got;
	struct heft_error err = { 0 };
	const enum heft_status st = op_run(&row, way, false, &got, &err);

	ck_assert_msg(st == HEFT_OK, "%s: infer: %s", row.place, err.msg);
	for (uint32_t i = 0; i < row.n_out; i++) {
		const char *difference = op_difference(&got.out[i], &want->out[i]);

		if (want->out[i].dtype == HEFT_DTYPE_NONE || !((way->wanted & row.wanted) >> i & 1))
			continue;
		if (*difference)
			ck_abort_msg("%s: cpu %x, %u threads%s%s%s%s%s: output %u: %s", row.place,
			             way->cpu_bits, heft_team_n_threads(way->team),
			             way->is_packed ? ", packed" : "",
			             way->is_channels_last ? ", channels last" : "",
			             way->is_in_place ? ", in place" : "",
			             way->is_all_known ? ", all known" : "",
			             way->end ? ", with an end" : "", i, difference);
	}
	op_result_done(&got);
}

/* Every CPU mask with every number of threads, as it stands and in the way that is wanted most; in
 * the ways between each of them once. */
static void check_matrix(struct op_way way, const struct op_result *want, bool is_packed)
{
	const bool knows_last = (row.op->flags & HEFT_OP_CHANNELS_LAST) && !row.is_one_layout;

	for (size_t k = 0; k < N_MASKS * N_COUNTS * 4; k++) {
		const size_t mask = k / N_COUNTS % N_MASKS;
		const size_t count = k % N_COUNTS;

		way.cpu_bits = masks[mask];
		way.team = teams[count];
		way.is_packed = k / N_COUNTS / N_MASKS % 2 == 1;
		way.is_channels_last = k / N_COUNTS / N_MASKS / 2 == 1;
		way.rubbish = (uint8_t)(k * 85 + 1);
		if ((masks[mask] & ~heft_cpu_bits()) != 0 || (way.is_packed && !is_packed) ||
		    (way.is_channels_last && !knows_last))
			continue;
		if ((way.is_packed || way.is_channels_last) &&
		    (way.is_packed != is_packed || way.is_channels_last != knows_last) &&
		    count % N_MASKS != mask)
			continue;
		check_way(&way, want);
	}
}

static void check_in_place(const struct op_result *want)
{
	struct op_way way = plain_way();

	way.is_in_place = true;
	for (int k = 0; k < 4; k++) {
		way.team = teams[k % 2 == 0 ? 0 : 2];
		way.cpu_bits = heft_cpu_bits();
		way.is_channels_last = k > 1;
		if (k > 1 && (!(row.op->flags & HEFT_OP_CHANNELS_LAST) || row.is_one_layout))
			continue;
		check_way(&way, want);
	}
}

/* --- what is fused into an operator: spec F2-2 --- */

struct end_made {
	struct heft_array bias;
	struct heft_array residual;
	float *bias_values;
	float *residual_values;
};

static void make_end(const struct heft_array *out, struct end_made *made)
{
	const struct heft_random_place place = { .seed = 5 };
	const bool is_conv = strncmp(row.name, "Conv", 4) == 0;
	const uint64_t n_channels = out->dims[is_conv ? 1 : out->rank - 1];

	memset(made, 0, sizeof *made);
	made->bias_values = row_hold(&row, (n_channels + 1) * sizeof(float));
	made->residual_values = row_hold(&row, (out->n_elements + 1) * sizeof(float));
	heft_random_normal_f32(&place, 0, made->bias_values, n_channels);
	heft_random_normal_f32(&place, 4096, made->residual_values, out->n_elements);
	heft_array_set(&made->bias, HEFT_DTYPE_F32, 1, &n_channels, NULL);
	heft_array_set(&made->residual, HEFT_DTYPE_F32, out->rank, out->dims, NULL);
	made->bias.bytes = made->bias_values;
	made->residual.bytes = made->residual_values;
}

/* The end by itself, over a plain result. */
static void do_end(const struct heft_call_end *end, const struct heft_array *out, float *y)
{
	const bool is_conv = strncmp(row.name, "Conv", 4) == 0;
	uint64_t inner = 1;

	for (uint32_t d = 2; is_conv && d < out->rank; d++)
		inner *= out->dims[d];
	for (uint64_t i = 0; i < out->n_elements; i++) {
		if (end->bias)
			y[i] += ((const float *)end->bias->bytes)[i / inner % end->bias->dims[0]];
		if (end->residual)
			y[i] += ((const float *)end->residual->bytes)[i];
		if (end->activation == HEFT_ACTIVATION_RELU && y[i] < 0)
			y[i] = 0;
		if (end->activation == HEFT_ACTIVATION_CLIP && y[i] < end->low)
			y[i] = end->low;
		if (end->activation == HEFT_ACTIVATION_CLIP && y[i] > end->high)
			y[i] = end->high;
	}
}

static void check_end(const struct op_result *plain, const struct end_made *made, uint32_t which)
{
	const struct heft_array *out = &plain->out[0];
	struct heft_array residual = made->residual;
	struct heft_call_end end = { .activation = which / 4 == 1   ? HEFT_ACTIVATION_RELU
		                                   : which / 4 == 2 ? HEFT_ACTIVATION_CLIP
		                                                    : HEFT_ACTIVATION_NONE,
		                     .low = which / 4 == 2 ? -0.5f : 0,
		                     .high = which / 4 == 2 ? 0.75f : 0,
		                     .bias = which & 1 ? &made->bias : NULL,
		                     .residual = which & 2 ? &residual : NULL };
	struct op_result want = { .n_out = 1 };
	struct op_way way = plain_way();

	want.out[0] = *out;
	want.out[0].bytes = row_hold(&row, out->n_bytes);
	if (out->n_bytes > 0)
		memcpy(want.out[0].bytes, out->bytes, out->n_bytes);
	do_end(&end, out, want.out[0].bytes);
	way.end = &end;
	for (int k = 0; k < 8; k++) {
		way.cpu_bits = k % 2 == 0 ? 0 : heft_cpu_bits();
		way.team = teams[k % 2 == 0 ? 0 : 2];
		way.is_packed = k / 2 % 2 == 1;
		way.is_channels_last = k / 4 == 1;
		if (way.is_channels_last &&
		    (!(row.op->flags & HEFT_OP_CHANNELS_LAST) || row.is_one_layout))
			continue;
		if (way.is_channels_last && out->rank > 2 && out->n_bytes > 0) {
			residual.bytes = row_hold(&row, out->n_bytes);
			op_lay(out, residual.bytes, made->residual.bytes, false);
		}
		check_way(&way, &want);
	}
}

static void check_ends(const struct op_result *plain)
{
	const struct heft_array *out = &plain->out[0];
	struct end_made made;

	if (!(row.op->flags & HEFT_OP_ENDS) || row.has_no_end || row.n_out != 1 ||
	    out->dtype != HEFT_DTYPE_F32 || out->rank < 2 || out->n_elements > 1U << 16)
		return;
	make_end(out, &made);
	for (uint32_t which = 1; which < 12; which++) {
		const bool has_bias = row.n_in > 2 && row.in[2].dtype != HEFT_DTYPE_NONE;

		if (!(which & 1) || !has_bias)
			check_end(plain, &made, which);
	}
}

/* --- the tests --- */

static void check_expected(void)
{
	for (uint32_t i = 0; i < row.n_expected; i++) {
		const struct heft_array *want = &row.expected[i];
		const struct heft_array *got = &first.out[i];

		if (want->dtype == HEFT_DTYPE_NONE)
			continue;
		ck_assert_msg(i < row.n_out && got->dtype == want->dtype &&
		                      heft_array_same_shape(got, want),
		              "%s: the dtype or shape of output %u", row.place, i);
		if (row.check == ROW_CHECKED_EXACTLY)
			ck_assert_msg(*op_difference(got, want) == 0, "%s: output %u: %s",
			              row.place, i, op_difference(got, want));
		for (uint64_t k = 0; k < want->n_elements; k++) {
			const double a = op_element(got, k);
			const double b = op_element(want, k);

			if (!op_same_element(got, want, k) &&
			    !(fabs(a - b) <= 1e-5 * fmax(1, fabs(b))))
				ck_abort_msg("%s: output %u: element %llu: %.9g, expected %.9g",
				             row.place, i, (unsigned long long)k, a, b);
		}
	}
}

/* F1-1: what the row gave elsewhere. */
static void check_bits(int i)
{
	uint64_t bits;

	ck_assert_msg(bits_find(getenv("ROWS"), row.place, lines[i].text, &bits),
	              "%s: its bits are not written down: BITS=write does it", row.place);
	ck_assert_msg(bits == bits_of(&row, &first), "%s: other bits than those written down",
	              row.place);
}

/* F1-1, F2-2: the bits are the same in every way there is to compute them. */
START_TEST(a_row_gives_the_same_bits_in_every_way)
{
	struct op_way way;
	struct heft_error err = { 0 };
	enum heft_status st;

	start_teams();
	read_line(_i);
	way = plain_way();
	st = op_run(&row, &way, false, &first, &err);
	ck_assert_msg(st == row.status, "%s: infer: %d, '%s', expected %d", row.place, st, err.msg,
	              row.status);
	if (st == HEFT_OK) {
		check_expected();
		check_bits(_i);
		way.is_all_known = true;
		check_way(&way, &first);
		way.is_all_known = false;
		check_matrix(way, &first, first.was_packed);
		for (uint32_t i = 0; i < row.n_out && row.n_out > 1; i++) {
			way.wanted = row.wanted & 1ULL << i;
			if (way.wanted != 0)
				check_way(&way, &first);
		}
		if (first.may_overwrite > 0)
			check_in_place(&first);
		check_ends(&first);
	}
	op_result_done(&first);
	row_done(&row);
	stop_teams();
}
END_TEST

/* What infer lets pass, forward computes inside its memory, and alike; all else is refused. */
static void check_mutation(uint32_t seed)
{
	struct op_way way = plain_way();
	struct heft_error err = { 0 };
	struct op_result got;

	if (op_run(&row, &way, true, &first, &err) != HEFT_OK)
		return;
	way.cpu_bits = heft_cpu_bits();
	way.team = teams[2];
	way.is_channels_last = (row.op->flags & HEFT_OP_CHANNELS_LAST) && !row.is_one_layout &&
	                       seed % 2 == 0;
	way.is_packed = true;
	if (op_run(&row, &way, false, &got, &err) != HEFT_OK)
		ck_abort_msg("%s: mutation %u: infer: %s", row.place, seed, err.msg);
	for (uint32_t i = 0; i < row.n_out; i++) {
		const char *difference = op_difference(&got.out[i], &first.out[i]);

		if (*difference)
			ck_abort_msg("%s: mutation %u: output %u: %s", row.place, seed, i,
			             difference);
	}
	op_result_done(&got);
	op_result_done(&first);
}

/* What infer lets pass, forward computes inside its memory, and alike; all else is refused. */
START_TEST(a_mutated_row_is_refused_or_computed)
{
	start_teams();
	for (uint32_t seed = 0; seed < N_MUTATIONS; seed++) {
		read_line(_i);
		op_mutate(&row, seed);
		check_mutation(seed);
		row_done(&row);
	}
	stop_teams();
}
END_TEST

START_TEST(every_operator_has_a_row)
{
	char missing[4096] = "";
	bool has_row[MAX_OPERATORS] = { false };
	const struct heft_op *op;

	for (int i = 0; i < n_lines; i++) {
		row_read(&row, lines[i].place, lines[i].text);
		for (uint32_t k = 0; (op = heft_op_at(k)) != NULL && k < MAX_OPERATORS; k++)
			has_row[k] = has_row[k] || (row.op == op && row.status == HEFT_OK);
		row_done(&row);
	}
	for (uint32_t k = 0; (op = heft_op_at(k)) != NULL; k++) {
		ck_assert_uint_lt(k, MAX_OPERATORS);
		/* others run in test_graph_sequences.c and test_graph_texts.c */
		if (op->infer && !has_row[k] &&
		    strlen(missing) + strlen(op->name) + 2 < sizeof missing)
			snprintf(missing + strlen(missing), sizeof missing - strlen(missing), " %s",
			         op->name);
	}
	ck_assert_msg(missing[0] == 0, "no row in op_rows/*.txt:%s", missing);
}
END_TEST

/* --- the rows --- */

static void read_rows(const char *folder, const char *name, const char *only)
{
	char path[4096];
	char text[1200];
	FILE *f;
	int number = 0;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "r");
	while (f && fgets(text, sizeof text, f) && n_lines < MAX_ROWS) {
		struct line *line = &lines[n_lines];

		number++;
		text[strcspn(text, "\n")] = 0;
		if (text[0] == '#' || text[0] == 0)
			continue;
		snprintf(line->place, sizeof line->place, "%.40s:%d", name, number);
		if (only && strcmp(only, name) != 0 && strcmp(only, line->place) != 0)
			continue;
		line->text = strdup(text);
		n_lines++;
	}
	if (f)
		fclose(f);
}

static int is_row_file(const struct dirent *entry)
{
	const size_t n = strlen(entry->d_name);

	return n > 4 && strcmp(entry->d_name + n - 4, ".txt") == 0;
}

/* For where every way takes too long: an emulated processor. */
START_TEST(bits_are_those_written_down)
{
	for (int i = 0; i < n_lines; i++) {
		struct op_way way;
		struct heft_error err;

		read_line(i);
		way = plain_way();
		if (op_run(&row, &way, false, &first, &err) == HEFT_OK)
			check_bits(i);
		op_result_done(&first);
		row_done(&row);
	}
}
END_TEST

/* Rows stand in the order of their files. */
START_TEST(bits_are_written_down)
{
	const char *folder = getenv("ROWS");
	const struct op_way way = { .rubbish = 0xa5 };
	FILE *f = NULL;

	for (int i = 0; i < n_lines; i++) {
		const size_t n = strcspn(lines[i].place, ".");
		struct op_way all = way;
		struct heft_error err;

		if (i == 0 || strncmp(lines[i].place, lines[i - 1].place, n + 1) != 0) {
			if (f)
				fclose(f);
			f = bits_file(folder, lines[i].place, "w");
			ck_assert_ptr_nonnull(f);
		}
		read_line(i);
		all.wanted = row.wanted;
		if (op_run(&row, &all, false, &first, &err) == HEFT_OK)
			fprintf(f, "%016" PRIx64 " %016" PRIx64 "\n",
			        bits_hash(0, lines[i].text, strlen(lines[i].text)),
			        bits_of(&row, &first));
		op_result_done(&first);
		row_done(&row);
	}
	if (f)
		fclose(f);
}
END_TEST

int main(void)
{
	const char *folder = getenv("ROWS");
	const char *only = getenv("ROW");
	Suite *suite = suite_create("graph_ops");
	TCase *t = tcase_create("all");
	struct dirent **files = NULL;
	const int n_files = folder ? scandir(folder, &files, is_row_file, alphasort) : 0;
	int result;

	for (int i = 0; i < n_files; i++) {
		read_rows(folder, files[i]->d_name, only);
		free(files[i]);
	}
	free(files);
	tcase_set_timeout(t, getenv("BITS") ? 600 : 60);
	if (getenv("BITS") && strcmp(getenv("BITS"), "write") == 0) {
		tcase_add_test(t, bits_are_written_down);
	} else if (getenv("BITS")) {
		tcase_add_test(t, bits_are_those_written_down);
	} else {
		tcase_add_loop_test(t, a_row_gives_the_same_bits_in_every_way, 0, n_lines);
		tcase_add_loop_test(t, a_mutated_row_is_refused_or_computed, 0, n_lines);
		if (!only)
			tcase_add_test(t, every_operator_has_a_row);
	}
	suite_add_tcase(suite, t);
	result = heft_unit_run(suite);
	while (n_lines > 0)
		free(lines[--n_lines].text);
	return result;
}
