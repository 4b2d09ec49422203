#include "status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

/* Room that json_end() needs for "}\n" and the NUL. */
#define JSON_TAIL 3

void json_begin(struct json_line *line)
{
    line->text[0] = '{';
    line->length = 1;
    line->limit = sizeof(line->text);
    line->empty = true;
}

static bool json_append(struct json_line *line, const char *text, size_t size)
{
    if (line->length + size + JSON_TAIL > line->limit)
        return false;
    memcpy(line->text + line->length, text, size);
    line->length += size;
    return true;
}

/* How many bytes the UTF-8 character at `text` has, 0 when it is not a valid one (RFC 3629). */
static size_t utf8_size(const unsigned char *text)
{
    size_t size;
    unsigned char low = 0x80, high = 0xbf;

    if (text[0] < 0x80)
        return 1;
    if (text[0] >= 0xc2 && text[0] <= 0xdf) {
        size = 2;
    } else if (text[0] >= 0xe0 && text[0] <= 0xef) {
        size = 3;
        if (text[0] == 0xe0)
            low = 0xa0; /* shorter forms exist */
        else if (text[0] == 0xed)
            high = 0x9f; /* surrogates */
    } else if (text[0] >= 0xf0 && text[0] <= 0xf4) {
        size = 4;
        if (text[0] == 0xf0)
            low = 0x90;
        else if (text[0] == 0xf4)
            high = 0x8f; /* beyond U+10FFFF */
    } else {
        return 0;
    }
    if (text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < size; i++)
        if (text[i] < 0x80 || text[i] > 0xbf)
            return 0;
    return size;
}

static bool json_append_quoted(struct json_line *line, const char *value)
{
    const unsigned char *next = (const unsigned char *)value;

    if (!json_append(line, "\"", 1))
        return false;
    while (*next != '\0') {
        size_t size = utf8_size(next);
        char escape[7];
        bool fits;
        if (size == 0) {
            fits = json_append(line, "\xef\xbf\xbd", 3); /* U+FFFD */
            size = 1;
        } else if (*next == '"' || *next == '\\') {
            fits = json_append(line, "\\", 1) && json_append(line, (const char *)next, 1);
        } else if (*next < 0x20 || *next == 0x7f) {
            snprintf(escape, sizeof(escape), "\\u%04x", *next);
            fits = json_append(line, escape, 6);
        } else {
            fits = json_append(line, (const char *)next, size);
        }
        if (!fits)
            return false;
        next += size;
    }
    return json_append(line, "\"", 1);
}

/* `value` is written as it is, or as a string when `quoted`; a member that does not fit is left
 * out. */
static void json_member(struct json_line *line, const char *key, const char *value, bool quoted)
{
    size_t start = line->length;
    bool fits =
        (line->empty || json_append(line, ",", 1)) && json_append_quoted(line, key) &&
        json_append(line, ":", 1) &&
        (quoted ? json_append_quoted(line, value) : json_append(line, value, strlen(value)));

    if (fits)
        line->empty = false;
    else
        line->length = start;
}

void json_string(struct json_line *line, const char *key, const char *value)
{
    json_member(line, key, value, true);
}

void json_number(struct json_line *line, const char *key, uint64_t value)
{
    char digits[24];

    snprintf(digits, sizeof(digits), "%" PRIu64, value);
    json_member(line, key, digits, false);
}

void json_bool(struct json_line *line, const char *key, bool value)
{
    json_member(line, key, value ? "true" : "false", false);
}

void json_null(struct json_line *line, const char *key)
{
    json_member(line, key, "null", false);
}

void json_object(struct json_line *line, const char *key, const char *object)
{
    json_member(line, key, object, false);
}

void json_end(struct json_line *line)
{
    memcpy(line->text + line->length, "}\n", JSON_TAIL);
    line->length += 2;
}

void status_send(int status_fd, const struct json_line *line)
{
    if (status_fd >= 0)
        (void)write_all(status_fd, line->text, line->length);
}

void status_failed(int status_fd, const struct error *error)
{
    struct json_line line;
    const char *code = error->errnum != 0 ? strerrorname_np(error->errnum) : NULL;

    json_begin(&line);
    json_string(&line, "event", "failed");
    json_string(&line, "step", step_name(error->step));
    json_number(&line, "errno", (uint64_t)error->errnum);
    if (code != NULL)
        json_string(&line, "code", code);
    json_string(&line, "message", error->message);
    json_end(&line);
    status_send(status_fd, &line);
}

void status_warning(int status_fd, enum step step, const char *message)
{
    struct json_line line;

    json_begin(&line);
    json_string(&line, "event", "warning");
    json_string(&line, "step", step_name(step));
    json_string(&line, "message", message);
    json_end(&line);
    status_send(status_fd, &line);
}

void status_step(int status_fd, const struct trace_record *record)
{
    struct json_line line;

    json_begin(&line);
    json_string(&line, "event", "step");
    json_string(&line, "who", trace_who_name(record->who));
    json_string(&line, "step", step_name(record->step));
    json_string(&line, "call", record->call);
    json_object(&line, "detail", record->detail);
    json_number(&line, "at", record->at);
    json_number(&line, "us", record->us);
    json_end(&line);
    status_send(status_fd, &line);
}
