/*
 * What the tests of the http service share: clients with real sockets, and a
 * fixture whose one service is http.
 */
#ifndef MUXD_TESTS_SERVICE_HTTP_CLIENT_H
#define MUXD_TESTS_SERVICE_HTTP_CLIENT_H

#include "fixture.h"

/* Times that have nothing to do with what is tested are off. */
#define HTTP_CONF                                                       \
	"service \"web\" { listen = \"127.0.0.1:0\" handler = \"http\"" \
	" idle_timeout = \"0\" http { body = \"200 OK\""                \
	" head_timeout = \"10s\" keepalive_timeout = \"60s\""           \
	" max_body = \"100000B\" } }"
#define HTTP_HEAD_TIMEOUT 10000
#define HTTP_KEEPALIVE    60000
#define HTTP_MAX_BODY     100000

/* Setup and teardown of a test: *state becomes a struct fixture of
 * HTTP_CONF, loaded and not yet started. */
int http_setup(void **state);
int http_teardown(void **state);

#define HTTP_TEST(name) \
	cmocka_unit_test_setup_teardown(name, http_setup, http_teardown)

/* What may be changed until the first client_open(), which starts. */
struct conf_http *http_conf(const struct fixture *f);
void http_set_body(struct fixture *f, const char *body, size_t len);

uint64_t http_requests(const struct fixture *f);

struct client {
	int fd;
	char *text; /* all that has come, NUL-terminated */
	size_t len;
	size_t size;
	size_t seen; /* read by the test so far */
	bool ended;  /* the server's FIN */
	bool reset;
};

/* Connect, and wait for the session. */
struct client client_open(struct fixture *f);
void client_close(struct client *client);

/* Send all of it, and have the server read it. */
void client_send(struct fixture *f, struct client *client, const char *text);
void client_send_bytes(
    struct fixture *f, struct client *client, const char *data, size_t len);

/* Send FIN. */
void client_finish(struct client *client);

/* Take what has come, without waiting. */
void client_take(struct client *client);

/* Wait for n more bytes, and return where they are. */
const char *client_read(struct fixture *f, struct client *client, size_t n);

/* Wait for one response and assert on its status and body (HEAD: NULL).
 * Returns its head, valid until the next call. */
const char *client_expect(struct fixture *f, struct client *client,
    unsigned status, const char *body);

/* Whether the head has this line. */
bool head_has(const char *head, const char *line);

/* Assert that the server closes in order, without another byte. */
void client_expect_end(struct fixture *f, struct client *client);

/* Assert that nothing has come and the connection is open. */
void client_expect_silence(struct fixture *f, struct client *client);

#endif
