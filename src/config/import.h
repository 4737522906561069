/* import - the settings of MS-service-api-monitor's config.py, as a sample of ours. */
#ifndef M365KEEP_CONFIG_IMPORT_H
#define M365KEEP_CONFIG_IMPORT_H

#include "config/config.h"

/* The files that stand for the module's text: m365keep.yaml, .env, and signature.html and status_map.yaml where it has
 * something for them (struct config_file *). `remarks` gets sentences (char *) on what was left out; no secret is in
 * them. NULL with CONFIG_ERROR_INVALID: no Python, no CUSTOMERS, or something in it that is no plain value. Returned:
 * g_ptr_array_unref. */
GPtrArray *import_python(const char *file, const char *text, size_t length, GPtrArray *remarks, GError **error);

#endif
