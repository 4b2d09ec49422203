#include "device_filter.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "trace.h"
#include "util.h"

/* As bpftool(8) shows it. The number goes up with every change of the devices: a program of an
 * earlier version stands for as long as a container of that time runs. */
#define PROGRAM_NAME "mcm_devices_1"
#define LENGTH_MAX   64
#define ANY_MINOR    UINT32_MAX

/* Character devices, numbered as in the kernel's Documentation/admin-guide/devices.txt. */
static const struct {
    uint32_t major, minor;
} devices[] = {
    {1, 3},           /* null */
    {1, 5},           /* zero */
    {1, 7},           /* full */
    {1, 8},           /* random */
    {1, 9},           /* urandom */
    {5, 0},           /* tty */
    {5, 1},           /* console */
    {5, 2},           /* ptmx */
    {136, ANY_MINOR}, /* pts */
};

#define DEVICE_COUNT (sizeof(devices) / sizeof(devices[0]))

struct program {
    struct bpf_insn instructions[LENGTH_MAX];
    uint32_t length;
};

static void emit(struct program *program, struct bpf_insn instruction)
{
    program->instructions[program->length++] = instruction;
}

static void emit_load(struct program *program, uint8_t to, size_t offset)
{
    emit(program, (struct bpf_insn){.code = BPF_LDX | BPF_MEM | BPF_W,
                                    .dst_reg = to,
                                    .src_reg = BPF_REG_1, /* the context */
                                    .off = (int16_t)offset});
}

static void emit_skip_unless_equal(struct program *program, uint8_t register_, uint32_t value,
                                   int16_t skipped)
{
    emit(program, (struct bpf_insn){.code = BPF_JMP | BPF_JNE | BPF_K,
                                    .dst_reg = register_,
                                    .imm = (int32_t)value,
                                    .off = skipped});
}

static void emit_return(struct program *program, int32_t value)
{
    emit(program, (struct bpf_insn){
                      .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = value});
    emit(program, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
}

/* Returns 1, which allows, for a character device of the table, else 0. The instructions are those
 * of the kernel's Documentation/bpf/standardization/instruction-set.rst. */
static void program_make(struct program *program)
{
    enum { TYPE = BPF_REG_2, MAJOR = BPF_REG_3, MINOR = BPF_REG_4, TYPE_MASK = 0xffff };

    program->length = 0;
    /* What is to be done with the device stands in the upper half. */
    emit_load(program, TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type));
    emit(program,
         (struct bpf_insn){.code = BPF_ALU | BPF_AND | BPF_K, .dst_reg = TYPE, .imm = TYPE_MASK});
    emit_skip_unless_equal(program, TYPE, BPF_DEVCG_DEV_CHAR, 0);
    struct bpf_insn *no_character = &program->instructions[program->length - 1];
    emit_load(program, MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
    emit_load(program, MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
    for (size_t i = 0; i < DEVICE_COUNT; i++) {
        bool any = devices[i].minor == ANY_MINOR;
        emit_skip_unless_equal(program, MAJOR, devices[i].major, any ? 2 : 3);
        if (!any)
            emit_skip_unless_equal(program, MINOR, devices[i].minor, 2);
        emit_return(program, 1);
    }
    no_character->off = (int16_t)(&program->instructions[program->length] - no_character - 1);
    emit_return(program, 0);
}

_Static_assert(LENGTH_MAX >= 7 + 4 * DEVICE_COUNT, "the program must hold every device");

static int bpf(enum bpf_cmd command, union bpf_attr *attributes)
{
    return (int)syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

/* bpf(2) wants all of the union's bytes that it does not know to be zero. */
#define ATTRIBUTES_NONE(attributes) memset(&(attributes), 0, sizeof(attributes))

static uint64_t address(const void *pointer)
{
    return (uint64_t)(uintptr_t)pointer;
}

/* Whether the program that stands on the directory is this one. */
static bool is_attached(int cgroup_fd)
{
    union bpf_attr query, open, describe;
    struct bpf_prog_info info = {0};
    uint32_t id = 0;

    ATTRIBUTES_NONE(query);
    query.query.target_fd = (uint32_t)cgroup_fd;
    query.query.attach_type = BPF_CGROUP_DEVICE;
    query.query.prog_ids = address(&id);
    query.query.prog_cnt = 1;
    if (bpf(BPF_PROG_QUERY, &query) < 0 || query.query.prog_cnt != 1)
        return false;
    ATTRIBUTES_NONE(open);
    open.prog_id = id;
    _cleanup_close_ int fd = bpf(BPF_PROG_GET_FD_BY_ID, &open);
    if (fd < 0)
        return false;
    ATTRIBUTES_NONE(describe);
    describe.info.bpf_fd = (uint32_t)fd;
    describe.info.info_len = sizeof(info);
    describe.info.info = address(&info);
    return bpf(BPF_OBJ_GET_INFO_BY_FD, &describe) == 0 && strcmp(info.name, PROGRAM_NAME) == 0;
}

int device_filter_attach(int cgroup_fd)
{
    struct program program;
    union bpf_attr load, attach;

    if (is_attached(cgroup_fd)) {
        trace_step(STEP_CGROUP, "bpf", trace_text("command", "BPF_PROG_QUERY"),
                   trace_path("cgroup", cgroup_fd, ""), trace_text("attached", PROGRAM_NAME));
        return 0;
    }
    program_make(&program);
    ATTRIBUTES_NONE(load);
    load.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    load.insns = address(program.instructions);
    load.insn_cnt = program.length;
    load.license = address("MIT");
    memcpy(load.prog_name, PROGRAM_NAME, sizeof(PROGRAM_NAME));
    _cleanup_close_ int fd = bpf(BPF_PROG_LOAD, &load);
    if (fd < 0)
        return -1;
    /* Without flags it takes the place of another one, and no cgroup below may have its own. */
    ATTRIBUTES_NONE(attach);
    attach.target_fd = (uint32_t)cgroup_fd;
    attach.attach_bpf_fd = (uint32_t)fd;
    attach.attach_type = BPF_CGROUP_DEVICE;
    if (bpf(BPF_PROG_ATTACH, &attach) < 0)
        return -1;
    trace_step(STEP_CGROUP, "bpf", trace_text("command", "BPF_PROG_ATTACH"),
               trace_path("cgroup", cgroup_fd, ""), trace_number("instructions", program.length));
    return 0;
}

int device_filter_write(int cgroup_fd, struct error *error)
{
    char line[sizeof("c 4294967295:4294967295 rwm")];

    if (write_file_at(cgroup_fd, "devices.deny", "a") < 0)
        return error_set(error, STEP_CGROUP, errno, "cannot write devices.deny");
    for (size_t i = 0; i < DEVICE_COUNT; i++) {
        if (devices[i].minor == ANY_MINOR)
            snprintf(line, sizeof(line), "c %u:* rwm", devices[i].major);
        else
            snprintf(line, sizeof(line), "c %u:%u rwm", devices[i].major, devices[i].minor);
        /* One that we may not have ourselves cannot be allowed: then it stays denied. */
        if (write_file_at(cgroup_fd, "devices.allow", line) < 0 && errno != EPERM)
            return error_set(error, STEP_CGROUP, errno, "cannot allow the device '%s'", line);
    }
    trace_step(STEP_CGROUP, "write", trace_path("path", cgroup_fd, "devices.allow"),
               trace_number("devices", DEVICE_COUNT));
    return 0;
}
