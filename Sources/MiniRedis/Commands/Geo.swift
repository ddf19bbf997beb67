// SPDX-License-Identifier: BSD-3-Clause
//
// Places on earth: members of sorted sets whose scores are places (see Types/Geohash).

/// The commands on places.
enum Geo {
    static let unit = Syntax.oneOf(
        "unit", .token("M"), .token("KM"), .token("FT"), .token("MI"))

    static let declarations: [Command] = [
        Command(
            "GEOADD", in: .geo, since: "3.2.0",
            complexity: "O(log(N)) for each member, where N is the number of members of the set.",
            summary: "Adds members with their places on earth to a sorted set.",
            flags: [.write, .denyOutOfMemory],
            syntax: [
                .key("key", [.readWrite, .update]),
                .optional(.oneOf("condition", .token("NX"), .token("XX"))).since("6.2.0"),
                .optional(.token("CH", name: "change")).since("6.2.0"),
                .many(
                    .block("data", .double("longitude"), .double("latitude"), .string("member"))),
            ],
            run: .data(add)),
        Command(
            "GEOPOS", in: .geo, since: "3.2.0",
            complexity: "O(N) where N is the number of members asked for.",
            summary: "Returns the longitudes and latitudes of members.",
            flags: [.readOnly],
            syntax: [.key("key", [.readOnly, .access]), .optional(.many(.string("member")))],
            run: .data(positions)),
        Command(
            "GEODIST", in: .geo, since: "3.2.0", complexity: "O(1)",
            summary: "Returns the distance between two members.",
            flags: [.readOnly],
            syntax: [
                .key("key", [.readOnly, .access]), .string("member1"), .string("member2"),
                .optional(unit),
            ],
            run: .data(distance)),
        Command(
            "GEOHASH", in: .geo, since: "3.2.0",
            complexity: "O(N) where N is the number of members asked for.",
            summary: "Returns the geohash texts of members.",
            flags: [.readOnly],
            syntax: [.key("key", [.readOnly, .access]), .optional(.many(.string("member")))],
            run: .data(hashes)),
    ]

    /// The place that two arguments from `index` on name.
    static func point(_ context: DataContext, _ index: Int) throws(ErrorReply) -> GeoPoint {
        guard let longitude = FloatingPointText.parse(context[index]),
            let latitude = FloatingPointText.parse(context[index + 1])
        else { throw .notFloat }
        let point = GeoPoint(longitude: longitude, latitude: latitude)
        guard point.isValid else {
            let (east, north) = (
                FloatingPointText.sixDecimals(longitude), FloatingPointText.sixDecimals(latitude)
            )
            context.reply.error("ERR invalid longitude,latitude pair \(east),\(north)")
            throw .written
        }
        return point
    }

    /// The sorted set at a key for a command that reads it.
    @inline(__always)
    static func view(
        _ context: DataContext, _ index: Int
    ) throws(ErrorReply) -> SortedSetView? {
        try context.collection(context.key(index), .sortedSet).map { SortedSetView($0) }
    }

    // MARK: - GEOADD

    private enum Condition {
        case none, ifAbsent, ifPresent
    }

    /// https://redis.io/docs/latest/commands/geoadd/
    static func add(_ context: DataContext) throws(ErrorReply) {
        var (condition, countsChanges) = (Condition.none, false)
        var first = 2
        while first < context.count {
            let word = context[first]
            if word.equalsFolded("nx") {
                guard condition != .ifPresent else { throw .syntax }
                condition = .ifAbsent
            } else if word.equalsFolded("xx") {
                guard condition != .ifAbsent else { throw .syntax }
                condition = .ifPresent
            } else if word.equalsFolded("ch") {
                countsChanges = true
            } else {
                break
            }
            first += 1
        }
        let words = context.count - first
        guard words > 0 && words % 3 == 0 else { throw .syntax }
        let firstPoint = try point(context, first)
        for index in stride(from: first + 3, to: context.count, by: 3) {
            _ = try point(context, index)
        }
        let key = context.key(1)
        if condition == .ifPresent {
            guard try context.slot(key, .sortedSet) != nil else { return context.reply.integer(0) }
        }
        let limits = context.limits
        var added = 0
        let changes = try context.updateOrCreate(
            key, .sortedSet, .sortedSetAdd
        ) { place throws(ErrorReply) in
            let editor = SortedSetEditor(place, limits)
            var changed = 0
            for index in stride(from: first, to: context.count, by: 3) {
                let point = index == first ? firstPoint : try point(context, index)
                switch set(editor, context[index + 2], Geohash.score(point), condition) {
                case .added: added += 1
                case .changed: changed += 1
                case .unchanged: break
                }
            }
            return added + changed
        }
        if changes > 0 && context.isRepeated { try propagate(context, key, first) }
        context.reply.integer(countsChanges ? changes : added)
    }

    /// The points as scores, from argument `first` on: others need not find them again.
    private static func propagate(
        _ context: DataContext, _ key: KeyArgument, _ first: Int
    ) throws(ErrorReply) {
        var scores: [Int64] = []
        for index in stride(from: first, to: context.count, by: 3) {
            scores.append(Geohash.wholeScore(try point(context, index)))
        }
        context.propagate(first + 2 * scores.count) {
            $0.add("zadd")
            $0.add(context.frame.pointee.request, from: 1, to: first)
            for (number, score) in scores.enumerated() {
                $0.add(score)
                $0.add(context[first + 3 * number + 2])
            }
        }
    }

    private static func set(
        _ editor: SortedSetEditor, _ member: ByteView, _ score: Double, _ condition: Condition
    ) -> SortedSetEditor.Outcome {
        editor.update(member) { old in
            switch condition {
            case .none: score
            case .ifAbsent: old == nil ? score : nil
            case .ifPresent: old == nil ? nil : score
            }
        }
    }

    // MARK: - What is known of members

    /// https://redis.io/docs/latest/commands/geopos/
    static func positions(_ context: DataContext) throws(ErrorReply) {
        let view = try view(context, 1)
        context.reply.array(context.count - 2)
        for index in 2..<context.count {
            if let score = view?.score(of: context[index]) {
                write(Geohash.point(score), context.reply)
            } else {
                context.reply.nullArray()
            }
        }
    }

    /// Longitude and latitude.
    static func write(_ point: GeoPoint, _ reply: ReplyWriter) {
        reply.array(2)
        reply.plainDouble(LongDouble(point.longitude))
        reply.plainDouble(LongDouble(point.latitude))
    }

    /// https://redis.io/docs/latest/commands/geodist/
    static func distance(_ context: DataContext) throws(ErrorReply) {
        var unit = GeoUnit.metres
        if context.count == 5 {
            guard let other = GeoUnit(context[4]) else { throw .unsupportedUnit }
            unit = other
        } else if context.count > 5 {
            throw .syntax
        }
        guard let view = try view(context, 1), let first = view.score(of: context[2]),
            let second = view.score(of: context[3])
        else { return context.reply.null() }
        let metres = Geohash.point(first).distance(to: Geohash.point(second))
        DoubleText.withFourDecimals(metres / unit.metres) { context.reply.bulk($0) }
    }

    /// https://redis.io/docs/latest/commands/geohash/
    static func hashes(_ context: DataContext) throws(ErrorReply) {
        let view = try view(context, 1)
        context.reply.array(context.count - 2)
        for index in 2..<context.count {
            if let score = view?.score(of: context[index]) {
                Geohash.withText(score) { context.reply.bulk($0) }
            } else {
                context.reply.null()
            }
        }
    }
}
