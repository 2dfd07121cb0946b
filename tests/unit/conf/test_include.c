/*
 * Files that include others, folders that are included, and what can be
 * wrong with both.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <unistd.h>

#include "fixture.h"

static int
enter_folder(void **state)
{
	char *folder = fixture_folder();

	*state = folder;
	return folder != NULL ? 0 : -1;
}

static int
leave_folder(void **state)
{
	fixture_folder_remove(*state);
	return 0;
}

static void
make_folder(const char *folder, const char *name)
{
	char *path;

	assert_int_not_equal(asprintf(&path, "%s/%s", folder, name), -1);
	assert_int_equal(mkdir(path, 0700), 0);
	free(path);
}

/* Write a file for its being there. */
static void
put(const char *folder, const char *name, const char *text)
{
	free(fixture_write(folder, name, text));
}

/* Load FOLDER/main.conf and expect these errors, in which every FOLDER/ is
 * left out. */
static void
expect(const char *folder, const char *expected)
{
	char *path, *errors, *at;
	size_t len = strlen(folder) + 1;

	assert_int_not_equal(asprintf(&path, "%s/main.conf", folder), -1);
	errors = fixture_load_errors(path);
	while ((at = strstr(errors, folder)) != NULL)
		memmove(at, at + len, strlen(at + len) + 1);
	assert_string_equal(errors, expected);
	free(errors);
	free(path);
}

static void
a_path_is_relative_to_the_file_it_stands_in(void **state)
{
	char *folder = *state;

	make_folder(folder, "sub");
	put(folder, "main.conf", "include(\"sub/a.conf\")\n" FIXTURE_SERVICE);
	put(folder, "sub/a.conf", "include('b.conf')\nworkers = 3\n");
	put(folder, "sub/b.conf", "user = x\n");
	expect(folder, "");
}

static void
what_is_included_counts(void **state)
{
	char *folder = *state, *path;
	struct conf_errors errors = { 0 };
	struct conf *conf;

	path = fixture_write(
	    folder, "main.conf", "include(\"a.conf\")\ninclude(\"b.conf\")\n");
	put(folder, "a.conf", FIXTURE_SERVICE);
	put(folder, "b.conf", "defaults { idle_timeout = 3s }\n");
	conf = conf_load(path, &errors);
	assert_non_null(conf);
	assert_int_equal(conf->services[0].timeouts.idle, 3000);
	assert_true(strlen(conf->services[0].file) > strlen("/a.conf"));
	assert_string_equal(conf->services[0].file + strlen(folder), "/a.conf");
	conf_free(conf);
	conf_errors_free(&errors);
	free(path);
}

static void
a_folder_gives_its_conf_files_in_c_order(void **state)
{
	char *folder = *state;

	make_folder(folder, "d");
	put(folder, "main.conf",
	    "include_dir(\"d\")\nworkers = 0\n" FIXTURE_SERVICE);
	put(folder, "d/a.conf", "xa = 1\n");
	put(folder, "d/B.conf", "xb = 1\n");
	put(folder, "d/10.conf", "x10 = 1\n");
	put(folder, "d/9.conf", "x9 = 1\n");
	put(folder, "d/.hidden.conf", "hidden = 1\n");
	put(folder, "d/x.conf~", "backup = 1\n");
	put(folder, "d/.conf", "nameless = 1\n");
	put(folder, "d/README", "readme = 1\n");
	expect(folder,
	    "main.conf:2: bad value \"0\" for workers: it must be auto, or 1 "
	    "to 256\n"
	    "d/10.conf:1: unknown option \"x10\"\n"
	    "d/9.conf:1: unknown option \"x9\"\n"
	    "d/B.conf:1: unknown option \"xb\"\n"
	    "d/a.conf:1: unknown option \"xa\"\n");
}

static void
an_empty_folder_is_fine(void **state)
{
	char *folder = *state;

	make_folder(folder, "empty.d");
	put(folder, "main.conf", "include_dir(\"empty.d/\")\n" FIXTURE_SERVICE);
	expect(folder, "");
}

static void
what_is_missing_is_an_error_where_it_is_asked_for(void **state)
{
	char *folder = *state;

	put(folder, "main.conf",
	    "workers = 1\ninclude(\"none.conf\")\n"
	    "include_dir(\"none.d\")\ninclude(\"\")\n");
	expect(folder,
	    "main.conf:2: cannot read \"none.conf\": No such file or "
	    "directory\n"
	    "main.conf:3: cannot read the folder \"none.d\": No such file or "
	    "directory\n"
	    "main.conf:4: cannot read \"\": it is not a regular file\n");
	fixture_expect("include_dir(\"/etc/passwd\")\n",
	    "t:1: cannot read the folder \"/etc/passwd\": Not a directory\n");
}

static void
a_file_that_cannot_be_read_is_an_error(void **state)
{
	char *folder = *state, *path, *errors;

	path = fixture_write(folder, "main.conf", "");
	assert_int_equal(unlink(path), 0);
	expect(folder,
	    "main.conf: cannot read \"main.conf\": No such file or "
	    "directory\n");
	errors = fixture_load_errors(folder);
	assert_non_null(strstr(errors, ": Is a directory\n"));
	free(errors);
	free(path);
}

static void
a_pipe_is_not_waited_for(void **state)
{
	char *folder = *state, *pipe;

	put(folder, "main.conf", "include(\"pipe.conf\")\n");
	assert_int_not_equal(asprintf(&pipe, "%s/pipe.conf", folder), -1);
	assert_int_equal(mkfifo(pipe, 0600), 0);
	expect(folder,
	    "main.conf:1: cannot read \"pipe.conf\": it is not a regular "
	    "file\n");
	free(pipe);
}

static void
a_loop_is_found(void **state)
{
	char *folder = *state;

	put(folder, "main.conf", "include(\"a.conf\")\n" FIXTURE_SERVICE);
	put(folder, "a.conf", "\ninclude(\"./b.conf\")\n");
	put(folder, "b.conf", "include(\"a.conf\")\ninclude(\"main.conf\")\n");
	expect(folder,
	    "./b.conf:1: \"./a.conf\" is included already, at main.conf:1\n"
	    "./b.conf:2: \"./main.conf\" is the file that all began with: it "
	    "cannot be included again\n");
}

static void
a_file_by_two_names_is_one_file(void **state)
{
	char *folder = *state, *from, *to;

	put(folder, "main.conf",
	    "include(\"a.conf\")\ninclude(\"link.conf\")\n" FIXTURE_SERVICE);
	from = fixture_write(folder, "a.conf", "workers = 2\n");
	assert_int_not_equal(asprintf(&to, "%s/link.conf", folder), -1);
	assert_int_equal(symlink(from, to), 0);
	expect(folder,
	    "main.conf:2: \"link.conf\" is included already, at "
	    "main.conf:1\n");
	free(from);
	free(to);
}

static void
depth_has_an_end(void **state)
{
	char *folder = *state, name[32], text[64];
	int i;

	put(folder, "main.conf", "include(\"0.conf\")\n" FIXTURE_SERVICE);
	for (i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "%d.conf", i);
		snprintf(text, sizeof(text), "include(\"%d.conf\")\n", i + 1);
		put(folder, name, text);
	}
	expect(
	    folder, "15.conf:1: files include one another more than 16 deep\n");
}

static void
a_broken_file_does_not_hide_the_others(void **state)
{
	char *folder = *state;

	put(folder, "main.conf",
	    "include(\"a.conf\")\ninclude(\"b.conf\")\nworkers = x\n");
	put(folder, "a.conf", "user = \"\"\nlog {\nlevel = debug\n");
	put(folder, "b.conf", "log { level = inf }\nuser = \"\"\n");
	expect(folder,
	    "main.conf:3: bad value \"x\" for workers: a number is expected\n"
	    "a.conf:1: bad value \"\" for user: it must be 1B to 255B\n"
	    "a.conf:2: this section is not closed\n"
	    "b.conf:1: section \"log\" is given twice, first at a.conf:2\n"
	    "b.conf:2: user is given twice, first at a.conf:1\n");
}

static void
an_include_stands_outside_of_sections(void **state)
{
	(void)state;
	fixture_expect("service \"a\" { include(\"x\") }\n",
	    "t:1: unknown function \"include\" in \"service\": it belongs "
	    "outside of all sections\n");
}

static void
a_nul_byte_is_an_error_of_its_line(void **state)
{
	static const char text[] = "workers = 1\nuser = a\0b\nworkers = 2\n";
	char *folder = *state, *path;
	FILE *out;

	path = fixture_write(folder, "main.conf", "");
	out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(
	    fwrite(text, 1, sizeof(text) - 1, out), sizeof(text) - 1);
	assert_int_equal(fclose(out), 0);
	expect(folder, "main.conf:2: there is a NUL byte in this line\n");
	free(path);
}

static void
a_body_is_read_beside_the_file_that_names_it(void **state)
{
	char *folder = *state, *path;
	struct conf_errors errors = { 0 };
	struct conf *conf;

	make_folder(folder, "sub");
	path = fixture_write(folder, "main.conf", "include(\"sub/a.conf\")\n");
	put(folder, "sub/a.conf",
	    "service \"w\" { listen = \"127.0.0.1:80\" handler = http\n"
	    "http { body_file = \"b.html\" } }\n");
	put(folder, "sub/b.html", "<p>\n");
	conf = conf_load(path, &errors);
	assert_non_null(conf);
	assert_string_equal(conf->services[0].http.body, "<p>\n");
	assert_int_equal(conf->services[0].http.body_len, 4);
	conf_free(conf);
	conf_errors_free(&errors);
	free(path);
}

static void
a_body_has_to_fit_and_to_be_text(void **state)
{
	char *folder = *state, *path, *text, *errors;
	FILE *out;

	path = fixture_write(folder, "body", "");
	assert_int_not_equal(
	    asprintf(&text,
		"service \"w\" { listen = \"127.0.0.1:80\" handler = http\n"
		"http { body_file = \"%s\" } }\n",
		path),
	    -1);
	assert_int_equal(truncate(path, (1 << 20) + 1), 0);
	errors = fixture_errors(text);
	assert_non_null(strstr(errors, "cannot read it: it is larger than 1M"));
	free(errors);
	assert_int_equal(truncate(path, 10), 0);
	errors = fixture_errors(text);
	assert_non_null(strstr(errors, "NUL byte"));
	free(errors);
	out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(fprintf(out, "%0*d", 1 << 20, 0), 1 << 20);
	assert_int_equal(fclose(out), 0);
	fixture_expect(text, "");
	free(text);
	free(path);
}

int
main(void)
{
#define IN_FOLDER(test) \
	cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)
	const struct CMUnitTest tests[] = {
		IN_FOLDER(a_path_is_relative_to_the_file_it_stands_in),
		IN_FOLDER(what_is_included_counts),
		IN_FOLDER(a_folder_gives_its_conf_files_in_c_order),
		IN_FOLDER(an_empty_folder_is_fine),
		IN_FOLDER(what_is_missing_is_an_error_where_it_is_asked_for),
		IN_FOLDER(a_file_that_cannot_be_read_is_an_error),
		IN_FOLDER(a_pipe_is_not_waited_for),
		IN_FOLDER(a_loop_is_found),
		IN_FOLDER(a_file_by_two_names_is_one_file),
		IN_FOLDER(depth_has_an_end),
		IN_FOLDER(a_broken_file_does_not_hide_the_others),
		IN_FOLDER(a_nul_byte_is_an_error_of_its_line),
		IN_FOLDER(a_body_is_read_beside_the_file_that_names_it),
		IN_FOLDER(a_body_has_to_fit_and_to_be_text),
		cmocka_unit_test(an_include_stands_outside_of_sections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
