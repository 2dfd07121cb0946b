/*
 * The order to reload.
 *
 * The request belongs to the reload until it is done, and the client may go
 * before: so it is memory of its own.
 */
#include "proc/control_reload.h"

#include <stdio.h>

#include "base/mem.h"
#include "proc/control_client.h"
#include "proc/reload.h"
#include "proc/upgrade.h"

struct reload_order {
	struct control_order order;
	struct reload_request request;
};

json_t *
control_errors(const struct conf_errors *errors)
{
	json_t *array = json_array();
	const struct conf_error *error;
	size_t i;

	for (i = 0; i < errors->n; i++) {
		error = &errors->items[i];
		(void)json_array_append_new(array,
		    json_pack("{s:s,s:i,s:s,s:b}", "file", error->file, "line",
			error->line, "text", error->text, "warning",
			error->warning));
	}
	return array;
}

const char *
control_first_error(const struct conf_errors *errors, char *buf, size_t size)
{
	const struct conf_error *error;
	size_t i;

	(void)snprintf(buf, size, "the reload was refused");
	for (i = 0; i < errors->n; i++) {
		error = &errors->items[i];
		if (error->warning)
			continue;
		if (error->line > 0)
			(void)snprintf(buf, size, "%s:%d: %s", error->file,
			    error->line, error->text);
		else
			(void)snprintf(
			    buf, size, "%s: %s", error->file, error->text);
		break;
	}
	return buf;
}

static void
order_answer(struct control_client *client, const struct reload_result *result)
{
	char text[512];

	client->order = NULL;
	if (result->applied)
		control_client_succeed(client,
		    json_pack(
			"{s:o}", "messages", control_errors(result->errors)));
	else
		control_client_refuse(client,
		    control_first_error(result->errors, text, sizeof(text)),
		    control_errors(result->errors));
}

static void
order_done(struct reload_request *request, const struct reload_result *result)
{
	struct reload_order *order =
	    container_of(request, struct reload_order, request);

	if (order->order.client != NULL)
		order_answer(order->order.client, result);
	mem_free(order);
}

void
control_reload(struct control_client *client)
{
	struct control *control = client->control;
	struct reload_order *order;
	struct log_record record;

	if (control->sup->phase != SUPERVISOR_RUNNING) {
		control_client_fail(
		    client, "muxd cannot reload while it starts or stops");
		return;
	}
	if (upgrade_is_under_way(control->upgrade)) {
		control_client_fail(client, "an upgrade is under way");
		return;
	}
	order = mem_zalloc(sizeof(*order));
	if (order == NULL) {
		control_client_succeed(client, NULL);
		return;
	}
	log_record_begin(&record, LOG_LEVEL_NOTICE, "ordered by hand");
	log_record_str(&record, "command", "reload");
	log_record_uint(&record, "uid", client->uid);
	log_emit(control->sup->log, &record);
	order->order.client = client;
	order->request.done = order_done;
	client->order = &order->order;
	reload_ask(control->reload, &order->request);
}
