"""Questions about where cities lie on the globe, by GeoNames' positions: farthest north or south, nearest to another.

All four choices stand in the text, since nobody could answer without them.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache

from demo.questions.facts import remarks
from demo.questions.names import DISPUTED
from demo.questions.row import GEONAMES, Row, shuffled
from demo.questions.world import City, capital_city, cities, countries, distance, has_namesake, named

BOROUGHS = {"Queens", "Brooklyn", "Manhattan", "The Bronx", "Bronx", "Staten Island"}
LARGE = 230  # the so many largest cities of the world that are well known if their country is
HUGE = 12_000_000  # inhabitants from which a city of China or India is well known
CLEARLY = 1.2  # degrees of latitude by which the answer lies ahead
CLOSELY = 14  # degrees within which all four lie
NAMESAKE = 0.1  # of a city's population, from which another one makes its position unclear
TRIES = 200_000


def rows() -> Iterator[Row]:
    """All questions about positions."""
    north = [city for city in well_known() if city.latitude > 20]
    south = [city for city in well_known() if city.latitude < 15]
    for four, first in _groups("north", north, 4, 40, lambda group: _ahead(group, 1)):
        text = f"Which of these lies farthest north: {_listed(four)}?"
        yield _row("farthest-north", text, four, first, _degrees(four, first, "north"))
    for four, first in _groups("south", south, 4, 25, lambda group: _ahead(group, -1)):
        text = f"Which of these lies farthest south: {_listed(four)}?"
        yield _row("farthest-south", text, four, first, _degrees(four, first, "south"))
    for (home, *four), first in _groups("nearest", _capitals(), 5, 30, _nearest):
        text = f"Which is nearest to {home.name}: {_listed(four)}?"
        yield _row("nearest-capital", text, four, first, _way(home, four, first))


@cache
def well_known() -> list[City]:
    """Large cities of well-known countries, and their capitals, whose names are clear."""
    capitals = [capital_city(country) for country in countries().values() if country.fame == "e"]
    large = [city for city in cities()[:LARGE] if city.name not in BOROUGHS and _is_famous(city)]
    known = {city.name: city for city in [*filter(None, capitals), *large] if not has_namesake(city, NAMESAKE)}
    return sorted(known.values(), key=lambda city: city.name)


def _is_famous(city: City) -> bool:
    country = countries().get(city.country)
    return country is not None and country.fame == "e" and (city.country not in {"CN", "IN"} or city.population > HUGE)


def _capitals() -> list[City]:
    known = [country for country in countries().values() if country.fame in "em" and country.code not in DISPUTED]
    found = [capital_city(country) for country in known if country.about_capital != "-"]
    return [city for city in found if city and not has_namesake(city, NAMESAKE)]


def _groups(
    seed: str,
    pool: list[City],
    size: int,
    count: int,
    clear_first: Callable[[list[City]], City | None],
) -> Iterator[tuple[list[City], City]]:
    """Random groups of cities that have a clear answer; each city is the answer at most twice."""
    dice = random.Random(seed)
    used: Counter[str] = Counter()
    for _ in range(TRIES):
        group = dice.sample(pool, size)
        first = clear_first(group)
        if first and used[first.name] < 2:
            used[first.name] += 1
            yield group, first
        if used.total() == count:
            return


def _ahead(four: list[City], sign: int) -> City | None:
    first, second, *_, last = sorted(four, key=lambda city: -sign * city.latitude)
    ahead, spread = abs(first.latitude - second.latitude), abs(first.latitude - last.latitude)
    is_mixed = len({city.country for city in four}) == len(four)
    is_clear = CLEARLY <= ahead <= 4 and spread <= CLOSELY and first.latitude * second.latitude > 0
    return first if is_mixed and is_clear else None


def _nearest(group: list[City]) -> City | None:
    """None if a neighbour is nearest, since that would be too easy."""
    home, *four = group
    first, second, *_, last = sorted(four, key=lambda city: distance(home, city))
    near, next_near, far = (distance(home, city) for city in (first, second, last))
    is_clear = 500 < near < 2_500 and 1.25 <= next_near / near <= 1.8 and far < 4_500
    return first if is_clear and first.country not in countries()[home.country].neighbours else None


def _degrees(four: list[City], first: City, way: str) -> str:
    second = min((city for city in four if city is not first), key=lambda city: abs(city.latitude - first.latitude))
    kilometres = round(abs(first.latitude - second.latitude) * 111, -1)
    return f"{second.name} lies some {kilometres:.0f} kilometres less far {way}. {_about(first)}".rstrip()


def _way(home: City, four: list[City], first: City) -> str:
    second = sorted(four, key=lambda city: distance(home, city))[1]
    near, far = (round(distance(home, city), -2) for city in (first, second))
    return f"It is some {near:,.0f} kilometres away, and {second.name} {far:,.0f}. {_about(first)}".rstrip()


def _about(city: City) -> str:
    """Our own remark on a city, if there is one."""
    country = countries()[city.country]
    if city == capital_city(country) and country.about_capital != "-":
        return named(city.name, country.about_capital)
    if city.name in remarks("cities"):
        return named(city.name, remarks("cities")[city.name][-1])
    return ""


def _listed(four: list[City]) -> str:
    return f"{', '.join(city.name for city in four[:-1])} or {four[-1].name}"


def _row(template: str, text: str, four: list[City], first: City, about: str) -> Row:
    return Row(
        text=text,
        answer=first.name,
        alternatives=shuffled(first.name, [city.name for city in four if city is not first], text),
        accepted=(),
        genre="cities",
        difficulty="medium",
        explanation=about,
        source=GEONAMES,
        template=template,
    )
