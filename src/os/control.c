#include "os/control.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { ASKERS = 8, PATIENCE_MS = 5000, ANSWER_MAX = 256 << 20 };

struct asker {
    struct wait_fd fd;                  /* -1: unused */
    struct control *control;
    char   question[CONTROL_QUESTION];
    size_t asked;
    char  *answer;
    size_t len, sent;
};

struct control {
    struct wait *wait;
    struct loop *loop;
    struct wait_fd fd;
    control_answer *answer;
    void *arg;
    struct asker asker[ASKERS];
};

static socklen_t name_of(long pid, struct sockaddr_un *out)
{
    *out = (struct sockaddr_un){ .sun_family = AF_UNIX };
    const int n = snprintf(out->sun_path + 1, sizeof out->sun_path - 1, "plumb-control-%ld", pid);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

/* What mode 0600 would be for a name in a file system. */
static bool may_ask(int fd)
{
    struct ucred who;
    socklen_t len = sizeof who;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && (who.uid == 0 || who.uid == geteuid());
}

/* ------------------------------------------------------------- answering */

static void hang_up(struct asker *a)
{
    if (a->fd.fd < 0)
        return;
    wait_remove_fd(a->control->wait, &a->fd);
    close(a->fd.fd);
    free(a->answer);
    *a = (struct asker){ .fd.fd = -1, .control = a->control };
}

static void compose(struct asker *a)
{
    FILE *f = open_memstream(&a->answer, &a->len);
    if (!f)
        return;
    if (!a->control->answer(a->control->arg, a->question, f))
        fputs("{\"error\":\"this plumb does not know that question\"}\n", f);
    fclose(f);
}

static bool hear(struct asker *a)
{
    while (!a->answer) {
        const ssize_t n = recv(a->fd.fd, a->question + a->asked, sizeof a->question - 1 - a->asked, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return true;
        if (n <= 0)
            return false;
        a->asked += (size_t)n;
        a->question[a->asked] = '\0';
        char *end = strchr(a->question, '\n');
        if (!end && a->asked == sizeof a->question - 1)
            return false;
        if (!end)
            continue;
        *end = '\0';
        compose(a);
        return a->answer;
    }
    return true;
}

static bool tell(struct asker *a)
{
    while (a->answer && a->sent < a->len) {
        const ssize_t n = send(a->fd.fd, a->answer + a->sent, a->len - a->sent, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return true;
        if (n < 0)
            return false;
        a->sent += (size_t)n;
    }
    return !a->answer;                  /* all is told: the end */
}

static void on_asker(void *arg)
{
    struct asker *a = arg;
    if (!hear(a) || !tell(a))
        hang_up(a);
}

static void on_listener(void *arg)
{
    struct control *c = arg;
    for (int fd; (fd = accept4(c->fd.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        unsigned i = 0;
        while (i < ASKERS && c->asker[i].fd.fd >= 0)
            i++;
        if (i == ASKERS || !may_ask(fd)) {
            close(fd);
            continue;
        }
        struct asker *a = &c->asker[i];
        a->fd = (struct wait_fd){ .fd = fd, .task = { .fn = on_asker, .arg = a } };
        if (!wait_add_fd(c->wait, &a->fd)) {
            close(fd);
            a->fd.fd = -1;
            continue;
        }
        loop_defer(c->loop, &a->fd.task);       /* what came before it was watched */
    }
}

struct control *control_new(struct wait *w, struct loop *l, control_answer *answer, void *arg)
{
    struct sockaddr_un name;
    const socklen_t len = name_of((long)getpid(), &name);
    struct control *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    *c = (struct control){ .wait = w, .loop = l, .answer = answer, .arg = arg, .fd = { .task = { .fn = on_listener, .arg = c } } };
    for (unsigned i = 0; i < ASKERS; i++)
        c->asker[i] = (struct asker){ .fd.fd = -1, .control = c };
    c->fd.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd.fd >= 0 && bind(c->fd.fd, (const struct sockaddr *)(const void *)&name, len) == 0 && listen(c->fd.fd, ASKERS) == 0 && wait_add_fd(w, &c->fd))
        return c;
    if (c->fd.fd >= 0)
        close(c->fd.fd);
    free(c);
    return NULL;
}

void control_free(struct control *c)
{
    if (!c)
        return;
    for (unsigned i = 0; i < ASKERS; i++)
        hang_up(&c->asker[i]);
    wait_remove_fd(c->wait, &c->fd);
    close(c->fd.fd);
    free(c);
}

/* ---------------------------------------------------------------- asking */

/* Abstract names are each network namespace's own. */
static void enter_namespace(long pid)
{
    char path[64];
    struct stat ours, theirs;
    snprintf(path, sizeof path, "/proc/%ld/ns/net", pid);
    if (stat("/proc/self/ns/net", &ours) != 0 || stat(path, &theirs) != 0 || ours.st_ino == theirs.st_ino)
        return;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (setns(fd, CLONE_NEWNET) != 0)
        errno = EPERM;                  /* then it is not found where we are */
    close(fd);
}

static char *hear_all(int fd)
{
    size_t len = 0, room = 65536;
    char *text = malloc(room);
    struct pollfd p = { .fd = fd, .events = POLLIN };
    while (text && poll(&p, 1, PATIENCE_MS) > 0) {
        const ssize_t n = recv(fd, text + len, room - 1 - len, 0);
        if (n == 0) {
            text[len] = '\0';
            return text;
        }
        if (n < 0)
            break;
        len += (size_t)n;
        if (len < room - 1)
            continue;
        char *more = room < ANSWER_MAX ? realloc(text, room *= 2) : NULL;
        if (!more)
            break;
        text = more;
    }
    free(text);
    return NULL;
}

char *control_ask(long pid, const char *question, char error[CONTROL_ERROR])
{
    struct sockaddr_un name;
    const socklen_t len = name_of(pid, &name);
    enter_namespace(pid);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char line[CONTROL_QUESTION + 1], *answer = NULL;
    snprintf(line, sizeof line, "%.*s\n", CONTROL_QUESTION - 2, question);
    snprintf(error, CONTROL_ERROR, "process %ld is no plumb on a wire, or not to be asked from here", pid);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)(const void *)&name, len) == 0) {
        snprintf(error, CONTROL_ERROR, "process %ld does not answer (it answers its own user and root)", pid);
        if (send(fd, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line))
            answer = hear_all(fd);
    }
    if (fd >= 0)
        close(fd);
    return answer;
}
