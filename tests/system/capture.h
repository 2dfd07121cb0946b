/*
 * What a muxd writes to its stderr: read by a thread, so that muxd never
 * waits for the test, and kept as lines that tests wait for.
 */
#ifndef TESTS_SYSTEM_CAPTURE_H
#define TESTS_SYSTEM_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>

struct capture;

/* Begin to read from the descriptor, which becomes the capture's. */
struct capture *capture_open(int fd);

/* Read to the end, which must have come or be near, and forget it all. */
void capture_close(struct capture *capture);

/*
 * Wait until n lines from line `from` on have all the tokens, for at most
 * timeout_ms or until the end of file.  The nth of them, or NULL.  Lines live
 * as long as the capture.
 */
const char *capture_wait(struct capture *capture, size_t from, size_t n,
    const char *const *tokens, int timeout_ms);

/* How many lines from `from` on have all the tokens by now. */
size_t capture_count(
    struct capture *capture, size_t from, const char *const *tokens);

/* How many lines there are by now. */
size_t capture_lines(struct capture *capture);

/* The line of that number, or NULL. */
const char *capture_line(struct capture *capture, size_t at);

/* Wait for the end of file, for at most timeout_ms; whether it came. */
bool capture_wait_end(struct capture *capture, int timeout_ms);

/* Whether the line has the token between blanks; a token that ends in '*'
 * fits any continuation, and one that begins with it too fits anywhere. */
bool capture_line_has(const char *line, const char *token);

#endif
