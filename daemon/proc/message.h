/*
 * The channel between the master and a child: a connected pair of UNIX
 * stream sockets that carries small messages of one size, and is the child's
 * lifeline at the same time: when either side is gone, the other one is told.
 */
#ifndef MUXD_PROC_MESSAGE_H
#define MUXD_PROC_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/compat.h"
#include "event/loop.h"

enum message_type {
	/* From a child to the master. */
	MESSAGE_READY = 1, /* set up: give me work */
	MESSAGE_CONGESTED, /* value: 1 short of descriptors, 0 no longer */
	MESSAGE_EMPTIED,   /* draining: nobody waits in the queues */
	MESSAGE_PREPARED,  /* value: the configuration's number */
	MESSAGE_REFUSED,   /* it cannot be; value: see MESSAGE_REFUSAL() */
	MESSAGE_COMMITTED, /* it is in force, or released; value as above */
	/* From the master to a child. */
	MESSAGE_SERVE,  /* open the doors: the sockets listen */
	MESSAGE_DRAIN,  /* take who waits; value: ms until the deadline */
	MESSAGE_CLOSE,  /* draining: the sockets are yours alone, close them */
	MESSAGE_STOP,   /* end at once */
	MESSAGE_REOPEN, /* open the log files again */
	MESSAGE_END,    /* end the sessions that are condemned */
	/* A reload: see proc/reload.h. */
	MESSAGE_SOCKETS, /* descriptors, for the next PREPARE; value 1: you get
			  * none, for you are retired or about to be */
	MESSAGE_PREPARE, /* a descriptor with a brief (proc/brief.h): make
			  * everything ready for it */
	MESSAGE_COMMIT,  /* it is in force */
	MESSAGE_ABORT,   /* forget it */
	MESSAGE_ADOPT,   /* descriptors: the queues that other slots have for an
			  * address; value: its number */
	MESSAGE_LAST,    /* descriptors: sockets of an address that is gone,
			  * which nobody else has; take who waits there, as if
			  * at the address of that number, and close them */
	MESSAGE_FORSAKE, /* leave all that were adopted */
	MESSAGE_RETIRE,  /* let nobody in any more, and end with your last
			  * session; value: ms until the deadline */
	MESSAGE_RELEASE, /* close the sockets that it does not have */
	MESSAGE_QUESTION, /* a descriptor: answer it (proc/question.h) */
	/* An upgrade: see proc/upgrade.h.  To a worker: */
	MESSAGE_FORGO, /* with the next LEAVE, nobody else takes who waits at
			* the address; value: its number */
	MESSAGE_LEAVE, /* let nobody in any more, others do; value: ms until
			* the deadline */
	/* To the monitor: */
	MESSAGE_YIELD, /* leave servers and status page to another one */
	MESSAGE_TAKE,  /* they are yours (again); also between masters: take
			* over */
	/* From the new master to the old one, beside READY, REOPEN, END, STOP
	 * and FORGO, each with the meaning that it has above: */
	MESSAGE_PRESENCE, /* a descriptor: at its end when all are gone */
	MESSAGE_SERVING,  /* the workers let clients in */
	/* And back: */
	MESSAGE_LEFT, /* the new one is alone in charge */
	MESSAGE_TYPES
};

/* What a child refused: which step, and an errno value, or of a name that does
 * not exist the number of its server; and, as it is sent, the lowest bits of the
 * number of the reload, since a child that was stopped may answer to an earlier
 * one. */
enum refusal {
	REFUSAL_BRIEF = 1,
	REFUSAL_SETUP,
	REFUSAL_SOCKETS,
	REFUSAL_LOG,
	REFUSAL_NAME
};
#define MESSAGE_REFUSAL(step, error) \
	((uint32_t)(step) << 16 | ((uint32_t)(error)&0xffff))
#define MESSAGE_REFUSAL_TO(number, refusal) \
	((uint32_t)(number) << 24 | (refusal))
#define MESSAGE_REFUSAL_IS_TO(number, value) ((value) >> 24 == ((number)&0xff))
#define MESSAGE_REFUSAL_STEP(value)          ((value) >> 16 & 0xff)
#define MESSAGE_REFUSAL_ERROR(value)         ((value)&0xffff)

struct message {
	uint32_t type; /* enum message_type */
	uint32_t value;
};

struct channel;

struct channel_ops {
	void (*message)(struct channel *, const struct message *message);
	/* The other side is gone.  The channel is closed already. */
	void (*broken)(struct channel *);
};

struct channel {
	struct io io;
	const struct channel_ops *ops;
	void *owner; /* the caller's own */
	struct retired retired;
	size_t len; /* bytes of a message that came in part */
	unsigned char partial[sizeof(struct message)];
	/* Descriptors that came with the message.  Those that ops->message
	 * leaves here are closed after it. */
	int fds[COMPAT_FDS_MAX];
	size_t nfds;
};

/* Begin to receive on one end of the pair, which becomes the channel's. */
int channel_open(struct channel *channel, struct loop *loop, int fd,
    const struct channel_ops *ops, void *owner);

/* Send; -1 with errno when the other side is gone, or does not read (EAGAIN),
 * as a stopped process. */
int channel_send(
    struct channel *channel, enum message_type type, uint32_t value);

/* The same with descriptors, COMPAT_FDS_MAX at most, which stay the caller's:
 * the other side gets duplicates. */
int channel_send_fds(struct channel *channel, enum message_type type,
    uint32_t value, const int *fds, size_t n);

/* Close it.  The memory must outlive the turn.  Closing twice is allowed. */
void channel_close(struct channel *channel);

#endif
