// SPDX-License-Identifier: BSD-3-Clause
//
// Searches for places: members in a circle or a box, returned or stored under a key.

extension Geo {
    private static let from = Syntax.oneOf(
        "from", .string("member", token: "FROMMEMBER"),
        .block("fromlonlat", token: "FROMLONLAT", .double("longitude"), .double("latitude")))

    private static let by = Syntax.oneOf(
        "by", .block("circle", .double("radius", token: "BYRADIUS"), unit),
        .block("box", .double("width", token: "BYBOX"), .double("height"), unit))

    private static let order = Syntax.optional(.oneOf("order", .token("ASC"), .token("DESC")))

    private static let details: [Syntax] = [
        .optional(.token("WITHCOORD")), .optional(.token("WITHDIST")),
        .optional(.token("WITHHASH")),
    ]

    /// ANY came later than some of the commands.
    private static func count(anySince version: String? = nil) -> Syntax {
        var any = Syntax.optional(.token("ANY"))
        any.since = version
        return .optional(.block("count-block", .integer("count", token: "COUNT"), any))
    }

    private static let complexity = """
        O(N + M*log(M)) where N is the number of members in the squares of the grid around the \
        area and M the number of those in it.
        """

    static let searches: [Command] = [
        Command(
            "GEOSEARCH", in: .geo, since: "6.2.0", complexity: complexity,
            summary: "Returns members in a circle or a box.",
            flags: [.readOnly],
            syntax: [.key("key", [.readOnly, .access]), from, by, order, count()] + details,
            run: .data(search)),
        Command(
            "GEOSEARCHSTORE", in: .geo, since: "6.2.0", complexity: complexity,
            summary: "Stores members in a circle or a box under another key.",
            flags: [.write, .denyOutOfMemory],
            syntax: [
                .key("destination", [.overwrite, .update]), .key("source", [.readOnly, .access]),
                from, by, order, count(), .optional(.token("STOREDIST")),
            ],
            run: .data(searchStore)),
    ]

    // MARK: - The older commands

    private static let store = Syntax.optional(
        .oneOf(
            "store", .key("storekey", [.overwrite, .update], token: "STORE"),
            .key("storedistkey", [.overwrite, .update], token: "STOREDIST")))

    private static let point: [Syntax] = [.double("longitude"), .double("latitude")]

    private static func radiusSyntax(_ center: [Syntax], _ anySince: String?) -> [Syntax] {
        [.key("key", [.readOnly, .access])] + center + [.double("radius"), unit] + details
            + [count(anySince: anySince), order]
    }

    private static func old(_ replacement: String) -> Deprecation {
        Deprecation(since: "6.2.0", replacement: replacement)
    }

    static let radii: [Command] = [
        Command(
            "GEORADIUS", in: .geo, since: "3.2.0", complexity: complexity,
            summary: "Returns or stores members in a circle around a place.",
            flags: [.write, .denyOutOfMemory, .movableKeys],
            deprecated: old("`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument"),
            syntax: radiusSyntax(point, "6.2.0") + [store],
            run: .data(radius)),
        Command(
            "GEORADIUS_RO", in: .geo, since: "3.2.10", complexity: complexity,
            summary: "Returns members in a circle around a place.",
            flags: [.readOnly],
            deprecated: old("`GEOSEARCH` with the `BYRADIUS` argument"),
            syntax: radiusSyntax(point, "6.2.0"),
            run: .data(radiusReadOnly)),
        Command(
            "GEORADIUSBYMEMBER", in: .geo, since: "3.2.0", complexity: complexity,
            summary: "Returns or stores members in a circle around a member.",
            flags: [.write, .denyOutOfMemory, .movableKeys],
            deprecated: old(
                "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments"),
            syntax: radiusSyntax([.string("member")], nil) + [store],
            run: .data(radiusByMember)),
        Command(
            "GEORADIUSBYMEMBER_RO", in: .geo, since: "3.2.10", complexity: complexity,
            summary: "Returns members in a circle around a member.",
            flags: [.readOnly],
            deprecated: old("`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments"),
            syntax: radiusSyntax([.string("member")], nil),
            run: .data(radiusByMemberReadOnly)),
    ]

    /// https://redis.io/docs/latest/commands/geosearch/
    static func search(_ context: DataContext) throws(ErrorReply) {
        try run(context, .search, source: 1, .geoSearchStore)
    }

    /// https://redis.io/docs/latest/commands/geosearchstore/
    static func searchStore(_ context: DataContext) throws(ErrorReply) {
        try run(context, .searchStore, source: 2, .geoSearchStore)
    }

    /// https://redis.io/docs/latest/commands/georadius/
    static func radius(_ context: DataContext) throws(ErrorReply) {
        try run(context, .aroundPoint(mayStore: true), source: 1, .geoRadiusStore)
    }

    /// https://redis.io/docs/latest/commands/georadius_ro/
    static func radiusReadOnly(_ context: DataContext) throws(ErrorReply) {
        try run(context, .aroundPoint(mayStore: false), source: 1, .geoRadiusStore)
    }

    /// https://redis.io/docs/latest/commands/georadiusbymember/
    static func radiusByMember(_ context: DataContext) throws(ErrorReply) {
        try run(context, .aroundMember(mayStore: true), source: 1, .geoRadiusStore)
    }

    /// https://redis.io/docs/latest/commands/georadiusbymember_ro/
    static func radiusByMemberReadOnly(_ context: DataContext) throws(ErrorReply) {
        try run(context, .aroundMember(mayStore: false), source: 1, .geoRadiusStore)
    }

    // MARK: - Searching

    private static func run(
        _ context: DataContext, _ form: GeoQuery.Form, source: Int, _ event: KeyspaceEvent
    ) throws(ErrorReply) {
        let set = try view(context, source)
        let query = try GeoQuery(context, form, in: set)
        let limit = query.count == 0 ? Int.max : query.count
        var matches = GeoMatches(query.order, limit: limit, takesAny: query.takesAny)
        if let set { matches.search(set, query.area) }
        let found = Found(set: set, query: query, matches: matches)
        if let destination = query.destination {
            found.store(context, under: destination, event)
        } else {
            found.reply(context.reply)
        }
    }
}

/// The end of a search. The set must not change while it lives.
private struct Found: ~Copyable {
    let set: SortedSetView?
    let query: GeoQuery
    let matches: GeoMatches

    func reply(_ reply: ReplyWriter) {
        let details =
            (query.showsDistance ? 1 : 0) + (query.showsHash ? 1 : 0) + (query.showsPlace ? 1 : 0)
        reply.array(matches.count)
        for index in 0..<matches.count {
            let match = matches[index]
            if details > 0 { reply.array(details + 1) }
            set?.withMember(at: match.place) { reply.bulk($0) }
            if query.showsDistance {
                DoubleText.withFourDecimals(match.distance / query.unit.metres) { reply.bulk($0) }
            }
            if query.showsHash { reply.integer(Int64(match.score)) }
            if query.showsPlace { Geo.write(Geohash.point(match.score), reply) }
        }
    }

    /// Stores what was found under the key at argument `destination`.
    func store(_ context: DataContext, under destination: Int, _ event: KeyspaceEvent) {
        let memory = context.database.pointee.state.pointee.memory
        let limits = context.limits
        let base = BlockPlace.withBlock(SortedSetValue.create(memory), memory) { place in
            let editor = SortedSetEditor(place, limits)
            for index in 0..<matches.count {
                let match = matches[index]
                let score =
                    query.storesDistance ? match.distance / query.unit.metres : match.score
                set?.withMember(at: match.place) { editor.set($0, score) }
            }
        }
        let key = context.key(destination)
        context.database.pointee.store(
            key.bytes, key.hash, CollectionSource(type: .sortedSet, base: base), event)
        context.reply.integer(matches.count)
    }
}
