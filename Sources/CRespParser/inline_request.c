// SPDX-License-Identifier: BSD-3-Clause

// Inline requests: a line of words, for people and their telnet. Finds the end of the line, then
// splits and unescapes it in place. Knows the quoting of Redis, and nothing of arrays.

#include "parser_state.h"

#include <stdbool.h>
#include <string.h>

/// Looks for the '\n' on from where the last call stopped and leaves its index in `scanned`.
/// A zero byte stops the search for good: `scanned` stays at it until the line is too long.
static crp_status find_end(crp_parser *parser, const crp_limits *limits, const uint8_t *bytes,
                           size_t length) {
    const uint32_t limit = crp_line_limit(limits);
    const uint32_t window = length > limit ? limit + 1 : (uint32_t)length;
    const uint32_t from = parser->scanned;

    if (from < window && bytes[from] != 0) {
        const uint8_t *newline = memchr(bytes + from, '\n', window - from);
        const uint32_t end = newline ? (uint32_t)(newline - bytes) : window;
        const uint8_t *zero = memchr(bytes + from, 0, end - from);
        parser->scanned = zero ? (uint32_t)(zero - bytes) : end;
        if (newline && !zero) {
            return CRP_COMPLETE;
        }
    }
    if (window > limit) {
        return crp_fail(parser, CRP_ERROR_INLINE_LINE);
    }
    return crp_need(parser, 1);
}

/// isspace() of the C locale, which is what Redis runs in.
static bool is_blank(uint8_t byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/// A word outside quotes ends at fewer bytes than separate words: "a\vb" is one word.
static bool ends_word(uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == '\r';
}

/// The value of a hexadecimal digit, or -1.
static int hex_value(uint8_t byte) {
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    const uint8_t lower = byte | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// What a backslash and `byte` mean between double quotes.
static uint8_t escaped(uint8_t byte) {
    switch (byte) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'b':
        return '\b';
    case 'a':
        return '\a';
    default:
        return byte;
    }
}

/// Decodes what the backslash at `at` begins, between quotes of the given kind, into `value`.
/// Returns the index after it. A backslash that escapes nothing is itself.
static uint32_t unescape(const uint8_t *bytes, uint32_t at, uint32_t end, uint8_t quote,
                         uint8_t *value) {
    *value = '\\';
    if (end - at < 2) {
        return at + 1;
    }
    const uint8_t next = bytes[at + 1];
    if (quote == '\'') {
        if (next != '\'') {
            return at + 1;
        }
        *value = next;
        return at + 2;
    }
    if (next == 'x' && end - at >= 4) {
        const int high = hex_value(bytes[at + 2]);
        const int low = hex_value(bytes[at + 3]);
        if (high >= 0 && low >= 0) {
            *value = (uint8_t)(high * 16 + low);
            return at + 4;
        }
    }
    *value = escaped(next);
    return at + 2;
}

/// Takes the word that starts at `*at`, writing it over itself from there on, where it always
/// fits. Leaves the index after it in `*at`. False if a quote is not closed, or is closed within
/// a word.
static bool take_word(uint8_t *bytes, uint32_t *at, uint32_t end, crp_slice *word) {
    const uint32_t start = *at;
    uint32_t from = start;
    uint32_t to = start;
    uint8_t quote = 0;

    while (from < end) {
        const uint8_t byte = bytes[from];
        if (quote == 0) {
            if (ends_word(byte)) {
                break;
            }
            from++;
            if (byte == '"' || byte == '\'') {
                quote = byte;
            } else {
                bytes[to++] = byte;
            }
        } else if (byte == quote) {
            from++;
            quote = 0;
            if (from < end && !is_blank(bytes[from])) {
                return false;
            }
            break;
        } else if (byte == '\\') {
            uint8_t value;
            from = unescape(bytes, from, end, quote, &value);
            bytes[to++] = value;
        } else {
            bytes[to++] = byte;
            from++;
        }
    }
    *at = from;
    *word = (crp_slice){.offset = start, .length = to - start};
    return quote == 0;
}

/// Splits bytes[position..<scanned]. A word is taken whole, with its slice, or not touched at all,
/// so that the caller can stop between two words for more slices. The '\r' before the '\n' needs
/// no care: it is a blank like any other.
static crp_status split_words(crp_parser *parser, uint8_t *bytes, crp_slice *slices,
                              uint32_t capacity) {
    const uint32_t end = parser->scanned;
    uint32_t at = parser->position;

    for (;;) {
        while (at < end && is_blank(bytes[at])) {
            at++;
        }
        parser->position = at;
        if (at == end) {
            break;
        }
        if (parser->count >= capacity) {
            return CRP_NEED_SLICES;
        }
        if (!take_word(bytes, &at, end, &slices[parser->count])) {
            return crp_fail(parser, CRP_ERROR_INLINE_QUOTES);
        }
        parser->count++;
    }
    parser->position = end + 1;
    parser->arguments = parser->count;
    parser->state = STATE_ARGUMENT;
    return CRP_COMPLETE;
}

crp_status crp_parse_inline(crp_parser *parser, const crp_limits *limits, uint8_t *bytes,
                            size_t length, crp_slice *slices, uint32_t capacity) {
    if (parser->state != STATE_INLINE_WORDS) {
        parser->state = STATE_INLINE_LINE;
        const crp_status status = find_end(parser, limits, bytes, length);
        if (status != CRP_COMPLETE) {
            return status;
        }
        parser->state = STATE_INLINE_WORDS;
    }
    return split_words(parser, bytes, slices, capacity);
}
