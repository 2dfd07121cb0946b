/*
 * The request line: see http_line.h.
 */
#include "service/http_line.h"

#include <string.h>

void
http_line_method(struct http_parser *p)
{
	static const struct {
		const char *name;
		enum http_method method;
	} methods[] = {
		{ "GET", HTTP_GET },
		{ "HEAD", HTTP_HEAD },
		{ "POST", HTTP_POST },
		{ "PUT", HTTP_PUT },
		{ "PATCH", HTTP_PATCH },
		{ "DELETE", HTTP_DELETE },
		{ "OPTIONS", HTTP_OPTIONS },
	};
	size_t i;

	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (http_word_is(
			&p->word, methods[i].name, strlen(methods[i].name)))
			p->method = (uint8_t)methods[i].method;
}

static bool
target_is_valid(struct http_parser *p)
{
	if (p->target == 0)
		return false;
	if (p->method == HTTP_METHOD_UNKNOWN || p->word.text[0] == '/')
		return true;
	http_word_fold(&p->word);
	if (http_word_is(&p->word, "*", 1)) {
		p->asterisk = true;
		return true;
	}
	if (http_word_begins(&p->word, "http://", 7))
		return p->word.len > 7 &&
		    strchr("/?#:", p->word.text[7]) == NULL;
	if (http_word_begins(&p->word, "https://", 8))
		return p->word.len > 8 &&
		    strchr("/?#:", p->word.text[8]) == NULL;
	return false;
}

unsigned
http_line_target(struct http_parser *p)
{
	return target_is_valid(p) ? 0 : 400;
}

unsigned
http_line_end(struct http_parser *p)
{
	p->minor = p->word.text[7] == '0' ? 0 : 1;
	if (p->word.text[5] != '1')
		return 505;
	if (p->method == HTTP_METHOD_UNKNOWN)
		return 501;
	return p->asterisk && p->method != HTTP_OPTIONS ? 400 : 0;
}
