"""The stack as a maker starts it: real nginx, supervisor, MongoDB, Redis and processes, in folders of their own."""

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


class ConfigurationTest(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="plog nginx "))
        self.addCleanup(shutil.rmtree, self.folder)

    def rendered(self, nginx: str, **settings: str) -> Path:
        chosen = Settings.from_environment({"SITE_DATA": str(self.folder), **settings})
        servers.prepare(chosen.data)
        configuration.render(chosen, nginx, chosen.data / "run")
        return self.folder / "run"

    def test_every_nginx_at_hand_accepts_its_configuration(self) -> None:
        choices = {"SITE_PROXIES": "10.0.0.0/8, ::1", "SITE_URL": "https://plog.example"}
        for nginx in programs.find_all("nginx"):
            for settings in ({}, choices, {"SITE_LISTEN": "::1"}):
                run = self.rendered(nginx, **settings)
                command = [nginx, "-t", "-e", "stderr", "-p", str(run), "-c", str(run / "nginx.conf")]
                tried = subprocess.run(command, capture_output=True, text=True, check=False)
                self.assertEqual(tried.returncode, 0, tried.stderr)
                self.assertNotIn("[warn]", tried.stderr)

    def test_nginx_answers_for_itself_in_the_sites_words_and_with_its_headers(self) -> None:
        for nginx in programs.find_all("nginx"):
            with self.subTest(nginx), self.alone(nginx) as running:
                long = {"Cookie": "x" * 40000}
                asked = (
                    (400, "Not understood", running.get("/", Host="a b")),
                    (400, "Not understood", running.ask("GET", "/", headers=long)),
                    (404, "Not found", running.get("/.refused.html")),
                    (405, "Not done this way", running.ask("POST", "/static/css/site.css")),
                    (405, "Not done this way", running.ask("TRACE", "/")),
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

    def test_addresses_are_logged_as_networks(self) -> None:
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

    def test_tokens_in_addresses_are_in_no_log_whether_anybody_answers_or_not(self) -> None:
        token = new_token()
        places = [f"{place}/{token}" for place in ("//signin", "/SignIn", *(f"/{place}" for place in TOKEN_PLACES))]
        asked = [
            *places,
            f"http://plog.example/signin/{token}",
            f"/signin/{token}?next=/",
            f"/signin/{token}.",
            "/signin",
        ]
        asked += [f"/plog/draft?preview={token}", f"/plog/draft?a=b&preview={token}&c=d", f"/x?token={token}", "/x?a=b"]
        for nginx in programs.find_all("nginx"):
            with self.subTest(nginx), self.alone(nginx) as running:
                for path in places[2:]:  # nginx complains of other spellings, too, while no process is there
                    self.assertEqual(running.get(path).code, 503)
                with answering(running.port + 1, running.port + 2, running.port + 3):
                    for path in asked:
                        self.assertEqual(running.get(path).code, 200)
                log = running.data / "log" / "access.log"
                wait_until(lambda log=log: log.read_text().count('"GET ') == len(places[2:] + asked))
                for written in log.parent.iterdir():
                    self.assertNotIn(token, written.read_text(), written.name)
                for line in ("/signin/... HTTP/1.1", "/signin HTTP/1.1", "/plog/draft?... HTTP/1.1", "/x?a=b HTTP/1.1"):
                    self.assertIn(f'"GET {line}"', log.read_text())
                self.assertNotIn("signin/", (log.parent / "hits.log").read_text())
                log.unlink()

    def test_every_address_with_a_token_is_known_to_the_logs(self) -> None:
        with_tokens = [page.pattern for page in PUBLIC if "{43}" in page.pattern]
        self.assertTrue(with_tokens)
        for pattern in with_tokens:
            self.assertRegex(pattern, f"^/(?:{'|'.join(TOKEN_PLACES)})/")

    def test_nobody_is_named_in_the_error_log_for_writing_much_or_for_reading_slowly(self) -> None:
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

    def test_no_comment_is_written_to_disk_before_a_process_has_it(self) -> None:
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
        """nginx without anything behind it, as configured but for these changes."""
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

    def test_servers_of_ones_own_are_not_started(self) -> None:
        run = self.rendered("nginx", SITE_MONGO_URL="mongodb://db.example", SITE_REDIS_URL="redis://db.example")
        self.assertNotIn("program:mongod", (run / "supervisord.conf").read_text())
        self.assertNotIn("program:redis", (run / "supervisord.conf").read_text())

    def test_the_security_headers_are_those_of_the_processes(self) -> None:
        text = (self.rendered("nginx", SITE_URL="https://plog.example") / "headers.conf").read_text()
        self.assertIn('add_header Content-Security-Policy "default-src', text)
        self.assertIn("Strict-Transport-Security", text)

    def test_a_path_that_configuration_cannot_name_is_refused(self) -> None:
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
        cls.running.remove()  # nosetests knows no class cleanups


class FrontTest(RunningTestCase):
    """What nginx makes of requests before and after a process sees them."""

    def test_it_says_one_line_when_it_answers(self) -> None:
        self.assertEqual(self.running.said, [f"Plog is at {self.running.url}/\n"])
        self.assertEqual(self.running.get("/").code, 200)

    def test_its_processes_are_known_by_their_command_lines(self) -> None:
        lines = list(self.running.commands().values())
        port = self.running.port
        wanted = [f"app.py --port={port + n}" for n in (1, 2, 3)] + [f"app.py --port={port + 4} --admin", "worker.py"]
        for ending in wanted:
            self.assertEqual(sum(line.endswith(ending) for line in lines), 1, f"{ending}: {lines}")
        for name in ("mongod", "redis-server", "nginx: master", "supervisord"):
            self.assertTrue(any(name in line for line in lines), f"{name}: {lines}")
        self.assertFalse([line for line in lines if line.startswith(("sh ", "/bin/sh", "bash"))])

    def test_embedded_servers_have_no_port(self) -> None:
        for name in ("mongod", "redis-server"):
            inodes = {link.split("[")[1][:-1] for link in open_files(self.running.pid_of(name)) if "socket:[" in link}
            listening = [
                line.split()[9]
                for file in ("tcp", "tcp6")
                for line in Path(f"/proc/net/{file}").read_text().splitlines()
            ]
            self.assertFalse(inodes & set(listening), name)

    def test_requests_go_round_the_three_public_processes(self) -> None:
        pids = {self.running.get("/status").json()["pid"] for _ in range(9)}
        self.assertEqual(pids, {self.running.pid_of(f"--port={self.running.port + n}") for n in (1, 2, 3)})

    def test_each_public_process_keeps_to_one_core_and_the_admin_to_none(self) -> None:
        """With all their threads, of which MongoDB's clients have some."""
        cores, kept_to = os.sched_getaffinity(0), []
        for number in (1, 2, 3, 4):
            pid = self.running.pid_of(f"--port={self.running.port + number}")
            threads = [int(thread.name) for thread in Path(f"/proc/{pid}/task").iterdir()]
            self.assertGreater(len(threads), 1)
            kept_to.append(set.union(*map(os.sched_getaffinity, threads)))
        *public, admin = kept_to
        self.assertEqual((list(map(len, public)), admin), ([1, 1, 1], cores))
        self.assertEqual(len(set.union(*public)), min(3, len(cores)))

    def test_health_is_for_this_machine_alone(self) -> None:
        for path in ("/status", "/metrics"):
            self.assertEqual(self.running.get(path).code, 200)
            self.assertEqual(self.running.get(path, X_Forwarded_For="127.0.0.1").code, 404)

    def test_files_come_from_disk_with_security_headers_and_an_etag(self) -> None:
        answer = self.running.get("/static/css/site.css")
        self.assertEqual((answer.code, answer.headers["Content-Type"]), (200, "text/css; charset=utf-8"))
        self.assertIn("default-src 'none'", answer.headers["Content-Security-Policy"])
        self.assertEqual(answer.headers["Cache-Control"], "no-cache")
        self.assertEqual(self.running.get("/static/css/site.css", If_None_Match=answer.headers["ETag"]).code, 304)
        self.assertEqual(self.running.get("/favicon.ico").code, 200)

    def test_browsers_keep_a_file_for_ever_under_an_address_with_a_digest_of_it_and_under_no_other(self) -> None:
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

    def test_what_is_missing_gets_the_sites_own_page(self) -> None:
        for path in ("/static/css/none.css", "/static/", "/static/../settings.py", "/nothing"):
            answer = self.running.get(path)
            self.assertEqual(answer.code, 404, path)
            self.assertIn("site-title", answer.body, path)
            self.assertEqual(len(answer.headers.get_all("Content-Security-Policy")), 1, path)

    def test_text_is_compressed_for_those_who_ask(self) -> None:
        self.assertEqual(self.running.get("/static/css/site.css").headers["Content-Encoding"], None)
        connection = self.running.ask("HEAD", "/static/css/site.css", headers={"Accept-Encoding": "gzip"})
        self.assertEqual(connection.headers["Content-Encoding"], "gzip")

    def test_a_body_over_a_megabyte_is_refused_in_words(self) -> None:
        body = b"x" * (1024 * 1024 + 1)
        answer = self.running.ask("POST", "/", body=body)
        self.assertEqual(answer.code, 413)
        self.assertIn("Too large", answer.body)
        answer = self.running.ask("POST", "/", body=body, headers={"Accept": "application/json"})
        self.assertEqual((answer.code, answer.json()["error"]), (413, "too-large"))
        self.assertNotEqual(self.running.ask("POST", "/admin/photos/", body=body).code, 413)

    def test_no_visitors_address_is_in_the_logs_of_the_processes(self) -> None:
        """Tornado names whoever sends what is no HTTP; nginx passes some of that on, such as a Host that is none."""
        broken = {"Host": "a,b", "X-Real-IP": "203.0.113.77"}
        for port in (self.running.port + 1, self.running.port + 4):
            self.assertEqual(self.running.ask("GET", "/x", headers=broken, port=port).code, 400)
        logs = [self.running.data / "log" / name for name in (f"public-{self.running.port + 1}.log", "admin.log")]
        for log in logs:
            wait_until(lambda log=log: "Malformed HTTP message" in log.read_text())
            self.assertIn("203.0.113.0/24", log.read_text())
            self.assertNotIn("203.0.113.77", log.read_text())

    def test_the_admin_process_answers_for_the_admin(self) -> None:
        self.assertEqual(self.running.get("/admin/").code, 303)
        for path in ("/admin", "/admin?a=b&c"):
            answer = self.running.get(path)
            self.assertEqual((answer.code, answer.headers["Location"]), (301, path.replace("/admin", "/admin/")))

    def test_every_answer_has_each_security_header_once(self) -> None:
        for path in ("/", "/nothing", "/admin/", "/admin", "/live/info", "/status", "/static/css/site.css", "/me"):
            answer = self.running.get(path)
            for name in security_headers(is_https=False):
                self.assertEqual(len(answer.headers.get_all(name)), 1, f"{path}: {name}")

    def test_logs_of_nginx_are_put_aside_once_they_are_large(self) -> None:
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

    @unittest.skipUnless(os.getuid() == 0, "says so to root alone")
    def test_it_advises_root_to_be_somebody_else(self) -> None:
        lines = [line for line in self.running.complaints.splitlines() if "root" in line]
        self.assertEqual(lines, ["Plog was started by root, and all of it runs as root: make a user for Plog."])

    def test_maintenance_shows_its_page_to_visitors_and_leaves_the_admin_alone(self) -> None:
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

    def test_a_taken_port_is_refused_by_its_number(self) -> None:
        other = Running(port=self.running.port - 2)
        self.addCleanup(other.remove)
        with self.assertRaisesRegex(AssertionError, f"port {self.running.port} .*in use"):
            other.start()

    def test_chores_use_the_servers_that_run(self) -> None:
        environment = os.environ | {"SITE_DATA": str(self.running.data), "SITE_PORT": str(self.running.port)}
        chore = subprocess.run([sys.executable, "cli.py", "indexes"], cwd=ROOT, env=environment, check=False)
        self.assertEqual(chore.returncode, 0)
        self.assertTrue(self.running.is_up())


class LiveFrontTest(RunningTestCase):
    def test_a_session_stays_on_one_process_and_others_spread(self) -> None:
        servers_of_sessions = [f"{n % 40:03}" for n in range(120)]
        paths = [f"/live/{server}/session{n}/xhr" for n, server in enumerate(servers_of_sessions)]
        for path in paths:
            self.assertEqual(self.running.ask("POST", path).body, "o\n")
        ports = self.ports(paths)
        taken: dict[str, set[int]] = {}
        for server, path in zip(servers_of_sessions, paths, strict=True):
            taken.setdefault(server, set()).update(ports[path])
        self.assert_one_each(taken)

    def test_all_who_write_under_a_post_write_at_one_process_and_posts_spread(self) -> None:
        paths = [f"/plog/post-{n}/comments" for n in range(30)]
        for path in paths * 3:
            self.assertEqual(self.running.ask("POST", path).code, 404)
        self.assert_one_each(self.ports(paths * 3))

    def assert_one_each(self, ports: dict[str, set[int]]) -> None:
        """Each key has one of the ports, and all three are had."""
        self.assertEqual({len(each) for each in ports.values()}, {1})
        self.assertEqual(set().union(*ports.values()), {self.running.port + n for n in (1, 2, 3)})

    def ports(self, paths: list[str]) -> dict[str, set[int]]:
        """Which processes the requests for these addresses went to, as nginx's log has it."""
        log = self.running.data / "log" / "access.log"
        wait_until(lambda: not Counter(paths) - Counter(asked for asked, _ in requests(log)))
        ports: dict[str, set[int]] = {path: set() for path in paths}
        for path, port in requests(log):
            if path in ports:
                ports[path].add(port)
        return ports


class KilledTest(RunningTestCase):
    """`kill -9` of every part."""

    def test_every_child_comes_back_and_nobody_notices_a_dead_public_process(self) -> None:
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

    def test_who_asked_a_process_that_is_killed_meanwhile_is_told_in_the_sites_words(self) -> None:
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
                told = answer.result()
                self.assertEqual((told.code, told.headers["Retry-After"]), (503, "10"))
                self.assertEqual(told.headers.get_content_type(), kind)
        wait_until(lambda: {self.running.get("/").code for _ in range(6)} == {200})

    def test_workers_of_a_killed_nginx_do_not_keep_the_port(self) -> None:
        workers = {pid for pid, line in self.running.commands().items() if line.startswith("nginx: worker")}
        killed = self.running.pid_of("nginx: master")
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: self.running.pid_of("nginx: master") not in (0, killed))
        wait_until(self.running.is_up)
        self.assertFalse(workers & set(self.running.commands()))

    def test_the_site_goes_on_without_supervisord_and_a_stop_still_ends_all(self) -> None:
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

    def test_ctrl_c_ends_everything_and_the_next_start_is_quick(self) -> None:
        self.running.start()
        leader = self.running.pid_of("supervisord")
        self.assertEqual(self.running.stop(signal.SIGINT), 0)
        self.assertEqual(processes.session(leader), [])
        self.assertEqual(len(self.running.said), 1)
        self.assertLess(self.running.start(), 10)
        self.assertEqual(self.running.stop(signal.SIGTERM), 0)

    def test_what_a_killed_start_left_behind_is_ended_first(self) -> None:
        self.running.start()
        left = set(self.running.commands())
        self.running.kill()
        os.kill(self.running.pid_of("supervisord"), signal.SIGKILL)
        self.assertTrue(self.running.is_up())
        self.running.start()
        self.assertFalse(left & set(self.running.commands()))
        self.assertTrue(self.running.is_up())

    def test_strangers_in_the_folder_are_left_alone(self) -> None:
        self.running.start()
        stranger = subprocess.Popen(["sleep", "60"], cwd=self.running.data, start_new_session=True)
        self.addCleanup(stranger.wait)
        self.addCleanup(stranger.kill)
        self.running.kill()
        self.running.start()
        self.running.stop()
        self.assertIsNone(stranger.poll())

    def test_sockets_and_pid_files_of_the_dead_block_nothing(self) -> None:
        servers.prepare(self.running.data)
        run = self.running.data / "run"
        for name in ("mongo.sock", "redis.sock", "supervisor.sock"):
            with socket.socket(socket.AF_UNIX) as stale:
                stale.bind(str(run / name))
        for path in (run / "nginx.pid", run / "supervisord.pid", self.running.data / "mongo" / "mongod.lock"):
            path.write_text("1\n")
        self.running.start()
        self.assertTrue(self.running.is_up())

    def test_a_first_start_adds_the_demo_site_and_a_second_does_not(self) -> None:
        self.running.settings = {}
        self.running.start()
        self.assertIn("/plog/", self.running.get("/").body)
        self.assertIn("added", self.running.complaints)
        self.running.stop()
        self.running.start()
        self.assertNotIn("added", self.running.complaints)

    def test_a_first_start_without_room_on_the_disk_is_refused_in_a_sentence(self) -> None:
        self.running.data.mkdir()
        with small(self.running.data, kilobytes=64):
            for _ in range(2):
                self.assert_refused(f"on the disk of {self.running.data}")

    def test_a_start_on_a_disk_that_takes_nothing_more_is_refused_in_a_sentence(self) -> None:
        with full(4096):
            self.assert_refused("File too large")

    def assert_refused(self, reason: str) -> None:
        with self.assertRaises(AssertionError) as caught:
            self.running.start()
        self.assertRegex(str(caught.exception), f"Plog does not start: .*{reason}")
        self.assertNotIn("Traceback", str(caught.exception))

    def test_a_data_folder_that_others_may_enter_is_named_with_what_to_do(self) -> None:
        self.running.data.mkdir(mode=0o755)
        self.running.start()
        self.assertIn(f"chmod 700 {self.running.data}\n", self.running.complaints)
        self.running.stop()
        self.running.data.chmod(0o700)
        self.running.start()
        self.assertNotIn("chmod", self.running.complaints)

    def test_a_start_that_cannot_remove_cached_pages_is_refused_with_path_and_reason(self) -> None:
        """Else it would serve pages that settings and sources of before have made."""
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
    """How many connections to a port of this machine there are, accepted or not, as their clients see them (/proc/net/tcp)."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(int(fields[2].split(":")[1], 16) == port and fields[3] == "01" for fields in map(str.split, lines))


def requests(log: Path) -> Iterator[tuple[str, int]]:
    """Address and port of each request that a process answered."""
    for line in log.read_text().splitlines():
        words = line.split()
        if words[-1] != "-":
            yield words[4], int(words[-1].rpartition(":")[2])


@contextmanager
def answering(*ports: int, size: int = 0) -> Iterator[threading.Event]:
    """Stand-ins for processes: they answer whatever they are asked with so many bytes. The event: one of them has."""
    has_answered = threading.Event()

    class Stub(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Length", str(size))
            self.end_headers()
            self.wfile.write(bytes(size))
            has_answered.set()

        do_POST = do_GET  # noqa: N815 (the library calls it by this name)

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
