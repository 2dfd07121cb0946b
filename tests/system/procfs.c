/*
 * See procfs.h.  Numbers that processes change are read again until they
 * stand, never guessed from one look.
 */
#include "procfs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

bool
procfs_available(void)
{
	return access("/proc/self/status", R_OK) == 0;
}

static FILE *
procfs_open(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return fopen(path, "re");
}

bool
procfs_status(pid_t pid, const char *key, char *value, size_t size)
{
	FILE *file = procfs_open(pid, "status");
	char line[512];
	size_t len = strlen(key);
	bool found = false;

	if (file == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, key, len) == 0 && line[len] == ':') {
			char *text = line + len + 1;

			text += strspn(text, " \t");
			text[strcspn(text, "\n")] = '\0';
			while (*text != '\0' &&
			    isspace((unsigned char)text[strlen(text) - 1]))
				text[strlen(text) - 1] = '\0';
			snprintf(value, size, "%s", text);
			found = true;
		}
	fclose(file);
	return found;
}

/* The fields of /proc/PID/stat behind the command, from the state on. */
static bool
procfs_stat(pid_t pid, char *buf, size_t size)
{
	FILE *file = procfs_open(pid, "stat");
	char line[1024];
	char *end;
	bool found;

	if (file == NULL)
		return false;
	found = fgets(line, sizeof(line), file) != NULL &&
	    (end = strrchr(line, ')')) != NULL && end[1] == ' ';
	fclose(file);
	if (found)
		snprintf(buf, size, "%s", end + 2);
	return found;
}

size_t
procfs_children(pid_t pid, pid_t *children, size_t max)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	char stat[1024], state;
	size_t n = 0;
	int parent;

	if (dir == NULL)
		test_fail("/proc: %s", strerror(errno));
	while ((entry = readdir(dir)) != NULL) {
		pid_t child = (pid_t)strtol(entry->d_name, NULL, 10);

		if (child <= 0 || !procfs_stat(child, stat, sizeof(stat)) ||
		    sscanf(stat, "%c %d", &state, &parent) != 2 ||
		    parent != pid)
			continue;
		if (n < max)
			children[n] = child;
		n++;
	}
	closedir(dir);
	return n;
}

bool
procfs_alive(pid_t pid)
{
	char stat[1024];

	return procfs_stat(pid, stat, sizeof(stat)) && stat[0] != 'Z' &&
	    stat[0] != 'X';
}

void
procfs_title(pid_t pid, char *title, size_t size)
{
	FILE *file = procfs_open(pid, "cmdline");
	size_t len, i;

	title[0] = '\0';
	if (file == NULL)
		return;
	len = fread(title, 1, size - 1, file);
	fclose(file);
	while (len > 0 && title[len - 1] == '\0')
		len--;
	for (i = 0; i < len; i++)
		if (title[i] == '\0')
			title[i] = ' ';
	title[len] = '\0';
}

/* The sum of two lines of smaps_rollup, of which one may be NULL. */
static uint64_t
sum_rollup(pid_t pid, const char *one, const char *other)
{
	FILE *file = procfs_open(pid, "smaps_rollup");
	char line[256], key[64];
	uint64_t sum = 0, value;

	if (file == NULL)
		test_fail("smaps_rollup of %d: %s", (int)pid, strerror(errno));
	while (fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "%63[^:]: %" SCNu64, key, &value) == 2 &&
		    (strcmp(key, one) == 0 ||
			(other != NULL && strcmp(key, other) == 0)))
			sum += value;
	fclose(file);
	return sum;
}

uint64_t
procfs_private_kib(pid_t pid)
{
	return sum_rollup(pid, "Private_Clean", "Private_Dirty");
}

uint64_t
procfs_anonymous_kib(pid_t pid)
{
	return sum_rollup(pid, "Anonymous", NULL);
}

uint64_t
procfs_cpu_ms(pid_t pid)
{
	char stat[1024];
	unsigned long user, system;

	/* state ppid pgrp session tty tpgid flags minflt cminflt majflt
	 * cmajflt utime stime */
	if (!procfs_stat(pid, stat, sizeof(stat)) ||
	    sscanf(stat, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
		&user, &system) != 2)
		test_fail("no CPU time of process %d", (int)pid);
	return (uint64_t)(user + system) * 1000 /
	    (uint64_t)sysconf(_SC_CLK_TCK);
}

/* Walk the open descriptors; counts those that lead to the socket, or all
 * with inode 0. */
static size_t
procfs_walk_descriptors(pid_t pid, uint64_t inode)
{
	char path[64], want[64], link[64];
	DIR *dir;
	struct dirent *entry;
	size_t n = 0;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	snprintf(want, sizeof(want), "socket:[%" PRIu64 "]", inode);
	dir = opendir(path);
	if (dir == NULL)
		test_fail("%s: %s", path, strerror(errno));
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		len = readlinkat(
		    dirfd(dir), entry->d_name, link, sizeof(link) - 1);
		link[len < 0 ? 0 : len] = '\0';
		if (inode == 0 || strcmp(link, want) == 0)
			n++;
	}
	closedir(dir);
	return n;
}

size_t
procfs_descriptors(pid_t pid)
{
	return procfs_walk_descriptors(pid, 0);
}

bool
procfs_has_socket(pid_t pid, uint64_t inode)
{
	return procfs_walk_descriptors(pid, inode) > 0;
}

size_t
procfs_limit_for(pid_t pid, size_t n)
{
	size_t limit = 0;
	char path[64];
	struct stat st;

	while (n > 0) {
		snprintf(
		    path, sizeof(path), "/proc/%d/fd/%zu", (int)pid, limit++);
		if (lstat(path, &st) == -1)
			n--;
	}
	return limit;
}

/* One line of /proc/net/tcp or udp. */
struct procfs_socket {
	unsigned port;
	unsigned state;
	uint64_t inode;
	uint64_t queue; /* rx_queue: of a listener, its accept queue */
};

static bool
procfs_parse_socket(const char *line, struct procfs_socket *socket)
{
	return sscanf(line,
		   " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x"
		   " %*x:%" SCNx64 " %*x:%*x %*x %*u %*u %" SCNu64,
		   &socket->port, &socket->state, &socket->queue,
		   &socket->inode) == 4;
}

static size_t
procfs_sockets(const char *path, unsigned port, unsigned state,
    uint64_t *inodes, size_t max)
{
	FILE *file = fopen(path, "re");
	struct procfs_socket socket;
	char line[512];
	size_t n = 0;

	if (file == NULL)
		test_fail("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), file) != NULL) {
		if (!procfs_parse_socket(line, &socket) ||
		    socket.port != port || socket.state != state)
			continue;
		if (n < max)
			inodes[n] = socket.inode;
		n++;
	}
	fclose(file);
	return n;
}

size_t
procfs_tcp_listeners(unsigned port, uint64_t *inodes, size_t max)
{
	return procfs_sockets("/proc/net/tcp", port, 10, inodes, max);
}

size_t
procfs_udp_sockets(unsigned port, uint64_t *inodes, size_t max)
{
	return procfs_sockets("/proc/net/udp", port, 7, inodes, max);
}

uint64_t
procfs_accept_queue(uint64_t inode)
{
	FILE *file = fopen("/proc/net/tcp", "re");
	struct procfs_socket socket;
	char line[512];
	uint64_t queue = 0;

	if (file == NULL)
		test_fail("/proc/net/tcp: %s", strerror(errno));
	while (fgets(line, sizeof(line), file) != NULL)
		if (procfs_parse_socket(line, &socket) && socket.inode == inode)
			queue = socket.queue;
	fclose(file);
	return queue;
}

uint64_t
procfs_number(const char *path)
{
	FILE *file = fopen(path, "re");
	uint64_t number = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%" SCNu64, &number) != 1)
		number = 0;
	fclose(file);
	return number;
}

/* Look again and again, a moment apart: /proc tells no events. */
static void
procfs_wait(pid_t pid, bool (*done)(pid_t pid), const char *what)
{
	int64_t deadline = test_now_ms() + test_deadline_ms();

	while (!done(pid)) {
		if (test_now_ms() > deadline)
			test_fail("process %d is not %s", (int)pid, what);
		poll(NULL, 0, 1);
	}
}

static bool
is_gone(pid_t pid)
{
	return !procfs_alive(pid);
}

void
procfs_wait_gone(pid_t pid)
{
	procfs_wait(pid, is_gone, "gone");
}

static bool
is_stopped(pid_t pid)
{
	char stat[1024];

	return procfs_stat(pid, stat, sizeof(stat)) && stat[0] == 'T';
}

void
procfs_stop(pid_t pid)
{
	assert_int_equal(kill(pid, SIGSTOP), 0);
	procfs_wait(pid, is_stopped, "stopped");
}

void
procfs_wait_descriptors(pid_t pid, size_t n)
{
	int64_t deadline = test_now_ms() + test_deadline_ms();

	while (procfs_descriptors(pid) != n) {
		if (test_now_ms() > deadline)
			test_fail("%zu descriptors instead of %zu",
			    procfs_descriptors(pid), n);
		(void)poll(NULL, 0, 2);
	}
}
