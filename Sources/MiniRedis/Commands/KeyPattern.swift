// SPDX-License-Identifier: BSD-3-Clause
//
// KeyPattern: the name of a key, and maybe of a field, that is made of an element.
//
//     weight_*          element "7"     the string under weight_7
//     user:*->name                      the field name of the hash under user:7
//     #                                 the element itself

/// A pattern of SORT's BY and GET. It is an argument of the command and lives as long.
struct KeyPattern {
    private let isElement: Bool
    /// What is before and behind the star; nil without one.
    private var parts: (before: ByteView, behind: ByteView)?
    private var field: ByteView?

    init(_ pattern: ByteView) {
        isElement = pattern.equals("#")
        guard let star = pattern.firstIndex(of: UInt8(ascii: "*")) else { return }
        let rest = pattern.suffix(from: star + 1)
        guard let arrow = Self.arrow(in: rest) else {
            parts = (pattern.prefix(star), rest)
            return
        }
        parts = (pattern.prefix(star), rest.prefix(arrow))
        field = rest.suffix(from: arrow + 2)
    }

    /// The place of the first "->" if anything follows it.
    private static func arrow(in text: ByteView) -> Int? {
        for at in 0..<max(0, text.count - 1)
        where text[at] == UInt8(ascii: "-") && text[at + 1] == UInt8(ascii: ">") {
            return at + 2 < text.count ? at : nil
        }
        return nil
    }

    /// Calls with what the pattern leads to from an element, nil if there is nothing of the kind.
    /// The bytes live while `body` runs.
    @discardableResult
    func withValue<Result>(
        of element: ByteView, _ context: DataContext, _ body: (ByteView?) -> Result
    ) -> Result {
        if isElement { return body(element) }
        guard let parts else { return body(nil) }
        var name = ByteBuffer(capacity: parts.before.count + element.count + parts.behind.count)
        name.append(parts.before)
        name.append(element)
        name.append(parts.behind)
        let hash = context.database.pointee.hash(name.view)
        guard let entry = context.database.pointee.read(name.view, hash) else { return body(nil) }
        guard let field else {
            return entry.type == .string ? entry.string.withText { body($0) } : body(nil)
        }
        guard entry.type == .hash else { return body(nil) }
        let view = HashView(entry.collection, now: context.now)
        guard let value = view.value(of: field) else { return body(nil) }
        return value.withText { body($0) }
    }
}
