/*
 * Giving up privileges: see privileges.h.
 */
#include "proc/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/compat.h"
#include "proc/caps.h"

/* A whole decimal number that fits an id; -1 if it is none. */
static long long
parse_id(const char *text)
{
	char *end;
	long long n;

	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0' || n > UINT32_MAX - 1LL)
		return -1;
	return n;
}

int
privileges_find_uid(const char *user, uid_t *uid)
{
	const struct passwd *pw = getpwnam(user);
	long long id = parse_id(user);

	if (pw == NULL && id == -1)
		return -1;
	*uid = pw != NULL ? pw->pw_uid : (uid_t)id;
	return 0;
}

int
privileges_find_gid(const char *group, gid_t *gid)
{
	const struct group *gr = getgrnam(group);
	long long id = parse_id(group);

	if (gr == NULL && id == -1)
		return -1;
	*gid = gr != NULL ? gr->gr_gid : (gid_t)id;
	return 0;
}

int
privileges_find(const char *user, const char *group, struct identity *identity,
    const char **why)
{
	const struct passwd *pw;

	identity->change = geteuid() == 0;
	identity->uid = geteuid();
	identity->gid = getegid();
	if (!identity->change)
		return 0;
	if (privileges_find_uid(user, &identity->uid) == -1) {
		*why = "there is no such user";
		return -1;
	}
	pw = getpwuid(identity->uid);
	if (pw == NULL && group == NULL) {
		*why = "the user has no group of its own: set group";
		return -1;
	}
	if (pw != NULL)
		identity->gid = pw->pw_gid;
	if (group != NULL && privileges_find_gid(group, &identity->gid) == -1) {
		*why = "there is no such group";
		return -1;
	}
	if (identity->uid == 0 || identity->gid == 0) {
		*why = "workers must not run as root";
		return -1;
	}
	return 0;
}

static int
privileges_change(const struct identity *identity, const char **step)
{
	*step = "setgroups";
	if (setgroups(0, NULL) == -1)
		return -1;
	*step = "setgid";
	if (compat_setgid(identity->gid) == -1)
		return -1;
	*step = "setuid";
	if (compat_setuid(identity->uid) == -1)
		return -1;
	*step = "the check that root is out of reach";
	if (setuid(0) == 0 || seteuid(0) == 0 || geteuid() == 0 ||
	    getegid() == 0) {
		errno = EPERM;
		return -1;
	}
	return 0;
}

int
privileges_drop(const struct identity *identity, const char **step)
{
	*step = "chdir";
	if (chdir("/") == -1)
		return -1;
	*step = "keeping CAP_NET_ADMIN";
	if (identity->marks && caps_keep() == -1)
		return -1;
	if (identity->change && privileges_change(identity, step) == -1)
		return -1;
	*step = "giving up capabilities";
	if (caps_reduce(identity->marks) == -1)
		return -1;
	*step = "no_new_privs";
	return compat_no_new_privs();
}
