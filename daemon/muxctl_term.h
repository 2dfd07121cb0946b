/*
 * The terminal of muxctl: keys as they are pressed, and as it was afterwards.
 */
#ifndef MUXD_MUXCTL_TERM_H
#define MUXD_MUXCTL_TERM_H

#include <stdbool.h>
#include <stddef.h>

#include <signal.h>
#include <termios.h>

struct term {
	struct termios before;
	sigset_t mask; /* before */
};

/* No lines, no echo, no signals by keys; signals that would end the process
 * are held back until term_leave(), see term_is_told().  -1 with errno. */
int term_enter(struct term *term);
void term_leave(const struct term *term);

/* Whether a signal is there that ends the process: leave, and it will. */
bool term_is_told(void);

/* Its size in characters; 24 lines of 80 where that is not known. */
void term_size(size_t *lines, size_t *columns);

#endif
