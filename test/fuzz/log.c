/* log_write(): the records of a log hold what was written, line by line. */
#include "fuzz.h"

#include "log.h"
#include "util.h"

#define PARTS_MAX 8

/* Cuts the heads off the records and puts together what stands behind them. */
static size_t unwrapped(char *records, size_t size, const char *stream, char *out)
{
    char head[32];
    size_t length = 0;

    while (size > 0) {
        char *end = memchr(records, '\n', size);
        CHECK(end != NULL && (size_t)(end - records) >= TIMESTAMP_SIZE - 1);
        CHECK(records[TIMESTAMP_SIZE - 2] == 'Z');
        char *behind = records + TIMESTAMP_SIZE - 1;
        int head_length = snprintf(head, sizeof(head), " %s F ", stream);
        char mark = behind[head_length - 2];
        head[head_length - 2] = mark;
        CHECK((mark == 'F' || mark == 'P') && memcmp(behind, head, (size_t)head_length) == 0);
        size_t text_length = (size_t)(end - behind) - (size_t)head_length;
        memcpy(out + length, behind + head_length, text_length);
        length += text_length;
        if (mark == 'F')
            out[length++] = '\n';
        size -= (size_t)(end - records) + 1;
        records = end + 1;
    }
    return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > LOG_CHUNK_MAX)
        return -1;
    const enum log_stream stream = (data[0] & 1) != 0 ? LOG_STDERR : LOG_STDOUT;
    const size_t parts = (size_t)(data[0] >> 1) % PARTS_MAX + 1;
    const uint8_t *input = ++data;
    size_t left = --size;

    struct log log = {.directory = -1, .fd = file_of("", 0), .max = UINT64_MAX};
    for (size_t part = parts; part > 0; part--) {
        size_t length = left / part;
        log_write(&log, stream, (const char *)input, length);
        input += length;
        left -= length;
    }
    char *records = malloc(log.size + 1), *out = malloc(log.size + 1);
    CHECK(records != NULL && out != NULL);
    CHECK(pread(log.fd, records, log.size + 1, 0) == (ssize_t)log.size);
    size_t length = unwrapped(records, log.size, stream == LOG_STDERR ? "stderr" : "stdout", out);
    CHECK(length == size && memcmp(out, data, size) == 0);
    free(records);
    free(out);
    close(log.fd);
    return 0;
}
