"""Values that are decided without algebra: integers, decimals, fractions, ratios, percentages, degrees and minutes,
each exactly as a `Fraction`; and the unit behind a value.

Nothing here raises on any text of answer length, and no number of more than 30 digits is read.
"""

import re
from fractions import Fraction

_DECIMAL = re.compile(r"[+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})")
_FRACTION = re.compile(
    r"(?P<sign>[+-]?)(?:(?P<whole>\d{1,15})\s*(?=\\frac|\s\d))?"
    r"(?:\\frac\s*(?:\{\s*(?P<n1>-?\d{1,30})\s*\}\s*\{\s*(?P<d1>-?\d{1,30})\s*\}|(?P<n2>\d)\s*(?P<d2>\d)"
    r"|(?P<n4>\d)\s*\{\s*(?P<d4>\d{1,30})\s*\}|\{\s*(?P<n5>\d{1,30})\s*\}\s*(?P<d5>\d))"
    r"|\s?(?P<n3>\d{1,30})\s*/\s*(?P<d3>\d{1,30}))"
)
_SCIENTIFIC = re.compile(
    r"(?P<mantissa>[+-]?\d{1,15}(?:\.\d{1,15})?)"
    r"(?:\s*(?:\\times|\\cdot|\*)\s*10\s*\^\s*\{?\s*|[eE])(?P<exponent>[+-]?\d{1,2})\s*\}?"
)
_RATIO = re.compile(r"\s*\d{1,15}(?:\.\d{1,15})?(?:\s*(?::|\\colon)\s*\d{1,15}(?:\.\d{1,15})?){1,4}\s*")
_MINUTES = re.compile(
    r"(?P<sign>[+-]?)(?P<degrees>\d{1,6})\s*\^\\circ\s*(?P<minutes>\d{1,2}(?:\.\d{1,6})?)\s*'"
    r"(?:\s*(?P<seconds>\d{1,2}(?:\.\d{1,6})?)\s*(?:''|\"))?"
)

# name -> (dimension, how many of the dimension's base unit)
_UNITS: dict[str, tuple[str, Fraction]] = {}
for _names, _dimension, _factor in (
    (("degree", "degrees", "deg", r"^\circ"), "angle", Fraction(1)),
    (("rad", "radian", "radians"), "radian", Fraction(1)),
    (("mm", "millimeter", "millimeters", "millimetre", "millimetres"), "length", Fraction(1, 1000)),
    (("cm", "centimeter", "centimeters", "centimetre", "centimetres"), "length", Fraction(1, 100)),
    (("dm", "decimeter", "decimeters", "decimetre", "decimetres"), "length", Fraction(1, 10)),
    (("m", "meter", "meters", "metre", "metres"), "length", Fraction(1)),
    (("km", "kilometer", "kilometers", "kilometre", "kilometres"), "length", Fraction(1000)),
    (("inch", "inches", "in"), "length", Fraction(254, 10_000)),
    (("foot", "feet", "ft"), "length", Fraction(3048, 10_000)),
    (("yard", "yards", "yd"), "length", Fraction(9144, 10_000)),
    (("mile", "miles", "mi"), "length", Fraction(1_609_344, 1000)),
    # what is counted is no unit: `3 triangles` answers "how many?" as well as `3`
    (("unit", "units", "point", "segment", "line", "side", "angle", "triangle", "circle", "square"), "", Fraction(1)),
    (("points", "segments", "lines", "sides", "angles", "triangles", "circles", "squares"), "", Fraction(1)),
):
    _UNITS |= dict.fromkeys(_names, (_dimension, _factor))
_UNIT = re.compile(
    r"(?P<power>square |sq\.? |cubic )?(?P<unit>"
    + "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
    + r")(?:\s*\^?\s*\{?(?P<exponent>[23])\}?)?(?P<squared> squared| cubed)?$"
)

Unit = tuple[str, Fraction]
"""Dimension (`length^2`, `angle`) and size in the base unit of that dimension."""


def split_unit(text: str) -> tuple[str, Unit | None]:
    """Value and unit, None without one. A lone `m` behind a digit may be a variable: it wants a space."""
    match = _UNIT.search(text)
    if not match or not text[: match.start()].strip():
        return text, None
    before, unit = text[: match.start()], match["unit"]
    if unit != r"^\circ" and (before[-1].isalpha() or before[-1] in "\\_{^" or (len(unit) == 1 and before[-1] != " ")):
        return text, None
    before, (dimension, factor) = before.strip(), _UNITS[unit]
    if not dimension:
        return (before, None) if before[-1] in "0123456789})" else (text, None)
    power = int(match["exponent"] or {"s": 2, "c": 3}.get((match["power"] or match["squared"] or " ").strip()[:1], 1))
    return before, (dimension if power == 1 else f"{dimension}^{power}", factor**power)


def rational(text: str) -> Fraction | None:
    """An integer, decimal, fraction, mixed number, power of ten, angle in minutes or ratio (3:4 as 3/4), exactly.

    None for anything else, for a division by zero, and for numbers beyond 30 digits.
    """
    text = re.sub(r"^([+-])\s+", r"\1", text.strip())
    if _DECIMAL.fullmatch(text):
        return Fraction(text.rstrip("."))
    if found := _SCIENTIFIC.fullmatch(text):
        return Fraction(found["mantissa"]) * Fraction(10) ** int(found["exponent"])
    if found := _MINUTES.fullmatch(text):
        value = int(found["degrees"]) + Fraction(found["minutes"]) / 60 + Fraction(found["seconds"] or 0) / 3600
        return -value if found["sign"] == "-" else value
    if (terms := ratio(text)) and len(terms) == 2:
        return terms[0] / terms[1] if terms[1] else None
    found = _FRACTION.fullmatch(text)
    if not found:
        return None
    numerator = next(int(found[name]) for name in ("n1", "n2", "n3", "n4", "n5") if found[name])
    denominator = next(int(found[name]) for name in ("d1", "d2", "d3", "d4", "d5") if found[name])
    if denominator == 0:
        return None
    value = int(found["whole"] or 0) + Fraction(numerator, denominator)
    return -value if found["sign"] == "-" else value


def ratio(text: str) -> list[Fraction] | None:
    """The terms of `1:2:3`; None if it is no ratio."""
    return [Fraction(term.strip()) for term in re.split(r":|\\colon", text)] if _RATIO.fullmatch(text) else None


def percentages(text: str) -> list[str]:
    """What a value with a percent sign may stand for: `50%` for 50 (asked for a percentage) or 0.5; 50 for itself."""
    if not text.endswith("%"):
        return [text]
    text = text[:-1].strip()
    number = rational(text)
    return [text] if number is None else [text, f"{number.numerator}/{number.denominator * 100}"]
