"""Fitted models without pickle: as JSON, and as ONNX graphs.

`to_json` keeps what predictions need, and `from_json` returns a model that makes the
same ones, to the bit; the text holds no code. `to_onnx` makes a graph for the runtimes
of ONNX, and `register_onnx` lets skl2onnx convert linmtl's estimators inside pipelines
of any kind.
"""

from linmtl.export._json import from_json, to_json
from linmtl.export._loaded import (
    LoadedClassifier,
    LoadedMixedTaskEstimator,
    LoadedOrdinalClassifier,
    LoadedRegressor,
)
from linmtl.export._onnx import register_onnx, to_onnx

__all__ = [
    "LoadedClassifier",
    "LoadedMixedTaskEstimator",
    "LoadedOrdinalClassifier",
    "LoadedRegressor",
    "from_json",
    "register_onnx",
    "to_json",
    "to_onnx",
]
