"""Configuration of the site; ``make -C docs html`` builds it, offline."""

import inspect
import os
import re
import sys

import linmtl

sys.path.insert(0, os.path.dirname(__file__))
from figures import DOCS, draw_benchmarks

os.environ.setdefault("MPLBACKEND", "Agg")

project = "linmtl"
author = "The linmtl developers"
copyright = f"2026, {author}"
version = release = linmtl.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_gallery.gen_gallery",
]
default_role = "py:obj"  # `Name` is a link where there is such a name
exclude_patterns = ["_build"]
templates_path = ["_templates"]

# --- pages

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

# --- reference

autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_imported_members = True
autosummary_context = {
    "top": linmtl.__all__,  # described there, and only there
    "brief": ["linmtl.dask"],  # the same estimators again
}
autodoc_typehints = "none"  # docstrings have the types, in words
numpydoc_show_class_members = False  # the template lists them
# every parameter and every result is described, wherever the reference shows it
numpydoc_validation_checks = {
    *(f"PR0{k}" for k in (1, 2, 3, 5, 6, 7, 8, 9)),  # parameters
    *("RT01", "RT03", "RT04", "RT05", "YD01"),  # what is returned
    *("GL01", "GL03", "GL06", "GL07", "GL08", "SS01", "SS03"),  # form
}
numpydoc_validation_exclude = {  # what only solvers call
    r"^linmtl\.(data|losses|solvers)\b",
    r"^linmtl\.penalties\.(\w+\.\w+|compose)$",
    r"^linmtl\.penalties\.(Penalty|Nonconvex|Decomposition)$",  # bases, made by nobody
    r"\.(count|index)$",  # of tuples
    r"^linmtl\.distributed\.Parts$",  # a protocol: nobody makes one
    r"\.reduce$",  # as it says
    r"^linmtl\.similarity\.MantelResult\.\w+$",  # whose entries Python describes
}


def skip_inherited(app, what, name, obj, skip, options):
    """Leave out what comes from scikit-learn, which documents it."""
    if what == "class" and inspect.isroutine(obj):
        return skip or not str(getattr(obj, "__module__", "")).startswith("linmtl")
    return skip


def escape_types(app, what, name, obj, options, lines):
    """Escape ``coef_`` and the like in types, where they would be links."""
    for place, line in enumerate(lines):
        entry = re.match(r"(\s*[\w, ]+ : )(.*)", line)
        if entry:
            lines[place] = entry[1] + re.sub(r"(\w)_(?![\w`])", r"\1\\_", entry[2])


# --- gallery

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": "/plot_",
    "ignore_pattern": r"(^|/)(?!plot_)\w+\.py$",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "remove_config_comments": True,
    "show_signature": False,
    "plot_gallery": "True",
}

# --- looks

html_theme = "pydata_sphinx_theme"
html_title = "linmtl"
html_static_path = ["_static"]
html_sidebars = {  # pages without others below them
    page: []
    for page in (
        "install",
        "quickstart",
        "which",
        "migration",
        "contributing",
        "changelog",
    )
}
html_theme_options = {
    "show_toc_level": 2,
    "header_links_before_dropdown": 8,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}


def setup(app):
    draw_benchmarks(DOCS / "generated" / "figures")
    app.connect("autodoc-process-docstring", escape_types, priority=400)
    app.connect("autodoc-skip-member", skip_inherited)
