// SPDX-License-Identifier: BSD-3-Clause

// The short way through a request: for arguments that are there to their last byte, under ten
// megabytes and within the limits, as nearly all are. It may decline anything and then leaves the
// parser at a header, where the resumable way takes over; it never judges, so that what is an
// error is written once. A header so that it becomes part of crp_parse, without a call.

#ifndef CRESPPARSER_SHORT_WAY_H
#define CRESPPARSER_SHORT_WAY_H

#include "parser_state.h"

#include <stdbool.h>

/// The bytes of "$0\r\n\r\n", the shortest argument: what the short way looks at without asking.
#define SHORTEST_ARGUMENT 6

/// The bytes of "$9999999", the longest header line of the short way without its end.
#define SHORT_LINE 8

/// The largest number in a header line that is read without a look at the limits.
#define UNCHECKED_NUMBER 99

/// Four bytes as one number, first byte lowest: compilers make this a single load.
static inline uint32_t read_four(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

/// The lowest byte becomes the highest.
static inline uint32_t rotate_byte(uint32_t four) {
    return four >> 8 | four << 24;
}

/// A header line as the short way reads it: "<type>N\r?".
typedef struct short_line {
    size_t length; ///< Bytes, with the end; 0 if it is something else, or not whole.
    size_t number;
} short_line;

/// Reads a header line with one or two digits. Looks at four bytes.
///
/// They are compared at once: "$5\r" less "$0\r" leaves the digit with zeros around it, which
/// after a rotation is a number below ten; no other bytes leave that. Likewise for two digits.
static inline short_line read_shortest_line(const uint8_t *line, uint8_t type) {
    const uint32_t four = read_four(line);
    const uint32_t one_zero = (uint32_t)'\r' << 16 | '0' << 8 | type;
    const uint32_t one = rotate_byte((four & 0x00FFFFFF) - one_zero);
    if (one <= 9) {
        return (short_line){.length = 4, .number = one};
    }
    const uint32_t two_zeros = (uint32_t)'\r' << 24 | '0' << 16 | '0' << 8 | type;
    const uint32_t two = rotate_byte(four - two_zeros);
    const uint32_t first = two & 0xFF;
    const uint32_t second = two >> 8;
    if (first - 1 <= 8 && second <= 9) {
        return (short_line){.length = 5, .number = first * 10 + second};
    }
    return (short_line){0};
}

/// Reads the header line of an argument with one to seven digits, for a number up to `limit`.
/// `available` bytes are there, at least SHORTEST_ARGUMENT.
static inline short_line read_short_line(const uint8_t *line, size_t available, int64_t limit) {
    // The last byte to look at, for the '\r'.
    const size_t stop = available > SHORT_LINE ? SHORT_LINE : available - 1;
    size_t number = (size_t)line[1] - '0';
    if (line[0] != '$' || number - 1 > 8) {
        return (short_line){0};
    }
    size_t at = 2;
    for (; at < stop && line[at] != '\r'; at++) {
        const size_t digit = (size_t)line[at] - '0';
        if (digit > 9) {
            return (short_line){0};
        }
        number = number * 10 + digit;
    }
    if (line[at] != '\r' || (int64_t)number > limit) {
        return (short_line){0};
    }
    return (short_line){.length = at + 2, .number = number};
}

/// Whether there is enough to look at, and the limits allow every line of the short way and every
/// number it does not check. Where they do not, the resumable way judges.
static inline bool short_way_applies(const crp_limits *limits, size_t length) {
    return length >= SHORTEST_ARGUMENT && limits->inline_length >= SHORT_LINE &&
           limits->bulk_length >= UNCHECKED_NUMBER;
}

/// Reads the count of a request, if its line is short, whole and allowed.
static inline bool take_short_count(crp_parser *parser, const crp_limits *limits,
                                    const uint8_t *bytes) {
    const short_line line = read_shortest_line(bytes, '*');
    if (line.length == 0 || (int64_t)line.number > limits->multibulk_count) {
        return false;
    }
    parser->position = (uint32_t)line.length;
    parser->arguments = (uint32_t)line.number;
    parser->state = STATE_ARGUMENT;
    return true;
}

/// Takes arguments as long as they are short, whole and allowed. Starts and ends at a header.
static inline void take_short_arguments(crp_parser *parser, const crp_limits *limits,
                                        const uint8_t *bytes, size_t length, crp_slice *slices,
                                        uint32_t capacity) {
    const size_t end = length < UINT32_MAX ? length : UINT32_MAX;
    const size_t last = end - SHORTEST_ARGUMENT;
    const size_t stop = parser->arguments < capacity ? parser->arguments : capacity;
    size_t position = parser->position;
    size_t count = parser->count;

    while (count < stop && position <= last) {
        short_line line = read_shortest_line(bytes + position, '$');
        if (line.length == 0) {
            line = read_short_line(bytes + position, end - position, limits->bulk_length);
            if (line.length == 0) {
                break;
            }
        }
        const size_t start = position + line.length;
        const size_t next = start + line.number + TERMINATOR_LENGTH;
        if (next > end) {
            break;
        }
        slices[count++] = (crp_slice){
            .offset = (uint32_t)start,
            .length = (uint32_t)line.number,
        };
        position = next;
    }
    parser->position = (uint32_t)position;
    parser->count = (uint32_t)count;
}

#endif
