/*
 * The program that runs, as it was started: so that another one can be started
 * in the same way, from the same path, which may be another version by then.
 */
#ifndef MUXD_PROC_PROGRAM_H
#define MUXD_PROC_PROGRAM_H

struct program {
	char *path;   /* absolute; symbolic links in it are left alone */
	char *folder; /* that it was started in */
	char **argv;  /* the caller's, which must outlive it */
};

/* Remember it, before the process has left the folder.  -1 with errno, and path
 * is NULL: ENOENT if argv[0] is nowhere in PATH. */
int program_remember(struct program *program, char **argv);

/* Become it anew.  Returns only with errno. */
void program_run(const struct program *program);

/* Also of zeroed memory. */
void program_forget(struct program *program);

#endif
