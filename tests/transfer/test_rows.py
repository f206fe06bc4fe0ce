"""What rows know beside their features: offsets, and features that tasks lack."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone

from linmtl import (
    AutoRegressor,
    IndependentRegressor,
    L1Regressor,
    L21Regressor,
    MeanRegularizedRegressor,
    MultiTaskClassifier,
    PooledRegressor,
    TaskThresholdClassifier,
)
from linmtl.conformal import TaskConformalRegressor
from linmtl.inference import (
    bootstrap_intervals,
    debiased_coefficients,
    stable_features,
)
from linmtl.losses import LOSSES
from linmtl.model_selection import TaskKFold
from linmtl.transfer import (
    GroupedMultiTaskRegressor,
    SafeTransferRegressor,
    detect_sources,
    lookahead_affinity,
    negative_transfer_report,
    transfer_gain,
)

TASKS = np.repeat(list("abc"), 24)
MASK = pd.DataFrame({"a": [1, 1, 0], "b": [1, 0, 1], "c": [0, 1, 1]}, index=[*"xyz"])
TIGHT = {"tol": 1e-7}


def data(loss="squared", absent=True, seed=0):
    """Return X, y, tasks and offsets that matter; each task lacks a feature."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(72, 3)) + 1.0
    if absent:
        X[~MASK.astype(bool)[TASKS].to_numpy().T] = np.nan
    offset = rng.normal(size=72)
    eta = np.nan_to_num(X) @ [1.0, 0.5, -0.5] + offset
    y = eta + rng.normal(size=72)
    if loss == "poisson":
        y = rng.poisson(np.exp(eta)).astype(float)
    return X, y, TASKS, offset


def fitted_losses(model, train, test, X, y, tasks, offset):
    """Return the mean loss of each task on some rows, of a model of others."""
    model = clone(model).fit(X[train], y[train], tasks[train], offset=offset[train])
    loss = LOSSES[model.loss]()
    eta = model._eta(X[test], tasks[test], offset[test])
    each = loss.score.factor * loss.value(y[test], eta)
    return [each[tasks[test] == t].mean() for t in np.unique(tasks[test])]


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "poisson"])
def test_a_report_is_the_loop_written_out(loss):
    given = data(loss)
    X, y, tasks, offset = given
    splits = list(TaskKFold(2, shuffle=True, random_state=0).split(X, y, tasks))
    options = {"loss": loss, **TIGHT}
    models = {
        "model": L21Regressor(0.1, **options),
        "alone": IndependentRegressor(0.1, **options),
        "pooled": PooledRegressor(0.1, task_intercepts=True, **options),
    }
    model, alone, pooled = models.values()
    report = negative_transfer_report(
        model,
        *given[:3],
        offset=offset,
        baseline=alone,
        pooled=pooled,
        cv=splits,
    )
    for name, each in models.items():
        expected = [fitted_losses(each, *split, *given) for split in splits]
        np.testing.assert_allclose(report.losses[name], expected, rtol=1e-9)
    rows, names = X.copy(), {"columns": list("xyz")}
    masked = clone(model).set_params(feature_mask=MASK)
    labelled = pd.DataFrame(np.nan_to_num(rows, nan=77.0), **names)
    others = {"offset": offset, "baseline": alone, "pooled": pooled, "cv": splits}
    again = negative_transfer_report(masked, labelled, y, tasks, **others)
    np.testing.assert_allclose(again.losses["model"], report.losses["model"])


@pytest.mark.slow
def test_choices_among_models_are_judged_with_what_is_known():
    X, y, tasks, offset = data("poisson")
    model = L21Regressor(0.1, loss="poisson", **TIGHT)
    options = {"baseline": clone(model), "pooled": clone(model), "cv": 2}
    options["offset"] = offset
    itself, of_one = (
        negative_transfer_report(each, X, y, tasks, **options).losses["model"]
        for each in (model, AutoRegressor([model]))
    )
    np.testing.assert_allclose(of_one, itself, rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "poisson"])
def test_gains_and_sources_are_of_the_features_that_a_pair_has(loss):
    given = data(loss)
    X, y, tasks, offset = given
    splits = list(TaskKFold(2).split(X, y, tasks))
    model = L21Regressor(0.1, loss=loss, **TIGHT)
    gain = transfer_gain(model, X, y, tasks, offset=offset, cv=splits).values
    apart = clone(model).set_params(task_weight="n_samples")  # shares no sums
    refitted = transfer_gain(apart, X, y, tasks, offset=offset, cv=splits).values
    np.testing.assert_allclose(gain, refitted, atol=1e-6)
    pair = np.isin(tasks, ["a", "b"])
    mine = [
        (np.isin(np.flatnonzero(pair), f), ~np.isin(np.flatnonzero(pair), f))
        for f, _ in splits
    ]
    both = [fitted_losses(model, *s, *(v[pair] for v in given))[1] for s in mine]
    one = tasks == "b"
    mine = [
        (np.isin(np.flatnonzero(one), f), ~np.isin(np.flatnonzero(one), f))
        for f, _ in splits
    ]
    part = [np.delete(X[one], 1, axis=1), *(v[one] for v in given[1:])]
    alone = [fitted_losses(model, *s, *part)[0] for s in mine]
    assert gain[0, 1] == pytest.approx(1 - np.mean(both) / np.mean(alone), rel=1e-5)


def test_sources_and_steps_know_the_offset():
    X, y, tasks, offset = data()
    calls = (
        lambda y, **o: detect_sources(None, X[:, :1], y, tasks, target="a", **o).losses,
        lambda y, **o: lookahead_affinity(X, y, tasks, **o).values,
    )
    X = np.nan_to_num(X)
    for call in calls:
        found, expected = call(y, offset=offset), call(y - offset)
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    X[tasks == "a", 2] = np.nan
    assert np.isfinite(lookahead_affinity(X, y, tasks).values).all()


@pytest.mark.parametrize("mask", [None, MASK])
def test_groups_have_the_features_that_their_tasks_have(mask):
    X, y, tasks, offset = data("poisson")
    inner = L21Regressor(0.1, loss="poisson", feature_mask=mask, **TIGHT)
    groups = {"a": 0, "b": 0, "c": 1}
    table = pd.DataFrame(X if mask is None else np.nan_to_num(X), columns=list("xyz"))
    model = GroupedMultiTaskRegressor(inner, groups=groups)
    model.fit(table, y, tasks, offset=offset)
    assert not model.coef_[~MASK.T.astype(bool)].any()
    alone = tasks == "c"
    expected = L21Regressor(0.1, loss="poisson", **TIGHT)
    expected.fit(X[alone][:, 1:], y[alone], tasks[alone], offset=offset[alone])
    np.testing.assert_allclose(model.coef_[2, 1:], expected.coef_[0], atol=1e-6)
    both = GroupedMultiTaskRegressor(inner.set_params(loss="squared"), cv=2)
    both.fit(table, y, tasks, offset=offset)
    shifted = clone(both).fit(table, y - offset, tasks)
    np.testing.assert_allclose(both.coef_, shifted.coef_, atol=1e-6)


def test_pooled_coefficients_are_of_the_features_that_a_task_has():
    X, y, tasks, offset = data()
    model = PooledRegressor(0.1, task_intercepts=True, **TIGHT)
    model.fit(X, y, tasks, offset=offset)
    levels = pd.get_dummies(tasks).to_numpy(float)
    A = np.hstack([np.nan_to_num(X), levels])
    ridge = np.diag([0.1, 0.1, 0.1, 0.0, 0.0, 0.0]) * len(y)
    w = np.linalg.solve(A.T @ A + ridge, A.T @ (y - offset))
    np.testing.assert_allclose(model.coef_, MASK.T.to_numpy() * w[:3], atol=1e-8)
    np.testing.assert_allclose(model.intercept_, w[3:], atol=1e-8)
    thin = clone(model).set_params(feature_mask=MASK.to_numpy())
    thin.fit(sparse.csr_array(np.nan_to_num(X)), y, tasks, offset=offset)
    np.testing.assert_allclose(thin.coef_, model.coef_, atol=1e-8)


@pytest.mark.slow
def test_inference_takes_the_offset_off_targets():
    X, y, tasks, offset = data()
    model = L21Regressor(0.1, **TIGHT)
    calls = (
        lambda y, **o: debiased_coefficients(X, y, tasks, estimator=model, **o).coef,
        lambda y, **o: stable_features(X, y, tasks, n_pairs=2, **o).frequency,
    )
    for call in calls:
        found, expected = call(y, offset=offset), call(y - offset)
        np.testing.assert_allclose(found, expected, atol=1e-7)
    found = debiased_coefficients(X, y, tasks, estimator=model, offset=offset)
    np.testing.assert_array_equal(np.isnan(found.coef).T, ~MASK.astype(bool))
    np.testing.assert_array_equal(found.degrees_of_freedom, 2)


def test_resamples_keep_their_offset():
    X, y, tasks, offset = data("poisson")
    model = L21Regressor(0.1, loss="poisson", **TIGHT)
    options = {"n_resamples": 2, "random_state": 0}
    found = bootstrap_intervals(model, X, y, tasks, offset=offset, **options)
    rate = bootstrap_intervals(
        clone(model),
        X,
        y,
        tasks,
        offset=offset + 0.5,
        metric="neg_mean_poisson_deviance",
        **options,
    )
    np.testing.assert_allclose(found.resamples, rate.resamples, atol=1e-6)
    assert not found.coef[~MASK.T.astype(bool)].any()
    assert np.isfinite(rate.scores.mean).all()


def test_what_cannot_count_is_said():
    X, y, tasks, offset = data()
    for model, table, o, message in (
        (PooledRegressor(), X, None, "PooledRegressor, or what is made of it here, is"),
        (L21Regressor(), np.nan_to_num(X), offset[1:], "offset has shape"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            negative_transfer_report(model, table, y, tasks, offset=o)
        assert "\n" not in str(error.value)
    classes = np.digitize(y, [0.0, 1.0])
    with pytest.raises(ValueError, match="offset is for two classes"):
        negative_transfer_report(
            MultiTaskClassifier(), np.nan_to_num(X), classes, tasks, offset=offset
        )


CALLED = {
    "stable_features": lambda *a: stable_features(*a, n_pairs=1),
    "debiased_coefficients": debiased_coefficients,
    "detect_sources": lambda *a: detect_sources(None, *a, target="a"),
    "lookahead_affinity": lookahead_affinity,
    "L21Regressor": lambda *a: transfer_gain(L21Regressor(), *a),
    "GroupedMultiTaskRegressor": GroupedMultiTaskRegressor().fit,
    "TaskConformalRegressor": TaskConformalRegressor().fit,
    "TaskThresholdClassifier": TaskThresholdClassifier().fit,
}


@pytest.mark.parametrize("name", CALLED)
def test_errors_of_data_name_what_was_called(name):
    """No model inside, which the user has not heard of."""
    X, y, tasks, _ = data(absent=False)
    for wrong, what in (
        ((X, None, tasks), f"{name} requires y to be passed"),
        ((X[None], y, tasks), f"is required by {name}"),
    ):
        with pytest.raises(ValueError, match=what):
            CALLED[name](*wrong)


@pytest.mark.slow
def test_models_put_together_read_by_the_mask_that_they_share():
    """What X holds of features that a task does not have does not matter."""
    X, y, tasks, _ = data()
    table = pd.DataFrame(X, columns=list("xyz"))
    some = table.copy()
    some.loc[::2] = some.loc[::2].fillna(50.0)  # of a feature that the task lacks
    inner = L21Regressor(0.1, feature_mask=MASK)
    for model in (
        AutoRegressor([inner, L1Regressor(0.1, feature_mask=MASK)], cv=2),
        SafeTransferRegressor(inner, cv=2),
        TaskConformalRegressor(inner, cv=2),
    ):
        expected = clone(model).fit(table.fillna(0.0), y, tasks)
        found = clone(model).fit(some, y, tasks)
        answers = (m.predict(table.fillna(0.0), tasks) for m in (found, expected))
        np.testing.assert_allclose(*answers, atol=1e-8)
    own = AutoRegressor([inner, L1Regressor(0.1)], cv=2)
    with pytest.raises(ValueError, match="in some rows of task"):
        own.fit(some, y, tasks)


def test_a_blend_is_judged_with_its_mask():
    X, y, tasks, offset = data()
    inner = MeanRegularizedRegressor(0.1, feature_mask=MASK)
    table = pd.DataFrame(np.nan_to_num(X), columns=list("xyz"))
    models = {
        "baseline": IndependentRegressor(0.1),
        "pooled": IndependentRegressor(1.0),
    }
    report = negative_transfer_report(
        SafeTransferRegressor(
            inner, IndependentRegressor(0.1, feature_mask=MASK), cv=2
        ),
        table,
        y,
        tasks,
        offset=offset,
        cv=2,
        **models,
    )
    assert np.isfinite(report.losses["model"]).all()
