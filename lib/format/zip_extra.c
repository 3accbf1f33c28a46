/* SPDX-License-Identifier: Apache-2.0 */
/* zip_extra.c - finds a field of a zip header's extra field. */
#include "format/zip_extra.h"

bool heft_zip_extra_find(const uint8_t *extra, size_t size, uint64_t file_off, uint16_t id,
                         struct heft_cursor *field)
{
	struct heft_cursor c;
	bool is_found = false;

	heft_cursor_init(field, extra, 0, file_off);
	heft_cursor_init(&c, extra, size, file_off);
	while (heft_cursor_left(&c) >= 4) {
		const uint16_t found_id = heft_cursor_u16(&c);
		const uint16_t field_size = heft_cursor_u16(&c);
		const uint64_t at = heft_cursor_at(&c);
		const uint8_t *bytes = heft_cursor_bytes(&c, field_size);

		if (!bytes || (found_id == id && is_found))
			return false;
		if (found_id != id)
			continue;
		is_found = true;
		heft_cursor_init(field, bytes, field_size, at);
	}
	return true;
}
