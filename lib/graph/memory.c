/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - blocks in a list: each has its header 64 bytes in front of it. */
#include "graph/memory.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"

#define ALIGN 64

struct heft_memory_block {
	struct heft_memory_block *next;
	struct heft_memory_block *previous;
	struct heft_memory *owner;
	void *whole;
	uint64_t n;
};

static struct heft_memory_block *header_of(void *p)
{
	return (struct heft_memory_block *)(void *)((uint8_t *)p - ALIGN);
}

static void link_in(struct heft_memory *m, struct heft_memory_block *b)
{
	b->owner = m;
	b->previous = NULL;
	b->next = m->blocks;
	if (m->blocks)
		m->blocks->previous = b;
	m->blocks = b;
	m->n_bytes += b->n;
}

static void take_out(struct heft_memory *m, struct heft_memory_block *b)
{
	if (b->next)
		b->next->previous = b->previous;
	if (b->previous)
		b->previous->next = b->next;
	else
		m->blocks = b->next;
	m->n_bytes -= b->n;
}

enum heft_status heft_memory_take(struct heft_memory *m, uint64_t n, void **p,
                                  struct heft_error *err)
{
	struct heft_memory_block *b;
	uint8_t *whole;
	size_t size;

	if (m->max_bytes > 0 && (n > m->max_bytes || m->n_bytes > m->max_bytes - n))
		return heft_fail(
			err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
			"%llu bytes more than the %llu that are used are past the limit of "
			"%llu",
			(unsigned long long)n, (unsigned long long)m->n_bytes,
			(unsigned long long)m->max_bytes);
	if (n > UINT64_MAX / 2 || !heft_to_size(n + 2 * ALIGN, &size) ||
	    !(whole = heft_alloc_filled(size)))
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %llu bytes",
		                 (unsigned long long)n);
	*p = whole + ALIGN + (ALIGN - 1 - ((uintptr_t)whole + ALIGN - 1) % ALIGN);
	b = header_of(*p);
	*b = (struct heft_memory_block){ .whole = whole, .n = n };
	link_in(m, b);
	return HEFT_OK;
}

void heft_memory_give(struct heft_memory *m, void *p)
{
	struct heft_memory_block *b;

	if (!p)
		return;
	b = header_of(p);
	take_out(m, b);
	heft_free(b->whole);
}

const struct heft_memory *heft_memory_of(void *p)
{
	return header_of(p)->owner;
}

void heft_memory_move(void *p, struct heft_memory *to)
{
	struct heft_memory_block *b = header_of(p);

	take_out(b->owner, b);
	link_in(to, b);
}

void heft_memory_done(struct heft_memory *m)
{
	while (m->blocks)
		heft_memory_give(m, (uint8_t *)m->blocks + ALIGN);
}
