"""Write the stubs of the estimators; with --check, only compare them.

An estimator's constructor is made of annotated names, and its docstring of texts that
many share, when it is imported. Editors and type checkers import nothing: for them both
are written out in a .pyi file beside the source. Those files are part of the package.
This one is not, since nobody needs it but who changes an estimator.
"""

import inspect
import re
import sys
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sklearn.base import BaseEstimator  # noqa: E402

from linmtl import estimators  # noqa: E402
from linmtl.estimators._docs import parameters_of  # noqa: E402

# more modules with docstrings that share texts
OTHERS = (
    "linmtl.auto._auto",
    "linmtl.path",
    "linmtl.transfer._grouped",
    "linmtl.transfer._lookahead",
    "linmtl.transfer._safe",
)
# where the names in annotations are from
SOURCES = {
    "Any": "typing",
    "ArrayLike": "numpy.typing",
    "Callable": "collections.abc",
    "Classifier": "linmtl.estimators._base",
    "HeldOut": "linmtl.auto._held_out",
    "Leaderboard": "linmtl.auto._leaderboard",
    "Literal": "typing",
    "MixedEffectsSummary": "linmtl.estimators._mixed_summary",
    "Mapping": "collections.abc",
    "MultiTaskModel": "linmtl.estimators._base",
    "Penalty": "linmtl.penalties",
    "PlainClassifier": "linmtl.estimators._base",
    "Self": "typing",
    "Sequence": "collections.abc",
    "TaskGrouper": "linmtl.transfer._task_grouper",
    "TaskMatrix": "linmtl.similarity",
    "TaskScores": "linmtl.metrics",
}
# the types of attributes, where the docstring has another word for them
TYPES = {
    "ndarray": "np.ndarray",
    "dict of ndarray": "dict[Any, np.ndarray]",
    "dict": "dict[Any, Any]",
    "classifier": "Classifier",
    "estimator": "MultiTaskModel",
}


def main() -> None:
    texts = stubs()
    stale = [p for p, text in texts.items() if not p.exists() or p.read_text() != text]
    stale += sorted(set(ROOT.glob("linmtl/**/*.pyi")) - texts.keys())
    if stale and "--check" in sys.argv:
        sys.exit("\n".join(["run python .ci/stubs.py to write:", *map(str, stale)]))
    for path in stale:
        if path in texts:
            path.write_text(texts[path])
        else:  # of a file that is no more
            path.unlink()


def stubs() -> dict[Path, str]:
    """Return the text of each stub."""
    classes = [getattr(estimators, name) for name in estimators.__all__]
    texts = {"linmtl.estimators.__init__": package_stub(classes)}
    for name in [*dict.fromkeys(cls.__module__ for cls in classes), *OTHERS]:
        texts[name] = module_stub(import_module(name))
    return {ROOT / f"{n.replace('.', '/')}.pyi": text for n, text in texts.items()}


def package_stub(classes: list[type]) -> str:
    """Return the stub of the package that exports the classes."""
    lines = [
        f"from {c.__module__} import {c.__name__} as {c.__name__}" for c in classes
    ]
    names = [f'    "{c.__name__}",' for c in classes]
    return "\n".join([*lines, "", "__all__ = [", *names, "]", ""])


def module_stub(module) -> str:
    """Return the functions and classes of a module that have no underscore."""
    bases, lines = [], []
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", "") != module.__name__:
            continue
        if inspect.isclass(value) and issubclass(value, BaseEstimator):
            bases += bases_of(value)
            lines += ["", *class_stub(value)]
        elif inspect.isfunction(value):
            lines += ["", *function_stub(name, value)]
    words = set(re.findall(r"\w+", "\n".join(lines)))
    names = {word: SOURCES[word] for word in sorted(words & SOURCES.keys())}
    names |= {base.__name__: base.__module__ for base in bases}
    imports = [f"from {s} import {n}" for n, s in names.items() if s != module.__name__]
    head = [f"# written by .ci/stubs.py from {module.__name__}", "import numpy as np"]
    return "\n".join([*head, *sorted(imports), *lines, ""])


def bases_of(cls: type) -> list[type]:
    """Return the next bases without an underscore."""
    bases: list[type] = []
    for base in cls.__mro__[1:-1]:
        if not is_hidden(base) and not any(issubclass(b, base) for b in bases):
            bases.append(base)
    return bases


def is_hidden(cls: type) -> bool:
    return cls.__name__.startswith("_") and cls.__module__.startswith("linmtl")


def class_stub(cls: type) -> list[str]:
    """Return a class, with what it has from bases that have an underscore."""
    bases = bases_of(cls)
    lines = docstring(cls)
    section = cls.__doc__.partition("Attributes\n----------\n")[2].partition("\n\n")[0]
    shown = [base for base in cls.__mro__[1:] if not is_hidden(base)]
    known = {name for base in shown for name in inspect.get_annotations(base)}
    entries = re.findall(r"^([\w, ]+) : (dict of ndarray|\w+)", section, re.MULTILINE)
    for names, kind in entries:
        own = [name for name in names.split(", ") if name not in known]
        lines += [f"{name}: {TYPES.get(kind, kind)}" for name in own]
    if "loss" in inspect.signature(cls).parameters:
        named = parameters_of(getattr(cls, "_losses", ())).items()
        lines += [f"{name}: {p.kind}" for name, p in named]
    methods = {"__init__": cls.__init__}
    for base in [cls, *filter(is_hidden, cls.__mro__)]:
        for name, value in vars(base).items():
            if inspect.isfunction(value) and not name.startswith("_"):
                methods.setdefault(name, getattr(cls, name))
    for name, method in methods.items():
        lines += function_stub(name, method)
    parents = ", ".join(base.__name__ for base in bases)
    return [f"class {cls.__name__}({parents}):", *indented(lines)]


def function_stub(name: str, function) -> list[str]:
    """Return a function without its body."""
    signature = inspect.signature(function)
    lines, by_name = [], False
    for p in signature.parameters.values():
        if p.kind is p.KEYWORD_ONLY and not by_name:
            lines.append("*,")
            by_name = True
        text = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "") + p.name
        if p.annotation is not p.empty:
            text += f": {p.annotation}"
        if p.default is not p.empty:
            plain = isinstance(p.default, (bool, int, float, str, type(None)))
            text += " = " + (repr(p.default).replace("'", '"') if plain else "...")
        lines.append(f"{text},")
    returned = signature.return_annotation
    arrow = "" if returned is signature.empty else f" -> {returned}"
    if name == "__init__":
        return [f"def {name}(", *indented(lines), f"){arrow}: ..."]
    body = indented([*docstring(function), "..."])
    return [f"def {name}(", *indented(lines), f"){arrow}:", *body]


def docstring(documented) -> list[str]:
    """Return the lines of a docstring."""
    text = inspect.getdoc(documented) or ""
    quote = 'r"""' if "\\" in text else '"""'
    return f'{quote}{text}\n"""'.splitlines()


def indented(lines: list[str]) -> list[str]:
    return [f"    {line}".rstrip() for line in lines]


if __name__ == "__main__":
    main()
