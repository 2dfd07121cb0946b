/*
 * The order to upgrade.
 */
#include "proc/control_upgrade.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "proc/control_client.h"
#include "proc/upgrade.h"

struct upgrade_order {
	struct control_order order;
	struct upgrade_request request;
};

/* What the new one has said, a line each, in the form of an error of the
 * configuration. */
static json_t *
order_messages(const char *said)
{
	json_t *array = json_array();
	size_t len;

	for (; *said != '\0'; said += len + (said[len] == '\n')) {
		len = strcspn(said, "\n");
		if (len > 0)
			(void)json_array_append_new(array,
			    json_pack("{s:n,s:s%,s:b}", "file", "text", said,
				len, "warning", 0));
	}
	return array;
}

static void
order_answer(struct control_client *client, const struct upgrade_result *result)
{
	client->order = NULL;
	if (result->done)
		control_client_succeed(
		    client, json_pack("{s:i}", "pid", (int)result->pid));
	else
		control_client_refuse(
		    client, result->text, order_messages(result->said));
}

static void
order_done(struct upgrade_request *request, const struct upgrade_result *result)
{
	struct upgrade_order *order =
	    container_of(request, struct upgrade_order, request);

	if (order->order.client != NULL)
		order_answer(order->order.client, result);
	mem_free(order);
}

void
control_upgrade(struct control_client *client)
{
	struct control *control = client->control;
	struct upgrade_order *order = mem_zalloc(sizeof(*order));
	struct log_record record;
	const char *refusal;

	if (order == NULL) {
		control_client_succeed(client, NULL);
		return;
	}
	log_record_begin(&record, LOG_LEVEL_NOTICE, "ordered by hand");
	log_record_str(&record, "command", "upgrade");
	log_record_uint(&record, "uid", client->uid);
	log_emit(control->sup->log, &record);
	order->order.client = client;
	order->request.done = order_done;
	client->order = &order->order;
	refusal = upgrade_ask(control->upgrade, &order->request);
	if (refusal == NULL)
		return;
	client->order = NULL;
	mem_free(order);
	control_client_fail(client, "%s", refusal);
}
