# SPDX-License-Identifier: BSD-3-Clause
"""The commands on places: replies digit by digit, options and their order, error texts, what is stored."""

import random
import unittest

from support import Case, NilArray, SharedServerCase, better_than_redis, error, needs_oracle

SYNTAX = error("ERR syntax error")
NOT_FLOAT = error("ERR value is not a valid float")
NOT_INTEGER = error("ERR value is not an integer or out of range")
WRONG_TYPE = error("WRONGTYPE Operation against a key holding the wrong kind of value")
UNIT = error("ERR unsupported unit provided. please use M, KM, FT, MI")
RADIUS_NEGATIVE = error("ERR radius cannot be negative")
BOX_NEGATIVE = error("ERR height or width cannot be negative")
NO_PLACE = error("ERR could not decode requested zset member")
COUNT = error("ERR COUNT must be > 0")
ANY = error("ERR the ANY argument requires COUNT argument")
STORE = error(
    "ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
)
SEARCH_STORE = error(
    "ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
)
SICILY = ("13.361389", "38.115556", "Palermo", "15.087269", "37.502669", "Catania")
PALERMO = [b"13.36138933897018433", b"38.11555639549629859"]
CATANIA = [b"15.08726745843887329", b"37.50266842333162032"]


def invalid(longitude, latitude):
    return error(f"ERR invalid longitude,latitude pair {longitude},{latitude}")


class Places(SharedServerCase):
    def setUp(self):
        super().setUp()
        self.call = self.client.call
        self.assertEqual(self.call("GEOADD", "Sicily", *SICILY), 2)


class Adding(Places):
    def test_scores_and_type(self):
        self.assertEqual(self.call("TYPE", "Sicily").text, b"zset")
        self.assertEqual(self.call("ZSCORE", "Sicily", "Palermo"), b"3479099956230698")
        self.assertEqual(self.call("ZSCORE", "Sicily", "Catania"), b"3479447370796909")

    def test_conditions(self):
        call = self.call
        self.assertEqual(call("GEOADD", "Sicily", "NX", "1", "1", "Palermo", "1", "1", "new"), 1)
        self.assertEqual(call("GEOPOS", "Sicily", "Palermo"), [PALERMO])
        self.assertEqual(call("GEOADD", "Sicily", "XX", "2", "2", "new", "2", "2", "newer"), 0)
        self.assertEqual(call("ZCARD", "Sicily"), 3)
        self.assertEqual(call("GEOADD", "Sicily", "ch", "xx", "3", "3", "new", "3", "3", "x"), 1)
        self.assertEqual(call("GEOADD", "Sicily", "CH", "3", "3", "new", "3", "3", "x"), 1)
        self.assertEqual(call("GEOADD", "Sicily", "CH", "NX", "4", "4", "new", "4", "4", "x"), 0)
        self.assertEqual(call("GEOADD", "none", "XX", "2", "2", "a"), 0)
        self.assertEqual(call("EXISTS", "none"), 0)

    def test_errors_change_nothing(self):
        call = self.call
        call("SET", "string", "x")
        for words, expected in (
            (("k", "NX", "XX", "1", "2", "a"), SYNTAX),
            (("k", "CH", "CH", "CH"), SYNTAX),
            (("k", "1", "2", "a", "3"), SYNTAX),
            (("k", "1", "2"), error("ERR wrong number of arguments for 'geoadd' command")),
            (("k", "1", "2", "a", "181", "0", "b"), invalid("181.000000", "0.000000")),
            (("k", "0", "-85.06", "b"), invalid("0.000000", "-85.060000")),
            (("k", "inf", "0", "b"), invalid("inf", "0.000000")),
            (("k", "0", "1e20", "b"), invalid("0.000000", "100000000000000000000.000000")),
            (("k", "x", "0", "b"), NOT_FLOAT),
            (("k", "1", "2", "a", "0", "nan", "b"), NOT_FLOAT),
            (("string", "0", "0", "b"), WRONG_TYPE),
            (("string", "0", "181", "b"), invalid("0.000000", "181.000000")),
            (("string", "XX", "0", "0", "b"), WRONG_TYPE),
        ):
            with self.subTest(words=words):
                self.assertEqual(call("GEOADD", *words), expected)
        self.assertEqual(call("EXISTS", "k"), 0)
        self.assertEqual(call("GET", "string"), b"x")


class Members(Places):
    def test_positions(self):
        call = self.call
        reply = call("GEOPOS", "Sicily", "Palermo", "none", "Catania")
        self.assertEqual(reply, [PALERMO, NilArray(), CATANIA])
        self.assertEqual(call("GEOPOS", "none", "a", "b"), [NilArray(), NilArray()])
        self.assertEqual(call("GEOPOS", "Sicily"), [])

    def test_hashes(self):
        call = self.call
        reply = call("GEOHASH", "Sicily", "Palermo", "none", "Catania")
        self.assertEqual(reply, [b"sqc8b49rny0", None, b"sqdtr74hyu0"])
        self.assertEqual(call("GEOHASH", "none", "a"), [None])
        self.assertEqual(call("GEOHASH", "Sicily"), [])

    def test_distances(self):
        for unit, expected in (
            ((), b"166274.1516"), (("m",), b"166274.1516"), (("KM",), b"166.2742"),
            (("mi",), b"103.3182"), (("Ft",), b"545518.8700"),
        ):  # fmt: skip
            self.assertEqual(self.call("GEODIST", "Sicily", "Palermo", "Catania", *unit), expected)
        self.assertEqual(self.call("GEODIST", "Sicily", "Palermo", "Palermo"), b"0.0000")
        self.assertIsNone(self.call("GEODIST", "Sicily", "Palermo", "none"))
        self.assertIsNone(self.call("GEODIST", "none", "Palermo", "Catania"))

    def test_errors(self):
        call = self.call
        call("SET", "string", "x")
        for command in ("GEOPOS", "GEOHASH"):
            self.assertEqual(call(command, "string", "a"), WRONG_TYPE)
        self.assertEqual(call("GEODIST", "string", "a", "b"), WRONG_TYPE)
        self.assertEqual(call("GEODIST", "string", "a", "b", "yd"), UNIT)
        self.assertEqual(call("GEODIST", "Sicily", "a", "b", "m", "x"), SYNTAX)

    def test_half_around_the_earth(self):
        self.call("GEOADD", "e", "0", "40", "a", "180", "-40", "b", "-180", "-40", "c")
        for member in ("b", "c"):
            distance = float(self.call("GEODIST", "e", "a", member, "km"))
            self.assertAlmostEqual(distance, 20020.7, delta=1)


class Searching(Places):
    AROUND = ("FROMLONLAT", "15", "37", "BYRADIUS", "200", "km")

    def search(self, *words):
        return self.call("GEOSEARCH", "Sicily", *words)

    def test_details_come_in_one_order(self):
        palermo = [b"Palermo", b"190.4424", 3479099956230698, PALERMO]
        catania = [b"Catania", b"56.4413", 3479447370796909, CATANIA]
        for words in (("WITHCOORD", "WITHDIST", "WITHHASH"), ("withhash", "withcoord", "withdist")):
            self.assertEqual(self.search(*self.AROUND, *words, "ASC"), [catania, palermo])
            self.assertEqual(self.search(*words, "DESC", *self.AROUND), [palermo, catania])
        reply = self.search(*self.AROUND, "WITHHASH", "ASC")
        self.assertEqual(reply, [[b"Catania", 3479447370796909], [b"Palermo", 3479099956230698]])

    def test_circles_and_boxes(self):
        self.call("GEOADD", "Sicily", "12.758489", "38.788135", "edge1", "17.241510", "38.788135", "edge2")
        box = ("FROMLONLAT", "15", "37", "BYBOX", "400", "400", "km", "ASC")
        self.assertEqual(self.search(*box), [b"Catania", b"Palermo", b"edge2", b"edge1"])
        self.assertEqual(self.search(*self.AROUND, "ASC"), [b"Catania", b"Palermo"])
        self.assertEqual(self.search("BYRADIUS", "0", "m", "FROMMEMBER", "Palermo"), [b"Palermo"])
        self.assertEqual(
            self.search("FROMMEMBER", "Palermo", "BYRADIUS", "124184.4604", "FT", "ASC"),
            [b"Palermo"],
        )
        self.assertEqual(self.search("FROMLONLAT", "0", "0", "BYRADIUS", "1", "mi"), [])

    def test_count(self):
        for index in range(500):
            self.call("GEOADD", "many", 10 + index * 0.001, "45", f"m{index}")
        around = ("GEOSEARCH", "many", "FROMLONLAT", "10", "45", "BYRADIUS", "100", "km")
        everything = [b"m%d" % index for index in range(500)]
        self.assertEqual(self.call(*around, "ASC"), everything)
        self.assertEqual(self.call(*around, "DESC"), everything[::-1])
        for count in (1, 2, 31, 32, 33, 64, 499, 500, 501, 2**63 - 1):
            self.assertEqual(self.call(*around, "COUNT", count), everything[:count])
            self.assertEqual(self.call(*around, "COUNT", count, "DESC"),
                             everything[::-1][:count])
            found = self.call(*around, "ANY", "COUNT", count)
            self.assertEqual(len(set(found)), min(count, 500))

    def test_equal_distances_stay_in_the_order_in_which_they_were_found(self):
        for index in range(100):
            self.call("GEOADD", "same", "10", "45", f"m{index:02}")
        around = ("GEOSEARCH", "same", "FROMLONLAT", "10", "45", "BYRADIUS", "1", "km")
        expected = [b"m%02d" % index for index in range(100)]
        for order in ((), ("ASC",), ("DESC",)):
            self.assertEqual(self.call(*around, *order), expected)

    @better_than_redis("it cuts equal distances where its sort happens to leave them")
    def test_equal_distances_are_cut_in_that_order_too(self):
        for index in range(100):
            self.call("GEOADD", "same", "10", "45", f"m{index:02}")
        around = ("GEOSEARCH", "same", "FROMLONLAT", "10", "45", "BYRADIUS", "1", "km")
        for count in (1, 7, 99):
            expected = [b"m%02d" % index for index in range(count)]
            for order in ("ASC", "DESC"):
                self.assertEqual(self.call(*around, order, "COUNT", count), expected)

    def test_errors(self):
        call, here = self.call, ("FROMLONLAT", "0", "0")
        call("SET", "string", "x")
        circle = ("BYRADIUS", "1", "km")

        def missing(words, name):
            return error(f"ERR exactly one of {words} can be specified for {name}")

        for words, expected in (
            (("a", "b", "c", "d", "e"), SYNTAX),
            ((*here, "BYRADIUS", "1"), SYNTAX),
            ((*here, *circle, "BYBOX", "1", "1", "km"), SYNTAX),
            ((*here, "FROMMEMBER", "Palermo", *circle), SYNTAX),
            (("FROMMEMBER", "Palermo", *here, *circle), SYNTAX),
            (("FROMMEMBER", "none", *circle), NO_PLACE),
            ((*circle, "ASC", "DESC", "ASC"), missing("FROMMEMBER or FROMLONLAT", "GEOSEARCH")),
            ((*here, "ASC", "DESC", "ASC"), missing("BYRADIUS and BYBOX", "GEOSEARCH")),
            ((*here, "BYRADIUS", "x", "km"), error("ERR need numeric radius")),
            ((*here, "BYRADIUS", "1e400", "km"), error("ERR need numeric radius")),
            ((*here, "BYRADIUS", "-1", "yd"), RADIUS_NEGATIVE),
            ((*here, "BYRADIUS", "1", "yd"), UNIT),
            ((*here, "BYBOX", "x", "1", "km"), error("ERR need numeric width")),
            ((*here, "BYBOX", "1", "x", "km"), error("ERR need numeric height")),
            ((*here, "BYBOX", "1", "-1", "yd"), BOX_NEGATIVE),
            ((*here, *circle, "COUNT", "0"), COUNT),
            ((*here, *circle, "COUNT", "-1"), COUNT),
            ((*here, *circle, "COUNT", "x"), NOT_INTEGER),
            ((*here, *circle, "COUNT"), SYNTAX),
            ((*here, *circle, "ANY"), ANY),
            ((*here, *circle, "STOREDIST"), SYNTAX),
            ((*here, *circle, "STORE", "x"), SYNTAX),
            (("FROMLONLAT", "181", "0", *circle), invalid("181.000000", "0.000000")),
            (("FROMLONLAT", "x", "0", *circle), NOT_FLOAT),
        ):
            with self.subTest(words=words):
                self.assertEqual(call("GEOSEARCH", "Sicily", *words), expected)
        self.assertEqual(call("GEOSEARCH", "string", *here, *circle, "x"), WRONG_TYPE)
        self.assertEqual(call("GEOSEARCH", "none", "FROMMEMBER", "x", *circle), [])
        self.assertEqual(call("GEOSEARCH", "none", "FROMMEMBER", "x", "BYRADIUS", "-1", "m"), RADIUS_NEGATIVE)
        self.assertEqual(
            call("GeoSearch", "Sicily", *here, "ASC", "ASC", "ASC"),
            missing("BYRADIUS and BYBOX", "GeoSearch"),
        )

    def test_any_score_is_somewhere(self):
        self.call("ZADD", "z", "inf", "a", "-inf", "b", "-1", "c", "1e300", "d", "0.5", "e")
        self.assertEqual(len(self.call("GEOPOS", "z", *"abcde")), 5)
        corner = [b"-179.99999731779098511", b"-85.05112751263942528"]
        self.assertEqual(self.call("GEOPOS", "z", "a", "e"), [corner, corner])
        everywhere = ("FROMLONLAT", "0", "0", "BYRADIUS", "1e9", "m", "WITHHASH", "WITHCOORD")
        self.assertEqual(len(self.call("GEOSEARCH", "z", *everywhere)), 1)


class Storing(Places):
    def test_scores_or_distances(self):
        call = self.call
        around = ("FROMLONLAT", "15", "37", "BYRADIUS", "200", "km")
        self.assertEqual(call("GEOSEARCHSTORE", "d", "Sicily", *around), 2)
        self.assertEqual(
            call("ZRANGE", "d", 0, -1, "WITHSCORES"),
            [b"Palermo", b"3479099956230698", b"Catania", b"3479447370796909"],
        )
        self.assertEqual(call("OBJECT", "ENCODING", "d"), b"listpack")
        self.assertEqual(call("GEOSEARCHSTORE", "d", "Sicily", *around, "STOREDIST", "COUNT", 1), 1)
        self.assertEqual(call("ZRANGE", "d", 0, -1), [b"Catania"])
        self.assertEqual(float(call("ZSCORE", "d", "Catania")), 56.441257870158204)
        self.assertEqual(call("GEORADIUS", "Sicily", 15, 37, 200, "km", "STOREDIST", "e"), 2)
        self.assertEqual(float(call("ZSCORE", "e", "Palermo")), 190.44242984775784)
        self.assertEqual(call("GEORADIUS", "Sicily", 15, 37, 200, "km", "STOREDIST", "f", "STORE", "g"), 2)
        self.assertEqual(call("EXISTS", "f"), 0)
        self.assertEqual(call("ZSCORE", "g", "Palermo"), b"3479099956230698")
        self.assertEqual(call("GEORADIUSBYMEMBER", "Sicily", "Palermo", 1, "m", "STORE", "Sicily"), 1)
        self.assertEqual(call("ZRANGE", "Sicily", 0, -1), [b"Palermo"])

    def test_nothing_found_removes_the_destination(self):
        call = self.call
        for words in (
            ("GEOSEARCHSTORE", "d", "Sicily", "FROMLONLAT", 0, 0, "BYRADIUS", 1, "m"),
            ("GEOSEARCHSTORE", "d", "none", "FROMMEMBER", "x", "BYRADIUS", 1, "m"),
            ("GEORADIUS", "Sicily", 0, 0, 1, "m", "STORE", "d"),
            ("GEORADIUSBYMEMBER", "none", "x", -1, "yd", "STOREDIST", "d"),
        ):
            call("SET", "d", "x", "EX", "100")
            self.assertEqual(call(*words), 0)
            self.assertEqual(call("EXISTS", "d"), 0)

    def test_errors(self):
        call, around = self.call, ("FROMLONLAT", "15", "37", "BYRADIUS", "200", "km")
        call("SET", "d", "x")
        radius = ("GEORADIUS", "Sicily", 15, 37, 200, "km")
        for words, expected in (
            (("GEOSEARCHSTORE", "d", "d", *around), WRONG_TYPE),
            (("GEOSEARCHSTORE", "d", "Sicily", *around, "WITHDIST"), SEARCH_STORE),
            (("GEOSEARCHSTORE", "d", "Sicily", *around, "STORE", "x"), SYNTAX),
            ((*radius, "WITHHASH", "STORE", "d"), STORE),
            ((*radius, "STORE"), SYNTAX),
            ((*radius, "ANY"), ANY),
            ((*radius, "FROMMEMBER", "a"), SYNTAX),
            (("GEORADIUS_RO", *radius[1:], "STORE", "d"), SYNTAX),
            (("GEORADIUSBYMEMBER_RO", "Sicily", "Palermo", 1, "m", "STORE", "d"), SYNTAX),
            (("GEORADIUSBYMEMBER", "Sicily", "none", 1, "m"), NO_PLACE),
            (("GEORADIUS", "none", 200, 0, 1, "km"), invalid("200.000000", "0.000000")),
            (("GEORADIUS", "none", 0, 0, -1, "km"), RADIUS_NEGATIVE),
            (("GEORADIUS", "d", 200, 0, 1, "km"), WRONG_TYPE),
            (("GEORADIUSBYMEMBER", "none", "x", -1, "yd", "bad"), SYNTAX),
        ):
            with self.subTest(words=words):
                self.assertEqual(call(*words), expected)
        self.assertEqual(call("GET", "d"), b"x")


class Newer(Places):
    """RESP3: coordinates are doubles, distances bulk strings."""

    def test_shapes(self):
        self.call("HELLO", "3")
        palermo = [13.36138933897018433, 38.11555639549629859]
        self.assertEqual(self.call("GEOPOS", "Sicily", "none", "Palermo"), [None, palermo])
        self.assertEqual(self.call("GEODIST", "Sicily", "Palermo", "Catania"), b"166274.1516")
        self.assertIsNone(self.call("GEODIST", "Sicily", "Palermo", "none"))
        self.assertEqual(self.call("GEOHASH", "Sicily", "none"), [None])
        self.assertEqual(
            self.call("GEORADIUSBYMEMBER", "Sicily", "Palermo", 1, "m", "WITHCOORD", "WITHDIST"),
            [[b"Palermo", b"0.0000", palermo]],
        )


@needs_oracle
class LargeSets(Case):
    """Thousands of members: not packed any more, and searched through the tree."""

    def test_searches_agree_with_the_oracle(self):
        ours, oracle = self.connect(self.start()), self.connect(self.start_oracle())
        numbers = random.Random(7)
        for start in range(0, 6000, 500):
            words = ["GEOADD", "k"]
            for index in range(start, start + 500):
                words += [numbers.uniform(-180, 180), numbers.uniform(-85, 85), f"m{index}"]
            self.assertEqual(ours.call(*words), oracle.call(*words))
        for _ in range(300):
            words = ["GEOSEARCH", "k", "FROMLONLAT", numbers.uniform(-180, 180), numbers.uniform(-85, 85)]
            size = 10 ** numbers.uniform(1, 4.5)
            if numbers.random() < 0.5:
                words += ["BYRADIUS", size, "km"]
            else:
                words += ["BYBOX", size, 10 ** numbers.uniform(1, 4.5), "km"]
            words += numbers.choice([[], ["ASC"], ["DESC"], ["COUNT", 17], ["COUNT", 900, "DESC"], ["ANY", "COUNT", 40]])
            words += numbers.choice([[], ["WITHDIST"], ["WITHCOORD", "WITHHASH"]])
            self.assertEqual(ours.call(*words), oracle.call(*words), words)


if __name__ == "__main__":
    unittest.main()
