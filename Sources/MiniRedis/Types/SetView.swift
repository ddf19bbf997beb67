// SPDX-License-Identifier: BSD-3-Clause
//
// A set as its readers see it: any thread, as long as a snapshot sees its block.

/// The members of a set.
///
/// Ownership: owns nothing; valid, as the members that it gives out, until the set is changed.
struct SetView {
    let base: UnsafeRawPointer

    @inline(__always)
    init(_ base: UnsafeRawPointer) { self.base = base }

    var isRoot: Bool { @inline(__always) get { CollectionHeader(base).isRoot } }
    var count: Int { @inline(__always) get { CollectionHeader(base).count } }

    /// The packed members, if the set is packed.
    var packed: PackedView { @inline(__always) get { PackedView(base) } }
    var root: SetTable { @inline(__always) get { SetTable(base) } }

    /// Whether the member is there.
    @inline(__always)
    func contains(_ member: ByteView) -> Bool {
        if isRoot {
            return root.table.pointee.find(root.table.pointee.hasher.hash(member), member) != nil
        }
        return packed.find(PackedItem(member)) != nil
    }

    /// The same for a member whose hash is known.
    @inline(__always)
    func contains(_ member: ByteView, hash: UInt64) -> Bool {
        if isRoot { return root.table.pointee.find(hash, member) != nil }
        return packed.find(PackedItem(member)) != nil
    }

    /// Calls `body` with each member, in no order.
    @inline(__always)
    func forEach(_ body: (ByteView) -> Void) {
        forEachWhile { member in
            body(member)
            return true
        }
    }

    /// Calls `body` with each member until it returns false.
    @inline(__always)
    func forEachWhile(_ body: (ByteView) -> Bool) {
        guard !isRoot else {
            return root.forEachWhile { body(SetElement.key(of: $0)) }
        }
        let view = packed
        var at = view.first
        while at < view.end {
            guard view.withText(at: at, body) else { return }
            at = view.next(at)
        }
    }
}

// MARK: - Members by chance

extension SetView {
    /// Calls `body` with a member drawn evenly from all, of which there must be one.
    func withRandomMember(_ random: inout RandomSource, _ body: (ByteView) -> Void) {
        if isRoot {
            guard let slot = root.table.pointee.randomSlot(&random) else { return }
            return body(SetElement.key(of: slot.entry))
        }
        let index = Int(random.below(UInt64(count)))
        packed.withText(at: packed.cursor(at: index), body)
    }

    /// Calls `body` with `wanted` different members, or all if there are no more; every choice of
    /// so many is as likely as any other.
    ///
    /// Many are drawn in one walk over all, each with the chance that is left for it; a few of a
    /// large set are drawn one by one, and drawn again if they were drawn before.
    func sample(_ wanted: Int, _ random: inout RandomSource, _ body: (ByteView) -> Void) {
        let all = count
        guard isRoot && wanted < all / 3 else {
            var (left, needed) = (all, min(wanted, all))
            forEachWhile { member in
                if Int(random.below(UInt64(left))) < needed {
                    body(member)
                    needed -= 1
                }
                left -= 1
                return needed > 0
            }
            return
        }
        var drawn = AddressSet(capacity: wanted)
        while drawn.count < wanted {
            guard let slot = root.table.pointee.randomSlot(&random) else { return }
            if drawn.insert(slot.entry) { body(SetElement.key(of: slot.entry)) }
        }
    }
}

/// A few addresses of elements, to know which were drawn before.
struct AddressSet: ~Copyable {
    private let slots: UnsafeMutablePointer<UInt>
    private let mask: Int
    private(set) var count = 0

    /// With room for `capacity` addresses, of elements that exist.
    init(capacity: Int) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        slots = .allocate(capacity: size)
        slots.initialize(repeating: 0, count: size)
        mask = size - 1
    }

    deinit {
        slots.deallocate()
    }

    /// Whether the address is a new one.
    mutating func insert(_ address: UnsafeMutableRawPointer) -> Bool {
        let at = index(of: UInt(bitPattern: address))
        guard slots[at] == 0 else { return false }
        slots[at] = UInt(bitPattern: address)
        count += 1
        return true
    }

    func contains(_ address: UnsafeMutableRawPointer) -> Bool {
        slots[index(of: UInt(bitPattern: address))] != 0
    }

    /// Where the address is or belongs: the first free place from its own on.
    private func index(of word: UInt) -> Int {
        var at = Int(truncatingIfNeeded: (word &* 0x9E37_79B9_7F4A_7C15) >> 20) & mask
        while slots[at] != 0 && slots[at] != word { at = (at + 1) & mask }
        return at
    }
}
