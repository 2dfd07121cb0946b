/*
 * Briefs: see brief.h.  Writer and reader are one program, so the layout is
 * that of the memory; the reader checks all lengths nevertheless.
 */
#include "proc/brief.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/mem.h"

#define BRIEF_MAGIC UINT64_C(0x6665697262647832)

/* Then follow the slots of services and pools, the places of servers, the
 * doors, and the text with its NUL. */
struct brief_header {
	uint64_t magic;
	uint64_t size; /* of all */
	uint64_t connections_max;
	uint32_t number;
	uint32_t nservices;
	uint32_t npools;
	uint32_t nservers;
	uint32_t ndoors;
	uint32_t text; /* bytes, NUL included */
};

static uint64_t
brief_size(const struct brief_header *header)
{
	return sizeof(*header) +
	    sizeof(unsigned) *
	    ((uint64_t)header->nservices + header->npools + header->nservers) +
	    sizeof(struct brief_door) * (uint64_t)header->ndoors + header->text;
}

/* Append to what is written at *at. */
static void
put(unsigned char **at, const void *data, size_t len)
{
	if (len > 0)
		memcpy(*at, data, len);
	*at += len;
}

static void
brief_fill(unsigned char *at, const struct brief_header *header,
    const struct brief *brief, const char *text)
{
	const struct slots *slots = &brief->slots;

	put(&at, header, sizeof(*header));
	put(&at, slots->services, header->nservices * sizeof(unsigned));
	put(&at, slots->pools, header->npools * sizeof(unsigned));
	put(&at, slots->places, header->nservers * sizeof(unsigned));
	put(&at, brief->doors, header->ndoors * sizeof(*brief->doors));
	put(&at, text, header->text);
}

int
brief_write(
    const struct brief *brief, const struct conf *conf, const char *text)
{
	struct brief_header header = {
		.magic = BRIEF_MAGIC,
		.connections_max = brief->connections_max,
		.number = brief->number,
		.nservices = (uint32_t)conf->nservices,
		.npools = (uint32_t)conf->npools,
		.nservers = (uint32_t)conf_count_servers(conf),
		.ndoors = (uint32_t)brief->ndoors,
		.text = (uint32_t)strlen(text) + 1,
	};
	unsigned char *map;
	int fd, error;

	header.size = brief_size(&header);
	fd = compat_shared_memory("muxd-brief", (size_t)header.size);
	if (fd == -1)
		return -1;
	map = mmap(NULL, (size_t)header.size, PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		error = errno;
		(void)close(fd);
		errno = error;
		return -1;
	}
	brief_fill(map, &header, brief, text);
	(void)munmap(map, (size_t)header.size);
	return fd;
}

/* A copy of the next len bytes; NULL without memory. */
static void *
take(const unsigned char **at, size_t len)
{
	void *copy = mem_zalloc(len);

	if (copy != NULL && len > 0)
		memcpy(copy, *at, len);
	*at += len;
	return copy;
}

static int
brief_parse(struct brief *brief, const unsigned char *at,
    const struct brief_header *header, struct conf_errors *errors)
{
	const struct conf *conf;

	brief->number = header->number;
	brief->connections_max = header->connections_max;
	brief->ndoors = header->ndoors;
	brief->slots.services = take(&at, header->nservices * sizeof(unsigned));
	brief->slots.pools = take(&at, header->npools * sizeof(unsigned));
	brief->slots.places = take(&at, header->nservers * sizeof(unsigned));
	brief->doors = take(&at, header->ndoors * sizeof(*brief->doors));
	if (brief->slots.services == NULL || brief->slots.pools == NULL ||
	    brief->slots.places == NULL || brief->doors == NULL) {
		errno = ENOMEM;
		return -1;
	}
	conf = brief->conf = conf_parse_with_origins(
	    (const char *)at, "(the new configuration)", errors);
	if (conf == NULL || conf->nservices != header->nservices ||
	    conf->npools != header->npools ||
	    conf_count_servers(conf) != header->nservers) {
		errno = EPROTO;
		return -1;
	}
	return 0;
}

/* Whether the header is one of that much memory, and all indices are in
 * range. */
static bool
brief_is_sound(const unsigned char *map, uint64_t size)
{
	struct brief_header header;

	memcpy(&header, map, sizeof(header));
	return header.magic == BRIEF_MAGIC && header.size == size &&
	    header.text > 0 && brief_size(&header) == size &&
	    map[size - 1] == '\0';
}

static bool
doors_are_sound(const struct brief *brief)
{
	size_t i;

	for (i = 0; i < brief->ndoors; i++)
		if (brief->doors[i].service >= brief->conf->nservices)
			return false;
	return true;
}

int
brief_read(struct brief *brief, int fd, struct conf_errors *errors)
{
	struct brief_header header;
	unsigned char *map;
	struct stat st;
	int result = -1;

	memset(brief, 0, sizeof(*brief));
	if (fstat(fd, &st) == -1)
		return -1;
	if (st.st_size < (off_t)sizeof(header)) {
		errno = EPROTO;
		return -1;
	}
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -1;
	/* Where memory comes in pages only, the header knows how much it is. */
	memcpy(&header, map, sizeof(header));
	errno = EPROTO;
	if (header.size <= (uint64_t)st.st_size &&
	    brief_is_sound(map, header.size))
		result =
		    brief_parse(brief, map + sizeof(header), &header, errors);
	(void)munmap(map, (size_t)st.st_size);
	if (result == 0 && !doors_are_sound(brief)) {
		errno = EPROTO;
		result = -1;
	}
	if (result == -1) {
		int error = errno;

		brief_free(brief);
		errno = error;
	}
	return result;
}

void
brief_free(struct brief *brief)
{
	conf_free(brief->conf);
	slots_free(&brief->slots);
	mem_free(brief->doors);
	memset(brief, 0, sizeof(*brief));
}
