/* SPDX-License-Identifier: Apache-2.0 */
/* format/zip_crc.h - the CRC-32 by chosen instructions, for tests; zip.h has what others use. */
#ifndef FORMAT_ZIP_CRC_H
#define FORMAT_ZIP_CRC_H

#include <stddef.h>
#include <stdint.h>

uint32_t heft_zip_crc_by(uint32_t cpu_bits, uint32_t crc, const void *bytes, size_t n);

#endif
