// SPDX-License-Identifier: BSD-3-Clause

// Fuzzes the request parser under one rule: however a stream is cut, it gives the same requests
// and the same error.
//
// The first byte of an input chooses the limits, the next two seed the random cuts, the rest is
// the stream. The stream is read whole, byte by byte, in random pieces, and in random pieces with
// large arguments detached; the four transcripts must be equal. A transcript lists every request
// (its arguments' lengths and bytes), the error that ended it, and how much it consumed.
//
// Between any two calls the request moves into a new block of exactly its size, and the slices
// into one of exactly their number, so that the address sanitizer sees a byte read too far and a
// pointer kept too long. Knows the parser's interface only.

#include "CRespParser.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Longer streams only make a byte-by-byte reading slow.
#define STREAM_MAX 4096

/// Arguments from this length on are detached by the reading that does so.
#define DETACH_LENGTH 3

/// How a stream is read.
typedef struct reading {
    const char *name;
    uint32_t piece_max; ///< The most bytes that arrive at once; 0: all of them.
    uint32_t slices;    ///< Slices at first.
    bool detach;
} reading;

static const reading readings[] = {
    {"whole", 0, 64, false},
    {"byte by byte", 1, 1, false},
    {"random pieces", 17, 0, false},
    {"random pieces, detached", 11, 1, true},
};

typedef struct bytes {
    uint8_t *data;
    size_t length;
} bytes;

/// One reading of a stream: what is there of the current request, and the transcript so far.
typedef struct reader {
    const reading *how;
    crp_limits limits;
    bytes stream;
    size_t arrived; ///< Bytes of the stream that have been received.
    uint32_t random;
    crp_parser parser;
    bytes request; ///< The current request, in a block of its own.
    crp_slice *slices;
    uint32_t capacity;
    bytes detached; ///< The detached arguments of the current request, one after the other.
    bytes transcript;
} reader;

static void check(bool condition, const char *why) {
    if (!condition) {
        fprintf(stderr, "resp_parser_fuzz: %s\n", why);
        abort();
    }
}

static uint32_t next_random(reader *reader) {
    // xorshift32; the seed is never zero.
    reader->random ^= reader->random << 13;
    reader->random ^= reader->random >> 17;
    reader->random ^= reader->random << 5;
    return reader->random;
}

/// Appends into a block of exactly the new size; what was there is gone from its old address.
static void append(bytes *to, const void *data, size_t length) {
    uint8_t *moved = malloc(to->length + length);
    check(moved != NULL || to->length + length == 0, "out of memory");
    if (to->length > 0) {
        memcpy(moved, to->data, to->length);
    }
    if (length > 0) {
        memcpy(moved + to->length, data, length);
    }
    free(to->data);
    *to = (bytes){moved, to->length + length};
}

/// Receives a piece of the stream and returns it: none at the end.
static bytes receive(reader *reader) {
    size_t length = reader->stream.length - reader->arrived;
    if (reader->how->piece_max > 0) {
        const size_t piece = 1 + next_random(reader) % reader->how->piece_max;
        length = length < piece ? length : piece;
    }
    bytes piece = {reader->stream.data + reader->arrived, length};
    reader->arrived += length;
    return piece;
}

static void grow_slices(reader *reader) {
    const uint32_t capacity = reader->capacity + 1 + reader->capacity / 2;
    crp_slice *grown = malloc(capacity * sizeof(crp_slice));
    check(grown != NULL, "out of memory");
    if (reader->parser.count > 0) {
        memcpy(grown, reader->slices, reader->parser.count * sizeof(crp_slice));
    }
    free(reader->slices);
    reader->slices = grown;
    reader->capacity = capacity;
}

/// Writes the complete request into the transcript, and makes what follows it the current one.
static void finish_request(reader *reader) {
    const crp_parser *parser = &reader->parser;
    check(parser->position > 0, "a request of no bytes");
    check(parser->position <= reader->request.length, "a request longer than what there is");
    append(&reader->transcript, &parser->count, sizeof parser->count);

    size_t taken = 0;
    for (uint32_t index = 0; index < parser->count; index++) {
        const crp_slice slice = reader->slices[index];
        append(&reader->transcript, &slice.length, sizeof slice.length);
        if (slice.offset == CRP_DETACHED) {
            append(&reader->transcript, reader->detached.data + taken, slice.length);
            taken += slice.length;
        } else {
            check((size_t)slice.offset + slice.length <= parser->position, "a slice outside");
            append(&reader->transcript, reader->request.data + slice.offset, slice.length);
        }
    }
    check(taken == reader->detached.length, "a detached argument without a slice");
    free(reader->detached.data);
    reader->detached = (bytes){0};

    bytes rest = {0};
    append(&rest, reader->request.data + parser->position,
           reader->request.length - parser->position);
    free(reader->request.data);
    reader->request = rest;
    crp_reset(&reader->parser);
}

/// Takes the pending argument out of the stream. False if the stream ends in it.
static bool detach(reader *reader, size_t pending) {
    const size_t position = reader->parser.position;
    size_t there = reader->request.length - position;
    check(there < pending, "a pending argument that is complete");

    append(&reader->detached, reader->request.data + position, there);
    crp_detach_bulk(&reader->parser, reader->slices);
    check(reader->parser.position == position, "detaching moved the position");
    bytes kept = {0};
    append(&kept, reader->request.data, position);
    free(reader->request.data);
    reader->request = kept;

    while (there < pending) {
        const bytes piece = receive(reader);
        if (piece.length == 0) {
            return false;
        }
        const size_t left = pending - there;
        const size_t mine = piece.length < left ? piece.length : left;
        append(&reader->detached, piece.data, mine);
        append(&reader->request, piece.data + mine, piece.length - mine);
        there += mine;
    }
    return true;
}

/// Receives more, or detaches. False at the end of the stream.
static bool feed(reader *reader) {
    const crp_parser *parser = &reader->parser;
    check(parser->wanted > 0, "more is needed, but nothing is wanted");
    check(parser->position <= reader->request.length, "parsed more than there is");
    const int64_t pending = crp_pending_bulk(parser);
    if (reader->how->detach && pending >= DETACH_LENGTH) {
        return detach(reader, (size_t)pending);
    }
    const bytes piece = receive(reader);
    append(&reader->request, piece.data, piece.length);
    return piece.length > 0;
}

/// Reads the whole stream; its transcript is the caller's to free.
static bytes read_stream(const reading *how, const crp_limits *limits, bytes stream,
                         uint32_t seed) {
    reader reader = {.how = how, .limits = *limits, .stream = stream, .random = seed | 1};
    if (how->slices > 0) {
        reader.slices = malloc(how->slices * sizeof(crp_slice));
        check(reader.slices != NULL, "out of memory");
        reader.capacity = how->slices;
    }
    size_t requests = 0;
    for (bool more = true; more;) {
        switch (crp_parse(&reader.parser, &reader.limits, reader.request.data,
                          reader.request.length, reader.slices, reader.capacity)) {
        case CRP_COMPLETE:
            finish_request(&reader);
            requests++;
            break;
        case CRP_NEED_MORE:
            more = feed(&reader);
            break;
        case CRP_NEED_SLICES:
            check(reader.parser.count == reader.capacity, "slices wanted, but there are some");
            grow_slices(&reader);
            break;
        case CRP_FAILED:
            check(crp_error_text(reader.parser.error)[0] != 0, "an error without a text");
            append(&reader.transcript, &reader.parser.error, sizeof reader.parser.error);
            append(&reader.transcript, &reader.parser.unexpected, 1);
            more = false;
            break;
        }
    }
    append(&reader.transcript, &requests, sizeof requests);
    free(reader.request.data);
    free(reader.detached.data);
    free(reader.slices);
    return reader.transcript;
}

/// Small limits in most inputs, so that short streams pass them.
static crp_limits choose_limits(uint8_t choice) {
    static const uint32_t lines[] = {64 * 1024, 0, 3, 5, 7, 8, 9, 24};
    static const int64_t counts[] = {INT32_MAX, 10, 2, 0};
    static const int64_t lengths[] = {512 << 20, 98, 99, 4};
    return (crp_limits){
        .inline_length = lines[choice & 7],
        .multibulk_count = counts[choice >> 3 & 3],
        .bulk_length = lengths[choice >> 5 & 3],
        .authenticated = choice >> 7,
    };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 3 || size > STREAM_MAX) {
        return 0;
    }
    const crp_limits limits = choose_limits(data[0]);
    const uint32_t seed = (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8;
    bytes stream = {0};
    append(&stream, data + 3, size - 3);

    const bytes expected = read_stream(&readings[0], &limits, stream, seed);
    for (size_t index = 1; index < sizeof readings / sizeof readings[0]; index++) {
        const bytes actual = read_stream(&readings[index], &limits, stream, seed);
        const bool equal = actual.length == expected.length &&
                           memcmp(actual.data, expected.data, expected.length) == 0;
        if (!equal) {
            fprintf(stderr, "resp_parser_fuzz: %s gives other requests\n", readings[index].name);
            abort();
        }
        free(actual.data);
    }
    free(expected.data);
    free(stream.data);
    return 0;
}
