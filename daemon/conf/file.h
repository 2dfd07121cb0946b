/*
 * Files and folders that a configuration names.
 */
#ifndef MUXD_CONF_FILE_H
#define MUXD_CONF_FILE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#define FILE_WHY_SIZE 160

/* A file's bytes, with a NUL and room for slack more behind them. */
struct conf_contents {
	char *data;
	size_t len;
	dev_t dev;
	ino_t ino;
};

/*
 * Read a file of at most max bytes.  regular: refuse pipes and devices, on
 * which reading might not come back.  0, or -1 with a text in why
 * (FILE_WHY_SIZE bytes) that completes "cannot read X: …".
 */
int conf_file_read(const char *path, size_t max, size_t slack, bool regular,
    struct conf_contents *contents, char *why);

/* The path as the file from means it: relative to the folder that holds it.
 * The caller releases it with mem_free(); NULL without memory. */
char *conf_file_resolve(const char *from, const char *path);

/* The names in the folder that end in ".conf" and do not begin with a dot,
 * in the order of strcmp(3).  The caller releases each and the array with
 * mem_free().  0, or -1 with errno. */
int conf_file_list(const char *folder, char ***names, size_t *n);

#endif
