// SPDX-License-Identifier: BSD-3-Clause
//
// A set as it is changed: one member in, one member out, and the way from a packed block to a root.

/// The set at a place, to be edited. Reading is `SetView`'s.
///
/// Ownership: whoever holds the place owns the set; after every edit its block may be elsewhere.
struct SetEditor {
    /// A packed set has no more bytes than this.
    static let packedBytes = 4096
    /// Or no more than so many members, if they are long.
    static let fewMembers = 8
    static let packedBytesOfFew = 64 << 10

    let place: BlockPlace
    let limits: EncodingLimits

    @inline(__always)
    init(_ place: BlockPlace, _ limits: EncodingLimits) {
        self.place = place
        self.limits = limits
    }

    @inline(__always)
    var view: SetView { SetView(place.base) }

    @inline(__always)
    private var hasher: KeyHash { place.memory.pointee.hasher }

    /// The root, writable.
    @inline(__always)
    private var writableRoot: SetTable { SetTable(place.writable(bytes: SetValue.rootBytes)) }

    // MARK: - Edits

    /// Adds a member, which must lie outside of the set; whether it is new.
    @inline(__always)
    func insert(_ member: ByteView) -> Bool {
        if CollectionHeader(place.base).isRoot { return insertIntoTable(member) }
        let item = PackedItem(member)
        let view = PackedView(place.base)
        if view.find(item) != nil { return false }
        noteNew(isInteger: item.isInteger, bytes: member.count)
        let bytes = view.byteCount + item.byteCount
        if bytes > Self.packedBytes
            && (view.count >= Self.fewMembers || bytes > Self.packedBytesOfFew)
        {
            spread()
            return insertIntoTable(member, isNoted: true)
        }
        PackedBlock(place).append(item)
        return true
    }

    /// Removes a member; whether it was there.
    @inline(__always)
    func remove(_ member: ByteView) -> Bool {
        guard CollectionHeader(place.base).isRoot else {
            guard let at = PackedView(place.base).find(PackedItem(member)) else { return false }
            PackedBlock(place).remove(at: at)
            return true
        }
        let hash = hasher.hash(member)
        guard let slot = SetTable(place.base).table.pointee.find(hash, member) else {
            return false
        }
        writableRoot.remove(slot, hash: hash)
        return true
    }

    /// Tells how many members are about to be added: an encoding that cannot hold them is given up
    /// at once, as Redis does.
    func expect(_ members: Int) {
        let traits = CollectionHeader(place.base).traits
        if traits == SetTraits.integers && members > limits.setIntegerEntries
            || traits == SetTraits.listed && members > limits.setEntries
        {
            setTraits(SetTraits.hashed)
        }
    }

    /// The same for a set that has just been made, whose first member is `member`.
    func expect(_ members: Int, startingWith member: ByteView) {
        if PackedItem(member).isInteger && members <= limits.setIntegerEntries { return }
        setTraits(members <= limits.setEntries ? SetTraits.listed : SetTraits.hashed)
    }

    @inline(never)
    private func insertIntoTable(_ member: ByteView, isNoted: Bool = false) -> Bool {
        let hash = hasher.hash(member)
        if SetTable(place.base).table.pointee.find(hash, member) != nil { return false }
        if !isNoted && CollectionHeader(place.base).traits != SetTraits.hashed {
            noteNew(isInteger: PackedItem(member).isInteger, bytes: member.count)
        }
        writableRoot.insert(SetElement.make(member, place.heap), hash: hash)
        return true
    }

    // MARK: - Members by chance

    /// Removes `wanted` members, all equally likely, each after `body` was called with it; there
    /// must be as many.
    func removeRandom(_ wanted: Int, _ random: inout RandomSource, _ body: (ByteView) -> Void) {
        guard CollectionHeader(place.base).isRoot else {
            return removeRandomPacked(wanted, &random, body)
        }
        let root = writableRoot
        for _ in 0..<wanted {
            guard let slot = root.table.pointee.randomSlot(&random) else { return }
            let member = SetElement.key(of: slot.entry)
            body(member)
            root.remove(slot, hash: hasher.hash(member))
        }
    }

    private func removeRandomPacked(
        _ wanted: Int, _ random: inout RandomSource, _ body: (ByteView) -> Void
    ) {
        if wanted == 1 {
            let view = PackedView(place.base)
            let at = view.cursor(at: Int(random.below(UInt64(view.count))))
            view.withText(at: at, body)
            return PackedBlock(place).remove(at: at)
        }
        var (left, needed) = (PackedView(place.base).count, wanted)
        var at = PackedView(place.base).first
        while needed > 0 && left > 0 {
            let view = PackedView(place.base)
            if Int(random.below(UInt64(left))) < needed {
                view.withText(at: at, body)
                PackedBlock(place).remove(at: at)
                needed -= 1
            } else {
                at = view.next(at)
            }
            left -= 1
        }
    }

    // MARK: - Representation

    /// What a new member does to the encoding as OBJECT ENCODING names it.
    @inline(__always)
    private func noteNew(isInteger: Bool, bytes: Int) {
        let header = CollectionHeader(place.base)
        let traits = header.traits
        if traits == SetTraits.hashed { return }
        let count = header.count
        if traits == SetTraits.integers && isInteger {
            if count >= limits.setIntegerEntries { setTraits(SetTraits.hashed) }
        } else if count >= limits.setEntries || bytes > limits.setValueBytes {
            setTraits(SetTraits.hashed)
        } else if traits == SetTraits.integers {
            setTraits(SetTraits.listed)
        }
    }

    @inline(never)
    private func setTraits(_ traits: UInt8) {
        if CollectionHeader(place.base).isRoot {
            writableRoot.setTraits(traits)
        } else {
            PackedBlock(place).setTraits(traits)
        }
    }

    /// Makes a root of a packed set.
    @inline(never)
    private func spread() {
        let old = place.base
        let root = SetTable.create(
            place.memory, bytes: SetValue.rootBytes, traits: CollectionHeader(old).traits)
        SetView(old).forEach { member in
            root.insert(SetElement.make(member, place.heap), hash: hasher.hash(member))
        }
        PackedBlock.free(old, place.memory)
        place.base = root.base
    }
}
