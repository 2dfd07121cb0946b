/*
 * The log's end: takes packed records and writes them where the
 * configuration says.
 *
 * A target that does not work (a full disk, a closed pipe, a journal that
 * does not keep up) loses records, and they are counted; when it works again,
 * a record tells how many were lost.  A call waits for a slow target a tenth
 * of a second at most, and not at all for one that has just failed.  A disk
 * that hangs is beyond this.
 *
 * The process must ignore SIGPIPE and SIGXFSZ.
 */
#ifndef MUXD_MONITOR_LOG_WRITER_H
#define MUXD_MONITOR_LOG_WRITER_H

#include <stdint.h>

#include "base/log.h"
#include "conf/conf.h"

struct log_writer;

/*
 * Open the target.  NULL with ENOMEM alone: with a target that cannot be
 * opened the writer loses records until it can, and log_writer_error() tells
 * why.  A journal that this build cannot write (ENOSYS) never works; auto
 * does not choose it then.
 */
struct log_writer *log_writer_open(const struct conf_log *conf);

/* Write what is kept, close and release; NULL is allowed. */
void log_writer_close(struct log_writer *writer);

/* Take a record.  To stderr and files it is written by log_writer_flush(),
 * or before if there is no room to keep it; to others at once. */
void log_writer_write(struct log_writer *writer, const struct log_view *view);

/* Write what is kept, in one write(2) to a file; called at the end of a
 * turn.  Tries a target again that did not work. */
void log_writer_flush(struct log_writer *writer);

/* Open the file again by its name, after it was moved away.  Returns 0, or -1
 * with errno, when the one that was open stays so.  Other targets have
 * nothing to open. */
int log_writer_reopen(struct log_writer *writer);

/* What auto became. */
enum conf_log_target log_writer_target(const struct log_writer *writer);

/* Why the target does not work, an errno value; 0 while it does. */
int log_writer_error(const struct log_writer *writer);

/* Records lost since it was opened. */
uint64_t log_writer_lost(const struct log_writer *writer);

#endif
