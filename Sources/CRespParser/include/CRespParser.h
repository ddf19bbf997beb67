// SPDX-License-Identifier: BSD-3-Clause

// An incremental, zero-copy parser of Redis requests.
//
// The idea. A request is a list of byte strings that lie, whole, in the buffer they were received
// into. So the parser copies nothing: it fills an array of slices, offset and length from the
// first byte of the request, and the caller owns both the bytes and the array. What it must
// remember between two reads fits in 32 bytes; all zero is its initial state.
//
//     *2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n          slices: {8, 4} {18, 5}
//     ^       ^           ^                        position: 25 when complete
//     0       8           18
//
//     ECHO "hello"\r\n                             slices: {0, 4} {5, 5}, position: 14
//
// A request starts with '*' (an array of bulk strings) or it is an inline request: one line of
// words, with quoting. Inline words are unescaped in place, so `bytes` is not const; nothing is
// written before the whole line is there.
//
// The hard case is a request that arrives in pieces. The rule is that the pieces never matter:
// the same bytes give the same requests and the same error, however they are cut. Hence limits
// look at what a line holds and never at what happens to have arrived, and a line is judged when
// it is whole or longer than it may be, not before. Nothing is scanned twice: a partial header
// line remembers how far it was looked at, and complete arguments are never visited again.
//
// Limits. Offsets are 32 bit, so a request is shorter than 4 GiB: an argument whose header says
// that it would end beyond fails as "invalid bulk length". (Arguments that have been detached by
// then do not count.) The parser does not allocate, has no globals, does not recurse, and reads
// nothing at or past bytes[length].
//
// It does not know sockets, buffers, commands, or the wording around an error.

#ifndef CRESPPARSER_H
#define CRESPPARSER_H

#include <stddef.h>
#include <stdint.h>

/// Every way a request can be malformed: name, text. The texts are Redis's and go to the client
/// after "-ERR Protocol error: ". CRP_ERROR_UNEXPECTED is a format for crp_parser.unexpected.
///
/// Where one request breaks two rules, the order is Redis's: a line that is too long is only that;
/// '$' is looked at when the line is whole; a number that is no number is "invalid" to anybody,
/// one that is merely too large is "unauthenticated" to a client that has not authenticated.
#define CRP_ERRORS(X)                                                                              \
    X(CRP_ERROR_NONE, "")                                                                          \
    X(CRP_ERROR_MULTIBULK_LINE, "too big mbulk count string")                                      \
    X(CRP_ERROR_MULTIBULK_LENGTH, "invalid multibulk length")                                      \
    X(CRP_ERROR_MULTIBULK_UNAUTHENTICATED, "unauthenticated multibulk length")                     \
    X(CRP_ERROR_BULK_LINE, "too big bulk count string")                                            \
    X(CRP_ERROR_UNEXPECTED, "expected '$', got '%c'")                                              \
    X(CRP_ERROR_BULK_LENGTH, "invalid bulk length")                                                \
    X(CRP_ERROR_BULK_UNAUTHENTICATED, "unauthenticated bulk length")                               \
    X(CRP_ERROR_INLINE_LINE, "too big inline request")                                             \
    X(CRP_ERROR_INLINE_QUOTES, "unbalanced quotes in request")

typedef enum crp_error {
#define CRP_ERROR_NAME(name, text) name,
    CRP_ERRORS(CRP_ERROR_NAME)
#undef CRP_ERROR_NAME
} crp_error;

/// What crp_parse found.
typedef enum crp_status {
    /// A request: `count` slices, `position` bytes long. Next: crp_reset, then bytes + position.
    CRP_COMPLETE,
    /// The bytes end inside a request. Next: crp_parse with at least one byte more.
    CRP_NEED_MORE,
    /// There is an argument and no slice for it. Next: crp_parse with a larger array that holds
    /// the first `count` slices of this one. `arguments` says how many there will be, if the peer
    /// is to be believed; do not allocate by it.
    CRP_NEED_SLICES,
    /// The request is malformed: `error`, and `unexpected`. Every further call says so again.
    CRP_FAILED,
} crp_status;

/// The bytes of one argument.
typedef struct crp_slice {
    uint32_t offset; ///< Bytes from the first byte of the request, or CRP_DETACHED.
    uint32_t length; ///< Bytes.
} crp_slice;

/// The offset of an argument whose bytes live elsewhere: see crp_detach_bulk.
#define CRP_DETACHED UINT32_MAX

/// What a peer may send. The parser reads it at every call: the caller may change it between two
/// requests (a client that authenticated), and within one for what is not yet parsed.
typedef struct crp_limits {
    /// The longest inline request before its '\n', and the longest header line ("*3", "$64")
    /// before its '\r', in bytes. Redis: 64 KiB. Values above INT32_MAX mean INT32_MAX.
    uint32_t inline_length;
    /// The most arguments of a request: INT32_MAX (more is never accepted), or 10 before
    /// authentication.
    int64_t multibulk_count;
    /// The longest argument in bytes: proto-max-bulk-len, or 16 KiB before authentication.
    int64_t bulk_length;
    /// Zero makes a count or length over its limit an "unauthenticated" error, else "invalid".
    int authenticated;
} crp_limits;

/// The state of a parser. Zero bytes are the initial state. The caller reads the first group
/// after a call and writes nothing.
typedef struct crp_parser {
    /// After CRP_COMPLETE, the length of the request in bytes. After CRP_NEED_MORE within an
    /// argument, where its bytes start. After CRP_FAILED, where the offending line or word starts.
    uint32_t position;
    /// Slices filled so far. After CRP_COMPLETE, the arguments: 0 for an empty request ("*0",
    /// "*-1", a blank line), which wants no reply.
    uint32_t count;
    /// Arguments announced by the request; for an inline request 0 until it is complete.
    uint32_t arguments;
    /// After CRP_NEED_MORE, at least so many bytes are missing: 1 where it is not known.
    uint32_t wanted;
    /// After CRP_FAILED, why.
    crp_error error;
    /// After CRP_FAILED with CRP_ERROR_UNEXPECTED, the byte that is there instead of '$'.
    uint8_t unexpected;

    uint8_t state;    ///< Private: what `position` points at.
    uint32_t scanned; ///< Private: bytes of the current line that have been looked at.
    uint32_t bulk;    ///< Private: length of the argument that starts at `position`.
} crp_parser;

/// Makes the parser ready for the next request.
static inline void crp_reset(crp_parser *parser) {
    *parser = (crp_parser){0};
}

/// Parses one request, or as much of it as there is.
///
/// `bytes` points at the first byte of the request, `length` bytes are there. When called again
/// for the same request the bytes may have moved but hold what they held, and `length` has not
/// shrunk; so do the slices, and `capacity`. `slices` may be NULL if `capacity` is 0. All three
/// belong to the caller and are not kept.
///
/// Header lines end at a '\r' and the byte after it, whatever that is, and the two bytes after an
/// argument are skipped, whatever they are: Redis does so, and clients exist that rely on it. The
/// numbers are strict: no '+', no leading zero, no "-0", nothing that overflows 64 bits.
///
/// An inline request ends at '\n'. As in Redis a zero byte in it hides the end of its line: such a
/// request never completes and fails when it is too big. Its words are separated by blanks (a
/// word also goes on over '\v' and '\f', which are blank only between words); "..." knows
/// \n \r \t \b \a \xHH and takes any other byte after a backslash for itself, '...' knows \'. A
/// closing quote must be followed by a blank or the end.
crp_status crp_parse(crp_parser *parser, const crp_limits *limits, uint8_t *bytes, size_t length,
                     crp_slice *slices, uint32_t capacity);

/// After CRP_NEED_MORE: the length in bytes of the argument that the bytes end in, or -1 if they
/// end elsewhere (in a header, an inline request, or when the argument is there to its last byte).
/// If it is not -1, bytes[position..<length] are the argument's first bytes and nothing else.
int64_t crp_pending_bulk(const crp_parser *parser);

/// Takes the pending argument (crp_pending_bulk is not -1) out of the stream, so that a huge one
/// can be received where it is to stay.
///
/// Records the slice {CRP_DETACHED, length} in `slices`, the array of the last crp_parse, and from
/// then on regards the stream as if the argument's bytes had never been in it: the byte at
/// `position`, which does not change, is the '\r' after the argument. The caller
///
///  1. copies bytes[position..<length] to the argument's own memory, before or after this call;
///  2. receives the rest of the argument, pending length - (length - position) bytes, there;
///  3. stores what comes after it at bytes + position, and calls crp_parse with
///     length = position + what it stored.
///
/// Slices before it stay valid; slices after it have offsets in the shortened stream.
void crp_detach_bulk(crp_parser *parser, crp_slice *slices);

/// The text of an error, a constant; "" for CRP_ERROR_NONE and for what is no error.
const char *crp_error_text(crp_error error);

#endif
