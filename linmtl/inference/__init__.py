"""How certain are coefficients and scores, and which features matter?"""

from linmtl.inference._bootstrap import (
    BootstrapIntervals,
    ScoreIntervals,
    bootstrap_intervals,
)
from linmtl.inference._debiased import DebiasedCoefficients, debiased_coefficients
from linmtl.inference._stability import StableFeatures, stable_features

__all__ = [
    "BootstrapIntervals",
    "DebiasedCoefficients",
    "ScoreIntervals",
    "StableFeatures",
    "bootstrap_intervals",
    "debiased_coefficients",
    "stable_features",
]
