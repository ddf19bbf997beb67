// SPDX-License-Identifier: BSD-3-Clause
//
// ListBuilder: a list in the making, which no key holds yet.

/// Ownership: owns the list until `finish` gives it to the caller, which must be called once.
struct ListBuilder: ~Copyable {
    /// The address of the list's block.
    private var word: UInt
    private let memory: UnsafeMutablePointer<Memory>
    private let limits: EncodingLimits

    init(_ memory: UnsafeMutablePointer<Memory>, _ limits: EncodingLimits) {
        word = UInt(bitPattern: ListValue.create(memory))
        self.memory = memory
        self.limits = limits
    }

    private var base: UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(bitPattern: word).unsafelyUnwrapped
    }

    /// The number of elements.
    var count: Int { ListView(base).count }

    /// Adds an element at the end.
    mutating func append(_ text: ByteView) {
        withUnsafeMutableBytes(of: &word) { word in
            let place = BlockPlace(word.baseAddress.unsafelyUnwrapped, memory: memory)
            ListEditor(place, limits).append(text)
        }
    }

    /// The list, which is the caller's.
    consuming func finish() -> UnsafeMutableRawPointer {
        withUnsafeMutableBytes(of: &word) { word in
            let place = BlockPlace(word.baseAddress.unsafelyUnwrapped, memory: memory)
            ListEditor(place, limits).noteLoaded()
        }
        return base
    }
}
