#include "doctor/doctor.h"

#include <poll.h>

#include "base/base.h"
#include "client/client.h"
#include "doctor/customer.h"
#include "doctor/database.h"
#include "doctor/finding.h"
#include "doctor/installation.h"
#include "doctor/mail.h"
#include "doctor/mongo.h"
#include "doctor/smtp.h"
#include "doctor/task.h"

enum {
    STEP_MS = 50,
    ATTEMPT_MS = 10000, /* without a byte */
    RETRY_S = 10,       /* a retry that would come later says no more than the first answer */
    ASKING_S = 60       /* all customers, whatever they do */
};

/* A part of the installation: what is told of it, and what fills that. */
struct part {
    struct section *section;
    struct task *task;               /* NULL: none */
    struct customer_check *customer; /* NULL: none */
    bool clock;                      /* filled when all customers have answered */
};

struct doctor {
    const struct doctor_options *options;
    GPtrArray *parts;     /* struct part *, in the order of telling */
    GPtrArray *customers; /* struct config_customer *, borrowed: those to be asked */
    GPtrArray *checks;    /* struct customer_check *, of them */
    struct client *client;
    int64_t asked_until_us;
    guint told; /* parts */
    enum doctor_severity worst;
};

static struct part *add_part(struct doctor *doctor, const char *customer)
{
    struct part *part = g_new0(struct part, 1);

    part->section = section_new(customer);
    g_ptr_array_add(doctor->parts, part);
    return part;
}

static void part_free(gpointer data)
{
    struct part *part = data;

    task_free(part->task);
    section_free(part->section);
    g_free(part);
}

/* --- beginning ---------------------------------------------------------------------------------------------------- */

/* The customers whose credentials are known, less those that nobody asked for. */
static void choose_customers(struct doctor *doctor)
{
    const struct doctor_options *options = doctor->options;

    for (guint i = 0; options->config && !options->config_error && i < options->config->customers->len; i++) {
        struct config_customer *customer = g_ptr_array_index(options->config->customers, i);
        if (!options->customer || g_str_equal(options->customer, customer->name))
            g_ptr_array_add(doctor->customers, customer);
    }
}

static void begin_database(struct doctor *doctor)
{
    const struct doctor_options *options = doctor->options;
    const char *path = options->config ? options->config->database : options->database;

    if (!path)
        return;
    struct part *part = add_part(doctor, NULL);
    /* One task fills both: the disk is judged by what the database needs. */
    struct section *disk = add_part(doctor, NULL)->section;
    part->task = task_start(&database_check_kind,
                            database_check_new(path, options->config, clock_now(options->clock), part->section, disk));
}

static void begin_customers(struct doctor *doctor, struct section *network)
{
    const struct doctor_options *options = doctor->options;
    g_autoptr(GError) error = NULL;

    if (!doctor->customers->len)
        return;
    const struct client_options client = {.clock = options->clock,
                                          .pace = options->config->pace,
                                          .wake_fd = options->signal_fd,
                                          .stall_timeout_ms =
                                              MIN(ATTEMPT_MS, 1000 * options->config->request_timeout_s),
                                          .retry_budget_s = RETRY_S};
    doctor->client = client_new(&client, &error);
    if (!doctor->client) {
        section_fail(network, "network", "Install libcurl anew.", "%s", error->message);
        return;
    }
    doctor->asked_until_us = g_get_monotonic_time() + ASKING_S * G_TIME_SPAN_SECOND;
    for (guint i = 0; i < doctor->customers->len; i++) {
        const struct config_customer *customer = g_ptr_array_index(doctor->customers, i);
        struct part *part = add_part(doctor, customer->name);
        part->customer =
            customer_check_new(doctor->client, customer, mail_sends(options->config, customer), part->section);
        g_ptr_array_add(doctor->checks, part->customer);
    }
    add_part(doctor, NULL)->clock = true;
}

static void begin_others(struct doctor *doctor)
{
    const struct config *config = doctor->options->config;

    if (config && config->mongo.uri) {
        struct part *part = add_part(doctor, NULL);
        part->task = task_start(&mongo_check_kind, mongo_check_new(config->mongo.uri, part->section));
    }
    if (config && config->smtp.server && config->smtp.transport == CONFIG_TRANSPORT_SMTP) {
        struct part *part = add_part(doctor, NULL);
        part->task = task_start(&smtp_check_kind, smtp_check_new(config, part->section));
    }
    if (config)
        mail_check(add_part(doctor, NULL)->section, config, doctor->customers);
}

static void begin(struct doctor *doctor)
{
    choose_customers(doctor);
    installation_check(add_part(doctor, NULL)->section, doctor->options);
    begin_database(doctor);
    struct section *network = add_part(doctor, NULL)->section;
    network_check(network, doctor->customers);
    begin_customers(doctor, network);
    begin_others(doctor);
}

/* --- going on ----------------------------------------------------------------------------------------------------- */

static bool customers_done(const struct doctor *doctor)
{
    for (guint i = 0; i < doctor->checks->len; i++)
        if (!customer_check_done(g_ptr_array_index(doctor->checks, i)))
            return false;
    return true;
}

/* True when the part's section is full. */
static bool is_full(const struct doctor *doctor, struct part *part)
{
    if (part->task)
        return task_done(part->task);
    if (part->customer)
        return customer_check_done(part->customer);
    if (!part->clock)
        return true;
    if (!customers_done(doctor))
        return false;
    customer_check_clock(part->section, doctor->checks);
    part->clock = false;
    return true;
}

/* The sections of the database's two parts are full together: the disk's has no task of its own, but comes after. */
static void tell(struct doctor *doctor)
{
    const struct doctor_options *options = doctor->options;

    for (; doctor->told < doctor->parts->len; doctor->told++) {
        struct part *part = g_ptr_array_index(doctor->parts, doctor->told);
        if (!is_full(doctor, part))
            return;
        for (guint i = 0; i < part->section->findings->len; i++) {
            const struct doctor_finding *finding = g_ptr_array_index(part->section->findings, i);
            doctor->worst = MAX(doctor->worst, finding->severity);
            options->found(finding, options->user);
        }
    }
}

static void wait_a_moment(struct doctor *doctor)
{
    struct pollfd signals = {.fd = doctor->options->signal_fd, .events = POLLIN};

    if (!doctor->client) {
        poll(&signals, 1, STEP_MS);
        return;
    }
    if (g_get_monotonic_time() >= doctor->asked_until_us)
        client_cancel(doctor->client);
    client_step(doctor->client, STEP_MS);
}

static bool is_interrupted(const struct doctor *doctor)
{
    struct pollfd signals = {.fd = doctor->options->signal_fd, .events = POLLIN};

    return poll(&signals, 1, 0) > 0;
}

/* Tasks that are not told yet have their limits too. */
static void mind_tasks(struct doctor *doctor)
{
    for (guint i = doctor->told; i < doctor->parts->len; i++) {
        struct part *part = g_ptr_array_index(doctor->parts, i);
        if (part->task)
            task_done(part->task);
    }
}

enum doctor_severity doctor_run(const struct doctor_options *options, bool *interrupted)
{
    struct doctor doctor = {.options = options,
                            .parts = g_ptr_array_new_with_free_func(part_free),
                            .customers = g_ptr_array_new(),
                            .checks = g_ptr_array_new_with_free_func((GDestroyNotify)customer_check_free)};

    begin(&doctor);
    for (tell(&doctor); doctor.told < doctor.parts->len && !is_interrupted(&doctor); tell(&doctor)) {
        wait_a_moment(&doctor);
        mind_tasks(&doctor);
    }
    *interrupted = doctor.told < doctor.parts->len;
    client_free(doctor.client);
    g_ptr_array_unref(doctor.checks);
    g_ptr_array_unref(doctor.customers);
    g_ptr_array_unref(doctor.parts);
    return doctor.worst;
}
