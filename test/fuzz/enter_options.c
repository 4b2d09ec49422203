/* enter_options_parse(): the command line of ns_enter. */
#include "command_line.h"

#include "ns_enter_options.h"

#define NAMED_FD 3

static size_t values_of(const char *flag)
{
    return strcmp(flag, "--tty") == 0 || strcmp(flag, "--trace") == 0 ? 0 : 1;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

/* One that may be named is open. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return dup2(STDERR_FILENO, NAMED_FD) == NAMED_FD ? 0 : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *argv[ARGUMENTS_MAX + 2];
    struct enter_options options;
    struct error error = {0};

    argv[0] = (char *)"ns_enter";
    size_t count = arguments_of(data, size, argv + 1);
    char *const *flags = argv + 1;
    if (enter_options_parse(argv, &options, &error) == 0) {
        CHECK(is_same(value_of(flags, "--id", values_of), options.id));
        CHECK(strlen(options.id) == 12 && strspn(options.id, "0123456789abcdef") == 12);
        CHECK(is_value(value_of(flags, "--pid", values_of), (uint64_t)options.target.pid));
        CHECK(is_value(value_of(flags, "--start-time", values_of), options.target.start_time));
        CHECK(is_same(value_of(flags, "--boot-id", values_of), options.target.boot_id));
        CHECK(is_value(value_of(flags, "--rows", values_of), options.size.rows));
        CHECK(is_value(value_of(flags, "--cols", values_of), options.size.columns));
        CHECK(is_same(value_of(flags, "--user", values_of), options.command.user));
        CHECK(is_same(value_of(flags, "--workdir", values_of), options.command.workdir));
        CHECK(options.status_fd >= 3 && options.control_fd >= 3);
        CHECK(options.command.argv == command_of(flags, values_of));
        CHECK(options.command.argv[0][0] != '\0');
    } else {
        CHECK(error.step == STEP_OPTIONS && error.message[0] != '\0');
    }
    arguments_free(argv + 1, count);
    return 0;
}
