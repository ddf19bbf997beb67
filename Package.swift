// swift-tools-version: 6.2
// SPDX-License-Identifier: BSD-3-Clause

import PackageDescription

/// The allocator is chosen when the package is built: jemalloc for every malloc of the process, or,
/// with `MINIREDIS_ALLOCATOR=system`, the C library's, which the sanitizers need because they bring
/// their own.
let systemAllocator = Context.environment["MINIREDIS_ALLOCATOR"] == "system"

let swiftSettings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    // Checkers of structures and of the snapshot rule: free in a release, about half the speed in
    // debug.
    .define("INVARIANTS", .when(configuration: .debug)),
]

let cSettings: [CSetting] = [
    .treatAllWarnings(as: .error),
    .enableWarning("all"),
    .enableWarning("extra"),
    .enableWarning("conversion"),
    .enableWarning("shadow"),
]

let package = Package(
    name: "mini-redis",
    products: [
        .executable(name: "redis", targets: ["redis"]),
        .library(name: "MiniRedis", targets: ["MiniRedis"]),
    ],
    targets: [
        .target(name: "CRespParser", cSettings: cSettings),
        .target(name: "CProcess", cSettings: cSettings),
        .systemLibrary(name: "CUVShim", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"])]),
        .systemLibrary(
            name: "CJemalloc", pkgConfig: "jemalloc", providers: [.apt(["libjemalloc-dev"])]),
        .systemLibrary(name: "CIntrinsics"),
        .systemLibrary(name: "CLZF", pkgConfig: "liblzf", providers: [.apt(["liblzf-dev"])]),
        .target(
            name: "MiniRedis",
            dependencies: ["CRespParser", "CProcess", "CUVShim", "CIntrinsics", "CLZF"]
                + (systemAllocator ? [] : ["CJemalloc"]),
            swiftSettings: swiftSettings + (systemAllocator ? [] : [.define("JEMALLOC")])
        ),
        .executableTarget(name: "redis", dependencies: ["MiniRedis"], swiftSettings: swiftSettings),
        .testTarget(
            name: "MiniRedisTests",
            dependencies: ["MiniRedis", "CRespParser"],
            // Dumps, read by their path in the sources.
            exclude: ["Fixtures"],
            swiftSettings: swiftSettings
        ),
    ],
    swiftLanguageModes: [.v6]
)
