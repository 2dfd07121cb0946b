/*
 * Feeds a fuzz target what libFuzzer would: the files given, or all of its
 * corpus, tests/fuzz/corpus/X for the program replay_X.  So each "make check"
 * repeats what fuzzing has found, with any compiler.  It finds nothing new.
 */
#include <dirent.h>
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "replay_"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data;
	long size;

	if (file == NULL || fseek(file, 0, SEEK_END) == -1 ||
	    (size = ftell(file)) == -1 || fseek(file, 0, SEEK_SET) == -1)
		err(1, "%s", path);
	/* Not a byte more: then a tool sees who reads too far. */
	data = malloc((size_t)size);
	if ((data == NULL && size != 0) ||
	    fread(data, 1, (size_t)size, file) != (size_t)size)
		err(1, "%s", path);
	fclose(file);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
}

static int
is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int
replay_folder(const char *folder)
{
	struct dirent **entries;
	char *path;
	int i, n;

	n = scandir(folder, &entries, is_visible, alphasort);
	if (n == -1)
		err(1, "%s", folder);
	for (i = 0; i < n; i++) {
		if (asprintf(&path, "%s/%s", folder, entries[i]->d_name) == -1)
			err(1, "%s", folder);
		free(entries[i]);
		replay_file(path);
		free(path);
	}
	free(entries);
	return n;
}

/* The corpus of the program: the sources' place, and its name behind
 * "replay_". */
static int
replay_corpus(const char *program)
{
	const char *srcdir = getenv("MUXD_SRCDIR");
	const char *name = strrchr(program, '/');
	char *folder;
	int n;

	name = name == NULL ? program : name + 1;
	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		errx(1, "%s: not called " PREFIX "X", program);
	if (asprintf(&folder, "%s/tests/fuzz/corpus/%s",
		srcdir == NULL ? "." : srcdir, name + strlen(PREFIX)) == -1)
		err(1, "%s", name);
	n = replay_folder(folder);
	free(folder);
	return n;
}

int
main(int argc, char **argv)
{
	int i, n = argc - 1;

	for (i = 1; i < argc; i++)
		replay_file(argv[i]);
	if (argc == 1)
		n = replay_corpus(argv[0]);
	if (n == 0)
		errx(1, "the corpus is empty");
	printf("%d inputs replayed\n", n);
	return 0;
}
