#ifndef MCM_DOCTOR_H
#define MCM_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum outcome {
    OUTCOME_WORKS,
    OUTCOME_FAILS,
    OUTCOME_UNKNOWN, /* it can only be tried by root, and this is somebody else */
};

/* One thing of this host that was tried or read. */
struct finding {
    const char *name;  /* of the list in README.md */
    char subject[256]; /* what it was tried on, when there are several; else empty */
    enum outcome outcome;
    int errnum;       /* 0: no system call was to blame */
    char detail[256]; /* what was found, or how it failed, in words; may be empty */
    bool has_number;
    uint64_t number; /* how many are allowed; for space: bytes */
};

#define FINDINGS_MAX 24

/* What one process found. In memory that it shares with us, so that nothing is lost with it. */
struct findings {
    size_t count;
    struct finding list[FINDINGS_MAX];
};

/* What is examined besides the kernel; NULL: nothing. */
struct doctor {
    const char *state_dir; /* or where it will be */
    const char *rootfs;
};

/* Runs in a process of its own, which may unshare, mount and limit itself. */
typedef void probe_function(const struct doctor *doctor, struct findings *findings);

/* One that works, with what was found in words; the caller may fill what there is more to say. */
struct finding *finding_works(struct findings *findings, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* One that fails. To who is not root, EPERM and EACCES mean nothing. */
struct finding *finding_fails(struct findings *findings, const char *name, int errnum,
                              const char *format, ...) __attribute__((format(printf, 4, 5)));

/* By the result of a system call, with its errno when that is -1. */
void finding_of_call(struct findings *findings, const char *name, long result);

/* By a result of our own functions, with its error when that is -1. */
void finding_of_result(struct findings *findings, const char *name, int result,
                       const struct error *error);

/* Says what the last one is about. */
void finding_about(struct findings *findings, const char *subject);

/* `path` without the names at its end that are not there: PATH_MAX bytes. */
void path_existing(const char *path, char *ret_path);

probe_function doctor_calls, doctor_cgroups, doctor_kernel, doctor_keyring, doctor_modules;
probe_function doctor_namespaces, doctor_overlay, doctor_privilege, doctor_programs, doctor_seccomp;
probe_function doctor_storage;

/*
 * Examines this host, without starting a container and without leaving anything: sends an event
 * "finding" for each thing, and "examined" at the end.
 */
int doctor_run(const struct doctor *doctor, int status_fd, struct error *error);

#endif
