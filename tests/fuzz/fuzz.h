/* fuzz - what the targets share. */
#ifndef M365KEEP_TESTS_FUZZ_H
#define M365KEEP_TESTS_FUZZ_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy in a block of exactly that size, so that AddressSanitizer sees a byte read too far, also of nothing at all
 * (where GLib would give NULL). Returned: g_free. */
static inline char *fuzz_exact(const void *bytes, size_t size)
{
    char *copy = malloc(size);

    if (size > 0)
        memcpy(copy, bytes, size);
    return copy;
}

/* The size of the next chunk of `left` bytes: a few, so that every kind of token is cut somewhere. */
static inline size_t fuzz_chunk(uint32_t *dice, size_t left)
{
    *dice = *dice * 1664525u + 1013904223u;
    return MIN(left, 1 + (*dice >> 24) % 7);
}

/* A sentence for people: there, and UTF-8. */
static inline void fuzz_check_message(const GError *error)
{
    g_assert(error != NULL && error->message[0] != '\0' && g_utf8_validate(error->message, -1, NULL));
}

#endif
