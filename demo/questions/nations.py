"""Questions about countries from GeoNames and CLDR: capitals, borders, own names, people and area compared."""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import combinations

from demo.questions.facts import remarks
from demo.questions.names import DISPUTED, UNCLEAR_BORDERS
from demo.questions.row import CLDR, DIFFICULTIES, GEONAMES, Row, Source, drawn, other_forms, shuffled
from demo.questions.world import Country, borders, capital_forms, countries, named, own_name, possible_borders
from lib.spelling import folded

PER_ANSWER = 2  # questions about borders that have the same answer
COMPARED = 40  # questions of each comparison
NUMBERS = {
    3: "three",
    4: "four",
    5: "five",
    6: "six",
    7: "seven",
    8: "eight",
    9: "nine",
    10: "ten",
    11: "eleven",
    12: "twelve",
    14: "fourteen",
}
CONTINENTS = ("AF", "AS", "EU", "NA", "SA")


def rows() -> Iterator[Row]:
    """All questions about countries."""
    yield from _capitals()
    yield from _shared_neighbours()
    yield from _only_neighbours()
    yield from _own_names()
    yield from _compared("most-people", "Which has the most inhabitants: {}?", _people, _more_people_than)
    yield from _compared("largest-area", "Which covers the largest area: {}?", _area, _larger_than)


def near(country: Country, among: Iterable[Country]) -> list[Country]:
    """The ten countries of the same continent that are nearest in population."""
    others = [other for other in among if other.continent == country.continent and other.code != country.code]
    return sorted(others, key=lambda other: abs(_orders(other) - _orders(country)))[:10]


def _orders(country: Country) -> float:
    return float(len(bin(country.population + 1)))


def _capitals() -> Iterator[Row]:
    """Each country once: by its capital's name, or the other way round."""
    several = [country for country in countries().values() if _has_capital(country)]
    for number, country in enumerate(several):
        others = near(country, several)
        if number % 5 < 3:
            capitals = [other.capital for other in others]
            text = f"What is the capital of {country.in_text}?"
            yield _row(
                "capital-of", text, country.capital, capital_forms(country), capitals, country.about_capital, country
            )
        else:
            names = [other.name for other in others]
            text = f"Which country has {country.capital} as its capital?"
            about = named(country.capital, country.about_capital)
            yield _row("country-of-capital", text, country.name, country.forms(), names, about, country)


def _has_capital(country: Country) -> bool:
    shares_word = set(folded(country.capital).split()) & set(folded(country.name).split())
    return country.about_capital != "-" and country.code not in DISPUTED and not shares_word


def _shared_neighbours() -> Iterator[Row]:
    """Two countries with one common neighbour only, by the borders of every territory."""
    clear = {code: country for code, country in countries().items() if code not in DISPUTED | UNCLEAR_BORDERS}
    asked: dict[str, int] = {}
    pairs = list(combinations(sorted(clear), 2))
    random.Random("shared-neighbours").shuffle(pairs)
    for one, other in pairs:
        shared = possible_borders()[one] & possible_borders()[other]
        code = next(iter(shared)) if len(shared) == 1 else ""
        if code in clear and {one, other} <= borders()[code] and asked.get(code, 0) < PER_ANSWER:
            asked[code] = asked.get(code, 0) + 1
            yield _shared_neighbour(clear[code], clear[one], clear[other], asked[code])


def _shared_neighbour(country: Country, one: Country, other: Country, number: int) -> Row:
    text = f"Which country borders both {one.in_text} and {other.in_text}?"
    neighbours = {countries()[code] for code in country.neighbours if code in countries()}
    around = [*neighbours, *near(country, countries().values())]
    wrong = [each.name for each in around if not {one.code, other.code} <= possible_borders()[each.code]]
    excluded = [one.name, other.name]
    about = _about_borders(country, one, other, number)
    return _row("shared-neighbour", text, country.name, country.forms(), wrong, about, country, GEONAMES, excluded)


def _about_borders(country: Country, one: Country, other: Country, number: int) -> str:
    """A remark on the country the first time, and the second time what its size or neighbours tell."""
    names = sorted(countries()[code].in_text for code in country.neighbours if code in countries())
    if len(country.neighbours) == 2:
        return f"It has no other neighbour by land. {country.about}"
    if number == 1:
        return country.about
    if country.area < min(one.area, other.area) / 1.5:
        return f"It is the smallest of the three: {one.in_text} is {times(one.area / country.area)} as large."
    if len(names) > 10:
        return f"It has more than ten neighbours by land. {named(country.capital, country.about_capital)}"
    if len(names) >= 6:
        return f"It has {NUMBERS[len(names)]} neighbours by land: {_listed(names, 'and')}."
    others = [name for name in names if name not in (one.in_text, other.in_text)]
    verb = "neighbour is" if len(others) == 1 else "neighbours are"
    return f"Its other {verb} {_listed(others, 'and')}."


def _only_neighbours() -> Iterator[Row]:
    for country in countries().values():
        if len(country.neighbours) == 1 and country.code not in {*DISPUTED, "DK", "CA", "GB", "MF"}:
            neighbour = countries().get(next(iter(country.neighbours)))
            if neighbour and neighbour.code not in DISPUTED:
                text = f"Which country is the only neighbour of {country.in_text} by land?"
                wrong = [other.name for other in near(neighbour, countries().values())]
                about = country.named(country.about)
                yield _row(
                    "only-neighbour",
                    text,
                    neighbour.name,
                    neighbour.forms(),
                    wrong,
                    about,
                    neighbour,
                    GEONAMES,
                    [country.name],
                )


def _own_names() -> Iterator[Row]:
    several = [countries()[code] for code in remarks("endonyms") if code in countries()]
    wordings = ("Which country calls itself {}?", "Which country is named {} in its own language?")
    for number, country in enumerate(several):
        fame, about = remarks("endonyms")[country.code]
        name = own_name(country.code)
        text = wordings[number % 2].format(name)
        wrong = [other.name for other in near(country, several)]
        accepted = [form for form in country.forms() if folded(form) != folded(name)]
        row = _row("own-name", text, country.name, accepted, wrong, about, replace(country, fame=fame), CLDR)
        if folded(name) != folded(country.name):
            yield row


def _compared(
    template: str,
    wording: str,
    size: Callable[[Country], float],
    about: Callable[[Country, list[Country]], str],
) -> Iterator[Row]:
    """Four countries of a continent, of which a surprising one is clearly the largest."""
    dice = random.Random(template)
    used: dict[str, int] = {}
    made = tries = 0
    while made < COMPARED and tries < 20_000:
        tries += 1
        pool = [each for each in countries().values() if each.continent == CONTINENTS[tries % 5] and _is_known(each)]
        four = dice.sample(pool, 4)
        first, second, *_, last = sorted(four, key=size, reverse=True)
        clear = size(first) >= 1.5 * size(second) and size(first) <= 9 * size(last)
        remark = about(first, four)
        if clear and remark and used.get(first.code, 0) < 2:
            used[first.code] = used.get(first.code, 0) + 1
            made += 1
            text = wording.format(_listed([each.in_text for each in four], "or"))
            wrong = [each.name for each in four if each is not first]
            yield _row(template, text, first.name, first.forms(), wrong, remark, second)


def _is_known(country: Country) -> bool:
    return country.code not in DISPUTED | {"UA", "RU", "SD", "SO", "RS"} and country.population > 1_000_000


def _people(country: Country) -> float:
    return country.population


def _area(country: Country) -> float:
    return country.area


def _more_people_than(first: Country, four: list[Country]) -> str:
    """Surprising if another one is much larger on the map."""
    wide = max(four, key=_area)
    if wide.area < 1.8 * first.area:
        return ""
    ratio = wide.area / first.area
    _, second, *_ = sorted(four, key=_people, reverse=True)
    more = times(first.population / second.population)
    than = f"It has {more} as many people as {second.in_text}"
    return f"{than}, though {'that' if wide is second else wide.in_text} is {times(ratio)} as large."


def _larger_than(first: Country, four: list[Country]) -> str:
    """Surprising if another one has many more inhabitants."""
    full = max(four, key=_people)
    if full.population < 1.8 * first.population:
        return ""
    ratio = full.population / first.population
    if 50 * full.area > full.population or ratio > 6:
        return f"Yet {full.in_text} has {times(ratio)} as many inhabitants."
    per, crowd = (round(each.population / each.area) for each in (first, full))
    return f"Only about {per} people live on each square kilometre there, against {crowd} in {full.in_text}."


def times(ratio: float) -> str:
    if ratio < 1.75:
        return "one and a half times"
    if ratio < 2.3:
        return "about twice"
    whole = round(ratio)
    return f"{NUMBERS.get(whole, whole)} times" if ratio >= 2.7 else "two and a half times"


def _listed(names: list[str], word: str) -> str:
    return f"{', '.join(names[:-1])} {word} {names[-1]}" if len(names) > 1 else "".join(names)


def _row(
    template: str,
    text: str,
    answer: str,
    accepted: list[str],
    pool: list[str],
    explanation: str,
    country: Country,
    source: Source = GEONAMES,
    excluded: Iterable[str] = (),
) -> Row:
    """`country` gives the difficulty."""
    wrong = drawn(pool, [answer, *accepted, *excluded], text)
    return Row(
        text=text,
        answer=answer,
        alternatives=shuffled(answer, wrong, text),
        accepted=other_forms(answer, [form for form in accepted if folded(form) not in folded(text)]),
        genre="countries",
        difficulty=DIFFICULTIES[country.fame],
        explanation=explanation,
        source=source,
        template=template,
    )
