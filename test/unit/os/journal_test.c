#include "../test.h"
#include "os/journal.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[64], path[96];

static void begin(void)
{
    strcpy(dir, "/tmp/plumb-journal-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/j", dir);
}

static void finish(void)
{
    unlink(path);
    assert_int_equal(rmdir(dir), 0);    /* nothing else was left in it */
}

static void holds(const char *want)
{
    char error[JOURNAL_ERROR], *text;
    struct journal *j = journal_open(path, &text, error);
    assert_non_null(j);
    assert_string_equal(text, want);
    free(text);
    journal_close(j);
}

static void lines_stay(void **state)
{
    (void)state;
    char error[JOURNAL_ERROR], *text;
    begin();
    struct journal *j = journal_open(path, &text, error);
    assert_non_null(j);
    assert_string_equal(text, "");
    free(text);
    assert_true(journal_append(j, "one\n") && journal_append(j, "two\n"));
    journal_close(j);
    holds("one\ntwo\n");
    finish();
}

static void replaced_whole(void **state)
{
    (void)state;
    char error[JOURNAL_ERROR], *text;
    begin();
    struct journal *j = journal_open(path, &text, error);
    free(text);
    assert_true(journal_append(j, "one\n"));
    assert_false(journal_is_long(j));
    assert_true(journal_replace(j, "all\n", 4) && journal_append(j, "more\n"));
    char line[1001];
    memset(line, 'x', 999);
    strcpy(line + 999, "\n");
    for (int i = 0; i < 66; i++)
        assert_true(journal_append(j, line));
    assert_true(journal_is_long(j));
    assert_true(journal_replace(j, "few\n", 4));
    assert_false(journal_is_long(j));
    journal_close(j);
    holds("few\n");
    finish();
}

/* Of two servers with one file the second is told. */
static void one_at_a_time(void **state)
{
    (void)state;
    char error[JOURNAL_ERROR], *text;
    begin();
    struct journal *j = journal_open(path, &text, error);
    free(text);
    assert_null(journal_open(path, &text, error));
    assert_non_null(strstr(error, "in use"));
    assert_true(journal_replace(j, "x\n", 2));
    assert_null(journal_open(path, &text, error));
    journal_close(j);
    holds("x\n");
    finish();
}

static void told_why_not(void **state)
{
    (void)state;
    char error[JOURNAL_ERROR], *text;
    assert_null(journal_open("/nonexistent/dir/j", &text, error));
    assert_non_null(strstr(error, "cannot write"));
    assert_null(journal_open("/dev/null", &text, error));
    assert_non_null(strstr(error, "no file"));
}

TESTS(lines_stay, replaced_whole, one_at_a_time, told_why_not)
