"""What the documentation says is run: doctests, README, parameter lists."""

import doctest
import importlib
import inspect
import os
import pkgutil
import re
from pathlib import Path

import pytest

import linmtl

os.environ.setdefault("MPLBACKEND", "Agg")  # no window, wherever this runs
ROOT = Path(__file__).parent.parent
MODULES = [linmtl.__name__] + sorted(
    info.name
    for info in pkgutil.walk_packages(linmtl.__path__, "linmtl.")
    if not info.name.endswith("__main__")
)


def all_doctests():
    finder = doctest.DocTestFinder(exclude_empty=True)
    for name in MODULES:
        for test in finder.find(importlib.import_module(name), name):
            if test.examples:
                yield test


@pytest.mark.parametrize("test", list(all_doctests()), ids=lambda test: test.name)
def test_doctest(test):
    report = []
    runner = doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    runner.run(test, out=report.append)
    assert runner.failures == 0, "".join(report)


def test_there_are_doctests():
    """Every public estimator shows an example."""
    shown = {test.name.split(".")[-1] for test in all_doctests()}
    assert shown >= {
        name for name in linmtl.__all__ if isinstance(getattr(linmtl, name), type)
    }


# --- the pages


def blocks(path):
    """Yield line and text of every python block of a Markdown file."""
    text = path.read_text()
    for match in re.finditer(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield text[: match.start()].count("\n") + 2, match[1]


PAGES = [
    path
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if path.exists() and any(blocks(path))
]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_blocks_of_a_page_run(path, tmp_path, monkeypatch):
    """One after the other, as a reader would paste them."""
    monkeypatch.chdir(tmp_path)  # what they write goes there
    namespace = {"__name__": "__main__"}
    for line, source in blocks(path):
        # compiled at its own line, so that a failure points into the page
        code = compile("\n" * (line - 1) + source, str(path), "exec")
        exec(code, namespace)


def test_every_block_has_a_language():
    """A bare fence would be skipped without anyone noticing."""
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        fences = re.findall(r"^```(.*)$", path.read_text(), re.MULTILINE)
        assert len(fences) % 2 == 0, path
        assert all(fences[::2]), path


def test_the_readme_has_examples():
    assert ROOT / "README.md" in PAGES


# --- parameters in docstrings


def public_objects():
    """Functions and classes of the modules without an underscore, once each."""
    seen = set()
    for name in MODULES:
        if any(part.startswith("_") for part in name.split(".")):
            continue
        module = importlib.import_module(name)
        names = getattr(module, "__all__", None) or [
            key
            for key, value in vars(module).items()
            if not key.startswith("_") and getattr(value, "__module__", "") == name
        ]
        for key in names:
            obj = getattr(module, key)
            if id(obj) in seen or not (inspect.isclass(obj) or inspect.isfunction(obj)):
                continue
            seen.add(id(obj))
            yield f"{name}.{key}", obj


def callables():
    """The public objects, and the methods that public classes define or inherit."""
    for name, obj in public_objects():
        if name.startswith(INTERNAL):
            continue
        yield name, obj
        if not inspect.isclass(obj):
            continue
        for key, value in inspect.getmembers(obj, inspect.isfunction):
            ours = value.__module__.startswith("linmtl.")
            documented = "Parameters" in (value.__doc__ or "")
            if ours and not key.startswith("_") and documented:
                yield f"{name}.{key}", value


# what solvers see, public in name only
INTERNAL = ("linmtl.losses", "linmtl.solvers", "linmtl.data.MultiTaskData")


def documented_parameters(text):
    """Names in the section Parameters, in order."""
    lines = inspect.cleandoc(text or "").splitlines()
    names, inside = [], False
    for this, following in zip(lines, [*lines[1:], ""], strict=True):
        if following.startswith("---"):
            inside = this.strip() == "Parameters"
        elif inside and this and not this[0].isspace() and this[0] != "-":
            names += [n.strip(" *") for n in this.split(" : ")[0].split(",")]
    return names


@pytest.mark.parametrize(
    ("name", "obj"), [pytest.param(*c, id=c[0]) for c in callables()]
)
def test_parameters_are_documented(name, obj):
    """All by name, and in order those that can be passed by position."""
    if inspect.isclass(obj) and obj.__init__ is object.__init__:
        return
    parameters = [
        p
        for p in inspect.signature(obj).parameters.values()
        if p.name not in ("self", "cls")
    ]
    positional = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]
    documented = documented_parameters(obj.__doc__)
    assert sorted(documented) == sorted(p.name for p in parameters)
    assert [n for n in documented if n in positional] == positional


def test_the_walk_finds_the_public_face():
    """Or the test above would pass on nothing."""
    names = {name for name, _ in callables()}
    assert {
        "linmtl.L21Regressor",
        "linmtl.L21Regressor.fit",
        "linmtl.stack_tasks",
        "linmtl.penalties.TraceNorm",
        "linmtl.model_selection.TaskKFold.split",
        "linmtl.path.alpha_grid",
        "linmtl.datasets.load_parkinsons",
    } <= names
    assert documented_parameters(
        """Text.

        Parameters
        ----------
        a, b : int
            Text : more.
        *c : str
            Text.

        Returns
        -------
        d : int
        """
    ) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("name", "obj"),
    [
        pytest.param(*o, id=o[0])
        for o in public_objects()
        if not o[0].startswith(INTERNAL)
    ],
)
def test_docstrings_begin_with_one_sentence(name, obj):
    first, *rest = inspect.cleandoc(obj.__doc__ or "").splitlines()
    assert first.endswith("."), name
    assert not rest or rest[0] == "", name
    # a template that was not filled in
    assert "{parameters}" not in obj.__doc__
    assert "{{" not in obj.__doc__
