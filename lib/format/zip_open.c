/* SPDX-License-Identifier: Apache-2.0 */
/* zip_open.c - reads a zip archive's directory, and refuses what two readers could understand
 * differently (spec/foreign/zip.md, section 3). */
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/siphash.h"
#include "base/utf8.h"
#include "format/zip_extra.h"
#include "format/zip_parts.h"

#define QUOTED 80          /* bytes of a name in a message */
#define MAX_EXPANSION 1032 /* 258 bytes for two bits: no deflate stream makes more */

struct opening {
	struct heft_zip *z;
	struct heft_zip_end end;
	struct heft_zip_limits limits;
	struct heft_zip_window window;
	struct heft_buffer names;
	uint16_t *flags; /* of each member, until its local header was read */
	uint32_t *slots; /* open addressing, linear: 0 is free, else 1 + a member */
	size_t n_slots;
	size_t n_room; /* of members and flags */
	uint32_t n;
	uint64_t total; /* unpacked */
	struct heft_sip_seed seed;
};

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a zip archive");
}

static int quoted(size_t name_size)
{
	return name_size < QUOTED ? (int)name_size : QUOTED;
}

static enum heft_status fault(const struct heft_zip_header *h, enum heft_status code, uint64_t off,
                              const char *what, struct heft_error *err)
{
	return heft_fail(err, code, off, "member '%.*s': %s", quoted(h->name_size),
	                 (const char *)h->name, what);
}

/* --- directory entries --- */

/* Z3-7: what does not fit 32 bits stands in the zip64 field, in this order. */
static bool take_zip64(const struct heft_zip_header *h, uint64_t *stored_size, uint64_t *size,
                       uint64_t *off, uint32_t *disk)
{
	struct heft_cursor c;

	if (!heft_zip_extra_find(h->extra, h->extra_size, h->extra_at, HEFT_ZIP_EXTRA_ZIP64, &c))
		return false;
	if (*size == UINT32_MAX)
		*size = heft_cursor_u64(&c);
	if (*stored_size == UINT32_MAX)
		*stored_size = heft_cursor_u64(&c);
	if (*off == UINT32_MAX)
		*off = heft_cursor_u64(&c);
	if (*disk == UINT16_MAX)
		*disk = heft_cursor_u32(&c);
	return c.ok;
}

/* Z3-2, Z3-3 */
static enum heft_status check_method(const struct heft_zip_header *h, struct heft_error *err)
{
	const unsigned encrypted = HEFT_ZIP_ENCRYPTED | HEFT_ZIP_STRONGLY | HEFT_ZIP_MASKED;

	if ((h->flags & encrypted) || h->method == HEFT_ZIP_AES)
		return fault(h, HEFT_E_UNSUPPORTED, h->at, "it is encrypted", err);
	if (h->flags & HEFT_ZIP_PATCH)
		return fault(h, HEFT_E_UNSUPPORTED, h->at, "it is a patch", err);
	if (h->method != HEFT_ZIP_STORED && h->method != HEFT_ZIP_DEFLATED)
		return heft_fail(err, HEFT_E_UNSUPPORTED, h->at,
		                 "member '%.*s': compression method %u is neither stored nor "
		                 "deflated",
		                 quoted(h->name_size), (const char *)h->name, h->method);
	return HEFT_OK;
}

/* Z3-5: Info-ZIP's field may give the name in UTF-8 a second time: version, CRC, name. */
static bool has_other_name(const struct heft_zip_header *h)
{
	struct heft_cursor c;

	if (!heft_zip_extra_find(h->extra, h->extra_size, h->extra_at, HEFT_ZIP_EXTRA_NAME, &c))
		return true;
	if (heft_cursor_left(&c) <= 5)
		return false;
	return c.size - 5 != h->name_size || memcmp(c.bytes + 5, h->name, h->name_size) != 0;
}

static enum heft_status check_name(const struct heft_zip_header *h, struct heft_error *err)
{
	bool is_ascii = true;

	for (size_t i = 0; i < h->name_size; i++)
		is_ascii = is_ascii && h->name[i] < 0x80;
	if (memchr(h->name, '\0', h->name_size))
		return fault(h, HEFT_E_UNSUPPORTED, h->at, "its name has a NUL inside", err);
	if (!is_ascii && !(h->flags & HEFT_ZIP_UTF8))
		return fault(h, HEFT_E_UNSUPPORTED, h->at,
		             "its name is not ASCII and not said to be UTF-8", err);
	if (!heft_utf8_ok(h->name, h->name_size))
		return fault(h, HEFT_E_CORRUPT, h->at, "its name is not well-formed UTF-8", err);
	if (has_other_name(h))
		return fault(h, HEFT_E_CORRUPT, h->at, "its extra field gives it another name",
		             err);
	return HEFT_OK;
}

/* Z3-8: nothing that is believed later, not even a size in memory, may be a lie. */
static enum heft_status check_sizes(const struct heft_zip_header *h, struct heft_error *err)
{
	if (h->method == HEFT_ZIP_STORED && h->stored_size != h->size)
		return fault(h, HEFT_E_CORRUPT, h->at, "it is stored, and its two sizes differ",
		             err);
	if (h->size / MAX_EXPANSION > h->stored_size)
		return fault(h, HEFT_E_CORRUPT, h->at,
		             "it claims to unpack to more than its bytes can give", err);
	if (h->size == 0 && h->crc != 0)
		return fault(h, HEFT_E_CORRUPT, h->at, "it is empty, and its CRC is not", err);
	return HEFT_OK;
}

static enum heft_status check_limits(struct opening *o, const struct heft_zip_header *h,
                                     struct heft_error *err)
{
	if (o->n >= o->limits.max_members)
		return fault(h, HEFT_E_LIMIT, h->at, "it is one member too many", err);
	if (!heft_add_u64(o->total, h->size, &o->total) || o->total > o->limits.max_size)
		return fault(h, HEFT_E_LIMIT, h->at, "the members together are too large", err);
	return HEFT_OK;
}

/* --- the members --- */

/* Makes room for one more; the file has the bytes that warrant half as many again. */
static bool reserve(struct opening *o)
{
	const uint64_t most = o->end.n_entries;
	const uint64_t more = (uint64_t)o->n + o->n / 2 + 16;
	size_t room;
	void *members;
	void *flags;

	if (o->n < o->n_room)
		return true;
	if (!heft_to_size(more < most ? more : most, &room))
		return false;
	members = heft_realloc_array(o->z->members, room, sizeof *o->z->members);
	if (!members)
		return false;
	o->z->members = members;
	flags = heft_realloc_array(o->flags, room, sizeof *o->flags);
	if (!flags)
		return false;
	o->flags = flags;
	o->n_room = room;
	return true;
}

static enum heft_status add_member(struct opening *o, const struct heft_zip_header *h, uint64_t off,
                                   struct heft_error *err)
{
	if (!reserve(o))
		return no_memory(err);
	o->flags[o->n] = h->flags;
	o->z->members[o->n] = (struct heft_zip_member){
		.name_size = h->name_size,
		.is_deflated = h->method == HEFT_ZIP_DEFLATED,
		.crc = h->crc,
		.entry_off = h->at,
		.header_off = o->end.base + off,
		.stored_size = h->stored_size,
		.size = h->size,
	};
	heft_buffer_add(&o->names, h->name, h->name_size);
	heft_buffer_add_u8(&o->names, '\0');
	o->n++;
	return o->names.ok ? HEFT_OK : no_memory(err);
}

static enum heft_status read_entry(struct opening *o, uint64_t at, uint64_t *next,
                                   struct heft_error *err)
{
	const char *const what = "an entry of the archive's directory";
	struct heft_zip_header h = { .at = at };
	struct heft_cursor c;
	const uint8_t *bytes;
	uint16_t comment_size;
	uint32_t disk;
	uint64_t off;
	size_t size;

	HEFT_TRY(heft_zip_window_get(&o->window, at, HEFT_ZIP_ENTRY_SIZE, what, &bytes, err));
	heft_cursor_init(&c, bytes, HEFT_ZIP_ENTRY_SIZE, at);
	if (heft_cursor_u32(&c) != HEFT_ZIP_ENTRY_MAGIC)
		return heft_fail(err, HEFT_E_CORRUPT, at,
		                 "no entry of the archive's directory begins here");
	heft_cursor_u32(&c); /* versions */
	heft_zip_parse_common(&c, &h);
	comment_size = heft_cursor_u16(&c);
	disk = heft_cursor_u16(&c);
	heft_cursor_u16(&c); /* attributes */
	heft_cursor_u32(&c);
	off = heft_cursor_u32(&c);
	size = (size_t)HEFT_ZIP_ENTRY_SIZE + h.name_size + h.extra_size + comment_size;
	HEFT_TRY(heft_zip_window_get(&o->window, at, size, what, &bytes, err));
	h.name = bytes + HEFT_ZIP_ENTRY_SIZE;
	h.extra = h.name + h.name_size;
	h.extra_at = at + HEFT_ZIP_ENTRY_SIZE + h.name_size;
	*next = at + size;

	if (!take_zip64(&h, &h.stored_size, &h.size, &off, &disk))
		return fault(&h, HEFT_E_CORRUPT, at, "its extra field is wrong", err);
	if (disk != 0)
		return fault(&h, HEFT_E_UNSUPPORTED, at, "it lies on another disk", err);
	HEFT_TRY(check_method(&h, err));
	HEFT_TRY(check_name(&h, err));
	HEFT_TRY(check_sizes(&h, err));
	HEFT_TRY(check_limits(o, &h, err));
	if (!heft_in_range(off, HEFT_ZIP_LOCAL_SIZE, o->end.dir_off - o->end.base))
		return fault(&h, HEFT_E_CORRUPT, at, "it begins behind the last member's end", err);
	return add_member(o, &h, off, err);
}

/* Z2-6: the entries fill the directory. */
static enum heft_status read_directory(struct opening *o, struct heft_error *err)
{
	const uint64_t dir_end = o->end.dir_off + o->end.dir_size;
	uint64_t at = o->end.dir_off;

	o->window.end = dir_end;
	if (o->end.n_entries > o->limits.max_members)
		return heft_fail(err, HEFT_E_LIMIT, at, "the archive has %llu members, too many",
		                 (unsigned long long)o->end.n_entries);
	while (o->n < o->end.n_entries)
		HEFT_TRY(read_entry(o, at, &at, err));
	if (at != dir_end)
		return heft_fail(err, HEFT_E_CORRUPT, at,
		                 "the archive's directory goes on behind its last entry");
	return HEFT_OK;
}

/* --- names twice --- */

/* Each name ends with NUL, and none has one inside. */
static void point_names(struct opening *o)
{
	size_t size;
	const char *name;

	o->z->names = (char *)heft_buffer_take(&o->names, &size);
	name = o->z->names;
	for (uint32_t i = 0; name && i < o->n; i++) {
		o->z->members[i].name = name;
		name += o->z->members[i].name_size + (size_t)1;
	}
}

static bool is_twice(const struct opening *o, uint32_t i)
{
	const struct heft_zip_member *m = &o->z->members[i];
	size_t at = (size_t)heft_siphash(&o->seed, 0, m->name, m->name_size);

	for (;; at++) {
		uint32_t *slot = &o->slots[at & (o->n_slots - 1)];
		const struct heft_zip_member *other;

		if (*slot == 0) {
			*slot = i + 1;
			return false;
		}
		other = &o->z->members[*slot - 1];
		if (other->name_size == m->name_size &&
		    memcmp(other->name, m->name, m->name_size) == 0)
			return true;
	}
}

/* Z3-6 */
static enum heft_status check_twice(struct opening *o, struct heft_error *err)
{
	heft_sip_seed_init(&o->seed, o);
	for (o->n_slots = 16; o->n_slots / 2 < o->n; o->n_slots *= 2)
		;
	o->slots = heft_zalloc_array(o->n_slots, sizeof *o->slots);
	if (!o->slots)
		return no_memory(err);
	for (uint32_t i = 0; i < o->n; i++) {
		const struct heft_zip_member *m = &o->z->members[i];

		if (is_twice(o, i))
			return heft_fail(err, HEFT_E_CORRUPT, m->entry_off,
			                 "member '%.*s': the name is there twice",
			                 quoted(m->name_size), m->name);
	}
	return HEFT_OK;
}

/* --- the whole --- */

static struct heft_zip_limits limits_of(const struct heft_zip_limits *given)
{
	struct heft_zip_limits limits = given ? *given : (struct heft_zip_limits){ 0 };

	if (limits.max_members == 0 || limits.max_members > INT32_MAX)
		limits.max_members = INT32_MAX;
	if (limits.max_size == 0 || limits.max_size > INT64_MAX)
		limits.max_size = INT64_MAX;
	return limits;
}

static enum heft_status read_archive(struct opening *o, struct heft_error *err)
{
	HEFT_TRY(heft_zip_find_end(o->z->src, &o->end, err));
	HEFT_TRY(heft_zip_window_init(&o->window, o->z->src, err));
	HEFT_TRY(read_directory(o, err));
	point_names(o);
	if (o->n > 0 && !o->z->names)
		return no_memory(err);
	o->z->n_members = o->n;
	o->z->dir_off = o->end.dir_off;
	HEFT_TRY(check_twice(o, err));
	HEFT_TRY(heft_zip_read_locals(o->z, &o->end, o->flags, &o->window, err));
	o->z->progress = heft_zalloc_array(o->n, sizeof *o->z->progress);
	if (!o->z->progress)
		return no_memory(err);
	return HEFT_OK;
}

enum heft_status heft_zip_open(struct heft_source *src, const struct heft_zip_limits *limits,
                               struct heft_zip **out, struct heft_error *err)
{
	struct opening o = { .limits = limits_of(limits) };
	enum heft_status st;

	o.z = heft_zalloc(sizeof *o.z);
	if (!o.z)
		return no_memory(err);
	o.z->src = src;
	pthread_mutex_init(&o.z->mutex, NULL);
	pthread_cond_init(&o.z->changed, NULL);
	heft_buffer_init(&o.names);
	st = read_archive(&o, err);
	heft_buffer_done(&o.names);
	heft_free(o.flags);
	heft_free(o.slots);
	heft_zip_window_done(&o.window);
	if (st != HEFT_OK) {
		heft_zip_close(o.z);
		return st;
	}
	*out = o.z;
	return HEFT_OK;
}

void heft_zip_close(struct heft_zip *z)
{
	if (!z)
		return;
	heft_zip_free_streams(z);
	for (uint32_t i = 0; z->progress && i < z->n_members; i++)
		heft_free(z->progress[i].runs);
	heft_free(z->progress);
	heft_free(z->members);
	heft_free(z->names);
	pthread_cond_destroy(&z->changed);
	pthread_mutex_destroy(&z->mutex);
	heft_free(z);
}

uint32_t heft_zip_n_members(const struct heft_zip *z)
{
	return z->n_members;
}

const struct heft_zip_member *heft_zip_member(const struct heft_zip *z, uint32_t i)
{
	return &z->members[i];
}

uint64_t heft_zip_directory_off(const struct heft_zip *z)
{
	return z->dir_off;
}
