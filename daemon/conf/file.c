/*
 * Files and folders that a configuration names.  Nothing here waits: what is
 * included or inlined has to be a regular file.
 */
#include "conf/file.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/units.h"

#define SUFFIX ".conf"

static void
explain(char *why, int error)
{
	snprintf(why, FILE_WHY_SIZE, "%s", strerror(error));
}

/* Read up to size bytes; -1 with errno. */
static ssize_t
read_whole(int fd, char *data, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, data + len, size - len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static int
read_contents(int fd, size_t max, size_t slack, bool regular,
    struct conf_contents *contents, char *why)
{
	struct stat st;
	size_t size = max;
	ssize_t n;
	char text[UNITS_STRLEN];

	if (fstat(fd, &st) == -1) {
		explain(why, errno);
		return -1;
	}
	if (regular && !S_ISREG(st.st_mode)) {
		snprintf(why, FILE_WHY_SIZE, "it is not a regular file");
		return -1;
	}
	if (S_ISREG(st.st_mode) && (uintmax_t)st.st_size < max)
		size = (size_t)st.st_size;
	/* One byte more than allowed tells that there is more. */
	contents->data = mem_zalloc(size + 2 + slack);
	if (contents->data == NULL) {
		explain(why, errno);
		return -1;
	}
	n = read_whole(fd, contents->data, size + 1);
	if (n == -1) {
		explain(why, errno);
		goto fail;
	}
	if ((size_t)n > size) {
		if (size == max)
			snprintf(why, FILE_WHY_SIZE, "it is larger than %s",
			    units_format_size(max, text, sizeof(text)));
		else
			snprintf(
			    why, FILE_WHY_SIZE, "it grew while it was read");
		goto fail;
	}
	contents->len = (size_t)n;
	contents->data[n] = '\0';
	contents->dev = st.st_dev;
	contents->ino = st.st_ino;
	return 0;

fail:
	mem_free(contents->data);
	contents->data = NULL;
	return -1;
}

int
conf_file_read(const char *path, size_t max, size_t slack, bool regular,
    struct conf_contents *contents, char *why)
{
	int fd, rc;

	/* Opening a pipe that nobody writes to would wait already. */
	fd = open(
	    path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (regular ? O_NONBLOCK : 0));
	if (fd == -1) {
		explain(why, errno);
		return -1;
	}
	rc = read_contents(fd, max, slack, regular, contents, why);
	close(fd);
	return rc;
}

char *
conf_file_resolve(const char *from, const char *path)
{
	const char *slash = strrchr(from, '/');

	if (path[0] == '/' || slash == NULL)
		return mem_strdup(path);
	return mem_printf("%.*s%s", (int)(slash - from + 1), from, path);
}

static bool
wanted(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && len > strlen(SUFFIX) &&
	    strcmp(name + len - strlen(SUFFIX), SUFFIX) == 0;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
add_name(char ***names, size_t *n, const char *name)
{
	char *copy = mem_strdup(name);
	char **place;

	if (copy == NULL)
		return -1;
	place = mem_push(names, n, sizeof(*place));
	if (place == NULL) {
		mem_free(copy);
		return -1;
	}
	*place = copy;
	return 0;
}

int
conf_file_list(const char *folder, char ***names, size_t *n)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	int error;

	*names = NULL;
	*n = 0;
	if (dir == NULL)
		return -1;
	for (;;) {
		errno = 0;
		entry = readdir(dir);
		if (entry == NULL)
			break;
		if (wanted(entry->d_name) &&
		    add_name(names, n, entry->d_name) == -1)
			break;
	}
	error = errno;
	closedir(dir);
	if (error != 0) {
		while (*n > 0)
			mem_free((*names)[--*n]);
		mem_free(*names);
		*names = NULL;
		errno = error;
		return -1;
	}
	if (*n > 0)
		qsort(*names, *n, sizeof(**names), compare_names);
	return 0;
}
