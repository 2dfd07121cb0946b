/*
 * The one home of platform gaps.  compat.c holds what POSIX can do, and
 * compat_linux.c or compat_bsd.c the rest; automake picks one of the two.
 * Code elsewhere calls these and does not ask which system it runs on.
 */
#ifndef MUXD_BASE_COMPAT_H
#define MUXD_BASE_COMPAT_H

#include <sys/types.h>
#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* accept4(2) with SOCK_NONBLOCK and SOCK_CLOEXEC. */
int compat_accept(int fd, struct sockaddr *sa, socklen_t *len);

/* socket(2), non-blocking and close-on-exec. */
int compat_socket(int domain, int type, int protocol);

/* socketpair(2), AF_UNIX, both ends non-blocking and close-on-exec; with
 * SOCK_DGRAM there is room for several of the log's datagrams. */
int compat_socketpair(int type, int fds[2]);

/* Send bytes over a UNIX stream socket, and n descriptors with the first of
 * them (SCM_RIGHTS); without any as send(2).  No SIGPIPE. */
ssize_t compat_send_fds(
    int fd, const void *data, size_t len, const int *fds, size_t n);

/*
 * Receive bytes, and up to *n descriptors that came with the first of them,
 * close-on-exec; *n becomes their number.  As recv(2).  If this process has no
 * room for all of them (MSG_CTRUNC of recvmsg(2)), none is kept and *n is 0.
 * -1 with EMSGSIZE, and the bytes are gone, if there were more than *n.
 */
ssize_t compat_receive_fds(int fd, void *data, size_t len, int *fds, size_t *n);

/* Descriptors that one message can carry. */
#define COMPAT_FDS_MAX 64

/* pipe(2), both ends non-blocking and close-on-exec. */
int compat_pipe(int fds[2]);

/* Anonymous memory of size bytes that forked and successor processes can
 * share by its descriptor: memfd_create(2), or an unlinked shm_open(3).  The
 * memory is sparse: pages cost nothing before they are touched. */
int compat_shared_memory(const char *name, size_t size);

/* Copy with truncation, always NUL-terminated; returns strlen(src). */
size_t compat_strlcpy(char *dst, const char *src, size_t size);

/*
 * The CPUs this process may run on: those of its affinity mask into cpus (at
 * most max numbers), and as result how many workers they can feed, which is
 * their number, or less where a cgroup quota gives less CPU time (quota
 * divided by period, rounded up).  At least 1; *ncpus may exceed the result.
 */
unsigned compat_usable_cpus(unsigned *cpus, size_t max, size_t *ncpus);

/* Bind the calling process to one CPU.  Returns -1 with errno where it is
 * refused (EPERM, EINVAL) or not known how (ENOSYS). */
int compat_pin_cpu(unsigned cpu);

/* Find the memory of argv and envp for the title, and make argv and envp
 * point to copies, which stay as they are; call once at the start of main(),
 * before anything keeps one of these pointers. */
void compat_title_init(int argc, char **argv, char **envp);

/* The title that ps(1) shows: "muxd: worker 0". */
void compat_title_set(const char *text);

/* Close every descriptor from lowest up: close_range(2), closefrom(2). */
void compat_closefrom(int lowest);

/* The user at the other end of a connected UNIX socket; -1 and errno. */
int compat_peer_uid(int fd, uid_t *uid);

/* The protocol of a socket (IPPROTO_TCP, …), or 0 where the system does not
 * tell (socket(7), SO_PROTOCOL). */
int compat_socket_protocol(int fd);

/* Milliseconds since the peer of an accepted TCP connection last sent
 * anything (tcp(7), TCP_INFO, tcpi_last_ack_recv), or -1 where the system
 * does not tell.  For a client that has not spoken yet: since it came. */
int64_t compat_tcp_silence_ms(int fd);

/* Whether the kernel spreads connections over the SO_REUSEPORT sockets of an
 * address, so that each worker can have its own. */
bool compat_reuseport_balances(void);

/*
 * Steer new connections of a reuseport group: fd is any member, index holds
 * the n members (counted in the order of their listen(2), for UDP bind(2))
 * among which the kernel shall choose.  n == 0 takes the steering away.
 * At most 256 members.  SO_ATTACH_REUSEPORT_CBPF of socket(7); -1 with ENOSYS
 * elsewhere.
 */
int compat_reuseport_steer(int fd, const uint32_t *index, size_t n);

/*
 * Steer the datagrams of a reuseport group, of IPv4 or IPv6, such that all of
 * one sender (address and port) come to one member.  A sender whose member is
 * well stays with it, whatever becomes of others; those of the others are
 * dealt among the members that are well, or, if none is, stay too.  seed makes
 * the choice one that senders cannot foresee.  The rest as above.
 */
int compat_reuseport_deal(
    int fd, bool inet6, const bool *well, size_t members, uint32_t seed);

/* Become the user or group for good: real, effective and saved id
 * (setresuid(2), setresgid(2)). */
int compat_setuid(uid_t uid);
int compat_setgid(gid_t gid);

/* From here on execve(2) grants no privilege (prctl(2),
 * PR_SET_NO_NEW_PRIVS); 0 where the system has no such promise. */
int compat_no_new_privs(void);

#endif
