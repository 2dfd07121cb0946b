/*
 * What the Makefile makes of status_page.html.
 */
#include "monitor/status_page.h"

const unsigned char status_page[] = {
#include "monitor/status_page.inc"
};
const size_t status_page_len = sizeof(status_page);
