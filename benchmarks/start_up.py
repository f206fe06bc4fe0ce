"""How long a new process needs: imports, and the first fit.

``python -m benchmarks.start_up`` prints a table; ``--output FILE.json`` keeps it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks import machine, report

# every statement runs in a process of its own, timed inside it
_IMPORTS = {
    "scikit-learn and numba": "import sklearn.linear_model, numba",
    "linmtl": "import linmtl",
    "sklearn": "import sklearn.linear_model",
    "skglm": "import skglm",
    "celer": "import celer.homotopy",
    "adelie": "import adelie",
}
_FITS = {
    "linmtl": "linmtl.L21Regressor(0.1).fit(X, Y)",
    "sklearn": "sklearn.linear_model.MultiTaskLasso(0.1).fit(X, Y)",
    "skglm": "skglm.MultiTaskLasso(0.1).fit(X, Y)",
    "celer": "celer.homotopy.mtl_path(X, Y, alphas=[0.1])",
    "adelie": (
        "adelie.grpnet(X, adelie.glm.multigaussian(Y), lmda_path=[0.01], "
        "progress_bar=False)"
    ),
}
_SCRIPT = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
began = time.perf_counter()
{imports}
imported = time.perf_counter()
seconds = {{"import": imported - began}}
if {fit!r}:
    import numpy as np
    rng = np.random.default_rng(0)
    X = np.asfortranarray(rng.standard_normal((200, 100)))
    Y = np.asfortranarray(X[:, :10] @ rng.standard_normal((10, 10)))
    for run in ("first_fit", "second_fit"):
        began = time.perf_counter()
        {fit}
        seconds[run] = time.perf_counter() - began
seconds["extra_modules"] = sorted({{"matplotlib", "pandas"}} & set(sys.modules))
print(json.dumps(seconds))
"""


def measure(imports: str, fit: str = "", cache: str | None = None) -> dict | None:
    """Return the times of one new process, or None if it fails.

    Parameters
    ----------
    imports, fit : str
        Statements; an empty fit is left out.
    cache : str, default=None
        Folder for Numba's cache instead of the usual one.
    """
    environment = dict(os.environ)
    # installed packages have their byte code; a checkout gets it in its first process
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    if cache is not None:
        environment["NUMBA_CACHE_DIR"] = cache
    script = _SCRIPT.format(imports=imports, fit=fit or "pass")
    script = script.replace("if 'pass':", "if False:")
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True
    )
    if done.returncode != 0:
        return None
    return json.loads(done.stdout.splitlines()[-1])


def middle(runs: list[dict]) -> dict:
    """Return the medians of several processes."""
    times = [key for key in runs[0] if key != "extra_modules"]
    result = {key: median(run[key] for run in runs) for key in times}
    return result | {"extra_modules": runs[0]["extra_modules"]}


def measure_package(name: str, repeats: int) -> dict:
    """Return import and first fits of a package: warm cache, and empty cache."""
    imports, fit = _IMPORTS[name], _FITS.get(name, "")
    runs = [measure(imports, fit) for _ in range(repeats + 1)]
    if None in runs:
        return {"skipped": f"no {name}, or it fails"}
    row = middle(runs[1:])  # the first may have filled caches of files
    if fit:
        cold = []
        for _ in range(repeats):
            with tempfile.TemporaryDirectory() as folder:
                cold.append(measure(imports, fit, folder))
        row["first_fit_ever"] = middle(cold)["first_fit"]
    return row


def measure_excess(repeats: int) -> float:
    """Return what ``import linmtl`` adds where the two others are imported already."""
    before = f"{_IMPORTS['scikit-learn and numba']}; began = time.perf_counter()"
    runs = [measure(f"{before}; import linmtl") for _ in range(repeats)]
    return median(run["import"] for run in runs)


def table(rows: dict[str, dict]) -> str:
    columns = ("import", "first_fit", "second_fit", "first_fit_ever")
    text = [f"{'seconds':24s}" + "".join(f"{c:>16s}" for c in columns)]
    for name, row in rows.items():
        if "skipped" in row:
            text.append(f"{name:24s}  skipped: {row['skipped']}")
            continue
        cells = [f"{row[c]:16.3f}" if c in row else f"{'':16s}" for c in columns]
        text.append(f"{name:24s}" + "".join(cells))
    return "\n".join(text)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start_up")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args(arguments)
    rows = {name: measure_package(name, options.repeats) for name in _IMPORTS}
    excess = measure_excess(options.repeats)
    print(table(rows))
    print(f"import linmtl, beyond scikit-learn and numba: {excess:.3f} s")
    print("first_fit: in a new process; first_fit_ever: with an empty Numba cache")
    if options.output:
        content = machine.describe(threads=os.cpu_count() or 1)
        content |= {"import_linmtl_beyond": excess, "packages": rows}
        report.write_json(options.output, content)


if __name__ == "__main__":
    main()
