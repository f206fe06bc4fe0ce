"""A table from a file or from standard input."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import sys
import zipfile
import zlib
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from linmtl.data._columns import Fields, reads_as_number
from linmtl.data._errors import InputError, name_list
from linmtl.data._labels import is_missing
from linmtl.data._table import Table, check_header, table_of

STDIN = "-"
_DELIMITERS = (",", ";", "\t", "|")
_NAMED_DELIMITER = re.compile(r'"?sep=(?P<delimiter>[^\w"\r\n])"?(?=[\r\n])', re.I)
_SNIFFED_ROWS = 50
_BOMS = {  # the longer ones first: the mark of UTF-16 begins that of UTF-32
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_table(path: str | Path) -> Table:
    """Read a file with a header line.

    Parameters
    ----------
    path : str or Path
        A CSV file in UTF-8 (or UTF-16 with its mark, or Windows-1252), delimited by
        comma, semicolon, tab or vertical bar, gzipped, zipped or neither; or, with
        pandas, a Parquet file or an Excel sheet. "-" stands for standard input.

    Returns
    -------
    Table
        Its columns.

    Raises
    ------
    InputError
        If there is no such file, or it is not such a table.
    """
    name = "standard input" if str(path) == STDIN else str(path)
    data, notes = _unpacked(name, _read_bytes(name, path))
    if data[:4] == b"PAR1":
        return _parquet(name, data)
    if data[:4] == b"PK\x03\x04" or data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        return _sheet(name, data)
    text = _decoded(name, data, notes)
    return _csv(name, text, notes)


def _read_bytes(name: str, path: str | Path) -> bytes:
    if str(path) == STDIN:
        return sys.stdin.buffer.read()
    if not str(path):
        raise InputError("the name of the file is empty; pass a CSV file")
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{name} is a folder; pass a CSV file")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"there is no file {name}") from None
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}") from None


def _unpacked(name: str, data: bytes) -> tuple[bytes, list[str]]:
    """Return the content of a compressed file, and a note on what was taken of it."""
    try:
        if data[:2] == b"\x1f\x8b":
            return gzip.decompress(data), []
        if data[:4] != b"PK\x03\x04":
            return data, []
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [m.filename for m in archive.infolist() if not m.is_dir()]
            if "[Content_Types].xml" in members or "mimetype" in members:
                return data, []  # a spreadsheet
            members = [m for m in members if not m.startswith("__MACOSX/")]
            if len(members) != 1:
                raise InputError(
                    f"{name} holds {len(members)} files ({name_list(members)}); pass "
                    "one of them"
                )
            return archive.read(members[0]), [f"read from the archive: {members[0]}"]
    except zipfile.BadZipFile:
        raise InputError(
            f"{name} is a damaged archive or spreadsheet; save the table as CSV"
        ) from None
    except (OSError, EOFError, RuntimeError, zlib.error) as error:
        raise InputError(f"{name} cannot be read: {error}") from None


def _decoded(name: str, data: bytes, notes: list[str]) -> str:
    """Return the text of a file, with a note where its encoding is not clear."""
    encoding = next((e for mark, e in _BOMS.items() if data.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in data[:4096]:
        raise InputError(
            f"{name} is not a text file; save the table as CSV (a spreadsheet: "
            "File, Save as, CSV)"
        )
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        start = error.start
    if encoding != "utf-8":
        raise InputError(f"{name} is not in {encoding.upper()}, as it begins") from None
    where = (
        f"byte 0x{data[start]:02X} on line {data.count(10, 0, start) + 1} is not UTF-8"
    )
    text = data.decode("utf-8", errors="surrogateescape")
    wrong = sum("\udc80" <= character <= "\udcff" for character in text)
    if sum(character > "\x7f" for character in text) > 2 * wrong:
        notes.append(f"{where} ({wrong} in all); written as \\x{data[start]:02x}")
        return data.decode("utf-8-sig", errors="backslashreplace")
    notes.append(f"{where}: the file is read as Windows-1252")
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _csv(name: str, text: str, notes: list[str]) -> Table:
    named = _NAMED_DELIMITER.match(text)  # as spreadsheets write it
    if named:
        text = text[named.end() :]  # less its line break: lines keep their numbers
    delimiter = named["delimiter"] if named else _sniff(text)
    rows, lines = [], []
    reader = _reader(text, delimiter)
    try:
        for row in reader:
            if any(field.strip() for field in row):
                rows.append([field.strip() for field in row])
                lines.append(reader.line_num)
    except csv.Error as error:
        raise InputError(f"{name} is not a CSV table: {error}") from None
    if not rows:
        raise InputError(f"{name} is empty; it needs a header line and rows")
    if text.count('"') % 2 and any("\n" in field for field in rows[-1]):
        raise InputError(f"{name}: a quote is not closed; it runs to the end")
    header = check_header(name, rows[0])
    if all(map(reads_as_number, rows[0])):
        raise InputError(
            f"{name} begins with numbers; its first line must name the columns"
        )
    if len(rows) == 1:
        raise InputError(f"{name} has a header line but no rows")
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(header):
            raise InputError(
                f"{name}: line {line} has {len(row)} fields but the header has "
                f"{len(header)}"
            )
    fields = zip(*rows[1:], strict=True)
    columns: dict[str, Fields] = dict(zip(header, map(list, fields), strict=True))
    return Table(columns, lines[1:], commas_split=delimiter == ",", notes=notes)


def _reader(text: str, delimiter: str) -> Any:
    # newline="" keeps line breaks inside quotes
    return csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True
    )


def _sniff(text: str) -> str:
    """Return the delimiter that cuts the first rows into equally many fields."""

    def quality(delimiter: str) -> tuple[bool, int]:
        reader = _reader(text, delimiter)
        try:
            widths = [len(row) for row in islice(reader, _SNIFFED_ROWS) if row]
        except csv.Error:
            widths = []
        if not widths:
            return False, 0
        return widths[0] > 1 and len(set(widths)) == 1, widths[0]

    return max(_DELIMITERS, key=quality)


def _with_pandas(name: str, package: str, read: Callable[[Any], Any]) -> Any:
    """Return what pandas reads with the help of another package."""
    try:
        import pandas as pd

        return read(pd)
    except ImportError:
        raise InputError(
            f"{name} needs pandas and {package} to be read: pip install pandas "
            f"{package}; or save the table as CSV"
        ) from None
    except Exception as error:  # of many kinds, by the package
        raise InputError(f"{name} cannot be read: {error}") from None


def _parquet(name: str, data: bytes) -> Table:
    frame = _with_pandas(name, "pyarrow", lambda pd: pd.read_parquet(io.BytesIO(data)))
    if any(level is not None for level in frame.index.names):
        frame = frame.reset_index()
    return table_of(frame, name)


def _sheet(name: str, data: bytes) -> Table:
    """Read the first sheet of a spreadsheet."""
    package = "openpyxl" if b"xl/workbook" in data else "odfpy"
    package = package if data[:2] == b"PK" else "xlrd"

    def read(pd: Any) -> tuple[list[str], Any]:
        with pd.ExcelFile(io.BytesIO(data)) as book:
            first = pd.read_excel(book, header=None, dtype=object)
            return book.sheet_names, first

    sheets, frame = _with_pandas(name, package, read)
    cells = frame.dropna(how="all").dropna(axis=1, how="all")
    if cells.empty:
        raise InputError(f"{name} is empty; it needs a header line and rows")
    names = check_header(name, ["" if is_missing(c) else c for c in cells.iloc[0]])
    if len(cells) == 1:
        raise InputError(f"{name} has a header line but no rows")
    columns = {label: cells.iloc[1:, j].tolist() for j, label in enumerate(names)}
    table = table_of(columns, name, lines=(cells.index[1:] + 1).tolist())
    if len(sheets) > 1:
        table.notes.insert(
            0, f"of {len(sheets)} sheets the first is read: {name_list(sheets[:1])}"
        )
    return table
