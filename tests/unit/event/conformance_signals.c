/*
 * Conformance: signals as events.
 */
#include "conformance.h"

#include <sys/wait.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "event/signals.h"

struct heard {
	struct signals signals;
	struct loop *loop;
	unsigned counts[NSIG];
	int order[8];
	unsigned n;
	bool closes;
};

static void
on_signal(struct signals *signals, int signo)
{
	struct heard *heard = container_of(signals, struct heard, signals);

	heard->counts[signo]++;
	if (heard->n < 8)
		heard->order[heard->n++] = signo;
	if (heard->closes)
		signals_close(signals);
}

static const int two_signals[] = { SIGUSR1, SIGUSR2 };

static void
heard_open(struct heard *heard, struct conformance *test)
{
	memset(heard, 0, sizeof(*heard));
	heard->loop = test->loop;
	assert_int_equal(signals_open(&heard->signals, test->loop, two_signals,
			     2, on_signal),
	    0);
}

static void
signals_are_events_of_the_loop(void **state)
{
	struct conformance *test = *state;
	struct sigaction action;
	struct heard heard;

	heard_open(&heard, test);
	assert_int_equal(calls_without_sleeping(test), 0);
	raise(SIGUSR2);
	raise(SIGUSR1);
	raise(SIGUSR1);
	/* Not before the loop turns. */
	assert_int_equal(heard.n, 0);
	turn(test);
	assert_int_equal(heard.n, 3);
	assert_int_equal(heard.order[0], SIGUSR2);
	assert_int_equal(heard.order[1], SIGUSR1);
	assert_int_equal(heard.order[2], SIGUSR1);
	assert_int_equal(calls_without_sleeping(test), 0);
	signals_close(&heard.signals);
	assert_int_equal(sigaction(SIGUSR1, NULL, &action), 0);
	assert_ptr_equal(action.sa_handler, SIG_DFL);
}

static void
a_signal_ends_the_sleep(void **state)
{
	struct conformance *test = *state;
	struct heard heard;
	pid_t child;
	int status;

	heard_open(&heard, test);
	child = fork();
	assert_int_not_equal(child, -1);
	if (child == 0) {
		await_sleep(getppid());
		_exit(kill(getppid(), SIGUSR1) == 0 ? 0 : 1);
	}
	TURNS_UNTIL(test, heard.counts[SIGUSR1] == 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	signals_close(&heard.signals);
}

static void
signals_that_find_the_pipe_full_are_told(void **state)
{
	struct conformance *test = *state;
	unsigned char bytes[4096];
	struct heard heard;

	heard_open(&heard, test);
	memset(bytes, SIGUSR1, sizeof(bytes));
	while (write(heard.signals.write_fd, bytes, sizeof(bytes)) > 0)
		;
	while (write(heard.signals.write_fd, bytes, 1) > 0)
		;
	assert_int_equal(errno, EAGAIN);
	raise(SIGUSR2);
	raise(SIGUSR2);
	TURNS_UNTIL(test, heard.counts[SIGUSR2] > 0);
	assert_int_equal(heard.counts[SIGUSR2], 1);
	assert_true(heard.counts[SIGUSR1] >= sizeof(bytes));
	signals_close(&heard.signals);
}

static void
a_signal_can_close_the_signals(void **state)
{
	struct conformance *test = *state;
	struct heard heard;

	heard_open(&heard, test);
	heard.closes = true;
	raise(SIGUSR1);
	raise(SIGUSR2);
	turn(test);
	assert_int_equal(heard.n, 1);
	assert_int_equal(calls_without_sleeping(test), 0);
}

/* A child that has forgotten them is killed by what its parent handles, and
 * tells its parent nothing. */
static void
a_child_forgets_its_parents_signals(void **state)
{
	struct conformance *test = *state;
	struct heard heard;
	pid_t child;
	int status;

	heard_open(&heard, test);
	child = fork();
	assert_int_not_equal(child, -1);
	if (child == 0) {
		signals_forget();
		raise(SIGUSR1);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGUSR1);
	assert_int_equal(calls_without_sleeping(test), 0);
	raise(SIGUSR1);
	turn(test);
	assert_int_equal(heard.n, 1);
	signals_close(&heard.signals);
}

static void
a_signal_that_cannot_be_taken_is_an_error(void **state)
{
	struct conformance *test = *state;
	const int signos[] = { SIGUSR1, SIGKILL };
	struct sigaction action;
	struct heard heard;

	assert_int_equal(
	    signals_open(&heard.signals, test->loop, signos, 2, on_signal), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(sigaction(SIGUSR1, NULL, &action), 0);
	assert_ptr_equal(action.sa_handler, SIG_DFL);
}

static const struct CMUnitTest checks[] = {
	cmocka_unit_test(signals_are_events_of_the_loop),
	cmocka_unit_test(a_signal_ends_the_sleep),
	cmocka_unit_test(signals_that_find_the_pipe_full_are_told),
	cmocka_unit_test(a_signal_can_close_the_signals),
	cmocka_unit_test(a_child_forgets_its_parents_signals),
	cmocka_unit_test(a_signal_that_cannot_be_taken_is_an_error),
};

const struct conformance_group conformance_signals = {
	.name = "signals",
	.checks = checks,
	.n = sizeof(checks) / sizeof(checks[0]),
};
