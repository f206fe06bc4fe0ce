"""Pointwise losses: value, derivative, conjugate, curvature, link. Private."""

from linmtl.losses._base import Loss, Parameter, Score, task_sums
from linmtl.losses._cox import Cox, RiskSets
from linmtl.losses._gamma import GammaLoss
from linmtl.losses._huber import HuberLoss
from linmtl.losses._logistic import Logistic
from linmtl.losses._mixed import MixedLoss
from linmtl.losses._multinomial import Multinomial, MultinomialOfRows
from linmtl.losses._newton import newton, newton_of_classes
from linmtl.losses._ordinal import Ordinal
from linmtl.losses._poisson import PoissonLoss
from linmtl.losses._quantile import QuantileLoss
from linmtl.losses._squared import Squared
from linmtl.losses._squared_hinge import SquaredHinge
from linmtl.losses._tweedie import TweedieLoss

LOSSES: dict[str, type[Loss]] = {
    loss.name: loss
    for loss in (
        Squared,
        HuberLoss,
        QuantileLoss,
        PoissonLoss,
        GammaLoss,
        TweedieLoss,
        Logistic,
        SquaredHinge,
    )
}

__all__ = [
    "LOSSES",
    "Cox",
    "GammaLoss",
    "HuberLoss",
    "Logistic",
    "Loss",
    "MixedLoss",
    "Multinomial",
    "MultinomialOfRows",
    "Ordinal",
    "Parameter",
    "PoissonLoss",
    "QuantileLoss",
    "RiskSets",
    "Score",
    "Squared",
    "SquaredHinge",
    "TweedieLoss",
    "newton",
    "newton_of_classes",
    "task_sums",
]
