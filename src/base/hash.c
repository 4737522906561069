#include "base/hash.h"

#include <nettle/sha2.h>
#include <string.h>

_Static_assert(HASH_SHA256_BYTES == SHA256_DIGEST_SIZE, "SHA-256 has one size");

void hash_sha256(const void *bytes, size_t length, uint8_t digest[HASH_SHA256_BYTES])
{
    struct sha256_ctx context;

    sha256_init(&context);
    sha256_update(&context, length, bytes);
    sha256_digest(&context, HASH_SHA256_BYTES, digest);
}

void hash_key(const char *const *parts, size_t n, uint8_t key[HASH_KEY_BYTES])
{
    struct sha256_ctx context;

    sha256_init(&context);
    for (size_t i = 0; i < n; i++) {
        const char *part = parts[i] != NULL ? parts[i] : "";
        uint64_t length = strlen(part);
        uint8_t prefix[8];
        for (int byte = 0; byte < 8; byte++)
            prefix[byte] = (uint8_t)(length >> (56 - 8 * byte));
        sha256_update(&context, sizeof prefix, prefix);
        sha256_update(&context, (size_t)length, (const uint8_t *)part);
    }
    sha256_digest(&context, HASH_KEY_BYTES, key);
}

void hash_hex(const uint8_t *digest, size_t length, char *hex)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < length; i++) {
        *hex++ = digits[digest[i] >> 4];
        *hex++ = digits[digest[i] & 15];
    }
    *hex = '\0';
}
