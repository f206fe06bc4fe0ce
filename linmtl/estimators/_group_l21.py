"""GroupL21 estimators: joint selection of groups of features."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Any

from linmtl.estimators._alias import Alias, AliasCV
from linmtl.estimators._around import Around, around
from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._docs import estimator, parameters
from linmtl.estimators._refit import Refitted
from linmtl.penalties import GroupL21


class _GroupL21(Around, Refitted, Alias):
    """A group of features is used by all tasks or by none. Minimises over W
    (n_features, n_tasks) and b::

        {loss}
            + alpha * sum_g weight_g * ||W_g||_F

    {symbols}

    Parameters
    ----------
    groups : array-like of shape (n_features,) or list of lists of int, default=None
        One label (string or number) for each column of ``coef_``, or the positions of
        the features of each group, every feature in one or more. None makes every
        feature a group of its own. Where groups overlap, what is chosen is a union of
        groups (latent group lasso).
    alpha : float, default={alpha}
        Strength, >= 0.
    group_weight : array-like of shape (n_groups,) or dict, default=None
        Factor >= 0 on the strength of each group, 0 leaves it unpenalised, infinity
        leaves it out: in the order of the sorted labels or of the list of groups, or by
        label. None is the square root of the number of features of a group.
    positive : bool, default=False
        Restrict the coefficients to be non-negative.

    Notes
    -----
    W_g are the rows of W of a group, of all tasks. The columns that code one
    categorical variable are such a group.

    References
    ----------
    Yuan, Lin (2006), Model selection and estimation in regression with grouped
    variables.
    """

    _penalty = around(GroupL21)


@estimator
class GroupL21Regressor(_GroupL21, Regressor):
    """Regression with joint selection of groups of features."""

    groups: Any = None
    alpha: float = 1.0
    _: KW_ONLY
    group_weight: Any = None
    positive: bool = False


@estimator
class GroupL21Classifier(_GroupL21, Classifier):
    """Logistic regression with joint selection of groups of features."""

    groups: Any = None
    alpha: float = 0.01
    _: KW_ONLY
    group_weight: Any = None
    positive: bool = False


@parameters
class _GroupL21CV(_GroupL21, AliasCV):
    group_weight: Any = None
    positive: bool = False


@estimator
class GroupL21RegressorCV(_GroupL21CV, Regressor):
    """`GroupL21Regressor` with ``alpha`` chosen by cross-validation."""

    groups: Any = None


@estimator
class GroupL21ClassifierCV(_GroupL21CV, Classifier):
    """`GroupL21Classifier` with ``alpha`` chosen by cross-validation."""

    groups: Any = None
