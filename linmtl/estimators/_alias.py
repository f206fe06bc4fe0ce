"""Aliases: estimators of one penalty each, whose parameters are their own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

import numpy as np
from sklearn.model_selection import ParameterGrid

from linmtl.datafits._base import Datafit
from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._curves import Curve, best_of, open_axes
from linmtl.estimators._cv import CrossValidated
from linmtl.estimators._docs import ESTIMATORS
from linmtl.penalties import Penalty, compose
from linmtl.penalties._parameters import strength_names
from linmtl.solvers._objective import Objective
from linmtl.solvers._path import largest_strength, unit_of_strength, with_strength

_BALANCE = (0.7, 1.0, 1.4)  # times the strength that balances the parts
_SECOND = (1e-4, 1e-2, 1.0)  # times the largest curvature of a task's loss
_FURTHER = 3  # values beyond these at most
_ZERO_STRENGTH = 1e100  # a strength at which a part is zero


_AROUND = "around", "alpha_mean", "intercept_weight"  # may be lists to choose from


class Alias(MultiTaskModel):
    """Base of a family: up to four estimators for one penalty.

    A family names the penalty by ``_penalty``, a class or function whose arguments are
    the parameters of the estimators. Its docstring is theirs, with the loss in place
    of ``{loss}``, the meaning of its symbols in place of ``{symbols}``, and the default
    of a parameter in place of its name in braces; its section Examples adds lines,
    ``code -> result``, to the example of the models without search.
    """

    _penalty: ClassVar[Callable[..., Penalty]]

    @property
    def _several_classes(self) -> bool:
        return getattr(self._penalty, "takes_classes", True)  # or fit says why not

    def _penalty_names(self) -> tuple[str, ...]:
        return _argument_names(self._penalty)

    def _make_penalty(self) -> Penalty:
        names = self._penalty_names()
        return self._penalty(**{name: getattr(self, name) for name in names})


class AliasCV(CrossValidated, Alias):
    """Base of the aliases that choose the strength, or the factor on all strengths.

    Where no parameter is called ``alpha``, the strengths ``alpha_*`` are relative. Of
    a decomposition ``_parts`` names the strengths of the two parts; None as the second
    stands for three values that depend on the data, and so does None as the value of
    the parameter that ``_second`` names.
    """

    _parts: ClassVar[tuple[str, str] | None] = None
    _second: ClassVar[str | None] = None
    _factors: ClassVar[tuple[float, ...]] = _SECOND  # of these values, on a unit:
    _unit: ClassVar[str] = "curvature of a task's loss"  # the largest

    def _settings(self) -> list[dict[str, Any]]:
        lists = {
            name: list(getattr(self, name))
            for name in _AROUND
            if name not in self._grid and np.ndim(getattr(self, name, 0))
        }
        return [
            setting | more
            for setting in super()._settings()
            for more in ParameterGrid(lists)
        ]

    def _completed(
        self, settings: list[dict[str, Any]], fit: Datafit, columns: np.ndarray
    ) -> list[dict[str, Any]]:
        if self._second is not None:
            unit = self._unit_of_second(fit, columns)
            values = [factor * unit for factor in self._factors]
            return [
                {**setting, self._second: value}
                for setting in settings
                for value in self._values_of_second(setting, values, columns.size)
            ]
        if self._parts is None:
            return settings
        first, second = self._parts
        return [
            {**setting, second: value}
            for setting in settings
            for value in (
                self._balanced(first, second, setting, fit, columns)
                if setting[second] is None
                else [setting[second]]
            )
        ]

    def _unit_of_second(self, fit: Datafit, columns: np.ndarray) -> float:
        """Return what ``_unit`` names."""
        _, curvature = fit.curvature(scaled=False)
        return unit_of_strength(fit, curvature)

    def _values_of_second(
        self, setting: dict[str, Any], values: list[float], n_columns: int
    ) -> list[float]:
        """Return those to try with a setting: one that it has, or those of the data.

        Parameters
        ----------
        setting : dict
            The other parameters.
        values : list of float
            Those of the data.
        n_columns : int
            Columns of W: of one, tasks have nothing to share.
        """
        assert self._second is not None
        given = setting[self._second]
        return values if given is None else [given]

    def _beyond(self, curves: list[Curve]) -> dict[str, Any] | None:
        name = self._second
        if name is None or getattr(self, name) is not None:
            return None  # values that the user gave
        best, end = best_of(curves).setting, open_axes(curves).get(name)
        tried = {curve.setting[name] for curve in curves}
        if end is None or len(tried) >= len(self._factors) + _FURTHER:
            return None
        step = self._factors[1] / self._factors[0]
        return {**best, name: best[name] * (step if end == "high" else 1 / step)}

    def _balanced(self, first, second, setting, fit, columns):
        """Return values about the strength at which both parts leave zero together."""
        given = getattr(self, first)
        leaves = []
        for name, other in ((first, second), (second, first)):
            alone = self._penalty_at(
                {**setting, name: given, other: _ZERO_STRENGTH}, 1.0
            )
            alone = Objective(fit, compose(alone, fit.n_features, columns))
            leaves.append(largest_strength(alone))
        if not (min(leaves) > 0 and max(leaves) < np.inf):
            return [given]  # a constant target, or a part that is not a norm
        return [factor * given * leaves[1] / leaves[0] for factor in _BALANCE]

    def _penalty_at(self, setting: dict[str, Any], alpha: float) -> Penalty:
        names = self._penalty_names()
        given = {n: getattr(self, n) for n in names if n != "alpha"} | setting
        if self._second is not None and given[self._second] is None:
            given[self._second] = 1.0  # until the data are read
        if "alpha" in names:
            return self._penalty(**given, alpha=alpha)
        if self._parts is not None and given[self._parts[1]] is None:
            given[self._parts[1]] = 1.0  # until the data are read
        penalty = self._penalty(**given)
        # as given at 1, so that a check of the penalty sees what the user passed
        return penalty if alpha == 1.0 else with_strength(penalty, alpha)

    def _chosen(self, setting: dict[str, Any], alpha: float) -> dict[str, Any]:
        parameters = self._penalty_names()
        plain = type(self).__name__.removesuffix("CV")
        defaults = _defaults(plain)
        chosen = {n: getattr(self, n) for n in parameters if n != "alpha"} | setting
        # what was not chosen is said where the plain estimator would have another
        chosen = {
            name: value
            for name, value in chosen.items()
            if name in setting or not _same(value, defaults.get(name))
        }
        if "alpha" in parameters:
            return {**chosen, "alpha": alpha}
        penalty = self._penalty_at(setting, alpha)
        return {**chosen, **{n: getattr(penalty, n) for n in strength_names(penalty)}}


@cache
def _argument_names(penalty: Callable[..., Penalty]) -> tuple[str, ...]:
    return tuple(inspect.signature(penalty).parameters)


def _defaults(name: str) -> dict[str, Any]:
    """Return the defaults of the estimator of this name."""
    cls = ESTIMATORS.get(name)
    return {} if cls is None else cls().get_params(deep=False)


def _same(value: Any, default: Any) -> bool:
    if value is default:
        return True
    simple = (bool, int, float, str)
    return (
        isinstance(value, simple) and type(value) is type(default) and value == default
    )
