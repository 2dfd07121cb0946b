/*
 * A resolver of the test's own; see names_fixture.h.
 */
#include "names_fixture.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/log_format.h"

#define LIST_MAX 320

struct resolver *__wrap_resolver_open(const struct resolver_config *config);
void __wrap_resolver_close(struct resolver *resolver);
int __wrap_resolver_query_addresses(struct resolver *resolver, const char *name,
    void (*call)(void *, const struct resolver_addresses *), void *arg);
int __wrap_resolver_query_services(struct resolver *resolver, const char *name,
    void (*call)(void *, const struct resolver_services *), void *arg);

/* Of the one resolver there is. */
static struct question questions[QUESTIONS_MAX];

/* ---- the resolver ------------------------------------------------------------------ */

struct resolver *
__wrap_resolver_open(const struct resolver_config *config)
{
	assert_non_null(config->loop);
	assert_non_null(config->conf);
	return (struct resolver *)(void *)questions;
}

void
__wrap_resolver_close(struct resolver *resolver)
{
	(void)resolver;
	memset(questions, 0, sizeof(questions));
}

static struct question *
question_new(const char *name, void *arg)
{
	for (unsigned i = 0; i < QUESTIONS_MAX; i++) {
		if (questions[i].name[0] != '\0')
			continue;
		memset(&questions[i], 0, sizeof(questions[i]));
		(void)compat_strlcpy(
		    questions[i].name, name, sizeof(questions[i].name));
		questions[i].arg = arg;
		return &questions[i];
	}
	abort();
}

/* As the real one, it needs memory to ask. */
static bool
has_memory(void)
{
	void *volatile memory = malloc(1);
	bool had = memory != NULL;

	free(memory);
	return had;
}

int
__wrap_resolver_query_addresses(struct resolver *resolver, const char *name,
    void (*call)(void *, const struct resolver_addresses *), void *arg)
{
	assert_non_null(resolver);
	if (!has_memory()) {
		errno = ENOMEM;
		return -1;
	}
	question_new(name, arg)->addresses = call;
	return 0;
}

int
__wrap_resolver_query_services(struct resolver *resolver, const char *name,
    void (*call)(void *, const struct resolver_services *), void *arg)
{
	assert_non_null(resolver);
	if (!has_memory()) {
		errno = ENOMEM;
		return -1;
	}
	question_new(name, arg)->services = call;
	return 0;
}

static struct question *
question_find(const char *name)
{
	for (unsigned i = 0; i < QUESTIONS_MAX; i++)
		if (strcmp(questions[i].name, name) == 0)
			return &questions[i];
	return NULL;
}

bool
names_is_asked(const char *name)
{
	return question_find(name) != NULL;
}

/* Take it off the list: its call may ask anew. */
static struct question
question_take(const char *name)
{
	struct question *question = question_find(name);
	struct question taken;

	if (question == NULL)
		fail_msg("%s is not asked for", name);
	taken = *question;
	question->name[0] = '\0';
	return taken;
}

static size_t
parse_addresses(struct addr *out, const char *addresses)
{
	char text[4096], *rest = text, *one, full[80];
	const char *why;
	size_t n = 0;

	(void)compat_strlcpy(text, addresses, sizeof(text));
	while ((one = strsep(&rest, " ")) != NULL && *one != '\0') {
		assert_true(n < LIST_MAX);
		(void)snprintf(full, sizeof(full),
		    strchr(one, ':') != NULL ? "[%s]:0" : "%s:0", one);
		assert_int_equal(addr_parse(full, &out[n++], &why), 0);
	}
	return n;
}

void
names_answer(const char *name, uint32_t ttl, const char *addresses,
    enum resolver_outcome inet4, enum resolver_outcome inet6)
{
	struct question question = question_take(name);
	struct addr items[LIST_MAX];
	struct resolver_addresses answer = {
		.inet4 = inet4,
		.inet6 = inet6,
		.ttl = ttl,
		.items = items,
		.n = parse_addresses(items, addresses),
	};

	for (size_t i = 0; i < answer.n; i++) {
		if (items[i].family == ADDR_INET4)
			answer.inet4 = RESOLVER_FOUND;
		else
			answer.inet6 = RESOLVER_FOUND;
	}
	if (answer.inet4 != RESOLVER_FOUND || answer.inet6 != RESOLVER_FOUND)
		answer.error = "not found";
	question.addresses(question.arg, &answer);
}

void
names_found(const char *name, const char *addresses)
{
	names_answer(name, 60, addresses, RESOLVER_NONE, RESOLVER_NONE);
}

void
names_none(const char *name)
{
	names_answer(name, 60, "", RESOLVER_NONE, RESOLVER_NONE);
}

void
names_fail(const char *name)
{
	names_answer(name, 60, "", RESOLVER_FAILED, RESOLVER_FAILED);
}

void
names_services(const char *name, uint32_t ttl, const char *records,
    enum resolver_outcome outcome)
{
	struct question question = question_take(name);
	struct resolver_service items[16];
	char targets[16][64] = { { 0 } };
	struct resolver_services answer = {
		.outcome = outcome,
		.ttl = ttl,
		.items = items,
		.error = outcome != RESOLVER_FOUND ? "not found" : NULL,
	};
	char text[1024], *rest = text, *one;

	(void)compat_strlcpy(text, records, sizeof(text));
	while ((one = strsep(&rest, ",")) != NULL && *one != '\0') {
		struct resolver_service *item = &items[answer.n];

		item->target = targets[answer.n++];
		assert_true(sscanf(one, "%hu %hu %hu %63s", &item->priority,
				&item->weight, &item->port, item->target) >= 3);
	}
	question.services(question.arg, &answer);
}

/* ---- the rest -------------------------------------------------------------------------- */

int
names_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL || fake_set_up(state) == -1 ||
	    compat_socketpair(SOCK_DGRAM, f->log_fds) == -1)
		return -1;
	memset(questions, 0, sizeof(questions));
	log_open_channel(&f->log, f->log_fds[1], LOG_LEVEL_INFO, "monitor", -1);
	*state = f;
	return 0;
}

int
names_teardown(void **state)
{
	struct fixture *f = *state;

	names_close(f->names);
	if (f->state != NULL)
		state_close(f->state);
	if (f->conf != NULL)
		conf_free(f->conf);
	(void)close(f->log_fds[0]);
	(void)close(f->log_fds[1]);
	free(f);
	return fake_tear_down(state);
}

static void
wake(void *arg, unsigned worker)
{
	struct fixture *f = arg;

	(void)worker;
	f->woken++;
}

static void
find_slots(struct fixture *f)
{
	const struct conf_server *servers = f->conf->pools[0].servers;
	int slot = state_pool_slot(f->state, "p");

	assert_int_not_equal(slot, -1);
	f->pools[0] = (unsigned)slot;
	for (size_t i = 0; i < f->conf->pools[0].nservers; i++) {
		slot = state_server_places(
		    f->state, "p", servers[i].name, servers[i].nplaces);
		assert_int_not_equal(slot, -1);
		f->places[i] = (unsigned)slot;
	}
}

void
names_load(struct fixture *f, const char *pool)
{
	const struct state_shape shape = { .workers = 1,
		.services = 1,
		.sessions = 8,
		.sources = 16,
		.pools = 1,
		.servers = 80 };
	struct conf_errors errors = { 0 };
	char text[2048];

	(void)snprintf(text, sizeof(text),
	    "service \"s\" { handler = relay pool = p\n"
	    "listen = { \"127.0.0.1:7\", \"*:8\" } }\npool \"p\" { %s }\n",
	    pool);
	f->conf = conf_parse(text, "test.conf", &errors);
	conf_errors_print(&errors, stderr);
	conf_errors_free(&errors);
	assert_non_null(f->conf);
	f->state = state_create(&shape);
	assert_non_null(f->state);
	f->state->wake = wake;
	f->state->wake_arg = f;
	find_slots(f);
}

static void
changed(void *owner, unsigned place)
{
	struct fixture *f = owner;

	assert_true(place >= f->places[0] && place < f->state->shape.servers);
	f->told++;
}

void
names_start(struct fixture *f)
{
	const struct names_config config = {
		.loop = fake.loop,
		.log = &f->log,
		.state = f->state,
		.conf = f->conf,
		.pools = f->pools,
		.places = f->places,
		.changed = changed,
		.owner = f,
	};

	names_close(f->names);
	f->names = names_open(&config);
}

void
names_advance(struct fixture *f, uint64_t ms)
{
	uint64_t until = fake.now_ms + ms;

	(void)f;
	while (fake.now_ms < until)
		assert_int_not_equal(
		    loop_turn(fake.loop, (int)(until - fake.now_ms)), -1);
}

uint64_t
names_wait_question(struct fixture *f, const char *name)
{
	uint64_t began = fake.now_ms;

	(void)f;
	while (!names_is_asked(name)) {
		assert_int_not_equal(loop_turn(fake.loop, 1000), -1);
		if (fake.now_ms - began > 3600000)
			fail_msg("%s is not asked for in an hour", name);
	}
	return fake.now_ms - began;
}

const char *
names_places(struct fixture *f)
{
	static char all[4096];
	const struct conf_pool *pool = &f->conf->pools[0];
	char text[ADDR_STRLEN];
	struct addr addr;
	uint32_t weight;
	size_t len = 0;

	for (size_t i = 0; i < pool->nservers; i++) {
		for (unsigned j = 0; j < pool->servers[i].nplaces; j++) {
			bool used = state_server_get(
			    &f->state->servers[f->places[i] + j], &addr,
			    &weight);

			len += (size_t)snprintf(all + len, sizeof(all) - len,
			    "%s%s", len > 0 ? " " : "",
			    used ? addr_format(&addr, text, sizeof(text))
				 : "-");
			if (used && weight != 1)
				len += (size_t)snprintf(all + len,
				    sizeof(all) - len, "*%u", weight);
		}
	}
	return all;
}

uint32_t
names_generation(const struct fixture *f)
{
	return atomic_load(&f->state->pools[f->pools[0]].generation);
}

static void
take_records(struct fixture *f)
{
	static unsigned char data[LOG_BUFFER_SIZE];
	char line[LOG_LINE_MAX];
	struct log_view view;
	ssize_t len;
	size_t n;

	log_flush(&f->log);
	while ((len = recv(f->log_fds[0], data, sizeof(data), 0)) > 0) {
		for (size_t at = 0; at < (size_t)len; at += n) {
			n = log_view_next(data + at, (size_t)len - at, &view);
			assert_int_not_equal(n, 0);
			assert_true(f->nrecords < RECORDS_MAX);
			(void)log_format_line(&view, LOG_FORMAT_LOGFMT, line);
			(void)compat_strlcpy(
			    f->records[f->nrecords++], line, RECORD_TEXT);
		}
	}
}

unsigned
names_logged(struct fixture *f, ...)
{
	const char *text;
	unsigned count = 0;
	va_list ap;
	bool all;

	take_records(f);
	for (size_t i = 0; i < f->nrecords; i++) {
		all = true;
		va_start(ap, f);
		while ((text = va_arg(ap, const char *)) != NULL)
			all = all && strstr(f->records[i], text) != NULL;
		va_end(ap);
		count += all;
	}
	return count;
}
