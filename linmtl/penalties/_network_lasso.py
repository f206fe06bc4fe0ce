"""Network lasso: tasks joined by an edge become identical, which gives clusters."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from linmtl.data._classes import ClassColumns
from linmtl.penalties._base import DualTerms, Penalty
from linmtl.penalties._edges import Edges
from linmtl.penalties._quadratic import adjacency_of


class NetworkLasso(Penalty):
    """``alpha * sum_{i<j} a_ij ||w_i - w_j||_2`` over the edges of a task graph.

    A sum of norms, not of squares: tasks joined by an edge become identical where that
    costs little, and the graph falls into clusters of tasks with one model each.

    Parameters
    ----------
    graph : array-like or sparse matrix of shape (n_tasks, n_tasks), DataFrame, \
networkx graph or None, default=None
        Symmetric adjacency a_ij >= 0 between tasks; its diagonal is ignored. An array
        follows the order of ``tasks_``; a DataFrame or a networkx graph (edge
        attribute ``weight``, 1 where there is none) goes by task label, and may have
        more tasks than those fitted. None is the complete graph with weights
        1 / n_tasks.
    alpha : float, default=1.0
        Strength, >= 0.

    See Also
    --------
    GraphLaplacian : Squares of the differences: tasks are alike, never identical.
    Clustered : A number of clusters, and no graph.

    Notes
    -----
    Tasks that are likely to be alike need strong edges: with equal weights on all
    pairs, differences shrink long before clusters form.

    A shift of all tasks of a connected component costs nothing: as alpha grows, the
    solution is one model for each component, not zero. `alpha_max` is infinite; grids
    of strengths start where all tasks of a component agree.

    A fitted estimator has ``labels_``, (n_tasks,), the cluster of each task in order
    of first appearance: tasks with equal coefficients along the edges of the graph. Of
    more than two classes (n_tasks, n_classes), of each class by itself, -1 where a task
    does not have it.

    References
    ----------
    Hallac, Leskovec, Boyd (2015), Network lasso: clustering and optimization in large
    graphs.
    Sun, Toh, Yuan (2021), Convex clustering: model, theoretical guarantee and efficient
    algorithm.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import NetworkLasso
    >>> chain = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]])
    >>> float(NetworkLasso(chain, alpha=0.5).value(np.array([[1.0, 2.0, 4.0]])))
    1.5
    """

    takes_classes: ClassVar[bool] = True
    edges: Edges | None = None  # of a penalty that is bound to tasks
    classes: ClassColumns | None = None  # whose columns the edges join

    def __init__(self, graph: Any = None, alpha: float = 1.0):
        self.graph = graph
        self.alpha = alpha

    def check(self, n_features, tasks):
        super().check(n_features, tasks)
        adjacency_of(self.graph, tasks, type(self).__name__)

    def bind(self, tasks):
        adjacency = adjacency_of(self.graph, tasks, type(self).__name__)
        bound = NetworkLasso(adjacency, self.alpha)
        bound.edges, bound.classes = Edges(adjacency, len(tasks)), self.classes
        return bound

    def of_classes(self, classes):
        """Return the penalty whose edges join the columns of each class."""
        adjacency: Any = adjacency_of(self.graph, classes.tasks, type(self).__name__)
        alike = sparse.csr_array(classes.code[:, None] == classes.code, dtype=float)
        if adjacency is None:  # all pairs of tasks
            joined = alike / len(classes.tasks)
        else:
            joined = alike.multiply(adjacency[classes.task][:, classes.task])
        out = NetworkLasso(sparse.csr_array(joined), self.alpha)
        out.classes = classes
        return out

    def _network(self, n_tasks: int) -> Edges:
        """Return the edges; those of a bound penalty carry what is known of flows."""
        if self.edges is not None:
            return self.edges
        adjacency = adjacency_of(self.graph, np.arange(n_tasks), type(self).__name__)
        return Edges(adjacency, n_tasks)

    def value(self, W):
        return self.alpha * self._network(W.shape[1]).length(W)

    def prox(self, V, step, out):
        edges = self._network(V.shape[1])
        strength = float(step) * self.alpha
        Wt, edges.flow = edges.shrink(V, strength, edges.flow)
        out[...] = Wt.T
        return self.alpha * edges.length(out)

    def prox_naive(self, V, step):
        # alternating directions on W and the differences Z along the edges
        edges = self._network(V.shape[1])
        B = edges.incidence.toarray()
        strength = step * self.alpha * edges.weight
        inverse = np.linalg.inv(np.eye(V.shape[1]) + B @ B.T)
        W, Z = V.copy(), V @ B
        U = np.zeros_like(Z)
        for _ in range(100_000):
            before = W
            W = (V + (Z - U) @ B.T) @ inverse
            Z = W @ B + U
            size = np.linalg.norm(Z, axis=0)
            Z = Z * np.maximum(1.0 - strength / np.maximum(size, 1e-300), 0.0)
            U += W @ B - Z
            move = max(np.abs(W - before).max(), np.abs(W @ B - Z).max(initial=0.0))
            if move <= 1e-15 * np.abs(V).max():
                break
        return W

    def dual_norm(self, G):
        """Return the smallest s for which G is the net of a flow within s times alpha.

        Infinite where the columns of G do not sum to zero over each component.
        """
        edges = self._network(G.shape[1])
        sums = edges.component_sums(G)
        if np.abs(sums).max(initial=0.0) > 1e-9 * np.abs(G).sum(axis=1).max(initial=0):
            return np.inf
        return edges.dual_norm(G) / self.alpha

    def dual_terms(self, D):
        """Return the conjugate at the multiples of D, whose columns sum to zero."""
        return DualTerms(norm=self._network(D.shape[1]).certify(D, self.alpha))

    def alpha_max(self, G0):
        return np.inf

    def free_rows(self, n_features):
        joins_nothing = self.edges is not None and self.edges.n_edges == 0
        return np.full(n_features, self.alpha == 0 or joins_nothing)

    def null_form(self, n_tasks):
        return self._network(n_tasks).potential

    def fitted_attributes(self, W, parts, tasks):
        labels = self._network(W.shape[1]).clusters(W)
        if self.classes is not None:
            code, task = self.classes.code, self.classes.task
            by_class = np.full((len(self.classes.tasks), self.classes.classes.size), -1)
            for k in np.unique(code):
                own = np.unique(labels[code == k], return_inverse=True)[1]
                by_class[task[code == k], k] = own
            labels = by_class
        return {"labels_": labels}
