"""The report on transfer: what it says of itself and of its tasks."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.model_selection import LeaveOneGroupOut

from helpers.transfer import make_data, random_W
from linmtl import (
    AutoRegressor,
    IndependentRegressor,
    L21Classifier,
    L21Regressor,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    MultiTaskRegressor,
    PooledRegressor,
)
from linmtl.data import MultiTaskData
from linmtl.datasets import make_multitask_classification, make_multitask_regression
from linmtl.designs._shared import SharedDesign
from linmtl.estimators._pooled import PooledRegressorCV
from linmtl.losses import LOSSES
from linmtl.model_selection import TaskKFold
from linmtl.penalties import L21
from linmtl.transfer import detect_sources, negative_transfer_report, transfer_gain
from linmtl.transfer._paired import compare_losses
from linmtl.transfer._rows import Rows


@pytest.mark.slow
@pytest.mark.parametrize("grouped", [False, True])
def test_a_choice_among_models_is_judged_in_one_pass(grouped):
    """What chooses from one model is that model; folds are not made within folds."""
    X, y, tasks = make_data(random_W(3), [30, 45, 20])
    settings = {"random_state": 0, "baseline": IndependentRegressor(0.1)}
    settings |= {"pooled": PooledRegressor(0.1)}
    if grouped:
        settings["groups"] = np.arange(len(y)) // 2
    model = MeanRegularizedRegressor(0.5)
    of_one, itself = (
        negative_transfer_report(estimator, X, y, tasks, cv=3, n_repeats=2, **settings)
        for estimator in (AutoRegressor([model]), model)
    )
    for name, losses in itself.losses.items():
        np.testing.assert_allclose(of_one.losses[name], losses, rtol=1e-9)
    np.testing.assert_array_equal(of_one.verdict, itself.verdict)
    once = negative_transfer_report(AutoRegressor([model]), X, y, tasks, **settings)
    assert len(once.losses["model"]) == 5


def test_report_is_the_loop_written_out():
    X, y, tasks = make_data(random_W(3), [30, 45, 60])
    splits = list(TaskKFold(4, shuffle=True, random_state=0).split(X, y, tasks))
    estimator, alone = MeanRegularizedRegressor(0.5), IndependentRegressor(0.1)
    report = negative_transfer_report(
        estimator,
        X,
        y,
        tasks,
        baseline=alone,
        pooled=PooledRegressor(),
        cv=splits,
        level=0.1,
        method="resampled_t",
    )
    labels = np.unique(tasks)
    losses = {"model": [], "alone": [], "pooled": []}
    models = {"model": estimator, "alone": alone, "pooled": PooledRegressor()}
    for train, test in splits:
        for name, model in models.items():
            model = clone(model).fit(X[train], y[train], tasks[train])
            error = (y[test] - model.predict(X[test], tasks[test])) ** 2
            losses[name].append([error[tasks[test] == t].mean() for t in labels])
    for name, expected in losses.items():
        np.testing.assert_allclose(report.losses[name], expected, atol=1e-8)
    difference = np.array(losses["alone"]) - losses["model"]
    share = [
        sum(np.sum(tasks[test] == t) for _, test in splits)
        / sum(np.sum(tasks[train] == t) for train, _ in splits)
        for t in labels
    ]
    error = difference.std(axis=0, ddof=1) * np.sqrt(1 / 4 + np.array(share))
    t = difference.mean(axis=0) / error
    np.testing.assert_allclose(report.alone.p_value, 2 * stats.t.sf(np.abs(t), 3))
    reach = stats.t.ppf(0.95, 3) * error / np.mean(losses["alone"], axis=0)
    np.testing.assert_allclose(
        report.alone.high, np.minimum(report.alone.effect + reach, 1.0)
    )
    np.testing.assert_allclose(report.alone.effect - report.alone.low, reach)
    np.testing.assert_allclose(
        report.alone.adjusted, stats.false_discovery_control(report.alone.p_value)
    )
    assert np.isnan(report.overall_p_value)  # of three tasks
    frame = report.to_frame()
    assert frame.index.tolist() == labels.tolist()
    np.testing.assert_allclose(frame["effect_alone"], report.alone.effect)
    assert frame["n_samples"].tolist() == [30, 45, 60]


def planted(seed=0, classify=False):
    """Eight tasks that are alike, and two of their own kind."""
    rng = np.random.default_rng(seed)
    W = np.repeat(rng.normal(size=(1, 60)), 10, axis=0)
    W[8] = -2.0 * W[0]
    W[9] = rng.permutation(W[8])
    n = np.array([120] * 8 + [180] * 2) * (4 if classify else 1)
    return make_data(W, n, noise=6.0, seed=seed, classify=classify)


@pytest.mark.parametrize("classify", [False, True])
@pytest.mark.slow
def test_planted_tasks_are_flagged(classify):
    X, y, tasks = planted(classify=classify)
    kind = MeanRegularizedClassifier if classify else MeanRegularizedRegressor
    model = kind(0.3 if classify else 1.0)
    report = negative_transfer_report(model, X, y, tasks, cv=5, n_repeats=2)
    assert report.verdict[-2:].tolist() == ["hurt", "hurt"]
    helped = report.verdict[:8]
    assert "hurt" not in helped
    assert np.sum(helped == "helped") >= 6
    expected = stats.wilcoxon(report.alone.effect).pvalue
    assert report.overall_p_value == pytest.approx(expected)
    text = str(report)
    assert "2 hurt ('t8', 't9')" in report.summary
    saved = 100 * np.median(report.alone.effect)
    assert f"median saving {saved:+.1f} %" in report.summary
    assert saved > 0
    assert report.summary in text
    assert len(text.splitlines()) == 1 + 10 + 2
    assert report.loss == ("log loss" if classify else "mean squared error")


@pytest.mark.slow
def test_progress_is_told_where_asked(capsys):
    X, y, tasks = make_multitask_regression(n_tasks=3, random_state=0)
    model = MeanRegularizedRegressor()
    negative_transfer_report(model, X, y, tasks, cv=2, verbose=1)
    assert "Done" in capsys.readouterr().err


@pytest.mark.slow
def test_report_of_the_baseline_itself_finds_nothing():
    X, y, tasks = planted()
    report = negative_transfer_report(
        IndependentRegressor(0.1), X, y, tasks, baseline=IndependentRegressor(0.1)
    )
    assert set(report.verdict) == {"equivalent"}
    np.testing.assert_array_equal(report.alone.effect, 0.0)
    np.testing.assert_array_equal(report.alone.p_value, 1.0)


@pytest.mark.slow
def test_false_discoveries_are_rare():
    """Where no model is better for any task, verdicts other than undecided are rare."""
    rng = np.random.default_rng(0)
    flagged = 0
    for seed in range(20):
        W = rng.normal(size=(6, 4))
        X, y, tasks = make_data(W, 40, seed=seed)
        order = rng.permutation(6)
        # two equally strong models: ridge of slightly different strength per task
        strengths = np.where(order < 3, 0.05, 0.0499)
        report = negative_transfer_report(
            IndependentRegressor(strengths),
            X,
            y + 0.0,
            tasks,
            baseline=IndependentRegressor(0.1 - strengths[::-1]),
            cv=8,
            random_state=seed,
        )
        flagged += np.any(np.isin(report.verdict, ("helped", "hurt")))
    # "any task flagged" is a family-wise error: the level is .05 per repetition
    assert flagged <= 20 * 0.25


@pytest.mark.slow
def test_corrected_test_keeps_its_level():
    """Differences with the correlation that overlapping splits have."""
    rng = np.random.default_rng(1)
    n_splits, share = 10, 0.25
    rejected, repetitions = 0, 2000
    correlation = share / (1 + share)
    for _ in range(repetitions):
        common = rng.normal(size=(1, 1)) * np.sqrt(correlation)
        own = rng.normal(size=(n_splits, 1)) * np.sqrt(1 - correlation)
        result = compare_losses(
            1.0 + common + own, np.ones((n_splits, 1)), name="alone", share=share
        )
        rejected += result.verdict[0] != "undecided"
    assert rejected / repetitions < 0.08


@pytest.mark.slow
def test_tasks_that_are_never_held_out_are_undecided():
    X, y, tasks = make_data(random_W(3), [30, 30, 1])
    report = negative_transfer_report(MeanRegularizedRegressor(), X, y, tasks, cv=4)
    assert np.isnan(report.alone.effect[2])
    assert report.verdict[2] == "undecided"
    assert "nan" in str(report)


@pytest.mark.slow
def test_no_verdict_on_a_handful_of_rows():
    """Splits of two to four rows repeat themselves: their spread says nothing."""
    flagged = 0
    for seed in range(3):
        for k in (2, 3, 4):
            X, y, tasks = make_data(random_W(4), [k, 20, 20, 20], seed=seed)
            report = negative_transfer_report(
                MeanRegularizedRegressor(0.1),
                X,
                y,
                tasks,
                baseline=IndependentRegressor(0.1),
                cv=12,
                random_state=seed,
            )
            assert report.verdict[0] == "undecided"
            assert np.isnan(report.alone.p_value[0])
            flagged += np.sum(np.isin(report.verdict, ("helped", "hurt")))
    assert flagged <= 6


@pytest.mark.slow
def test_tasks_of_few_rows_are_tuned_in_fewer_folds():
    X, y, tasks = make_data(random_W(6), 5)
    report = negative_transfer_report(MeanRegularizedRegressor(0.1), X, y, tasks, cv=5)
    assert np.isfinite(report.losses["alone"]).all()


@pytest.mark.slow
def test_constant_targets_give_no_nonsense():
    X, y, tasks = make_data(random_W(3), 30)
    y[tasks == "t1"] = 3.1
    model = MeanRegularizedRegressor(0.1)
    gain = transfer_gain(model, X, y, tasks).values
    np.testing.assert_array_equal(gain[[0, 2], 1], -np.inf)
    assert np.all(np.isfinite(gain[:, [0, 2]]))
    report = negative_transfer_report(model, X, y, tasks, cv=6)
    assert report.losses["alone"][:, 1].max() == 0.0
    assert np.isnan(report.alone.effect[1])


@pytest.mark.slow
def test_a_task_predicted_perfectly_alone_is_judged():
    """There is no percentage of nothing, and yet a difference."""
    X, y, tasks = make_data(random_W(6), 100)
    y[tasks == "t1"] = 3.1
    report = negative_transfer_report(MeanRegularizedRegressor(1.0), X, y, tasks)
    assert report.losses["alone"][:, 1].max() == 0.0
    assert report.verdict[1] == "hurt"
    assert np.isnan(report.alone.effect[1])
    assert report.alone.difference[1] < 0
    assert report.alone.shown(1)[:2] == ("-", "-")
    row = next(line for line in str(report).split("\n") if line.startswith("t1"))
    assert row.split()[-4:-2] == ["-", "-"]
    assert row.endswith("hurt")
    lower = np.sum(report.alone.difference > 0)
    assert f"lower in {lower} of 6 tasks" in report.summary
    # no percentage says how much more it has lost than the others
    ranked = np.where(np.isnan(report.alone.effect), -1e6, report.alone.effect)
    assert report.overall_p_value == pytest.approx(stats.wilcoxon(ranked).pvalue)
    assert f"median saving {100 * np.median(ranked):+.1f} %" in report.summary


@pytest.mark.slow
def test_no_loss_with_the_others_either():
    X, y, tasks = make_data(random_W(2), 40)
    y = np.where(tasks == "t1", 3.0, y)
    same = IndependentRegressor(0.1)
    report = negative_transfer_report(same, X, y, tasks, baseline=same, cv=5)
    assert report.losses["model"][:, 1].max() == 0.0
    assert report.verdict.tolist() == ["equivalent", "equivalent"]
    assert "lower in 0 of 2 tasks, median saving +0.0 %" in report.summary
    y[:] = 3.0
    report = negative_transfer_report(same, X, y, tasks, baseline=same, cv=5)
    assert "lower in 0 of 2 tasks" in report.summary


def test_a_loss_falls_by_no_more_than_all_of_it():
    rng = np.random.default_rng(0)
    model = 0.1 * rng.uniform(size=(8, 1))
    found = compare_losses(rng.uniform(0.1, 2, (8, 1)), model, name="alone", share=0.25)
    assert found.high[0] == 1.0
    assert found.low[0] < found.effect[0] < 1.0


@pytest.mark.parametrize("classify", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.slow
def test_pooled_is_tuned_and_has_the_intercepts_of_the_tasks(classify, fit_intercept):
    """Tasks with the same coefficients at different levels are one model."""
    rng = np.random.default_rng(0)
    code = np.repeat(np.arange(6), 40)
    X = rng.normal(size=(code.size, 5))
    eta = X.sum(axis=1) + (20.0 if not classify else 1.0) * code * fit_intercept
    y = eta + rng.normal(size=code.size)
    if classify:
        y = y > 2.5 * fit_intercept
    kind = MeanRegularizedClassifier if classify else MeanRegularizedRegressor
    model = kind(0.01, fit_intercept=fit_intercept)
    report = negative_transfer_report(model, X, y, code, cv=8)
    assert "helped" not in report.pooled.verdict
    assert np.median(report.pooled.effect) < 0.03
    # the strength matters where most features say nothing
    if not classify and fit_intercept:
        X = rng.normal(size=(60, 40))
        y = X[:, 0] + 3.0 * rng.normal(size=60)
        report = negative_transfer_report(model, X, y, code[::4], cv=8)
        untuned = negative_transfer_report(
            model, X, y, code[::4], cv=8, pooled=PooledRegressor(task_intercepts=True)
        )
        tuned, given = (r.losses["pooled"].mean() for r in (report, untuned))
        assert tuned < 0.7 * given


def test_classes_of_one_row_each():
    y, tasks = np.tile([0, 1], 4), np.repeat(np.arange(4), 2)
    with pytest.raises(ValueError, match="the only one of its task, or of its class"):
        negative_transfer_report(L21Classifier(), np.arange(8.0)[:, None], y, tasks)


def test_splits_that_judge_no_task():
    X, y, tasks = make_data(random_W(3), 30)
    with pytest.raises(ValueError, match=r"cv judges no task.*within the tasks"):
        negative_transfer_report(L21Regressor(), X, y, tasks, cv=LeaveOneGroupOut())


@pytest.mark.slow
def test_samples_of_a_wide_Y_are_split_as_if_of_one_task():
    X, y, tasks = make_data(random_W(3), 30)
    Y = np.column_stack([y[tasks == t] for t in np.unique(tasks)])
    Y[np.random.default_rng(0).uniform(size=Y.shape) < 0.3] = np.nan
    X = X[: len(Y)]
    model = MeanRegularizedRegressor(0.1)
    found = negative_transfer_report(model, X, Y, cv=TaskKFold(3))
    same = negative_transfer_report(model, X, Y, cv=list(TaskKFold(3).split(X)))
    np.testing.assert_array_equal(found.losses["model"], same.losses["model"])


@pytest.mark.slow
def test_a_baseline_that_the_report_has_not():
    X, y, tasks = make_data(random_W(3), 30)
    report = negative_transfer_report(L21Regressor(0.1), X, y, tasks, cv=3)
    with pytest.raises(ValueError, match="against must be one of 'alone', 'pooled'"):
        report.plot(against="independent")


@pytest.mark.slow
def test_other_layouts_and_jobs():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5))
    Y = X @ random_W(3).T + rng.normal(size=(60, 3))
    one = negative_transfer_report(L21Regressor(0.1), X, Y, cv=3)
    two = negative_transfer_report(L21Regressor(0.1), X, Y, cv=3, n_jobs=2)
    np.testing.assert_allclose(one.alone.effect, two.alone.effect)
    assert one.tasks.tolist() == [0, 1, 2]
    frame = pd.DataFrame(X).rename(columns=str).assign(site="ab")
    frame["site"] = np.where(np.arange(60) % 2, "a", "b")
    inside = negative_transfer_report(
        L21Regressor(0.1, task_column="site"), frame, Y[:, 0], cv=3
    )
    assert inside.tasks.tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"level": 0.0}, "level must be between 0 and 1"),
        ({"level": "0.05"}, "level must be between 0 and 1"),
        ({"cv": 1}, "cv must be an integer >= 2"),
        ({"cv": 1, "method": "resampled_t"}, "cv must make at least 2 splits"),
        ({"cv": "five"}, "cv must be a number of splits"),
        ({"method": "t"}, "method must be one of 'clt', 'resampled_t'"),
        ({"margin": -0.1}, "margin must be a number from 0 to 1"),
        ({"n_repeats": 0}, "n_repeats must be an integer >= 1"),
        ({"n_repeats": 2, "cv": TaskKFold(3)}, "n_repeats is for folds"),
        ({"n_repeats": 2, "method": "resampled_t"}, "n_repeats is for folds"),
        ({"groups": np.zeros(90), "method": "resampled_t"}, "groups need method='clt'"),
        ({"groups": np.zeros(3)}, "groups has"),
        ({"groups": np.arange(90) // 2, "cv": TaskKFold(3)}, "rows of one group"),
    ],
)
def test_wrong_options(options, match):
    X, y, tasks = make_data(random_W(3), 30)
    with pytest.raises(ValueError, match=match):
        negative_transfer_report(L21Regressor(), X, y, tasks, **options)


def test_groups_that_are_tasks_are_told_as_such():
    X, y, tasks = make_data(random_W(3), 30)
    with pytest.raises(ValueError, match="groups are all there is of their tasks"):
        negative_transfer_report(L21Regressor(), X, y, tasks, groups=tasks)


@pytest.mark.slow
def test_names_stay_on_their_line():
    X, y, tasks = make_data(random_W(3), 20)
    tasks = np.array(["north\nwing", "a\tb", "c"])[[int(t[1]) for t in tasks]]
    report = negative_transfer_report(MeanRegularizedRegressor(), X, y, tasks, cv=3)
    table, _, summary = str(report).partition("\n\n")
    lines = table.split("\n")
    assert len(lines) == 4
    assert "\t" not in table
    assert "\n" not in summary
    ends = {line.rindex("  ") for line in lines}
    assert len(ends) == 1  # the columns are aligned
    assert any(line.startswith(r"'north\nwing'  ") for line in lines)


# --- what it says -------------------------------------------------------------------


def two_classes():
    X, y, tasks = make_multitask_classification(
        n_tasks=4, n_samples=20, n_features=5, random_state=0
    )
    return X, (y == y.max()).astype(int), tasks


def test_results_introduce_themselves_in_one_line():
    data = make_multitask_regression(n_tasks=4, n_samples=20, random_state=0)
    report = negative_transfer_report(L21Regressor(), *data, cv=2)
    found = detect_sources(PooledRegressor(), *data, target=data[2][0])
    held = MultiTaskData(SharedDesign(np.eye(2), 3), np.zeros(6), np.ones(6))
    for result in (report, report.alone, found, held):
        assert repr(result).startswith(f"<{type(result).__name__}: ")
        assert len(repr(result)) < 100
        assert result == result  # no element-wise comparison of arrays
    assert "L21Regressor on 4 tasks, 0 helped" in repr(report)


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["long", "wide"])
def test_a_task_of_one_class_has_its_rows(layout):
    X, y, tasks = two_classes()
    if layout == "wide":
        X, tasks = X[:20], None
        y = y.reshape(4, 20).T.astype(float)
        y[:, 1], y[:3, 1] = 1.0, np.nan
        expected = [20, 17, 20, 20]
    else:
        y[tasks == np.unique(tasks)[1]] = 1
        expected = [20, 20, 20, 20]
    report = negative_transfer_report(L21Classifier(), X, y, tasks, cv=2)
    assert report.n_samples.tolist() == expected


def test_a_task_of_zero_counts_has_its_rows():
    rng = np.random.default_rng(0)
    X, tasks = rng.standard_normal((60, 2)), np.repeat([0, 1, 2], 20)
    y = np.where(tasks == 1, 0, rng.poisson(2.0, 60) + 1)
    rows = Rows(L21Regressor(loss="poisson"), X, y, tasks, None)
    assert rows.n_observed.tolist() == [20, 20, 20]
    assert rows.n_samples.tolist() == [20, 0, 20]
    wide = np.where(np.arange(20)[:, None] < [0, 3, 0], np.nan, y.reshape(3, 20).T)
    rows = Rows(L21Regressor(loss="poisson"), X[:20], wide, None, None)
    assert rows.n_observed.tolist() == [20, 17, 20]


@pytest.mark.slow
def test_savings_of_what_is_no_better_than_no_features_are_not_celebrated():
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(8), 20)
    X, y = rng.normal(size=(160, 3)), rng.normal(size=160)
    null = negative_transfer_report(L21Regressor(1e6), X, y, tasks, cv=3)
    np.testing.assert_allclose(null.losses["model"], null.losses["levels"])
    assert "In the median task L21Regressor and learning alone do no" in null.summary
    assert "loss_levels" in null.to_frame()
    shared = X @ [1.0, 2.0, 0.0] + 0.1 * y
    good = negative_transfer_report(PooledRegressor(), X, shared, tasks, cv=3)
    assert "median task" not in good.summary
    good = negative_transfer_report(
        PooledRegressor(), X, shared, tasks, cv=3, baseline=L21Regressor(1e6)
    )
    assert "learning alone does no better than its level" in good.summary


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.slow
def test_levels_are_the_means_of_the_training_rows(fit_intercept):
    X, y, tasks = make_multitask_regression(n_tasks=3, n_samples=10, random_state=0)
    y = y + 5.0
    train = np.arange(30) % 2 == 0
    report = negative_transfer_report(
        L21Regressor(fit_intercept=fit_intercept),
        X,
        y,
        tasks,
        cv=[(np.flatnonzero(train), np.flatnonzero(~train))] * 2,
    )
    for t, label in enumerate(report.tasks):
        own = tasks == label
        mean = y[own & train].mean() if fit_intercept else 0.0
        expected = np.mean((y[own & ~train] - mean) ** 2)
        assert report.losses["levels"][0, t] == pytest.approx(expected)


@pytest.mark.parametrize("loss", ["poisson", "huber"])
@pytest.mark.slow
def test_baselines_have_the_loss_of_the_model(loss):
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(3), 30)
    X = rng.standard_normal((90, 3))
    y = rng.poisson(np.exp(1.0 + 0.5 * X[:, 0]))
    options = {"loss": loss, "huber_delta": 0.7}
    model = MultiTaskRegressor(L21(0.05), **options)
    report = negative_transfer_report(model, X, y, tasks, cv=2)
    assert report.loss == LOSSES[loss].score.name
    given = {
        "baseline": IndependentRegressor("cv", cv=5, per_task="auto", **options),
        "pooled": PooledRegressorCV(alphas=13, cv=5, **options),
    }
    written_out = negative_transfer_report(model, X, y, tasks, cv=2, **given)
    for name in ("alone", "pooled"):
        np.testing.assert_allclose(
            report.losses[name], written_out.losses[name], rtol=1e-6
        )
    with pytest.raises(ValueError, match="cannot be compared"):
        negative_transfer_report(model, X, y, tasks, baseline=IndependentRegressor())
