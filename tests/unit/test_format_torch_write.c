/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_torch_write.c - the archives and pickles of PyTorch files, what comes back from them,
 * and what they cannot hold (spec/foreign/pytorch.md, section 5). What PyTorch makes of them:
 * tests/interop/test_pytorch.py. */
#include <stdlib.h>
#include <string.h>

#include "alloc_fail.h"
#include "base/source.h"
#include "format/pickle.h"
#include "format/torch.h"
#include "format/zip.h"
#include "heft/file.h"
#include "made.h"
#include "scratch.h"
#include "unit.h"

/* --- a file that was written --- */

struct written {
	struct scratch s;
	char *path;
	char *bytes;
	size_t size;
	struct heft_source *src;
	struct heft_zip *zip;
	struct heft_pickle *pickle;
};

static void write_as(struct written *w, const struct made *m, const char *name)
{
	const struct heft_zip_member *member;
	struct heft_error err;
	size_t n_used;

	memset(w, 0, sizeof *w);
	scratch_init(&w->s);
	w->path = scratch_path(&w->s, name);
	made_write(m, "pytorch", w->path);
	w->bytes = scratch_read(w->path, &w->size);
	ck_assert_int_eq(heft_source_open(w->path, 0, &w->src, &err), HEFT_OK);
	ck_assert_msg(heft_zip_open(w->src, NULL, &w->zip, &err) == HEFT_OK, "%s", err.msg);
	member = heft_zip_member(w->zip, 0);
	ck_assert_msg(heft_pickle_parse((const uint8_t *)w->bytes + member->data_off,
	                                (size_t)member->size, member->data_off, NULL, &w->pickle,
	                                &n_used, NULL, &err) == HEFT_OK,
	              "%s", err.msg);
	ck_assert_uint_eq(n_used, member->size);
}

static void written_done(struct written *w)
{
	heft_pickle_free(w->pickle);
	heft_zip_close(w->zip);
	heft_source_close(w->src);
	free(w->bytes);
	scratch_done(&w->s);
}

/* The i-th argument of a tensor's call. */
static heft_pickle_ref argument(const struct written *w, heft_pickle_ref tensor, uint32_t i)
{
	ck_assert_int_eq(heft_pickle_kind(w->pickle, tensor), HEFT_PICKLE_CALL);
	return heft_pickle_item(w->pickle, heft_pickle_argument(w->pickle, tensor), i);
}

/* Of its storage's persistent id. */
static heft_pickle_ref storage(const struct written *w, heft_pickle_ref tensor, uint32_t i)
{
	const heft_pickle_ref id = argument(w, tensor, 0);

	ck_assert_int_eq(heft_pickle_kind(w->pickle, id), HEFT_PICKLE_PERSISTENT);
	return heft_pickle_item(w->pickle, heft_pickle_argument(w->pickle, id), i);
}

static void assert_numbers(const struct written *w, heft_pickle_ref tuple, uint32_t n,
                           const int64_t *numbers)
{
	ck_assert_int_eq(heft_pickle_kind(w->pickle, tuple), HEFT_PICKLE_TUPLE);
	ck_assert_uint_eq(heft_pickle_n_items(w->pickle, tuple), n);
	for (uint32_t i = 0; i < n; i++)
		ck_assert_int_eq(heft_pickle_int(w->pickle, heft_pickle_item(w->pickle, tuple, i)),
		                 numbers[i]);
}

/* --- the archive --- */

START_TEST(members_stand_in_the_order_of_torch_save)
{
	/* Y5-1 */
	static const char *const names[] = {
		"net/data.pkl",  "net/.format_version", "net/.storage_alignment",
		"net/byteorder", "net/data/0",          "net/data/1",
		"net/data/2",    "net/version",         "net/.data/serialization_id",
	};
	static const char *const content[] = { NULL, "1", "64", "little", NULL, NULL, NULL, "3\n" };
	struct written w;
	struct made m;

	made_init(&m);
	made_add(&m, "a", HEFT_DTYPE_F32, 1, 5, 0);
	made_add(&m, "empty", HEFT_DTYPE_F32, 1, 0, 0);
	made_add(&m, "large", HEFT_DTYPE_F64, 2, 1000, 300);
	write_as(&w, &m, "net.pt");
	ck_assert_uint_eq(heft_zip_n_members(w.zip), 9);
	for (uint32_t i = 0; i < 9; i++) {
		const struct heft_zip_member *z = heft_zip_member(w.zip, i);
		const uint8_t *at = (const uint8_t *)w.bytes + z->data_off;

		ck_assert_str_eq(z->name, names[i]);
		ck_assert(!z->is_deflated);
		ck_assert_uint_eq(z->crc, heft_zip_crc(0, at, (size_t)z->size));
		if (i >= 4 && i <= 6)
			ck_assert_uint_eq(z->data_off % 64, 0);
		if (i < 8 && content[i])
			ck_assert_mem_eq(at, content[i], strlen(content[i]));
		for (uint64_t k = 0; i == 6 && k < z->size; k += 997)
			ck_assert_uint_eq(at[k], made_byte(2, k));
	}
	ck_assert_uint_eq(heft_zip_member(w.zip, 8)->size, 40);
	written_done(&w);
	made_done(&m);
}
END_TEST

static const struct {
	const char *file;
	const char *folder;
} folders[] = {
	{ "a.b.pt", "a.b/" },      { "plain", "plain/" },     { ".pt", "archive/" },
	{ "b\\c.pt", "archive/" }, { "\xff.pt", "archive/" },
};

START_TEST(the_folder_has_the_name_of_the_file)
{
	struct written w;
	struct made m;

	made_init(&m);
	write_as(&w, &m, folders[_i].file);
	ck_assert_msg(strncmp(heft_zip_member(w.zip, 0)->name, folders[_i].folder,
	                      strlen(folders[_i].folder)) == 0,
	              "%s", heft_zip_member(w.zip, 0)->name);
	written_done(&w);
	made_done(&m);
}
END_TEST

/* --- tensors --- */

static const struct {
	unsigned dtype;
	const char *storage_module;
	const char *storage;
	const char *name; /* of the dtype, where the storage does not tell it */
	int64_t number;   /* of elements or bytes, for dimensions 2 and 4 */
} dtypes[] = {
	{ HEFT_DTYPE_F32, "torch", "FloatStorage", NULL, 8 },
	{ HEFT_DTYPE_F64, "torch", "DoubleStorage", NULL, 8 },
	{ HEFT_DTYPE_F16, "torch", "HalfStorage", NULL, 8 },
	{ HEFT_DTYPE_BF16, "torch", "BFloat16Storage", NULL, 8 },
	{ HEFT_DTYPE_I64, "torch", "LongStorage", NULL, 8 },
	{ HEFT_DTYPE_I32, "torch", "IntStorage", NULL, 8 },
	{ HEFT_DTYPE_I16, "torch", "ShortStorage", NULL, 8 },
	{ HEFT_DTYPE_I8, "torch", "CharStorage", NULL, 8 },
	{ HEFT_DTYPE_U8, "torch", "ByteStorage", NULL, 8 },
	{ HEFT_DTYPE_BOOL, "torch", "BoolStorage", NULL, 8 },
	{ HEFT_DTYPE_C64, "torch", "ComplexFloatStorage", NULL, 8 },
	{ HEFT_DTYPE_C128, "torch", "ComplexDoubleStorage", NULL, 8 },
	{ HEFT_DTYPE_U16, "torch.storage", "UntypedStorage", "uint16", 16 },
	{ HEFT_DTYPE_U32, "torch.storage", "UntypedStorage", "uint32", 32 },
	{ HEFT_DTYPE_U64, "torch.storage", "UntypedStorage", "uint64", 64 },
	{ HEFT_DTYPE_F8_E4M3, "torch.storage", "UntypedStorage", "float8_e4m3fn", 8 },
	{ HEFT_DTYPE_F8_E5M2, "torch.storage", "UntypedStorage", "float8_e5m2", 8 },
	{ HEFT_DTYPE_F8_E4M3FNUZ, "torch.storage", "UntypedStorage", "float8_e4m3fnuz", 8 },
	{ HEFT_DTYPE_F8_E5M2FNUZ, "torch.storage", "UntypedStorage", "float8_e5m2fnuz", 8 },
	{ HEFT_DTYPE_F8_E8M0, "torch.storage", "UntypedStorage", "float8_e8m0fnu", 8 },
	{ HEFT_DTYPE_F4, "torch.storage", "UntypedStorage", "float4_e2m1fn_x2", 4 },
};

START_TEST(every_dtype_is_written_as_torch_writes_it)
{
	const int64_t dims[] = { 2, dtypes[_i].dtype == HEFT_DTYPE_F4 ? 2 : 4 };
	const int64_t strides[] = { dims[1], 1 };
	heft_pickle_ref t;
	struct written w;
	struct made m;

	/* Y5-2 */
	made_init(&m);
	made_add(&m, "a", dtypes[_i].dtype, 2, 2, 4);
	write_as(&w, &m, "a.pt");
	ck_assert_int_eq(heft_pickle_kind(w.pickle, heft_pickle_root(w.pickle)), HEFT_PICKLE_DICT);
	t = heft_pickle_get(w.pickle, heft_pickle_root(w.pickle), "a");
	ck_assert(heft_pickle_is_of(w.pickle, t, "torch._utils",
	                            dtypes[_i].name ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2"));
	ck_assert(heft_pickle_is_text(w.pickle, storage(&w, t, 0), "storage"));
	ck_assert_str_eq(heft_pickle_module(w.pickle, storage(&w, t, 1)),
	                 dtypes[_i].storage_module);
	ck_assert_str_eq(heft_pickle_name(w.pickle, storage(&w, t, 1)), dtypes[_i].storage);
	ck_assert(heft_pickle_is_text(w.pickle, storage(&w, t, 2), "0"));
	ck_assert(heft_pickle_is_text(w.pickle, storage(&w, t, 3), "cpu"));
	ck_assert_int_eq(heft_pickle_int(w.pickle, storage(&w, t, 4)), dtypes[_i].number);
	ck_assert_int_eq(heft_pickle_int(w.pickle, argument(&w, t, 1)), 0);
	assert_numbers(&w, argument(&w, t, 2), 2, dims);
	assert_numbers(&w, argument(&w, t, 3), 2, strides);
	ck_assert(!heft_pickle_bool(w.pickle, argument(&w, t, 4)));
	ck_assert_int_eq(heft_pickle_kind(w.pickle, argument(&w, t, 5)), HEFT_PICKLE_DICT);
	if (dtypes[_i].name)
		ck_assert_str_eq(heft_pickle_name(w.pickle, argument(&w, t, 6)), dtypes[_i].name);
	written_done(&w);
	made_done(&m);
}
END_TEST

START_TEST(tied_tensors_have_one_storage)
{
	heft_pickle_ref a;
	heft_pickle_ref b;
	struct written w;
	struct made m;

	made_init(&m);
	made_add(&m, "a", HEFT_DTYPE_F32, 1, 5, 0);
	made_add(&m, "c", HEFT_DTYPE_F32, 1, 5, 0);
	made_add(&m, "b", HEFT_DTYPE_F32, 1, 5, 0);
	heft_listing_row_mut(m.tensors, 2)->tie = 0;
	heft_listing_row_mut(m.tensors, 2)->share = 0;
	write_as(&w, &m, "a.pt");
	ck_assert_uint_eq(heft_zip_n_members(w.zip), 8);
	a = heft_pickle_get(w.pickle, heft_pickle_root(w.pickle), "a");
	b = heft_pickle_get(w.pickle, heft_pickle_root(w.pickle), "b");
	ck_assert(heft_pickle_is_text(w.pickle, storage(&w, a, 2), "0"));
	ck_assert(heft_pickle_is_text(w.pickle, storage(&w, b, 2), "0"));
	written_done(&w);
	made_done(&m);
}
END_TEST

/* --- what is beside the weights --- */

static const char *const kept[] = {
	"{\"epoch\":3}",
	"{\"a\":[1,-1,255,256,65535,65536,-2147483648,2147483648]}",
	"{\"a\":[1.5,-1e-300,true,false,null,\"x\"]}",
	"{\"a\":{\"t\":\"int\",\"v\":\"1180591620717411303424\"}}",
	"{\"a\":{\"t\":\"int\",\"v\":\"-9223372036854775808\"}}",
	"{\"a\":{\"t\":\"f64\",\"v\":\"7ff8000000000000\"}}",
	"{\"a\":{\"t\":\"f64\",\"v\":\"8000000000000000\"}}",
	"{\"a\":{\"t\":\"bytes\",\"v\":\"AID/\"}}",
	"{\"a\":{\"t\":\"bytes\",\"v\":\"\"}}",
	"{\"a\":{\"t\":\"bytes\",\"v\":\"YWI=\"}}",
	"{\"a\":{\"t\":\"text\",\"v\":\"7aCA\"}}",
	"{\"a\":{\"t\":\"dict\",\"v\":[[1,2],[\"t\",[]],[{\"t\":\"bytes\",\"v\":\"AA==\"},{}]]}}",
	"{\"a\":{\"t\":\"global\",\"v\":\"torch.float32\"}}",
	"{\"a\":{\"b\":{\"c\":[[[]]]}},\"\":{}}",
	"{\"state_dict\":{\"epoch\":3,\"sub\":{\"k\":1}}}",
	"{\"heft.versions\":{\"\":{\"version\":1},\"conv\":{}}}",
	"{\"heft.wrapper\":\"model\"}",
	"{\"epoch\":3,\"heft.wrapper\":\"model\",\"heft.versions\":{\"\":{\"version\":2}}}",
};

static char *metadata_of(const char *path)
{
	struct heft_error err;
	struct heft_file *f;
	const char *json;
	char *copy;

	ck_assert_msg(heft_open(path, NULL, &f, &err) == HEFT_OK, "%s", err.msg);
	ck_assert_int_eq(heft_metadata(f, &json, &err), HEFT_OK);
	copy = strdup(json);
	heft_close(f);
	return copy;
}

START_TEST(metadata_come_back_as_they_were)
{
	struct written w;
	struct made m;
	char *told;

	/* Y5-3 */
	made_init(&m);
	made_add(&m, "a.weight", HEFT_DTYPE_F32, 1, 2, 0);
	m.plan.metadata = kept[_i];
	write_as(&w, &m, "a.pt");
	told = metadata_of(w.path);
	ck_assert_str_eq(told, kept[_i]);
	free(told);
	written_done(&w);
	made_done(&m);
}
END_TEST

/* Y5-4: what Python would have to call something for stays a dict. */
START_TEST(objects_are_dicts_that_tell_what_they_were)
{
	heft_pickle_ref v;
	struct written w;
	struct made m;

	made_init(&m);
	made_add(&m, "a.weight", HEFT_DTYPE_F32, 1, 2, 0);
	m.plan.metadata =
		"{\"model\":{\"t\":\"object\",\"v\":\"m.Net\",\"state\":{\"n\":1}},\"f\":{\"t\":"
		"\"global\",\"v\":\"m.f\"},\"c\":{\"t\":\"cut\"},\"heft.wrapper\":\"model\"}";
	write_as(&w, &m, "a.pt");
	v = heft_pickle_get(w.pickle, heft_pickle_root(w.pickle), "model");
	ck_assert_uint_eq(heft_pickle_n_pairs(w.pickle, v), 1);
	v = heft_pickle_get(w.pickle, heft_pickle_root(w.pickle), "heft.module");
	ck_assert(heft_pickle_is_text(w.pickle, heft_pickle_get(w.pickle, v, "v"), "m.Net"));
	v = heft_pickle_get(w.pickle, heft_pickle_root(w.pickle), "f");
	ck_assert(heft_pickle_is_text(w.pickle, heft_pickle_get(w.pickle, v, "t"), "global"));
	v = heft_pickle_get(w.pickle, heft_pickle_root(w.pickle), "c");
	ck_assert_uint_eq(heft_pickle_n_pairs(w.pickle, v), 1);
	written_done(&w);
	made_done(&m);
}
END_TEST

START_TEST(an_optimisers_tensors_stand_where_their_names_say)
{
	static const char metadata[] =
		"{\"optimizer\":{\"state\":{\"t\":\"dict\",\"v\":[[0,{\"step\":5}]]},"
		"\"param_groups\":[{\"lr\":0.1}]},\"callbacks\":{\"l\":[7]}}";
	heft_pickle_ref v;
	heft_pickle_ref key;
	struct written w;
	struct made m;
	char *told;

	/* Y5-3 Y5-5 */
	made_init(&m);
	made_add(&m, "fc.weight", HEFT_DTYPE_F32, 1, 2, 0);
	made_add_in(&m, "optimizer.state.0.exp_avg", HEFT_DTYPE_F32, HEFT_SPACE_OPTIMIZER, 1, 2, 0);
	made_add_in(&m, "optimizer.state.12.exp_avg", HEFT_DTYPE_F32, HEFT_SPACE_OPTIMIZER, 1, 2,
	            0);
	made_add_in(&m, "callbacks.l.0", HEFT_DTYPE_F32, HEFT_SPACE_STATE, 0, 0, 0);
	made_add_in(&m, "callbacks.l.2", HEFT_DTYPE_F32, HEFT_SPACE_STATE, 0, 0, 0);
	made_add_in(&m, "fc.buffer", HEFT_DTYPE_F32, HEFT_SPACE_STATE, 0, 0, 0);
	m.plan.metadata = metadata;
	write_as(&w, &m, "a.pt");
	v = heft_pickle_get(w.pickle, heft_pickle_root(w.pickle), "optimizer");
	v = heft_pickle_get(w.pickle, v, "state");
	ck_assert_uint_eq(heft_pickle_n_pairs(w.pickle, v), 2);
	heft_pickle_pair(w.pickle, v, 1, &key, &v);
	ck_assert_int_eq(heft_pickle_kind(w.pickle, key), HEFT_PICKLE_INT);
	ck_assert_int_eq(heft_pickle_int(w.pickle, key), 12);
	ck_assert_uint_ne(heft_pickle_get(w.pickle, v, "exp_avg"), HEFT_PICKLE_NONE);
	v = heft_pickle_get(w.pickle, heft_pickle_root(w.pickle), "callbacks");
	v = heft_pickle_get(w.pickle, v, "l");
	ck_assert_uint_eq(heft_pickle_n_items(w.pickle, v), 3);
	ck_assert_int_eq(heft_pickle_int(w.pickle, heft_pickle_item(w.pickle, v, 1)), 7);
	ck_assert_uint_ne(heft_pickle_get(w.pickle, heft_pickle_root(w.pickle), "fc.buffer"),
	                  HEFT_PICKLE_NONE);
	told = metadata_of(w.path);
	ck_assert_str_eq(told, metadata);
	free(told);
	written_done(&w);
	made_done(&m);
}
END_TEST

START_TEST(names_and_spaces_come_back)
{
	static const struct {
		const char *name;
		uint8_t space;
	} tensors[] = {
		{ "a", HEFT_SPACE_WEIGHTS },
		{ "a.b", HEFT_SPACE_WEIGHTS },
		{ "state.x", HEFT_SPACE_WEIGHTS },
		{ "optimizer.state.0.m", HEFT_SPACE_OPTIMIZER },
		{ "optimizer.state.0.m.n", HEFT_SPACE_OPTIMIZER },
		{ "optimizer.x..y.", HEFT_SPACE_OPTIMIZER },
		{ "rng_state", HEFT_SPACE_STATE },
		{ "optimizer_state", HEFT_SPACE_OPTIMIZER },
		{ "rng_states.0", HEFT_SPACE_STATE },
		{ "layer.1.tmp", HEFT_SPACE_STATE },
		{ "constants.4", HEFT_SPACE_STATE },
	};
	struct heft_error err;
	struct heft_file *f;
	struct written w;
	struct made m;

	made_init(&m);
	for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
		made_add_in(&m, tensors[i].name, HEFT_DTYPE_F32, tensors[i].space, 1, 2, 0);
	write_as(&w, &m, "a.pt");
	ck_assert_int_eq(heft_open(w.path, NULL, &f, &err), HEFT_OK);
	ck_assert_uint_eq(heft_n_tensors(f), sizeof tensors / sizeof *tensors);
	for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
		struct heft_tensor found;

		ck_assert_msg(heft_find_in(f, (enum heft_space)tensors[i].space, tensors[i].name,
		                           &found, &err) == HEFT_OK,
		              "%s", err.msg);
	}
	heft_close(f);
	written_done(&w);
	made_done(&m);
}
END_TEST

/* --- what has no place: Y5-6 --- */

static const struct {
	const char *name;
	unsigned dtype;
	uint64_t dim;
	uint8_t space;
	const char *metadata;
	const char *message;
} refused[] = {
	{ "w", HEFT_DTYPE_U4, 2, HEFT_SPACE_WEIGHTS, NULL, "is U4, which PyTorch cannot hold" },
	{ "w", HEFT_DTYPE_F6_E2M3, 4, HEFT_SPACE_WEIGHTS, NULL, "--dtype-of" },
	{ "w", HEFT_DTYPE_F4, 3, HEFT_SPACE_WEIGHTS, NULL, "is not even" },
	{ "exp_avg", HEFT_DTYPE_F32, 2, HEFT_SPACE_OPTIMIZER, NULL, "of space optimizer" },
	{ "fc.buffer", HEFT_DTYPE_F32, 2, HEFT_SPACE_STATE, NULL, "of space state" },
	{ "optimizer.a", HEFT_DTYPE_F32, 2, HEFT_SPACE_OPTIMIZER, "{\"optimizer\":3}",
	  "one place" },
	{ "optimizer.a", HEFT_DTYPE_F32, 2, HEFT_SPACE_OPTIMIZER, "{\"optimizer\":{\"a\":{}}}",
	  "one place" },
	{ "optimizer.a", HEFT_DTYPE_F32, 2, HEFT_SPACE_OPTIMIZER, "{\"optimizer\":[]}",
	  "one place" },
	{ "state_dict", HEFT_DTYPE_F32, 2, HEFT_SPACE_STATE, NULL, "the place of the weights" },
	{ "w", HEFT_DTYPE_F32, 2, HEFT_SPACE_WEIGHTS, "{\"a\":{\"t\":\"int\",\"v\":\"x\"}}",
	  "'int'" },
	{ "w", HEFT_DTYPE_F32, 2, HEFT_SPACE_WEIGHTS, "{\"a\":{\"t\":\"int\",\"v\":5}}", "'int'" },
	{ "w", HEFT_DTYPE_F32, 2, HEFT_SPACE_WEIGHTS, "{\"a\":{\"t\":\"f64\",\"v\":\"7f\"}}",
	  "'f64'" },
	{ "w", HEFT_DTYPE_F32, 2, HEFT_SPACE_WEIGHTS, "{\"a\":{\"t\":\"bytes\",\"v\":\"A\"}}",
	  "'bytes'" },
	{ "w", HEFT_DTYPE_F32, 2, HEFT_SPACE_WEIGHTS, "{\"a\":{\"t\":\"text\",\"v\":\"AA=A\"}}",
	  "'text'" },
	{ "w", HEFT_DTYPE_F32, 2, HEFT_SPACE_WEIGHTS, "{\"a\":{\"t\":\"dict\",\"v\":[[1]]}}",
	  "'dict'" },
	{ "w", HEFT_DTYPE_F32, 2, HEFT_SPACE_WEIGHTS, "{\"a\":{\"t\":\"dict\",\"v\":[[1,2,3]]}}",
	  "'dict'" },
	{ "w", HEFT_DTYPE_F32, 2, HEFT_SPACE_WEIGHTS, "{\"a\":{\"t\":\"dict\",\"w\":1}}",
	  "'dict'" },
};

START_TEST(what_has_no_place_is_told_before_anything_is_written)
{
	struct heft_error err;
	struct made m;

	made_init(&m);
	made_add_in(&m, refused[_i].name, refused[_i].dtype, refused[_i].space, 1, refused[_i].dim,
	            0);
	if (strcmp(refused[_i].name, "state_dict") == 0)
		made_add(&m, "a.weight", HEFT_DTYPE_F32, 1, 2, 0);
	m.plan.metadata = refused[_i].metadata;
	ck_assert_int_eq(heft_torch_check(&m.plan, &err), HEFT_E_USAGE);
	ck_assert_msg(strstr(err.msg, refused[_i].message) != NULL, "%s", err.msg);
	made_done(&m);
}
END_TEST

/* TorchScript has code, which no writer here can give. */
START_TEST(a_name_that_says_torchscript_is_refused)
{
	const struct heft_sink_options options = { .overwrite = true, .no_sync = true };
	struct heft_sink *sink;
	struct heft_error err;
	struct scratch s;
	struct made m;
	void *w = NULL;

	scratch_init(&s);
	made_init(&m);
	ck_assert_int_eq(heft_sink_open(scratch_path(&s, "a.jit"), &options, &sink, NULL), HEFT_OK);
	ck_assert_int_eq(heft_torch_begin(&m.plan, sink, NULL, &w, &err), HEFT_E_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "TorchScript"));
	ck_assert_ptr_null(w);
	heft_sink_discard(sink);
	made_done(&m);
	scratch_done(&s);
}
END_TEST

START_TEST(compression_is_refused)
{
	struct heft_error err;
	struct made m;

	made_init(&m);
	m.plan.options.compress = HEFT_COMPRESS_FAST;
	ck_assert_int_eq(heft_torch_check(&m.plan, &err), HEFT_E_USAGE);
	made_done(&m);
}
END_TEST

/* --- memory --- */

START_TEST(failing_allocations_are_told)
{
	const struct heft_sink_options options = { .overwrite = true, .no_sync = true };
	struct heft_sink *sink;
	struct scratch s;
	struct made m;
	uint32_t order[8];

	scratch_init(&s);
	made_init(&m);
	made_add(&m, "a", HEFT_DTYPE_F32, 1, 2, 0);
	made_add_in(&m, "optimizer.state.0.m", HEFT_DTYPE_F32, HEFT_SPACE_OPTIMIZER, 1, 2, 0);
	m.plan.metadata = "{\"epoch\":{\"t\":\"bytes\",\"v\":\"AID/\"},\"n\":12345678901234567890,"
			  "\"heft.wrapper\":\"model\",\"heft.versions\":{}}";
	ck_assert_int_eq(heft_sink_open(scratch_path(&s, "a.pt"), &options, &sink, NULL), HEFT_OK);
	for (size_t n = 1;; n++) {
		void *w = NULL;
		enum heft_status st;

		alloc_fail_at(n);
		st = heft_torch_check(&m.plan, NULL);
		if (st == HEFT_OK)
			st = heft_torch_begin(&m.plan, sink, order, &w, NULL);
		if (!alloc_fail_done()) {
			ck_assert_int_eq(st, HEFT_OK);
			heft_torch_writer_free(w);
			break;
		}
		ck_assert_int_eq(st, HEFT_E_NOMEM);
		ck_assert_ptr_null(w);
	}
	heft_torch_writer_free(NULL);
	heft_sink_discard(sink);
	made_done(&m);
	scratch_done(&s);
}
END_TEST

#define N_OF(table) ((int)(sizeof(table) / sizeof *(table)))

static Suite *torch_write_suite(void)
{
	Suite *s = suite_create("format_torch_write");
	TCase *tc = tcase_create("torch_write");

	tcase_add_test(tc, members_stand_in_the_order_of_torch_save);
	tcase_add_loop_test(tc, the_folder_has_the_name_of_the_file, 0, N_OF(folders));
	tcase_add_loop_test(tc, every_dtype_is_written_as_torch_writes_it, 0, N_OF(dtypes));
	tcase_add_test(tc, tied_tensors_have_one_storage);
	tcase_add_loop_test(tc, metadata_come_back_as_they_were, 0, N_OF(kept));
	tcase_add_test(tc, objects_are_dicts_that_tell_what_they_were);
	tcase_add_test(tc, an_optimisers_tensors_stand_where_their_names_say);
	tcase_add_test(tc, names_and_spaces_come_back);
	tcase_add_loop_test(tc, what_has_no_place_is_told_before_anything_is_written, 0,
	                    N_OF(refused));
	tcase_add_test(tc, a_name_that_says_torchscript_is_refused);
	tcase_add_test(tc, compression_is_refused);
	tcase_add_test(tc, failing_allocations_are_told);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(torch_write_suite());
}
