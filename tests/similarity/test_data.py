"""Measures of relatedness by the data: loops by hand, limits, invariances."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import linalg, stats
from sklearn.linear_model import LogisticRegression

from linmtl.similarity import (
    bures_distance,
    coral_distance,
    mmd,
    proxy_a_distance,
    shift_summary,
)


def data(n_tasks=4, d=3, seed=0, low=6, high=12):
    rng = np.random.default_rng(seed)
    size = rng.integers(low, high, n_tasks)
    tasks = np.repeat(np.arange(n_tasks) * 10, size)
    X = (
        rng.normal(size=(len(tasks), d)) * (1 + tasks[:, None] / 20)
        + tasks[:, None] / 30
    )
    order = rng.permutation(len(X))
    return X[order], tasks[order]


MEASURES = {
    "mmd": mmd,
    "coral": coral_distance,
    "bures": bures_distance,
    "bures without shrinkage": lambda X, t: bures_distance(X, t, shrinkage=0.0),
    "proxy": lambda X, t: proxy_a_distance(X, t, cv=3, random_state=0),
}


@pytest.fixture(params=MEASURES)
def measure(request):
    return MEASURES[request.param]


def test_distances_are_symmetric_with_a_zero_diagonal(measure):
    X, tasks = data()
    found = measure(X, tasks)
    assert found.kind == "distance"
    assert not found.directed
    assert_array_equal(found.tasks, [0, 10, 20, 30])
    assert_array_equal(found.values, found.values.T)
    assert_array_equal(np.diag(found.values), 0.0)
    assert found.values.max() > 0


@pytest.mark.parametrize("name", [name for name in MEASURES if name != "proxy"])
def test_labels_only_name_the_tasks(name):
    """Other labels in another order permute the result (folds are drawn in order)."""
    measure = MEASURES[name]
    X, tasks = data()
    names = {0: "d", 10: "a", 20: "c", 30: "b"}
    renamed = measure(X, [names[t] for t in tasks])
    assert_array_equal(renamed.tasks, list("abcd"))
    expected = measure(X, tasks).values
    found = renamed.reorder(["d", "a", "c", "b"]).values
    assert_allclose(found, expected, atol=1e-12)


def test_a_shift_of_all_rows_changes_nothing(measure):
    X, tasks = data()
    assert_allclose(measure(X + 1e5, tasks), measure(X, tasks), rtol=1e-6, atol=1e-8)


def test_rotations_change_nothing():
    X, tasks = data()
    Q = linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    for name in ("mmd", "coral", "bures", "bures without shrinkage"):
        found = MEASURES[name](X @ Q, tasks)
        assert_allclose(found, MEASURES[name](X, tasks), atol=1e-12)


def test_the_order_of_rows_changes_nothing(measure):
    X, tasks = data(low=8, high=20)
    X[::4] = X[0]  # rows that are equal
    X[1::4, 0] = X[1, 0]
    expected = measure(X, tasks)
    rng = np.random.default_rng(1)
    for _ in range(5):
        order = rng.permutation(len(X))
        found = measure(X[order], tasks[order])
        assert_allclose(found.values, expected.values, atol=1e-12)
        if expected.standard_errors is not None:
            assert_array_equal(found.standard_errors, expected.standard_errors)


def test_folds_of_the_proxy_a_distance_are_random():
    """Sorted rows do not go to folds in their order."""
    X, tasks = data(low=20, high=30)
    values = [proxy_a_distance(X, tasks, random_state=k).values[0, 1] for k in range(9)]
    assert len(set(values)) > 1


def test_tables_and_lists_are_read(measure):
    X, tasks = data()
    expected = measure(X, tasks).values
    assert_array_equal(measure(pd.DataFrame(X), pd.Series(tasks)).values, expected)
    assert_array_equal(measure(X.tolist(), tasks.tolist()).values, expected)


def test_equal_tasks_have_distance_zero():
    X, _ = data()
    both, tasks = np.concatenate([X, X]), np.repeat([0, 1], len(X))
    assert_allclose(coral_distance(both, tasks), 0.0, atol=1e-15)
    assert_allclose(bures_distance(both, tasks), 0.0, atol=1e-12)
    # the estimate of the discrepancy is unbiased, so it is below zero here
    assert mmd(both, tasks).values[0, 1] < 0


# --- one by one


def test_mmd_is_its_formula():
    X, tasks = data()
    squares = [np.sum((a - b) ** 2) for i, a in enumerate(X) for b in X[:i]]
    gamma = 1 / np.median(squares)

    def k(a, b):
        return np.exp(-gamma * np.sum((a - b) ** 2))

    found = mmd(X, tasks)
    parts = [X[tasks == t] for t in found.tasks]
    for i, A in enumerate(parts):
        for j, B in enumerate(parts):
            if i == j:
                continue
            n, m = len(A), len(B)
            xx = sum(k(A[a], A[b]) for a in range(n) for b in range(n) if a != b)
            yy = sum(k(B[a], B[b]) for a in range(m) for b in range(m) if a != b)
            xy = sum(k(a, b) for a in A for b in B)
            value = xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2 * xy / (n * m)
            assert_allclose(found.values[i, j], value, atol=1e-12)
    same = mmd(X, tasks, gamma=gamma)
    assert_allclose(same.values, found.values)
    assert found.p_values is None


def test_mmd_in_blocks(monkeypatch):
    X, tasks = data()
    expected = mmd(X, tasks, n_permutations=19, random_state=0)
    monkeypatch.setattr("linmtl.similarity._data._MAX_ENTRIES", 40)
    found = mmd(X, tasks, n_permutations=19, random_state=0)
    assert_allclose(found.values, expected.values, atol=1e-14)
    assert found.p_values.min() >= 1 / 20


@pytest.mark.slow
def test_mmd_is_unbiased():
    """Its mean over samples of one distribution is zero."""
    rng = np.random.default_rng(0)
    tasks = np.repeat([0, 1], [5, 8])
    values = [
        mmd(rng.normal(size=(13, 2)), tasks, gamma=0.5).values[0, 1] for _ in range(600)
    ]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(600)


@pytest.mark.slow
def test_p_values_of_mmd_are_uniform_for_equal_tasks():
    rng = np.random.default_rng(0)
    p = []
    for seed in range(300):
        X, tasks = rng.normal(size=(25, 2)), np.repeat([0, 1], [10, 15])
        p.append(mmd(X, tasks, n_permutations=99, random_state=seed).p_values[0, 1])
    # p-values of 99 permutations are multiples of 0.01: spread them before the test
    spread = np.array(p) - 0.01 * rng.random(300)
    assert stats.kstest(spread, "uniform").pvalue > 0.01


def test_p_values_of_mmd_by_hand():
    """The estimate itself, of random groups of the same sizes."""
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(19, 2)), np.repeat([0, 1], [7, 12])
    X[7:] *= 1.5
    found = mmd(X, tasks, gamma=0.5, n_permutations=60, random_state=5)
    keys = np.random.RandomState(5).random_sample((60, 19))
    above = 1
    for row in keys:
        groups = np.ones(19)
        groups[np.argsort(row)[:7]] = 0
        above += mmd(X, groups, gamma=0.5).values[0, 1] >= found.values[0, 1]
    assert 5 < above < 56
    assert_allclose(found.p_values[0, 1], above / 61)


def test_p_values_of_mmd_are_small_for_tasks_that_differ():
    X, tasks = data(low=30, high=40)
    X[tasks == 30] += 3.0
    found = mmd(X, tasks, n_permutations=99, random_state=0)
    assert_array_equal(found.p_values[3, :3], 0.01)
    assert_array_equal(np.diag(found.p_values), 1.0)
    assert_array_equal(found.p_values, found.p_values.T)
    again = mmd(X, tasks, n_permutations=99, random_state=0)
    assert_array_equal(found.p_values, again.p_values)


def test_proxy_a_distance_is_that_of_a_classifier():
    """scikit-learn's logistic regression on the same folds, weighted alike."""
    rng = np.random.default_rng(3)
    n, m, cv = 21, 34, 3
    X = rng.normal(size=(n + m, 4))
    X[n:] += 0.5
    tasks = np.repeat(["a", "b"], [n, m])
    found = proxy_a_distance(X, tasks, cv=cv, C=0.3, random_state=7)
    draw = np.random.RandomState(7)
    fold = np.concatenate([draw.permutation(np.arange(k) % cv) for k in (n, m)])
    X = np.concatenate([Z[np.lexsort(Z.T)] for Z in (X[:n], X[n:])])
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    y = tasks == "a"
    wrong = np.empty(n + m)
    for k in range(cv):
        train = fold != k
        weight = np.where(y, 1 / np.sum(train & y), 1 / np.sum(train & ~y))
        weight *= train.sum() / 2
        model = LogisticRegression(C=0.3, tol=1e-10)
        model.fit(Z[train], y[train], sample_weight=weight[train])
        wrong[~train] = model.predict(Z[~train]) != y[~train]
    error = (wrong[:n].mean() + wrong[n:].mean()) / 2
    assert_allclose(found.values[0, 1], max(0, 2 * (1 - 2 * error)))
    variance = (wrong[:n].var() / n + wrong[n:].var() / m) / 4
    assert_allclose(found.standard_errors[0, 1], 4 * np.sqrt(variance))


def test_limits_of_the_proxy_a_distance():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 2))
    tasks = np.repeat(["a", "b", "c"], [30, 300, 70])
    X[330:] += 20.0
    found = proxy_a_distance(X, tasks, random_state=0).values
    assert found[0, 2] == 2.0
    # the sizes differ, which alone must not tell tasks apart
    assert found[0, 1] < 0.7
    constant = proxy_a_distance(np.ones((20, 2)), np.repeat([0, 1], 10), random_state=0)
    assert constant.values[0, 1] == 0.0


def test_coral_is_its_formula():
    X, tasks = data()
    found = coral_distance(X, tasks)
    C = [np.cov(X[tasks == t].T) for t in found.tasks]
    for i in range(4):
        for j in range(4):
            assert_allclose(
                found.values[i, j], np.sum((C[i] - C[j]) ** 2) / 36, atol=1e-14
            )
    one = coral_distance(X[:, :1], tasks)
    variance = [X[tasks == t, 0].var(ddof=1) for t in found.tasks]
    assert_allclose(one.values[0, 1], (variance[0] - variance[1]) ** 2 / 4)


def test_bures_is_its_formula():
    X, tasks = data()
    found = bures_distance(X, tasks, shrinkage=0.2)
    parts = [X[tasks == t] for t in found.tasks]
    C = [0.8 * np.cov(A.T) + 0.2 * np.trace(np.cov(A.T)) / 3 * np.eye(3) for A in parts]
    for i in range(4):
        for j in range(4):
            root = linalg.sqrtm(C[i])
            cross = linalg.sqrtm(root @ C[j] @ root).real
            square = np.sum((parts[i].mean(axis=0) - parts[j].mean(axis=0)) ** 2)
            square += np.trace(C[i] + C[j] - 2 * cross)
            assert_allclose(found.values[i, j] ** 2, square, atol=1e-7)


def test_bures_is_a_metric_with_more_features_than_rows():
    X, tasks = data(d=15)
    for shrinkage in ("ledoit_wolf", 0.0, 1.0):
        D = bures_distance(X, tasks, shrinkage=shrinkage).values
        through = D[:, :, None] + D[None, :, :]  # i to k by way of j
        assert np.all(through.min(axis=1) >= D - 1e-10)
        assert D[~np.eye(4, dtype=bool)].min() > 0


def test_bures_between_commuting_covariances():
    """Then it is the distance of the standard deviations."""
    rng = np.random.default_rng(0)
    Z = np.linalg.qr(rng.normal(size=(20, 3)) - 0)[0]
    Z = np.linalg.qr(Z - Z.mean(axis=0))[0] * np.sqrt(19)  # covariance I
    a, b = np.array([1.0, 2.0, 3.0]), np.array([4.0, 1.0, 3.0])
    X = np.concatenate([Z * a, Z * b + 2.0])
    found = bures_distance(X, np.repeat([0, 1], 20), shrinkage=0.0).values[0, 1]
    assert_allclose(found**2, 3 * 4 + np.sum((a - b) ** 2), rtol=1e-10)


def test_constant_features_do_no_harm(measure):
    X, tasks = data()
    X = np.c_[X, np.full(len(X), 3.0)]
    assert np.all(np.isfinite(measure(X, tasks).values))
    still = np.where((tasks == 0)[:, None], 1.0, X)  # a task without variation
    assert np.all(np.isfinite(measure(still, tasks).values))


def test_hostile_data(measure):
    X, tasks = data()
    with pytest.raises(ValueError, match="only 1 task"):
        measure(X, np.zeros(len(X)))
    with pytest.raises(ValueError, match="NaN"):
        measure(np.where(X > 1, np.nan, X), tasks)
    with pytest.raises(ValueError, match="labels but X has"):
        measure(X, tasks[:-1])
    with pytest.raises(ValueError, match="missing label"):
        measure(X, [None, *tasks[1:]])
    lonely = tasks.copy()
    lonely[0] = 99
    with pytest.raises(ValueError, match="the tasks 99 have 1; "):
        measure(X, lonely)


def test_hostile_parameters():
    X, tasks = data()
    for wrong in ({"gamma": 0.0}, {"gamma": "auto"}, {"n_permutations": -1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            mmd(X, tasks, **wrong)
    for wrong in ({"cv": 1}, {"cv": 2.5}, {"C": 0.0}, {"C": np.inf}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            proxy_a_distance(X, tasks, **wrong)
    for wrong in (-0.1, 1.1, "oas", None, True):
        with pytest.raises(ValueError, match="shrinkage"):
            bures_distance(X, tasks, shrinkage=wrong)


# --- shifts


def test_shifts_are_their_formulas():
    X, tasks = data()
    y = np.random.default_rng(4).normal(size=len(X)) + tasks
    found = shift_summary(X, y, tasks)

    def difference(a, b):
        spread = np.sqrt((a.var(axis=0, ddof=1) + b.var(axis=0, ddof=1)) / 2)
        return (a.mean(axis=0) - b.mean(axis=0)) / spread

    for t, task in enumerate(found.tasks):
        own = tasks == task
        assert_allclose(found.feature_shift[t], difference(X[own], X[~own]))
        assert_allclose(found.label_shift[t], difference(y[own], y[~own]))
        assert_allclose(found.label_mean[t], y[own].mean())
        assert found.n_samples[t] == own.sum()
    assert found.label_kind == "mean"
    expected = np.abs(found.feature_shift).mean(axis=1)
    assert_allclose(found.covariate_shift, expected)


@pytest.mark.parametrize("classes", [("no", "yes"), (0, 1), (False, True)])
def test_class_rates_are_compared(classes):
    X, tasks = data()
    positive = np.random.default_rng(4).random(len(X)) < 0.4
    y = np.array(classes)[positive.astype(int)]
    found = shift_summary(X, y, tasks)
    own = tasks == 20
    assert found.label_kind == "rate"
    assert_allclose(found.label_mean[2], positive[own].mean())
    assert_allclose(found.label_shift[2], positive[own].mean() - positive[~own].mean())


def test_shift_summary_names_the_features_that_differ():
    X, tasks = data()
    X[tasks == 10, 1] -= 50.0
    X[:, 2] = tasks == 30  # tells this task from the others without error
    table = pd.DataFrame(X, columns=["age", "dose", "site"])
    found = shift_summary(table, np.arange(len(X)), tasks)
    assert found.largest(10, 1)[0][0] == "dose"
    assert found.largest(30, 1) == [("site", np.inf)]
    frame = found.to_frame(n_features=2)
    assert list(frame.index) == [0, 10, 20, 30]
    assert frame.loc[10, "largest_features"].startswith("dose (-")
    assert "label_mean" in frame.columns
    with pytest.raises(ValueError, match="task is 5"):
        found.largest(5)


def test_nothing_shifts_between_equal_tasks():
    X, _ = data()
    y = X[:, 0]
    found = shift_summary(np.r_[X, X], np.r_[y, y], np.repeat(["a", "b"], len(X)))
    assert_allclose(found.feature_shift, 0.0, atol=1e-12)
    assert_allclose(found.label_shift, 0.0, atol=1e-12)
    constant = shift_summary(np.full((4, 1), 0.1), [1.0, 2.0, 3.0, 4.0], [0, 0, 1, 1])
    assert_array_equal(constant.feature_shift, 0.0)


@pytest.mark.parametrize("n_tasks", [2, 3])
def test_a_task_of_one_row_has_no_variance(n_tasks):
    rng = np.random.default_rng(0)
    tasks = np.r_[0, np.repeat(np.arange(1, n_tasks), 10)]
    X, y = rng.normal(size=(len(tasks), 2)), rng.normal(size=len(tasks))
    table = pd.DataFrame(X, columns=["u", "v"])
    found = shift_summary(table, y, tasks)
    unknown = [True, n_tasks == 2, n_tasks == 2][:n_tasks]
    assert_array_equal(np.isnan(found.label_shift), unknown)
    assert_array_equal(np.isnan(found.covariate_shift), unknown)
    assert_array_equal(np.isnan(found.feature_shift), np.array([unknown] * 2).T)
    assert_allclose(found.label_mean[0], y[0])
    assert found.largest(0) == []
    frame = found.to_frame()
    assert frame["largest_features"].eq("").tolist() == unknown
    # rates of a class need none
    rates = shift_summary(X, y > 0, tasks)
    assert np.all(np.isfinite(rates.label_shift))


def test_shift_summary_leaves_out_missing_labels():
    X, tasks = data()
    y = np.arange(len(X), dtype=float)
    y[::5] = np.nan
    seen = ~np.isnan(y)
    found = shift_summary(X, y, tasks)
    expected = shift_summary(X[seen], y[seen], tasks[seen])
    assert_allclose(found.feature_shift, expected.feature_shift)
    assert_allclose(found.label_shift, expected.label_shift)
    wide = pd.DataFrame({"p": [1.0, 2.0, np.nan], "q": [np.nan, 5.0, 7.0]})
    both = shift_summary([[1.0], [2.0], [4.0]], wide)
    assert_array_equal(both.tasks, ["p", "q"])
    assert_allclose(both.label_mean, [1.5, 6.0])
    with pytest.raises(ValueError, match="3 classes, 'a', 'b', 'c'"):
        shift_summary(np.ones((3, 1)), ["a", "b", "c"], [0, 1, 1])
