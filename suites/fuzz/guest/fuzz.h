// What the parts of the fuzzer share. See main.c for how it works as a whole.
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// One thread's random numbers: SplitMix64. The same seed gives the same numbers.
struct rng {
	uint64_t state;
};

uint64_t rng_next(struct rng *r);
// below returns a number in [0, n).
static inline uint64_t below(struct rng *r, uint64_t n) { return rng_next(r) % n; }
static inline int one_in(struct rng *r, uint64_t n) { return below(r, n) == 0; }

// What a worker is doing, in memory that it shares with the supervisor.
struct progress {
	_Atomic uint64_t calls; // made by all incarnations
	_Atomic uint64_t worked; // of these, without an error
	_Atomic int number;	// of the present call
	_Atomic uint64_t args[6];
};

enum { MAX_WORKERS = 16, MAX_CALL = 512 };

struct shared {
	_Atomic int stop;
	struct progress worker[MAX_WORKERS];
	_Atomic uint32_t made[MAX_CALL], worked[MAX_CALL]; // by number
};

extern struct shared *shared;
extern pid_t supervisor;

// worker is the life of one incarnation of a worker; it does not return.
_Noreturn void worker(int id, uint64_t seed, int unprivileged);

// arena.c: memory of every kind for arguments that are addresses.
void arena_make(void);
uint64_t arena_pointer(struct rng *r); // for a buffer
uint64_t arena_page(struct rng *r);    // for a mapping
uint64_t arena_struct(struct rng *r);  // a buffer filled with what may make sense

// files.c: descriptors of every kind, and paths.
void files_make(int id);
void files_refresh(struct rng *r);
int files_descriptor(struct rng *r);
enum { KIND_FOLDER = 3, KIND_TIMER = 11, KIND_EPOLL = 13 }; // as open_kind in files.c numbers them
int files_of_kind(int kind);
const char *files_scratch_path(struct rng *r); // may be changed or removed
const char *files_any_path(struct rng *r);     // may only be looked at

// calls.c: which calls there are, and one of them.
struct call {
	const char *name;
	int number;
	const char *args; // kinds: see argument in calls.c
	int weight;
};
void call_random(struct rng *r, struct progress *p, int depth);
long raw(long number, const uint64_t a[6]);
