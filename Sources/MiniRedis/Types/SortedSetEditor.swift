// SPDX-License-Identifier: BSD-3-Clause
//
// A sorted set as it is changed: a score set, a member taken out, a range of ranks taken out; and
// the way from a packed block to a root.

/// The sorted set at a place, to be edited. Reading is `SortedSetView`'s.
///
/// Ownership: whoever holds the place owns the set; after every edit its block may be elsewhere.
/// Members that are given to it lie outside of the set.
struct SortedSetEditor {
    /// What an edit did.
    enum Outcome {
        case added, changed, unchanged
    }

    let place: BlockPlace
    let limits: EncodingLimits

    @inline(__always)
    init(_ place: BlockPlace, _ limits: EncodingLimits) {
        self.place = place
        self.limits = limits
    }

    @inline(__always)
    var view: SortedSetView { SortedSetView(place.base) }

    /// The root, writable.
    @inline(__always)
    private var writableRoot: SortedSetTable {
        SortedSetTable(place.writable(bytes: SortedSetValue.rootBytes))
    }

    // MARK: - One member

    /// Gives a member this score, adding it if need be.
    @inline(__always)
    @discardableResult
    func set(_ member: ByteView, _ score: Double) -> Outcome {
        update(member) { _ in score }
    }

    /// Gives a member the score that `decide` makes of its present one (nil if it is not there), or
    /// leaves all as it is if that is nil. If `decide` throws nothing is changed.
    @inline(__always)
    func update<Failure: Error>(
        _ member: ByteView, _ decide: (Double?) throws(Failure) -> Double?
    ) throws(Failure) -> Outcome {
        guard CollectionHeader(place.base).isRoot else {
            return try updatePacked(member, decide)
        }
        let hash = place.memory.pointee.hasher.hash(member)
        let root = SortedSetTable(place.base)
        guard let slot = root.table.pointee.find(hash, member) else {
            guard let score = try decide(nil) else { return .unchanged }
            noteNew(member.count)
            insert(member, score, hash)
            return .added
        }
        let old = SortedSetElement.score(of: slot.entry)
        guard let score = try decide(old), score != old else { return .unchanged }
        move(slot, hash, from: old, to: score)
        return .changed
    }

    /// Takes a member out; whether it was there.
    func remove(_ member: ByteView) -> Bool {
        guard CollectionHeader(place.base).isRoot else {
            guard let at = PackedView(place.base).find(PackedItem(member), step: 2) else {
                return false
            }
            PackedBlock(place).remove(at: at, count: 2)
            return true
        }
        let hash = place.memory.pointee.hasher.hash(member)
        guard let slot = SortedSetTable(place.base).table.pointee.find(hash, member) else {
            return false
        }
        let root = writableRoot
        var cursor = view.place(of: member, SortedSetElement.score(of: slot.entry))
        root.tree.remove(&cursor)
        root.remove(slot, hash: hash)
        return true
    }

    /// Takes the members of these ranks out; returns how many they were.
    @discardableResult
    func remove(ranks: Range<Int>) -> Int {
        guard !ranks.isEmpty else { return 0 }
        guard CollectionHeader(place.base).isRoot else {
            let view = PackedView(place.base)
            PackedBlock(place).remove(
                at: view.advance(view.first, by: ranks.lowerBound * 2), count: ranks.count * 2)
            return ranks.count
        }
        let root = writableRoot
        let hasher = place.memory.pointee.hasher
        return root.tree.remove(within: ranks) { record in
            let member = SortedSetRecord(record).member
            let hash = hasher.hash(member)
            guard let slot = root.table.pointee.find(hash, member) else {
                preconditionFailure("the tree and the table have the same members")
            }
            root.remove(slot, hash: hash)
        }
    }

    // MARK: - The root

    private func insert(_ member: ByteView, _ score: Double, _ hash: UInt64) {
        let root = writableRoot
        let element = SortedSetElement.make(member, score, place.heap)
        root.insert(element, hash: hash)
        var record = SortedSetRecord(score, element)
        root.tree.insert(&record)
    }

    /// Gives the element in `slot` another score.
    private func move(
        _ slot: TableSlot, _ hash: UInt64, from old: Double, to score: Double
    ) {
        let root = writableRoot
        var element = slot.entry
        let member = SortedSetElement.key(of: element)
        var cursor = view.place(of: member, old)
        if root.table.pointee.isPrivate(slot, hash: hash) {
            element.storeBytes(of: score, as: Double.self)
        } else {
            element = SortedSetElement.make(member, score, place.heap)
        }
        var record = SortedSetRecord(score, element)
        if staysBetween(cursor, record) {
            root.tree.replace(&cursor, with: &record)
        } else {
            root.tree.remove(&cursor)
            root.tree.insert(&record)
        }
        // Only now, for it retires the old element, which comparisons looked at.
        if element != slot.entry { root.replace(slot, hash: hash, with: element) }
    }

    /// Whether a record in the place of the cursor's keeps the order, as far as the leaf tells.
    @inline(__always)
    private func staysBetween(_ cursor: SortedSetTree.Cursor, _ record: SortedSetRecord) -> Bool {
        guard let before = cursor.record(ahead: -1), let after = cursor.record(ahead: 1) else {
            return false
        }
        let (low, high) = (SortedSetRecord(before), SortedSetRecord(after))
        // Equal scores would need a look at the members: then the record moves, if only in name.
        return low.key < record.key && record.key < high.key
    }

    // MARK: - The packed block

    @inline(__always)
    private func updatePacked<Failure: Error>(
        _ member: ByteView, _ decide: (Double?) throws(Failure) -> Double?
    ) throws(Failure) -> Outcome {
        let (view, item) = (PackedView(place.base), PackedItem(member))
        guard let at = view.find(item, step: 2) else {
            guard let score = try decide(nil) else { return .unchanged }
            noteNew(member.count)
            insertPacked(member, item, score)
            return .added
        }
        let old = view.double(at: view.next(at))
        guard let score = try decide(old), score != old else { return .unchanged }
        PackedBlock(place).remove(at: at, count: 2)
        insertPacked(member, item, score)
        return .changed
    }

    private func insertPacked(_ member: ByteView, _ item: PackedItem, _ score: Double) {
        let view = PackedView(place.base)
        let value = PackedItem(double: score)
        let bytes = view.byteCount + item.byteCount + value.byteCount
        guard PackedSize.holds(bytes: bytes, items: view.count + 2) else {
            spread()
            return insert(member, score, place.memory.pointee.hasher.hash(member))
        }
        var at = view.first
        while at < view.end {
            let next = view.next(at)
            let other = view.double(at: next)
            if other > score { break }
            if other == score, view.withText(at: at, { $0.compare(member) > 0 }) { break }
            at = view.next(next)
        }
        PackedBlock(place).insert(item, value, before: at)
    }

    /// Makes a root of a packed set.
    @inline(never)
    private func spread() {
        let old = place.base
        let root = SortedSetValue.createRoot(place.memory, traits: CollectionHeader(old).traits)
        SortedSetView(old).forEach { member, score in root.append(member, score) }
        PackedBlock.free(old, place.memory)
        place.base = root.base
    }

    // MARK: - Its name

    /// What a new member of so many bytes does to the encoding as OBJECT ENCODING names it.
    @inline(__always)
    private func noteNew(_ bytes: Int) {
        guard CollectionHeader(place.base).traits == SortedSetTraits.listed,
            view.count >= limits.sortedSetEntries || bytes > limits.sortedSetValueBytes
        else { return }
        nameSkiplist()
    }

    /// From now on OBJECT ENCODING says skiplist.
    @inline(never)
    func nameSkiplist() {
        if CollectionHeader(place.base).isRoot {
            writableRoot.setTraits(SortedSetTraits.skipping)
        } else {
            PackedBlock(place).setTraits(SortedSetTraits.skipping)
        }
    }
}
