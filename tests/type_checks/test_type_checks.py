"""What type checkers are told is what is so at run time.from helpers.files import ROOT
from helpers.processes import python


`.ci/run` asks one: it has to accept `accepted.py`, and to reject the lines of
`rejected.py` that are marked.
"""

import runpy
import textwrap
from pathlib import Path

from helpers.files import ROOT
from helpers.processes import python

HERE = Path(__file__).parent


def test_the_stubs_are_those_of_the_source():
    done = python(ROOT / ".ci" / "stubs.py", "--check")
    assert done.returncode == 0, done.stderr


def test_what_is_accepted_runs():
    runpy.run_path(str(HERE / "accepted.py"), run_name="__main__")


def test_the_example_of_the_readme_is_accepted():
    example = (ROOT / "README.md").read_text().split("```python\n")[1].split("```")[0]
    _, example = example.split("\n\n", 1)  # the imports come first
    assert textwrap.indent(example, "    ") in (HERE / "accepted.py").read_text()
