/*
 * The configuration as the rest of muxd sees it: plain data, immutable once
 * loaded, every default filled in, every reference checked.
 *
 * Times are milliseconds, sizes bytes; 0 means "no limit" or "off" where an
 * option allows it (see muxd.conf(5)).
 */
#ifndef MUXD_CONF_CONF_H
#define MUXD_CONF_CONF_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/addr.h"
#include "base/log_format.h"
#include "base/units.h"

/* The built-in services; one row each in the table of handlers. */
enum conf_handler {
	HANDLER_ECHO,
	HANDLER_DISCARD,
	HANDLER_CHARGEN,
	HANDLER_DAYTIME,
	HANDLER_TIME,
	HANDLER_HTTP,
	HANDLER_RELAY,
	HANDLER_COUNT
};

struct conf_handler_info {
	const char *name;
	unsigned transports; /* set of enum transport */
	const char *section; /* its own options, or NULL */
	bool speaks_first;   /* it does not wait for the client's bytes */
};

/* By enum conf_handler. */
extern const struct conf_handler_info conf_handlers[HANDLER_COUNT];

enum conf_log_target {
	LOG_TARGET_AUTO, /* the journal if stderr is one, else stderr */
	LOG_TARGET_JOURNAL,
	LOG_TARGET_SYSLOG,
	LOG_TARGET_STDERR,
	LOG_TARGET_FILE
};

/* Of which sessions the kernel is asked what it knows, when they end. */
enum conf_tcp_info {
	TCP_INFO_NEVER,
	TCP_INFO_UNCLEAN, /* of those whose end nobody wished for */
	TCP_INFO_ALWAYS
};

struct strbuf;

struct conf_log {
	enum conf_log_target target;
	char *path; /* of LOG_TARGET_FILE, absolute */
	enum log_level level;
	enum log_format format;
	bool access;       /* one record for each session */
	uint64_t progress; /* and one each time it is that old again; ms, 0:
			    * none */
	bool remember;     /* one for muxctl explain */
	enum conf_tcp_info tcp_info;
};

enum conf_when_full { WHEN_FULL_WAIT, WHEN_FULL_REFUSE };

struct conf_limit {
	uint64_t connections; /* 0: no limit of the service's own */
	uint64_t per_source;
	struct rate rate;        /* new connections */
	struct rate source_rate; /* new connections of one source */
	struct rate source_datagram_rate;
	enum conf_when_full when_full;
	uint64_t wait_timeout;
};

/* Socket options of a service's listeners, inherited by its connections. */
struct conf_socket {
	uint64_t backlog;      /* listen(2) */
	uint64_t keepalive;    /* TCP_KEEPIDLE; 0: no SO_KEEPALIVE */
	bool nodelay;          /* TCP_NODELAY */
	uint64_t user_timeout; /* TCP_USER_TIMEOUT; 0: the system's */
	uint64_t defer_accept; /* TCP_DEFER_ACCEPT; 0: off */
	uint64_t fastopen;     /* TCP_FASTOPEN queue length; 0: off */
	mode_t unix_mode;      /* of a UNIX socket's file */
	char *unix_user;       /* its owner, or NULL */
	char *unix_group;      /* its group, or NULL */
};

struct conf_timeouts {
	uint64_t idle;
	uint64_t first_byte;
	uint64_t lifetime;
};

/* ---- pools ------------------------------------------------------------------ */

enum conf_balance {
	BALANCE_ROUND_ROBIN,       /* smooth, weighted */
	BALANCE_LEAST_CONNECTIONS, /* for their weight */
	BALANCE_RANDOM,            /* the better of two */
	BALANCE_HASH               /* of the client's address: Maglev */
};

enum conf_proxy_protocol { PROXY_NONE, PROXY_V1, PROXY_V2 };

enum conf_splice {
	SPLICE_AUTO, /* where a direction turns out to be bulk */
	SPLICE_OFF,
	SPLICE_ON /* always, even for small messages */
};

/* What to do with a name that has several addresses. */
enum conf_resolve { RESOLVE_ALL, RESOLVE_FIRST };

enum conf_check_type {
	CHECK_NONE,
	CHECK_TCP,  /* it connects (a UNIX server as well) */
	CHECK_HTTP, /* it answers a request with an expected status */
	CHECK_SEND  /* it answers bytes with expected bytes */
};

/* A range of HTTP status codes, both ends included. */
struct conf_status_range {
	uint16_t first;
	uint16_t last;
};

struct conf_check {
	enum conf_check_type type;
	uint64_t interval;
	uint64_t timeout; /* of one check, from connect to verdict */
	uint64_t rise;    /* good checks in a row that make it up */
	uint64_t fall;    /* bad ones that make it down */
	uint64_t port;    /* 0: the server's own */
	char *method;
	char *path;
	char *host; /* of the Host field; "": the server's address */
	struct conf_status_range *status;
	size_t nstatus;
	char *send; /* CHECK_SEND; any bytes but NUL */
	size_t send_len;
	char *expect; /* bytes that the answer must contain; "": any */
	size_t expect_len;
};

/* What the address of a server says. */
enum conf_target_kind {
	TARGET_ADDRESS, /* "192.0.2.1:80": addr */
	TARGET_UNIX,    /* "unix:/run/b.sock": path */
	TARGET_NAME,    /* "www.example.org:80": host and port */
	TARGET_SRV      /* "_http._tcp.example.org": host, RFC 2782 */
};

/* Where a server is reached.  Whether a connection to it speaks TCP or UDP is
 * the client's to say; a UNIX one is a stream. */
struct conf_target {
	enum conf_target_kind kind;
	struct addr addr; /* of TARGET_ADDRESS; ADDR_UNIX for TARGET_UNIX */
	char *host;       /* the name, or the path of a UNIX socket */
	uint16_t port;    /* of TARGET_NAME */
};

enum conf_server_state {
	SERVER_ENABLED,
	SERVER_DRAINING, /* no new sessions; checked all the same */
	SERVER_DISABLED  /* neither sessions nor checks */
};

struct conf_server {
	char *name;
	struct conf_target target;
	uint64_t weight;          /* 1 to 256 */
	uint64_t max_connections; /* of each of its addresses; 0: no limit */
	bool backup;              /* used when no other is left */
	enum conf_server_state state;
	struct conf_target check_target; /* kind TARGET_ADDRESS or TARGET_UNIX;
					    host NULL and addr.family
					    ADDR_NONE: as target */
	unsigned nplaces; /* in the shared state: 1, or for a name as many as
			     pool.addresses */
	const char *file;
	int line;
};

/* Socket options of the connections to servers. */
struct conf_pool_socket {
	uint64_t keepalive; /* as in struct conf_socket */
	bool nodelay;
	uint64_t user_timeout;
	struct addr source; /* bind to it, port 0; family ADDR_NONE: do not */
	uint64_t mark;      /* SO_MARK; 0: none */
	uint64_t dscp;      /* 0 to 63 */
};

struct conf_pool_udp {
	uint64_t idle_timeout; /* of a session */
	uint64_t responses;    /* datagrams that end it; 0: none does */
};

struct conf_pool {
	char *name;
	enum conf_balance balance;
	uint64_t hash_prefix4; /* bits of the client's address that count */
	uint64_t hash_prefix6;
	struct conf_server *servers;
	size_t nservers;
	struct conf_check check;
	enum conf_proxy_protocol proxy_protocol;
	enum conf_splice splice;
	uint64_t retries; /* further attempts after the first one */
	uint64_t connect_timeout;
	uint64_t idle_timeout; /* 0: the service's */
	uint64_t half_close_timeout;
	uint64_t lifetime;        /* 0: the service's */
	uint64_t lifetime_jitter; /* percent of it that is left to chance */
	uint64_t queue;           /* clients that may wait for a server */
	uint64_t queue_timeout;
	uint64_t slow_start;   /* until a recovered server has its full share */
	uint64_t max_failures; /* failed connects in a row that eject; 0: off */
	uint64_t fail_timeout; /* for so long */
	uint64_t max_ejected;  /* percent of the servers */
	enum conf_resolve resolve;
	uint64_t addresses;   /* of one name, at most */
	uint64_t resolve_min; /* bounds of the time between two look-ups */
	uint64_t resolve_max;
	struct conf_pool_socket socket;
	struct conf_pool_udp udp;
	const char *file;
	int line;
};

struct conf_resolver {
	struct endpoint *servers; /* transport TRANSPORT_UDP; none: the
				     system's */
	size_t nservers;
	uint64_t timeout; /* of one try */
	uint64_t tries;
};

/* The status page of the monitor. */
struct conf_status {
	struct endpoint *listen; /* transport TRANSPORT_TCP; none: there is no
				    page */
	size_t nlisten;
	bool allow_remote; /* addresses beside loopback may be listened on */
	char **hosts;      /* names that a Host field may have, lower case */
	size_t nhosts;
};

/* ---- services ---------------------------------------------------------------- */

struct conf_echo {
	char *prefix; /* "" for none */
	size_t prefix_len;
};

struct conf_http {
	unsigned status;
	char *body; /* from body or body_file; any bytes but NUL */
	size_t body_len;
	char *body_file; /* where it came from, or NULL */
	char *content_type;
	char **headers; /* "Name: value" */
	size_t nheaders;
	uint64_t head_timeout;      /* for a whole request head */
	uint64_t keepalive_timeout; /* between two requests */
	uint64_t max_body;          /* of a request */
};

struct conf_service {
	char *name;
	enum conf_handler handler;
	struct endpoint *listen;
	size_t nlisten;
	struct prefix *allow; /* none: everybody */
	size_t nallow;
	struct prefix *deny;
	size_t ndeny;
	struct conf_limit limit;
	struct conf_timeouts timeouts;
	struct conf_socket socket;
	struct conf_echo echo;
	struct conf_http http;
	char *pool_name;              /* NULL: none */
	const struct conf_pool *pool; /* the one of that name */
	struct prefix *accept_proxy;  /* who must send a PROXY header */
	size_t naccept_proxy;
	uint64_t proxy_timeout; /* for the whole header */
	const char *file;       /* where it is defined */
	int line;
};

struct conf {
	unsigned workers; /* 0: one for each usable CPU */
	char *user;
	char *group; /* NULL: the user's own */
	char *event_backend;
	char *control; /* path; the lock is this path with ".lock" */
	struct conf_log log;
	uint64_t connections; /* 0: what the descriptors allow */
	uint64_t per_source;
	uint64_t memory; /* of output queues */
	uint64_t drain_timeout;
	struct conf_timeouts timeouts; /* what services start from */
	uint64_t connect_timeout;      /* what pools start from */
	uint64_t half_close_timeout;
	struct conf_resolver resolver;
	struct conf_status status;
	struct conf_pool *pools;
	size_t npools;
	struct conf_service *services;
	size_t nservices;
	struct conf_source *source; /* opaque: texts, origins, file names */
};

/* What is wrong with a configuration: all of it, in the order of the text. */
struct conf_error {
	char *file;
	int line; /* 0: the file as a whole */
	char *text;
	bool warning; /* it loads all the same */
};

struct conf_errors {
	struct conf_error *items;
	size_t n;       /* warnings included */
	size_t nerrors; /* without warnings */
};

/*
 * Read and check a configuration file and all it includes.  Returns NULL if
 * there is any error; *errors (zeroed by the caller, released with
 * conf_errors_free()) lists them all, and warnings too.
 */
struct conf *conf_load(const char *path, struct conf_errors *errors);

/* The same from a text in memory, called name in errors; as conf_dump()
 * wrote it, or a test. */
struct conf *conf_parse(
    const char *text, const char *name, struct conf_errors *errors);

/* The same of what conf_dump() wrote with origins: everything stands where the
 * comments say, so that this is the configuration that was dumped, in what it
 * tells about itself too. */
struct conf *conf_parse_with_origins(
    const char *text, const char *name, struct conf_errors *errors);

void conf_free(struct conf *conf);

/* How many servers all pools have together. */
size_t conf_count_servers(const struct conf *conf);
void conf_errors_free(struct conf_errors *errors);

/* Write them as "file:line: text" lines. */
void conf_errors_print(const struct conf_errors *errors, FILE *out);

/* Add one; for checks that live outside, such as of users. */
void conf_error_add(struct conf_errors *errors, bool warning, const char *file,
    int line, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/*
 * Write the effective configuration in canonical form: nothing included,
 * every default filled in, files inlined, what has no effect left out, such
 * that conf_parse() of it gives the same configuration.  With origins, each
 * line ends in a comment that tells where its value or its section came from
 * ("# /etc/muxd.conf:12", "# default"), and a list has as many lines as its
 * elements come from.  Returns -1 with errno if out failed.
 */
int conf_dump(const struct conf *conf, FILE *out, bool origins);

/* Where the first value of an option of the whole daemon stands, of a section
 * such as "status"; *file NULL if it has none. */
void conf_origin(const struct conf *conf, const char *section,
    const char *option, const char **file, int *line);

/*
 * The value of an option as one would write it, appended to *value, and where
 * it stands: in the section of that path ("service.limit"), of what base is (a
 * struct conf_service, conf_pool or conf_server of this configuration), or of
 * the whole daemon (NULL).  An inherited one stands in "defaults".  *file is
 * NULL if it is a default.  element is one of a list, or CONF_ELEMENTS for all
 * of it.  False if there is no such value.
 */
#define CONF_ELEMENTS SIZE_MAX
bool conf_tell(const struct conf *conf, const void *base, const char *section,
    const char *option, size_t element, struct strbuf *value, const char **file,
    int *line);

/* When a change of an option takes effect. */
enum conf_applies { APPLIES_RELOAD, APPLIES_NEW_CONNECTIONS, APPLIES_RESTART };

#define CONF_BOUNDS_STRLEN 96

/* One option, as the man page and the sample are held against it. */
struct conf_option_info {
	const char *section; /* "", "log", "service", "service.limit", … */
	const char *name;
	const char *type;     /* "duration", "size", "rate", "integer", … */
	const char *fallback; /* the default as one would write it, or NULL */
	const char *inherits; /* the section that gives the default, or NULL */
	bool required;        /* there is no default */
	char bounds[CONF_BOUNDS_STRLEN]; /* "auto, or 1 to 256"; may be "" */
	enum conf_applies applies;
};

/* Fill in row i of the table of options; false behind the last. */
bool conf_option_at(size_t i, struct conf_option_info *info);

#endif
