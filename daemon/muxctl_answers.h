/*
 * What muxd has answered, in words, sentences and tables.
 */
#ifndef MUXD_MUXCTL_ANSWERS_H
#define MUXD_MUXCTL_ANSWERS_H

#include <stdio.h>

#include <jansson.h>

#include "proc/commands.h"

/* Print the answer to a command on stdout, which has worked. */
void answers_print(enum command_id id, const json_t *answer);

/* Print what is wrong with a configuration, or is warned of, a line each, with
 * file and line. */
void answers_print_messages(FILE *out, const json_t *messages);

#endif
