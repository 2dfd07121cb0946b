/*
 * What the files of types share among themselves.
 */
#ifndef MUXD_CONF_VALUES_COMMON_H
#define MUXD_CONF_VALUES_COMMON_H

#include "conf/values.h"

/* Say why, and return -1. */
int conf_value_wrong(struct conf_value *value, const char *why);

/* token of RFC 9110, section 5.6.2 */
#define TOKEN_CHARACTERS            \
	"!#$%&'*+-.^_`|~0123456789" \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* A number's place, whatever its width is. */
void conf_value_store(
    const struct conf_option *option, void *base, uint64_t number);
uint64_t conf_value_load(const struct conf_option *option, const void *base);

/* Hold a number against the bounds; -1 with value->why. */
int conf_value_check(struct conf_value *value, uint64_t number);

/* Where the text of an option of type string lands. */
char **conf_value_string(const struct conf_option *option, void *base);

/* Parse an address without a port, with brackets or without; 0, or -1 with a
 * static text in *why. */
int conf_parse_ip(const char *text, struct addr *addr, const char **why);

/* What is wrong with an address as one to send to, or NULL. */
const char *conf_check_peer(const struct addr *addr);

/* A bound that is a number and nothing more. */
const char *conf_value_bound(uint64_t bound, char *buf, size_t size);

#endif
