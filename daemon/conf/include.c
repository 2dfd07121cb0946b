/*
 * include and include_dir.  Whether a file can be read, and has not been read
 * before, shows when its turn comes.
 */
#include "conf/include.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "conf/file.h"

#define DEPTH_MAX 16

static int
add_file(struct conf_source *source, const struct conf_file *from,
    const char *path, int line)
{
	struct conf_file *file = conf_source_add_file(source, path);

	if (file == NULL)
		return -1;
	file->parent = from->name;
	file->line = line;
	file->depth = from->depth + 1;
	return 0;
}

/* False, and an error, when no file may be included from here. */
static bool
depth_allows(struct conf_source *source, const struct conf_file *from, int line,
    struct conf_errors *errors)
{
	if (from->depth < DEPTH_MAX)
		return true;
	source->scopes[0].incomplete = true;
	conf_error_add(errors, false, from->name, line,
	    "files include one another more than %d deep", DEPTH_MAX);
	return false;
}

int
conf_include_file(struct conf_source *source, const struct conf_file *from,
    const char *path, int line, struct conf_errors *errors)
{
	char *resolved;
	int rc;

	if (!depth_allows(source, from, line, errors))
		return 0;
	resolved = conf_file_resolve(from->name, path);
	if (resolved == NULL)
		return -1;
	rc = add_file(source, from, resolved, line);
	mem_free(resolved);
	return rc;
}

static int
add_listed(struct conf_source *source, const struct conf_file *from,
    const char *folder, const char *name, int line)
{
	char *path = mem_printf("%s/%s", folder, name);
	int rc;

	if (path == NULL)
		return -1;
	rc = add_file(source, from, path, line);
	mem_free(path);
	return rc;
}

int
conf_include_folder(struct conf_source *source, const struct conf_file *from,
    const char *path, int line, struct conf_errors *errors)
{
	char *folder, **names;
	size_t n, i;
	int rc = 0;

	if (!depth_allows(source, from, line, errors))
		return 0;
	folder = conf_file_resolve(from->name, path);
	if (folder == NULL)
		return -1;
	if (conf_file_list(folder, &names, &n) == -1) {
		rc = errno == ENOMEM ? -1 : 0;
		source->scopes[0].incomplete = true;
		conf_error_add(errors, false, from->name, line,
		    "cannot read the folder \"%s\": %s", folder,
		    strerror(errno));
		goto out;
	}
	for (i = 0; i < n; i++) {
		if (rc == 0)
			rc = add_listed(source, from, folder, names[i], line);
		mem_free(names[i]);
	}
	mem_free(names);
out:
	mem_free(folder);
	return rc;
}
