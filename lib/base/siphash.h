/* SPDX-License-Identifier: Apache-2.0 */
/* base/siphash.h - SipHash-1-3 (Aumasson, Bernstein 2012) for hash tables whose keys a stranger
 * wrote: with a seed that nobody outside can know, no file can be made whose keys all fall into one
 * slot. The seed only decides which slot a key is in, never what is found. */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct heft_sip_seed {
	uint64_t word[2];
};

/* From the clock and from where `object` and the stack lie. */
void heft_sip_seed_init(struct heft_sip_seed *seed, const void *object);
/* `tweak` gives a table within a table chains of its own. */
uint64_t heft_siphash(const struct heft_sip_seed *seed, uint64_t tweak, const void *bytes,
                      size_t n);

#endif
