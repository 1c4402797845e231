// Memory: mappings and the faults on them.

#include "measure.h"

#include <sys/mman.h>
#include <sys/prctl.h>

enum { page = 4096 };

static char *map(long size, int flags, int fd)
{
	char *p = (char *)call(SYS_mmap, 0, size, PROT_READ | PROT_WRITE, flags, fd, 0);
	NEED((unsigned long)p < -4095ul);
	return p;
}

static void unmap(void *p, long size) { NEED(call(SYS_munmap, p, size) == 0); }

// Large pages are another matter: a fault is one of 4 KiB in these rows.
static void small_pages(void) { prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); }

static void touch(char *p, long pages)
{
	for (long i = 0; i < pages; i++)
		*(volatile char *)(p + i * page) = 1;
}

static void brk_call(long n)
{
	long at = call(SYS_brk, 0);
	for (; n > 0; n -= 2)
		NEED(call(SYS_brk, at + page) == at + page && call(SYS_brk, at) == at);
}

static void mmap_page(long n)
{
	while (n-- > 0)
		unmap(map(page, MAP_PRIVATE | MAP_ANONYMOUS, -1), page);
}

static void mmap_touch_1m(long n)
{
	while (n-- > 0) {
		char *p = map(1 << 20, MAP_PRIVATE | MAP_ANONYMOUS, -1);
		touch(p, (1 << 20) / page);
		unmap(p, 1 << 20);
	}
}

// fault_anonymous has n pages appear, one fault each.
static void fault_anonymous(long n)
{
	char *p = map(n * page, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	touch(p, n);
	unmap(p, n * page);
}

static int file;

static void open_file(void)
{
	static char data[page];
	small_pages();
	file = open("/tmp/mapped", O_RDWR | O_CREAT | O_TRUNC, 0644);
	NEED(file >= 0);
	for (int i = 0; i < 4096; i++)
		NEED(write(file, data, page) == page);
}

static void close_file(void)
{
	close(file);
	NEED(unlink("/tmp/mapped") == 0);
}

static void fault_file(long n)
{
	char *p = map(n * page, MAP_SHARED, file);
	touch(p, n);
	unmap(p, n * page);
}

// fault_copy counts a child's writes to n pages that it shares with its parent, which has written to them.
static uint64_t fault_copy(long n)
{
	char *p = map(n * page, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	uint64_t *shared = (uint64_t *)map(page, MAP_SHARED | MAP_ANONYMOUS, -1);
	touch(p, n);
	pid_t pid = fork();
	if (pid == 0) {
		uint64_t begin = ticks();
		touch(p, n);
		*shared = ticks() - begin;
		_exit(0);
	}
	await(pid);
	uint64_t took = *shared;
	unmap(shared, page);
	unmap(p, n * page);
	return took;
}

static char *area;

static void map_area(void)
{
	small_pages();
	area = map(64 * page, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	touch(area, 64);
}

static void unmap_area(void) { unmap(area, 64 * page); }

static void mprotect_call(long n)
{
	for (; n > 0; n -= 2)
		NEED(call(SYS_mprotect, area + 8 * page, 8 * page, PROT_READ) == 0 &&
		     call(SYS_mprotect, area + 8 * page, 8 * page, PROT_READ | PROT_WRITE) == 0);
}

static void mremap_call(long n)
{
	while (n-- > 0) {
		char *p = map(4 * page, MAP_PRIVATE | MAP_ANONYMOUS, -1);
		*p = 1;
		char *q = (char *)call(SYS_mremap, p, 4 * page, 64 * page, MREMAP_MAYMOVE);
		NEED((unsigned long)q < -4095ul && *q == 1);
		unmap(q, 64 * page);
	}
}

static void madvise_call(long n)
{
	while (n-- > 0) {
		*(volatile char *)area = 1;
		NEED(call(SYS_madvise, area, page, MADV_DONTNEED) == 0);
	}
}

static const struct row rows[] = {
	{"brk", 0, brk_call, 0, 100, 600},
	{"mmap_munmap", 0, mmap_page, 0, 100, 600},
	{"mmap_touch_1m", small_pages, mmap_touch_1m, 0, 2, 12},
	{"fault_anonymous", small_pages, fault_anonymous, 0, 64, 4096 + 64},
	{"fault_file", open_file, fault_file, close_file, 64, 4096},
	{"fault_copy", small_pages, 0, 0, 64, 2048 + 64, fault_copy},
	{"mprotect", map_area, mprotect_call, unmap_area, 100, 600},
	{"mremap_move", small_pages, mremap_call, 0, 20, 120},
	{"madvise_dontneed", map_area, madvise_call, unmap_area, 100, 600},
};

MEASURE(rows)
