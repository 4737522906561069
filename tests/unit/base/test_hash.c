/* SHA-256 and the keys made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "base/hash.h"

static void the_published_examples_come_out(void **state)
{
    g_autofree char *million = g_strnfill(1000000, 'a');
    const struct {
        const char *text, *hex;
    } rows[] = {
        /* FIPS 180-4's examples */
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    };
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        uint8_t digest[HASH_SHA256_BYTES];
        char hex[2 * HASH_SHA256_BYTES + 1];
        hash_sha256(rows[i].text, strlen(rows[i].text), digest);
        hash_hex(digest, sizeof digest, hex);
        assert_string_equal(hex, rows[i].hex);
    }
}

static void every_length_agrees_with_glib(void **state)
{
    guint8 bytes[300];
    (void)state;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (guint8)(i * 7);
    for (size_t length = 0; length <= sizeof bytes; length++) {
        g_autofree char *wanted = g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes, length);
        uint8_t digest[HASH_SHA256_BYTES];
        char hex[2 * HASH_SHA256_BYTES + 1];
        hash_sha256(bytes, length, digest);
        hash_hex(digest, sizeof digest, hex);
        assert_string_equal(hex, wanted);
    }
}

static void a_key_is_the_hash_of_its_parts_behind_their_lengths(void **state)
{
    static const char *const parts[] = {"tenant", "", "dedupe key"};
    static const char spelled[] = "\0\0\0\0\0\0\0\6tenant"
                                  "\0\0\0\0\0\0\0\0"
                                  "\0\0\0\0\0\0\0\12dedupe key";
    uint8_t digest[HASH_SHA256_BYTES], key[HASH_KEY_BYTES];
    (void)state;

    hash_sha256(spelled, sizeof spelled - 1, digest);
    hash_key(parts, G_N_ELEMENTS(parts), key);
    assert_memory_equal(key, digest, sizeof key);
}

static void where_one_part_ends_matters(void **state)
{
    static const char *const groups[][3] = {
        {"ab", "c", ""}, {"a", "bc", ""}, {"abc", "", ""}, {"", "abc", ""}, {"", "ab", "c"}};
    uint8_t keys[G_N_ELEMENTS(groups)][HASH_KEY_BYTES];
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(groups); i++) {
        hash_key(groups[i], 3, keys[i]);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(keys[i], keys[j], HASH_KEY_BYTES);
    }
}

static void a_part_that_is_null_counts_as_empty(void **state)
{
    static const char *const null[] = {"a", NULL}, *const empty[] = {"a", ""};
    uint8_t one[HASH_KEY_BYTES], other[HASH_KEY_BYTES], shorter[HASH_KEY_BYTES];
    (void)state;

    hash_key(null, 2, one);
    hash_key(empty, 2, other);
    hash_key(null, 1, shorter);
    assert_memory_equal(one, other, HASH_KEY_BYTES);
    assert_memory_not_equal(one, shorter, HASH_KEY_BYTES); /* but it counts */
}

static void hexadecimal_digits_are_lower_case_and_two_a_byte(void **state)
{
    static const uint8_t bytes[] = {0x00, 0x0f, 0xa0, 0xff, 0x5c};
    char hex[2 * sizeof bytes + 1];
    (void)state;

    hash_hex(bytes, sizeof bytes, hex);
    assert_string_equal(hex, "000fa0ff5c");
    hash_hex(bytes, 0, hex);
    assert_string_equal(hex, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_examples_come_out),
        cmocka_unit_test(every_length_agrees_with_glib),
        cmocka_unit_test(a_key_is_the_hash_of_its_parts_behind_their_lengths),
        cmocka_unit_test(where_one_part_ends_matters),
        cmocka_unit_test(a_part_that_is_null_counts_as_empty),
        cmocka_unit_test(hexadecimal_digits_are_lower_case_and_two_a_byte),
    };
    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
