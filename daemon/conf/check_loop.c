/*
 * The cross-check for loops: a connection that comes back to the pool it left
 * would go round until descriptors run out.
 *
 * Services are the nodes of a graph, and each server of a service's pool that
 * is a service of muxd's is an edge.  The graph is searched in depth; the path
 * is kept, since an edge back into it closes a loop, and the path tells which.
 */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/check_common.h"
#include "conf/loop.h"
#include "conf/values.h"

enum visit {
	VISIT_NOT,
	VISIT_OPEN, /* it is on the path */
	VISIT_DONE
};

struct step {
	const struct conf_service *service;
	size_t next; /* the server of its pool that comes next */
};

struct walk {
	const struct check *check;
	bool datagrams;
	enum visit *visits; /* by service */
	struct step *path;
	size_t depth;
};

/* Append "service -> pool -> server" of a step. */
static void
append_step(struct strbuf *out, const struct step *step)
{
	const struct conf_pool *pool = step->service->pool;
	const struct conf_server *server = &pool->servers[step->next - 1];

	strbuf_printf(out, "service \"%s\" -> pool \"%s\" -> server \"%s\" (",
	    step->service->name, pool->name, server->name);
	conf_type_target.format(
	    conf_option_get(SECTION_POOL_SERVER, "address"), server, 0, out);
	strbuf_puts(out, ") -> ");
}

/* Whether the same has been said before: of streams, if these are datagrams. */
static bool
is_told(const struct conf_errors *errors, const struct conf_setting *at,
    const char *text)
{
	size_t i;

	for (i = 0; i < errors->n; i++) {
		if (errors->items[i].line == at->line &&
		    strcmp(errors->items[i].file, at->file) == 0 &&
		    strcmp(errors->items[i].text, text) == 0)
			return true;
	}
	return false;
}

/* The last step of the path leads to the service, which is on it. */
static void
report(const struct walk *walk, const struct conf_service *service)
{
	const struct step *last = &walk->path[walk->depth - 1];
	const struct conf_server *server =
	    &last->service->pool->servers[last->next - 1];
	const struct conf_setting *address =
	    conf_scope_find(conf_source_scope(walk->check->source, server),
		conf_option_get(SECTION_POOL_SERVER, "address"));
	struct conf_errors *errors = walk->check->errors;
	struct strbuf text = { 0 };
	size_t i = 0;

	while (walk->path[i].service != service)
		i++;
	strbuf_puts(&text, "connections would go round in a loop: ");
	for (; i < walk->depth; i++)
		append_step(&text, &walk->path[i]);
	strbuf_printf(&text, "service \"%s\"", service->name);
	if (text.failed || !is_told(errors, address, text.text))
		conf_error_add(errors, false, address->file, address->line,
		    "%s", text.failed ? "out of memory" : text.text);
	strbuf_free(&text);
}

static enum visit *
visit_of(const struct walk *walk, const struct conf_service *service)
{
	return &walk->visits[service - walk->check->conf->services];
}

static void
enter(struct walk *walk, const struct conf_service *service)
{
	*visit_of(walk, service) = VISIT_OPEN;
	walk->path[walk->depth++] = (struct step){ .service = service };
}

/* Where the path goes on from its last step, or NULL when that is through. */
static const struct conf_service *
next_service(struct walk *walk)
{
	struct step *last = &walk->path[walk->depth - 1];
	const struct conf_pool *pool = last->service->pool;
	const struct conf_service *found;

	if (pool == NULL || last->service->handler != HANDLER_RELAY)
		return NULL;
	while (last->next < pool->nservers) {
		found = conf_service_of_server(walk->check->conf,
		    walk->datagrams, &pool->servers[last->next++]);
		if (found != NULL)
			return found;
	}
	return NULL;
}

static void
walk_from(struct walk *walk, const struct conf_service *start)
{
	const struct conf_service *next;

	enter(walk, start);
	while (walk->depth > 0) {
		next = next_service(walk);
		if (next == NULL) {
			walk->depth--;
			*visit_of(walk, walk->path[walk->depth].service) =
			    VISIT_DONE;
		} else if (*visit_of(walk, next) == VISIT_OPEN) {
			report(walk, next);
		} else if (*visit_of(walk, next) == VISIT_NOT) {
			enter(walk, next);
		}
	}
}

static void
walk_all(struct walk *walk)
{
	const struct conf *conf = walk->check->conf;
	size_t i;

	memset(walk->visits, 0, conf->nservices * sizeof(*walk->visits));
	for (i = 0; i < conf->nservices; i++) {
		const struct conf_service *service = &conf->services[i];

		if (*visit_of(walk, service) == VISIT_NOT &&
		    conf_service_takes(service, walk->datagrams))
			walk_from(walk, service);
	}
}

void
conf_check_loops(const struct check *check)
{
	size_t n = check->conf->nservices;
	struct walk walk = { .check = check };

	walk.visits = mem_array(n, sizeof(*walk.visits));
	walk.path = mem_array(n, sizeof(*walk.path));
	if (walk.visits == NULL || walk.path == NULL) {
		conf_error_add(check->errors, false,
		    check->source->files[0]->name, 0, "out of memory");
		goto out;
	}
	walk_all(&walk);
	walk.datagrams = true;
	walk_all(&walk);
out:
	mem_free(walk.path);
	mem_free(walk.visits);
}
