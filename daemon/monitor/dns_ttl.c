/*
 * The time to live of a whole answer; see dns_ttl.h.  c-ares parses the
 * records themselves, but up to 1.27 does not say how long those of type SRV
 * live.  Nothing but lengths and times is read here.
 */
#include "monitor/dns_ttl.h"

#define HEADER_LEN   12 /* RFC 1035, 4.1.1 */
#define QUESTION_LEN 4  /* behind the name: type and class */
#define RECORD_LEN   10 /* behind the name: type, class, TTL, length */
#define LABEL_MAX    63
#define POINTER      0xc0 /* the two high bits; RFC 1035, 4.1.4 */

/* A message and how far it was read. */
struct reader {
	const unsigned char *data;
	size_t len;
	size_t at;
};

static bool
reader_skip(struct reader *reader, size_t n)
{
	if (reader->len - reader->at < n)
		return false;
	reader->at += n;
	return true;
}

/* A name ends with an empty label, or with a pointer to what was said. */
static bool
reader_skip_name(struct reader *reader)
{
	unsigned label;

	while (reader->at < reader->len) {
		label = reader->data[reader->at];
		if (label >= POINTER)
			return reader_skip(reader, 2);
		if (label > LABEL_MAX || !reader_skip(reader, 1 + label))
			return false;
		if (label == 0)
			return true;
	}
	return false;
}

static unsigned
get16(const unsigned char *data)
{
	return (unsigned)data[0] << 8 | data[1];
}

/* One record; its TTL. */
static bool
reader_skip_record(struct reader *reader, uint32_t *ttl)
{
	const unsigned char *record;

	if (!reader_skip_name(reader))
		return false;
	record = reader->data + reader->at;
	if (!reader_skip(reader, RECORD_LEN))
		return false;
	*ttl = (uint32_t)get16(record + 4) << 16 | get16(record + 6);
	/* The high bit set means none (RFC 2181, 8). */
	if (*ttl > INT32_MAX)
		*ttl = 0;
	return reader_skip(reader, get16(record + 8));
}

bool
dns_ttl_least(const unsigned char *data, size_t len, uint32_t *ttl)
{
	struct reader reader = { .data = data, .len = len };
	unsigned questions, answers;
	uint32_t one;

	if (!reader_skip(&reader, HEADER_LEN))
		return false;
	questions = get16(data + 4);
	answers = get16(data + 6);
	for (unsigned i = 0; i < questions; i++)
		if (!reader_skip_name(&reader) ||
		    !reader_skip(&reader, QUESTION_LEN))
			return false;
	*ttl = UINT32_MAX;
	for (unsigned i = 0; i < answers; i++) {
		if (!reader_skip_record(&reader, &one))
			return false;
		if (one < *ttl)
			*ttl = one;
	}
	return answers > 0;
}
