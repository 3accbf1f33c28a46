/* SPDX-License-Identifier: Apache-2.0 */
/* pager.c - a table that is read page by page, without a lock. */
#include "container/pager.h"

#include "base/alloc.h"
#include "base/error.h"

static uint64_t n_pages(const struct heft_pager *p)
{
	return p->n_rows / HEFT_PAGER_ROWS + (p->n_rows % HEFT_PAGER_ROWS != 0);
}

enum heft_status heft_pager_init(struct heft_pager *p, struct heft_source *src, uint64_t off,
                                 uint64_t n_rows, uint32_t row_size, struct heft_error *err)
{
	p->src = src;
	p->off = off;
	p->n_rows = n_rows;
	p->row_size = row_size;
	p->pages = NULL;
	if (n_rows == 0)
		return HEFT_OK;
	p->pages = heft_zalloc_array((size_t)n_pages(p), sizeof *p->pages);
	if (!p->pages)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a table");
	return HEFT_OK;
}

void heft_pager_done(struct heft_pager *p)
{
	if (!p->pages)
		return;
	for (uint64_t i = 0; i < n_pages(p); i++)
		heft_free(atomic_load_explicit(&p->pages[i], memory_order_relaxed));
	heft_free(p->pages);
	p->pages = NULL;
}

static uint64_t rows_of_page(const struct heft_pager *p, uint64_t page_i)
{
	const uint64_t n_left = p->n_rows - page_i * HEFT_PAGER_ROWS;

	return n_left < HEFT_PAGER_ROWS ? n_left : HEFT_PAGER_ROWS;
}

/* Whoever is later throws his copy away and uses the one that is there. */
static uint8_t *keep_page(_Atomic(uint8_t *) *slot, uint8_t *page)
{
	uint8_t *there = NULL;

	if (atomic_compare_exchange_strong_explicit(slot, &there, page, memory_order_release,
	                                            memory_order_acquire))
		return page;
	heft_free(page);
	return there;
}

static enum heft_status read_page(struct heft_pager *p, uint64_t page_i, uint8_t **page,
                                  struct heft_error *err)
{
	const size_t size = (size_t)rows_of_page(p, page_i) * p->row_size;
	const uint64_t off = p->off + page_i * HEFT_PAGER_ROWS * p->row_size;
	uint8_t *bytes = heft_alloc(size);
	enum heft_status st;

	if (!bytes)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a table");
	st = heft_source_read(p->src, off, bytes, size, err);
	if (st != HEFT_OK) {
		heft_free(bytes);
		return st;
	}
	*page = keep_page(&p->pages[page_i], bytes);
	return HEFT_OK;
}

enum heft_status heft_pager_rows(struct heft_pager *p, uint64_t row, const uint8_t **rows,
                                 uint64_t *n, struct heft_error *err)
{
	const uint64_t page_i = row / HEFT_PAGER_ROWS;
	const uint64_t at = row % HEFT_PAGER_ROWS;
	uint8_t *page;

	if (row >= p->n_rows)
		return heft_fail(err, HEFT_E_CORRUPT, p->off, "a table has no row %llu",
		                 (unsigned long long)row);
	page = atomic_load_explicit(&p->pages[page_i], memory_order_acquire);
	if (!page)
		HEFT_TRY(read_page(p, page_i, &page, err));
	*rows = page + at * p->row_size;
	*n = rows_of_page(p, page_i) - at;
	return HEFT_OK;
}
