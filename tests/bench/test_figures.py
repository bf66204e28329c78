"""Figures: promises, output, percentiles, and the URLs that may be measured."""

import asyncio
import io
import json
import unittest
from collections.abc import Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from unittest.mock import patch

from bench import __main__ as main
from bench._client import Connection, Elsewhere, Run, fetched, here, request, run, run_wrk
from bench._crowd import percentile
from bench._figure import Figure
from bench._turns import latency, rate

FAST = Figure("answers", 400.0, "/s", at_least=330)
SLOW = Figure("until they come, p99", 31.5, "ms", at_most=26)
UNPROMISED = Figure("the page", 40.0, "KB")


class FigureTest(unittest.TestCase):
    def test_a_promise_has_a_bound_and_says_if_it_is_kept(self) -> None:
        promises = [(figure.promise, figure.is_kept) for figure in (FAST, SLOW, UNPROMISED)]
        self.assertEqual(promises, [("at least 330", True), ("at most 26", False), ("", True)])

    def test_a_value_equal_to_the_bound_keeps_the_promise(self) -> None:
        self.assertTrue(Figure("ratio", 0.5, at_least=0.5).is_kept)
        self.assertTrue(Figure("lost", 0.0, at_most=0).is_kept)
        self.assertFalse(Figure("lost", 1.0, at_most=0).is_kept)

    def test_promised_figures_are_repeated_at_the_end_and_all_are_stored_as_json_lines(self) -> None:
        with TemporaryDirectory() as folder:
            printed = self.printed(Path(folder), [FAST, UNPROMISED, SLOW])
            lines = [json.loads(line) for line in (Path(folder) / "pages.jsonl").read_text().splitlines()]
        table, _, repeated = printed.partition("\nPromised:\n")
        self.assertEqual([len(table.splitlines()), len(repeated.splitlines())], [3, 2])
        self.assertRegex(repeated, r"400\.00 /s +at least 330: yes\n.* 31\.50 ms +at most 26: NO\n")
        self.assertEqual([line.get("is_kept") for line in lines], [True, None, False])

    def test_failed_measurements_are_named_and_the_others_are_printed(self) -> None:
        def figures() -> Iterator[Figure]:
            yield FAST
            raise ConnectionError("the server hung up")

        with TemporaryDirectory() as folder, redirect_stderr(io.StringIO()) as said:
            with self.assertRaises(SystemExit) as ended:
                self.printed(Path(folder), figures())
            self.assertEqual(len((Path(folder) / "pages.jsonl").read_text().splitlines()), 1)
        self.assertEqual(str(ended.exception), "Could not be measured: pages.")
        self.assertIn("ConnectionError: the server hung up", said.getvalue())

    def printed(self, folder: Path, figures: Iterable[Figure]) -> str:
        module = SimpleNamespace(figures=lambda: iter(figures))
        with (
            redirect_stdout(io.StringIO()) as said,
            patch.object(main, "RESULTS", folder),
            patch.object(main, "import_module", lambda name: module),
            patch.object(main.sys, "argv", ["bench", "pages"]),
        ):
            main.main()
        return said.getvalue()

    def test_an_unknown_figure_is_refused_with_a_list_of_known_ones(self) -> None:
        with patch.object(main.sys, "argv", ["bench", "http://example.com/"]), self.assertRaises(SystemExit) as ended:
            main.main()
        self.assertIn("There is no figure http://example.com/; there are blocking, comments,", str(ended.exception))

    def test_percentiles_are_values_that_occurred(self) -> None:
        values = range(1, 201)
        self.assertEqual([percentile(values, percent) for percent in (0, 50, 99, 100)], [1, 100, 198, 200])
        self.assertEqual(percentile([7.0], 99), 7.0)

    def test_a_rate_is_the_median_of_all_runs_and_a_latency_covers_all_answers(self) -> None:
        runs = [Run((1.0,) * 10, 1.0), Run((2.0,) * 20, 1.0), Run((9.0,) * 300, 1.0)]
        self.assertEqual((rate(runs), latency(runs, 1), latency(runs, 50)), (20.0, 1.0, 9.0))


class ClientTest(unittest.IsolatedAsyncioTestCase):
    async def test_only_urls_of_this_machine_are_allowed(self) -> None:
        elsewhere = ("http://example.com/", "http://127.0.0.1.example.com/", "http://localhost/", "https://127.0.0.1/")
        for url in (*elsewhere, "http://127.0.0.1@example.com/", "http://[::1]/", "//example.com", ""):
            for ask in (here, lambda url: request("GET", url), lambda url: run_wrk(url, 1, 1)):
                with self.assertRaises(Elsewhere, msg=url):
                    ask(url)
            with self.assertRaises(Elsewhere, msg=url):
                await Connection.to(url)
        self.assertEqual(here("http://127.0.0.1:8000/plog/").port, 8000)

    async def test_answers_that_arrive_in_pieces_are_reassembled_and_timed(self) -> None:
        answering = set()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            answering.add(asyncio.current_task())
            while await reader.readline():
                await reader.readuntil(b"\r\n\r\n")
                for piece in (b"HTTP/1.1 200 OK\r\nContent-", b"Length: 5\r\n\r", b"\nhe", b"llo"):
                    writer.write(piece)
                    await asyncio.sleep(0.001)
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_server(answer, "127.0.0.1")
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        self.assertEqual(await fetched(url), b"hello")
        done = await run(url, repeat(request("GET", url)), connections=3, seconds=0.1)
        self.assertGreaterEqual(len(done.times), 3)
        with self.assertRaisesRegex(AssertionError, "200 from"):
            await run(url, repeat(request("GET", url)), connections=1, seconds=0.1, status=201)
        server.close()
        await asyncio.gather(*answering)
