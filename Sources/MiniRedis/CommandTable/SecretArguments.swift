// SPDX-License-Identifier: BSD-3-Clause
//
// Which arguments are passwords: MONITOR and the slow log must not show them.

enum SecretArguments {
    /// What is shown in the place of a secret.
    static let replacement: StaticString = "(redacted)"

    /// The indexes of the secrets of a request, in order; empty for almost every command.
    static func indexes(of request: Request) -> Range<Int> {
        guard request.count > 1 else { return 0..<0 }
        if request[0].equalsFolded("auth") { return 1..<request.count }
        guard request[0].equalsFolded("hello") else { return 0..<0 }
        for index in 2..<max(2, request.count) where request[index].equalsFolded("auth") {
            return min(index + 1, request.count)..<min(index + 3, request.count)
        }
        return 0..<0
    }
}
