"""Norms over nested groups of tasks: features shared within the branches of a tree."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from linmtl.data._checks import is_number
from linmtl.kernels._jit import kernel, readonly
from linmtl.penalties._base import Penalty

# A group of tasks by their positions, and its weight
Group = tuple[frozenset[int], float]


@dataclass(frozen=True)
class _Tree:
    """Nested groups by number, the smaller before the larger.

    `parent` is the next larger group around each group, -1 for none; `owner` the
    smallest group around each task; `weight` that of each group.
    """

    parent: np.ndarray
    owner: np.ndarray
    weight: np.ndarray


@kernel
def shrink_branches(v, step, parent, owner, weight, square, factor, out):
    """Prox of the penalty of a row; returns its value at `out`.

    From the leaves to the root every group is shrunk by its own norm. `square` and
    `factor` are work space, one number per group.
    """
    for g in range(weight.size):
        square[g] = 0.0
    for t in range(v.size):
        square[owner[t]] += v[t] * v[t]
    for g in range(weight.size):
        threshold = step * weight[g]
        norm = math.sqrt(square[g])
        factor[g] = 1.0
        if threshold > 0.0:
            factor[g] = 0.0 if norm <= threshold else 1.0 - threshold / norm
        square[g] = factor[g] * norm  # the norm that is left
        if parent[g] >= 0:
            square[parent[g]] += square[g] * square[g]
    value = 0.0
    for k in range(weight.size):
        g = weight.size - 1 - k
        if parent[g] >= 0:
            above = factor[parent[g]]
            square[g] *= above
            factor[g] *= above
        value += weight[g] * square[g]
    for t in range(v.size):
        out[t] = v[t] * factor[owner[t]]
    return value


@kernel
def shrink_trees(V, step, parent, owner, weight, square, factor, out):
    """`shrink_branches` of each row, with one step per row."""
    value = 0.0
    for j in range(V.shape[0]):
        value += shrink_branches(
            V[j], step[j], parent, owner, weight, square, factor, out[j]
        )
    return value


@kernel
def tree_dual(G, parent, owner, weight, square, factor, row):
    """The smallest s whose prox is zero in every row, rounded up.

    With p the prox of a row g, ``<g, p> / penalty(p)`` is a lower bound of it, and the
    point to which Newton's method on the distance of g to the dual ball moves. It
    climbs until the prox is zero; what rounding then lacks is added.
    """
    s = 0.0
    for j in range(G.shape[0]):
        excess = 1e-15
        found = False
        for _ in range(200):
            value = shrink_branches(G[j], s, parent, owner, weight, square, factor, row)
            if value == 0.0:
                found = True
                break
            inner = 0.0
            for t in range(row.size):
                inner += G[j, t] * row[t]
            if not abs(inner) < np.inf:
                return abs(inner)
            if inner / value > s * (1.0 + excess):
                s = inner / value
            else:
                s *= 1.0 + excess
                excess *= 2.0
        if not found:  # the sums of squares are beyond the range of numbers
            return np.inf
    return s


class TreeGroupL21(Penalty):
    """``alpha * sum_j sum_v weight_v * ||W_j,v||_2`` over a tree of groups v of tasks.

    W_j,v are the coefficients of feature j in the tasks of a group; any two groups are
    nested or disjoint. A group that is left out of a feature takes all groups inside it
    along: tasks of one branch tend to use the same features.

    Parameters
    ----------
    tree : list or ndarray of shape (n_tasks - 1, 4), default=None
        A list of groups, each a list of task labels (weight 1) or a pair
        ``(labels, weight)`` with a weight >= 0; a task in no group gets one of its own,
        of weight 1. Or the linkage matrix of ``scipy.cluster.hierarchy.linkage`` on the
        tasks in the order of ``tasks_``: with s_v the height of the merge v relative to
        the highest one, and ``s_v = 0`` for a task, a group has the weight ``1 - s_v``
        times the product of s over the larger groups around it. The weights of the
        groups around each task then add up to 1. None is one group of all tasks, which
        is `L21`.
    alpha : float, default=1.0
        Strength, >= 0.

    See Also
    --------
    L21 : One group of all tasks.
    GroupL21 : Groups of features instead of tasks.

    References
    ----------
    Kim, Xing (2010), Tree-guided group lasso for multi-task regression with structured
    sparsity.
    Jenatton, Mairal, Obozinski, Bach (2011), Proximal methods for hierarchical sparse
    coding.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import TreeGroupL21
    >>> tree = [([0, 1, 2], 0.5), [0, 1], [2]]
    >>> float(TreeGroupL21(tree).value(np.array([[3.0, 4.0, 0.0]])))
    7.5
    """

    row_separable: ClassVar[bool] = True
    symmetric: ClassVar[bool] = False
    takes_classes: ClassVar[bool] = True

    def __init__(self, tree: Any = None, alpha: float = 1.0):
        self.tree = tree
        self.alpha = alpha

    def check(self, n_features, tasks):
        super().check(n_features, tasks)
        self._nested(tasks)

    def bind(self, tasks):
        return TreeGroupL21(self._nested(tasks), self.alpha)

    def of_classes(self, classes):
        """Return the penalty whose groups have all classes of their tasks."""
        tree = self._nested(classes.tasks)
        return TreeGroupL21(replace(tree, owner=tree.owner[classes.task]), self.alpha)

    def value(self, W):
        tree = self._nested(np.arange(W.shape[1]))
        square = np.zeros((W.shape[0], len(tree.weight)))
        np.add.at(square.T, tree.owner, W.T**2)
        for g in np.flatnonzero(tree.parent >= 0):
            square[:, tree.parent[g]] += square[:, g]
        return self.alpha * float(np.sum(np.sqrt(square) @ tree.weight))

    def prox(self, V, step, out):
        step = np.broadcast_to(np.asarray(step, dtype=float), V.shape[0])
        tree, work = self._arguments(V.shape[1])
        V = readonly(np.ascontiguousarray(V))
        return shrink_trees(V, readonly(np.ascontiguousarray(step)), *tree, *work, out)

    def prox_naive(self, V, step):
        tree = self._nested(np.arange(V.shape[1]))
        out = V.copy()
        for g, weight in enumerate(tree.weight):
            members = np.array([_is_inside(tree, k, g) for k in tree.owner])
            norm = np.linalg.norm(out[:, members], axis=1)
            threshold = step * self.alpha * weight
            factor = np.maximum(0.0, 1.0 - threshold / np.maximum(norm, 1e-300))
            out[:, members] *= factor[:, None]
        return out

    def dual_norm(self, G):
        if self.alpha == 0:
            return 0.0
        tree, work = self._arguments(G.shape[1])
        G = readonly(np.ascontiguousarray(G))
        return float(tree_dual(G, *tree, *work, np.empty(G.shape[1])))

    def free_rows(self, n_features):
        return np.full(n_features, self.alpha == 0)

    def _arguments(self, n_tasks: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return what kernels take: parents, owners, strengths; and work space."""
        tree = self._nested(np.arange(n_tasks))
        arrays = [tree.parent, tree.owner, self.alpha * tree.weight]
        return list(map(readonly, arrays)), [np.empty(len(tree.weight)) for _ in "12"]

    def _nested(self, tasks: np.ndarray) -> _Tree:
        if isinstance(self.tree, _Tree):
            return self.tree
        n_tasks = len(tasks)
        if self.tree is None:
            groups = [(frozenset(range(n_tasks)), 1.0)]
        elif is_linkage(self.tree):
            groups = groups_of_linkage(self.tree, n_tasks)
        else:
            groups = groups_of_labels(self.tree, np.asarray(tasks).tolist())
        return _nest(groups, np.asarray(tasks).tolist())


def _is_inside(tree: _Tree, inner: int, outer: int) -> bool:
    while inner not in (outer, -1):
        inner = tree.parent[inner]
    return inner == outer


def is_linkage(tree: Any) -> bool:
    return (
        isinstance(tree, np.ndarray)
        and tree.ndim == 2
        and tree.shape[1] == 4
        and tree.dtype.kind == "f"
    )


def groups_of_linkage(linkage: np.ndarray, n_tasks: int) -> list[Group]:
    if len(linkage) != n_tasks - 1:
        raise ValueError(
            f"TreeGroupL21: the linkage matrix joins {len(linkage) + 1} tasks but "
            f"there are {n_tasks}; its leaves are the tasks in the order of tasks_"
        )
    from scipy.cluster.hierarchy import is_valid_linkage

    if len(linkage) and not (
        is_valid_linkage(linkage) and np.all(np.isfinite(linkage[:, 2]))
    ):
        raise ValueError(
            "TreeGroupL21: tree is not a linkage matrix; pass the result of "
            "scipy.cluster.hierarchy.linkage, or a list of groups of task labels"
        )
    children = linkage[:, :2].astype(int)
    members = [frozenset([t]) for t in range(n_tasks)]
    for left, right in children:
        members.append(members[left] | members[right])
    top = linkage[:, 2].max(initial=0.0)
    above = np.ones(len(members))  # product of s over the larger groups
    weight = above.copy()
    for v in range(len(members) - 1, n_tasks - 1, -1):
        s = linkage[v - n_tasks, 2] / top if top > 0 else 0.0
        weight[v] = above[v] * (1.0 - s)
        above[children[v - n_tasks]] = above[v] * s
    weight[:n_tasks] = above[:n_tasks]
    return [(m, w) for m, w in zip(members, weight.tolist(), strict=True) if w > 0]


def groups_of_labels(tree: Any, labels: list) -> list[Group]:
    if not _is_collection(tree):
        raise TypeError(
            f"TreeGroupL21: tree is {tree!r}; pass a list of groups of task labels, or "
            "a linkage matrix, or the strength by name, alpha="
        )
    position = {label: t for t, label in enumerate(labels)}
    groups = []
    for entry in tree:
        if not _is_collection(entry):
            raise TypeError(
                f"TreeGroupL21: tree has the entry {entry!r}; each must be a list of "
                "task labels or a pair (labels, weight)"
            )
        names, weight = list(entry), 1.0
        if len(names) == 2 and _is_collection(names[0]):
            names, weight = list(names[0]), names[1]
            if not is_number(weight):
                raise TypeError(
                    f"TreeGroupL21: the weight of the group {names} must be a number "
                    f">= 0, got {weight!r}"
                )
            if not (weight >= 0 and np.isfinite(weight)):
                raise ValueError(
                    f"TreeGroupL21: the weight of the group {names} must be finite and "
                    f">= 0, got {weight!r}"
                )
        nested = [name for name in names if _is_collection(name)]
        if nested:
            raise TypeError(
                f"TreeGroupL21: a group in tree holds {nested[0]!r}, which is no task "
                "label; list every group on its own"
            )
        unknown = [name for name in names if name not in position]
        if unknown:
            raise ValueError(
                f"TreeGroupL21: tree names the tasks {unknown[:5]}, which are not "
                f"among the tasks {labels[:5]}{'...' if len(labels) > 5 else ''}"
            )
        members = frozenset(position[name] for name in names)
        if not members or len(members) < len(names):
            raise ValueError(
                f"TreeGroupL21: tree has the group {names}; a group needs at least one "
                "task, and each only once"
            )
        groups.append((members, float(weight)))
    inside = frozenset().union(*(members for members, _ in groups))
    groups += [(frozenset([t]), 1.0) for t in range(len(labels)) if t not in inside]
    covered = frozenset().union(*(members for members, weight in groups if weight > 0))
    if len(covered) < len(labels):
        free = [label for t, label in enumerate(labels) if t not in covered]
        raise ValueError(
            f"TreeGroupL21: the tasks {free[:5]} are in groups of weight 0 only, which "
            "leaves them unpenalised; give one of the groups a positive weight"
        )
    return groups


def _is_collection(entry: Any) -> bool:
    return isinstance(entry, Iterable) and not isinstance(entry, (str, bytes))


def _nest(groups: list[Group], labels: list) -> _Tree:
    """Return the groups as a tree; every task must be in one."""
    groups = sorted(groups, key=lambda group: len(group[0]))
    parent = np.full(len(groups), -1, dtype=np.int64)
    owner = np.full(len(labels), -1, dtype=np.int64)
    around = owner.copy()  # the largest group so far
    for g, (members, _) in enumerate(groups):
        tasks = np.array(sorted(members))
        for inner in np.unique(around[tasks]):
            if inner < 0:
                continue
            if not groups[inner][0] <= members:
                pair = (groups[inner][0], members)
                first, second = ([labels[t] for t in sorted(group)] for group in pair)
                raise ValueError(
                    f"TreeGroupL21: the groups {first} and {second} in tree overlap; "
                    "any two groups must be nested or disjoint"
                )
            parent[inner] = g
        owner[tasks[around[tasks] < 0]] = g
        around[tasks] = g
    return _Tree(parent, owner, np.array([weight for _, weight in groups]))
