/* SPDX-License-Identifier: Apache-2.0 */
/* plan_memory.c - gives every value of a plan its place: one arena, in which a place is used again
 * as soon as nobody reads what was there; and prepares the calls, so that running them is all that
 * is left to do. */
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "graph/plan.h"

#define ALIGN 64u

/* A place in the arena, of one slot or of several in turn. */
struct place {
	uint64_t at;
	uint64_t size;
	uint32_t end; /* the last step that reads it; n_steps: kept */
};

/* That a place ends at a step, unless it was taken over since. */
struct ending {
	uint32_t place;
	uint32_t next; /* of the same step; NONE */
};

struct hole {
	uint64_t at;
	uint64_t size;
};

struct placing {
	struct heft_plan *p;
	uint32_t n_steps;
	uint32_t *ends;   /* of slots: the last step that reads them */
	uint32_t *ending; /* of steps: the first of its endings */
	struct heft_buffer places;
	struct heft_buffer endings;
	struct heft_buffer holes; /* ascending */
	uint64_t size;
	uint64_t scratch_size;
};

static struct place *place_at(const struct placing *g, uint32_t i)
{
	return (struct place *)(void *)g->places.bytes + i;
}

static struct ending *ending_at(const struct placing *g, uint32_t i)
{
	return (struct ending *)(void *)g->endings.bytes + i;
}

static struct hole *hole_at(const struct placing *g, size_t i)
{
	return (struct hole *)(void *)g->holes.bytes + i;
}

static size_t n_holes(const struct placing *g)
{
	return g->holes.size / sizeof(struct hole);
}

/* --- calls --- */

static enum heft_status take(struct heft_plan *p, uint64_t n, void **bytes, struct heft_error *err)
{
	HEFT_TRY(heft_memory_take(&p->memory, n, bytes, err));
	memset(*bytes, 0, (size_t)n);
	return HEFT_OK;
}

/* The bytes of a constant in the order of `to`, whose dims are those of `from` in another order. */
static void permute(const struct heft_array *from, const uint32_t *order, struct heft_array *to)
{
	const uint32_t rank = to->rank;
	const size_t size = (size_t)(from->n_bytes / from->n_elements);
	uint64_t strides[HEFT_GRAPH_MAX_RANK];
	uint64_t index[HEFT_GRAPH_MAX_RANK] = { 0 };
	uint64_t at = 0;
	uint64_t stride = 1;

	for (uint32_t d = rank; d-- > 0;) {
		strides[d] = stride;
		stride *= from->dims[d];
	}
	for (uint64_t i = 0; i < to->n_elements; i++) {
		memcpy((uint8_t *)to->bytes + i * size, (const uint8_t *)from->bytes + at * size,
		       size);
		for (uint32_t d = rank; d-- > 0;) {
			at += strides[order[d]];
			if (++index[d] < to->dims[d])
				break;
			at -= strides[order[d]] * to->dims[d];
			index[d] = 0;
		}
	}
}

/* An array for a step that works on permuted ones: of the output's rank, dims in the order in which
 * they lie. */
static enum heft_status permuted(struct heft_plan *p, const struct heft_slot *s, uint32_t rank,
                                 struct heft_array *a, struct heft_error *err)
{
	struct heft_array wide = s->array;
	uint32_t order[HEFT_GRAPH_MAX_RANK];

	*a = s->array;
	if (a->rank == 0)
		return HEFT_OK;
	wide.rank = rank;
	for (uint32_t i = 0; i < rank; i++)
		wide.dims[i] = i < rank - a->rank ? 1 : a->dims[i - (rank - a->rank)];
	heft_last_order(rank, order);
	*a = wide;
	for (uint32_t i = 0; i < rank; i++)
		a->dims[i] = wide.dims[order[i]];
	if (s->kind != HEFT_SLOT_CONSTANT || heft_lies_both(&wide) || wide.n_bytes == 0)
		return HEFT_OK;
	HEFT_TRY(heft_memory_take(&p->memory, a->n_bytes, &a->bytes, err));
	permute(&wide, order, a);
	return HEFT_OK;
}

static enum heft_status set_array(struct heft_plan *p, const struct heft_step *s, uint32_t slot,
                                  struct heft_array *a, struct heft_error *err)
{
	if (slot == HEFT_IR_NONE)
		return HEFT_OK;
	if (s->is_permuted)
		return permuted(p, heft_plan_slot(p, slot),
		                heft_plan_slot(p, s->slots[s->n_in])->array.rank, a, err);
	*a = heft_plan_slot(p, slot)->array;
	return HEFT_OK;
}

static enum heft_status check_outputs(const struct heft_step *s, const struct heft_array *planned,
                                      struct heft_error *err)
{
	for (uint32_t i = 0; i < s->n_out; i++) {
		if (s->slots[s->n_in + i] != HEFT_IR_NONE &&
		    (s->call->out[i].n_bytes != planned[i].n_bytes ||
		     !heft_array_same_shape(&s->call->out[i], &planned[i])))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "%s changed its mind about output %u", s->label, i);
	}
	return HEFT_OK;
}

/* The call of a step, inferred once more as it will run. Arrays: inputs, outputs, what is
 * planned of these, bias, residual. */
static enum heft_status make_call(struct heft_plan *p, struct heft_step *s, struct heft_error *err)
{
	struct heft_array *arrays;
	struct heft_array *planned;
	void *bytes;

	HEFT_TRY(take(p, sizeof *s->call, &bytes, err));
	s->call = bytes;
	HEFT_TRY(take(p, (s->n_in + 2 * s->n_out + 2) * sizeof *arrays, &bytes, err));
	arrays = bytes;
	planned = arrays + s->n_in + s->n_out;
	for (uint32_t i = 0; i < s->n_in; i++)
		HEFT_TRY(set_array(p, s, s->slots[i], &arrays[i], err));
	for (uint32_t i = 0; i < s->n_out; i++)
		HEFT_TRY(set_array(p, s, s->slots[s->n_in + i], &planned[i], err));
	*s->call = (struct heft_call){
		.op = s->op,
		.opset = s->opset,
		.attrs = s->attrs,
		.n_in = s->n_in,
		.n_out = s->n_out,
		.in = arrays,
		.out = arrays + s->n_in,
		.channels_last = s->is_last,
		.end = s->end,
		.seed = s->seed,
		.trains = p->engine->trains,
		.team = p->engine->team,
		.cpu_bits = p->engine->cpu_bits,
	};
	for (uint32_t i = 0; i < s->n_out && i < 64; i++) {
		if (s->slots[s->n_in + i] != HEFT_IR_NONE)
			s->call->wanted |= UINT64_C(1) << i;
	}
	if (s->bias != HEFT_IR_NONE) {
		s->call->end.bias = planned + s->n_out;
		planned[s->n_out] = heft_plan_slot(p, s->bias)->array;
	}
	if (s->residual != HEFT_IR_NONE) {
		s->call->end.residual = planned + s->n_out + 1;
		HEFT_TRY(set_array(p, s, s->residual, planned + s->n_out + 1, err));
	}
	HEFT_TRY(heft_call_infer(s->call, err));
	p->n_multiply_adds += s->call->n_multiply_adds;
	return check_outputs(s, planned, err);
}

/* --- the arena --- */

static enum heft_status add_hole(struct placing *g, uint64_t at, uint64_t size,
                                 struct heft_error *err)
{
	const struct hole h = { at, size };
	size_t i = 0;
	size_t n;

	heft_buffer_add(&g->holes, &h, sizeof h);
	if (!g->holes.ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a plan");
	n = n_holes(g);
	while (i < n - 1 && hole_at(g, i)->at < at)
		i++;
	memmove(hole_at(g, i) + 1, hole_at(g, i), (n - 1 - i) * sizeof h);
	*hole_at(g, i) = h;
	if (i + 1 < n && at + size == hole_at(g, i + 1)->at) {
		hole_at(g, i)->size += hole_at(g, i + 1)->size;
		memmove(hole_at(g, i + 1), hole_at(g, i) + 2, (n - 2 - i) * sizeof h);
		g->holes.size -= sizeof h;
		n--;
	}
	if (i > 0 && hole_at(g, i - 1)->at + hole_at(g, i - 1)->size == at) {
		hole_at(g, i - 1)->size += hole_at(g, i)->size;
		memmove(hole_at(g, i), hole_at(g, i) + 1, (n - 1 - i) * sizeof h);
		g->holes.size -= sizeof h;
	}
	return HEFT_OK;
}

/* The smallest hole that is large enough, or the end of the arena. */
static uint64_t find_room(struct placing *g, uint64_t size)
{
	const size_t n = n_holes(g);
	size_t best = n;
	uint64_t at;

	for (size_t i = 0; i < n; i++) {
		if (hole_at(g, i)->size >= size &&
		    (best == n || hole_at(g, i)->size < hole_at(g, best)->size))
			best = i;
	}
	if (best < n) {
		at = hole_at(g, best)->at;
		hole_at(g, best)->at += size;
		hole_at(g, best)->size -= size;
		if (hole_at(g, best)->size == 0) {
			memmove(hole_at(g, best), hole_at(g, best) + 1,
			        (n - 1 - best) * sizeof(struct hole));
			g->holes.size -= sizeof(struct hole);
		}
		return at;
	}
	/* the last hole may end where the arena does */
	at = g->size;
	if (n > 0 && hole_at(g, n - 1)->at + hole_at(g, n - 1)->size == g->size) {
		at = hole_at(g, n - 1)->at;
		g->holes.size -= sizeof(struct hole);
	}
	g->size = at + size;
	return at;
}

static void end_at(struct placing *g, uint32_t place, uint32_t step)
{
	struct ending e = { .place = place };

	place_at(g, place)->end = step;
	if (step >= g->n_steps)
		return;
	e.next = g->ending[step];
	g->ending[step] = (uint32_t)(g->endings.size / sizeof e);
	heft_buffer_add(&g->endings, &e, sizeof e);
}

static enum heft_status new_place(struct placing *g, uint64_t size, uint32_t end, uint32_t *place,
                                  struct heft_error *err)
{
	struct place pl = { .size = heft_align_up(size, ALIGN) };

	pl.at = find_room(g, pl.size);
	*place = (uint32_t)(g->places.size / sizeof pl);
	heft_buffer_add(&g->places, &pl, sizeof pl);
	if (g->places.ok)
		end_at(g, *place, end);
	if (!g->places.ok || !g->endings.ok || g->size > UINT64_MAX / 4)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a plan");
	return HEFT_OK;
}

/* Whether the step may write over the input that its call names. */
static bool may_overwrite(const struct placing *g, const struct heft_step *s, uint32_t step,
                          uint32_t *place)
{
	const uint32_t k = s->call->may_overwrite - 1;
	const struct heft_slot *in;

	if (s->call->may_overwrite == 0 || k >= s->n_in || s->slots[k] == HEFT_IR_NONE)
		return false;
	in = heft_plan_slot(g->p, s->slots[k]);
	*place = in->buffer;
	if (in->kind != HEFT_SLOT_STEP || in->buffer == HEFT_IR_NONE ||
	    place_at(g, in->buffer)->end != step ||
	    s->call->in[k].n_bytes != s->call->out[0].n_bytes)
		return false;
	for (uint32_t i = 0; i < s->n_in; i++) {
		if (s->slots[i] != HEFT_IR_NONE && s->slots[i] != s->slots[k] &&
		    heft_plan_slot(g->p, s->slots[i])->buffer == in->buffer)
			return false;
	}
	return s->residual == HEFT_IR_NONE ||
	       heft_plan_slot(g->p, s->residual)->buffer != in->buffer;
}

static enum heft_status place_outputs(struct placing *g, const struct heft_step *s, uint32_t step,
                                      struct heft_error *err)
{
	for (uint32_t k = 0; k < s->n_out; k++) {
		const uint32_t slot = s->slots[s->n_in + k];
		uint32_t end;
		uint32_t place;

		if (slot == HEFT_IR_NONE || s->call->out[k].n_bytes == 0)
			continue;
		/* what nobody reads is written all the same */
		end = g->ends[slot] == HEFT_IR_NONE || g->ends[slot] < step ? step : g->ends[slot];
		if (k == 0 && may_overwrite(g, s, step, &place))
			end_at(g, place, end);
		else
			HEFT_TRY(new_place(g, s->call->out[k].n_bytes, end, &place, err));
		heft_plan_slot(g->p, slot)->buffer = place;
	}
	return HEFT_OK;
}

static enum heft_status free_ended(struct placing *g, uint32_t step, struct heft_error *err)
{
	for (uint32_t i = g->ending[step]; i != HEFT_IR_NONE; i = ending_at(g, i)->next) {
		const struct place *pl = place_at(g, ending_at(g, i)->place);

		if (pl->end == step)
			HEFT_TRY(add_hole(g, pl->at, pl->size, err));
	}
	return g->endings.ok ? HEFT_OK
	                     : heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a plan");
}

static void read_at(struct placing *g, uint32_t slot, uint32_t step)
{
	uint32_t *end = &g->ends[slot];

	if (*end == HEFT_IR_NONE || *end < step)
		*end = step;
}

/* When each slot is read last. What a view makes are its input's bytes: they are read when the view
 * is, and the view itself has nothing to do. Backwards, so that views of views pass it on. */
static void find_ends(struct placing *g)
{
	struct heft_plan *p = g->p;

	for (uint32_t i = 0; i < heft_plan_n_slots(p); i++)
		g->ends[i] = heft_plan_slot(p, i)->is_kept ? g->n_steps : HEFT_IR_NONE;
	for (uint32_t t = g->n_steps; t-- > 0;) {
		struct heft_step *s = heft_plan_step(p, t);

		if ((s->op->flags & HEFT_OP_VIEW) && s->n_out == 1 &&
		    s->slots[s->n_in] != HEFT_IR_NONE && s->slots[0] != HEFT_IR_NONE &&
		    s->end.activation == HEFT_ACTIVATION_NONE && s->residual == HEFT_IR_NONE &&
		    heft_plan_slot(p, s->slots[0])->kind != HEFT_SLOT_CONSTANT) {
			const uint32_t out = s->slots[s->n_in];

			s->is_dead = true;
			if (g->ends[out] != HEFT_IR_NONE)
				read_at(g, s->slots[0], g->ends[out]);
			continue;
		}
		for (uint32_t k = 0; k < s->n_in; k++) {
			if (s->slots[k] != HEFT_IR_NONE)
				read_at(g, s->slots[k], t);
		}
		if (s->residual != HEFT_IR_NONE)
			read_at(g, s->residual, t);
	}
}

/* A view takes its input's place; of a caller's array it is that array. */
static void place_view(struct placing *g, const struct heft_step *s)
{
	const struct heft_slot *in = heft_plan_slot(g->p, s->slots[0]);
	struct heft_slot *out = heft_plan_slot(g->p, s->slots[s->n_in]);

	out->buffer = in->buffer;
	out->kind = in->kind;
	out->input = in->input;
}

static enum heft_status place_all(struct placing *g, struct heft_error *err)
{
	for (uint32_t t = 0; t < g->n_steps; t++) {
		const struct heft_step *s = heft_plan_step(g->p, t);

		if (s->is_dead) {
			place_view(g, s);
			continue;
		}
		HEFT_TRY(place_outputs(g, s, t, err));
		HEFT_TRY(free_ended(g, t, err));
		if (s->call->scratch_size > g->scratch_size)
			g->scratch_size = s->call->scratch_size;
	}
	return HEFT_OK;
}

/* --- pointers --- */

static enum heft_status point(struct heft_plan *p, const struct placing *g, uint8_t *arena,
                              uint32_t slot, struct heft_array *a, struct heft_error *err)
{
	struct heft_slot *s;

	if (slot == HEFT_IR_NONE)
		return HEFT_OK;
	s = heft_plan_slot(p, slot);
	if (s->kind == HEFT_SLOT_STEP && s->buffer != HEFT_IR_NONE) {
		s->array.bytes = arena + place_at(g, s->buffer)->at;
		a->bytes = s->array.bytes;
	} else if (s->kind == HEFT_SLOT_INPUT) {
		const struct heft_patch patch = { a, s->input };

		heft_buffer_add(&p->patches, &patch, sizeof patch);
		if (!p->patches.ok)
			return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a plan");
	}
	return HEFT_OK;
}

static enum heft_status point_step(struct heft_plan *p, const struct placing *g, uint8_t *arena,
                                   uint8_t *scratch, struct heft_step *s, struct heft_error *err)
{
	struct heft_call *c = s->call;
	struct heft_array *in = (struct heft_array *)(uintptr_t)c->in;

	for (uint32_t k = 0; k < s->n_in; k++)
		HEFT_TRY(point(p, g, arena, s->slots[k], &in[k], err));
	for (uint32_t k = 0; k < s->n_out; k++)
		HEFT_TRY(point(p, g, arena, s->slots[s->n_in + k], &c->out[k], err));
	if (s->bias != HEFT_IR_NONE)
		HEFT_TRY(point(p, g, arena, s->bias, (struct heft_array *)(uintptr_t)c->end.bias,
		               err));
	if (s->residual != HEFT_IR_NONE)
		HEFT_TRY(point(p, g, arena, s->residual,
		               (struct heft_array *)(uintptr_t)c->end.residual, err));
	c->scratch = c->scratch_size > 0 ? scratch : NULL;
	return HEFT_OK;
}

static enum heft_status pack_step(struct heft_plan *p, const struct heft_step *s,
                                  struct heft_error *err)
{
	struct heft_call *c = s->call;
	void *packed;

	if (!s->op->pack || c->packed_size == 0)
		return HEFT_OK;
	for (uint32_t k = 0; k < s->n_in; k++) {
		if (k < 64 && (s->op->packs >> k & 1) != 0 && s->slots[k] != HEFT_IR_NONE &&
		    heft_plan_slot(p, s->slots[k])->kind != HEFT_SLOT_CONSTANT)
			return HEFT_OK;
	}
	p->packed_bytes += c->packed_size;
	if (p->engine->is_plan_only)
		return HEFT_OK;
	HEFT_TRY(heft_memory_take(&p->memory, c->packed_size, &packed, err));
	c->packed = packed;
	s->op->pack(c);
	return HEFT_OK;
}

/* Views were only marked while places were sought. */
static enum heft_status point_all(struct heft_plan *p, const struct placing *g,
                                  struct heft_error *err)
{
	void *arena = NULL;
	void *scratch = NULL;

	p->arena_bytes = g->size + g->scratch_size;
	if (g->size > 0)
		HEFT_TRY(heft_memory_take(&p->memory, g->size, &arena, err));
	if (g->scratch_size > 0)
		HEFT_TRY(heft_memory_take(&p->memory, g->scratch_size, &scratch, err));
	for (uint32_t t = 0; t < g->n_steps; t++) {
		struct heft_step *s = heft_plan_step(p, t);

		HEFT_TRY(point_step(p, g, arena, scratch, s, err));
		if (!s->is_dead)
			HEFT_TRY(pack_step(p, s, err));
	}
	return HEFT_OK;
}

static enum heft_status place(struct placing *g, struct heft_error *err)
{
	struct heft_plan *p = g->p;
	const uint64_t n = heft_plan_n_slots(p);
	void *ends;
	void *ending;

	HEFT_TRY(take(p, n * sizeof *g->ends, &ends, err));
	HEFT_TRY(take(p, (uint64_t)g->n_steps * sizeof *g->ending, &ending, err));
	memset(ending, 0xff, g->n_steps * sizeof *g->ending);
	g->ends = ends;
	g->ending = ending;
	for (uint32_t t = 0; t < g->n_steps; t++)
		HEFT_TRY(make_call(p, heft_plan_step(p, t), err));
	find_ends(g);
	HEFT_TRY(place_all(g, err));
	HEFT_TRY(point_all(p, g, err));
	heft_memory_give(&p->memory, ends);
	heft_memory_give(&p->memory, ending);
	return HEFT_OK;
}

enum heft_status heft_plan_place(struct heft_plan *p, struct heft_error *err)
{
	struct placing g = { .p = p, .n_steps = heft_plan_n_steps(p) };
	enum heft_status st;

	heft_buffer_init(&g.places);
	heft_buffer_init(&g.endings);
	heft_buffer_init(&g.holes);
	st = place(&g, err);
	heft_buffer_done(&g.places);
	heft_buffer_done(&g.endings);
	heft_buffer_done(&g.holes);
	return st;
}
