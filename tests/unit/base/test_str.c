/*
 * Growing texts, and which word was meant.
 */
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const options[] = { "listen", "handler", "backlog",
	"keepalive", "nodelay", "pool", "user_timeout", "connections" };

static void
text_grows_as_needed(void **state)
{
	struct strbuf sb = { 0 };
	char *text;

	(void)state;
	for (int i = 0; i < 1000; i++)
		strbuf_printf(&sb, "%03d", i);
	strbuf_puts(&sb, "end");
	strbuf_append(&sb, "..xx", 2);
	assert_int_equal(sb.len, 3005);
	assert_int_equal(strlen(sb.text), 3005);
	text = strbuf_steal(&sb);
	assert_memory_equal(text, "000001002", 9);
	assert_string_equal(text + 3000, "end..");
	assert_null(sb.text);
	assert_int_equal(sb.len, 0);
	mem_free(text);
}

static void
bytes_may_hold_nul(void **state)
{
	struct strbuf sb = { 0 };

	(void)state;
	strbuf_append(&sb, "a\0b", 3);
	assert_int_equal(sb.len, 3);
	assert_memory_equal(sb.text, "a\0b", 4);
	strbuf_free(&sb);
	assert_null(sb.text);
}

static void
empty_text_is_a_text(void **state)
{
	struct strbuf sb = { 0 };
	char *text = strbuf_steal(&sb);

	(void)state;
	assert_non_null(text);
	assert_string_equal(text, "");
	mem_free(text);
}

static void
incomplete_text_is_not_given_away(void **state)
{
	struct strbuf sb = { 0 };

	(void)state;
	strbuf_puts(&sb, "begun");
	strbuf_append(&sb, "", SIZE_MAX - 2);
	assert_true(sb.failed);
	strbuf_puts(&sb, "more");
	assert_null(strbuf_steal(&sb));
	assert_false(sb.failed);
}

static void
misspelt_word_is_recognised(void **state)
{
	static const struct {
		const char *word, *meant;
	} rows[] = {
		{ "listen", "listen" },
		{ "lsten", "listen" },   /* a letter missing */
		{ "listten", "listen" }, /* one too many */
		{ "lizten", "listen" },  /* another one */
		{ "litsen", "listen" },  /* two exchanged */
		{ "Listen", "listen" },
		{ "keep_alive", "keepalive" },
		{ "polo", "pool" },
		{ "usertimeout", "user_timeout" },
		{ "conections", "connections" },
		{ "connection", "connections" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(
		    str_suggest(rows[i].word, options, COUNT(options)),
		    rows[i].meant);
}

static void
exchange_of_neighbours_is_one_step(void **state)
{
	static const char *const words[] = { "abd", "acb" };

	(void)state;
	/* Three letters allow one step; as two replacements it would be two. */
	assert_string_equal(str_suggest("abc", words + 1, 1), "acb");
	/* The first of equally close ones. */
	assert_string_equal(str_suggest("abc", words, 2), "abd");
}

static void
other_word_is_nobodys(void **state)
{
	static const char *const words[] = { "", "zzz", "bandwidth", "li",
		"poor_man" };

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++)
		assert_null(str_suggest(words[i], options, COUNT(options)));
	assert_null(str_suggest("listen", options, 0));
}

static void
more_than_a_third_of_the_letters_is_too_much(void **state)
{
	static const char *const words[] = { "abcdef" };

	(void)state;
	assert_string_equal(str_suggest("abcdXX", words, 1), "abcdef");
	assert_null(str_suggest("abcXXX", words, 1));
}

static void
endless_word_is_nobodys(void **state)
{
	char word[4096];

	(void)state;
	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	assert_null(str_suggest(word, options, COUNT(options)));
	assert_null(str_suggest("listen", (const char *const[]){ word }, 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_grows_as_needed),
		cmocka_unit_test(bytes_may_hold_nul),
		cmocka_unit_test(empty_text_is_a_text),
		cmocka_unit_test(incomplete_text_is_not_given_away),
		cmocka_unit_test(misspelt_word_is_recognised),
		cmocka_unit_test(exchange_of_neighbours_is_one_step),
		cmocka_unit_test(other_word_is_nobodys),
		cmocka_unit_test(more_than_a_third_of_the_letters_is_too_much),
		cmocka_unit_test(endless_word_is_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
