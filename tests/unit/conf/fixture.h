/*
 * What the tests of conf/ share: a text in, a configuration or its errors
 * out.
 */
#ifndef MUXD_TESTS_UNIT_CONF_FIXTURE_H
#define MUXD_TESTS_UNIT_CONF_FIXTURE_H

#include <stdbool.h>

#include "conf/conf.h"

/* A service that makes any text a whole configuration. */
#define FIXTURE_SERVICE                                                      \
	"service \"fixture\" { listen = \"127.0.0.1:7\" handler = \"echo\" " \
	"}\n"

/* The configuration that the text gives, without errors or warnings. */
struct conf *fixture_parse(const char *text);

/* What conf_errors_print() says of the text, called "t"; the caller frees
 * it.  "" when there is nothing to say. */
char *fixture_errors(const char *text);

/* The same of a file. */
char *fixture_load_errors(const char *path);

/* Fail unless that is all it says. */
void fixture_expect(const char *text, const char *errors);

/* The dump of a configuration; the caller frees it. */
char *fixture_dump(const struct conf *conf, bool origins);

/* Dump, parse, dump: fail unless the texts are the same, with origins and
 * without, or unless the origins are the same when they are read as well.
 * Returns what was parsed. */
struct conf *fixture_round_trip(const struct conf *conf);

/* A folder of its own under $TMPDIR, and its end with all that is in it. */
char *fixture_folder(void);
void fixture_folder_remove(char *folder);

/* Write a file of the folder; its path, which the caller frees. */
char *fixture_write(const char *folder, const char *name, const char *text);

#endif
