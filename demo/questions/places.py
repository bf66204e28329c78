"""Questions about cities from GeoNames: in which country, how far north or south, how far from each other."""

import random
from collections import Counter
from collections.abc import Iterator
from functools import cache

from demo.questions.facts import remarks
from demo.questions.names import DISPUTED
from demo.questions.nations import near
from demo.questions.row import DIFFICULTIES, GEONAMES, Row, drawn, other_forms, shuffled
from demo.questions.world import City, Country, capital_city, cities, countries, distance, named
from lib.spelling import folded

LARGEST = {  # where every way of counting agrees, though GeoNames' counts are of different years
    "TR": "Istanbul",
    "BR": "São Paulo",
    "CH": "Zurich",
    "CA": "Toronto",
    "NG": "Lagos",
    "VN": "Ho Chi Minh City",
    "MA": "Casablanca",
    "KZ": "Almaty",
    "NZ": "Auckland",
    "TZ": "Dar es Salaam",
    "AE": "Dubai",
    "BZ": "Belize City",
    "MM": "Yangon",
    "US": "New York City",
}
LARGEST_ALSO = {"VN": ["Saigon", "Ho Chi Minh"], "US": ["New York"], "KZ": ["Alma-Ata"], "MM": ["Rangoon"]}
BOROUGHS = {"Queens", "Brooklyn", "Manhattan", "The Bronx", "Bronx", "Staten Island"}
NAMESAKE = 0.35  # of its population, from which another city of the same name makes a city unclear
NAMESAKES = {"LY", "US", "CR", "SC", "GY"}  # countries with capitals whose namesakes may be nearer
ASKED = {"north": 40, "south": 25, "nearest": 30}


def rows() -> Iterator[Row]:
    """All questions about cities."""
    yield from _countries_of_cities()
    yield from _largest_cities()
    yield from _farthest("north", "Which of these lies farthest north: {}?", 1)
    yield from _farthest("south", "Which of these lies farthest south: {}?", -1)
    yield from _nearest()


def _countries_of_cities() -> Iterator[Row]:
    for name, (code, fame, about) in remarks("cities").items():
        country, city = countries()[code], _city(name, code)
        text = f"In which country is the city of {city.name}?"
        wrong = [other.name for other in near(country, countries().values()) if other.code not in DISPUTED]
        yield _row("country-of-city", text, country.name, country.forms(), wrong, about, DIFFICULTIES[fame])


def _city(name: str, code: str) -> City:
    """The city of that name. Raises ValueError if another country has one that might be meant."""
    city = next((city for city in cities() if city.name == name and city.country == code), None)
    if city is None:
        raise ValueError(f"{code} has no city {name}")
    for other in cities():
        if other.name == name and other.country != code and other.population > NAMESAKE * city.population:
            raise ValueError(f"{name} is also in {other.country}")
    return city


@cache
def _well_known() -> list[City]:
    """Cities that everybody has heard of: large ones of well-known countries, and their capitals."""
    capitals = [capital_city(country) for country in countries().values() if country.fame == "e"]
    large = [city for city in cities()[:230] if city.name not in BOROUGHS and city.country in countries()]
    famous = [city for city in large if countries()[city.country].fame == "e"]
    known = {city.name: city for city in [*filter(None, capitals), *famous]}
    few_chinese = [city for city in known.values() if city.country not in {"CN", "IN"} or city.population > 12_000_000]
    return sorted(few_chinese, key=lambda city: city.name)


def _largest_cities() -> Iterator[Row]:
    for code, name in LARGEST.items():
        country, capital = countries()[code], capital_city(countries()[code])
        largest = [city for city in cities() if city.country == code and city.name not in BOROUGHS][:6]
        city = next(city for city in largest if city.name == name)
        others = [other.name for other in largest if other is not city]
        text = f"Which is the largest city of {country.in_text}?"
        about = _about_capital(country)
        wrong = [capital.name if capital else country.capital, *others][:4]
        difficulty = "easy" if country.fame == "e" else "medium"
        yield _row("largest-city", text, city.name, LARGEST_ALSO.get(code, []), wrong, about, difficulty)


def _about_capital(country: Country) -> str:
    if country.about_capital.startswith("It "):
        return f"The capital, {country.capital}, {country.about_capital.removeprefix('It ')}"
    return f"{country.capital} is the capital. {named(country.capital, country.about_capital)}"


def _farthest(template: str, wording: str, sign: int) -> Iterator[Row]:
    """Four cities of different countries that lie near each other in latitude, one of them clearly ahead."""
    dice = random.Random(template)
    pool = [city for city in _well_known() if city.latitude * sign > (20 if sign > 0 else 3)]
    pool = pool if sign > 0 else [city for city in _well_known() if city.latitude < 15]
    used: Counter[str] = Counter()
    made = tries = 0
    while made < ASKED[template] and tries < 200_000:
        tries += 1
        four = dice.sample(pool, 4)
        first, second, *_, last = sorted(four, key=lambda city: -sign * city.latitude)
        spread = abs(first.latitude - last.latitude)
        ahead = abs(first.latitude - second.latitude)
        is_mixed = len({city.country for city in four}) == 4
        if (
            is_mixed
            and 1.2 <= ahead <= 4
            and spread <= 14
            and used[first.name] < 2
            and second.latitude * first.latitude > 0
        ):
            used[first.name] += 1
            made += 1
            yield _compared(f"farthest-{template}", wording, four, first, _latitudes(first, second, template))


def _latitudes(first: City, second: City, way: str) -> str:
    kilometres = round(abs(first.latitude - second.latitude) * 111, -1)
    return f"{second.name}, the next of the four, lies some {kilometres:.0f} kilometres less far {way}."


def _nearest() -> Iterator[Row]:
    """A capital with four others, of which one is clearly the nearest, though not a neighbour."""
    dice = random.Random("nearest")
    capitals = [(country, capital_city(country)) for country in countries().values() if country.fame in "em"]
    known = [city for country, city in capitals if city and country.code not in DISPUTED | NAMESAKES]
    used: Counter[str] = Counter()
    made = tries = 0
    while made < ASKED["nearest"] and tries < 200_000:
        tries += 1
        home, *four = dice.sample(known, 5)
        first, second, _, fourth = sorted(four, key=lambda city: distance(home, city))
        gap = distance(home, second) / distance(home, first)
        is_near = 500 < distance(home, first) < 2_500 and 1.25 <= gap <= 1.8 and distance(home, fourth) < 4_500
        borders_home = first.country in countries()[home.country].neighbours
        if is_near and not borders_home and used[first.name] < 2 and used[home.name] < 2:
            used.update([first.name, home.name])
            made += 1
            yield _compared(
                "nearest-capital", f"Which is nearest to {home.name}: {{}}?", four, first, _way(home, first, second)
            )


def _way(home: City, first: City, second: City) -> str:
    near_by, far = (round(distance(home, city), -2) for city in (first, second))
    return f"It is some {near_by:,.0f} kilometres away as the crow flies; {second.name}, the next, {far:,.0f}."


def _compared(template: str, wording: str, four: list[City], first: City, about: str) -> Row:
    names = [city.name for city in four]
    text = wording.format(f"{', '.join(names[:-1])} or {names[-1]}")
    return _row(
        template, text, first.name, first.forms(), [name for name in names if name != first.name], about, "medium"
    )


def _row(
    template: str, text: str, answer: str, accepted: list[str], pool: list[str], about: str, difficulty: str
) -> Row:
    wrong = drawn(pool, [answer, *accepted], text)
    return Row(
        text=text,
        answer=answer,
        alternatives=shuffled(answer, wrong, text),
        accepted=other_forms(answer, [form for form in accepted if folded(form) not in folded(text)]),
        genre="cities",
        difficulty=difficulty,
        explanation=about,
        source=GEONAMES,
        template=template,
    )
