/*
 * What the log is told of a start: see announce.h.
 */
#include "proc/announce.h"

void
announce_limits(
    struct log *log, const struct conf *conf, const struct plan *plan)
{
	const struct conf_service *service;
	size_t i;

	if (plan->connections_set && plan->connections > plan->holdable)
		log_printf(log, LOG_LEVEL_WARNING,
		    "limits.connections is %llu, but %u workers with %llu"
		    " descriptors each can hold only %llu: raise the limit"
		    " of open files",
		    (unsigned long long)plan->connections, plan->workers,
		    (unsigned long long)plan->nofile,
		    (unsigned long long)plan->holdable);
	for (i = 0; i < conf->nservices; i++) {
		service = &conf->services[i];
		if (service->limit.connections > plan->connections ||
		    service->limit.connections > plan->holdable)
			log_printf(log, LOG_LEVEL_WARNING,
			    "service \"%s\": limit.connections is more than"
			    " the whole daemon can hold",
			    service->name);
	}
}

void
announce_start(struct log *log, const struct conf *conf,
    const struct plan *plan, const struct sockets *sockets)
{
	struct log_record record;
	size_t i;

	for (i = 0; i < sockets->n; i++)
		sockets_log(log, "listening", conf, &sockets->items[i]);
	log_record_begin(&record, LOG_LEVEL_NOTICE, "limits");
	log_record_uint(&record, "workers", plan->workers);
	log_record_uint(&record, "connections", plan->connections);
	log_record_uint(&record, "descriptors", plan->nofile);
	log_record_uint(&record, "memory", conf->memory);
	log_emit(log, &record);
	announce_limits(log, conf, plan);
}
