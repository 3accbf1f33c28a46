/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_onnx.c - bytes as an ONNX model: mapped and read, with its graph; and as a graph. */
#include "base/wire.h"
#include "onnx/model.h"
#include "walk.h"

static void walk_graph(const uint8_t *bytes, size_t n)
{
	const struct heft_limits limits = { .max_tensors = 4096,
		                            .max_name_size = 4096,
		                            .max_metadata_size = 1 << 20,
		                            .max_logical_bytes = 32 * WALK_BYTES };
	struct heft_onnx_model model;
	struct heft_wire_input in;

	heft_wire_input_memory(&in, bytes, n);
	if (heft_onnx_scan(&in, &limits, true, &model, NULL) == HEFT_OK)
		heft_onnx_model_done(&model);
	heft_wire_input_done(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	walk_bytes(bytes, n, "onnx", 0);
	walk_bytes(bytes, n, "onnx", HEFT_OPEN_PREAD);
	walk_graph(bytes, n);
	return 0;
}
