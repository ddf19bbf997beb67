// SPDX-License-Identifier: BSD-3-Clause
//
// Hashes of a dump, with deadlines of their fields and without.
//
//     timed            minimum : 64 | count | { deadline, field, value }
//                      the deadline is a number: 0 for none, else how far it is from the minimum,
//                      and one
//     timed listpack   minimum : 64 | listpack of fields, values and deadlines (0 for none)
//     early forms      the same without the minimum, deadlines as they are
//     Valkey           count | { field, value, deadline : 64 }, -1 for none
//
// All deadlines are milliseconds since 1970. Redis keeps them in 46 bits, and so do its dumps.

extension RDBReader where Source: ~Copyable {
    mutating func plainHash<Sink: RDBValueSink & ~Copyable>(
        _ sink: inout Sink
    ) throws(RDBDefect) {
        var left = try number()
        while left > 0 {
            beginElement()
            try pair(deadline: nil, &sink)
            left -= 1
        }
    }

    mutating func timedHash<Sink: RDBValueSink & ~Copyable>(
        _ type: UInt8, _ sink: inout Sink
    ) throws(RDBDefect) {
        let minimum = type == RDBValueType.hashTimed ? try minimalDeadline() : 0
        var left = try number()
        while left > 0 {
            beginElement()
            let distance = try number()
            var deadline: Int64?
            if distance > 0 {
                guard distance <= UInt64(RDBFieldDeadline.maximum) else {
                    throw .damaged(.fieldDeadline)
                }
                let isAbsolute = type == RDBValueType.hashEarlyTimed
                deadline = isAbsolute ? Int64(distance) : minimum + Int64(distance) - 1
            }
            try pair(deadline: try checked(deadline), &sink)
            left -= 1
        }
    }

    mutating func valkeyHash<Sink: RDBValueSink & ~Copyable>(
        _ sink: inout Sink
    ) throws(RDBDefect) {
        var left = try number()
        while left > 0 {
            beginElement()
            let field = try text(in: .key)
            let value = try text(in: .value)
            let time = try cursor.littleEndian(Int64.self)
            guard time >= -1 else { throw .damaged(.fieldDeadline) }
            try insert(field, value, deadline: time == -1 ? nil : time, &sink)
            left -= 1
        }
    }

    private mutating func pair<Sink: RDBValueSink & ~Copyable>(
        deadline: Int64?, _ sink: inout Sink
    ) throws(RDBDefect) {
        let field = try text(in: .key)
        let value = try text(in: .value)
        try insert(field, value, deadline: deadline, &sink)
    }

    @inline(__always)
    private func insert<Sink: RDBValueSink & ~Copyable>(
        _ field: RDBText, _ value: RDBText, deadline: Int64?, _ sink: inout Sink
    ) throws(RDBDefect) {
        let isNew = sink.insert(
            field: view(field, in: .key), value: view(value, in: .value), deadline: deadline)
        guard isNew else { throw .damaged(.duplicateField) }
    }

    private mutating func minimalDeadline() throws(RDBDefect) -> Int64 {
        let minimum = try cursor.littleEndian(Int64.self)
        // One more than the greatest says that no field has a deadline any more.
        guard minimum >= 0, minimum <= RDBFieldDeadline.maximum + 1 else {
            throw .damaged(.fieldDeadline)
        }
        return minimum
    }

    private func checked(_ deadline: Int64?) throws(RDBDefect) -> Int64? {
        guard let deadline else { return nil }
        guard deadline >= 0, deadline <= RDBFieldDeadline.maximum else {
            throw .damaged(.fieldDeadline)
        }
        return deadline
    }

    // MARK: - Blobs

    mutating func hash<Blob: RDBBlob, Sink: RDBValueSink & ~Copyable>(
        _ form: Blob.Type, _ sink: inout Sink
    ) throws(RDBDefect) {
        let whole = try text(in: .value)
        var blob = try Blob(view(whole, in: .value))
        while let field = try blob.next() {
            guard let value = try blob.next() else { throw .damaged(.oddElements) }
            let isNew = sink.insert(
                field: try text(of: field, in: .key), value: try text(of: value, in: .value),
                deadline: nil)
            guard isNew else { throw .damaged(.duplicateField) }
        }
    }

    mutating func zipmap<Sink: RDBValueSink & ~Copyable>(
        _ sink: inout Sink
    ) throws(RDBDefect) {
        let whole = try text(in: .value)
        var blob = try RDBZipmap(view(whole, in: .value))
        while let (field, value) = try blob.next() {
            guard sink.insert(field: field, value: value, deadline: nil) else {
                throw .damaged(.duplicateField)
            }
        }
    }

    mutating func timedListpack<Sink: RDBValueSink & ~Copyable>(
        _ type: UInt8, _ sink: inout Sink
    ) throws(RDBDefect) {
        if type == RDBValueType.hashTimedListpack { _ = try minimalDeadline() }
        let whole = try text(in: .value)
        var blob = try RDBListpack(view(whole, in: .value))
        while let field = try blob.next() {
            guard let value = try blob.next(), let time = try blob.next() else {
                throw .damaged(.oddElements)
            }
            guard case .integer(let deadline) = time else { throw .damaged(.fieldDeadline) }
            let isNew = sink.insert(
                field: try text(of: field, in: .key), value: try text(of: value, in: .value),
                deadline: deadline == 0 ? nil : try checked(deadline))
            guard isNew else { throw .damaged(.duplicateField) }
        }
    }
}
