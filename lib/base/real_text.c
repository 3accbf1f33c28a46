/* SPDX-License-Identifier: Apache-2.0 */
/* real_text.c - a binary64 number as a short decimal that reads back as the same. */
#include "base/real_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t heft_real_text(double value, char text[HEFT_REAL_TEXT_SIZE])
{
	char *comma;

	/* A decimal of at most 15 digits survives the way through binary64, so %.15g, which leaves
	 * zeros at the end out, is the shortest one wherever one of up to 15 digits reads back.
	 * strtod reads by the locale that snprintf wrote by. */
	for (int n_digits = 15; n_digits <= 17; n_digits++) {
		snprintf(text, HEFT_REAL_TEXT_SIZE, "%.*g", n_digits, value == 0 ? 0.0 : value);
		if (strtod(text, NULL) == value)
			break;
	}
	/* No locale's decimal point is a digit, a sign or an e. */
	comma = text + strspn(text, "0123456789-+e");
	if (*comma) {
		const char *rest = comma + strcspn(comma, "0123456789-+e");

		*comma = '.';
		memmove(comma + 1, rest, strlen(rest) + 1);
	}
	return strlen(text);
}
