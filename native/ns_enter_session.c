#include "ns_enter_session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/pidfd.h>

#include "procfs.h"
#include "util.h"

#define KILL_ROUNDS_MAX 64

/* Whether process `pid` lives and belongs to `session`. */
static bool is_member(pid_t pid, pid_t session)
{
    char path[32], text[1024];
    struct process_stat stat;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    return read_file_at(AT_FDCWD, path, text, sizeof(text)) >= 0 &&
           process_stat_parse(text, &stat) && stat.session == session && stat.state != 'Z' &&
           stat.state != 'X';
}

size_t session_signal(pid_t session, int signal_number)
{
    const struct dirent *entry;
    size_t count = 0;
    DIR *processes = opendir("/proc");

    if (!processes)
        return 0;
    while ((entry = readdir(processes))) {
        uint64_t pid;
        if (!parse_uint(entry->d_name, INT_MAX, &pid))
            continue;
        /* Opened before it is looked at, so that what is signalled is what was seen. */
        _cleanup_close_ int pidfd = pidfd_open((pid_t)pid, 0);
        if (pidfd < 0 || !is_member((pid_t)pid, session))
            continue;
        count++;
        if (signal_number > 0)
            pidfd_send_signal(pidfd, signal_number, NULL, 0);
    }
    closedir(processes);
    return count;
}

void session_kill(pid_t session)
{
    for (int round = 0; round < KILL_ROUNDS_MAX; round++)
        if (session_signal(session, SIGKILL) == 0)
            return;
}
