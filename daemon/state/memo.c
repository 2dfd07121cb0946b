/*
 * Reading memos.
 */
#include "state/memo.h"

#include <string.h>

bool
memo_read(const struct log_view *view, struct memo *memo, const char **failures,
    size_t *len)
{
	const unsigned char *data = log_view_memo(view, len);

	if (data == NULL || *len < sizeof(*memo))
		return false;
	memcpy(memo, data, sizeof(*memo));
	*failures = (const char *)data + sizeof(*memo);
	*len -= sizeof(*memo);
	return memo->size == sizeof(*memo) && memo->limit.kind < MEMO_LIMITS &&
	    memo->rule.kind < MEMO_RULES;
}
