/* squeeze.h - gzip. */
#ifndef SIM_SQUEEZE_H
#define SIM_SQUEEZE_H

#include <glib.h>

/* Replaces body by itself, compressed fast. */
void squeeze_body(GString *body);

/* Replaces body by a small gzip stream of an empty page that inflates to megabytes of white space inside it. */
void squeeze_bomb(GString *body, gsize megabytes);

#endif
