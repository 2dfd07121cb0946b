/*
 * What /proc tells about the processes of muxd (proc(5)).
 */
#ifndef TESTS_SYSTEM_PROCFS_H
#define TESTS_SYSTEM_PROCFS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether this system has a /proc of the Linux kind. */
bool procfs_available(void);

/* A line of /proc/PID/status, such as "CapEff"; false if the process or the
 * line does not exist. */
bool procfs_status(pid_t pid, const char *key, char *value, size_t size);

/* The children of a process; how many, of which at most max are written. */
size_t procfs_children(pid_t pid, pid_t *children, size_t max);

/* Whether the process exists and is no zombie. */
bool procfs_alive(pid_t pid);

/* What ps(1) shows as its command. */
void procfs_title(pid_t pid, char *title, size_t size);

/* Resident memory that belongs to the process alone, in KiB. */
uint64_t procfs_private_kib(pid_t pid);

/* Of that, what is backed by no file: what it has allocated.  What others do
 * makes no difference here, as it does for the pages of libraries. */
uint64_t procfs_anonymous_kib(pid_t pid);

/* CPU time used, user and system, in milliseconds. */
uint64_t procfs_cpu_ms(pid_t pid);

/* The open descriptors: how many, and whether one leads to a socket of that
 * inode. */
size_t procfs_descriptors(pid_t pid);
bool procfs_has_socket(pid_t pid, uint64_t inode);

/* The RLIMIT_NOFILE under which the process could open exactly n more, since
 * the limit is on the number of a descriptor and there may be gaps. */
size_t procfs_limit_for(pid_t pid, size_t n);

/* The inodes of the IPv4 TCP sockets that listen on a port, or of the UDP
 * sockets bound to it; how many. */
size_t procfs_tcp_listeners(unsigned port, uint64_t *inodes, size_t max);
size_t procfs_udp_sockets(unsigned port, uint64_t *inodes, size_t max);

/* How many connections wait to be accepted on a listening TCP socket. */
uint64_t procfs_accept_queue(uint64_t inode);

/* The number in a file such as those of /proc/sys; 0 if there is none. */
uint64_t procfs_number(const char *path);

/* Wait until the process has ended; its parent must have taken its status. */
void procfs_wait_gone(pid_t pid);

/* Wait until the process has n descriptors: sessions whose clients have gone
 * may take a moment to end. */
void procfs_wait_descriptors(pid_t pid, size_t n);

/* Stop the process with SIGSTOP, and wait until it is. */
void procfs_stop(pid_t pid);

#endif
