/*
 * The page for people: status_page.html as it is, put into the binary.
 */
#ifndef MUXD_MONITOR_STATUS_PAGE_H
#define MUXD_MONITOR_STATUS_PAGE_H

#include <stddef.h>

/* Not NUL-terminated.  "@NONCE@" stands where the nonce of the content security
 * policy is to be. */
extern const unsigned char status_page[];
extern const size_t status_page_len;

#endif
