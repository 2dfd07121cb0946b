/*
 * A histogram of latencies: fixed memory, three significant digits from 1 µs
 * to 100 s.
 *
 * Up to 2,047 µs there is a bucket for each microsecond; above, each doubling
 * has 1,024 of equal width.  So a bucket is never wider than a thousandth of
 * what it holds, and the bucket of a value is found by counting zeros.
 */
#ifndef TESTS_BENCH_LOAD_HISTOGRAM_H
#define TESTS_BENCH_LOAD_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define LOAD_HISTOGRAM_MIN_US 1U
#define LOAD_HISTOGRAM_MAX_US 100000000U

/* Bits of the linear part; doublings above it until MAX_US fits. */
#define LOAD_HISTOGRAM_LINEAR    2048U
#define LOAD_HISTOGRAM_HALF      1024U
#define LOAD_HISTOGRAM_DOUBLINGS 16U
#define LOAD_HISTOGRAM_BUCKETS \
	(LOAD_HISTOGRAM_LINEAR + LOAD_HISTOGRAM_DOUBLINGS * LOAD_HISTOGRAM_HALF)

/* Zeroed memory is an empty one. */
struct load_histogram {
	uint64_t count;
	uint64_t max_us; /* exact, not a bound of its bucket */
	uint64_t buckets[LOAD_HISTOGRAM_BUCKETS];
};

/* Count a latency, rounded to whole microseconds; what lies outside of the
 * range counts as its bound. */
void load_histogram_add(struct load_histogram *histogram, uint64_t ns);

/* Add all that the other one has counted. */
void load_histogram_merge(
    struct load_histogram *into, const struct load_histogram *from);

/* The bucket of a value within the range, and the lowest and the highest
 * value of a bucket. */
unsigned load_histogram_bucket(uint64_t us);
uint64_t load_histogram_lowest(unsigned bucket);
uint64_t load_histogram_highest(unsigned bucket);

/*
 * The value in µs that so many of 100,000 latencies do not exceed (99900 is
 * p99.9): the highest of its bucket, but never more than the maximum.  0 for
 * an empty histogram.
 */
uint64_t load_histogram_percentile(
    const struct load_histogram *histogram, unsigned of_100000);

/* Write a line "value_us percentile count" for each bucket in use: its
 * highest value, how many percent are not above that, and how many are in
 * it.  -1 with errno. */
int load_histogram_write(const struct load_histogram *histogram, FILE *file);

#endif
