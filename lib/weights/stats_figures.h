/* SPDX-License-Identifier: Apache-2.0 */
/* weights/stats_figures.h - the second half of a tensor's statistics: the figures, from sums and
 * counts. */
#ifndef WEIGHTS_STATS_FIGURES_H
#define WEIGHTS_STATS_FIGURES_H

#include "weights/stats_list.h"

/* Of a tensor that has no elements, or whose dtype has no kind. */
void heft_stats_of_nothing(const struct heft_tensor *t, struct heft_stats *stats);
/* Of the sums of all elements and the list of their counts; `l` is changed. */
void heft_stats_figures(uint64_t n_elements, const struct heft_stats_sums *sums,
                        struct heft_stats_list *l, struct heft_stats *stats);

#endif
