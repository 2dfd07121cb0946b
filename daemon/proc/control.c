/*
 * The control socket: see control.h.
 */
#include "proc/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/compat.h"
#include "net/socket.h"
#include "proc/control_client.h"
#include "proc/question.h"

/* Connections taken in one turn. */
#define CONTROL_ACCEPTS 8
/* Without descriptors or memory, the next try. */
#define CONTROL_PAUSE_MS 1000

/* ---- who may speak ---- */

/* A last word for somebody who becomes no client. */
static void
control_turn_away(int fd, const char *line)
{
	/* There is room in a new socket, or nobody to read it. */
	(void)send(fd, line, strlen(line), MSG_NOSIGNAL);
	(void)close(fd);
}

static bool
control_permits(struct control *control, int fd, uid_t *uid)
{
	struct supervisor *sup = control->sup;
	uint64_t left_out;
	bool known = compat_peer_uid(fd, uid) == 0;

	if (known && (*uid == 0 || *uid == control->uid))
		return true;
	if (log_limit_pass(&control->refusals, loop_now(sup->loop), &left_out))
		log_printf(sup->log, LOG_LEVEL_WARNING,
		    "control socket: user %ld is refused",
		    known ? (long)*uid : -1L);
	return false;
}

/* Of those that ask for nothing, the one that has done so for the longest
 * time. */
static struct control_client *
control_idlest(struct control *control)
{
	struct control_client *client, *idlest = NULL;
	struct list *node;

	for (node = control->clients.next; node != &control->clients;
	     node = node->next) {
		client = container_of(node, struct control_client, link);
		if (client->phase == CONTROL_READING && client->served &&
		    client->len == 0 && client->out_len == client->out_sent &&
		    (idlest == NULL || client->active_ms < idlest->active_ms))
			idlest = client;
	}
	return idlest;
}

static bool
control_make_room(struct control *control)
{
	struct control_client *idlest;

	if (control->nclients < CONTROL_CLIENTS)
		return true;
	idlest = control_idlest(control);
	if (idlest == NULL)
		return false;
	control_client_end(idlest);
	return true;
}

static void
control_accepted(struct control *control, int fd)
{
	uid_t uid;

	if (!control_permits(control, fd, &uid))
		control_turn_away(
		    fd, "{\"ok\":false,\"error\":\"not permitted\"}\n");
	else if (!control_make_room(control))
		control_turn_away(fd,
		    "{\"ok\":false,\"error\":\"too many clients of the control"
		    " socket\"}\n");
	else if (control_client_begin(control, fd, uid) == -1)
		control_turn_away(
		    fd, "{\"ok\":false,\"error\":\"there is no memory\"}\n");
}

/* ---- the socket ---- */

static void
control_pause(struct control *control)
{
	io_want(&control->io, 0);
	loop_timer_set(control->sup->loop, &control->resume, CONTROL_PAUSE_MS);
}

static void
control_resume(struct timer *timer)
{
	io_want(&container_of(timer, struct control, resume)->io, IO_READ);
}

static void
control_call(struct io *io)
{
	struct control *control = container_of(io, struct control, io);
	unsigned n;
	int fd;

	for (n = 0; n < CONTROL_ACCEPTS; n++) {
		fd = compat_accept(io->fd, NULL, NULL);
		if (fd != -1) {
			control_accepted(control, fd);
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			io_drained(io, IO_READ);
		else
			control_pause(control);
		return;
	}
}

void
control_adopt(struct control *control, const char *path, int fd)
{
	control->uid = geteuid();
	list_init(&control->clients);
	timer_init(&control->resume, control_resume);
	control_watch_init(control);
	io_init(&control->io, fd, control_call, IO_SHARED);
	control->path = path;
	control->inherited = true;
}

int
control_bind(struct control *control, const char *path)
{
	const struct socket_options options = { .backlog = CONTROL_CLIENTS };
	const struct socket_file file = {
		.mode = 0600,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
	};
	struct endpoint endpoint = {
		.transport = TRANSPORT_UNIX,
		.addr = { .family = ADDR_UNIX },
	};
	int fd;

	if (compat_strlcpy(endpoint.path, path, sizeof(endpoint.path)) >=
	    sizeof(endpoint.path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket_bind_unix(&endpoint, &options, &file);
	if (fd == -1)
		return -1;
	control_adopt(control, path, fd);
	control->inherited = false;
	return 0;
}

int
control_begin(struct control *control)
{
	if (io_add(control->sup->loop, &control->io, IO_READ) == -1)
		return -1;
	control->serves = true;
	control->inherited = false;
	return 0;
}

void
control_tell_reload(struct control *control, bool applied)
{
	if (control->path != NULL)
		control_watch_tell(control, "reload",
		    applied ? "the configuration was reloaded"
			    : "a reload was refused",
		    json_pack("{s:b}", "applied", applied));
}

static void
control_end(struct control *control, bool unlinks)
{
	struct control_client *client;
	struct list *node, *next;

	if (control->path == NULL)
		return;
	for (node = control->clients.next; node != &control->clients;
	     node = next) {
		next = node->next;
		client = container_of(node, struct control_client, link);
		if (client->phase == CONTROL_WORKING && client->job.all)
			control_client_succeed(client, json_object());
		control_client_flush(client);
		control_client_end(client);
	}
	question_close(control->question.question);
	control->question.question = NULL;
	loop_timer_cancel(control->sup->loop, &control->resume);
	/* The name first: who finds it finds somebody. */
	if (unlinks)
		(void)unlink(control->path);
	if (control->serves)
		io_close(&control->io);
	else
		(void)close(control->io.fd);
	control->path = NULL;
}

void
control_hand_over(struct control *control)
{
	struct control_client *client;
	struct list *node, *next;

	for (node = control->clients.next; node != &control->clients;
	     node = next) {
		next = node->next;
		client = container_of(node, struct control_client, link);
		if (client->phase == CONTROL_WORKING)
			control_client_fail(client,
			    "another muxd has taken over: ask that one");
	}
	control_end(control, false);
}

void
control_close(struct control *control)
{
	control_end(control, !control->inherited);
}
