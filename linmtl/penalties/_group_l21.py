"""The sum of the norms of blocks of rows: groups of features selected together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from linmtl.data._checks import is_whole
from linmtl.penalties._group_separable import GroupSeparable
from linmtl.penalties._l1 import L1
from linmtl.penalties._latent_groups import LatentGroups
from linmtl.penalties._parameters import (
    EXCLUDED,
    check_positive,
    check_weights,
    row_strength,
    weighted,
    with_features,
)

_MAX_STEPS = 200  # of Newton's method for a dual norm


@dataclass(frozen=True)
class Partition:
    """Groups of features by number: `code` of each feature, `weight` of each group."""

    code: np.ndarray
    weight: np.ndarray


class GroupL21(GroupSeparable):
    """``alpha * sum_g weight_g * ||W_g||_F`` over groups g of rows of W.

    W_g is the block of the rows (features) of a group and of all tasks, so that a
    group of features is used by all tasks or by none: the columns that code one
    categorical variable, the terms of one spline, the genes of one pathway.

    Parameters
    ----------
    groups : array-like of shape (n_features,) or list of lists of int, default=None
        One label (string or number) per feature, or the positions of the features of
        each group, every feature in one or more. None makes every feature a group of
        its own, which is `L21`. Where groups overlap W is a sum of parts, one for each
        group, at the lowest cost: what is chosen is a union of groups (latent group
        lasso).
    alpha : float, default=1.0
        Strength, >= 0.
    group_weight : array-like of shape (n_groups,) or dict, default=None
        A factor >= 0 on the strength of each group; 0 leaves it unpenalised, infinity
        leaves it out. An array follows the sorted labels, or the list of groups; a dict
        goes by label, or by position in that list. None is the square root of the
        number of features of a group, with which large groups are not preferred to
        small ones.
    positive : bool, default=False
        Restrict the coefficients to be non-negative.

    See Also
    --------
    L21 : Every feature on its own.
    L1 : ``GroupL21(groups, 0.1) + L1(0.05)`` also selects within the groups (sparse
        group lasso).
    TreeGroupL21 : Groups of tasks instead of features.

    References
    ----------
    Yuan, Lin (2006), Model selection and estimation in regression with grouped
    variables.
    Jacob, Obozinski, Vert (2009), Group lasso with overlap and graph lasso.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import GroupL21
    >>> W = np.array([[3.0, 0.0], [0.0, 0.0], [0.0, 4.0]])
    >>> penalty = GroupL21(["age", "site", "age"], group_weight={"age": 1, "site": 2})
    >>> float(penalty.value(W))
    5.0
    """

    joins = "L1"

    def __init__(
        self,
        groups: ArrayLike | list[list[int]] | Partition | None = None,
        alpha: float = 1.0,
        *,
        group_weight: ArrayLike | Mapping[Any, float] | None = None,
        positive: bool = False,
    ):
        self.groups = groups
        self.alpha = alpha
        self.group_weight = group_weight
        self.positive = positive

    def check(self, n_features, tasks):
        super().check(n_features, tasks)
        check_positive(self)
        if not self.overlapping():
            self.partition(n_features)
        elif self.latent(n_features).free_rows(n_features).all():
            raise ValueError(
                "GroupL21: groups that overlap need a group_weight above 0 somewhere"
            )

    def joined(self, others):
        if self.overlapping():
            return None if others else self.latent(None)
        if len(others) == 1 and type(others[0]) is L1:
            return SparseGroupL21(others[0], self)
        return super().joined(others)

    def bind(self, tasks):
        groups: Any = self.groups
        if groups is None or isinstance(groups, Partition) or self.overlapping():
            return self
        d = sum(map(len, groups)) if _lists(groups) else len(groups)
        return GroupL21(self.partition(d), self.alpha, positive=self.positive)

    def overlapping(self) -> bool:
        """Whether some features are in several groups."""
        if not _lists(self.groups) or isinstance(self.groups, Partition):
            return False
        groups: Any = self.groups
        try:
            members = [j for group in groups for j in group]
            return len(set(members)) < len(members)
        except TypeError:  # no lists of numbers: the check says so
            return False

    def latent(self, n_features: int | None) -> LatentGroups:
        """Return the penalty as one of copies of features, in groups apart."""
        groups: Any = [list(group) for group in self.groups]  # type: ignore[union-attr]
        _check_positions(groups, n_features)
        size = np.array([len(group) for group in groups])
        weight = self._weights(np.arange(size.size), size)
        partition = Partition(np.repeat(np.arange(size.size), size), weight)
        copies = GroupL21(partition, self.alpha, positive=self.positive)
        return LatentGroups(copies, np.concatenate(groups).astype(np.intp))

    def group_strengths(self, partition: Partition) -> np.ndarray:
        """Return the strength of each group."""
        return weighted(self.alpha, partition.weight)

    def strengths(self, n_features):
        partition = self.partition(n_features)
        group = self.group_strengths(partition)
        return np.zeros(n_features), group[partition.code]

    def codes(self, n_features):
        return self.partition(n_features).code

    def value(self, W):
        if self.overlapping():
            return self.latent(len(W)).value(W)
        partition = self.partition(W.shape[0])
        strength = self.group_strengths(partition)
        if self.positive and np.any(W < 0):
            return np.inf
        if np.any(W[(strength >= EXCLUDED)[partition.code]]):
            return np.inf
        return float(strength @ group_norms(W, partition))

    def prox(self, V, step, out):
        if self.overlapping():
            return self.latent(len(V)).prox(V, step, out)
        V = np.maximum(V, 0.0) if self.positive else V
        partition = self.partition(V.shape[0])
        norm, strength = group_norms(V, partition), self.group_strengths(partition)
        threshold = float(step) * strength  # finite, also of what is left out
        factor = np.ones_like(norm)
        shrunk = threshold > 0
        # NaN is not below the threshold: it stays
        zero = shrunk & (norm <= threshold)
        shrunk &= ~zero
        factor[zero] = 0.0
        factor[shrunk] = 1.0 - threshold[shrunk] / norm[shrunk]
        np.multiply(V, factor[partition.code][:, None], out=out)
        return float(strength @ (factor * norm))

    def prox_naive(self, V, step):
        if self.overlapping():
            return self.latent(len(V)).prox_naive(V, step)
        V = np.maximum(V, 0.0) if self.positive else V
        partition = self.partition(V.shape[0])
        out = np.empty_like(V)
        for g, strength in enumerate(self.group_strengths(partition)):
            block = V[partition.code == g]
            size = np.linalg.norm(block)
            factor = max(0.0, 1.0 - step * strength / max(size, 1e-140))
            out[partition.code == g] = factor * block
        return out

    def dual_norm(self, G):
        if self.overlapping():
            return self.latent(len(G)).dual_norm(G)
        return float(self.row_dual_norms(G).max(initial=0.0))

    def row_dual_norms(self, G):
        G = np.maximum(G, 0.0) if self.positive else G
        partition = self.partition(G.shape[0])
        strength = self.group_strengths(partition)
        size = np.zeros(strength.size)
        np.divide(group_norms(G, partition), strength, out=size, where=strength > 0)
        return size[partition.code]

    def on_features(self, features, n_features):
        whole = self.partition(n_features)
        partition = Partition(whole.code[features], whole.weight)
        return GroupL21(partition, self.alpha, positive=self.positive)

    def free_rows(self, n_features):
        if self.overlapping():
            return self.latent(n_features).free_rows(n_features)
        partition = self.partition(n_features)
        return (self.group_strengths(partition) == 0)[partition.code]

    def partition(self, n_features: int) -> Partition:
        if isinstance(self.groups, Partition):
            return self.groups
        if self.groups is None:
            names, code = np.arange(n_features), np.arange(n_features)
        elif _lists(self.groups):
            names, code = _by_position(self.groups, n_features)
        else:
            names, code = _by_label(self.groups, n_features)
        return Partition(code, self._weights(names, np.bincount(code)))

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
        check_weights(weight, "GroupL21: group_weight", "group")
        return weight


class SparseGroupL21(GroupSeparable):
    """The sum of an `L1` and a `GroupL21`, whose prox is one after the other."""

    def __init__(self, l1: L1, groups: GroupL21):
        self.l1 = l1
        self.groups = groups

    @property
    def positive(self) -> bool:  # type: ignore[override]
        return self.l1.positive or self.groups.positive

    def check(self, n_features, tasks):
        self.l1.check(n_features, tasks)
        self.groups.check(n_features, tasks)

    def value(self, W):
        return self.l1.value(W) + self.groups.value(W)

    def prox(self, V, step, out):
        self.l1.prox(V, step, out)
        self.groups.prox(out, step, out)
        return self.value(out)

    def prox_naive(self, V, step):
        return self.groups.prox_naive(self.l1.prox_naive(V, step), step)

    def strengths(self, n_features):
        return row_strength(self.l1, n_features), self.groups.strengths(n_features)[1]

    def codes(self, n_features):
        return self.groups.codes(n_features)

    def dual_norm(self, G):
        return float(self.row_dual_norms(G).max(initial=0.0))

    def row_dual_norms(self, G):
        """Return s of each row's group, ``||(|G_g| - s entry)_+||_F = s group``.

        The difference of the two sides is convex and decreasing in s, so that Newton's
        method from zero climbs to the root without passing it.
        """
        d = len(G)
        partition = self.groups.partition(d)
        code, entry = partition.code, row_strength(self.l1, d)
        group = self.groups.group_strengths(partition)
        size = np.maximum(G, 0.0) if self.positive else np.abs(G)
        size[self.free_rows(d)] = 0.0
        if np.isnan(size).any():
            return np.full(d, np.nan)
        s = np.zeros(len(group))
        for _ in range(_MAX_STEPS):
            excess = np.maximum(size - (s[code] * entry)[:, None], 0.0)
            norm = group_norms(excess, partition)
            along = np.bincount(code, entry * excess.sum(axis=1), len(group))
            left = norm > 0
            slope = group[left] + along[left] / norm[left]
            following = s.copy()
            following[left] += (norm[left] - s[left] * group[left]) / slope
            if not np.any(following > s):
                break
            s = np.maximum(following, s)
        return s[code]

    def on_features(self, features, n_features):
        groups = self.groups.on_features(features, n_features)
        return SparseGroupL21(with_features(self.l1, features), groups)

    def free_rows(self, n_features):
        return self.l1.free_rows(n_features) & self.groups.free_rows(n_features)


def group_norms(W: np.ndarray, partition: Partition) -> np.ndarray:
    """Return the Frobenius norm of the block of each group."""
    square = np.einsum("jt,jt->j", W, W)
    n_groups = len(partition.weight)
    return np.sqrt(np.bincount(partition.code, weights=square, minlength=n_groups))


def _lists(groups: Any) -> bool:
    """Whether groups are lists of positions rather than labels."""
    if isinstance(groups, np.ndarray) and groups.dtype.kind != "O":
        return groups.ndim > 1
    return isinstance(groups, Iterable) and any(
        isinstance(group, Iterable) and not isinstance(group, (str, bytes))
        for group in groups
    )


def _check_positions(groups: Any, n_features: int | None) -> None:
    """Check lists of positions of features; of as many as are named by default."""
    for g, group in enumerate(groups):
        if isinstance(group, (str, bytes)) or not isinstance(group, Iterable):
            raise ValueError(
                f"GroupL21: groups has lists of features beside {group!r}; pass lists "
                "only, or one label per feature"
            )
        features = list(group)
        if not features:
            raise ValueError(f"GroupL21: group {g} is empty; leave it out")
        if len(set(features)) < len(features):
            raise ValueError(f"GroupL21: group {g} has a feature twice")
        for j in features:
            if not is_whole(j):
                raise TypeError(
                    f"GroupL21: a list in groups holds positions of features, got {j!r}"
                )
            if not 0 <= j < (np.inf if n_features is None else n_features):
                raise ValueError(
                    f"GroupL21: groups has the feature {j} but there are {n_features} "
                    "features, numbered from 0"
                )
    named = {j for group in groups for j in group}
    d = len(named) if n_features is None else n_features
    missing = [j for j in range(d) if j not in named]
    if missing:
        raise ValueError(
            f"GroupL21: the features {missing[:5]} are in no group; add a group for "
            "them (with group_weight 0 to leave them unpenalised)"
        )


def _by_position(groups: Any, n_features: int) -> tuple[np.ndarray, np.ndarray]:
    groups = list(groups)
    _check_positions(groups, n_features)
    code = np.empty(n_features, dtype=int)
    for g, group in enumerate(groups):
        code[list(group)] = g
    return np.arange(len(groups)), code


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
