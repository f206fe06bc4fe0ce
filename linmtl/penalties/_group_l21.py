"""The sum of the norms of blocks of rows: groups of features selected together."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from linmtl.penalties._base import Penalty


@dataclass(frozen=True)
class _Partition:
    """Groups of features by number: `code` of each feature, `weight` of each group."""

    code: np.ndarray
    weight: np.ndarray


class GroupL21(Penalty):
    """``alpha * sum_g weight_g * ||W_g||_F`` over disjoint groups g of rows of W.

    W_g is the block of the rows (features) of a group and of all tasks, so that a
    group of features is used by all tasks or by none: the columns that code one
    categorical variable, the terms of one spline, the genes of one pathway.

    Parameters
    ----------
    groups : array-like of shape (n_features,) or list of lists of int, default=None
        One label (string or number) per feature, or the positions of the features of
        each group, every feature in exactly one. None makes every feature a group of
        its own, which is `L21`.
    alpha : float, default=1.0
        Strength, >= 0.
    group_weight : array-like of shape (n_groups,) or dict, default=None
        A factor >= 0 on the strength of each group; 0 leaves it unpenalised. An array
        follows the sorted labels, or the list of groups; a dict goes by label, or by
        position in that list. None is the square root of the number of features of a
        group, with which large groups are not preferred to small ones.

    See Also
    --------
    L21 : Every feature on its own.
    TreeGroupL21 : Groups of tasks instead of features.

    References
    ----------
    Yuan, Lin (2006), Model selection and estimation in regression with grouped
    variables.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import GroupL21
    >>> W = np.array([[3.0, 0.0], [0.0, 0.0], [0.0, 4.0]])
    >>> penalty = GroupL21(["age", "site", "age"], group_weight={"age": 1, "site": 2})
    >>> float(penalty.value(W))
    5.0
    """

    def __init__(
        self,
        groups: ArrayLike | list[list[int]] | None = None,
        alpha: float = 1.0,
        *,
        group_weight: ArrayLike | Mapping[Any, float] | None = None,
    ):
        self.groups = groups
        self.alpha = alpha
        self.group_weight = group_weight

    def check(self, n_features, tasks):
        super().check(n_features, tasks)
        self._partition(n_features)

    def bind(self, tasks):
        if self.groups is None or isinstance(self.groups, _Partition):
            return self
        d = sum(map(len, self.groups)) if _lists(self.groups) else len(self.groups)
        return GroupL21(self._partition(d), self.alpha)

    def value(self, W):
        partition = self._partition(W.shape[0])
        return self.alpha * float(partition.weight @ _norms(W, partition))

    def prox(self, V, step, out):
        partition = self._partition(V.shape[0])
        norm = _norms(V, partition)
        threshold = float(step) * self.alpha * partition.weight
        factor = np.ones_like(norm)
        shrunk = threshold > 0
        # NaN is not below the threshold: it stays
        zero = shrunk & (norm <= threshold)
        shrunk &= ~zero
        factor[zero] = 0.0
        factor[shrunk] = 1.0 - threshold[shrunk] / norm[shrunk]
        np.multiply(V, factor[partition.code][:, None], out=out)
        return self.alpha * float(partition.weight @ (factor * norm))

    def prox_naive(self, V, step):
        partition = self._partition(V.shape[0])
        out = np.empty_like(V)
        for g, weight in enumerate(partition.weight):
            block = V[partition.code == g]
            size = np.linalg.norm(block)
            factor = max(0.0, 1.0 - step * self.alpha * weight / max(size, 1e-300))
            out[partition.code == g] = factor * block
        return out

    def dual_norm(self, G):
        partition = self._partition(G.shape[0])
        strength = self.alpha * partition.weight
        used = strength > 0
        return float((_norms(G, partition)[used] / strength[used]).max(initial=0.0))

    def free_rows(self, n_features):
        partition = self._partition(n_features)
        return (self.alpha * partition.weight == 0)[partition.code]

    def _partition(self, n_features: int) -> _Partition:
        if isinstance(self.groups, _Partition):
            return self.groups
        if self.groups is None:
            names, code = np.arange(n_features), np.arange(n_features)
        elif _lists(self.groups):
            names, code = _by_position(self.groups, n_features)
        else:
            names, code = _by_label(self.groups, n_features)
        return _Partition(code, self._weights(names, np.bincount(code)))

    def _weights(self, names: np.ndarray, size: np.ndarray) -> np.ndarray:
        given = self.group_weight
        if given is None:
            return np.sqrt(size)
        if isinstance(given, Mapping):
            names = names.tolist()
            missing = [name for name in names if name not in given]
            if missing:
                raise ValueError(
                    f"GroupL21: group_weight has no value for the groups {missing[:5]}"
                )
            given = [given[name] for name in names]
        weight = np.asarray(given, dtype=float)
        if weight.shape != size.shape:
            raise ValueError(
                f"GroupL21: group_weight has shape {weight.shape} but there are "
                f"{len(size)} groups; pass one weight per group, in sorted order of "
                "the labels, or a dict by label"
            )
        if not (np.all(np.isfinite(weight)) and np.all(weight >= 0)):
            raise ValueError(
                "GroupL21: group_weight must be finite and >= 0 (0 leaves a group "
                "unpenalised)"
            )
        return weight


def _norms(W: np.ndarray, partition: _Partition) -> np.ndarray:
    """Return the Frobenius norm of the block of each group."""
    square = np.einsum("jt,jt->j", W, W)
    n_groups = len(partition.weight)
    return np.sqrt(np.bincount(partition.code, weights=square, minlength=n_groups))


def _lists(groups: Any) -> bool:
    """Whether groups are lists of positions rather than labels."""
    return isinstance(groups, Iterable) and any(
        isinstance(group, Iterable) and not isinstance(group, (str, bytes))
        for group in groups
    )


def _by_position(groups: Any, n_features: int) -> tuple[np.ndarray, np.ndarray]:
    code = np.full(n_features, -1)
    for g, group in enumerate(groups):
        if isinstance(group, (str, bytes)) or not isinstance(group, Iterable):
            raise ValueError(
                f"GroupL21: groups has lists of features beside {group!r}; pass lists "
                "only, or one label per feature"
            )
        features = list(group)
        if not features:
            raise ValueError(f"GroupL21: group {g} is empty; leave it out")
        for j in features:
            if isinstance(j, (bool, np.bool_)) or not isinstance(j, numbers.Integral):
                raise TypeError(
                    f"GroupL21: a list in groups holds positions of features, got {j!r}"
                )
            if not 0 <= j < n_features:
                raise ValueError(
                    f"GroupL21: groups has the feature {j} but there are {n_features} "
                    "features, numbered from 0"
                )
            if code[j] >= 0:
                raise ValueError(
                    f"GroupL21: feature {j} is in the groups {code[j]} and {g}; "
                    "groups must be disjoint"
                )
            code[j] = g
    missing = np.flatnonzero(code < 0).tolist()
    if missing:
        raise ValueError(
            f"GroupL21: the features {missing[:5]} are in no group; add a group for "
            "them (with group_weight 0 to leave them unpenalised)"
        )
    return np.arange(code.max(initial=-1) + 1), code


def _by_label(groups: Any, n_features: int) -> tuple[np.ndarray, np.ndarray]:
    labels = np.asarray(groups)
    if labels.shape != (n_features,):
        raise ValueError(
            f"GroupL21: groups has shape {labels.shape} but there are {n_features} "
            "features; pass one label per feature or lists of their positions, and the "
            "strength by name, alpha="
        )
    if labels.dtype.kind == "O" and len({isinstance(x, str) for x in labels}) > 1:
        raise TypeError("GroupL21: the labels in groups mix strings and other objects")
    if any(label is None or label != label for label in labels.tolist()):
        raise ValueError("GroupL21: groups has missing labels; every feature needs one")
    names, code = np.unique(labels, return_inverse=True)
    return names, code
