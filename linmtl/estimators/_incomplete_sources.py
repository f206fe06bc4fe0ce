"""Data of several sources, of which rows lack some: one task per pattern (iMSF)."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from linmtl.data._frames import column_named
from linmtl.data._labels import some
from linmtl.data._tables import as_table
from linmtl.data._weights import read_sample_weight
from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._docs import chosen, estimator, parameters
from linmtl.estimators._l21 import (
    L21Classifier,
    L21ClassifierCV,
    L21Regressor,
    L21RegressorCV,
)

_OWN = {
    "squared": "sum_p lambda_p / S_p * sum_{i in p} s_i (y_i - x_i . w_p - b_p)^2 / 2",
    "logistic": (
        "sum_p lambda_p / S_p * sum_{i in p} s_i log(1 + exp(-y_i (x_i . w_p + b_p)))"
    ),
    "squared_symbols": "",
    "logistic_symbols": "y_i is +1 for ``classes_[1]`` and -1 for ``classes_[0]``.",
    "parameters": f"""\
fit_intercept : bool, default=True
    Whether each pattern has an intercept, which is never penalised.
task_weight : None, "n_samples", dict or array-like of shape (n_patterns,), \
default="n_samples"
    Weight lambda_p of each pattern's mean loss: proportional to the sum of its sample
    weights (mean 1), so that every row counts the same; None for 1 each; or given by
    the names in ``tasks_``, or in their order.
handle_unknown : {{"error", "subset"}}, default="error"
    What to do when predicting for a row whose sources were not seen together in fit:
    raise an error that names them, or use the model of fewer sources, all of which the
    row has: of those with the most sources the one fitted on the most rows.
solver : {{"auto", "apg", "working_set", "prox_newton"}}, default="auto"
    As for `L21Regressor`.
{chosen("parameters", "max_iter", "tol")}
warm_start : bool, default=False
    Start from the last solution, matched by pattern.
{chosen("parameters", "verbose")}""",
    "attributes": f"""\
coef_ : ndarray of shape (n_patterns, n_features)
    Coefficients; zero for the sources that a pattern lacks.
intercept_ : ndarray of shape (n_patterns,)
    Intercepts.
tasks_ : ndarray of shape (n_patterns,)
    Names of the patterns, such as "mri+pet".
task_weight_ : ndarray of shape (n_patterns,)
    Weight of each pattern's mean loss in the objective.
{chosen("attributes", "objective_", "dual_gap_")}
gap_history_ : ndarray of shape (n_certificates, 2)
    Iteration and duality gap at each certificate.
{chosen("attributes", "tol_", "converged_", "n_iter_", "solver_")}
n_features_in_ : int
    Number of columns of X in fit.
{chosen("attributes", "feature_names_in_")}""",
    "cv": """\
Every pattern is in every training part; one with fewer rows than folds is always
in training. A strength is judged by the mean over the patterns, weighted by
``task_weight``, of the held-out loss. In what follows a task is a pattern.""",
}


@parameters
class _IncompleteSources(BaseEstimator):
    """Minimises::

        {loss}
            + alpha * sum_j ||W_j||_2

    over w_p for the patterns p of sources that occur, W_j holding feature j of the
    patterns that have it, sample weights s_i with the sum S_p over a pattern, and
    pattern weights lambda_p. Each row is predicted from the sources that it has,
    nothing is imputed, and the patterns choose features together.
    {symbols}

    Parameters
    ----------
    alpha : float, default={alpha}
        Strength, >= 0.
    sources : array-like of shape (n_features,) or list of lists, default=None
        The source of each feature: one label (string or number) per column of X, or the
        columns of each source, by position or name, every column in exactly one. None
        takes columns that are missing in the same rows of X for a source.

    Attributes
    ----------
    patterns_ : ndarray of bool of shape (n_patterns, n_sources)
        The sources that each pattern has, the most complete first.
    sources_ : ndarray of shape (n_sources,)
        Labels of the sources, the columns of ``patterns_``; numbers for lists of
        columns, and where they were found in X.
    feature_source_ : ndarray of shape (n_features,)
        The source of each column of X, a position in ``sources_``.

    See Also
    --------
    {other} : The same for {other_kind}.
    {name}CV : With ``alpha`` chosen by cross-validation.
    L21{kind} : Tasks that are given.

    Notes
    -----
    Where no value is missing this is the lasso. Standardise the columns first
    (scikit-learn's ``StandardScaler`` leaves NaN as it is): they are penalised alike.
    In cross-validation a training part may lack a pattern: use
    ``handle_unknown="subset"``, or the estimators that choose ``alpha`` themselves,
    whose folds are drawn within patterns.

    MALSAR has it as iMSF.

    References
    ----------
    Yuan, Wang, Thompson, Narayan, Ye (2012), Multi-source feature learning for joint
    analysis of incomplete multiple heterogeneous neuroimaging data.
    """

    # A column that a task lacks, filled with zeros, has the coefficient zero, and the
    # norm of its row is that over the tasks that have it: an L21 model does it all.
    fit_intercept: bool = True
    task_weight: Mapping[Any, float] | ArrayLike | None = "n_samples"
    handle_unknown: Literal["error", "subset"] = "error"
    solver: str = "auto"
    max_iter: int = 10_000
    tol: float = 1e-4
    warm_start: bool = False
    verbose: int = 0

    _texts = _OWN
    _kind: ClassVar[type[MultiTaskModel]]
    _losses: ClassVar[tuple[str, ...]]
    _classify: ClassVar[bool]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.target_tags.required = True
        return tags

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        tasks: None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Fit the models of all patterns of sources together.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Samples. A row has NaN in all columns of a source, or in none.
        y : array-like of shape (n_samples,)
            Targets, or labels of classes.
        tasks : None
            Not allowed: the tasks are the patterns of sources.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument or a parameter is not allowed; the message says why.
        """
        self._refuse(tasks)
        name = type(self).__name__
        if self.handle_unknown not in ("error", "subset"):
            raise ValueError(
                f"{name}: handle_unknown must be 'error' or 'subset', got "
                f"{self.handle_unknown!r}"
            )
        X, target = self._validated(X, y=y, y_numeric=not self._classify)
        weight = read_sample_weight(sample_weight, target.shape)
        missing = np.isnan(X)
        self.sources_, self.feature_source_ = _read_sources(self, missing)
        available = self._available(missing)
        used = weight > 0  # a row without weight makes no pattern
        if not used.any():
            raise ValueError("sample_weight must not be all zero")
        code = np.zeros(len(target), dtype=int)  # of the others it does not matter
        patterns, code[used], size = _patterns(available[used])
        labels = _names(patterns, self.sources_)
        model = self._model(labels)
        X = np.where(missing, 0.0, X).astype(X.dtype, copy=False)
        model.fit(X, target, labels[code], weight)
        self._fitted, self._size = model, size
        self.patterns_ = patterns
        ours = {"n_features_in_", "feature_names_in_"}
        for key, value in vars(model).items():
            if key.endswith("_") and not key.startswith("_") and key not in ours:
                setattr(self, key, value)
        return self

    def _refuse(self, tasks):
        if tasks is not None:
            raise ValueError(
                f"{type(self).__name__}: tasks was passed, but the tasks are the "
                "patterns of sources that rows have; drop it (weights are "
                "sample_weight=)"
            )

    def _validated(self, X, **options) -> Any:
        options |= {"dtype": [np.float64, np.float32], "ensure_all_finite": "allow-nan"}
        X = as_table(X)
        with column_named(X):
            return validate_data(self, X, **options)

    def _model(self, labels):
        """Return the model of the tasks, the last one for a warm start."""
        apart = {"sources", "handle_unknown"}
        names = [n for n in self.get_params(deep=False) if n not in apart]
        given = {name: getattr(self, name) for name in names}
        model = self._kind()
        if self.warm_start and hasattr(self, "_fitted"):
            model = self._fitted
        return model.set_params(**given, task_order=labels)

    def _available(self, missing):
        """Return the sources that each row has, (n_samples, n_sources)."""
        n_sources = len(self.sources_)
        size = np.bincount(self.feature_source_, minlength=n_sources)
        member = np.eye(n_sources, dtype=int)[self.feature_source_]
        lacking = missing.astype(int) @ member
        partly = np.argwhere((lacking > 0) & (lacking < size))
        if partly.size:
            row, source = partly[0].tolist()
            columns = np.flatnonzero(missing[row] & (self.feature_source_ == source))
            raise ValueError(
                f"row {row} of X lacks a part of the source "
                f"{some(self.sources_[[source]])}: the columns {some(columns)} "
                f"({len(partly)} such cases); a source is there as a whole or not at "
                "all: impute single values, or say by sources= which columns belong "
                "together"
            )
        available = lacking == 0
        empty = np.flatnonzero(~available.any(axis=1))
        if empty.size:
            raise ValueError(
                f"the rows {some(empty)} of X have no source at all; drop them"
            )
        return available

    def _answer(self, X, method):
        """Return what `method` of the model gives for each row."""
        check_is_fitted(self)
        X = self._validated(X, reset=False)
        missing = np.isnan(X)
        patterns, code, _ = _patterns(self._available(missing))
        which = np.array([self._choose(pattern) for pattern in patterns])
        X = np.where(missing, 0.0, X).astype(X.dtype, copy=False)
        return getattr(self._fitted, method)(X, self._fitted.tasks_[which[code]])

    def _choose(self, pattern):
        """Return the position of the fitted pattern to predict this one with."""
        same = np.flatnonzero((self.patterns_ == pattern).all(axis=1))
        if same.size:
            return same[0]
        labels = some(self.sources_[pattern], 10)
        if self.handle_unknown != "subset":
            raise ValueError(
                f"X has rows with exactly the sources {labels}, which "
                f"{type(self).__name__} has not seen together in fit; set "
                "handle_unknown='subset' to predict them from fewer sources"
            )
        within = np.flatnonzero(~(self.patterns_ & ~pattern).any(axis=1))
        if not within.size:
            raise ValueError(
                f"X has rows with exactly the sources {labels}, and no pattern of "
                "sources seen in fit is a part of these"
            )
        rank = [(self.patterns_[p].sum(), self._size[p]) for p in within]
        return within[max(range(len(rank)), key=rank.__getitem__)]


class _Regressor(RegressorMixin, _IncompleteSources):
    _losses = ("squared",)
    _classify = False

    def predict(self, X: Any) -> np.ndarray:
        """Predict the target of each row from the sources that it has.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Samples; NaN for the sources that a row lacks.

        Returns
        -------
        ndarray of shape (n_samples,)
            One prediction per row.
        """
        return self._answer(X, "predict")

    def score(
        self,
        X: Any,
        y: ArrayLike,
        tasks: None = None,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Return R^2 of the predictions.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Samples; NaN for the sources that a row lacks.
        y : array-like of shape (n_samples,)
            True targets.
        tasks : None
            Not allowed.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights.

        Returns
        -------
        float
            The score, 1 at best.
        """
        self._refuse(tasks)
        return super().score(X, y, sample_weight)


class _Classifier(ClassifierMixin, _IncompleteSources):
    _losses = ("logistic",)
    _classify = True

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the linear predictor, positive for ``classes_[1]``.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Samples; NaN for the sources that a row lacks.

        Returns
        -------
        ndarray of shape (n_samples,)
            One value per row.
        """
        return self._answer(X, "decision_function")

    def predict(self, X: Any) -> np.ndarray:
        """Predict the class of each row from the sources that it has.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Samples; NaN for the sources that a row lacks.

        Returns
        -------
        ndarray of shape (n_samples,)
            Class labels.
        """
        return self._answer(X, "predict")

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Samples; NaN for the sources that a row lacks.

        Returns
        -------
        ndarray of shape (n_samples, 2)
            One column per class, in the order of ``classes_``.
        """
        return self._answer(X, "predict_proba")

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Samples; NaN for the sources that a row lacks.

        Returns
        -------
        ndarray of shape (n_samples, 2)
            One column per class, in the order of ``classes_``.
        """
        return self._answer(X, "predict_log_proba")

    def score(
        self,
        X: Any,
        y: ArrayLike,
        tasks: None = None,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Return the accuracy of the predictions.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Samples; NaN for the sources that a row lacks.
        y : array-like of shape (n_samples,)
            True labels.
        tasks : None
            Not allowed.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights.

        Returns
        -------
        float
            The score, 1 at best.
        """
        self._refuse(tasks)
        return super().score(X, y, sample_weight)


@parameters
class _CrossValidated(_IncompleteSources):
    alphas: int | ArrayLike = 100
    eps: float = 1e-3
    cv: Any = 5
    criterion: Literal["aic", "bic", "gcv"] | None = None
    selection: Literal["min", "1se"] = "min"
    scoring: str | Callable[..., Any] | None = None
    scale_features: bool | Literal["auto"] = "auto"
    n_jobs: int | None = None


@estimator
class IncompleteSourcesRegressor(_Regressor):
    """Regression on several sources of features, of which rows may lack some.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from linmtl import IncompleteSourcesRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(90, 5))
    >>> y = X[:, 0] - X[:, 3]
    >>> X[:30, :2] = np.nan  # these rows lack the first source
    >>> X[30:60, 2:] = np.nan  # and these the second
    >>> scale = StandardScaler()  # leaves NaN as it is
    >>> model = make_pipeline(scale, IncompleteSourcesRegressor(alpha=0.01)).fit(X, y)
    >>> model[-1].patterns_
    array([[ True,  True],
           [ True, False],
           [False,  True]])
    >>> model.predict(X).shape
    (90,)
    """

    _kind = L21Regressor

    alpha: float = 1.0
    sources: Any = None


@estimator
class IncompleteSourcesClassifier(_Classifier):
    """Logistic regression on several sources of features, of which rows may lack some.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl import IncompleteSourcesClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(90, 5))
    >>> y = X[:, 0] > X[:, 3]
    >>> X[:30, :2] = np.nan
    >>> X[30:60, 2:] = np.nan
    >>> sources = ["mri", "mri", "pet", "pet", "pet"]
    >>> model = IncompleteSourcesClassifier(sources=sources).fit(X, y)
    >>> model.tasks_.tolist()
    ['mri+pet', 'mri', 'pet']
    >>> model.predict_proba(X).shape
    (90, 2)
    """

    _kind = L21Classifier

    alpha: float = 0.01
    sources: Any = None


@estimator
class IncompleteSourcesRegressorCV(_CrossValidated, _Regressor):
    """`IncompleteSourcesRegressor` with ``alpha`` chosen by cross-validation.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl import IncompleteSourcesRegressorCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(90, 5))
    >>> y = X[:, 0] - X[:, 3] + 0.1 * rng.normal(size=90)
    >>> X[:30, :2] = np.nan
    >>> model = IncompleteSourcesRegressorCV(alphas=5).fit(X, y)
    >>> model.mse_path_.shape
    (5, 5)
    """

    _kind = L21RegressorCV

    sources: Any = None


@estimator
class IncompleteSourcesClassifierCV(_CrossValidated, _Classifier):
    """`IncompleteSourcesClassifier` with ``alpha`` chosen by cross-validation.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl import IncompleteSourcesClassifierCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(90, 5))
    >>> y = X[:, 0] > X[:, 3]
    >>> X[:30, :2] = np.nan
    >>> model = IncompleteSourcesClassifierCV(alphas=5).fit(X, y)
    >>> model.scores_path_.shape
    (5, 5)
    """

    _kind = L21ClassifierCV

    sources: Any = None


# --- sources and patterns ----------------------------------------------------------


def _patterns(available: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distinct rows, most complete first, and code and number of each."""
    patterns, code, size = np.unique(
        available, axis=0, return_inverse=True, return_counts=True
    )
    order = np.lexsort((*~patterns.T[::-1], -patterns.sum(axis=1)))
    position = np.argsort(order)
    return patterns[order], position[code.ravel()], size[order]


def _names(patterns: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Return a name for each pattern, of the labels of its sources."""
    names = ["+".join(map(str, sources[pattern])) for pattern in patterns]
    if len(set(names)) < len(names):  # a label has a plus sign in it
        names = [f"{p}: {name}" for p, name in enumerate(names)]
    return np.array(names)


def _read_sources(estimator, missing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the labels of the sources and the position of that of each column."""
    name, sources = type(estimator).__name__, estimator.sources
    n_features = missing.shape[1]
    if sources is None:
        _, first, code = np.unique(
            missing, axis=1, return_index=True, return_inverse=True
        )
        code = np.argsort(np.argsort(first))[code.ravel()]
        return np.arange(len(first)), code
    if isinstance(sources, (str, bytes)) or not isinstance(sources, Iterable):
        raise TypeError(
            f"{name}: sources must be one label per column of X or lists of columns, "
            f"got {sources!r}"
        )
    sources = list(sources)
    nested = [not isinstance(s, (str, bytes)) and np.ndim(s) == 1 for s in sources]
    if any(nested):
        if not all(nested):
            raise ValueError(
                f"{name}: sources has lists of columns beside other values; pass lists "
                "only, or one label per column of X"
            )
        return np.arange(len(sources)), _by_columns(estimator, sources, n_features)
    labels = np.array(sources)
    if labels.shape != (n_features,):
        raise ValueError(
            f"{name}: sources has {len(sources)} labels but X has {n_features} "
            "columns; pass one label per column, or lists of columns"
        )
    if labels.dtype.kind not in "biufU" or np.any(labels != labels):  # NaN
        raise ValueError(
            f"{name}: the labels in sources must be all strings or all numbers, none "
            "of them missing"
        )
    return np.unique(labels, return_inverse=True)


def _by_columns(estimator, sources: list, n_features: int) -> np.ndarray:
    """Return the source of each column from lists of positions or names."""
    name = type(estimator).__name__
    names = getattr(estimator, "feature_names_in_", np.arange(n_features)).tolist()
    code = np.full(n_features, -1)
    for s, columns in enumerate(sources):
        if len(columns) == 0:
            raise ValueError(f"{name}: source {s} has no columns; leave it out")
        for column in columns:
            by_number = isinstance(column, numbers.Integral)
            known = range(n_features) if by_number else names
            if column not in known:
                raise ValueError(
                    f"{name}: sources has the column {some([column])}, but X has "
                    f"{n_features} columns, numbered from 0; a name is allowed where X "
                    "is a DataFrame"
                )
            j = known.index(column)
            if code[j] >= 0:
                raise ValueError(
                    f"{name}: column {some([column])} is in the sources {code[j]} and "
                    f"{s}; it belongs to one"
                )
            code[j] = s
    lost = np.flatnonzero(code < 0)
    if lost.size:
        raise ValueError(
            f"{name}: the columns {some(lost)} are in no list of sources; put every "
            "column of X into one"
        )
    return code
