"""Columns of text as numbers: how they are written, dates, what is missing.

Whatever is not plain is said in a note of one line.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from linmtl.data._errors import name_list

Fields = list[str] | np.ndarray  # text; or numbers, NaN where there is none

# No "none": it is a level of many text columns.
_MISSING = frozenset(
    {"", "?", ".", "NA", "N/A", "n/a", "<NA>", "#N/A", "NaN", "nan", "NULL", "null"}
    | {"NaT", "#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?"}  # of spreadsheets
)
# The same among numbers or dates alone, where they can be nothing else; in any case.
_MARKS = frozenset(
    {"-", "--", "---", "\u2013", "\u2014", "?", ".", "..", "...", "*", "na", "n/a"}
    | {"n.a.", "nan", "nil", "none", "null", "missing", "not available"}
)
_CURRENCIES = frozenset(
    {"AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HUF", "INR"}
    | {"JPY", "KRW", "MXN", "NOK", "NZD", "PLN", "RUB", "SEK", "TRY", "USD", "ZAR"}
)
_UNIT = re.compile(r"[^\w\s]|[A-Z]{3}")
_SIGNS = "-+\u2212"
_OTHER = {".": ",", ",": "."}  # what may group thousands, by the decimal mark,
_GROUPS = "'’ \u00a0\u2009\u202f"  # beside these

_INFINITE = re.compile(r"[-+]?inf(?:inity)?", re.IGNORECASE)
_ISO_DATE = re.compile(r"\d{4}-\d\d(-\d\d([T ]\d\d:.+)?)?")
_MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec"
_MONTH = (
    "(?P<month>jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|"
    r"sept?(ember)?|oct(ober)?|nov(ember)?|dec(ember)?)\.?"
)
_TIME = (
    r"([T ,]+(?P<hour>\d{1,2}):(?P<minute>\d\d)(:(?P<second>\d\d(\.\d+)?))?"
    r"( ?(?P<half>[ap])\.?m\.?)?)?"
)
# as people and spreadsheets write them, a time behind or not
_DATES = [
    re.compile(date + _TIME, re.IGNORECASE)
    for date in (
        r"(?P<first>\d{1,2})(?P<mark>[./-])(?P<other>\d{1,2})(?P=mark)(?P<year>\d{4})",
        # two digits of a year look like other numbers, but for these
        r"(?P<first>\d{1,2})(?P<mark>/)(?P<other>\d{1,2})/(?P<year>\d\d)",
        r"(?P<first>\d\d)(?P<mark>\.)(?P<other>\d\d)\.(?P<year>\d\d)",
        r"(?P<year>\d{4})(?P<mark>[./])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})",
        r"(?P<day>\d{1,2})\.?[ -]" + _MONTH + r"[ -](?P<year>\d{4}|\d\d)",
        _MONTH + r" (?P<day>\d{1,2}),? (?P<year>\d{4})",
    )
]
_EPOCH = datetime(1970, 1, 1)
_LAST_OF_TWO = 68  # year of two digits after 2000, as POSIX and pandas' %y have it


def _pattern(decimal: str) -> re.Pattern[str]:
    mark = rf"(?P<mark>[{_OTHER[decimal]}{_GROUPS}])"
    grouped = rf"[1-9]\d{{0,2}}{mark}(?:\d{{2,3}}(?P=mark))*\d{{3}}"
    return re.compile(
        rf"[-+]?(?:(?P<grouped>{grouped})|\d*)(?:[{decimal}]\d*)?(?:[eE][-+]?\d+)?"
    )


_PATTERNS = {decimal: _pattern(decimal) for decimal in _OTHER}


AMBIGUOUS = "day and month cannot be told apart in {}; write dates as 2024-05-26"


@dataclass(frozen=True)
class Numbers:
    """Columns as numbers.

    Attributes
    ----------
    values : dict of str -> ndarray or None
        By column, NaN where there is none; None for a column of text.
    dates : set of str
        The columns that hold dates, now days.
    ambiguous : dict of str -> str
        The columns of dates of which it cannot be said what is the day and what the
        month, with a date of each; they are text.
    day_first : dict of str -> bool
        Whether the day stands before the month, by column of dates that say so.
    infinite : dict of str -> ndarray
        Of columns that have any: where a value is infinite, or beyond what a float can
        hold. It is NaN in `values`.
    decimals : dict of str -> str
        The decimal mark that a column of text was read with; "" if either would do.
    notes : list of str
        How what is not plain was read.
    """

    values: dict[str, np.ndarray | None]
    dates: set[str]
    ambiguous: dict[str, str]
    day_first: dict[str, bool]
    infinite: dict[str, np.ndarray]
    decimals: dict[str, str]
    notes: list[str]


@dataclass(frozen=True)
class _Reading:
    """A column of text read with one decimal mark.

    Attributes
    ----------
    decimal : str
        The mark; "" if it would be read the same with the other.
    values : ndarray
        The numbers, NaN where there is none.
    grouped : bool
        Whether thousands are grouped.
    example : int or None
        The position of a number that is not plain.
    varied : bool
        Whether all from 1000 on are grouped, and some are smaller.
    """

    decimal: str
    values: np.ndarray
    grouped: bool = False
    example: int | None = None
    varied: bool = False

    def told(self, fields: Sequence[str], other: _Reading | None) -> str:
        """Say how a number is read, and how else it could be where that is a guess."""
        if other is not None:
            row = int(np.argmax(self.values != other.values))
        else:
            row = self.example or 0
        kind = {".": "decimal points", ",": "decimal commas"}.get(self.decimal)
        if self.grouped:
            kind = "thousands separators"
        text = f"{kind}, {fields[row]} read as {self.values[row]:.15g}"
        if other is not None:
            text += (
                f" (a guess; with the decimal mark {other.decimal} it is "
                f"{other.values[row]:.15g})"
            )
        return text


def missing(fields: Fields) -> np.ndarray:
    """Return where a column has no value, a mask."""
    if isinstance(fields, np.ndarray):
        return np.isnan(fields)
    return np.array([text in _MISSING for text in fields], dtype=bool)


def marks_among(fields: Fields, numeric: bool = False) -> list[str]:
    """Return the marks of missing values in a column that holds numbers or dates else.

    Parameters
    ----------
    fields : list of str or ndarray
        The column.
    numeric : bool, default=False
        Whether it is known to hold numbers or dates, which need not be among these.

    Returns
    -------
    list of str
        As they are written; nothing of other text. Empty fields are no marks.
    """
    if isinstance(fields, np.ndarray):
        return []
    levels = sorted(set(fields) - {""})
    marks = [text for text in levels if text.lower() in _MARKS]
    if not marks or numeric:
        return marks
    others = [text for text in levels if text.lower() not in _MARKS]
    return marks if not missing(others).all() and _are_numbers(others) else []


def _are_numbers(fields: list[str]) -> bool:
    """Whether a column can be read as numbers, or as dates."""
    try:
        return bool(_readings(_without_unit(fields)[1])) or _days(fields) is not None
    except _Ambiguous:  # of dates nevertheless
        return True


def reads_as_number(text: str) -> bool:
    """Whether a field is a number in some notation, or missing."""
    return bool(_readings([text]))


def read_numbers(
    columns: Mapping[str, Fields],
    *,
    decimal: str | None,
    commas_split: bool,
    day_first: Mapping[str, bool] | None = None,
) -> Numbers:
    """Read each column as numbers, as dates, or as neither.

    A comma or a point is a decimal mark or a thousands separator as the column says;
    where it can be either ("1,234"), as the other columns say; so is day or month.

    Parameters
    ----------
    columns : dict of str -> list of str or ndarray
        The columns.
    decimal : {".", ","} or None
        The decimal mark of columns that can be read with either; None finds out.
    commas_split : bool
        Whether commas separate the fields of a row, and so are hardly decimal marks.
    day_first : dict of str -> bool, default=None
        Whether the day stands before the month in dates that do not say so, by column.

    Returns
    -------
    Numbers
        What could be read.
    """
    notes: dict[Hashable, tuple[str, list[str]]] = {}

    def note(kind: Hashable, text: str, name: str) -> None:
        notes.setdefault(kind, (text, []))[1].append(name)

    values: dict[str, np.ndarray | None] = {}
    texts: dict[str, tuple[list[str], list[_Reading]]] = {}
    for name, fields in columns.items():
        if isinstance(fields, np.ndarray):
            values[name] = fields.astype(float)
            continue
        unit, bare = _without_unit(fields)
        texts[name] = bare, _readings(bare)
        if unit and texts[name][1]:
            note(unit, f"numbers read without their {unit}", name)
        negative = next((i for i, text in enumerate(fields) if text[:1] == "("), None)
        if negative is not None and texts[name][1]:
            told = f"{fields[negative]} read as {bare[negative]}"
            note("(", f"parentheses for a minus, {told}", name)
    certain = {found[0].decimal for _, found in texts.values() if len(found) == 1}
    marks = {decimal} if decimal else certain - {""}
    dates, ambiguous, infinite, decimals = set(), {}, {}, {}
    known = dict(day_first or {})
    orders: dict[str, bool] = {}

    def take_dates(name: str, first: bool | None) -> None:
        values[name] = None
        try:
            read = _days(texts[name][0], first)
        except _Ambiguous as error:
            ambiguous[name] = str(error)
            return
        if read is not None:
            dates.add(name)
            values[name] = read.days
            if read.day_first is not None:
                orders[name] = read.day_first
            note(_EPOCH, f"dates read as days since {_EPOCH:%Y-%m-%d}", name)
            if read.short:
                note(_Dates, "years of two digits read as 1969 to 2068", name)

    for name, (fields, found) in texts.items():
        if not found:
            take_dates(name, known.get(name))
            continue
        reading, other = _choose(found, marks, commas_split)
        values[name], decimals[name] = reading.values, reading.decimal
        if reading.example is not None or other is not None:
            kind = reading.decimal, reading.grouped, other is None
            note(kind, reading.told(fields, other), name)
        if zeros := next(filter(_has_leading_zero, fields), None):
            note("0", f"leading zeros, {zeros} read as {int(zeros)} (a code?)", name)
    others = {*known.values(), *orders.values()}
    if len(others) == 1:  # all that say so say the same
        first = others.pop()
        for name in list(ambiguous):
            which = "day before month" if first else "month before day"
            note(_Ambiguous, f"{which}, as the other columns have it", name)
            del ambiguous[name]
            take_dates(name, first)
    for name, numbers in values.items():
        if numbers is not None and np.isinf(numbers).any():
            infinite[name] = np.isinf(numbers)
            values[name] = np.where(infinite[name], np.nan, numbers)
    lines = [f"{text}: {name_list(names)}" for text, names in notes.values()]
    return Numbers(values, dates, ambiguous, orders, infinite, decimals, lines)


def _has_leading_zero(text: str) -> bool:
    return text[:1] == "0" and len(text) > 1 and text.isdecimal()


def _without_unit(fields: list[str]) -> tuple[str, list[str]]:
    """Return the per cent or currency beside every number, and the fields without.

    There, a minus may stand before the unit, or parentheses for it, as in accounts.
    """
    first = next((text for text in fields if text not in _MISSING), "")
    units = [unit for unit in _UNIT.findall(first) if _is_unit(unit)]
    opened = {text[:1] == "(" for text in fields if text not in _MISSING}
    if len(opened) == 2:  # where all are in parentheses these mean something else
        units.append("")
    for unit in units:
        bare = [t if t in _MISSING else _bare(t, unit) for t in fields]
        if None not in bare:
            return unit, [text or "" for text in bare]
    return "", fields


def _is_unit(text: str) -> bool:
    return text == "%" or unicodedata.category(text[0]) == "Sc" or text in _CURRENCIES


def _bare(text: str, unit: str) -> str | None:
    """Return a number without its unit and parentheses, None for what is none."""
    sign, enclosed = "", text[:1] == "(" and text[-1:] == ")"
    if enclosed:
        sign, text = "-", text[1:-1].strip()
    elif text[0] in _SIGNS:
        sign, text = text[0], text[1:].lstrip()
    if not (text.startswith(unit) or text.endswith(unit)):
        return None
    text = text.removeprefix(unit) if text.startswith(unit) else text.removesuffix(unit)
    text = text.strip()
    if text in _MISSING or (sign and text[0] in _SIGNS):
        return None
    return sign + text


def _readings(fields: list[str]) -> list[_Reading]:
    """Return the ways in which a column can be read as numbers."""
    plain = _plain(fields)
    if plain is not None:
        fraction = next((text for text in fields if "." in text), None)
        if fraction is None:
            return [_Reading("", plain)]
        point, comma = _Reading(".", plain), None
        if _PATTERNS[","].fullmatch(fraction):
            comma = _read(fields, ",")
        return [point] if comma is None else [point, comma]
    found = [r for r in (_read(fields, mark) for mark in _PATTERNS) if r is not None]
    if len(found) == 2:
        first, second = found
        if np.array_equal(first.values, second.values, equal_nan=True):
            return [replace(first, decimal="")]
    return found


def _plain(fields: list[str]) -> np.ndarray | None:
    """Read numbers as float() does: fast, and enough for most columns."""
    if any("_" in text for text in fields):  # it takes 1_000
        return None
    try:
        return np.array([math.nan if t in _MISSING else float(t) for t in fields])
    except ValueError:
        return None


def _read(fields: list[str], decimal: str) -> _Reading | None:
    """Read numbers with this decimal mark, their thousands grouped or not."""
    values = np.empty(len(fields))
    grouped = np.zeros(len(fields), dtype=bool)
    for i, text in enumerate(fields):
        number = _number(text, decimal)
        if number is None:
            return None
        values[i], grouped[i] = number
    example = int(np.argmax(grouped)) if grouped.any() else None
    if example is None and decimal == ",":
        example = next((i for i, text in enumerate(fields) if "," in text), None)
    small = np.abs(values) < 1000
    varied = bool(small.any() and (small | grouped | np.isnan(values)).all())
    return _Reading(decimal, values, bool(grouped.any()), example, varied)


def _number(text: str, decimal: str) -> tuple[float, bool] | None:
    """Return a number and whether its thousands are grouped; None for text."""
    if text in _MISSING:
        return math.nan, False
    text = text.replace("\u2212", "-")
    match = _PATTERNS[decimal].fullmatch(text)
    if match is None and not _INFINITE.fullmatch(text):
        return None
    grouped = match is not None and match["grouped"] is not None
    if match is not None and grouped:
        text = text.replace(match["mark"], "")
    try:
        return float(text.replace(decimal, ".")), grouped
    except ValueError:  # it has no digit
        return None


def _choose(
    found: list[_Reading], marks: set[str], commas_split: bool
) -> tuple[_Reading, _Reading | None]:
    """Return how to read a column, and how else it could be if that is a guess."""
    if len(found) == 1:
        return found[0], None
    point, comma = found
    if len(marks) == 1:
        return (comma if "," in marks else point), None
    if point.grouped:  # 1,234
        return (point, comma) if commas_split or point.varied else (comma, point)
    # 1.234, which is plain; but 1.234 and 12.500 beside 999 look like thousands
    return point, comma if comma.varied and not commas_split else None


class _Dates(NamedTuple):
    """A column of dates.

    Attributes
    ----------
    days : ndarray of shape (n_rows,)
        Days since the epoch, NaN where there is no date.
    day_first : bool or None
        Whether the day stands before the month; None where that is no question.
    short : bool
        Whether years have two digits.
    """

    days: np.ndarray
    day_first: bool | None
    short: bool


def _days(fields: list[str], day_first: bool | None = None) -> _Dates | None:
    """Return a column of dates, None if any field is something else."""
    rows = np.flatnonzero(~missing(fields))
    try:
        dates, order, short = _read_dates([fields[i] for i in rows], day_first)
    except _Ambiguous:
        raise
    except ValueError:
        return None
    days = np.full(len(fields), np.nan)
    days[rows] = [(date - _EPOCH) / timedelta(days=1) for date in dates]
    return _Dates(days, order, short)


class _Ambiguous(ValueError):
    """Which number is the day and which the month, no field says."""


def _read_dates(
    texts: list[str], day_first: bool | None
) -> tuple[list[datetime], bool | None, bool]:
    """Return dates, whether days stand first, and whether years have two digits."""
    if all(map(_ISO_DATE.fullmatch, texts)):
        return [_iso_date(text) for text in texts], None, False
    for pattern in _DATES:
        matches = [match for text in texts if (match := pattern.fullmatch(text))]
        if len(matches) == len(texts):
            parts, order = [match.groupdict() for match in matches], None
            if "first" in parts[0]:
                order = _tell_day_and_month(parts, day_first)
            short = len(parts[0]["year"]) == 2
            return [_date(part) for part in parts], order, short
    raise ValueError("not all are dates of one kind")


def not_dates(fields: list[str]) -> list[int]:
    """Return which fields are no dates of the notation that most of them have."""
    rows = np.flatnonzero(~missing(fields)).tolist()
    best = rows
    for pattern in (_ISO_DATE, *_DATES):
        found = {i: m.groupdict() for i in rows if (m := pattern.fullmatch(fields[i]))}
        if found and "first" in next(iter(found.values())):
            try:
                _tell_day_and_month(list(found.values()))
            except _Ambiguous:
                continue
        odd = [i for i in rows if not _is_date(found.get(i), fields[i])]
        best = min(best, odd, key=len)
    return best


def _is_date(part: dict[str, Any] | None, text: str) -> bool:
    try:
        return part is not None and bool(_date(part) if part else _iso_date(text))
    except ValueError:
        return False


def _iso_date(text: str) -> datetime:
    date = datetime.fromisoformat(text if len(text) > 7 else f"{text}-01")
    return date.astimezone(UTC).replace(tzinfo=None) if date.tzinfo else date


def _tell_day_and_month(
    parts: list[dict[str, Any]], day_first: bool | None = None
) -> bool | None:
    """Read 31.01.2024 and 31/01/2024; 01/31/2024 where no day could come first.

    Where either could, as ``day_first`` says. Returns whether the day is first, None
    where it does not matter.
    """
    order: bool | None = True
    if any(p["mark"] != "." for p in parts):
        first, other = (
            max(int(p[which]) for p in parts) for which in ("first", "other")
        )
        order = first > 12
        if max(first, other) <= 12:
            unlike = [p for p in parts if int(p["first"]) != int(p["other"])]
            order = day_first if unlike else None
            if unlike and order is None:
                raise _Ambiguous("{first}{mark}{other}{mark}{year}".format(**unlike[0]))
    day, month = ("other", "first") if order is False else ("first", "other")
    for part in parts:
        part["day"], part["month"] = part[day], part[month]
    return order


def _date(part: dict[str, Any]) -> datetime:
    month = part["month"].lower()
    month = int(month) if month.isdigit() else _MONTHS.index(month[:3]) // 3 + 1
    year = int(part["year"])
    if len(part["year"]) == 2:
        year += 2000 if year <= _LAST_OF_TWO else 1900
    date = datetime(year, month, int(part["day"]))
    if part["hour"] is None:
        return date
    hour, minute = int(part["hour"]), int(part["minute"])
    if part["half"]:  # 12 AM is midnight
        if not 1 <= hour <= 12:
            raise ValueError(f"there is no {hour} o'clock in half a day")
        hour = hour % 12 + 12 * (part["half"].lower() == "p")
    if hour > 23 or minute > 59:
        raise ValueError(f"there is no time {hour}:{minute}")
    second = float(part["second"] or 0)
    return date + timedelta(hours=hour, minutes=minute, seconds=second)
