"""Files that the command reads: encodings, archives, what pandas reads."""

import gzip
import io
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest

from linmtl.cli._files import read_table
from linmtl.data._errors import InputError
from linmtl.data._table import table_of

TEXT = "größe,site\n1,ä\n2,b\n"


def saved(tmp_path, data, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_encodings_that_are_sure_need_no_note(tmp_path, encoding):
    mark = "\ufeff" if encoding.endswith("e") else ""
    table = read_table(saved(tmp_path, (mark + TEXT).encode(encoding)))
    assert list(table.columns) == ["größe", "site"]
    assert table.columns["site"] == ["ä", "b"]
    assert table.notes == []


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_an_older_encoding_is_noted(tmp_path, encoding):
    text = TEXT.replace("b", "€" if encoding == "cp1252" else "b")
    table = read_table(saved(tmp_path, text.encode(encoding)))
    assert list(table.columns) == ["größe", "site"]
    assert table.columns["site"] == ["ä", "€" if encoding == "cp1252" else "b"]
    assert table.notes == [
        "byte 0xF6 on line 1 is not UTF-8: the file is read as Windows-1252"
    ]


def test_one_wrong_byte_leaves_the_rest_alone(tmp_path):
    data = TEXT.encode().replace(b"\nb", b"\n\xe9") + "3,é\xe9\n".encode()
    data = data.replace(b"2,b", b"2,\xe9")
    table = read_table(saved(tmp_path, data))
    assert list(table.columns) == ["größe", "site"]
    assert table.columns["site"] == ["ä", "\\xe9", "éé"]
    assert table.notes == [
        "byte 0xE9 on line 3 is not UTF-8 (1 in all); written as \\xe9"
    ]


def test_a_wrong_byte_in_utf_16_is_an_error(tmp_path):
    with pytest.raises(InputError, match="is not in UTF-16, as it begins"):
        read_table(saved(tmp_path, TEXT.encode("utf-16")[:-1]))


def zipped(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return file.getvalue()


def test_archives(tmp_path):
    plain = read_table(saved(tmp_path, TEXT.encode()))
    packed = read_table(saved(tmp_path, gzip.compress(TEXT.encode())))
    assert packed.columns == plain.columns
    archive = zipped({"in/t.csv": TEXT, "__MACOSX/in/t.csv": "x"})
    table = read_table(saved(tmp_path, archive))
    assert table.columns == plain.columns
    assert table.notes == ["read from the archive: in/t.csv"]
    with pytest.raises(InputError, match=r"holds 2 files \(a\.csv, b\.csv\)"):
        read_table(saved(tmp_path, zipped({"a.csv": TEXT, "b.csv": TEXT})))
    with pytest.raises(InputError, match="is a damaged archive"):
        read_table(saved(tmp_path, archive[:40]))


def test_standard_input(monkeypatch):
    stdin = io.TextIOWrapper(io.BytesIO(gzip.compress(TEXT.encode())))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert read_table("-").columns["site"] == ["ä", "b"]
    stdin = io.TextIOWrapper(io.BytesIO(b""))
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(InputError, match="standard input is empty"):
        read_table("-")


def sheet(tmp_path, **sheets):
    path = tmp_path / "t.xlsx"
    with pd.ExcelWriter(path) as book:
        for name, rows in sheets.items():
            pd.DataFrame(rows).to_excel(
                book, sheet_name=name, header=False, index=False
            )
    return path


def test_excel(tmp_path):
    rows = [
        ["visit", "dose", "note", "site", None],
        [pd.Timestamp("2024-01-31"), 1.5, "a", 1, None],
        [None, None, None, None, None],
        [pd.Timestamp("2024-02-01 12:00"), None, " b ", 2, None],
    ]
    table = read_table(sheet(tmp_path, first=rows, second=[["x"], [1]]))
    assert table.columns["visit"] == ["2024-01-31 00:00:00", "2024-02-01 12:00:00"]
    np.testing.assert_array_equal(table.columns["dose"], [1.5, np.nan])
    assert table.columns["note"] == ["a", "b"]
    np.testing.assert_array_equal(table.columns["site"], [1, 2])
    assert list(table.lines) == [2, 4]
    assert table.notes == ["of 2 sheets the first is read: first"]
    with pytest.raises(InputError, match="several columns named a"):
        read_table(sheet(tmp_path, one=[["a", "a"], [1, 2]]))
    with pytest.raises(InputError, match="no rows"):
        read_table(sheet(tmp_path, one=[["a", "b"]]))


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "t.parquet"
    frame = pd.DataFrame({"x": [1.5, None], "kind": ["a", None]})
    frame.index = pd.Index(["p", "q"], name="patient")
    frame.to_parquet(path)
    table = read_table(path)
    assert table.columns["patient"] == ["p", "q"]
    assert table.columns["kind"] == ["a", ""]
    np.testing.assert_array_equal(table.columns["x"], [1.5, np.nan])
    with pytest.raises(InputError, match="cannot be read"):
        read_table(saved(tmp_path, b"PAR1 and nothing else"))


@pytest.mark.parametrize(
    ("data", "package"),
    [
        (b"PAR1", "pyarrow"),
        (zipped({"[Content_Types].xml": "", "xl/workbook.xml": ""}), "openpyxl"),
        (
            zipped({"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}),
            "odfpy",
        ),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xlrd"),
    ],
)
@pytest.mark.usefixtures("without_pandas")
def test_what_needs_pandas_says_what_to_install(tmp_path, data, package):
    with pytest.raises(InputError, match=f"pip install pandas {package}; or save"):
        read_table(saved(tmp_path, data, "t.bin"))


def test_frames_of_every_type():
    frame = pd.DataFrame(
        {
            "int": [1, 2],
            "whole": pd.array([1, None], dtype="Int64"),
            "big": pd.array([2**60 + 1, None], dtype="Int64"),
            "truth": [True, False],
            "maybe": pd.array([True, None], dtype="boolean"),
            "when": pd.to_datetime(["2024-01-31", None]),
            "zone": pd.to_datetime(["2024-01-31 12:00", None]).tz_localize(
                "Asia/Tokyo"
            ),
            "wait": pd.to_timedelta(["36h", None]),
            "month": pd.PeriodIndex(["2024-01", "2024-02"], freq="M"),
            "kind": pd.Categorical([1, 2]),
            "text": ["a ", None],
            "mixed": [1.5, "b"],
            3: [1.0, 2.0],
        }
    )
    table = table_of(frame)
    numbers = {
        k: f.tolist() for k, f in table.columns.items() if not isinstance(f, list)
    }
    text = {k: f for k, f in table.columns.items() if isinstance(f, list)}
    assert text == {
        "big": [str(2**60 + 1), ""],
        "truth": ["True", "False"],
        "maybe": ["True", ""],
        "when": ["2024-01-31 00:00:00", ""],
        "zone": ["2024-01-31 12:00:00+09:00", ""],
        "month": ["2024-01-01 00:00:00", "2024-02-01 00:00:00"],
        "kind": ["1", "2"],
        "text": ["a", ""],
        "mixed": ["1.5", "b"],
    }
    assert numbers.keys() == {"int", "whole", "wait", "3"}
    np.testing.assert_array_equal(numbers["whole"], [1, np.nan])
    np.testing.assert_array_equal(numbers["wait"], [1.5, np.nan])
    assert table.categories == {"kind"}
    assert table.notes == ["time spans read as days: wait"]


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ([1, 2], TypeError, "a DataFrame, a dict of columns or the path of a file"),
        ({"a": [1], "b": [1, 2]}, InputError, r"differ in length: \[1, 2\]"),
        ({}, InputError, "no rows"),
        ({"a": []}, InputError, "no rows"),
        ({"a": [1], "a ": [1]}, InputError, "several columns named a"),
    ],
)
def test_no_tables(source, error, message):
    with pytest.raises(error, match=message):
        table_of(source)


@pytest.mark.parametrize("mark", ["sep=;", '"sep=;"', "SEP=;"])
def test_a_first_line_that_names_the_delimiter(tmp_path, mark):
    data = f"{mark}\r\na;b\r\n1,5;2\r\n1;2;3\r\n".encode()
    with pytest.raises(InputError, match="line 4 has 3 fields"):
        read_table(saved(tmp_path, data))
    table = read_table(saved(tmp_path, data.replace(b"1;2;3", b"2;3")))
    assert table.columns == {"a": ["1,5", "2"], "b": ["2", "3"]}
