"""RSS, Atom and JSON feeds and the sitemap, parsed as feed readers parse them."""

import json
import unittest
from datetime import UTC, datetime, timedelta, timezone

from defusedxml.ElementTree import fromstring

from lib.feeds import MAX_SITEMAP, Entry, Feed, atom, json_feed, rss, sitemap

NASTY = 'a & b <c> "d" \x00\x0b\ufffe\ud800 ]]> é 😀'
CLEAN = 'a & b <c> "d"  ]]> é 😀'
ATOM = "{http://www.w3.org/2005/Atom}"


def entry(**changes) -> Entry:
    values = {
        "title": NASTY,
        "address": "https://blog.example/plog/a?b=1&c=2",
        "published": datetime(2015, 3, 1, 10, tzinfo=UTC),
        "updated": datetime(2015, 3, 2, 1, tzinfo=timezone(timedelta(hours=2))),
        "html": f'<p title="x">{NASTY}</p>',
        "author": NASTY,
        "summary": NASTY,
        "categories": (NASTY, "Web"),
        "url": "https://x.example/?a&b",
    }
    return Entry(**{**values, **changes})


def feed(*entries: Entry) -> Feed:
    return Feed(NASTY, "https://blog.example/", "https://blog.example/feed?a&b", NASTY, "en", "Ann", entries)


def contents(xml: str) -> list[tuple[str, dict[str, str], list[str]]]:
    """Every element of a document in its order: name, attributes, words."""
    return [(part.tag, part.attrib, (part.text or "").split()) for part in fromstring(xml.encode()).iter()]


class Rss(unittest.TestCase):
    def test_it_has_each_element_of_the_format_once_and_in_order(self):
        address, own = "https://blog.example/plog/a?b=1&c=2", "https://blog.example/feed?a&b"
        link = {"href": own, "rel": "self", "type": "application/rss+xml"}
        words = CLEAN.split()
        expected = [
            ("rss", {"version": "2.0"}, []),
            ("channel", {}, []),
            ("title", {}, words),
            ("link", {}, ["https://blog.example/"]),
            ("description", {}, words),
            ("language", {}, ["en"]),
            ("lastBuildDate", {}, ["Sun,", "01", "Mar", "2015", "23:00:00", "+0000"]),
            (f"{ATOM}link", link, []),
            ("item", {}, []),
            ("title", {}, words),
            ("link", {}, [address]),
            ("guid", {"isPermaLink": "true"}, [address]),
            ("pubDate", {}, ["Sun,", "01", "Mar", "2015", "10:00:00", "+0000"]),
            ("{http://purl.org/dc/elements/1.1/}creator", {}, words),
            ("category", {}, words),
            ("category", {}, ["Web"]),
            ("description", {}, f'<p title="x">{CLEAN}</p>'.split()),
        ]
        self.assertEqual(contents(rss(feed(entry()))), expected)

    def test_other_vocabularies_have_their_usual_prefixes(self):
        text = rss(feed(entry()))
        self.assertIn("<atom:link ", text)
        self.assertIn("<dc:creator>", text)
        self.assertRegex(atom(feed()), '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">')

    def test_it_contains_the_given_values(self):
        channel = fromstring(rss(feed(entry())).encode()).find("channel")
        self.assertEqual(channel.findtext("title").split(), CLEAN.split())
        item = channel.find("item")
        self.assertEqual(item.findtext("link"), "https://blog.example/plog/a?b=1&c=2")
        self.assertEqual(item.findtext("pubDate"), "Sun, 01 Mar 2015 10:00:00 +0000")
        self.assertTrue(item.findtext("description").startswith('<p title="x">a & b <c>'))
        self.assertEqual([part.text for part in item.findall("category")][1], "Web")

    def test_an_empty_feed_is_valid(self):
        self.assertEqual(fromstring(rss(feed())).findall("channel/item"), [])


class Atom(unittest.TestCase):
    def test_it_has_each_element_of_the_format_once_and_in_order(self):
        address, own = "https://blog.example/plog/a?b=1&c=2", "https://blog.example/feed?a&b"
        words = CLEAN.split()
        expected = [
            ("feed", {"{http://www.w3.org/XML/1998/namespace}lang": "en"}, []),
            ("title", {}, words),
            ("subtitle", {}, words),
            ("id", {}, [own]),
            ("link", {"href": "https://blog.example/", "rel": "alternate", "type": "text/html"}, []),
            ("link", {"href": own, "rel": "self", "type": "application/atom+xml"}, []),
            ("updated", {}, ["2015-03-01T23:00:00Z"]),
            ("author", {}, []),
            ("name", {}, ["Ann"]),
            ("entry", {}, []),
            ("title", {}, words),
            ("id", {}, [address]),
            ("link", {"href": address, "rel": "alternate", "type": "text/html"}, []),
            ("link", {"href": "https://x.example/?a&b", "rel": "related"}, []),
            ("published", {}, ["2015-03-01T10:00:00Z"]),
            ("updated", {}, ["2015-03-01T23:00:00Z"]),
            ("author", {}, []),
            ("name", {}, words),
            ("category", {"term": 'a & b <c> "d"  ]]> é 😀'}, []),
            ("category", {"term": "Web"}, []),
            ("summary", {}, words),
            ("content", {"type": "html"}, f'<p title="x">{CLEAN}</p>'.split()),
        ]
        self.assertEqual(contents(atom(feed(entry()))), [(ATOM + tag, *rest) for tag, *rest in expected])

    def test_it_contains_the_given_values(self):
        root = fromstring(atom(feed(entry())).encode())
        self.assertEqual(root.findtext(f"{ATOM}updated"), "2015-03-01T23:00:00Z")
        found = root.find(f"{ATOM}entry")
        self.assertEqual(found.findtext(f"{ATOM}title").split(), CLEAN.split())
        self.assertEqual(found.findtext(f"{ATOM}published"), "2015-03-01T10:00:00Z")
        links = {link.get("rel"): link.get("href") for link in found.findall(f"{ATOM}link")}
        self.assertEqual(
            links, {"alternate": "https://blog.example/plog/a?b=1&c=2", "related": "https://x.example/?a&b"}
        )
        self.assertEqual(found.find(f"{ATOM}content").get("type"), "html")

    def test_every_feed_has_an_author_and_a_date(self):
        root = fromstring(atom(feed()))
        self.assertEqual(root.findtext(f"{ATOM}author/{ATOM}name"), "Ann")
        self.assertEqual(root.findtext(f"{ATOM}updated"), "1970-01-01T00:00:00Z")

    def test_the_same_entries_give_the_same_text(self):
        self.assertEqual(atom(feed(entry())), atom(feed(entry())))


class JsonFeed(unittest.TestCase):
    def test_it_contains_the_given_values(self):
        text = json_feed(feed(entry()))
        text.encode()
        document = json.loads(text)
        self.assertEqual(document["version"], "https://jsonfeed.org/version/1.1")
        (item,) = document["items"]
        self.assertEqual(item["url"], "https://blog.example/plog/a?b=1&c=2")
        self.assertEqual(item["external_url"], "https://x.example/?a&b")
        self.assertEqual(
            (item["date_published"], item["date_modified"]), ("2015-03-01T10:00:00Z", "2015-03-01T23:00:00Z")
        )
        self.assertEqual(item["tags"][1], "Web")

    def test_empty_fields_are_left_out(self):
        document = json.loads(json_feed(feed(entry(url=None, summary="", categories=(), author=""))))
        self.assertEqual({"external_url", "summary", "tags", "authors"} & set(document["items"][0]), set())
        self.assertEqual(json.loads(json_feed(feed()))["items"], [])


class Sitemap(unittest.TestCase):
    def test_it_lists_pages_with_their_last_change(self):
        pages = [("https://blog.example/?a&b", datetime(2015, 3, 1, tzinfo=UTC)), ("https://blog.example/plog/", None)]
        root = fromstring(sitemap(pages))
        self.assertEqual(
            [list(part.itertext()) for part in root],
            [["https://blog.example/?a&b", "2015-03-01T00:00:00Z"], ["https://blog.example/plog/"]],
        )

    def test_it_has_at_most_as_many_pages_as_the_protocol_allows(self):
        self.assertEqual(
            sitemap(("https://blog.example/", None) for _ in range(MAX_SITEMAP + 1)).count("<url>"), MAX_SITEMAP
        )


if __name__ == "__main__":
    unittest.main()
