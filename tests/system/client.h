/*
 * Clients of the system tests.  Addresses are as muxd logs them: see
 * address.h.
 *
 * All of them wait with poll(2) until the deadline of the test, and fail it
 * then; the forms named try_ report instead of failing.
 */
#ifndef TESTS_SYSTEM_CLIENT_H
#define TESTS_SYSTEM_CLIENT_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A connected, non-blocking socket.  source is the address to come from,
 * such as "127.0.0.2" or "127.0.0.1:700", or NULL.  Closed by the teardown
 * unless the test does so. */
int client_connect(const char *address);
int client_connect_from(const char *address, const char *source);

/* The same; -1 with errno if the connection was not made. */
int client_try_connect(const char *address, const char *source);

/* Connect, and be reset before or after that is done. */
void client_expect_refused(const char *address, const char *source);

/* A socket bound to source or not at all, whose connect has been begun: it
 * need not have been answered. */
int client_begin_connect(const char *address, const char *source);

/* Have the teardown close a descriptor that the test has made itself. */
void client_adopt(int fd);

/* Close, in order or with a reset. */
void client_close(int fd);
void client_reset(int fd);

/* Send no more. */
void client_half_close(int fd);

void client_send(int fd, const void *data, size_t len);
void client_send_text(int fd, const char *text);

/* As much as the kernel takes now. */
size_t client_send_some(int fd, const void *data, size_t len);

/* Read exactly len bytes. */
void client_read(int fd, void *data, size_t len);

/* Read exactly these bytes. */
void client_expect(int fd, const void *data, size_t len);
void client_expect_text(int fd, const char *text);

/* How a connection goes on. */
enum client_event { CLIENT_SILENT, CLIENT_DATA, CLIENT_EOF, CLIENT_RESET };

/* Wait for at most timeout_ms for something to happen; of data up to size
 * bytes are read and counted in *len. */
enum client_event client_wait(
    int fd, void *data, size_t size, size_t *len, int timeout_ms);

/* Whether nothing happens for that long. */
bool client_stays_silent(int fd, int timeout_ms);

/* What has happened already. */
enum client_event client_peek(int fd);

/* Read and drop until the end, and tell which end. */
enum client_event client_wait_end(int fd);
void client_expect_eof(int fd);
void client_expect_reset(int fd);

/* All that comes until the end of file, NUL-terminated; fails on a reset. */
char *client_read_all(int fd, size_t *len);

/* Send the text and expect it back. */
void client_echo(int fd, const char *text);

/* The whole life of a client: connect, send the text, get it back, close. */
void client_visit(const char *address, const char *source, const char *text);

/* The same as client_echo(), but reports: CLIENT_DATA if it came back. */
enum client_event client_try_echo(int fd, const char *text);

/* Send and read at the same time: what is sent must come back. */
void client_exchange(int fd, const void *data, size_t len);

/* One datagram; its length. */
size_t client_receive(int fd, void *data, size_t size);

/* Send a datagram that seems to come from source; both are UDP addresses of
 * IPv4.  For root alone. */
void client_forge(const char *source, const char *target, const char *text);

/* Called by muxd_teardown(). */
void client_close_all(void);

#endif
