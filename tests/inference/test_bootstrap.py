"""Resampling within tasks: what is drawn, what is fitted, what is scored."""

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import Lasso
from sklearn.metrics import accuracy_score, mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from linmtl import (
    IndependentRegressor,
    L21Classifier,
    L21Regressor,
    L21RegressorCV,
    TaskScaler,
)
from linmtl.datasets import make_multitask_classification, make_multitask_regression
from linmtl.inference import bootstrap_intervals
from linmtl.inference._bootstrap import _Resampler
from linmtl.metrics import make_task_scorer, normalized_mse, per_task
from linmtl.metrics._labels import read_labels

nan = float("nan")


@pytest.fixture(scope="module")
def long():
    X, y, tasks = make_multitask_regression(
        n_tasks=3,
        n_samples=20,
        n_features=4,
        n_informative=3,
        noise=1.0,
        random_state=0,
    )
    keep = np.r_[0:20, 20:32, 40:48]
    order = np.random.default_rng(0).permutation(keep)
    return X[order], y[order], np.array(list("cab"))[tasks[order]]


@pytest.fixture(scope="module")
def wide():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(30, 3))
    Y = X @ rng.normal(size=(3, 4)) + rng.normal(size=(30, 4))
    Y[rng.random(Y.shape) < 0.3] = nan
    Y[25:] = nan
    return X, Y


def counts_of(seed, *data, classify=False):
    """The draws of the resamples, made again from their seeds."""
    resampler = _Resampler(read_labels(*data), classify)
    seeds = np.random.RandomState(seed).randint(2**31 - 1, size=6)
    return [resampler.draw(np.random.RandomState(s)) for s in seeds]


def test_as_many_rows_of_each_task_are_drawn_as_there_are(long):
    _, y, tasks = long
    y = y.copy()
    y[:5] = nan
    weight = np.ones(len(y))
    weight[5:8] = 0
    used = np.arange(len(y)) >= 8
    for counts in counts_of(0, y, tasks, weight):
        assert not counts[:8].any()
        for task in "abc":
            mine = tasks == task
            assert counts[mine].sum() == np.count_nonzero(used & mine)


def test_every_row_is_drawn_equally_often():
    tasks = np.repeat(["a", "b"], [4, 9])
    resampler = _Resampler(read_labels(np.arange(13.0), tasks), False)
    rng = np.random.RandomState(0)
    n = 3000
    counts = np.array([resampler.draw(rng) for _ in range(n)])
    # five standard deviations of the mean of binomial counts, of variance below one
    np.testing.assert_allclose(counts.mean(axis=0), 1.0, atol=5 / np.sqrt(n))
    missed = (1 - 1 / np.array([4] * 4 + [9] * 9)) ** np.array([4] * 4 + [9] * 9)
    np.testing.assert_allclose(
        (counts == 0).mean(axis=0), missed, atol=2.5 / np.sqrt(n)
    )


def test_tasks_of_wide_data_are_drawn_together(wide):
    _, Y = wide
    labelled = ~np.isnan(Y).all(axis=1)
    for counts in counts_of(0, Y):
        assert counts.sum() == np.count_nonzero(labelled)
        assert not counts[~labelled].any()
        assert np.all([counts[~np.isnan(column)].any() for column in Y.T])


@pytest.mark.parametrize("layout", ["long", "wide"])
def test_no_task_loses_a_label_or_a_class(layout):
    rng = np.random.default_rng(0)
    if layout == "long":
        y = np.r_[1, 0, 0, 0, 1, 1, 1, 0, 0, 1]
        data = (y, list("aaaaabcccc"))
        sets = [[0, 4], [1, 2, 3], [5], [6, 9], [7, 8]]
    else:
        Y = np.full((12, 3), nan)
        Y[:, 0] = rng.integers(0, 2, 12)
        Y[[3, 7], 1] = 0, 1
        Y[[1, 2], 2] = 1, 1
        data = (Y,)
        sets = [[3], [7], [1, 2]]
    resampler = _Resampler(read_labels(*data), classify=True)
    state = np.random.RandomState(0)
    for _ in range(200):
        counts = resampler.draw(state)
        assert all(counts[rows].any() for rows in sets)


@pytest.mark.parametrize("column", [False, True])
def test_a_resample_is_a_fit_to_the_rows_drawn(column, long):
    X, y, tasks = long
    options = {"n_resamples": 6, "random_state": 3}
    if column:
        frame = pd.DataFrame(X, columns=list("pqrs")).assign(site=tasks)
        model = L21Regressor(0.1, tol=1e-9, task_column="site")
        result = bootstrap_intervals(model, frame, y, **options)
        assert result.feature_names.tolist() == list("pqrs")
    else:
        result = bootstrap_intervals(
            L21Regressor(0.1, tol=1e-9), X, y, tasks, **options
        )
        assert result.feature_names.tolist() == ["x0", "x1", "x2", "x3"]
    assert result.tasks.tolist() == list("abc")
    whole = L21Regressor(0.1, tol=1e-9).fit(X, y, tasks)
    np.testing.assert_allclose(result.coef, whole.coef_, atol=1e-6)
    for k, counts in enumerate(counts_of(3, y, tasks)):
        rows = np.repeat(np.arange(len(y)), counts)
        fitted = L21Regressor(0.1, tol=1e-9).fit(X[rows], y[rows], tasks[rows])
        np.testing.assert_allclose(result.resamples[k], fitted.coef_, atol=1e-4)
        for t, task in enumerate("abc"):
            out = (counts == 0) & (tasks == task)
            expected = mean_squared_error(y[out], fitted.predict(X[out], tasks[out]))
            assert result.scores.values[k, t] == pytest.approx(expected, rel=1e-3)


def test_a_resample_of_wide_data(wide):
    X, Y = wide
    model = L21Regressor(0.1, tol=1e-9)
    result = bootstrap_intervals(
        model, X, Y, n_resamples=6, random_state=3, metric=normalized_mse
    )
    for k, counts in enumerate(counts_of(3, Y)):
        rows = np.repeat(np.arange(len(Y)), counts)
        fitted = L21Regressor(0.1, tol=1e-9).fit(X[rows], Y[rows])
        np.testing.assert_allclose(result.resamples[k], fitted.coef_, atol=1e-4)
        out = counts == 0
        expected = normalized_mse(Y[out], fitted.predict(X[out]), average=None)
        np.testing.assert_allclose(result.scores.values[k], expected.values, rtol=1e-3)


def test_a_resample_of_classes():
    X, y, tasks = make_multitask_classification(
        n_tasks=3, n_samples=25, n_features=4, n_informative=3, random_state=0
    )
    y = np.where(y > 0, "yes", "no")
    result = bootstrap_intervals(
        L21Classifier(0.01, tol=1e-8), X, y, tasks, n_resamples=6, random_state=3
    )
    assert result.scores.metric == "accuracy"
    for k, counts in enumerate(counts_of(3, y, tasks, classify=True)):
        rows = np.repeat(np.arange(len(y)), counts)
        fitted = L21Classifier(0.01, tol=1e-8).fit(X[rows], y[rows], tasks[rows])
        np.testing.assert_allclose(result.resamples[k], fitted.coef_, atol=2e-3)
        for t in range(3):
            out = (counts == 0) & (tasks == t)
            score = accuracy_score(y[out], fitted.predict(X[out], tasks[out]))
            assert result.scores.values[k, t] == pytest.approx(score)


@pytest.mark.parametrize("layout", ["long", "wide", "single"])
def test_a_resample_of_several_classes(layout):
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(60, 2)), np.arange(60) % 2
    y = np.argmax(X @ rng.normal(size=(2, 3)) + rng.gumbel(size=(60, 3)), axis=1)
    y[(tasks == 1) & (y == 2)] = 1
    if layout == "wide":
        y = np.column_stack([y, (y + 1) % 3])
    labels = [tasks] if layout == "long" else []
    model = L21Classifier(0.02)
    found = bootstrap_intervals(model, X, y, *labels, n_resamples=2, random_state=0)
    draws = counts_of(0, y, *labels, classify=True)
    for coef, counts in zip(found.resamples, draws, strict=False):
        drawn = np.repeat(np.arange(60), counts)
        again = model.fit(X[drawn], y[drawn], *(part[drawn] for part in labels))
        expected = again.coef_[None] if layout == "single" else again.coef_
        np.testing.assert_allclose(coef, expected, atol=2e-3)
    np.testing.assert_array_equal(np.isnan(found.coef_low), np.isnan(found.coef))
    np.testing.assert_array_equal(np.isnan(found.selected), np.isnan(found.coef))
    table = found.to_frame()
    assert table["class"].tolist()[:6] == [0, 0, 1, 1, 2, 2]
    np.testing.assert_array_equal(table["coef"], found.coef.ravel())
    assert np.isfinite(found.scores.mean).all()


def test_weights_multiply_the_draws(long):
    X, y, tasks = long
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    weight[:4] = 0
    model = L21Regressor(0.1, tol=1e-9)
    options = {"n_resamples": 6, "random_state": 3, "sample_weight": weight}
    result = bootstrap_intervals(model, X, y, tasks, **options)
    whole = L21Regressor(0.1, tol=1e-9).fit(X, y, tasks, weight)
    np.testing.assert_allclose(result.coef, whole.coef_, atol=1e-6)
    for k, counts in enumerate(counts_of(3, y, tasks, weight)):
        fitted = L21Regressor(0.1, tol=1e-9).fit(X, y, tasks, weight * counts)
        np.testing.assert_allclose(result.resamples[k], fitted.coef_, atol=1e-6)
        scores = per_task(
            mean_squared_error,
            y,
            fitted.predict(X, tasks),
            tasks,
            sample_weight=weight * (counts == 0),
        )
        np.testing.assert_allclose(result.scores.values[k], scores.values, rtol=1e-5)


@pytest.mark.slow
def test_intervals_are_quantiles(long):
    X, y, tasks = long
    options = {"n_resamples": 40, "random_state": 0, "confidence_level": 0.8}
    model = L21Regressor(0.3)
    percentile = bootstrap_intervals(model, X, y, tasks, **options)
    basic = bootstrap_intervals(model, X, y, tasks, method="basic", **options)
    draws = percentile.resamples
    np.testing.assert_array_equal(draws, basic.resamples)
    low, high = np.quantile(draws, [0.1, 0.9], axis=0)
    np.testing.assert_allclose(percentile.coef_low, low)
    np.testing.assert_allclose(percentile.coef_high, high)
    np.testing.assert_allclose(basic.coef_low, 2 * basic.coef - high)
    np.testing.assert_allclose(basic.coef_high, 2 * basic.coef - low)
    for a, b in zip(
        percentile.interval("basic", 0.8),
        (basic.coef_low, basic.coef_high),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
    wider = percentile.interval(confidence_level=0.95)
    assert np.all(wider[0] <= low)
    assert np.all(wider[1] >= high)
    np.testing.assert_allclose(percentile.standard_error, draws.std(axis=0, ddof=1))
    np.testing.assert_allclose(percentile.selected, (draws != 0).mean(axis=0))
    scores = percentile.scores
    np.testing.assert_allclose(scores.mean, scores.values.mean(axis=0))
    low, high = np.quantile(scores.values, [0.1, 0.9], axis=0)
    np.testing.assert_allclose(scores.low, low)
    np.testing.assert_allclose(scores.high, high)


@pytest.mark.slow
def test_jobs_and_states(long):
    X, y, tasks = long
    model = L21Regressor(0.1)

    def resamples(**options):
        return bootstrap_intervals(
            model, X, y, tasks, n_resamples=4, **options
        ).resamples

    one = resamples(random_state=0)
    np.testing.assert_array_equal(one, resamples(random_state=0))
    np.testing.assert_array_equal(one, resamples(random_state=0, n_jobs=2))
    assert not np.array_equal(one, resamples(random_state=1))
    state = np.random.RandomState(0)
    np.testing.assert_array_equal(one, resamples(random_state=state))
    assert not np.array_equal(one, resamples(random_state=state))


@pytest.mark.slow
def test_standard_errors_of_least_squares():
    """Without a penalty they are those that theory gives, task by task."""
    rng = np.random.default_rng(0)
    sizes, noise = [150, 250], [0.5, 2.0]
    tasks = np.repeat([0, 1], sizes)
    X = rng.normal(size=(400, 3)) * [1.0, 2.0, 0.5]
    y = X @ [1.0, -1.0, 0.0] + np.repeat(noise, sizes) * rng.normal(size=400)
    result = bootstrap_intervals(
        IndependentRegressor(alpha=1e-8), X, y, tasks, n_resamples=400, random_state=0
    )
    for t in (0, 1):
        A = np.column_stack([np.ones(sizes[t]), X[tasks == t]])
        inverse = np.linalg.inv(A.T @ A)
        residual = y[tasks == t] - A @ (inverse @ A.T @ y[tasks == t])
        # White's covariance: rows are drawn, not errors
        robust = inverse @ (A.T * residual**2) @ A @ inverse
        expected = np.sqrt(np.diag(robust))[1:]
        # 400 resamples know a standard deviation to 3.5 %; the rest is higher order
        np.testing.assert_allclose(result.standard_error[t], expected, rtol=0.15)
        width = result.coef_high[t] - result.coef_low[t]
        np.testing.assert_allclose(width, 2 * 1.96 * expected, rtol=0.2)


def test_one_task_and_a_task_of_one_row(long):
    X, y, tasks = long
    single = bootstrap_intervals(L21Regressor(0.1), X, y, n_resamples=3, random_state=0)
    assert single.coef.shape == single.coef_low.shape == (1, 4)
    tasks = np.r_[tasks[:-1], ["lone"]]
    lone = bootstrap_intervals(
        L21Regressor(0.1), X, y, tasks, n_resamples=3, random_state=0
    )
    assert lone.tasks.tolist() == ["a", "b", "c", "lone"]
    np.testing.assert_array_equal(np.isnan(lone.scores.mean), [False] * 3 + [True])
    frame = lone.scores.to_frame()
    assert frame["n_resamples"].tolist() == [3, 3, 3, 0]


def test_scores_follow_the_order_of_the_tasks(long):
    X, y, tasks = long
    options = {"n_resamples": 3, "random_state": 0}
    plain = bootstrap_intervals(L21Regressor(0.1), X, y, tasks, **options)
    model = L21Regressor(0.1, task_order=["c", "a", "b"])
    ordered = bootstrap_intervals(model, X, y, tasks, **options)
    assert ordered.tasks.tolist() == ordered.scores.tasks.tolist() == list("cab")
    np.testing.assert_allclose(ordered.coef, plain.coef[[2, 0, 1]], atol=1e-3)
    np.testing.assert_allclose(
        ordered.scores.values, plain.scores.values[:, [2, 0, 1]], rtol=0.05
    )


def test_tables(long):
    X, y, tasks = long
    scorer = make_task_scorer(normalized_mse)
    result = bootstrap_intervals(
        L21Regressor(0.1),
        X,
        y,
        tasks,
        n_resamples=3,
        random_state=0,
        metric=scorer,
    )
    frame = result.to_frame()
    assert frame.columns.tolist() == [
        "task",
        "feature",
        "coef",
        "low",
        "high",
        "standard_error",
        "selected",
    ]
    row = frame[(frame["task"] == "b") & (frame["feature"] == "x2")].iloc[0]
    assert row["coef"] == result.coef[1, 2]
    assert row["low"] == result.coef_low[1, 2]
    assert row["selected"] == result.selected[1, 2]
    assert repr(result) == (
        "BootstrapIntervals(3 tasks, 4 features, percentile at 0.95, 3 resamples)"
    )
    assert repr(result.scores) == (
        "ScoreIntervals(normalized_mse of 3 tasks, 3 resamples)"
    )


def test_strengths_are_chosen_in_each_resample(long):
    X, y, tasks = long
    model = L21RegressorCV(alphas=5, cv=3)
    result = bootstrap_intervals(model, X, y, tasks, n_resamples=6, random_state=3)
    counts = counts_of(3, y, tasks)[0]
    fitted = L21RegressorCV(alphas=5, cv=3).fit(X, y, tasks, counts)
    np.testing.assert_array_equal(result.resamples[0], fitted.coef_)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_resamples": 1}, "n_resamples must be an integer >= 2, got 1"),
        ({"n_resamples": 2.5}, "n_resamples must be .* got 2.5"),
        ({"n_resamples": True}, "n_resamples must be .* got True"),
        ({"confidence_level": 95}, "confidence_level is 95; pass a number between"),
        ({"confidence_level": "0.9"}, "confidence_level is '0.9'"),
        ({"method": "bca"}, "method must be one of 'percentile', 'basic'"),
        ({"metric": "no_such"}, "no_such"),
        ({"sample_weight": [1.0]}, "sample_weight.shape"),
    ],
)
def test_wrong_options(options, message, long):
    with pytest.raises(ValueError, match=message):
        bootstrap_intervals(L21Regressor(0.1), *long, **options)


def test_wrong_interval(long):
    result = bootstrap_intervals(L21Regressor(0.1), *long, n_resamples=2)
    with pytest.raises(ValueError, match=r"method must be .* got 'normal'"):
        result.interval("normal")


def test_wrong_estimators(long):
    X, y, _ = long
    with pytest.raises(ValueError, match="StandardScaler does not fit weighted rows"):
        bootstrap_intervals(make_pipeline(TaskScaler(), StandardScaler()), X, y)
    with pytest.raises(ValueError, match="Lasso does not fit weighted rows"):
        bootstrap_intervals(Lasso(0.1), X, y)


@pytest.mark.parametrize("form", ["long", "wide", "column"])
def test_a_pipeline_is_its_last_step_on_what_the_others_make(form, long, wide):
    """Steps are fitted to the rows drawn: here they only know the units."""
    double = FunctionTransformer(lambda X: 2 * X, feature_names_out="one-to-one")
    model, given = L21Regressor(0.1), long
    if form == "wide":
        given = wide
    elif form == "column":
        X, y, tasks = long
        model.set_params(task_column=0)
        codes = np.unique(tasks, return_inverse=True)[1]
        given = (np.column_stack([codes, X]), y)
    options = {"n_resamples": 5, "random_state": 0}
    pipe = bootstrap_intervals(make_pipeline(double, model), *given, **options)
    if form == "column":
        assert pipe.resamples.shape[2] == X.shape[1]
        return
    plain = bootstrap_intervals(model, 2 * given[0], *given[1:], **options)
    np.testing.assert_array_equal(pipe.resamples, plain.resamples)
    np.testing.assert_array_equal(pipe.scores.values, plain.scores.values)


@pytest.mark.slow
def test_steps_of_a_pipeline_are_fitted_in_each_resample(long):
    X, y, tasks = long
    frame = pd.DataFrame(X, columns=[f"f{j}" for j in range(X.shape[1])])
    pipe = make_pipeline(StandardScaler(), L21Regressor(0.1))
    found = bootstrap_intervals(pipe, frame, y, tasks, n_resamples=3, random_state=0)
    assert found.feature_names.tolist() == list(frame.columns)
    resampler = _Resampler(read_labels(y, tasks), False)
    seeds = np.random.RandomState(0).randint(2**31 - 1, size=3)
    for seed, coef in zip(seeds, found.resamples, strict=True):
        counts = resampler.draw(np.random.RandomState(seed))
        scaler = StandardScaler().fit(np.repeat(X, counts, axis=0))
        model = L21Regressor(0.1)
        model.fit(scaler.transform(X), y, tasks, sample_weight=counts.astype(float))
        np.testing.assert_allclose(coef, model.coef_, rtol=1e-9, atol=1e-12)
    variance = np.median(X.var(axis=0))
    X = X * np.where(np.arange(X.shape[1]) == 0, 3.0, 1.0)  # one is always there
    chosen = make_pipeline(VarianceThreshold(variance), L21Regressor(0.1))
    with pytest.raises(ValueError, match="more or fewer columns of some resamples"):
        bootstrap_intervals(chosen, X, y, tasks, n_resamples=20, random_state=0)


def test_wrong_data(long):
    X, y, tasks = long
    with pytest.raises(ValueError, match="tasks has 3 labels"):
        bootstrap_intervals(L21Regressor(), X, y, tasks[:3])
    # forty tasks with one label each, each in a row of its own
    Y = np.where(np.eye(40), np.arange(40.0), nan)
    with pytest.raises(ValueError, match="of 100 draws of 40 rows none kept"):
        bootstrap_intervals(L21Regressor(), np.eye(40), Y, n_resamples=2)
