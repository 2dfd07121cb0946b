/*
 * Asking for new names once: see name_probe.h.
 */
#include "monitor/name_probe.h"

#include <errno.h>
#include <stdint.h>
#include <strings.h>

#include "base/mem.h"
#include "monitor/resolver.h"

/* One server's name. */
struct question {
	struct name_probe *probe;
	size_t number;
};

struct name_probe {
	struct name_probe_config config;
	struct resolver *resolver;
	struct question *questions;
	size_t n;
	size_t pending;
	size_t unknown;
	struct timer timer;
	bool done;
};

static bool
is_name(const struct conf_target *target)
{
	return target->kind == TARGET_NAME || target->kind == TARGET_SRV;
}

/* Whether a server of the configuration has that name. */
static bool
conf_has_name(const struct conf *conf, const struct conf_target *target)
{
	const struct conf_target *other;
	size_t i, j;

	for (i = 0; i < conf->npools; i++) {
		for (j = 0; j < conf->pools[i].nservers; j++) {
			other = &conf->pools[i].servers[j].target;
			if (other->kind == target->kind &&
			    strcasecmp(other->host, target->host) == 0)
				return true;
		}
	}
	return false;
}

static void
probe_done(struct name_probe *probe)
{
	if (probe->done)
		return;
	probe->done = true;
	loop_timer_cancel(probe->config.loop, &probe->timer);
	probe->config.done(probe->config.owner, probe->unknown);
}

static void
probe_heard(const struct question *question, bool none)
{
	struct name_probe *probe = question->probe;

	if (none && question->number < probe->unknown)
		probe->unknown = question->number;
	if (--probe->pending == 0)
		probe_done(probe);
}

static void
probe_addresses(void *arg, const struct resolver_addresses *answer)
{
	probe_heard(arg,
	    answer->inet4 == RESOLVER_NONE && answer->inet6 == RESOLVER_NONE);
}

static void
probe_services(void *arg, const struct resolver_services *answer)
{
	probe_heard(arg, answer->outcome == RESOLVER_NONE);
}

static void
probe_timer(struct timer *timer)
{
	probe_done(container_of(timer, struct name_probe, timer));
}

/* -1 without memory. */
static int
probe_ask(
    struct name_probe *probe, const struct conf_target *target, size_t number)
{
	struct question *question = &probe->questions[probe->n++];
	int result;

	question->probe = probe;
	question->number = number;
	result = target->kind == TARGET_SRV
	    ? resolver_query_services(
		  probe->resolver, target->host, probe_services, question)
	    : resolver_query_addresses(
		  probe->resolver, target->host, probe_addresses, question);
	if (result == 0)
		probe->pending++;
	return result;
}

static int
probe_ask_all(struct name_probe *probe)
{
	const struct conf *conf = probe->config.conf;
	const struct conf_target *target;
	size_t i, j, number = 0;

	for (i = 0; i < conf->npools; i++) {
		for (j = 0; j < conf->pools[i].nservers; j++, number++) {
			target = &conf->pools[i].servers[j].target;
			if (is_name(target) &&
			    !conf_has_name(probe->config.before, target) &&
			    probe_ask(probe, target, number) == -1)
				return -1;
		}
	}
	return 0;
}

int
name_probe_open(
    struct name_probe **begun, const struct name_probe_config *config)
{
	const struct resolver_config resolver = {
		.loop = config->loop,
		.conf = &config->conf->resolver,
	};
	struct name_probe *probe = mem_zalloc(sizeof(*probe));

	*begun = NULL;
	if (probe == NULL)
		return -1;
	probe->config = *config;
	probe->unknown = SIZE_MAX;
	timer_init(&probe->timer, probe_timer);
	probe->questions = mem_array(
	    conf_count_servers(config->conf), sizeof(*probe->questions));
	if (probe->questions == NULL)
		goto fail;
	probe->resolver = resolver_open(&resolver);
	if (probe->resolver == NULL || probe_ask_all(probe) == -1)
		goto fail;
	if (probe->pending == 0) {
		name_probe_close(probe);
		return 0;
	}
	loop_timer_set(config->loop, &probe->timer, NAME_PROBE_MS);
	*begun = probe;
	return 0;
fail:
	name_probe_close(probe);
	errno = ENOMEM;
	return -1;
}

void
name_probe_close(struct name_probe *probe)
{
	if (probe == NULL)
		return;
	loop_timer_cancel(probe->config.loop, &probe->timer);
	resolver_close(probe->resolver);
	mem_free(probe->questions);
	mem_free(probe);
}
