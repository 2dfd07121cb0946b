/*
 * The terminal of muxctl.
 */
#include "muxctl_term.h"

#include <sys/ioctl.h>

#include <unistd.h>

static const int term_signals[] = { SIGHUP, SIGINT, SIGTERM, SIGQUIT };

#define TERM_SIGNALS (sizeof(term_signals) / sizeof(term_signals[0]))

int
term_enter(struct term *term)
{
	struct termios keys;
	sigset_t held;
	size_t i;

	if (tcgetattr(STDIN_FILENO, &term->before) == -1)
		return -1;
	sigemptyset(&held);
	for (i = 0; i < TERM_SIGNALS; i++)
		sigaddset(&held, term_signals[i]);
	if (sigprocmask(SIG_BLOCK, &held, &term->mask) == -1)
		return -1;
	keys = term->before;
	keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	keys.c_cc[VMIN] = 1;
	keys.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &keys) == -1) {
		(void)sigprocmask(SIG_SETMASK, &term->mask, NULL);
		return -1;
	}
	return 0;
}

void
term_leave(const struct term *term)
{
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &term->before);
	(void)sigprocmask(SIG_SETMASK, &term->mask, NULL);
}

bool
term_is_told(void)
{
	sigset_t pending;
	size_t i;

	if (sigpending(&pending) == -1)
		return false;
	for (i = 0; i < TERM_SIGNALS; i++)
		if (sigismember(&pending, term_signals[i]) == 1)
			return true;
	return false;
}

void
term_size(size_t *lines, size_t *columns)
{
	struct winsize size;

	*lines = 24;
	*columns = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == -1 || size.ws_row == 0 ||
	    size.ws_col == 0)
		return;
	*lines = size.ws_row;
	*columns = size.ws_col;
}
