/*
 * How much CPU time a Linux control group gives: cpu.max of version 2,
 * cpu.cfs_quota_us and cpu.cfs_period_us of version 1, of the process's own
 * group and of all above it.  See cgroups(7) and the kernel's cgroup-v2.rst.
 */
#ifndef MUXD_BASE_CGROUP_H
#define MUXD_BASE_CGROUP_H

/*
 * How many CPUs the smallest quota is worth, rounded up, or 0 when there is
 * none.  self is /proc/self/cgroup or a file of its form, root the directory
 * where the hierarchies are mounted, /sys/fs/cgroup.  What cannot be read or
 * makes no sense is no quota.
 */
unsigned cgroup_cpu_quota(const char *self, const char *root);

#endif
