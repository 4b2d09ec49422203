/* options_parse(): the command line of container_executor from its verb on. */
#include "command_line.h"

#include "options.h"

static size_t values_of(const char *flag)
{
    static const char *const switches[] = {"--interactive", "--tty", "--auto-remove", "--trace"};

    for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
        if (strcmp(flag, switches[i]) == 0)
            return 0;
    return strcmp(flag, "--mount") == 0 ? 3 : 1;
}

static bool is_path(const char *text)
{
    size_t length = strlen(text);

    return text[0] == '/' && (length == 1 || text[length - 1] != '/');
}

/* The number that a limit's value says; "max" takes it away. */
static bool is_limit(const char *text, uint64_t number)
{
    if (text != NULL && strcmp(text, "max") == 0)
        return number == LIMIT_NONE;
    return is_value(text, number);
}

static void check_limits(char *const *flags, const struct limits *limits)
{
    CHECK(is_limit(value_of(flags, "--memory", values_of), limits->memory));
    CHECK(is_limit(value_of(flags, "--cpu-quota", values_of), limits->cpu_quota));
    CHECK(is_limit(value_of(flags, "--pids", values_of), limits->pids));
    CHECK(is_limit(value_of(flags, "--io-read", values_of), limits->io_read));
    CHECK(is_limit(value_of(flags, "--io-write", values_of), limits->io_write));
    if (limits->cpuset != NULL && strcmp(limits->cpuset, CPUSET_NONE) != 0)
        CHECK(strspn(limits->cpuset, "0123456789-,") == strlen(limits->cpuset));
}

static void check_container(char *const *flags, const struct options *options)
{
    const struct container *container = &options->container;
    const char *hostname = container->hostname;

    CHECK(is_same(value_of(flags, "--id", values_of), container->id));
    if (container->id != NULL)
        CHECK(strlen(container->id) == 12 && strspn(container->id, "0123456789abcdef") == 12);
    CHECK(is_same(value_of(flags, "--state-dir", values_of), container->state_dir));
    CHECK(container->state_dir == NULL || is_path(container->state_dir));
    CHECK(container->run_dir == NULL || is_path(container->run_dir));
    CHECK(container->rootfs == NULL || is_path(container->rootfs));
    CHECK(is_value(value_of(flags, "--id-base", values_of), container->id_base));
    if (options->verb == VERB_START)
        CHECK(container->id_base >= ID_COUNT && container->id_base <= UINT32_MAX - ID_COUNT);
    if (hostname != NULL)
        CHECK(strlen(hostname) <= 64 && strpbrk(hostname, "/ \n\t:;\"'\\") == NULL &&
              hostname[0] != '-' && hostname[0] != '.');
    CHECK(container->volume_count <= VOLUMES_MAX);
    for (size_t i = 0; i < container->volume_count; i++)
        CHECK(is_path(container->volumes[i].source) && is_path(container->volumes[i].target));
    CHECK(container->command.argv == command_of(flags, values_of));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *argv[ARGUMENTS_MAX + 2];
    struct options options;
    struct error error = {0};

    argv[0] = (char *)"container_executor";
    size_t count = arguments_of(data, size, argv + 1);
    if (options_parse(argv, &options, &error) == 0) {
        char *const *flags = argv + 2;
        check_container(flags, &options);
        check_limits(flags, &options.container.limits);
        CHECK(is_value(value_of(flags, "--pid", values_of), (uint64_t)options.target.pid));
        CHECK(is_value(value_of(flags, "--start-time", values_of), options.target.start_time));
        CHECK(is_same(value_of(flags, "--boot-id", values_of), options.target.boot_id));
        CHECK(options.signal >= 1 && options.signal <= 64);
        CHECK(options.path == NULL || is_path(options.path));
        CHECK(options_find_status_fd(argv) >= 0);
    } else {
        CHECK(error.step == STEP_OPTIONS && error.message[0] != '\0');
    }
    arguments_free(argv + 1, count);
    return 0;
}
