#ifndef MCM_ERROR_H
#define MCM_ERROR_H

#include <stddef.h>

/*
 * The vocabulary of what can fail. The same names stand in the status lines, in the tests and in
 * the hints of server/errors.ts.
 */
#define STEP_LIST(X)                                                                               \
    X(NONE, "none")                                                                                \
    X(OPTIONS, "options")                                                                          \
    X(SELF, "self")                                                                                \
    X(STATE, "state")                                                                              \
    X(LOCK, "lock")                                                                                \
    X(ROOTFS, "rootfs")                                                                            \
    X(OVERLAY, "overlay")                                                                          \
    X(CGROUP, "cgroup")                                                                            \
    X(LIMIT_MEMORY, "limit-memory")                                                                \
    X(LIMIT_CPU, "limit-cpu")                                                                      \
    X(LIMIT_CPUSET, "limit-cpuset")                                                                \
    X(LIMIT_PIDS, "limit-pids")                                                                    \
    X(LIMIT_IO_READ, "limit-io-read")                                                              \
    X(LIMIT_IO_WRITE, "limit-io-write")                                                            \
    X(FREEZE, "freeze")                                                                            \
    X(CLONE, "clone")                                                                              \
    X(ID_MAP, "id-map")                                                                            \
    X(IDMAPPED_MOUNT, "idmapped-mount")                                                            \
    X(RLIMIT, "rlimit")                                                                            \
    X(SYNC, "sync")                                                                                \
    X(MOUNT_PROC, "mount-proc")                                                                    \
    X(MOUNT_SYS, "mount-sys")                                                                      \
    X(MOUNT_DEV, "mount-dev")                                                                      \
    X(MOUNT_CGROUP, "mount-cgroup")                                                                \
    X(MOUNT_ETC, "mount-etc")                                                                      \
    X(MOUNT_VOLUME, "mount-volume")                                                                \
    X(PIVOT_ROOT, "pivot-root")                                                                    \
    X(MASK, "mask")                                                                                \
    X(HOSTNAME, "hostname")                                                                        \
    X(LOOPBACK, "loopback")                                                                        \
    X(TERMINAL, "terminal")                                                                        \
    X(USER, "user")                                                                                \
    X(WORKDIR, "workdir")                                                                          \
    X(PRIVILEGE, "privilege")                                                                      \
    X(SECCOMP, "seccomp")                                                                          \
    X(EXEC, "exec")                                                                                \
    X(MONITOR, "monitor")                                                                          \
    X(LOG, "log")                                                                                  \
    X(IDENTIFY, "identify")                                                                        \
    X(JOIN, "join")                                                                                \
    X(SIGNAL, "signal")                                                                            \
    X(REMOVE, "remove")                                                                            \
    X(CHANGES, "changes")

enum step {
#define X(name, text) STEP_##name,
    STEP_LIST(X)
#undef X
        STEP_COUNT
};

/*
 * One failure: filled where it happens, printed where it ends. Of fixed size and without pointers,
 * so that a forked child needs no allocation and its parent receives it as one SEQPACKET frame.
 */
struct error {
    enum step step;
    int errnum; /* 0: no system call was to blame */
    char message[240];
};

/* Fills `error` and is -1, so that a failing line reads `return error_set(error, …)`. A macro, so that
 * the compiler and the analyzers see the value. */
#define error_set(...)                                                                             \
    ({                                                                                             \
        error_fill(__VA_ARGS__);                                                                   \
        -1;                                                                                        \
    })

void error_fill(struct error *error, enum step step, int errnum, const char *format, ...)
    __attribute__((format(printf, 4, 5), cold));

/* Exit codes of our own, as shells and other runtimes have them; 128+n stands for signal n. */
#define EXIT_OWN_FAILURE    125
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND      127
#define EXIT_SIGNAL_BASE    128

/* The exit code that tells of this failure. */
int error_exit_code(const struct error *error);

/* The name of a step as it stands in status lines. */
const char *step_name(enum step step);

#endif
