/* png - pixels to a small PNG with an indexed palette. */
#ifndef M365KEEP_REPORT_PNG_H
#define M365KEEP_REPORT_PNG_H

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/* Pixels as Cairo's RGB24 has them (0x00RRGGBB in native order), `stride` bytes a row. Up to 256 colours are kept
 * exactly; where there are more, the most frequent ones are, and each other one becomes its nearest. NULL with *error
 * (REPORT_ERROR_FAILED). Returned: g_bytes_unref. */
GBytes *png_encode(const unsigned char *pixels, int width, int height, int stride, GError **error);

#endif
