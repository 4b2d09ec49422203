#ifndef MCM_LOG_H
#define MCM_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define LOG_MAX_LEAST (64 * 1024) /* the smallest bound that can be kept */
#define LOG_CHUNK_MAX (16 * 1024) /* the most that is appended at once */

enum log_stream { LOG_STDOUT, LOG_STDERR };

/* The log of a container: lines `time stream F|P text` in `log`, the older half in `log.1`. */
struct log {
    int directory; /* of the container, the caller's */
    int fd;
    uint64_t size; /* of `log`, whole records only */
    uint64_t max;  /* bytes, both files together */
};

/* Opens `log` in the container's directory, made when it is not there, and goes on at its end. */
int log_open(int directory, uint64_t max, struct log *ret_log, struct error *error);

/*
 * Appends what was read from the command, at most LOG_CHUNK_MAX bytes: a record for each line, and
 * one marked P for what had no newline yet. Records that cannot be written (a full disk) are lost
 * whole, never half written, and stop nobody.
 */
void log_write(struct log *log, enum log_stream stream, const char *data, size_t size);

#endif
