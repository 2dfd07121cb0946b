/*
 * HTTP by libmicrohttpd in its external mode: the loop waits for the epoll
 * descriptor of the library, and for its time-outs by a timer.
 *
 * The listening sockets are not given to the library.  So it cannot shut down
 * what the master holds as well, all addresses share one bound, and at that
 * bound somebody gives way (status_clients.h).
 *
 *   accept ──► idle ◄──────────────► in a request
 *               │ silent for SILENCE_S   │ too long (status_clients.c)
 *               │ full                   │ full
 *               └────────► closed ◄──────┘
 */
#include "monitor/status.h"

#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

#include "base/clock.h"
#include "base/compat.h"
#include "base/mem.h"
#include "monitor/status_answer.h"
#include "monitor/status_clients.h"
#include "monitor/status_host.h"
#include "state/bucket.h"

/* Of one connection: request line and fields, and the head of the answer. */
#define CONNECTION_MEMORY 16384
#define SILENCE_S         15
/* How long a listening socket rests when accept(2) fails. */
#define REST_MS 1000

/* Tokens a second.  Apart, so that those who look at the page do not keep
 * Prometheus from its numbers. */
static const unsigned budgets_max[STATUS_BUDGETS] = {
	[STATUS_BUDGET_PAGE] = 200,
	[STATUS_BUDGET_METRICS] = 50,
};

struct status_listener {
	struct io io;
	struct status *status;
};

struct status {
	struct loop *loop;
	struct report_source source;
	const struct recent *recent;
	struct history history;
	struct MHD_Daemon *daemon;
	struct io io; /* the library's epoll descriptor */
	struct timer due;
	struct timer sample;
	struct timer rest;
	struct status_listener *listeners;
	size_t nlisteners;
	struct status_clients clients;
	bool resting;
	struct bucket budgets[STATUS_BUDGETS];
};

bool
status_supported(void)
{
	return MHD_is_feature_supported(MHD_FEATURE_EPOLL) == MHD_YES;
}

/* ---- the library and the loop ---- */

/* Read from the listening sockets while there is room. */
static void
status_listen(struct status *status)
{
	bool wanted =
	    status_clients_have_room(&status->clients) && !status->resting;
	size_t i;

	for (i = 0; i < status->nlisteners; i++)
		io_want(&status->listeners[i].io, wanted ? IO_READ : 0);
}

static void
status_run(struct status *status)
{
	struct pollfd poller = { .fd = status->io.fd, .events = POLLIN };
	MHD_UNSIGNED_LONG_LONG wait;

	(void)MHD_run(status->daemon);
	/* It may leave events for the next time. */
	if (poll(&poller, 1, 0) != 1)
		io_drained(&status->io, IO_READ);
	if (MHD_get_timeout(status->daemon, &wait) == MHD_YES)
		loop_timer_set(status->loop, &status->due, wait);
	else
		loop_timer_cancel(status->loop, &status->due);
	status_listen(status);
}

static void
status_ready(struct io *io)
{
	status_run(container_of(io, struct status, io));
}

static void
status_due(struct timer *timer)
{
	status_run(container_of(timer, struct status, due));
}

/* ---- connections ---- */

static void
status_notify_connection(void *arg, struct MHD_Connection *connection,
    void **context, enum MHD_ConnectionNotificationCode code)
{
	struct status *status = arg;
	struct status_client *client = *context;
	int fd;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		fd = MHD_get_connection_info(
		    connection, MHD_CONNECTION_INFO_CONNECTION_FD)
			 ->connect_fd;
		*context = status_clients_begin(&status->clients, fd,
		    MHD_get_connection_info(
			connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)
			->client_addr);
	} else if (client != NULL) {
		*context = NULL;
		status_clients_end(&status->clients, client);
	}
}

static void
status_notify_completed(void *arg, struct MHD_Connection *connection,
    void **context, enum MHD_RequestTerminationCode code)
{
	struct status *status = arg;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct status_client *client =
	    info != NULL ? info->socket_context : NULL;

	(void)context;
	(void)code;
	if (client != NULL)
		status_clients_served(&status->clients, client);
}

static void
status_rest_over(struct timer *timer)
{
	struct status *status = container_of(timer, struct status, rest);

	status->resting = false;
	status_listen(status);
}

/* One client a turn from each, so that the loop stays fair. */
static void
status_accept(struct io *io)
{
	struct status_listener *listener =
	    container_of(io, struct status_listener, io);
	struct status *status = listener->status;
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int fd = compat_accept(io->fd, (struct sockaddr *)&ss, &len);

	if (fd == -1) {
		if (errno == EAGAIN || errno == EWOULDBLOCK) {
			io_drained(io, IO_READ);
		} else if (errno != EINTR && errno != ECONNABORTED) {
			status->resting = true;
			loop_timer_set(status->loop, &status->rest, REST_MS);
			status_listen(status);
		}
		return;
	}
	status_clients_make_room(&status->clients);
	/* It closes what it does not take. */
	(void)MHD_add_connection(
	    status->daemon, fd, (const struct sockaddr *)&ss, len);
	status_run(status);
}

/* ---- requests ---- */

static const char *
status_parameter(void *arg, const char *name)
{
	return MHD_lookup_connection_value(arg, MHD_GET_ARGUMENT_KIND, name);
}

/* Of every answer: it is nobody else's to frame, keep or interpret. */
static const char *const fields[][2] = {
	{ "Cache-Control", "no-store" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "X-Frame-Options", "DENY" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
};

static bool
status_add_field(
    struct MHD_Response *response, const char *name, const char *value)
{
	return MHD_add_response_header(response, name, value) == MHD_YES;
}

static bool
status_add_policy(
    struct MHD_Response *response, const struct status_answer *answer)
{
	char policy[256];

	if (answer->nonce[0] == '\0')
		return status_add_field(response, "Content-Security-Policy",
		    "default-src 'none'; frame-ancestors 'none'");
	(void)snprintf(policy, sizeof(policy),
	    "default-src 'none'; script-src 'nonce-%s'; "
	    "style-src 'nonce-%s'; connect-src 'self'; img-src data:; "
	    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	    answer->nonce, answer->nonce);
	return status_add_field(response, "Content-Security-Policy", policy);
}

static bool
status_add_fields(
    struct MHD_Response *response, const struct status_answer *answer)
{
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (!status_add_field(response, fields[i][0], fields[i][1]))
			return false;
	/* What may follow was not looked at. */
	if (answer->code >= 405 && answer->code < 500 &&
	    !status_add_field(response, "Connection", "close"))
		return false;
	if (answer->code == 405 &&
	    !status_add_field(response, "Allow", "GET, HEAD"))
		return false;
	if (answer->code == 429 &&
	    !status_add_field(response, "Retry-After", "1"))
		return false;
	return status_add_field(response, "Content-Type", answer->type) &&
	    status_add_policy(response, answer);
}

static enum MHD_Result
status_reply(struct MHD_Connection *connection, struct status_answer *answer)
{
	struct MHD_Response *response;
	enum MHD_Result result = MHD_NO;

	if (answer->body == NULL)
		status_answer_text(answer, 500, "out of memory");
	if (answer->body == NULL)
		return MHD_NO;
	response = MHD_create_response_from_buffer(
	    answer->len, answer->body, MHD_RESPMEM_MUST_FREE);
	if (response == NULL) {
		free(answer->body);
		return MHD_NO;
	}
	if (status_add_fields(response, answer))
		result = MHD_queue_response(connection, answer->code, response);
	MHD_destroy_response(response);
	return result;
}

static void
status_make(struct status *status, struct MHD_Connection *connection,
    const char *path, struct status_answer *answer)
{
	const struct status_request request = {
		.path = path,
		.parameter = status_parameter,
		.arg = connection,
		.source = &status->source,
		.recent = status->recent,
		.history = &status->history,
		.now_ms = loop_now(status->loop),
		.now_us = clock_wall_us(),
	};

	status_answer(&request, answer);
}

static bool
status_has_body(struct MHD_Connection *connection)
{
	const char *length = MHD_lookup_connection_value(
	    connection, MHD_HEADER_KIND, "Content-Length");

	return (length != NULL && strcmp(length, "0") != 0) ||
	    MHD_lookup_connection_value(
		connection, MHD_HEADER_KIND, "Transfer-Encoding") != NULL;
}

/* Last, so that only what is answered costs something. */
static bool
status_pay(struct status *status, const char *path)
{
	struct status_cost cost = status_answer_cost(path);
	struct rate rate = { .period_ms = 1000 };

	if (cost.tokens == 0)
		return true;
	/* One of fewer and larger tokens is as much time of the bucket. */
	rate.count = budgets_max[cost.budget] / cost.tokens;
	return bucket_take(
	    &status->budgets[cost.budget], rate, loop_now(status->loop), NULL);
}

/* What keeps a request from being answered, or 0. */
static unsigned
status_refuse(struct status *status, struct MHD_Connection *connection,
    const char *path, const char *method, const char **why)
{
	const char *host =
	    MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host");

	if (!status_host_allowed(host, &status->source.conf->status)) {
		*why = "this host has no such name; see status.hosts in"
		       " muxd.conf(5)";
		return 421;
	}
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		*why = "only GET and HEAD are answered";
		return 405;
	}
	if (status_has_body(connection)) {
		*why = "a request has no body here";
		return 413;
	}
	if (!status_pay(status, path)) {
		*why = "there are too many requests";
		return 429;
	}
	return 0;
}

/* The library calls it when the head of a request is complete, and once more
 * when there is no body (left). */
static enum MHD_Result
status_handle(void *arg, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload,
    size_t *upload_size, void **context)
{
	static char head_seen;
	struct status *status = arg;
	struct status_answer answer;
	const char *why = NULL;
	unsigned code;

	(void)version;
	(void)upload;
	if (*context == NULL) {
		*context = &head_seen;
		code = status_refuse(status, connection, url, method, &why);
		if (code == 0)
			return MHD_YES;
		status_answer_text(&answer, code, why);
		return status_reply(connection, &answer);
	}
	/* One that was not announced. */
	if (*upload_size > 0)
		return MHD_NO;
	status_make(status, connection, url, &answer);
	return status_reply(connection, &answer);
}

/* ---- life ---- */

static void
status_sample(struct timer *timer)
{
	struct status *status = container_of(timer, struct status, sample);

	history_take(&status->history, &status->source, loop_now(status->loop));
}

static int
status_open_listeners(struct status *status, const struct status_config *config)
{
	struct status_listener *listener;
	int fd;
	size_t i;

	status->listeners = mem_array(config->nfds, sizeof(*status->listeners));
	if (status->listeners == NULL)
		return -1;
	for (i = 0; i < config->nfds; i++) {
		listener = &status->listeners[i];
		listener->status = status;
		fd = config->fds[i];
		io_init(&listener->io, fd, status_accept, IO_SHARED);
		if (io_add(status->loop, &listener->io, IO_READ) == -1)
			return -1;
		status->nlisteners++;
	}
	return 0;
}

static int
status_open_daemon(struct status *status)
{
	const union MHD_DaemonInfo *info;

	status->daemon =
	    MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL,
		NULL, status_handle, status, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)(STATUS_CONNECTIONS + STATUS_LEAVING),
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENCE_S,
		MHD_OPTION_NOTIFY_CONNECTION, status_notify_connection, status,
		MHD_OPTION_NOTIFY_COMPLETED, status_notify_completed, status,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	if (status->daemon == NULL) {
		errno = ENOMEM;
		return -1;
	}
	info = MHD_get_daemon_info(status->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL) {
		errno = ENOTSUP;
		return -1;
	}
	io_init(&status->io, info->listen_fd, status_ready, 0);
	return io_add(status->loop, &status->io, IO_READ);
}

struct status *
status_open(const struct status_config *config)
{
	struct status *status = mem_zalloc(sizeof(*status));
	int error;

	if (status == NULL)
		return NULL;
	status->loop = config->loop;
	status->source = *config->source;
	status->recent = config->recent;
	status->io.fd = -1;
	status_clients_open(&status->clients, config->loop);
	timer_init(&status->due, status_due);
	timer_init(&status->sample, status_sample);
	timer_init(&status->rest, status_rest_over);
	if (status_open_daemon(status) == -1 ||
	    status_open_listeners(status, config) == -1) {
		error = errno;
		status_close(status);
		errno = error;
		return NULL;
	}
	loop_timer_repeat(status->loop, &status->sample, HISTORY_INTERVAL_MS);
	history_take(&status->history, &status->source, loop_now(status->loop));
	return status;
}

void
status_update(struct status *status, const struct report_source *source)
{
	if (status != NULL)
		status->source = *source;
}

void
status_close(struct status *status)
{
	size_t i;

	if (status == NULL)
		return;
	loop_timer_cancel(status->loop, &status->due);
	loop_timer_cancel(status->loop, &status->sample);
	loop_timer_cancel(status->loop, &status->rest);
	for (i = 0; i < status->nlisteners; i++)
		io_remove(&status->listeners[i].io);
	if (status->io.fd != -1)
		io_remove(&status->io);
	if (status->daemon != NULL)
		MHD_stop_daemon(status->daemon);
	status_clients_close(&status->clients);
	mem_free(status->listeners);
	mem_free(status);
}
