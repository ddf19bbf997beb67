// SPDX-License-Identifier: BSD-3-Clause
//
// Reads a dump, item by item: the caller pulls, and does with the items what it likes.
//
// The dump is not trusted. Every length is checked against what is there, nothing is allocated by a
// claim (see RDBCursor.swift and RDBReader+Strings.swift), and whatever cannot be loaded is an
// error that names it: an item is never left out silently, but for the hints and the functions that
// are reported as what they are.
//
// A collection comes in two steps: its key as an item, then `readValue` gives its elements to a
// sink one by one, so that no value is ever in memory as a whole. A caller that does not want it
// goes on: the value is then checked and passed over.
//
// Items arrive before the checksum at the end is known. A caller that cannot take half a dump waits
// for `.end` before it believes any of it. The numbers in `.resize` are claims too: never allocate
// by them alone.

import Glibc

/// A part of a dump. Views are valid until the next call of `next()`.
enum RDBItem {
    /// A field about the dump; unknown ones are to be ignored.
    case auxiliary(key: ByteView, value: ByteView)
    /// The following keys are in this database. Its number is as large as the dump says.
    case selectDatabase(Int)
    /// How many keys and keys with deadlines the database held: a hint.
    case resize(keys: Int, expires: Int)
    /// A key with a string; `deadline` in milliseconds since 1970, possibly long ago.
    case string(key: ByteView, value: StringPayload, deadline: Int64?, access: KeyUse?)
    /// A key with a collection, whose elements `readValue` gives. The key is valid until the next
    /// call of `next()`.
    case collection(key: ByteView, type: ValueType, deadline: Int64?, access: KeyUse?)
    /// A library of functions, as the server that wrote it keeps it.
    case function(ByteView)
    /// Data of a module, by its identifier in the format, passed over; without a key they are the
    /// module's own. Only if the options say so.
    case module(key: ByteView?, id: UInt64)
    /// The dump is complete, and its checksum right.
    case end
}

/// A value without a key.
enum RDBPayload {
    case string(StringPayload)
    case collection(ValueType)
}

/// What to accept.
struct RDBReaderOptions {
    /// Compare the checksum at the end (`rdbchecksum`).
    var verifyChecksum = true
    /// The longest string accepted, bytes; Redis's own limit unless `proto-max-bulk-len` is raised.
    var maximumStringBytes = 512 << 20
    /// Pass over data of modules, where else they are an error.
    var passesModules = false
}

struct RDBReader<Source: ByteSource & ~Copyable>: ~Copyable {
    var cursor: RDBCursor<Source>
    let options: RDBReaderOptions
    /// The version in the header, after the first item.
    private(set) var version = 0
    /// Whether the header is one of Valkey's own.
    private(set) var isValkey = false
    /// The dump says that it has no checksum, so that damage cannot be told. Known at `.end`; the
    /// log then says `checksumDisabledNotice`.
    private(set) var checksumWasDisabled = false
    /// The database of the item last read.
    private(set) var database = 0
    /// Where strings are expanded to: one at a time for a key and for a value.
    var keyScratch = StreamScratch()
    var valueScratch = StreamScratch()
    /// Where integers of blobs are written out.
    var keyDigits = StreamScratch()
    var valueDigits = StreamScratch()
    /// The key of the collection being read.
    private var name = StreamScratch()
    /// The key being read, for messages.
    private var currentKey = CurrentKey.none
    private var phase = Phase.header

    private enum CurrentKey {
        case none
        case item(RDBText)
        /// In `name`.
        case held(count: Int)
    }

    private enum Phase {
        case header
        case items
        /// The key of a collection of this type byte was given.
        case value(UInt8)
        case ended
        case failed(RDBError)
    }

    static var checksumDisabledNotice: String {
        "RDB file was saved with checksum disabled: no check performed."
    }

    /// Takes the source over.
    init(
        source: consuming Source, options: RDBReaderOptions = RDBReaderOptions()
    ) throws(RDBError) {
        self.options = options
        do throws(RDBDefect) {
            cursor = try RDBCursor(source, checksum: options.verifyChecksum)
        } catch {
            throw RDBError(defect: error, offset: 0, database: 0, key: nil)
        }
    }

    /// Reads one value without a dump around it, as `payload()` gives it, in the encodings of a
    /// version.
    init(
        payload source: consuming Source, version: Int, options: RDBReaderOptions
    ) throws(RDBError) {
        try self.init(source: source, options: options)
        self.version = version
        isValkey = RDBVersion.valkey.contains(version)
        phase = .items
    }

    /// The bytes of the stream that are used so far, for showing progress.
    var bytesRead: Int { cursor.offset }

    /// The next part of the dump. After `.end` always `.end`, after an error always that error.
    mutating func next() throws(RDBError) -> RDBItem {
        do throws(RDBDefect) {
            switch phase {
            case .items:
                return try item()
            case .value(let type):
                var nothing = RDBDiscardedValue()
                try decode(type, into: &nothing)
                phase = .items
                return try item()
            case .header:
                try header()
                phase = .items
                return try item()
            case .ended:
                return .end
            case .failed(let error):
                throw error.defect
            }
        } catch {
            throw fail(error)
        }
    }

    /// The value of a payload. A collection's elements are `readValue`'s.
    mutating func payload() throws(RDBError) -> RDBPayload {
        do throws(RDBDefect) {
            let type = try cursor.byte()
            if type == RDBValueType.string { return .string(try stringValue()) }
            guard let collection = Self.collectionType(type) else {
                throw RDBValueType.name(type) == nil ? .unknownType(type) : .unsupportedType(type)
            }
            phase = .value(type)
            return .collection(collection)
        } catch {
            throw fail(error)
        }
    }

    /// Gives the elements of the collection whose key was the last item to `sink`. After an error
    /// the sink has some of them.
    mutating func readValue<Sink: RDBValueSink & ~Copyable>(
        into sink: inout Sink
    ) throws(RDBError) {
        guard case .value(let type) = phase else {
            preconditionFailure("a value is read once, after its key")
        }
        do throws(RDBDefect) {
            try decode(type, into: &sink)
            phase = .items
        } catch {
            throw fail(error)
        }
    }

    private mutating func fail(_ defect: RDBDefect) -> RDBError {
        if case .failed(let error) = phase { return error }
        let key: String? =
            switch currentKey {
            case .none: nil
            case .item(let text): RDBError.quoted(view(text, in: .key))
            case .held(let count): RDBError.quoted(name.view(count))
            }
        let error = RDBError(defect: defect, offset: cursor.offset, database: database, key: key)
        phase = .failed(error)
        return error
    }

    // MARK: The header

    private mutating func header() throws(RDBDefect) {
        cursor.beginItem()
        let head = cursor.view(try cursor.place(RDBVersion.headerBytes))
        if head.prefix(6) == ByteView("VALKEY") {
            isValkey = true
            version = Self.number(head.suffix(from: 6))
        } else if head.prefix(5) == ByteView("REDIS") {
            version = Self.number(head.suffix(from: 5))
        } else {
            throw .wrongSignature
        }
        guard RDBVersion.redis.contains(version) || RDBVersion.valkey.contains(version) else {
            throw .unsupportedVersion(version)
        }
    }

    /// The digits at the beginning; zero if there are none.
    private static func number(_ digits: ByteView) -> Int {
        var value = 0
        for index in 0..<digits.count {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digits[index]) else { break }
            value = value * 10 + Int(digits[index] - UInt8(ascii: "0"))
        }
        return value
    }

    // MARK: Items

    private mutating func item() throws(RDBDefect) -> RDBItem {
        currentKey = .none
        beginElement()
        var deadline: Int64?
        var access: KeyUse?
        while true {
            let code = try cursor.byte()
            switch code {
            case RDBValueType.string:
                return try string(deadline: deadline, access: access)
            case RDBOpcode.expireTimeMilliseconds:
                // Minus one is how Redis says "never".
                let time = try cursor.littleEndian(Int64.self)
                deadline = time == -1 ? nil : time
            case RDBOpcode.expireTimeSeconds:
                deadline = Int64(try cursor.littleEndian(Int32.self)) * 1000
            case RDBOpcode.idle:
                access = .idle(seconds: try number())
            case RDBOpcode.frequency:
                access = .frequency(try cursor.byte())
            case RDBOpcode.slotInfo:
                for _ in 0..<3 { _ = try number() }
            default:
                guard let type = Self.collectionType(code) else { return try rareItem(code) }
                let key = try beginCollection(code)
                return .collection(key: key, type: type, deadline: deadline, access: access)
            }
        }
    }

    /// Reads the key of a collection, which is kept until its value is read.
    private mutating func beginCollection(_ type: UInt8) throws(RDBDefect) -> ByteView {
        let key = view(try text(in: .key), in: .key)
        name.trim()
        guard name.hold(key) else { throw .outOfMemory }
        currentKey = .held(count: key.count)
        phase = .value(type)
        return name.view(key.count)
    }

    /// What does not occur once per key.
    private mutating func rareItem(_ code: UInt8) throws(RDBDefect) -> RDBItem {
        switch code {
        case RDBOpcode.selectDatabase:
            database = try size()
            return .selectDatabase(database)
        case RDBOpcode.resizeDatabase:
            return .resize(keys: try size(), expires: try size())
        case RDBOpcode.auxiliary:
            let key = try text(in: .key)
            let value = try text(in: .value)
            return .auxiliary(key: view(key, in: .key), value: view(value, in: .value))
        case RDBOpcode.function2:
            let library = try text(in: .value)
            return .function(view(library, in: .value))
        case RDBOpcode.endOfFile:
            try verifyEnd()
            phase = .ended
            return .end
        case RDBOpcode.moduleAuxiliary:
            let id = try number()
            guard options.passesModules else { throw .moduleAuxiliary(id) }
            // When it was saved, as a number of a module's: its kind, then the number.
            _ = try number()
            _ = try number()
            try skipModule()
            return .module(key: nil, id: id)
        case RDBValueType.module where options.passesModules:
            let key = try text(in: .key)
            currentKey = .item(key)
            name.trim()
            guard name.hold(view(key, in: .key)) else { throw .outOfMemory }
            let count = view(key, in: .key).count
            currentKey = .held(count: count)
            let id = try number()
            try skipModule()
            return .module(key: name.view(count), id: id)
        case RDBOpcode.functionPreRelease, RDBOpcode.keyMetadataOrSlotImport:
            throw .unsupportedOpcode(code)
        default:
            throw try refusal(of: code)
        }
    }

    private mutating func string(
        deadline: Int64?, access: KeyUse?
    ) throws(RDBDefect) -> RDBItem {
        let key = try text(in: .key)
        currentKey = .item(key)
        let value = try stringValue()
        // Only now: the value may have moved the window.
        return .string(key: view(key, in: .key), value: value, deadline: deadline, access: access)
    }

    private mutating func stringValue() throws(RDBDefect) -> StringPayload {
        switch try string(in: .value) {
        case .text(let text): .bytes(view(text, in: .value))
        case .integer(let integer): .integer(integer)
        }
    }

    /// Why a value of this type is not loaded, its key told.
    private mutating func refusal(of type: UInt8) throws(RDBDefect) -> RDBDefect {
        guard RDBValueType.name(type) != nil else { return .unknownType(type) }
        currentKey = .item(try text(in: .key))
        if type == RDBValueType.module { return .moduleValue(try number()) }
        return .unsupportedType(type)
    }

    /// Passes over what a module saved: { kind, what it is } until the kind is 0.
    private mutating func skipModule() throws(RDBDefect) {
        while true {
            switch try number() {
            case 0: return
            case 1, 2: _ = try number()
            case 3: _ = try cursor.littleEndian(UInt32.self)
            case 4: _ = try cursor.littleEndian(UInt64.self)
            case 5: _ = try skipString()
            case let kind: throw .numberTooLarge(kind)
            }
        }
    }

    private mutating func verifyEnd() throws(RDBDefect) {
        let computed = cursor.checksum()
        guard version >= RDBVersion.firstWithChecksum else {
            return try refuseDisguise(computed)
        }
        let stored = try cursor.littleEndian(UInt64.self)
        checksumWasDisabled = stored == 0
        if options.verifyChecksum, stored != 0, stored != computed {
            throw .wrongChecksum(computed: computed, stored: stored)
        }
    }

    /// One damaged digit can make a version without a checksum out of one with it. Such a dump is
    /// told by eight bytes after its end that are the checksum under another version.
    ///
    /// Checksums are linear: the difference that another header makes is the checksum of the
    /// difference of the headers, followed by as many zeros as there are bytes.
    private mutating func refuseDisguise(_ computed: UInt64) throws(RDBDefect) {
        let bodyBytes = cursor.offset - RDBVersion.headerBytes
        guard options.verifyChecksum, let stored = try? cursor.littleEndian(UInt64.self) else {
            return
        }
        for other in RDBVersion.firstWithChecksum...RDBVersion.redis.upperBound {
            var difference = CRC64()
            for (digit, otherDigit) in [(0, other / 10), (version, other % 10)] {
                var changed = UInt8(digit ^ otherDigit)
                difference.update(&changed, count: 1)
            }
            difference.updateZeros(bodyBytes)
            guard difference.value ^ computed != stored else {
                throw .wrongChecksum(computed: computed, stored: stored)
            }
        }
    }
}

extension CRC64 {
    /// Takes `count` bytes that are zero.
    fileprivate mutating func updateZeros(_ count: Int) {
        var zeros: UInt64 = 0
        for _ in 0..<count / 8 { update(&zeros, count: 8) }
        update(&zeros, count: count % 8)
    }
}
