/*
 * Explanations for people, out of what muxd tells in JSON.
 */
#ifndef MUXD_MUXCTL_EXPLAIN_H
#define MUXD_MUXCTL_EXPLAIN_H

#include <jansson.h>

/* What has become of a client: a paragraph for each session; last is the end
 * of the answer. */
void explain_print(const json_t *sessions, const json_t *last);

/* What would become of one. */
void explain_print_try(const json_t *answer);

#endif
