#include "self.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "trace.h"
#include "util.h"

#define EXECUTABLE "/proc/self/exe"
#define SEALS      (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define KEEP_MAX   8

void self_reset_signals(void)
{
    sigset_t none;

    /* Invalid for KILL, STOP and the two that libc keeps for itself, which need no resetting. */
    for (int number = 1; number <= SIGRTMAX; number++)
        (void)signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

void self_join_keyring(void)
{
    (void)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
}

/* A caller may have started us with a standard fd closed; the next open() must not become it. */
static int self_open_standard_fds(struct error *error)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR);
        if (fd < 0)
            return error_set(error, STEP_SELF, errno, "opening /dev/null");
    } while (fd < 3);
    close(fd);
    return 0;
}

/* True when nobody can write to the running file through /proc/PID/exe. */
static bool self_is_protected(void)
{
    struct statfs filesystem;
    _cleanup_close_ int fd = open(EXECUTABLE, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals >= 0 && (seals & SEALS) == SEALS)
        return true;
    return fstatfs(fd, &filesystem) == 0 && (filesystem.f_flags & ST_RDONLY) != 0;
}

/* The file on a read-only mount that is attached nowhere. */
static int self_open_read_only(void)
{
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
    _cleanup_close_ int fd = open_tree(AT_FDCWD, EXECUTABLE, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (fd < 0 || mount_setattr(fd, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) < 0)
        return -1;
    return TAKE_FD(fd);
}

/* A sealed copy in memory, for kernels and hosts that refuse the mount. */
static int self_open_sealed(void)
{
    struct stat status;
    _cleanup_close_ int source = open(EXECUTABLE, O_RDONLY | O_CLOEXEC);
    _cleanup_close_ int copy = memfd_create("container_executor", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (source < 0 || copy < 0 || fstat(source, &status) < 0)
        return -1;
    for (off_t left = status.st_size; left > 0;) {
        ssize_t sent = sendfile(copy, source, NULL, (size_t)left);
        if (sent <= 0)
            return -1;
        left -= sent;
    }
    if (fchmod(copy, 0500) < 0 || fcntl(copy, F_ADD_SEALS, SEALS) < 0)
        return -1;
    return TAKE_FD(copy);
}

static int self_start_over(char *const *argv, struct error *error)
{
    char *const environment[] = {NULL};
    _cleanup_close_ int fd = self_open_read_only();

    if (fd < 0)
        fd = self_open_sealed();
    if (fd < 0)
        return error_set(error, STEP_SELF, errno, "copying the running program");
    execveat(fd, "", argv, environment, AT_EMPTY_PATH);
    return error_set(error, STEP_SELF, errno, "starting the copy of the running program");
}

int self_protect(char *const *argv, struct error *error)
{
    umask(077);
    if (self_open_standard_fds(error) < 0)
        return -1;
    /* The environment is part of it: /proc/PID/environ shows what a program was started with. */
    if (environ[0] != NULL || !self_is_protected())
        return self_start_over(argv, error);
    self_reset_signals();
    self_join_keyring();
    /* A reader of ours that went away is seen as EPIPE. */
    (void)signal(SIGPIPE, SIG_IGN);
    /* Raising never needs a privilege; what was lowered for our caller is not for a container. */
    (void)write_file_at(AT_FDCWD, "/proc/self/oom_score_adj", "0");
    /* A start by fd leaves the fd's number as the name (execveat(2)). */
    (void)prctl(PR_SET_NAME, program_invocation_short_name);
    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        return error_set(error, STEP_SELF, errno, "making the process non-dumpable");
    return 0;
}

int self_close_fds(const int *keep, size_t count, struct error *error)
{
    int sorted[KEEP_MAX];
    size_t kept = 0;
    unsigned next = 3;

    for (size_t i = 0; i < count; i++) {
        size_t place = kept;
        if (keep[i] < 3)
            continue;
        if (kept == KEEP_MAX || fcntl(keep[i], F_SETFD, FD_CLOEXEC) < 0)
            return error_set(error, STEP_SELF, EBADF, "fd %d", keep[i]);
        for (; place > 0 && sorted[place - 1] > keep[i]; place--)
            sorted[place] = sorted[place - 1];
        sorted[place] = keep[i];
        kept++;
    }
    for (size_t i = 0; i < kept; i++) {
        unsigned fd = (unsigned)sorted[i];
        if (fd > next && close_range(next, fd - 1, 0) < 0)
            return error_set(error, STEP_SELF, errno, "closing inherited fds");
        next = fd + 1;
    }
    if (close_range(next, ~0U, 0) < 0)
        return error_set(error, STEP_SELF, errno, "closing inherited fds");
    trace_step(STEP_SELF, "close_range", trace_number("kept", kept));
    return 0;
}

void self_set_title(char **argv, const char *title)
{
    char *start = argv[0], *end = start;

    /* The kernel lays the strings one behind the other, as a rule (proc_pid_cmdline(5)). */
    for (; *argv != NULL && *argv == end; argv++)
        end += strlen(end) + 1;
    if (end == start)
        return;
    memset(start, 0, (size_t)(end - start));
    snprintf(start, (size_t)(end - start), "%s", title);
}
