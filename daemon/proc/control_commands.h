/*
 * What the commands of muxctl do.
 */
#ifndef MUXD_PROC_CONTROL_COMMANDS_H
#define MUXD_PROC_CONTROL_COMMANDS_H

#include "monitor/report.h"
#include "proc/control_client.h"

/* Do what client->job.request asks for, which answers or goes on later. */
void control_commands_run(struct control_client *client);

/* What a reload would change (control_diff.c). */
void control_diff(struct control_client *client);

/* What has become of a client (control_explain.c), and what would
 * (control_try.c). */
void control_explain(struct control_client *client);
void control_try(struct control_client *client);

/* What reports are made from. */
struct report_source control_source(const struct control_client *client);

/* Write the number of a session as records have it into its row. */
void control_set_session(json_t *row);

/* The functions of those that only look (control_show.c). */
void control_show_status(struct control_client *client);
void control_show_services(struct control_client *client);
void control_show_pools(struct control_client *client);
void control_show_servers(struct control_client *client);
void control_show_sessions(struct control_client *client);
void control_show_sources(struct control_client *client);
void control_show_limits(struct control_client *client);
void control_show_workers(struct control_client *client);
void control_show_errors(struct control_client *client);
void control_show_bans(struct control_client *client);
void control_show_metrics(struct control_client *client);
void control_show_config(struct control_client *client);

#endif
