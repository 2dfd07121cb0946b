/*
 * The listening sockets, all of them owned by the master.
 *
 * For each address of a service there is one socket for each worker slot,
 * bound with SO_REUSEPORT, or a single one that all workers share (UNIX
 * sockets, and systems that do not balance).  A worker gets only its own
 * slot's.  The master keeps every descriptor open, so a worker that dies
 * closes nothing: the clients in its queue wait for its successor.
 *
 * A TCP socket joins its group at listen(2), which happens when its slot's
 * worker first reports ready; from then on the kernel gives it its share.
 * When a slot is sick, the group is steered around it (SO_REUSEPORT, cBPF).
 *
 * A slot whose worker was retired keeps its sockets: its place in the groups
 * is steered around for good, like that of a sick one, and no other member
 * changes its place, which closing one would bring about.  Whose handshake had
 * begun there is taken by another worker (proc/heir.h).  A worker that the slot
 * gets later takes them up again.
 *
 * A sender of datagrams always comes to the same slot, for his session is
 * there; when that one is sick he goes elsewhere, and nobody else moves.  So
 * where datagrams are relayed, a worker that was added later gets none, as the
 * senders that it would get have their sessions elsewhere.
 */
#ifndef MUXD_PROC_SOCKETS_H
#define MUXD_PROC_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "conf/conf.h"
#include "net/socket.h"
#include "proc/socket_name.h"

struct owned {
	uint32_t id;              /* its own among all that there ever were */
	size_t service;           /* index in conf->services */
	struct endpoint asked;    /* as the configuration has it */
	struct endpoint endpoint; /* with the port that was chosen for 0 */
	bool shared;
	bool inherited;   /* it was there before this muxd */
	bool activated;   /* bound by a service manager, which has it too */
	bool unordered;   /* its members' places are not known: no steering */
	int *fds;         /* one for each slot, or one */
	bool *listening;  /* by slot; of a shared one, [0] */
	uint32_t *member; /* by slot: its place in the group */
	uint32_t nmembers;
	uint32_t dealt; /* of UDP: the first members, that datagrams go to */
};

struct sockets {
	const struct conf *conf;
	struct owned *items;
	size_t n;
	/* Those that a reload has removed, until their queues are empty. */
	struct owned *leftover;
	size_t nleftover;
	unsigned slots; /* room for so many */
	bool *used;     /* by slot: it has a worker that takes new clients */
	bool *wanted;   /* the same once the change under way is in force */
	bool *lingers;  /* by slot: its worker is about to end, with sessions */
	uint32_t ids;   /* given so far */
	uint32_t seed;  /* of how datagrams are dealt */
	bool steered;
	bool kept;    /* somebody else has them, for the next muxd: */
	bool served;  /* all that have listened, else the inherited */
	bool removed; /* the files of UNIX sockets are */
	/* They are another daemon's as well, which is not to notice anything
	 * of this one yet: the files of UNIX sockets stay as they are. */
	bool held;
};

struct inherited_sockets;

/*
 * Bind everything for the first workers of the slots, each probed first, but
 * for what inherited has (proc/sockets_inherit.h; NULL: nothing).  What cannot
 * be bound is told in *errors, all of it; -1 if there was any.
 */
int sockets_open(struct sockets *sockets, const struct conf *conf,
    unsigned workers, unsigned slots, struct inherited_sockets *inherited,
    struct conf_errors *errors);

/* Slots that have sockets of their own. */
unsigned sockets_count_slots(const struct sockets *sockets);

/* Call for each socket at which somebody may wait, with the name under which
 * another muxd takes it (proc/socket_name.h; of an activated one, as its
 * service), which lasts for the call. */
void sockets_each_name(
    const struct sockets *sockets, socket_name_call *call, void *arg);

/* Begin with sockets that another daemon had for the configuration before, in
 * slots of the same number, of which used had workers; what is in items
 * becomes the sockets' own.  -1 with errno. */
int sockets_adopt(struct sockets *sockets, const struct conf *before,
    struct owned *items, size_t n, const bool *used, unsigned slots);

/* A record about an address of a service; message is a constant. */
void sockets_log(struct log *log, const char *message, const struct conf *conf,
    const struct owned *owned);

/* Whether nobody takes clients at the slot's sockets, of which there are
 * some: new ones are steered around them. */
bool sockets_are_parked(const struct sockets *sockets, unsigned slot);

/* The worker that has lingered in the slot is gone: nobody is there for the
 * datagrams of its sessions any more. */
void sockets_end_linger(struct sockets *sockets, unsigned slot);

/* The descriptor that a slot's worker gets for the socket. */
int sockets_fd(const struct owned *owned, unsigned slot);

/* A slot's worker is ready: have its sockets listen, if they do not yet.  -1
 * with errno, and *failed is the one. */
int sockets_listen(
    struct sockets *sockets, unsigned slot, const struct owned **failed);

/*
 * Steer new clients around the slots for which sick is true, or stop
 * steering when none is, or all are: then there is nowhere to steer to.
 * Returns 0, or -1 with errno where the system cannot.
 */
int sockets_steer(struct sockets *sockets, const bool *sick);

/*
 * Called from within: sockets_change.c, sockets_steer.c.
 *
 * Open an address of a service, for the slots that are wanted; -1 and an entry
 * in errors.  owned_close_all() closes and releases what there is, also of
 * zeroed memory.
 */
int owned_open(struct owned *owned, const struct sockets *sockets,
    const struct conf *conf, size_t service, const struct endpoint *endpoint,
    struct inherited_sockets *inherited, struct conf_errors *errors);
void owned_close_all(struct owned *owned, unsigned slots);

/* Bind the socket of one more slot, which gets no clients before it listens;
 * and undo that, of those that were bound last.  -1 with errno; *option names
 * a socket option that is to blame. */
int owned_bind_slot(struct owned *owned, const struct sockets *sockets,
    const struct conf_service *conf, unsigned slot, const char **option);
void owned_unbind_slot(struct owned *owned, unsigned slot);

/* Have the socket of a slot listen, if it does not yet. */
int owned_listen(
    struct owned *owned, const struct conf_service *conf, unsigned slot);

/* Whether it carries datagrams that are dealt among the slots, and whether
 * these are relayed. */
bool owned_is_dealt(const struct owned *owned);
bool owned_relays(const struct owned *owned, const struct conf_service *conf);

/* Deal them among the slots that are served and not sick; NULL: none is.  -1
 * with errno. */
int owned_deal(
    const struct owned *owned, const struct sockets *sockets, const bool *sick);

/* Deal datagrams evenly among the slots, if that is what it carries. */
void owned_begin_to_deal(
    const struct owned *owned, const struct sockets *sockets);

/* How the file of a UNIX socket shall look; -1 and an entry in errors if there
 * is no such user or group. */
int owned_find_file(const struct conf_service *conf, struct socket_file *file,
    struct conf_errors *errors);

struct socket_options socket_options_of(const struct conf_socket *conf);
void sockets_complain(struct conf_errors *errors,
    const struct conf_service *conf, const struct endpoint *endpoint,
    const char *option);

/* Remove the files of UNIX sockets, once: nobody can connect any more.  But
 * not of those that somebody else has, where clients wait for the next
 * muxd. */
void sockets_remove_files(struct sockets *sockets);

/* Close the master's descriptors of a slot, but for those that all share. */
void sockets_close_slot(struct sockets *sockets, unsigned slot);

/* Close those that all share. */
void sockets_close_shared(struct sockets *sockets);

/* Close the master's descriptors of those that a reload has removed. */
void sockets_close_leftover(struct sockets *sockets);

/* Close all of the master's descriptors, and release. */
void sockets_close(struct sockets *sockets);

#endif
