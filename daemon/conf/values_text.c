/*
 * Typed values: a file whose bytes become a value, the checks of texts, and
 * how texts are quoted.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "conf/file.h"
#include "conf/values.h"
#include "conf/values_common.h"

/* ---- a file's bytes ---------------------------------------------------------- */

static int
store_file(struct conf_value *value, struct conf_http *http, char *path)
{
	struct conf_contents contents = { 0 };
	char why[FILE_WHY_SIZE];

	if (conf_file_read(path, value->option->max, 0, true, &contents, why) ==
	    -1) {
		snprintf(
		    value->why, sizeof(value->why), "cannot read it: %s", why);
		return -1;
	}
	/* Workers get the configuration as a text. */
	if (memchr(contents.data, '\0', contents.len) != NULL) {
		mem_free(contents.data);
		return conf_value_wrong(
		    value, "it holds a NUL byte, so it is no text");
	}
	mem_free(http->body);
	mem_free(http->body_file);
	http->body = contents.data;
	http->body_len = contents.len;
	http->body_file = path;
	return 0;
}

static int
parse_file(struct conf_value *value, void *base)
{
	struct conf_http *http =
	    (struct conf_http *)(void *)((char *)base + value->option->offset);
	char *path = conf_file_resolve(value->file, value->text);

	if (path == NULL)
		return conf_value_wrong(value, "out of memory");
	if (store_file(value, http, path) == -1) {
		mem_free(path);
		return -1;
	}
	return 0;
}

static bool
format_file(const struct conf_option *option, const void *base, size_t i,
    struct strbuf *out)
{
	const struct conf_http *http =
	    (const struct conf_http *)(const void *)((const char *)base +
		option->offset);

	if (i > 0 || http->body_file == NULL)
		return false;
	strbuf_puts(out, http->body_file);
	return true;
}

static void
release_file(const struct conf_option *option, void *base)
{
	struct conf_http *http =
	    (struct conf_http *)(void *)((char *)base + option->offset);

	mem_free(http->body_file);
}

const struct conf_type conf_type_file = { .name = "file",
	.quoted = true,
	.parse = parse_file,
	.format = format_file,
	.release = release_file,
	.bound = units_format_size };

/* ---- checks -------------------------------------------------------------------- */

const char *
conf_check_account(const char *name)
{
	if (strpbrk(name, ":/, \t\r\n") != NULL || name[0] == '-')
		return "no name of a user or group looks like this";
	return NULL;
}

const char *
conf_check_socket_path(const char *path)
{
	if (path[0] != '/')
		return "an absolute path is expected";
	return NULL;
}

/* field-value of RFC 9110, section 5.5: above all no CR or LF, with which
 * another field or a body could be smuggled in. */
const char *
conf_check_field_value(const char *value)
{
	for (; *value != '\0'; value++) {
		unsigned char byte = (unsigned char)*value;

		if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
			return "it holds a control character";
	}
	return NULL;
}

const char *
conf_check_method(const char *method)
{
	if (method[strspn(method, TOKEN_CHARACTERS)] != '\0')
		return "a method is made of letters, digits and the signs "
		       "that RFC 9110 allows";
	return NULL;
}

/* origin-form of RFC 9112, section 3.2.1, as far as what would break the line
 * that it stands in. */
const char *
conf_check_request_path(const char *path)
{
	if (path[0] != '/')
		return "it begins with /";
	for (; *path != '\0'; path++) {
		unsigned char byte = (unsigned char)*path;

		if (byte <= ' ' || byte >= 0x7f)
			return "white space, control characters and what is "
			       "not ASCII are written as %20 and the like";
	}
	return NULL;
}

/* uri-host and port of RFC 9110, section 7.2 */
const char *
conf_check_host_field(const char *host)
{
	size_t len = strspn(host,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	    "-._~!$&'()*+,;=%:[]");

	if (host[len] != '\0')
		return "a name or address is expected, and perhaps a port";
	return NULL;
}

/* ---- quoting --------------------------------------------------------------------- */

void
conf_value_quote(struct strbuf *out, const char *text, size_t len)
{
	size_t i;

	strbuf_puts(out, "\"");
	for (i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (byte == '\n')
			strbuf_puts(out, "\\n");
		else if (byte == '\r')
			strbuf_puts(out, "\\r");
		else if (byte == '\t')
			strbuf_puts(out, "\\t");
		else if (byte == '"' || byte == '\\' ||
		    (byte == '$' && i + 1 < len && text[i + 1] == '{'))
			strbuf_printf(out, "\\%c", byte);
		else if (byte < 0x20 || byte == 0x7f)
			strbuf_printf(out, "\\x%02x", byte);
		else
			strbuf_append(out, text + i, 1);
	}
	strbuf_puts(out, "\"");
}
