/* database - is there a database, is it ours and sound, and is there room for it to grow? */
#ifndef M365KEEP_DOCTOR_DATABASE_H
#define M365KEEP_DOCTOR_DATABASE_H

#include "doctor/finding.h"
#include "doctor/task.h"

/* The check `database_check_new` makes. */
extern const struct task_kind database_check_kind;

/* A check of the database at `path`, which need not be there. The configuration (NULL: it cannot be read) and both
 * sections are borrowed; the sections are filled by the task's thread. `now` is in seconds UTC. */
struct database_check;
struct database_check *database_check_new(const char *path, const struct config *config, int64_t now,
                                          struct section *database, struct section *disk);

/* What the judgement on the disk is made from. Bytes. */
struct disk_facts {
    int64_t free;     /* for us */
    int64_t database; /* its size */
    int64_t per_day;  /* by which it grows now; 0: that cannot be told */
    int64_t most;     /* that retention lets it grow to; 0: no limit */
};

/* Judges the room in `folder` by what the next weeks need. */
void disk_judge(struct section *section, const char *folder, const struct disk_facts *facts);

#endif
