/*
 * The pass over a text before libconfuse reads it.
 *
 * libconfuse 3.3 ends at the first name it does not know, counts lines wrong
 * behind comments, takes no comment inside a list, drops characters it does
 * not know without a word, and takes the end of the file for the end of a
 * section, a comment or a string.  So this pass reports all of that itself,
 * blanks comments, puts SCAN_DROPPED() in the place of statements whose names
 * or forms are wrong, and where the grammar is broken cuts the text off and
 * closes what is open.  What is left reads without an error, and each value
 * stands on the line where it stood.
 */
#ifndef MUXD_CONF_SCAN_H
#define MUXD_CONF_SCAN_H

#include "conf/conf.h"

/* Room needed behind the NUL of a text, to close what is open. */
#define SCAN_SLACK 24

/* Functions of the language, at the top of a file alone. */
#define SCAN_INCLUDE     "include"
#define SCAN_INCLUDE_DIR "include_dir"

/* What stands where something was left out: a function that no text can
 * call, since a call of it would be left out as well. */
#define SCAN_DROPPED "-"

/* Prepare the text in place. */
void conf_scan(char *text, const char *file, struct conf_errors *errors);

#endif
