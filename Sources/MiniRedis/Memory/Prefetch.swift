// SPDX-License-Identifier: BSD-3-Clause
//
// Cache hints: what a batch of commands asks for before it runs.

import CIntrinsics

/// Asks for the cache line at `address`; reads nothing, so any address is allowed.
@inline(__always)
func prefetch(_ address: UnsafeRawPointer) {
    cin_prefetch(address)
}
