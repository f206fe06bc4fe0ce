"""Reports on tasks of different kinds: each by its own loss."""

import numpy as np
import pytest
from scipy import sparse

from linmtl import (
    IndependentClassifier,
    IndependentRegressor,
    MixedTaskEstimator,
    MixedTaskEstimatorCV,
    MultiTaskRegressor,
)
from linmtl.penalties import L21, TraceNorm
from linmtl.transfer import negative_transfer_report

LOSSES = {"pressure": "squared", "stroke": "logistic", "visits": "poisson"}
LOSSES |= {"cost": "gamma"}


def kinds(n=30, d=4):
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(4 * n, d)), np.repeat(sorted(LOSSES), n)
    eta = X @ rng.normal(size=d) / 2 + 0.2 * rng.normal(size=4 * n)
    drawn = {
        "pressure": eta + rng.normal(size=4 * n),
        "stroke": (eta + rng.logistic(size=4 * n) > 0).astype(float),
        "visits": rng.poisson(np.exp(eta)).astype(float),
        "cost": rng.gamma(2.0, np.exp(eta) / 2) + 0.01,
    }
    y = np.choose(np.repeat(np.arange(4), n), [drawn[name] for name in sorted(LOSSES)])
    return X, y, tasks


def deviance(loss, y, prediction):
    """The loss of each row, by hand, on the scale of reports."""
    if loss == "squared":
        return (y - prediction) ** 2
    if loss == "logistic":
        return -np.log(np.where(y > 0, prediction, 1 - prediction))
    if loss == "gamma":
        return 2 * ((y - prediction) / prediction - np.log(y / prediction))
    ratio = np.where(y > 0, y, 1.0) / prediction
    return 2 * (y * np.log(ratio) * (y > 0) - y + prediction)


def splits(n=30):
    fold = np.tile(np.arange(3), 4 * n // 3)
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(3)]


def report(model, *data, **options):
    return negative_transfer_report(model, *data, cv=splits(), **options)


@pytest.mark.slow
def test_the_losses_are_a_loop_written_out():
    X, y, tasks = kinds()
    model = MixedTaskEstimator(TraceNorm(0.1), loss=LOSSES)
    found = report(model, X, y, tasks)
    held_out = {"model": np.empty(y.size), "alone": np.empty(y.size)}
    for train, test in splits():
        shared = model.fit(X[train], y[train], tasks[train]).predict(
            X[test], tasks[test]
        )
        for name in LOSSES:
            loss = LOSSES[name]
            mine, rows = train[tasks[train] == name], test[tasks[test] == name]
            held_out["model"][rows] = deviance(
                loss, y[rows], shared[tasks[test] == name]
            )
            if loss == "logistic":
                alone = IndependentClassifier("cv", per_task="auto")
                alone.fit(X[mine], y[mine], tasks[mine])
                prediction = alone.predict_proba(X[rows], tasks[rows])[:, 1]
            else:
                alone = IndependentRegressor("cv", loss=loss, per_task="auto")
                alone.fit(X[mine], y[mine], tasks[mine])
                prediction = alone.predict(X[rows], tasks[rows])
            held_out["alone"][rows] = deviance(loss, y[rows], prediction)
    for name, losses in held_out.items():
        means = [losses[tasks == task].mean() for task in found.tasks]
        np.testing.assert_allclose(found.mean_losses[name], means, rtol=1e-5)


def test_tasks_of_one_kind_have_the_report_of_that_kind():
    X, y, tasks = kinds()
    one = dict.fromkeys(LOSSES, "squared")
    mixed = report(MixedTaskEstimator(L21(0.1), loss=one), X, y, tasks)
    plain = report(MultiTaskRegressor(L21(0.1), task_weight="null_loss"), X, y, tasks)
    for name in ("model", "alone", "levels"):
        losses = mixed.mean_losses[name], plain.mean_losses[name]
        np.testing.assert_allclose(*losses, rtol=1e-6, err_msg=name)
    assert mixed.loss == "mean squared error"


@pytest.mark.slow
def test_classes_may_be_text_and_y_may_be_wide():
    X, y, tasks = kinds()
    model = MixedTaskEstimator(L21(0.1), loss=LOSSES)
    numbers = report(model, X, y, tasks)
    text = y.astype(object)
    text[tasks == "stroke"] = np.where(y[tasks == "stroke"] > 0, "yes", "no")
    np.testing.assert_array_equal(
        report(model, X, text, tasks).alone.effect, numbers.alone.effect
    )
    Y = np.column_stack([y[tasks == name] for name in sorted(LOSSES)])
    losses = {t: LOSSES[name] for t, name in enumerate(sorted(LOSSES))}
    wide = MixedTaskEstimator(L21(0.1), loss=losses)
    found = negative_transfer_report(wide, X[:30], Y, cv=2)
    assert found.alone.effect.shape == (4,)


@pytest.mark.slow
def test_absent_features_sparse_rows_and_searches():
    X, y, tasks = kinds()
    lacking = np.where((tasks == "cost")[:, None] & (np.arange(4) == 1), np.nan, X)
    model = MixedTaskEstimator(L21(0.1), loss=LOSSES)
    some = report(model, lacking, y, tasks)
    mask = np.ones((4, 4), dtype=bool)
    mask[1, 0] = False
    masked = MixedTaskEstimator(L21(0.1), loss=LOSSES, feature_mask=mask)
    rows = sparse.csr_array(np.nan_to_num(lacking))
    same = report(masked, rows, y, tasks)
    np.testing.assert_allclose(
        some.mean_losses["model"], same.mean_losses["model"], rtol=1e-4
    )
    search = MixedTaskEstimatorCV(L21(), loss=LOSSES, alphas=3, eps=0.1, cv=2)
    assert np.isfinite(report(search, X, y, tasks).mean_losses["model"]).all()


@pytest.mark.parametrize("name", ["baseline", "pooled"])
def test_a_baseline_of_one_kind_is_refused(name):
    with pytest.raises(
        ValueError, match=f"{name} must be .*MixedTaskEstimator, got Indep"
    ):
        report(
            MixedTaskEstimator(loss=LOSSES), *kinds(), **{name: IndependentRegressor()}
        )
