/*
 * The request parser: which request lines and fields it takes, and which it
 * refuses with which status.
 */
#include <stdio.h>
#include <string.h>

#include "http_feed.h"

/* The table of classes against the grammars' own words. */
static void
classes_agree_with_the_grammars(void **state)
{
	bool alnum;
	int c;

	(void)state;
	for (c = 0; c < 256; c++) {
		alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z');
		assert_int_equal(http_is((unsigned char)c, HTTP_TOKEN),
		    alnum || (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL));
		assert_int_equal(http_is((unsigned char)c, HTTP_NAME),
		    alnum || (c != 0 && strchr("-._~!$&'()*+,;=", c) != NULL));
		assert_int_equal(http_is((unsigned char)c, HTTP_VISIBLE),
		    c > 0x20 && c < 0x7f);
		assert_int_equal(http_is((unsigned char)c, HTTP_TEXT),
		    c == '\t' || (c >= 0x20 && c != 0x7f));
	}
}

static void
plain_request_is_taken(void **state)
{
	struct event event = assert_request("GET / HTTP/1.1\r\n" H "\r\n");

	(void)state;
	assert_int_equal(event.method, HTTP_GET);
	assert_int_equal(event.minor, 1);
	assert_true(event.persists);
}

static void
each_method_is_known(void **state)
{
	static const struct {
		const char *text;
		enum http_method method;
	} cases[] = {
		{ "GET / HTTP/1.1\r\n" H "\r\n", HTTP_GET },
		{ "HEAD / HTTP/1.1\r\n" H "\r\n", HTTP_HEAD },
		{ "POST / HTTP/1.1\r\n" H "\r\n", HTTP_POST },
		{ "PUT / HTTP/1.1\r\n" H "\r\n", HTTP_PUT },
		{ "PATCH / HTTP/1.1\r\n" H "\r\n", HTTP_PATCH },
		{ "DELETE / HTTP/1.1\r\n" H "\r\n", HTTP_DELETE },
		{ "OPTIONS / HTTP/1.1\r\n" H "\r\n", HTTP_OPTIONS },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
		    assert_request(cases[i].text).method, cases[i].method);
}

static void
other_methods_are_not_implemented(void **state)
{
	(void)state;
	assert_fault("BREW / HTTP/1.1\r\n", 501);
	assert_fault("get / HTTP/1.1\r\n", 501);
	assert_fault("GETS / HTTP/1.1\r\n", 501);
	assert_fault("TRACE / HTTP/1.1\r\n", 501);
	assert_fault("CONNECT a:443 HTTP/1.1\r\n", 501);
	assert_fault("!#$%&'*+-.^_`|~09azAZ / HTTP/1.0\r\n", 501);
	assert_fault("OPTIONSOPTIONSOPTIONSOPTIONS / HTTP/1.1\r\n", 501);
}

static void
each_form_of_target_is_taken(void **state)
{
	(void)state;
	assert_request("GET /a/b?c=d&e%20f HTTP/1.1\r\n" H "\r\n");
	assert_request("GET http://a HTTP/1.1\r\n" H "\r\n");
	assert_request("GET HTTP://a/b HTTP/1.1\r\n" H "\r\n");
	assert_request("GET https://a:1/b HTTP/1.1\r\n" H "\r\n");
	assert_request("OPTIONS * HTTP/1.1\r\n" H "\r\n");
}

static void
bad_target_is_refused(void **state)
{
	(void)state;
	assert_fault("GET  HTTP/1.1\r\n", 400);
	assert_fault("GET a HTTP/1.1\r\n", 400);
	assert_fault("GET * HTTP/1.1\r\n", 400);
	assert_fault("OPTIONS ** HTTP/1.1\r\n", 400);
	assert_fault("GET http:/a HTTP/1.1\r\n", 400);
	assert_fault("GET http:// HTTP/1.1\r\n", 400);
	assert_fault("GET http:///a HTTP/1.1\r\n", 400);
	assert_fault("GET https://?a HTTP/1.1\r\n", 400);
	assert_fault("GET https://:80 HTTP/1.1\r\n", 400);
	assert_fault("GET ftp://a/ HTTP/1.1\r\n", 400);
	assert_fault("GET a:80 HTTP/1.1\r\n", 400);
	assert_fault("GET /a\tb HTTP/1.1\r\n", 400);
	assert_fault("GET /\x7f HTTP/1.1\r\n", 400);
	assert_fault("GET /\xc3\xa9 HTTP/1.1\r\n", 400);
	assert_fault_bytes("GET /\0 HTTP/1.1\r\n", 17, 400);
}

static void
bad_request_line_is_refused(void **state)
{
	(void)state;
	assert_fault("GET /\r\n", 400);
	assert_fault("GET /\n", 400);
	assert_fault("GET\r\n", 400);
	assert_fault(" GET / HTTP/1.1\r\n", 400);
	assert_fault(" / HTTP/1.1\r\n", 400);
	assert_fault("GET\t/ HTTP/1.1\r\n", 400);
	assert_fault("GET /  HTTP/1.1\r\n", 400);
	assert_fault("GET / HTTP/1.1 \r\n", 400);
	assert_fault("GET / HTTP/1.10\r\n", 400);
	assert_fault("GET / HTTP/11\r\n", 400);
	assert_fault("GET / HTTP/1.\r\n", 400);
	assert_fault("GET / HTTP/1.x\r\n", 400);
	assert_fault("GET / http/1.1\r\n", 400);
	assert_fault("GET / HTTPS/1.1\r\n", 400);
	assert_fault("GET / HTTP/1.1\rHost: a\r\n\r\n", 400);
	assert_fault("G(T / HTTP/1.1\r\n", 400);
	assert_fault("\x16\x03\x01\x02", 400);
	assert_fault("SSH-2.0-client\r\n", 400);
	assert_fault_bytes("\0", 1, 400);
}

static void
other_versions_are_not_supported(void **state)
{
	(void)state;
	assert_fault("GET / HTTP/2.0\r\n", 505);
	assert_fault("GET / HTTP/0.9\r\n", 505);
	assert_fault("GET / HTTP/9.9\r\n", 505);
	assert_fault("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
	/* A higher minor version is one we understand as 1.1. */
	assert_int_equal(
	    assert_request("GET / HTTP/1.2\r\n" H "\r\n").minor, 1);
}

static void
empty_lines_before_a_request_are_passed(void **state)
{
	(void)state;
	assert_request("\r\nGET / HTTP/1.1\r\n" H "\r\n");
	assert_request("\r\n\n\r\nGET / HTTP/1.1\r\n" H "\r\n");
	assert_fault("\rGET / HTTP/1.1\r\n", 400);
	assert_fault("\r\r\n", 400);
}

static void
head_lines_may_end_in_lf_alone(void **state)
{
	(void)state;
	assert_request("GET / HTTP/1.1\nHost: a\n\n");
	assert_request("GET / HTTP/1.1\r\nHost: a\nA: b\r\n\n");
}

static void
host_is_required_once(void **state)
{
	(void)state;
	assert_fault("GET / HTTP/1.1\r\n\r\n", 400);
	assert_fault("GET / HTTP/1.1\r\nHostx: a\r\n\r\n", 400);
	assert_fault("GET http://a/ HTTP/1.1\r\n\r\n", 400);
	assert_fields_fault("Host: a\r\n", 400);
	assert_fields_fault("hOST: b\r\n", 400);
	assert_fault("GET / HTTP/1.0\r\n" H H "\r\n", 400);
	assert_request("GET / HTTP/1.0\r\n\r\n");
}

static void
host_value_is_checked(void **state)
{
	static const char *const good[] = { "", "a", "a.example", "a:80",
		"a:", "192.0.2.1:8080", "[::1]", "[2001:db8::1]:80", "[v1.x:y]",
		"a_b-c~d", "a%20b", "!$&'()*+,;=" };
	static const char *const bad[] = { "a b", "a/b", "a@b", "a:b", "a:80a",
		"a:80:80", "[::1", "[::1]a", "[::1]]", "a[::1]", "::1", "a%2",
		"a%", "a%zz", "a\"", "a<b", "\xc3\xa9", "http://a", "a\\b",
		"[[::1]]", "a\001" };
	char text[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text),
		    "GET / HTTP/1.1\r\nHost:\t %s \t\r\n\r\n", good[i]);
		assert_request(text);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text),
		    "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", bad[i]);
		assert_fault(text, 400);
	}
}

static void
odd_but_valid_fields_are_taken(void **state)
{
	(void)state;
	assert_fields("A:\r\n");
	assert_fields("A:b\r\n");
	assert_fields("A: \t b \t \r\n");
	assert_fields("A: b c\td\r\n");
	assert_fields("A: \xc3\xa9\xff\x80\r\n");
	assert_fields("!#$%&'*+-.^_`|~09azAZ: b\r\n");
	assert_fields("Content-Length-: x\r\nXContent-Length: y\r\n");
	assert_fields("Content-Lengthcontent-length: x\r\n");
	assert_fields("Upgrade: h2c\r\nConnection: Upgrade\r\n");
}

static void
bad_fields_are_refused(void **state)
{
	(void)state;
	assert_fields_fault("A : b\r\n", 400); /* space before the colon */
	assert_fields_fault("A\t: b\r\n", 400);
	assert_fields_fault("Host : a\r\n", 400);
	assert_fields_fault(": b\r\n", 400); /* no name */
	assert_fields_fault("A\r\n", 400);   /* no colon */
	assert_fields_fault("A\n", 400);
	assert_fields_fault("A b: c\r\n", 400);
	assert_fields_fault("A(: c\r\n", 400);
	assert_fields_fault("\xc3\xa9: c\r\n", 400);
	assert_fields_fault("A: b\r\n c\r\n", 400); /* obs-fold */
	assert_fields_fault("A: b\r\n\tc\r\n", 400);
	assert_fields_fault("A: b\n c\r\n", 400);
	assert_fields_fault("A: b\rc\r\n", 400); /* bare CR */
	assert_fields_fault("A: b\r\r\n", 400);
	assert_fields_fault("A: b\001\r\n", 400);
	assert_fields_fault("A: b\x7f\r\n", 400);
	assert_fields_fault("A: b\x1b[0m\r\n", 400);
	assert_fields_fault("Connection: close\x01\r\n", 400);
	assert_fields_fault("\r", 400); /* the empty line: CR CR */
	assert_fault("GET / HTTP/1.1\r\n " H "\r\n", 400);
	assert_fault_bytes("GET / HTTP/1.1\r\nA: \0\r\n", 22, 400);
	assert_fault_bytes("GET / HTTP/1.1\r\nHost: \0\r\n", 25, 400);
}

static void
connection_decides_about_persistence(void **state)
{
	static const struct {
		const char *text;
		bool persists;
	} cases[] = {
		{ "GET / HTTP/1.1\r\n" H "\r\n", true },
		{ "GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n", false },
		{ "GET / HTTP/1.1\r\n" H "connection: CLOSE\r\n\r\n", false },
		{ "GET / HTTP/1.1\r\n" H "Connection:close\r\n\r\n", false },
		{ "GET / HTTP/1.1\r\n" H "Connection: a, close\r\n\r\n",
		    false },
		{ "GET / HTTP/1.1\r\n" H "Connection: ,,close ,\r\n\r\n",
		    false },
		{ "GET / HTTP/1.1\r\n" H "Connection: a\r\n"
		  "Connection: close\r\n\r\n",
		    false },
		{ "GET / HTTP/1.1\r\n" H "Connection: keep-alive, close\r\n"
		  "\r\n",
		    false },
		{ "GET / HTTP/1.1\r\n" H "Connection: closed\r\n\r\n", true },
		{ "GET / HTTP/1.1\r\n" H "Connection: clos\r\n\r\n", true },
		{ "GET / HTTP/1.1\r\n" H "Connection: clo se\r\n\r\n", true },
		{ "GET / HTTP/1.1\r\n" H "Connection: not close\r\n\r\n",
		    true },
		{ "GET / HTTP/1.1\r\n" H "Connection:\r\n\r\n", true },
		{ "GET / HTTP/1.1\r\n" H "X-Connection: close\r\n\r\n", true },
		{ "GET / HTTP/1.0\r\n\r\n", false },
		{ "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true },
		{ "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true },
		{ "GET / HTTP/1.0\r\nConnection: a,keep-alive ,b\r\n\r\n",
		    true },
		{ "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
		    false },
		{ "GET / HTTP/1.0\r\nConnection: close\r\n"
		  "Connection: keep-alive\r\n\r\n",
		    false },
		{ "GET / HTTP/1.0\r\nConnection: keep alive\r\n\r\n", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
		    assert_request(cases[i].text).persists, cases[i].persists);
}

static void
fault_is_final(void **state)
{
	static const unsigned char bad[] = "\001";
	static const unsigned char more[] = "GET / HTTP/1.1\r\n" H "\r\n";
	struct http_parser parser;
	enum http_verdict verdict;

	(void)state;
	http_parser_init(&parser, MAX_BODY);
	assert_int_equal(http_parse(&parser, bad, 1, &verdict), 1);
	assert_int_equal(verdict, HTTP_FAULT);
	assert_int_equal(
	    http_parse(&parser, more, sizeof(more) - 1, &verdict), 0);
	assert_int_equal(verdict, HTTP_FAULT);
	assert_int_equal(parser.status, 400);
}

static void
parser_tells_where_it_is(void **state)
{
	static const unsigned char text[] =
	    "\r\nPOST / HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\nx";
	struct http_parser parser;
	enum http_verdict verdict;
	size_t body = sizeof(text) - 2;

	(void)state;
	http_parser_init(&parser, MAX_BODY);
	assert_true(http_parser_is_fresh(&parser));
	http_parse(&parser, text, 2, &verdict);
	assert_false(http_parser_is_fresh(&parser));
	assert_false(http_parser_begun(&parser));
	http_parse(&parser, text + 2, 1, &verdict);
	assert_true(http_parser_begun(&parser));
	http_parse(&parser, text + 3, body - 4, &verdict);
	assert_false(http_parser_in_body(&parser));
	http_parse(&parser, text + body - 1, 1, &verdict);
	assert_true(http_parser_in_body(&parser));
	assert_int_equal(verdict, HTTP_MORE);
	http_parse(&parser, text + body, 1, &verdict);
	assert_int_equal(verdict, HTTP_REQUEST);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes_agree_with_the_grammars),
		cmocka_unit_test(plain_request_is_taken),
		cmocka_unit_test(each_method_is_known),
		cmocka_unit_test(other_methods_are_not_implemented),
		cmocka_unit_test(each_form_of_target_is_taken),
		cmocka_unit_test(bad_target_is_refused),
		cmocka_unit_test(bad_request_line_is_refused),
		cmocka_unit_test(other_versions_are_not_supported),
		cmocka_unit_test(empty_lines_before_a_request_are_passed),
		cmocka_unit_test(head_lines_may_end_in_lf_alone),
		cmocka_unit_test(host_is_required_once),
		cmocka_unit_test(host_value_is_checked),
		cmocka_unit_test(odd_but_valid_fields_are_taken),
		cmocka_unit_test(bad_fields_are_refused),
		cmocka_unit_test(connection_decides_about_persistence),
		cmocka_unit_test(fault_is_final),
		cmocka_unit_test(parser_tells_where_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
