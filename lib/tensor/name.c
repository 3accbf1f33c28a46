/* SPDX-License-Identifier: Apache-2.0 */
/* name.c - what a tensor's name may be, and the role that its words tell. */
#include "tensor/name.h"

#include <string.h>

#include "base/utf8.h"

const char *heft_name_fault(const void *name, size_t name_size, size_t max_size)
{
	if (name_size > max_size)
		return "name is too long";
	if (!heft_utf8_ok(name, name_size))
		return "name is not well-formed UTF-8";
	if (memchr(name, 0, name_size))
		return "name has a NUL inside";
	return NULL;
}

/* A piece of a name; never past its end. */
struct span {
	const char *text;
	size_t size;
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same(struct span s, const char *word, size_t word_size)
{
	if (s.size != word_size)
		return false;
	for (size_t i = 0; i < word_size; i++) {
		if (lower(s.text[i]) != word[i])
			return false;
	}
	return true;
}

static bool is(struct span s, const char *word)
{
	return same(s, word, strlen(word));
}

static bool ends_with(struct span s, const char *word)
{
	const size_t n = strlen(word);

	return s.size >= n && same((struct span){ s.text + s.size - n, n }, word, n);
}

static bool begins_with(struct span s, const char *word)
{
	const size_t n = strlen(word);

	return s.size >= n && same((struct span){ s.text, n }, word, n);
}

/* Where `word` begins in s, or NULL. */
static const char *find(struct span s, const char *word)
{
	for (; s.size > 0; s.text++, s.size--) {
		if (begins_with(s, word))
			return s.text;
	}
	return NULL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_number(struct span s)
{
	for (size_t i = 0; i < s.size; i++) {
		if (!is_digit(s.text[i]))
			return false;
	}
	return s.size > 0;
}

/* Takes the last piece off `rest`, at any of the `separators`; empty when nothing is left. */
static struct span take_last(struct span *rest, const char *separators)
{
	size_t at = rest->size;
	struct span last;

	while (at > 0 && !strchr(separators, rest->text[at - 1]))
		at--;
	last = (struct span){ rest->text + at, rest->size - at };
	rest->size = at > 0 ? at - 1 : 0;
	return last;
}

/* One of the words of s, which '_' and '-' part, is `word`, a number behind it or none: "bn",
 * "bn2", "bn2a". */
static bool has_word(struct span s, const char *word)
{
	const size_t n = strlen(word);

	while (s.size > 0) {
		const struct span piece = take_last(&s, "_-");

		if (piece.size >= n && begins_with(piece, word) &&
		    (piece.size == n || is_digit(piece.text[n])))
			return true;
	}
	return false;
}

/* "LayerNorm", "input_layernorm", "norm1", "batch_normalization_3", "bn1", "ln_f"; not "normal". */
static bool is_norm_module(struct span s)
{
	const char *at = find(s, "norm");

	if (at) {
		const struct span from = { at, s.size - (size_t)(at - s.text) };

		return !begins_with(from, "normal") || begins_with(from, "normaliz") ||
		       begins_with(from, "normalis");
	}
	return has_word(s, "bn") || has_word(s, "ln") || has_word(s, "gn");
}

/* "embed_tokens", "wte", "token_embd", "word_embeddings"; not what projects out of or into an
 * embedding. */
static bool is_embedding_module(struct span s)
{
	if (has_word(s, "out") || has_word(s, "proj") || has_word(s, "projection"))
		return false;
	return find(s, "embed") || find(s, "embd") || has_word(s, "emb") || is(s, "wte") ||
	       is(s, "wpe") || is(s, "shared");
}

struct word_role {
	const char *word;
	enum heft_role role;
};

/* Last parts that tell the role whatever stands before them. */
static const struct word_role whole_words[] = {
	{ "num_batches_tracked", HEFT_ROLE_BUFFER },
	{ "position_ids", HEFT_ROLE_BUFFER },
	{ "token_type_ids", HEFT_ROLE_BUFFER },
	{ "inv_freq", HEFT_ROLE_BUFFER },
	{ "rope_freqs", HEFT_ROLE_BUFFER },
	{ "cos_cached", HEFT_ROLE_BUFFER },
	{ "sin_cached", HEFT_ROLE_BUFFER },
	{ "masked_bias", HEFT_ROLE_BUFFER },
	{ "attn_mask", HEFT_ROLE_BUFFER },
	{ "causal_mask", HEFT_ROLE_BUFFER },
	{ "relative_position_index", HEFT_ROLE_BUFFER },
	{ "embedding", HEFT_ROLE_EMBEDDING },
	{ "embeddings", HEFT_ROLE_EMBEDDING },
	{ "pos_embed", HEFT_ROLE_EMBEDDING },
	{ "class_embedding", HEFT_ROLE_EMBEDDING },
	{ "positional_embedding", HEFT_ROLE_EMBEDDING },
	{ "position_embedding", HEFT_ROLE_EMBEDDING },
	{ "pos_embedding", HEFT_ROLE_EMBEDDING },
	{ "position_embeddings", HEFT_ROLE_EMBEDDING },
	{ "relative_position_bias_table", HEFT_ROLE_EMBEDDING },
	{ "cls_token", HEFT_ROLE_EMBEDDING },
	{ "mask_token", HEFT_ROLE_EMBEDDING },
};

/* What a last part is or ends with, behind a '_'; the rest of the part is then the module. */
static const struct word_role last_words[] = {
	{ "running_mean", HEFT_ROLE_BUFFER },
	{ "running_var", HEFT_ROLE_BUFFER },
	{ "moving_mean", HEFT_ROLE_BUFFER },
	{ "moving_var", HEFT_ROLE_BUFFER },
	{ "moving_variance", HEFT_ROLE_BUFFER },
	{ "gamma", HEFT_ROLE_NORM },
	{ "beta", HEFT_ROLE_NORM },
	{ "bias", HEFT_ROLE_BIAS },
	{ "b", HEFT_ROLE_BIAS },
	{ "weight", HEFT_ROLE_WEIGHT },
	{ "weights", HEFT_ROLE_WEIGHT },
	{ "kernel", HEFT_ROLE_WEIGHT },
	{ "w", HEFT_ROLE_WEIGHT },
	{ "scale", HEFT_ROLE_WEIGHT },
};

/* Beginnings of a last part: "weight_ih_l0", "bias_hh_l0", "weight_g". */
static const struct word_role first_words[] = {
	{ "weight_", HEFT_ROLE_WEIGHT },
	{ "bias_", HEFT_ROLE_BIAS },
	{ "lora_", HEFT_ROLE_WEIGHT },
};

#define N_ROWS(table) (sizeof(table) / sizeof *(table))

static const struct word_role *find_whole(struct span last)
{
	for (size_t i = 0; i < N_ROWS(whole_words); i++) {
		if (is(last, whole_words[i].word))
			return &whole_words[i];
	}
	return NULL;
}

/* Sets *module to what stands before the word within the part, if anything does. */
static const struct word_role *find_last(struct span last, struct span *module)
{
	for (size_t i = 0; i < N_ROWS(last_words); i++) {
		const size_t n = strlen(last_words[i].word);

		if (!ends_with(last, last_words[i].word))
			continue;
		if (last.size == n)
			return &last_words[i];
		if (last.text[last.size - n - 1] == '_') {
			*module = (struct span){ last.text, last.size - n - 1 };
			return &last_words[i];
		}
	}
	return NULL;
}

static const struct word_role *find_first(struct span last)
{
	for (size_t i = 0; i < N_ROWS(first_words); i++) {
		if (begins_with(last, first_words[i].word))
			return &first_words[i];
	}
	return NULL;
}

/* A word says what a tensor is in its module; the module and the rank say the rest. */
static enum heft_role in_module(enum heft_role role, struct span last, struct span module,
                                uint32_t rank)
{
	const bool is_shift = role == HEFT_ROLE_BIAS;

	if (role == HEFT_ROLE_BUFFER)
		return role;
	if (is_norm_module(module))
		return HEFT_ROLE_NORM;
	if (role == HEFT_ROLE_NORM) /* LayerScale calls its factor gamma too */
		return has_word(module, "ls") || find(module, "layer_scale") ? HEFT_ROLE_WEIGHT
		                                                             : HEFT_ROLE_NORM;
	if (is_shift) /* GPT-2 keeps its causal mask as attn.bias, of rank 4 */
		return is(last, "bias") && rank > 2 && find(module, "att") ? HEFT_ROLE_BUFFER
		                                                           : HEFT_ROLE_BIAS;
	if (is(module, "rope_freqs"))
		return HEFT_ROLE_BUFFER;
	if (is_embedding_module(module) && rank <= 2)
		return HEFT_ROLE_EMBEDDING;
	/* A vector called weight scales channels, as in torchvision's downsample.1.weight. */
	if (is(last, "weight") && rank == 1 && !find(module, "relu") && !has_word(module, "act"))
		return HEFT_ROLE_NORM;
	return HEFT_ROLE_WEIGHT;
}

/* Keras 3 numbers a layer's variables: layers/dense/vars/0. */
static enum heft_role of_numbered(struct span number, struct span layer, uint32_t rank)
{
	if (is_norm_module(layer))
		return number.text[0] < '2' ? HEFT_ROLE_NORM : HEFT_ROLE_BUFFER;
	if (is_embedding_module(layer))
		return HEFT_ROLE_EMBEDDING;
	return rank == 1 ? HEFT_ROLE_BIAS : HEFT_ROLE_WEIGHT;
}

enum heft_role heft_role_from_name(const char *name, uint32_t rank)
{
	struct span rest = { name, strlen(name) };
	struct span last = take_last(&rest, "./:");
	struct span module;
	const struct word_role *row;

	if (is_number(last) && rest.size > 0 && rest.text[rest.size] == ':')
		last = take_last(&rest, "./:"); /* TensorFlow's "kernel:0" */
	module = take_last(&rest, "./:");
	if (is_number(last) && is(module, "vars"))
		return of_numbered(last, take_last(&rest, "./:"), rank);
	row = find_whole(last);
	if (row)
		return row->role;
	row = find_last(last, &module);
	if (!row)
		row = find_first(last);
	if (row)
		return in_module(row->role, last, module, rank);
	/* Flax keeps a normalisation's statistics apart, as "batch_stats/bn_init/mean". */
	if ((is(last, "mean") || is(last, "var")) && is_norm_module(module))
		return HEFT_ROLE_BUFFER;
	return HEFT_ROLE_UNKNOWN;
}
