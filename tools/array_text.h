/* SPDX-License-Identifier: Apache-2.0 */
/* array_text.h - values of an array as text, the way NumPy prints them, and as JSON. */
#ifndef TOOLS_ARRAY_TEXT_H
#define TOOLS_ARRAY_TEXT_H

#include "heft/run.h"
#include "json_out.h"

#define ELEMENT_TEXT_SIZE 48

/* Whether its elements are numbers that can be printed. */
bool array_is_real(const struct heft_value *v);

/* Element i in the fewest digits that read back as the same: "1.", "-0.25", "1.e-05", "nan", "7",
 * "True"; in JSON "1", "1e-05", "\"nan\"", "7", "true". `text` has room for ELEMENT_TEXT_SIZE. */
void array_element(const struct heft_value *v, uint64_t i, bool is_json, char *text);

/* In brackets; of many elements the first and last three along each of two dimensions, or of all
 * where there are more dimensions. */
void array_print(struct output *out, const struct heft_value *v);
void array_print_json(struct json_out *j, const struct heft_value *v);

/* "[2, 3]", in one line. */
void array_print_shape(struct output *out, uint32_t rank, const uint64_t *dims);
void array_json_shape(struct json_out *j, uint32_t rank, const uint64_t *dims);

#endif
