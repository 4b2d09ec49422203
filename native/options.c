#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cpus.h"
#include "log.h"
#include "util.h"

#define LOG_MAX_DEFAULT (16 * 1024 * 1024)
#define GRACE_DEFAULT   10000
#define HOSTNAME_LENGTH 64

#define START       (1U << VERB_START)
#define STOP        (1U << VERB_STOP)
#define KILL        (1U << VERB_KILL)
#define PAUSE       (1U << VERB_PAUSE)
#define RESUME      (1U << VERB_RESUME)
#define UPDATE      (1U << VERB_UPDATE)
#define REMOVE      (1U << VERB_REMOVE)
#define REMOVE_TREE (1U << VERB_REMOVE_TREE)
#define DOCTOR      (1U << VERB_DOCTOR)
#define CHANGES     (1U << VERB_CHANGES)

#define OF_ONE    (START | STOP | KILL | PAUSE | RESUME | UPDATE | REMOVE)
#define OF_TARGET (STOP | KILL | PAUSE | RESUME)
#define LIMITING  (START | UPDATE)

/* Everything as text or a number first; options_resolve() gives it its place and its type. */
enum flag_name {
    FLAG_STATUS_FD,
    FLAG_ID,
    FLAG_STATE_DIR,
    FLAG_RUN_DIR,
    FLAG_ROOTFS,
    FLAG_ID_BASE,
    FLAG_ENV_FD,
    FLAG_HOSTNAME,
    FLAG_MEMORY,
    FLAG_CPU_QUOTA,
    FLAG_CPUSET,
    FLAG_PIDS,
    FLAG_IO_READ,
    FLAG_IO_WRITE,
    FLAG_WORKDIR,
    FLAG_USER,
    FLAG_MOUNT,
    FLAG_INTERACTIVE,
    FLAG_TTY,
    FLAG_ROWS,
    FLAG_COLS,
    FLAG_LOG_MAX,
    FLAG_AUTO_REMOVE,
    FLAG_PID,
    FLAG_START_TIME,
    FLAG_BOOT_ID,
    FLAG_MONITOR_PID,
    FLAG_MONITOR_START_TIME,
    FLAG_SIGNAL,
    FLAG_GRACE_MS,
    FLAG_PATH,
    FLAG_UPPER,
    FLAG_LOWER,
    FLAG_TRACE,
    FLAG_COUNT
};

struct value {
    const char *text; /* NULL: the flag was not given */
    uint64_t number;
};

enum flag_kind {
    KIND_SWITCH,
    KIND_TEXT,
    KIND_PATH,
    KIND_ID,
    KIND_NUMBER,
    KIND_LIMIT, /* a number or "max" */
    KIND_FD,
    KIND_MOUNT
};

static const struct flag {
    const char *name;
    enum flag_kind kind;
    unsigned verbs;    /* that know it */
    unsigned required; /* of them, those that need it */
    uint64_t min, max; /* of a number */
} flags[FLAG_COUNT] = {
    [FLAG_STATUS_FD] = {"--status-fd", KIND_FD, ~0U, ~0U, 0, INT_MAX},
    [FLAG_ID] = {"--id", KIND_ID, OF_ONE, OF_ONE, 0, 0},
    [FLAG_STATE_DIR] = {"--state-dir", KIND_PATH, LIMITING | REMOVE | DOCTOR,
                        LIMITING | REMOVE | DOCTOR, 0, 0},
    [FLAG_RUN_DIR] = {"--run-dir", KIND_PATH, START | REMOVE, START | REMOVE, 0, 0},
    [FLAG_ROOTFS] = {"--rootfs", KIND_PATH, LIMITING | DOCTOR, START, 0, 0},
    /* Not below: there the ids are of people and services of this host, or of the container itself.
     */
    [FLAG_ID_BASE] = {"--id-base", KIND_NUMBER, START | CHANGES, START | CHANGES, ID_COUNT,
                      UINT32_MAX - ID_COUNT},
    [FLAG_ENV_FD] = {"--env-fd", KIND_FD, START, 0, 0, INT_MAX},
    [FLAG_HOSTNAME] = {"--hostname", KIND_TEXT, START, 0, 0, 0},
    [FLAG_MEMORY] = {"--memory", KIND_LIMIT, LIMITING, 0, 1, INT64_MAX},
    [FLAG_CPU_QUOTA] = {"--cpu-quota", KIND_LIMIT, LIMITING, 0, 1000, INT64_MAX},
    [FLAG_CPUSET] = {"--cpuset", KIND_TEXT, LIMITING, 0, 0, 0},
    [FLAG_PIDS] = {"--pids", KIND_LIMIT, LIMITING, 0, 1, 1 << 22},
    [FLAG_IO_READ] = {"--io-read", KIND_LIMIT, LIMITING, 0, 1, INT64_MAX},
    [FLAG_IO_WRITE] = {"--io-write", KIND_LIMIT, LIMITING, 0, 1, INT64_MAX},
    [FLAG_WORKDIR] = {"--workdir", KIND_PATH, START, 0, 0, 0},
    [FLAG_USER] = {"--user", KIND_TEXT, START, 0, 0, 0},
    [FLAG_MOUNT] = {"--mount", KIND_MOUNT, LIMITING, 0, 0, 0},
    [FLAG_INTERACTIVE] = {"--interactive", KIND_SWITCH, START, 0, 0, 0},
    [FLAG_TTY] = {"--tty", KIND_SWITCH, START, 0, 0, 0},
    [FLAG_ROWS] = {"--rows", KIND_NUMBER, START, 0, 0, UINT16_MAX},
    [FLAG_COLS] = {"--cols", KIND_NUMBER, START, 0, 0, UINT16_MAX},
    [FLAG_LOG_MAX] = {"--log-max", KIND_NUMBER, START, 0, LOG_MAX_LEAST, INT64_MAX},
    [FLAG_AUTO_REMOVE] = {"--auto-remove", KIND_SWITCH, START, 0, 0, 0},
    [FLAG_PID] = {"--pid", KIND_NUMBER, OF_TARGET, OF_TARGET, 1, INT_MAX},
    [FLAG_START_TIME] = {"--start-time", KIND_NUMBER, OF_TARGET, OF_TARGET, 0, UINT64_MAX},
    [FLAG_BOOT_ID] = {"--boot-id", KIND_TEXT, OF_TARGET, OF_TARGET, 0, 0},
    [FLAG_MONITOR_PID] = {"--monitor-pid", KIND_NUMBER, STOP | KILL, 0, 1, INT_MAX},
    [FLAG_MONITOR_START_TIME] = {"--monitor-start-time", KIND_NUMBER, STOP | KILL, 0, 0,
                                 UINT64_MAX},
    [FLAG_SIGNAL] = {"--signal", KIND_NUMBER, STOP | KILL, KILL, 1, 64},
    [FLAG_GRACE_MS] = {"--grace-ms", KIND_NUMBER, STOP, 0, 0, INT_MAX},
    [FLAG_PATH] = {"--path", KIND_PATH, REMOVE_TREE, REMOVE_TREE, 0, 0},
    [FLAG_UPPER] = {"--upper", KIND_PATH, CHANGES, CHANGES, 0, 0},
    [FLAG_LOWER] = {"--lower", KIND_PATH, CHANGES, CHANGES, 0, 0},
    [FLAG_TRACE] = {"--trace", KIND_SWITCH, START, 0, 0, 0},
};

static int refuse(struct error *error, const char *flag, const char *value, const char *why)
{
    return error_set(error, STEP_OPTIONS, 0, "%s: '%.100s' %s", flag, value, why);
}

/* Absolute, and without an empty name at its end, so that its parent is what stands before. */
static int path_check(const char *flag, const char *path, struct error *error)
{
    size_t length = strlen(path);

    if (path[0] != '/')
        return refuse(error, flag, path, "is not an absolute path");
    if (length >= PATH_MAX)
        return refuse(error, flag, path, "is too long for a path");
    if (length > 1 && path[length - 1] == '/')
        return refuse(error, flag, path, "ends with a slash");
    return 0;
}

static int mount_parse(char **arguments, struct container *container, struct error *error)
{
    static const char *const modes[] = {
        [VOLUME_READ_ONLY] = "ro", [VOLUME_READ_WRITE] = "rw", [VOLUME_COPY_ON_WRITE] = "cow"};
    struct volume *volume = &container->volumes[container->volume_count];

    if (arguments[0] == NULL || arguments[1] == NULL || arguments[2] == NULL)
        return error_set(error, STEP_OPTIONS, 0, "--mount: needs MODE SOURCE TARGET");
    if (container->volume_count == VOLUMES_MAX)
        return error_set(error, STEP_OPTIONS, 0, "--mount: there are more than %d", VOLUMES_MAX);
    if (path_check("--mount", arguments[1], error) < 0 ||
        path_check("--mount", arguments[2], error) < 0)
        return -1;
    volume->source = arguments[1];
    volume->target = arguments[2];
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(arguments[0], modes[i]) == 0) {
            volume->mode = (enum volume_mode)i;
            container->volume_count++;
            return 0;
        }
    }
    return refuse(error, "--mount", arguments[0], "is not ro, rw or cow");
}

static int value_parse(const struct flag *flag, const char *text, struct value *value,
                       struct error *error)
{
    value->text = text;
    switch (flag->kind) {
    case KIND_LIMIT:
        if (strcmp(text, "max") == 0) {
            value->number = LIMIT_NONE;
            return 0;
        }
        __attribute__((fallthrough));
    case KIND_NUMBER:
    case KIND_FD:
        if (!parse_uint(text, flag->max, &value->number) || value->number < flag->min)
            return error_set(error, STEP_OPTIONS, 0, "%s: '%.100s' is not a number from %lu to %lu",
                             flag->name, text, flag->min, flag->max);
        if (flag->kind == KIND_FD && fcntl((int)value->number, F_GETFD) < 0)
            return refuse(error, flag->name, text, "is not an open file descriptor");
        return 0;
    case KIND_ID:
        return id_is_valid(text) ? 0 : refuse(error, flag->name, text, "is not 12 hex digits");
    case KIND_PATH:
        return path_check(flag->name, text, error);
    case KIND_TEXT:
        return *text != '\0' ? 0 : refuse(error, flag->name, text, "is empty");
    case KIND_SWITCH:
    case KIND_MOUNT:
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

static int flag_parse(const struct flag *flag, char ***arguments, struct value *value,
                      struct container *container, struct error *error)
{
    if (flag->kind == KIND_MOUNT) {
        if (mount_parse(*arguments, container, error) < 0)
            return -1;
        *arguments += 3;
        return 0;
    }
    if (value->text != NULL)
        return error_set(error, STEP_OPTIONS, 0, "%s: given twice", flag->name);
    if (flag->kind == KIND_SWITCH) {
        value->text = flag->name;
        return 0;
    }
    const char *text = **arguments;
    if (text == NULL)
        return error_set(error, STEP_OPTIONS, 0, "%s: needs a value", flag->name);
    ++*arguments;
    return value_parse(flag, text, value, error);
}

/* Reads flags up to the end or to "--" and returns what is left; NULL on failure. */
static char **flags_parse(char **arguments, enum verb verb, struct value values[FLAG_COUNT],
                          struct container *container, struct error *error)
{
    while (*arguments != NULL && strcmp(*arguments, "--") != 0) {
        const char *name = *arguments++;
        const struct flag *flag = flag_find(name);
        if (flag == NULL || (flag->verbs & 1U << verb) == 0) {
            error_set(error, STEP_OPTIONS, 0, "%.100s: not an option here", name);
            return NULL;
        }
        if (flag_parse(flag, &arguments, &values[flag - flags], container, error) < 0)
            return NULL;
    }
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        if ((flags[i].required & 1U << verb) != 0 && values[i].text == NULL) {
            error_set(error, STEP_OPTIONS, 0, "%s: missing", flags[i].name);
            return NULL;
        }
    }
    return arguments;
}

/* Only harmless characters, first a letter or digit: a hostname goes into files inside. */
static int hostname_check(const char *hostname, struct error *error)
{
    static const char letters[] =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.-";

    if (hostname == NULL)
        return 0;
    if (strlen(hostname) > HOSTNAME_LENGTH || strspn(hostname, letters) != strlen(hostname) ||
        strchr("_.-", hostname[0]) != NULL)
        return refuse(error, "--hostname", hostname,
                      "is not made of at most 64 letters, digits, '_', '.' and '-'");
    return 0;
}

static int cpuset_check(const char *cpuset, struct error *error)
{
    if (cpuset == NULL || strcmp(cpuset, CPUSET_NONE) == 0 || cpus_is_list(cpuset))
        return 0;
    return refuse(error, "--cpuset", cpuset, "is not a list of cpus such as 0-1,3");
}

/* The command after "--", NULL when there is none. */
static int command_parse(char **rest, enum verb verb, struct command *command, struct error *error)
{
    if (*rest == NULL)
        return 0;
    if (verb != VERB_START)
        return error_set(error, STEP_OPTIONS, 0, "--: not an option here");
    if (rest[1] == NULL || rest[1][0] == '\0')
        return error_set(error, STEP_OPTIONS, 0, "--: needs a command");
    command->argv = rest + 1;
    return 0;
}

static void options_resolve(const struct value values[FLAG_COUNT], struct options *options)
{
    struct container *container = &options->container;

    options->status_fd = (int)values[FLAG_STATUS_FD].number;
    options->env_fd = values[FLAG_ENV_FD].text != NULL ? (int)values[FLAG_ENV_FD].number : -1;
    container->id = values[FLAG_ID].text;
    container->state_dir = values[FLAG_STATE_DIR].text;
    container->run_dir = values[FLAG_RUN_DIR].text;
    container->rootfs = values[FLAG_ROOTFS].text;
    container->id_base = (uid_t)values[FLAG_ID_BASE].number;
    container->hostname = values[FLAG_HOSTNAME].text;
    container->limits.memory = values[FLAG_MEMORY].number;
    container->limits.cpu_quota = values[FLAG_CPU_QUOTA].number;
    container->limits.cpuset = values[FLAG_CPUSET].text;
    container->limits.pids = values[FLAG_PIDS].number;
    container->limits.io_read = values[FLAG_IO_READ].number;
    container->limits.io_write = values[FLAG_IO_WRITE].number;
    container->command.workdir = values[FLAG_WORKDIR].text;
    container->command.user = values[FLAG_USER].text;
    container->command.tty = values[FLAG_TTY].text != NULL;
    container->rows = (uint16_t)values[FLAG_ROWS].number;
    container->columns = (uint16_t)values[FLAG_COLS].number;
    container->interactive = values[FLAG_INTERACTIVE].text != NULL;
    container->auto_remove = values[FLAG_AUTO_REMOVE].text != NULL;
    container->log_max =
        values[FLAG_LOG_MAX].text != NULL ? values[FLAG_LOG_MAX].number : LOG_MAX_DEFAULT;
    options->target.pid = (pid_t)values[FLAG_PID].number;
    options->target.start_time = values[FLAG_START_TIME].number;
    options->target.boot_id = values[FLAG_BOOT_ID].text;
    options->monitor.pid = (pid_t)values[FLAG_MONITOR_PID].number;
    options->monitor.start_time = values[FLAG_MONITOR_START_TIME].number;
    options->monitor.boot_id = options->target.boot_id;
    options->signal = values[FLAG_SIGNAL].text != NULL ? (int)values[FLAG_SIGNAL].number : SIGTERM;
    options->grace_ms =
        values[FLAG_GRACE_MS].text != NULL ? values[FLAG_GRACE_MS].number : GRACE_DEFAULT;
    options->path = values[FLAG_PATH].text;
    options->upper = values[FLAG_UPPER].text;
    options->lower = values[FLAG_LOWER].text;
    options->trace = values[FLAG_TRACE].text != NULL;
}

static int verb_parse(const char *text, enum verb *ret_verb, struct error *error)
{
    static const char *const verbs[] = {
        [VERB_START] = "start",   [VERB_STOP] = "stop",
        [VERB_KILL] = "kill",     [VERB_PAUSE] = "pause",
        [VERB_RESUME] = "resume", [VERB_UPDATE] = "update",
        [VERB_REMOVE] = "remove", [VERB_REMOVE_TREE] = "remove-tree",
        [VERB_DOCTOR] = "doctor", [VERB_CHANGES] = "changes"};

    for (size_t i = 0; text != NULL && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(text, verbs[i]) == 0) {
            *ret_verb = (enum verb)i;
            return 0;
        }
    }
    return refuse(error, "verb", text != NULL ? text : "",
                  "is not start, stop, kill, pause, resume, update, remove, remove-tree, "
                  "doctor or changes");
}

int options_parse(char **argv, struct options *ret_options, struct error *error)
{
    struct options options = {0};
    struct value values[FLAG_COUNT] = {0};

    if (verb_parse(argv[1], &options.verb, error) < 0)
        return -1;
    char **rest = flags_parse(argv + 2, options.verb, values, &options.container, error);
    if (rest == NULL || hostname_check(values[FLAG_HOSTNAME].text, error) < 0 ||
        cpuset_check(values[FLAG_CPUSET].text, error) < 0 ||
        command_parse(rest, options.verb, &options.container.command, error) < 0)
        return -1;
    if (values[FLAG_TTY].text != NULL && *rest == NULL)
        return error_set(error, STEP_OPTIONS, 0, "--tty: needs a command");
    if ((values[FLAG_MONITOR_PID].text == NULL) != (values[FLAG_MONITOR_START_TIME].text == NULL))
        return error_set(error, STEP_OPTIONS, 0,
                         "--monitor-pid and --monitor-start-time: one without the other");
    options_resolve(values, &options);
    *ret_options = options;
    return 0;
}

int options_find_status_fd(char **argv)
{
    uint64_t fd;

    for (; argv[0] != NULL && strcmp(argv[0], "--") != 0; argv++)
        if (strcmp(argv[0], flags[FLAG_STATUS_FD].name) == 0 && argv[1] != NULL &&
            parse_uint(argv[1], INT_MAX, &fd) && fcntl((int)fd, F_GETFD) >= 0)
            return (int)fd;
    return -1;
}
