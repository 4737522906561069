/* company.h - the made-up company behind a tenant: people, apps, devices, places and policies.
 *
 * Everything is rendered once, as the JSON text in which it appears in records: generating a record is then mostly a
 * matter of copying pieces. */
#ifndef SIM_COMPANY_H
#define SIM_COMPANY_H

#include "text.h"

enum { COMPANY_USERS = 204, COMPANY_POLICIES = 9 };

/* A name as people write it and as addresses spell it. */
struct company_name {
    const char *shown, *ascii;
};
extern const struct company_name company_given_names[], company_surnames[];
extern const uint32_t company_given_count, company_surname_count;

struct person {
    struct text members; /* "userDisplayName":...,"userPrincipalName":...,"userId":"..." as in sign-ins */
    struct text name;    /* the inside of a JSON string */
    struct text nested;  /* the same inside a JSON text that is itself inside a JSON string */
    struct text upn;     /* lower case */
    struct text id;      /* GUID */
    const struct company_name *given, *family;
    const char *domain;
    uint32_t home; /* index of the usual place */
    bool guest;
};

struct policy {
    struct text members; /* up to and with "result": */
    bool blocks, report_only;
};

struct company {
    char *tenant; /* GUID as given */
    struct text tenant_members;
    struct person people[COMPANY_USERS];
    struct policy policies[COMPANY_POLICIES];
    struct text *apps, *places, *devices; /* counted below */
};

extern const uint32_t company_app_count, company_place_count, company_device_count;

struct company_app {
    const char *name, *id, *resource, *resource_id;
};
extern const struct company_app company_apps[];

/* The company of tenant, the same for the same seed. Returned: free with company_free(). */
struct company *company_new(const char *tenant, uint64_t seed);
void company_free(struct company *company);

#endif
