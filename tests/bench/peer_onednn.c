/* SPDX-License-Identifier: Apache-2.0 */
/* peer_onednn.c - oneDNN's products and convolutions, for product_peers.c: in whatever layouts it
 * likes best, its weights laid out before the clock runs. */
#include <dnnl.h>
#include <omp.h>
#include <stdlib.h>

#include "product_peers.h"

#define MAX_ARGS 4

struct job {
	dnnl_primitive_t primitive;
	dnnl_exec_arg_t args[MAX_ARGS];
	float *rooms[MAX_ARGS];
	int n_args;
};

static dnnl_engine_t engine;
static dnnl_stream_t stream;

static void must(dnnl_status_t status, const char *what)
{
	if (status != dnnl_success)
		give_up(what);
}

/* Memory as the primitive wants it. The content does not matter, but that it is finite. */
static void add_arg(struct job *j, const_dnnl_primitive_desc_t pd, int arg, dnnl_query_t query,
                    int i)
{
	const dnnl_memory_desc_t *md = dnnl_primitive_desc_query_md(pd, query, i);
	dnnl_exec_arg_t *a = &j->args[j->n_args];

	j->rooms[j->n_args] = room_of(dnnl_memory_desc_get_size(md) / sizeof(float) + 1);
	a->arg = arg;
	must(dnnl_memory_create(&a->memory, md, engine, j->rooms[j->n_args]), "oneDNN memory");
	j->n_args++;
}

static void describe(dnnl_memory_desc_t *md, int n, const dnnl_dims_t dims, dnnl_format_tag_t tag)
{
	must(dnnl_memory_desc_init_by_tag(md, n, dims, dnnl_f32, tag), "oneDNN layout");
}

static dnnl_primitive_desc_t describe_matrix(const struct row *row)
{
	const dnnl_dim_t m = (dnnl_dim_t)(row->size * row->n_images);
	const dnnl_dim_t k = (dnnl_dim_t)row->n_in;
	const dnnl_dim_t n = (dnnl_dim_t)row->n_out;
	dnnl_primitive_desc_t pd;
	dnnl_matmul_desc_t desc;
	dnnl_memory_desc_t a;
	dnnl_memory_desc_t b;
	dnnl_memory_desc_t c;

	describe(&a, 2, (dnnl_dims_t){ m, k }, dnnl_ab);
	describe(&b, 2, (dnnl_dims_t){ k, n }, dnnl_format_tag_any);
	describe(&c, 2, (dnnl_dims_t){ m, n }, dnnl_ab);
	must(dnnl_matmul_desc_init(&desc, &a, &b, NULL, &c), "oneDNN matmul");
	must(dnnl_primitive_desc_create(&pd, &desc, NULL, engine, NULL), "oneDNN matmul");
	return pd;
}

static dnnl_primitive_desc_t describe_layer(const struct row *row)
{
	const dnnl_dim_t g = (dnnl_dim_t)row->n_groups;
	const dnnl_dim_t in = (dnnl_dim_t)(row->size * row->stride);
	const dnnl_dim_t out = (dnnl_dim_t)row->size;
	const dnnl_dim_t k = (dnnl_dim_t)row->kernel;
	const dnnl_dim_t s = (dnnl_dim_t)row->stride;
	const dnnl_dim_t pad = k / 2;
	const dnnl_dim_t n = (dnnl_dim_t)row->n_images;
	const dnnl_dim_t ic = (dnnl_dim_t)row->n_in;
	const dnnl_dim_t oc = (dnnl_dim_t)row->n_out;
	const dnnl_dim_t behind = (out - 1) * s + k - in - pad;
	dnnl_memory_desc_t x;
	dnnl_memory_desc_t w;
	dnnl_memory_desc_t b;
	dnnl_memory_desc_t y;
	dnnl_convolution_desc_t desc;
	dnnl_primitive_desc_t pd;
	dnnl_primitive_attr_t attr;
	dnnl_post_ops_t relu;

	describe(&x, 4, (dnnl_dims_t){ n, g * ic, in, in }, dnnl_format_tag_any);
	if (g > 1)
		describe(&w, 5, (dnnl_dims_t){ g, oc, ic, k, k }, dnnl_format_tag_any);
	else
		describe(&w, 4, (dnnl_dims_t){ oc, ic, k, k }, dnnl_format_tag_any);
	describe(&b, 1, (dnnl_dims_t){ g * oc }, dnnl_a);
	describe(&y, 4, (dnnl_dims_t){ n, g * oc, out, out }, dnnl_format_tag_any);
	must(dnnl_post_ops_create(&relu), "oneDNN relu");
	must(dnnl_post_ops_append_eltwise(relu, 1, dnnl_eltwise_relu, 0, 0), "oneDNN relu");
	must(dnnl_primitive_attr_create(&attr), "oneDNN relu");
	must(dnnl_primitive_attr_set_post_ops(attr, relu), "oneDNN relu");
	must(dnnl_convolution_forward_desc_init(&desc, dnnl_forward_inference,
	                                        dnnl_convolution_direct, &x, &w, &b, &y,
	                                        (dnnl_dims_t){ s, s }, (dnnl_dims_t){ pad, pad },
	                                        (dnnl_dims_t){ behind, behind }),
	     "oneDNN convolution");
	must(dnnl_primitive_desc_create(&pd, &desc, attr, engine, NULL), "oneDNN convolution");
	must(dnnl_post_ops_destroy(relu), "oneDNN relu");
	must(dnnl_primitive_attr_destroy(attr), "oneDNN relu");
	return pd;
}

static void *make(const struct row *row, unsigned n_threads)
{
	struct job *j = calloc(1, sizeof *j);
	dnnl_primitive_desc_t pd;

	if (!j)
		give_up("memory");
	omp_set_num_threads((int)n_threads);
	if (!engine) {
		must(dnnl_engine_create(&engine, dnnl_cpu, 0), "oneDNN engine");
		must(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags),
		     "oneDNN stream");
	}
	pd = row->kernel == 0 ? describe_matrix(row) : describe_layer(row);
	must(dnnl_primitive_create(&j->primitive, pd), "oneDNN primitive");
	add_arg(j, pd, DNNL_ARG_SRC, dnnl_query_src_md, 0);
	add_arg(j, pd, DNNL_ARG_WEIGHTS, dnnl_query_weights_md, 0);
	if (row->kernel != 0)
		add_arg(j, pd, DNNL_ARG_BIAS, dnnl_query_weights_md, 1);
	add_arg(j, pd, DNNL_ARG_DST, dnnl_query_dst_md, 0);
	must(dnnl_primitive_desc_destroy(pd), "oneDNN primitive");
	return j;
}

static void run(void *job)
{
	const struct job *j = job;

	must(dnnl_primitive_execute(j->primitive, stream, j->n_args, j->args), "oneDNN run");
	must(dnnl_stream_wait(stream), "oneDNN run");
}

static void done(void *job)
{
	struct job *j = job;

	must(dnnl_primitive_destroy(j->primitive), "oneDNN end");
	for (int i = 0; i < j->n_args; i++) {
		must(dnnl_memory_destroy(j->args[i].memory), "oneDNN end");
		free(j->rooms[i]);
	}
	free(j);
}

const struct peer peer_onednn = { "oneDNN", make, run, done };
