"""The parts of docstrings that all estimators share, written once."""

from __future__ import annotations

from typing import TypeVar

_PARAMETERS = """\
fit_intercept : bool, default=True
    Whether each task has an intercept, which is never penalised.
task_weight : None, "n_samples", dict or array-like of shape (n_tasks,), default=None
    Weight lambda_t of each task's mean loss: 1 each; proportional to the sum of its
    sample weights (mean 1), so that every sample counts the same; or given by task
    label, or in the order of ``tasks_``.
task_column : str or int, default=None
    The column of X that holds the task labels (name or position), instead of
    ``tasks=``; for whatever calls ``predict(X)`` alone.
task_order : array-like, default=None
    The order of the tasks; sorted by default. Not for wide Y, whose columns are the
    tasks.
handle_unknown : {"error", "mean"}, default="error"
    What to do when predicting for a task not seen in fit: raise an error that names
    it, or use the mean of the tasks' models.
solver : {"auto", "apg", "working_set", "prox_newton", "direct", "newton"}, \
default="auto"
    Accelerated proximal gradient (any penalty); coordinate descent on working sets
    (L1 and L21 penalties, squared loss) and inside Newton steps (logistic loss);
    alternating directions (trace norm, squared loss); linear systems (quadratic
    penalties, squared loss) and Newton's method (logistic loss). The default is the
    fastest that applies.
max_iter : int, default=10000
    Iterations at most.
tol : float, default=1e-4
    Stop when the duality gap is at most ``tol`` times the objective of the null model
    (no coefficients, best intercepts).
warm_start : bool, default=False
    Start from the last solution, matched by task label.
verbose : int, default=0
    If positive, print a line at each certificate."""

_ATTRIBUTES = """\
coef_ : ndarray of shape (n_tasks, n_features)
    Coefficients. For one task (1-D y without tasks): (n_features,) for regressors and
    (1, n_features) for classifiers.
intercept_ : ndarray of shape (n_tasks,)
    Intercepts; a float for a regressor with one task (1-D y without tasks).
tasks_ : ndarray of shape (n_tasks,)
    Task labels.
objective_ : float
    The objective at the solution.
dual_gap_ : float
    Duality gap: the objective is at most this far from the optimum.
tol_ : float
    The absolute tolerance used for the gap.
converged_ : bool
    Whether ``dual_gap_ <= tol_``.
n_iter_ : int
    Iterations.
solver_ : str
    The solver used.
n_features_in_ : int
    Number of columns of X in fit, the task column included.
feature_names_in_ : ndarray of shape (n_features_in_,)
    Names of the columns of X, where they have names.
coef_feature_names_ : ndarray of shape (n_features,)
    Names of the columns of ``coef_``, where they have names."""

T = TypeVar("T", bound=type)


def document(cls: T) -> T:
    """Fill {parameters} and {attributes} into the docstring of an estimator."""
    indent = "\n    "
    cls.__doc__ = cls.__doc__.format(
        parameters=_PARAMETERS.replace("\n", indent),
        attributes=_ATTRIBUTES.replace("\n", indent),
    )
    return cls
