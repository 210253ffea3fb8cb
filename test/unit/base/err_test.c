#include "../test.h"
#include "base/err.h"

static void every_error_has_its_words(void **state)
{
    (void)state;
    for (int i = 0; i < PLUMB_ERR_COUNT; i++) {
        assert_string_not_equal(plumb_err_text((enum plumb_err)i), "unknown error");
        for (int k = 0; k < i; k++)
            assert_string_not_equal(plumb_err_text((enum plumb_err)i), plumb_err_text((enum plumb_err)k));
    }
    assert_string_equal(plumb_err_text(PLUMB_ERR_COUNT), "unknown error");
    assert_string_equal(plumb_err_text((enum plumb_err)-1), "unknown error");
}

TESTS(every_error_has_its_words)
