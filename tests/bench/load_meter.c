/*
 * CPU times by /proc/PID/task/TID/schedstat: to the nanosecond, where the
 * times of stat are counted in ticks.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "load_meter.h"

/* Add what a thread has had; one that has just ended is no error. */
static int
add_thread(pid_t pid, const char *thread, uint64_t *sum)
{
	char path[320];
	uint64_t ns;
	FILE *file;
	int n;

	(void)snprintf(path, sizeof(path), "/proc/%ld/task/%s/schedstat",
	    (long)pid, thread);
	if ((file = fopen(path, "r")) == NULL)
		return errno == ENOENT ? 0 : -1;
	n = fscanf(file, "%" SCNu64, &ns); /* NOLINT(cert-err34-c) */
	(void)fclose(file);
	if (n == 1)
		*sum += ns;
	return 0;
}

static int
add_process(pid_t pid, uint64_t *sum)
{
	const struct dirent *entry;
	char path[64];
	int result = 0, threads = 0;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%ld/task", (long)pid);
	if ((dir = opendir(path)) == NULL)
		return -1;
	while (result == 0 && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		result = add_thread(pid, entry->d_name, sum);
		threads++;
	}
	(void)closedir(dir);
	if (result == 0 && threads == 0) {
		errno = ESRCH;
		return -1;
	}
	return result;
}

static int
add_all(const struct load_meter *meter, uint64_t *sum, pid_t *pid)
{
	unsigned i;

	*sum = 0;
	for (i = 0; i < meter->npids; i++) {
		*pid = meter->pids[i];
		if (add_process(*pid, sum) == -1)
			return -1;
	}
	return 0;
}

static uint64_t
own_time(void)
{
	struct timespec time = { 0 };

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

int
load_meter_begin(struct load_meter *meter, pid_t *pid)
{
	meter->own_begin_ns = own_time();
	return add_all(meter, &meter->begin_ns, pid);
}

int
load_meter_end(const struct load_meter *meter, struct load_meter_result *result,
    pid_t *pid)
{
	uint64_t sum;

	result->own_ns = own_time() - meter->own_begin_ns;
	if (add_all(meter, &sum, pid) == -1)
		return -1;
	/* A thread that ended has taken its time along. */
	result->cpu_ns = sum > meter->begin_ns ? sum - meter->begin_ns : 0;
	return 0;
}
