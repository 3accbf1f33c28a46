/* SPDX-License-Identifier: Apache-2.0 */
/* role_rules.c - what operators do with each of their inputs. Written from the operators'
 * definitions: the order of inputs is theirs. */
#include "onnx/role_rules.h"

#include <stddef.h>
#include <string.h>

#define PASSES HEFT_ONNX_RULE_PASSES
#define PASSES_ALL HEFT_ONNX_RULE_PASSES_ALL
#define LINEAR HEFT_ONNX_RULE_LINEAR
#define NORMALISES HEFT_ONNX_RULE_NORMALISES
#define SAME (HEFT_ONNX_RULE_PASSES | HEFT_ONNX_RULE_KEEPS_SHAPE)

/* Sorted by operator. '*' repeats the letter before it. */
static const struct heft_onnx_rule rules[] = {
	{ "Attention", ".", 0 },
	{ "BatchNormalization", ".nncc", 0 },
	{ "Cast", ".", SAME },
	{ "CastLike", "..", SAME },
	{ "Clip", ".cc", 0 },
	{ "Col2Im", ".cc", 0 },
	{ "Compress", ".c", 0 },
	{ "Concat", ".*", PASSES_ALL },
	{ "ConstantOfShape", "c", 0 },
	{ "Conv", ".wb", LINEAR },
	{ "ConvInteger", ".wcc", LINEAR },
	{ "ConvTranspose", ".wb", LINEAR },
	{ "CumSum", ".c", 0 },
	{ "DFT", ".cc", 0 },
	{ "DeformConv", ".w.b.", LINEAR },
	{ "DequantizeLinear", ".cc", SAME },
	{ "Dropout", ".cc", SAME },
	{ "Einsum", "w*", LINEAR },
	{ "Expand", ".c", PASSES },
	{ "Flatten", ".", PASSES },
	{ "GRU", ".wwbcc", 0 },
	{ "Gather", ".c", 0 },
	{ "GatherElements", ".c", 0 },
	{ "GatherND", ".c", 0 },
	{ "Gemm", "wwb", LINEAR },
	{ "GroupNormalization", ".nn", 0 },
	{ "Identity", ".", SAME },
	{ "If", "c", 0 },
	{ "InstanceNormalization", ".nn", NORMALISES },
	{ "LSTM", ".wwbcccw", 0 },
	{ "LayerNormalization", ".nn", 0 },
	{ "MatMul", "ww", LINEAR },
	{ "MatMulInteger", "wwcc", LINEAR },
	{ "MaxUnpool", "..c", 0 },
	{ "MeanVarianceNormalization", ".", NORMALISES },
	{ "NonMaxSuppression", "..ccc", 0 },
	{ "OneHot", ".cc", 0 },
	{ "PRelu", ".w", 0 },
	{ "Pad", ".ccc", PASSES },
	{ "QLinearConv", ".ccwccccb", LINEAR },
	{ "QLinearMatMul", "wccwcccc", LINEAR },
	{ "QuantizeLinear", ".cc", SAME },
	{ "RMSNormalization", ".n", 0 },
	{ "RNN", ".wwbcc", 0 },
	{ "Range", "ccc", 0 },
	{ "ReduceL1", ".c", 0 },
	{ "ReduceL2", ".c", 0 },
	{ "ReduceLogSum", ".c", 0 },
	{ "ReduceLogSumExp", ".c", 0 },
	{ "ReduceMax", ".c", 0 },
	{ "ReduceMean", ".c", 0 },
	{ "ReduceMin", ".c", 0 },
	{ "ReduceProd", ".c", 0 },
	{ "ReduceSum", ".c", 0 },
	{ "ReduceSumSquare", ".c", 0 },
	{ "Reshape", ".c", PASSES },
	{ "Resize", ".ccc", 0 },
	{ "ReverseSequence", ".c", 0 },
	{ "RoiAlign", "..c", 0 },
	{ "RotaryEmbedding", ".ccc", 0 },
	{ "STFT", ".ccc", 0 },
	{ "Scatter", ".c.", 0 },
	{ "ScatterElements", ".c.", 0 },
	{ "ScatterND", ".c.", 0 },
	{ "Slice", ".cccc", PASSES },
	{ "Split", ".c", PASSES },
	{ "Squeeze", ".c", PASSES },
	{ "TensorScatter", "..c", 0 },
	{ "Tile", ".c", PASSES },
	{ "TopK", ".c", 0 },
	{ "Transpose", ".", PASSES },
	{ "Trilu", ".c", 0 },
	{ "Unsqueeze", ".c", PASSES },
	{ "Upsample", ".c", 0 },
	{ "Where", "c..", 0 },
};

/* Of domain com.microsoft: those of them that exporters and optimisers write. */
static const struct heft_onnx_rule runtime_rules[] = {
	{ "Attention", ".wb", LINEAR },
	{ "BiasAdd", ".b.", 0 },
	{ "BiasGelu", ".b", 0 },
	{ "BiasSplitGelu", ".b", 0 },
	{ "ConvTransposeWithDynamicPads", ".w.b", LINEAR },
	{ "DequantizeLinear", ".cc", SAME },
	{ "DynamicQuantizeLSTM", ".wwbcccwcccc", 0 },
	{ "DynamicQuantizeMatMul", ".wccb", 0 },
	{ "EmbedLayerNormalization", "..eeennc", 0 },
	{ "FastGelu", ".b", 0 },
	{ "FusedConv", ".wb.", LINEAR },
	{ "FusedGemm", "wwb", LINEAR },
	{ "FusedMatMul", "ww", LINEAR },
	{ "GatherBlockQuantized", "e.cc", 0 },
	{ "Gelu", ".", 0 },
	{ "GemmFastGelu", "wwb", 0 },
	{ "GroupNorm", ".nn", 0 },
	{ "GroupQueryAttention", ".......cc", 0 },
	{ "MatMulBnb4", ".wc", LINEAR },
	{ "MatMulIntegerToFloat", "wwccccb", LINEAR },
	{ "MatMulNBits", ".wcccb", LINEAR },
	{ "MultiHeadAttention", "...b", 0 },
	{ "NhwcConv", ".wb", LINEAR },
	{ "QAttention", ".wbcc.cc.", LINEAR },
	{ "QGemm", "wccwccbcc", LINEAR },
	{ "QLinearAdd", ".cc.cccc", 0 },
	{ "QLinearMul", ".cc.cccc", 0 },
	{ "QuantizeLinear", ".cc", SAME },
	{ "QuickGelu", ".", 0 },
	{ "RotaryEmbedding", ".ccc", 0 },
	{ "SimplifiedLayerNormalization", ".n", 0 },
	{ "SkipGroupNorm", ".nn.b", 0 },
	{ "SkipLayerNormalization", "..nnb", 0 },
	{ "SkipSimplifiedLayerNormalization", "..nb", 0 },
};

static const struct heft_onnx_rule *find(const struct heft_onnx_rule *table, size_t n,
                                         const char *op)
{
	size_t from = 0;

	while (n > 0) {
		const size_t half = n / 2;
		const int order = strcmp(op, table[from + half].op);

		if (order == 0)
			return &table[from + half];
		if (order > 0) {
			from += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return NULL;
}

const struct heft_onnx_rule *heft_onnx_rule_find(const char *domain, const char *op)
{
	const struct heft_onnx_rule *rule = NULL;

	if (*domain == '\0' || strcmp(domain, "ai.onnx") == 0)
		rule = find(rules, sizeof rules / sizeof *rules, op);
	else if (strcmp(domain, "com.microsoft") == 0)
		rule = find(runtime_rules, sizeof runtime_rules / sizeof *runtime_rules, op);
	/* ONNX Runtime put two of its own into ONNX's domain before it had one. */
	if (!rule && *domain == '\0' && strstr(op, "SimplifiedLayerNormalization"))
		rule = find(runtime_rules, sizeof runtime_rules / sizeof *runtime_rules, op);
	return rule;
}

enum heft_role heft_onnx_rule_role(const struct heft_onnx_rule *rule, uint32_t i)
{
	const size_t n = strlen(rule->inputs);
	char letter = '.';

	if (n > 0 && rule->inputs[n - 1] == '*' && i >= n - 1)
		letter = rule->inputs[n - 2];
	else if (i < n)
		letter = rule->inputs[i];
	switch (letter) {
	case 'w':
		return HEFT_ROLE_WEIGHT;
	case 'b':
		return HEFT_ROLE_BIAS;
	case 'n':
		return HEFT_ROLE_NORM;
	case 'e':
		return HEFT_ROLE_EMBEDDING;
	case 'c':
		return HEFT_ROLE_BUFFER;
	default:
		return HEFT_ROLE_UNKNOWN;
	}
}
