#include "trace.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "status.h"

#define VALUE_SIZE 280 /* a longer value is cut, which its end shows */
#define CUT        "…"

bool trace_on;

/* Of this process. A forked one begins with a copy. */
static struct {
    int status_fd;
    int relay_fd; /* -1: this process writes to the status fd itself */
    enum trace_who who;
    int64_t begin, last; /* nanoseconds of CLOCK_MONOTONIC */
    struct trace_record pending;
} trace;

const char *trace_who_name(enum trace_who who)
{
    static const char *const names[] = {
#define X(name, text) [TRACE_##name] = (text),
        TRACE_WHO_LIST(X)
#undef X
    };

    return (unsigned)who < TRACE_WHO_COUNT ? names[who] : "none";
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void trace_begin(int status_fd)
{
    trace_on = true;
    trace.status_fd = status_fd;
    trace.relay_fd = -1;
    trace.begin = trace.last = now_ns();
}

void trace_become(enum trace_who who, int relay_fd)
{
    trace.who = who;
    trace.relay_fd = relay_fd;
    trace.last = now_ns();
}

void trace_end(void)
{
    trace_on = false;
}

/* A text that grows in a fixed buffer; what does not fit is marked as cut at its end. */
struct value_text {
    char text[VALUE_SIZE];
    size_t length;
};

static void value_append(struct value_text *value, const char *separator, const char *text)
{
    const size_t room = sizeof(value->text) - sizeof(CUT);
    int length = snprintf(value->text + value->length, room - value->length, "%s%s",
                          value->length > 0 ? separator : "", text);

    if (length < 0 || value->length + (size_t)length < room) {
        value->length += length > 0 ? (size_t)length : 0;
        return;
    }
    /* Not within a character, of which all bytes but the first are 10xxxxxx (RFC 3629). */
    size_t end = room - 1;
    while (end > 0 && ((unsigned char)value->text[end - 1] & 0xc0) == 0x80)
        end--;
    if (end > 0 && (unsigned char)value->text[end - 1] >= 0xc0)
        end--;
    memcpy(value->text + end, CUT, sizeof(CUT));
    value->length = room - 1;
}

static void value_flags(struct value_text *value, uint64_t flags, const struct trace_flag *names)
{
    char rest[24];

    for (; names->name != NULL; names++) {
        if ((flags & names->bit) != names->bit)
            continue;
        value_append(value, "|", names->name);
        flags &= ~names->bit;
    }
    if (flags == 0 && value->length > 0)
        return;
    snprintf(rest, sizeof(rest), "%#" PRIx64, flags);
    value_append(value, "|", rest);
}

/* Where an fd leads is asked of /proc; a tree that is attached nowhere has no path but "/". */
static void value_path(struct value_text *value, int dir_fd, const char *name)
{
    char link[32], path[PATH_MAX];

    snprintf(link, sizeof(link), "/proc/self/fd/%d", dir_fd);
    ssize_t length = readlink(link, path, sizeof(path) - 1);
    path[length > 0 ? length : 0] = '\0';
    value_append(value, "", path);
    if (*name != '\0')
        value_append(value, strcmp(path, "/") == 0 ? "" : "/", name);
}

static void value_describe(const struct trace_value *given, struct json_line *detail)
{
    struct value_text value = {.length = 0};

    switch (given->kind) {
    case TRACE_NUMBER:
        if (given->number != UINT64_MAX) {
            json_number(detail, given->key, given->number);
            return;
        }
        value_append(&value, "", "unlimited");
        break;
    case TRACE_TEXT:
        if (given->text == NULL)
            return;
        value_append(&value, "", given->text);
        break;
    case TRACE_WORDS:
        for (char *const *word = given->words; *word != NULL; word++)
            value_append(&value, " ", *word);
        break;
    case TRACE_FLAGS:
        value_flags(&value, given->number, given->names);
        break;
    case TRACE_PATH:
        value_path(&value, given->dir_fd, given->text);
        break;
    }
    json_string(detail, given->key, value.text);
}

static void record_send(const struct trace_record *record)
{
    if (trace.relay_fd >= 0)
        (void)send(trace.relay_fd, record, sizeof(*record), MSG_NOSIGNAL);
    else
        status_step(trace.status_fd, record);
}

static void record_make(enum step step, const char *call, bool pending,
                        const struct trace_value *values, size_t count)
{
    const int errnum = errno;
    const int64_t now = now_ns();
    struct trace_record record = {
        .who = trace.who,
        .step = step,
        .pending = pending,
        .at = (uint64_t)(now - trace.begin) / 1000,
        .us = (uint64_t)(now - trace.last) / 1000,
    };
    struct json_line detail;

    snprintf(record.call, sizeof(record.call), "%s", call);
    json_begin(&detail);
    detail.limit = sizeof(record.detail);
    for (size_t i = 0; i < count; i++)
        value_describe(&values[i], &detail);
    json_end(&detail);
    memcpy(record.detail, detail.text, detail.length - 1); /* without the newline */
    record_send(&record);
    /* What telling takes is no step's time. */
    trace.last = now_ns();
    errno = errnum;
}

void trace_emit(enum step step, const char *call, const struct trace_value *values, size_t count)
{
    record_make(step, call, false, values, count);
}

void trace_emit_pending(enum step step, const char *call, const struct trace_value *values,
                        size_t count)
{
    record_make(step, call, true, values, count);
}

void trace_relay(struct trace_record *record)
{
    if (!trace_on)
        return;
    record->call[sizeof(record->call) - 1] = '\0';
    record->detail[sizeof(record->detail) - 1] = '\0';
    if (record->pending)
        trace.pending = *record;
    else
        record_send(record);
}

void trace_relay_end(void)
{
    struct trace_record *pending = &trace.pending;

    if (!trace_on || !pending->pending)
        return;
    uint64_t at = (uint64_t)(now_ns() - trace.begin) / 1000;
    pending->us = at - pending->at;
    pending->at = at;
    pending->pending = false;
    record_send(pending);
}
