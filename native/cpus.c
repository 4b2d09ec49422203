/* Lists of processors: "0-1,3", cpuset(7). */
#include "cpus.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#include "util.h"

#define ONLINE "/sys/devices/system/cpu/online"

struct range {
    unsigned first, last;
};

static bool digits_next(const char **text, unsigned *ret_number)
{
    unsigned number = 0;
    size_t length = strspn(*text, "0123456789");

    if (length == 0 || length > 5)
        return false;
    for (size_t i = 0; i < length; i++)
        number = number * 10 + (unsigned)((*text)[i] - '0');
    *text += length;
    *ret_number = number;
    return true;
}

/* Cuts the next range off a list; false when there is none, or no list. */
static bool range_next(const char **list, struct range *ret_range)
{
    const char *text = *list;
    struct range range;

    if (!digits_next(&text, &range.first))
        return false;
    range.last = range.first;
    if (*text == '-') {
        text++;
        if (!digits_next(&text, &range.last) || range.last < range.first)
            return false;
    }
    if (*text == ',' && text[1] != '\0')
        text++;
    else if (*text != '\0')
        return false;
    *list = text;
    *ret_range = range;
    return true;
}

bool cpus_is_list(const char *list)
{
    struct range range;

    while (range_next(&list, &range))
        if (*list == '\0')
            return true;
    return false;
}

static bool cpu_is_in(unsigned cpu, const char *list)
{
    struct range range;

    while (*list != '\0' && range_next(&list, &range))
        if (cpu >= range.first && cpu <= range.last)
            return true;
    return false;
}

int cpus_check_online(const char *list, struct error *error)
{
    char online[4096];
    struct range range;

    if (read_file_at(AT_FDCWD, ONLINE, online, sizeof(online)) < 0)
        return 0; /* without sysfs the kernel alone decides */
    online[strcspn(online, "\n")] = '\0';
    for (const char *rest = list; *rest != '\0' && range_next(&rest, &range);)
        for (unsigned cpu = range.first; cpu <= range.last; cpu++)
            if (!cpu_is_in(cpu, online))
                return error_set(error, STEP_LIMIT_CPUSET, EINVAL,
                                 "this computer has no processor %u: it has %.100s", cpu, online);
    return 0;
}
