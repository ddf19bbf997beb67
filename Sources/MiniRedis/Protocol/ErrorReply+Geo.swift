// SPDX-License-Identifier: BSD-3-Clause
//
// The errors of commands on places on earth.

extension ErrorReply {
    static let radiusNotNumeric = ErrorReply("ERR need numeric radius")
    static let widthNotNumeric = ErrorReply("ERR need numeric width")
    static let heightNotNumeric = ErrorReply("ERR need numeric height")
    static let radiusNegative = ErrorReply("ERR radius cannot be negative")
    static let boxNegative = ErrorReply("ERR height or width cannot be negative")
    static let unsupportedUnit = ErrorReply(
        """
        ERR unsupported unit provided. please use M, KM, FT, MI
        """)
    static let memberWithoutPlace = ErrorReply("ERR could not decode requested zset member")
    static let geoCountNotPositive = ErrorReply("ERR COUNT must be > 0")
    static let anyWithoutCount = ErrorReply("ERR the ANY argument requires COUNT argument")
    static let radiusStoreWithDetails = ErrorReply(
        """
        ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and \
        WITHCOORD options
        """)
    static let searchStoreWithDetails = ErrorReply(
        """
        ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options
        """)
}
