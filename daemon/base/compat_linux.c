/*
 * The platform gaps on Linux; see compat.h.
 */
#include "base/compat.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/mem.h"

/* More CPUs than any kernel is built for (CONFIG_NR_CPUS). */
#define CPUS_MAX 65536

int
compat_shared_memory(const char *name, size_t size)
{
	int fd, saved;

	if (size > (size_t)LLONG_MAX) {
		errno = EINVAL;
		return -1;
	}
	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd == -1)
		return -1;
	/* Who is given it cannot cut it short below another one's map. */
	if (ftruncate(fd, (off_t)size) == -1 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ==
		-1) {
		saved = errno;
		(void)close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* The affinity mask, for CPU_FREE(); NULL with errno.  The kernel refuses a
 * set that is smaller than its own with EINVAL. */
static cpu_set_t *
affinity_get(size_t *size)
{
	size_t n;

	for (n = 1024; n <= CPUS_MAX; n *= 2) {
		cpu_set_t *set = CPU_ALLOC(n);

		if (set == NULL)
			return NULL;
		*size = CPU_ALLOC_SIZE(n);
		CPU_ZERO_S(*size, set);
		if (sched_getaffinity(0, *size, set) != -1)
			return set;
		CPU_FREE(set);
		if (errno != EINVAL)
			return NULL;
	}
	return NULL;
}

unsigned
compat_usable_cpus(unsigned *cpus, size_t max, size_t *ncpus)
{
	unsigned quota, found = 0;
	cpu_set_t *set;
	size_t size;

	*ncpus = 0;
	set = affinity_get(&size);
	if (set != NULL) {
		for (unsigned cpu = 0; cpu < size * CHAR_BIT; cpu++) {
			if (!CPU_ISSET_S(cpu, size, set))
				continue;
			found++;
			if (*ncpus < max)
				cpus[(*ncpus)++] = cpu;
		}
		CPU_FREE(set);
	}
	if (found == 0)
		return 1;
	quota = cgroup_cpu_quota("/proc/self/cgroup", "/sys/fs/cgroup");
	return quota > 0 && quota < found ? quota : found;
}

int
compat_pin_cpu(unsigned cpu)
{
	cpu_set_t *set;
	size_t size;
	int rc;

	if (cpu >= CPUS_MAX) {
		errno = EINVAL;
		return -1;
	}
	set = CPU_ALLOC(cpu + 1);
	if (set == NULL)
		return -1;
	size = CPU_ALLOC_SIZE(cpu + 1);
	CPU_ZERO_S(size, set);
	CPU_SET_S(cpu, size, set);
	rc = sched_setaffinity(0, size, set);
	CPU_FREE(set);
	return rc;
}

/* The memory in which the kernel laid down the strings of argv and of the
 * environment, one behind the other, and where it looks for the title; and
 * the copy to which the pointers lead now.  A process has one of this. */
static struct {
	char *start;
	size_t size;
	char *copy;
} title;

/* The end of the strings, as far as each begins where the one before it
 * ends, from end on. */
static char *
adjoining_end(char **strings, size_t n, char *end)
{
	for (size_t i = 0; i < n && strings[i] == end; i++)
		end += strlen(end) + 1;
	return end;
}

/* Make the strings that lie in the memory of the title those of the copy. */
static void
move_strings(char **strings, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strings[i] >= title.start &&
		    strings[i] < title.start + title.size)
			strings[i] = title.copy + (strings[i] - title.start);
}

void
compat_title_init(int argc, char **argv, char **envp)
{
	size_t nargs = argc > 0 ? (size_t)argc : 0, nenvs = 0;
	char *end;

	if (nargs == 0)
		return;
	while (envp[nenvs] != NULL)
		nenvs++;
	end = adjoining_end(argv, nargs, argv[0]);
	end = adjoining_end(envp, nenvs, end);
	title.copy = mem_dup(argv[0], (size_t)(end - argv[0]));
	if (title.copy == NULL)
		return;
	title.start = argv[0];
	title.size = (size_t)(end - argv[0]);
	move_strings(argv, nargs);
	move_strings(envp, nenvs);
	/* glibc keeps pointers to the name, for messages of its own. */
	move_strings(&program_invocation_name, 1);
	move_strings(&program_invocation_short_name, 1);
}

void
compat_title_set(const char *text)
{
	if (title.size == 0)
		return;
	memset(title.start, 0, title.size);
	(void)compat_strlcpy(title.start, text, title.size);
}

/* For kernels older than Linux 5.9. */
static void
close_one_by_one(int lowest)
{
	struct rlimit limit;
	int end = 65536;

	if (getrlimit(RLIMIT_NOFILE, &limit) != -1 &&
	    limit.rlim_max < (rlim_t)INT_MAX)
		end = (int)limit.rlim_max;
	for (int fd = lowest; fd < end; fd++)
		(void)close(fd);
}

void
compat_closefrom(int lowest)
{
	if (syscall(SYS_close_range, (unsigned)lowest, UINT_MAX, 0U) == -1)
		close_one_by_one(lowest);
}

int
compat_socket_protocol(int fd)
{
	int protocol = 0;
	socklen_t len = sizeof(protocol);

	if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == -1)
		return 0;
	return protocol;
}

int
compat_peer_uid(int fd, uid_t *uid)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
		return -1;
	/* Any other socket answers too, with nobody. */
	if (cred.pid == 0) {
		errno = ENOTCONN;
		return -1;
	}
	*uid = cred.uid;
	return 0;
}

int64_t
compat_tcp_silence_ms(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1)
		return -1;
	return info.tcpi_last_ack_recv;
}

bool
compat_reuseport_balances(void)
{
	return true;
}

/* Load, divide, two instructions for each member; see steer_program(). */
#define STEER_MEMBERS_MAX 256
#define STEER_PROGRAM_MAX (2 + 2 * STEER_MEMBERS_MAX)

/* The hash, and two instructions for each member at most. */
#define DEAL_PROGRAM_MAX (100 + 2 * STEER_MEMBERS_MAX)

/*
 * A = random % n; if (A == 0) return index[0]; if (A == 1) …  The last one
 * needs no question.  Returns the number of instructions.
 */
static unsigned short
steer_program(struct sock_filter *code, const uint32_t *index, size_t members)
{
	uint32_t n = (uint32_t)members, i;
	unsigned short len = 0;

	code[len++] = (struct sock_filter)BPF_STMT(
	    BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM));
	code[len++] =
	    (struct sock_filter)BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, n);
	for (i = 0; i < n - 1; i++) {
		code[len++] = (struct sock_filter)BPF_JUMP(
		    BPF_JMP | BPF_JEQ | BPF_K, i, 0, 1);
		code[len++] =
		    (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, index[i]);
	}
	code[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, index[i]);
	return len;
}

/* No program is no error: there is nothing to take away. */
static int
steer_end(int fd)
{
	int none = 0;

	if (setsockopt(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &none,
		sizeof(none)) == -1 &&
	    errno != ENOENT)
		return -1;
	return 0;
}

static int
steer_attach(int fd, struct sock_filter *code, unsigned short len)
{
	struct sock_fprog program;

	/* Padding goes to the kernel too. */
	memset(&program, 0, sizeof(program));
	program.filter = code;
	program.len = len;
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program,
	    sizeof(program));
}

int
compat_reuseport_steer(int fd, const uint32_t *index, size_t n)
{
	struct sock_filter code[STEER_PROGRAM_MAX];

	if (n == 0)
		return steer_end(fd);
	if (n > STEER_MEMBERS_MAX) {
		errno = EINVAL;
		return -1;
	}
	return steer_attach(fd, code, steer_program(code, index, n));
}

/* A program while it is written. */
struct deal {
	struct sock_filter code[DEAL_PROGRAM_MAX];
	unsigned short len;
};

static void
deal_put(struct deal *deal, unsigned code, uint32_t k)
{
	deal->code[deal->len++] =
	    (struct sock_filter)BPF_STMT((uint16_t)code, k);
}

/* The next instruction is for A == k alone. */
static void
deal_if(struct deal *deal, uint32_t k)
{
	deal->code[deal->len++] =
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, 0, 1);
}

/* A ^= A >> n */
static void
deal_fold(struct deal *deal, uint32_t n)
{
	deal_put(deal, BPF_MISC | BPF_TAX, 0);
	deal_put(deal, BPF_ALU | BPF_RSH | BPF_K, n);
	deal_put(deal, BPF_ALU | BPF_XOR | BPF_X, 0);
}

/* Mix A into the hash that is M[0], in the manner of MurmurHash3. */
static void
deal_mix(struct deal *deal)
{
	deal_put(deal, BPF_MISC | BPF_TAX, 0);
	deal_put(deal, BPF_LD | BPF_MEM, 0);
	deal_put(deal, BPF_ALU | BPF_XOR | BPF_X, 0);
	deal_put(deal, BPF_ALU | BPF_MUL | BPF_K, UINT32_C(0x85ebca6b));
	deal_fold(deal, 13);
	deal_put(deal, BPF_ALU | BPF_MUL | BPF_K, UINT32_C(0xc2b2ae35));
	deal_fold(deal, 16);
	deal_put(deal, BPF_ST, 0);
}

/* M[0] and A = a hash of the sender.  At SKF_NET_OFF the IP header begins;
 * the ports come behind it. */
static void
deal_hash(struct deal *deal, bool inet6, uint32_t seed)
{
	const uint32_t ip = (uint32_t)SKF_NET_OFF;
	const uint32_t from = inet6 ? 8 : 12, size = inet6 ? 16 : 4;
	uint32_t i;

	deal_put(deal, BPF_LD | BPF_IMM, seed);
	deal_put(deal, BPF_ST, 0);
	for (i = from; i < from + size; i += 4) {
		deal_put(deal, BPF_LD | BPF_W | BPF_ABS, ip + i);
		deal_mix(deal);
	}
	if (inet6) {
		deal_put(deal, BPF_LD | BPF_H | BPF_ABS, ip + 40);
	} else {
		deal_put(deal, BPF_LD | BPF_B | BPF_ABS, ip);
		deal_put(deal, BPF_ALU | BPF_AND | BPF_K, 0xf);
		deal_put(deal, BPF_ALU | BPF_LSH | BPF_K, 2);
		deal_put(deal, BPF_MISC | BPF_TAX, 0);
		deal_put(deal, BPF_LD | BPF_H | BPF_IND, ip);
	}
	deal_mix(deal);
}

/*
 * A = hash % members; if that one is well, return A; else return the one of
 * the n well ones that hash / members leads to.
 */
static void
deal_program(struct deal *deal, const bool *well, size_t members, size_t n)
{
	const uint32_t all = (uint32_t)members, few = (uint32_t)n;
	uint32_t i, sick = 0, seen = 0, left;

	deal_put(deal, BPF_ALU | BPF_MOD | BPF_K, all);
	left = n > 0 ? all - few : 0;
	for (i = 0; i < all && sick < left; i++) {
		if (well[i])
			continue;
		sick++;
		deal_if(deal, i);
		/* Over the questions that follow, and the return. */
		deal_put(deal, BPF_JMP | BPF_JA, 2 * (left - sick) + 1);
	}
	deal_put(deal, BPF_RET | BPF_A, 0);
	if (left == 0)
		return;
	deal_put(deal, BPF_LD | BPF_MEM, 0);
	deal_put(deal, BPF_ALU | BPF_DIV | BPF_K, all);
	deal_put(deal, BPF_ALU | BPF_MOD | BPF_K, few);
	for (i = 0; i < all; i++) {
		if (!well[i])
			continue;
		if (++seen < few)
			deal_if(deal, seen - 1);
		deal_put(deal, BPF_RET | BPF_K, i);
	}
}

int
compat_reuseport_deal(
    int fd, bool inet6, const bool *well, size_t members, uint32_t seed)
{
	struct deal deal = { .len = 0 };
	size_t i, n = 0;

	if (members == 0 || members > STEER_MEMBERS_MAX) {
		errno = EINVAL;
		return -1;
	}
	for (i = 0; i < members; i++)
		n += well[i];
	deal_hash(&deal, inet6, seed);
	deal_program(&deal, well, members, n);
	return steer_attach(fd, deal.code, deal.len);
}

int
compat_setuid(uid_t uid)
{
	return setresuid(uid, uid, uid);
}

int
compat_setgid(gid_t gid)
{
	return setresgid(gid, gid, gid);
}

int
compat_no_new_privs(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}
