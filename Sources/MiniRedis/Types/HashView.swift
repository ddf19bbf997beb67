// SPDX-License-Identifier: BSD-3-Clause
//
// A hash as its readers see it: any thread, as long as a snapshot sees its block. Only `count`,
// `nextDeadline` and what is drawn read the tree of deadlines: they are the loop's.

/// The fields of a hash that are not due.
///
/// Ownership: owns nothing; valid, as what it gives out, until the hash is changed.
struct HashView {
    let base: UnsafeRawPointer
    /// Fields that die at this time or earlier are not seen; `Int64.min`: all are.
    let now: Int64

    @inline(__always)
    init(_ base: UnsafeRawPointer, now: Int64 = .min) {
        self.base = base
        self.now = now
    }

    var isRoot: Bool { @inline(__always) get { CollectionHeader(base).isRoot } }
    var isTimed: Bool {
        @inline(__always) get { CollectionHeader(base).traits & HashTraits.timed != 0 }
    }
    /// Items of a packed field.
    var stride: Int { @inline(__always) get { isTimed ? 3 : 2 } }
    var packed: PackedView { @inline(__always) get { PackedView(base) } }
    var root: HashTable { @inline(__always) get { HashTable(base) } }

    /// The fields, those that are due included.
    var totalCount: Int {
        @inline(__always) get { isRoot ? CollectionHeader(base).count : packed.count / stride }
    }

    /// The fields that are not due.
    var count: Int { @inline(__always) get { isTimed ? timedCount : totalCount } }

    private var timedCount: Int {
        if isRoot {
            let now = now
            let due = root.deadlines.view.lowerBound { FieldDeadline($0).deadline <= now }
            return totalCount - due.weightBefore
        }
        var count = 0
        forEach { _, _, _ in count += 1 }
        return count
    }

    /// When the next field dies, due or not, or nil.
    var nextDeadline: Int64? {
        guard isTimed else { return nil }
        if isRoot {
            let first = root.deadlines.view.first()
            return first.isAtEnd ? nil : FieldDeadline(first.record).deadline
        }
        var next: Int64?
        var at = packed.first
        while at < packed.end {
            if let deadline = deadline(ofPacked: at) { next = min(next ?? .max, deadline) }
            at = packed.advance(at, by: 3)
        }
        return next
    }

    // MARK: - One field

    /// The value of a field, or nil. Bytes lie in the hash.
    @inline(__always)
    func value(of field: ByteView) -> PackedPayload? {
        if isRoot {
            guard let element = element(field) else { return nil }
            return .bytes(HashElement.value(of: element))
        }
        guard let at = cursor(of: field) else { return nil }
        return packed.payload(at: packed.next(at))
    }

    /// The deadline of a field; nil if there is no such field, `.some(nil)` if it has none.
    func deadline(of field: ByteView) -> Int64?? {
        if isRoot { return element(field).map { HashElement.deadline(of: $0) } }
        return cursor(of: field).map { deadline(ofPacked: $0) }
    }

    @inline(__always)
    func contains(_ field: ByteView) -> Bool {
        isRoot ? element(field) != nil : cursor(of: field) != nil
    }

    /// The element of a field of a root.
    @inline(__always)
    private func element(_ field: ByteView) -> UnsafeMutableRawPointer? {
        let hash = root.table.pointee.hasher.hash(field)
        guard let slot = root.table.pointee.find(hash, field) else { return nil }
        return isTimed && isDue(slot.entry) ? nil : slot.entry
    }

    /// Where a field of a packed hash is.
    @inline(__always)
    private func cursor(of field: ByteView) -> Int? {
        guard let at = packed.find(PackedItem(field), step: stride) else { return nil }
        return isTimed && isDue(packed: at) ? nil : at
    }

    // MARK: - Deadlines

    /// The deadline of the packed field at `cursor`.
    func deadline(ofPacked cursor: Int) -> Int64? {
        guard isTimed, let deadline = packed.integer(at: packed.advance(cursor, by: 2)),
            deadline != 0
        else { return nil }
        return deadline
    }

    func isDue(packed cursor: Int) -> Bool { (deadline(ofPacked: cursor) ?? .max) <= now }

    func isDue(_ element: UnsafeMutableRawPointer) -> Bool {
        (HashElement.deadline(of: element) ?? .max) <= now
    }

    // MARK: - All fields

    /// Calls `body` with each field, its value and its deadline, in no order.
    @inline(__always)
    func forEach(_ body: (ByteView, ByteView, Int64?) -> Void) {
        forEachWhile { field, value, deadline in
            body(field, value, deadline)
            return true
        }
    }

    /// Calls `body` with each field, its value and its deadline until it returns false.
    @inline(__always)
    func forEachWhile(_ body: (ByteView, ByteView, Int64?) -> Bool) {
        guard !isRoot else {
            let isTimed = isTimed
            return root.forEachWhile { element in
                if isTimed && isDue(element) { return true }
                return body(
                    HashElement.key(of: element), HashElement.value(of: element),
                    HashElement.deadline(of: element))
            }
        }
        forEachPacked { at in
            packed.withText(at: at) { field in
                packed.withText(at: packed.next(at)) { value in
                    body(field, value, deadline(ofPacked: at))
                }
            }
        }
    }

    /// Calls `body` with the place of each packed field until it returns false.
    @inline(__always)
    private func forEachPacked(_ body: (Int) -> Bool) {
        let (isTimed, stride) = (isTimed, stride)
        var at = packed.first
        while at < packed.end {
            if !(isTimed && isDue(packed: at)) {
                guard body(at) else { return }
            }
            at = packed.advance(at, by: stride)
        }
    }
}

// MARK: - Fields by chance

extension HashView {
    /// How often a field is drawn again that is due, before all are walked through.
    private static let drawsOfDueFields = 64

    /// Calls `body` with a field drawn evenly from all and its value; not if there is none.
    func withRandomField(_ random: inout RandomSource, _ body: (ByteView, ByteView) -> Void) {
        if isRoot {
            for _ in 0..<Self.drawsOfDueFields {
                guard let slot = root.table.pointee.randomSlot(&random) else { return }
                if isTimed && isDue(slot.entry) { continue }
                return body(HashElement.key(of: slot.entry), HashElement.value(of: slot.entry))
            }
        } else if !isTimed {
            let at = packed.cursor(at: 2 * Int(random.below(UInt64(totalCount))))
            return packed.withText(at: at) { field in
                packed.withText(at: packed.next(at)) { body(field, $0) }
            }
        }
        sample(1, &random, body)
    }

    /// Calls `body` with `wanted` different fields and their values, or all if there are no more;
    /// every choice of so many is as likely as any other. See `SetView.sample`.
    func sample(
        _ wanted: Int, _ random: inout RandomSource, _ body: (ByteView, ByteView) -> Void
    ) {
        let all = count
        guard isRoot && wanted < all / 3 && all > totalCount / 2 else {
            var (left, needed) = (all, min(wanted, all))
            guard needed > 0 else { return }
            return forEachWhile { field, value, _ in
                if Int(random.below(UInt64(left))) < needed {
                    body(field, value)
                    needed -= 1
                }
                left -= 1
                return needed > 0
            }
        }
        var drawn = AddressSet(capacity: wanted)
        while drawn.count < wanted {
            guard let slot = root.table.pointee.randomSlot(&random) else { return }
            if isTimed && isDue(slot.entry) { continue }
            if drawn.insert(slot.entry) {
                body(HashElement.key(of: slot.entry), HashElement.value(of: slot.entry))
            }
        }
    }
}
