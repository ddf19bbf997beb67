// SPDX-License-Identifier: BSD-3-Clause
//
// How large a packed collection may be: what one rule says for sets, hashes and sorted sets.

enum PackedSize {
    /// A collection of more bytes than this becomes a root,
    static let most = 4096
    /// unless it has few items, and no more bytes than this.
    static let fewItems = 16
    static let mostOfFew = 64 << 10

    /// Whether a block of so many bytes and items stays packed.
    @inline(__always)
    static func holds(bytes: Int, items: Int) -> Bool {
        bytes <= most || items <= fewItems && bytes <= mostOfFew
    }
}
