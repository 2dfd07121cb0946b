/*
 * A name server for tests; see dns_server.h.
 */
#include "dns_server.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define RECORDS_MAX 256
#define NAME_SIZE   256
#define MESSAGE_MAX 16384

enum { HEADER_LEN = 12, RCODE_SERVFAIL = 2, RCODE_NXDOMAIN = 3 };

struct record {
	char name[NAME_SIZE]; /* empty: free */
	unsigned type;
	uint32_t ttl;
	unsigned char data[NAME_SIZE + 8]; /* as on the wire */
	size_t len;
};

/* What is known of a name and type beside its records. */
struct topic {
	char name[NAME_SIZE];
	unsigned type;
	unsigned asked;
	enum dns_fault fault;
};

struct dns_server {
	pthread_t thread;
	pthread_mutex_t mutex; /* recursive */
	int udp, tcp, stop[2];
	uint16_t port;
	unsigned asked_tcp;
	struct record records[RECORDS_MAX];
	struct topic topics[RECORDS_MAX];
};

struct message {
	unsigned char data[MESSAGE_MAX];
	size_t len;
};

/* ---- the table ----------------------------------------------------------------- */

static void
lock(struct dns_server *server)
{
	(void)pthread_mutex_lock(&server->mutex);
}

static void
unlock(struct dns_server *server)
{
	(void)pthread_mutex_unlock(&server->mutex);
}

void
dns_server_begin(struct dns_server *server)
{
	lock(server);
}

void
dns_server_commit(struct dns_server *server)
{
	unlock(server);
}

static struct topic *
topic_find(struct dns_server *server, const char *name, unsigned type)
{
	struct topic *topic;
	unsigned i;

	for (i = 0; i < RECORDS_MAX; i++) {
		topic = &server->topics[i];
		if (topic->name[0] == '\0') {
			(void)strncpy(topic->name, name, NAME_SIZE - 1);
			topic->type = type;
		}
		if (strcasecmp(topic->name, name) == 0 && topic->type == type)
			return topic;
	}
	abort();
}

static size_t
encode_name(unsigned char *out, const char *name)
{
	size_t label, len = 0;

	while (*name != '\0') {
		label = strcspn(name, ".");
		out[len++] = (unsigned char)label;
		memcpy(out + len, name, label);
		len += label;
		name += label;
		if (*name == '.')
			name++;
	}
	out[len++] = 0;
	return len;
}

static size_t
put16(unsigned char *out, unsigned value)
{
	out[0] = (unsigned char)(value >> 8);
	out[1] = (unsigned char)value;
	return 2;
}

static void
add(struct dns_server *server, const char *name, unsigned type, uint32_t ttl,
    const unsigned char *data, size_t len)
{
	struct record *record;
	unsigned i;

	lock(server);
	for (i = 0; i < RECORDS_MAX; i++) {
		record = &server->records[i];
		if (record->name[0] != '\0')
			continue;
		(void)strncpy(record->name, name, NAME_SIZE - 1);
		record->type = type;
		record->ttl = ttl;
		memcpy(record->data, data, len);
		record->len = len;
		unlock(server);
		return;
	}
	abort();
}

void
dns_server_address(
    struct dns_server *server, const char *name, uint32_t ttl, const char *ip)
{
	unsigned char data[16];

	if (inet_pton(AF_INET, ip, data) == 1)
		add(server, name, DNS_A, ttl, data, 4);
	else if (inet_pton(AF_INET6, ip, data) == 1)
		add(server, name, DNS_AAAA, ttl, data, 16);
	else
		abort();
}

void
dns_server_cname(struct dns_server *server, const char *name, uint32_t ttl,
    const char *target)
{
	unsigned char data[NAME_SIZE + 8];

	add(server, name, DNS_CNAME, ttl, data, encode_name(data, target));
}

void
dns_server_srv(struct dns_server *server, const char *name, uint32_t ttl,
    uint16_t priority, uint16_t weight, uint16_t port, const char *target)
{
	unsigned char data[NAME_SIZE + 8];
	size_t len = 0;

	len += put16(data + len, priority);
	len += put16(data + len, weight);
	len += put16(data + len, port);
	len += encode_name(data + len, target);
	add(server, name, DNS_SRV, ttl, data, len);
}

void
dns_server_clear(struct dns_server *server, const char *name)
{
	unsigned i;

	lock(server);
	for (i = 0; i < RECORDS_MAX; i++) {
		if (strcasecmp(server->records[i].name, name) == 0)
			server->records[i].name[0] = '\0';
		if (strcasecmp(server->topics[i].name, name) == 0)
			server->topics[i].fault = DNS_ANSWERS;
	}
	unlock(server);
}

void
dns_server_set_fault(struct dns_server *server, const char *name,
    enum dns_type type, enum dns_fault fault)
{
	lock(server);
	topic_find(server, name, type)->fault = fault;
	unlock(server);
}

unsigned
dns_server_asked(
    struct dns_server *server, const char *name, enum dns_type type)
{
	unsigned asked;

	lock(server);
	asked = topic_find(server, name, type)->asked;
	unlock(server);
	return asked;
}

unsigned
dns_server_asked_tcp(struct dns_server *server)
{
	unsigned asked;

	lock(server);
	asked = server->asked_tcp;
	unlock(server);
	return asked;
}

uint16_t
dns_server_port(const struct dns_server *server)
{
	return server->port;
}

/* ---- answering ------------------------------------------------------------------ */

/* The name at data, which ends at end; what is behind it, or NULL. */
static const unsigned char *
decode_name(
    const unsigned char *data, const unsigned char *end, char name[NAME_SIZE])
{
	size_t len = 0, label;

	while (data < end && *data != 0) {
		label = *data++;
		if (label > 63 || (size_t)(end - data) < label ||
		    len + label + 2 > NAME_SIZE)
			return NULL;
		if (len > 0)
			name[len++] = '.';
		memcpy(name + len, data, label);
		len += label;
		data += label;
	}
	name[len] = '\0';
	return data < end ? data + 1 : NULL;
}

static void
answer_record(struct message *answer, const struct record *record)
{
	unsigned char *at = answer->data + answer->len;

	at += encode_name(at, record->name);
	at += put16(at, record->type);
	at += put16(at, 1);
	at += put16(at, record->ttl >> 16);
	at += put16(at, record->ttl & 0xffff);
	at += put16(at, (unsigned)record->len);
	memcpy(at, record->data, record->len);
	answer->len = (size_t)(at - answer->data) + record->len;
	(void)put16(answer->data + 6,
	    ((unsigned)answer->data[6] << 8 | answer->data[7]) + 1);
}

/* Add what there is; whether the name exists. */
static bool
answer_name(struct dns_server *server, struct message *answer, const char *name,
    unsigned type)
{
	char target[NAME_SIZE];
	bool exists = false;
	unsigned i;

	for (i = 0; i < RECORDS_MAX; i++) {
		const struct record *record = &server->records[i];

		if (record->name[0] == '\0' ||
		    strcasecmp(record->name, name) != 0)
			continue;
		exists = true;
		if (record->type != type && record->type != DNS_CNAME)
			continue;
		answer_record(answer, record);
		if (record->type == DNS_CNAME && type != DNS_CNAME) {
			(void)decode_name(
			    record->data, record->data + record->len, target);
			(void)answer_name(server, answer, target, type);
		}
	}
	return exists;
}

/* False if nothing is to be said. */
static bool
answer_question(struct dns_server *server, const unsigned char *query,
    size_t len, struct message *answer, bool tcp)
{
	const unsigned char *end;
	struct topic *topic;
	char name[NAME_SIZE];
	unsigned type, rcode = 0;

	if (len < HEADER_LEN)
		return false;
	end = decode_name(query + HEADER_LEN, query + len, name);
	if (end == NULL || (size_t)(query + len - end) < 4)
		return false;
	type = (unsigned)end[0] << 8 | end[1];
	topic = topic_find(server, name, type);
	topic->asked++;
	server->asked_tcp += tcp;
	if (topic->fault == DNS_SILENT)
		return false;
	answer->len = (size_t)(end + 4 - query);
	memcpy(answer->data, query, answer->len);
	memset(answer->data + 6, 0, 6);
	answer->data[2] = 0x84; /* an answer, authoritative */
	if (topic->fault == DNS_SERVFAIL)
		rcode = RCODE_SERVFAIL;
	else if (topic->fault == DNS_TRUNCATES && !tcp)
		answer->data[2] |= 0x02;
	else if (!answer_name(server, answer, name, type))
		rcode = RCODE_NXDOMAIN;
	answer->data[3] = (unsigned char)(0x80 | rcode);
	if (topic->fault == DNS_MALFORMED)
		answer->len -= 2;
	return true;
}

static void
serve_udp(struct dns_server *server)
{
	static struct message answer;
	unsigned char query[512];
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	ssize_t len;
	bool speaks;

	len = recvfrom(server->udp, query, sizeof(query), 0,
	    (struct sockaddr *)&from, &from_len);
	if (len == -1)
		return;
	lock(server);
	speaks = answer_question(server, query, (size_t)len, &answer, false);
	unlock(server);
	if (speaks)
		(void)sendto(server->udp, answer.data, answer.len, 0,
		    (struct sockaddr *)&from, from_len);
}

static bool
read_all(int fd, unsigned char *data, size_t len)
{
	ssize_t n;

	for (size_t done = 0; done < len; done += (size_t)n) {
		n = recv(fd, data + done, len - done, 0);
		if (n <= 0)
			return false;
	}
	return true;
}

/* One question and its answer, which comes in two parts. */
static void
serve_tcp(struct dns_server *server)
{
	static struct message answer;
	const struct timeval patience = { .tv_sec = 5 };
	unsigned char query[512], prefix[2];
	int fd = accept(server->tcp, NULL, NULL);
	size_t len;
	bool speaks = false;

	if (fd == -1)
		return;
	(void)setsockopt(
	    fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (read_all(fd, prefix, 2)) {
		len = (size_t)prefix[0] << 8 | prefix[1];
		lock(server);
		if (len <= sizeof(query) && read_all(fd, query, len))
			speaks =
			    answer_question(server, query, len, &answer, true);
		unlock(server);
	}
	if (speaks) {
		(void)put16(prefix, (unsigned)answer.len);
		(void)send(fd, prefix, 2, MSG_NOSIGNAL);
		(void)send(fd, answer.data, answer.len, MSG_NOSIGNAL);
	}
	(void)close(fd);
}

static void *
run(void *arg)
{
	struct dns_server *server = arg;
	struct pollfd fds[3] = {
		{ .fd = server->stop[0], .events = POLLIN },
		{ .fd = server->udp, .events = POLLIN },
		{ .fd = server->tcp, .events = POLLIN },
	};

	for (;;) {
		if (poll(fds, 3, -1) == -1 && errno != EINTR)
			abort();
		if (fds[0].revents != 0)
			return NULL;
		if (fds[1].revents != 0)
			serve_udp(server);
		if (fds[2].revents != 0)
			serve_tcp(server);
	}
}

/* ---- life -------------------------------------------------------------------------- */

/* TCP and UDP on one port that the system chooses. */
static int
bind_both(struct dns_server *server)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int tries;

	for (tries = 0; tries < 50; tries++) {
		sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		sin.sin_port = 0;
		server->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		server->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (bind(server->tcp, (struct sockaddr *)&sin, sizeof(sin)) ==
			0 &&
		    getsockname(server->tcp, (struct sockaddr *)&sin, &len) ==
			0 &&
		    bind(server->udp, (struct sockaddr *)&sin, sizeof(sin)) ==
			0) {
			server->port = ntohs(sin.sin_port);
			return listen(server->tcp, 16);
		}
		(void)close(server->tcp);
		(void)close(server->udp);
	}
	errno = EADDRINUSE;
	return -1;
}

struct dns_server *
dns_server_open(void)
{
	struct dns_server *server = calloc(1, sizeof(*server));
	pthread_mutexattr_t attr;

	if (server == NULL)
		return NULL;
	(void)pthread_mutexattr_init(&attr);
	(void)pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	(void)pthread_mutex_init(&server->mutex, &attr);
	(void)pthread_mutexattr_destroy(&attr);
	if (bind_both(server) == -1 || pipe(server->stop) == -1 ||
	    pthread_create(&server->thread, NULL, run, server) != 0) {
		free(server);
		return NULL;
	}
	return server;
}

void
dns_server_close(struct dns_server *server)
{
	(void)close(server->stop[1]);
	(void)pthread_join(server->thread, NULL);
	(void)close(server->stop[0]);
	(void)close(server->udp);
	(void)close(server->tcp);
	(void)pthread_mutex_destroy(&server->mutex);
	free(server);
}
