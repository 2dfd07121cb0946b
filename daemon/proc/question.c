/*
 * Questions: see question.h.
 */
#include "proc/question.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/log.h"
#include "monitor/past.h"

#define QUESTION_MAGIC UINT64_C(0x6e6f697473657571)

struct question {
	uint64_t magic;
	struct prefix client;
	uint32_t max;
	_Atomic uint32_t answered; /* 1: what follows is there */
	uint32_t remembers;
	uint32_t found;
	uint32_t kept;
	uint32_t len;
	unsigned char records[QUESTION_RECORDS_MAX * LOG_RECORD_MAX];
};

static struct question *
question_map(int fd)
{
	void *map = mmap(NULL, sizeof(struct question), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);

	return map != MAP_FAILED ? map : NULL;
}

struct question *
question_make(const struct prefix *client, unsigned max, int *fd)
{
	struct question *question;
	int error;

	*fd = compat_shared_memory("muxd-question", sizeof(*question));
	if (*fd == -1)
		return NULL;
	question = question_map(*fd);
	if (question == NULL) {
		error = errno;
		(void)close(*fd);
		errno = error;
		return NULL;
	}
	question->magic = QUESTION_MAGIC;
	question->client = *client;
	question->max = max < QUESTION_RECORDS_MAX ? max : QUESTION_RECORDS_MAX;
	return question;
}

void
question_close(struct question *question)
{
	if (question != NULL)
		(void)munmap(question, sizeof(*question));
}

int
question_answer(int fd, const struct past *past)
{
	struct question *question;
	struct stat st;
	size_t found = 0;

	if (fstat(fd, &st) == -1)
		return -1;
	errno = EPROTO;
	if (st.st_size < (off_t)sizeof(*question))
		return -1;
	question = question_map(fd);
	if (question == NULL)
		return -1;
	if (question->magic != QUESTION_MAGIC) {
		question_close(question);
		errno = EPROTO;
		return -1;
	}
	if (past != NULL) {
		question->remembers = 1;
		question->kept = (uint32_t)past_count(past);
		question->len =
		    (uint32_t)past_find(past, &question->client, question->max,
			question->records, sizeof(question->records), &found);
		question->found = (uint32_t)found;
	}
	atomic_store(&question->answered, 1);
	question_close(question);
	return 0;
}

bool
question_is_answered(
    const struct question *question, struct question_answer *answer)
{
	if (atomic_load(&question->answered) == 0)
		return false;
	*answer = (struct question_answer){
		.records = question->records,
		.len = question->len,
		.found = question->found,
		.kept = question->kept,
		.remembers = question->remembers != 0,
	};
	if (answer->len > sizeof(question->records))
		answer->len = sizeof(question->records);
	return true;
}
