"""What the documentation says is run: doctests, README, parameter lists."""

import doctest
import importlib
import inspect
import os
import re
import tomllib
import types
from itertools import product

import numpy as np
import pytest

import linmtl
from helpers.files import ROOT
from helpers.loops import looped
from helpers.public import MODULES, public_objects
from linmtl.penalties import L1, L21, Ridge, TaskQuadratic, TraceNorm

os.environ.setdefault("MPLBACKEND", "Agg")  # no window, wherever this runs


def all_doctests():
    finder = doctest.DocTestFinder(exclude_empty=True)
    for name in MODULES:
        for test in finder.find(importlib.import_module(name), name):
            if test.examples:
                yield test


@pytest.mark.parametrize("test", list(all_doctests()), ids=lambda test: test.name)
@pytest.mark.slow
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
@pytest.mark.slow
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


def callables():
    """The public objects, and the methods that public classes have, once each."""
    seen = set()
    for name, obj in public_objects():
        if name.startswith(INTERNAL):
            continue
        yield name, obj
        if not inspect.isclass(obj):
            continue
        for key, value in inspect.getmembers(obj, inspect.isfunction):
            ours = value.__module__.startswith("linmtl.")
            documented = "Parameters" in (value.__doc__ or "")
            new = value not in seen
            if ours and new and not key.startswith("_") and documented:
                seen.add(value)
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


@looped("name, obj", callables())
def test_parameters_are_documented(name, obj):
    """All of them, in the order of the signature."""
    if getattr(obj, "_is_protocol", False):  # nobody makes one
        return
    builtin = types.WrapperDescriptorType
    if inspect.isclass(obj) and isinstance(obj.__init__, builtin):
        return  # it takes nothing, or what every exception takes
    parameters = [n for n in inspect.signature(obj).parameters if n != "self"]
    assert documented_parameters(obj.__doc__) == parameters


def test_the_walk_finds_the_public_face():
    """Or the test above would pass on nothing."""
    names = {name for name, _ in callables()}
    assert {
        "linmtl.L21Regressor",
        "linmtl.MultiTaskRegressor.fit",
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


@looped("name, obj", (o for o in public_objects() if not o[0].startswith(INTERNAL)))
def test_docstrings_begin_with_one_sentence(name, obj):
    first, *rest = inspect.cleandoc(obj.__doc__ or "").splitlines()
    assert first.endswith("."), name
    assert not rest or rest[0] == "", name
    # a template that was not filled in
    assert "{parameters}" not in obj.__doc__
    assert "{{" not in obj.__doc__


# --- the page of models


MODELS = ROOT / "docs" / "models.md"
MALSAR = """
Least_Lasso Logistic_Lasso Least_L21 Logistic_L21 Least_Trace Logistic_Trace
Least_SRMTL Logistic_SRMTL Least_CMTL Logistic_CMTL Least_CASO Logistic_CASO
Least_RMTL Least_SparseTrace Least_Dirty Logistic_Dirty Least_rMTFL Logistic_rMTFL
Least_TGL Logistic_TGL Least_CFGLasso Logistic_CFGLasso Least_FGLasso
Least_Weight1FGLasso Least_Weight2FGLasso Least_NCFGLassoF1 Least_NCFGLassoF2
Least_msmtfl_capL1 Least_iMSF Logistic_iMSF MTFLC_ADMM MTFLCd_ADMM MTFLC_CVX
MTFLCd_DFISTA MTFLCd_DPG MTFLCd_SFISTA MTFLCd_SPG MTFLCd_SPGWrapper MTFLCd_Subg
MTFLCd_DSolver MTFLCd_SSolver LSSMTC pacifier_iba pacifier_sba
"""


def table_rows(text):
    """The cells of all rows of the tables of a page."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.split(" | ")] for line in lines]


def test_every_function_of_malsar_has_a_row():
    rows = table_rows(MODELS.read_text().split("## From MALSAR")[1])
    assert len(set(MALSAR.split())) == 44
    for name in MALSAR.split():
        (row,) = [row for row in rows if f"`{name}`" in row[0]]
        tests = row[-1].strip("|` ")
        assert list((ROOT / "tests").rglob(f"{tests}.py")), (name, tests)


def test_every_family_has_a_section():
    text = MODELS.read_text()
    sections = set(re.findall(r"^### (\w+)$", text, re.MULTILINE))
    families = {
        re.sub(r"(Regressor|Classifier|Estimator)(CV)?$", "", name)
        for name in linmtl.__all__
        if re.search(r"(Regressor|Classifier|Estimator)(CV)?$", name)
    }
    unsupervised = importlib.import_module("linmtl.unsupervised").__all__
    of_penalties = {"Deviation", "InfimalConvolution"}
    assert sections - of_penalties == (families - {"MultiTask"}) | set(unsupervised)


def test_pages_name_classes_that_exist():
    known = set(dir(linmtl))
    for name in ("linmtl.unsupervised", "linmtl.transfer"):
        known |= set(dir(importlib.import_module(name)))
    for page in (ROOT / "README.md", MODELS):
        text = page.read_text()
        for name in re.findall(r"`(\w+(?:Regressor|Classifier)(?:CV)?)\b", text):
            assert name in known, (page.name, name)
        for family in re.findall(r"`(\w+)\.\.\.`", text):
            assert f"{family}Regressor" in known, (page.name, family)


def test_links_between_pages():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[\w-]+)?\)", page.read_text()):
            assert (page.parent / target).exists(), (page.name, target)


def test_the_citation_is_of_this_version():
    lines = (ROOT / "CITATION.cff").read_text().splitlines()
    fields = dict(line.split(": ", 1) for line in lines if re.match(r"[\w-]+: ", line))
    assert fields["version"] == linmtl.__version__
    assert {"cff-version", "message", "title"} <= fields.keys()
    assert "authors:" in lines


def test_the_recipe_of_conda_has_the_dependencies():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    recipe = (ROOT / ".conda" / "recipe.yaml").read_text()
    assert f'version: "{linmtl.__version__}"' in recipe
    run = recipe.split("  run:\n")[1].split("\n\n")[0]
    listed = [line.strip(" -").replace(" ", "") for line in run.splitlines()]
    assert listed == [f"python{project['requires-python']}", *project["dependencies"]]
    assert f"linmtl = {project['scripts']['linmtl']}" in recipe


def test_every_page_is_in_a_table_of_contents():
    """Or the site would not build."""
    folder = ROOT / "docs"
    tables = "".join((folder / name).read_text() for name in ("index.md", "guide.md"))
    pages = {path.stem for path in folder.glob("*.md")} - {"index"}
    assert pages <= set(tables.split())


def test_the_reference_lists_every_public_module():
    listed = (ROOT / "docs" / "api.rst").read_text().split()
    for name, _ in public_objects():
        module = name.rpartition(".")[0]
        assert module in listed or name in listed, name


def diffs_of_contributing():
    """Yield the path of every file of a diff in the page, and its lines."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for diff in re.findall(r"^```diff\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        _, *parts = re.split(r"^--- .*\n\+\+\+ b/(.*)\n", diff, flags=re.MULTILINE)
        for path, lines in zip(parts[::2], parts[1::2], strict=True):
            yield path, lines.splitlines()


@pytest.mark.parametrize(
    ("path", "lines"), [pytest.param(*d, id=d[0]) for d in diffs_of_contributing()]
)
def test_a_diff_of_contributing_has_been_applied(path, lines):
    there = (ROOT / path).read_text().splitlines()
    added = [line[1:] for line in lines if line.startswith("+")]
    assert not [line for line in added if line not in there and "..." not in line]
    assert not [line for line in lines if line.startswith("-") and line[1:] in there]
    if path.endswith("_task_l21.py"):  # all of it, but for the docstring
        docstring = re.compile(r'    """``.*?\n    """\n', re.DOTALL)
        assert docstring.sub("", "\n".join(there)) == docstring.sub(
            "", "\n".join(added)
        )


def test_contributing_names_files_that_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    names = set(re.findall(r"`(_\w+\.py)`", text))
    assert {"_quadratic.py", "_huber.py", "_tied.py"} <= names
    assert names <= {path.name for path in (ROOT / "linmtl").rglob("*.py")}


LAM1, LAM2, K = 0.05, 0.02, 2
STRUCTURE = np.random.default_rng(1).normal(size=(4, 3))
RIDGE = Ridge(2 * LAM2)
# RMTL's penalties on W (n_features, n_tasks), and ours as the page converts them
RMTL = {
    "Lasso": (lambda W: LAM1 * np.abs(W).sum(), L1(LAM1) + RIDGE),
    "L21": (lambda W: LAM1 * np.linalg.norm(W, axis=1).sum(), L21(LAM1) + RIDGE),
    "Trace": (
        lambda W: LAM1 * np.linalg.svd(W, compute_uv=False).sum(),
        TraceNorm(LAM1) + RIDGE,
    ),
    "Graph": (
        lambda W: LAM1 * np.sum((W @ STRUCTURE) ** 2),
        TaskQuadratic(STRUCTURE @ STRUCTURE.T, 2 * LAM1) + RIDGE,
    ),
}


@pytest.mark.parametrize(
    "classify", [False, True], ids=["Regression", "Classification"]
)
@pytest.mark.parametrize("kind", [*RMTL, "CMTL"])
def test_objectives_of_rmtl(kind, classify):
    """At our solution they are what we report, and no move by chance lowers them."""
    rng = np.random.default_rng(0)
    Xs = [rng.normal(size=(n, 5)) for n in (20, 25, 30, 35)]
    ys = [X[:, 0] + rng.normal(size=len(X)) for X in Xs]
    if classify:
        ys = [np.where(y > 0, 1.0, -1.0) for y in ys]
    data = linmtl.stack_tasks(Xs, ys)
    end = "Classifier" if classify else "Regressor"
    if kind == "CMTL":
        eta = LAM2 / LAM1
        alpha = 2 * LAM2 * (1 + eta)
        model = getattr(linmtl, f"Clustered{end}")(K, alpha, eta, tol=1e-10).fit(*data)
        M = model.task_relation_
        np.testing.assert_allclose(np.trace(M), K)
    else:
        penalty = RMTL[kind][1]
        model = getattr(linmtl, f"MultiTask{end}")(penalty, tol=1e-10).fit(*data)

    def theirs(W, C):
        total = 0.0
        for X, y, w, c in zip(Xs, ys, W.T, C, strict=True):
            eta_t = X @ w + c
            if classify:
                total += np.logaddexp(0, -y * eta_t).mean()
            else:
                total += 0.5 * np.mean((y - eta_t) ** 2)
        if kind == "CMTL":
            inverse = np.linalg.inv(eta * np.eye(4) + M)
            return total + LAM1 * eta * (1 + eta) * np.trace(W @ inverse @ W.T)
        return total + RMTL[kind][0](W) + LAM2 * np.sum(W**2)

    W, C = model.coef_.T, model.intercept_
    lowest = theirs(W, C)
    np.testing.assert_allclose(model.objective_, lowest, rtol=1e-8)
    for size in (1e-3, 1e-2, 0.1):
        for _ in range(5):
            moved = theirs(
                W + size * rng.normal(size=W.shape), C + size * rng.normal(size=4)
            )
            assert moved > lowest


def test_the_defaults_in_the_guide_are_those_of_the_code():
    text = (ROOT / "docs" / "models.md").read_text()
    table = text.partition("## Defaults")[2].partition("`MultiTask...`")[0]
    rows = re.findall(
        r"^\| (.*?) ?\| (`.*?) \| (.*?) ?\| ?(.*?) ?\| ?(.*?) ?\|$", table, re.M
    )
    assert len(rows) == 16
    named = []
    for names, parameters, *values in rows:
        named = re.findall(r"`(\w+)`", names) or named
        for name, parameter in product(named, re.findall(r"`(\w+)`", parameters)):
            for end, value in zip(("Regressor", "Classifier"), values, strict=False):
                kind = getattr(linmtl, name + end, None)
                if value and kind is not None:
                    found = inspect.signature(kind).parameters[parameter].default
                    assert found == float(value), (kind, parameter)
            kind = getattr(linmtl.penalties, name, None)
            if values[2] and kind is not None:
                found = inspect.signature(kind).parameters[parameter].default
                assert found == float(values[2]), (kind, parameter)
