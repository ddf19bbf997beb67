struct DeadlineIndex: ~Copyable {
    static let limit: Int64 = 1 << 48
    struct Element { var deadline: Int64; var hash: UInt32 }
    init(heap: UnsafeMutablePointer<Heap>) {}
    var count: Int { 0 }
    var first: Element? { nil }
    mutating func insert(deadline: Int64, hash: UInt32) {}
    mutating func remove(deadline: Int64, hash: UInt32) -> Bool { true }
    mutating func removeFirst() -> Element? { nil }
    mutating func detach() -> DetachedDeadlines { DetachedDeadlines() }
}
struct DetachedDeadlines { mutating func free(atMost nodes: Int, heap: UnsafeMutablePointer<Heap>) -> Bool { true } }
