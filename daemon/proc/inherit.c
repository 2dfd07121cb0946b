/*
 * Descriptors that are handed over: see inherit.h.
 */
#include "proc/inherit.h"

#include <sys/resource.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

/* What a manager calls them when it was not told a name. */
#define NAME_UNKNOWN "unknown"

bool
inherit_name_valid(const char *name)
{
	size_t i;

	for (i = 0; name[i] != '\0'; i++)
		if (name[i] < ' ' || name[i] > '~' || name[i] == ':')
			return false;
	return i > 0 && i < INHERIT_NAME_MAX;
}

/* A number without a sign or anything else around it; false: it is none. */
static bool
read_number(const char *text, unsigned long max, unsigned long *number)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*number = strtoul(text, &end, 10);
	return errno == 0 && *end == '\0' && *number <= max;
}

static int
set_cloexec(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return flags == -1 ? -1 : fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
}

/* The next of the names that colons part; NULL: there is none. */
static char *
next_name(const char **names)
{
	const char *begin = *names, *end;

	if (begin == NULL)
		return NULL;
	end = strchr(begin, ':');
	*names = end == NULL ? NULL : end + 1;
	return end == NULL ? mem_strdup(begin)
			   : mem_strndup(begin, (size_t)(end - begin));
}

static size_t
count_names(const char *names)
{
	size_t n = 1;

	for (; *names != '\0'; names++)
		n += *names == ':';
	return n;
}

/* NULL without memory: then nothing is taken. */
static char *
adopt(struct inherit *inherit, unsigned long n, const char *names)
{
	struct inherited *item;
	int fd;

	for (fd = INHERIT_FIRST; fd < INHERIT_FIRST + (int)n; fd++) {
		if (set_cloexec(fd) == -1)
			return mem_printf("LISTEN_FDS is %lu, but descriptor %d"
					  " is not open",
			    n, fd);
		item = mem_push(
		    (void *)&inherit->items, &inherit->n, sizeof(*item));
		if (item == NULL)
			return NULL;
		item->fd = fd;
		item->name = names != NULL ? next_name(&names)
					   : mem_strdup(NAME_UNKNOWN);
		if (item->name == NULL)
			return NULL;
	}
	errno = 0;
	return NULL;
}

/* What is wrong, or NULL: then errno is 0, or ENOMEM. */
static char *
read_environment(struct inherit *inherit)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");
	unsigned long number, n;

	errno = 0;
	if (pid == NULL || fds == NULL)
		return NULL;
	if (!read_number(pid, INT32_MAX, &number) || number == 0)
		return mem_printf("LISTEN_PID is no process: \"%s\"", pid);
	errno = 0;
	/* They came with the environment of a process before this one. */
	if (number != (unsigned long)getpid())
		return NULL;
	if (!read_number(fds, INT32_MAX - INHERIT_FIRST, &n))
		return mem_printf(
		    "LISTEN_FDS is no number of descriptors: \"%s\"", fds);
	if (names != NULL && n > 0 && count_names(names) != n)
		return mem_printf("LISTEN_FDNAMES has %zu names, but there are"
				  " %lu descriptors",
		    count_names(names), n);
	return adopt(inherit, n, names);
}

static void
forget_environment(void)
{
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
}

int
inherit_read(struct inherit *inherit, char **why)
{
	int error;

	memset(inherit, 0, sizeof(*inherit));
	*why = read_environment(inherit);
	error = errno;
	forget_environment();
	if (*why == NULL && error == 0)
		return 0;
	inherit_close(inherit);
	return -1;
}

int
inherit_take(struct inherit *inherit, const char *name)
{
	struct inherited *item;
	size_t i;
	int fd;

	for (i = 0; i < inherit->n; i++) {
		item = &inherit->items[i];
		if (item->fd == -1 || strcmp(item->name, name) != 0)
			continue;
		fd = item->fd;
		item->fd = -1;
		return fd;
	}
	return -1;
}

void
inherit_close(struct inherit *inherit)
{
	size_t i;

	for (i = 0; i < inherit->n; i++) {
		if (inherit->items[i].fd != -1)
			(void)close(inherit->items[i].fd);
		mem_free(inherit->items[i].name);
	}
	mem_free(inherit->items);
	memset(inherit, 0, sizeof(*inherit));
}
