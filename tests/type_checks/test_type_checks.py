"""What type checkers are told is what is so at run time.

`.ci/run` asks one: it has to accept `accepted.py`, and to reject the lines of
`rejected.py` that are marked.
"""

import re
import runpy
import textwrap
from pathlib import Path

import numpy as np
import pytest

from helpers.files import ROOT
from helpers.processes import python
from helpers.quick import is_second
from linmtl import estimators
from linmtl.datasets import make_multitask_classification, make_multitask_regression
from linmtl.penalties import Penalty

HERE = Path(__file__).parent
any_choice = pytest.mark.filterwarnings("ignore:.*chose the null model:UserWarning")


@pytest.mark.slow
def test_the_stubs_are_those_of_the_source():
    done = python(ROOT / ".ci" / "stubs.py", "--check")
    assert done.returncode == 0, done.stderr


@any_choice
@pytest.mark.slow
def test_what_is_accepted_runs():
    for snippet in runpy.run_path(str(HERE / "accepted.py"))["SNIPPETS"]:
        snippet()


def test_the_example_of_the_readme_is_accepted():
    example = (ROOT / "README.md").read_text().split("```python\n")[1].split("```")[0]
    _, example = example.split("\n\n", 1)  # the imports come first
    assert textwrap.indent(example, "    ") in (HERE / "accepted.py").read_text()


def documented_attributes(cls):
    """Names and types, by the first word, in the section Attributes."""
    section = cls.__doc__.partition("Attributes\n----------\n")[2].partition("\n\n")[0]
    entries = re.findall(r"^([\w, ]+) : (\w+)", section, re.MULTILINE)
    return {name: kind for names, kind in entries for name in names.split(", ")}


@any_choice
@pytest.mark.product(name=estimators.__all__, dear=is_second)
@pytest.mark.slow
def test_attributes_are_documented_and_of_their_types(name):
    classify = "Classifier" in name
    make = make_multitask_classification if classify else make_multitask_regression
    X, y, tasks = make(n_tasks=3, n_samples=40, n_features=6, random_state=0)
    model = getattr(estimators, name)()
    if name.endswith("CV"):
        model.set_params(alphas=3, cv=3)
    model.fit(X, y, **({"tasks": tasks} if hasattr(model, "task_column") else {}))
    documented = documented_attributes(type(model))
    fitted = {key: value for key, value in vars(model).items() if key.endswith("_")}
    assert fitted.keys() <= documented.keys()
    types = {t.__name__: t for t in (np.ndarray, dict, float, int, bool, str, Penalty)}
    for key, value in fitted.items():
        assert isinstance(value, types.get(documented[key], object)), key
