"""A known part of the linear predictor: exposures of counts, and what else is known."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import PoissonRegressor
from sklearn.model_selection import GridSearchCV

from helpers.convex import least
from helpers.losses import FORMULAS, loss_of, make_loss
from linmtl import (
    AutoClassifier,
    AutoRegressor,
    FactoredRegressor,
    IndependentClassifier,
    IndependentRegressor,
    L21Classifier,
    L21Regressor,
    L21RegressorCV,
    MeanRegularizedClassifierCV,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    MixedEffectsClassifier,
    MixedEffectsRegressor,
    MultiTaskClassifier,
    MultiTaskRegressor,
    PooledClassifier,
    PooledRegressor,
    TaskThresholdClassifier,
)
from linmtl.conformal import TaskConformalClassifier, TaskConformalRegressor
from linmtl.losses import LOSSES
from linmtl.metrics import make_task_scorer
from linmtl.model_selection import TaskKFold
from linmtl.path import alpha_max, mtl_path
from linmtl.penalties import L21, MeanRegularized, Ridge, TraceNorm
from linmtl.transfer import (
    SafeTransferClassifier,
    SafeTransferRegressor,
)

CLASSES = [name for name, loss in LOSSES.items() if loss.classify]
LOCATION = [name for name, loss in LOSSES.items() if loss.location]
COUNTS = ["poisson", "tweedie"]


def data(loss="poisson", *, wide=False, n=22, T=3, d=3, spread=1.0):
    """Return X, y, tasks and offsets that matter."""
    rng = np.random.default_rng(0)
    shape = (n, T) if wide else (n * T,)
    X = rng.normal(size=(shape[0], d))
    tasks = None if wide else rng.permutation(np.repeat(np.arange(T), n))
    offset = spread * rng.normal(size=shape) + 1.0
    W = rng.normal(size=d) + 0.3 * rng.normal(size=(T, d))
    eta = X @ W.T if wide else np.sum(X * W[tasks], axis=1)
    eta = eta + offset + rng.normal(size=shape) / 2
    y = eta
    if loss in CLASSES:
        y = np.where(eta + rng.normal(size=shape) > 1, 1.0, -1.0)
    elif loss not in LOCATION:
        y = rng.poisson(np.exp(eta)) + (loss == "gamma")
    return X, np.asarray(y, dtype=float), tasks, offset


def estimator(loss, penalty, **options):
    cls = MultiTaskClassifier if loss in CLASSES else MultiTaskRegressor
    return cls(penalty, loss=loss, **make_loss(loss).settings(), **options)


def parts(X, y, tasks, offset):
    """Yield the rows of each task."""
    if tasks is None:
        for t in range(y.shape[1]):
            yield X, y[:, t], offset[:, t]
    else:
        for t in np.unique(tasks):
            yield tuple(a[tasks == t] for a in (X, y, offset))


# --- the optimum


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("loss", LOSSES)
def test_optimum_is_that_of_the_formula(loss, wide):
    X, y, tasks, offset = data(loss, wide=wide)
    model = estimator(loss, L21(0.05), tol=1e-7).fit(X, y, tasks, offset=offset)
    W, b = cp.Variable((3, 3)), cp.Variable(3)
    total, found = 0.05 * cp.sum(cp.norm(W, 2, axis=1)), 0.0
    for t, (X_t, y_t, o_t) in enumerate(parts(X, y, tasks, offset)):
        n = len(y_t)
        total += loss_of(loss, y_t, X_t @ W[:, t] + b[t] + o_t, np.full(n, 1 / n))
        eta = X_t @ model.coef_[t] + model.intercept_[t] + o_t
        found += FORMULAS[loss](y_t, eta).mean()
    found += 0.05 * np.linalg.norm(model.coef_, axis=0).sum()
    best = least(total)
    assert model.objective_ == pytest.approx(found, rel=1e-10)
    assert found - best <= model.dual_gap_ + 1e-6 * best
    assert model.dual_gap_ <= model.tol_


@pytest.mark.parametrize("task_weight", [None, "minimax", "null_loss"])
@pytest.mark.parametrize("penalty", [TraceNorm(0.05), MeanRegularized(0.1, 0.01)])
def test_the_gap_is_above_the_distance_to_the_optimum(penalty, task_weight):
    X, y, tasks, offset = data()
    best, rough = (
        estimator("poisson", penalty, tol=tol, task_weight=task_weight).fit(
            X, y, tasks, offset=offset
        )
        for tol in (1e-9, 1e-2)
    )
    assert best.dual_gap_ <= best.tol_
    assert rough.objective_ - best.objective_ <= rough.dual_gap_ + 1e-12


def test_counts_of_one_task_are_rates_weighted_by_their_exposures():
    X, y, _, offset = data()
    exposure = np.exp(offset)
    model = estimator("poisson", Ridge(0.1), tol=1e-12).fit(X, y, offset=offset)
    rates = PoissonRegressor(alpha=0.1 / exposure.mean(), tol=1e-10, max_iter=1000)
    rates.fit(X, y / exposure, sample_weight=exposure)
    np.testing.assert_allclose(model.coef_, rates.coef_, atol=1e-7)
    np.testing.assert_allclose(model.predict(X, offset=0), rates.predict(X), rtol=1e-6)
    np.testing.assert_allclose(
        model.predict(X, offset=offset), exposure * rates.predict(X), rtol=1e-6
    )


@pytest.mark.parametrize("loss", LOCATION)
def test_targets_less_the_offset_are_the_same_problem(loss):
    X, y, tasks, offset = data(loss)
    model = estimator(loss, L21(0.05)).fit(X, y, tasks, offset=offset)
    less = estimator(loss, L21(0.05)).fit(X, y - offset, tasks)
    np.testing.assert_array_equal(model.coef_, less.coef_)
    np.testing.assert_allclose(
        model.predict(X, tasks, offset=offset), less.predict(X, tasks) + offset
    )


@pytest.mark.parametrize("loss", ["gamma", *COUNTS])
def test_a_scale_of_each_row_is_its_offset(loss):
    # deviances of Tweedie's family are homogeneous of degree 2 - power
    X, y, tasks, offset = data(loss)
    power = make_loss(loss).power
    model = estimator(loss, L21(0.02), tol=1e-9, task_weight=[1.0, 1.0, 1.0])
    model.fit(X, y, tasks, offset=offset)
    weight = np.exp((2 - power) * offset)
    share = np.bincount(tasks, weight) / np.bincount(tasks)
    scaled = estimator(loss, L21(0.02), tol=1e-9, task_weight=share)
    scaled.fit(X, y / np.exp(offset), tasks, sample_weight=weight)
    np.testing.assert_allclose(model.coef_, scaled.coef_, atol=1e-4)
    assert model.objective_ == pytest.approx(scaled.objective_, rel=1e-7)


# --- one offset for all rows is part of the intercepts

MODELS = {
    "L21CV": lambda: L21RegressorCV(alphas=4, cv=TaskKFold(3), loss="poisson"),
    "refit": lambda: L21Regressor(0.1, loss="poisson", refit=True, tol=1e-8),
    "MeanCV": lambda: MeanRegularizedRegressorCV(
        alphas=3, cv=3, scoring="r2", loss="poisson"
    ),
    "loo": lambda: MeanRegularizedClassifierCV(alphas=3, cv="loo"),
    "aic": lambda: MeanRegularizedClassifierCV(alphas=3, criterion="aic"),
    "squared": lambda: L21RegressorCV(alphas=4, cv=3, scoring="r2"),
    "drawn": lambda: MeanRegularizedRegressor(
        0.1, intercept_weight=1e-9, loss="poisson", tol=1e-8
    ),
    "factored": lambda: FactoredRegressor(1, 0.1, loss="poisson", tol=1e-7),
    "independent": lambda: IndependentRegressor("cv", cv=3, loss="poisson"),
    "independent classes": lambda: IndependentClassifier("cv", cv=3),
    "pooled": lambda: PooledRegressor(0.1, loss="poisson", task_intercepts=True),
    "pooled classes": lambda: PooledClassifier(0.1),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_one_offset_for_all_rows_is_part_of_the_intercepts(name):
    model = MODELS[name]()
    X, y, tasks, _ = data("logistic" if model._classify else "poisson", spread=0.0)
    without = MODELS[name]().fit(X, y, tasks)
    model.fit(X, y, tasks, offset=np.full(len(y), 0.7))
    close = {"rtol": 1e-3, "atol": 2e-3}
    np.testing.assert_allclose(model.coef_, without.coef_, **close)
    np.testing.assert_allclose(model.intercept_ + 0.7, without.intercept_, **close)
    for path in getattr(model, "_paths", ()):
        found, expected = getattr(model, path), getattr(without, path)
        np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-3)
    np.testing.assert_allclose(
        model._eta(X, tasks, 0.7), without._eta(X, tasks, None), rtol=1e-2, atol=5e-3
    )


@pytest.mark.parametrize("loss", ["poisson", "logistic"])
def test_pooled_rows_of_a_wide_table_keep_their_offsets(loss):
    X, Y, _, offset = data(loss, wide=True)
    cls = PooledClassifier if loss == "logistic" else PooledRegressor
    wide = cls(0.1, loss=loss, tol=1e-9).fit(X, Y, offset=offset)
    tasks = np.repeat(np.arange(3), len(X))
    long = cls(0.1, loss=loss, tol=1e-9)
    long.fit(np.tile(X, (3, 1)), Y.T.ravel(), tasks, offset=offset.T.ravel())
    np.testing.assert_allclose(wide.coef_, long.coef_, atol=1e-5)


# --- cross-validation, paths, search


def test_folds_split_the_offset_as_they_do_y():
    X, y, tasks, offset = data()
    cv = list(TaskKFold(3).split(X, y, tasks))
    model = L21RegressorCV(
        alphas=[0.3, 0.03], cv=cv, loss="poisson", scale_features=False, tol=1e-9
    ).fit(X, y, tasks, offset=offset)
    for a, alpha in enumerate(model.alphas_):
        for k, (train, test) in enumerate(cv):
            part = L21Regressor(alpha, loss="poisson", tol=1e-9)
            part.fit(X[train], y[train], tasks[train], offset=offset[train])
            mean = part.predict(X[test], tasks[test], offset=offset[test])
            loss = 2 * FORMULAS["poisson"](y[test], np.log(mean))
            of_tasks = [loss[tasks[test] == t].mean() for t in range(3)]
            expected = np.mean(of_tasks)
            assert model.deviance_path_[a, k] == pytest.approx(expected, rel=1e-3)


def test_paths_begin_at_the_null_model_of_the_offset():
    X, y, tasks, offset = data()
    options = {"penalty": L21(), "loss": "poisson", "offset": offset}
    top = alpha_max(X, y, tasks, **options)
    for factor, zero in ((1 + 1e-10, True), (0.99, False)):
        model = L21Regressor(factor * top, loss="poisson", tol=1e-8)
        coef = model.fit(X, y, tasks, offset=offset).coef_
        assert (not coef.any()) == zero
    alphas, coefs, _ = mtl_path(X, y, tasks, alphas=3, tol=1e-9, **options)
    assert alphas[0] == pytest.approx(top)
    model = L21Regressor(alphas[1], loss="poisson", tol=1e-9)
    model.fit(X, y, tasks, offset=offset)
    np.testing.assert_allclose(coefs[:, :, 1], model.coef_, atol=1e-4)


def test_a_search_hands_over_the_offset():
    X, y, tasks, offset = data()
    table = np.column_stack([tasks, X])
    with sklearn.config_context(enable_metadata_routing=True):
        model = L21Regressor(task_column=0, loss="poisson")
        model.set_fit_request(offset=True).set_score_request(offset=True)
        search = GridSearchCV(
            model, {"alpha": [0.1, 10.0]}, cv=TaskKFold(3, task_column=0)
        ).fit(table, y, offset=offset)
    scores = []
    for train, test in TaskKFold(3).split(X, y, tasks):
        model = L21Regressor(search.best_params_["alpha"], loss="poisson")
        model.fit(X[train], y[train], tasks[train], offset=offset[train])
        scores.append(model.score(X[test], y[test], tasks[test], offset=offset[test]))
    assert search.best_score_ == pytest.approx(np.mean(scores))


def test_scorers_hand_it_on():
    X, y, tasks, offset = data()
    table = np.column_stack([tasks, X])
    scorer = make_task_scorer("neg_mean_poisson_deviance")
    with sklearn.config_context(enable_metadata_routing=True):
        model = L21Regressor(task_column=0, loss="poisson")
        search = GridSearchCV(
            model.set_fit_request(offset=True),
            {"alpha": [0.1, 10.0]},
            cv=TaskKFold(3, task_column=0),
            scoring=scorer.set_score_request(offset=True),
        ).fit(table, y, offset=offset)
    mean = search.best_estimator_.predict(table, offset=offset)
    losses = 2 * FORMULAS["poisson"](y, np.log(mean))
    expected = -np.mean([losses[tasks == t].mean() for t in range(3)])
    found = scorer(search.best_estimator_, table, y, offset=offset)
    assert found == pytest.approx(expected)
    assert search.best_params_ == {"alpha": 0.1}


# --- tasks apart


def test_a_task_without_events_expects_few_whatever_its_exposure():
    X, y, tasks, _ = data()
    y[tasks == 1] = 0.0
    for level in (0.0, 7.0):
        model = MeanRegularizedRegressor(1.0, loss="poisson")
        with pytest.warns(UserWarning, match="counts of zero only"):
            model.fit(X, y, tasks, offset=np.full(len(y), level))
        mine = tasks == 1
        expected = model.predict(X[mine], tasks[mine], offset=level).sum()
        assert 0.1 < expected < 2.0


@pytest.mark.parametrize("loss", ["squared", "poisson"])
def test_a_new_task_has_its_offset(loss):
    X, y, tasks, offset = data(loss, T=4)
    old, new = tasks < 3, tasks == 3
    model = MeanRegularizedRegressor(0.1, loss=loss, tol=1e-9)
    model.fit(X[old], y[old], tasks[old], offset=offset[old])
    shifted = MeanRegularizedRegressor(0.1, loss=loss, tol=1e-9)
    shifted.fit(X[old], y[old], tasks[old], offset=offset[old])
    model.fit_new_task(X[new], y[new], 3, offset=offset[new])
    shifted.fit_new_task(X[new], y[new], 3, offset=offset[new] + 2.0)
    np.testing.assert_allclose(model.coef_[3], shifted.coef_[3], atol=1e-6)
    assert model.intercept_[3] == pytest.approx(shifted.intercept_[3] + 2.0)
    with pytest.raises(ValueError, match="was fitted with an offset"):
        model.fit_new_task(X[new], y[new], 4)


def test_missing_labels_and_sparse_features():
    X, Y, _, offset = data(wide=True)
    Y[::4, 1] = np.nan
    wide = estimator("poisson", L21(0.05), tol=1e-9).fit(X, Y, offset=offset)
    seen = ~np.isnan(Y.T.ravel())
    rows, tasks = np.tile(np.arange(len(X)), 3)[seen], np.repeat([0, 1, 2], len(X))
    long = estimator("poisson", L21(0.05), tol=1e-9).fit(
        sparse.csr_array(X[rows]),
        Y.T.ravel()[seen],
        tasks[seen],
        offset=offset.T.ravel()[seen],
    )
    np.testing.assert_allclose(wide.coef_, long.coef_, atol=1e-5)


# --- answers


def test_every_answer_has_the_offset():
    X, y, tasks, offset = data("logistic")
    model = MultiTaskClassifier().fit(X, y, tasks, offset=offset)
    eta = model.decision_function(X, tasks, offset=offset)
    np.testing.assert_allclose(
        eta, offset + model.decision_function(X, tasks, offset=0)
    )
    proba = model.predict_proba(X, tasks, offset=offset)
    np.testing.assert_allclose(proba[:, 1], 1 / (1 + np.exp(-eta)))
    np.testing.assert_allclose(
        model.predict_log_proba(X, tasks, offset=offset), np.log(proba)
    )
    labels = model.predict(X, tasks, offset=offset)
    np.testing.assert_array_equal(labels, np.sign(eta))
    assert model.score(X, y, tasks, offset=offset) == np.mean(labels == y)
    every = model.predict_all(X, offset=np.repeat(offset[:, None], 3, axis=1))
    np.testing.assert_array_equal(every[np.arange(len(y)), tasks], labels)


# --- errors


def test_offsets_that_are_none():
    X, y, tasks, offset = data()
    model = L21Regressor(0.1, loss="poisson")
    for wrong, what in (
        (offset[:-1], r"offset has shape \(65,\), expected \(66,\)"),
        (np.column_stack([offset, offset]), "offset has shape"),
        (np.log(np.where(y > 2, y, 0), where=y > 2, out=offset - np.inf), "infinity"),
        (["a"] * len(y), "offset: "),
    ):
        with pytest.raises(ValueError, match=what):
            model.fit(X, y, tasks, offset=wrong)


def test_what_was_fitted_with_an_offset_asks_for_one():
    X, y, tasks, offset = data()
    model = L21Regressor(0.1, loss="poisson").fit(X, y, tasks, offset=offset)
    with pytest.raises(ValueError, match="fitted with an offset; pass offset="):
        model.predict(X, tasks)
    model.fit(X, y, tasks)
    with pytest.raises(ValueError, match="fitted without an offset; drop offset="):
        model.predict(X, tasks, offset=offset)
    # what takes none in fit
    X, y, tasks, offset = data("logistic")
    classes = TaskThresholdClassifier().fit(X, y, tasks)
    with pytest.raises(ValueError, match="fitted without an offset"):
        classes.predict(X, tasks, offset=offset)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda o: o[:, None], r"offset has shape \(.*, 1\), expected"),
        (lambda o: o + 1j, "offset: it holds complex128; pass numbers"),
        (lambda o: o.astype("M8[D]"), "offset: it holds datetime64"),
    ],
)
def test_offsets_that_are_no_numbers_for_each_row(change, message):
    X, y, tasks, offset = data()
    with pytest.raises(ValueError, match=message):
        L21Regressor(0.1).fit(X, y, tasks, offset=change(offset))


AROUND = [
    MixedEffectsRegressor(),
    AutoRegressor([L21Regressor(0.1), IndependentRegressor("cv")], cv=3),
    SafeTransferRegressor(L21Regressor(0.1), cv=3),
    TaskConformalRegressor(L21Regressor(0.1), cv=3),
]


@pytest.mark.parametrize("model", AROUND, ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.slow
def test_around_other_models_an_offset_is_taken_off_the_targets(model, wide):
    X, y, tasks, offset = data("squared", wide=wide)
    given, shifted = clone(model), clone(model)
    given.fit(X, y, tasks, offset=offset)
    shifted.fit(X, y - offset, tasks)
    np.testing.assert_allclose(
        given.predict(X, tasks, offset=offset), shifted.predict(X, tasks) + offset
    )
    assert np.isfinite(given.score(X, y, tasks, offset=offset))
    if isinstance(model, TaskConformalRegressor):
        np.testing.assert_allclose(
            given.predict_interval(X, tasks, offset=offset),
            shifted.predict_interval(X, tasks) + offset[..., None],
        )
    with pytest.raises(ValueError, match="pass offset="):
        given.predict(X, tasks)


@pytest.mark.parametrize(
    ("model", "loss"),
    [
        (
            SafeTransferRegressor(
                L21Regressor(0.1, loss="poisson"),
                IndependentRegressor(0.1, loss="poisson"),
                cv=3,
            ),
            "poisson",
        ),
        (
            SafeTransferClassifier(
                L21Classifier(0.02), IndependentClassifier(0.02), cv=3
            ),
            "logistic",
        ),
        (AutoClassifier([L21Classifier(0.02), PooledClassifier()], cv=3), "logistic"),
    ],
    ids=lambda m: type(m).__name__,
)
@pytest.mark.slow
def test_around_other_models_a_constant_offset_is_a_part_of_the_intercepts(model, loss):
    X, y, tasks, offset = data(loss)
    plain = clone(model).fit(X, y, tasks)
    moved = clone(model).fit(X, y, tasks, offset=1.5)
    np.testing.assert_allclose(moved.coef_, plain.coef_, atol=2e-3)
    np.testing.assert_allclose(moved.intercept_ + 1.5, plain.intercept_, atol=2e-3)
    known = clone(model).fit(X, y, tasks, offset=offset)
    better = known.score(X, y, tasks, offset=offset)
    assert better > plain.score(X, y, tasks) - 0.02


def test_sets_of_classes_and_new_tasks_know_the_offset():
    X, y, tasks, offset = data("logistic", n=40)
    model = TaskConformalClassifier(L21Classifier(0.02), cv=3)
    model.fit(X, y, tasks, offset=offset)
    sets = model.predict_set(X, tasks, offset=offset)
    inside = sets[np.arange(len(y)), (y > 0).astype(int)]
    assert inside.mean() > 0.8
    assert sets.mean() < 1.0
    X, y, tasks, offset = data("squared")
    old = tasks < 2
    given = MixedEffectsRegressor().fit(X[old], y[old], tasks[old], offset=offset[old])
    shifted = MixedEffectsRegressor().fit(X[old], (y - offset)[old], tasks[old])
    given.fit_new_task(X[~old], y[~old], 2, offset=offset[~old])
    shifted.fit_new_task(X[~old], (y - offset)[~old], 2)
    np.testing.assert_allclose(given.coef_, shifted.coef_)


def test_mixed_effects_of_labels_know_what_features_could():
    """An offset in the span of the features moves the common coefficients."""
    X, y, tasks, _ = data("logistic")
    w = np.array([0.5, -1.0, 0.2])
    settings = {"method": "ml", "shrink_mean": False, "tol": 1e-9}
    plain = MixedEffectsClassifier(**settings).fit(X, y, tasks)
    model = MixedEffectsClassifier(**settings).fit(X, y, tasks, offset=X @ w)
    np.testing.assert_allclose(model.coef_ + w, plain.coef_, atol=1e-3)
    np.testing.assert_allclose(model.coef_std_, plain.coef_std_, rtol=1e-2)
    p = model.predict_proba(X, tasks, offset=X @ w)
    np.testing.assert_allclose(p, plain.predict_proba(X, tasks), atol=1e-3)
    assert model.dual_gap_ <= model.tol_
    for other, offset in ((plain, {}), (model, {"offset": (X @ w)[:9]})):
        other.fit_new_task(X[:9], y[:9], 9, **offset)
    np.testing.assert_allclose(model.coef_[-1] + w, plain.coef_[-1], atol=1e-3)


def test_mixed_effects_of_labels_take_offsets_in_every_layout():
    X, Y, _, offset = data("logistic", wide=True)
    Y[::5, 1] = np.nan
    n, T = Y.shape
    wide = MixedEffectsClassifier().fit(X, Y, offset=offset)
    rows = np.tile(X, (T, 1)), Y.T.ravel(), np.repeat(np.arange(T), n)
    long = MixedEffectsClassifier().fit(*rows, offset=offset.T.ravel())
    np.testing.assert_allclose(wide.coef_, long.coef_, atol=1e-8)


def test_thresholds_are_of_log_odds_with_their_offset():
    """What is constant within the tasks moves intercepts, and no threshold."""
    X, y, tasks, _ = data("logistic")
    shift = np.array([3.0, -2.0, 0.0])[tasks]
    inner = L21Classifier(0.02, tol=1e-8)
    plain = TaskThresholdClassifier(inner, cv=3).fit(X, y, tasks)
    model = TaskThresholdClassifier(inner, cv=3).fit(X, y, tasks, offset=shift)
    np.testing.assert_allclose(model.thresholds_, plain.thresholds_, atol=1e-6)
    answers = "decision_function", "predict_proba", "predict"
    for name in answers:
        found = getattr(model, name)(X, tasks, offset=shift)
        np.testing.assert_allclose(found, getattr(plain, name)(X, tasks), atol=1e-6)
    with pytest.raises(ValueError, match="was fitted with an offset"):
        model.predict(X, tasks)
    wide = TaskThresholdClassifier(inner, cv=3)
    wide.fit(X[:22], np.where(y[:22, None] > 0, [1, 0], [0, 1]), offset=0.5)
    assert wide.predict(X, offset=0.5).shape == (66, 2)
