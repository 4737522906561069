#include "company.h"

#include <string.h>

const struct company_name company_given_names[] = {
    {"Ada", "ada"},
    {"Žofie", "zofie"},
    {"Łukasz", "lukasz"},
    {"Søren", "soren"},
    {"Zoë", "zoe"},
    {"Μαρία", "maria"},
    {"Олена", "olena"},
    {"Дмитрий", "dmitry"},
    {"さくら", "sakura"},
    {"健太", "kenta"},
    {"小雨", "xiaoyu"},
    {"지우", "jiwoo"},
    {"नेहा", "neha"},
    {"ليلى", "layla"},
    {"נועה", "noa"},
    {"José", "jose"},
    {"Björk", "bjork"},
    {"Thủy", "thuy"},
    {"Çağla", "cagla"},
    {"İbrahim", "ibrahim"},
    {"Seán", "sean"},
    {"Anaïs", "anais"},
    {"Grace", "grace"},
    {"Alan", "alan"},
    {"Katherine", "katherine"},
    {"Linus", "linus"},
    {"Barbara", "barbara"},
    {"Edsger", "edsger"},
    {"Margaret", "margaret"},
    {"Ken", "ken"},
    {"Frances", "frances"},
    {"Radia", "radia"},
    {"Tim", "tim"},
    {"Hedy", "hedy"},
    {"Claude", "claude"},
    {"Emmy", "emmy"},
};
const uint32_t company_given_count = G_N_ELEMENTS(company_given_names);

const struct company_name company_surnames[] = {
    {"Nováková", "novakova"},
    {"Kowalski", "kowalski"},
    {"Ødegård", "odegard"},
    {"O'Brien", "o.brien"},
    {"Παπαδοπούλου", "papadopoulou"},
    {"Шевченко", "shevchenko"},
    {"田中", "tanaka"},
    {"김", "kim"},
    {"王", "wang"},
    {"शर्मा", "sharma"},
    {"حداد", "haddad"},
    {"כהן", "cohen"},
    {"García Márquez", "garcia.marquez"},
    {"Müller-Lüdenscheidt", "mueller-luedenscheidt"},
    {"Nguyễn", "nguyen"},
    {"Yılmaz", "yilmaz"},
    {"Smith", "smith"},
    {"Lovelace", "lovelace"},
    {"Hopper", "hopper"},
    {"de la Cruz", "delacruz"},
    {"Þórsdóttir", "thorsdottir"},
    {"Jensen", "jensen"},
    {"Rossi", "rossi"},
    {"Dubois", "dubois"},
    {"Ncube", "ncube"},
    {"Okafor", "okafor"},
    {"Silva", "silva"},
    {"Virtanen", "virtanen"},
    {"Horváth", "horvath"},
};
const uint32_t company_surname_count = G_N_ELEMENTS(company_surnames);

const struct company_app company_apps[] = {
    {"Office 365 Exchange Online", "00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online",
     "00000002-0000-0ff1-ce00-000000000000"},
    {"Microsoft Teams", "1fec8e78-bce4-4aaf-ab1b-5451cc387264", "Microsoft Teams Services",
     "cc15fd57-2c6c-4117-a88c-83b1d56b4bbe"},
    {"OfficeHome", "4765445b-32c6-49b0-83e6-1d93765276ca", "OfficeHome", "4765445b-32c6-49b0-83e6-1d93765276ca"},
    {"Office 365 SharePoint Online", "00000003-0000-0ff1-ce00-000000000000", "Office 365 SharePoint Online",
     "00000003-0000-0ff1-ce00-000000000000"},
    {"Azure Portal", "c44b4083-3bb0-49c1-b47d-974e53cbdf3c", "Windows Azure Service Management API",
     "797f4846-ba00-4fd7-ba43-dac1f8f63013"},
    {"Microsoft Office", "d3590ed6-52b3-4102-aeff-aad2292ab01c", "Microsoft Graph",
     "00000003-0000-0000-c000-000000000000"},
    {"Outlook Mobile", "27922004-5251-4030-b22d-91ecd9a37ea4", "Office 365 Exchange Online",
     "00000002-0000-0ff1-ce00-000000000000"},
    {"Microsoft Azure PowerShell", "1950a258-227b-4e31-a9cf-717495945fc2", "Windows Azure Service Management API",
     "797f4846-ba00-4fd7-ba43-dac1f8f63013"},
    {"Microsoft App Access Panel", "0000000c-0000-0000-c000-000000000000", "Windows Azure Active Directory",
     "00000002-0000-0000-c000-000000000000"},
    {"Spesen \\/ Expenses", "5ab1e000-0000-4000-8000-00000000e001", "Microsoft Graph",
     "00000003-0000-0000-c000-000000000000"},
    {"Contoso Timesheets \\u2013 production", "5ab1e000-0000-4000-8000-00000000e002", "Microsoft Graph",
     "00000003-0000-0000-c000-000000000000"},
    {"Visual Studio Code", "aebc6443-996d-45c2-90f0-388ff96faa56", "Azure DevOps",
     "499b84ac-1321-427f-aa17-267ca6975798"},
};
const uint32_t company_app_count = G_N_ELEMENTS(company_apps);

static const char *const places[] = {
    "{\"city\":\"Brno\",\"state\":\"Jihomoravsky "
    "Kraj\",\"countryOrRegion\":\"CZ\",\"geoCoordinates\":{\"altitude\":null,"
    "\"latitude\":49.19522,\"longitude\":16.60796}}",
    "{\"city\":\"Warszawa\",\"state\":\"Mazowieckie\",\"countryOrRegion\":\"PL\",\"geoCoordinates\":{\"altitude\":null,"
    "\"latitude\":52.22977,\"longitude\":21.01178}}",
    "{\"city\":\"S\\u00e3o Paulo\",\"state\":\"Sao "
    "Paulo\",\"countryOrRegion\":\"BR\",\"geoCoordinates\":{\"altitude\":null,"
    "\"latitude\":-23.5475,\"longitude\":-46.63611}}",
    "{\"city\":\"Zürich\",\"state\":\"Zuerich\",\"countryOrRegion\":\"CH\",\"geoCoordinates\":{\"altitude\":408,"
    "\"latitude\":47.36667,\"longitude\":8.55}}",
    "{\"city\":\"東京\",\"state\":\"Tokyo\",\"countryOrRegion\":\"JP\",\"geoCoordinates\":{\"altitude\":null,"
    "\"latitude\":35.6895,\"longitude\":139.69171}}",
    "{\"city\":\"Redmond\",\"state\":\"Washington\",\"countryOrRegion\":\"US\",\"geoCoordinates\":{\"altitude\":null,"
    "\"latitude\":47.67399,\"longitude\":-122.12151}}",
    "{\"city\":\"Київ\",\"state\":\"Kyiv\",\"countryOrRegion\":\"UA\",\"geoCoordinates\":{}}",
    "{\"city\":\"Reykjavík\",\"state\":null,\"countryOrRegion\":\"IS\",\"geoCoordinates\":null}",
    "{\"city\":\"Nairobi\",\"state\":\"Nairobi Area\",\"countryOrRegion\":\"KE\",\"geoCoordinates\":{\"altitude\":null,"
    "\"latitude\":-1.28333,\"longitude\":36.81667}}",
    "{\"city\":\"\",\"state\":\"\",\"countryOrRegion\":\"\",\"geoCoordinates\":{}}",
    "{\"city\":null,\"state\":null,\"countryOrRegion\":null,\"geoCoordinates\":{}}",
    "{}",
    "null",
};
const uint32_t company_place_count = G_N_ELEMENTS(places);

#define CHROME                                                                                                         \
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
#define CHROME_ESCAPED                                                                                                 \
    "Mozilla\\/5.0 (X11; Linux x86_64) AppleWebKit\\/537.36 (KHTML, like Gecko) Chrome\\/126.0.0.0 Safari\\/537.36"

static const char *const devices[] = {
    "\"clientAppUsed\":\"Browser\",\"userAgent\":\"" CHROME
    "\",\"deviceDetail\":{\"deviceId\":\"\",\"displayName\":\"\","
    "\"operatingSystem\":\"Windows 10\",\"browser\":\"Chrome 126.0.0\",\"isCompliant\":false,\"isManaged\":false,"
    "\"trustType\":\"\"}",
    "\"clientAppUsed\":\"Browser\",\"userAgent\":\"" CHROME " Edg/126.0.2592.68\",\"deviceDetail\":{\"deviceId\":"
    "\"de71ce00-1111-4222-8333-0000000000a1\",\"displayName\":\"LAPTOP-ŽOFIE\",\"operatingSystem\":\"Windows 11\","
    "\"browser\":\"Edge 126.0.2592\",\"isCompliant\":true,\"isManaged\":true,\"trustType\":\"Azure AD joined\"}",
    "\"clientAppUsed\":\"Browser\",\"userAgent\":\"" CHROME_ESCAPED
    "\",\"deviceDetail\":{\"deviceId\":null,\"displayName\":"
    "null,\"operatingSystem\":\"Linux\",\"browser\":\"Chrome 126.0.0\",\"isCompliant\":null,\"isManaged\":null,"
    "\"trustType\":null}",
    "\"clientAppUsed\":\"Mobile Apps and Desktop clients\",\"userAgent\":\"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 "
    "like Mac OS "
    "X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148\",\"deviceDetail\":{\"deviceId\":"
    "\"de71ce00-1111-4222-8333-0000000000b2\",\"displayName\":\"Ada\\u2019s iPhone\",\"operatingSystem\":\"Ios "
    "17.5.1\","
    "\"browser\":\"Mobile Safari\",\"isCompliant\":true,\"isManaged\":true,\"trustType\":\"Azure AD registered\"}",
    "\"clientAppUsed\":\"Browser\",\"userAgent\":\"Mozilla\\/5.0 (Macintosh; Intel Mac OS X 10.15; rv:127.0) "
    "Gecko\\/20100101 "
    "Firefox\\/"
    "127.0\",\"deviceDetail\":{\"deviceId\":\"\",\"displayName\":null,\"operatingSystem\":\"MacOs\",\"browser\":"
    "\"Firefox 127.0\",\"isCompliant\":null,\"isManaged\":null,\"trustType\":null}",
    "\"clientAppUsed\":\"Exchange "
    "ActiveSync\",\"userAgent\":null,\"deviceDetail\":{\"deviceId\":\"\",\"displayName\":\"PII "
    "Removed\",\"operatingSystem\":\"Android\",\"browser\":\"\",\"isCompliant\":null,\"isManaged\":null,\"trustType\":"
    "\"\"}",
    "\"clientAppUsed\":\"IMAP4\",\"userAgent\":\"\",\"deviceDetail\":null",
    "\"clientAppUsed\":\"Authenticated "
    "SMTP\",\"userAgent\":\"BAV2ROPC\",\"deviceDetail\":{\"deviceId\":\"\",\"displayName\":"
    "null,\"operatingSystem\":\"\",\"browser\":\"\",\"isCompliant\":null,\"isManaged\":null,\"trustType\":\"\"}",
};
const uint32_t company_device_count = G_N_ELEMENTS(devices);

static const struct {
    const char *name, *grants, *sessions;
    bool blocks, report_only;
} policy_table[COMPANY_POLICIES] = {
    {"Require multifactor authentication for all users", "[\"Mfa\"]", "[]", false, false},
    {"Require multifactor authentication for Azure management", "[\"Mfa\"]", "[\"SignInFrequency\"]", false, false},
    {"Block legacy authentication", "[\"Block\"]", "[]", true, false},
    {"Require compliant device \\u2013 finance", "[\"RequireCompliantDevice\",\"Mfa\"]", "[]", false, false},
    {"Block countries outside the list", "[\"Block\"]", "[]", true, false},
    {"Guests: terms of use", "[\"TermsOfUse\"]", "[]", false, false},
    {"Sign-in risk: medium and above", "[\"Mfa\"]", "[\"SignInFrequency\"]", false, true},
    {"Pilot: token protection for Windows", "[]", "[\"SecureSignInSession\"]", false, true},
    {"App-enforced restrictions (unmanaged devices)", "[]",
     "[\"ApplicationEnforcedRestrictions\",\"PersistentBrowserSession\"]", false, false},
};

static struct text take_text(GString *from)
{
    struct text t = {NULL, from->len};

    t.bytes = g_string_free(from, FALSE);
    return t;
}

static struct text escaped(const char *bytes, bool ascii)
{
    GString *out = g_string_new(NULL);

    text_append_escaped(out, bytes, -1, ascii);
    return take_text(out);
}

/* k-th of the company's people; guests come last and are written the way sign-in logs write them, as a plain address.
 */
static void make_person(struct person *p, uint32_t k, struct dice *d)
{
    const struct company_name *given = &company_given_names[k % company_given_count];
    const struct company_name *family = &company_surnames[(k * 7 + k / company_given_count) % company_surname_count];
    g_autofree char *name =
        k == 17 ? g_strdup("Büro / Empfang 🚀") : g_strdup_printf("%s %s", given->shown, family->shown);
    g_autofree char *upn = NULL;
    GString *id = g_string_new(NULL), *members = g_string_new(NULL);

    p->guest = k >= COMPANY_USERS - 14;
    const char *domain = p->guest     ? (k % 2 ? "fabrikam.example" : "adatum.test")
                         : k % 5 == 0 ? "example.org"
                                      : "contoso.example";
    if (k % 11 == 4 && !p->guest)
        domain = "example.test";
    upn = g_strdup_printf("%s.%s%s@%s", given->ascii, family->ascii, k % 13 == 7 ? "2" : "", domain);
    text_append_guid(id, d);
    p->given = given;
    p->family = family;
    p->domain = domain;
    p->home = dice_below(d, company_place_count - 4);
    p->name = escaped(name, k % 4 == 1);
    p->nested = escaped(p->name.bytes, false);
    p->upn = escaped(upn, true);
    g_string_append_printf(members, "\"userDisplayName\":\"%s\",\"userPrincipalName\":\"%s\",\"userId\":\"%s\"",
                           p->name.bytes, upn, id->str);
    p->members = take_text(members);
    p->id = take_text(id);
}

static void make_policy(struct policy *p, uint32_t k, struct dice *d)
{
    GString *out = g_string_new("{\"id\":\"");

    text_append_guid(out, d);
    g_string_append_printf(
        out, "\",\"displayName\":\"%s\",\"enforcedGrantControls\":%s,\"enforcedSessionControls\":%s,\"result\":",
        policy_table[k].name, policy_table[k].grants, policy_table[k].sessions);
    p->members = take_text(out);
    p->blocks = policy_table[k].blocks;
    p->report_only = policy_table[k].report_only;
}

static struct text *make_apps(const char *tenant)
{
    struct text *apps = g_new0(struct text, company_app_count);

    for (uint32_t k = 0; k < company_app_count; k++) {
        GString *out = g_string_new(NULL);
        g_string_append_printf(
            out,
            "\"appId\":\"%s\",\"appDisplayName\":\"%s\",\"resourceId\":\"%s\",\"resourceDisplayName\":\"%s\","
            "\"resourceTenantId\":\"%s\"",
            company_apps[k].id, company_apps[k].name, company_apps[k].resource_id, company_apps[k].resource, tenant);
        apps[k] = take_text(out);
    }
    return apps;
}

static struct text *copy_texts(const char *const *table, uint32_t count)
{
    struct text *texts = g_new0(struct text, count);

    for (uint32_t k = 0; k < count; k++)
        texts[k] = (struct text){g_strdup(table[k]), strlen(table[k])};
    return texts;
}

struct company *company_new(const char *tenant, uint64_t seed)
{
    struct company *c = g_new0(struct company, 1);
    struct dice d = {dice_mix(seed, g_str_hash(tenant))};
    GString *members = g_string_new(NULL);

    c->tenant = g_strdup(tenant);
    g_string_append_printf(members, "\"homeTenantId\":\"%s\"", tenant);
    c->tenant_members = take_text(members);
    for (uint32_t k = 0; k < COMPANY_USERS; k++)
        make_person(&c->people[k], k, &d);
    for (uint32_t k = 0; k < COMPANY_POLICIES; k++)
        make_policy(&c->policies[k], k, &d);
    c->apps = make_apps(tenant);
    c->places = copy_texts(places, company_place_count);
    c->devices = copy_texts(devices, company_device_count);
    return c;
}

static void free_texts(struct text *texts, uint32_t count)
{
    for (uint32_t k = 0; k < count; k++)
        g_free(texts[k].bytes);
    g_free(texts);
}

void company_free(struct company *c)
{
    if (!c)
        return;
    for (uint32_t k = 0; k < COMPANY_USERS; k++) {
        struct person *p = &c->people[k];
        g_free(p->members.bytes);
        g_free(p->name.bytes);
        g_free(p->nested.bytes);
        g_free(p->upn.bytes);
        g_free(p->id.bytes);
    }
    for (uint32_t k = 0; k < COMPANY_POLICIES; k++)
        g_free(c->policies[k].members.bytes);
    free_texts(c->apps, company_app_count);
    free_texts(c->places, company_place_count);
    free_texts(c->devices, company_device_count);
    g_free(c->tenant_members.bytes);
    g_free(c->tenant);
    g_free(c);
}
