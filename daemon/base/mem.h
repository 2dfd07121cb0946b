/*
 * Checked memory.  Every allocation of the daemon goes through here, sizes
 * are multiplied with an overflow check, and all functions return NULL with
 * errno ENOMEM rather than ending the process: what to give up is the
 * caller's decision.
 */
#ifndef MUXD_BASE_MEM_H
#define MUXD_BASE_MEM_H

#include <stddef.h>

/* Zeroed memory of size bytes (at least one).  Release with mem_free(). */
void *mem_zalloc(size_t size);

/* Zeroed memory for n elements of size bytes each; ENOMEM on overflow too. */
void *mem_array(size_t n, size_t size);

/*
 * Make room for one more element at the end of the array *items, which holds
 * *n elements of size bytes, and return its zeroed place; *n is counted up.
 * The array grows in powers of two.  On failure nothing has changed.
 */
void *mem_push(void *items, size_t *n, size_t size);

/* A copy of the string, or of at most len bytes of it, NUL-terminated. */
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t len);

/* A copy of len bytes. */
void *mem_dup(const void *data, size_t len);

/* A newly allocated string in the manner of printf(3). */
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Release; NULL is allowed. */
void mem_free(void *p);

#endif
