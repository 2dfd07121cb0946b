/*
 * What load_tcp.c (requests and answers) and load_tcp_open.c (connecting) have
 * in common.
 */
#ifndef TESTS_BENCH_LOAD_TCP_COMMON_H
#define TESTS_BENCH_LOAD_TCP_COMMON_H

#include "load_http.h"
#include "load_run.h"
#include "net/connect.h"
#include "net/stream.h"

struct tcp_conn {
	struct load_conn base;
	struct stream stream;
	uint64_t *starts;    /* of those from answered to taken; a ring */
	uint64_t waiting_ns; /* since when it waits for what comes next */
	uint32_t answered;
	uint32_t sent;
	uint32_t taken;
	bool is_open;
	bool producing;
	size_t written;         /* of the message that is being sent */
	size_t read;            /* of the answer that is coming */
	struct load_http *http; /* with --http */
};

/* Of all connections. */
struct tcp {
	struct tcp_conn *conns;
	uint64_t *starts;
	struct load_http *responses;
	char **requests; /* --http: for each address */
	struct load_http_head head;
	uint32_t ring; /* a power of two, not less than the depth */
	struct connect_options connect;
};

static inline struct tcp *
tcp_of(const struct load_conn *conn)
{
	return conn->run->sockets;
}

static inline struct tcp_conn *
tcp_conn(struct load_conn *conn)
{
	return container_of(conn, struct tcp_conn, base);
}

static inline uint64_t *
tcp_start_of(struct tcp_conn *conn, uint32_t number)
{
	return &conn->starts[number & (tcp_of(&conn->base)->ring - 1)];
}

extern const struct stream_ops tcp_ops;

/* Begin to connect; load_driver.open. */
void tcp_open(struct load_conn *base, uint64_t now_ns);

/* It is connected and open: begin what may begin. */
void tcp_ready(struct tcp_conn *conn, uint64_t now_ns);

/* It ends before its time; what and error as for load_broken(). */
void tcp_break(struct tcp_conn *conn, const char *what, int error);

/* The first message that was not sent whole, and its size; it lasts until the
 * next one is made. */
const void *tcp_message(struct tcp_conn *conn, size_t *size);

#endif
