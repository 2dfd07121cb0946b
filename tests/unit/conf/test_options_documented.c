/*
 * The table of options, muxd.conf(5) and the installed sample say the same:
 * nothing that exists is missing, nothing is told that does not exist, and
 * types, defaults and bounds are those of the table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ctype.h>

#include "fixture.h"

#define OPTIONS_MAX 200

/* A file of the source tree; the caller frees it. */
static char *
read_source(const char *name)
{
	const char *srcdir = getenv("MUXD_SRCDIR");
	char *path, *text = NULL;
	size_t size = 0;
	FILE *in;

	assert_int_not_equal(
	    asprintf(&path, "%s/%s", srcdir != NULL ? srcdir : ".", name), -1);
	in = fopen(path, "r");
	if (in == NULL)
		fail_msg("cannot open %s", path);
	/* Up to a byte that no text has: all of it. */
	assert_int_not_equal(getdelim(&text, &size, '\0', in), -1);
	fclose(in);
	free(path);
	return text;
}

/* The index of an option, or -1. */
static int
find_option(const char *section, const char *name)
{
	struct conf_option_info info;
	size_t i;

	for (i = 0; conf_option_at(i, &info); i++) {
		if (strcmp(info.section, section) == 0 &&
		    strcmp(info.name, name) == 0)
			return (int)i;
	}
	return -1;
}

static void
fail_if_missing(const bool *seen, const char *where)
{
	struct conf_option_info info;
	size_t i;

	for (i = 0; conf_option_at(i, &info); i++) {
		if (!seen[i])
			fail_msg("%s.%s is not in %s", info.section, info.name,
			    where);
	}
}

/* ---- the manual ----------------------------------------------------------------- */

/* The lines that the manual has for the option. */
static char *
facts(const struct conf_option_info *info)
{
	static const char *const applies[] = { [APPLIES_RELOAD] = "reload",
		[APPLIES_NEW_CONNECTIONS] = "new connections",
		[APPLIES_RESTART] = "restart" };
	const char *fallback = info->fallback;
	char *text;

	if (info->required)
		fallback = "none, it is required";
	else if (info->inherits != NULL)
		fallback = "that of the section defaults";
	else if (fallback == NULL)
		fallback = "none";
	else if (*fallback == '\0')
		fallback = "empty";
	assert_int_not_equal(
	    asprintf(&text,
		".Pp\nType: %s.\nDefault: %s.\nBounds: %s.\nApplies: %s.\n",
		info->type, fallback,
		info->bounds[0] != '\0' ? info->bounds : "none",
		applies[info->applies]),
	    -1);
	return text;
}

/* Check the entry that begins behind ".It Ic ". */
static void
check_entry(const char *section, const char *entry, bool *seen)
{
	size_t len = strcspn(entry, "\n");
	char *name = strndup(entry, len), *expected;
	struct conf_option_info info;
	const char *end, *found;
	int i;

	assert_non_null(name);
	i = find_option(section, name);
	if (i == -1 || !conf_option_at((size_t)i, &info)) {
		fail_msg("the manual has %s.%s, which does not exist", section,
		    name);
		return;
	}
	if (seen[i])
		fail_msg("the manual has %s.%s twice", section, name);
	seen[i] = true;
	end = strstr(entry, "\n.It Ic ");
	if (end == NULL || strstr(entry, "\n.Ss ") < end)
		end = strstr(entry, "\n.Ss ");
	if (end == NULL)
		end = strstr(entry, "\n.Sh ");
	expected = facts(&info);
	found = strstr(entry, expected);
	if (found == NULL || (end != NULL && found > end))
		fail_msg(
		    "the manual's %s.%s lacks:\n%s", section, name, expected);
	/* More than facts: what it does. */
	assert_true(found == NULL || found > entry + len + 10);
	free(expected);
	free(name);
}

static void
the_manual_has_each_option(void **state)
{
	static const char heading[] = ".Ss Section ";
	bool seen[OPTIONS_MAX] = { false };
	char *text = read_source("man/muxd.conf.5");
	char section[64] = "";
	char *line;

	(void)state;
	for (line = text; line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, heading, sizeof(heading) - 1) == 0)
			snprintf(section, sizeof(section), "%.*s",
			    (int)strcspn(line + sizeof(heading) - 1, "\n"),
			    line + sizeof(heading) - 1);
		else if (strncmp(line, ".It Ic ", 7) == 0)
			check_entry(section, line + 7, seen);
	}
	fail_if_missing(seen, "man/muxd.conf.5");
	free(text);
}

/* The literal blocks behind EXAMPLES, with the manual's \e undone. */
static void
the_manuals_examples_are_valid(void **state)
{
	char *text = read_source("man/muxd.conf.5");
	char *at = strstr(text, "\n.Sh EXAMPLES\n"), *end, *escape;
	unsigned n = 0;

	(void)state;
	assert_non_null(at);
	while ((at = strstr(at, "\n.Bd -literal")) != NULL) {
		at = strchr(at + 1, '\n');
		end = strstr(at, "\n.Ed\n");
		assert_non_null(end);
		*end = '\0';
		while ((escape = strstr(at, "\\e")) != NULL)
			memmove(escape + 1, escape + 2, strlen(escape + 1));
		fixture_expect(at, "");
		at = end + 1;
		n++;
	}
	assert_true(n >= 7);
	free(text);
}

/* ---- the sample ------------------------------------------------------------------- */

/* Where a line of the sample stands: one section to a line, one option to a
 * line. */
struct place {
	char path[3][32];
	size_t depth;
};

static void
section_of(const struct place *place, char *section, size_t size)
{
	size_t i, len = 0;

	section[0] = '\0';
	for (i = 0; i < place->depth; i++)
		len += (size_t)snprintf(section + len, size - len, "%s%s",
		    i > 0 ? "." : "", place->path[i]);
}

/* At their defaults, what is shown beside these would have no effect. */
static bool
is_example(const struct conf_option_info *info)
{
	return strcmp(info->section, "pool.check") == 0 &&
	    (strcmp(info->name, "type") == 0 ||
		strcmp(info->name, "send") == 0 ||
		strcmp(info->name, "expect") == 0);
}

/* An option that is shown commented out is shown at its default. */
static void
check_default(const struct conf_option_info *info, const char *value)
{
	size_t len = strcspn(value, "\n");

	if (is_example(info))
		return;
	if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
		value++;
		len -= 2;
	}
	if (info->fallback != NULL &&
	    (strlen(info->fallback) != len ||
		strncmp(info->fallback, value, len) != 0))
		fail_msg("the sample shows %s.%s as %.*s", info->section,
		    info->name, (int)len, value);
}

static void
check_sample_line(
    struct place *place, const char *line, bool commented, bool *seen)
{
	size_t len = strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789_");
	const char *end = line + strcspn(line, "\n");
	struct conf_option_info info;
	char section[100], name[32];
	int i;

	if (*line == '}') {
		assert_int_not_equal(place->depth, 0);
		place->depth--;
		return;
	}
	if (len == 0 || len >= sizeof(name))
		return;
	snprintf(name, sizeof(name), "%.*s", (int)len, line);
	if (end[-1] == '{') {
		assert_true(place->depth < 3);
		strcpy(place->path[place->depth++], name);
	} else if (strncmp(line + len, " = ", 3) == 0) {
		section_of(place, section, sizeof(section));
		i = find_option(section, name);
		if (i == -1 || !conf_option_at((size_t)i, &info)) {
			fail_msg("the sample has %s.%s", section, name);
			return;
		}
		seen[i] = true;
		if (commented)
			check_default(&info, line + len + 3);
	}
}

/* "#name" or "#}", not "# An explanation". */
static bool
is_commented_out(const char *line)
{
	return line[0] == '#' &&
	    (islower((unsigned char)line[1]) || line[1] == '}');
}

static void
the_sample_shows_each_option(void **state)
{
	bool seen[OPTIONS_MAX] = { false };
	char *text = read_source("conf/muxd.conf");
	struct place place = { .depth = 0 };
	char *line;
	int i;

	(void)state;
	for (line = text; line != NULL; line = strchr(line, '\n')) {
		bool commented;

		line += strspn(line, "\n\t ");
		commented = is_commented_out(line);
		check_sample_line(&place, line + commented, commented, seen);
	}
	assert_int_equal(place.depth, 0);
	/* It excludes body, which is shown live. */
	i = find_option("service.http", "body_file");
	assert_int_not_equal(i, -1);
	seen[i] = strstr(text, "# body_file = \"") != NULL;
	fail_if_missing(seen, "conf/muxd.conf");
	free(text);
}

static void
the_sample_is_valid_with_all_that_it_shows(void **state)
{
	char *text = read_source("conf/muxd.conf"), *line, *errors, *end;

	(void)state;
	for (line = text; line != NULL; line = strchr(line, '\n')) {
		line += strspn(line, "\n\t ");
		if (is_commented_out(line))
			*line = ' ';
	}
	errors = fixture_errors(text);
	/* What has no effect as long as something else is not changed. */
	for (line = errors; *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		*end = '\0';
		if (strstr(line, ": warning: ") == NULL)
			fail_msg("%s", line);
	}
	free(errors);
	free(text);
}

static bool
is_local(const struct endpoint *endpoint)
{
	static const uint8_t loopback6[16] = { [15] = 1 };

	switch (endpoint->addr.family) {
	case ADDR_INET4:
		return endpoint->addr.ip[0] == 127;
	case ADDR_INET6:
		return memcmp(endpoint->addr.ip, loopback6, 16) == 0;
	default:
		return endpoint->transport == TRANSPORT_UNIX;
	}
}

static void
shipped_files_listen_on_loopback_only(void **state)
{
	static const char *const names[] = { "conf/muxd.conf",
		"conf/demo.conf" };
	size_t i, j, k;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *text = read_source(names[i]);
		struct conf *conf = fixture_parse(text);

		for (j = 0; j < conf->nservices; j++) {
			for (k = 0; k < conf->services[j].nlisten; k++)
				assert_true(
				    is_local(&conf->services[j].listen[k]));
		}
		conf_free(conf);
		free(text);
	}
}

/* Every service there is, on every transport that it speaks but UNIX, which
 * echo alone shows, on ports that need no privilege. */
static void
the_demonstration_has_every_service(void **state)
{
	char *text = read_source("conf/demo.conf");
	struct conf *conf = fixture_parse(text);
	unsigned seen[HANDLER_COUNT] = { 0 };
	size_t i, j;

	(void)state;
	for (i = 0; i < conf->nservices; i++) {
		const struct conf_service *service = &conf->services[i];

		for (j = 0; j < service->nlisten; j++) {
			seen[service->handler] |= service->listen[j].transport;
			assert_true(
			    service->listen[j].transport == TRANSPORT_UNIX ||
			    service->listen[j].addr.port > 1024);
		}
	}
	for (i = 0; i < HANDLER_COUNT; i++)
		assert_int_equal(
		    seen[i] | TRANSPORT_UNIX, conf_handlers[i].transports);
	assert_true(seen[HANDLER_ECHO] & TRANSPORT_UNIX);
	conf_free(conf);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manual_has_each_option),
		cmocka_unit_test(the_manuals_examples_are_valid),
		cmocka_unit_test(the_sample_shows_each_option),
		cmocka_unit_test(the_sample_is_valid_with_all_that_it_shows),
		cmocka_unit_test(shipped_files_listen_on_loopback_only),
		cmocka_unit_test(the_demonstration_has_every_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
