/*
 * The table of handlers, in the order of enum conf_handler.
 */
#include "service/handler.h"

const struct handler *const handler_table[HANDLER_COUNT] = {
	[HANDLER_ECHO] = &handler_echo,
	[HANDLER_DISCARD] = &handler_discard,
	[HANDLER_CHARGEN] = &handler_chargen,
	[HANDLER_DAYTIME] = &handler_daytime,
	[HANDLER_TIME] = &handler_time,
	[HANDLER_HTTP] = &handler_http,
	[HANDLER_RELAY] = &handler_relay,
};
