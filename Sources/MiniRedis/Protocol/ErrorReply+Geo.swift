// SPDX-License-Identifier: BSD-3-Clause
//
// The texts of the errors of commands on places.

extension ErrorReply {
    /// The texts of the commands on places; empty for the others.
    var geoText: StaticString {
        switch self {
        case .radiusNotNumeric: "ERR need numeric radius"
        case .widthNotNumeric: "ERR need numeric width"
        case .heightNotNumeric: "ERR need numeric height"
        case .radiusNegative: "ERR radius cannot be negative"
        case .boxNegative: "ERR height or width cannot be negative"
        case .unsupportedUnit: "ERR unsupported unit provided. please use M, KM, FT, MI"
        case .memberWithoutPlace: "ERR could not decode requested zset member"
        case .geoCountNotPositive: "ERR COUNT must be > 0"
        case .anyWithoutCount: "ERR the ANY argument requires COUNT argument"
        case .radiusStoreWithDetails:
            """
            ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and \
            WITHCOORD options
            """
        case .searchStoreWithDetails:
            """
            ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options
            """
        default: ""
        }
    }
}
