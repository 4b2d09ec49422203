/* process_stat_parse(): a line is read as it is, and is the name of a process in one that is sound. */
#include "fuzz.h"

#include "procfs.h"

static void check_sound(const char *name, char state, pid_t session, uint64_t start_time)
{
    struct process_stat stat = {0};
    char *text = NULL;

    CHECK(asprintf(&text,
                   "7 (%s) %c 1 7 %d -1 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 %lu 4096 0 18446744\n",
                   name, state, session, start_time) > 0);
    CHECK(process_stat_parse(text, &stat));
    CHECK(stat.state == state && stat.session == session && stat.start_time == start_time);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct process_stat stat;
    uint64_t start_time = 0;

    char *text = text_copy(data, size);
    memcpy(&start_time, data, size < sizeof(start_time) ? size : sizeof(start_time));
    check_sound(text, "RSDZTtXI"[size % 8], (pid_t)(start_time & 0x3fffff), start_time);
    if (process_stat_parse(text, &stat))
        CHECK(stat.session >= 0);
    free(text);
    return 0;
}
