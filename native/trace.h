#ifndef MCM_TRACE_H
#define MCM_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/*
 * The step trace: what launcher, monitor, child and command do until the command runs, one event a
 * call, under the step by which a failure of that call is named. Costs one branch while it is off.
 * README.md has a row for each pair of step and call; test/native/trace.test.ts compares.
 */

/* Who does a step. In ns_enter the launcher is ns_enter itself. */
#define TRACE_WHO_LIST(X)                                                                          \
    X(LAUNCHER, "launcher")                                                                        \
    X(MONITOR, "monitor")                                                                          \
    X(CHILD, "child")                                                                              \
    X(COMMAND, "command")

enum trace_who {
#define X(name, text) TRACE_##name,
    TRACE_WHO_LIST(X)
#undef X
        TRACE_WHO_COUNT
};

const char *trace_who_name(enum trace_who who);

/* The name of a bit, in tables that end with a NULL name. */
struct trace_flag {
    uint64_t bit;
    const char *name;
};

/* One member of a step's detail; made by the functions below. */
struct trace_value {
    const char *key;
    enum { TRACE_TEXT, TRACE_WORDS, TRACE_NUMBER, TRACE_FLAGS, TRACE_PATH } kind;
    union {
        const char *text;
        char *const *words;
        uint64_t number;
    };
    const struct trace_flag *names; /* of flags */
    int dir_fd;                     /* of a path */
};

/* NULL: the member is left out. */
static inline struct trace_value trace_text(const char *key, const char *text)
{
    return (struct trace_value){.key = key, .kind = TRACE_TEXT, .text = text};
}

/* A list that ends with NULL, as a text with spaces between. */
static inline struct trace_value trace_words(const char *key, char *const *words)
{
    return (struct trace_value){.key = key, .kind = TRACE_WORDS, .words = words};
}

/* UINT64_MAX is "unlimited", as RLIM_INFINITY is (getrlimit(2)). */
static inline struct trace_value trace_number(const char *key, uint64_t number)
{
    return (struct trace_value){.key = key, .kind = TRACE_NUMBER, .number = number};
}

/* As "A|B"; bits without a name follow as one hexadecimal number. */
static inline struct trace_value trace_flags(const char *key, uint64_t flags,
                                             const struct trace_flag *names)
{
    return (struct trace_value){.key = key, .kind = TRACE_FLAGS, .number = flags, .names = names};
}

/* The file `name` in the directory that `dir_fd` is, or that itself when `name` is "". */
static inline struct trace_value trace_path(const char *key, int dir_fd, const char *name)
{
    return (struct trace_value){.key = key, .kind = TRACE_PATH, .dir_fd = dir_fd, .text = name};
}

extern bool trace_on;

/*
 * Says that `call` has just been done: `trace_step(STEP_HOSTNAME, "sethostname", trace_text("name",
 * name));` behind the line that did it. It took the time since the step before it of the same
 * process. The values are not looked at while tracing is off; errno stays.
 */
#define trace_step(step, call, ...)                                                                \
    do {                                                                                           \
        if (__builtin_expect(trace_on, false)) {                                                   \
            const struct trace_value values_[] = {__VA_ARGS__};                                    \
            trace_emit(step, call, values_, sizeof(values_) / sizeof(values_[0]));                 \
        }                                                                                          \
    } while (0)

/* The same for the one call that does not return: said before it, and timed up to the end of file
 * that whoever relays this process's steps sees. */
#define trace_exec(step, call, ...)                                                                \
    do {                                                                                           \
        if (__builtin_expect(trace_on, false)) {                                                   \
            const struct trace_value values_[] = {__VA_ARGS__};                                    \
            trace_emit_pending(step, call, values_, sizeof(values_) / sizeof(values_[0]));         \
        }                                                                                          \
    } while (0)

void trace_emit(enum step step, const char *call, const struct trace_value *values, size_t count)
    __attribute__((cold));
void trace_emit_pending(enum step step, const char *call, const struct trace_value *values,
                        size_t count) __attribute__((cold));

/* Turns tracing on: the launcher's steps go to `status_fd`, and time begins. */
void trace_begin(int status_fd);

/* In a forked process: its steps are `who`'s from now on. They go to `relay_fd`, a SEQPACKET socket
 * whose other end calls trace_relay(), so that nothing of the container's holds the status fd; or
 * to the status fd still, when it is -1. */
void trace_become(enum trace_who who, int relay_fd);

/* Turns tracing off, before the fd that the steps go to is closed. */
void trace_end(void);

/* One step as it is sent from a child to its relay. */
struct trace_record {
    enum trace_who who;
    enum step step;
    bool pending; /* its end is that of the relay */
    uint64_t at;  /* microseconds from trace_begin() to its end */
    uint64_t us;  /* microseconds that it took */
    char call[24];
    char detail[1200]; /* a JSON object */
};

/* Writes a child's step to the status fd, a pending one when it has ended. */
void trace_relay(struct trace_record *record);

/* The children have closed their ends: what was pending has succeeded. */
void trace_relay_end(void);

#endif
