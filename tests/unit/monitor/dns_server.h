/*
 * A name server for tests, in a thread: answers from a table that the test
 * changes, over UDP and TCP on one port of the loopback, and counts what it
 * is asked.  It can also misbehave.
 */
#ifndef MUXD_TESTS_MONITOR_DNS_SERVER_H
#define MUXD_TESTS_MONITOR_DNS_SERVER_H

#include <stdint.h>

struct dns_server;

enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_AAAA = 28, DNS_SRV = 33 };

enum dns_fault {
	DNS_ANSWERS,
	DNS_SILENT,
	DNS_SERVFAIL,
	DNS_TRUNCATES, /* over UDP */
	DNS_MALFORMED  /* ends in the middle of a record */
};

/* A free port of 127.0.0.1.  NULL with errno. */
struct dns_server *dns_server_open(void);
void dns_server_close(struct dns_server *server);

uint16_t dns_server_port(const struct dns_server *server);

/* Records.  A name that has none does not exist (NXDOMAIN); one that has
 * others gives an empty answer.  Names are without a dot at the end. */
void dns_server_address(
    struct dns_server *server, const char *name, uint32_t ttl, const char *ip);
void dns_server_cname(struct dns_server *server, const char *name, uint32_t ttl,
    const char *target);
void dns_server_srv(struct dns_server *server, const char *name, uint32_t ttl,
    uint16_t priority, uint16_t weight, uint16_t port, const char *target);

/* Forget the records and the faults of a name. */
void dns_server_clear(struct dns_server *server, const char *name);

/* What becomes of questions for a name and type. */
void dns_server_set_fault(struct dns_server *server, const char *name,
    enum dns_type type, enum dns_fault fault);

/* Several changes that questions see all or none of. */
void dns_server_begin(struct dns_server *server);
void dns_server_commit(struct dns_server *server);

/* How often it was asked, and how often of that over TCP. */
unsigned dns_server_asked(
    struct dns_server *server, const char *name, enum dns_type type);
unsigned dns_server_asked_tcp(struct dns_server *server);

#endif
