/*
 * Single steps by ptrace(2).  The child stops itself with SIGSTOP before the
 * function and after it; what it executes of kill(2) is walked through too,
 * which does no harm.
 */
#include "step.h"

#include <sys/ptrace.h>
#include <sys/wait.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__)
#define CAN_STEP 1
#else
#define CAN_STEP 0
#endif

#if CAN_STEP

/* One child that tries: containers and seccomp filters may forbid it. */
static bool
permitted(void)
{
	int status;
	pid_t pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1)
			_exit(1);
		raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status))
		return false;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return true;
}

bool
step_possible(void)
{
	const char *preload = getenv("LD_PRELOAD");

	/* Under valgrind the instructions would be valgrind's. */
	if (preload != NULL && strstr(preload, "vgpreload") != NULL)
		return false;
	return permitted();
}

static void
wait_stop(const struct step *step)
{
	int status;

	assert_int_equal(waitpid(step->pid, &status, 0), step->pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(WSTOPSIG(status), SIGSTOP);
}

void
step_start(struct step *step, void (*fn)(void *arg), void *arg)
{
	pid_t self;

	step->pid = fork();
	assert_int_not_equal(step->pid, -1);
	if (step->pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1)
			_exit(1);
		/* Shorter than raise(3), and no stub to be bound lazily. */
		self = getpid();
		kill(self, SIGSTOP);
		fn(arg);
		kill(self, SIGSTOP);
		_exit(0);
	}
	wait_stop(step);
	/* A test that fails leaves it behind. */
	assert_int_equal(ptrace(PTRACE_SETOPTIONS, step->pid, NULL,
			     (void *)PTRACE_O_EXITKILL),
	    0);
}

bool
step_next(struct step *step)
{
	int status;

	assert_int_equal(ptrace(PTRACE_SINGLESTEP, step->pid, NULL, NULL), 0);
	assert_int_equal(waitpid(step->pid, &status, 0), step->pid);
	assert_true(WIFSTOPPED(status));
	if (WSTOPSIG(status) == SIGTRAP)
		return true;
	assert_int_equal(WSTOPSIG(status), SIGSTOP);
	step_kill(step);
	return false;
}

void
step_finish(struct step *step)
{
	assert_int_equal(ptrace(PTRACE_CONT, step->pid, NULL, NULL), 0);
	wait_stop(step);
	step_kill(step);
}

#else

bool
step_possible(void)
{
	return false;
}

void
step_start(struct step *step, void (*fn)(void *arg), void *arg)
{
	(void)fn;
	(void)arg;
	step->pid = -1;
	fail();
}

bool
step_next(struct step *step)
{
	(void)step;
	return false;
}

void
step_finish(struct step *step)
{
	(void)step;
}

#endif

void
step_kill(struct step *step)
{
	int status;

	assert_int_equal(kill(step->pid, SIGKILL), 0);
	assert_int_equal(waitpid(step->pid, &status, 0), step->pid);
}
