// SPDX-License-Identifier: BSD-3-Clause
//
// BlockReference: how a collection keeps an element that is too big for a block of elements.
//
//     a place           a stamped block of 16 bytes            somebody else has it, too
//     [ address ] --->  [ stamp : 40 | traits : 8 | 0 | address : 64 ] ---> ReferencedBlock
//
// Bytes of 32 KiB and more arrive in a `ReferencedBlock`, which counts who still needs it and has
// no stamp. So a collection points to it by way of a block that has one: that block obeys the
// snapshot rule like every other, and its reference is given up when nobody sees it any more. It
// is never written after it was made.

/// The stamped block that holds a reference; a view that owns nothing.
struct BlockReference {
    static let bytes = 16
    /// Graveyard nodes of this kind are such blocks: they own a reference.
    static let graveyardKind: UInt64 = 2

    let base: UnsafeRawPointer

    @inline(__always)
    init(_ base: UnsafeRawPointer) { self.base = base }

    /// What is referred to. Only the loop's thread may count references of it.
    var block: ReferencedBlock {
        let address = base.load(fromByteOffset: 8, as: UInt.self)
        return ReferencedBlock(UnsafeMutableRawPointer(bitPattern: address).unsafelyUnwrapped)
    }

    /// A block that holds the caller's reference from now on, and is the caller's.
    static func create(
        _ block: ReferencedBlock, _ memory: UnsafeMutablePointer<Memory>, traits: UInt8
    ) -> UnsafeMutableRawPointer {
        block.hold(memory.pointee.heap)
        let base = memory.pointee.heap.pointee.allocate(bytes)
        base.storeBytes(of: UInt64(traits) << 40, as: UInt64.self)
        base.storeBytes(of: UInt(bitPattern: block.address), toByteOffset: 8, as: UInt.self)
        BlockStamp.write(memory.pointee.epochs.current, to: base)
        return base
    }

    /// Gives the block and its reference up, at once or when no snapshot sees them any more.
    static func free(_ base: UnsafeMutableRawPointer, _ memory: UnsafeMutablePointer<Memory>) {
        let block = BlockReference(base).block
        block.letGo(memory.pointee.heap)
        if memory.pointee.isWritable(base) {
            block.release(memory.pointee.heap)
            memory.pointee.heap.pointee.free(base, bytes)
        } else {
            block.bury(memory.pointee.heap)
            memory.pointee.retire(base, bytes: bytes, kind: graveyardKind)
        }
    }
}
