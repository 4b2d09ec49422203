#include "ns_enter_options.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "util.h"

enum flag_name {
    FLAG_STATUS_FD,
    FLAG_CONTROL_FD,
    FLAG_ENV_FD,
    FLAG_ID,
    FLAG_PID,
    FLAG_START_TIME,
    FLAG_BOOT_ID,
    FLAG_TTY,
    FLAG_ROWS,
    FLAG_COLS,
    FLAG_WORKDIR,
    FLAG_USER,
    FLAG_TRACE,
    FLAG_COUNT
};

enum flag_kind { KIND_SWITCH, KIND_TEXT, KIND_ID, KIND_NUMBER, KIND_FD };

static const struct flag {
    const char *name;
    enum flag_kind kind;
    bool required;
    uint64_t min, max; /* of a number */
} flags[FLAG_COUNT] = {
    [FLAG_STATUS_FD] = {"--status-fd", KIND_FD, true, 3, INT_MAX},
    [FLAG_CONTROL_FD] = {"--control-fd", KIND_FD, true, 3, INT_MAX},
    [FLAG_ENV_FD] = {"--env-fd", KIND_FD, false, 3, INT_MAX},
    [FLAG_ID] = {"--id", KIND_ID, true, 0, 0},
    [FLAG_PID] = {"--pid", KIND_NUMBER, true, 1, INT_MAX},
    [FLAG_START_TIME] = {"--start-time", KIND_NUMBER, true, 0, UINT64_MAX},
    [FLAG_BOOT_ID] = {"--boot-id", KIND_TEXT, true, 0, 0},
    [FLAG_TTY] = {"--tty", KIND_SWITCH, false, 0, 0},
    [FLAG_ROWS] = {"--rows", KIND_NUMBER, false, 0, UINT16_MAX},
    [FLAG_COLS] = {"--cols", KIND_NUMBER, false, 0, UINT16_MAX},
    [FLAG_WORKDIR] = {"--workdir", KIND_TEXT, false, 0, 0},
    [FLAG_USER] = {"--user", KIND_TEXT, false, 0, 0},
    [FLAG_TRACE] = {"--trace", KIND_SWITCH, false, 0, 0},
};

struct value {
    const char *text; /* NULL: the flag was not given */
    uint64_t number;
};

static int value_parse(const struct flag *flag, const char *text, struct value *value,
                       struct error *error)
{
    value->text = text;
    switch (flag->kind) {
    case KIND_NUMBER:
    case KIND_FD:
        if (!parse_uint(text, flag->max, &value->number) || value->number < flag->min)
            return error_set(error, STEP_OPTIONS, 0, "%s: '%.100s' is not a number from %lu to %lu",
                             flag->name, text, flag->min, flag->max);
        if (flag->kind == KIND_FD && fcntl((int)value->number, F_GETFD) < 0)
            return error_set(error, STEP_OPTIONS, 0, "%s: '%.100s' is not an open file descriptor",
                             flag->name, text);
        return 0;
    case KIND_ID:
        if (!id_is_valid(text))
            return error_set(error, STEP_OPTIONS, 0, "%s: '%.100s' is not 12 hex digits",
                             flag->name, text);
        return 0;
    case KIND_TEXT:
        if (*text == '\0')
            return error_set(error, STEP_OPTIONS, 0, "%s: is empty", flag->name);
        return 0;
    case KIND_SWITCH:
        break;
    }
    return 0;
}

static const struct flag *flag_find(const char *name)
{
    for (size_t i = 0; i < FLAG_COUNT; i++)
        if (strcmp(flags[i].name, name) == 0)
            return &flags[i];
    return NULL;
}

/* Reads flags up to "--"; `*ret_command` is what follows. */
static int flags_parse(char **arguments, struct value values[FLAG_COUNT], char ***ret_command,
                       struct error *error)
{
    while (*arguments && strcmp(*arguments, "--") != 0) {
        const char *name = *arguments++;
        const struct flag *flag = flag_find(name);

        if (!flag)
            return error_set(error, STEP_OPTIONS, 0, "%.100s: not an option here", name);
        struct value *value = &values[flag - flags];
        if (value->text)
            return error_set(error, STEP_OPTIONS, 0, "%s: given twice", name);
        if (flag->kind == KIND_SWITCH) {
            value->text = name;
            continue;
        }
        if (!*arguments)
            return error_set(error, STEP_OPTIONS, 0, "%s: needs a value", name);
        if (value_parse(flag, *arguments++, value, error) < 0)
            return -1;
    }
    for (size_t i = 0; i < FLAG_COUNT; i++)
        if (flags[i].required && !values[i].text)
            return error_set(error, STEP_OPTIONS, 0, "%s: missing", flags[i].name);
    if (!*arguments || !arguments[1] || arguments[1][0] == '\0')
        return error_set(error, STEP_OPTIONS, 0, "--: needs a command");
    *ret_command = arguments + 1;
    return 0;
}

int enter_options_parse(char **argv, struct enter_options *ret_options, struct error *error)
{
    struct value values[FLAG_COUNT] = {0};
    char **command = NULL;

    if (flags_parse(argv + 1, values, &command, error) < 0)
        return -1;
    *ret_options = (struct enter_options){
        .status_fd = (int)values[FLAG_STATUS_FD].number,
        .control_fd = (int)values[FLAG_CONTROL_FD].number,
        .env_fd = values[FLAG_ENV_FD].text ? (int)values[FLAG_ENV_FD].number : -1,
        .trace = values[FLAG_TRACE].text != NULL,
        .id = values[FLAG_ID].text,
        .target =
            {
                .pid = (pid_t)values[FLAG_PID].number,
                .start_time = values[FLAG_START_TIME].number,
                .boot_id = values[FLAG_BOOT_ID].text,
            },
        .size = {(uint16_t)values[FLAG_ROWS].number, (uint16_t)values[FLAG_COLS].number},
        .command =
            {
                .argv = command,
                .workdir = values[FLAG_WORKDIR].text,
                .user = values[FLAG_USER].text,
                .tty = values[FLAG_TTY].text != NULL,
            },
    };
    return 0;
}

int enter_options_find_status_fd(char **argv)
{
    uint64_t fd;

    for (; argv[0] && strcmp(argv[0], "--") != 0; argv++)
        if (strcmp(argv[0], flags[FLAG_STATUS_FD].name) == 0 && argv[1] &&
            parse_uint(argv[1], INT_MAX, &fd) && fcntl((int)fd, F_GETFD) >= 0)
            return (int)fd;
    return -1;
}
