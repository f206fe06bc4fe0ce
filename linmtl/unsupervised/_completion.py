"""Masked factorisation of short time series, smooth in time.

With rows x_s (the time points of all sequences of one basis), their observed parts
m_s, weights w_s = 1 / length of the sequence and loadings v_s, a basis U >= 0 and its
loadings minimise

    sum_s w_s/2 (||m_s (x_s - U v_s)||^2 + ridge ||v_s||^2)
        + sum_{s, s+1 in one sequence} w_s/2 smooth ||v_{s+1} - v_s||^2 + l1 sum(U).

Given U the loadings are one banded linear system. What is minimised is the objective
at these loadings, a smooth function of U alone (variable projection): alternating
between U and V took 2 to 35 times as many iterations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import LinAlgError, solveh_banded
from scipy.optimize import OptimizeResult, minimize
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from linmtl.data._checks import check_count, check_flag, check_number, is_number
from linmtl.data._frames import column_named
from linmtl.data._labels import as_task_labels, encode_tasks, is_missing
from linmtl.data._tables import as_table
from linmtl.data._times import refuse_times
from linmtl.data._warn import warn


@dataclass(frozen=True)
class _Rows:
    """The time points of the sequences that share one basis."""

    X: np.ndarray  # (n, d), zero where missing
    observed: np.ndarray  # (n, d), 1.0 or 0.0
    weight: np.ndarray  # (n,), 1 / length of the sequence
    joined: np.ndarray  # (n - 1,), whether a row and the next are of one sequence

    @classmethod
    def of(cls, X: np.ndarray, missing: np.ndarray, codes: np.ndarray) -> _Rows:
        length = np.bincount(codes)[codes]
        return cls(
            np.where(missing, 0.0, X),
            (~missing).astype(np.float64),
            1.0 / length,
            codes[1:] == codes[:-1],
        )


@dataclass(frozen=True)
class _Strengths:
    l1: float
    ridge: float
    smooth: float


@dataclass(frozen=True)
class _Run:
    U: np.ndarray
    V: np.ndarray
    history: list[float]
    violation: float
    converged: bool


def _loadings(rows: _Rows, U: np.ndarray, strength: _Strengths) -> np.ndarray:
    """Return the optimal V (n, r) for a basis U."""
    n, r = len(rows.X), U.shape[1]
    products = (U[:, :, None] * U[:, None, :]).reshape(-1, r * r)
    blocks = (rows.observed @ products).reshape(n, r, r)
    links = np.zeros(n)
    links[:-1] += rows.joined
    links[1:] += rows.joined
    diagonal = np.arange(r)
    blocks[:, diagonal, diagonal] += (strength.ridge + strength.smooth * links)[:, None]
    banded = np.zeros((r + 1, n, r))
    for a in range(r):
        for b in range(a + 1):
            banded[a - b, :, b] = blocks[:, a, b]
    banded[r, :-1] = -strength.smooth * rows.joined[:, None]
    try:
        V = solveh_banded(
            # of a single time point there is no block below the diagonal
            banded.reshape(r + 1, n * r)[: n * r],
            (rows.X @ U).ravel(),
            lower=True,
        )
    except LinAlgError:
        raise ValueError(
            f"alpha_ridge={strength.ridge!r} is lost in rounding beside the data, and "
            "the loadings are not determined; pass a larger alpha_ridge, or scale X"
        ) from None
    return V.reshape(n, r)


def _penalty_of_loadings(
    rows: _Rows, V: np.ndarray, strength: _Strengths
) -> np.ndarray:
    """Return ridge and smoothness of each component, (r,)."""
    steps = np.diff(V, axis=0) ** 2
    tied = rows.weight[:-1] * rows.joined
    return (
        strength.ridge * (rows.weight @ V**2) + strength.smooth * (tied @ steps)
    ) / 2


def _objective(
    rows: _Rows, U: np.ndarray, V: np.ndarray, strength: _Strengths
) -> float:
    residual = rows.observed * (V @ U.T) - rows.X
    fit = np.sum(rows.weight @ residual**2) / 2
    penalty = _penalty_of_loadings(rows, V, strength).sum()
    return float(fit + penalty + strength.l1 * U.sum())


def _balance(
    rows: _Rows, U: np.ndarray, V: np.ndarray, strength: _Strengths
) -> np.ndarray:
    """Return U with every component at the scale that is optimal if V is scaled too.

    s U and V / s fit alike and cost `l1 s sum(U) + c / s^2`, least at an explicit s.
    """
    linear = strength.l1 * U.sum(axis=0)
    square = _penalty_of_loadings(rows, V, strength)
    alive = (linear > 0) & (square > 0)
    scale = np.zeros(U.shape[1])
    scale[alive] = np.cbrt(2 * square[alive] / linear[alive])
    return U * scale


def _slope(
    rows: _Rows, U: np.ndarray, V: np.ndarray, strength: _Strengths
) -> np.ndarray:
    """Return the derivative by U; at optimal loadings V's own part of it vanishes."""
    residual = rows.observed * (V @ U.T) - rows.X
    return residual.T @ (rows.weight[:, None] * V) + strength.l1


def _descend(
    rows: _Rows, U: np.ndarray, strength: _Strengths, tol: float, max_iter: int
) -> _Run:
    """Minimise the objective at optimal loadings over U >= 0, by L-BFGS-B.

    Variables are in units of the largest entry of the start and derivatives in units
    of the l1 strength, so that the stopping rule knows no unit.
    """
    U = _balance(rows, U, _loadings(rows, U, strength), strength)
    unit = U.max() or 1.0
    history: list[float] = []

    def value_and_slope(z: np.ndarray) -> tuple[float, np.ndarray]:
        U_z = unit * z.reshape(U.shape)
        V = _loadings(rows, U_z, strength)
        value = _objective(rows, U_z, V, strength) / (unit * strength.l1)
        if not history:
            history.append(value)
        return value, _slope(rows, U_z, V, strength).ravel() / strength.l1

    def record(intermediate_result: OptimizeResult) -> None:
        history.append(intermediate_result.fun)

    result = minimize(
        value_and_slope,
        U.ravel() / unit,
        method="L-BFGS-B",
        jac=True,
        bounds=[(0.0, None)] * U.size,
        callback=record,
        options={
            "gtol": tol,
            "ftol": 0.0,
            "maxiter": max_iter,
            "maxfun": 20 * max_iter,
        },
    )
    violation = np.abs(result.x - np.maximum(result.x - result.jac, 0.0)).max()
    U = unit * result.x.reshape(U.shape)
    return _Run(
        U,
        _loadings(rows, U, strength),
        [float(unit * strength.l1 * value) for value in history],
        float(violation),
        bool(violation <= tol),
    )


def _spectral_start(
    rows: _Rows, n_components: int, random_state: np.random.RandomState
) -> np.ndarray:
    """Return a basis from the singular vectors of X, means for missing values.

    A singular vector is split into its positive and its negative part; the parts that
    carry most make the basis.
    """
    count = rows.observed.sum(axis=0)
    mean = rows.X.sum(axis=0) / np.maximum(count, 1.0)
    filled = np.where(rows.observed > 0, rows.X, mean)
    _, s, Pt = np.linalg.svd(filled, full_matrices=False)
    # the sign of a singular vector is arbitrary
    Pt *= np.where(Pt.sum(axis=1) < 0, -1.0, 1.0)[:, None]
    parts = np.sqrt(s)[:, None] * np.vstack([[np.maximum(Pt, 0)], [np.maximum(-Pt, 0)]])
    parts = parts.reshape(-1, filled.shape[1])
    size = np.linalg.norm(parts, axis=1)
    keep = np.argsort(-size, kind="stable")[:n_components]
    keep = keep[size[keep] > 1e-8 * size.max()]
    missing = n_components - len(keep)
    if missing:
        extra = _random_start(rows, missing, random_state)
        return np.vstack([parts[keep], extra.T]).T
    return np.ascontiguousarray(parts[keep].T)


def _random_start(
    rows: _Rows, n_components: int, random_state: np.random.RandomState
) -> np.ndarray:
    """Return a basis of uniform random numbers."""
    scale = np.sqrt(np.abs(rows.X).mean())
    shape = (rows.X.shape[1], n_components)
    return scale * random_state.uniform(size=shape)


def _best_run(
    rows: _Rows,
    strength: _Strengths,
    n_components: int,
    n_init: int,
    seed: int,
    tol: float,
    max_iter: int,
) -> _Run:
    """Descend from the spectral start and from random ones, return the lowest run."""
    # the seed belongs to the model: a sequence is completed alike wherever it stands
    random_state = check_random_state(seed)
    starts = [_spectral_start] + [_random_start] * (n_init - 1)
    runs = (
        _descend(rows, start(rows, n_components, random_state), strength, tol, max_iter)
        for start in starts
    )
    return min(runs, key=lambda run: run.history[-1])


def _is_list_of_matrices(X: Any) -> bool:
    if not isinstance(X, (list, tuple)) or len(X) == 0:
        return False
    first = X[0]
    if isinstance(first, (list, tuple)):
        return len(first) > 0 and isinstance(first[0], (list, tuple, np.ndarray))
    return getattr(first, "ndim", None) == 2


@dataclass(frozen=True)
class _Table:
    """Sequences as rows sorted by sequence, and the way back to what was passed."""

    X: np.ndarray
    missing: np.ndarray
    codes: np.ndarray
    labels: np.ndarray  # of the sequences
    order: np.ndarray | None  # the row, as passed, of each row; None for a list

    def of_sequences(self) -> list[np.ndarray]:
        """Return the rows of each sequence."""
        ends = np.cumsum(np.bincount(self.codes))
        return np.split(np.arange(len(self.X)), ends[:-1])

    def group(self, chosen: Any = slice(None)) -> _Rows:
        return _Rows.of(self.X[chosen], self.missing[chosen], self.codes[chosen])


class TemporalMatrixCompletion(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Fill in sparsely observed time series by a factorisation smooth in time.

    Each sequence i is a matrix X_i of features by t_i equally spaced time points of
    which few entries are observed (the visits of a patient, say). It is modelled as
    U_i V_i: few non-negative, sparse groups of features (U_i, the bases) whose
    strengths (V_i, the loadings) change slowly. Minimised is::

        sum_i 1/(2 t_i) (||X_i - U_i V_i||^2 over the observed entries
                         + alpha_ridge ||V_i||_F^2
                         + alpha_smooth sum_s ||V_i[:, s+1] - V_i[:, s]||^2)
            + alpha_l1 sum_i sum(U_i),     U_i >= 0,

    with a basis of its own for every sequence, or with one for all, whose penalty then
    counts once.

    Parameters
    ----------
    n_components : int, default=5
        Number of columns of a basis. The penalties may leave some of them zero.
    shared_basis : bool, default=False
        Whether all sequences have the same basis. It lets sequences with few
        observations borrow from the others, and is what `transform` then applies.
    alpha_l1 : float, default=0.01
        Strength of the sum of the bases, > 0. It makes them sparse.
    alpha_ridge : float, default=0.1
        Strength of the squared loadings, > 0.
    alpha_smooth : float, default=0.5
        Strength of the squared steps of the loadings in time, >= 0.
    missing_values : float, default=nan
        What marks an entry as not observed. With 0, X may be sparse.
    keep_observed : bool, default=True
        Whether `transform` keeps the observed entries and fills in only the others.
        ``False`` gives the fitted U_i V_i throughout.
    n_init : int, default=1
        Number of starts, the best of which counts. The first is made from singular
        vectors, the others are random.
    max_iter : int, default=1000
        Most iterations for one start.
    tol : float, default=1e-4
        Stop when the conditions of a stationary point hold to within this part of
        ``alpha_l1``.
    random_state : int, RandomState instance or None, default=None
        Seed of random starts. The first start needs it only where there are more
        components than the data have directions.

    Attributes
    ----------
    bases_ : ndarray of shape (n_sequences, n_features, n_components)
        The basis of each sequence, or with ``shared_basis`` the one basis, of shape
        (n_features, n_components).
    loadings_ : list of ndarray of shape (n_components, n_times)
        The loadings of each sequence.
    tasks_ : ndarray of shape (n_sequences,)
        The labels of the sequences, sorted; positions for a list.
    objective_ : float
        The objective.
    history_ : ndarray
        The objective at the start and after each iteration (with individual bases
        the sum over the sequences, each at its last value once it has ended). It
        never goes up.
    stationarity_ : float
        The largest entry of the projected gradient, as a part of ``alpha_l1`` (bases
        in units of the largest entry of their start): zero at a stationary point.
    converged_ : bool
        Whether all runs met ``tol``.
    n_iter_ : int
        Number of iterations, the most over the sequences.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X. Only if X is a DataFrame with string names.

    Raises
    ------
    ValueError
        If a parameter is wrong, if the matrices of a list have different numbers of
        features, or if a model fitted on several sequences gets a table without tasks.

    See Also
    --------
    sklearn.impute.KNNImputer : Fills in a table whose rows have no order.

    Notes
    -----
    The problem is not convex. The loadings are always the best for their basis (one
    banded linear system), and the basis is moved by L-BFGS-B; the result is a
    stationary point that depends on the start.

    Both ``alpha_l1`` and ``alpha_ridge`` must be positive: without one of them the
    other's term could be scaled away. All strengths are on the scale of X; features of
    similar scale, for instance after
    :class:`~sklearn.preprocessing.StandardScaler`, which leaves NaN alone, are treated
    alike. There is no intercept.

    With individual bases a sequence is completed by itself alone, and `transform`
    solves for its basis and loadings anew. A feature that is never observed is filled
    in with 0.

    References
    ----------
    .. [1] J. Zhou, F. Wang, J. Hu, J. Ye. From micro to macro: data driven phenotyping
       by densification of longitudinal electronic medical records. KDD 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.unsupervised import TemporalMatrixCompletion
    >>> rng = np.random.default_rng(0)
    >>> groups = np.repeat(np.eye(2), 4, axis=0)  # two groups of four features
    >>> times = [np.arange(20), np.arange(25)]
    >>> dense = [groups @ np.array([3 + np.cos(t / 5), t / 10]) for t in times]
    >>> sparse = [np.where(rng.random(X.shape) < 0.3, X, np.nan) for X in dense]
    >>> model = TemporalMatrixCompletion(
    ...     2, shared_basis=True, alpha_ridge=0.01, alpha_smooth=1.0
    ... )
    >>> filled = model.fit_transform(sparse)
    >>> bool(max(np.abs(a - b).max() for a, b in zip(filled, dense)) < 0.5)
    True
    >>> model.bases_.shape
    (8, 2)
    """

    bases_: np.ndarray
    loadings_: list[np.ndarray]
    tasks_: np.ndarray
    objective_: float
    history_: np.ndarray
    stationarity_: float
    converged_: bool
    n_iter_: int

    def __init__(
        self,
        n_components: int = 5,
        *,
        shared_basis: bool = False,
        alpha_l1: float = 0.01,
        alpha_ridge: float = 0.1,
        alpha_smooth: float = 0.5,
        missing_values: float = np.nan,
        keep_observed: bool = True,
        n_init: int = 1,
        max_iter: int = 1000,
        tol: float = 1e-4,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_components = n_components
        self.shared_basis = shared_basis
        self.alpha_l1 = alpha_l1
        self.alpha_ridge = alpha_ridge
        self.alpha_smooth = alpha_smooth
        self.missing_values = missing_values
        self.keep_observed = keep_observed
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def fit(
        self,
        X: Sequence[ArrayLike] | ArrayLike,
        y: Any = None,
        tasks: ArrayLike | None = None,
    ) -> Self:
        """Factorise the observed entries.

        Parameters
        ----------
        X : list of array-like of shape (n_features, n_times), or array-like of shape \
(n_rows, n_features)
            One matrix per sequence, **features in rows**, time in columns; or a table
            with one row per sequence and time point.
        y : None
            Ignored.
        tasks : array-like of shape (n_rows,), default=None
            The sequence of each row of a table; the rows of a sequence are in the
            order of time. ``None`` takes a table for one sequence.

        Returns
        -------
        self : TemporalMatrixCompletion
            The fitted estimator.
        """
        self._fit(X, tasks)
        return self

    def fit_transform(
        self,
        X: Sequence[ArrayLike] | ArrayLike,
        y: Any = None,
        tasks: ArrayLike | None = None,
    ) -> list[np.ndarray] | np.ndarray:
        """Factorise the observed entries and fill in the others.

        Parameters
        ----------
        X : list of array-like of shape (n_features, n_times), or array-like of shape \
(n_rows, n_features)
            One matrix per sequence, features in rows; or a table.
        y : None
            Ignored.
        tasks : array-like of shape (n_rows,), default=None
            The sequence of each row of a table.

        Returns
        -------
        X_out : list of ndarray of shape (n_features, n_times), or ndarray of shape \
(n_rows, n_features)
            X in the form in which it was passed, without missing entries.
        """
        return self._filled(*self._fit(X, tasks))

    def transform(
        self, X: Sequence[ArrayLike] | ArrayLike, tasks: ArrayLike | None = None
    ) -> list[np.ndarray] | np.ndarray:
        """Fill in the missing entries of sequences, seen in fit or new.

        With a shared basis only the loadings are computed; individual bases are
        computed anew for every sequence.

        Parameters
        ----------
        X : list of array-like of shape (n_features, n_times), or array-like of shape \
(n_rows, n_features)
            One matrix per sequence, features in rows; or a table.
        tasks : array-like of shape (n_rows,), default=None
            The sequence of each row of a table; any labels.

        Returns
        -------
        X_out : list of ndarray of shape (n_features, n_times), or ndarray of shape \
(n_rows, n_features)
            X in the form in which it was passed, without missing entries.
        """
        check_is_fitted(self)
        table, single = self._read(X, tasks, reset=False)
        if single and not self._single:
            raise ValueError(
                f"{type(self).__name__} was fitted on several sequences; pass tasks= "
                "with one label per row, or a list of matrices"
            )
        strength = self._strengths()
        if self.shared_basis:
            U = self.bases_
            return self._filled(table, _loadings(table.group(), U, strength) @ U.T)
        runs = [self._run(table.group(rows)) for rows in table.of_sequences()]
        self._warn(runs)
        return self._filled(table, np.vstack([run.V @ run.U.T for run in runs]))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = is_missing(self.missing_values)
        tags.input_tags.sparse = self.missing_values == 0
        return tags

    def _fit(self, X: Any, tasks: Any) -> tuple[_Table, np.ndarray]:
        self._check()
        table, single = self._read(X, tasks, reset=True)
        self._single = single
        self._seed = check_random_state(self.random_state).randint(2**31 - 1)
        sequences = table.of_sequences()
        groups = [slice(None)] if self.shared_basis else sequences
        runs = [self._run(table.group(rows)) for rows in groups]
        V = np.vstack([run.V for run in runs])
        self.bases_ = runs[0].U if self.shared_basis else np.array([r.U for r in runs])
        self.loadings_ = [np.ascontiguousarray(V[rows].T) for rows in sequences]
        self.tasks_ = table.labels
        self.n_iter_ = max(1, max(len(run.history) for run in runs) - 1)
        self.history_ = np.sum(
            [
                np.pad(r.history, (0, self.n_iter_ + 1 - len(r.history)), "edge")
                for r in runs
            ],
            axis=0,
        )
        self.objective_ = float(self.history_[-1])
        self.stationarity_ = max(run.violation for run in runs)
        self.converged_ = all(run.converged for run in runs)
        self._warn(runs)
        return table, np.vstack([run.V @ run.U.T for run in runs])

    def _strengths(self) -> _Strengths:
        return _Strengths(
            float(self.alpha_l1), float(self.alpha_ridge), float(self.alpha_smooth)
        )

    def _run(self, rows: _Rows) -> _Run:
        return _best_run(
            rows,
            self._strengths(),
            self.n_components,
            self.n_init,
            self._seed,
            self.tol,
            self.max_iter,
        )

    def _warn(self, runs: list[_Run]) -> None:
        late = [run for run in runs if not run.converged]
        if late:
            worst = max(run.violation for run in late)
            of = "" if len(runs) == 1 else f" for {len(late)} of {len(runs)} sequences"
            warn(
                f"{type(self).__name__} did not converge in max_iter={self.max_iter} "
                f"iterations{of}: the conditions of a stationary point are violated "
                f"by {worst:.2g} alpha_l1 where tol={self.tol} is asked for; raise "
                "max_iter or tol",
                ConvergenceWarning,
            )

    def _filled(
        self, table: _Table, fitted: np.ndarray
    ) -> list[np.ndarray] | np.ndarray:
        if self.keep_observed:
            fitted = np.where(table.missing, fitted, table.X)
        if table.order is None:
            return [
                np.ascontiguousarray(fitted[rows].T) for rows in table.of_sequences()
            ]
        out = np.empty_like(fitted)
        out[table.order] = fitted
        return out

    def _read(self, X: Any, tasks: Any, reset: bool) -> tuple[_Table, bool]:
        """Return the sorted table, and whether it was passed as one sequence."""
        nan = is_missing(self.missing_values)
        options: dict[str, Any] = {
            "dtype": np.float64,
            "ensure_all_finite": "allow-nan" if nan else True,
            "accept_sparse": "csr" if self.missing_values == 0 else False,
        }
        listed = _is_list_of_matrices(X)
        labels = None
        if listed:
            if tasks is not None:
                raise ValueError(
                    "tasks was passed with a list of matrices; each matrix is one "
                    "sequence: drop tasks, or pass one table"
                )
            X, labels = self._stack(X, options)
        X = as_table(X)
        with column_named(X):
            X = validate_data(self, X, reset=reset, **options)
        X = X.toarray() if hasattr(X, "toarray") else X
        if tasks is not None:
            labels = as_task_labels(tasks, X.shape[0])
        single = labels is None
        if single:
            labels = np.zeros(X.shape[0], dtype=np.int64)
        names, codes = encode_tasks(labels)
        order = np.argsort(codes, kind="stable")
        X, codes = X[order], codes[order]
        missing = np.isnan(X) if nan else np.equal(X, self.missing_values)
        return _Table(X, missing, codes, names, None if listed else order), single

    def _stack(self, matrices: Any, options: Any) -> tuple[np.ndarray, np.ndarray]:
        checked = []
        for i, matrix in enumerate(matrices):
            refuse_times(matrix, f"matrix {i} of X")
            matrix = check_array(
                matrix, estimator=self, input_name=f"Matrix {i} of X", **options
            )
            checked.append(matrix.toarray() if hasattr(matrix, "toarray") else matrix)
        sizes = [len(matrix) for matrix in checked]
        if len(set(sizes)) > 1:
            i = next(i for i, size in enumerate(sizes) if size != sizes[0])
            raise ValueError(
                f"the matrices of X have different numbers of rows: {sizes[0]} in "
                f"matrix 0, {sizes[i]} in matrix {i}; pass each as (n_features, "
                "n_times), features in rows"
            )
        labels = np.repeat(np.arange(len(checked)), [m.shape[1] for m in checked])
        return np.vstack([matrix.T for matrix in checked]), labels

    def _check(self) -> None:
        """Check the parameters."""
        name = type(self).__name__
        for parameter in ("n_components", "n_init", "max_iter"):
            check_count(f"{name}: {parameter}", getattr(self, parameter))
        for parameter in ("shared_basis", "keep_observed"):
            check_flag(f"{name}: {parameter}", getattr(self, parameter))
        check_number(f"{name}: tol", self.tol, 0.0, 1.0)
        check_number(f"{name}: alpha_smooth", self.alpha_smooth, 0.0)
        for parameter in ("alpha_l1", "alpha_ridge"):
            value = getattr(self, parameter)
            if check_number(f"{name}: {parameter}", value, 0.0) == 0:
                raise ValueError(
                    f"{name}: {parameter} must be > 0, got 0: the scale between bases "
                    "and loadings is free without it; pass a small number"
                )
        value = self.missing_values
        if not is_number(value) or np.isinf(value):
            raise ValueError(
                f"{name}: missing_values must be nan or a finite number, got {value!r}"
            )
