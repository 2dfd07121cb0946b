/*
 * The order to reload: it is answered when the reload is over, one way or the
 * other.
 */
#ifndef MUXD_PROC_CONTROL_RELOAD_H
#define MUXD_PROC_CONTROL_RELOAD_H

#include <jansson.h>

#include "conf/conf.h"

struct control_client;
struct control_order;

void control_reload(struct control_client *client);

/* Errors and warnings as an array of objects: file, line, text, warning. */
json_t *control_errors(const struct conf_errors *errors);

/* The first error, as "file:line: text", for who reads nothing else. */
const char *control_first_error(
    const struct conf_errors *errors, char *buf, size_t size);

#endif
