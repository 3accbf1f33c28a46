/* SPDX-License-Identifier: Apache-2.0 */
/* taper.c - windows that are sums of cosines, of any dtype. */
#include "graph/taper.h"

#include "base/error.h"
#include "graph/dft.h"
#include "kernel/elementary.h"
#include "onnx/model.h"

#define TWO_PI 0x1.921fb54442d18p2
#define PIECE 256

enum heft_status heft_taper_infer(struct heft_call *c, struct heft_error *err)
{
	const int64_t type = heft_call_int(c, "output_datatype", 1);
	const enum heft_dtype dtype = type < 0 ? HEFT_DTYPE_NONE : heft_onnx_dtype((uint64_t)type);
	int64_t n;

	(void)heft_call_int(c, "periodic", 1); /* so that infer sees whether it is one */
	HEFT_TRY(heft_dft_known_int(c, 0, &n, err));
	if (n < 0 || dtype == HEFT_DTYPE_NONE || dtype > HEFT_DTYPE_F64)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "no window of %lld numbers of type %lld is defined", (long long)n,
		                 (long long)type);
	return heft_array_set(&c->out[0], dtype, 1, (uint64_t[]){ (uint64_t)n }, err);
}

void heft_taper_forward(const struct heft_call *c, double a, double b, double d)
{
	const struct heft_array *y = &c->out[0];
	const uint64_t n = y->n_elements;
	const bool is_periodic = heft_call_int(c, "periodic", 1) != 0;
	const double length = (double)(is_periodic || n < 2 ? n : n - 1);

	for (uint64_t at = 0; at < n; at += PIECE) {
		const size_t n_now = n - at < PIECE ? (size_t)(n - at) : PIECE;
		double once[PIECE];
		double twice[PIECE];

		for (size_t i = 0; i < n_now; i++) {
			once[i] = TWO_PI * (double)(at + i) / length;
			twice[i] = 2 * once[i];
		}
		heft_cos_f64_by(c->cpu_bits, once, once, n_now);
		heft_cos_f64_by(c->cpu_bits, twice, twice, n_now);
		for (size_t i = 0; i < n_now; i++) {
			const double first = b * once[i];
			const double second = d * twice[i];

			once[i] = (a - first) + second;
		}
		(void)heft_cast_elements(y->dtype,
		                         (uint8_t *)y->bytes + at * (y->n_bytes / y->n_elements),
		                         HEFT_DTYPE_F64, once, n_now, NULL);
	}
}
