"""The stack as a maker starts it: real nginx, supervisor, MongoDB, Redis and processes, in temporary folders."""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode

import worker
from handlers.routes import PUBLIC
from lib.headers import security_headers
from lib.tokens import TOKEN_PLACES, new_token
from models.comments.comment import LONGEST_NAME, LONGEST_TEXT
from settings import Settings
from stack import configuration, processes, programs, servers, start
from stack.commands import Refused
from tests.disks import REFUSALS, full, read_only, small
from tests.running import ROOT, Running, is_free, wait_until

# Other spellings of /signin: an address with one leads nowhere, but the token in it stays valid.
MISSPELT = (
    "//signin",
    "/SignIn",
    "/%73ign%49n",
    "/./signin",
    "/%2e/signin",
    "/x/../signin",
    "/x/%2E%2e//signin",
    "/x/y/../../signin/",
    "/static/../signin",
    "/x%2f..%2fsignin",
    "/signin%2f",
    "/signin/.",
    "/signin/x/..",
)
COUNTED = {"/signin", "/plog/signin/p2", "/x"}


class ConfigurationTest(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="plog nginx "))
        self.addCleanup(shutil.rmtree, self.folder)

    def rendered(self, nginx: str, **settings: str) -> Path:
        chosen = Settings.from_environment({"SITE_DATA": str(self.folder), **settings})
        servers.prepare(chosen.data)
        configuration.render(chosen, nginx, chosen.data / "run")
        return self.folder / "run"

    def test_every_installed_nginx_accepts_its_configuration(self) -> None:
        choices = {"SITE_PROXIES": "10.0.0.0/8, ::1", "SITE_URL": "https://plog.example"}
        for nginx in programs.find_all("nginx"):
            for settings in ({}, choices, {"SITE_LISTEN": "::1"}):
                run = self.rendered(nginx, **settings)
                command = [nginx, "-t", "-e", "stderr", "-p", str(run), "-c", str(run / "nginx.conf")]
                tried = subprocess.run(command, capture_output=True, text=True, check=False)
                self.assertEqual(tried.returncode, 0, tried.stderr)
                self.assertNotIn("[warn]", tried.stderr)

    def test_errors_by_nginx_itself_have_the_sites_pages_and_headers(self) -> None:
        for nginx in programs.find_all("nginx"):
            with self.subTest(nginx), self.alone(nginx) as running:
                long = {"Cookie": "x" * 40000}
                asked = (
                    (400, "Bad request", running.get("/", Host="a b")),
                    (400, "Bad request", running.ask("GET", "/", headers=long)),
                    (404, "Not found", running.get("/.refused.html")),
                    (405, "Method not allowed", running.ask("POST", "/static/css/site.css")),
                    (405, "Method not allowed", running.ask("TRACE", "/")),
                    (413, "Too large", running.ask("POST", "/static/bundles/x.js", body=b"x" * (1024 * 1024 + 1))),
                    (400, "", running.ask("get", "/")),
                    (414, "", running.get("/" + "x" * 40000)),
                    (301, "", running.get("/admin?a=b")),
                )
                for code, words, answer in asked:
                    self.assertEqual((answer.code, len(answer.headers.get_all("Content-Security-Policy"))), (code, 1))
                    self.assertIn("nosniff", answer.headers["X-Content-Type-Options"])
                    self.assertEqual(answer.headers["Content-Type"].partition(";")[0], "text/html")
                    self.assertIn(f"<h1>{words}" if words else "", answer.body)
                for code, answer in (
                    (400, running.ask("GET", "/", headers={"Accept": "application/json"} | long)),
                    (405, running.ask("POST", "/static/css/site.css", headers={"Accept": "application/json"})),
                ):
                    self.assertEqual((answer.code, answer.json()["error"]), (code, "error"))
                    self.assertEqual(answer.headers["Content-Type"].partition(";")[0], "application/json")

    def test_ip_addresses_are_logged_as_networks(self) -> None:
        logged = {
            "203.0.113.77": "203.0.113.0",
            "2001:db8:1:2:3:4:5:6": "2001:db8:1::",
            "2001:db8:0:2::6": "2001:db8:0::",
            "2001:db8:7::6": "2001:db8:7::",
            "2001:db8::6": "2001:db8::",
            "2001::6": "2001::",
            "::1": "::",
            "::ffff:198.51.100.9": "198.51.100.0",
        }
        for nginx in programs.find_all("nginx"):
            with self.subTest(nginx), self.alone(nginx) as running:
                for n, address in enumerate(logged):
                    running.get(f"/admin?{n}", X_Forwarded_For=address)
                log = running.data / "log" / "access.log"
                wait_until(lambda log=log: log.read_text().count("/admin?") == len(logged))
                lines = re.findall(r"^\S+ (\S+) 301 \"GET /admin\?(\d+) ", log.read_text(), re.MULTILINE)
                self.assertEqual({int(n): network for network, n in lines}, dict(enumerate(logged.values())))
                log.unlink()

    def test_tokens_in_urls_are_never_logged(self) -> None:
        token = new_token()
        places = [f"{place}/{token}" for place in (*MISSPELT, *(f"/{place}" for place in TOKEN_PLACES))]
        asked = [
            *places,
            f"http://plog.example/x/../signin/{token}",
            f"http://plog.example/signin/{token}",
            f"/signin/{token}?next=/",
            f"/signin/{token}.",
            f"/plog/draft?%70review={token}",
            f"/plog/draft?preview={token}",
            f"/plog/draft?a=b&preview={token}&c=d",
            f"/x?token={token}",
            "/signin",
            "/plog/signin/p2",
            "/x?a=b",
        ]
        for nginx in programs.find_all("nginx"):
            with self.subTest(nginx), self.alone(nginx) as running:
                for path in places:  # while no process runs, nginx logs an error for each
                    self.assertEqual(running.get(path).code, 503)
                with answering(running.port + 1, running.port + 2, running.port + 3):
                    for path in asked:
                        self.assertEqual(running.get(path).code, 200)
                log, hits = running.data / "log" / "access.log", running.data / "log" / "hits.log"
                wait_until(lambda log=log: log.read_text().count('"GET ') == len(places + asked))
                wait_until(lambda hits=hits: len(hits.read_text().splitlines()) >= len(COUNTED))
                for written in log.parent.iterdir():
                    self.assertNotIn(token, written.read_text(), written.name)
                for line in ("/signin/...", "/signin", "/plog/signin/p2", "/plog/draft?...", "/x?a=b"):
                    self.assertIn(f'"GET {line} HTTP/1.1"', log.read_text())
                self.assertEqual({line.split()[2] for line in hits.read_text().splitlines()}, COUNTED)
                log.unlink()
                hits.unlink()

    def test_every_route_with_a_token_is_masked_in_logs(self) -> None:
        with_tokens = [page.pattern for page in PUBLIC if "{43}" in page.pattern]
        self.assertTrue(with_tokens)
        for pattern in with_tokens:
            self.assertRegex(pattern, f"^/(?:{'|'.join(TOKEN_PLACES)})/")

    def test_large_uploads_and_slow_readers_leave_no_ip_address_in_the_error_log(self) -> None:
        for nginx in programs.find_all("nginx"):
            with self.subTest(nginx), self.alone(nginx) as running:
                sender = {"X-Forwarded-For": "203.0.113.77"}
                with answering(running.port + 1, running.port + 2, running.port + 3, size=16_000_000) as has_answered:
                    running.ask("POST", "/plog/x/comments", body=b"x" * 1_000_000, headers=sender)
                    has_answered.clear()
                    slow = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
                    self.addCleanup(slow.close)
                    slow.request("GET", "/plog/x?long", headers=sender)
                    self.assertTrue(has_answered.wait(30))
                log = running.data / "log" / "nginx-errors.log"
                self.assertNotIn("203.0.113.77", log.read_text())

    def test_nginx_does_not_buffer_comments_on_disk(self) -> None:
        longest = urlencode({"text": "\U0001f600" * LONGEST_TEXT, "name": "\U0001f600" * LONGEST_NAME}).encode()
        for nginx in programs.find_all("nginx"):
            with self.subTest(nginx), self.alone(nginx, ('errors.log" error;', 'errors.log" warn;')) as running:
                log = running.data / "log" / "nginx-errors.log"
                with answering(running.port + 1, running.port + 2, running.port + 3):
                    for body, is_written in ((longest, False), (longest * 2, True)):
                        running.ask("POST", "/plog/x/comments", body=body)
                        self.assertEqual("a client request body is buffered" in log.read_text(), is_written)

    @contextmanager
    def alone(self, nginx: str, *changes: tuple[str, str]) -> Iterator[Running]:
        """Runs nginx without the processes behind it, with these changes to its configuration."""
        running = Running(data=self.folder)
        self.addCleanup(shutil.rmtree, running.folder)
        run = self.rendered(nginx, SITE_PORT=str(running.port), SITE_PROXIES="127.0.0.1")
        text = (run / "nginx.conf").read_text()
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        (run / "nginx.conf").write_text(text)
        process = subprocess.Popen([nginx, "-e", "stderr", "-p", str(run), "-c", str(run / "nginx.conf")])
        try:
            wait_until(lambda: not is_free(running.port))
            yield running
        finally:
            process.terminate()
            process.wait()

    def test_external_servers_are_not_started(self) -> None:
        run = self.rendered("nginx", SITE_MONGO_URL="mongodb://db.example", SITE_REDIS_URL="redis://db.example")
        self.assertNotIn("program:mongod", (run / "supervisord.conf").read_text())
        self.assertNotIn("program:redis", (run / "supervisord.conf").read_text())

    def test_nginx_has_the_security_headers_of_the_processes(self) -> None:
        text = (self.rendered("nginx", SITE_URL="https://plog.example") / "headers.conf").read_text()
        self.assertIn('add_header Content-Security-Policy "default-src', text)
        self.assertIn("Strict-Transport-Security", text)

    def test_a_path_with_special_characters_is_refused(self) -> None:
        with self.assertRaisesRegex(Refused, "characters"):
            start.check_paths(Path("/srv/plog;rm"))


class RunningTestCase(unittest.TestCase):
    running: Running

    @classmethod
    def setUpClass(cls) -> None:
        cls.running = Running(SITE_DEMO="0", SITE_PROXIES="127.0.0.2")
        cls.running.start()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.running.remove()  # nosetests has no class cleanups


class FrontTest(RunningTestCase):
    """How nginx handles requests and responses of a running site."""

    def test_a_start_prints_one_line_once_the_site_answers(self) -> None:
        self.assertEqual(self.running.said, [f"Plog is at {self.running.url}/\n"])
        self.assertEqual(self.running.get("/").code, 200)

    def test_every_process_is_identified_by_its_command_line(self) -> None:
        lines = list(self.running.commands().values())
        port = self.running.port
        wanted = [f"app.py --port={port + n}" for n in (1, 2, 3)] + [f"app.py --port={port + 4} --admin", "worker.py"]
        for ending in wanted:
            self.assertEqual(sum(line.endswith(ending) for line in lines), 1, f"{ending}: {lines}")
        for name in ("mongod", "redis-server", "nginx: master", "supervisord"):
            self.assertTrue(any(name in line for line in lines), f"{name}: {lines}")
        self.assertFalse([line for line in lines if line.startswith(("sh ", "/bin/sh", "bash"))])

    def test_embedded_servers_listen_on_no_port(self) -> None:
        for name in ("mongod", "redis-server"):
            inodes = {link.split("[")[1][:-1] for link in open_files(self.running.pid_of(name)) if "socket:[" in link}
            listening = [
                line.split()[9]
                for file in ("tcp", "tcp6")
                for line in Path(f"/proc/net/{file}").read_text().splitlines()
            ]
            self.assertFalse(inodes & set(listening), name)

    def test_requests_are_distributed_over_the_three_public_processes(self) -> None:
        pids = {self.running.get("/status").json()["pid"] for _ in range(9)}
        self.assertEqual(pids, {self.running.pid_of(f"--port={self.running.port + n}") for n in (1, 2, 3)})

    def test_each_public_process_is_pinned_to_one_core_and_the_admin_is_not(self) -> None:
        """All threads are pinned, also those of MongoDB's client."""
        cores, pinned = os.sched_getaffinity(0), []
        for number in (1, 2, 3, 4):
            pid = self.running.pid_of(f"--port={self.running.port + number}")
            threads = [int(thread.name) for thread in Path(f"/proc/{pid}/task").iterdir()]
            self.assertGreater(len(threads), 1)
            pinned.append(set.union(*map(os.sched_getaffinity, threads)))
        *public, admin = pinned
        self.assertEqual((list(map(len, public)), admin), ([1, 1, 1], cores))
        self.assertEqual(len(set.union(*public)), min(3, len(cores)))

    def test_status_and_metrics_are_for_this_machine_only(self) -> None:
        for path in ("/status", "/metrics"):
            self.assertEqual(self.running.get(path).code, 200)
            self.assertEqual(self.running.get(path, X_Forwarded_For="127.0.0.1").code, 404)

    def test_static_files_have_security_headers_and_an_etag(self) -> None:
        answer = self.running.get("/static/css/site.css")
        self.assertEqual((answer.code, answer.headers["Content-Type"]), (200, "text/css; charset=utf-8"))
        self.assertIn("default-src 'none'", answer.headers["Content-Security-Policy"])
        self.assertEqual(answer.headers["Cache-Control"], "no-cache")
        self.assertEqual(self.running.get("/static/css/site.css", If_None_Match=answer.headers["ETag"]).code, 304)
        self.assertEqual(self.running.get("/favicon.ico").code, 200)

    def test_only_static_addresses_with_a_digest_are_immutable(self) -> None:
        hashed = set(re.findall(r'"(/static/[^"]+\?v=[^"]+)"', self.running.get("/").body))
        self.assertTrue(hashed)
        for address in hashed:
            for headers in ({}, {"If_None_Match": self.running.get(address).headers["ETag"]}):
                answer = self.running.get(address, **headers)
                self.assertEqual(answer.code, 304 if headers else 200, address)
                self.assertEqual(answer.headers.get_all("Cache-Control"), ["public, max-age=31536000, immutable"])
                self.assertEqual(answer.headers.get_all("Vary"), ["Accept-Encoding"])
        for address in (
            "css/site.css",
            "css/site.css?v=",
            "css/site.css?v=1&w",
            "css/site.css?w=1",
            "css/site.css?v=x",
        ):
            answer = self.running.get(f"/static/{address}")
            self.assertEqual((answer.code, answer.headers.get_all("Cache-Control")), (200, ["no-cache"]), address)
        self.assertEqual(self.running.get("/static/css/none.css?v=1").headers.get_all("Cache-Control"), ["no-cache"])

    def test_missing_files_are_answered_with_the_sites_own_404_page(self) -> None:
        for path in ("/static/css/none.css", "/static/", "/static/../settings.py", "/nothing"):
            answer = self.running.get(path)
            self.assertEqual(answer.code, 404, path)
            self.assertIn("site-title", answer.body, path)
            self.assertEqual(len(answer.headers.get_all("Content-Security-Policy")), 1, path)

    def test_text_is_compressed_for_clients_that_accept_gzip(self) -> None:
        self.assertEqual(self.running.get("/static/css/site.css").headers["Content-Encoding"], None)
        connection = self.running.ask("HEAD", "/static/css/site.css", headers={"Accept-Encoding": "gzip"})
        self.assertEqual(connection.headers["Content-Encoding"], "gzip")

    def test_a_body_over_a_megabyte_is_refused_with_a_message(self) -> None:
        body = b"x" * (1024 * 1024 + 1)
        answer = self.running.ask("POST", "/", body=body)
        self.assertEqual(answer.code, 413)
        self.assertIn("Too large", answer.body)
        answer = self.running.ask("POST", "/", body=body, headers={"Accept": "application/json"})
        self.assertEqual((answer.code, answer.json()["error"]), (413, "too-large"))
        self.assertNotEqual(self.running.ask("POST", "/admin/photos/", body=body).code, 413)

    def test_ip_addresses_are_masked_in_the_logs_of_the_processes(self) -> None:
        """Tornado logs the IP address of a malformed request; nginx passes some on, such as one with an invalid Host."""
        broken = {"Host": "a,b", "X-Real-IP": "203.0.113.77"}
        for port in (self.running.port + 1, self.running.port + 4):
            self.assertEqual(self.running.ask("GET", "/x", headers=broken, port=port).code, 400)
        logs = [self.running.data / "log" / name for name in (f"public-{self.running.port + 1}.log", "admin.log")]
        for log in logs:
            wait_until(lambda log=log: "Malformed HTTP message" in log.read_text())
            self.assertIn("203.0.113.0/24", log.read_text())
            self.assertNotIn("203.0.113.77", log.read_text())

    def test_admin_addresses_are_answered_by_the_admin_process(self) -> None:
        self.assertEqual(self.running.get("/admin/").code, 303)
        for path in ("/admin", "/admin?a=b&c"):
            answer = self.running.get(path)
            self.assertEqual((answer.code, answer.headers["Location"]), (301, path.replace("/admin", "/admin/")))

    def test_every_response_has_each_security_header_once(self) -> None:
        for path in ("/", "/nothing", "/admin/", "/admin", "/live/info", "/status", "/static/css/site.css", "/me"):
            answer = self.running.get(path)
            for name in security_headers(is_https=False):
                self.assertEqual(len(answer.headers.get_all(name)), 1, f"{path}: {name}")

    def test_large_logs_of_nginx_are_rotated(self) -> None:
        log = self.running.data / "log" / "access.log"
        aside = log.with_name("access.log.1")
        self.running.get("/status?before")
        wait_until(lambda: "?before" in log.read_text())
        with open(log, "ab") as file:
            file.truncate(worker.LARGEST_LOG)
        wait_until(aside.exists)
        wait_until(log.exists)
        self.assertIn("?before", aside.read_text())
        self.running.get("/status?after")
        wait_until(lambda: "?after" in log.read_text())
        self.assertLess(log.stat().st_size, 10000)

    @unittest.skipUnless(os.getuid() == 0, "only root gets the warning")
    def test_starting_as_root_prints_a_warning(self) -> None:
        lines = [line for line in self.running.complaints.splitlines() if "root" in line]
        self.assertEqual(lines, ["Plog was started by root, and all of it runs as root: make a user for Plog."])

    def test_maintenance_shows_a_page_to_visitors_and_leaves_the_admin_available(self) -> None:
        flag = self.running.data / "maintenance"
        flag.touch()
        self.addCleanup(flag.unlink, missing_ok=True)
        for method, path in (("GET", "/"), ("POST", "/plog/x/comments"), ("GET", "/live/info")):
            answer = self.running.ask(method, path)
            self.assertEqual((answer.code, answer.headers["Retry-After"]), (503, "10"), path)
            self.assertIn("Away for a moment", answer.body)
            self.assertIn("default-src", answer.headers["Content-Security-Policy"])
        self.assertEqual(self.running.get("/", Accept="application/json").json()["error"], "away")
        for path, code in (("/admin/", 303), ("/status", 200), ("/static/css/site.css", 200), ("/favicon.ico", 200)):
            self.assertEqual(self.running.get(path).code, code, path)
        flag.unlink()
        self.assertEqual(self.running.get("/").code, 200)

    def test_a_second_start_is_refused_with_the_reason(self) -> None:
        assert self.running.process
        again = Running(data=self.running.data)
        self.addCleanup(shutil.rmtree, again.folder)
        with self.assertRaisesRegex(AssertionError, f"already runs .*process {self.running.process.pid}"):
            again.start()
        self.assertTrue(self.running.is_up())

    def test_a_port_in_use_is_refused_by_its_number(self) -> None:
        other = Running(port=self.running.port - 2)
        self.addCleanup(other.remove)
        with self.assertRaisesRegex(AssertionError, f"port {self.running.port} .*in use"):
            other.start()

    def test_chores_use_the_running_servers(self) -> None:
        environment = os.environ | {"SITE_DATA": str(self.running.data), "SITE_PORT": str(self.running.port)}
        chore = subprocess.run([sys.executable, "cli.py", "indexes"], cwd=ROOT, env=environment, check=False)
        self.assertEqual(chore.returncode, 0)
        self.assertTrue(self.running.is_up())


class LiveFrontTest(RunningTestCase):
    def test_a_session_stays_on_one_process_and_sessions_are_distributed(self) -> None:
        servers_of_sessions = [f"{n % 40:03}" for n in range(120)]
        paths = [f"/live/{server}/session{n}/xhr" for n, server in enumerate(servers_of_sessions)]
        for path in paths:
            self.assertEqual(self.running.ask("POST", path).body, "o\n")
        ports = self.ports(paths)
        taken: dict[str, set[int]] = {}
        for server, path in zip(servers_of_sessions, paths, strict=True):
            taken.setdefault(server, set()).update(ports[path])
        self.assert_one_each(taken)

    def test_comments_on_one_post_go_to_one_process_and_posts_are_distributed(self) -> None:
        paths = [f"/plog/post-{n}/comments" for n in range(30)]
        for path in paths * 3:
            self.assertEqual(self.running.ask("POST", path).code, 404)
        self.assert_one_each(self.ports(paths * 3))

    def assert_one_each(self, ports: dict[str, set[int]]) -> None:
        """Assert that each key has exactly one port and that all three ports are used."""
        self.assertEqual({len(each) for each in ports.values()}, {1})
        self.assertEqual(set().union(*ports.values()), {self.running.port + n for n in (1, 2, 3)})

    def ports(self, paths: list[str]) -> dict[str, set[int]]:
        """The ports to which nginx sent the requests for these paths, from its log."""
        log = self.running.data / "log" / "access.log"
        wait_until(lambda: not Counter(paths) - Counter(asked for asked, _ in requests(log)))
        ports: dict[str, set[int]] = {path: set() for path in paths}
        for path, port in requests(log):
            if path in ports:
                ports[path].add(port)
        return ports


class KilledTest(RunningTestCase):
    """Every process is killed with `kill -9`."""

    def test_every_killed_process_is_restarted_and_no_request_fails(self) -> None:
        port = self.running.port
        for part in (f"--port={port + 1}", "--admin", "worker.py", "redis-server", "nginx: master", "mongod"):
            killed = self.running.pid_of(part)
            os.kill(killed, signal.SIGKILL)
            if part == f"--port={port + 1}":
                self.assertEqual({self.running.get("/").code for _ in range(12)}, {200})
                threads = [f"/plog/post-{n}/comments" for n in range(12)]
                self.assertEqual({self.running.ask("POST", path).code for path in threads}, {404})
            wait_until(lambda part=part, killed=killed: self.running.pid_of(part) not in (0, killed))
            wait_until(self.running.is_up)
        wait_until(lambda: self.running.get("/").code == 200)

    def test_requests_in_flight_at_a_killed_process_get_the_sites_error_page(self) -> None:
        pids = [self.running.pid_of(f"--port={self.running.port + n}") for n in (1, 2, 3)]
        asked = [
            ("GET", "/", "text/html"),
            ("POST", "/plog/x/comments", "application/json"),
            ("PUT", "/x", "text/html"),
        ]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        with ThreadPoolExecutor() as pool:
            answers = [pool.submit(self.running.ask, m, f"{path}?x=1", headers={"Accept": a}) for m, path, a in asked]
            wait_until(lambda: sum(connections_to(self.running.port + n) for n in (1, 2, 3)) >= len(asked))
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            for (_, _, kind), answer in zip(asked, answers, strict=True):
                page = answer.result()
                self.assertEqual((page.code, page.headers["Retry-After"]), (503, "10"))
                self.assertEqual(page.headers.get_content_type(), kind)
        wait_until(lambda: {self.running.get("/").code for _ in range(6)} == {200})

    def test_workers_of_a_killed_nginx_release_the_port(self) -> None:
        workers = {pid for pid, line in self.running.commands().items() if line.startswith("nginx: worker")}
        killed = self.running.pid_of("nginx: master")
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: self.running.pid_of("nginx: master") not in (0, killed))
        wait_until(self.running.is_up)
        self.assertFalse(workers & set(self.running.commands()))

    def test_the_site_works_without_supervisord_and_can_be_stopped(self) -> None:
        running = Running(SITE_DEMO="0")
        self.addCleanup(running.remove)
        running.start()
        leader = running.pid_of("supervisord")
        os.kill(leader, signal.SIGKILL)
        self.assertTrue(running.is_up())
        self.assertEqual(running.stop(), 0)
        self.assertEqual(processes.session(leader), [])


class StartAndStopTest(unittest.TestCase):
    def setUp(self) -> None:
        self.running = Running(SITE_DEMO="0")
        self.addCleanup(self.running.remove)

    def test_ctrl_c_stops_everything_and_the_next_start_is_quick(self) -> None:
        first = self.running.start()
        leader = self.running.pid_of("supervisord")
        self.assertEqual(self.running.stop(signal.SIGINT), 0)
        self.assertEqual(processes.session(leader), [])
        self.assertEqual(len(self.running.said), 1)
        self.assertLess(self.running.start(), max(10, first))
        self.assertEqual(self.running.stop(signal.SIGTERM), 0)

    def test_processes_left_by_a_killed_start_are_stopped_first(self) -> None:
        self.running.start()
        left = set(self.running.commands())
        self.running.kill()
        os.kill(self.running.pid_of("supervisord"), signal.SIGKILL)
        self.assertTrue(self.running.is_up())
        self.running.start()
        self.assertFalse(left & set(self.running.commands()))
        self.assertTrue(self.running.is_up())

    def test_foreign_processes_in_the_data_folder_are_not_stopped(self) -> None:
        self.running.start()
        stranger = subprocess.Popen(["sleep", "60"], cwd=self.running.data, start_new_session=True)
        self.addCleanup(stranger.wait)
        self.addCleanup(stranger.kill)
        self.running.kill()
        self.running.start()
        self.running.stop()
        self.assertIsNone(stranger.poll())

    def test_stale_sockets_and_pid_files_do_not_prevent_a_start(self) -> None:
        servers.prepare(self.running.data)
        run = self.running.data / "run"
        for name in ("mongo.sock", "redis.sock", "supervisor.sock"):
            with socket.socket(socket.AF_UNIX) as stale:
                stale.bind(str(run / name))
        for path in (run / "nginx.pid", run / "supervisord.pid", self.running.data / "mongo" / "mongod.lock"):
            path.write_text("1\n")
        self.running.start()
        self.assertTrue(self.running.is_up())

    def test_only_the_first_start_adds_the_demo_site(self) -> None:
        self.running.settings = {}
        self.running.start()
        self.assertIn("/plog/", self.running.get("/").body)
        self.assertIn("added", self.running.complaints)
        self.running.stop()
        self.running.start()
        self.assertNotIn("added", self.running.complaints)

    def test_a_first_start_without_disk_space_is_refused_in_one_sentence(self) -> None:
        self.running.data.mkdir()
        with small(self.running.data, kilobytes=64):
            for _ in range(2):
                self.assert_refused(f"on the disk of {self.running.data}")

    def test_a_start_on_a_full_disk_is_refused_in_one_sentence(self) -> None:
        with full(4096):
            self.assert_refused("File too large")

    def assert_refused(self, reason: str) -> None:
        with self.assertRaises(AssertionError) as caught:
            self.running.start()
        self.assertRegex(str(caught.exception), f"Plog does not start: .*{reason}")
        self.assertNotIn("Traceback", str(caught.exception))

    def test_a_data_folder_accessible_to_others_prints_a_warning(self) -> None:
        self.running.data.mkdir(mode=0o755)
        self.running.start()
        self.assertIn(f"chmod 700 {self.running.data}\n", self.running.complaints)
        self.running.stop()
        self.running.data.chmod(0o700)
        self.running.start()
        self.assertNotIn("chmod", self.running.complaints)

    def test_a_start_that_cannot_remove_cached_pages_is_refused_with_path_and_reason(self) -> None:
        """Otherwise it would serve pages rendered with earlier settings and sources."""
        self.running.start()
        self.assertEqual(self.running.get("/").code, 200)
        self.running.stop()
        with read_only(self.running.data / "kept"):
            reason = f"{self.running.data}/kept/now: ({REFUSALS})(.|\n)*Plog does not start: .*`bin/site forget` failed"
            with self.assertRaisesRegex(AssertionError, reason):
                self.running.start()
        self.running.start()

    def test_two_copies_run_side_by_side_under_any_path(self) -> None:
        deep = Running(SITE_DEMO="0")
        deep.data = deep.folder / "with a space" / ("deep" * 25)
        self.addCleanup(deep.remove)
        self.running.start()
        deep.start()
        self.assertTrue(deep.is_up() and self.running.is_up())
        self.assertFalse(set(deep.commands()) & set(self.running.commands()))
        self.assertEqual(self.running.stop(), 0)
        self.assertTrue(deep.is_up())


def connections_to(port: int) -> int:
    """The number of client connections to a local port, accepted or not (from /proc/net/tcp)."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(int(fields[2].split(":")[1], 16) == port and fields[3] == "01" for fields in map(str.split, lines))


def requests(log: Path) -> Iterator[tuple[str, int]]:
    """Path and port of each request that a process answered, from nginx's log."""
    for line in log.read_text().splitlines():
        words = line.split()
        if words[-1] != "-":
            yield words[4], int(words[-1].rpartition(":")[2])


@contextmanager
def answering(*ports: int, size: int = 0) -> Iterator[threading.Event]:
    """Stand-ins for processes: they answer any request with `size` bytes. Yields an event, set at the first answer."""
    has_answered = threading.Event()

    class Stub(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Length", str(size))
            self.end_headers()
            self.wfile.write(bytes(size))
            has_answered.set()

        do_POST = do_GET  # noqa: N815 (the library requires this name)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ExitStack() as stubs:
        for port in ports:
            stub = stubs.enter_context(ThreadingHTTPServer(("127.0.0.1", port), Stub))
            threading.Thread(target=stub.serve_forever, args=(0.02,)).start()
            stubs.callback(stub.shutdown)
        yield has_answered


def open_files(pid: int) -> list[str]:
    return [str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()]
