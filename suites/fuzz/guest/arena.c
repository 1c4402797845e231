// Addresses of every kind: good ones, bad ones, and those that are good for a few bytes only.
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>

enum { page = 4096, pages = 96 };

// The arena is laid out anew in each incarnation: pages that can be written, with one in eight that
// cannot be touched, so that buffers often end where nothing is.
static uint8_t *arena;
static uint8_t *readonly;
static uint8_t *common;   // shared with all workers
static uint8_t *structs; // for structures; no call that changes mappings is told of it

void arena_make(void)
{
	arena = mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 7; i < pages; i += 8)
		mprotect(arena + i * page, page, PROT_NONE);
	readonly = mmap(NULL, 2 * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	structs = mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!common)
		common = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static uint64_t bad(struct rng *r)
{
	static const uint64_t list[] = {
		0, 1, 8, 0xfff, 0x1000, 0x10000, 0x7fffffffefff, 0x7fffffffffff, 0x7ffffffff000,
		0x800000000000, 0xffff800000000000, 0xffff888000000000, 0xffffc00000000000,
		0xffffffff81000000, 0xffffffffff600000, 0xfffffffffffff000, 0xfffffffffffffff8, UINT64_MAX,
		0x8000000000000000, 0xdeadbeefdeadbeef,
	};
	uint64_t v = list[below(r, sizeof list / sizeof *list)];
	return one_in(r, 4) ? v + below(r, 4096) : v;
}

uint64_t arena_pointer(struct rng *r)
{
	uint64_t place = (uint64_t)arena + below(r, pages) * page;
	switch (below(r, 16)) {
	case 0: return bad(r);
	case 1: return (uint64_t)readonly + below(r, 2 * page);
	case 2: return (uint64_t)common + below(r, 4 * page);
	case 3: return place + page - below(r, 64); // runs over the end of a page
	case 4: return place + below(r, page);
	case 5: return (uint64_t)arena_pointer & ~(uint64_t)0xfff; // program text
	case 6: return 0;
	default: return place + below(r, 32) * 64;
	}
}

uint64_t arena_page(struct rng *r)
{
	if (one_in(r, 12))
		return bad(r) & (one_in(r, 4) ? ~(uint64_t)0 : ~(uint64_t)0xfff);
	if (one_in(r, 16))
		return 0x100000000000 + (below(r, 1 << 16) << 21);
	return (uint64_t)arena + below(r, pages) * page;
}

// fill writes words that calls may find meaning in: descriptors, small numbers, sizes, addresses. Half of
// the structures are tame, which makes times, events and actions valid.
static void fill(struct rng *r, uint64_t *p, int words)
{
	if (one_in(r, 2)) {
		for (int i = 0; i < words; i++)
			p[i] = one_in(r, 3) ? 0 : one_in(r, 6) ? arena_pointer(r) : below(r, 12);
		return;
	}
	for (int i = 0; i < words; i++)
		switch (below(r, 10)) {
		case 0: p[i] = 0; break;
		case 1: p[i] = arena_pointer(r); break;
		case 2: p[i] = below(r, 256); break;
		case 3: p[i] = below(r, 16) | below(r, 64) << 32; break; // two ints: struct pollfd
		case 4: p[i] = files_descriptor(r); break;
		case 5: p[i] = 1ull << below(r, 64); break;
		case 6: p[i] = below(r, 1000000000); break; // nanoseconds
		case 7: p[i] = rng_next(r); break;
		case 8: p[i] = -(int64_t)below(r, 8); break;
		default: p[i] = below(r, 4); break;
		}
}

uint64_t arena_struct(struct rng *r)
{
	if (one_in(r, 8))
		return arena_pointer(r);
	uint64_t *p = (uint64_t *)(structs + below(r, pages) * page + below(r, 48) * 64);
	fill(r, p, 16);
	return (uint64_t)p;
}
