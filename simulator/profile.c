#include "profile.h"

#include <string.h>

#include "ticks.h"

#define HOME_DOMAIN "contoso.onmicrosoft.example"

static const char *const titles[] = {
    "Engineer",
    "Account Manager",
    "Head of \"Special\" Projects",
    "Ředitelka závodu",
    "Пекарь",
    "主任研究員",
    "Sales Manager, EMEA",
    "CEO",
    "Stážista / trainee",
    "Accountant & Auditor",
    "مهندسة",
    "Chief Happiness Officer 🎉",
    "Werkstudent:in",
    "=SUM(A1:A9)",
    "Facility\tServices",
    "Night watch",
};
static const char *const departments[] = {
    "Finance", "Sales",  "Vertrieb & Einkauf", "研究開発", "IT",        "R&D",      "Human Resources", "Производство",
    "Legal",   "Výroba", "Logistics",          "客服",     "Marketing", "Security",
};
static const char *const companies[] = {"Contoso Ltd", "Contoso s.r.o.", "Contoso GmbH & Co. KG", "コントソ株式会社",
                                        "Fabrikam"};

static const struct {
    const char *office, *city, *state, *country, *street, *postal;
} offices[] = {
    {"B2/114", "Brno", "Jihomoravský kraj", "Czechia", "Lidická 1", "602 00"},
    {"18/2111", "Redmond", "WA", "United States", "9256 Towne Center Dr., Suite 400", "98052"},
    {"Zürich HQ", "Zürich", NULL, "Switzerland", "Bahnhofstrasse 1", "8001"},
    {"東京 3F", "東京", "東京都", "日本", "丸の内1-1", "100-0005"},
    {"O’Connell St", "Dublin", NULL, "Ireland", "12 O'Connell Street", ""},
    {NULL, "São Paulo", "SP", "Brasil", NULL, NULL},
    {"Remote", NULL, NULL, NULL, NULL, NULL},
};

static const struct {
    const char *sku, *plan;
} licences[] = {
    {"05e9a617-0261-4cee-bb44-138d3ef5d965", "7547a3fe-08ee-4ccb-b430-5077c5041653"},
    {"06ebc4ee-1bb5-47dd-8120-11324bc54e06", "57ff2da0-773e-42df-b2af-ffb7a2317929"},
    {"66b55226-6b4f-492c-910c-a3b7a3c9d993", "902b47e5-dcb2-4fdc-858b-c63a90a2bdb9"},
    {"f30db892-07e9-47e9-837c-80727f46fd3d", "50e68c76-46c6-4674-81f9-75456511b170"},
    {"a403ebcc-fae0-4ca2-8c8c-7a907fd6c235", "2049e525-b859-401b-b2a0-e0a31c4b1fe4"},
    {"b05e124f-c7cc-45a0-a6aa-8cf78c946968", "bea4c11e-220a-4e6d-8eb8-8ea15d019f90"},
};

/* Names that break what is careless with them. */
static const char *const odd_names[] = {
    "Konferenzraum „Blau“ 🚀",
    "D'Arcy, Éamonn (extern)",
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "\xe2\x80\xaetxt.exe Anna", /* written from right to left */
    "Ω",
    "Robert'); DROP TABLE users;--",
    "👩‍👩‍👧‍👦 Family desk",
    "  spaced  ",
};

/* The dice of a facet's values as its last event left them. */
static struct dice roll(const struct profile *p, enum facet facet, uint64_t salt)
{
    return (struct dice){dice_mix(p->key ^ (salt << 8) ^ (uint64_t)facet, (uint64_t)p->event[facet])};
}

/* Some values are written as \u escapes, always the same ones of the same account. */
static enum value set_text(const struct profile *p, GString *out, const char *text)
{
    g_string_append_c(out, '"');
    text_append_escaped(out, text, -1, p->key % 5 == 0);
    g_string_append_c(out, '"');
    return VALUE_SET;
}

static enum value set_literal(GString *out, const char *json)
{
    g_string_append(out, json);
    return VALUE_SET;
}

static enum value set_time(GString *out, int64_t ticks)
{
    g_string_append_c(out, '"');
    ticks_append_iso(out, ticks_floor_div(ticks, TICKS_PER_SECOND) * TICKS_PER_SECOND, 0);
    APPEND_LITERAL(out, "Z\"");
    return VALUE_SET;
}

/* What has no value: taken away by an event, or never given. */
static enum value no_value(const struct profile *p, enum facet facet)
{
    return p->event[facet] == PROFILE_FIRST ? VALUE_NEVER : VALUE_CLEARED;
}

/* One of the texts, or no value in percent of the cases. */
static enum value one_of(const struct profile *p, enum facet facet, uint64_t salt, const char *const *texts,
                         uint32_t count, double none_percent, GString *out)
{
    struct dice d = roll(p, facet, salt);

    if (dice_percent(&d, none_percent))
        return no_value(p, facet);
    return set_text(p, out, texts[dice_below(&d, count)]);
}

/* A moment of the years before all records, or soon after the account was made. */
static int64_t early(const struct profile *p, struct dice *d)
{
    int64_t seconds = dice_below(d, 8 * 365 * 86400);

    return (p->born == INT64_MIN ? INT64_C(1451606400) + seconds : p->born / TICKS_PER_SECOND) * TICKS_PER_SECOND;
}

/* The moment of the facet's last event, or an early one. */
static int64_t moment_of(const struct profile *p, enum facet facet, uint64_t salt)
{
    struct dice d = roll(p, facet, salt);

    return p->event[facet] == PROFILE_FIRST ? early(p, &d) : p->when[facet];
}

/* names and addresses */

static const struct company_name *given_of(const struct profile *p)
{
    struct dice d = {dice_mix(p->key, 1)};

    return p->person ? p->person->given : &company_given_names[dice_below(&d, company_given_count)];
}

/* Of the people of the sign-ins, which tell the first name for ever, most get it back sooner or later. */
static bool is_renamed(const struct profile *p)
{
    struct dice d = roll(p, FACET_NAME, 3);

    return p->event[FACET_NAME] != PROFILE_FIRST && (!p->person || dice_below(&d, 4) == 0);
}

/* The family name, as it was at first or as the last rename made it. */
static const struct company_name *family_of(const struct profile *p, bool first)
{
    struct dice d = roll(p, FACET_NAME, 2);

    if (!first && is_renamed(p))
        return &company_surnames[dice_below(&d, company_surname_count)];
    d.state = dice_mix(p->key, 2);
    return p->person ? p->person->family : &company_surnames[dice_below(&d, company_surname_count)];
}

static const char *domain_of(const struct profile *p)
{
    static const char *const own[] = {"contoso.example", "contoso.example", "example.org", HOME_DOMAIN},
                             *const theirs[] = {"fabrikam.example", "adatum.test", "mail.example.net"};
    struct dice d = {dice_mix(p->key, 3)};

    if (p->person)
        return p->person->domain;
    return p->guest ? theirs[dice_below(&d, G_N_ELEMENTS(theirs))] : own[dice_below(&d, G_N_ELEMENTS(own))];
}

/* "ada.lovelace17@contoso.example". A guest keeps the address it was invited by. Returned. */
static char *address_of(const struct profile *p, bool first)
{
    first = first || p->guest || !is_renamed(p);
    if (p->person && first)
        return g_strdup(p->person->upn.bytes);
    const struct company_name *family = family_of(p, first);
    const char *ascii = strcmp(family->ascii, "o.brien") == 0 ? "o'brien" : family->ascii;
    return g_strdup_printf("%s.%s%u@%s", given_of(p)->ascii, ascii, p->number, domain_of(p));
}

static bool is_no_person(const struct profile *p)
{
    struct dice d = {dice_mix(p->key, 4)};

    return !p->person && dice_below(&d, 30) == 0;
}

static bool has_no_mailbox(const struct profile *p)
{
    struct dice d = {dice_mix(p->key, 5)};

    return dice_below(&d, 12) == 0;
}

static enum value append_display_name(const struct profile *p, GString *out)
{
    struct dice d = {dice_mix(p->key, 6)};
    bool first = !is_renamed(p);

    if (p->person && first) {
        g_string_append_printf(out, "\"%s\"", p->person->name.bytes);
        return VALUE_SET;
    }
    if (!p->person && is_no_person(p) && first)
        return set_text(p, out, odd_names[dice_below(&d, G_N_ELEMENTS(odd_names))]);
    g_autofree char *name = g_strdup_printf("%s %s", given_of(p)->shown, family_of(p, false)->shown);
    return set_text(p, out, name);
}

static enum value append_given(const struct profile *p, GString *out)
{
    return is_no_person(p) ? VALUE_NEVER : set_text(p, out, given_of(p)->shown);
}

static enum value append_surname(const struct profile *p, GString *out)
{
    return is_no_person(p) ? VALUE_NEVER : set_text(p, out, family_of(p, false)->shown);
}

static char *principal_name(const struct profile *p)
{
    g_autofree char *address = address_of(p, false);

    if (!p->guest)
        return g_steal_pointer(&address);
    g_strdelimit(address, "@", '_');
    return g_strdup_printf("%s#EXT#@" HOME_DOMAIN, address);
}

static enum value append_principal_name(const struct profile *p, GString *out)
{
    g_autofree char *name = principal_name(p);

    return set_text(p, out, name);
}

static enum value append_mail(const struct profile *p, GString *out)
{
    g_autofree char *address = address_of(p, false);

    return !p->guest && has_no_mailbox(p) ? VALUE_NEVER : set_text(p, out, address);
}

static enum value append_nickname(const struct profile *p, GString *out)
{
    g_autofree char *name = principal_name(p);

    if (!p->guest)
        *strchr(name, '@') = '\0';
    return set_text(p, out, name);
}

/* The present address, and the one before a rename. */
static enum value append_proxies(const struct profile *p, GString *out)
{
    g_autofree char *address = address_of(p, false), *old = address_of(p, true);

    if (has_no_mailbox(p) && !p->guest)
        return VALUE_NEVER;
    APPEND_LITERAL(out, "[\"SMTP:");
    text_append_escaped(out, address, -1, false);
    if (strcmp(address, old) != 0) {
        APPEND_LITERAL(out, "\",\"smtp:");
        text_append_escaped(out, old, -1, false);
    }
    if (p->synced)
        g_string_append_printf(out, "\",\"x500:/o=Contoso/ou=Exchange/cn=Recipients/cn=%u", p->number);
    APPEND_LITERAL(out, "\"]");
    return VALUE_SET;
}

static enum value append_identities(const struct profile *p, GString *out)
{
    if (p->guest)
        return set_literal(out,
                           "[{\"signInType\":\"federated\",\"issuer\":\"ExternalAzureAD\",\"issuerAssignedId\":null}]");
    APPEND_LITERAL(out, "[{\"signInType\":\"userPrincipalName\",\"issuer\":\"" HOME_DOMAIN "\",\"issuerAssignedId\":");
    append_principal_name(p, out);
    APPEND_LITERAL(out, "}]");
    return VALUE_SET;
}

static enum value append_im_addresses(const struct profile *p, GString *out)
{
    if (p->guest || has_no_mailbox(p))
        return VALUE_NEVER;
    g_string_append_c(out, '[');
    append_principal_name(p, out);
    g_string_append_c(out, ']');
    return VALUE_SET;
}

static enum value append_other_mails(const struct profile *p, GString *out)
{
    struct dice d = roll(p, FACET_MAILS, 0);
    uint32_t count = dice_below(&d, 4);

    if (count == 0)
        return no_value(p, FACET_MAILS);
    g_string_append_c(out, '[');
    for (uint32_t k = 1; k < count; k++)
        g_string_append_printf(out, "%s\"%s.%u@mail.example.net\"", k > 1 ? "," : "", given_of(p)->ascii,
                               dice_below(&d, 100));
    g_string_append_c(out, ']');
    return VALUE_SET;
}

/* what never changes */

static enum value append_id(const struct profile *p, GString *out)
{
    g_string_append_c(out, '"');
    profile_append_id(p, out);
    g_string_append_c(out, '"');
    return VALUE_SET;
}

static enum value append_created(const struct profile *p, GString *out)
{
    struct dice d = {dice_mix(p->key, 7)};

    if (p->born == INT64_MIN && dice_below(&d, 40) == 0)
        return VALUE_NEVER; /* accounts older than the property itself */
    return set_time(out, early(p, &d));
}

static enum value append_deleted(const struct profile *p, GString *out)
{
    (void)out;
    return p->restored ? VALUE_CLEARED : VALUE_NEVER;
}

static enum value append_type(const struct profile *p, GString *out)
{
    struct dice d = {dice_mix(p->key, 8)};

    if (p->born == INT64_MIN && dice_below(&d, 50) == 0)
        return VALUE_NEVER; /* from before guests were invented */
    return set_literal(out, p->guest ? "\"Guest\"" : "\"Member\"");
}

static enum value append_creation_type(const struct profile *p, GString *out)
{
    return p->guest ? set_literal(out, "\"Invitation\"") : VALUE_NEVER;
}

static enum value append_security_id(const struct profile *p, GString *out)
{
    struct dice d = {dice_mix(p->key, 9)};

    g_string_append_printf(out, "\"S-1-12-1-%u-%u-%u-%u\"", dice_below(&d, UINT32_MAX), dice_below(&d, UINT32_MAX),
                           dice_below(&d, UINT32_MAX), dice_below(&d, UINT32_MAX));
    return VALUE_SET;
}

static enum value append_resource_account(const struct profile *p, GString *out)
{
    return is_no_person(p) ? set_literal(out, "true") : VALUE_NEVER;
}

/* the local directory */

static enum value append_sync_enabled(const struct profile *p, GString *out)
{
    struct dice d = {dice_mix(p->key, 10)};

    if (p->synced)
        return set_literal(out, "true");
    return dice_below(&d, 10) == 0 ? VALUE_CLEARED : VALUE_NEVER; /* once synchronised, no longer */
}

static enum value append_last_sync(const struct profile *p, GString *out)
{
    return p->synced ? set_time(out, moment_of(p, FACET_SYNC, 0)) : VALUE_NEVER;
}

static enum value append_sam_name(const struct profile *p, GString *out)
{
    g_autofree char *name = g_strdup_printf("u%06u", p->number);

    return p->synced ? set_text(p, out, name) : VALUE_NEVER;
}

static enum value append_local_domain(const struct profile *p, GString *out)
{
    return p->synced ? set_literal(out, "\"corp.contoso.example\"") : VALUE_NEVER;
}

static enum value append_distinguished_name(const struct profile *p, GString *out)
{
    g_autofree char *name = NULL;

    if (!p->synced)
        return VALUE_NEVER;
    name = g_strdup_printf("CN=%s\\, %s,OU=Users \\+ \"Staff\",DC=corp,DC=contoso,DC=example",
                           family_of(p, false)->shown, given_of(p)->shown);
    return set_text(p, out, name);
}

static enum value append_immutable_id(const struct profile *p, GString *out)
{
    struct dice d = {dice_mix(p->key, 11)};
    uint64_t half[2] = {dice_roll(&d), dice_roll(&d)};

    if (!p->synced)
        return VALUE_NEVER;
    g_autofree char *text = g_base64_encode((const guchar *)half, sizeof(half));
    return set_text(p, out, text);
}

static enum value append_local_security_id(const struct profile *p, GString *out)
{
    if (!p->synced)
        return VALUE_NEVER;
    g_string_append_printf(out, "\"S-1-5-21-397955417-626881126-188441444-%u\"", 1000 + p->number);
    return VALUE_SET;
}

static enum value append_local_principal_name(const struct profile *p, GString *out)
{
    return p->synced ? append_principal_name(p, out) : VALUE_NEVER;
}

static enum value append_extension_attributes(const struct profile *p, GString *out)
{
    if (!p->synced)
        return VALUE_NEVER;
    g_string_append_c(out, '{');
    for (int k = 1; k <= 15; k++)
        g_string_append_printf(out, "%s\"extensionAttribute%d\":%s", k > 1 ? "," : "", k, k == 3 ? "\"E3\"" : "null");
    g_string_append_c(out, '}');
    return VALUE_SET;
}

/* work */

static enum value append_title(const struct profile *p, GString *out)
{
    return one_of(p, FACET_TITLE, 0, titles, G_N_ELEMENTS(titles), 15, out);
}

static enum value append_department(const struct profile *p, GString *out)
{
    return one_of(p, FACET_DEPARTMENT, 0, departments, G_N_ELEMENTS(departments), 20, out);
}

static enum value append_company(const struct profile *p, GString *out)
{
    return one_of(p, FACET_COMPANY, 0, companies, G_N_ELEMENTS(companies), 35, out);
}

static enum value office_text(const struct profile *p, const char *text, GString *out)
{
    return text ? set_text(p, out, text) : no_value(p, FACET_OFFICE);
}

static uint32_t office_of(const struct profile *p)
{
    struct dice d = roll(p, FACET_OFFICE, 0);

    return dice_below(&d, G_N_ELEMENTS(offices));
}

static enum value append_office(const struct profile *p, GString *out)
{
    return office_text(p, offices[office_of(p)].office, out);
}

static enum value append_city(const struct profile *p, GString *out)
{
    return office_text(p, offices[office_of(p)].city, out);
}

static enum value append_state(const struct profile *p, GString *out)
{
    return office_text(p, offices[office_of(p)].state, out);
}

static enum value append_country(const struct profile *p, GString *out)
{
    return office_text(p, offices[office_of(p)].country, out);
}

static enum value append_street(const struct profile *p, GString *out)
{
    return office_text(p, offices[office_of(p)].street, out);
}

static enum value append_postal(const struct profile *p, GString *out)
{
    return office_text(p, offices[office_of(p)].postal, out);
}

static enum value append_mobile(const struct profile *p, GString *out)
{
    struct dice d = roll(p, FACET_PHONE, 0);

    if (dice_below(&d, 3) == 0)
        return no_value(p, FACET_PHONE);
    g_string_append_printf(out, "\"+420 %u %03u %03u\"", 600 + dice_below(&d, 180), dice_below(&d, 1000),
                           dice_below(&d, 1000));
    return VALUE_SET;
}

/* Always there, mostly empty. */
static enum value append_business_phones(const struct profile *p, GString *out)
{
    struct dice d = roll(p, FACET_PHONE, 1);

    if (dice_below(&d, 3) > 0)
        return set_literal(out, "[]");
    g_string_append_printf(out, "[\"+1 425 555 %04u\"]", dice_below(&d, 10000));
    return VALUE_SET;
}

static enum value append_employee_id(const struct profile *p, GString *out)
{
    struct dice d = {dice_mix(p->key, 12)};

    if (p->guest || dice_below(&d, 4) == 0)
        return VALUE_NEVER;
    g_string_append_printf(out, "\"%07u\"", p->number);
    return VALUE_SET;
}

static enum value append_employee_type(const struct profile *p, GString *out)
{
    static const char *const types[] = {"Employee", "Contractor", "Consultant", "Vendor"};

    return p->guest ? VALUE_NEVER : one_of(p, FACET_EMPLOYEE, 0, types, G_N_ELEMENTS(types), 40, out);
}

static enum value append_hire_date(const struct profile *p, GString *out)
{
    struct dice d = {dice_mix(p->key, 13)};

    return p->guest || dice_below(&d, 3) > 0 ? VALUE_NEVER
                                             : set_time(out, early(p, &d) / TICKS_PER_DAY * TICKS_PER_DAY);
}

static enum value append_leave_date(const struct profile *p, GString *out)
{
    struct dice d = roll(p, FACET_EMPLOYEE, 1);

    if (p->event[FACET_EMPLOYEE] == PROFILE_FIRST || dice_below(&d, 3) > 0)
        return no_value(p, FACET_EMPLOYEE);
    return set_time(out, p->when[FACET_EMPLOYEE] + 60 * TICKS_PER_DAY);
}

static enum value append_org_data(const struct profile *p, GString *out)
{
    struct dice d = roll(p, FACET_EMPLOYEE, 2);

    if (p->guest || dice_below(&d, 3) > 0)
        return no_value(p, FACET_EMPLOYEE);
    g_string_append_printf(out, "{\"division\":\"D%u\",\"costCenter\":", dice_below(&d, 9));
    if (dice_below(&d, 3) == 0)
        APPEND_LITERAL(out, "null}");
    else
        g_string_append_printf(out, "\"%u\"}", 1000 + dice_below(&d, 9000));
    return VALUE_SET;
}

static enum value append_language(const struct profile *p, GString *out)
{
    static const char *const languages[] = {"en-US", "cs-CZ", "pl-PL", "ja-JP", "de"};

    return one_of(p, FACET_LANGUAGE, 0, languages, G_N_ELEMENTS(languages), 50, out);
}

static enum value append_usage_location(const struct profile *p, GString *out)
{
    static const char *const places[] = {"CZ", "US", "JP", "PL", "BR", "CH"};

    return one_of(p, FACET_LANGUAGE, 1, places, G_N_ELEMENTS(places), p->guest ? 95 : 10, out);
}

static enum value append_data_location(const struct profile *p, GString *out)
{
    static const char *const places[] = {"EUR", "NAM", "APC"};

    return one_of(p, FACET_LANGUAGE, 2, places, G_N_ELEMENTS(places), 85, out);
}

/* licences, passwords and the rest */

static enum value append_enabled(const struct profile *p, GString *out)
{
    struct dice d = roll(p, FACET_ENABLED, 0);
    bool first = p->event[FACET_ENABLED] == PROFILE_FIRST;

    return set_literal(out, dice_below(&d, 100) < (first ? 92 : 50) ? "true" : "false");
}

/* Which of the licences, as bits. */
static uint32_t licence_bits(const struct profile *p)
{
    struct dice d = roll(p, FACET_LICENCE, 0);
    uint32_t some = dice_below(&d, 1u << G_N_ELEMENTS(licences)),
             of_them = dice_below(&d, 1u << G_N_ELEMENTS(licences));

    return p->guest ? 0 : some & of_them;
}

static enum value append_licences(const struct profile *p, GString *out)
{
    uint32_t bits = licence_bits(p);
    gsize begin = out->len;

    if (bits == 0)
        return no_value(p, FACET_LICENCE);
    g_string_append_c(out, '[');
    for (uint32_t k = 0; k < G_N_ELEMENTS(licences); k++) {
        if (!(bits & (1u << k)))
            continue;
        if (out->len > begin + 1)
            g_string_append_c(out, ',');
        g_string_append_printf(out, "{\"disabledPlans\":[%s%s%s],\"skuId\":\"%s\"}", k % 2 ? "\"" : "",
                               k % 2 ? licences[k].plan : "", k % 2 ? "\"" : "", licences[k].sku);
    }
    g_string_append_c(out, ']');
    return VALUE_SET;
}

static enum value append_licence_states(const struct profile *p, GString *out)
{
    uint32_t bits = licence_bits(p);
    gsize begin = out->len;

    if (bits == 0)
        return no_value(p, FACET_LICENCE);
    g_string_append_c(out, '[');
    for (uint32_t k = 0; k < G_N_ELEMENTS(licences); k++) {
        if (!(bits & (1u << k)))
            continue;
        if (out->len > begin + 1)
            g_string_append_c(out, ',');
        g_string_append_printf(out,
                               "{\"skuId\":\"%s\",\"assignedByGroup\":%s,\"state\":\"%s\",\"error\":\"%s\","
                               "\"lastUpdatedDateTime\":",
                               licences[k].sku, k % 3 == 0 ? "null" : "\"6a0b9e00-0000-4000-8000-0000000006a1\"",
                               k == 5 ? "Error" : "Active", k == 5 ? "CountViolation" : "None");
        set_time(out, moment_of(p, FACET_LICENCE, 1 + k));
        g_string_append_printf(out, ",\"disabledPlans\":[%s%s%s]}", k % 2 ? "\"" : "", k % 2 ? licences[k].plan : "",
                               k % 2 ? "\"" : "");
    }
    g_string_append_c(out, ']');
    return VALUE_SET;
}

static enum value append_password_change(const struct profile *p, GString *out)
{
    return p->guest ? VALUE_NEVER : set_time(out, moment_of(p, FACET_PASSWORD, 0));
}

static enum value append_sessions_valid(const struct profile *p, GString *out)
{
    return set_time(out, moment_of(p, FACET_PASSWORD, 0));
}

static enum value append_password_policies(const struct profile *p, GString *out)
{
    static const char *const policies[] = {"None", "DisablePasswordExpiration",
                                           "DisablePasswordExpiration, DisableStrongPassword"};

    return p->guest ? VALUE_NEVER : one_of(p, FACET_POLICY, 0, policies, G_N_ELEMENTS(policies), 45, out);
}

static enum value append_in_address_list(const struct profile *p, GString *out)
{
    struct dice d = roll(p, FACET_POLICY, 1);

    if (dice_below(&d, 3) > 0)
        return no_value(p, FACET_POLICY);
    return set_literal(out, dice_below(&d, 4) == 0 ? "true" : "false");
}

static enum value append_external_state(const struct profile *p, GString *out)
{
    struct dice d = roll(p, FACET_EXTERNAL, 0);
    bool pending = p->event[FACET_EXTERNAL] == PROFILE_FIRST && dice_below(&d, 3) == 0;

    return !p->guest ? VALUE_NEVER : set_literal(out, pending ? "\"PendingAcceptance\"" : "\"Accepted\"");
}

static enum value append_external_change(const struct profile *p, GString *out)
{
    return !p->guest ? VALUE_NEVER : set_time(out, moment_of(p, FACET_EXTERNAL, 1));
}

static enum value append_never(const struct profile *p, GString *out)
{
    (void)p;
    (void)out;
    return VALUE_NEVER;
}

static enum value append_authorization_info(const struct profile *p, GString *out)
{
    (void)p;
    return set_literal(out, "{\"certificateUserIds\":[]}");
}

/* signInActivity: told with a delay of hours, so it belongs to no facet and to no change. */

static void append_sign_in(GString *out, const char *name, int64_t at, struct dice *d)
{
    g_string_append_printf(out, "\"last%sSignInDateTime\":", name);
    set_time(out, at);
    g_string_append_printf(out, ",\"last%sSignInRequestId\":\"", name);
    text_append_guid(out, d);
    g_string_append_c(out, '"');
}

/* The last moment before now of an account that signs in about once a period; each time has its own dice. */
static int64_t last_sign_in(const struct profile *p, int64_t period, struct dice *d)
{
    struct dice habit = {dice_mix(p->key, 15)};
    int64_t told = p->now - dice_below(&habit, 24 * 3600) * TICKS_PER_SECOND;
    int64_t offset = (int64_t)(dice_roll(&habit) % (uint64_t)period);
    int64_t count = ticks_floor_div(told - offset, period);

    *d = (struct dice){dice_mix(p->key ^ 15, (uint64_t)count)};
    return count * period + offset - (int64_t)(dice_roll(d) % (uint64_t)(period / 2));
}

static enum value append_activity(const struct profile *p, GString *out)
{
    struct dice traits = {dice_mix(p->key, 14)}, d = {0};
    int64_t period = (1 + dice_below(&traits, 40)) * 12 * TICKS_PER_HOUR;
    uint32_t kind = dice_below(&traits, 100);
    int64_t at = last_sign_in(p, period, &d);

    if (kind < 12 || (p->born != INT64_MIN && at < p->born))
        return VALUE_NEVER; /* never signed in */
    if (kind < 20)
        at = early(p, &d); /* long ago */
    g_string_append_c(out, '{');
    append_sign_in(out, "", at, &d);
    g_string_append_c(out, ',');
    if (kind % 3 == 0)
        APPEND_LITERAL(out, "\"lastNonInteractiveSignInDateTime\":null,\"lastNonInteractiveSignInRequestId\":\"\"");
    else
        append_sign_in(out, "NonInteractive", at - dice_below(&d, 3600) * TICKS_PER_SECOND, &d);
    g_string_append_c(out, ',');
    if (kind < 30) /* not filled in for what happened before the property came */
        APPEND_LITERAL(out, "\"lastSuccessfulSignInDateTime\":null,\"lastSuccessfulSignInRequestId\":null");
    else
        append_sign_in(out, "Successful", at - dice_below(&d, 2) * TICKS_PER_HOUR, &d);
    g_string_append_c(out, '}');
    return VALUE_SET;
}

/* the table */

enum { USUAL = 1, DOCUMENTED = 2, LIST = 4, REFUSED = 8, ACTIVITY = 16 };

static const struct property {
    const char *name;
    enum facet facet;
    unsigned flags;
    enum value (*append)(const struct profile *p, GString *out);
} properties[] = {
    {"businessPhones", FACET_PHONE, USUAL | DOCUMENTED | LIST, append_business_phones},
    {"displayName", FACET_NAME, USUAL | DOCUMENTED, append_display_name},
    {"givenName", FACET_FIXED, USUAL | DOCUMENTED, append_given},
    {"jobTitle", FACET_TITLE, USUAL | DOCUMENTED, append_title},
    {"mail", FACET_NAME, USUAL | DOCUMENTED, append_mail},
    {"mobilePhone", FACET_PHONE, USUAL | DOCUMENTED, append_mobile},
    {"officeLocation", FACET_OFFICE, USUAL | DOCUMENTED, append_office},
    {"preferredLanguage", FACET_LANGUAGE, USUAL | DOCUMENTED, append_language},
    {"surname", FACET_NAME, USUAL | DOCUMENTED, append_surname},
    {"userPrincipalName", FACET_NAME, USUAL | DOCUMENTED, append_principal_name},
    {"id", FACET_FIXED, USUAL | DOCUMENTED, append_id},
    {"mailNickname", FACET_NAME, DOCUMENTED, append_nickname},
    {"otherMails", FACET_MAILS, DOCUMENTED | LIST, append_other_mails},
    {"proxyAddresses", FACET_NAME, DOCUMENTED | LIST, append_proxies},
    {"accountEnabled", FACET_ENABLED, DOCUMENTED, append_enabled},
    {"userType", FACET_FIXED, DOCUMENTED, append_type},
    {"creationType", FACET_FIXED, DOCUMENTED, append_creation_type},
    {"externalUserState", FACET_EXTERNAL, DOCUMENTED, append_external_state},
    {"externalUserStateChangeDateTime", FACET_EXTERNAL, DOCUMENTED, append_external_change},
    {"createdDateTime", FACET_FIXED, DOCUMENTED, append_created},
    {"deletedDateTime", FACET_FIXED, DOCUMENTED, append_deleted},
    {"lastPasswordChangeDateTime", FACET_PASSWORD, DOCUMENTED, append_password_change},
    {"signInSessionsValidFromDateTime", FACET_PASSWORD, DOCUMENTED, append_sessions_valid},
    {"passwordPolicies", FACET_POLICY, DOCUMENTED, append_password_policies},
    {"assignedLicenses", FACET_LICENCE, DOCUMENTED | LIST, append_licences},
    {"licenseAssignmentStates", FACET_LICENCE, DOCUMENTED | LIST, append_licence_states},
    {"usageLocation", FACET_LANGUAGE, DOCUMENTED, append_usage_location},
    {"department", FACET_DEPARTMENT, DOCUMENTED, append_department},
    {"companyName", FACET_COMPANY, DOCUMENTED, append_company},
    {"employeeId", FACET_FIXED, DOCUMENTED, append_employee_id},
    {"employeeType", FACET_EMPLOYEE, DOCUMENTED, append_employee_type},
    {"employeeHireDate", FACET_FIXED, DOCUMENTED, append_hire_date},
    {"employeeLeaveDateTime", FACET_EMPLOYEE, DOCUMENTED, append_leave_date},
    {"employeeOrgData", FACET_EMPLOYEE, DOCUMENTED, append_org_data},
    {"city", FACET_OFFICE, DOCUMENTED, append_city},
    {"state", FACET_OFFICE, DOCUMENTED, append_state},
    {"country", FACET_OFFICE, DOCUMENTED, append_country},
    {"onPremisesSyncEnabled", FACET_FIXED, DOCUMENTED, append_sync_enabled},
    {"onPremisesLastSyncDateTime", FACET_SYNC, DOCUMENTED, append_last_sync},
    {"onPremisesSamAccountName", FACET_FIXED, DOCUMENTED, append_sam_name},
    {"onPremisesDomainName", FACET_FIXED, DOCUMENTED, append_local_domain},
    {"onPremisesDistinguishedName", FACET_NAME, DOCUMENTED, append_distinguished_name},
    {"onPremisesImmutableId", FACET_FIXED, DOCUMENTED, append_immutable_id},
    {"onPremisesSecurityIdentifier", FACET_FIXED, DOCUMENTED, append_local_security_id},
    {"onPremisesUserPrincipalName", FACET_NAME, DOCUMENTED, append_local_principal_name},
    {"securityIdentifier", FACET_FIXED, DOCUMENTED, append_security_id},
    {"identities", FACET_NAME, DOCUMENTED | LIST, append_identities},
    {"isResourceAccount", FACET_FIXED, DOCUMENTED, append_resource_account},
    {"showInAddressList", FACET_POLICY, DOCUMENTED, append_in_address_list},
    {"preferredDataLocation", FACET_LANGUAGE, DOCUMENTED, append_data_location},
    {"streetAddress", FACET_OFFICE, 0, append_street},
    {"postalCode", FACET_OFFICE, 0, append_postal},
    {"faxNumber", FACET_FIXED, 0, append_never},
    {"imAddresses", FACET_NAME, LIST, append_im_addresses},
    {"ageGroup", FACET_FIXED, 0, append_never},
    {"consentProvidedForMinor", FACET_FIXED, 0, append_never},
    {"legalAgeGroupClassification", FACET_FIXED, 0, append_never},
    {"onPremisesExtensionAttributes", FACET_FIXED, 0, append_extension_attributes},
    {"onPremisesProvisioningErrors", FACET_FIXED, LIST, append_never},
    {"serviceProvisioningErrors", FACET_FIXED, LIST, append_never},
    {"assignedPlans", FACET_FIXED, LIST, append_never},
    {"provisionedPlans", FACET_FIXED, LIST, append_never},
    {"passwordProfile", FACET_FIXED, 0, append_never},
    {"authorizationInfo", FACET_FIXED, 0, append_authorization_info},
    {"customSecurityAttributes", FACET_FIXED, 0, append_never},
    {"isManagementRestricted", FACET_FIXED, 0, append_never},
    {"signInActivity", FACET_FIXED, ACTIVITY, append_activity},
    {"aboutMe", FACET_FIXED, REFUSED, append_never},
    {"birthday", FACET_FIXED, REFUSED, append_never},
    {"hireDate", FACET_FIXED, REFUSED, append_never},
    {"interests", FACET_FIXED, REFUSED, append_never},
    {"mySite", FACET_FIXED, REFUSED, append_never},
    {"pastProjects", FACET_FIXED, REFUSED, append_never},
    {"preferredName", FACET_FIXED, REFUSED, append_never},
    {"responsibilities", FACET_FIXED, REFUSED, append_never},
    {"schools", FACET_FIXED, REFUSED, append_never},
    {"skills", FACET_FIXED, REFUSED, append_never},
    {"mailboxSettings", FACET_FIXED, REFUSED, append_never},
};

const guint property_count = G_N_ELEMENTS(properties);
G_STATIC_ASSERT(G_N_ELEMENTS(properties) < PROPERTY_MOST);

/* Sets of properties, made once. */
static struct {
    bool made;
    struct properties usual, documented, facets[FACET_COUNT];
} sets;

static void make_sets(void)
{
    for (guint n = 0; n < property_count && !sets.made; n++) {
        if (properties[n].flags & USUAL)
            properties_add(&sets.usual, n);
        if (properties[n].flags & DOCUMENTED)
            properties_add(&sets.documented, n);
        properties_add(&sets.facets[properties[n].facet], n);
    }
    sets.made = true;
}

int property_find(const char *name)
{
    for (guint n = 0; n < property_count; n++)
        if (strcmp(properties[n].name, name) == 0)
            return (int)n;
    return -1;
}

const char *property_name(guint number)
{
    return properties[number].name;
}

enum property_kind property_kind(guint number)
{
    unsigned flags = properties[number].flags;

    if (flags & REFUSED)
        return PROPERTY_REFUSED;
    if (flags & ACTIVITY)
        return PROPERTY_ACTIVITY;
    return flags & LIST ? PROPERTY_LIST : PROPERTY_PLAIN;
}

const struct properties *properties_usual(void)
{
    make_sets();
    return &sets.usual;
}

const struct properties *properties_documented(void)
{
    make_sets();
    return &sets.documented;
}

const struct properties *properties_of_facet(enum facet facet)
{
    make_sets();
    return &sets.facets[facet];
}

void profile_traits(uint64_t key, const struct person *person, bool *guest, bool *synced)
{
    struct dice d = {dice_mix(key, 16)};
    bool rolled = dice_below(&d, 100) < 12, local = dice_below(&d, 100) < 40;

    *guest = person ? person->guest : rolled;
    *synced = local && !*guest;
}

enum value profile_append(const struct profile *p, guint number, GString *out)
{
    return properties[number].append(p, out);
}

void profile_append_id(const struct profile *p, GString *out)
{
    struct dice d = {dice_mix(p->key, 17)};

    if (p->person)
        text_append(out, &p->person->id);
    else
        text_append_guid(out, &d);
}
