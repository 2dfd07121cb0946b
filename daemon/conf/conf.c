/*
 * Loading: read, build, check.
 */
#include "conf/conf.h"

#include "base/mem.h"
#include "conf/build.h"
#include "conf/check.h"
#include "conf/errors.h"
#include "conf/origins.h"
#include "conf/parse.h"

/* origins: the text tells in comments where it came from. */
static struct conf *
load(const char *name, const char *text, bool origins,
    struct conf_errors *errors)
{
	struct conf *conf = mem_zalloc(sizeof(*conf));

	if (conf == NULL)
		goto no_memory;
	conf->source = conf_source_new();
	if (conf->source == NULL ||
	    conf_source_read(conf->source, name, text, errors) == -1 ||
	    (origins && conf_origins_apply(conf->source, text) == -1) ||
	    conf_build(conf, errors) == -1)
		goto no_memory;
	conf_check(conf, conf->source, errors);
	conf_errors_sort(errors, conf->source);
	conf_origins_settle(conf->source);
	if (errors->nerrors == 0)
		return conf;
	conf_free(conf);
	return NULL;

no_memory:
	conf_error_add(errors, false, name, 0, "out of memory");
	conf_free(conf);
	return NULL;
}

struct conf *
conf_load(const char *path, struct conf_errors *errors)
{
	return load(path, NULL, false, errors);
}

struct conf *
conf_parse(const char *text, const char *name, struct conf_errors *errors)
{
	return load(name, text, false, errors);
}

struct conf *
conf_parse_with_origins(
    const char *text, const char *name, struct conf_errors *errors)
{
	return load(name, text, true, errors);
}

void
conf_free(struct conf *conf)
{
	if (conf == NULL)
		return;
	if (conf->source != NULL)
		conf_release(conf);
	conf_source_free(conf->source);
	mem_free(conf);
}

size_t
conf_count_servers(const struct conf *conf)
{
	size_t i, n = 0;

	for (i = 0; i < conf->npools; i++)
		n += conf->pools[i].nservers;
	return n;
}
