/*
 * bad_host: runs a program on a host that lacks things.
 *
 *     bad_host ITEM... -- PROGRAM [ARG...]
 *
 * CALL=ERRNO             that system call fails so, as on an older kernel (ENOSYS) or in a sandbox
 *                        (EPERM), for the program and all that it starts: by a seccomp filter
 * filesystem:TYPE        fsopen(2) does not know it (ENODEV), as when its module is missing
 * no-user-namespaces     user.max_user_namespaces is 0: of a user namespace around the program in
 *                        which every id is itself, for the computer's own must stay as it is
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define ITEMS_MAX 64

static const struct {
    const char *name;
    unsigned number;
} calls[] = {
#define CALL(name)                                                                                 \
    {                                                                                              \
#name, SYS_##name                                                                          \
    }
    CALL(bpf),        CALL(clone3),    CALL(close_range), CALL(fsconfig),
    CALL(fsmount),    CALL(fsopen),    CALL(keyctl),      CALL(mount_setattr),
    CALL(move_mount), CALL(open_tree), CALL(openat2),     CALL(pidfd_send_signal),
    CALL(pidfd_open), CALL(seccomp),   CALL(setns),       CALL(unshare),
#undef CALL
};

static struct sock_filter filter[2 + 2 * (ITEMS_MAX + 1)] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
};
static unsigned short filter_length = 1;
static const char *filesystems[ITEMS_MAX];
static size_t filesystem_count;

static void filter_add(unsigned call, unsigned result)
{
    filter[filter_length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1);
    filter[filter_length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, result);
}

static unsigned errno_find(const char *name)
{
    for (int number = 1; number < 134; number++)
        if (strerrorname_np(number) != NULL && strcmp(strerrorname_np(number), name) == 0)
            return (unsigned)number;
    errx(2, "%s: no errno", name);
}

static void call_add(const char *item)
{
    const char *equals = strchr(item, '=');

    for (size_t i = 0; equals != NULL && i < sizeof(calls) / sizeof(calls[0]); i++) {
        size_t length = strlen(calls[i].name);
        if (length == (size_t)(equals - item) && memcmp(calls[i].name, item, length) == 0) {
            filter_add(calls[i].number, SECCOMP_RET_ERRNO | errno_find(equals + 1));
            return;
        }
    }
    errx(2, "%s: not CALL=ERRNO of a call that is known here", item);
}

/* The argument of a caller who waits in fsopen(2). */
static bool is_missing(const struct seccomp_notif *call)
{
    char name[32] = "";
    struct iovec here = {name, sizeof(name) - 1};
    struct iovec there = {(void *)(uintptr_t)call->data.args[0], sizeof(name) - 1};

    /* A string of the program's own, which is followed by others. */
    if (process_vm_readv((pid_t)call->pid, &here, 1, &there, 1, 0) < 0)
        err(2, "process_vm_readv");
    for (size_t i = 0; i < filesystem_count; i++)
        if (strcmp(filesystems[i], name) == 0)
            return true;
    return false;
}

/* Answers until nobody is left who could ask. */
static void supervise(int listener)
{
    struct pollfd poller = {.fd = listener, .events = POLLIN};

    while (poll(&poller, 1, -1) > 0 && (poller.revents & POLLIN) != 0) {
        struct seccomp_notif call = {0};
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0)
            continue; /* who asked was killed */
        struct seccomp_notif_resp answer = {.id = call.id};
        if (is_missing(&call))
            answer.error = -ENODEV;
        else
            answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    }
}

/*
 * A process that answers for the filter, and has no part in it. It sees the listener because both
 * have one table of files, until it is told the number and keeps nothing else of that table.
 */
static int supervisor_start(void)
{
    const struct clone_args arguments = {.flags = CLONE_FILES, .exit_signal = SIGCHLD};
    int number[2], listener;

    if (pipe2(number, O_CLOEXEC) < 0)
        err(2, "pipe2");
    long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
    if (pid < 0)
        err(2, "clone3");
    if (pid > 0)
        return number[1];
    if (read(number[0], &listener, sizeof(listener)) != (ssize_t)sizeof(listener) ||
        close_range((unsigned)listener + 1, ~0U, CLOSE_RANGE_UNSHARE) < 0 ||
        close_range(0, (unsigned)listener - 1, 0) < 0)
        _exit(2);
    supervise(listener);
    _exit(0);
}

static void map_write(pid_t pid, const char *file)
{
    char path[40];
    static const char all[] = "0 0 4294967295";

    snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, all, sizeof(all) - 1) < 0)
        err(2, "%s", path);
    close(fd);
}

static void user_namespaces_forbid(void)
{
    const pid_t parent = getpid();
    int ready[2], status;
    char byte = 0;

    if (pipe2(ready, O_CLOEXEC) < 0)
        err(2, "pipe2");
    /* Only who is outside may map every id. */
    pid_t outside = fork();
    if (outside < 0)
        err(2, "fork");
    if (outside == 0) {
        if (read(ready[0], &byte, 1) == 1) {
            map_write(parent, "uid_map");
            map_write(parent, "gid_map");
        }
        _exit(0);
    }
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 || write(ready[1], &byte, 1) < 0)
        err(2, "unshare");
    if (waitpid(outside, &status, 0) < 0 || status != 0)
        errx(2, "the ids are not mapped");
    int fd = open("/proc/sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) < 0)
        err(2, "max_user_namespaces");
    close(fd);
}

static void filter_install(void)
{
    int supervisor = -1;
    unsigned flags = 0;

    if (filesystem_count > 0) {
        supervisor = supervisor_start();
        filter_add(SYS_fsopen, SECCOMP_RET_USER_NOTIF);
        flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
    }
    filter[filter_length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {filter_length, filter};
    int listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    if (listener < 0)
        err(2, "seccomp");
    if (supervisor >= 0 && write(supervisor, &listener, sizeof(listener)) < 0)
        err(2, "write");
}

int main(int argc, char **argv)
{
    static const char prefix[] = "filesystem:";
    char **item = argv + 1;

    if (argc > ITEMS_MAX)
        errx(2, "too many arguments");
    for (; *item != NULL && strcmp(*item, "--") != 0; item++) {
        if (strncmp(*item, prefix, sizeof(prefix) - 1) == 0)
            filesystems[filesystem_count++] = *item + sizeof(prefix) - 1;
        else if (strcmp(*item, "no-user-namespaces") == 0)
            user_namespaces_forbid();
        else
            call_add(*item);
    }
    if (item[0] == NULL || item[1] == NULL)
        errx(2, "usage: bad_host ITEM... -- PROGRAM [ARG...]");
    filter_install();
    execv(item[1], item + 1);
    err(2, "%s", item[1]);
}
