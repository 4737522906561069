/* proxy - what is wrong with the proxy that the environment names, told without a word of what it holds: that may be a
 * password. */
#ifndef M365KEEP_CLIENT_PROXY_H
#define M365KEEP_CLIENT_PROXY_H

/* Why no request to `url` can go through the proxy that the environment names for it, a sentence that names the
 * variable and no part of its value; NULL when there is no proxy, or one that can be used. Stricter than libcurl, which
 * takes a part of a password for the host, or sends directly, where special characters are not encoded. Returned:
 * g_free. */
char *proxy_complaint(const char *url);

/* Replaces in *text the value of every proxy variable that holds a user or cannot be used, its user and password
 * together, and its password, also as it is decoded. */
void proxy_redact(char **text);

#endif
