/*
 * Records of a reload: see reload_log.h.
 */
#include "proc/reload_log.h"

static void
reload_log_error(struct log *log, const struct conf_error *error)
{
	struct log_record record;

	log_record_begin(&record,
	    error->warning ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR,
	    "configuration");
	if (error->line > 0)
		log_record_fmt(
		    &record, "place", "%s:%d", error->file, error->line);
	else
		log_record_str(&record, "place", error->file);
	log_record_str(
	    &record, error->warning ? "warning" : "error", error->text);
	log_emit(log, &record);
}

void
reload_log_result(const struct reload *reload, bool applied)
{
	struct log *log = reload->sup->log;
	struct log_record record;
	size_t i;

	for (i = 0; i < reload->errors.n; i++)
		reload_log_error(log, &reload->errors.items[i]);
	if (applied) {
		log_record_begin(&record, LOG_LEVEL_NOTICE, "reloaded");
		log_record_str(&record, "configuration", reload->path);
		log_record_uint(&record, "number", reload->number);
	} else {
		log_record_begin(&record, LOG_LEVEL_ERROR,
		    "reload refused: the configuration stays as it was");
		log_record_uint(&record, "errors", reload->errors.nerrors);
	}
	log_record_uint(&record, "duration_ms",
	    loop_now(reload->sup->loop) - reload->started_ms);
	log_emit(log, &record);
}

void
reload_log_fresh(const struct reload *reload)
{
	const struct sockets_change *change = &reload->change;
	size_t i;

	for (i = 0; i < change->n; i++)
		if (sockets_change_is_fresh(change, i))
			sockets_log(reload->sup->log, "listening", reload->conf,
			    sockets_change_owned(change, i));
}

void
reload_log_leftover(const struct reload *reload)
{
	const struct sockets *sockets = reload->sup->sockets;
	size_t i;

	for (i = 0; i < sockets->nleftover; i++)
		sockets_log(reload->sup->log, "listening no more",
		    reload->before, &sockets->leftover[i]);
}
