# SPDX-License-Identifier: BSD-3-Clause
"""Debian's prometheus-redis-exporter reads this server without an error, beside its own /metrics."""

import os
import re
import shutil
import subprocess
import time
import unittest
import urllib.request

from support import OK, ROOT, Case, free_port, ours_only

UNPACKED = ROOT / ".build-exporter" / "usr" / "bin" / "prometheus-redis-exporter"
EXPORTER = shutil.which("prometheus-redis-exporter") or (
    str(UNPACKED) if os.access(UNPACKED, os.X_OK) else None)


def values_of(text):
    """{name with labels: value} of Prometheus's text format."""
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if line and line[0] != "#")


@unittest.skipUnless(EXPORTER, "prometheus-redis-exporter is not there: scripts/lib/fetch-exporter")
class Exporter(Case):
    def scrape(self, server, *words):
        """What the exporter tells of the server, and what it complained of."""
        port = free_port()
        process = subprocess.Popen(
            [EXPORTER, "-redis.addr", f"redis://127.0.0.1:{server.port}",
             "-web.listen-address", f"127.0.0.1:{port}", "-debug", *words],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            deadline = time.monotonic() + 20
            while True:
                try:
                    url = f"http://127.0.0.1:{port}/metrics"
                    with urllib.request.urlopen(url, timeout=20) as answer:
                        return answer.read().decode(), process
                except OSError:
                    self.assertLess(time.monotonic(), deadline, "the exporter does not answer")
                    time.sleep(0.05)
        finally:
            process.terminate()
            self.complaints = process.communicate(timeout=20)[0]

    def filled(self, **options):
        server = self.start(**options)
        client = self.connect(server)
        for number in range(100):
            self.assertEqual(client.call("SET", f"key:{number}", "value", "EX", 1000), OK)
        client.call("NOSUCH")
        client.call("CONFIG", "SET", "slowlog-log-slower-than", "0", "latency-monitor-threshold", "1")
        client.call("CLIENT", "SETNAME", "somebody")
        return server

    def test_a_scrape_has_no_error(self):
        server = self.filled()
        text, _ = self.scrape(
            server, "-include-system-metrics", "-export-client-list", "-check-keys", "db0=key:1*")
        values = values_of(text)
        self.assertEqual(values["redis_up"], "1")
        self.assertEqual(values["redis_exporter_last_scrape_error{err=\"\"}"], "0")
        self.assertNotRegex(self.complaints, r"(?i)level=(error|warning|fatal)", self.complaints)
        self.assertEqual(values['redis_db_keys{db="db0"}'], "100")
        self.assertEqual(values["redis_connected_clients"].split(".")[0], "2")
        for name in (
            "redis_commands_processed_total", "redis_config_maxclients", "redis_memory_used_bytes",
            "redis_uptime_in_seconds", "redis_slowlog_length", "redis_rdb_last_save_timestamp_seconds",
            "redis_net_output_bytes_total", "redis_mem_fragmentation_ratio",
        ):
            self.assertIn(name, values)
        self.assertTrue([name for name in values if name.startswith("redis_instance_info{")])

    def test_a_password(self):
        server = self.start(requirepass="secret")
        text, _ = self.scrape(server, "-redis.password", "secret")
        self.assertEqual(values_of(text)["redis_up"], "1")

    @ours_only("metrics-port")
    def test_our_own_metrics_have_the_exporter_s_names_and_values(self):
        port = free_port()
        server = self.filled(metrics_port=port)
        theirs = values_of(self.scrape(server)[0])
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            ours = values_of(answer.read().decode())
        plain = lambda values: {re.split("[{]", name)[0] for name in values}
        shared = plain(ours) & plain(theirs)
        self.assertGreater(len(shared), 40, sorted(plain(ours)))
        for name in ('redis_db_keys{db="db0"}', "redis_maxmemory", "redis_evicted_keys_total"):
            if name in ours and name in theirs:
                self.assertEqual(float(ours[name]), float(theirs[name]), name)


if __name__ == "__main__":
    unittest.main()
