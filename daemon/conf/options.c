/*
 * The table of options.  Nothing about an option is said anywhere else,
 * except in the manual and in the sample, which a test holds against it.
 *
 * There is no reload yet: a change of any option takes a restart.
 */
#include "conf/options.h"

#include <assert.h>
#include <string.h>

#include "conf/values.h"

#define KIB    UINT64_C(1024)
#define MIB    (1024 * KIB)
#define GIB    (1024 * MIB)
#define SECOND UINT64_C(1000)
#define HOUR   (3600 * SECOND)
#define WEEK   (7 * 24 * HOUR)

#define IN_CONF(field)                          \
	.offset = offsetof(struct conf, field), \
	.size = sizeof(((struct conf *)NULL)->field)
#define IN_SERVICE(field)                               \
	.offset = offsetof(struct conf_service, field), \
	.size = sizeof(((struct conf_service *)NULL)->field)
#define COUNT(field) .count = offsetof(struct conf_service, field)

#define TCP          TRANSPORT_TCP
#define UDP          TRANSPORT_UDP
#define UNIX         TRANSPORT_UNIX

const struct conf_handler_info conf_handlers[HANDLER_COUNT] = {
	[HANDLER_ECHO] = { "echo", TCP | UDP | UNIX, "echo", false },
	[HANDLER_DISCARD] = { "discard", TCP | UDP | UNIX, NULL, false },
	[HANDLER_CHARGEN] = { "chargen", TCP | UDP | UNIX, NULL, true },
	[HANDLER_DAYTIME] = { "daytime", TCP | UDP | UNIX, NULL, true },
	[HANDLER_TIME] = { "time", TCP | UDP | UNIX, NULL, true },
	[HANDLER_HTTP] = { "http", TCP | UNIX, "http", false },
	[HANDLER_RELAY] = { "relay", TCP | UDP | UNIX, NULL, false },
};

const struct conf_section conf_sections[SECTION_COUNT] = {
	[SECTION_GLOBAL] = { "", SECTION_GLOBAL, false, false },
	[SECTION_LOG] = { "log", SECTION_GLOBAL, false, false },
	[SECTION_LIMITS] = { "limits", SECTION_GLOBAL, false, false },
	[SECTION_DEFAULTS] = { "defaults", SECTION_GLOBAL, false, false },
	[SECTION_SERVICE] = { "service", SECTION_GLOBAL, true, false },
	[SECTION_SERVICE_LIMIT] = { "service.limit", SECTION_SERVICE, false,
	    false },
	[SECTION_SERVICE_SOCKET] = { "service.socket", SECTION_SERVICE, false,
	    false },
	[SECTION_SERVICE_ECHO] = { "service.echo", SECTION_SERVICE, false,
	    true },
	[SECTION_SERVICE_HTTP] = { "service.http", SECTION_SERVICE, false,
	    true },
};

static const char *
word_event_backend(unsigned value)
{
	static const char *const words[] = { "auto", "epoll", "kqueue",
		"epoll-level", "poll", "select" };

	return value < sizeof(words) / sizeof(words[0]) ? words[value] : NULL;
}

static const char *
word_log_level(unsigned value)
{
	return value <= LOG_LEVEL_DEBUG ? log_level_name(value) : NULL;
}

static const char *
word_log_format(unsigned value)
{
	static const char *const words[] = {
		[LOG_FORMAT_LOGFMT] = "logfmt", [LOG_FORMAT_JSON] = "json"
	};

	return value < sizeof(words) / sizeof(words[0]) ? words[value] : NULL;
}

static const char *
word_log_target(unsigned value)
{
	static const char *const words[] = { [LOG_TARGET_AUTO] = "auto",
		[LOG_TARGET_JOURNAL] = "journal",
		[LOG_TARGET_SYSLOG] = "syslog",
		[LOG_TARGET_STDERR] = "stderr",
		[LOG_TARGET_FILE] = "file:/PATH" };

	return value < sizeof(words) / sizeof(words[0]) ? words[value] : NULL;
}

static const char *
word_handler(unsigned value)
{
	return value < HANDLER_COUNT ? conf_handlers[value].name : NULL;
}

static const char *
word_when_full(unsigned value)
{
	static const char *const words[] = {
		[WHEN_FULL_WAIT] = "wait", [WHEN_FULL_REFUSE] = "refuse"
	};

	return value < sizeof(words) / sizeof(words[0]) ? words[value] : NULL;
}

/* clang-format off */
const struct conf_option conf_options[] = {
	/* The whole daemon. */
	{ SECTION_GLOBAL, "workers", &conf_type_integer, "auto",
	    APPLIES_RESTART, IN_CONF(workers),
	    .min = 1, .max = 256, .zero = true, .zero_word = "auto" },
	{ SECTION_GLOBAL, "user", &conf_type_string, "muxd",
	    APPLIES_RESTART, IN_CONF(user),
	    .min = 1, .max = 255, .check = conf_check_account },
	{ SECTION_GLOBAL, "group", &conf_type_string, NULL,
	    APPLIES_RESTART, IN_CONF(group),
	    .min = 1, .max = 255, .check = conf_check_account },
	{ SECTION_GLOBAL, "event_backend", &conf_type_word_name, "auto",
	    APPLIES_RESTART, IN_CONF(event_backend),
	    .word = word_event_backend },
	{ SECTION_GLOBAL, "control", &conf_type_string,
	    "/run/muxd/control.sock",
	    APPLIES_RESTART, IN_CONF(control),
	    .min = 2, .max = ENDPOINT_PATH_MAX - 1,
	    .check = conf_check_socket_path },

	{ SECTION_LOG, "target", &conf_type_log_target, "auto",
	    APPLIES_RESTART, IN_CONF(log), .word = word_log_target },
	{ SECTION_LOG, "level", &conf_type_word, "info",
	    APPLIES_RESTART, IN_CONF(log.level), .word = word_log_level },
	{ SECTION_LOG, "format", &conf_type_word, "logfmt",
	    APPLIES_RESTART, IN_CONF(log.format), .word = word_log_format },
	{ SECTION_LOG, "access", &conf_type_boolean, "true",
	    APPLIES_RESTART, IN_CONF(log.access) },

	{ SECTION_LIMITS, "connections", &conf_type_integer, "auto",
	    APPLIES_RESTART, IN_CONF(connections),
	    .min = 1, .max = 10000000, .zero = true, .zero_word = "auto" },
	{ SECTION_LIMITS, "per_source", &conf_type_integer, "0",
	    APPLIES_RESTART, IN_CONF(per_source),
	    .min = 1, .max = 10000000, .zero = true },
	{ SECTION_LIMITS, "memory", &conf_type_size, "256M",
	    APPLIES_RESTART, IN_CONF(memory), .min = MIB, .max = 1024 * GIB },

	{ SECTION_DEFAULTS, "idle_timeout", &conf_type_duration, "10m",
	    APPLIES_RESTART, IN_CONF(timeouts.idle),
	    .min = 1, .max = WEEK, .zero = true },
	{ SECTION_DEFAULTS, "first_byte_timeout", &conf_type_duration, "0",
	    APPLIES_RESTART, IN_CONF(timeouts.first_byte),
	    .min = 1, .max = WEEK, .zero = true },
	{ SECTION_DEFAULTS, "lifetime", &conf_type_duration, "0",
	    APPLIES_RESTART, IN_CONF(timeouts.lifetime),
	    .min = 1, .max = WEEK, .zero = true },
	{ SECTION_DEFAULTS, "drain_timeout", &conf_type_duration, "30s",
	    APPLIES_RESTART, IN_CONF(drain_timeout),
	    .min = 1, .max = WEEK, .zero = true },

	/* A service. */
	{ SECTION_SERVICE, "listen", &conf_type_endpoints, NULL,
	    APPLIES_RESTART, IN_SERVICE(listen), COUNT(nlisten),
	    .min = 1, .max = 64, .required = true },
	{ SECTION_SERVICE, "handler", &conf_type_word, NULL,
	    APPLIES_RESTART, IN_SERVICE(handler), .word = word_handler,
	    .required = true },
	{ SECTION_SERVICE, "allow", &conf_type_prefixes, NULL,
	    APPLIES_RESTART, IN_SERVICE(allow), COUNT(nallow),
	    .min = 1, .max = 4096 },
	{ SECTION_SERVICE, "deny", &conf_type_prefixes, NULL,
	    APPLIES_RESTART, IN_SERVICE(deny), COUNT(ndeny),
	    .min = 1, .max = 4096 },
	{ SECTION_SERVICE, "idle_timeout", &conf_type_duration, NULL,
	    APPLIES_RESTART, IN_SERVICE(timeouts.idle),
	    .min = 1, .max = WEEK, .zero = true,
	    .inherits = SECTION_DEFAULTS },
	{ SECTION_SERVICE, "first_byte_timeout", &conf_type_duration, NULL,
	    APPLIES_RESTART, IN_SERVICE(timeouts.first_byte),
	    .min = 1, .max = WEEK, .zero = true,
	    .inherits = SECTION_DEFAULTS },
	{ SECTION_SERVICE, "lifetime", &conf_type_duration, NULL,
	    APPLIES_RESTART, IN_SERVICE(timeouts.lifetime),
	    .min = 1, .max = WEEK, .zero = true,
	    .inherits = SECTION_DEFAULTS },

	{ SECTION_SERVICE_LIMIT, "connections", &conf_type_integer, "0",
	    APPLIES_RESTART, IN_SERVICE(limit.connections),
	    .min = 1, .max = 10000000, .zero = true },
	{ SECTION_SERVICE_LIMIT, "per_source", &conf_type_integer, "0",
	    APPLIES_RESTART, IN_SERVICE(limit.per_source),
	    .min = 1, .max = 10000000, .zero = true },
	{ SECTION_SERVICE_LIMIT, "rate", &conf_type_rate, "0",
	    APPLIES_RESTART, IN_SERVICE(limit.rate),
	    .min = 1, .max = 1000000, .zero = true },
	{ SECTION_SERVICE_LIMIT, "source_rate", &conf_type_rate, "0",
	    APPLIES_RESTART, IN_SERVICE(limit.source_rate),
	    .min = 1, .max = 1000000, .zero = true },
	{ SECTION_SERVICE_LIMIT, "source_datagram_rate", &conf_type_rate,
	    "1000/s",
	    APPLIES_RESTART, IN_SERVICE(limit.source_datagram_rate),
	    .min = 1, .max = 1000000, .zero = true, .transports = UDP },
	{ SECTION_SERVICE_LIMIT, "when_full", &conf_type_word, "wait",
	    APPLIES_RESTART, IN_SERVICE(limit.when_full),
	    .word = word_when_full },
	{ SECTION_SERVICE_LIMIT, "wait_timeout", &conf_type_duration, "1s",
	    APPLIES_RESTART, IN_SERVICE(limit.wait_timeout),
	    .min = 1, .max = HOUR, .zero = true },

	/* tcp(7): TCP_KEEPIDLE takes up to 32767 seconds, the queue of
	 * listen(2) up to net.core.somaxconn. */
	{ SECTION_SERVICE_SOCKET, "backlog", &conf_type_integer, "4096",
	    APPLIES_RESTART, IN_SERVICE(socket.backlog),
	    .min = 1, .max = 65535, .transports = TCP | UNIX },
	{ SECTION_SERVICE_SOCKET, "keepalive", &conf_type_duration, "5m",
	    APPLIES_RESTART, IN_SERVICE(socket.keepalive),
	    .min = SECOND, .max = 9 * HOUR, .zero = true, .transports = TCP },
	{ SECTION_SERVICE_SOCKET, "nodelay", &conf_type_boolean, "true",
	    APPLIES_RESTART, IN_SERVICE(socket.nodelay), .transports = TCP },
	{ SECTION_SERVICE_SOCKET, "user_timeout", &conf_type_duration, "0",
	    APPLIES_RESTART, IN_SERVICE(socket.user_timeout),
	    .min = SECOND, .max = WEEK, .zero = true, .transports = TCP },
	{ SECTION_SERVICE_SOCKET, "defer_accept", &conf_type_duration, "0",
	    APPLIES_RESTART, IN_SERVICE(socket.defer_accept),
	    .min = SECOND, .max = HOUR, .zero = true, .transports = TCP },
	{ SECTION_SERVICE_SOCKET, "fastopen", &conf_type_integer, "0",
	    APPLIES_RESTART, IN_SERVICE(socket.fastopen),
	    .min = 1, .max = 65535, .zero = true, .transports = TCP },
	{ SECTION_SERVICE_SOCKET, "unix_mode", &conf_type_mode, "0666",
	    APPLIES_RESTART, IN_SERVICE(socket.unix_mode),
	    .min = 0, .max = 0777, .transports = UNIX },
	{ SECTION_SERVICE_SOCKET, "unix_user", &conf_type_string, NULL,
	    APPLIES_RESTART, IN_SERVICE(socket.unix_user),
	    .min = 1, .max = 255, .check = conf_check_account,
	    .transports = UNIX },
	{ SECTION_SERVICE_SOCKET, "unix_group", &conf_type_string, NULL,
	    APPLIES_RESTART, IN_SERVICE(socket.unix_group),
	    .min = 1, .max = 255, .check = conf_check_account,
	    .transports = UNIX },

	/* The handlers' own. */
	{ SECTION_SERVICE_ECHO, "prefix", &conf_type_bytes, "",
	    APPLIES_RESTART, IN_SERVICE(echo.prefix), COUNT(echo.prefix_len),
	    .max = 256 },
	{ SECTION_SERVICE_HTTP, "status", &conf_type_integer, "200",
	    APPLIES_RESTART, IN_SERVICE(http.status), .min = 200, .max = 599 },
	{ SECTION_SERVICE_HTTP, "body", &conf_type_bytes, "",
	    APPLIES_RESTART, IN_SERVICE(http.body), COUNT(http.body_len),
	    .max = MIB },
	{ SECTION_SERVICE_HTTP, "body_file", &conf_type_file, NULL,
	    APPLIES_RESTART, IN_SERVICE(http), .max = MIB, .replaces = "body" },
	{ SECTION_SERVICE_HTTP, "content_type", &conf_type_string,
	    "text/plain",
	    APPLIES_RESTART, IN_SERVICE(http.content_type),
	    .min = 1, .max = 255, .check = conf_check_field_value },
	{ SECTION_SERVICE_HTTP, "headers", &conf_type_fields, NULL,
	    APPLIES_RESTART, IN_SERVICE(http.headers), COUNT(http.nheaders),
	    .min = 1, .max = 32 },
	{ SECTION_SERVICE_HTTP, "head_timeout", &conf_type_duration, "10s",
	    APPLIES_RESTART, IN_SERVICE(http.head_timeout),
	    .min = 1, .max = HOUR },
	{ SECTION_SERVICE_HTTP, "keepalive_timeout", &conf_type_duration,
	    "60s",
	    APPLIES_RESTART, IN_SERVICE(http.keepalive_timeout),
	    .min = 1, .max = HOUR },
	{ SECTION_SERVICE_HTTP, "max_body", &conf_type_size, "1M",
	    APPLIES_RESTART, IN_SERVICE(http.max_body),
	    .min = 1, .max = GIB, .zero = true },
};
/* clang-format on */

const size_t conf_noptions = sizeof(conf_options) / sizeof(conf_options[0]);

const char *
conf_section_name(enum conf_section_id section)
{
	const char *path = conf_sections[section].path;
	const char *dot = strrchr(path, '.');

	return dot != NULL ? dot + 1 : path;
}

int
conf_section_find(enum conf_section_id parent, const char *name)
{
	int i;

	for (i = SECTION_GLOBAL + 1; i < SECTION_COUNT; i++) {
		if (conf_sections[i].parent == parent &&
		    strcmp(conf_section_name((enum conf_section_id)i), name) ==
			0)
			return i;
	}
	return -1;
}

bool
conf_section_in_service(enum conf_section_id section)
{
	while (section != SECTION_GLOBAL && section != SECTION_SERVICE)
		section = conf_sections[section].parent;
	return section == SECTION_SERVICE;
}

const struct conf_option *
conf_option_find(enum conf_section_id section, const char *name)
{
	size_t i;

	for (i = 0; i < conf_noptions; i++) {
		if (conf_options[i].section == section &&
		    strcmp(conf_options[i].name, name) == 0)
			return &conf_options[i];
	}
	return NULL;
}

const struct conf_option *
conf_option_get(enum conf_section_id section, const char *name)
{
	const struct conf_option *option = conf_option_find(section, name);

	assert(option != NULL);
	return option;
}

bool
conf_option_at(size_t i, struct conf_option_info *info)
{
	const struct conf_option *option;

	if (i >= conf_noptions)
		return false;
	option = &conf_options[i];
	*info = (struct conf_option_info){
		.section = conf_sections[option->section].path,
		.name = option->name,
		.type = option->type->name,
		.fallback = option->fallback,
		.inherits = option->inherits != SECTION_GLOBAL
		    ? conf_sections[option->inherits].path
		    : NULL,
		.required = option->required,
		.applies = option->applies,
	};
	if (conf_value_bounds(option, info->bounds, sizeof(info->bounds)) ==
	    NULL)
		info->bounds[0] = '\0';
	return true;
}
