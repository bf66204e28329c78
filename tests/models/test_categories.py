"""Categories and their addresses."""

import asyncio

from models.categories import Category, address_of, path_of
from models.errors import Conflict, Invalid, NotFound
from tests.base import SiteTestCase, site_with


class CategoriesTest(SiteTestCase):
    def named(self, *names: str) -> list[Category]:
        return [self.run_now(self.site.categories.named(name)) for name in names]

    def test_an_address_has_no_reserved_characters(self) -> None:
        names = ("Web development", "C++", "C#", "AC/DC", "50%?", "///", " Café  au lait ")
        addresses = ["Web+development", "C", "C", "AC+DC", "50", "x", "Café+au+lait"]
        self.assertEqual([address_of(name) for name in names], addresses)

    def test_a_path_is_encoded_for_a_location_header_but_readable(self) -> None:
        paths = [category.path for category in self.named("Web development", "Q&A", "Café", 'Say "hi"')]
        self.assertEqual(paths, ["/oc-Web+development", "/oc-Q&A", "/oc-Caf%C3%A9", "/oc-Say+%22hi%22"])

    def test_names_are_equal_regardless_of_case_and_spacing(self) -> None:
        first, again = self.named("Web development", " web  DEVELOPMENT ")
        self.assertEqual(first, again)

    def test_names_that_would_share_an_address_get_a_number(self) -> None:
        self.assertEqual([category.address for category in self.named("C", "C++", "C#")], ["C", "C-2", "C-3"])

    def test_simultaneous_requests_for_a_new_name_make_one_category(self) -> None:
        self.second_site

        async def at_once() -> list[Category]:
            sites = (self.site, self.second_site) * 5
            return await asyncio.gather(*(site.categories.named("Python") for site in sites))

        self.assertEqual(len({category.id for category in self.run_now(at_once())}), 1)

    def test_categories_are_found_by_addresses_in_any_case_order_and_repetition(self) -> None:
        self.named("Python", "Web development")
        found = self.run_now(self.site.categories.by_addresses(["WEB development", "web+Development", "python"]))
        self.assertEqual(path_of(found), "/oc-Python/oc-Web+development")

    def test_an_unknown_category_and_more_than_four_are_not_found(self) -> None:
        self.named(*"ABCDE")
        for addresses in (["A", "unknown"], list("ABCDE"), [""], []):
            with self.subTest(addresses), self.assertRaises(NotFound):
                self.run_now(self.site.categories.by_addresses(addresses))
        self.assertEqual(len(self.run_now(self.site.categories.by_addresses(list("DCBA")))), 4)

    def rename(self, name: str, to: str) -> Category:
        return self.run_now(self.site.categories.rename(name, to))

    def test_a_former_name_finds_the_category_until_another_one_takes_the_name(self) -> None:
        (old,) = self.named("Web")
        renamed = self.rename(" web ", "The   Web")
        self.assertEqual((renamed.id, renamed.name, renamed.path), (old.id, "The Web", "/oc-The+Web"))
        self.assertEqual(self.run_now(self.site.categories.by_addresses(["WEB", "the+web"])), (renamed,))
        self.assertEqual(self.named("Web", "the web"), [renamed, renamed], "an import may still use the former name")
        (other,) = self.named("Else")
        other = self.rename("Else", "Web")
        self.assertEqual(self.run_now(self.site.categories.by_addresses(["web"])), (other,))
        self.assertEqual(self.named("Web"), [other])

    def test_a_category_may_get_its_former_name_back_or_change_its_case(self) -> None:
        self.named("web")
        names = [self.rename(*names).path for names in (("web", "Web"), ("Web", "Net"), ("Net", "Web"), ("Web", "Web"))]
        self.assertEqual(names, ["/oc-Web", "/oc-Net", "/oc-Web", "/oc-Web"])

    def test_renaming_to_a_taken_name_or_an_empty_one_or_from_an_unknown_one_is_refused(self) -> None:
        self.named("A", "B")
        for error, name, to in ((Conflict, "A", "b"), (Invalid, "A", " "), (NotFound, "C", "D")):
            with self.subTest(to), self.assertRaises(error):
                self.rename(name, to)
        self.assertEqual([category.name for category in self.named("A", "B")], ["A", "B"])

    def test_a_new_name_that_shares_an_address_gets_a_number(self) -> None:
        self.named("C", "Sea")
        self.assertEqual(self.rename("Sea", "C++").path, "/oc-C-2")

    def test_the_worker_invalidates_pages_after_a_process_died_while_renaming(self) -> None:
        self.named("Web")
        dying = site_with(self.site, channels=Dying())
        with self.assertRaises(RuntimeError):
            self.run_now(dying.categories.rename("Web", "Net"))
        self.clock.pass_by(seconds=6)
        self.assertEqual([self.run_now(self.site.tell_untold()) for _ in range(2)], [1, 0])


class Dying:
    """Channels in a process that dies before it publishes."""

    async def publish(self, *_: object) -> None:
        raise RuntimeError("killed")
