#include "http/date.h"
#include "base/time.h"
#include <stdio.h>
#include <string.h>

static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

/* Days since 1970-01-01 of a date of the Gregorian calendar; years counted from March. */
static int64_t days_of(int64_t y, int m, int d)
{
    y -= m <= 2;
    const int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    const int64_t of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

struct civil { int64_t y; int m, d; };
static struct civil civil_of(int64_t day)
{
    day += 719468;
    const int64_t era = (day >= 0 ? day : day - 146096) / 146097, of_era = day - era * 146097;
    const int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const int64_t of_year = of_era - (365 * year + year / 4 - year / 100), mp = (5 * of_year + 2) / 153;
    const int m = (int)(mp < 10 ? mp + 3 : mp - 9);
    return (struct civil){ .y = year + era * 400 + (m <= 2), .m = m, .d = (int)(of_year - (153 * mp + 2) / 5 + 1) };
}

const char *http_date(int64_t civil_ns, char out[HTTP_DATE])
{
    const int64_t s = civil_ns >= 0 ? civil_ns / NS_PER_SEC : 0, day = s / 86400;
    const struct civil c = civil_of(day);
    const int t = (int)(s % 86400);
    snprintf(out, HTTP_DATE, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[(day + 4) % 7], c.d, months[c.m - 1], (int)c.y % 10000,
             t / 3600, t / 60 % 60, t % 60);
    return out;
}

static int month_of(const char *name)
{
    for (int i = 0; i < 12; i++)
        if (strcmp(name, months[i]) == 0)
            return i + 1;
    return 0;
}

bool http_date_parse(const char *text, int64_t civil_now_ns, int64_t *out_ns)
{
    char day[12], month[4], end = 0;
    int d, y, h, m, s, n = 0;
    bool short_year = false;
    if (sscanf(text, "%11[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GM%c%n", day, &d, month, &y, &h, &m, &s, &end, &n) == 8 && end == 'T') {
        if (text[n])
            return false;
    } else if (sscanf(text, "%11[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GM%c%n", day, &d, month, &y, &h, &m, &s, &end, &n) == 8 && end == 'T') {
        if (text[n])
            return false;
        short_year = true;
    } else if (sscanf(text, "%3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", day, month, &d, &h, &m, &s, &y, &n) != 7 || text[n]) {
        return false;
    }
    const int mon = month_of(month);
    if (!mon || d < 1 || d > 31 || y < 0 || h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 60)
        return false;
    if (short_year) {
        const int now = (int)civil_of(civil_now_ns / NS_PER_SEC / 86400).y;
        y += now / 100 * 100;
        if (y > now + 50)
            y -= 100;
    }
    if (y < 1970 || y > 2200)               /* what 64 bits of nanoseconds hold */
        return false;
    *out_ns = (days_of(y, mon, d) * 86400 + h * 3600 + m * 60 + s) * NS_PER_SEC;
    return true;
}
