#ifndef MCM_SECCOMP_POLICY_H
#define MCM_SECCOMP_POLICY_H

#include <stddef.h>
#include <stdint.h>

/* What becomes of a system call; from LIMITED_CLONE on its arguments decide. */
enum verdict {
    ALLOW,
    REFUSE, /* EPERM */
    ABSENT, /* ENOSYS: as if this kernel did not have it, so that callers fall back */
    LIMITED_CLONE,
    LIMITED_UNSHARE,
    LIMITED_IOCTL,
    LIMITED_PERSONALITY,
    LIMITED_SOCKET,
    LIMITED_SOCKETPAIR,
    LIMITED_SOCKETCALL,
    VERDICT_COUNT,
};

/* The ABIs of the machines we run on: columns of the table. */
enum abi {
    ABI_X86_64,
    ABI_I386,
    ABI_ARM64,
    ABI_COUNT,
};

/* One system call: its number in each ABI, -1 where it has none. */
struct system_call {
    const char *name;
    int number[ABI_COUNT];
    enum verdict verdict;
};

extern const struct system_call system_calls[];
extern const size_t system_call_count;

/*
 * The newest number that the table decides about, the same in every ABI (they share their numbers
 * since 424). What is newer gets ENOSYS instead of EPERM: a C library that tries a new call first
 * takes the older one then.
 */
#define NEWEST_NUMBER 469

/* A question about the low 32 bits of an argument. No call in the table looks at more of those that
 * are asked about, so high bits cannot hide a value from us. */
enum check_test {
    TEST_NONE, /* ends a list of checks */
    TEST_EQUAL,
    TEST_DIFFERENT,
    TEST_ANY_BIT,
};

struct check {
    enum check_test test;
    unsigned int argument;
    uint32_t value;
    int result; /* of a check that holds: 0 allows, else the errno */
};

#define CHECKS_MAX 8

/* The first check that holds decides. */
struct rule {
    const char *name;
    struct check checks[CHECKS_MAX];
    int otherwise; /* 0 allows, else the errno */
};

extern const struct rule rules[VERDICT_COUNT];

#endif
