/* SPDX-License-Identifier: Apache-2.0 */
/* unit.c - the unit that cuts a tensor into chunks. */
#include "weights/unit.h"

#include "base/error.h"
#include "container/index.h"
#include "tensor/dtype.h"
#include "weights/file.h"

enum heft_status heft_tensor_unit(struct heft_file *file, const struct heft_tensor *t,
                                  uint32_t *unit, struct heft_error *err)
{
	const struct heft_dtype_info *info = heft_dtype_describe(t->dtype);
	struct heft_index *ix = heft_file_index(file);
	struct heft_row row;
	uint32_t row_i;

	if (info) {
		*unit = info->n_bytes;
		return HEFT_OK;
	}
	if (!ix && heft_dtype_has_any_size(t->dtype)) {
		*unit = heft_any_size_unit(t->dtype, t->n_elements, t->n_bytes);
		return HEFT_OK;
	}
	if (!ix)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "tensor '%s' has an unknown dtype", t->name);
	HEFT_TRY(heft_index_row_at(ix, t->index, &row_i, err));
	HEFT_TRY(heft_index_row(ix, row_i, &row, err));
	*unit = row.unit;
	return HEFT_OK;
}
