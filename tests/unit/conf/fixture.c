/*
 * What the tests of conf/ share.
 */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ftw.h>

static struct conf *
parse(const char *text, bool origins)
{
	struct conf_errors errors = { 0 };
	struct conf *conf = origins
	    ? conf_parse_with_origins(text, "(a dump)", &errors)
	    : conf_parse(text, "t", &errors);

	conf_errors_print(&errors, stderr);
	assert_int_equal(errors.n, 0);
	assert_int_equal(errors.nerrors, 0);
	assert_non_null(conf);
	conf_errors_free(&errors);
	return conf;
}

struct conf *
fixture_parse(const char *text)
{
	return parse(text, false);
}

/* Print, and check that conf is there unless there are errors. */
static char *
collect(struct conf *conf, struct conf_errors *errors)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	conf_errors_print(errors, out);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(conf == NULL, errors->nerrors > 0);
	conf_errors_free(errors);
	conf_free(conf);
	return text;
}

char *
fixture_errors(const char *text)
{
	struct conf_errors errors = { 0 };
	struct conf *conf = conf_parse(text, "t", &errors);

	return collect(conf, &errors);
}

char *
fixture_load_errors(const char *path)
{
	struct conf_errors errors = { 0 };
	struct conf *conf = conf_load(path, &errors);

	return collect(conf, &errors);
}

void
fixture_expect(const char *text, const char *expected)
{
	char *errors = fixture_errors(text);

	assert_string_equal(errors, expected);
	free(errors);
}

char *
fixture_dump(const struct conf *conf, bool origins)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(conf_dump(conf, out, origins), 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

struct conf *
fixture_round_trip(const struct conf *conf)
{
	char *first = fixture_dump(conf, false);
	char *marked = fixture_dump(conf, true);
	struct conf *plain = fixture_parse(first);
	struct conf *from_marked = fixture_parse(marked);
	char *second = fixture_dump(plain, false);
	char *third = fixture_dump(from_marked, false), *fourth, *fifth;
	struct conf *same;

	assert_string_equal(first, second);
	assert_string_equal(first, third);
	conf_free(from_marked);
	same = parse(marked, true);
	fourth = fixture_dump(same, false);
	fifth = fixture_dump(same, true);
	assert_string_equal(first, fourth);
	assert_string_equal(marked, fifth);
	conf_free(same);
	free(fourth);
	free(fifth);
	free(first);
	free(marked);
	free(second);
	free(third);
	return plain;
}

char *
fixture_folder(void)
{
	const char *tmp = getenv("TMPDIR");
	char *path;

	assert_int_not_equal(
	    asprintf(&path, "%s/muxd-conf.XXXXXX", tmp != NULL ? tmp : "/tmp"),
	    -1);
	assert_non_null(mkdtemp(path));
	return path;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
fixture_folder_remove(char *folder)
{
	assert_int_equal(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(folder);
}

char *
fixture_write(const char *folder, const char *name, const char *text)
{
	char *path;
	FILE *out;

	assert_int_not_equal(asprintf(&path, "%s/%s", folder, name), -1);
	out = fopen(path, "w");
	assert_non_null(out);
	assert_int_not_equal(fputs(text, out), EOF);
	assert_int_equal(fclose(out), 0);
	return path;
}
