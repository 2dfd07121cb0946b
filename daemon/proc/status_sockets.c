/*
 * The sockets of the status page: see status_sockets.h.
 */
#include "proc/status_sockets.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/mem.h"
#include "monitor/status.h"
#include "net/socket.h"

#define STATUS_BACKLOG 64

static void
status_complain(
    const struct conf *conf, size_t i, int error, struct conf_errors *errors)
{
	char text[ENDPOINT_STRLEN];
	const char *file, *hint = "";
	int line;

	endpoint_format(&conf->status.listen[i], text, sizeof(text));
	conf_origin(conf, "status", "listen", &file, &line);
	if (error == EADDRINUSE)
		hint = " (another program, or a service of muxd, has it)";
	else if (error == EACCES)
		hint = " (a port below 1024 needs root or"
		       " CAP_NET_BIND_SERVICE)";
	else if (error == EADDRNOTAVAIL)
		hint = " (no interface of this machine has the address)";
	conf_error_add(errors, false, file, line,
	    "the status page cannot listen on %s: %s%s", text, strerror(error),
	    hint);
}

int
status_sockets_check(const struct conf *conf, struct conf_errors *errors)
{
	const char *file;
	int line;

	if (conf->status.nlisten == 0 || status_supported())
		return 0;
	conf_origin(conf, "status", "listen", &file, &line);
	conf_error_add(errors, false, file, line,
	    "status.listen: this muxd was built without libmicrohttpd and has"
	    " no status page");
	return -1;
}

/* Without SO_REUSEPORT, so that nobody else's socket is joined. */
static int
status_bind(const struct endpoint *endpoint)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&endpoint->addr, &ss);
	const int on = 1;
	int fd, error;

	fd = compat_socket(ss.ss_family, SOCK_STREAM, 0);
	if (fd == -1)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    (ss.ss_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) ==
		    -1) ||
	    bind(fd, (const struct sockaddr *)&ss, len) == -1 ||
	    listen(fd, STATUS_BACKLOG) == -1) {
		error = errno;
		(void)close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

int
status_sockets_open(struct status_sockets *sockets, const struct conf *conf,
    struct inherited_sockets *inherited, struct conf_errors *errors)
{
	const struct conf_status *status = &conf->status;
	int *fds = mem_array(status->nlisten, sizeof(*fds));
	size_t i;

	if (fds == NULL) {
		status_complain(conf, 0, errno, errors);
		return -1;
	}
	for (i = 0; i < status->nlisten; i++)
		fds[i] = inherited_sockets_take_status(
		    inherited, &status->listen[i]);
	return status_sockets_adopt(sockets, conf, fds, errors);
}

int
status_sockets_adopt(struct status_sockets *sockets, const struct conf *conf,
    int *fds, struct conf_errors *errors)
{
	const struct conf_status *status = &conf->status;
	size_t i;
	int result = 0, fd;

	sockets->conf = status;
	sockets->fds = fds;
	for (i = 0; i < status->nlisten; i++) {
		fd = fds[i] != -1 ? fds[i] : status_bind(&status->listen[i]);
		if (fd == -1) {
			status_complain(conf, i, errno, errors);
			result = -1;
			continue;
		}
		fds[sockets->n++] = fd;
	}
	return result;
}

void
status_socket_name(const struct endpoint *asked, char *text)
{
	const struct socket_name name = {
		.status = true,
		.shared = true,
		.asked = *asked,
	};

	socket_name_format(&name, text);
}

void
status_sockets_each_name(
    const struct status_sockets *sockets, socket_name_call *call, void *arg)
{
	char text[INHERIT_NAME_MAX];
	size_t i;

	for (i = 0; i < sockets->n; i++) {
		status_socket_name(&sockets->conf->listen[i], text);
		call(arg, sockets->fds[i], text, false);
	}
}

void
status_sockets_log(const struct status_sockets *sockets, struct log *log)
{
	struct log_record record;
	char text[ADDR_STRLEN];
	struct addr addr;
	size_t i;

	for (i = 0; i < sockets->n; i++) {
		if (socket_local(sockets->fds[i], &addr) == -1)
			continue;
		log_record_begin(&record, LOG_LEVEL_NOTICE, "status page");
		log_record_str(
		    &record, "address", addr_format(&addr, text, sizeof(text)));
		log_emit(log, &record);
	}
}

void
status_sockets_close(struct status_sockets *sockets)
{
	size_t i;

	for (i = 0; i < sockets->n; i++)
		(void)close(sockets->fds[i]);
	mem_free(sockets->fds);
	sockets->fds = NULL;
	sockets->n = 0;
}
