import Testing

@testable import MiniRedis

@Test func placeholder() {
    #expect(true)
}
