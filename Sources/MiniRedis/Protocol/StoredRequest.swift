// SPDX-License-Identifier: BSD-3-Clause
//
// A request that outlives the buffer it came in: one that is queued in a transaction, or that waits
// for a key and will run again.
//
//     [ slices: 8 bytes each ][ addresses of blocks: 8 bytes each ][ the arguments' bytes ]
//
// All of it is one allocation, of a size that follows from what has arrived. Blocks of detached
// arguments are referred to, not copied.

import CRespParser

/// A copy of a request.
///
/// Ownership: the memory is this value's until `deallocate`, which is called exactly once. The
/// references to `blocks` are taken and given up by whoever stores it.
struct StoredRequest {
    let request: Request
    /// The bytes that the copy takes, blocks not included.
    let byteCount: Int
    /// The blocks' first bytes.
    let blocks: UnsafeBufferPointer<UnsafeMutableRawPointer>
    private let memory: UnsafeMutableRawPointer

    /// Copies a request, `bytes` in the place of some of its arguments.
    init(copying source: Request, replacing changes: [(argument: Int, bytes: [UInt8])] = []) {
        let slicesBytes = source.count * MemoryLayout<ArgumentSlice>.stride
        var (blockCount, textBytes) = (0, 0)
        for index in 0..<source.count {
            if let change = changes.first(where: { $0.argument == index }) {
                textBytes += change.bytes.count
            } else if source.blockNumber(ofArgument: index) != nil {
                blockCount += 1
            } else {
                textBytes += source[index].count
            }
        }
        let blocksBytes = blockCount * MemoryLayout<UnsafeMutableRawPointer>.stride
        byteCount = slicesBytes + blocksBytes + textBytes
        memory = .allocate(byteCount: max(16, byteCount), alignment: 16)
        let slices = memory.bindMemory(to: ArgumentSlice.self, capacity: source.count)
        let addresses = (memory + slicesBytes).bindMemory(
            to: UnsafeMutableRawPointer.self, capacity: blockCount)
        let text = memory + slicesBytes + blocksBytes
        var (block, offset) = (0, 0)
        for index in 0..<source.count {
            if let change = changes.first(where: { $0.argument == index }) {
                slices[index] = ArgumentSlice(
                    offset: UInt32(offset), length: UInt32(change.bytes.count))
                change.bytes.withUnsafeBytes { bytes in
                    guard let base = bytes.baseAddress else { return }
                    (text + offset).copyMemory(from: base, byteCount: bytes.count)
                }
                offset += change.bytes.count
            } else if let number = source.blockNumber(ofArgument: index),
                let known = source.blocks
            {
                slices[index] = source.slices[index]
                addresses[block] = known[number]
                block += 1
            } else {
                let bytes = source[index]
                slices[index] = ArgumentSlice(
                    offset: UInt32(offset), length: UInt32(bytes.count))
                (text + offset).copyMemory(from: bytes.base, byteCount: bytes.count)
                offset += bytes.count
            }
        }
        blocks = UnsafeBufferPointer(start: addresses, count: blockCount)
        request = Request(
            base: UnsafeRawPointer(text), slices: UnsafePointer(slices), count: source.count,
            blocks: blockCount == 0 ? nil : UnsafePointer(addresses))
    }

    func deallocate() {
        memory.deallocate()
    }
}
