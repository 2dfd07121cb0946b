/*
 * Servers of the test that can be killed and started again: a process each,
 * which answers whatever it is sent with one text and closes.
 */
#ifndef TESTS_SYSTEM_PROCESS_H
#define TESTS_SYSTEM_PROCESS_H

#include <sys/types.h>

/* Zeroed memory is one that was never started.  Whatever the test leaves ends
 * with the test program. */
struct process {
	pid_t pid;  /* 0: none */
	int keeper; /* bound to the address, so that nobody else can be */
	const char *address;
};

/* Listen and answer, at the address it has had before, or any of 127.0.0.1.
 * The answer is taken as it is at this moment. */
void process_start(struct process *process, const char *answer);

/* SIGKILL; from then on connections are refused. */
void process_kill(struct process *process);

#endif
