/*
 * The resolver: which servers are asked, and telling who has asked.
 *
 * c-ares calls back whenever it likes, also before it returns from being
 * asked.  So a look-up that is done waits on a list for a timer, which tells
 * its owner from the loop and not from within c-ares.
 */
#include "monitor/resolver.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "monitor/dns_channel.h"
#include "monitor/lookup.h"

#define RESOLV_CONF "/etc/resolv.conf"

struct resolver {
	struct loop *loop;
	const struct conf_resolver *conf;
	char *servers; /* of conf, as c-ares reads them; NULL: the system's */
	const char *path; /* of resolv.conf */
	struct dns_channel channel;
	struct stat seen;  /* resolv.conf, as it was read */
	char error[160];   /* why the servers cannot be asked; "": they can */
	struct list asked; /* questions without an answer */
	struct list done;
	struct timer tell;
};

/* A look-up and who is told. */
struct question {
	struct list link;
	struct resolver *resolver;
	struct lookup *lookup;
	void (*addresses_call)(void *, const struct resolver_addresses *);
	void (*services_call)(void *, const struct resolver_services *);
	void *arg;
};

/* ---- the name servers -------------------------------------------------------- */

/*
 * Look at resolv.conf: c-ares would take one that it may not read for one that
 * is empty.  One that is not there means a server on this machine
 * (resolv.conf(5)).
 */
static void
resolver_stat(struct resolver *resolver, struct stat *seen)
{
	int fd = open(resolver->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	memset(seen, 0, sizeof(*seen));
	resolver->error[0] = '\0';
	if (fd != -1) {
		(void)fstat(fd, seen);
		(void)close(fd);
	} else if (errno != ENOENT)
		(void)snprintf(resolver->error, sizeof(resolver->error),
		    "cannot read %s: %s", resolver->path, strerror(errno));
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Open a channel, or another one if resolv.conf has changed and nobody waits
 * for an answer.  Returns what c-ares says. */
static int
resolver_refresh(struct resolver *resolver)
{
	const struct dns_channel_options options = {
		.servers = resolver->servers,
		.resolv_conf = resolver->path,
		.timeout_ms = (int)resolver->conf->timeout,
		.tries = (int)resolver->conf->tries,
	};
	struct stat seen = resolver->seen;

	if (resolver->servers == NULL)
		resolver_stat(resolver, &seen);
	if (resolver->channel.ares != NULL) {
		if (same_file(&seen, &resolver->seen) ||
		    !list_empty(&resolver->asked))
			return ARES_SUCCESS;
		dns_channel_close(&resolver->channel);
	}
	resolver->seen = seen;
	return dns_channel_open(&resolver->channel, resolver->loop, &options);
}

/* The name servers of the configuration, as c-ares reads them.  Returns -1
 * without memory. */
static int
resolver_list_servers(struct resolver *resolver)
{
	const struct conf_resolver *conf = resolver->conf;
	struct strbuf servers = { 0 };
	char text[ADDR_STRLEN];
	size_t i;

	if (conf->nservers == 0)
		return 0;
	for (i = 0; i < conf->nservers; i++)
		strbuf_printf(&servers, "%s%s", i > 0 ? "," : "",
		    addr_format(&conf->servers[i].addr, text, sizeof(text)));
	resolver->servers = strbuf_steal(&servers);
	return resolver->servers != NULL ? 0 : -1;
}

/* ---- questions ----------------------------------------------------------------- */

static void
question_free(struct question *question)
{
	lookup_free(question->lookup);
	mem_free(question);
}

static void
question_done(struct lookup *lookup)
{
	struct question *question = lookup->owner;
	struct resolver *resolver = question->resolver;

	list_remove(&question->link);
	list_append(&resolver->done, &question->link);
	loop_timer_set(resolver->loop, &resolver->tell, 0);
}

static void
question_tell_addresses(const struct question *question)
{
	const struct lookup *lookup = question->lookup;
	const struct resolver_addresses answer = {
		.inet4 = lookup->parts[LOOKUP_INET4].outcome,
		.inet6 = lookup->parts[LOOKUP_INET6].outcome,
		.error = lookup->error,
		.ttl = lookup->ttl,
		.items = lookup->addresses,
		.n = lookup->naddresses,
	};

	question->addresses_call(question->arg, &answer);
}

static void
question_tell_services(const struct question *question)
{
	const struct lookup *lookup = question->lookup;
	const struct resolver_services answer = {
		.outcome = lookup->parts[LOOKUP_SERVICES].outcome,
		.error = lookup->error,
		.ttl = lookup->ttl,
		.items = lookup->services,
		.n = lookup->nservices,
	};

	question->services_call(question->arg, &answer);
}

static void
resolver_tell(struct timer *timer)
{
	struct resolver *resolver = container_of(timer, struct resolver, tell);
	struct question *question;
	struct list *link;

	while ((link = list_shift(&resolver->done)) != NULL) {
		question = container_of(link, struct question, link);
		if (question->addresses_call != NULL)
			question_tell_addresses(question);
		else
			question_tell_services(question);
		question_free(question);
	}
}

static struct question *
question_new(struct resolver *resolver, struct lookup *lookup, void *arg)
{
	struct question *question;

	if (lookup == NULL)
		return NULL;
	question = mem_zalloc(sizeof(*question));
	if (question == NULL) {
		lookup_free(lookup);
		return NULL;
	}
	question->resolver = resolver;
	question->lookup = lookup;
	question->arg = arg;
	lookup->owner = question;
	lookup->done = question_done;
	return question;
}

static void
question_ask(struct question *question)
{
	struct resolver *resolver = question->resolver;
	int status = resolver_refresh(resolver);

	list_append(&resolver->asked, &question->link);
	if (status != ARES_SUCCESS)
		lookup_fail(question->lookup, ares_strerror(status));
	else
		lookup_start(question->lookup, &resolver->channel,
		    resolver->error[0] != '\0' ? resolver->error : NULL);
}

int
resolver_query_addresses(struct resolver *resolver, const char *name,
    void (*call)(void *arg, const struct resolver_addresses *answer), void *arg)
{
	struct question *question =
	    question_new(resolver, lookup_new_addresses(name), arg);

	if (question == NULL)
		return -1;
	question->addresses_call = call;
	question_ask(question);
	return 0;
}

int
resolver_query_services(struct resolver *resolver, const char *name,
    void (*call)(void *arg, const struct resolver_services *answer), void *arg)
{
	struct question *question =
	    question_new(resolver, lookup_new_services(name), arg);

	if (question == NULL)
		return -1;
	question->services_call = call;
	question_ask(question);
	return 0;
}

struct resolver *
resolver_open(const struct resolver_config *config)
{
	struct resolver *resolver = mem_zalloc(sizeof(*resolver));

	if (resolver == NULL)
		return NULL;
	resolver->loop = config->loop;
	resolver->conf = config->conf;
	resolver->path =
	    config->resolv_conf != NULL ? config->resolv_conf : RESOLV_CONF;
	list_init(&resolver->asked);
	list_init(&resolver->done);
	timer_init(&resolver->tell, resolver_tell);
	if (resolver_list_servers(resolver) == -1) {
		mem_free(resolver);
		return NULL;
	}
	return resolver;
}

void
resolver_close(struct resolver *resolver)
{
	struct list *link;

	if (resolver == NULL)
		return;
	/* Whatever is under way is done then. */
	dns_channel_close(&resolver->channel);
	while ((link = list_shift(&resolver->done)) != NULL)
		question_free(container_of(link, struct question, link));
	loop_timer_cancel(resolver->loop, &resolver->tell);
	mem_free(resolver->servers);
	mem_free(resolver);
}
