#include "../test.h"
#include "os/wait.h"
#include <poll.h>
#include <signal.h>
#include <unistd.h>

static struct loop loop;

static void stop(void *arg)
{
    ++*(int *)arg;
    loop_stop(&loop);
}

static void timers_come_on_time(void **state)
{
    (void)state;
    loop_init(&loop, 0, 0);
    struct wait *w = wait_new(&loop);
    int fired = 0;
    struct loop_timer t = { .fn = stop, .arg = &fired };
    const int64_t begun_ns = clock_now_ns();
    loop_arm_in(&loop, &t, 20 * NS_PER_MS);
    assert_int_equal(wait_run(w), 0);
    assert_int_equal(fired, 1);
    const int64_t took_ns = clock_now_ns() - begun_ns;
    assert_in_range(took_ns, 20 * NS_PER_MS, 2 * NS_PER_SEC);
    assert_true(loop_civil(&loop) - clock_civil_ns() < NS_PER_SEC && clock_civil_ns() - loop_civil(&loop) < 2 * NS_PER_SEC);
    assert_int_equal(wait_run_until(w, clock_now_ns() + 5 * NS_PER_MS), -1);
    wait_free(w);
}

static void a_descriptor_defers_its_task(void **state)
{
    (void)state;
    int p[2], told = 0;
    assert_int_equal(pipe(p), 0);
    loop_init(&loop, 0, 0);
    struct wait *w = wait_new(&loop);
    struct wait_fd f = { .fd = p[0], .task = { .fn = stop, .arg = &told } };
    assert_true(wait_add_fd(w, &f));
    assert_int_equal(wait_run_until(w, clock_now_ns() + 2 * NS_PER_MS), -1);
    assert_int_equal(told, 0);
    assert_int_equal(write(p[1], "x", 1), 1);
    assert_int_equal(wait_run(w), 0);
    assert_int_equal(told, 1);
    assert_int_equal(wait_run_until(w, clock_now_ns() + 2 * NS_PER_MS), -1);    /* told once per edge */
    assert_int_equal(told, 1);
    wait_remove_fd(w, &f);
    wait_free(w);
    close(p[0]);
    close(p[1]);
}

struct driver { int fd, ready, rounds; int64_t deadline_ns; char order[8]; };
static void driver_ready(void *arg, int64_t now_ns)
{
    struct driver *d = arg;
    char c;
    (void)now_ns;
    d->ready++;
    assert_int_equal(read(d->fd, &c, 1), 1);
}
static int64_t driver_deadline(void *arg) { return ((struct driver *)arg)->deadline_ns; }
static void driver_before_wait(void *arg, int64_t now_ns)
{
    struct driver *d = arg;
    d->rounds++;
    if (now_ns >= d->deadline_ns) {
        d->deadline_ns = DEADLINE_NEVER;
        loop_stop(&loop);
    }
}

static void a_source_is_called_around_the_wait(void **state)
{
    (void)state;
    int p[2];
    assert_int_equal(pipe(p), 0);
    loop_init(&loop, 0, 0);
    struct wait *w = wait_new(&loop);
    struct driver d = { .fd = p[0], .deadline_ns = clock_now_ns() + 10 * NS_PER_MS };
    struct wait_source s = { .fd = p[0], .events = POLLIN, .ready = driver_ready, .deadline = driver_deadline,
                             .before_wait = driver_before_wait, .arg = &d };
    assert_true(wait_add_source(w, &s));
    assert_int_equal(write(p[1], "xy", 2), 2);
    assert_int_equal(wait_run(w), 0);
    assert_int_equal(d.ready, 2);                       /* level-triggered */
    assert_true(d.rounds >= 3);
    s.events = 0;                                       /* takes effect by itself */
    assert_int_equal(wait_run_until(w, clock_now_ns()), -1);
    assert_int_equal(write(p[1], "z", 1), 1);
    assert_int_equal(wait_run_until(w, clock_now_ns() + 2 * NS_PER_MS), -1);
    assert_int_equal(d.ready, 2);
    wait_remove_source(w, &s);
    wait_free(w);
    close(p[0]);
    close(p[1]);
}

static void signals_end_the_run(void **state)
{
    (void)state;
    sigset_t before, after;
    sigprocmask(SIG_SETMASK, NULL, &before);
    loop_init(&loop, 0, 0);
    struct wait *w = wait_new(&loop);
    assert_true(wait_catch_signals(w));
    assert_true(wait_catch_signals(w));
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    assert_int_equal(wait_run(w), SIGTERM);
    assert_int_equal(wait_run_until(w, clock_now_ns() + NS_PER_MS), -1);
    wait_free(w);
    sigprocmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
}

TESTS(timers_come_on_time, a_descriptor_defers_its_task, a_source_is_called_around_the_wait, signals_end_the_run)
