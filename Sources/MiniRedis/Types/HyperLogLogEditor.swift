// SPDX-License-Identifier: BSD-3-Clause
//
// A HyperLogLog that is changed, register by register, in memory that has room for it to grow. The
// bytes it leaves are those that Redis would leave: opcodes are split, and neighbours of one value
// joined, by the same rules, and the dense form begins at the same length. See HyperLogLog.

struct HyperLogLogEditor {
    enum Outcome {
        case unchanged, changed, corrupted
    }

    private let room: BitString
    private let bytes: UnsafeMutablePointer<UInt8>
    private(set) var count: Int
    /// hll-sparse-max-bytes: a sparse string does not grow beyond it.
    private let sparseLimit: Int

    /// Changes the `count` bytes at the start of `room`, a HyperLogLog. The room is the caller's;
    /// it has `HyperLogLog.denseBytes` at least, and three bytes more than `count` for each
    /// register that is going to be set.
    init(_ room: BitString, count: Int, sparseLimit: Int) {
        self.room = room
        self.count = count
        self.sparseLimit = sparseLimit
        bytes = room.bytes
    }

    /// An empty one, sparse, in `room`.
    init(emptyIn room: BitString, sparseLimit: Int) {
        self.init(room, count: HyperLogLog.headerBytes + 2, sparseLimit: sparseLimit)
        for index in 0..<HyperLogLog.headerBytes { bytes[index] = 0 }
        for (index, letter) in "HYLL".utf8.enumerated() { bytes[index] = letter }
        bytes[4] = 1
        // 16384 zeros.
        bytes[HyperLogLog.headerBytes] = 0x7F
        bytes[HyperLogLog.headerBytes + 1] = 0xFF
    }

    var view: ByteView { room.view.prefix(count) }

    private var isDense: Bool { bytes[4] == 0 }

    /// Says that the estimate in the header is none any more.
    func forgetCount() {
        bytes[15] |= 0x80
    }

    /// Puts an estimate into the header.
    static func remember(_ estimate: UInt64, in header: BitString) {
        for index in 0..<8 {
            header.bytes[8 + index] = UInt8(truncatingIfNeeded: estimate >> UInt64(8 * index))
        }
    }

    /// Raises a register to `value`, which is not zero.
    mutating func raise(_ index: Int, to value: UInt8) -> Outcome {
        isDense ? raiseDense(index, value) : raiseSparse(index, value)
    }

    // MARK: - Dense

    private func raiseDense(_ index: Int, _ value: UInt8) -> Outcome {
        let bit = index * 6
        let at = HyperLogLog.headerBytes + bit / 8
        let shift = UInt16(bit & 7)
        // The last register ends with the last byte: it needs no second one.
        let isLast = at + 1 >= count
        let pair = UInt16(bytes[at]) | (isLast ? 0 : UInt16(bytes[at + 1]) << 8)
        guard pair >> shift & 63 < UInt16(value) else { return .unchanged }
        let changed = pair & ~(63 << shift) | UInt16(value & 63) << shift
        bytes[at] = UInt8(truncatingIfNeeded: changed)
        if !isLast { bytes[at + 1] = UInt8(truncatingIfNeeded: changed >> 8) }
        return .changed
    }

    /// Makes the dense form of the sparse one. False, and nothing has happened, if it is corrupted.
    mutating func makeDense() -> Bool {
        guard !isDense else { return true }
        guard let old = HyperLogLogView(view) else { return false }
        let isWhole = withUnsafeTemporaryAllocation(
            of: UInt8.self, capacity: HyperLogLog.registers
        ) { registers in
            registers.initialize(repeating: 0)
            guard old.merge(into: registers) else { return false }
            bytes[4] = 0
            var index = 0
            for at in stride(from: HyperLogLog.headerBytes, to: HyperLogLog.denseBytes, by: 3) {
                let (a, b) = (registers[index], registers[index + 1])
                let (c, d) = (registers[index + 2], registers[index + 3])
                bytes[at] = a | b << 6
                bytes[at + 1] = b >> 2 | c << 4
                bytes[at + 2] = c >> 4 | d << 2
                index += 4
            }
            return true
        }
        if isWhole { count = HyperLogLog.denseBytes }
        return isWhole
    }

    // MARK: - Sparse

    private mutating func raiseSparse(_ index: Int, _ value: UInt8) -> Outcome {
        guard Int(value) <= HyperLogLog.largestSparseValue else {
            return raisePromoted(index, value)
        }
        var (at, first) = (HyperLogLog.headerBytes, 0)
        var previous = at
        let view = view
        while at < count {
            guard let run = SparseRun(view, at: at) else { return .corrupted }
            if index < first + run.length {
                if run.value >= value { return .unchanged }
                return replace(run, at: at, skip: index - first, value, previous, index)
            }
            previous = at
            at += run.byteCount
            first += run.length
        }
        return .corrupted
    }

    /// Puts `value` into the register that is `skip` behind the start of the run at `at`;
    /// `previous` is where the opcode before it begins, `index` the register's number.
    private mutating func replace(
        _ run: SparseRun, at: Int, skip: Int, _ value: UInt8, _ previous: Int, _ index: Int
    ) -> Outcome {
        if run.length == 1 && run.byteCount == 1 {
            bytes[at] = Self.opcode(value, 1)
            joinNeighbours(from: previous)
            return .changed
        }
        // At most XZERO, VAL, XZERO.
        let rest = run.length - skip - 1
        let sizes = Self.byteCount(run.value, skip) + 1 + Self.byteCount(run.value, rest)
        let growth = sizes - run.byteCount
        if growth > 0 && count + growth > sparseLimit { return raisePromoted(index, value) }
        guard count + growth <= room.count else { return .corrupted }
        move(from: at + run.byteCount, by: growth)
        var end = at
        end = write(run.value, skip, at: end)
        end = write(value, 1, at: end)
        end = write(run.value, rest, at: end)
        joinNeighbours(from: previous)
        return .changed
    }

    private mutating func raisePromoted(_ index: Int, _ value: UInt8) -> Outcome {
        makeDense() ? raiseDense(index, value) : .corrupted
    }

    private static func opcode(_ value: UInt8, _ length: Int) -> UInt8 {
        0x80 | (value &- 1) << 2 | UInt8(truncatingIfNeeded: length &- 1)
    }

    /// The bytes of the opcode of so many registers, which may be none.
    private static func byteCount(_ value: UInt8, _ length: Int) -> Int {
        if length == 0 { return 0 }
        return value == 0 && length > SparseRun.longestShortZero ? 2 : 1
    }

    /// Writes an opcode and returns where it ends.
    private func write(_ value: UInt8, _ length: Int, at offset: Int) -> Int {
        let size = Self.byteCount(value, length)
        let low = UInt8(truncatingIfNeeded: length &- 1)
        if value > 0 && size == 1 {
            bytes[offset] = Self.opcode(value, length)
        } else if size == 1 {
            bytes[offset] = low
        } else if size == 2 {
            bytes[offset] = 0x40 | UInt8(truncatingIfNeeded: (length &- 1) >> 8) & 0x3F
            bytes[offset + 1] = low
        }
        return offset + size
    }

    /// Moves the bytes from `start` to the end.
    private mutating func move(from start: Int, by distance: Int) {
        guard distance != 0 else { return }
        (bytes + start + distance).update(from: bytes + start, count: count - start)
        count += distance
    }

    /// Joins equal values next to each other, in the five opcodes from `start` on, as far as one
    /// opcode can hold them.
    private mutating func joinNeighbours(from start: Int) {
        var at = start
        for _ in 0..<5 where at < count {
            guard let run = SparseRun(view, at: at) else { return }
            if run.value > 0, at + 1 < count, let next = SparseRun(view, at: at + 1),
                next.value == run.value, run.length + next.length <= SparseRun.longestValue
            {
                bytes[at + 1] = Self.opcode(run.value, run.length + next.length)
                move(from: at + 1, by: -1)
            } else {
                at += run.byteCount
            }
        }
    }
}
