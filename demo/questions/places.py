"""Questions about cities from GeoNames: in which country one is, and which is the largest of a country."""

from collections.abc import Iterator

from demo.questions.compass import BOROUGHS
from demo.questions.facts import remarks
from demo.questions.names import DISPUTED
from demo.questions.nations import near
from demo.questions.row import DIFFICULTIES, GEONAMES, Row, drawn, other_forms, shuffled
from demo.questions.world import City, Country, capital_city, cities, countries, has_namesake, named
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


def rows() -> Iterator[Row]:
    """All questions about cities."""
    yield from _countries_of_cities()
    yield from _largest_cities()


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
    if has_namesake(city):
        raise ValueError(f"{name} may be a city of another country")
    return city


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
