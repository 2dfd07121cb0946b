/*
 * Whether a log target takes something now, asked before it is written to by
 * a call that might wait: sd_journal_sendv(3), syslog(3), a write(2) to a
 * terminal or a pipe.
 */
#ifndef MUXD_MONITOR_LOG_GATE_H
#define MUXD_MONITOR_LOG_GATE_H

/*
 * Wait until fd can be written, for at most *budget_ms milliseconds, which
 * is reduced by the time it took.  Returns 0, or -1 with EAGAIN.
 */
int log_gate_wait(int fd, unsigned *budget_ms);

/* A socket for log_gate_check(); -1 with errno. */
int log_gate_open(void);

/*
 * The same for the queue of a UNIX datagram socket of that path: 0, -1 with
 * EAGAIN when it is full, or another errno when nobody serves it.  A socket
 * of another type is not looked into.
 */
int log_gate_check(int gate, const char *path, unsigned *budget_ms);

#endif
