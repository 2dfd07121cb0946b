/*
 * See support.h.  Pieces of memory hang together so that the teardown finds
 * them also after a test has failed.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define DEADLINE_MS 30000

struct piece {
	struct piece *next;
	_Alignas(16) char data[];
};

static struct piece *pieces;

void
test_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprint_error(fmt, ap);
	va_end(ap);
	print_error("\n");
	fail();
	abort();
}

bool
test_is_wrapped(void)
{
	const char *wrapper = getenv("MUXD_WRAPPER");

	return wrapper != NULL && *wrapper != '\0';
}

int
test_deadline_ms(void)
{
	return test_is_wrapped() ? 10 * DEADLINE_MS : DEADLINE_MS;
}

int64_t
test_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
test_wall_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

bool
test_is_instrumented(void)
{
#ifdef __SANITIZE_ADDRESS__
	return true;
#else
	return test_is_wrapped();
#endif
}

void *
test_alloc(size_t size)
{
	struct piece *piece = calloc(1, sizeof(*piece) + size);

	if (piece == NULL)
		abort();
	piece->next = pieces;
	pieces = piece;
	return piece->data;
}

char *
test_vformat(const char *fmt, va_list ap)
{
	va_list again;
	char *text;
	int len;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	text = test_alloc((size_t)len + 1);
	vsnprintf(text, (size_t)len + 1, fmt, ap);
	return text;
}

char *
test_format(const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = test_vformat(fmt, ap);
	va_end(ap);
	return text;
}

void
test_release_memory(void)
{
	struct piece *piece;

	while ((piece = pieces) != NULL) {
		pieces = piece->next;
		free(piece);
	}
}
