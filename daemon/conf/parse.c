/*
 * From files to settings, by way of libconfuse.
 *
 * libconfuse knows the grammar, the sections and which options take lists;
 * all values are texts to it.  Each value comes to value_seen() with its
 * line, so that types, bounds and repetitions are judged here, all of them,
 * and not up to the first error.  Nothing is kept in libconfuse's own tree.
 *
 * Each file has a parser of its own: an included one is read after the file
 * that includes it, which changes nothing since order never matters.
 *
 * Without memory, libconfuse 3.3 and the flex scanner inside it may end the
 * process; the allocations made here may fail.
 */
#include "conf/parse.h"

#include <confuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/file.h"
#include "conf/include.h"
#include "conf/scan.h"
#include "conf/values.h"

#define FILE_MAX (16UL * 1024 * 1024)

/* An option of each section that no text can name; see section_opened(). */
#define OPENED "(opened)"

struct parse {
	struct conf_source *source;
	struct conf_errors *errors;
	const struct conf_file *file;
	enum conf_section_id section; /* the innermost that is open */
	size_t scope;  /* that values go to: the innermost one of them */
	bool repeated; /* it is open a second time: its values do not count */
	bool ignored;  /* the same of a list in it */
	bool no_memory;
};

/* libconfuse hands its callbacks nothing of the caller's, and keeps its
 * scanner in variables of the process itself; so this is the one parse that
 * can be going on.  Set for the length of run_libconfuse(). */
static struct parse *current;

static int
lack_memory(struct parse *parse)
{
	parse->no_memory = true;
	return -1;
}

/* ---- what libconfuse reports ------------------------------------------------ */

/* The grammar has been seen to already; what comes here is what scan.c and
 * libconfuse disagree on. */
static void __attribute__((format(printf, 2, 0)))
report_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[256];

	vsnprintf(text, sizeof(text), fmt, ap);
	conf_error_add(
	    current->errors, false, current->file->name, cfg->line, "%s", text);
}

static const char *
bad_title(const char *title)
{
	size_t len = strlen(title);

	if (len == 0 || len > CONF_TITLE_MAX)
		return "it needs 1 to 63 characters";
	if (strspn(title,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789_.-") != len)
		return "only letters, digits, \"_\", \".\" and \"-\" are "
		       "allowed";
	return NULL;
}

/* The first scope with the section, parent and title of this one. */
static struct conf_scope *
first_of_its_name(
    const struct conf_source *source, const struct conf_scope *scope)
{
	struct conf_scope *other = &source->scopes[1];

	while (other->section != scope->section ||
	    other->parent != scope->parent ||
	    strcmp(other->title, scope->title) != 0)
		other++;
	return other;
}

static void
open_scope(struct parse *parse, const char *title, int line)
{
	struct conf_source *source = parse->source;
	const char *kind = conf_section_name(parse->section);
	const char *why = bad_title(title);
	struct conf_scope *scope, *first;

	scope =
	    conf_source_add_scope(source, parse->section, parse->scope, title);
	if (scope == NULL) {
		lack_memory(parse);
		return;
	}
	parse->scope = source->nscopes - 1;
	scope->file = parse->file->name;
	scope->line = line;
	if (why != NULL)
		conf_error_add(parse->errors, false, scope->file, line,
		    "bad name of a %s: %s", kind, why);
	first = first_of_its_name(source, scope);
	if (first == scope)
		return;
	scope->repeated = true;
	conf_error_add(parse->errors, false, scope->file, line,
	    "%s \"%s\" is defined already, at %s:%d", kind, title, first->file,
	    first->line);
}

static void
open_section(struct parse *parse, int line)
{
	struct conf_scope *scope = &parse->source->scopes[parse->scope];
	const struct conf_opening *before;
	struct conf_opening *opening;

	before = conf_scope_opening(scope, parse->section);
	if (before != NULL) {
		parse->repeated = true;
		conf_error_add(parse->errors, false, parse->file->name, line,
		    "section \"%s\" is given twice, first at %s:%d",
		    conf_section_name(parse->section), before->file,
		    before->line);
		return;
	}
	opening =
	    mem_push(&scope->sections, &scope->nsections, sizeof(*opening));
	if (opening == NULL) {
		lack_memory(parse);
		return;
	}
	opening->section = parse->section;
	opening->file = parse->file->name;
	opening->line = line;
}

/*
 * A section begins.  libconfuse tells nobody, but it sets the defaults of a
 * section's options when it makes one, and parses them to do so; therefore
 * each section has an option more, which has a default and this callback.
 */
static int
section_opened(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct parse *parse = current;
	int id = conf_section_find(parse->section, cfg->name);

	(void)opt;
	(void)value;
	*(void **)result = NULL;
	parse->section = (enum conf_section_id)id;
	/* libconfuse takes a default that fails for a mistake in the program,
	 * and aborts; value_seen() ends the parse instead. */
	if (conf_sections[id].titled)
		open_scope(parse, cfg->title, cfg->line);
	else
		open_section(parse, cfg->line);
	return 0;
}

/* A section ends: libconfuse calls this to have it validated. */
static int
section_closed(cfg_t *cfg, cfg_opt_t *opt)
{
	struct parse *parse = current;

	(void)cfg;
	(void)opt;
	parse->repeated = false;
	/* Without memory there may be no scope for the section. */
	if (conf_sections[parse->section].titled && !parse->no_memory)
		parse->scope = parse->source->scopes[parse->scope].parent;
	parse->section = conf_sections[parse->section].parent;
	return 0;
}

static int
value_seen(cfg_t *cfg, cfg_opt_t *opt, const char *text, void *result)
{
	struct parse *parse = current;
	struct conf_scope *scope = &parse->source->scopes[parse->scope];
	const struct conf_option *option;
	const struct conf_setting *before;
	struct conf_setting *setting;
	char *copy;

	*(void **)result = NULL;
	if (parse->no_memory)
		return -1;
	/* A further element of a list finds its elders in opt. */
	if (opt->nvalues == 1)
		parse->ignored = false;
	if (parse->repeated || parse->ignored)
		return 0;
	option = conf_option_get(parse->section, opt->name);
	before = conf_scope_find(scope, option);
	if (before != NULL && opt->nvalues == 1) {
		parse->ignored = true;
		conf_error_add(parse->errors, false, parse->file->name,
		    cfg->line, "%s is given twice, first at %s:%d",
		    option->name, before->file, before->line);
		return 0;
	}
	copy = mem_strdup(text);
	if (copy == NULL)
		return lack_memory(parse);
	setting =
	    mem_push(&scope->settings, &scope->nsettings, sizeof(*setting));
	if (setting == NULL) {
		mem_free(copy);
		return lack_memory(parse);
	}
	setting->option = option;
	setting->text = copy;
	setting->file = parse->file->name;
	setting->line = cfg->line;
	return 0;
}

static int
include_seen(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
	(void)opt;
	(void)argc;
	if (conf_include_file(current->source, current->file, argv[0],
		cfg->line, current->errors) == -1)
		return lack_memory(current);
	return 0;
}

static int
include_dir_seen(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
	(void)opt;
	(void)argc;
	if (conf_include_folder(current->source, current->file, argv[0],
		cfg->line, current->errors) == -1)
		return lack_memory(current);
	return 0;
}

/* What might have been here is not missed. */
static int
dropped_seen(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
	(void)cfg;
	(void)opt;
	(void)argc;
	(void)argv;
	current->source->scopes[current->scope].incomplete = true;
	return 0;
}

/* ---- libconfuse ---------------------------------------------------------------- */

static void
schema_free(cfg_opt_t *opts)
{
	size_t i;

	if (opts == NULL)
		return;
	for (i = 0; opts[i].name != NULL; i++)
		schema_free(opts[i].subopts);
	mem_free(opts);
}

/* libconfuse's description of the options of a section and below; released
 * with schema_free().  NULL without memory. */
static cfg_opt_t *
schema_make(enum conf_section_id section)
{
	cfg_opt_t *opts, *opt;
	size_t i;

	/* Room for all, since nobody counts them; zero ends the array. */
	opts = mem_array(conf_noptions + SECTION_COUNT + 4, sizeof(*opts));
	if (opts == NULL)
		return NULL;
	opt = opts;
	for (i = 0; i < conf_noptions; i++) {
		const struct conf_option *o = &conf_options[i];

		if (o->section != section)
			continue;
		*opt++ = (cfg_opt_t)CFG_PTR_CB(o->name, NULL,
		    o->type->list ? CFGF_LIST : CFGF_NONE, value_seen, NULL);
	}
	for (i = SECTION_GLOBAL + 1; i < SECTION_COUNT; i++) {
		enum conf_section_id child = (enum conf_section_id)i;

		if (conf_sections[i].parent != section)
			continue;
		*opt = (cfg_opt_t)CFG_SEC(conf_section_name(child),
		    schema_make(child),
		    conf_sections[i].titled ? CFGF_MULTI | CFGF_TITLE
					    : CFGF_MULTI);
		if (opt->subopts == NULL)
			goto fail;
		opt->validcb = section_closed;
		opt++;
	}
	*opt++ = (cfg_opt_t)CFG_FUNC(SCAN_DROPPED, dropped_seen);
	if (section == SECTION_GLOBAL) {
		*opt++ = (cfg_opt_t)CFG_FUNC(SCAN_INCLUDE, include_seen);
		*opt++ =
		    (cfg_opt_t)CFG_FUNC(SCAN_INCLUDE_DIR, include_dir_seen);
	} else {
		*opt++ = (cfg_opt_t)CFG_PTR_CB(
		    OPENED, "yes", CFGF_NONE, section_opened, NULL);
	}
	return opts;

fail:
	schema_free(opts);
	return NULL;
}

static int
run_libconfuse(struct parse *parse, char *text)
{
	cfg_opt_t *schema;
	cfg_t *cfg = NULL;
	FILE *stream = NULL;
	int rc = -1;

	current = parse;
	schema = schema_make(SECTION_GLOBAL);
	if (schema == NULL)
		goto out;
	cfg = cfg_init(schema, CFGF_NONE);
	if (cfg == NULL)
		goto out;
	cfg_set_error_function(cfg, report_error);
	stream = fmemopen(text, strlen(text), "r");
	if (stream == NULL)
		goto out;
	if (cfg_parse_fp(cfg, stream) != CFG_SUCCESS)
		parse->source->scopes[0].incomplete = true;
	if (!parse->no_memory)
		rc = 0;
out:
	if (stream != NULL)
		fclose(stream);
	if (cfg != NULL)
		cfg_free(cfg);
	schema_free(schema);
	current = NULL;
	return rc;
}

/* ---- files ------------------------------------------------------------------------ */

/* Read a text of which SCAN_SLACK bytes more can be written. */
static int
read_text(struct parse *parse, char *text, size_t len)
{
	const char *nul = memchr(text, '\0', len);
	const char *p;
	int line = 1;

	if (nul != NULL) {
		for (p = text; p < nul; p++)
			line += *p == '\n';
		conf_error_add(parse->errors, false, parse->file->name, line,
		    "there is a NUL byte in this line");
		parse->source->scopes[0].incomplete = true;
	}
	conf_scan(text, parse->file->name, parse->errors);
	/* fmemopen(3) takes no empty buffer. */
	if (text[0] == '\0')
		return 0;
	parse->section = SECTION_GLOBAL;
	parse->scope = 0;
	parse->repeated = false;
	return run_libconfuse(parse, text);
}

/* Whether the file has been read before, which is an error. */
static bool
read_before(struct parse *parse, const struct conf_file *file,
    const struct conf_contents *contents)
{
	size_t i;

	for (i = 0; i < parse->source->nfiles; i++) {
		const struct conf_file *other = parse->source->files[i];

		if (other == file)
			break;
		if (other->ino != contents->ino || other->dev != contents->dev)
			continue;
		if (other->parent == NULL)
			conf_error_add(parse->errors, false, file->parent,
			    file->line,
			    "\"%s\" is the file that all began with: it "
			    "cannot be included again",
			    file->name);
		else
			conf_error_add(parse->errors, false, file->parent,
			    file->line, "\"%s\" is included already, at %s:%d",
			    file->name, other->parent, other->line);
		return true;
	}
	return false;
}

static int
read_file(struct parse *parse, struct conf_file *file)
{
	struct conf_contents contents = { 0 };
	char why[FILE_WHY_SIZE];
	bool included = file->parent != NULL;
	int rc = 0;

	if (conf_file_read(file->name, FILE_MAX, SCAN_SLACK, included,
		&contents, why) == -1) {
		parse->source->scopes[0].incomplete = true;
		conf_error_add(parse->errors, false,
		    included ? file->parent : file->name,
		    included ? file->line : 0, "cannot read \"%s\": %s",
		    file->name, why);
		return 0;
	}
	if (!included || !read_before(parse, file, &contents)) {
		file->dev = contents.dev;
		file->ino = contents.ino;
		parse->file = file;
		rc = read_text(parse, contents.data, contents.len);
	}
	mem_free(contents.data);
	return rc;
}

static int
read_memory(struct parse *parse, const struct conf_file *file, const char *text)
{
	size_t len = strlen(text);
	char *copy = mem_zalloc(len + 1 + SCAN_SLACK);
	int rc;

	if (copy == NULL)
		return -1;
	memcpy(copy, text, len);
	parse->file = file;
	rc = read_text(parse, copy, len);
	mem_free(copy);
	return rc;
}

int
conf_source_read(struct conf_source *source, const char *name, const char *text,
    struct conf_errors *errors)
{
	struct parse parse = { .source = source, .errors = errors };
	size_t i;
	int rc;

	if (conf_source_add_file(source, name) == NULL)
		return -1;
	/* Files that are included are added behind while this goes on. */
	for (i = 0; i < source->nfiles; i++) {
		if (i == 0 && text != NULL)
			rc = read_memory(&parse, source->files[i], text);
		else
			rc = read_file(&parse, source->files[i]);
		if (rc == -1)
			return -1;
	}
	return 0;
}
