/*
 * CPU quotas of control groups; see cgroup.h.  Only reads, once at start.
 *
 * A process in a container may see a path in /proc/self/cgroup that does not
 * exist below the mount it sees.  Walking up from it ends at the mount's own
 * root, which then is the container's group, so nothing is special about it.
 */
#include "base/cgroup.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first line of dir/name.  False if there is none that fits. */
static bool
read_line(const char *dir, const char *name, char *line, int size)
{
	char path[PATH_MAX];
	FILE *file;
	bool ok;
	int n;

	n = snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return false;
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	ok = fgets(line, size, file) != NULL;
	(void)fclose(file);
	return ok;
}

/* CPUs that quota in each period is worth, rounded up; 0: no limit. */
static unsigned
quota_cpus(long long quota, long long period)
{
	long long cpus;

	if (quota <= 0 || period <= 0)
		return 0;
	cpus = quota / period + (quota % period != 0);
	return cpus > INT_MAX ? 0 : (unsigned)cpus;
}

/* "50000 100000" or "max 100000". */
static unsigned
quota_v2(const char *dir)
{
	char line[128], *end;
	long long quota, period;

	if (!read_line(dir, "cpu.max", line, sizeof(line)))
		return 0;
	quota = strtoll(line, &end, 10);
	if (end == line || *end != ' ')
		return 0;
	period = strtoll(end, NULL, 10);
	return quota_cpus(quota, period);
}

/* The quota is -1 when there is none. */
static unsigned
quota_v1(const char *dir)
{
	char quota[64], period[64];

	if (!read_line(dir, "cpu.cfs_quota_us", quota, sizeof(quota)) ||
	    !read_line(dir, "cpu.cfs_period_us", period, sizeof(period)))
		return 0;
	return quota_cpus(strtoll(quota, NULL, 10), strtoll(period, NULL, 10));
}

/* The smaller of two quotas, of which 0 is none. */
static unsigned
smaller(unsigned a, unsigned b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

/* The smallest quota of the group and of all above it. */
static unsigned
walk_up(const char *mount, const char *group, unsigned (*read)(const char *))
{
	char dir[PATH_MAX], *slash;
	size_t top = strlen(mount);
	unsigned least;
	int n;

	n = snprintf(dir, sizeof(dir), "%s%s", mount, group);
	if (n < 0 || (size_t)n >= sizeof(dir))
		return read(mount);
	least = read(dir);
	while ((slash = strrchr(dir + top, '/')) != NULL) {
		*slash = '\0';
		least = smaller(least, read(dir));
	}
	return least;
}

/* Whether the comma-separated list names the controller. */
static bool
has_controller(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (;;) {
		size_t n = strcspn(list, ",");

		if (n == len && memcmp(list, name, len) == 0)
			return true;
		if (list[n] == '\0')
			return false;
		list += n + 1;
	}
}

/* One line of /proc/self/cgroup, "ID:CONTROLLERS:/PATH". */
static unsigned
line_quota(char *line, const char *root)
{
	char mount[PATH_MAX], *controllers, *group;
	int n;

	controllers = strchr(line, ':');
	if (controllers == NULL)
		return 0;
	*controllers++ = '\0';
	group = strchr(controllers, ':');
	if (group == NULL || group[1] != '/')
		return 0;
	*group++ = '\0';
	if (controllers[0] == '\0')
		return walk_up(root, group, quota_v2);
	if (!has_controller(controllers, "cpu"))
		return 0;
	/* "cpu" is a link to "cpu,cpuacct" where the two are mounted as one. */
	n = snprintf(mount, sizeof(mount), "%s/cpu", root);
	if (n < 0 || (size_t)n >= sizeof(mount))
		return 0;
	return walk_up(mount, group, quota_v1);
}

unsigned
cgroup_cpu_quota(const char *self, const char *root)
{
	char line[PATH_MAX + 256];
	unsigned least = 0;
	FILE *file;

	file = fopen(self, "re");
	if (file == NULL)
		return 0;
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		least = smaller(least, line_quota(line, root));
	}
	(void)fclose(file);
	return least;
}
