/*
 * inject COUNTS_FD CALLS NTH ERRNO PROGRAM [ARG...]: runs a program and lets one system call of it
 * fail, the NTH of those listed in CALLS (numbers, separated by commas), in it or in any process
 * that comes of it. NTH 0: none fails. How many there were is written to COUNTS_FD when the last of
 * those processes has ended.
 *
 * The kernel asks a supervisor of ours about each such call (seccomp_unotify(2)). What a process
 * calls between an execve(2) and its next umask(2), with which our programs begin, does not count:
 * there the dynamic loader and the sanitizers start, or it is the container's own command.
 */
#include <errno.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <poll.h>
#include <unistd.h>

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#endif

#define CALLS_MAX   64
#define LOADING_MAX 4096

/* The sixth argument of the one call of ours that the filter lets pass unasked. */
#define UNASKED 0x6d636d

struct fault {
    int calls[CALLS_MAX];
    size_t call_count;
    unsigned long nth;
    int errnum;
};

/* Processes that have executed a program and not begun it. */
struct loading {
    __u32 pids[LOADING_MAX];
    size_t count;
};

static void fail(const char *what)
{
    perror(what);
    _exit(120);
}

static bool loading_remove(struct loading *loading, __u32 pid)
{
    for (size_t i = 0; i < loading->count; i++) {
        if (loading->pids[i] == pid) {
            loading->pids[i] = loading->pids[--loading->count];
            return true;
        }
    }
    return false;
}

/* Also adds one that is new. */
static void loading_add(struct loading *loading, __u32 pid)
{
    (void)loading_remove(loading, pid);
    if (loading->count < LOADING_MAX)
        loading->pids[loading->count++] = pid;
}

static bool loading_has(const struct loading *loading, __u32 pid)
{
    for (size_t i = 0; i < loading->count; i++)
        if (loading->pids[i] == pid)
            return true;
    return false;
}

static bool is_execution(int call)
{
    return call == SYS_execve || call == SYS_execveat;
}

static bool is_listed(const struct fault *fault, int call)
{
    for (size_t i = 0; i < fault->call_count; i++)
        if (fault->calls[i] == call)
            return true;
    return false;
}

/* Whether this call is the one. */
static bool call_fails(const struct fault *fault, const struct seccomp_notif *asked,
                       struct loading *loading, unsigned long *count)
{
    int call = asked->data.nr;
    bool counts = is_listed(fault, call) && !loading_has(loading, asked->pid);

    if (call == SYS_umask)
        (void)loading_remove(loading, asked->pid);
    if (counts && ++*count == fault->nth)
        return true;
    if (is_execution(call))
        loading_add(loading, asked->pid);
    return false;
}

/* Answers until no process is left that could ask. */
static unsigned long supervise(int listener, const struct fault *fault)
{
    static struct loading loading;
    struct pollfd poller = {.fd = listener, .events = POLLIN};
    unsigned long count = 0;

    while (poll(&poller, 1, -1) > 0 && (poller.revents & POLLIN) != 0) {
        struct seccomp_notif asked = {0};
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
            continue; /* killed meanwhile */
        struct seccomp_notif_resp answer = {.id = asked.id};
        if (call_fails(fault, &asked, &loading, &count))
            answer.error = -fault->errnum;
        else
            answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    }
    return count;
}

static int filter_install(const struct fault *fault)
{
    static struct sock_filter filter[CALLS_MAX + 16];
    const int always[] = {SYS_umask, SYS_execve, SYS_execveat};
    unsigned short length = 0;

    filter[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                                    offsetof(struct seccomp_data, arch));
    filter[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0);
    filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    filter[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                                    offsetof(struct seccomp_data, args[5]));
    filter[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, UNASKED, 0, 1);
    filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    filter[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                                    offsetof(struct seccomp_data, nr));
    size_t total = fault->call_count + 3;
    for (size_t i = 0; i < total; i++) {
        int call = i < 3 ? always[i] : fault->calls[i - 3];
        filter[length++] = (struct sock_filter)BPF_JUMP(
            BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, (unsigned char)(total - i), 0);
    }
    filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    struct sock_fprog program = {.len = length, .filter = filter};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                        &program);
}

static void listener_send(int socket, int listener)
{
    struct iovec part = {.iov_base = "", .iov_len = 1};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control = {0};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};

    *CMSG_FIRSTHDR(&message) = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
    memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), &listener, sizeof(int));
    if (syscall(SYS_sendmsg, socket, &message, 0, 0, 0, UNASKED) != 1)
        fail("sendmsg");
}

static int listener_receive(int socket)
{
    char byte;
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control = {0};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    int listener = -1;

    if (recvmsg(socket, &message, 0) != 1 || CMSG_FIRSTHDR(&message) == NULL)
        fail("recvmsg");
    memcpy(&listener, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
    return listener;
}

/* The supervisor is nobody's child, and holds nothing that others wait for the end of. */
static void supervisor_run(int socket, int counts_fd, const struct fault *fault)
{
    if (fork() != 0)
        _exit(0);
    setsid();
    int listener = listener_receive(socket);
    if (dup2(listener, 0) < 0 || dup2(counts_fd, 1) < 0)
        fail("dup2");
    syscall(SYS_close_range, 2, ~0U, 0);
    dprintf(1, "%lu\n", supervise(0, fault));
    _exit(0);
}

static struct fault fault_parse(char **arguments)
{
    struct fault fault = {.nth = strtoul(arguments[1], NULL, 10), .errnum = atoi(arguments[2])};

    for (char *call; (call = strsep(&arguments[0], ",")) != NULL;)
        if (fault.call_count < CALLS_MAX)
            fault.calls[fault.call_count++] = atoi(call);
    return fault;
}

int main(int argc, char **argv)
{
    int sockets[2];

    if (argc < 6)
        return 120;
    int counts_fd = atoi(argv[1]);
    const struct fault fault = fault_parse(argv + 2);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
        fail("socketpair");
    pid_t pid = fork();
    if (pid == 0)
        supervisor_run(sockets[1], counts_fd, &fault);
    if (pid < 0 || waitpid(pid, NULL, 0) < 0)
        fail("fork");
    close(counts_fd);
    close(sockets[1]);
    int listener = filter_install(&fault);
    if (listener < 0)
        fail("seccomp");
    listener_send(sockets[0], listener);
    syscall(SYS_close, listener, 0, 0, 0, 0, UNASKED);
    syscall(SYS_execve, argv[5], argv + 5, environ, 0, 0, 0); /* asked about: the sixth is set */
    fail("execve");
}
