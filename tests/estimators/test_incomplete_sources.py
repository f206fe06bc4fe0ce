"""Incomplete sources: the optimum, MALSAR's runs, patterns, and hostile input."""

from __future__ import annotations

import pickle
import warnings

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.io import loadmat
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import Lasso
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers.convex import least
from helpers.losses import loss_of
from helpers.malsar import runs_of
from linmtl import (
    IncompleteSourcesClassifier,
    IncompleteSourcesClassifierCV,
    IncompleteSourcesRegressor,
    IncompleteSourcesRegressorCV,
    L21Regressor,
)

SOURCES = ["mri", "mri", "mri", "pet", "pet", "csf"]
BY_SOURCE = {"mri": [0, 1, 2], "pet": [3, 4], "csf": [5]}
PATTERNS = [("mri", "pet", "csf"), ("mri", "pet"), ("pet", "csf"), ("mri",)]
COUNTS = [30, 24, 18, 21]


def make(classify=False, seed=0, counts=COUNTS):
    """Rows of four patterns, shuffled, and the pattern of each."""
    rng = np.random.default_rng(seed)
    n = sum(counts)
    X = rng.normal(size=(n, 6)) @ (np.eye(6) + 0.3 * rng.normal(size=(6, 6)))
    X += np.arange(6) / 3
    y = X @ [1.0, 0.0, -0.5, 0.8, 0.0, 0.3] + 1.0 + 0.5 * rng.normal(size=n)
    if classify:
        y = np.where((y > 1.5) ^ (rng.uniform(size=n) < 0.15), "yes", "no")
    code = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    for p, pattern in enumerate(PATTERNS):
        for source, columns in BY_SOURCE.items():
            if source not in pattern:
                X[np.ix_(code == p, columns)] = np.nan
    return X, y, code


def optimum(X, y, code, alpha, weight, task_weight, logistic, fit_intercept=True):
    """The objective written out, minimised by a general solver.

    Nothing is filled with zeros: a pattern has variables for its columns only.
    """
    W, b, loss = {}, [], 0.0
    for p in range(code.max() + 1):
        rows = code == p
        columns = np.flatnonzero(~np.isnan(X[rows][0]))
        w, c = cp.Variable(columns.size), cp.Variable()
        W |= {(j, p): w[k] for k, j in enumerate(columns.tolist())}
        b.append(c)
        eta = X[rows][:, columns] @ w + c
        s = weight[rows] / weight[rows].sum() * task_weight[p]
        loss += loss_of("logistic" if logistic else "squared", y[rows], eta, s)
    norm = sum(
        cp.norm(cp.hstack([w for (j, _), w in W.items() if j == k]), 2)
        for k in range(X.shape[1])
    )
    return least(loss + alpha * norm, [] if fit_intercept else [c == 0 for c in b])


# --- the optimum --------------------------------------------------------------------


@pytest.mark.parametrize("classify", [False, True], ids=["squared", "logistic"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("task_weight", ["n_samples", None, [1.0, 2.0, 0.5, 1.5]])
@pytest.mark.parametrize("alpha", [0.02, 0.2])
def test_optimum_is_that_of_a_general_solver(classify, weighted, task_weight, alpha):
    X, y, code = make(classify)
    kind = IncompleteSourcesClassifier if classify else IncompleteSourcesRegressor
    weight = np.random.default_rng(1).uniform(0.5, 2.0, len(y))
    if not weighted:
        weight = np.ones(len(y))
    model = kind(alpha, SOURCES, task_weight=task_weight, tol=1e-10)
    model.fit(X, y, sample_weight=weight if weighted else None)
    names = ["mri+pet+csf", "mri+pet", "pet+csf", "mri"]
    ours = [set(name.split("+")) for name in model.tasks_]
    order = [ours.index(set(name.split("+"))) for name in names]
    mass = np.bincount(code, weight)
    per_task = mass / mass.mean()
    if task_weight is None:
        per_task = np.ones(4)
    elif not isinstance(task_weight, str):
        per_task = np.array(task_weight)[order]
    signs = np.where(y == "yes", 1.0, -1.0) if classify else y
    expected = optimum(X, signs, code, alpha, weight, per_task, classify)
    np.testing.assert_allclose(model.objective_, expected, rtol=1e-6)
    assert model.converged_
    assert model.dual_gap_ <= model.tol_


def test_without_an_intercept():
    X, y, code = make()
    model = IncompleteSourcesRegressor(0.1, SOURCES, fit_intercept=False, tol=1e-10)
    model.fit(X, y)
    share = np.array(COUNTS) / np.mean(COUNTS)
    expected = optimum(X, y, code, 0.1, np.ones(len(y)), share, False, False)
    np.testing.assert_allclose(model.objective_, expected, rtol=1e-7)
    assert not model.intercept_.any()


def test_more_features_than_rows():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(24, 30)), rng.normal(size=24)
    code = np.repeat([0, 1, 2], 8)
    X[8:16, :10], X[16:, 10:] = np.nan, np.nan
    model = IncompleteSourcesRegressor(0.1, tol=1e-9).fit(X, y)
    expected = optimum(X, y, code, 0.1, np.ones(24), np.ones(3), False)
    np.testing.assert_allclose(model.objective_, expected, rtol=1e-6)


@runs_of("iMSF")
def test_optimum_of_malsar(path):
    logistic = path.stem.startswith("Logistic")
    run = loadmat(path)
    blocks = list(run["X_Set"].ravel())
    X = np.hstack(blocks)
    # z-scores over the rows that have the column
    X = (X - np.nanmean(X, axis=0)) / np.nanstd(X, axis=0, ddof=1)
    y = run["Y"].ravel().astype(float)
    sources = np.repeat(np.arange(len(blocks)), [block.shape[1] for block in blocks])
    missing = np.isnan(X)

    def objective(coef, intercept):
        """MALSAR's, in its own scale, from its own list of tasks and groups."""
        total, flat = 0.0, np.concatenate(coef)
        for A, target, w, c in zip(
            run["A_Set"].ravel(), run["Y_Set"].ravel(), coef, intercept, strict=True
        ):
            eta = A @ w + c
            if logistic:
                total += np.logaddexp(0, -target.ravel() * eta).mean()
            else:
                total += np.sum((eta - target.ravel()) ** 2) / 2
        return total + strength * sum(np.linalg.norm(g) for g in in_groups(flat))

    def in_groups(flat):
        G = run["G"].ravel().astype(int) - 1
        return [flat[G[a - 1 : b]] for a, b in run["Wg"][:2].astype(int).T]

    # their strength is relative to the one that makes the solution zero
    gradient = []
    for A, target in zip(run["A_Set"].ravel(), run["Y_Set"].ravel(), strict=True):
        target = target.ravel()
        if logistic:
            odds = np.log(np.sum(target > 0) / np.sum(target < 0))
            target = target / (1 + np.exp(target * odds)) / target.size
        gradient.append(A.T @ target)
    strength = float(run["params"]["lambda_ratio"][0, 0].item()) * max(
        np.linalg.norm(g) for g in in_groups(np.concatenate(gradient))
    )
    theirs = objective([w.ravel() for w in run["W"].ravel()], run["C"].ravel())
    np.testing.assert_allclose(theirs, run["objective"].item(), rtol=1e-10)

    if logistic:
        scale = 1.0
        model = IncompleteSourcesClassifier(
            strength, sources, task_weight=None, tol=1e-12
        )
    else:
        scale = len(y) / 4  # the mean number of rows of a task
        model = IncompleteSourcesRegressor(
            strength / scale, sources, fit_intercept=False, tol=1e-12
        )
    model.fit(X, y)
    # their tasks are named by sources that count from 1
    names = [str(source.item()).split(",") for source in run["sources"].ravel()]
    wanted = np.array([[str(s + 1) in name for s in range(3)] for name in names])
    which = [
        np.flatnonzero((model.patterns_ == pattern).all(axis=1))[0]
        for pattern in wanted
    ]
    for p, block in zip(which, run["A_Set"].ravel(), strict=True):
        rows = (~missing == model.patterns_[p][sources]).all(axis=1)
        np.testing.assert_allclose(X[rows][:, model.patterns_[p][sources]], block)
    coef = [model.coef_[p][model.patterns_[p][sources]] for p in which]
    ours = objective(coef, model.intercept_[which])
    assert ours <= theirs * (1 + 1e-8)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    np.testing.assert_allclose(ours, scale * model.objective_, rtol=1e-9)


# --- patterns and sources -----------------------------------------------------------


def test_attributes():
    X, y, _ = make()
    model = IncompleteSourcesRegressor(0.05, SOURCES).fit(X, y)
    np.testing.assert_array_equal(model.sources_, ["csf", "mri", "pet"])
    np.testing.assert_array_equal(model.sources_[model.feature_source_], SOURCES)
    np.testing.assert_array_equal(
        model.patterns_, [[1, 1, 1], [1, 0, 1], [0, 1, 1], [0, 1, 0]]
    )
    assert model.tasks_.tolist() == ["csf+mri+pet", "csf+pet", "mri+pet", "mri"]
    assert model.coef_.shape == (4, 6)
    present = model.patterns_[:, model.feature_source_]
    np.testing.assert_array_equal(model.coef_[~present], 0.0)
    assert np.any(model.coef_ != 0)
    assert model.intercept_.shape == (4,)
    assert model.n_features_in_ == 6
    assert isinstance(model.objective_, float)


def test_prediction_is_by_hand():
    X, y, _ = make()
    model = IncompleteSourcesRegressor(0.05, SOURCES).fit(X, y)
    expected = np.empty(len(y))
    for i, row in enumerate(X):
        have = ~np.isnan(row)
        p = np.flatnonzero((model.patterns_[:, model.feature_source_] == have).all(1))
        expected[i] = row[have] @ model.coef_[p[0]][have] + model.intercept_[p[0]]
    np.testing.assert_allclose(model.predict(X), expected)
    # one row at a time, and in another order
    np.testing.assert_allclose(model.predict(X[7:8]), expected[7:8])
    np.testing.assert_allclose(model.predict(X[::-1]), expected[::-1])
    assert model.score(X, y) > 0.5


def test_sources_in_every_form():
    X, y, _ = make()
    frame = pd.DataFrame(X, columns=list("uvwxyz"))
    expected = IncompleteSourcesRegressor(0.05, SOURCES).fit(X, y).predict(X)
    for data, sources in [
        (X, None),
        (X, np.array(SOURCES)),
        (X, [1, 1, 1, 0, 0, 7]),
        (X, [[5], [0, 1, 2], [3, 4]]),
        (X, [np.array([5]), (0, 1, 2), range(3, 5)]),
        (frame, [["z"], ["u", "v", "w"], ["x", "y"]]),
        (frame, None),
    ]:
        model = IncompleteSourcesRegressor(0.05, sources).fit(data, y)
        np.testing.assert_allclose(model.predict(data), expected, rtol=1e-6)
        assert len(model.sources_) == 3
    np.testing.assert_array_equal(model.feature_names_in_, list("uvwxyz"))


def test_sources_found_are_columns_missing_together():
    X, y, _ = make()
    model = IncompleteSourcesRegressor(0.05).fit(X, y)
    np.testing.assert_array_equal(model.feature_source_, [0, 0, 0, 1, 1, 2])
    # of two sources that are always there or not together one is made
    X[:, 5] = np.where(np.isnan(X[:, 3]), np.nan, 1.0 + X[:, 4])
    model = IncompleteSourcesRegressor(0.05).fit(X, y)
    np.testing.assert_array_equal(model.feature_source_, [0, 0, 0, 1, 1, 1])


def test_without_missing_values_it_is_the_lasso():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 5)), rng.normal(size=50)
    y += X[:, 0]
    model = IncompleteSourcesRegressor(0.1, tol=1e-12).fit(X, y)
    lasso = Lasso(0.1, tol=1e-12).fit(X, y)
    np.testing.assert_allclose(model.coef_[0], lasso.coef_, atol=1e-6)
    np.testing.assert_array_equal(model.patterns_, [[True]])


def test_patterns_without_a_common_source_are_separate_problems():
    X, y, _ = make()
    X, y = X[:60], y[:60]
    X[:] = np.nan_to_num(X)
    X[:40, 3:], X[40:, :3] = np.nan, np.nan
    model = IncompleteSourcesRegressor(0.1, task_weight=None, tol=1e-10).fit(X, y)
    first = Lasso(0.1, tol=1e-12).fit(X[:40, :3], y[:40])
    second = Lasso(0.1, tol=1e-12).fit(X[40:, 3:], y[40:])
    np.testing.assert_allclose(model.coef_[0, :3], first.coef_, atol=1e-4)
    np.testing.assert_allclose(model.coef_[1, 3:], second.coef_, atol=1e-4)


def test_it_is_l21_with_a_task_for_each_pattern():
    X, y, code = make()
    model = IncompleteSourcesRegressor(0.05, SOURCES, tol=1e-10).fit(X, y)
    other = L21Regressor(0.05, task_weight="n_samples", tol=1e-10)
    other.fit(np.nan_to_num(X), y, code)
    np.testing.assert_allclose(model.objective_, other.objective_, rtol=1e-9)


def test_order_of_rows_and_columns_does_not_matter():
    X, y, _ = make()
    first = IncompleteSourcesRegressor(0.05, SOURCES, tol=1e-10).fit(X, y)
    rows = np.random.default_rng(0).permutation(len(y))
    second = clone(first).fit(X[rows], y[rows])
    np.testing.assert_allclose(second.coef_, first.coef_, atol=1e-5)
    columns = [5, 0, 3, 1, 4, 2]
    third = clone(first).set_params(sources=[SOURCES[j] for j in columns])
    third.fit(X[:, columns], y)
    np.testing.assert_allclose(third.coef_, first.coef_[:, columns], atol=1e-5)


def test_what_is_missing_has_no_value():
    # whatever stands for a missing source in memory, it is not read
    X, y, _ = make()
    model = IncompleteSourcesRegressor(0.05, SOURCES)
    expected = model.fit(X, y).predict(X)
    assert np.isnan(X).any()  # and X is as it was
    payload = X.copy()
    payload.view(np.uint64)[np.isnan(X)] |= np.uint64(12345)
    np.testing.assert_array_equal(model.fit(payload, y).predict(payload), expected)


# --- patterns not seen in fit -------------------------------------------------------


def unseen(*sources):
    X = np.ones((1, 6))
    for source, columns in BY_SOURCE.items():
        if source not in sources:
            X[:, columns] = np.nan
    return X


def test_unseen_pattern_is_an_error_by_default():
    X, y, _ = make()
    model = IncompleteSourcesRegressor(0.05, SOURCES).fit(X, y)
    with pytest.raises(ValueError, match="exactly the sources 'csf', 'mri', which"):
        model.predict(unseen("mri", "csf"))
    with pytest.raises(ValueError, match="set handle_unknown='subset'"):
        model.predict(np.vstack([X, unseen("csf")]))


def test_unseen_pattern_by_the_largest_subset():
    X, y, code = make()
    model = IncompleteSourcesRegressor(0.05, SOURCES, handle_unknown="subset")
    model.fit(X, y)
    # mri alone is the only pattern within mri and csf
    np.testing.assert_allclose(
        model.predict(unseen("mri", "csf")), model.predict(unseen("mri"))
    )
    # without the complete rows two patterns of two sources are within all three: the
    # one with more rows is taken
    keep = code != 0
    model.fit(X[keep], y[keep])
    np.testing.assert_allclose(
        model.predict(unseen("mri", "pet", "csf")), model.predict(unseen("mri", "pet"))
    )
    few = (code == 2) | ((code == 1) & (np.cumsum(code == 1) <= 10))
    model.fit(X[few], y[few])
    np.testing.assert_allclose(
        model.predict(unseen("mri", "pet", "csf")), model.predict(unseen("pet", "csf"))
    )
    with pytest.raises(ValueError, match="no pattern of sources seen in fit is a part"):
        model.predict(unseen("pet"))
    # a pattern that was seen has its own model, whatever else is a part of it
    np.testing.assert_allclose(
        model.predict(X[few]), model.set_params(handle_unknown="error").predict(X[few])
    )


# --- hostile input ------------------------------------------------------------------


def test_row_that_lacks_a_part_of_a_source():
    X, y, code = make()
    row = int(np.flatnonzero(code == 0)[3])
    X[row, 1] = np.nan
    model = IncompleteSourcesRegressor(0.05, SOURCES)
    with pytest.raises(ValueError, match=f"row {row} of X lacks a part of .* 'mri'"):
        model.fit(X, y)
    clean, _, _ = make()
    model.fit(clean, y)
    with pytest.raises(ValueError, match=f"row {row} of X .* the columns 1 "):
        model.predict(X)


def test_row_without_any_source():
    X, y, _ = make()
    X[4] = np.nan
    for model in (IncompleteSourcesRegressor(), IncompleteSourcesRegressorCV()):
        with pytest.raises(ValueError, match="rows 4 of X have no source at all"):
            model.fit(X, y)
    model = IncompleteSourcesRegressor(sources=SOURCES).fit(np.delete(X, 4, 0), y[1:])
    with pytest.raises(ValueError, match="rows 4 of X have no source at all"):
        model.predict(X)


@pytest.mark.parametrize(
    ("sources", "error", "match"),
    [
        ("mri", TypeError, "sources must be one label per column of X or lists"),
        (3, TypeError, "sources must be one label per column of X or lists"),
        (["a", "b"], ValueError, "sources has 2 labels but X has 6 columns"),
        ([1, 1, 1, 2, 2, np.nan], ValueError, "all strings or all numbers"),
        ([1, 1, 1, 2, 2, None], ValueError, "all strings or all numbers"),
        ([[0, 1, 2], 3, 4, 5], ValueError, "lists of columns beside other values"),
        ([[0, 1, 2], [3, 4]], ValueError, r"the columns 5 are in no list of sources"),
        ([[0, 1, 2], [2, 3, 4, 5]], ValueError, "column 2 is in the sources 0 and 1"),
        ([[0, 1, 2], [3, 4, 6]], ValueError, "has the column 6, but X has 6 columns"),
        ([[0, 1, 2], [3, 4, -1]], ValueError, "has the column -1, but X has 6"),
        ([[0, 1, 2], [3, 4, "z"]], ValueError, "has the column 'z', but X has 6"),
        ([[0, 1, 2], [3, 4, 5], []], ValueError, "source 2 has no columns"),
    ],
    ids=str,
)
def test_wrong_sources(sources, error, match):
    X, y, _ = make()
    with pytest.raises(error, match=f"IncompleteSourcesRegressor: .*{match}"):
        IncompleteSourcesRegressor(0.1, sources).fit(X, y)


def test_wrong_arguments():
    X, y, _ = make()
    with pytest.raises(ValueError, match="handle_unknown must be 'error' or 'subset'"):
        IncompleteSourcesRegressor(handle_unknown="mean").fit(X, y)
    with pytest.raises(ValueError, match="alpha must be a finite number >= 0, got -1"):
        IncompleteSourcesRegressor(-1.0).fit(X, y)
    with pytest.raises(ValueError, match="tol must be a number"):
        IncompleteSourcesRegressor(tol="small").fit(X, y)
    with pytest.raises(ValueError, match="infinity"):
        IncompleteSourcesRegressor().fit(np.where(np.isnan(X), np.inf, X), y)
    with pytest.raises(ValueError, match="NaN"):
        IncompleteSourcesRegressor().fit(X, np.where(np.arange(len(y)), y, np.nan))
    with pytest.raises(ValueError, match="negative"):
        IncompleteSourcesRegressor().fit(X, y, sample_weight=-np.ones(len(y)))
    with pytest.raises(ValueError, match="sample_weight must not be all zero"):
        IncompleteSourcesRegressor().fit(X, y, sample_weight=np.zeros(len(y)))
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        IncompleteSourcesRegressor().fit(sparse.csr_array(np.nan_to_num(X)), y)
    with pytest.raises(NotFittedError):
        IncompleteSourcesRegressor().predict(X)
    for name in ("fit", "score"):  # as labels of tasks, numbers would pass for weights
        model = IncompleteSourcesRegressor().fit(X, y)
        with pytest.raises(ValueError, match="the tasks are the patterns of sources"):
            getattr(model, name)(X, y, np.arange(len(y)) % 3)
    with pytest.warns(ConvergenceWarning, match="increase max_iter or tol"):
        IncompleteSourcesClassifier(1e-4, max_iter=1, tol=1e-12).fit(X, y > 1)


def test_labels_with_a_plus_sign():
    X, y, _ = make()
    X = np.nan_to_num(X)[:60]
    X[:20, 2:], X[20:40, :2], X[20:40, 4:] = np.nan, np.nan, np.nan
    X[40:, :4] = np.nan
    # rows of source a and b together would be called as those of the source "a+b"
    X[:20, 2:4] = 1.0
    sources = ["a", "a", "b", "b", "a+b", "a+b"]
    X[20:40] = np.nan
    X[20:40, 4:] = 2.0
    model = IncompleteSourcesRegressor(0.1, sources).fit(X, y[:60])
    assert len(set(model.tasks_.tolist())) == len(model.patterns_) == 2
    assert model.tasks_.tolist() == ["0: a+b", "1: a+b"]


def test_rows_without_weight_make_no_pattern():
    X, y, code = make()
    weight = (code != 3).astype(float)
    model = IncompleteSourcesRegressor(0.05, SOURCES, tol=1e-10)
    model.fit(X, y, sample_weight=weight)
    keep = code != 3
    other = clone(model).fit(X[keep], y[keep])
    np.testing.assert_array_equal(model.patterns_, other.patterns_)
    np.testing.assert_allclose(model.coef_, other.coef_, atol=1e-6)


def test_pattern_with_a_single_class():
    X, y, code = make(classify=True)
    y[code == 1] = "yes"
    with pytest.warns(UserWarning, match=r"single class .* 'mri\+pet'"):
        model = IncompleteSourcesClassifier(0.02, SOURCES).fit(X, y)
    assert set(model.predict(X[code == 1])) == {"yes"}


# --- in scikit-learn (its own checks run in test_sklearn.py) --------------------------


def test_tags_allow_missing_values():
    for model in (IncompleteSourcesRegressor(), IncompleteSourcesClassifierCV()):
        tags = model.__sklearn_tags__()
        assert tags.input_tags.allow_nan
        assert not tags.input_tags.sparse
        assert not tags.target_tags.multi_output


@pytest.mark.parametrize("classify", [False, True])
def test_grid_search_of_a_pipeline(classify):
    X, y, _ = make(classify)
    kind = IncompleteSourcesClassifier if classify else IncompleteSourcesRegressor
    pipeline = make_pipeline(
        StandardScaler(), kind(sources=SOURCES, handle_unknown="subset")
    )
    (name,) = (n for n in pipeline.named_steps if n.startswith("incomplete"))
    search = GridSearchCV(
        pipeline,
        {f"{name}__alpha": [0.01, 0.1, 10.0]},
        cv=KFold(4, shuffle=True, random_state=0),
        error_score="raise",
    ).fit(X, y)
    assert search.best_params_[f"{name}__alpha"] < 10.0
    assert search.predict(X).shape == y.shape


@pytest.mark.parametrize("classify", [False, True])
def test_strength_by_cross_validation(classify):
    X, y, _ = make(classify, counts=[60, 48, 36, 40])
    kind = IncompleteSourcesClassifierCV if classify else IncompleteSourcesRegressorCV
    plain = IncompleteSourcesClassifier if classify else IncompleteSourcesRegressor
    model = kind(SOURCES, alphas=8, tol=1e-8).fit(X, y)
    assert model.alphas_[0] > model.alpha_
    path = model.scores_path_ if classify else model.mse_path_
    assert path.shape == (8, 5)
    one = plain(model.alpha_, SOURCES, tol=1e-8).fit(X, y)
    np.testing.assert_allclose(model.coef_, one.coef_, atol=1e-4)
    assert model.best_params_ == {"alpha": model.alpha_}
    # the strongest of them makes everything zero
    top = plain(model.alphas_[0] * (1 + 1e-9), SOURCES).fit(X, y)
    np.testing.assert_array_equal(top.coef_, 0.0)
    # folds may be given: positions are those of the rows passed, weightless ones too
    weight = np.arange(len(y)) % 7 > 0
    folds = list(KFold(3, shuffle=True, random_state=0).split(X))
    model.set_params(cv=folds).fit(X, y, sample_weight=weight)
    assert (model.scores_path_ if classify else model.mse_path_).shape == (8, 3)


def test_probabilities_go_with_classes():
    X, y, _ = make(classify=True)
    model = IncompleteSourcesClassifier(0.02, SOURCES).fit(X, y)
    p = model.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    np.testing.assert_array_equal(model.classes_, ["no", "yes"])
    np.testing.assert_array_equal(
        model.predict(X), model.classes_[(p[:, 1] > 0.5).astype(int)]
    )
    eta = model.decision_function(X)
    np.testing.assert_allclose(p[:, 1], 1 / (1 + np.exp(-eta)))


@pytest.mark.parametrize(
    "cls",
    [
        IncompleteSourcesRegressor,
        IncompleteSourcesClassifier,
        IncompleteSourcesRegressorCV,
        IncompleteSourcesClassifierCV,
    ],
)
def test_clone_and_pickle(cls):
    X, y, _ = make("Classifier" in cls.__name__)
    model = cls(sources=SOURCES, tol=1e-3)
    assert repr(clone(model)) == repr(model)
    model.fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))
    assert clone(model).get_params() == model.get_params()


def test_warm_start():
    X, y, code = make()
    model = IncompleteSourcesRegressor(0.05, SOURCES, tol=1e-8, warm_start=True)
    first = model.fit(X, y).n_iter_
    assert model.fit(X, y).n_iter_ < first
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        keep = code != 2  # patterns are matched by name
        model.fit(X[keep], y[keep])
    assert len(model.patterns_) == 3
    cold = clone(model).fit(X[keep], y[keep])
    np.testing.assert_allclose(model.coef_, cold.coef_, atol=1e-4)


def test_single_precision():
    X, y, _ = make()
    model = IncompleteSourcesRegressor(0.05, SOURCES).fit(X.astype(np.float32), y)
    assert model.coef_.dtype == np.float32
    double = IncompleteSourcesRegressor(0.05, SOURCES).fit(X, y)
    np.testing.assert_allclose(model.coef_, double.coef_, atol=1e-3)
