"""Norms on what tasks have beside a common model, in place of their coefficients."""

from __future__ import annotations

import inspect
from typing import Any, Literal

from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._docs import parameters
from linmtl.penalties import Deviation, Penalty


@parameters
class Around(MultiTaskModel):
    """Mixin of the families whose penalty is made by `around`."""

    around: Literal["zero", "mean"] = "zero"
    alpha_mean: float = 0.0
    intercept_weight: float = 0.0


def around(kind: type[Penalty]) -> Any:
    """Return a function that makes a penalty of this kind, or a `Deviation` of it.

    It takes the parameters of both.
    """

    def make(around="zero", alpha_mean=0.0, intercept_weight=0.0, **given) -> Penalty:
        if around not in ("zero", "mean"):
            raise ValueError(f"around must be 'zero' or 'mean', got {around!r}")
        penalty = kind(**given)
        if around == "mean":
            return Deviation(penalty, alpha_mean, intercept_weight=intercept_weight)
        if alpha_mean or intercept_weight:
            raise ValueError(
                "alpha_mean and intercept_weight go with around='mean'; set them to 0"
            )
        return penalty

    of_kind = list(inspect.signature(kind).parameters.values())
    added = [
        p
        for p in inspect.signature(make).parameters.values()
        if p.kind != p.VAR_KEYWORD
    ]
    function: Any = make
    function.takes_classes = kind.takes_classes
    function.__signature__ = inspect.Signature(
        [p.replace(kind=p.KEYWORD_ONLY) for p in of_kind + added]
    )
    return staticmethod(function)
