/* The token endpoint's answer, over any bytes. What is checked beyond the sanitizers:
 *
 * - what is accepted is a token that can stand in a header, for a minute to ten days, renewed before its end;
 * - it is the token that another JSON reader (cJSON) finds;
 * - what is refused leaves the old token as it was, and its error repeats nothing of a token. */
#include <cjson/cJSON.h>
#include <stdint.h>
#include <string.h>

#include "client/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int64_t now_us = 1000 * CLOCK_US;

static void check_accepted(const struct token *token, const char *body, size_t length)
{
    size_t bytes = strlen(token->value);
    cJSON *root = cJSON_ParseWithLength(body, length);

    g_assert(bytes > 0 && bytes <= 65536);
    for (const char *p = token->value; *p; p++)
        g_assert(*p > ' ' && *p <= '~');
    g_assert(token->generation == 2 && !token->refusal && !token->claims);
    g_assert(token_usable(token, now_us) && !token_due(token, now_us));
    g_assert(token->renew_us > now_us && token->renew_us < token->expires_us);
    g_assert(token->expires_us - now_us >= 60 * CLOCK_US && token->expires_us - now_us <= 864000 * CLOCK_US);
    if (root)
        g_assert(
            g_strcmp0(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "access_token")), token->value) == 0);
    cJSON_Delete(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char first[] = "{\"access_token\":\"first~token\"}";
    struct token token = {0};
    g_autofree char *body = g_memdup2(data, size);
    g_autoptr(GError) error = NULL;

    g_assert(token_accept(&token, first, strlen(first), now_us, NULL));
    bool accepted = token_accept(&token, body, size, now_us, &error);
    g_assert(accepted == (error == NULL));
    if (accepted)
        check_accepted(&token, body, size);
    else
        g_assert(token.generation == 1 && g_str_equal(token.value, "first~token") && strlen(error->message) < 300);
    token_clear(&token);
    return 0;
}
