"""Verdicts from row by row differences: by hand, and where rows are few or related."""

import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, RepeatedKFold
from sklearn.utils import check_random_state

from helpers.reports import made_up
from helpers.transfer import make_data, random_W
from linmtl import (
    IndependentRegressor,
    L21Regressor,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    MultiTaskRegressor,
    PooledClassifier,
    PooledRegressor,
)
from linmtl.model_selection import TaskShuffleSplit
from linmtl.penalties import L21
from linmtl.transfer import _rows, negative_transfer_report
from linmtl.transfer._folds import deal_rows, deal_units
from linmtl.transfer._paired import compare_losses, compare_rows

ALONE, MODEL = IndependentRegressor(0.1), MeanRegularizedRegressor(0.5)


def report_of(X, y, tasks=None, model=MODEL, **options):
    """Return a report with baselines that need no tuning."""
    given = {"baseline": ALONE, "pooled": PooledRegressor()}
    return negative_transfer_report(model, X, y, tasks, **given | options)


def row_differences(X, y, tasks, splits, weight=None):
    """Return the mean over splits of what each row loses less with the others."""
    total, count = np.zeros(len(y)), np.zeros(len(y))
    base = np.zeros(len(y))
    for train, test in splits:
        errors = []
        for model in (ALONE, MODEL):
            s = None if weight is None else weight[train]
            fitted = clone(model).fit(X[train], y[train], tasks[train], s)
            errors.append((y[test] - fitted.predict(X[test], tasks[test])) ** 2)
        total[test] += errors[0] - errors[1]
        base[test] += errors[0]
        count[test] += 1
    return total / count, base / count


def test_the_loop_written_out():
    X, y, tasks = make_data(random_W(3), [30, 45, 60])
    splits = list(RepeatedKFold(n_splits=4, n_repeats=2, random_state=0).split(X))
    report = report_of(X, y, tasks, cv=splits, level=0.1)
    difference, base = row_differences(X, y, tasks, splits)
    p = []
    for t, label in enumerate(report.tasks):
        mine = difference[tasks == label]
        n, mean, loss = mine.size, mine.mean(), base[tasks == label].mean()
        error = mine.std(ddof=1) / np.sqrt(n)
        p.append(2 * stats.t.sf(abs(mean / error), n - 1))
        reach = stats.t.ppf(0.95, n - 1) * error
        assert report.alone.difference[t] == pytest.approx(mean, abs=1e-8)
        assert report.mean_losses["alone"][t] == pytest.approx(loss)
        assert report.alone.effect[t] == pytest.approx(mean / loss, abs=1e-8)
        assert report.alone.low[t] == pytest.approx((mean - reach) / loss, abs=1e-8)
        assert report.alone.high[t] == pytest.approx((mean + reach) / loss, abs=1e-8)
    np.testing.assert_allclose(report.alone.p_value, p, rtol=1e-6)
    adjusted = stats.false_discovery_control(p)
    np.testing.assert_allclose(report.alone.adjusted, adjusted, rtol=1e-6)
    assert report.trained == pytest.approx(0.75, abs=0.01)
    assert "trained on 75 %" in report.target
    assert report.target in str(report)


@pytest.fixture
def tuned_on_folds(monkeypatch):
    """Few rows are tuned as many are."""
    monkeypatch.setattr(_rows, "_MANY_ROWS", 0)


@pytest.mark.slow
def test_strengths_are_chosen_by_the_other_folds(tuned_on_folds):
    """What predicts a fold has the strength that is best in predicting the others."""
    X, y, tasks = make_data(random_W(4, seed=1), [12, 9, 15, 9], noise=3.0)
    fold = np.random.default_rng(0).permutation(y.size) % 3
    splits = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(3)]
    alphas, labels = [10.0, 1.0, 0.1, 0.01], np.unique(tasks)
    model = MeanRegularizedRegressorCV(alphas=alphas, alpha_mean=1e-3, cv=5)
    loss = np.empty((4, 3, 4))
    for i, alpha in enumerate(alphas):
        for k, (train, test) in enumerate(splits):
            fixed = MeanRegularizedRegressor(alpha, alpha_mean=1e-3, tol=1e-10)
            fixed.fit(X[train], y[train], tasks[train])
            error = (y[test] - fixed.predict(X[test], tasks[test])) ** 2
            loss[i, k] = [error[tasks[test] == t].mean() for t in labels]
    mean = loss.mean(axis=2)
    best = [mean[:, np.arange(3) != k].mean(axis=1).argmin() for k in range(3)]
    assert len(set(best)) > 1
    report = report_of(X, y, tasks, model, cv=splits)
    for k in range(3):
        np.testing.assert_allclose(report.losses["model"][k], loss[best[k], k], 1e-4)


@pytest.mark.slow
def test_strengths_of_tasks_alone_are_chosen_by_the_other_folds(tuned_on_folds):
    """So they are where each task has its own; only these folds are looked at."""
    X, y, tasks = make_data(random_W(3, seed=2), 24, noise=3.0)
    fold = np.random.default_rng(0).permutation(y.size) % 3
    splits = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(3)]
    alone = IndependentRegressor("cv", cv=4)
    report = report_of(X, y, tasks, baseline=alone, cv=splits)
    whole = IndependentRegressor("cv", cv=splits).fit(X, y, tasks)
    grid = whole.alpha_ * 10.0 ** (0.5 * np.arange(-8, 9))[:, None]
    loss = np.empty((17, 3, 3))
    for i, alpha in enumerate(grid):
        for k, (train, test) in enumerate(splits):
            fixed = IndependentRegressor(alpha).fit(X[train], y[train], tasks[train])
            error = (y[test] - fixed.predict(X[test], tasks[test])) ** 2
            loss[i, k] = [error[tasks[test] == t].mean() for t in whole.tasks_]
    for k in range(3):
        best = loss[:, np.arange(3) != k].mean(axis=1).argmin(axis=0)
        assert np.all((best > 0) & (best < 16))
        expected = loss[best, k, np.arange(3)]
        np.testing.assert_allclose(report.losses["alone"][k], expected, 1e-4)


@pytest.mark.slow
def test_partitions_after_the_first_search_near_its_strengths(tuned_on_folds):
    """On fewer strengths, and with the same result where the curve has one minimum."""
    X, y, tasks = make_data(random_W(4), 20, noise=2.0)
    fold = [np.random.default_rng(k).permutation(y.size) % 3 for k in range(2)]
    splits = [
        (np.flatnonzero(each != k), np.flatnonzero(each == k))
        for each in fold
        for k in range(3)
    ]
    model = MeanRegularizedRegressorCV(alphas=20, alpha_mean=[1e-3, 1e-1])
    both, second = (report_of(X, y, tasks, model, cv=s) for s in (splits, splits[3:]))
    np.testing.assert_allclose(
        both.losses["model"][3:], second.losses["model"], rtol=1e-3
    )


def test_groups_and_weights_written_out():
    """Units are groups within a task; each counts with its weighted differences."""
    X, y, tasks = make_data(random_W(3), [40, 50, 60])
    rng = np.random.default_rng(0)
    group, weight = rng.integers(24, size=y.size), rng.uniform(0.5, 2.0, size=y.size)
    splits = list(GroupKFold(4).split(X, groups=group))
    report = report_of(X, y, tasks, cv=splits, groups=group, sample_weight=weight)
    difference, _ = row_differences(X, y, tasks, splits, weight)
    for t, label in enumerate(report.tasks):
        own = tasks == label
        d, s, g = difference[own], weight[own], group[own]
        mean = np.average(d, weights=s)
        sums = np.array([np.sum((s * (d - mean))[g == k]) for k in np.unique(g)])
        size = np.array([s[g == k].sum() for k in np.unique(g)])
        error = np.sqrt(sums.size / (sums.size - 1) * sums @ sums) / s.sum()
        freedom = s.sum() ** 2 / (size @ size) - 1
        p = 2 * stats.t.sf(abs(mean / error), freedom)
        assert report.alone.difference[t] == pytest.approx(mean, abs=1e-8)
        assert report.alone.p_value[t] == pytest.approx(p, rel=1e-6)


def test_rows_twice_are_one_row_of_twice_the_weight():
    X, y, tasks = make_data(random_W(3), 25)
    fold = np.arange(y.size) % 3
    splits = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(3)]
    twice = np.repeat(np.arange(y.size), 2)
    doubled = [tuple(np.isin(twice, part) for part in split) for split in splits]
    once = report_of(X, y, tasks, cv=splits).alone
    groups = report_of(X[twice], y[twice], tasks[twice], cv=doubled, groups=twice).alone
    np.testing.assert_allclose(groups.p_value, once.p_value, rtol=1e-5)
    np.testing.assert_allclose(groups.low, once.low, rtol=1e-5)
    # as rows of their own they would look like twice the evidence
    rows = report_of(X[twice], y[twice], tasks[twice], cv=doubled).alone
    assert np.all(rows.high - rows.low < 0.8 * (once.high - once.low))


def test_equal_units_are_rows():
    rng = np.random.default_rng(0)
    loss = rng.uniform(size=(2, 40))
    code = np.repeat([0, 1], 20)
    settings = {"code": code, "n_tasks": 3, "name": "alone", "weight": np.ones(40)}
    one = compare_rows(*loss, **settings)
    two = compare_rows(*loss, **settings, unit=np.arange(40) % 20)
    np.testing.assert_allclose(one.p_value, two.p_value)
    expected = [stats.ttest_rel(*loss[:, code == t]).pvalue for t in (0, 1)]
    np.testing.assert_allclose(one.p_value[:2], expected)
    assert np.isnan(one.p_value[2])
    assert np.isnan(one.difference[2])
    assert one.verdict[2] == "undecided"


# --- folds --------------------------------------------------------------------------


def test_rows_of_every_task_and_class_spread_over_the_folds():
    rng = np.random.default_rng(0)
    code = rng.permutation(np.repeat([0, 1, 2, 3], [1, 3, 10, 47]))
    stratum = 2 * code + (rng.uniform(size=code.size) < 0.4)
    fold = deal_rows(code, stratum, 10, check_random_state(0))
    for part in (stratum == s for s in np.unique(stratum)):
        if part.sum() == 1:
            assert fold[part] == -1
            continue
        sizes = np.bincount(fold[part], minlength=10)
        assert sizes.max() - sizes.min() <= 1
    sizes = np.bincount(fold[fold >= 0], minlength=10)
    assert sizes.max() - sizes.min() <= 1


def test_groups_are_whole_and_tasks_spread():
    rng = np.random.default_rng(0)
    code = np.repeat([0, 1, 2], [60, 90, 150])
    unit = rng.integers(40, size=300)
    unit[:5] = 40  # nothing but a part of one task
    fold = deal_units(code, code, unit, 5, check_random_state(0))
    for u in np.unique(unit):
        assert len(set(fold[unit == u])) == 1
    for t in range(3):
        sizes = np.bincount(fold[code == t], minlength=5)
        assert sizes.max() < 1.6 * sizes.mean()
    # a task that is one group is in every training part, even beside another such
    unit = np.where(code == 0, 100, unit)
    fold = deal_units(code, code, unit, 5, check_random_state(0))
    assert np.all(fold[code == 0] == -1)
    assert np.all(fold[code > 0] >= 0)


@pytest.mark.slow
def test_folds_of_a_report():
    """10 folds, of which a task of three rows has three."""
    X, y, tasks = make_data(random_W(3), [3, 20, 40])
    report = report_of(X, y, tasks, cv=10)
    judged = ~np.isnan(report.losses["model"])
    assert judged.shape == (10, 3)
    assert judged.sum(axis=0).tolist() == [3, 10, 10]
    assert np.isfinite(report.alone.effect).all()
    assert np.isnan(report.alone.p_value[0])
    assert report.verdict[0] == "undecided"
    twice = report_of(X, y, tasks, cv=10, n_repeats=2)
    assert len(twice.losses["model"]) == 20
    np.testing.assert_array_equal(twice.losses["model"][:10], report.losses["model"])
    assert len(report_of(X, y, tasks).losses["model"]) == 20
    other = report_of(X, y, tasks, cv=10, random_state=1)
    assert np.all(other.alone.effect != report.alone.effect)


def test_too_few_rows_to_train_for_a_test_by_row():
    """Models of half of the rows vary by more than the rows' differences tell."""
    X, y, tasks = make_data(random_W(3), 30)
    halves = TaskShuffleSplit(4, test_size=0.5, random_state=0)
    assert report_of(X, y, tasks, cv=halves).method == "resampled_t"
    assert report_of(X, y, tasks, cv=3).method == "clt"
    with pytest.raises(ValueError, match=r"groups need training parts of 0\.6"):
        report_of(X, y, tasks, cv=2, groups=np.arange(90))


# --- related rows -------------------------------------------------------------------


def test_groups_that_span_tasks():
    X, y, tasks = make_data(random_W(4), [4, 30, 30, 40])
    rng = np.random.default_rng(1)
    day = rng.integers(15, size=y.size)
    day[tasks == "t0"] = 3  # one day is all that there is of a task
    report = report_of(X, y, tasks, groups=day.astype(str), cv=5)
    assert report.verdict[0] == "undecided"
    assert np.isnan(report.alone.effect[0])
    assert np.isfinite(report.alone.p_value[1:]).all()
    assert len(report.losses["model"]) == 5


def test_a_wide_Y_with_missing_labels_in_groups_of_samples():
    X, y, tasks = make_data(random_W(3), 30)
    Y = np.column_stack([y[tasks == t] for t in np.unique(tasks)])
    Y[np.random.default_rng(0).uniform(size=Y.shape) < 0.3] = np.nan
    X = X[:30]
    report = report_of(X, Y, groups=np.arange(30) // 2, cv=5)
    assert np.isfinite(report.alone.p_value).all()
    i, t = np.nonzero(~np.isnan(Y))
    order = np.lexsort((i, t))
    i, t = i[order], t[order]
    long = report_of(X[i], Y[i, t], t, groups=i // 2, cv=5)
    np.testing.assert_allclose(long.alone.effect, report.alone.effect, atol=1e-7)
    np.testing.assert_allclose(long.alone.p_value, report.alone.p_value, rtol=1e-4)


@pytest.mark.parametrize("copies", [1, 4])
def test_copies_of_rows_are_no_evidence(copies):
    """Of tasks without any difference, whether rows are repeated or not."""
    rng = np.random.default_rng(0)
    rejected = 0
    for _ in range(200):
        loss = np.repeat(rng.exponential(size=(2, 30)), copies, axis=1)
        found = compare_rows(
            *loss,
            np.zeros(30 * copies, dtype=int),
            1,
            name="alone",
            weight=np.ones(30 * copies),
            unit=np.repeat(np.arange(30), copies),
        )
        rejected += found.p_value[0] <= 0.05
    assert rejected <= 20


# --- verdicts -----------------------------------------------------------------------


@pytest.mark.slow
def test_an_opposite_task_is_flagged_and_its_like_are_not():
    rng = np.random.default_rng(0)
    W = np.repeat(rng.normal(size=(1, 10)) / np.sqrt(10), 6, axis=0)
    W[5] = -W[0]
    flagged, wrong = 0, 0
    for seed in range(4):
        X, y, tasks = make_data(W, 100, noise=0.7, seed=seed)
        report = report_of(X, y, tasks)
        flagged += report.verdict[5] == "hurt"
        wrong += np.sum(report.verdict[:5] == "hurt")
    assert flagged >= 3
    assert wrong == 0


def decided(mean, spread, margin=0.05, n=200):
    """Return the comparison of a task whose differences have this mean and spread."""
    rest = np.random.default_rng(0).normal(size=n)
    rest = spread * (rest - rest.mean()) / rest.std(ddof=1)
    loss = np.vstack([np.ones(n), 1.0 - mean - rest])
    zero = np.zeros(n, dtype=int)
    return compare_rows(*loss, zero, 1, name="alone", weight=np.ones(n), margin=margin)


@pytest.mark.parametrize(
    ("mean", "spread", "verdict", "within"),
    [
        (0.0, 0.1, "equivalent", True),
        (0.0, 1.0, "undecided", False),
        (0.03, 0.1, "helped", True),
        (-0.03, 0.1, "hurt", True),
        (0.06, 0.1, "helped", False),
        (0.0, 0.0, "equivalent", True),
    ],
)
def test_equivalence_is_an_interval_within_the_margin(mean, spread, verdict, within):
    found = decided(mean, spread)
    assert found.verdict.tolist() == [verdict]
    assert found.within.tolist() == [within]
    if spread:
        assert within == (found.low[0] >= -0.05 and found.high[0] <= 0.05)
    assert decided(mean, spread, margin=0.0).within.tolist() == [spread == 0]


def test_equivalence_is_rarely_said_of_what_matters():
    """Of an effect as large as the margin, in at most half the level of the tasks."""
    rng = np.random.default_rng(0)
    n, sets = 50, 1000
    code = np.repeat(np.arange(sets), n)
    difference = 0.05 + 0.1 * rng.normal(size=sets * n)
    found = compare_rows(
        np.ones(sets * n),
        1.0 - difference,
        code,
        sets,
        name="alone",
        weight=np.ones(sets * n),
    )
    assert 0.005 <= found.within.mean() <= 0.04


def test_splits_have_equivalence_too():
    rng = np.random.default_rng(0)
    loss = 1.0 + 1e-3 * rng.normal(size=(2, 10, 1))
    found = compare_losses(*loss, name="alone", share=0.25, margin=0.05)
    assert found.verdict.tolist() == ["equivalent"]


@pytest.mark.parametrize("method", ["clt", "resampled_t"])
def test_methods_judge_the_same_models(method):
    X, y, tasks = make_data(random_W(3), 40)
    splits = list(RepeatedKFold(n_splits=4, n_repeats=1, random_state=0).split(X))
    report = report_of(X, y, tasks, cv=splits, method=method)
    expected = report_of(X, y, tasks, cv=splits).losses
    for name, loss in report.losses.items():
        np.testing.assert_array_equal(loss, expected[name])
    assert report.method == method


# --- hostile data -------------------------------------------------------------------


@pytest.mark.slow
def test_tasks_of_three_rows():
    X, y, tasks = make_data(random_W(6), 3)
    report = report_of(X, y, tasks)
    assert set(report.verdict) == {"undecided"}
    assert np.isfinite(report.mean_losses["model"]).all()
    assert str(report)


def test_a_task_of_one_class_and_one_of_a_rare_class():
    X, y, tasks = make_data(random_W(4), 40, classify=True)
    y[tasks == "t0"] = "yes"
    rare = np.flatnonzero(tasks == "t1")
    y[rare] = "no"
    y[rare[0]] = "yes"
    report = negative_transfer_report(
        MeanRegularizedClassifier(0.3),
        X,
        y,
        tasks,
        baseline=MeanRegularizedClassifier(3.0),
        pooled=PooledClassifier(),
        cv=4,
    )
    assert np.isnan(report.alone.effect[0])
    assert report.verdict[0] == "undecided"
    assert np.isfinite(report.alone.p_value[1:]).all()


@pytest.mark.slow
def test_targets_without_variation():
    X, y, tasks = make_data(random_W(3), 20)
    y[tasks == "t1"] = 3.0
    report = report_of(X, y, tasks, model=L21Regressor(0.1))
    assert np.isnan(report.alone.effect[1])
    assert report.mean_losses["alone"][1] == 0
    y[:] = 3.0
    report = report_of(X, y, tasks)
    assert set(report.verdict) == {"equivalent"}


@pytest.mark.parametrize("loss", ["poisson", "huber"])
def test_differences_of_other_losses(loss):
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(3), 30)
    X = rng.standard_normal((90, 3))
    y = rng.poisson(np.exp(1.0 + 0.5 * X[:, 0]))
    options = {"loss": loss, "huber_delta": 0.7}
    report = negative_transfer_report(
        MultiTaskRegressor(L21(0.05), **options),
        X,
        y,
        tasks,
        baseline=MultiTaskRegressor(L21(0.5), **options),
        pooled=PooledRegressor(**options),
        cv=5,
    )
    expected = report.mean_losses["alone"] - report.mean_losses["model"]
    np.testing.assert_allclose(report.alone.difference, expected)


# --- the answer ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("effect", "verdicts", "answer"),
    [
        ([0.1] * 8, ["undecided"] * 8, "Sharing helps on the whole: "),
        (
            [0.1] * 19 + [-0.3],
            ["helped"] * 19 + ["hurt"],
            "Sharing helps on the whole, and hurts 1 task: ",
        ),
        (
            [-0.1] * 18 + [0.3] * 2,
            ["undecided"] * 18 + ["helped"] * 2,
            "Sharing hurts on the whole, and helps 2 tasks: ",
        ),
        (
            [0.1, -0.1],
            ["helped", "hurt"],
            "Sharing helps some tasks and hurts others: ",
        ),
        ([0.1, 0.0], ["helped", "undecided"], "Sharing helps some tasks: "),
        ([-0.1, 0.0], ["hurt", "equivalent"], "Sharing hurts some tasks: "),
        (
            [0.01, 0.0, 0.1],
            ["equivalent", "equivalent", "undecided"],
            "Sharing makes no difference that matters in most tasks: ",
        ),
        ([0.1, -0.1], ["undecided"] * 2, "Whether sharing helps cannot be told: "),
    ],
)
@pytest.mark.slow
def test_the_answer_on_the_whole(effect, verdicts, answer):
    report = made_up(effect, verdicts)
    assert report.answer.startswith(answer)
    lower = np.sum(np.array(effect) > 0)
    assert f"lower in {lower} of {len(effect)} tasks" in report.answer
    assert report.summary.startswith(report.answer)
