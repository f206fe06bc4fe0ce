"""Everything that the package offers."""

import importlib
import inspect
import pkgutil

import linmtl

MODULES = [linmtl.__name__] + sorted(
    info.name
    for info in pkgutil.walk_packages(linmtl.__path__, "linmtl.")
    if not info.name.endswith("__main__")
)


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
