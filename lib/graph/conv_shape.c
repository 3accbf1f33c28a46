/* SPDX-License-Identifier: Apache-2.0 */
/* conv_shape.c - reads the attributes of convolutions. */
#include "graph/conv_shape.h"

#include <string.h>

#include "base/error.h"

/* Sizes and attributes up to this one: sums and products of two of them fit. */
#define MOST INT32_MAX

enum auto_pad {
	AUTO_PAD_NOTSET,
	AUTO_PAD_SAME_UPPER,
	AUTO_PAD_SAME_LOWER,
	AUTO_PAD_VALID
};

/* The attributes: what is behind the last axis and what is left out has its default. */
struct window {
	enum auto_pad auto_pad;
	uint64_t pads[6]; /* in front, by axis; then behind */
	uint64_t out_pad[3];
	uint64_t shape[3]; /* output_shape */
	bool has_shape;
};

static enum heft_status read_auto_pad(const struct heft_call *c, enum auto_pad *to,
                                      struct heft_error *err)
{
	static const char *const names[] = { "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID" };
	const char *text = heft_call_text(c, "auto_pad", "NOTSET");

	for (uint32_t i = 0; i < 4; i++) {
		if (strcmp(text, names[i]) == 0 || (i == 0 && *text == '\0')) {
			*to = (enum auto_pad)i;
			return HEFT_OK;
		}
	}
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "auto_pad is none that ONNX knows");
}

enum heft_status heft_conv_shape_list(const struct heft_call *c, const char *name, uint32_t n,
                                      int64_t least, uint64_t *to, struct heft_error *err)
{
	uint32_t count;
	const int64_t *values = heft_call_ints(c, name, &count);

	if (count == 0)
		return HEFT_OK;
	if (count != n)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%s has %u values where %u belong", name, count, n);
	for (uint32_t i = 0; i < n; i++) {
		if (values[i] < least)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "%s has %lld in it, which is less than %lld", name,
			                 (long long)values[i], (long long)least);
		if (values[i] > MOST)
			return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
			                 "%s has %lld in it", name, (long long)values[i]);
		to[i] = (uint64_t)values[i];
	}
	return HEFT_OK;
}

static enum heft_status read_sizes(const struct heft_array *x, const struct heft_array *w,
                                   struct heft_conv_shape *s, struct heft_error *err)
{
	const uint32_t first = 3 - s->n_axes;

	s->n_images = x->dims[0];
	s->n_in = x->dims[1];
	for (uint32_t a = 0; a < 3; a++) {
		s->in[a] = a < first ? 1 : x->dims[2 + a - first];
		s->kernel[a] = a < first ? 1 : w->dims[2 + a - first];
		s->stride[a] = 1;
		s->dilation[a] = 1;
		s->pad[a] = 0;
		if (s->in[a] > MOST || s->kernel[a] > MOST)
			return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
			                 "an image or a kernel is longer than 2^31 - 1");
		if (s->kernel[a] == 0)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "the kernel is empty");
	}
	return HEFT_OK;
}

static enum heft_status read_window(const struct heft_call *c, struct heft_conv_shape *s,
                                    struct window *win, struct heft_error *err)
{
	const uint32_t n = s->n_axes;
	const uint32_t first = 3 - n;
	uint64_t kernel[3];
	uint64_t pads[6] = { 0 };

	memcpy(kernel, s->kernel, sizeof kernel);
	HEFT_TRY(read_auto_pad(c, &win->auto_pad, err));
	HEFT_TRY(heft_conv_shape_list(c, "kernel_shape", n, 1, kernel + first, err));
	if (memcmp(kernel, s->kernel, sizeof kernel) != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "kernel_shape is not that of the weights");
	HEFT_TRY(heft_conv_shape_list(c, "strides", n, 1, s->stride + first, err));
	HEFT_TRY(heft_conv_shape_list(c, "dilations", n, 1, s->dilation + first, err));
	HEFT_TRY(heft_conv_shape_list(c, "pads", 2 * n, 0, pads, err));
	memcpy(win->pads + first, pads, n * sizeof *pads);
	memcpy(win->pads + 3 + first, pads + n, n * sizeof *pads);
	return HEFT_OK;
}

/* Attributes that ConvTranspose alone has. output_shape may have the images and channels, too. */
static enum heft_status read_transposed(const struct heft_call *c, const struct heft_conv_shape *s,
                                        struct window *win, struct heft_error *err)
{
	const uint32_t n = s->n_axes;
	const uint32_t first = 3 - n;
	uint64_t shape[5] = { 0 };
	uint32_t count;

	HEFT_TRY(heft_conv_shape_list(c, "output_padding", n, 0, win->out_pad + first, err));
	heft_call_ints(c, "output_shape", &count);
	win->has_shape = count > 0;
	if (count != n + 2)
		return heft_conv_shape_list(c, "output_shape", n, 0, win->shape + first, err);
	HEFT_TRY(heft_conv_shape_list(c, "output_shape", n + 2, 0, shape, err));
	memcpy(win->shape + first, shape + 2, n * sizeof *shape);
	return HEFT_OK;
}

static uint64_t reach_of(const struct heft_conv_shape *s, uint32_t axis)
{
	return (s->kernel[axis] - 1) * s->dilation[axis] + 1;
}

static enum heft_status set_axis(struct heft_conv_shape *s, const struct window *win, uint32_t a,
                                 struct heft_error *err)
{
	const uint64_t reach = reach_of(s, a);
	const uint64_t stride = s->stride[a];
	uint64_t padded = s->in[a];

	if (win->auto_pad == AUTO_PAD_SAME_UPPER || win->auto_pad == AUTO_PAD_SAME_LOWER) {
		uint64_t total;

		s->out[a] = s->in[a] / stride + (s->in[a] % stride != 0);
		total = s->out[a] == 0 ? 0 : (s->out[a] - 1) * stride + reach;
		total = total > s->in[a] ? total - s->in[a] : 0;
		s->pad[a] = win->auto_pad == AUTO_PAD_SAME_UPPER ? total / 2 : total - total / 2;
		return HEFT_OK;
	}
	if (win->auto_pad == AUTO_PAD_NOTSET) {
		s->pad[a] = win->pads[a];
		padded += win->pads[a] + win->pads[3 + a];
	}
	if (padded < reach)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the kernel reaches over %llu of %llu positions",
		                 (unsigned long long)reach, (unsigned long long)padded);
	s->out[a] = (padded - reach) / stride + 1;
	return HEFT_OK;
}

/* What is cut off in front, and how long the output is. */
static enum heft_status set_transposed_axis(struct heft_conv_shape *s, const struct window *win,
                                            uint32_t a, struct heft_error *err)
{
	const bool is_same = win->auto_pad == AUTO_PAD_SAME_UPPER ||
	                     win->auto_pad == AUTO_PAD_SAME_LOWER;
	const uint64_t whole = s->in[a] == 0 ? 0
	                                     : (s->in[a] - 1) * s->stride[a] + reach_of(s, a) +
	                                               win->out_pad[a];
	uint64_t cut = 0;

	if (win->has_shape || is_same) {
		s->out[a] = win->has_shape ? win->shape[a] : s->in[a] * s->stride[a];
		cut = whole > s->out[a] ? whole - s->out[a] : 0;
		s->pad[a] = win->auto_pad == AUTO_PAD_SAME_UPPER ? cut / 2 : cut - cut / 2;
		return HEFT_OK;
	}
	if (win->auto_pad == AUTO_PAD_NOTSET) {
		s->pad[a] = win->pads[a];
		cut = win->pads[a] + win->pads[3 + a];
	}
	if (cut > whole)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "pads take %llu of %llu positions", (unsigned long long)cut,
		                 (unsigned long long)whole);
	s->out[a] = whole - cut;
	return HEFT_OK;
}

static enum heft_status check_channels(const struct heft_call *c, const struct heft_array *w,
                                       struct heft_conv_shape *s, struct heft_error *err)
{
	const int64_t n_groups = heft_call_int(c, "group", 1);
	const uint64_t n_in = s->is_transposed ? w->dims[0] : w->dims[1];

	if (n_groups < 1 || n_groups > MOST)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "group is %lld",
		                 (long long)n_groups);
	s->n_groups = (uint64_t)n_groups;
	if (s->n_in > MOST || w->dims[0] > MOST || w->dims[1] > MOST)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "there are more than 2^31 - 1 channels");
	s->n_out = s->is_transposed ? w->dims[1] * s->n_groups : w->dims[0];
	if (s->n_in % s->n_groups != 0 || s->n_out % s->n_groups != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%llu and %llu channels are not cut into %llu groups",
		                 (unsigned long long)s->n_in, (unsigned long long)s->n_out,
		                 (unsigned long long)s->n_groups);
	if (s->n_in != (s->is_transposed ? n_in : n_in * s->n_groups))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the image has %llu channels and the weights %llu in %llu groups",
		                 (unsigned long long)s->n_in, (unsigned long long)n_in,
		                 (unsigned long long)s->n_groups);
	return HEFT_OK;
}

enum heft_status heft_conv_shape_read(const struct heft_call *c, const struct heft_array *x,
                                      const struct heft_array *w, bool is_transposed,
                                      struct heft_conv_shape *s, struct heft_error *err)
{
	struct window win = { .auto_pad = AUTO_PAD_NOTSET };

	if (x->rank < 3 || w->rank != x->rank)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "an image of %u dimensions meets weights of %u", x->rank, w->rank);
	if (x->rank > 5)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "an image has %u axes, and more than three are not computed",
		                 x->rank - 2);
	*s = (struct heft_conv_shape){ .n_axes = x->rank - 2, .is_transposed = is_transposed };
	HEFT_TRY(read_sizes(x, w, s, err));
	HEFT_TRY(check_channels(c, w, s, err));
	HEFT_TRY(read_window(c, s, &win, err));
	if (is_transposed)
		HEFT_TRY(read_transposed(c, s, &win, err));
	for (uint32_t a = 0; a < 3; a++) {
		if (a < 3 - s->n_axes)
			s->out[a] = 1;
		else
			HEFT_TRY(is_transposed ? set_transposed_axis(s, &win, a, err)
			                       : set_axis(s, &win, a, err));
	}
	return HEFT_OK;
}

enum heft_status heft_conv_shape_check_bias(const struct heft_call *c,
                                            const struct heft_conv_shape *s, uint32_t i,
                                            struct heft_error *err)
{
	if (!heft_call_has(c, i) || (c->in[i].rank == 1 && c->in[i].dims[0] == s->n_out))
		return HEFT_OK;
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	                 "the bias is not one number for each of %llu channels",
	                 (unsigned long long)s->n_out);
}

enum heft_status heft_conv_shape_set_out(struct heft_call *c, const struct heft_conv_shape *s,
                                         enum heft_dtype dtype, struct heft_error *err)
{
	uint64_t dims[5] = { s->n_images, s->n_out };

	memcpy(dims + 2, s->out + 3 - s->n_axes, s->n_axes * sizeof *dims);
	return heft_array_set(&c->out[0], dtype, 2 + s->n_axes, dims, err);
}
