/*
 * What the files of types share among themselves.
 */
#ifndef MUXD_CONF_VALUES_COMMON_H
#define MUXD_CONF_VALUES_COMMON_H

#include "conf/values.h"

/* Say why, and return -1. */
int conf_value_wrong(struct conf_value *value, const char *why);

/* A number's place, whatever its width is. */
void conf_value_store(
    const struct conf_option *option, void *base, uint64_t number);
uint64_t conf_value_load(const struct conf_option *option, const void *base);

/* Hold a number against the bounds; -1 with value->why. */
int conf_value_check(struct conf_value *value, uint64_t number);

/* Where the text of an option of type string lands. */
char **conf_value_string(const struct conf_option *option, void *base);

/* A bound that is a number and nothing more. */
const char *conf_value_bound(uint64_t bound, char *buf, size_t size);

#endif
