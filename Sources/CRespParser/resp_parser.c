// SPDX-License-Identifier: BSD-3-Clause

// The parser's face, and the resumable way through requests that are arrays of bulk strings: it
// takes what one step brings, knows where it stopped, and judges what is malformed. After each
// step the short way has its turn again. Knows nothing of quoting.

#include "CRespParser.h"
#include "parser_state.h"
#include "short_way.h"

#include <stdbool.h>

// MARK: - The resumable way

/// Looks for the '\r' of the header line at `position`, on from where the last call stopped, and
/// leaves its distance from there in `scanned`. Complete when the byte after it is there too.
static crp_status find_header_end(crp_parser *parser, const crp_limits *limits,
                                  const uint8_t *bytes, size_t length, crp_error too_long) {
    const uint32_t limit = crp_line_limit(limits);
    const uint8_t *line = bytes + parser->position;
    const size_t available = length - parser->position;
    const uint32_t window = available > limit ? limit + 1 : (uint32_t)available;

    // Byte by byte: nearly all of these lines are shorter than what a call to memchr costs.
    uint32_t scanned = parser->scanned;
    while (scanned < window && line[scanned] != '\r') {
        scanned++;
    }
    parser->scanned = scanned;
    if (scanned < window) {
        return available - scanned >= 2 ? CRP_COMPLETE : crp_need(parser, 1);
    }
    return window > limit ? crp_fail(parser, too_long) : crp_need(parser, 1);
}

/// Reads a number as strictly as Redis does: no '+', no leading zero, no "-0", no overflow.
static bool read_number(const uint8_t *text, size_t length, int64_t *value) {
    const bool negative = length > 0 && text[0] == '-';
    const size_t start = negative ? 1 : 0;
    if (length == 1 && text[0] == '0') {
        *value = 0;
        return true;
    }
    // The first digit must be there and not '0'; 19 digits do not overflow 64 unsigned bits.
    if (length <= start || length - start > 19 || text[start] == '0') {
        return false;
    }
    uint64_t magnitude = 0;
    for (size_t index = start; index < length; index++) {
        const uint32_t digit = (uint32_t)text[index] - '0';
        if (digit > 9) {
            return false;
        }
        magnitude = magnitude * 10 + digit;
    }
    if (magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0)) {
        return false;
    }
    // Negated one short of it, because the magnitude of INT64_MIN is no int64_t.
    *value = negative ? -(int64_t)(magnitude - 1) - 1 : (int64_t)magnitude;
    return true;
}

/// Reads the header of a request that starts with '*'.
static crp_status take_count(crp_parser *parser, const crp_limits *limits, const uint8_t *bytes,
                             size_t length) {
    const crp_status status =
        find_header_end(parser, limits, bytes, length, CRP_ERROR_MULTIBULK_LINE);
    if (status != CRP_COMPLETE) {
        return status;
    }
    int64_t count = 0;
    const bool valid = read_number(bytes + 1, parser->scanned - 1, &count);
    if (!valid || count > INT32_MAX) {
        return crp_fail(parser, CRP_ERROR_MULTIBULK_LENGTH);
    }
    // Zero and less are an empty request, which no limit forbids.
    if (count > 0 && count > limits->multibulk_count) {
        return crp_fail(parser, limits->authenticated ? CRP_ERROR_MULTIBULK_LENGTH
                                                      : CRP_ERROR_MULTIBULK_UNAUTHENTICATED);
    }
    parser->position = parser->scanned + 2;
    parser->scanned = 0;
    parser->arguments = count > 0 ? (uint32_t)count : 0;
    parser->state = STATE_ARGUMENT;
    return CRP_COMPLETE;
}

/// Reads the header of an argument.
static crp_status take_length(crp_parser *parser, const crp_limits *limits, const uint8_t *bytes,
                              size_t length) {
    const crp_status status = find_header_end(parser, limits, bytes, length, CRP_ERROR_BULK_LINE);
    if (status != CRP_COMPLETE) {
        return status;
    }
    const uint8_t *line = bytes + parser->position;
    if (line[0] != '$') {
        parser->unexpected = line[0];
        return crp_fail(parser, CRP_ERROR_UNEXPECTED);
    }
    int64_t bulk = 0;
    // From here on the request is to stay under 4 GiB, and with it every sum below.
    const uint64_t start = (uint64_t)parser->position + parser->scanned + 2;
    const bool valid = read_number(line + 1, parser->scanned - 1, &bulk);
    if (!valid || bulk < 0 || bulk > UINT32_MAX ||
        start + (uint64_t)bulk + TERMINATOR_LENGTH > UINT32_MAX) {
        return crp_fail(parser, CRP_ERROR_BULK_LENGTH);
    }
    if (bulk > limits->bulk_length) {
        return crp_fail(parser, limits->authenticated ? CRP_ERROR_BULK_LENGTH
                                                      : CRP_ERROR_BULK_UNAUTHENTICATED);
    }
    parser->position = (uint32_t)start;
    parser->scanned = 0;
    parser->bulk = (uint32_t)bulk;
    parser->state = STATE_PAYLOAD;
    return CRP_COMPLETE;
}

/// Takes one argument, or the two bytes after a detached one.
static crp_status take_argument(crp_parser *parser, const crp_limits *limits, const uint8_t *bytes,
                                size_t length, crp_slice *slices, uint32_t capacity) {
    if (parser->state == STATE_ARGUMENT) {
        if (length <= parser->position) {
            return crp_need(parser, 1);
        }
        // Before the header, so that a pending argument has its slice: crp_detach_bulk fills it.
        if (parser->count >= capacity) {
            return CRP_NEED_SLICES;
        }
        const crp_status status = take_length(parser, limits, bytes, length);
        if (status != CRP_COMPLETE) {
            return status;
        }
    }
    const bool detached = parser->state == STATE_TERMINATOR;
    // Again, for a payload whose header was taken with other, more slices at hand.
    if (!detached && parser->count >= capacity) {
        return CRP_NEED_SLICES;
    }
    const uint32_t bulk = detached ? 0 : parser->bulk;
    // No more than UINT32_MAX: take_length made sure.
    const uint32_t next = parser->position + bulk + TERMINATOR_LENGTH;
    if (length < next) {
        return crp_need(parser, next - (uint32_t)length);
    }
    if (!detached) {
        slices[parser->count++] = (crp_slice){.offset = parser->position, .length = bulk};
    }
    parser->position = next;
    parser->state = STATE_ARGUMENT;
    return CRP_COMPLETE;
}

/// Takes what the state says comes next, short or not.
static crp_status take_step(crp_parser *parser, const crp_limits *limits, uint8_t *bytes,
                            size_t length, crp_slice *slices, uint32_t capacity) {
    switch (parser->state) {
    case STATE_START:
        if (length == 0) {
            return crp_need(parser, 1);
        }
        if (bytes[0] == '*') {
            return take_count(parser, limits, bytes, length);
        }
        return crp_parse_inline(parser, limits, bytes, length, slices, capacity);
    case STATE_INLINE_LINE:
    case STATE_INLINE_WORDS:
        return crp_parse_inline(parser, limits, bytes, length, slices, capacity);
    case STATE_ARGUMENT:
    case STATE_PAYLOAD:
    case STATE_TERMINATOR:
        return take_argument(parser, limits, bytes, length, slices, capacity);
    default:
        return CRP_FAILED;
    }
}

/// Goes on from any state in which the short way cannot. Its own function, so that the short way
/// is a leaf that needs no stack.
static crp_status __attribute__((noinline)) resume(crp_parser *parser, const crp_limits *limits,
                                                   uint8_t *bytes, size_t length, crp_slice *slices,
                                                   uint32_t capacity) {
    const bool short_way = short_way_applies(limits, length);
    for (;;) {
        const crp_status status = take_step(parser, limits, bytes, length, slices, capacity);
        if (status != CRP_COMPLETE) {
            return status;
        }
        if (short_way) {
            take_short_arguments(parser, limits, bytes, length, slices, capacity);
        }
        if (parser->count == parser->arguments) {
            return CRP_COMPLETE;
        }
    }
}

// MARK: - The interface

crp_status crp_parse(crp_parser *parser, const crp_limits *limits, uint8_t *bytes, size_t length,
                     crp_slice *slices, uint32_t capacity) {
    // A line that the resumable way has begun is its to finish: `scanned` belongs to that line.
    if (parser->scanned == 0 && short_way_applies(limits, length)) {
        const bool at_argument = parser->state == STATE_START
                                     ? take_short_count(parser, limits, bytes)
                                     : parser->state == STATE_ARGUMENT;
        if (at_argument) {
            take_short_arguments(parser, limits, bytes, length, slices, capacity);
            if (parser->count == parser->arguments) {
                return CRP_COMPLETE;
            }
        }
    }
    return resume(parser, limits, bytes, length, slices, capacity);
}

int64_t crp_pending_bulk(const crp_parser *parser) {
    // What is missing then includes the two bytes after the argument.
    const bool pending = parser->state == STATE_PAYLOAD && parser->wanted > TERMINATOR_LENGTH;
    return pending ? (int64_t)parser->bulk : -1;
}

void crp_detach_bulk(crp_parser *parser, crp_slice *slices) {
    slices[parser->count++] = (crp_slice){.offset = CRP_DETACHED, .length = parser->bulk};
    parser->state = STATE_TERMINATOR;
}

const char *crp_error_text(crp_error error) {
    switch (error) {
#define CRP_ERROR_TEXT(name, text)                                                                 \
    case name:                                                                                     \
        return text;
        CRP_ERRORS(CRP_ERROR_TEXT)
#undef CRP_ERROR_TEXT
    }
    return "";
}
