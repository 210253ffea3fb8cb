#include "cli/lease_file.h"
#include "cli/cli.h"
#include "os/journal.h"
#include <stdlib.h>

static bool write_anew(struct lease_file *f)
{
    char *text = NULL;
    size_t len;
    FILE *to = open_memstream(&text, &len);
    if (!to)
        return false;
    f->write(f->server, to);
    const bool good = fclose(to) == 0 && journal_replace(f->journal, text, len);
    free(text);
    return good;
}

/* A full disk is told once, and again when it was mended in between. */
static bool append(void *arg, const char *line)
{
    struct lease_file *f = arg;
    const bool good = journal_append(f->journal, line) && (!journal_is_long(f->journal) || write_anew(f));
    if (!good && !f->told)
        complain("%s: cannot write %s: %m: nothing is acknowledged until it can be", f->command, f->name);
    f->told = !good;
    return good;
}

bool lease_file_open(struct lease_file *f, char **text)
{
    char error[JOURNAL_ERROR];
    *text = NULL;
    if (!f->name)
        return true;
    f->journal = journal_open(f->name, text, error);
    if (!f->journal)
        complain("%s: %s", f->command, error);
    return f->journal != NULL;
}

struct lease_keeper lease_file_keeper(struct lease_file *f)
{
    return f->journal ? (struct lease_keeper){ append, f } : (struct lease_keeper){ NULL, NULL };
}

bool lease_file_tidy(struct lease_file *f)
{
    if (!f->name || write_anew(f))
        return true;
    complain("%s: cannot write %s: %m", f->command, f->name);
    return false;
}

void lease_file_close(struct lease_file *f) { journal_close(f->journal); }
