/* SPDX-License-Identifier: Apache-2.0 */
/* zstd.c - the codec that stores one zstd frame (spec/container.md, Frames), and the only file that
 * knows libzstd. */
#include <zstd.h>
#include <zstd_errors.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/error.h"
#include "codec/coder.h"

struct heft_zstd {
	ZSTD_CCtx *cctx; /* each is made when it is first needed: a reader needs one of them only */
	ZSTD_DCtx *dctx;
};

void heft_zstd_free(struct heft_zstd *z)
{
	if (!z)
		return;
	ZSTD_freeCCtx(z->cctx);
	ZSTD_freeDCtx(z->dctx);
	heft_free(z);
}

static struct heft_zstd *contexts(struct heft_coder *c)
{
	if (!c->zstd)
		c->zstd = heft_zalloc(sizeof *c->zstd);
	if (!c->zstd)
		c->lacked_memory = true;
	return c->zstd;
}

static ZSTD_CCtx *compressor(struct heft_coder *c)
{
	struct heft_zstd *z = contexts(c);

	if (!z)
		return NULL;
	if (!z->cctx)
		z->cctx = ZSTD_createCCtx();
	if (!z->cctx)
		c->lacked_memory = true;
	return z->cctx;
}

static ZSTD_DCtx *decompressor(struct heft_coder *c)
{
	struct heft_zstd *z = contexts(c);

	if (!z)
		return NULL;
	if (!z->dctx)
		z->dctx = ZSTD_createDCtx();
	if (!z->dctx)
		c->lacked_memory = true;
	return z->dctx;
}

/* The content size stands in the frame by itself, as the whole source is given at once; zstd then
 * also keeps the window within it. */
static bool set_up(ZSTD_CCtx *cctx, int level)
{
	return !ZSTD_isError(ZSTD_CCtx_reset(cctx, ZSTD_reset_session_and_parameters)) &&
	       !ZSTD_isError(ZSTD_CCtx_setParameter(cctx, ZSTD_c_compressionLevel, level)) &&
	       !ZSTD_isError(ZSTD_CCtx_setParameter(cctx, ZSTD_c_contentSizeFlag, 1)) &&
	       !ZSTD_isError(ZSTD_CCtx_setParameter(cctx, ZSTD_c_checksumFlag, 0)) &&
	       !ZSTD_isError(ZSTD_CCtx_setParameter(cctx, ZSTD_c_dictIDFlag, 0));
}

bool heft_zstd_encode(struct heft_coder *c, int level, const void *src, size_t n, void *dst,
                      size_t capacity, size_t *stored)
{
	ZSTD_CCtx *cctx;
	size_t size;

	if (n == 0)
		return false;
	if (capacity > n - 1)
		capacity = n - 1; /* zstd stops where it would not shrink */
	cctx = compressor(c);
	if (!cctx || !set_up(cctx, level))
		return false;
	size = ZSTD_compress2(cctx, dst, capacity, src, n);
	if (ZSTD_isError(size)) {
		/* The other error, no room in dst, says that it does not shrink. */
		if (ZSTD_getErrorCode(size) == ZSTD_error_memory_allocation)
			c->lacked_memory = true;
		return false;
	}
	*stored = size;
	return true;
}

/* What the first bytes say: RFC 8878, 3.1.1. NULL when the frame is one that may be stored. */
static const char *header_fault(const uint8_t *src, size_t stored)
{
	enum {
		MAGIC_SIZE = 4,
		HAS_CHECKSUM = 1 << 2,
		HAS_DICT_ID = 3
	};
	uint8_t descriptor;

	if (stored <= MAGIC_SIZE)
		return "frame is cut short";
	if (heft_get_le32(src) != ZSTD_MAGICNUMBER)
		return "not a zstd frame";
	descriptor = src[MAGIC_SIZE];
	if (descriptor & HAS_CHECKSUM)
		return "frame has a checksum";
	if (descriptor & HAS_DICT_ID)
		return "frame names a dictionary";
	return NULL;
}

/* A frame without a content size reads as ZSTD_CONTENTSIZE_UNKNOWN, which is no n. */
static const char *frame_fault(const uint8_t *src, size_t stored, size_t n)
{
	const char *fault = header_fault(src, stored);
	size_t frame_size;

	if (fault)
		return fault;
	if (stored >= n)
		return "frame is not smaller than its content";
	if (ZSTD_getFrameContentSize(src, stored) != n)
		return "frame does not state the content's size";
	frame_size = ZSTD_findFrameCompressedSize(src, stored);
	if (ZSTD_isError(frame_size))
		return "frame is cut short";
	if (frame_size != stored)
		return "bytes follow the frame";
	return NULL;
}

enum heft_status heft_zstd_decode(struct heft_coder *c, const void *src, size_t stored, void *dst,
                                  size_t n, uint64_t file_off, struct heft_error *err)
{
	const char *fault = frame_fault(src, stored, n);
	ZSTD_DCtx *dctx;
	size_t size;

	if (fault)
		return heft_fail(err, HEFT_E_CORRUPT, file_off, "zstd: %s", fault);
	dctx = decompressor(c);
	if (!dctx)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to decompress");
	size = ZSTD_decompressDCtx(dctx, dst, n, src, stored);
	if (ZSTD_isError(size))
		return heft_fail(err, HEFT_E_CORRUPT, file_off, "zstd: %s",
		                 ZSTD_getErrorName(size));
	if (size != n)
		return heft_fail(err, HEFT_E_CORRUPT, file_off,
		                 "zstd: frame holds %zu bytes, not %zu", size, n);
	return HEFT_OK;
}

const char *heft_zstd_version(void)
{
	return ZSTD_versionString();
}

static size_t max_stored(size_t n)
{
	return n > 0 ? n - 1 : 0;
}

const struct heft_codec heft_codec_zstd = {
	.name = "zstd",
	.id = HEFT_CODEC_ZSTD,
	.max_stored = max_stored,
	.encode = heft_zstd_encode,
	.decode = heft_zstd_decode,
};
