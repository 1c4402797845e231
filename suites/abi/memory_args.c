// What the memory calls answer to every combination of arguments that are right, odd or wrong, and what
// is mapped afterwards. The cases have Linux's answers.
//
// A test prints a line for each combination of all arguments but the last two that vary; in it, a letter
// for each result of those, and a checksum of what is mapped after each. With VERBOSE set it prints all
// by itself.

#include "check.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define PAGE 4096UL
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

// Addresses between 1<<47 and 1<<56 belong to users or not, by the processor: they are left out.

// The playground: far from everything else, so that all that is there is ours.
#define BASE 0x200000000000UL
enum { PAGES = 32 };
#define AT(page) (BASE + (page) * PAGE)

static int rw_file, ro_file;

// What the playground has, by page; holes between.
enum {
	PRIVATE = 0,      // 3 pages, read and write
	READ_ONLY = 4,    // 2 pages, private
	SHARED = 7,       // 3 pages of a file of 2 pages
	FILE_COPY = 11,   // 2 pages, private, of a file that can only be read
	NOTHING = 14,     // 1 page, without rights
	SHARED_READ = 16, // 2 pages, shared, of the file that can only be read
	LOCKED = 19,      // 2 pages, locked
	EXEC = 24,        // 1 page, read and execute
};

static void place(int page, int pages, int prot, int flags, int fd)
{
	CHECK(mmap((void *)AT(page), pages * PAGE, prot, flags | MAP_FIXED, fd, 0) == (void *)AT(page));
}

static void rebuild(void)
{
	CHECK(munmap((void *)BASE, PAGES * PAGE) == 0);
	place(PRIVATE, 3, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	place(READ_ONLY, 2, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	place(SHARED, 3, PROT_READ | PROT_WRITE, MAP_SHARED, rw_file);
	place(FILE_COPY, 2, PROT_READ, MAP_PRIVATE, ro_file);
	place(NOTHING, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	place(SHARED_READ, 2, PROT_READ, MAP_SHARED, ro_file);
	place(LOCKED, 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	CHECK(mlock((void *)AT(LOCKED), 2 * PAGE) == 0);
	place(EXEC, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	*(volatile char *)AT(PRIVATE) = 1;
}

static void begin(void)
{
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	if (getenv("AS_USER") != NULL && getuid() == 0)
		CHECK(chmod(".", 0777) == 0 && setresgid(1000, 1000, 1000) == 0 && setresuid(1000, 1000, 1000) == 0);
	rw_file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(rw_file >= 0 && ftruncate(rw_file, 2 * PAGE) == 0);
	ro_file = open("file", O_RDONLY);
	CHECK(ro_file >= 0);
}

// mapped returns a checksum of the playground's pages, their rights and their offsets.
static unsigned mapped(void)
{
	static char text[1 << 16];
	int fd = open("/proc/self/maps", O_RDONLY), length = 0;
	for (int n; (n = read(fd, text + length, sizeof text - 1 - length)) > 0;)
		length += n;
	close(fd);
	text[length] = 0;
	unsigned sum = 5381;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		unsigned long start, end, offset;
		char rights[5];
		if (sscanf(line, "%lx-%lx %4s %lx", &start, &end, rights, &offset) != 4)
			continue;
		for (; start < end; start += PAGE, offset += PAGE) {
			if (start < BASE || start >= AT(PAGES))
				break;
			for (int i = 0; i < 4; i++)
				sum = sum * 33 + rights[i];
			sum = sum * 33 + (start - BASE) / PAGE;
			sum = sum * 33 + (strchr(line, '/') ? offset / PAGE : 0);
		}
	}
	return sum & 0xfff;
}

static char letter(long result)
{
	static const struct {
		int error;
		char letter;
	} letters[] = {
		{EINVAL, 'I'}, {ENOMEM, 'M'}, {EFAULT, 'F'}, {EACCES, 'A'}, {EPERM, 'P'}, {EEXIST, 'E'}, {EBUSY, 'B'},
		{EAGAIN, 'G'}, {EOVERFLOW, 'O'}, {ENODEV, 'N'}, {EOPNOTSUPP, 'S'}, {EBADF, 'D'}, {EIO, 'R'},
		{ENOSYS, 'Y'}, {ETXTBSY, 'T'},
	};
	if (result >= 0 || result < -4095)
		return '.';
	for (size_t i = 0; i < COUNT(letters); i++) {
		if (letters[i].error == -result)
			return letters[i].letter;
	}
	return '?';
}

static int verbose(void) { return getenv("VERBOSE") != NULL; }

// show prints one result. Pointers into the playground are shown, as others differ from run to run.
static void show(long result)
{
	putchar(letter(result));
	if (result >= (long)BASE && result < (long)AT(PAGES))
		printf("%ld", (long)(result - BASE) / (long)PAGE);
	printf("%03x ", mapped());
}

#define CALL(name, count, ...)                                                                     \
	({                                                                                         \
		rebuild();                                                                         \
		unsigned long a_[6] = {__VA_ARGS__};                                               \
		long r_ = syscall(SYS_##name, a_[0], a_[1], a_[2], a_[3], a_[4], a_[5]);           \
		if (r_ == -1)                                                                      \
			r_ = -errno;                                                               \
		if (verbose()) {                                                                   \
			printf("\n" #name "(");                                                    \
			for (int i_ = 0; i_ < count; i_++)                                         \
				printf("%#lx%s", a_[i_], i_ < count - 1 ? ", " : ") ");            \
		}                                                                                  \
		show(r_);                                                                          \
		r_;                                                                                \
	})

static const unsigned long lengths[] = {0, 1, PAGE + 1, 10 * PAGE, 1UL << 57, -PAGE, -1UL};
static const unsigned long starts[] = {
	AT(PRIVATE), AT(PRIVATE) + 1, AT(PRIVATE + 1), AT(3), AT(READ_ONLY), AT(SHARED), AT(SHARED + 2), AT(FILE_COPY),
	AT(NOTHING), AT(SHARED_READ), AT(LOCKED), AT(EXEC), 0, 1UL << 57, 1UL << 63, -PAGE,
};

// range_call tries a call of an address, a length and a last argument on every combination of them.
static void range_call(long number, const char *name, const unsigned long *lasts, size_t n)
{
	for (size_t l = 0; l < n; l++) {
		for (size_t i = 0; i < COUNT(lengths); i++) {
			printf("%s %#lx, length %#lx: ", name, lasts[l], lengths[i]);
			for (size_t s = 0; s < COUNT(starts); s++) {
				if (starts[s] == 0 && lengths[i] >= 1UL << 57 || number == SYS_madvise && lengths[i] == 1UL << 57)
					continue; // that may reach everything there is
				rebuild();
				long r = syscall(number, starts[s], lengths[i], lasts[l]);
				if (r == -1)
					r = -errno;
				if (verbose())
					printf("\n%s(%#lx, %#lx, %#lx) ", name, starts[s], lengths[i], lasts[l]);
				show(r);
			}
			putchar('\n');
		}
	}
}

#define RANGE_CALL(name, ...)                                                                      \
	do {                                                                                       \
		const unsigned long lasts_[] = {__VA_ARGS__};                                      \
		begin();                                                                           \
		range_call(SYS_##name, #name, lasts_, COUNT(lasts_));                              \
	} while (0)

static void munmap_arguments(void) { RANGE_CALL(munmap, 0); }
static void mprotect_arguments(void)
{
	RANGE_CALL(mprotect, PROT_NONE, PROT_READ, PROT_WRITE, PROT_READ | PROT_EXEC, 7, 8, 0x100, PROT_GROWSDOWN | PROT_READ,
		   PROT_GROWSUP | PROT_READ, PROT_GROWSUP | PROT_GROWSDOWN, 1UL << 32 | PROT_READ);
}
static void mlock_arguments(void)
{
	RANGE_CALL(mlock, 0);
	RANGE_CALL(munlock, 0);
	RANGE_CALL(mlock2, 0, MLOCK_ONFAULT, 2, -1UL, 1UL << 32);
}
static void msync_arguments(void)
{
	RANGE_CALL(msync, 0, MS_ASYNC, MS_INVALIDATE, MS_SYNC, MS_ASYNC | MS_SYNC, MS_SYNC | MS_INVALIDATE, 8, -1UL);
}

// All advice, known and unknown.
static void madvise_arguments(void)
{
	RANGE_CALL(madvise, 0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, -1UL,
		   1UL << 32 | MADV_DONTNEED);
}

// The vector is long enough; or it is not there, or ends too soon.
static void mincore_arguments(void)
{
	begin();
	unsigned char *vector = mmap((void *)AT(100), 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(munmap(vector + PAGE, PAGE) == 0);
	const unsigned long lasts[] = {(unsigned long)vector, (unsigned long)vector + PAGE - 2, 0, 1UL << 63};
	range_call(SYS_mincore, "mincore", lasts, COUNT(lasts));
}

static void mremap_arguments(void)
{
	begin();
	static const unsigned long flags[] = {0, 1, 2, 3, 5, 7, 8};
	static const unsigned long sizes[] = {0, PAGE, 2 * PAGE, 4 * PAGE, 1UL << 46, -PAGE};
	static const unsigned long from[] = {
		AT(PRIVATE), AT(PRIVATE + 1), AT(3), AT(SHARED), AT(NOTHING), AT(SHARED_READ), AT(LOCKED), -PAGE,
	};
	static const unsigned long to[] = {AT(26), AT(26) + 1, AT(PRIVATE + 1), -PAGE};
	for (size_t f = 0; f < COUNT(flags); f++) {
		int fixed = flags[f] & MREMAP_FIXED || flags[f] & MREMAP_DONTUNMAP;
		for (size_t t = 0; t < (fixed ? COUNT(to) : 1); t++) {
			for (size_t o = 0; o < COUNT(sizes); o++) {
				for (size_t n = 0; n < COUNT(sizes); n++) {
					printf("mremap %#lx to %#lx, %#lx %#lx: ", flags[f], to[t], sizes[o], sizes[n]);
					for (size_t i = 0; i < COUNT(from); i++) {
						long r = CALL(mremap, 5, from[i], sizes[o], sizes[n], flags[f], to[t]);
						if (letter(r) == '.' && (r < (long)BASE || r >= (long)AT(PAGES)))
							munmap((void *)r, sizes[n]);
					}
					putchar('\n');
				}
			}
		}
	}
}

static const int mmap_flags[] = {
	0, MAP_SHARED, MAP_PRIVATE, MAP_SHARED_VALIDATE, 4, 8, 15, MAP_FIXED, MAP_32BIT, 0x80, MAP_GROWSDOWN, 0x200, 0x400,
	MAP_DENYWRITE, MAP_EXECUTABLE, MAP_LOCKED, MAP_NORESERVE, MAP_POPULATE, MAP_NONBLOCK, MAP_STACK, MAP_HUGETLB, 0x80000,
	MAP_FIXED_NOREPLACE, 0x200000, 0x4000000, 1 << 30, 1 << 31,
};

// Addresses and lengths, of anonymous memory.
static void mmap_places(void)
{
	begin();
	static const unsigned long places[] = {
		0, 1, PAGE, 65535, AT(3), AT(3) + 1, AT(PRIVATE + 1), AT(PRIVATE + 1) + 5, AT(26), 1UL << 57,
		1UL << 63, -PAGE,
	};
	static const int kinds[] = {0, MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_FIXED | MAP_FIXED_NOREPLACE, MAP_32BIT};
	static const unsigned long sizes[] = {0, 1, PAGE, 2 * PAGE, 1UL << 40, 1UL << 57, -PAGE, -1UL};
	for (size_t k = 0; k < COUNT(kinds); k++) {
		for (size_t s = 0; s < COUNT(sizes); s++) {
			printf("mmap %#x of %#lx: ", kinds[k], sizes[s]);
			for (size_t p = 0; p < COUNT(places); p++) {
				if (places[p] < 65536 && kinds[k] & (MAP_FIXED | MAP_FIXED_NOREPLACE) || sizes[s] == 1UL << 40 && kinds[k] & MAP_FIXED)
					continue; // who may, depends; and what there is, goes
				long r = CALL(mmap, 6, places[p], sizes[s], PROT_READ, kinds[k] | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1UL, 0);
				if (letter(r) == '.')
					munmap((void *)r, sizes[s]);
			}
			putchar('\n');
		}
	}
}

// Flags, rights, files and offsets, in a hole.
static void mmap_files(void)
{
	begin();
	int ends[2];
	CHECK(pipe(ends) == 0);
	const int fds[] = {
		rw_file, ro_file, open("file", O_WRONLY), open(".", O_RDONLY), ends[0], open("/dev/zero", O_RDWR), open("/dev/zero", O_RDONLY),
		open("/dev/null", O_RDWR), open("file", O_PATH), -1, 99,
	};
	static const int prots[] = {0, PROT_READ, PROT_WRITE, PROT_READ | PROT_WRITE, PROT_EXEC, 7, 8, 0xff0, PROT_GROWSDOWN};
	static const unsigned long offsets[] = {0, PAGE, 1, 4 * PAGE, 0x7ffffffffffff000, 0x8000000000000000, -PAGE, -1UL};
	for (size_t f = 0; f < COUNT(mmap_flags); f++) {
		for (int type = 1; type <= 3; type++) {
			for (int anonymous = 0; anonymous <= MAP_ANONYMOUS; anonymous += MAP_ANONYMOUS) {
				int flags = mmap_flags[f] | anonymous;
				if (!(flags & 15))
					flags |= type;
				else if (type > 1)
					continue;
				for (size_t o = 0; o < COUNT(offsets); o++) {
					if (o > 0 && f > 2)
						continue;
					printf("mmap flags %#x, offset %#lx: ", flags, offsets[o]);
					for (size_t d = 0; d < COUNT(fds); d++) {
						for (size_t p = 0; p < COUNT(prots); p++) {
							if (anonymous && d > 0 || o > 0 && p > 2 || f > 8 && p > 0 && p != 3)
								continue;
							long r = CALL(mmap, 6, AT(26), 3 * PAGE, prots[p], flags, fds[d], offsets[o]);
							if (letter(r) == '.')
								munmap((void *)r, 3 * PAGE);
						}
					}
					putchar('\n');
				}
			}
		}
	}
}

static void mlockall_arguments(void)
{
	begin();
	static const unsigned long flags[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, -1UL, 1UL << 32 | MCL_FUTURE};
	for (size_t f = 0; f < COUNT(flags); f++) {
		printf("mlockall %#lx: ", flags[f]);
		CALL(mlockall, 1, flags[f]);
		CHECK(munlockall() == 0);
		putchar('\n');
	}
}

static const struct test tests[] = {
	TEST(munmap_arguments), TEST(mprotect_arguments), TEST(mlock_arguments), TEST(msync_arguments), TEST(madvise_arguments),
	TEST(mincore_arguments), TEST(mremap_arguments), TEST(mmap_places), TEST(mmap_files), TEST(mlockall_arguments),
};
MAIN(tests)
