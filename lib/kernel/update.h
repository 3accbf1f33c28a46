/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/update.h - one step of an optimiser over arrays of F32 or F64, in place. Written from
 * spec/numerics.md, F7-40 to F7-45: every operation is rounded by itself, and every variant gives
 * equal bits (any NaN equals any NaN).
 *
 * Arrays lie at any address that their type allows and do not overlap. Numbers are of binary64 and
 * are rounded once to the type of the arrays; work is cut anywhere. */
#ifndef KERNEL_UPDATE_H
#define KERNEL_UPDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What was met that is not finite, seen in the same pass. */
enum heft_update_faults {
	HEFT_UPDATE_GRADIENT = 1 << 0, /* a gradient, as it was given */
	HEFT_UPDATE_VALUE = 1 << 1     /* a value, as it became */
};

/* A gradient is taken times `scale` unless that is 1, times `coefficient` unless that is 1, then
 * between -limit and limit unless that is 0. */
struct heft_update_gradient {
	double scale;
	double coefficient;
	double limit;
};

/* g ← g + decay × value; b ← b × momentum + g × undamped, or g in the first step; g ← b, or g + b ×
 * momentum; value ← value - g × rate. decay 0 and momentum 0: those steps are left out. */
struct heft_update_sgd {
	struct heft_update_gradient taken;
	double rate;
	double decay;
	double momentum;
	double undamped; /* 1 - dampening */
	bool is_first;   /* b is not looked at */
	bool is_nesterov;
};

/* value ← value × kept, unless that is 1; g ← g + decay × value, unless that is 0; m ← m × beta1 +
 * g × other1; v ← v × beta2 + (g × g) × other2; w ← max(w, v), and for v below w; value ← value -
 * rate × (m / (sqrt(v) / root2 + epsilon)). */
struct heft_update_adam {
	struct heft_update_gradient taken;
	double rate;  /* of the step, corrected */
	double kept;  /* 1 - lr × decay, of AdamW */
	double decay; /* of Adam */
	double beta1;
	double other1; /* 1 - beta1 */
	double beta2;
	double other2;
	double root2; /* sqrt(1 - beta2^t) */
	double epsilon;
};

/* b NULL: there is no momentum. */
uint32_t heft_update_sgd_f32_by(uint32_t cpu_bits, const struct heft_update_sgd *u, float *value,
                                const float *g, float *b, size_t n);
uint32_t heft_update_sgd_f64_by(uint32_t cpu_bits, const struct heft_update_sgd *u, double *value,
                                const double *g, double *b, size_t n);
/* w NULL: no greatest v is kept. */
uint32_t heft_update_adam_f32_by(uint32_t cpu_bits, const struct heft_update_adam *u, float *value,
                                 const float *g, float *m, float *v, float *w, size_t n);
uint32_t heft_update_adam_f64_by(uint32_t cpu_bits, const struct heft_update_adam *u, double *value,
                                 const double *g, double *m, double *v, double *w, size_t n);

/* The gradient as an update takes it, written to `to`: apart from g, or g itself. */
void heft_update_take_f32_by(uint32_t cpu_bits, const struct heft_update_gradient *taken, float *to,
                             const float *g, size_t n);
void heft_update_take_f64_by(uint32_t cpu_bits, const struct heft_update_gradient *taken,
                             double *to, const double *g, size_t n);

#endif
