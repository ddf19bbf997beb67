// SPDX-License-Identifier: BSD-3-Clause
//
// Followers: the clients that care for what becomes of keys.

/// Who waits for keys, and who watches them.
///
/// Reached through one pointer by whoever runs commands and by the server's verbs.
struct Followers: ~Copyable {
    var blocked = BlockedClients()
    var watched = WatchedKeys()
}
