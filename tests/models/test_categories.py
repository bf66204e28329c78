"""Categories and their addresses."""

import asyncio

from models.categories import Category, address_of, path_of
from models.errors import NotFound
from tests.base import SiteTestCase


class CategoriesTest(SiteTestCase):
    def named(self, *names: str) -> list[Category]:
        return [self.run_now(self.site.categories.named(name)) for name in names]

    def test_an_address_has_no_character_that_means_something_in_one(self) -> None:
        names = ("Web development", "C++", "C#", "AC/DC", "50%?", "///", " Café  au lait ")
        addresses = ["Web+development", "C", "C", "AC+DC", "50", "x", "Café+au+lait"]
        self.assertEqual([address_of(name) for name in names], addresses)

    def test_a_path_is_fit_for_a_location_header_and_stays_readable(self) -> None:
        paths = [category.path for category in self.named("Web development", "Q&A", "Café", 'Say "hi"')]
        self.assertEqual(paths, ["/oc-Web+development", "/oc-Q&A", "/oc-Caf%C3%A9", "/oc-Say+%22hi%22"])

    def test_a_name_is_known_again_in_any_case_and_spacing(self) -> None:
        first, again = self.named("Web development", " web  DEVELOPMENT ")
        self.assertEqual(first, again)

    def test_names_that_would_share_an_address_get_a_number(self) -> None:
        self.assertEqual([category.address for category in self.named("C", "C++", "C#")], ["C", "C-2", "C-3"])

    def test_a_name_made_by_many_at_once_is_one_category(self) -> None:
        self.second_site

        async def at_once() -> list[Category]:
            sites = (self.site, self.second_site) * 5
            return await asyncio.gather(*(site.categories.named("Python") for site in sites))

        self.assertEqual(len({category.id for category in self.run_now(at_once())}), 1)

    def test_addresses_are_found_in_any_case_and_order_and_without_repetition(self) -> None:
        self.named("Python", "Web development")
        found = self.run_now(self.site.categories.by_addresses(["WEB development", "web+Development", "python"]))
        self.assertEqual(path_of(found), "/oc-Python/oc-Web+development")

    def test_an_unknown_one_among_known_ones_and_a_fifth_are_not_found(self) -> None:
        self.named(*"ABCDE")
        for addresses in (["A", "unknown"], list("ABCDE"), [""], []):
            with self.subTest(addresses), self.assertRaises(NotFound):
                self.run_now(self.site.categories.by_addresses(addresses))
        self.assertEqual(len(self.run_now(self.site.categories.by_addresses(list("DCBA")))), 4)
