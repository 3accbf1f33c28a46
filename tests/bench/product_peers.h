/* SPDX-License-Identifier: Apache-2.0 */
/* product_peers.h - one product, as product_peers.c times it, and the libraries beside it. */
#ifndef PRODUCT_PEERS_H
#define PRODUCT_PEERS_H

#include <stddef.h>

/* A matrix product (kernel 0): `size` rows of n_in values times n_in x n_out. Or a layer: images of
 * size x size pixels of output, padded by half the kernel, a bias and relu behind it. */
struct row {
	const char *name;
	size_t size;
	size_t n_in; /* of a group */
	size_t n_out;
	size_t kernel;
	size_t stride;
	size_t n_groups;
	size_t n_times;  /* in its network */
	size_t n_images; /* set when it is run */
};

/* One of the libraries, ready to run the row again and again. */
struct peer {
	const char *name;
	void *(*make)(const struct row *row, unsigned n_threads); /* NULL: it has none of that */
	void (*run)(void *job);
	void (*done)(void *job);
};

extern const struct peer peer_heft;
extern const struct peer peer_openblas;
extern const struct peer peer_onednn;

/* n floats of a fixed pattern, aligned to a cache line. Ends the program where memory does. */
float *room_of(size_t n);
void give_up(const char *what);

#endif
