/*
 * Checked memory; see mem.h.  Nothing here ends the process or logs.
 */
#include "base/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *
mem_zalloc(size_t size)
{
	return calloc(1, size > 0 ? size : 1);
}

void *
mem_array(size_t n, size_t size)
{
	if (size > 0 && n > SIZE_MAX / size) {
		errno = ENOMEM;
		return NULL;
	}
	return mem_zalloc(n * size);
}

void *
mem_push(void *items, size_t *n, size_t size)
{
	char *array, *grown;

	/* items is the address of a pointer of any type, so its value may
	 * only be copied, not read as a void pointer. */
	memcpy(&array, items, sizeof(array));
	/* The capacity is the next power of two, so it need not be kept. */
	if ((*n & (*n - 1)) == 0) {
		size_t room = *n > 0 ? *n * 2 : 1;

		if (size == 0 || *n > SIZE_MAX / 2 || room > SIZE_MAX / size) {
			errno = ENOMEM;
			return NULL;
		}
		grown = realloc(array, room * size);
		if (grown == NULL)
			return NULL;
		memcpy(items, &grown, sizeof(grown));
		array = grown;
	}
	array += *n * size;
	memset(array, 0, size);
	(*n)++;
	return array;
}

char *
mem_strdup(const char *s)
{
	return mem_dup(s, strlen(s) + 1);
}

char *
mem_strndup(const char *s, size_t len)
{
	size_t n = strnlen(s, len);
	char *copy = mem_zalloc(n + 1);

	if (copy != NULL)
		memcpy(copy, s, n);
	return copy;
}

void *
mem_dup(const void *data, size_t len)
{
	void *copy = mem_zalloc(len);

	if (copy != NULL && len > 0)
		memcpy(copy, data, len);
	return copy;
}

char *
mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *text;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0)
		return NULL;
	text = mem_zalloc((size_t)len + 1);
	if (text == NULL)
		return NULL;
	va_start(ap, fmt);
	(void)vsnprintf(text, (size_t)len + 1, fmt, ap);
	va_end(ap);
	return text;
}

void
mem_free(void *p)
{
	free(p);
}
