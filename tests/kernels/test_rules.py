"""The rules that keep the cache of compiled kernels both effective and fresh.

Numba looks at the file of a kernel only when it decides whether machine code on disk
is still good: a kernel that used another file would go on with the old numbers. And
code that takes functions as arguments is compiled anew in every process.
"""

import ast
import builtins
import json
import re
import textwrap
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import linmtl
from helpers.loops import looped
from helpers.processes import output_of
from linmtl import L21Regressor
from linmtl.datasets import make_multitask_regression

PACKAGE = Path(linmtl.__file__).parent
TEXTS = {path: path.read_text() for path in sorted(PACKAGE.rglob("*.py"))}
DECORATORS = {"kernel", "inlined", "reduction"}
# to parse all of them takes seconds
WITH_KERNELS = [
    p for p, text in TEXTS.items() if re.search(f"@.*({'|'.join(DECORATORS)})", text)
]


@cache
def tree_of(path):
    return ast.parse(TEXTS[path])


def imports(tree):
    """Yield the full name of every module or object that is imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_kernel(node):
    if not isinstance(node, ast.FunctionDef):
        return False
    names = {ast.unparse(d).split("(")[0].split(".")[-1] for d in node.decorator_list}
    return bool(names & DECORATORS)


def is_literal(node):
    try:
        ast.literal_eval(node)
    except ValueError:
        return False
    return True


def violations(tree):
    """Return what breaks the rules in a module, as texts."""
    kernels = {node.name for node in tree.body if is_kernel(node)}
    constants, modules = set(), {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and is_literal(node.value):
            constants |= {t.id for t in node.targets if isinstance(t, ast.Name)}
        elif isinstance(node, ast.Import):
            modules |= {alias.asname or alias.name: alias.name for alias in node.names}
    libraries = {local for local, name in modules.items() if name in ("numpy", "math")}
    found = []
    for node in ast.walk(tree):
        if is_kernel(node) and node not in tree.body:
            found.append(f"{node.name} is not at module level")
        if is_kernel(node):
            allowed = kernels | constants | libraries | set(dir(builtins))
            found += [f"{node.name}: {v}" for v in inside(node, kernels, allowed)]
    return found


def inside(function, kernels, allowed):
    """Yield what breaks the rules in a kernel."""
    args = function.args
    if args.vararg or args.kwarg or args.kwonlyargs:
        yield "takes *args, **kwargs or keyword-only arguments"
    if not all(is_literal(default) for default in args.defaults):
        yield "has a default that is no literal"
    own = {a.arg for a in args.args}
    body = [node for statement in function.body for node in ast.walk(statement)]
    own |= {
        node.id
        for node in body
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    called = {id(node.func) for node in body if isinstance(node, ast.Call)}
    for node in body:
        if isinstance(node, (ast.Lambda, ast.FunctionDef, ast.ClassDef)):
            yield "defines a function or a class"
        elif isinstance(node, (ast.Global, ast.Nonlocal, ast.Import, ast.ImportFrom)):
            yield "has a global or import statement"
        elif isinstance(node, ast.Name) and node.id not in own | allowed:
            yield f"reads {node.id}, which is not of its own file"
        elif isinstance(node, ast.Name) and node.id in kernels - own:
            if id(node) not in called:
                yield f"passes the kernel {node.id} on instead of calling it"
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in own:
            yield f"calls its argument {node.func.id}"


def imports_numba(tree):
    return any(name.split(".")[0] == "numba" for name in imports(tree))


def test_numba_is_imported_in_one_place():
    named = [path for path, text in TEXTS.items() if "numba" in text]
    users = [path.name for path in named if imports_numba(tree_of(path))]
    assert users == ["_jit.py"]


@looped("path", WITH_KERNELS)
def test_kernels_keep_to_their_file(path):
    assert violations(tree_of(path)) == []


def test_there_are_kernels():
    """The walk above must not pass because it finds nothing."""
    found = sum(is_kernel(n) for p in WITH_KERNELS for n in ast.walk(tree_of(p)))
    assert found > 20


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def f():\n @kernel\n def g(x): pass", "g is not at module level"),
        ("class A:\n @reduction\n def g(x): pass", "g is not at module level"),
        ("@kernel\ndef g(x, f=abs): pass", "default"),
        ("@kernel\ndef g(*x): pass", r"\*args"),
        ("@kernel\ndef g(f): f(1)", "calls its argument f"),
        ("from .other import h\n@kernel\ndef g(x): return h(x)", "reads h"),
        ("from .other import EPS\n@kernel\ndef g(x): return EPS", "reads EPS"),
        ("import scipy\n@kernel\ndef g(x): return scipy.x", "reads scipy"),
        ("EPS = compute()\n@kernel\ndef g(x): return EPS", "reads EPS"),
        ("def h(x): pass\n@kernel\ndef g(x): return h(x)", "reads h"),
        ("@kernel\ndef g(x): return (lambda y: y)(x)", "defines a function"),
        ("@kernel\ndef h(x): pass\n@kernel\ndef g(x): x[0] = h", "passes the kernel h"),
        ("@_jit.kernel\ndef g(x): return z", "reads z"),
        ("@kernel\ndef g(x):\n import math", "import statement"),
    ],
)
def test_violations_are_found(source, message):
    assert any(re.search(message, v) for v in violations(ast.parse(source)))


def test_what_is_allowed_is_allowed():
    source = """
        import math
        import numpy as np
        EPS = 1e-12
        @kernel
        def h(x): return abs(x) + EPS
        @reduction
        def g(A, n=3):
            total = 0.0
            for i in range(n):
                total += h(A[i]) + math.sqrt(A[i]) + np.inf
            return total
    """
    assert violations(ast.parse(textwrap.dedent(source))) == []


# --- the cache, in new processes

FITS = """
    import json
    import sys

    import numpy as np
    from numba.core.registry import CPUDispatcher
    from scipy import sparse

    import linmtl
    from linmtl import MultiTaskClassifier, MultiTaskRegressor
    from linmtl.datasets import make_multitask_regression
    from linmtl.penalties import L1, L21, MeanRegularized, TraceNorm

    X, y, tasks = make_multitask_regression(
        n_tasks=3, n_samples=20, n_features=8, random_state=0
    )
    Y = np.column_stack([y[:20], y[20:40], y[40:]])
    S = sparse.csr_array(np.where(np.abs(X) > 0.5, X, 0.0))
    coef = []
    for penalty in [L1(0.05), L21(0.05), L1(0.02) + L21(0.05), TraceNorm(0.1),
                    MeanRegularized(0.1, 0.1)]:
        for data in [(X[:20], Y), (X, y, tasks), (S, y, tasks), (X, y)]:
            model = MultiTaskRegressor(penalty).fit(*data)
            coef.append(model.coef_.ravel().tolist())
        for data in [(X[:20], Y > 0), (X, y > 0, tasks), (S, y > 0, tasks)]:
            model = MultiTaskClassifier(penalty).set_params(tol=1e-3).fit(*data)
            coef.append(model.coef_.ravel().tolist())
    hits = misses = 0
    seen = set()
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] != "linmtl":
            continue
        for value in vars(module).values():
            if isinstance(value, CPUDispatcher) and id(value) not in seen:
                seen.add(id(value))
                hits += sum(value.stats.cache_hits.values())
                misses += sum(value.stats.cache_misses.values())
    print(json.dumps({"hits": hits, "misses": misses, "coef": coef}))
"""


def contents(folder):
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".nbi", ".nbc")
    }


@pytest.mark.slow
def test_the_second_process_compiles_nothing(tmp_path):
    first = json.loads(output_of(FITS, NUMBA_CACHE_DIR=str(tmp_path)))
    files = contents(tmp_path)
    assert first["misses"] > 0
    assert len(files) > 20
    second = json.loads(output_of(FITS, NUMBA_CACHE_DIR=str(tmp_path)))
    assert second["misses"] == 0
    assert second["hits"] > 0
    assert contents(tmp_path) == files  # nothing new, nothing written again
    for a, b in zip(first["coef"], second["coef"], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


WITHOUT_CACHE = """
    import json

    from numba import njit
    from numba.core import caching

    # as in a read-only installation, without a home, or from a zip archive
    base = getattr(caching, "CacheImpl", None) or caching._CacheImpl
    base._locator_classes = []
    try:
        njit(cache=True)(lambda x: x)
    except RuntimeError:
        pass
    else:
        raise SystemExit("Numba found a cache all the same")

    from linmtl import L21Regressor
    from linmtl.datasets import make_multitask_regression

    X, y, tasks = make_multitask_regression(random_state=0)
    print(json.dumps(L21Regressor().fit(X, y, tasks).coef_.tolist()))
"""


@pytest.mark.slow
def test_no_folder_for_the_cache():
    """Slow then, for all is compiled, but it works and gives the same numbers."""
    coef = json.loads(output_of(WITHOUT_CACHE))
    X, y, tasks = make_multitask_regression(random_state=0)
    expected = L21Regressor().fit(X, y, tasks).coef_
    np.testing.assert_allclose(coef, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_a_cache_folder_that_cannot_be_made():
    """Numba falls back on the folder of the package, or goes without."""
    out = output_of(
        "import linmtl; print(linmtl.__version__)", NUMBA_CACHE_DIR="/dev/null/nowhere"
    )
    assert out.strip() == linmtl.__version__


OPTIONAL = {"matplotlib", "pandas", "networkx", "cvxpy", "pytest", "IPython"}
LOADED = "; import json, sys; print(json.dumps(sorted(sys.modules)))"


@pytest.mark.slow
def test_what_an_import_does_not_import():
    """Optional packages cost time and memory.

    scikit-learn may load some of them by itself: only what is loaded beyond that
    is the doing of this package.
    """
    ours = "import linmtl, linmtl.plotting, linmtl.similarity"
    loaded = {name.split(".")[0] for name in json.loads(output_of(ours + LOADED))}
    assert "linmtl" in loaded
    needed = (
        "import numba, scipy.sparse.linalg, sklearn.metrics, sklearn.model_selection"
    )
    needed = {name.split(".")[0] for name in json.loads(output_of(needed + LOADED))}
    assert not (loaded - needed) & OPTIONAL
    assert "matplotlib" not in loaded


@pytest.mark.slow
def test_optional_packages_are_imported_where_they_are_used():
    """Inside functions: nothing at the top of a module may need them."""
    for path in TEXTS:
        for node in tree_of(path).body:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = {name.split(".")[0] for name in imports(node)}
                assert not names & OPTIONAL, path.name


@pytest.mark.slow
def test_fitting_without_the_optional_packages():
    out = output_of(
        """
        import sys

        for name in ("pandas", "matplotlib", "networkx"):
            sys.modules[name] = None  # an import fails from now on
        import numpy as np
        from linmtl import GraphRegularizedRegressor, L21Regressor
        from linmtl.datasets import make_multitask_regression

        X, y, tasks = make_multitask_regression(n_tasks=3, random_state=0)
        L21Regressor().fit(X, y, tasks).predict(X, tasks)
        X = np.column_stack([tasks, X])
        GraphRegularizedRegressor(np.ones((3, 3)), task_column=0).fit(X, y).predict(X)
        print("done")
        """
    )
    assert out.strip() == "done"
