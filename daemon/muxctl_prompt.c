/*
 * The prompt: a line is edited while events are written above it.
 *
 * Two connections, since one that subscribes to events gets nothing else.
 * Lines are short, so the editor only knows their end: letters, erasing, the
 * lines before, and completion.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "muxctl.h"
#include "muxctl_table.h"
#include "muxctl_term.h"

#define PROMPT      "muxd> "
#define LINE_MAX_   512
#define HISTORY     32
#define CLEAR_LINE  "\r\033[K"
#define KEY_CTRL(c) ((c) - 'A' + 1)
#define KEY_ESCAPE  27
#define KEY_ERASE   127

struct prompt {
	struct muxctl *muxctl;
	struct link events;
	struct term term;
	char line[LINE_MAX_];
	size_t len;
	char history[HISTORY][LINE_MAX_];
	size_t nhistory; /* lines that were entered */
	size_t shown;    /* which of them is edited; nhistory: a new one */
	unsigned escape; /* keys of an arrow that have come */
	bool over;
};

/* ---- the line ---- */

static void
prompt_draw(const struct prompt *prompt)
{
	printf(CLEAR_LINE PROMPT "%.*s", (int)prompt->len, prompt->line);
	(void)fflush(stdout);
}

static void
prompt_set(struct prompt *prompt, const char *text)
{
	prompt->len = compat_strlcpy(prompt->line, text, LINE_MAX_);
	if (prompt->len >= LINE_MAX_)
		prompt->len = LINE_MAX_ - 1;
}

static void
history_add(struct prompt *prompt)
{
	(void)compat_strlcpy(prompt->history[prompt->nhistory++ % HISTORY],
	    prompt->line, LINE_MAX_);
	prompt->shown = prompt->nhistory;
}

static void
history_show(struct prompt *prompt, bool older)
{
	size_t oldest =
	    prompt->nhistory > HISTORY ? prompt->nhistory - HISTORY : 0;

	if (older && prompt->shown > oldest)
		prompt->shown--;
	else if (!older && prompt->shown < prompt->nhistory)
		prompt->shown++;
	prompt_set(prompt,
	    prompt->shown == prompt->nhistory
		? ""
		: prompt->history[prompt->shown % HISTORY]);
}

static void
erase_word(struct prompt *prompt)
{
	while (prompt->len > 0 && prompt->line[prompt->len - 1] == ' ')
		prompt->len--;
	while (prompt->len > 0 && prompt->line[prompt->len - 1] != ' ')
		prompt->len--;
}

/* ---- completion ---- */

struct found {
	char common[TABLE_CELL_MAX]; /* what all candidates begin with */
	size_t n;
	bool list; /* print them */
};

static void
found_add(void *arg, const char *candidate)
{
	struct found *found = arg;
	size_t i;

	if (strcmp(candidate, "--json") == 0)
		return;
	if (found->list)
		printf("%s  ", candidate);
	if (found->n++ == 0) {
		(void)compat_strlcpy(
		    found->common, candidate, sizeof(found->common));
		return;
	}
	for (i = 0;
	     found->common[i] != '\0' && found->common[i] == candidate[i]; i++)
		continue;
	found->common[i] = '\0';
}

static void
prompt_complete(struct prompt *prompt)
{
	const char *words[REQUEST_WORDS], *why, *partial;
	char copy[LINE_MAX_ + 1];
	struct found found = { .list = false };
	int n;
	size_t typed;

	memcpy(copy, prompt->line, prompt->len);
	n = request_split(copy, prompt->len, words, &why);
	if (n == -1)
		return;
	if (n == 0 || prompt->line[prompt->len - 1] == ' ') {
		if (n == REQUEST_WORDS)
			return;
		words[n++] = "";
	}
	partial = words[n - 1];
	typed = strlen(partial);
	muxctl_complete(
	    &prompt->muxctl->link, words, (size_t)n, found_add, &found);
	if (found.n == 0)
		return;
	if (strlen(found.common) == typed && found.n > 1) {
		putchar('\n');
		found = (struct found){ .list = true };
		muxctl_complete(
		    &prompt->muxctl->link, words, (size_t)n, found_add, &found);
		putchar('\n');
		return;
	}
	prompt->len += compat_strlcpy(prompt->line + prompt->len,
	    found.common + typed, LINE_MAX_ - prompt->len - 1);
	if (prompt->len >= LINE_MAX_ - 1)
		prompt->len = LINE_MAX_ - 2;
	if (found.n == 1)
		prompt->line[prompt->len++] = ' ';
}

/* ---- commands ---- */

static void
prompt_run(struct prompt *prompt, const char *const *words, size_t n)
{
	struct muxctl *muxctl = prompt->muxctl;
	char error[REQUEST_ERROR_MAX];
	struct request request;

	if (n == 1 &&
	    (strcmp(words[0], "quit") == 0 || strcmp(words[0], "exit") == 0)) {
		prompt->over = true;
		return;
	}
	if (request_read(&request, words, n, error) == -1) {
		printf("%s\n", error);
		return;
	}
	switch (request.command->id) {
	case COMMAND_HELP:
		muxctl_help(stdout);
		printf("  %-44s %s\n", "quit", "leave");
		return;
	case COMMAND_EVENTS:
		printf("events are shown as they come\n");
		return;
	case COMMAND_TOP:
		printf("run \"muxctl top\" instead\n");
		return;
	case COMMAND_WAIT_DRAINED:
		/* It can only be interrupted from outside. */
		printf("run \"muxctl wait drained\" instead\n");
		return;
	default:
		break;
	}
	if (muxctl->link.fd == -1 &&
	    muxctl_connect(muxctl, &muxctl->link) != MUXCTL_OK)
		return;
	(void)muxctl_command(muxctl, &request, words, n);
}

static void
prompt_enter(struct prompt *prompt)
{
	const char *words[REQUEST_WORDS], *why;
	char copy[LINE_MAX_ + 1];
	int n;

	putchar('\n');
	prompt->line[prompt->len] = '\0';
	memcpy(copy, prompt->line, prompt->len);
	n = request_split(copy, prompt->len, words, &why);
	if (n > 0)
		history_add(prompt);
	prompt->len = 0;
	if (n == -1)
		printf("%s\n", why);
	else if (n > 0)
		prompt_run(prompt, words, (size_t)n);
}

/* ---- keys ---- */

/* The second and third key of an arrow. */
static void
prompt_escape(struct prompt *prompt, char key)
{
	if (prompt->escape++ == 1 && key == '[')
		return;
	prompt->escape = 0;
	if (key == 'A' || key == 'B')
		history_show(prompt, key == 'A');
}

static void
prompt_key(struct prompt *prompt, char key)
{
	if (prompt->escape > 0) {
		prompt_escape(prompt, key);
		return;
	}
	switch (key) {
	case '\n':
	case '\r':
		prompt_enter(prompt);
		break;
	case '\t':
		prompt_complete(prompt);
		break;
	case KEY_ESCAPE:
		prompt->escape = 1;
		break;
	case KEY_ERASE:
	case '\b':
		if (prompt->len > 0)
			prompt->len--;
		break;
	case KEY_CTRL('U'):
		prompt->len = 0;
		break;
	case KEY_CTRL('W'):
		erase_word(prompt);
		break;
	case KEY_CTRL('C'):
		prompt->len = 0;
		putchar('\n');
		break;
	case KEY_CTRL('D'):
		prompt->over = prompt->len == 0;
		break;
	default:
		if ((unsigned char)key >= ' ' && prompt->len < LINE_MAX_ - 1)
			prompt->line[prompt->len++] = key;
	}
}

static void
prompt_keys(struct prompt *prompt)
{
	char keys[64];
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys)), i;

	if (n == 0 || (n == -1 && errno != EINTR && errno != EAGAIN))
		prompt->over = true;
	for (i = 0; i < n && !prompt->over; i++)
		prompt_key(prompt, keys[i]);
}

/* ---- events ---- */

static void
prompt_event(const json_t *event)
{
	const char *text = json_string_value(json_object_get(event, "text"));

	if (text != NULL)
		printf(CLEAR_LINE "* %s\n", text);
}

static void
prompt_events(struct prompt *prompt)
{
	json_t *event;

	while ((event = link_read(&prompt->events, 0)) != NULL) {
		prompt_event(event);
		json_decref(event);
	}
	if (errno == EAGAIN || errno == EINTR)
		return;
	printf(CLEAR_LINE "* muxd has closed the connection\n");
	link_close(&prompt->events);
	/* Commands try to connect again. */
	link_close(&prompt->muxctl->link);
}

static int
prompt_subscribe(struct prompt *prompt)
{
	static const char *const words[] = { "events" };

	return link_open(&prompt->events, prompt->muxctl->path) == -1 ||
		link_ask(&prompt->events, words, 1) == -1
	    ? -1
	    : 0;
}

static void
prompt_loop(struct prompt *prompt)
{
	struct pollfd pfds[2];

	while (!prompt->over && !term_is_told()) {
		/* A muxd that is back. */
		if (prompt->events.fd == -1 && prompt->muxctl->link.fd != -1)
			(void)prompt_subscribe(prompt);
		prompt_draw(prompt);
		pfds[0] = (struct pollfd){ STDIN_FILENO, POLLIN, 0 };
		pfds[1] = (struct pollfd){ prompt->events.fd, POLLIN, 0 };
		if (poll(pfds, 2, 1000) <= 0)
			continue;
		if (pfds[1].revents != 0)
			prompt_events(prompt);
		if (pfds[0].revents != 0)
			prompt_keys(prompt);
	}
}

int
muxctl_prompt(struct muxctl *muxctl)
{
	struct prompt prompt = { .muxctl = muxctl, .events = { .fd = -1 } };
	int status = muxctl_connect(muxctl, &muxctl->link);

	if (status != MUXCTL_OK)
		return status;
	if (prompt_subscribe(&prompt) == -1 || term_enter(&prompt.term) == -1) {
		fprintf(stderr, "muxctl: %s\n", strerror(errno));
		status = MUXCTL_USAGE;
	} else {
		printf("Commands: help, quit; Tab completes.\n");
		prompt_loop(&prompt);
		printf(CLEAR_LINE);
		(void)fflush(stdout);
		term_leave(&prompt.term);
	}
	link_close(&prompt.events);
	link_close(&muxctl->link);
	return status;
}
