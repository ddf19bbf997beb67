// SPDX-License-Identifier: BSD-3-Clause

// What the parts of the parser share; no part of its interface.

#ifndef CRESPPARSER_PARSER_STATE_H
#define CRESPPARSER_PARSER_STATE_H

#include "CRespParser.h"

/// What `position` points at.
enum {
    STATE_START,        ///< The first byte of a request.
    STATE_INLINE_LINE,  ///< The first byte of an inline request whose end has not been seen.
    STATE_INLINE_WORDS, ///< The rest of an inline request whose '\n' is at `scanned`.
    STATE_ARGUMENT,     ///< The header of an argument; or the end, if all arguments are there.
    STATE_PAYLOAD,      ///< The first of `bulk` bytes of an argument.
    STATE_TERMINATOR,   ///< The two bytes after a detached argument.
    STATE_FAILED,
};

/// Skipped after an argument, by agreement "\r\n".
#define TERMINATOR_LENGTH 2

static inline crp_status crp_fail(crp_parser *parser, crp_error error) {
    parser->error = error;
    parser->state = STATE_FAILED;
    return CRP_FAILED;
}

static inline crp_status crp_need(crp_parser *parser, uint32_t wanted) {
    parser->wanted = wanted;
    return CRP_NEED_MORE;
}

/// The longest line, in a range in which one more is still a uint32_t.
static inline uint32_t crp_line_limit(const crp_limits *limits) {
    return limits->inline_length < INT32_MAX ? limits->inline_length : INT32_MAX;
}

/// Parses a request that does not start with '*', in one of the first three states. A complete
/// one is left as STATE_ARGUMENT with all of its arguments, as is any complete request.
crp_status crp_parse_inline(crp_parser *parser, const crp_limits *limits, uint8_t *bytes,
                            size_t length, crp_slice *slices, uint32_t capacity);

#endif
