/*
 * See harness.h.  The list of what a test has begun is the one mutable
 * global of the tests: cmocka leaves a failed test with a long jump, and only
 * the teardown can then end what runs.
 */
#include "harness.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "client.h"
#include "load.h"
#include "records.h"

#define ARGUMENTS_MAX 64

static struct muxd *all;

/* The text with each "@DIR@" replaced. */
static char *
replace_dir(const struct muxd *muxd, const char *text)
{
	static const char mark[] = "@DIR@";
	size_t len = strlen(muxd->dir), n = 0;
	const char *at;
	char *out, *end;

	for (at = text; (at = strstr(at, mark)) != NULL; at++)
		n++;
	out = test_alloc(strlen(text) + n * len + 1);
	end = out;
	while ((at = strstr(text, mark)) != NULL) {
		memcpy(end, text, (size_t)(at - text));
		end += at - text;
		memcpy(end, muxd->dir, len);
		end += len;
		text = at + sizeof(mark) - 1;
	}
	strcpy(end, text);
	return out;
}

struct muxd *
muxd_new(void)
{
	struct muxd *muxd = calloc(1, sizeof(*muxd));
	const char *tmp = getenv("TMPDIR");

	if (muxd == NULL)
		abort();
	muxd->next = all;
	all = muxd;
	if (tmp == NULL || strlen(tmp) > 32)
		tmp = "/tmp";
	snprintf(muxd->dir, sizeof(muxd->dir), "%s/muxd-test-XXXXXX", tmp);
	/* Open to the user that muxd's processes become. */
	if (mkdtemp(muxd->dir) == NULL || chmod(muxd->dir, 0755) == -1)
		test_fail("%s: %s", muxd->dir, strerror(errno));
	return muxd;
}

static char *
path_in(const struct muxd *muxd, const char *name)
{
	return test_format("%s/%s", muxd->dir, name);
}

void
muxd_write_file(struct muxd *muxd, const char *name, const char *text)
{
	char *path = path_in(muxd, name);
	FILE *file = fopen(path, "we");

	if (file == NULL || fputs(replace_dir(muxd, text), file) == EOF ||
	    fclose(file) == EOF)
		test_fail("%s: %s", path, strerror(errno));
}

static char *
read_stream(FILE *file)
{
	size_t room = 4096, len = 0, n;
	char *text = test_alloc(room), *more;

	while ((n = fread(text + len, 1, room - 1 - len, file)) > 0) {
		len += n;
		if (len < room - 1)
			continue;
		more = test_alloc(room * 4);
		memcpy(more, text, len);
		text = more;
		room *= 4;
	}
	return text;
}

char *
muxd_read_file(struct muxd *muxd, const char *name)
{
	char *path = path_in(muxd, name), *text;
	FILE *file = fopen(path, "re");

	if (file == NULL)
		test_fail("%s: %s", path, strerror(errno));
	text = read_stream(file);
	fclose(file);
	return text;
}

void
muxd_wait_text(struct muxd *muxd, const char *name, const char *text)
{
	int64_t deadline = test_now_ms() + test_deadline_ms();
	char *path = path_in(muxd, name);

	while (access(path, R_OK) == -1 ||
	    strstr(muxd_read_file(muxd, name), text) == NULL) {
		if (test_now_ms() > deadline)
			test_fail("\"%s\" does not appear in %s", text, name);
		(void)poll(NULL, 0, 5);
	}
}

/* Whether a line of the text begins with the word. */
static bool
sets_option(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (;;) {
		text += strspn(text, " \t");
		if (strncmp(text, word, len) == 0 &&
		    (text[len] == ' ' || text[len] == '='))
			return true;
		text = strchr(text, '\n');
		if (text == NULL)
			return false;
		text++;
	}
}

void
muxd_vconfigure(struct muxd *muxd, const char *fmt, va_list ap)
{
	const char *text = test_vformat(fmt, ap);

	muxd_write_file(muxd, "muxd.conf",
	    test_format("%s\n%s%s%s", text,
		sets_option(text, "control")
		    ? ""
		    : "control = \"@DIR@/control.sock\"\n",
		sets_option(text, "log") ? "" : "log { target = \"stderr\" }\n",
		sets_option(text, "user") || geteuid() != 0
		    ? ""
		    : "user = \"nobody\"\n"));
}

void
muxd_configure(struct muxd *muxd, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	muxd_vconfigure(muxd, fmt, ap);
	va_end(ap);
}

/* The wrapper, the binary, and what follows it; the strings live until the
 * teardown. */
static void
make_arguments(
    const struct muxd *muxd, char **arguments, const char *const *more)
{
	const char *binary =
	    muxd->binary != NULL ? muxd->binary : getenv("MUXD");
	char *wrapper, *word;
	size_t n = 0;

	if (binary == NULL)
		test_fail("MUXD is not set: it names the binary to test");
	wrapper = getenv("MUXD_WRAPPER");
	wrapper = test_format("%s", wrapper == NULL ? "" : wrapper);
	while ((word = strsep(&wrapper, " ")) != NULL)
		if (*word != '\0' && n < ARGUMENTS_MAX / 2)
			arguments[n++] = word;
	arguments[n++] = test_format("%s", binary);
	for (; *more != NULL && n < ARGUMENTS_MAX - 1; more++)
		arguments[n++] = test_format("%s", *more);
	arguments[n] = NULL;
}

/* In the process that becomes muxd. */
static void
become_muxd(struct muxd *muxd, char **arguments, int in, int out, int err)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE,
		SIGUSR1, SIGUSR2, SIGCHLD };
	sigset_t none;
	size_t i;

	/* A group of its own can be killed as a whole. */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	if (muxd->prepare != NULL)
		muxd->prepare();
	execvp(arguments[0], arguments);
	dprintf(STDERR_FILENO, "%s: %s\n", arguments[0], strerror(errno));
	_exit(127);
}

/* Start a process of muxd; out -1 is /dev/null. */
static pid_t
spawn(struct muxd *muxd, const char *const *more, int out, int err)
{
	char *arguments[ARGUMENTS_MAX];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid;

	make_arguments(muxd, arguments, more);
	/* What outlives its master shall become this process's child, to be
	 * found. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	fflush(NULL);
	pid = fork();
	if (null == -1 || pid == -1)
		test_fail("cannot start muxd: %s", strerror(errno));
	if (pid == 0)
		become_muxd(muxd, arguments, null, out == -1 ? null : out, err);
	setpgid(pid, pid);
	close(null);
	return pid;
}

static void
make_pipe(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC) == -1)
		test_fail("pipe: %s", strerror(errno));
}

void
muxd_launch(struct muxd *muxd)
{
	const char *arguments[ARGUMENTS_MAX];
	const char *const *more = muxd->arguments;
	const char *backend = getenv("MUXD_BACKEND");
	size_t n = 0;
	int fds[2];

	if (muxd->capture != NULL)
		capture_close(muxd->capture);
	muxd->mark = 0;
	arguments[n++] = "-c";
	arguments[n++] = path_in(muxd, "muxd.conf");
	if (backend != NULL) {
		arguments[n++] = "--event-backend";
		arguments[n++] = backend;
	}
	while (more != NULL && *more != NULL && n < ARGUMENTS_MAX - 1)
		arguments[n++] = *more++;
	arguments[n] = NULL;
	make_pipe(fds);
	muxd->pid = muxd->group = spawn(muxd, arguments, -1, fds[1]);
	close(fds[1]);
	muxd->capture = capture_open(fds[0]);
}

struct muxd *
muxd_start(const char *fmt, ...)
{
	struct muxd *muxd = muxd_new();
	va_list ap;

	va_start(ap, fmt);
	muxd_vconfigure(muxd, fmt, ap);
	va_end(ap);
	muxd_launch(muxd);
	muxd_wait_ready(muxd);
	return muxd;
}

void
muxd_wait_ready(struct muxd *muxd)
{
	muxd_wait_log(muxd, "msg=ready");
}

void
muxd_signal(struct muxd *muxd, int signo)
{
	if (kill(muxd->pid, signo) == -1)
		test_fail("kill: %s", strerror(errno));
}

/* Wait for the end of a child; false at the deadline. */
static bool
wait_child(pid_t pid, int *status)
{
	int64_t deadline = test_now_ms() + test_deadline_ms();
	pid_t got;

	do {
		got = waitpid(pid, status, WNOHANG);
		if (got == pid)
			return true;
		if (got == -1 && errno != EINTR)
			test_fail("waitpid: %s", strerror(errno));
		poll(NULL, 0, 2);
	} while (test_now_ms() < deadline);
	return false;
}

/* What a sanitizer or valgrind has to say about any process is an error of
 * that muxd, whatever its exit status. */
static void
check_reports(struct muxd *muxd)
{
	static const char *const marks[] = { "Sanitizer",
		"runtime error:", "Invalid read", "Invalid write",
		"uninitialised", "definitely lost" };
	const char *line;
	size_t i, j;

	for (i = 0; (line = capture_line(muxd->capture, i)) != NULL; i++)
		for (j = 0; j < sizeof(marks) / sizeof(marks[0]); j++)
			if (strstr(line, marks[j]) != NULL &&
			    strncmp(line, "time=", 5) != 0) {
				muxd_show_log(muxd);
				test_fail("a report of an error: %s", line);
			}
}

/* Whether no process of the group is left, after taking the status of those
 * that have become ours. */
static bool
group_is_gone(pid_t group)
{
	int status;

	while (waitpid(-group, &status, WNOHANG) > 0)
		;
	return kill(-group, 0) == -1;
}

/* A child that has outlived the master is forgiven only if that was killed,
 * and must follow it. */
static void
check_group(struct muxd *muxd, pid_t group, bool killed)
{
	int64_t deadline = test_now_ms() + test_deadline_ms();

	if (!killed && kill(-group, 0) == -1)
		return;
	while (killed && !group_is_gone(group) && test_now_ms() < deadline)
		poll(NULL, 0, 2);
	if (killed && group_is_gone(group))
		return;
	kill(-group, SIGKILL);
	muxd_show_log(muxd);
	test_fail("a process of muxd has outlived its master");
}

int
muxd_wait_exit(struct muxd *muxd)
{
	pid_t group = muxd->group;
	int status;

	if (!wait_child(muxd->pid, &status)) {
		muxd_show_log(muxd);
		test_fail("muxd does not end");
	}
	muxd->pid = 0;
	check_group(muxd, group, WIFSIGNALED(status));
	if (!capture_wait_end(muxd->capture, test_deadline_ms())) {
		muxd_show_log(muxd);
		test_fail("a process of muxd lives on");
	}
	check_reports(muxd);
	return status;
}

int
muxd_wait_detached(struct muxd *muxd)
{
	int status;

	if (!wait_child(muxd->pid, &status) || !WIFEXITED(status)) {
		muxd_show_log(muxd);
		test_fail("muxd does not detach");
	}
	muxd->pid = 0;
	return WEXITSTATUS(status);
}

int
muxd_wait_status(struct muxd *muxd)
{
	int status = muxd_wait_exit(muxd);

	if (!WIFEXITED(status)) {
		muxd_show_log(muxd);
		test_fail("muxd ended with status %#x", (unsigned)status);
	}
	return WEXITSTATUS(status);
}

/* Only what the test has put there may be in the folder: no socket is left. */
static void
check_folder(struct muxd *muxd)
{
	DIR *dir = opendir(muxd->dir);
	struct dirent *entry;
	struct stat st;

	if (dir == NULL)
		test_fail("%s: %s", muxd->dir, strerror(errno));
	while ((entry = readdir(dir)) != NULL)
		if (fstatat(dirfd(dir), entry->d_name, &st,
			AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISSOCK(st.st_mode))
			test_fail("muxd has left the socket %s", entry->d_name);
	closedir(dir);
}

void
muxd_stop(struct muxd *muxd)
{
	int status;

	muxd_signal(muxd, SIGTERM);
	status = muxd_wait_status(muxd);
	if (status != 0) {
		muxd_show_log(muxd);
		test_fail("muxd ended with exit status %d", status);
	}
	check_folder(muxd);
}

void
muxd_expect_failure(struct muxd *muxd, int status, const char *text)
{
	int got = muxd_wait_status(muxd);

	if (got != status || strstr(muxd_output(muxd), text) == NULL) {
		muxd_show_log(muxd);
		test_fail("muxd ended with exit status %d; expected %d and: %s",
		    got, status, text);
	}
	check_folder(muxd);
}

struct muxd_result
muxd_run_arguments(struct muxd *muxd, const char *const *arguments)
{
	struct muxd_result result;
	FILE *out = tmpfile(), *err = tmpfile();
	int status;

	if (out == NULL || err == NULL)
		test_fail("tmpfile: %s", strerror(errno));
	muxd->pid = muxd->group =
	    spawn(muxd, arguments, fileno(out), fileno(err));
	if (!wait_child(muxd->pid, &status))
		test_fail("muxd does not end");
	muxd->pid = 0;
	if (!WIFEXITED(status))
		test_fail("muxd ended with status %#x", (unsigned)status);
	result.status = WEXITSTATUS(status);
	rewind(out);
	rewind(err);
	result.out = read_stream(out);
	result.err = read_stream(err);
	fclose(out);
	fclose(err);
	return result;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
muxd_free(struct muxd *muxd)
{
	pid_t group = muxd->group;
	int status;

	if (muxd->pid != 0) {
		if (muxd->capture != NULL)
			muxd_show_log(muxd);
		kill(-group, SIGKILL);
		kill(-group, SIGCONT);
		while (waitpid(-group, &status, 0) != -1 || errno == EINTR)
			;
	}
	if (muxd->capture != NULL)
		capture_close(muxd->capture);
	nftw(muxd->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(muxd);
}

int
muxd_teardown(void **state)
{
	struct muxd *muxd;

	(void)state;
	client_close_all();
	load_kill_all();
	while ((muxd = all) != NULL) {
		all = muxd->next;
		muxd_free(muxd);
	}
	test_release_memory();
	return 0;
}
