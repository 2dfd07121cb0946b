/*
 * The platform gaps on FreeBSD, OpenBSD, NetBSD and macOS; see compat.h.
 * This is the one file that may ask which of them it runs on.
 */
#include "base/compat.h"

#include <sys/param.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef __FreeBSD__
#include <sys/cpuset.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#endif

#ifdef __NetBSD__
#include <pthread.h>
#include <sched.h>
#endif

#ifdef SHM_ANON

static int
shared_memory_open(const char *name)
{
	(void)name;
	return shm_open(SHM_ANON, O_RDWR | O_CLOEXEC, 0600);
}

#else

/* A name that nobody else has, for as long as it takes to remove it. */
static int
shared_memory_open(const char *name)
{
	char path[32]; /* PSHMNAMLEN of macOS */
	int fd = -1;

	for (unsigned i = 0; fd == -1 && i < 1000; i++) {
		(void)snprintf(path, sizeof(path), "/%.8s.%ld.%u", name,
		    (long)getpid(), i);
		fd = shm_open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
		if (fd == -1 && errno != EEXIST)
			return -1;
	}
	if (fd == -1)
		return -1;
	(void)shm_unlink(path);
	/* POSIX has it set already; where it is not, nothing has forked. */
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

#endif

int
compat_shared_memory(const char *name, size_t size)
{
	int fd, saved;

	if (size > (size_t)LLONG_MAX) {
		errno = EINVAL;
		return -1;
	}
	fd = shared_memory_open(name);
	if (fd == -1)
		return -1;
	if (ftruncate(fd, (off_t)size) == -1) {
		saved = errno;
		(void)close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

#if defined(__FreeBSD__)

unsigned
compat_usable_cpus(unsigned *cpus, size_t max, size_t *ncpus)
{
	unsigned found = 0;
	cpuset_t set;

	*ncpus = 0;
	CPU_ZERO(&set);
	if (cpuset_getaffinity(
		CPU_LEVEL_WHICH, CPU_WHICH_PID, -1, sizeof(set), &set) == -1)
		return 1;
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		found++;
		if (*ncpus < max)
			cpus[(*ncpus)++] = cpu;
	}
	return found > 0 ? found : 1;
}

#else

unsigned
compat_usable_cpus(unsigned *cpus, size_t max, size_t *ncpus)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned found;

	found = online > 0 && online <= INT_MAX ? (unsigned)online : 1;
	for (*ncpus = 0; *ncpus < found && *ncpus < max; (*ncpus)++)
		cpus[*ncpus] = (unsigned)*ncpus;
	return found;
}

#endif

#if defined(__FreeBSD__)

int
compat_pin_cpu(unsigned cpu)
{
	cpuset_t set;

	if (cpu >= CPU_SETSIZE) {
		errno = EINVAL;
		return -1;
	}
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return cpuset_setaffinity(
	    CPU_LEVEL_WHICH, CPU_WHICH_PID, -1, sizeof(set), &set);
}

#elif defined(__NetBSD__)

int
compat_pin_cpu(unsigned cpu)
{
	cpuset_t *set = cpuset_create();
	int error;

	if (set == NULL)
		return -1;
	error = cpuset_set((cpuid_t)cpu, set) == -1
	    ? EINVAL
	    : pthread_setaffinity_np(pthread_self(), cpuset_size(set), set);
	cpuset_destroy(set);
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

#else

int
compat_pin_cpu(unsigned cpu)
{
	(void)cpu;
	errno = ENOSYS;
	return -1;
}

#endif

void
compat_title_init(int argc, char **argv, char **envp)
{
	/* setproctitle(3) needs no preparation. */
	(void)argc;
	(void)argv;
	(void)envp;
}

#ifdef __APPLE__

void
compat_title_set(const char *text)
{
	/* ps(1) shows what the kernel copied at exec; nothing changes it. */
	(void)text;
}

#else

void
compat_title_set(const char *text)
{
	/* The dash leaves out the program's name, which text begins with. */
	setproctitle("-%s", text);
}

#endif

#ifdef __APPLE__

void
compat_closefrom(int lowest)
{
	int end = getdtablesize();

	for (int fd = lowest; fd < end; fd++)
		(void)close(fd);
}

#else

void
compat_closefrom(int lowest)
{
	(void)closefrom(lowest);
}

#endif

#ifdef SO_PROTOCOL

int
compat_socket_protocol(int fd)
{
	int protocol = 0;
	socklen_t len = sizeof(protocol);

	if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == -1)
		return 0;
	return protocol;
}

#else

int
compat_socket_protocol(int fd)
{
	(void)fd;
	return 0;
}

#endif

int
compat_peer_uid(int fd, uid_t *uid)
{
	gid_t gid;

	return getpeereid(fd, uid, &gid);
}

#ifdef __FreeBSD__

int64_t
compat_tcp_silence_ms(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1)
		return -1;
	/* Microseconds here, and of any segment, not of data alone. */
	return info.tcpi_last_data_recv / 1000;
}

#else

int64_t
compat_tcp_silence_ms(int fd)
{
	(void)fd;
	return -1;
}

#endif

bool
compat_reuseport_balances(void)
{
#ifdef SO_REUSEPORT_LB
	return true;
#else
	return false;
#endif
}

int
compat_reuseport_steer(int fd, const uint32_t *index, size_t n)
{
	(void)fd;
	(void)index;
	(void)n;
	errno = ENOSYS;
	return -1;
}

int
compat_reuseport_deal(
    int fd, bool inet6, const bool *well, size_t members, uint32_t seed)
{
	(void)fd;
	(void)inet6;
	(void)well;
	(void)members;
	(void)seed;
	errno = ENOSYS;
	return -1;
}

int
compat_setuid(uid_t uid)
{
#if defined(__FreeBSD__) || defined(__OpenBSD__)
	return setresuid(uid, uid, uid);
#else
	/* Of root, these set the real, effective and saved id. */
	return setuid(uid);
#endif
}

int
compat_setgid(gid_t gid)
{
#if defined(__FreeBSD__) || defined(__OpenBSD__)
	return setresgid(gid, gid, gid);
#else
	return setgid(gid);
#endif
}

/* These systems have no such promise. */
int
compat_no_new_privs(void)
{
	return 0;
}
