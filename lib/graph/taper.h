/* SPDX-License-Identifier: Apache-2.0 */
/* graph/taper.h - what HannWindow, HammingWindow and BlackmanWindow share: sums of two cosines.
 * Written from spec/numerics.md, F6-89. */
#ifndef GRAPH_TAPER_H
#define GRAPH_TAPER_H

#include "graph/op.h"

enum heft_status heft_taper_infer(struct heft_call *c, struct heft_error *err);
/* (a - b cos(2 pi i / n)) + d cos(4 pi i / n). */
void heft_taper_forward(const struct heft_call *c, double a, double b, double d);

#endif
