/*
 * The order to upgrade: it is answered when the new muxd has taken over, or it
 * has failed.
 */
#ifndef MUXD_PROC_CONTROL_UPGRADE_H
#define MUXD_PROC_CONTROL_UPGRADE_H

struct control_client;

void control_upgrade(struct control_client *client);

#endif
