/*
 * Writes the seccomp filter (seccomp(2), BPF) of seccomp_policy.c as the rows of a C array. Runs
 * when our programs are built, on the machine that builds them.
 *
 *     seccomp_generate filter x86_64|aarch64     the rows
 *     seccomp_generate list x86_64|aarch64       ABI NUMBER NAME RULE of each call, for the tests
 *
 * Each ABI's numbers are cut into intervals of one verdict, and a balanced tree of comparisons
 * finds the interval: 8 of them or so decide any call. Offsets of a BPF comparison are one byte;
 * where a subtree is longer, the comparison skips an unconditional jump instead, whose offset has
 * 32 bits.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seccomp_policy.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define OFFSET_MAX        255
#define INTERVALS_MAX     (NEWEST_NUMBER + 2)

/* Numbers from `first` to the next interval's, all with one verdict. */
struct interval {
    uint32_t first;
    enum verdict verdict;
};

struct intervals {
    struct interval items[INTERVALS_MAX];
    size_t count;
};

struct program {
    struct sock_filter instructions[BPF_MAXINSNS];
    size_t count;
};

static const char *const abi_names[ABI_COUNT] = {"x86_64", "i386", "aarch64"};

static const uint32_t abi_architectures[ABI_COUNT] = {
    AUDIT_ARCH_X86_64,
    AUDIT_ARCH_I386,
    AUDIT_ARCH_AARCH64,
};

/*
 * The ABIs that a machine's kernel offers. x32 is x86-64 with bit 30 in the number and so newer
 * than any we know. The 32-bit one of arm64 is no ABI of ours: its processes are killed.
 */
static const struct machine {
    const char *name;
    enum abi abis[2];
    size_t abi_count;
} machines[] = {
    {"x86_64", {ABI_X86_64, ABI_I386}, 2},
    {"aarch64", {ABI_ARM64}, 1},
};

static _Noreturn void fail(const char *what, const char *which)
{
    fprintf(stderr, "seccomp_generate: %s: %s\n", what, which);
    exit(1);
}

/* Verdicts by number, those of no system call refused, cut into intervals. */
static void intervals_collect(enum abi abi, struct intervals *ret_intervals)
{
    enum verdict verdicts[NEWEST_NUMBER + 2];
    bool decided[NEWEST_NUMBER + 2] = {false};

    for (size_t number = 0; number <= NEWEST_NUMBER; number++)
        verdicts[number] = REFUSE;
    verdicts[NEWEST_NUMBER + 1] = ABSENT;
    for (size_t i = 0; i < system_call_count; i++) {
        int number = system_calls[i].number[abi];
        if (number < 0)
            continue;
        if (number > NEWEST_NUMBER || decided[number])
            fail("a number is too large or stands twice", system_calls[i].name);
        decided[number] = true;
        verdicts[number] = system_calls[i].verdict;
    }

    ret_intervals->count = 0;
    for (uint32_t number = 0; number < ARRAY_SIZE(verdicts); number++)
        if (number == 0 || verdicts[number] != verdicts[number - 1])
            ret_intervals->items[ret_intervals->count++] =
                (struct interval){.first = number, .verdict = verdicts[number]};
}

static void emit(struct program *program, uint16_t code, size_t if_true, size_t if_false,
                 uint32_t operand)
{
    if (program->count == BPF_MAXINSNS || if_true > OFFSET_MAX || if_false > OFFSET_MAX)
        fail("the filter is too long", "BPF");
    program->instructions[program->count++] = (struct sock_filter){
        .code = code, .jt = (uint8_t)if_true, .jf = (uint8_t)if_false, .k = operand};
}

static void emit_return(struct program *program, int result)
{
    emit(program, BPF_RET | BPF_K, 0, 0,
         result == 0 ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | (uint32_t)result);
}

/* The low half of an argument; both machines are little-endian. */
static void emit_load_argument(struct program *program, unsigned int argument)
{
    emit(program, BPF_LD | BPF_W | BPF_ABS, 0, 0,
         (uint32_t)(offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t)));
}

static void emit_rule(struct program *program, const struct rule *rule)
{
    const struct check *previous = NULL;

    for (const struct check *check = rule->checks;
         check < rule->checks + CHECKS_MAX && check->test != TEST_NONE; check++) {
        uint16_t comparison = check->test == TEST_ANY_BIT ? BPF_JSET : BPF_JEQ;
        bool skips = check->test == TEST_DIFFERENT;

        if (!previous || previous->argument != check->argument)
            emit_load_argument(program, check->argument);
        emit(program, (uint16_t)(BPF_JMP | comparison | BPF_K), skips, !skips, check->value);
        emit_return(program, check->result);
        previous = check;
    }
    emit_return(program, rule->otherwise);
}

/* Halves the intervals until one is left. The lower half follows the comparison. */
static void emit_tree(struct program *program, const struct interval *intervals, size_t count)
{
    static struct program scratch;

    if (count == 1) {
        emit_rule(program, &rules[intervals->verdict]);
        return;
    }

    size_t lower = count / 2;
    uint32_t first_upper = intervals[lower].first;
    size_t start = program->count;

    /* How long the lower half is shows only when it stands; the comparison is put before it then.
     */
    emit_tree(program, intervals, lower);
    size_t length = program->count - start;
    memcpy(scratch.instructions, program->instructions + start,
           length * sizeof(struct sock_filter));
    program->count = start;
    if (length <= OFFSET_MAX) {
        emit(program, BPF_JMP | BPF_JGE | BPF_K, length, 0, first_upper);
    } else {
        emit(program, BPF_JMP | BPF_JGE | BPF_K, 0, 1, first_upper);
        emit(program, BPF_JMP | BPF_JA, 0, 0, (uint32_t)length);
    }
    for (size_t i = 0; i < length; i++) {
        const struct sock_filter *moved = &scratch.instructions[i];
        emit(program, moved->code, moved->jt, moved->jf, moved->k);
    }
    emit_tree(program, intervals + lower, count - lower);
}

static void emit_abi(struct program *program, enum abi abi)
{
    static struct program tree;
    struct intervals intervals;

    intervals_collect(abi, &intervals);
    tree.count = 0;
    emit(&tree, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
    emit_tree(&tree, intervals.items, intervals.count);

    emit(program, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, abi_architectures[abi]);
    emit(program, BPF_JMP | BPF_JA, 0, 0, (uint32_t)tree.count);
    for (size_t i = 0; i < tree.count; i++)
        emit(program, tree.instructions[i].code, tree.instructions[i].jt, tree.instructions[i].jf,
             tree.instructions[i].k);
}

static void filter_print(const struct machine *machine)
{
    static struct program program;

    emit(&program, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
    for (size_t i = 0; i < machine->abi_count; i++)
        emit_abi(&program, machine->abis[i]);
    emit(&program, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS);

    for (size_t i = 0; i < program.count; i++) {
        const struct sock_filter *row = &program.instructions[i];
        printf("{0x%02x, %u, %u, 0x%08" PRIx32 "},\n", row->code, row->jt, row->jf, row->k);
    }
}

static void list_print(const struct machine *machine)
{
    for (size_t i = 0; i < machine->abi_count; i++)
        for (size_t call = 0; call < system_call_count; call++) {
            enum abi abi = machine->abis[i];
            if (system_calls[call].number[abi] >= 0)
                printf("%s %d %s %s\n", abi_names[abi], system_calls[call].number[abi],
                       system_calls[call].name, rules[system_calls[call].verdict].name);
        }
}

int main(int argc, char **argv)
{
    if (argc != 3)
        fail("usage", "seccomp_generate filter|list MACHINE");
    for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
        if (strcmp(machines[i].name, argv[2]) != 0)
            continue;
        if (strcmp(argv[1], "filter") == 0)
            filter_print(&machines[i]);
        else if (strcmp(argv[1], "list") == 0)
            list_print(&machines[i]);
        else
            fail("not known", argv[1]);
        if (fflush(stdout) != 0)
            fail("cannot write", strerror(errno));
        return 0;
    }
    fail("no policy for machine", argv[2]);
}
