"""Questions about the cities behind airports' codes, from airportsdata and our own remarks."""

from collections.abc import Iterator

import airportsdata

from demo.questions.facts import remarks
from demo.questions.row import AIRPORTS, DIFFICULTIES, Row, drawn, other_forms, shuffled
from demo.questions.world import countries
from lib.spelling import folded

CITIES = {  # where the data name a suburb, or the city in another way than passengers do
    "NRT": "Tokyo", "KIX": "Osaka", "ICN": "Seoul", "FCO": "Rome", "MXP": "Milan", "LIN": "Milan", "ARN": "Stockholm",
    "KEF": "Reykjavik", "EZE": "Buenos Aires", "GRU": "São Paulo", "GIG": "Rio de Janeiro", "SCL": "Santiago",
    "IAD": "Washington", "EWR": "Newark", "DFW": "Dallas", "OTP": "Bucharest", "CGK": "Jakarta", "PVG": "Shanghai",
    "IKA": "Tehran", "SVO": "Moscow", "DPS": "Denpasar", "TPE": "Taipei", "RGN": "Yangon", "SGN": "Ho Chi Minh City",
    "MAA": "Chennai", "CCU": "Kolkata", "BOM": "Mumbai", "CMN": "Casablanca", "CDG": "Paris", "LHR": "London",
    "JFK": "New York", "BRU": "Brussels", "YUL": "Montreal", "UIO": "Quito", "LPB": "La Paz", "KRK": "Kraków",
    "PBH": "Paro", "HND": "Tokyo", "PEK": "Beijing", "LED": "Saint Petersburg", "CPH": "Copenhagen",
    "WAW": "Warsaw", "GVA": "Geneva", "OPO": "Porto", "AGP": "Málaga", "PMI": "Palma", "SKG": "Thessaloniki",
    "BEG": "Belgrade", "PRG": "Prague", "BKK": "Bangkok", "KUL": "Kuala Lumpur", "MEX": "Mexico City",
}  # fmt: skip
ALSO = {
    "SGN": ["Saigon"], "BOM": ["Bombay"], "MAA": ["Madras"], "CCU": ["Calcutta"], "RGN": ["Rangoon"],
    "LED": ["St Petersburg", "St. Petersburg", "Petersburg"], "KRK": ["Cracow"], "DPS": ["Bali"], "GIG": ["Rio"],
    "JFK": ["New York City"], "PMI": ["Palma de Mallorca", "Majorca", "Mallorca"], "OPO": ["Oporto"],
    "EWR": ["New York"], "DFW": ["Fort Worth", "Dallas-Fort Worth"], "AUH": ["Abu Dhabi City"],
    "IAD": ["Washington DC"],
}  # fmt: skip
PARTS = {"AS": "AS", "EU": "EU", "AF": "AF", "OC": "AS", "NA": "AM", "SA": "AM"}
WORDINGS = (
    "Which city has an airport with the code {}?",
    "A luggage tag says {}: to which city does the bag go?",
    "Your boarding pass says {}: which city are you flying to?",
)


def rows() -> Iterator[Row]:
    """A question for each code whose letters do not give the city away."""
    data = airportsdata.load("IATA")
    known = {code: line for code, line in remarks("airports").items() if not _gives_away(code, _city(data, code))}
    for number, (code, (fame, about)) in enumerate(known.items()):
        city, part = _city(data, code), _part(data, code)
        text = WORDINGS[number % len(WORDINGS)].format(code)
        pool = [_city(data, other) for other in remarks("airports") if _part(data, other) == part]
        wrong = drawn(pool, [city, *ALSO.get(code, [])], text)
        yield Row(
            text=text,
            answer=city,
            alternatives=shuffled(city, wrong, text),
            accepted=other_forms(city, ALSO.get(code, [])),
            genre="travel",
            difficulty=DIFFICULTIES[fame],
            explanation=about,
            source=AIRPORTS,
            template="airport-code",
        )


def _city(data: dict[str, airportsdata.Airport], code: str) -> str:
    return CITIES.get(code, str(data[code]["city"]))


def _part(data: dict[str, airportsdata.Airport], code: str) -> str:
    country = countries().get(str(data[code]["country"]))
    return PARTS[country.continent] if country else "AS"


def _gives_away(code: str, city: str) -> bool:
    return folded(city).replace(" ", "").startswith(code.lower())
