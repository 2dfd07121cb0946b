/*
 * What the commands of muxctl do.
 */
#ifndef MUXD_PROC_CONTROL_COMMANDS_H
#define MUXD_PROC_CONTROL_COMMANDS_H

#include "proc/control_client.h"

/* Do what client->job.request asks for, which answers or goes on later. */
void control_commands_run(struct control_client *client);

/* What a reload would change (control_diff.c). */
void control_diff(struct control_client *client);

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
