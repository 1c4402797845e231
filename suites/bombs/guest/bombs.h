// What the parts of the bomber share.

#ifndef BOMBS_H
#define BOMBS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

// A kind is one way to take as much of the kernel's memory as it gives.
struct kind {
	const char *name;
	// drop takes it until the kernel refuses, and returns then; what it has taken is kept. It runs in
	// one process after the other.
	void (*drop)(void);
};

extern const struct kind kinds[];

// COMM is the name of all processes of a bomb: who is killed under another name is innocent.
#define COMM "bomb"

// PLACE is the folder of the files that bombs make.
#define PLACE "/tmp/bomb"

// PROGRAM is the program under the bomb's name.
#define PROGRAM "/tmp/bomb.program/" COMM

// AGAIN is the argument that makes the program be what the bomb argv executes.
#define AGAIN "again"

#endif
