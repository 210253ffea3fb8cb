/* The file in which a DHCP server's leases outlive it (service/leases.h), for both families' commands. */
#pragma once
#include "service/leases.h"

struct journal;

struct lease_file {
    const char *command;                /* for complaints */
    const char *name;                   /* NULL: none is kept */
    void (*write)(void *server, FILE *to);      /* the journal anew */
    void *server;
    struct journal *journal;
    bool told;                          /* that it cannot be written */
};

/* *text is what it kept before, to be freed, or NULL.  False: it was complained about. */
bool lease_file_open(struct lease_file *f, char **text);
struct lease_keeper lease_file_keeper(struct lease_file *f);
/* Once the server has read it: without what no longer holds.  False: complained about. */
bool lease_file_tidy(struct lease_file *f);
void lease_file_close(struct lease_file *f);
