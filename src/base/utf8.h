/* utf8 - one step through UTF-8, strict as the Unicode Standard's table of well-formed byte sequences (3-7): no
 * overlong forms, no surrogates, nothing above U+10FFFF. Private to base. */
#ifndef M365KEEP_UTF8_H
#define M365KEEP_UTF8_H

#include <stddef.h>

enum { UTF8_REPLACEMENT = 0xfffd }; /* the character that stands for what is none */

/* Looks at the bytes from `text` on, of which there are `length`, at least one. Positive: a whole sequence of that many
 * bytes. Zero: the bytes end inside a sequence that is right so far. Negative: that many bytes belong to no sequence.
 */
static inline int utf8_step(const char *text, size_t length)
{
    const unsigned char *p = (const unsigned char *)text;
    unsigned char low = 0x80, high = 0xbf; /* what the second byte may be */
    int more;

    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xc2)
        return -1;
    if (p[0] < 0xe0) {
        more = 1;
    } else if (p[0] < 0xf0) {
        more = 2;
        low = p[0] == 0xe0 ? 0xa0 : low;
        high = p[0] == 0xed ? 0x9f : high;
    } else if (p[0] < 0xf5) {
        more = 3;
        low = p[0] == 0xf0 ? 0x90 : low;
        high = p[0] == 0xf4 ? 0x8f : high;
    } else {
        return -1;
    }
    for (int i = 1; i <= more; i++) {
        if ((size_t)i == length)
            return 0;
        if (p[i] < low || p[i] > high)
            return -i;
        low = 0x80;
        high = 0xbf;
    }
    return more + 1;
}

#endif
