/*
 * Capabilities, where the system has them (capabilities(7)).
 */
#ifndef MUXD_PROC_CAPS_H
#define MUXD_PROC_CAPS_H

/* Empty the permitted, effective, inheritable and ambient sets of this
 * process.  0 (also where there are none), or -1 with errno. */
int caps_clear(void);

#endif
