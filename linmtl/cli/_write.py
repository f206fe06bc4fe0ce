"""Files to write: checked before the work, and put in place whole."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from linmtl.cli._files import STDIN
from linmtl.data._errors import InputError


def check_places(places: Mapping[str, str | None], source: str) -> None:
    """Raise where files cannot be written, or would overwrite each other or the table.

    Parameters
    ----------
    places : dict of str -> str or None
        The path that each option names.
    source : str
        The path of the table.
    """
    given = {option: Path(path) for option, path in places.items() if path is not None}
    for option, path in given.items():
        _check_place(option, path)
        if source != STDIN and _same(path, Path(source)):
            raise InputError(f"{option} {path} is the table itself; give another file")
    options = list(given)
    for i, option in enumerate(options):
        for other in options[:i]:
            if _same(given[option], given[other]):
                raise InputError(
                    f"{other} and {option} name the same file, {given[option]}; give "
                    "two"
                )


def _check_place(option: str, path: Path) -> None:
    if path.is_dir() or not path.name:
        raise InputError(f"{option} {path} is a folder; give the name of a file")
    folder = path.resolve().parent
    if not folder.is_dir():
        raise InputError(f"{option} {path}: there is no folder {path.parent}")
    needed = [path] * path.exists() + [folder] * (not _is_special(path))
    if not all(os.access(place, os.W_OK) for place in needed):
        raise InputError(f"{option} {path}: no permission to write there")


def _same(path: Path, other: Path) -> bool:
    """Whether two paths are one file, on a disk that ignores case too."""
    if path.exists() and other.exists() and os.path.samefile(path, other):
        return True
    return str(path.resolve()).casefold() == str(other.resolve()).casefold()


def _is_special(path: Path) -> bool:
    """Whether a path is a device or a pipe, which is written to and not replaced."""
    return path.exists() and not path.is_file()


def write(option: str, path: str, text: str) -> str:
    """Write a file as a whole or not at all; return what was done.

    It is written beside its place under another name, and renamed.
    """
    place = Path(path)
    try:
        if _is_special(place):
            place.write_text(text, encoding="utf-8")
            return f"wrote {path}"
        replaced = place.exists()
        _replace(place.resolve(), text)
    except OSError as error:
        raise InputError(
            f"{option} {path} cannot be written: {error.strerror}"
        ) from None
    return f"replaced {path}" if replaced else f"wrote {path}"


def _replace(place: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, place.stat().st_mode if place.exists() else 0o666 & ~_umask())
        os.replace(name, place)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
