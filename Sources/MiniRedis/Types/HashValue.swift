// SPDX-License-Identifier: BSD-3-Clause
//
// HashValue: fields with values, and some with deadlines.
//
// Up to some KiB a hash is one packed block, which is searched from end to end, every other item;
// beyond that a root with a table of elements (`ElementTable`, `HashElement`):
//
//     packed         [ stamp | traits | count | length | "name" | "ada" | "born" | 1815 ]
//     packed, timed  [ ...                             | "name" | "ada" | 0 | "code" | 17 | 17e11 ]
//     root           [ header | table | head of a tree ]
//                               |          | (deadline, element) in order, if any field has one
//                               v          v
//                             [ 4 | 3 | name | ada ]  [ ff | 4 | 2 | deadline | code | 17 ]
//
// Field deadlines. The first field to get one makes the hash timed for good: a packed one has three
// items for each field then, the third its deadline or 0; a root keeps a tree of deadlines. So the
// next field to die is known, and the database's index of deadlines has it, beside those of keys:
// nobody samples. Readers are told what time it is and do not see fields that are due; the loop
// removes them when they are (`Database+Expiry`), and whoever sets such a field makes it anew.
//
// The deadline is in the element and in its record. A snapshot reads it from the element alone,
// and never the tree.
//
// What OBJECT ENCODING says is in the traits, by the rules of Redis: listpack (listpackex if it is
// timed) up to hash-max-listpack-entries, none longer than hash-max-listpack-value; hashtable
// beyond, and never back.

/// The traits of a hash's block.
enum HashTraits {
    /// It is called a hashtable.
    static let hashed: UInt8 = 1
    /// Its fields may have deadlines.
    static let timed: UInt8 = 2
}

/// The root of a hash that is not packed.
typealias HashTable = ElementTable<HashElement>

extension ElementTable where Layout == HashElement {
    /// The deadlines of a timed hash. The root must be writable for changes.
    var deadlines: CountedTree<FieldDeadlineLayout> {
        @inline(__always) get {
            CountedTree(
                head: (base + Self.tableEnd).assumingMemoryBound(to: TreeHead.self),
                memory: table.pointee.memory)
        }
    }
}

enum HashValue: CollectionValue {
    static var rootBytes: Int {
        @inline(__always) get { HashTable.tableEnd + TreeHead.bytes }
    }

    static func create(_ memory: UnsafeMutablePointer<Memory>) -> UnsafeMutableRawPointer {
        PackedBlock.create(memory, bidirectional: false)
    }

    /// An empty root.
    static func createRoot(
        _ memory: UnsafeMutablePointer<Memory>, traits: UInt8
    ) -> HashTable {
        let root = HashTable.create(memory, bytes: rootBytes, traits: traits)
        root.deadlines.head.initialize(to: TreeHead())
        return root
    }

    static func copy(
        _ base: UnsafeRawPointer, _ memory: UnsafeMutablePointer<Memory>
    ) -> UnsafeMutableRawPointer {
        let header = CollectionHeader(base)
        guard header.isRoot else { return PackedBlock.copy(base, memory) }
        let copy = createRoot(memory, traits: header.traits)
        HashTable(base).forEachWhile { element in
            let field = HashElement.key(of: element)
            copy.add(
                field, HashElement.value(of: element), memory.pointee.hasher.hash(field),
                deadline: HashElement.deadline(of: element))
            return true
        }
        return copy.base
    }

    static func encodingName(_ base: UnsafeRawPointer) -> StaticString {
        let traits = CollectionHeader(base).traits
        if traits & HashTraits.hashed != 0 { return "hashtable" }
        return traits & HashTraits.timed != 0 ? "listpackex" : "listpack"
    }

    static func byteCount(_ base: UnsafeRawPointer, samples: Int) -> Int {
        guard CollectionHeader(base).isRoot else { return PackedView(base).allocatedBytes }
        let root = HashTable(base)
        return Heap.sizeClass(rootBytes) + root.table.pointee.byteCount
            + root.elementBytes(samples: samples) + root.deadlines.byteCount
    }

    static func blockCount(_ base: UnsafeRawPointer) -> Int {
        let header = CollectionHeader(base)
        return header.isRoot ? header.count + header.count / 200 + 4 : 1
    }

    static func free(_ base: UnsafeMutableRawPointer, _ memory: UnsafeMutablePointer<Memory>) {
        let release = dismantle(base, memory)
        while !release(.max) {}
    }

    static func dismantle(
        _ base: UnsafeMutableRawPointer, _ memory: UnsafeMutablePointer<Memory>
    ) -> (_ budget: Int) -> Bool {
        guard CollectionHeader(base).isRoot else {
            return { _ in
                PackedBlock.free(base, memory)
                return true
            }
        }
        let root = HashTable(base)
        var deadlines = DetachedTree<FieldDeadlineLayout>(root.deadlines.head.pointee)
        let releaseTable = root.dismantle(bytes: rootBytes, memory)
        var isTreeFreed = false
        return { budget in
            if !isTreeFreed {
                isTreeFreed = deadlines.free(atMost: budget, memory: memory) { _ in }
                if !isTreeFreed || budget != .max { return false }
            }
            return releaseTable(budget)
        }
    }

    static func digest(_ base: UnsafeRawPointer, into digest: inout ValueDigest) {
        HashView(base).forEach { field, value, deadline in
            digest.add(unordered: field, value)
            guard let deadline else { return }
            withUnsafeBytes(of: deadline.littleEndian) { bytes in
                guard let start = bytes.baseAddress else { return }
                digest.add(unordered: field, ByteView(start, count: bytes.count))
            }
        }
    }

    /// When the next field dies, in milliseconds since the epoch, or nil.
    @inline(__always)
    static func nextDeadline(_ base: UnsafeRawPointer) -> Int64? {
        guard CollectionHeader(base).traits & HashTraits.timed != 0 else { return nil }
        return HashView(base).nextDeadline
    }
}

extension ElementTable where Layout == HashElement {
    /// Adds a field that is not there. The root must be writable.
    func add(_ field: ByteView, _ value: ByteView, _ hash: UInt64, deadline: Int64?) {
        let heap = table.pointee.memory.pointee.heap
        let element = HashElement.make(field, value, deadline: deadline, heap)
        insert(element, hash: hash)
        if let deadline { addDeadline(deadline, element) }
    }

    func addDeadline(_ deadline: Int64, _ element: UnsafeMutableRawPointer) {
        var record = FieldDeadline(deadline, element)
        deadlines.insert(&record)
    }

    func removeDeadline(_ deadline: Int64, _ element: UnsafeMutableRawPointer) {
        let record = FieldDeadline(deadline, element)
        var cursor = deadlines.view.lowerBound {
            FieldDeadline.precedes(FieldDeadline($0), record)
        }
        precondition(
            !cursor.isAtEnd && FieldDeadline(cursor.record).address == record.address,
            "the tree knows every deadline")
        deadlines.remove(&cursor)
    }
}
