/* mongo - can the MongoDB that the mirror writes to be reached? A connection, and no word on it. */
#ifndef M365KEEP_DOCTOR_MONGO_H
#define M365KEEP_DOCTOR_MONGO_H

#include "doctor/finding.h"
#include "doctor/task.h"

extern const struct task_kind mongo_check_kind;

/* A check of the hosts that a connection string names. `uri` is copied, `section` borrowed and filled by the task's
 * thread. */
struct mongo_check;
struct mongo_check *mongo_check_new(const char *uri, struct section *section);

/* Where a connection string leads. */
struct mongo_hosts {
    bool by_service;  /* mongodb+srv: the one host names the service that lists them */
    GPtrArray *hosts; /* char *, owned: "a.example", "[::1]:27018", "/run/mongodb.sock" */
};

/* Reads the connection string (MongoDB's manual, "Connection Strings"). False when it cannot be read; credentials are
 * never in *hosts, also not those of a string that is wrongly encoded. Cleared with mongo_hosts_clear, also then. */
bool mongo_hosts_parse(const char *uri, struct mongo_hosts *hosts);
void mongo_hosts_clear(struct mongo_hosts *hosts);

#endif
