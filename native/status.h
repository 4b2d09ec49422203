#ifndef MCM_STATUS_H
#define MCM_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "trace.h"

/*
 * One JSON line, built in a fixed buffer: status lines, state.json and exit.json are all written
 * with this. Members come in the order of the calls; a line too long is cut at a member, whole.
 */
struct json_line {
    char text[2048];
    size_t length;
    size_t limit; /* as much as fits, unless it is set lower after json_begin() */
    bool empty;
};

void json_begin(struct json_line *line);
void json_string(struct json_line *line, const char *key, const char *value);
void json_number(struct json_line *line, const char *key, uint64_t value);
void json_bool(struct json_line *line, const char *key, bool value);
void json_null(struct json_line *line, const char *key);
/* `object` is JSON already. */
void json_object(struct json_line *line, const char *key, const char *object);
/* Closes the object and adds the newline. */
void json_end(struct json_line *line);

/* Writes `line` to the status fd. A reader that is gone is no failure of ours. */
void status_send(int status_fd, const struct json_line *line);

/* Sends the event "failed" with the error's members. */
void status_failed(int status_fd, const struct error *error);

/* Sends the event "warning". */
void status_warning(int status_fd, enum step step, const char *message);

/* Sends the event "step". */
void status_step(int status_fd, const struct trace_record *record);

#endif
