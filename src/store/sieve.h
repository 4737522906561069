/* sieve - finds which of any number of rows share a hash, in bounded memory.
 *
 * It holds the hashes of one range. When they become too many the range is cut down to the half that fits, and what is
 * above it is left to another pass over the same rows:
 *
 *     sieve_init(&sieve);
 *     do {
 *         for each row: sieve_add(&sieve, hash, id);
 *         sieve_sort(&sieve);
 *         for (guint at = 0, n; (n = sieve_group(&sieve, at)) > 0; at += n)
 *             n rows from `at` on share what the sieve knows of their hash
 *     } while (sieve_next(&sieve));
 *     sieve_clear(&sieve);
 */
#ifndef M365KEEP_STORE_SIEVE_H
#define M365KEEP_STORE_SIEVE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct sieve_row {
    uint64_t prefix; /* the hash's first 64 bits: to be compared in full by who needs to be sure */
    int64_t id;
};

struct sieve {
    GArray *rows;      /* struct sieve_row */
    uint64_t from, to; /* the range, both included */
    guint most;        /* rows it holds */
};

enum { SIEVE_MOST = 1 << 20 }; /* 16 MiB */

/* Begins with the whole range. `most` is SIEVE_MOST, but in tests. */
void sieve_init(struct sieve *sieve, guint most);
void sieve_clear(struct sieve *sieve);

/* Adds a row whose hash is in the range; of the hash 8 bytes are read. */
void sieve_add(struct sieve *sieve, const uint8_t *hash, int64_t id);

/* Sorts by hash, then by id. */
void sieve_sort(struct sieve *sieve);

/* How many rows from `at` on share their hash; 0 at the end. */
guint sieve_group(const struct sieve *sieve, guint at);

/* Goes on to the range that was left out; false when there is none. */
bool sieve_next(struct sieve *sieve);

#endif
