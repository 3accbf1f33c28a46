/* SPDX-License-Identifier: Apache-2.0 */
/* test_tensor_name.c - tests of lib/tensor/name.c. */
#include "tensor/name.h"

#include "unit.h"

START_TEST(well_formed_names_pass)
{
	ck_assert_ptr_null(heft_name_fault("", 0, 10));
	ck_assert_ptr_null(heft_name_fault("weight", 6, 6));
	ck_assert_ptr_null(heft_name_fault("gr\xc3\xb6\xc3\x9f"
	                                   "e",
	                                   7, 10));
}
END_TEST

START_TEST(faults_of_names_are_told)
{
	ck_assert_str_eq(heft_name_fault("weight", 6, 5), "name is too long");
	ck_assert_str_eq(heft_name_fault("a\xff", 2, 10), "name is not well-formed UTF-8");
	ck_assert_str_eq(heft_name_fault("a\0b", 3, 10), "name has a NUL inside");
}
END_TEST

static const struct {
	const char *name;
	uint32_t rank;
	enum heft_role role;
} roles[] = {
	/* PyTorch */
	{ "fc.weight", 2, HEFT_ROLE_WEIGHT },
	{ "fc.bias", 1, HEFT_ROLE_BIAS },
	{ "weight", 2, HEFT_ROLE_WEIGHT },
	{ "layer1.0.conv1.weight", 4, HEFT_ROLE_WEIGHT },
	{ "layer1.0.bn1.weight", 1, HEFT_ROLE_NORM },
	{ "layer1.0.bn1.bias", 1, HEFT_ROLE_NORM },
	{ "layer1.0.bn1.running_mean", 1, HEFT_ROLE_BUFFER },
	{ "layer1.0.bn1.running_var", 1, HEFT_ROLE_BUFFER },
	{ "layer1.0.bn1.num_batches_tracked", 0, HEFT_ROLE_BUFFER },
	{ "layer2.0.downsample.1.weight", 1, HEFT_ROLE_NORM },
	{ "features.norm0.weight", 1, HEFT_ROLE_NORM },
	{ "activation.prelu.weight", 1, HEFT_ROLE_WEIGHT },
	{ "rnn.weight_ih_l0", 2, HEFT_ROLE_WEIGHT },
	{ "rnn.bias_hh_l0", 1, HEFT_ROLE_BIAS },
	{ "self_attn.in_proj_weight", 2, HEFT_ROLE_WEIGHT },
	{ "self_attn.in_proj_bias", 1, HEFT_ROLE_BIAS },
	{ "normal_head.weight", 2, HEFT_ROLE_WEIGHT },
	{ "linear.weight_orig", 2, HEFT_ROLE_WEIGHT },
	/* Hugging Face */
	{ "bert.embeddings.word_embeddings.weight", 2, HEFT_ROLE_EMBEDDING },
	{ "bert.embeddings.position_ids", 2, HEFT_ROLE_BUFFER },
	{ "bert.embeddings.LayerNorm.weight", 1, HEFT_ROLE_NORM },
	{ "bert.encoder.layer.0.output.LayerNorm.bias", 1, HEFT_ROLE_NORM },
	{ "bert.embeddings.LayerNorm.gamma", 1, HEFT_ROLE_NORM },
	{ "bert.encoder.layer.0.attention.self.query.weight", 2, HEFT_ROLE_WEIGHT },
	{ "bert.encoder.layer.0.attention.self.query.bias", 1, HEFT_ROLE_BIAS },
	{ "model.embed_tokens.weight", 2, HEFT_ROLE_EMBEDDING },
	{ "model.layers.0.input_layernorm.weight", 1, HEFT_ROLE_NORM },
	{ "model.layers.0.self_attn.q_proj.weight", 2, HEFT_ROLE_WEIGHT },
	{ "model.layers.0.self_attn.rotary_emb.inv_freq", 1, HEFT_ROLE_BUFFER },
	{ "model.norm.weight", 1, HEFT_ROLE_NORM },
	{ "lm_head.weight", 2, HEFT_ROLE_WEIGHT },
	{ "transformer.wte.weight", 2, HEFT_ROLE_EMBEDDING },
	{ "h.0.ln_1.weight", 1, HEFT_ROLE_NORM },
	{ "h.0.attn.bias", 4, HEFT_ROLE_BUFFER },
	{ "h.0.attn.masked_bias", 0, HEFT_ROLE_BUFFER },
	{ "h.0.attn.c_attn.bias", 1, HEFT_ROLE_BIAS },
	{ "shared.weight", 2, HEFT_ROLE_EMBEDDING },
	{ "gpt_neox.embed_in.weight", 2, HEFT_ROLE_EMBEDDING },
	{ "embed_out.weight", 2, HEFT_ROLE_WEIGHT },
	{ "vit.embeddings.patch_embeddings.projection.weight", 4, HEFT_ROLE_WEIGHT },
	{ "vit.embeddings.cls_token", 3, HEFT_ROLE_EMBEDDING },
	{ "visual.patch_embedding.weight", 4, HEFT_ROLE_WEIGHT },
	{ "visual.positional_embedding", 2, HEFT_ROLE_EMBEDDING },
	{ "blocks.0.ls1.gamma", 1, HEFT_ROLE_WEIGHT },
	{ "q_proj.lora_A.weight", 2, HEFT_ROLE_WEIGHT },
	/* Keras and TensorFlow */
	{ "dense_1/kernel:0", 2, HEFT_ROLE_WEIGHT },
	{ "dense_1/bias:0", 1, HEFT_ROLE_BIAS },
	{ "lstm/lstm_cell/recurrent_kernel:0", 2, HEFT_ROLE_WEIGHT },
	{ "embedding/embeddings:0", 2, HEFT_ROLE_EMBEDDING },
	{ "batch_normalization_3/gamma:0", 1, HEFT_ROLE_NORM },
	{ "batch_normalization_3/moving_variance:0", 1, HEFT_ROLE_BUFFER },
	{ "separable_conv2d/depthwise_kernel:0", 4, HEFT_ROLE_WEIGHT },
	{ "layers/dense/vars/0", 2, HEFT_ROLE_WEIGHT },
	{ "layers/dense/vars/1", 1, HEFT_ROLE_BIAS },
	{ "layers/batch_normalization/vars/1", 1, HEFT_ROLE_NORM },
	{ "layers/batch_normalization/vars/2", 1, HEFT_ROLE_BUFFER },
	{ "layers/embedding/vars/0", 2, HEFT_ROLE_EMBEDDING },
	/* Flax */
	{ "params/LayerNorm_0/scale", 1, HEFT_ROLE_NORM },
	{ "params/Dense_0/kernel", 2, HEFT_ROLE_WEIGHT },
	{ "params/Embed_0/embedding", 2, HEFT_ROLE_EMBEDDING },
	{ "batch_stats/BatchNorm_0/mean", 1, HEFT_ROLE_BUFFER },
	/* ggml, ONNX, MXNet */
	{ "token_embd.weight", 2, HEFT_ROLE_EMBEDDING },
	{ "blk.0.attn_norm.weight", 1, HEFT_ROLE_NORM },
	{ "blk.0.ffn_down.weight", 2, HEFT_ROLE_WEIGHT },
	{ "rope_freqs.weight", 1, HEFT_ROLE_BUFFER },
	{ "stage1_unit1_bn1_gamma", 1, HEFT_ROLE_NORM },
	{ "stage1_unit1_bn1_moving_mean", 1, HEFT_ROLE_BUFFER },
	{ "conv0_weight", 4, HEFT_ROLE_WEIGHT },
	{ "conv1_w", 4, HEFT_ROLE_WEIGHT },
	{ "conv1_b", 1, HEFT_ROLE_BIAS },
	/* what tells nothing */
	{ "onnx::MatMul_123", 2, HEFT_ROLE_UNKNOWN },
	{ "", 0, HEFT_ROLE_UNKNOWN },
	{ ".", 1, HEFT_ROLE_UNKNOWN },
	{ "1", 1, HEFT_ROLE_UNKNOWN },
	{ ":0", 1, HEFT_ROLE_UNKNOWN },
	{ "vars/0", 1, HEFT_ROLE_BIAS },
	{ "/", 1, HEFT_ROLE_UNKNOWN },
	{ "arr_0", 2, HEFT_ROLE_UNKNOWN },
	{ "bulb", 2, HEFT_ROLE_UNKNOWN },
};

START_TEST(names_tell_roles)
{
	const char *want = heft_role_name(roles[_i].role);
	const char *got = heft_role_name(heft_role_from_name(roles[_i].name, roles[_i].rank));

	ck_assert_msg(want == got, "%s: '%s', not '%s'", roles[_i].name, got, want);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tensor_name");
	TCase *tcase = tcase_create("name");

	tcase_add_test(tcase, well_formed_names_pass);
	tcase_add_test(tcase, faults_of_names_are_told);
	tcase_add_loop_test(tcase, names_tell_roles, 0, sizeof roles / sizeof *roles);
	suite_add_tcase(suite, tcase);
	return heft_unit_run(suite);
}
