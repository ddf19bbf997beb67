# SPDX-License-Identifier: BSD-3-Clause
"""redis.conf of this project starts this server; what is under packaging/ fits the server."""

import re
import unittest

from support import PONG, ROOT, Case


class SampleConfiguration(Case):
    def test_a_server_starts_with_it_and_has_nothing_to_complain_of(self):
        server = self.start(words=[ROOT / "redis.conf"])
        self.assertEqual(self.connect(server).call("PING"), PONG)
        self.assertNotIn("has no effect", server.log())

    def test_the_unit_starts_the_server_as_it_expects(self):
        unit = (ROOT / "packaging" / "mini-redis.service").read_text()
        self.assertIn("Type=notify", unit)
        start = re.search(r"ExecStart=\S+ \S+ (.*)", unit)[1].split()
        self.assertEqual(start, ["--supervised", "systemd", "--daemonize", "no"])
        server = self.start(words=[ROOT / "redis.conf", *start])
        self.assertEqual(self.connect(server).call("PING"), PONG)


if __name__ == "__main__":
    unittest.main()
