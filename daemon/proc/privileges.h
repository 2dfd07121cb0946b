/*
 * Giving up privileges: who the children run as, and the way there, which
 * must have no way back.
 */
#ifndef MUXD_PROC_PRIVILEGES_H
#define MUXD_PROC_PRIVILEGES_H

#include <sys/types.h>

#include <stdbool.h>

struct identity {
	bool change; /* false: muxd was not started as root and stays so */
	uid_t uid;
	gid_t gid;
	bool marks; /* children keep CAP_NET_ADMIN, for pool.socket.mark */
};

/*
 * Look up user and group (NULL: the user's own); names or numbers.  When the
 * process is not root nothing is looked up: change is false.  Returns 0, or
 * -1 with *why, a static text that names what is wrong; uid or gid 0 are
 * refused too.
 */
int privileges_find(const char *user, const char *group,
    struct identity *identity, const char **why);

/* Look up an owner for a file: a name or a number.  0 or -1. */
int privileges_find_uid(const char *user, uid_t *uid);
int privileges_find_gid(const char *group, gid_t *gid);

/*
 * Become that identity for good: chdir("/"), setgroups, setresgid,
 * setresuid, empty capability sets (but for what marks need), no_new_privs, and
 * a check that there is no way back.  Without a change of identity only the last three are done.
 * -1 with errno, and *step names the step that failed; the caller must end
 * the process.
 */
int privileges_drop(const struct identity *identity, const char **step);

#endif
