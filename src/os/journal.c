#include "os/journal.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONG_AT_LEAST = 65536 };

struct journal {
    int fd;
    size_t len, replaced_len;
    char path[PATH_MAX];
};

static char *read_whole(int fd, size_t *out_len)
{
    size_t len = 0, room = 4096;
    char *text = malloc(room + 1);
    for (ssize_t n = 1; text && n > 0;) {
        if (len == room) {
            char *more = realloc(text, (room *= 2) + 1);
            if (!more) {
                free(text);
                return NULL;
            }
            text = more;
        }
        n = pread(fd, text + len, room - len, (off_t)len);
        if (n < 0) {
            free(text);
            return NULL;
        }
        len += (size_t)n;
    }
    if (text)
        text[len] = '\0';
    *out_len = len;
    return text;
}

/* The file that bears the name now; it may have been replaced between open and lock. */
static int open_locked(const char *path, char error[JOURNAL_ERROR])
{
    struct stat here, there;
    for (int tries = 0; tries < 8; tries++) {
        const int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (fd < 0 || fstat(fd, &here) != 0 || !S_ISREG(here.st_mode)) {
            snprintf(error, JOURNAL_ERROR, "cannot write %.120s: %s", path, fd < 0 ? strerror(errno) : "it is no file");
            if (fd >= 0)
                close(fd);
            return -1;
        }
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            snprintf(error, JOURNAL_ERROR, "%.120s is in use by another process", path);
            close(fd);
            return -1;
        }
        if (stat(path, &there) == 0 && there.st_ino == here.st_ino && there.st_dev == here.st_dev)
            return fd;
        close(fd);
    }
    snprintf(error, JOURNAL_ERROR, "%.120s is being replaced all the time", path);
    return -1;
}

struct journal *journal_open(const char *path, char **text, char error[JOURNAL_ERROR])
{
    struct journal *j = strlen(path) < PATH_MAX - 8 ? calloc(1, sizeof *j) : NULL;
    *text = NULL;
    snprintf(error, JOURNAL_ERROR, "cannot read %.120s: %s", path, j ? "out of memory" : strerror(ENAMETOOLONG));
    if (!j)
        return NULL;
    strcpy(j->path, path);
    j->fd = open_locked(path, error);
    if (j->fd >= 0)
        *text = read_whole(j->fd, &j->len);
    if (*text)
        return j;
    journal_close(j);
    return NULL;
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    if (j->fd >= 0)
        close(j->fd);
    free(j);
}

static bool write_whole(int fd, const char *text, size_t len)
{
    while (len > 0) {
        const ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        text += n;
        len -= (size_t)n;
    }
    return true;
}

bool journal_append(struct journal *j, const char *line)
{
    const size_t len = strlen(line);
    if (write_whole(j->fd, line, len) && fdatasync(j->fd) == 0) {
        j->len += len;
        return true;
    }
    if (ftruncate(j->fd, (off_t)j->len) != 0)
        return false;                   /* a reader passes over a line without its end */
    return false;
}

/* The new name of a file is on the disk once its directory is. */
static void sync_directory(const char *path)
{
    char dir[PATH_MAX];
    snprintf(dir, sizeof dir, "%s", path);
    char *slash = strrchr(dir, '/');
    if (slash)
        slash[slash == dir] = '\0';
    const int fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    close(fd);
}

bool journal_replace(struct journal *j, const char *text, size_t len)
{
    char beside[PATH_MAX + 8];
    snprintf(beside, sizeof beside, "%s.new", j->path);
    const int fd = open(beside, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0)
        return false;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 || !write_whole(fd, text, len) || fsync(fd) != 0 || rename(beside, j->path) != 0) {
        unlink(beside);
        close(fd);
        return false;
    }
    sync_directory(j->path);
    close(j->fd);
    j->fd = fd;
    j->len = j->replaced_len = len;
    return true;
}

bool journal_is_long(const struct journal *j) { return j->len > 2 * j->replaced_len + LONG_AT_LEAST; }
