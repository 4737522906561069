/* m365keep.yaml, from any bytes to settings. What is checked beyond the sanitizers:
 *
 * - what is refused is said in a sentence, in UTF-8, without any secret, that names the file;
 * - what is taken are customers with names and at least one type of sign-ins, and numbers in their ranges;
 * - without credentials the same files are taken and refused, but for what the credentials themselves are wrong in;
 * - a map of statuses has priorities in their range, and the same ones for each spelling of a name. */
#include "fuzz.h"

#include "base/base.h"
#include "config/customers.h"
#include "config/lists.h"
#include "config/settings.h"
#include "config/status_map.h"

#define SECRET "TOPSECRET;with~semicolon"

int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct environment *environment;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    g_auto(GStrv) names = g_listenv();

    (void)argc;
    (void)argv;
    log_init(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT, NULL);
    for (char **name = names; *name != NULL; name++)
        g_unsetenv(*name);
    /* What customers[].variable may name. */
    g_setenv("A", "11111111-2222-4333-8444-555555555555;aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee;" SECRET, TRUE);
    g_setenv("B", "22222222-2222-4333-8444-555555555555;aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee;" SECRET, TRUE);
    g_setenv("C", "33333333-2222-4333-8444-555555555555;" SECRET, TRUE);
    environment = environment_new("/dev/null", NULL);
    g_assert(environment != NULL);
    return 0;
}

static void check_refusal(const GError *error, const char *text, size_t length)
{
    fuzz_check_message(error);
    g_assert(error->domain == CONFIG_ERROR);
    g_assert(strstr(error->message, "fuzz.yaml") != NULL ||
             strstr(error->message, " in C (from the environment)") != NULL ||
             g_str_has_prefix(error->message, "there are no credentials") || strchr("ABC", error->message[0]) != NULL);
    /* A file that knows the secret (the fuzzer does) may have it for a path. */
    g_assert(strstr(error->message, SECRET) == NULL || memmem(text, length, SECRET, strlen(SECRET)) != NULL);
}

static void check_schedule(const struct config_schedule *schedule)
{
    if (schedule->daily)
        g_assert(schedule->minute >= 0 && schedule->minute < 24 * 60);
    else
        g_assert(schedule->every_s >= 10 && schedule->every_s <= 366 * 86400);
}

/* Whoever needs no credentials gets none. */
static void check_secrets(const struct config_customer *customer, bool need_customers)
{
    if (need_customers)
        g_assert((customer->client_secret != NULL) != (customer->client_certificate != NULL));
    else
        g_assert(customer->client_secret == NULL && customer->client_certificate == NULL);
}

static void check_config(const struct config *config, bool need_customers)
{
    for (guint i = 0; i < config->customers->len; i++) {
        const struct config_customer *customer = g_ptr_array_index(config->customers, i);
        g_assert(*customer->name != '\0' && customer->timezone != NULL && customer->cloud != NULL);
        g_assert(customer->sign_in_types != NULL && customer->sign_in_types[0] != NULL);
        g_assert(customer->sources == NULL || customer->sources[0] != NULL);
        check_secrets(customer, need_customers);
    }
    for (guint i = 0; i < config->alerts->len; i++) {
        const struct config_alert *alert = g_ptr_array_index(config->alerts, i);
        g_assert(*alert->name != '\0' && *alert->search != '\0' && alert->mail_to[0] != NULL && alert->every_s >= 10);
    }
    check_schedule(&config->schedule.collect);
    check_schedule(&config->schedule.report);
    g_assert(config->smtp.port > 0 && config->smtp.port <= 65535);
    g_assert(config->report.days_to >= 0 && config->report.days_from >= config->report.days_to);
    g_assert(config->retention.days >= 0 && config->retention.max_size_bytes >= 0);
}

/* True when the settings are taken. */
static bool read_all(const struct yaml_file *file, const char *text, size_t length, bool need_customers)
{
    const struct settings settings = {.environment = environment, .file = file};
    g_autoptr(Config) config = g_new0(struct config, 1);
    g_autoptr(GError) error = NULL;

    config->customers = g_ptr_array_new_with_free_func(customers_free);
    bool good = settings_read(&settings, need_customers, config, &error) && lists_alerts(&settings, config, &error) &&
                customers_read(&settings, need_customers, config, &error) &&
                customers_read_sender(&settings, need_customers, config, &error);
    g_assert(good == (error == NULL));
    if (good)
        check_config(config, need_customers);
    else
        check_refusal(error, text, length);
    return good;
}

/* The same bytes as a map of statuses. */
static void read_status_map(const char *text, size_t length)
{
    g_autoptr(GError) error = NULL;
    struct config_status_map *map = status_map_parse("fuzz.yaml", text, length, &error);

    g_assert((map != NULL) == (error == NULL));
    if (map == NULL) {
        check_refusal(error, text, length);
        return;
    }
    for (const char *const *name = config_status_names(map); *name != NULL; name++) {
        g_autofree char *upper = g_ascii_strup(*name, -1);
        bool known, again;
        int priority = config_status_priority(map, *name, &known);
        g_assert(priority >= 0 && priority <= STATUS_PRIORITY_MAX && known);
        g_assert(config_status_priority(map, upper, &again) == priority && again);
        g_assert(name[1] == NULL || strcmp(name[0], name[1]) < 0);
    }
    config_status_map_free(map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = fuzz_exact(data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(YamlFile) file = yaml_file_parse("fuzz.yaml", text, size, &error);

    read_status_map(text, size);
    g_assert((file != NULL) == (error == NULL));
    if (file == NULL) {
        check_refusal(error, text, size);
        g_assert(g_str_has_prefix(error->message, "fuzz.yaml"));
        return 0;
    }
    bool with_customers = read_all(file, text, size, true);
    g_assert(read_all(file, text, size, false) || !with_customers);
    return 0;
}
