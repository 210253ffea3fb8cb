#include "os/files.h"
#include "base/time.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct files { int fd; bool no_openat2; };
struct file { int fd; };

static enum plumb_err err_of(int error_number)
{
    switch (error_number) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case EINVAL:    return PLUMB_NOT_FOUND;
    case EMFILE:
    case ENFILE:
    case ENOMEM:    return PLUMB_NO_MEMORY;
    default:        return PLUMB_ACCESS;        /* EXDEV and ELOOP, a link that leads out, among them */
    }
}

/* Segment by segment, following no link. */
static int open_by_steps(int dir, const char *path, int flags)
{
    int at = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (at >= 0 && *path) {
        char name[256];
        const size_t n = strcspn(path, "/");
        if (n >= sizeof name) {
            close(at);
            errno = ENOENT;
            return -1;
        }
        memcpy(name, path, n);
        name[n] = 0;
        path += n + (path[n] == '/');
        const int next = openat(at, name, (*path ? O_RDONLY | O_DIRECTORY : flags) | O_NOFOLLOW | O_CLOEXEC);
        const int error_number = errno;
        close(at);
        errno = error_number;
        at = next;
    }
    return at;
}

static int open_within(struct files *f, const char *path, int flags)
{
    const char *name = *path ? path : ".";
    if (!f->no_openat2) {
        struct open_how how = { .flags = (uint64_t)flags | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
        const long fd = syscall(SYS_openat2, f->fd, name, &how, sizeof how);
        if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
            return (int)fd;
        f->no_openat2 = true;                   /* EPERM: a filter of system calls that does not know it */
    }
    return open_by_steps(f->fd, path, flags);
}

static struct tree_info info_of(const struct stat *s)
{
    const int64_t modified_ns = (int64_t)s->st_mtim.tv_sec * NS_PER_SEC + s->st_mtim.tv_nsec;
    return (struct tree_info){ .kind = S_ISREG(s->st_mode) ? TREE_FILE : S_ISDIR(s->st_mode) ? TREE_DIR : TREE_OTHER,
                               .size = s->st_size > 0 ? (uint64_t)s->st_size : 0, .modified_ns = modified_ns,
                               .version = (uint64_t)modified_ns ^ (uint64_t)s->st_ino << 40 };
}

static enum plumb_err op_open(void *tree, const char *path, void **out, struct tree_info *info)
{
    struct stat st;
    const int fd = open_within(tree, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return errno == ENXIO ? PLUMB_ACCESS : err_of(errno);
    struct file *f = NULL;
    enum plumb_err e = fstat(fd, &st) == 0 ? PLUMB_OK : err_of(errno);
    if (e == PLUMB_OK)
        *info = info_of(&st);
    if (e == PLUMB_OK && info->kind == TREE_FILE) {
        f = malloc(sizeof *f);
        e = f ? PLUMB_OK : PLUMB_NO_MEMORY;
    }
    if (!f) {
        close(fd);
        return e;
    }
    f->fd = fd;
    *out = f;
    return PLUMB_OK;
}

static size_t op_read(void *file, uint64_t offset, uint8_t *to, size_t max)
{
    const struct file *f = file;
    size_t done = 0;
    while (done < max) {
        const ssize_t n = pread(f->fd, to + done, max - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return done;
}

static void op_close(void *file)
{
    close(((struct file *)file)->fd);
    free(file);
}

static void *op_list(void *tree, const char *path)
{
    const int fd = open_within(tree, path, O_RDONLY | O_DIRECTORY);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (!d && fd >= 0)
        close(fd);
    return d;
}

static bool op_next(void *list, char name[TREE_NAME], struct tree_info *info)
{
    for (struct dirent *e; (e = readdir(list));) {
        struct stat st;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (fstatat(dirfd(list), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        memcpy(name, e->d_name, strlen(e->d_name) + 1);
        *info = info_of(&st);
        return true;
    }
    return false;
}

static void op_end(void *list) { closedir(list); }

static const struct tree_ops ops = { op_open, op_read, op_close, op_list, op_next, op_end };

struct files *files_open(const char *dir, enum plumb_err *err)
{
    struct files *f = malloc(sizeof *f);
    if (!f) {
        *err = PLUMB_NO_MEMORY;
        return NULL;
    }
    *f = (struct files){ .fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
    if (f->fd >= 0)
        return f;
    *err = err_of(errno);
    free(f);
    return NULL;
}

void files_close(struct files *f)
{
    if (!f)
        return;
    close(f->fd);
    free(f);
}

struct tree files_tree(struct files *f) { return (struct tree){ .ops = &ops, .arg = f }; }
