"""Data to try multi-task models on: two bundled data sets and two generators.

The bundled data need no network. Loaders and generators return the long layout,
one row per sample with the label of its task, unless asked for another.
"""

from linmtl.datasets._load import load_heart_disease, load_parkinsons
from linmtl.datasets._make import (
    make_multitask_classification,
    make_multitask_regression,
)

__all__ = [
    "load_heart_disease",
    "load_parkinsons",
    "make_multitask_classification",
    "make_multitask_regression",
]
