/*
 * The program that runs: see program.h.
 */
#include "proc/program.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* As execvp(3) looks for a name without a slash. */
static char *
program_search(const char *folder, const char *name)
{
	const char *path = getenv("PATH"), *end;
	char *found;

	for (; path != NULL && *path != '\0'; path = end + (*end == ':')) {
		end = path + strcspn(path, ":");
		found = mem_printf("%s%s%.*s/%s", *path == '/' ? "" : folder,
		    *path == '/' ? "" : "/", (int)(end - path), path, name);
		if (found == NULL || access(found, X_OK) == 0)
			return found;
		mem_free(found);
	}
	errno = ENOENT;
	return NULL;
}

static char *
program_find(const char *folder, const char *name)
{
	if (name[0] == '/')
		return mem_strdup(name);
	if (strchr(name, '/') != NULL)
		return mem_printf("%s/%s", folder, name);
	return program_search(folder, name);
}

int
program_remember(struct program *program, char **argv)
{
	char folder[PATH_MAX];

	memset(program, 0, sizeof(*program));
	if (argv[0] == NULL) {
		errno = ENOENT;
		return -1;
	}
	/* A folder that is gone matters only to names that need it. */
	if (getcwd(folder, sizeof(folder)) == NULL)
		(void)memcpy(folder, "/", 2);
	program->argv = argv;
	program->folder = mem_strdup(folder);
	program->path = program_find(folder, argv[0]);
	if (program->folder != NULL && program->path != NULL)
		return 0;
	program_forget(program);
	return -1;
}

void
program_run(const struct program *program)
{
	if (chdir(program->folder) == 0 || program->path[0] == '/')
		(void)execv(program->path, program->argv);
}

void
program_forget(struct program *program)
{
	mem_free(program->path);
	mem_free(program->folder);
	memset(program, 0, sizeof(*program));
}
