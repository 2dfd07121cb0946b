/*
 * A client of the control socket: what it sends, what it is sent, and how
 * long and how much of both is borne.
 */
#include "proc/control_client.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proc/control_commands.h"

/* ---- the end ---- */

static void
client_free(struct retired *retired)
{
	struct control_client *client =
	    container_of(retired, struct control_client, retired);

	mem_free(client->out);
	mem_free(client);
}

void
control_client_end(struct control_client *client)
{
	struct loop *loop = client->control->sup->loop;

	if (client->over)
		return;
	client->over = true;
	if (client->control->question.owner == client)
		client->control->question.owner = NULL;
	if (client->order != NULL)
		client->order->client = NULL;
	if (client->phase == CONTROL_SUBSCRIBED)
		control_watch_leave(client->control);
	loop_timer_cancel(loop, &client->timer);
	loop_timer_cancel(loop, &client->turn);
	io_close(&client->io);
	list_remove(&client->link);
	client->control->nclients--;
	loop_retire(loop, &client->retired, client_free);
}

static size_t
client_pending(const struct control_client *client)
{
	return client->out_len - client->out_sent;
}

/* ---- time ---- */

static void
client_arm(struct control_client *client)
{
	struct loop *loop = client->control->sup->loop;
	uint64_t due = client->request_due, now = loop_now(loop);

	if (due == 0 || (client->output_due != 0 && client->output_due < due))
		due = client->output_due;
	if (due == 0)
		loop_timer_cancel(loop, &client->timer);
	else
		loop_timer_set(loop, &client->timer, due > now ? due - now : 0);
}

static void
client_late(struct timer *timer)
{
	struct control_client *client =
	    container_of(timer, struct control_client, timer);

	if (client->output_due == 0 ||
	    client->output_due > loop_now(client->control->sup->loop)) {
		client->phase = CONTROL_ENDING;
		control_client_fail(client, "the request came too slowly");
		control_client_flush(client);
	}
	control_client_end(client);
}

/* ---- output ---- */

static void
client_want(struct control_client *client)
{
	bool reads = !client->ended &&
	    (client->phase == CONTROL_SUBSCRIBED ||
		(client->phase == CONTROL_READING &&
		    client_pending(client) < CONTROL_OUTPUT_LOW));
	bool writes = client_pending(client) > 0;

	io_want(&client->io,
	    (reads ? (unsigned)IO_READ : 0) |
		(writes ? (unsigned)IO_WRITE : 0));
}

static bool
client_make_room(struct control_client *client, size_t len)
{
	size_t pending = client_pending(client), size = client->out_size;
	char *out;

	if (client->out_sent > 0) {
		memmove(client->out, client->out + client->out_sent, pending);
		client->out_len = pending;
		client->out_sent = 0;
	}
	if (len > CONTROL_OUTPUT_MAX - pending)
		return false;
	while (size - client->out_len < len)
		size = size == 0 ? 4096 : size * 2;
	if (size == client->out_size)
		return true;
	out = mem_zalloc(size);
	if (out == NULL)
		return false;
	if (pending > 0)
		memcpy(out, client->out, pending);
	mem_free(client->out);
	client->out = out;
	client->out_size = size;
	return true;
}

static int
client_put(const char *data, size_t len, void *arg)
{
	struct control_client *client = arg;

	if (client->out_size - client->out_len < len &&
	    !client_make_room(client, len))
		return -1;
	memcpy(client->out + client->out_len, data, len);
	client->out_len += len;
	return 0;
}

void
control_client_flush(struct control_client *client)
{
	ssize_t n;

	while (!client->over && client_pending(client) > 0) {
		n = send(client->io.fd, client->out + client->out_sent,
		    client_pending(client), MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			io_drained(&client->io, IO_WRITE);
			return;
		}
		if (n <= 0) {
			control_client_end(client);
			return;
		}
		client->out_sent += (size_t)n;
		client->output_due = 0;
	}
}

void
control_client_send(struct control_client *client, json_t *object)
{
	static const char lost[] =
	    "{\"ok\":false,\"error\":\"there is no memory for the answer\"}";
	uint64_t now = loop_now(client->control->sup->loop);
	int result;

	if (client->over) {
		json_decref(object);
		return;
	}
	result = object != NULL
	    ? json_dump_callback(object, client_put, client, JSON_COMPACT)
	    : client_put(lost, sizeof(lost) - 1, client);
	json_decref(object);
	/* One that takes nothing, or an answer beyond all bounds: what is sent
	 * of it must not look like a whole one. */
	if (result == -1 || client_put("\n", 1, client) == -1) {
		control_client_end(client);
		return;
	}
	if (client->output_due == 0)
		client->output_due = now + CONTROL_OUTPUT_MS;
	/* Sent at the end of this step: see client_settle(). */
	loop_timer_set(client->control->sup->loop, &client->turn, 0);
}

/* Send the last line of an answer. */
static void
client_answer(struct control_client *client, json_t *object)
{
	control_client_send(client, object);
	client->work = NULL;
	if (client->phase == CONTROL_WORKING)
		client->phase = CONTROL_READING;
}

void
control_client_succeed(struct control_client *client, json_t *object)
{
	if (object == NULL || json_object_set_new(object, "ok", json_true())) {
		json_decref(object);
		object = NULL;
	}
	client_answer(client, object);
}

void
control_client_refuse(
    struct control_client *client, const char *text, json_t *messages)
{
	client_answer(client,
	    json_pack(
		"{s:b,s:s,s:o}", "ok", 0, "error", text, "messages", messages));
}

void
control_client_fail(struct control_client *client, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* What a request had in it need not be UTF-8. */
	client_answer(client, json_pack("{s:b,s:s}", "ok", 0, "error", text));
}

/* ---- requests ---- */

void
control_client_work(struct control_client *client,
    void (*work)(struct control_client *), uint64_t delay_ms)
{
	client->work = work;
	loop_timer_set(client->control->sup->loop, &client->turn, delay_ms);
}

static void
client_serve(struct control_client *client, size_t len)
{
	const char *words[REQUEST_WORDS], *why;
	char error[REQUEST_ERROR_MAX];
	int n;

	if (len > 0 && client->line[len - 1] == '\r')
		len--;
	n = request_split(client->line, len, words, &why);
	if (n == 0)
		return;
	client->served = true;
	client->active_ms = loop_now(client->control->sup->loop);
	client->phase = CONTROL_WORKING;
	memset(&client->job, 0, sizeof(client->job));
	if (n == -1)
		control_client_fail(client, "bad request: %s", why);
	else if (request_read(&client->job.request, words, (size_t)n, error) ==
	    -1)
		control_client_fail(client, "%s", error);
	else
		control_commands_run(client);
}

/* Serve the first line that has come; false if there is none. */
static bool
client_take_line(struct control_client *client)
{
	char *end = memchr(client->line, '\n', client->len);
	uint64_t now = loop_now(client->control->sup->loop);
	size_t len;

	if (end == NULL)
		return false;
	len = (size_t)(end - client->line);
	client->line[len] = '\0';
	client_serve(client, len);
	client->len -= len + 1;
	memmove(client->line, end + 1, client->len);
	client->request_due = client->len > 0 ? now + CONTROL_REQUEST_MS : 0;
	return true;
}

/* What follows from what was read or written. */
static void
client_settle(struct control_client *client)
{
	struct loop *loop = client->control->sup->loop;

	if (client->over)
		return;
	if (client->phase == CONTROL_READING &&
	    client_pending(client) < CONTROL_OUTPUT_LOW) {
		if (client_take_line(client))
			loop_timer_set(loop, &client->turn, 0);
		else if (client->len == sizeof(client->line)) {
			client->phase = CONTROL_ENDING;
			control_client_fail(client,
			    "the request is longer than %d bytes", REQUEST_MAX);
		} else if (client->ended) {
			client->phase = CONTROL_ENDING;
		}
	}
	control_client_flush(client);
	if (client->over)
		return;
	if (client->phase == CONTROL_ENDING && client_pending(client) == 0) {
		control_client_end(client);
		return;
	}
	if (client_pending(client) > 0 && client->output_due == 0)
		client->output_due = loop_now(loop) + CONTROL_OUTPUT_MS;
	/* While it is served, the time is ours. */
	if (client->phase != CONTROL_READING)
		client->request_due = 0;
	client_want(client);
	client_arm(client);
}

static void
client_turn(struct timer *timer)
{
	struct control_client *client =
	    container_of(timer, struct control_client, turn);

	if (client->phase == CONTROL_WORKING && client->io.hangup) {
		control_client_end(client);
		return;
	}
	if (client->phase == CONTROL_WORKING && client->work != NULL &&
	    client_pending(client) < CONTROL_OUTPUT_LOW)
		client->work(client);
	client_settle(client);
}

/* ---- input ---- */

static void
client_read(struct control_client *client)
{
	char dropped[256];
	bool keeps = client->phase == CONTROL_READING;
	char *to = keeps ? client->line + client->len : dropped;
	size_t room =
	    keeps ? sizeof(client->line) - client->len : sizeof(dropped);
	ssize_t n;

	if (room == 0)
		return;
	n = recv(client->io.fd, to, room, 0);
	if (n == -1 && errno == EINTR)
		return;
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		io_drained(&client->io, IO_READ);
		return;
	}
	if (n == -1) {
		control_client_end(client);
		return;
	}
	if (n == 0) {
		client->ended = true;
		return;
	}
	if (!keeps)
		return;
	if (client->len == 0)
		client->request_due =
		    loop_now(client->control->sup->loop) + CONTROL_REQUEST_MS;
	client->len += (size_t)n;
}

static void
client_call(struct io *io)
{
	struct control_client *client =
	    container_of(io, struct control_client, io);

	/* Nobody is there any more; what it has sent before may still be an
	 * order. */
	if (io->hangup && client->phase != CONTROL_READING) {
		control_client_end(client);
		return;
	}
	if ((io->wanted & IO_READ) != 0 && io_is_ready(io, IO_READ))
		client_read(client);
	if (client->over)
		return;
	control_client_flush(client);
	if (client->over)
		return;
	if (client->phase == CONTROL_WORKING && client->work != NULL &&
	    !timer_is_set(&client->turn) &&
	    client_pending(client) < CONTROL_OUTPUT_LOW)
		loop_timer_set(client->control->sup->loop, &client->turn, 0);
	client_settle(client);
}

int
control_client_begin(struct control *control, int fd, uid_t uid)
{
	struct control_client *client = mem_zalloc(sizeof(*client));
	struct loop *loop = control->sup->loop;
	int error;

	if (client == NULL)
		return -1;
	client->control = control;
	client->uid = uid;
	client->active_ms = loop_now(loop);
	client->request_due = client->active_ms + CONTROL_REQUEST_MS;
	timer_init(&client->timer, client_late);
	timer_init(&client->turn, client_turn);
	io_init(&client->io, fd, client_call, 0);
	if (io_add(loop, &client->io, IO_READ) == -1) {
		error = errno;
		mem_free(client);
		errno = error;
		return -1;
	}
	list_append(&control->clients, &client->link);
	control->nclients++;
	client_arm(client);
	return 0;
}
