#include "../test.h"
#include "base/loop.h"

static struct loop l;
static char told[64];
static struct loop_task task[4];
static struct loop_timer timer[4];

static void say(void *arg) { strcat(told, arg); }

static int set_up(void **state)
{
    (void)state;
    loop_init(&l, 1000, 500000);
    told[0] = '\0';
    memset(task, 0, sizeof task);
    memset(timer, 0, sizeof timer);
    static const char *const name[] = { "a", "b", "c", "d" };
    for (int i = 0; i < 4; i++) {
        task[i].fn = timer[i].fn = say;
        task[i].arg = timer[i].arg = (void *)(uintptr_t)name[i];
    }
    return 0;
}

static void both_clocks(void **state)
{
    (void)state;
    assert_int_equal(loop_now(&l), 1000);
    assert_int_equal(loop_civil(&l), 500000);
    loop_tick(&l, 1500);
    assert_int_equal(loop_civil(&l), 500500);
    loop_tick(&l, 1200);                        /* never backwards */
    assert_int_equal(loop_now(&l), 1500);
}

static void defer_more(void *arg)
{
    say(arg);
    loop_defer(&l, &task[1]);
}

static void tasks_that_defer_tasks(void **state)
{
    (void)state;
    task[0].fn = defer_more;
    loop_defer(&l, &task[0]);
    loop_defer(&l, &task[2]);
    loop_defer(&l, &task[3]);
    loop_undefer(&task[3]);
    loop_tick(&l, 1000);
    assert_string_equal(told, "acb");
    assert_int_equal(loop_deadline(&l), DEADLINE_NEVER);
}

static void arm_again(void *arg)
{
    say(arg);
    if (strlen(told) < 5)
        loop_arm_in(&l, &timer[0], 10);
}

static void a_timer_that_arms_itself(void **state)
{
    (void)state;
    timer[0].fn = arm_again;
    loop_arm(&l, &timer[0], 1010);
    for (int64_t now = 1000; now <= 1100; now++)
        loop_tick(&l, now);
    assert_string_equal(told, "aaaaa");
    assert_false(loop_armed(&timer[0]));
}

static void cancelled_and_moved(void **state)
{
    (void)state;
    loop_arm(&l, &timer[0], 1010);
    loop_arm(&l, &timer[1], 1020);
    loop_arm(&l, &timer[2], 1030);
    loop_cancel(&l, &timer[1]);
    loop_arm(&l, &timer[0], 1040);
    loop_arm(&l, &timer[3], DEADLINE_NEVER);
    assert_false(loop_armed(&timer[3]));
    assert_int_equal(loop_deadline(&l), 1030);
    loop_tick(&l, 2000);
    assert_string_equal(told, "ca");
}

static void cancel_the_next(void *arg)
{
    say(arg);
    loop_cancel(&l, &timer[1]);
    loop_undefer(&task[1]);
}

static void cancelled_by_what_runs_before(void **state)
{
    (void)state;
    timer[0].fn = cancel_the_next;
    loop_arm(&l, &timer[0], 1010);
    loop_arm(&l, &timer[1], 1010);
    loop_tick(&l, 1010);
    assert_string_equal(told, "a");
    task[0].fn = cancel_the_next;
    loop_defer(&l, &task[0]);
    loop_defer(&l, &task[1]);
    loop_tick(&l, 1010);
    assert_string_equal(told, "aa");
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test_setup(both_clocks, set_up), cmocka_unit_test_setup(tasks_that_defer_tasks, set_up),
        cmocka_unit_test_setup(a_timer_that_arms_itself, set_up), cmocka_unit_test_setup(cancelled_and_moved, set_up),
        cmocka_unit_test_setup(cancelled_by_what_runs_before, set_up),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
