/* sign_in_codes - Entra's sign-in error codes in plain words.
 *
 * Private to the room. */
#ifndef M365KEEP_SOURCES_SIGN_IN_CODES_H
#define M365KEEP_SOURCES_SIGN_IN_CODES_H

#include <stdbool.h>
#include <stdint.h>

struct sign_in_code {
    int64_t code;
    bool interrupted;  /* a step on the way (a prompt, a redirect), not a refusal */
    const char *words; /* what comes after "failed to sign in ...: " or "was interrupted signing in ...: " */
};

/* NULL for a code that is not in the table: a failure whose reason the record itself has to tell. */
const struct sign_in_code *sign_in_code_find(int64_t code);

#endif
