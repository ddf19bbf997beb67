// SPDX-License-Identifier: BSD-3-Clause
//
// SetValue: members that are there once, in no order.
//
// Up to some KiB a set is one packed block of its members, which is searched from end to end;
// beyond that a root with a table of them (`ElementTable`), each in a block of its own:
//
//     packed   [ stamp | traits | count | length | "apple" | 17 | "pear" ]
//     root     [ header | table ] --> [ 5 | apple ]  [ 2 | 17 ]  [ 4 | pear ]
//
// A set is packed for as long as it fits, whatever OBJECT ENCODING calls it; what it says is in the
// traits, which follow the rules of Redis 7.2:
//
//     intset      all members are integers, up to set-max-intset-entries
//     listpack    up to set-max-listpack-entries, none longer than set-max-listpack-value
//     hashtable   anything else; never back, but in a set that a command makes anew
//
// A packed block becomes a root when it would have more than `SetEditor.packedBytes`, and never
// goes back either.

/// What OBJECT ENCODING says of a set: the traits of its block.
enum SetTraits {
    static let integers: UInt8 = 0
    static let listed: UInt8 = 1
    static let hashed: UInt8 = 2
}

/// A member in its own block: its length, then its bytes. Lengths from 255 on take four bytes more.
enum SetElement: ElementLayout {
    @inline(__always)
    static func key(of element: UnsafeMutableRawPointer) -> ByteView {
        let count = Int(element.load(as: UInt8.self))
        if count < 255 { return ByteView(element + 1, count: count) }
        let long = element.loadUnaligned(fromByteOffset: 1, as: UInt32.self)
        return ByteView(element + 5, count: Int(long))
    }

    @inline(__always)
    static func byteCount(forKeyOf count: Int) -> Int { count < 255 ? 1 &+ count : 5 &+ count }

    @inline(__always)
    static func byteCount(of element: UnsafeMutableRawPointer) -> Int {
        byteCount(forKeyOf: key(of: element).count)
    }

    /// A new element with this member; the caller owns it.
    @inline(__always)
    static func make(
        _ member: ByteView, _ heap: UnsafeMutablePointer<Heap>
    ) -> UnsafeMutableRawPointer {
        let element = heap.pointee.allocate(byteCount(forKeyOf: member.count))
        write(member, at: element)
        return element
    }

    /// Writes an element into its block.
    @inline(__always)
    static func write(_ member: ByteView, at element: UnsafeMutableRawPointer) {
        let bytes = byteCount(forKeyOf: member.count)
        if member.count < 255 {
            element.storeBytes(of: UInt8(truncatingIfNeeded: member.count), as: UInt8.self)
        } else {
            element.storeBytes(of: 255, as: UInt8.self)
            element.storeBytes(
                of: UInt32(truncatingIfNeeded: member.count), toByteOffset: 1, as: UInt32.self)
        }
        (element + (bytes &- member.count)).copyMemory(
            from: member.base, byteCount: member.count)
    }
}

/// The root of a set that is not packed.
typealias SetTable = ElementTable<SetElement>

enum SetValue: CollectionValue {
    static var rootBytes: Int { @inline(__always) get { SetTable.tableEnd } }

    static func create(_ memory: UnsafeMutablePointer<Memory>) -> UnsafeMutableRawPointer {
        PackedBlock.create(memory, bidirectional: false, traits: SetTraits.integers)
    }

    static func copy(
        _ base: UnsafeRawPointer, _ memory: UnsafeMutablePointer<Memory>
    ) -> UnsafeMutableRawPointer {
        let header = CollectionHeader(base)
        guard header.isRoot else { return PackedBlock.copy(base, memory) }
        let copy = SetTable.create(memory, bytes: rootBytes, traits: header.traits)
        SetTable(base).forEachWhile { element in
            let member = SetElement.key(of: element)
            copy.insert(
                SetElement.make(member, memory.pointee.heap),
                hash: memory.pointee.hasher.hash(member))
            return true
        }
        return copy.base
    }

    static func encodingName(_ base: UnsafeRawPointer) -> StaticString {
        switch CollectionHeader(base).traits {
        case SetTraits.integers: "intset"
        case SetTraits.listed: "listpack"
        default: "hashtable"
        }
    }

    static func byteCount(_ base: UnsafeRawPointer, samples: Int) -> Int {
        guard CollectionHeader(base).isRoot else { return PackedView(base).allocatedBytes }
        let root = SetTable(base)
        return Heap.sizeClass(rootBytes) + root.table.pointee.byteCount
            + root.elementBytes(samples: samples)
    }

    static func blockCount(_ base: UnsafeRawPointer) -> Int {
        let header = CollectionHeader(base)
        return header.isRoot ? header.count + header.count / 200 + 4 : 1
    }

    static func free(_ base: UnsafeMutableRawPointer, _ memory: UnsafeMutablePointer<Memory>) {
        _ = dismantle(base, memory)(.max)
    }

    static func dismantle(
        _ base: UnsafeMutableRawPointer, _ memory: UnsafeMutablePointer<Memory>
    ) -> (_ budget: Int) -> Bool {
        if CollectionHeader(base).isRoot {
            return SetTable(base).dismantle(bytes: rootBytes, memory)
        }
        return { _ in
            PackedBlock.free(base, memory)
            return true
        }
    }

    static func digest(_ base: UnsafeRawPointer, into digest: inout ValueDigest) {
        SetView(base).forEach { digest.add(unordered: $0) }
    }
}
