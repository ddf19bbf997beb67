// SPDX-License-Identifier: BSD-3-Clause
//
// What OBJECT ENCODING says of a list, as `list-max-listpack-size` limits listpacks.

/// What a list that is called a listpack may have.
private struct ListpackLimit {
    /// Whatever the number of elements limits, no listpack is larger than this. Bytes.
    private static let safeBytes = 8192
    /// The bytes of the sizes -1 to -5.
    private static let classBytes = 4096

    var bytes: Int
    var elements: Int

    init(_ listSize: Int) {
        if listSize >= 0 {
            elements = max(listSize, 1)
            bytes = Self.safeBytes
        } else {
            elements = .max
            bytes = Self.classBytes << (min(-listSize, 5) - 1)
        }
    }

    /// What a quicklist must fit to be called a listpack again. Only what the setting limits
    /// counts.
    var half: ListpackLimit {
        var half = self
        half.elements = elements == .max ? .max : elements / 2
        half.bytes = elements == .max ? bytes / 2 : .max
        return half
    }
}

extension ListpackSize {
    /// The bytes of an entry.
    @inline(__always)
    static func of(_ element: ListElement) -> Int {
        switch element {
        case .block(let block): return of(string: block.count)
        case .item(let item):
            // Codes below 0x80 and from 0xe0 to 0xf6 are integers.
            if item.code < 0x80 { return 2 }
            if item.code < 0xe0 || item.code > 0xf7 { return of(string: item.body.count) }
            switch item.wordBytes {
            case 1: return 3
            case 2: return of(integer: Int64(Int16(truncatingIfNeeded: item.word)))
            case 3: return 5
            case 4: return 6
            default: return 10
            }
        }
    }
}

extension ListEditor {
    private var isQuicklist: Bool {
        @inline(__always) get { CollectionHeader(place.base).traits & ListTrait.quicklist != 0 }
    }

    /// To be called before `elements` with so many bytes of text together are added.
    @inline(__always)
    func prepareForGrowth(bytes: Int, elements: Int) {
        if isQuicklist { return }
        // Whatever is in it, a packed list of half the bytes that the default allows is small.
        if listSize == -2 && !view.isRoot && view.packed.byteCount &+ bytes < 4096 { return }
        checkGrowth(bytes: bytes, elements: elements)
    }

    @inline(never)
    private func checkGrowth(bytes: Int, elements: Int) {
        let limit = ListpackLimit(listSize)
        let room = limit.bytes - bytes - ListpackSize.header
        if view.count + elements > limit.elements || !fits(room) {
            setTraits(ListTrait.quicklist)
        }
    }

    /// To be called after elements were removed, or became smaller.
    @inline(__always)
    func noteShrinkage() {
        if isQuicklist { checkShrinkage() }
    }

    /// To be called when a list is complete that was made by `append`.
    func noteLoaded() { noteShrinkage() }

    @inline(never)
    private func checkShrinkage() {
        let limit = ListpackLimit(listSize).half
        if view.count <= limit.elements && fits(limit.bytes - ListpackSize.header) {
            setTraits(0)
        }
    }

    /// Whether the elements would take no more bytes than these in a listpack. An element takes at
    /// most one byte less in it than in a packed block, and at most three tenths more.
    private func fits(_ bytes: Int) -> Bool {
        let view = view
        if view.isRoot { return ListRoot.listpackBytes(view.base) <= bytes }
        let own = view.packed.byteCount - PackedBlock.headerBytes
        if own - view.count > bytes { return false }
        if own + own / 2 <= bytes { return true }
        return ListChunk.listpackBytes(view.packed.all) <= bytes
    }

    private func setTraits(_ traits: UInt8) {
        guard view.isRoot else { return PackedBlock(place).setTraits(traits) }
        CollectionHeader.setTraits(traits, at: writableRoot())
    }
}
