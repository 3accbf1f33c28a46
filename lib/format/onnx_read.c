/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_read.c - an open ONNX model: its list of tensors, their bytes, its metadata and its graph
 * (spec/foreign/onnx.md). */
#include "format/onnx_read.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/error.h"
#include "format/onnx_external.h"
#include "format/onnx_graph.h"
#include "format/shared.h"
#include "onnx/model.h"

struct reader {
	struct heft_source *src;
	struct heft_onnx_model model;
	struct heft_onnx_files *files;
	char *scratch_folder; /* NULL: the system's */
	pthread_mutex_t graph_mutex;
	struct heft_stripped_graph graph; /* made when it is first asked for */
};

/* --- opening --- */

static enum heft_status scan(struct reader *r, const struct heft_open_options *options,
                             struct heft_error *err)
{
	const struct heft_limits limits = heft_format_limits(options);
	struct heft_wire_input in;
	enum heft_status st;

	HEFT_TRY(heft_wire_input_source(&in, r->src, err));
	st = heft_onnx_scan(&in, &limits, false, &r->model, err);
	heft_wire_input_done(&in);
	return st;
}

static enum heft_status open_model(struct reader *r, const char *path,
                                   const struct heft_open_options *options, struct heft_error *err)
{
	const bool may_map = !options || !(options->flags & HEFT_OPEN_PREAD);

	if (options && options->scratch_folder) {
		r->scratch_folder = heft_strdup(options->scratch_folder);
		if (!r->scratch_folder)
			return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a path");
	}
	HEFT_TRY(scan(r, options, err));
	if (r->model.n_externals == 0)
		return HEFT_OK;
	return heft_onnx_files_open(path, &r->model, may_map, &r->files, err);
}

enum heft_status heft_onnx_open(struct heft_source *src, const char *path,
                                const struct heft_open_options *options, void **st,
                                struct heft_error *err)
{
	struct reader *r = heft_zalloc(sizeof *r);
	enum heft_status status;

	if (!r)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a reader");
	r->src = src;
	pthread_mutex_init(&r->graph_mutex, NULL);
	status = open_model(r, path, options, err);
	if (status != HEFT_OK) {
		heft_onnx_close(r);
		return status;
	}
	*st = r;
	return HEFT_OK;
}

void heft_onnx_close(void *st)
{
	struct reader *r = st;

	if (!r)
		return;
	heft_stripped_graph_done(&r->graph);
	pthread_mutex_destroy(&r->graph_mutex);
	heft_onnx_files_close(r->files);
	heft_onnx_model_done(&r->model);
	heft_free(r->scratch_folder);
	heft_free(r);
}

/* --- what is in it --- */

uint32_t heft_onnx_n_tensors(const void *st)
{
	const struct reader *r = st;

	return heft_listing_n(r->model.tensors);
}

enum heft_status heft_onnx_tensor_at(void *st, uint32_t i, struct heft_tensor *t,
                                     struct heft_error *err)
{
	const struct reader *r = st;
	const struct heft_onnx_weight *weight = &r->model.weights[i];

	(void)err;
	heft_listing_describe(r->model.tensors, i, t);
	if (weight->store == HEFT_ONNX_RAW)
		t->alignment = heft_format_alignment(weight->off);
	else if (weight->store == HEFT_ONNX_EXTERNAL)
		t->alignment = heft_format_alignment(r->model.externals[weight->external].offset);
	return HEFT_OK;
}

enum heft_status heft_onnx_find(void *st, uint8_t space, const char *name, uint32_t *i,
                                struct heft_error *err)
{
	const struct reader *r = st;

	return heft_format_find(r->model.tensors, space, name, i, err);
}

enum heft_status heft_onnx_read_metadata(void *st, const char **json, struct heft_error *err)
{
	const struct reader *r = st;

	(void)err;
	*json = r->model.metadata;
	return HEFT_OK;
}

const char *heft_onnx_file_at(const void *st, uint32_t i, uint64_t *size)
{
	const struct reader *r = st;

	if (i > 0)
		return r->files ? heft_onnx_files_at(r->files, i - 1, size) : NULL;
	*size = heft_source_size(r->src);
	return "";
}

/* --- bytes --- */

/* The bits of the tensor's last byte that hold elements. */
static uint8_t last_bits(const struct heft_listed *row)
{
	const struct heft_dtype_info *info = heft_dtype_describe((enum heft_dtype)row->dtype);
	const uint64_t bits = info->n_bytes * 8u / info->n_elements; /* of an element */
	const uint64_t used = row->n_elements % 8 * bits % 8;

	return used == 0 ? 0xff : (uint8_t)((1u << used) - 1);
}

static enum heft_status decode(struct reader *r, uint32_t i, uint64_t off, void *dst, size_t n,
                               struct heft_error *err)
{
	struct heft_wire_input in;
	enum heft_status st;

	HEFT_TRY(heft_wire_input_source(&in, r->src, err));
	st = heft_onnx_decode(&in, &r->model, i, off, dst, n, err);
	heft_wire_input_done(&in);
	return st;
}

static enum heft_status read_stored(struct reader *r, uint32_t i, uint64_t off, void *dst, size_t n,
                                    struct heft_error *err)
{
	const struct heft_onnx_weight *weight = &r->model.weights[i];

	if (weight->store == HEFT_ONNX_RAW)
		return heft_source_read(r->src, weight->off + off, dst, n, err);
	if (weight->store == HEFT_ONNX_EXTERNAL)
		return heft_onnx_files_read(r->files, weight->external, off, dst, n, err);
	return decode(r, i, off, dst, n, err);
}

/* O3-2 */
enum heft_status heft_onnx_read(void *st, uint32_t i, uint64_t off, void *dst, size_t n,
                                struct heft_error *err)
{
	struct reader *r = st;
	const struct heft_listed *row = heft_listing_row(r->model.tensors, i);
	uint8_t *bytes = dst;

	HEFT_TRY(read_stored(r, i, off, dst, n, err));
	if (n > 0 && off + n == row->n_bytes)
		bytes[n - 1] &= last_bits(row);
	return HEFT_OK;
}

/* O3-2: what is used where it lies has to be all that it is. */
static enum heft_status check_last_byte(struct reader *r, uint32_t i, struct heft_error *err)
{
	const struct heft_listed *row = heft_listing_row(r->model.tensors, i);
	uint8_t last = 0;

	if (row->n_bytes == 0 || last_bits(row) == 0xff)
		return HEFT_OK;
	HEFT_TRY(read_stored(r, i, row->n_bytes - 1, &last, 1, err));
	if ((last & ~last_bits(row)) == 0)
		return HEFT_OK;
	return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
	                 "tensor '%.80s' has bits behind its last element: it can be read and not "
	                 "mapped",
	                 heft_listing_name(r->model.tensors, i));
}

enum heft_status heft_onnx_locate(void *st, uint32_t i, struct heft_place *place,
                                  struct heft_error *err)
{
	struct reader *r = st;
	const struct heft_onnx_weight *weight = &r->model.weights[i];

	if (weight->store == HEFT_ONNX_FIELDS)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "tensor '%.80s' lies in fields of a number each: it can be read "
		                 "and not mapped",
		                 heft_listing_name(r->model.tensors, i));
	HEFT_TRY(check_last_byte(r, i, err));
	if (weight->store == HEFT_ONNX_EXTERNAL)
		return heft_onnx_files_locate(r->files, weight->external, place, err);
	*place = (struct heft_place){ .src = r->src, .off = weight->off };
	return HEFT_OK;
}

enum heft_status heft_onnx_check_data(void *st, const struct heft_run *run, struct heft_error *err)
{
	const struct reader *r = st;

	return r->files ? heft_onnx_files_check(r->files, run, err) : HEFT_OK;
}

/* --- the graph --- */

/* With graph_mutex held. */
static enum heft_status make_graph(struct reader *r, struct heft_error *err)
{
	struct heft_wire_input in;
	enum heft_status st;

	HEFT_TRY(heft_wire_input_source(&in, r->src, err));
	st = heft_stripped_graph_make(&r->graph, &in, &r->model, r->scratch_folder, err);
	heft_wire_input_done(&in);
	return st;
}

enum heft_status heft_onnx_read_graph(void *st, const uint8_t **bytes, uint64_t *size,
                                      struct heft_error *err)
{
	struct reader *r = st;
	enum heft_status status = HEFT_OK;

	pthread_mutex_lock(&r->graph_mutex);
	if (!r->graph.bytes)
		status = make_graph(r, err);
	if (status == HEFT_OK) {
		*bytes = r->graph.bytes;
		*size = r->graph.size;
	}
	pthread_mutex_unlock(&r->graph_mutex);
	return status;
}
