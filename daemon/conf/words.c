/*
 * The words of enumerations, and which value each stands for.
 */
#include "conf/words.h"

#include <stddef.h>

#include "conf/conf.h"

#define WORD(words, value) \
	((value) < sizeof(words) / sizeof((words)[0]) ? (words)[value] : NULL)

const char *
conf_word_event_backend(unsigned value)
{
	static const char *const words[] = { "auto", "epoll", "kqueue",
		"epoll-level", "poll", "select" };

	return WORD(words, value);
}

const char *
conf_word_log_level(unsigned value)
{
	return value <= LOG_LEVEL_DEBUG ? log_level_name(value) : NULL;
}

const char *
conf_word_log_format(unsigned value)
{
	static const char *const words[] = {
		[LOG_FORMAT_LOGFMT] = "logfmt", [LOG_FORMAT_JSON] = "json"
	};

	return WORD(words, value);
}

const char *
conf_word_log_target(unsigned value)
{
	static const char *const words[] = { [LOG_TARGET_AUTO] = "auto",
		[LOG_TARGET_JOURNAL] = "journal",
		[LOG_TARGET_SYSLOG] = "syslog",
		[LOG_TARGET_STDERR] = "stderr",
		[LOG_TARGET_FILE] = "file:/PATH" };

	return WORD(words, value);
}

const char *
conf_word_handler(unsigned value)
{
	return value < HANDLER_COUNT ? conf_handlers[value].name : NULL;
}

const char *
conf_word_tcp_info(unsigned value)
{
	static const char *const words[] = {
		[TCP_INFO_NEVER] = "never",
		[TCP_INFO_UNCLEAN] = "unclean",
		[TCP_INFO_ALWAYS] = "always",
	};

	return WORD(words, value);
}

const char *
conf_word_when_full(unsigned value)
{
	static const char *const words[] = {
		[WHEN_FULL_WAIT] = "wait", [WHEN_FULL_REFUSE] = "refuse"
	};

	return WORD(words, value);
}

const char *
conf_word_balance(unsigned value)
{
	static const char *const words[] = { [BALANCE_ROUND_ROBIN] =
						 "round_robin",
		[BALANCE_LEAST_CONNECTIONS] = "least_connections",
		[BALANCE_RANDOM] = "random",
		[BALANCE_HASH] = "hash" };

	return WORD(words, value);
}

const char *
conf_word_proxy_protocol(unsigned value)
{
	static const char *const words[] = {
		[PROXY_NONE] = "none", [PROXY_V1] = "v1", [PROXY_V2] = "v2"
	};

	return WORD(words, value);
}

const char *
conf_word_splice(unsigned value)
{
	static const char *const words[] = {
		[SPLICE_AUTO] = "auto", [SPLICE_OFF] = "off", [SPLICE_ON] = "on"
	};

	return WORD(words, value);
}

const char *
conf_word_resolve(unsigned value)
{
	static const char *const words[] = {
		[RESOLVE_ALL] = "all", [RESOLVE_FIRST] = "first"
	};

	return WORD(words, value);
}

const char *
conf_word_check_type(unsigned value)
{
	static const char *const words[] = { [CHECK_NONE] = "none",
		[CHECK_TCP] = "tcp",
		[CHECK_HTTP] = "http",
		[CHECK_SEND] = "send" };

	return WORD(words, value);
}

const char *
conf_word_server_state(unsigned value)
{
	static const char *const words[] = { [SERVER_ENABLED] = "enabled",
		[SERVER_DRAINING] = "draining",
		[SERVER_DISABLED] = "disabled" };

	return WORD(words, value);
}
