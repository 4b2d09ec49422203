#include "procfs.h"

#include <limits.h>
#include <string.h>

#include "util.h"

#define MOUNT_FIELDS_MAX 32 /* the optional ones are few */

/* Number of the fields of /proc/PID/stat. */
enum { STAT_STATE = 3, STAT_SESSION = 6, STAT_START_TIME = 22 };

bool process_stat_parse(char *text, struct process_stat *ret_stat)
{
    struct process_stat stat = {0};
    uint64_t session = 0;

    /* Field 2 is the name in parentheses and may hold anything, parentheses and blanks included. */
    char *rest = strrchr(text, ')');
    if (rest == NULL || rest[1] != ' ')
        return false;
    rest += 2;
    for (int number = STAT_STATE; number <= STAT_START_TIME; number++) {
        const char *field = strsep(&rest, " ");
        if (field == NULL)
            return false;
        if (number == STAT_STATE) {
            if (strlen(field) != 1)
                return false;
            stat.state = field[0];
        }
        /* Not one of a process without a session: that is 0, and of another namespace too. */
        if (number == STAT_SESSION && !parse_uint(field, INT_MAX, &session))
            return false;
        if (number == STAT_START_TIME && !parse_uint(field, UINT64_MAX, &stat.start_time))
            return false;
    }
    stat.session = (pid_t)session;
    *ret_stat = stat;
    return true;
}

bool membership_parse(char *line, struct membership *ret_membership)
{
    char *controllers = strchr(line, ':');
    char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;

    if (path == NULL)
        return false;
    *path++ = '\0';
    *ret_membership = (struct membership){.controllers = controllers + 1, .path = path};
    return true;
}

static bool is_octal(char character)
{
    return character >= '0' && character <= '7';
}

/* Blanks, tabs, newlines and backslashes stand as \ooo in mountinfo. */
static void unescape(char *text)
{
    char *out = text;

    for (const char *in = text; *in != '\0'; in++) {
        if (in[0] == '\\' && is_octal(in[1]) && is_octal(in[2]) && is_octal(in[3])) {
            *out++ = (char)((in[1] - '0') << 6 | (in[2] - '0') << 3 | (in[3] - '0'));
            in += 3;
        } else {
            *out++ = *in;
        }
    }
    *out = '\0';
}

bool mount_line_parse(char *line, struct mount_line *ret_mount)
{
    char *fields[MOUNT_FIELDS_MAX];
    size_t count = 0, separator = 0;

    line[strcspn(line, "\n")] = '\0';
    while (line != NULL && count < MOUNT_FIELDS_MAX) {
        fields[count] = strsep(&line, " ");
        /* Six fields, then optional ones up to this. */
        if (separator == 0 && count > 5 && strcmp(fields[count], "-") == 0)
            separator = count;
        count++;
    }
    if (separator == 0 || count < separator + 4)
        return false;
    unescape(fields[3]);
    unescape(fields[4]);
    *ret_mount = (struct mount_line){
        .root = fields[3],
        .point = fields[4],
        .type = fields[separator + 1],
        .options = fields[separator + 3],
    };
    return true;
}

bool keyed_number(const char *text, const char *key, uint64_t *ret_number)
{
    size_t length = strlen(key);
    char digits[24];

    for (; *text != '\0'; text += strcspn(text, "\n"), text += *text == '\n') {
        if (strncmp(text, key, length) != 0 || text[length] != ' ')
            continue;
        const char *number = text + length + 1;
        size_t size = strcspn(number, "\n");
        if (size >= sizeof(digits))
            return false;
        memcpy(digits, number, size);
        digits[size] = '\0';
        return parse_uint(digits, UINT64_MAX, ret_number);
    }
    return false;
}
