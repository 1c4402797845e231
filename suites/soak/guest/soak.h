// What the supervisor and the storms share. See main.c.
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/types.h>

enum { MAX_STORMS = 32 };

struct shared {
	_Atomic int stop;
	_Atomic uint64_t rounds[MAX_STORMS]; // that each storm has completed
	char failure[MAX_STORMS][256];	     // what it found wrong
};

extern struct shared *shared;
extern int self; // number of this storm

// A storm does something over and over, and checks each time that it came out right.
struct storm {
	const char *name;
	void (*run)(void);
	int victim; // it asks for memory without end, and is to be killed for it
};

extern const struct storm storms[];
extern const int storm_count;

// round_done counts a round. going tells whether there is to be another.
void round_done(void);
int going(void);
// fail ends the storm: what must hold does not. shortage is true for the errors that a lack of memory or of
// processes gives, which a storm bears and tries again after a while.
noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
int shortage(int error);
pid_t fork_patiently(void);
uint32_t checksum(const void *p, size_t n);
uint64_t random_number(void);
