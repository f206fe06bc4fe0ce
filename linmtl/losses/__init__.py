"""Pointwise losses: value, derivative, conjugate, curvature. Private."""

from linmtl.losses._base import Loss
from linmtl.losses._logistic import Logistic
from linmtl.losses._root import Root
from linmtl.losses._squared import Squared

LOSSES = {"squared": Squared(), "logistic": Logistic(), "sqrt": Root()}

__all__ = ["LOSSES", "Logistic", "Loss", "Root", "Squared"]
