/* customers - whose records are collected: those of m365keep.yaml, or the one of the environment. */
#ifndef M365KEEP_CONFIG_CUSTOMERS_H
#define M365KEEP_CONFIG_CUSTOMERS_H

#include "config/settings.h"

/* Fills config->customers, which is empty. Without `need_customers` nobody's credentials are kept: of the file's
 * customers all else is there (the tenant where their variable is set), of the environment's name and tenant, and none
 * where it does not say the tenant. */
bool customers_read(const struct settings *settings, bool need_customers, struct config *config, GError **error);

/* config->smtp.customer, which must be one of config->customers; it is not compared with them where nobody said who
 * they are. */
bool customers_read_sender(const struct settings *settings, bool need_customers, struct config *config, GError **error);

/* A GDestroyNotify for one of them. */
void customers_free(gpointer customer);

#endif
