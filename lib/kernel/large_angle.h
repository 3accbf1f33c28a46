/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/large_angle.h - an angle of many turns as quarter turns and what is left. */
#ifndef KERNEL_LARGE_ANGLE_H
#define KERNEL_LARGE_ANGLE_H

#include "kernel/elementary_f64.h"

/* For a > HEFT_ANGLE_MAX; of an infinity or a NaN, r is NaN. */
struct heft_f64_angle heft_large_angle(double a);

#endif
