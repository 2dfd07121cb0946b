/*
 * Latencies in buckets whose width grows with what they hold.
 */
#include "load_histogram.h"

enum { LINEAR_BITS = 11, ALL = 100000 };

unsigned
load_histogram_bucket(uint64_t us)
{
	unsigned shift;

	if (us < LOAD_HISTOGRAM_LINEAR)
		return (unsigned)us;
	/* How often it must be halved to fit the linear part. */
	shift = 64 - LINEAR_BITS - (unsigned)__builtin_clzll(us);
	return shift * LOAD_HISTOGRAM_HALF + (unsigned)(us >> shift);
}

/* The doubling that a bucket is in, 0 for the linear part. */
static unsigned
bucket_shift(unsigned bucket)
{
	if (bucket < LOAD_HISTOGRAM_LINEAR)
		return 0;
	return bucket / LOAD_HISTOGRAM_HALF - 1;
}

uint64_t
load_histogram_lowest(unsigned bucket)
{
	unsigned shift = bucket_shift(bucket);

	return (uint64_t)(bucket - shift * LOAD_HISTOGRAM_HALF) << shift;
}

uint64_t
load_histogram_highest(unsigned bucket)
{
	return load_histogram_lowest(bucket) +
	    ((uint64_t)1 << bucket_shift(bucket)) - 1;
}

void
load_histogram_add(struct load_histogram *histogram, uint64_t ns)
{
	uint64_t us = ns / 1000 + (ns % 1000 >= 500);

	if (us < LOAD_HISTOGRAM_MIN_US)
		us = LOAD_HISTOGRAM_MIN_US;
	if (us > LOAD_HISTOGRAM_MAX_US)
		us = LOAD_HISTOGRAM_MAX_US;
	histogram->count++;
	if (us > histogram->max_us)
		histogram->max_us = us;
	histogram->buckets[load_histogram_bucket(us)]++;
}

void
load_histogram_merge(
    struct load_histogram *into, const struct load_histogram *from)
{
	unsigned i;

	into->count += from->count;
	if (from->max_us > into->max_us)
		into->max_us = from->max_us;
	for (i = 0; i < LOAD_HISTOGRAM_BUCKETS; i++)
		into->buckets[i] += from->buckets[i];
}

/* The highest value of a bucket that the histogram can have seen. */
static uint64_t
highest_seen(const struct load_histogram *histogram, unsigned bucket)
{
	uint64_t us = load_histogram_highest(bucket);

	return us < histogram->max_us ? us : histogram->max_us;
}

uint64_t
load_histogram_percentile(
    const struct load_histogram *histogram, unsigned of_100000)
{
	uint64_t rank, seen = 0;
	unsigned i;

	/* In two parts, so that the product does not overflow. */
	rank = histogram->count / ALL * of_100000 +
	    (histogram->count % ALL * of_100000 + ALL - 1) / ALL;
	if (rank == 0)
		rank = 1;
	for (i = 0; i < LOAD_HISTOGRAM_BUCKETS; i++) {
		seen += histogram->buckets[i];
		if (seen >= rank)
			return highest_seen(histogram, i);
	}
	return histogram->max_us;
}

int
load_histogram_write(const struct load_histogram *histogram, FILE *file)
{
	uint64_t seen = 0;
	unsigned i;

	if (fputs("# value_us percentile count\n", file) == EOF)
		return -1;
	for (i = 0; i < LOAD_HISTOGRAM_BUCKETS; i++) {
		if (histogram->buckets[i] == 0)
			continue;
		seen += histogram->buckets[i];
		if (fprintf(file, "%llu %.6f %llu\n",
			(unsigned long long)highest_seen(histogram, i),
			100.0 * (double)seen / (double)histogram->count,
			(unsigned long long)histogram->buckets[i]) < 0)
			return -1;
	}
	return 0;
}
