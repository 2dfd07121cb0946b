/*
 * CPU quotas, read from a tree of files that looks like the kernel's.
 */
#include "base/cgroup.h"

#include <sys/stat.h>

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A directory of the test's own: root/self, and root/fs for the mount. */
struct tree {
	char root[64];
	char self[80];
	char fs[80];
};

static int
setup(void **state)
{
	static struct tree tree;

	strcpy(tree.root, "/tmp/muxd-cgroup.XXXXXX");
	if (mkdtemp(tree.root) == NULL)
		return -1;
	snprintf(tree.self, sizeof(tree.self), "%s/self", tree.root);
	snprintf(tree.fs, sizeof(tree.fs), "%s/fs", tree.root);
	*state = &tree;
	return mkdir(tree.fs, 0700);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
teardown(void **state)
{
	struct tree *tree = *state;

	return nftw(tree->root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void
write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* A file below fs, with the directories that lead to it. */
static void
put(const struct tree *tree, const char *name, const char *text)
{
	char path[512], *slash;

	snprintf(path, sizeof(path), "%s/%s", tree->fs, name);
	slash = path + strlen(tree->fs);
	while ((slash = strchr(slash + 1, '/')) != NULL) {
		*slash = '\0';
		if (mkdir(path, 0700) == -1)
			assert_int_equal(errno, EEXIST);
		*slash = '/';
	}
	write_file(path, text);
}

static unsigned
quota(const struct tree *tree, const char *self)
{
	write_file(tree->self, self);
	return cgroup_cpu_quota(tree->self, tree->fs);
}

static void
no_files_are_no_quota(void **state)
{
	struct tree *tree = *state;

	assert_int_equal(cgroup_cpu_quota(tree->self, tree->fs), 0);
	assert_int_equal(quota(tree, ""), 0);
	assert_int_equal(quota(tree, "0::/\n"), 0);
	assert_int_equal(quota(tree, "0::/gone/away\n4:cpu:/gone\n"), 0);
}

static void
version_2_quota_is_rounded_up(void **state)
{
	static const struct {
		const char *text;
		unsigned cpus;
	} rows[] = {
		{ "max 100000\n", 0 },
		{ "100000 100000\n", 1 },
		{ "100001 100000\n", 2 },
		{ "1000 100000\n", 1 },
		{ "250000 100000\n", 3 },
		{ "400000 100000\n", 4 },
		{ "400000 50000\n", 8 },
	};
	struct tree *tree = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put(tree, "a/cpu.max", rows[i].text);
		assert_int_equal(quota(tree, "0::/a\n"), rows[i].cpus);
	}
}

static void
smallest_quota_of_the_path_counts(void **state)
{
	struct tree *tree = *state;

	put(tree, "a/b/c/cpu.max", "800000 100000\n");
	put(tree, "a/b/cpu.max", "max 100000\n");
	put(tree, "a/cpu.max", "300000 100000\n");
	put(tree, "other/cpu.max", "100000 100000\n");
	assert_int_equal(quota(tree, "0::/a/b/c\n"), 3);
	put(tree, "a/b/c/cpu.max", "200000 100000\n");
	assert_int_equal(quota(tree, "0::/a/b/c\n"), 2);
	assert_int_equal(quota(tree, "0::/a/b\n"), 3);
}

static void
container_sees_its_own_group_at_the_mount(void **state)
{
	struct tree *tree = *state;

	put(tree, "cpu.max", "200000 100000\n");
	assert_int_equal(quota(tree, "0::/\n"), 2);
	/* As of the host, and of a group outside of the namespace. */
	assert_int_equal(quota(tree, "0::/system.slice/docker-1\n"), 2);
	assert_int_equal(quota(tree, "0::/../../x\n"), 2);
}

static void
version_1_quota_is_read_where_cpu_is_mounted(void **state)
{
	struct tree *tree = *state;

	put(tree, "cpu/a/b/cpu.cfs_quota_us", "-1\n");
	put(tree, "cpu/a/b/cpu.cfs_period_us", "100000\n");
	put(tree, "cpu/a/cpu.cfs_quota_us", "150000\n");
	put(tree, "cpu/a/cpu.cfs_period_us", "50000\n");
	assert_int_equal(quota(tree, "4:cpu:/a/b\n"), 3);
	assert_int_equal(quota(tree, "4:cpu,cpuacct:/a/b\n"), 3);
	assert_int_equal(quota(tree, "4:cpuacct,cpu:/a\n0::/\n"), 3);
	assert_int_equal(quota(tree, "4:cpuset:/a\n5:cpuacct:/a\n"), 0);
	assert_int_equal(quota(tree, "1:name=cpu:/a\n"), 0);
}

static void
both_versions_side_by_side(void **state)
{
	struct tree *tree = *state;

	put(tree, "cpu/a/cpu.cfs_quota_us", "500000\n");
	put(tree, "cpu/a/cpu.cfs_period_us", "100000\n");
	put(tree, "x/cpu.max", "400000 100000\n");
	assert_int_equal(
	    quota(tree, "9:memory:/m\n4:cpu,cpuacct:/a\n0::/x\n"), 4);
	assert_int_equal(quota(tree, "0::/x\n4:cpu,cpuacct:/a\n"), 4);
	put(tree, "x/cpu.max", "600000 100000\n");
	assert_int_equal(quota(tree, "4:cpu,cpuacct:/a\n0::/x\n"), 5);
}

static void
nonsense_is_no_quota(void **state)
{
	static const char *const texts[] = { "", "\n", "max", "100000",
		"100000 0\n", "0 100000\n", "-5 100000\n", "x 100000\n",
		"100000 x\n", "100000x100000\n",
		"99999999999999999999999 1\n" };
	static const char *const selves[] = { "\n", "::\n", "0:\n", "0::\n",
		"0::a\n", "::::\n", "cpu\n", "\xff\xfe\n" };
	struct tree *tree = *state;
	char *self;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put(tree, "a/cpu.max", texts[i]);
		assert_int_equal(quota(tree, "0::/a\n"), 0);
	}
	put(tree, "a/cpu.max", "100000 100000\n");
	for (size_t i = 0; i < sizeof(selves) / sizeof(selves[0]); i++)
		assert_int_equal(quota(tree, selves[i]), 0);
	/* A path that no buffer holds. */
	self = test_malloc(3 * PATH_MAX);
	memset(self, 'x', 3 * PATH_MAX - 1);
	memcpy(self, "0::/", 4);
	self[3 * PATH_MAX - 1] = '\0';
	assert_int_equal(quota(tree, self), 0);
	test_free(self);
}

int
main(void)
{
#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_TREE(no_files_are_no_quota),
		WITH_TREE(version_2_quota_is_rounded_up),
		WITH_TREE(smallest_quota_of_the_path_counts),
		WITH_TREE(container_sees_its_own_group_at_the_mount),
		WITH_TREE(version_1_quota_is_read_where_cpu_is_mounted),
		WITH_TREE(both_versions_side_by_side),
		WITH_TREE(nonsense_is_no_quota),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
