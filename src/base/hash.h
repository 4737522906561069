/* hash - SHA-256, whole or over length-prefixed parts. */
#ifndef M365KEEP_HASH_H
#define M365KEEP_HASH_H

#include <stddef.h>
#include <stdint.h>

enum { HASH_SHA256_BYTES = 32, HASH_KEY_BYTES = 16 };

/* SHA-256 of `length` bytes. */
void hash_sha256(const void *bytes, size_t length, uint8_t digest[HASH_SHA256_BYTES]);

/* The first 128 bits of SHA-256 over `n` NUL-terminated parts, each preceded by its length as eight big-endian bytes,
 * so that ("ab","c") and ("a","bc") differ. A NULL part counts as empty. */
void hash_key(const char *const *parts, size_t n, uint8_t key[HASH_KEY_BYTES]);

/* Writes 2 x length hexadecimal digits, lower case, and a NUL into `hex`. */
void hash_hex(const uint8_t *digest, size_t length, char *hex);

#endif
