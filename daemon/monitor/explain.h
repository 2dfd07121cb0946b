/*
 * Explanations of how sessions went and ended, and of why clients were turned
 * away, made of what the monitor remembers and the configuration in force.
 *
 * Where something is set is told by the configuration of now: that of then is
 * gone.  So beside a value of then stands the value of now, if they differ.
 */
#ifndef MUXD_MONITOR_EXPLAIN_H
#define MUXD_MONITOR_EXPLAIN_H

#include <jansson.h>

#include "base/log.h"
#include "monitor/report_common.h"
#include "state/memo.h"

/*
 * One object about a record "session ended" or "client refused": its fields,
 * and
 *
 *   kind         "session" or "refusal"
 *   end_us       the wall clock; reason_text, errno (0: none)
 *   waited       limit_ms, server_ms
 *   failures     connects that failed before, as a text
 *   choice       why it was this server: see explain_choice()
 *   limit, rule  what has turned the client away
 *   setting      the option behind a time-out, or a full queue
 *   tcp          client, server: what the kernel knew at the end
 *
 * NULL with ENOMEM.
 */
json_t *explain_record(
    const struct report_source *source, const struct log_view *view);

/* Why it is that server: balance, turn, members, usable, room, sessions,
 * backup, and "text", an English phrase. */
json_t *explain_choice(struct report *report, const struct memo_choice *choice);

/* Put the option into an object, its name, value, file and line: that of a limit
 * that a client meets, as limits.connections. */
void explain_set_limit(struct report *report, json_t *object,
    enum memo_limit_kind kind, const struct conf_service *service);

/* The rule that keeps a client out: rule, prefix, file, line. */
json_t *explain_rule(struct report *report, const struct memo_rule *rule,
    const struct conf_service *service);

/* "200/s" or "50", of a limit, into buf. */
const char *explain_max(const struct memo_limit *limit, char *buf, size_t size);

/* The service of that name in the configuration, or NULL. */
const struct conf_service *explain_service(
    const struct conf *conf, const char *name, size_t len);

#endif
