/* The migrations that are built into the program (migrations/NNNN_name.sql), in order. */
#ifndef M365KEEP_STORE_MIGRATIONS_H
#define M365KEEP_STORE_MIGRATIONS_H

struct migration {
    int version;      /* NNNN; the user_version after it */
    const char *name; /* its file's name */
    const char *sql;
};

extern const struct migration store_migrations[];
extern const unsigned store_migration_count;

#endif
