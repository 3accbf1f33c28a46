/* SPDX-License-Identifier: Apache-2.0 */
/* conv_gradient.c - what a convolution's backward emits. */
#include "graph/conv_gradient.h"

#include "base/error.h"
#include "graph/conv.h"
#include "graph/dense_gradient.h"

/* Sizes up to this one: sums and products of two of them fit. */
#define MOST INT32_MAX

/* --- emitting --- */

/* Attributes point to these: of the axes that there are. */
struct lists {
	int64_t kernel[3];
	int64_t stride[3];
	int64_t dilation[3];
	int64_t pad[3];
	int64_t shape[3];
};

static struct lists lists_of(const struct heft_conv_shape *s)
{
	struct lists l = { .kernel = { 0 } };

	for (uint32_t i = 0; i < s->n_axes; i++) {
		const uint32_t a = 3 - s->n_axes + i;

		l.kernel[i] = (int64_t)s->kernel[a];
		l.stride[i] = (int64_t)s->stride[a];
		l.dilation[i] = (int64_t)s->dilation[a];
		l.pad[i] = (int64_t)s->pad[a];
		l.shape[i] = (int64_t)s->in[a];
	}
	return l;
}

static struct heft_emit emit_of(const char *type, const struct heft_conv_shape *s,
                                const struct lists *l, uint32_t x, uint32_t y)
{
	return (struct heft_emit){ .type = type,
		                   .n_in = 2,
		                   .in = { x, y },
		                   .n_attrs = 4,
		                   .attrs = { heft_attr_ints("strides", l->stride, s->n_axes),
		                              heft_attr_ints("dilations", l->dilation, s->n_axes),
		                              heft_attr_ints("pads", l->pad, s->n_axes),
		                              heft_attr_int("group", (int64_t)s->n_groups) } };
}

/* Of a transposed convolution the gradient takes the input's place, and the other way round. */
static void give_weights(struct heft_gradient *g, const struct heft_conv_shape *s,
                         const struct lists *l, uint32_t dy)
{
	const uint32_t x = heft_gradient_in(g, 0);
	struct heft_emit e = emit_of("heft.ConvWeightGradient", s, l, s->is_transposed ? dy : x,
	                             s->is_transposed ? x : dy);
	uint32_t out[HEFT_EMIT_MAX_OUT];

	e.attrs[e.n_attrs++] = heft_attr_ints("kernel_shape", l->kernel, s->n_axes);
	e.n_out = !s->is_transposed && heft_gradient_wants(g, 2) ? 2 : 1;
	heft_emit_all(g, &e, out);
	heft_give(g, 1, out[0]);
	if (e.n_out == 2)
		heft_give(g, 2, out[1]);
}

void heft_conv_backward(const struct heft_call *c, struct heft_gradient *g, bool is_transposed,
                        uint32_t dy)
{
	struct heft_conv_shape s;
	struct lists l;

	/* infer has read it */
	if (heft_conv_shape_read(c, &c->in[0], &c->in[1], is_transposed, &s, NULL) != HEFT_OK) {
		heft_gradient_block(g, "its attributes are not those of a convolution");
		return;
	}
	l = lists_of(&s);
	if (heft_gradient_wants(g, 0)) {
		struct heft_emit e = emit_of(is_transposed ? "heft.ConvTransposeInputGradient"
		                                           : "heft.ConvInputGradient",
		                             &s, &l, dy, heft_gradient_in(g, 1));

		e.attrs[e.n_attrs++] = heft_attr_ints("shape", l.shape, s.n_axes);
		heft_give(g, 0, heft_emit(g, &e));
	}
	if (heft_gradient_wants(g, 1))
		give_weights(g, &s, &l, dy);
	if (heft_gradient_wants(g, 2) && (is_transposed || !heft_gradient_wants(g, 1)))
		heft_give(g, 2, heft_emit_1(g, "heft.BiasGradient", dy));
}

/* --- what is emitted --- */

enum heft_status heft_conv_gradient_window(const struct heft_call *c, uint32_t rank,
                                           struct heft_conv_shape *s, struct heft_error *err)
{
	const int64_t n_groups = heft_call_int(c, "group", 1);
	uint32_t first;

	if (rank < 3 || rank > 5)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "an image has %u dimensions",
		                 rank);
	if (n_groups < 1 || n_groups > MOST)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "group is %lld",
		                 (long long)n_groups);
	*s = (struct heft_conv_shape){ .n_axes = rank - 2,
		                       .n_groups = (uint64_t)n_groups,
		                       .kernel = { 1, 1, 1 },
		                       .stride = { 1, 1, 1 },
		                       .dilation = { 1, 1, 1 } };
	first = 3 - s->n_axes;
	HEFT_TRY(heft_conv_shape_list(c, "strides", s->n_axes, 1, s->stride + first, err));
	HEFT_TRY(heft_conv_shape_list(c, "dilations", s->n_axes, 1, s->dilation + first, err));
	return heft_conv_shape_list(c, "pads", s->n_axes, 0, s->pad + first, err);
}

void heft_conv_gradient_axes(const struct heft_conv_shape *s, const struct heft_array *image,
                             uint64_t *axes)
{
	for (uint32_t a = 0; a < 3; a++)
		axes[a] = a < 3 - s->n_axes ? 1 : image->dims[a + s->n_axes - 1];
}

static enum heft_status check_sizes(const struct heft_conv_shape *s, struct heft_error *err)
{
	bool is_fit = s->n_in <= MOST && s->n_out <= MOST;

	for (uint32_t a = 0; a < 3; a++)
		is_fit = is_fit && s->in[a] <= MOST && s->out[a] <= MOST && s->kernel[a] <= MOST &&
		         s->kernel[a] > 0;
	if (!is_fit)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "an image or a kernel is empty, or longer than 2^31 - 1");
	return HEFT_OK;
}

enum heft_status heft_conv_input_gradient_infer(struct heft_call *c, bool is_transposed,
                                                struct heft_error *err)
{
	const struct heft_array *dy = &c->in[0];
	const struct heft_array *w = &c->in[1];
	struct heft_conv_shape s;
	uint32_t n_shape;

	HEFT_TRY(heft_dense_gradient_check_types(c, err));
	HEFT_TRY(heft_conv_gradient_window(c, dy->rank, &s, err));
	heft_call_ints(c, "shape", &n_shape);
	if (w->rank != dy->rank || n_shape != s.n_axes)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "weights of %u dimensions meet an image of %u", w->rank, dy->rank);
	s.is_transposed = is_transposed;
	s.n_images = dy->dims[0];
	s.n_in = dy->dims[1];
	s.n_out = is_transposed ? w->dims[1] * s.n_groups : w->dims[0];
	for (uint32_t a = 0; a < 3; a++)
		s.out[a] = 1;
	HEFT_TRY(heft_conv_shape_list(c, "shape", s.n_axes, 0, s.out + 3 - s.n_axes, err));
	heft_conv_gradient_axes(&s, dy, s.in);
	heft_conv_gradient_axes(&s, w, s.kernel);
	if (s.n_in != (is_transposed ? w->dims[0] : w->dims[1] * s.n_groups) ||
	    s.n_in % s.n_groups != 0 || s.n_out % s.n_groups != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%llu channels meet weights of %llu x %llu",
		                 (unsigned long long)s.n_in, (unsigned long long)w->dims[0],
		                 (unsigned long long)w->dims[1]);
	HEFT_TRY(check_sizes(&s, err));
	return heft_conv_infer_shape(c, &s, err);
}
