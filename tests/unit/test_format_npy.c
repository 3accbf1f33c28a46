/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_npy.c - the tensors of npy files: their bytes in any order and in any piece, where
 * they lie, and the recipe. */
#include <pthread.h>

#include "alloc_fail.h"
#include "npy_file.h"

/* --- what the logical bytes must be, the plain way --- */

/* Element `e` (row-major) of an array that lies column-major: its place in the file. */
static size_t column_major_place(uint32_t rank, const uint64_t *dims, size_t e)
{
	uint64_t at[HEFT_MAX_RANK];
	size_t place = 0;
	size_t stride = 1;

	for (uint32_t d = rank; d > 0; d--) {
		at[d - 1] = e % dims[d - 1];
		e /= (size_t)dims[d - 1];
	}
	for (uint32_t d = 0; d < rank; d++) {
		place += (size_t)at[d] * stride;
		stride *= (size_t)dims[d];
	}
	return place;
}

/* Byte `b` of element `e` of `size` bytes, of which each `swap` lie the other way round. */
static uint8_t want_byte(uint32_t rank, const uint64_t *dims, bool is_column_major, size_t size,
                         size_t swap, size_t e, size_t b)
{
	const size_t place = is_column_major ? column_major_place(rank, dims, e) : e;
	const size_t within = b / swap * swap + (swap - 1 - b % swap);

	return npy_byte(place * size + (swap > 1 ? within : b));
}

/* Reads the tensor whole, and again in pieces of growing size. */
static uint8_t *read_all(struct npy_opened *o, uint32_t i, size_t *size)
{
	const struct heft_tensor t = npy_tensor(o, i);
	const size_t n = (size_t)t.n_bytes;
	uint8_t *whole = malloc(n + 1);
	uint8_t *pieces = malloc(n + 1);
	size_t at = 0;

	ck_assert(whole && pieces);
	ck_assert_int_eq(o->f->read(o->st, i, 0, whole, n, &o->err), HEFT_OK);
	for (size_t step = 1; at < n; at += step, step = step * 5 % 4099 + 1) {
		if (step > n - at)
			step = n - at;
		ck_assert_int_eq(o->f->read(o->st, i, at, pieces + at, step, NULL), HEFT_OK);
	}
	ck_assert_int_eq(memcmp(whole, pieces, n), 0);
	free(pieces);
	*size = n;
	return whole;
}

static const struct ordered {
	const char *type;
	const char *shape;
	uint32_t rank;
	uint64_t dims[4];
	size_t size;
	size_t swap;
	bool is_column_major;
	uint8_t transform;
} ordered[] = {
	/* N1-2 N4-2 N5-5 */
	{ "<f4", "(3, 5)", 2, { 3, 5 }, 4, 1, false, 0 },
	{ "<f4", "(3, 5)", 2, { 3, 5 }, 4, 1, true, 2 },
	{ ">f4", "(3, 5)", 2, { 3, 5 }, 4, 4, false, 1 },
	{ ">f4", "(3, 5)", 2, { 3, 5 }, 4, 4, true, 3 },
	{ ">f8", "(2, 3, 4)", 3, { 2, 3, 4 }, 8, 8, true, 3 },
	{ ">c16", "(4, 1, 3)", 3, { 4, 1, 3 }, 16, 8, true, 3 },
	{ ">c8", "(7,)", 1, { 7 }, 8, 4, true, 1 },
	{ "<f4", "(1, 9)", 2, { 1, 9 }, 4, 1, true, 0 },
	{ "|u1", "(17, 3)", 2, { 17, 3 }, 1, 1, true, 2 },
	{ ">U2", "(2, 5)", 2, { 2, 5 }, 8, 4, true, 3 },
	{ "|S3", "(5, 4)", 2, { 5, 4 }, 3, 1, true, 2 },
	{ ">i2", "(2, 3, 5, 7)", 4, { 2, 3, 5, 7 }, 2, 2, true, 3 },
	/* these go through the maps of the scratch file */
	{ "<f4", "(701, 503)", 2, { 701, 503 }, 4, 1, true, 2 },
	{ ">f8", "(3, 3, 64, 300)", 4, { 3, 3, 64, 300 }, 8, 8, true, 3 },
	{ "|V7", "(300, 600)", 2, { 300, 600 }, 7, 1, true, 2 },
	{ "<f2", "(1000, 1, 700, 1)", 4, { 1000, 1, 700, 1 }, 2, 1, true, 2 },
	/* one index of the last dimension is more than is read at once */
	{ "|V1000000", "(9, 2)", 2, { 9, 2 }, 1000000, 1, true, 2 },
};

START_TEST(the_bytes_are_little_endian_and_row_major)
{
	const struct ordered *k = &ordered[_i];
	struct heft_place place;
	struct npy_opened o;
	size_t n = k->size;
	uint8_t *bytes;
	char text[256];

	for (uint32_t d = 0; d < k->rank; d++)
		n *= (size_t)k->dims[d];
	snprintf(text, sizeof text, NPY_TEXT("%s", "%s", "%s"), k->type,
	         k->is_column_major ? "True" : "False", k->shape);
	ck_assert_msg(npy_open(&o, 1, text, n, NULL) == HEFT_OK, "%s", o.err.msg);
	ck_assert_int_eq(o.f->locate(o.st, 0, &place, NULL), HEFT_OK);
	ck_assert_uint_eq(place.transform, k->transform);
	bytes = read_all(&o, 0, &n);
	for (size_t i = 0; i < n; i++)
		if (bytes[i] != want_byte(k->rank, k->dims, k->is_column_major, k->size, k->swap,
		                          i / k->size, i % k->size))
			ck_abort_msg("%s %s: byte %zu", k->type, k->shape, i);
	free(bytes);
	npy_done(&o);
}
END_TEST

/* --- records --- */

#define RECORD \
	"[('a', '<u2'), ('', '|V3'), ('b', [('c', '|u1'), ('d', '>u2', (2,))], (3,)), ('e', '>u4')]"
#define RECORD_SIZE (2u + 3u + 3u * 5u + 4u)

/* Record r of the array lies as the place-th in the file. */
static void check_record(const uint8_t *const *fields, size_t r, size_t place)
{
	const size_t at = place * RECORD_SIZE;

	for (size_t i = 0; i < 2; i++)
		ck_assert_uint_eq(fields[0][2 * r + i], npy_byte(at + i));
	for (size_t k = 0; k < 3; k++) {
		const size_t inner = at + 5 + 5 * k;

		ck_assert_uint_eq(fields[1][3 * r + k], npy_byte(inner));
		for (size_t i = 0; i < 4; i++)
			ck_assert_uint_eq(fields[2][(3 * r + k) * 4 + i],
			                  npy_byte(inner + 1 + (i ^ 1)));
	}
	for (size_t i = 0; i < 4; i++)
		ck_assert_uint_eq(fields[3][4 * r + i], npy_byte(at + 20 + (3 - i)));
}

/* 4 by 6 records, and 1,000 by 90, which are more than a mebibyte. */
START_TEST(each_field_of_a_record_is_a_tensor)
{
	static const char *const names[] = { "arr_0.a", "arr_0.b.c", "arr_0.b.d", "arr_0.e" };
	static const uint32_t ranks[] = { 2, 3, 4, 2 };
	const uint64_t dims[] = { _i < 2 ? 4 : 1000, _i < 2 ? 6 : 90 };
	const size_t n = (size_t)(dims[0] * dims[1]);
	uint8_t *fields[4];
	struct heft_origin origin;
	struct heft_tensor t;
	struct npy_opened o;
	char text[512];
	size_t size;

	/* N5-1 N5-2 N5-3 N5-5 N1-1 */
	snprintf(text, sizeof text, NPY_LIST(RECORD, "%s", "(%u, %u)"), _i % 2 ? "True" : "False",
	         (unsigned)dims[0], (unsigned)dims[1]);
	ck_assert_msg(npy_open(&o, 1, text, n * RECORD_SIZE, NULL) == HEFT_OK, "%s", o.err.msg);
	ck_assert_uint_eq(o.f->n_tensors(o.st), 4);
	for (uint32_t i = 0; i < 4; i++) {
		t = npy_tensor(&o, i);
		ck_assert_str_eq(t.name, names[i]);
		ck_assert_uint_eq(t.rank, ranks[i]);
		ck_assert_uint_eq(t.dims[0], dims[0]);
		ck_assert_uint_eq(t.dims[1], dims[1]);
		ck_assert(t.rank < 3 || t.dims[2] == 3);
		ck_assert(t.rank < 4 || t.dims[3] == 2);
		fields[i] = read_all(&o, i, &size);
		ck_assert_uint_eq(size, t.n_bytes);
		ck_assert_int_eq(o.f->locate(o.st, i, &(struct heft_place){ 0 }, NULL),
		                 HEFT_E_UNSUPPORTED);
	}
	for (size_t r = 0; r < n; r++)
		check_record((const uint8_t *const *)fields, r,
		             _i % 2 ? column_major_place(2, dims, r) : r);
	/* N6-3 */
	heft_origin_init(&origin);
	ck_assert_int_eq(o.f->origin(o.st, "a.npy", &origin, NULL), HEFT_OK);
	ck_assert_uint_eq(origin.n_files, 0);
	heft_origin_done(&origin);
	for (uint32_t i = 0; i < 4; i++)
		free(fields[i]);
	npy_done(&o);
}
END_TEST

static const struct together {
	const char *descr;
	const char *shape;
	size_t n_data;
	bool is_found; /* one place, and so a recipe */
} together[] = {
	{ "[('a', '<f4')]", "(2, 3)", 24, true },
	{ "[('a', '<f4', (3,))]", "(2,)", 24, true },
	{ "[('a', [('b', '>f4')], (3,))]", "(2,)", 24, true },
	{ "[('a', '<f4', (2,))]", "(3, 1)", 24, true },
	{ "[('a', '<f4'), ('', '|V4')]", "(3,)", 24, false },
};

START_TEST(a_record_of_one_field_lies_together)
{
	const struct together *k = &together[_i];
	struct heft_origin origin;
	struct heft_place place;
	struct npy_opened o;
	char text[256];

	snprintf(text, sizeof text, NPY_LIST("%s", "False", "%s"), k->descr, k->shape);
	ck_assert_int_eq(npy_open(&o, 1, text, k->n_data, NULL), HEFT_OK);
	ck_assert_int_eq(o.f->locate(o.st, 0, &place, NULL),
	                 k->is_found ? HEFT_OK : HEFT_E_UNSUPPORTED);
	heft_origin_init(&origin);
	ck_assert_int_eq(o.f->origin(o.st, "a.npy", &origin, NULL), HEFT_OK);
	ck_assert_uint_eq(origin.n_files, k->is_found);
	heft_origin_done(&origin);
	npy_done(&o);
}
END_TEST

/* Records that are further apart than what is read at once. */
START_TEST(fields_that_lie_far_apart_are_read)
{
	struct npy_opened o;
	uint8_t bytes[60];

	ck_assert_int_eq(npy_open(&o, 1,
	                          NPY_LIST("[('a','<f4'),('b','|V99996')]", "False", "(15,)"),
	                          15 * 100000, NULL),
	                 HEFT_OK);
	ck_assert_int_eq(o.f->read(o.st, 0, 0, bytes, sizeof bytes, NULL), HEFT_OK);
	for (size_t i = 0; i < sizeof bytes; i++)
		ck_assert_uint_eq(bytes[i], npy_byte(i / 4 * 100000 + i % 4));
	npy_done(&o);
}
END_TEST

/* Neither makes a tensor that can be read, and no read of nothing fails. */
START_TEST(records_without_bytes_or_fields_are_there)
{
	struct npy_opened o;

	ck_assert_int_eq(npy_open(&o, 1, NPY_LIST("[]", "False", "(3,)"), 0, NULL), HEFT_OK);
	ck_assert_uint_eq(o.f->n_tensors(o.st), 0);
	npy_done(&o);
	ck_assert_int_eq(npy_open(&o, 1,
	                          NPY_LIST("[('a','<f4',(0,)),('b','|u1')]", "True", "(2,2)"), 4,
	                          NULL),
	                 HEFT_OK);
	ck_assert_uint_eq(npy_tensor(&o, 0).n_bytes, 0);
	ck_assert_uint_eq(npy_tensor(&o, 1).n_bytes, 4);
	ck_assert_int_eq(o.f->read(o.st, 0, 0, NULL, 0, NULL), HEFT_OK);
	npy_done(&o);
}
END_TEST

/* --- limits --- */

static const struct limited {
	struct heft_limits limits;
	const char *at; /* NULL: it opens */
} limited[] = {
	{ { .max_tensors = 2, .max_name_size = 9, .max_logical_bytes = 4 }, NULL },
	{ { .max_tensors = 1 }, "'|u1')]" },
	{ { .max_name_size = 8 }, "'|u1')]" },
	{ { .max_logical_bytes = 3 }, "'|u1')]" },
};

START_TEST(limits_hold_at_the_first_tensor_past_them)
{
	const char *text = NPY_LIST("[('a','|u1'),('bcd','|u1')]", "False", "(2,)");
	const struct limited *l = &limited[_i];
	const struct heft_open_options options = { .limits = l->limits };
	struct npy_opened o;

	ck_assert_int_eq(npy_open(&o, 1, text, 4, &options), l->at ? HEFT_E_LIMIT : HEFT_OK);
	if (l->at)
		ck_assert_uint_eq(o.err.offset, 10 + (uint64_t)(strstr(text, l->at) - text));
	npy_done(&o);
}
END_TEST

START_TEST(a_name_may_have_4096_bytes)
{
	const size_t most = HEFT_MAX_NAME - strlen("arr_0.") + (size_t)_i;
	char *name = malloc(most + 1);
	char *text = malloc(most + 200);
	struct npy_opened o;

	/* N5-4 */
	ck_assert(name && text);
	memset(name, 'n', most);
	name[most] = '\0';
	snprintf(text, most + 200, NPY_LIST("[('%s','<f4')]", "False", "()"), name);
	ck_assert_int_eq(npy_open(&o, 1, text, 4, NULL), _i ? HEFT_E_LIMIT : HEFT_OK);
	npy_done(&o);
	free(text);
	free(name);
}
END_TEST

/* --- behind the data (N2-5) --- */

static enum heft_status open_with_trailer(struct npy_opened *o, const void *trailer, size_t n)
{
	uint8_t *bytes = calloc(1, n + 256);
	enum heft_status st;
	size_t size;

	ck_assert_ptr_nonnull(bytes);
	size = npy_build_head(bytes, 1, NPY_TEXT("|u1", "False", "(4,)")) + 4;
	if (trailer)
		memcpy(bytes + size, trailer, n);
	st = npy_open_bytes(o, bytes, size + n, NULL);
	free(bytes);
	return st;
}

START_TEST(what_lies_behind_the_array_is_kept_or_refused)
{
	const uint64_t end = 10 + strlen(NPY_TEXT("|u1", "False", "(4,)")) + 4;
	struct heft_origin origin;
	struct npy_opened o;

	ck_assert_int_eq(open_with_trailer(&o, "behind", 6), HEFT_OK);
	heft_origin_init(&origin);
	ck_assert_int_eq(o.f->origin(o.st, "a.npy", &origin, NULL), HEFT_OK);
	ck_assert_uint_eq(origin.files[0].n_pieces, 3);
	ck_assert_mem_eq(origin.files[0].pieces[2].literal, "behind", 6);
	heft_origin_done(&origin);
	npy_done(&o);
	ck_assert_int_eq(open_with_trailer(&o, HEFT_NPY_MAGIC "\1\0", 8), HEFT_E_UNSUPPORTED);
	ck_assert_uint_eq(o.err.offset, end);
	npy_done(&o);
	ck_assert_int_eq(open_with_trailer(&o, NULL, 1048576), HEFT_OK);
	npy_done(&o);
	ck_assert_int_eq(open_with_trailer(&o, NULL, 1048577), HEFT_E_UNSUPPORTED);
	ck_assert_uint_eq(o.err.offset, end);
	npy_done(&o);
}
END_TEST

/* --- the recipe --- */

START_TEST(the_recipe_gives_the_file_back)
{
	const char *text = NPY_TEXT(">f4", "True", "(2, 3)");
	struct heft_origin origin;
	const struct heft_origin_file *file;
	struct npy_opened o;

	/* N6-1 N6-2 */
	ck_assert_int_eq(npy_open(&o, 2, text, 24, NULL), HEFT_OK);
	heft_origin_init(&origin);
	ck_assert_int_eq(o.f->origin(o.st, "dir/the.npy", &origin, NULL), HEFT_OK);
	ck_assert_str_eq(origin.format, "npy");
	ck_assert_uint_eq(origin.n_files, 1);
	file = &origin.files[0];
	ck_assert_str_eq(file->name, "the.npy");
	ck_assert_uint_eq(file->size, heft_source_size(o.src));
	ck_assert_uint_eq(file->n_pieces, 2);
	ck_assert_uint_eq(file->pieces[0].size, 12 + strlen(text));
	ck_assert_mem_eq(file->pieces[0].literal + 12, text, strlen(text));
	ck_assert_ptr_null(file->pieces[1].literal);
	ck_assert_uint_eq(file->pieces[1].size, 24);
	ck_assert_uint_eq(file->pieces[1].transform,
	                  HEFT_TRANSFORM_SWAPPED | HEFT_TRANSFORM_COLUMN_MAJOR);
	heft_origin_done(&origin);
	heft_origin_init(&origin);
	ck_assert_int_eq(o.f->origin(o.st, "a\\b", &origin, NULL), HEFT_OK);
	ck_assert_str_eq(origin.files[0].name, "array.npy");
	heft_origin_done(&origin);
	npy_done(&o);
}
END_TEST

START_TEST(an_empty_array_has_a_recipe_of_its_header)
{
	struct heft_origin origin;
	struct npy_opened o;

	ck_assert_int_eq(npy_open(&o, 1, NPY_TEXT("<f4", "True", "(2, 0, 3)"), 0, NULL), HEFT_OK);
	heft_origin_init(&origin);
	ck_assert_int_eq(o.f->origin(o.st, "a.npy", &origin, NULL), HEFT_OK);
	ck_assert_uint_eq(origin.files[0].n_pieces, 1);
	heft_origin_done(&origin);
	npy_done(&o);
}
END_TEST

/* Their size is not told by a unit, so nobody else could put them in order. */
START_TEST(large_elements_in_another_order_have_no_recipe)
{
	struct heft_origin origin;
	struct heft_place place;
	struct npy_opened o;
	uint8_t byte;

	ck_assert_int_eq(npy_open(&o, 1, NPY_TEXT("|V700000", "True", "(2, 2)"), 2800000, NULL),
	                 HEFT_OK);
	ck_assert_int_eq(o.f->locate(o.st, 0, &place, NULL), HEFT_OK);
	npy_done(&o);
	ck_assert_int_eq(npy_open(&o, 1, NPY_TEXT("|V1048577", "True", "(1, 2)"), 2097154, NULL),
	                 HEFT_OK);
	ck_assert_int_eq(o.f->locate(o.st, 0, &place, NULL), HEFT_OK); /* no other order */
	npy_done(&o);
	ck_assert_int_eq(npy_open(&o, 1,
	                          NPY_LIST("[('a','|V524289'),('b','|V524288')]", "True", "(2, 1)"),
	                          2097154, NULL),
	                 HEFT_OK);
	ck_assert_int_eq(o.f->read(o.st, 1, 524288, &byte, 1, NULL), HEFT_OK);
	ck_assert_uint_eq(byte, npy_byte(1048577 + 524289));
	heft_origin_init(&origin);
	ck_assert_int_eq(o.f->origin(o.st, "a.npy", &origin, NULL), HEFT_OK);
	ck_assert_uint_eq(origin.n_files, 0);
	heft_origin_done(&origin);
	npy_done(&o);
}
END_TEST

/* --- the rest --- */

START_TEST(a_tensor_is_found_by_its_name)
{
	struct npy_opened o;
	uint32_t i = 9;
	const char *json;

	/* N1-1 N1-3 */
	ck_assert_int_eq(npy_open(&o, 1, NPY_TEXT("<f4", "False", "()"), 4, NULL), HEFT_OK);
	ck_assert_int_eq(o.f->find(o.st, HEFT_SPACE_WEIGHTS, "arr_0", &i, NULL), HEFT_OK);
	ck_assert_uint_eq(i, 0);
	ck_assert_int_eq(o.f->find(o.st, HEFT_SPACE_WEIGHTS, "arr_1", &i, NULL), HEFT_E_NOT_FOUND);
	ck_assert_int_eq(o.f->find(o.st, HEFT_SPACE_STATE, "arr_0", &i, NULL), HEFT_E_NOT_FOUND);
	ck_assert_int_eq(o.f->metadata(o.st, &json, NULL), HEFT_OK);
	ck_assert_str_eq(json, "{}");
	npy_done(&o);
}
END_TEST

static void *read_in_thread(void *arg)
{
	struct npy_opened *o = arg;
	size_t n;

	free(read_all(o, 0, &n));
	return NULL;
}

START_TEST(many_threads_read_a_column_major_array)
{
	pthread_t threads[4];
	struct npy_opened o;

	ck_assert_int_eq(npy_open(&o, 1, NPY_TEXT(">f4", "True", "(300, 100)"), 120000, NULL),
	                 HEFT_OK);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, read_in_thread, &o), 0);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	npy_done(&o);
}
END_TEST

START_TEST(a_folder_for_the_scratch_file_that_is_not_there_is_said)
{
	const struct heft_open_options options = { .scratch_folder = "/nowhere/at/all" };
	struct npy_opened o;
	uint8_t byte;

	ck_assert_int_eq(npy_open(&o, 1, NPY_TEXT("|u1", "True", "(2, 2)"), 4, &options), HEFT_OK);
	ck_assert_int_eq(o.f->read(o.st, 0, 0, &byte, 1, &o.err), HEFT_E_IO);
	ck_assert_ptr_nonnull(strstr(o.err.msg, "/nowhere/at/all"));
	npy_done(&o);
}
END_TEST

/* --- no memory --- */

static enum heft_status use(struct npy_opened *o)
{
	struct heft_origin origin;
	struct heft_tensor t;
	uint8_t bytes[64];
	void *st = NULL;
	enum heft_status status = o->f->open(o->src, "a.npy", NULL, &st, NULL);

	heft_origin_init(&origin);
	for (uint32_t i = 0; status == HEFT_OK && i < o->f->n_tensors(st); i++) {
		status = o->f->tensor_at(st, i, &t, NULL);
		if (status == HEFT_OK)
			status = o->f->read(st, i, 1, bytes, (size_t)t.n_bytes - 1, NULL);
	}
	if (status == HEFT_OK)
		status = o->f->origin(st, "a.npy", &origin, NULL);
	heft_origin_done(&origin);
	o->f->close(st);
	return status;
}

START_TEST(a_reader_without_memory_says_so_and_leaks_nothing)
{
	static const char *const texts[] = {
		NPY_TEXT(">f4", "True", "(2, 3)"),
		NPY_LIST("[('a', '<f4'), ('b', [('c', '>u2')], (3,))]", "True", "(2, 2)"),
	};
	enum heft_status st = HEFT_E_NOMEM;
	struct npy_opened o;

	ck_assert_int_eq(npy_open(&o, 1, texts[_i], _i ? 40 : 24, NULL), HEFT_OK);
	for (size_t n = 1; st != HEFT_OK; n++) {
		alloc_fail_at(n);
		st = use(&o);
		ck_assert_int_eq(st, alloc_fail_done() ? HEFT_E_NOMEM : HEFT_OK);
	}
	npy_done(&o);
}
END_TEST

static Suite *npy_suite(void)
{
	Suite *s = suite_create("format_npy");
	TCase *tc = tcase_create("read");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, the_bytes_are_little_endian_and_row_major, 0,
	                    (int)(sizeof ordered / sizeof *ordered));
	tcase_add_loop_test(tc, each_field_of_a_record_is_a_tensor, 0, 4);
	tcase_add_loop_test(tc, a_record_of_one_field_lies_together, 0,
	                    (int)(sizeof together / sizeof *together));
	tcase_add_test(tc, fields_that_lie_far_apart_are_read);
	tcase_add_test(tc, records_without_bytes_or_fields_are_there);
	tcase_add_loop_test(tc, limits_hold_at_the_first_tensor_past_them, 0,
	                    (int)(sizeof limited / sizeof *limited));
	tcase_add_loop_test(tc, a_name_may_have_4096_bytes, 0, 2);
	tcase_add_test(tc, what_lies_behind_the_array_is_kept_or_refused);
	tcase_add_test(tc, the_recipe_gives_the_file_back);
	tcase_add_test(tc, an_empty_array_has_a_recipe_of_its_header);
	tcase_add_test(tc, large_elements_in_another_order_have_no_recipe);
	tcase_add_test(tc, a_tensor_is_found_by_its_name);
	tcase_add_test(tc, many_threads_read_a_column_major_array);
	tcase_add_test(tc, a_folder_for_the_scratch_file_that_is_not_there_is_said);
	tcase_add_loop_test(tc, a_reader_without_memory_says_so_and_leaks_nothing, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(npy_suite());
}
