"""Files are put in place whole, and never one over the other."""

import os
import stat

import pytest

from linmtl.cli._write import check_places, write
from linmtl.data._errors import InputError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    return tmp_path


def check(output=None, report=None, source="table.csv"):
    check_places({"--output": output, "--report": report}, source)


def test_new_and_old_files(folder):
    assert write("--output", "a.json", "1") == "wrote a.json"
    assert write("--output", "a.json", "2") == "replaced a.json"
    assert (folder / "a.json").read_text() == "2"
    assert sorted(os.listdir(folder)) == ["a.json", "table.csv"]


@pytest.mark.skipif(os.name == "nt", reason="permissions differ")
def test_permissions(folder):
    mask = os.umask(0o027)
    try:
        write("--output", "a.json", "1")
        assert stat.S_IMODE(os.stat("a.json").st_mode) == 0o640
        os.chmod("a.json", 0o604)
        write("--output", "a.json", "2")
        assert stat.S_IMODE(os.stat("a.json").st_mode) == 0o604
    finally:
        os.umask(mask)


@pytest.mark.skipif(os.name == "nt", reason="links differ")
def test_a_link_stays_one(folder):
    (folder / "sub").mkdir()
    os.symlink("sub/real.json", "link.json")
    assert write("--output", "link.json", "1") == "wrote link.json"
    assert write("--output", "link.json", "2") == "replaced link.json"
    assert os.path.islink("link.json")
    assert (folder / "sub" / "real.json").read_text() == "2"


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="no devices")
def test_devices_are_written_to():
    check(output="/dev/null")
    assert write("--output", "/dev/null", "1") == "wrote /dev/null"
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize("error", [OSError(28, "No space left"), KeyboardInterrupt()])
def test_what_fails_leaves_nothing_behind(folder, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(os, "replace", fail)
    (folder / "a.json").write_text("as it was")
    expected = InputError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write("--output", "a.json", "1")
    assert (folder / "a.json").read_text() == "as it was"
    assert sorted(os.listdir(folder)) == ["a.json", "table.csv"]


@pytest.mark.parametrize(
    ("output", "report"),
    [
        ("a.json", "a.json"),
        ("a.json", "./a.json"),
        ("a.json", "sub/../a.json"),
        ("a.json", "A.json"),
        ("a.json", "link.json"),
        ("there.json", "hard.json"),
        ("a.json", "folder/a.json"),
    ],
)
def test_two_names_of_one_file(folder, output, report):
    (folder / "sub").mkdir()
    (folder / "there.json").write_text("")
    os.link("there.json", "hard.json")
    os.symlink("a.json", "link.json")
    os.symlink(".", "folder")
    with pytest.raises(InputError, match="--output and --report name the same file"):
        check(output, report)
    with pytest.raises(InputError, match="name the same file"):
        check(str(folder / output), report)
    check(output, "b.html")


@pytest.mark.parametrize("output", ["table.csv", "./TABLE.csv", "link.csv", "hard.csv"])
def test_the_table_is_not_overwritten(output):
    os.symlink("table.csv", "link.csv")
    os.link("table.csv", "hard.csv")
    with pytest.raises(InputError, match="is the table itself"):
        check(output)
    check("a.json", source="-")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (".", "is a folder"),
        ("", "is a folder"),
        ("no/such/x.json", "there is no folder no/such"),
    ],
)
def test_places_that_cannot_be(path, message):
    with pytest.raises(InputError, match=message):
        check(path)
    with pytest.raises(InputError, match=message):
        check(report=path)


@pytest.mark.skipif(
    getattr(os, "geteuid", int)() == 0, reason="everything is permitted"
)
def test_no_permission(folder):
    (folder / "a.json").write_text("")
    os.chmod("a.json", 0o444)
    with pytest.raises(InputError, match="no permission"):
        check("a.json")
