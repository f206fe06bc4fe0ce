"""Numbers however they are written, and dates: what was read how is said."""

import re

import numpy as np
import pytest

from linmtl.data._columns import read_numbers


def read(columns, decimal=None, commas_split=False, **options):
    options |= {"decimal": decimal, "commas_split": commas_split}
    return read_numbers(columns, **options)


def one(fields, **options):
    found = read({"x": fields}, **options)
    return found.values["x"], found.notes


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (["1", "-2.5", "+3e2", ".5", "5."], [1, -2.5, 300, 0.5, 5]),
        (["1", "", "NA", "#DIV/0!", "NaT"], [1, *[np.nan] * 4]),
        (["\u22125", "2"], [-5, 2]),
    ],
)
def test_plain_numbers_need_no_note(fields, expected):
    values, notes = one(fields)
    np.testing.assert_array_equal(values, expected)
    assert notes == []


@pytest.mark.parametrize(
    ("fields", "expected", "note"),
    [
        (["1,234.50", "12,500", "7"], [1234.5, 12500, 7], "thousands separators"),
        (["1,234,567", "999"], [1234567, 999], "1,234,567 read as 1234567: x"),
        (["12,34,567", "999"], [1234567, 999], "12,34,567 read as 1234567: x"),
        (["1.234,50", "12.500", "7"], [1234.5, 12500, 7], "1.234,50 read as 1234.5"),
        (["1 234,5", "12 500"], [1234.5, 12500], "1 234,5 read as 1234.5: x"),
        (["1\u00a0234.5", "2"], [1234.5, 2], "thousands separators"),
        (["1'234.5", "2"], [1234.5, 2], "1'234.5 read as 1234.5: x"),
        (["0,5", "-1,25", "3"], [0.5, -1.25, 3], "decimal commas, 0,5 read as 0.5: x"),
        (["0,123", "1,234"], [0.123, 1.234], "decimal commas"),
        (["1,5e3", "2"], [1500, 2], "decimal commas"),
        (["12 %", "5%"], [12, 5], "numbers read without their %: x"),
        (["$1,250.5", "$7"], [1250.5, 7], "numbers read without their $: x"),
        (["€1.250,5", "7 €"], [1250.5, 7], "numbers read without their €: x"),
    ],
)
@pytest.mark.parametrize("commas_split", [False, True])
def test_notations_that_can_be_one_thing_only(fields, expected, note, commas_split):
    values, notes = one(fields, commas_split=commas_split)
    np.testing.assert_allclose(values, expected)
    assert note in "\n".join(notes)
    assert "guess" not in "\n".join(notes)


@pytest.mark.parametrize(
    "fields",
    [
        ["1,234.5", "1.234,5"],  # two notations
        ["1_000", "2"],
        ["$", "$$", "$$$"],
        ["12,3,4", "5"],
        ["1 2", "3"],
        ["e5", "3"],
        ["-", "3"],
        ["12%", "0.12"],
        ["0x1F", "3"],
    ],
)
def test_text_stays_text(fields):
    values, notes = one(fields)
    assert values is None
    assert notes == []


THOUSANDS = ["1,234", "12,500", "999"]
POINTS = ["1.234", "12.500", "999"]


@pytest.mark.parametrize(
    ("fields", "other", "expected"),
    [
        (THOUSANDS, ["0.5", "1.0", "2"], [1234, 12500, 999]),
        (THOUSANDS, ["0,5", "1,0", "2"], [1.234, 12.5, 999]),
        (POINTS, ["0.5", "1.0", "2"], [1.234, 12.5, 999]),
        (POINTS, ["0,5", "1,0", "2"], [1234, 12500, 999]),
    ],
)
def test_the_other_columns_decide(fields, other, expected):
    found = read({"price": fields, "y": other})
    np.testing.assert_allclose(found.values["price"], expected)
    np.testing.assert_allclose(found.values["y"], [0.5, 1, 2])
    assert "guess" not in "\n".join(found.notes)
    plain = fields is POINTS and "." in other[0]
    assert any("price" in note for note in found.notes) or plain


@pytest.mark.parametrize(
    ("fields", "commas_split", "expected", "otherwise"),
    [
        (THOUSANDS, False, [1234, 12500, 999], "1.234"),
        (THOUSANDS, True, [1234, 12500, 999], "1.234"),
        (["1,234", "12,500", "7,125"], True, [1234, 12500, 7125], "1.234"),
        (["1,234", "12,500", "7,125"], False, [1.234, 12.5, 7.125], "1234"),
        (["1,234", "12500", "999"], False, [1.234, 12500, 999], "1234"),
        (POINTS, False, [1.234, 12.5, 999], "1234"),
    ],
)
def test_a_guess_is_said(fields, commas_split, expected, otherwise):
    values, notes = one(fields, commas_split=commas_split)
    np.testing.assert_allclose(values, expected)
    said = rf"\(a guess; with the decimal mark [.,] it is {otherwise}\)"
    assert re.search(said, notes[0])


@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("fields", [THOUSANDS, POINTS])
def test_the_user_decides(decimal, fields):
    values, notes = one(fields, decimal=decimal)
    small = ("," in fields[0]) == (decimal == ",")
    expected = [1.234, 12.5, 999] if small else [1234, 12500, 999]
    np.testing.assert_allclose(values, expected)
    assert "guess" not in "\n".join(notes)
    # what can be read in one way only is read so
    assert one(["0.5", "1"], decimal=",")[0].tolist() == [0.5, 1]


def test_three_decimals_in_every_number_need_no_note():
    assert one(["1.234", "12.500", "7.125"])[1] == []
    assert one(POINTS, commas_split=True)[1] == []


def test_columns_of_one_kind_share_a_note():
    notes = read({"a": ["0,5"], "b": ["1,5"], "c": ["1.234,5"]}).notes
    assert notes == [
        "decimal commas, 0,5 read as 0.5: a, b",
        "thousands separators, 1.234,5 read as 1234.5: c",
    ]


def test_infinite_values():
    found = read(
        {"x": ["inf", "1", "1e999", "-Infinity"], "y": ["inf", "0,5", "", "2"]}
    )
    np.testing.assert_array_equal(found.values["x"], [np.nan, 1, np.nan, np.nan])
    assert found.infinite["x"].tolist() == [True, False, True, True]
    assert found.infinite["y"].tolist() == [True, False, False, False]
    found = read({"x": np.array([1.0, -np.inf])})
    np.testing.assert_array_equal(found.values["x"], [1, np.nan])
    assert found.infinite["x"].tolist() == [False, True]


@pytest.mark.parametrize(
    ("fields", "days"),
    [
        (["1970-01-02", "", "1969-12-31"], [1, np.nan, -1]),
        (["2024-02-29", "2024-03-01"], [19782, 19783]),
        (["2024-03", "2024-04"], [19783, 19814]),
        (["1970-01-01T12:00", "1970-01-02 06:00:00.5"], [0.5, 1.25 + 0.5 / 86400]),
        (["1970-01-02T00:00Z", "1970-01-02T00:00+06:00"], [1, 0.75]),
        (["02.01.1970", "31.12.1969"], [1, -1]),
        (["02/01/1970", "31/12/1969"], [1, -1]),
        (["01/02/1970", "12/31/1969"], [1, -1]),
        (["02/01/1970 03:00", "31/12/1969"], [1.125, -1]),
        (["02.01.1970, 3:00:30", "02.01.1970 03:00"], [1.125 + 30 / 86400, 1.125]),
        (["1/2/1970 3:00 PM", "12/31/1969 12:00 am"], [1.625, -1]),
        (["02-01-1970", "31-12-1969"], [1, -1]),
        (["1970/1/2", "1969/12/31 12:00"], [1, -0.5]),
        (["2 January 1970", "31 Dec 1969"], [1, -1]),
        (["2-Jan-1970 03:00", "31-DEC-1969"], [1.125, -1]),
        (["January 2, 1970", "Dec. 31 1969"], [1, -1]),
        (["01/01/1970", "03/03/1970"], [0, 61]),  # no matter which is the day
    ],
)
def test_dates_are_days(fields, days):
    found = read({"d": fields, "x": ["1"] * len(fields)})
    np.testing.assert_allclose(found.values["d"], days)
    assert found.dates == {"d"}
    assert found.notes == ["dates read as days since 1970-01-01: d"]


@pytest.mark.parametrize(
    "fields",
    [
        ["2024-02-01 25:00", "2024-02-01"],
        ["01/31/2024 13:00 PM"],
        ["31 Juvember 2024"],
        ["may", "june"],
        ["2 Jan 1970", "02/01/1970"],
        ["2024-02-30", "2024-02-01"],
        ["2024-13-01"],
        ["2024-01-01", "soon"],
        ["31/12/1969", "12/31/1969"],
        ["31.2.69"],
        ["3.11.14", "3.12.1"],  # versions
        ["31-12-69"],
    ],
)
def test_no_dates(fields):
    assert one(fields)[0] is None


@pytest.mark.parametrize(
    ("fields", "example"),
    [
        (["01/01/2024", "03/04/2024"], "03/04/2024"),
        (["", "3-4-2024", "5-4-2024 03:00"], "3-4-2024"),
    ],
)
def test_dates_that_may_be_two(fields, example):
    found = read({"d": fields, "x": ["1"] * len(fields)})
    assert found.values["d"] is None
    assert found.ambiguous == {"d": example}
    n = len(fields)
    for order, note in (("31/12/2023", "day before"), ("12/31/2023", "month before")):
        other = read({"d": fields, "e": [order] * n})  # another column says
        assert not other.ambiguous
        assert any(line.startswith(note) for line in other.notes)
        clear = read({"d": fields}, day_first={"d": order.startswith("31")})
        np.testing.assert_array_equal(other.values["d"], clear.values["d"])
    both = read({"d": fields, "e": ["31/12/2023"] * n, "f": ["12/31/2023"] * n})
    assert both.ambiguous == {"d": example}  # which of the two, nothing says


@pytest.mark.parametrize(
    ("fields", "days", "day_first"),
    [
        (["31.12.69", "02.01.70"], [-1, 1], True),
        (["31/12/69", "2/1/70 12:00"], [-1, 1.5], True),
        (["12/31/69", "1/2/70"], [-1, 1], False),
        (["01.01.68", "01.01.69"], [35794, -365], True),
        (["31-Dec-69", "2-Jan-70"], [-1, 1], None),
    ],
)
def test_years_of_two_digits_are_those_from_1969_to_2068(fields, days, day_first):
    found = read({"d": fields, "x": ["1"] * len(fields)})
    np.testing.assert_allclose(found.values["d"], days)
    assert found.day_first.get("d") == day_first
    assert found.notes[1] == "years of two digits read as 1969 to 2068: d"


@pytest.mark.parametrize("day_first", [True, False])
def test_an_order_that_is_known_tells_day_and_month(day_first):
    fields = {"d": ["03/04/2024"], "e": ["25/12/2024"], "f": ["12/25/2024"]}
    known = dict.fromkeys("def", day_first)
    found = read_numbers(fields, decimal=None, commas_split=False, day_first=known)
    expected = np.datetime64("2024-04-03" if day_first else "2024-03-04")
    assert found.values["d"] == expected.astype(int)
    assert found.values["e"] == found.values["f"]  # which say it themselves
    assert found.day_first == {"d": day_first, "e": True, "f": False}


@pytest.mark.parametrize(
    ("fields", "expected", "note"),
    [
        (["-$12", "$1,234.50", "$-3"], [-12, 1234.5, -3], "without their $: x"),
        (["(12)", "1234.5", ""], [-12, 1234.5, np.nan], "(12) read as -12: x"),
        (["$7", "($12)", "($ 1.5)"], [7, -12, -1.5], "($12) read as -12: x"),
        (["CHF 1'234.50", "CHF 10"], [1234.5, 10], "without their CHF: x"),
        (["1.234,50 EUR", "-10 EUR"], [1234.5, -10], "without their EUR: x"),
        (["₹ 12", "₹1.5"], [12, 1.5], "without their ₹: x"),
    ],
)
def test_amounts_of_money(fields, expected, note):
    values, notes = one(fields)
    np.testing.assert_array_equal(values, expected)
    assert any(note in line for line in notes)


@pytest.mark.parametrize(
    "fields",
    [
        ["(1)", "(2)"],
        ["(a)", "1"],
        ["(-1)", "1"],
        ["$", "$1"],
        ["ABC 1", "ABC 2"],
        ["()", "1"],
    ],
)
def test_what_is_no_amount_of_money(fields):
    assert one(fields) == (None, [])
