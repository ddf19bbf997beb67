// SPDX-License-Identifier: BSD-3-Clause
//
// DeadlineIndex: elements by chance, for choosing among volatile keys.

extension DeadlineIndex {
    /// An element by chance, or nil if there is none. At each level every child is as likely as any
    /// other: an element in a node with few is a little likelier than others, by a factor of two at
    /// most for each level.
    func sample(_ random: inout RandomSource) -> Element? {
        guard let tree, count > 0 else { return nil }
        var node = tree.root
        for _ in 0..<tree.height {
            let inner = Inner(node)
            node = inner.child(Int(random.below(UInt64(inner.childCount))))
        }
        let leaf = Leaf(node)
        guard !leaf.isEmpty else { return nil }
        return leaf.elements[leaf.start + Int(random.below(UInt64(leaf.count)))].element
    }
}
