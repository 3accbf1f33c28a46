/* SPDX-License-Identifier: Apache-2.0 */
/* cast_text.c - numbers as strings, and strings as numbers. A real number is written with the
 * fewest digits that read back as it, as "%g" writes them; what has no number is "NaN", "INF" or
 * "-INF", in any case where it is read. */
#include "graph/cast_text.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define SIZE_MAX_OF_NUMBER 32 /* of one that is written, with its NUL */
#define SIZE_MAX_OF_READ 400  /* of one that is read */

static const struct heft_dtype_info *number_info(enum heft_dtype dtype)
{
	const struct heft_dtype_info *info = heft_dtype_describe(dtype);

	return info && (info->is_float || info->is_integer || dtype == HEFT_DTYPE_BOOL) ? info
	                                                                                : NULL;
}

enum heft_status heft_cast_text_infer(struct heft_call *c, struct heft_error *err)
{
	if (!number_info(c->in[0].dtype))
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "%s as strings is not computed", heft_kind_name(c->in[0].dtype));
	return heft_array_set(&c->out[0], HEFT_KIND_TEXTS, c->in[0].rank, c->in[0].dims, err);
}

/* --- writing --- */

static void write_real(double value, bool is_narrow, char text[SIZE_MAX_OF_NUMBER])
{
	const int most = is_narrow ? 9 : 17;

	if (value != value || value - value != 0) {
		snprintf(text, SIZE_MAX_OF_NUMBER, "%s",
		         value != value ? "NaN"
		         : value > 0    ? "INF"
		                        : "-INF");
		return;
	}
	for (int n = is_narrow ? 6 : 15; n <= most; n++) {
		double read;

		snprintf(text, SIZE_MAX_OF_NUMBER, "%.*g", n, value);
		read = strtod(text, NULL);
		if (is_narrow ? (float)read == (float)value : read == value)
			return;
	}
}

/* All elements as the widest of their sort, then each as text. */
static enum heft_status write_all(struct heft_call *c, struct heft_memory *memory,
                                  struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	const struct heft_dtype_info *info = heft_dtype_describe(x->dtype);
	const enum heft_dtype wide = info->is_float               ? HEFT_DTYPE_F64
	                             : x->dtype == HEFT_DTYPE_U64 ? HEFT_DTYPE_U64
	                                                          : HEFT_DTYPE_I64;
	struct heft_text *texts;
	void *numbers;
	char *to;

	HEFT_TRY(heft_texts_new(x->rank, x->dims, x->n_elements * SIZE_MAX_OF_NUMBER, memory,
	                        &c->out[0], &to, err));
	if (x->n_elements == 0)
		return HEFT_OK;
	HEFT_TRY(heft_memory_take(memory, x->n_elements * sizeof(double), &numbers, err));
	HEFT_TRY(heft_cast_elements(wide, numbers, x->dtype, x->bytes, x->n_elements, err));
	texts = c->out[0].bytes;
	for (uint64_t i = 0; i < x->n_elements; i++, to += SIZE_MAX_OF_NUMBER) {
		if (wide == HEFT_DTYPE_F64)
			write_real(((const double *)numbers)[i], x->dtype != HEFT_DTYPE_F64, to);
		else if (wide == HEFT_DTYPE_U64)
			snprintf(to, SIZE_MAX_OF_NUMBER, "%llu",
			         (unsigned long long)((const uint64_t *)numbers)[i]);
		else
			snprintf(to, SIZE_MAX_OF_NUMBER, "%lld",
			         (long long)((const int64_t *)numbers)[i]);
		texts[i] = heft_text_of(to);
	}
	return HEFT_OK;
}

/* --- reading --- */

/* A number and nothing else, as C reads it, but none of base 16. */
static bool read_text(const struct heft_text *text, bool as_integer, double *real, int64_t *integer)
{
	char copy[SIZE_MAX_OF_READ];
	char *end;

	if (text->n_bytes == 0 || text->n_bytes >= sizeof copy)
		return false;
	memcpy(copy, text->bytes, (size_t)text->n_bytes);
	copy[text->n_bytes] = '\0';
	if (strlen(copy) != text->n_bytes || strpbrk(copy, "xX(") || copy[0] == ' ')
		return false;
	errno = 0;
	if (as_integer)
		*integer = strtoll(copy, &end, 10);
	else
		*real = strtod(copy, &end);
	return *end == '\0' && (!as_integer || errno == 0);
}

static enum heft_status read_all(struct heft_call *c, enum heft_dtype to,
                                 struct heft_memory *memory, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	const struct heft_text *texts = x->bytes;
	const struct heft_dtype_info *info = number_info(to);
	struct heft_array *y = &c->out[0];
	enum heft_dtype wide;
	void *numbers;

	if (!info)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "strings as %s is not computed", heft_kind_name(to));
	wide = info->is_integer ? HEFT_DTYPE_I64 : HEFT_DTYPE_F64;
	HEFT_TRY(heft_array_set(y, to, x->rank, x->dims, err));
	if (x->n_elements == 0)
		return HEFT_OK;
	HEFT_TRY(heft_memory_take(memory, y->n_bytes, &y->bytes, err));
	HEFT_TRY(heft_memory_take(memory, x->n_elements * sizeof(double), &numbers, err));
	for (uint64_t i = 0; i < x->n_elements; i++) {
		if (!read_text(&texts[i], wide == HEFT_DTYPE_I64, (double *)numbers + i,
		               (int64_t *)numbers + i))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "element %llu is not a number of %s",
			                 (unsigned long long)i, heft_dtype_name(to));
	}
	return heft_cast_elements(to, y->bytes, wide, numbers, x->n_elements, err);
}

enum heft_status heft_cast_text_run(struct heft_call *c, enum heft_dtype to,
                                    struct heft_memory *memory, struct heft_error *err)
{
	const bool is_text = c->in[0].dtype == HEFT_KIND_TEXTS;
	locale_t plain;
	locale_t old;
	enum heft_status st;

	if (!heft_is_array(&c->in[0]) && !is_text)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "input 0 is %s",
		                 heft_kind_name(c->in[0].dtype));
	if (!is_text)
		HEFT_TRY(heft_cast_text_infer(c, err));
	if (is_text && to == HEFT_KIND_TEXTS) {
		c->out[0] = c->in[0];
		return HEFT_OK;
	}
	/* "1.5" whatever the program's locale is */
	plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (plain == (locale_t)0)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a cast");
	old = uselocale(plain);
	st = is_text ? read_all(c, to, memory, err) : write_all(c, memory, err);
	uselocale(old);
	freelocale(plain);
	return st;
}
