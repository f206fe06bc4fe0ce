"""The splitters keep every task, and every class, in every training part."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    LeaveOneGroupOut,
    ShuffleSplit,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)

from helpers.folds import folds_of
from helpers.loops import looped
from linmtl import (
    IndependentRegressor,
    L21Classifier,
    L21Regressor,
    L21RegressorCV,
)
from linmtl.datasets import make_multitask_regression
from linmtl.model_selection import LeaveOneTaskOut, TaskKFold, TaskShuffleSplit


def ragged(seed, n_tasks=6, largest=25):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, largest, size=n_tasks)
    sizes[0] = largest
    tasks = np.repeat(np.array([f"t{i}" for i in range(n_tasks)]), sizes)
    return rng.permutation(tasks), rng


def spread(values, n_splits):
    counts = np.bincount(values, minlength=n_splits)
    return counts.max() - counts.min()


KFOLDS = [
    pytest.param({"n_splits": k, **more}, id=f"{k}-{'shuffled' if more else 'dealt'}")
    for k in (2, 3, 5)
    for more in ({}, {"shuffle": True, "random_state": 0})
]


@pytest.mark.parametrize("options", KFOLDS)
@looped("seed", range(4))
def test_kfold_balances_rows_within_and_across_tasks(options, seed):
    tasks, _ = ragged(seed)
    k = options["n_splits"]
    fold = folds_of(TaskKFold(**options), len(tasks), groups=tasks)
    for task in np.unique(tasks):
        mine = fold[tasks == task]
        if len(mine) < k:
            assert np.all(mine == -1)
        else:
            assert np.all(mine >= 0)
            assert spread(mine, k) <= 1
    assert spread(fold[fold >= 0], k) <= 1


@pytest.mark.parametrize("options", KFOLDS)
@looped("seed", range(4))
@looped("kind", ["str", "int", "bool", "signed", "object"])
def test_kfold_balances_classes_within_tasks(options, seed, kind):
    tasks, rng = ragged(seed)
    k = options["n_splits"]
    raw = rng.random(len(tasks)) < 0.25
    y = {
        "str": np.where(raw, "yes", "no"),
        "int": raw + 7,
        "bool": raw,
        "signed": np.where(raw, 1.0, -1.0),
        "object": np.where(raw, "yes", "no").astype(object),
    }[kind]
    fold = folds_of(TaskKFold(**options), len(tasks), y=y, groups=tasks)
    for task in np.unique(tasks):
        mine = tasks == task
        if mine.sum() < k:
            assert np.all(fold[mine] == -1)
            continue
        classes, counts = np.unique(raw[mine], return_counts=True)
        for value, count in zip(classes, counts, strict=True):
            rows = fold[mine & (raw == value)]
            if count == 1:
                assert rows.tolist() == [-1]
            else:
                assert np.all(rows >= 0)
                assert spread(rows, k) <= 1
        for f in range(k):
            assert set(raw[mine & (fold != f)]) == set(classes)
    assert spread(fold[fold >= 0], k) <= 1


def test_a_lone_row_of_one_of_three_classes_is_tested():
    y = np.array(["a", "b", "c"]).repeat([6, 5, 1])
    fold = folds_of(TaskKFold(3), 12, y=y)
    assert np.all(fold >= 0)
    assert spread(fold, 3) == 0


@pytest.mark.parametrize(
    ("y", "stratified"),
    [
        (np.arange(60) // 2, True),
        (np.arange(62) // 2, False),
        (np.arange(60) // 2 + 0.0, False),
        (np.arange(60) // 2 + 0.5, False),
        (np.array([f"c{i // 2}" for i in range(80)]), True),
        (np.arange(60) // 30 + 0.0, True),
        (np.array([1, 2, 3] * 20, dtype=object), True),
        (np.array([1, 2, 3.5] * 20, dtype=object), False),
    ],
)
def test_auto_tells_classes_from_regression_targets(y, stratified):
    n = len(y)
    groups = np.zeros(n, dtype=int)

    def shuffled(stratify):
        splitter = TaskKFold(2, shuffle=True, stratify=stratify, random_state=3)
        return folds_of(splitter, n, y=y, groups=groups)

    assert not np.array_equal(shuffled(True), shuffled(False))
    np.testing.assert_array_equal(shuffled("auto"), shuffled(stratified))


def test_unlabelled_rows_neither_count_nor_upset_the_balance():
    rng = np.random.default_rng(0)
    tasks = np.repeat(["a", "b"], [40, 6])
    y = rng.choice([0.0, 1.0], size=46)
    y[rng.choice(40, size=15, replace=False)] = np.nan
    y[40:] = [1, 0, 1, 0, np.nan, np.nan]
    fold = folds_of(TaskKFold(5), 46, y=y, groups=tasks)
    assert np.all(fold[:40] >= 0)
    for value in (0.0, 1.0):
        assert spread(fold[:40][y[:40] == value], 5) <= 1
    assert np.all(fold[40:] == -1), "four labels cannot fill five folds"


def test_rows_sorted_by_task_lose_no_task_where_kfold_does():
    tasks = np.repeat(np.arange(5), 10)
    X = np.zeros((50, 1))
    for train, test in TaskKFold(5).split(X, groups=tasks):
        assert np.bincount(tasks[train]).tolist() == [8] * 5
        assert np.bincount(tasks[test]).tolist() == [2] * 5


def test_without_shuffling_the_rows_are_interleaved():
    assert folds_of(TaskKFold(3), 7).tolist() == [0, 1, 2, 0, 1, 2, 0]


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_tasks_in_the_rows_does_not_matter(seed):
    """Grouping the rows by task, their order within tasks kept, changes no fold."""
    tasks, rng = ragged(seed)
    y = rng.choice(["u", "v"], size=len(tasks))
    by_task = np.argsort(tasks, kind="stable")
    fold = folds_of(TaskKFold(3), len(tasks), y=y, groups=tasks)
    again = folds_of(TaskKFold(3), len(tasks), y=y[by_task], groups=tasks[by_task])
    np.testing.assert_array_equal(fold[by_task], again)


@pytest.mark.parametrize(
    "make",
    [
        lambda seed: TaskKFold(3, shuffle=True, random_state=seed),
        lambda seed: TaskShuffleSplit(3, random_state=seed),
    ],
)
def test_random_state_fixes_the_splits(make):
    tasks, _ = ragged(0)
    X = np.zeros((len(tasks), 1))

    def tests(splitter):
        return [test.tolist() for _, test in splitter.split(X, groups=tasks)]

    splitter = make(0)
    assert tests(splitter) == tests(splitter) == tests(make(0))
    assert tests(splitter) != tests(make(1))
    stateful = make(np.random.RandomState(0))
    assert tests(stateful) != tests(stateful)


@pytest.mark.parametrize(
    "splitter", [TaskKFold(3), TaskShuffleSplit(3, random_state=0)]
)
@pytest.mark.parametrize("layout", ["frame", "array", "object"])
def test_task_column_equals_groups(splitter, layout):
    tasks, rng = ragged(1)
    numbers = np.unique(tasks, return_inverse=True)[1]
    features = rng.normal(size=(len(tasks), 2))
    X, column = {
        "frame": (pd.DataFrame(features).assign(site=tasks), "site"),
        "array": (np.column_stack([numbers, features]), 0),
        "object": (np.column_stack([tasks.astype(object), features]), 0),
    }[layout]
    other = clone(splitter, safe=False)
    other.task_column = column
    expected = list(splitter.split(features, groups=tasks))
    for (train, test), (train_2, test_2) in zip(expected, other.split(X), strict=True):
        np.testing.assert_array_equal(train, train_2)
        np.testing.assert_array_equal(test, test_2)
    with pytest.raises(ValueError, match="not both"):
        next(other.split(X, groups=tasks))


def wide(seed, classes, n=40, n_tasks=7):
    rng = np.random.default_rng(seed)
    Y = rng.normal(size=(n, n_tasks))
    if classes:
        Y = (Y > 0.8).astype(float)
    observed = rng.random((n, n_tasks)) < np.linspace(0.05, 1.0, n_tasks)
    observed[0, 0] = observed[:2, 1] = True
    Y[~observed] = np.nan
    return Y


@pytest.mark.parametrize("classes", [False, True])
@pytest.mark.parametrize("options", KFOLDS)
@looped("seed", range(6))
def test_kfold_keeps_the_labels_of_every_column(options, classes, seed):
    Y = wide(seed, classes)
    k = options["n_splits"]
    fold = folds_of(TaskKFold(**options), len(Y), y=Y)
    for f in range(k):
        train = Y[fold != f]
        assert not np.isnan(train).all(axis=0).any()
        for j in range(Y.shape[1] if classes else 0):
            column = Y[:, j]
            kept = train[:, j]
            assert set(kept[~np.isnan(kept)]) == set(column[~np.isnan(column)])
    # Only what a training part would miss is kept out of the tests.
    kept = 2 * Y.shape[1] if classes else Y.shape[1]
    assert np.count_nonzero(fold == -1) <= kept
    assert spread(fold[fold >= 0], k) <= 4


def test_kfold_keeps_the_only_label_of_a_column_in_training():
    Y = np.zeros((6, 2))
    Y[:, 0] = np.arange(6)
    Y[:4, 1] = Y[5, 1] = np.nan
    fold = folds_of(TaskKFold(2), 6, y=Y)
    assert fold[4] == -1
    assert np.count_nonzero(fold == -1) == 1


def test_kfold_with_contradicting_columns():
    """Three pairs of rows in a triangle cannot all be divided between two folds."""
    nan = np.nan
    Y = np.array(
        [[1.1, nan, 1.2], [1.3, 1.4, nan], [nan, 1.5, 1.6], [nan] * 3, [nan] * 3]
    )
    fold = folds_of(TaskKFold(2), 5, y=Y)
    for f in range(2):
        assert not np.isnan(Y[fold != f]).all(axis=0).any()
    assert np.count_nonzero(fold == -1) == 1


def test_complete_wide_regression_data_are_dealt_as_one_task():
    Y = np.random.default_rng(0).normal(size=(11, 3))
    assert folds_of(TaskKFold(3), 11, y=Y).tolist() == [i % 3 for i in range(11)]
    one = folds_of(TaskKFold(3), 11, y=Y[:, :1])
    np.testing.assert_array_equal(one, folds_of(TaskKFold(3), 11, y=Y[:, 0]))


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({}, lambda n: (n - -(-n // 5), -(-n // 5))),
        ({"test_size": 0.25}, lambda n: (n - -(-n // 4), -(-n // 4))),
        ({"train_size": 0.5}, lambda n: (max(n // 2, 1), n - max(n // 2, 1))),
        ({"test_size": 0.25, "train_size": 0.25}, lambda n: (n // 4 or 1, -(-n // 4))),
        ({"test_size": 3}, lambda n: (n - min(3, n - 1), min(3, n - 1))),
        ({"train_size": 3}, lambda n: (min(3, n - 1), n - min(3, n - 1))),
        (
            {"test_size": 2, "train_size": 3},
            lambda n: (min(3, n - min(2, n - 1)), min(2, n - 1)),
        ),
    ],
)
@looped("labels", [None, "classes"])
@looped("seed", range(3))
def test_shuffle_split_sizes_per_task(sizes, expected, labels, seed):
    tasks, rng = ragged(seed)
    y = None if labels is None else rng.choice([0, 0, 1], size=len(tasks))
    splitter = TaskShuffleSplit(4, random_state=seed, **sizes)
    splits = list(splitter.split(np.zeros((len(tasks), 1)), y, tasks))
    assert len(splits) == splitter.get_n_splits() == 4
    for train, test in splits:
        assert not set(train) & set(test)
        for task in np.unique(tasks):
            n = np.count_nonzero(tasks == task)
            drawn = tuple(np.count_nonzero(tasks[p] == task) for p in (train, test))
            assert drawn == ((1, 0) if n == 1 else expected(n))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("test_size", [0.2, 0.5, 0.8])
def test_shuffle_split_stratifies_and_keeps_the_classes_in_training(seed, test_size):
    rng = np.random.default_rng(seed)
    tasks = np.repeat([0, 1, 2, 3], [100, 30, 12, 4])
    y = rng.choice(["a", "b", "c"], p=[0.8, 0.15, 0.05], size=len(tasks))
    splitter = TaskShuffleSplit(5, test_size=test_size, random_state=seed)
    for train, test in splitter.split(np.zeros((len(y), 1)), y, tasks):
        for task in range(4):
            mine = y[tasks == task]
            kept = set(y[train][tasks[train] == task])
            n_train = np.count_nonzero(tasks[train] == task)
            assert len(kept) == min(n_train, len(set(mine)))
            n_test = np.count_nonzero(tasks[test] == task)
            if len(mine) >= 100:
                for value in set(mine):
                    share = np.count_nonzero(mine == value) * n_test / len(mine)
                    drawn = np.count_nonzero(y[test][tasks[test] == task] == value)
                    assert abs(drawn - share) < 2


@pytest.mark.slow
def test_every_row_is_equally_likely_to_be_tested():
    tasks = np.repeat(["a", "b"], [5, 10])
    n_splits = 4000
    splitter = TaskShuffleSplit(n_splits, test_size=0.4, random_state=0)
    hits = np.zeros(15)
    for _, test in splitter.split(np.zeros((15, 1)), groups=tasks):
        hits[test] += 1
    # Five standard deviations of a binomial frequency.
    bound = 5 * np.sqrt(0.4 * 0.6 / n_splits)
    np.testing.assert_allclose(hits / n_splits, 0.4, atol=bound)


@pytest.mark.parametrize("test_size", [0.1, 0.3, 7])
def test_one_task_has_the_sizes_of_scikit_learn(test_size):
    X = np.zeros((23, 1))
    ours = TaskShuffleSplit(3, test_size=test_size, random_state=0)
    theirs = ShuffleSplit(3, test_size=test_size, random_state=0)
    for (a, b), (c, d) in zip(ours.split(X), theirs.split(X), strict=True):
        assert (len(a), len(b)) == (len(c), len(d))


@pytest.mark.parametrize("classes", [False, True])
@pytest.mark.parametrize("test_size", [0.2, 0.7])
@pytest.mark.parametrize("seed", range(6))
def test_shuffle_split_keeps_the_labels_of_every_column(classes, test_size, seed):
    Y = wide(seed, classes)
    splitter = TaskShuffleSplit(5, test_size=test_size, random_state=seed)
    for train, test in splitter.split(np.zeros((len(Y), 1)), Y):
        assert not set(train) & set(test)
        assert len(test) > 0
        assert not np.isnan(Y[train]).all(axis=0).any()
        for j in range(Y.shape[1] if classes else 0):
            column, kept = Y[:, j], Y[train, j]
            assert set(kept[~np.isnan(kept)]) == set(column[~np.isnan(column)])


def test_labels_are_kept_in_training_at_the_cost_of_the_size_of_the_test_part():
    Y = np.where(np.eye(5, 4), 1.5, np.nan)
    Y[4] = Y[3] = 2.5
    splitter = TaskShuffleSplit(20, test_size=4, random_state=0)
    for train, test in splitter.split(np.zeros((5, 1)), Y):
        assert not np.isnan(Y[train]).all(axis=0).any()
        assert len(train) + len(test) == 5
    # One row out of {3, 4} serves all columns; without them three rows are needed.
    Y[4, :3] = Y[3, :3] = np.nan
    for train, test in splitter.split(np.zeros((5, 1)), Y):
        assert {0, 1, 2} <= set(train)
        assert set(test) in ({3}, {4})


def test_unlabelled_rows_are_in_training_of_shuffle_splits():
    y = np.array([1.5, np.nan, 2.5, np.nan, 3.5, 4.5])
    splitter = TaskShuffleSplit(5, test_size=0.5, random_state=0)
    for train, test in splitter.split(np.zeros((6, 1)), y, np.zeros(6)):
        assert {1, 3} <= set(train)
        assert len(test) == 2


def test_works_as_cv_in_scikit_learn():
    tasks, rng = ragged(0)
    X = rng.normal(size=(len(tasks), 3))
    y = X[:, 0] + rng.normal(size=len(tasks))
    cv = TaskKFold(3)
    search = GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=cv)
    assert search.fit(X, y, groups=tasks).n_splits_ == 3
    scores = cross_val_score(Ridge(), X, y, groups=tasks, cv=cv)
    expected = [
        Ridge().fit(X[train], y[train]).score(X[test], y[test])
        for train, test in cv.split(X, y, tasks)
    ]
    np.testing.assert_allclose(scores, expected)
    splitter = TaskShuffleSplit(4, random_state=0)
    assert len(cross_val_score(Ridge(), X, y, groups=tasks, cv=splitter)) == 4


def test_cross_val_predict_needs_every_row_to_be_tested():
    X, y = np.zeros((10, 1)), np.arange(10.0)
    tasks = np.repeat(["a", "b"], [6, 4])
    predicted = cross_val_predict(DummyRegressor(), X, y, groups=tasks, cv=TaskKFold(4))
    fold = folds_of(TaskKFold(4), 10, groups=tasks)
    np.testing.assert_allclose(predicted, [y[fold != f].mean() for f in fold])
    with pytest.raises(ValueError, match="partition"):
        cross_val_predict(DummyRegressor(), X, y, groups=tasks, cv=TaskKFold(5))


@pytest.mark.parametrize("stratify", ["auto", False])
def test_a_partition_tests_every_row(stratify):
    """Also of small tasks and of rare classes, and deals them evenly as before."""
    tasks = np.repeat(["a", "b", "c", "d"], [20, 9, 2, 1])
    y = np.tile(["no", "yes"], 16)
    y[20:29] = "no"
    y[24] = "yes"
    cv = TaskKFold(4, stratify=stratify, partition=True)
    fold = folds_of(cv, 32, y=y, groups=tasks)
    assert fold.min() == 0
    for label in "abc":
        sizes = np.bincount(fold[tasks == label], minlength=4)
        assert np.ptp(sizes) <= 1
    model = L21Classifier(0.05, handle_unknown="mean", task_column="task")
    X = pd.DataFrame({"x": np.arange(32.0) % 7, "task": tasks})
    cv = clone(cv, safe=False)
    cv.task_column = "task"
    with pytest.warns(UserWarning, match="single class"):
        p = cross_val_predict(model, X, y, cv=cv, method="predict_proba")
    np.testing.assert_allclose(p.sum(axis=1), 1.0)


def test_a_partition_of_wide_data():
    """A column may lose a class, but not its only label."""
    Y = np.tile([0.0, 1.0], (12, 1))
    Y[:6, 0] = 1.0
    Y[3, 1] = 0.0  # the only one
    assert (folds_of(TaskKFold(3), 12, y=Y) == -1).sum() == 1
    assert folds_of(TaskKFold(3, partition=True), 12, y=Y).min() == 0
    Y[:, 1] = np.nan
    Y[4, 1] = 1.0
    with pytest.raises(ValueError, match="all labels of column 1 of y would be held"):
        folds_of(TaskKFold(3, partition=True), 12, y=Y)


def test_metadata_routing_hands_the_groups_over():
    tasks = np.repeat(["a", "b"], 5)
    X, y = np.zeros((10, 1)), np.arange(10) % 2
    with sklearn.config_context(enable_metadata_routing=True):
        cv = TaskKFold(2)
        assert cv.get_metadata_routing().split.requests == {"groups": True}
        result = cross_validate(
            DummyClassifier(),
            X,
            y,
            cv=cv,
            params={"groups": tasks},
            return_indices=True,
        )
        renamed = TaskKFold(2).set_split_request(groups="tasks")
        again = cross_validate(
            DummyClassifier(),
            X,
            y,
            cv=renamed,
            params={"tasks": tasks},
            return_indices=True,
        )
    expected = [test.tolist() for _, test in TaskKFold(2).split(X, y, tasks)]
    for found in (result, again):
        assert [test.tolist() for test in found["indices"]["test"]] == expected


@pytest.mark.parametrize("seed", range(3))
def test_leave_one_task_out_is_leave_one_group_out(seed):
    tasks, rng = ragged(seed)
    X = rng.normal(size=(len(tasks), 2))
    expected = list(LeaveOneGroupOut().split(X, groups=tasks))
    frame = pd.DataFrame(X).assign(site=tasks)
    by_column = LeaveOneTaskOut(task_column="site")
    for splits in (
        list(LeaveOneTaskOut().split(X, groups=tasks)),
        list(by_column.split(frame)),
    ):
        assert len(splits) == len(expected)
        for (train, test), (train_2, test_2) in zip(expected, splits, strict=True):
            np.testing.assert_array_equal(train, train_2)
            np.testing.assert_array_equal(test, test_2)
    assert LeaveOneTaskOut().get_n_splits(groups=tasks) == len(expected)
    assert LeaveOneTaskOut().get_n_splits(X, None, tasks) == len(expected)
    assert by_column.get_n_splits(frame) == len(expected)


def test_leave_one_task_out_scores_tasks_that_were_not_seen():
    X, y, tasks = make_multitask_regression(n_tasks=4, n_features=5, random_state=0)
    model = L21Regressor(0.01, task_column=0, handle_unknown="mean")
    data = np.column_stack([tasks, X])
    scores = cross_val_score(model, data, y, cv=LeaveOneTaskOut(task_column=0))
    expected = []
    for task in range(4):
        rest = tasks != task
        fitted = L21Regressor(0.01).fit(X[rest], y[rest], tasks[rest])
        mean = X[~rest] @ fitted.coef_.mean(axis=0) + fitted.intercept_.mean()
        sse = np.sum((y[~rest] - mean) ** 2)
        expected.append(1 - sse / np.sum((y[~rest] - y[~rest].mean()) ** 2))
    np.testing.assert_allclose(scores, expected)


def test_leave_one_task_out_and_metadata_routing():
    tasks = np.repeat(["a", "b", "c"], 4)
    X, y = np.zeros((12, 1)), np.arange(12) % 2
    with sklearn.config_context(enable_metadata_routing=True):
        for cv, name in [
            (LeaveOneTaskOut(), "groups"),
            (LeaveOneTaskOut().set_split_request(groups="tasks"), "tasks"),
        ]:
            result = cross_validate(
                DummyClassifier(),
                X,
                y,
                cv=cv,
                params={name: tasks},
                return_indices=True,
            )
            tested = [test.tolist() for test in result["indices"]["test"]]
            assert tested == np.arange(12).reshape(3, 4).tolist()


@pytest.mark.parametrize(
    ("splitter", "data", "message"),
    [
        (LeaveOneTaskOut(), {}, "does not know the tasks; pass groups="),
        (LeaveOneTaskOut(), {"groups": ["a"] * 7}, "all rows are of the task 'a'"),
        (LeaveOneTaskOut(), {"groups": list("ab")}, "groups has 2 labels but X has 7"),
        (LeaveOneTaskOut(), {"groups": ["a", 1] * 3 + ["a"]}, "mixes strings and num"),
        (LeaveOneTaskOut(0), {"groups": list("abababa")}, "not both"),
        (LeaveOneTaskOut("site"), {}, "pass a DataFrame or an integer"),
    ],
)
def test_tasks_that_cannot_be_left_out(splitter, data, message):
    with pytest.raises(ValueError, match=message):
        list(splitter.split(np.zeros((7, 2)), **data))


def test_the_number_of_tasks_has_to_be_known():
    with pytest.raises(ValueError, match="pass groups=, or X with the task column"):
        LeaveOneTaskOut().get_n_splits()


def test_repr_and_clone():
    cv = TaskKFold(3, shuffle=True, random_state=1)
    assert repr(cv) == (
        "TaskKFold(n_splits=3, partition=False, random_state=1, shuffle=True,\n"
        "     stratify='auto', task_column=None)"
    )
    assert repr(clone(cv, safe=False)) == repr(cv)
    assert repr(TaskShuffleSplit(2)).startswith("TaskShuffleSplit(n_splits=2, ")
    assert repr(LeaveOneTaskOut()) == "LeaveOneTaskOut(task_column=None)"
    assert cv.get_n_splits() == 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TaskKFold(1), "n_splits must be an integer >= 2, got 1"),
        (lambda: TaskKFold(2.0), r"n_splits must be .* got 2\.0"),
        (lambda: TaskKFold(True), "n_splits must be .* got True"),
        (lambda: TaskKFold(shuffle="yes"), "shuffle must be a bool, got 'yes'"),
        (lambda: TaskKFold(partition=2), "partition must be a bool, got 2"),
        (lambda: TaskKFold(random_state=0), "no effect with shuffle=False"),
        (lambda: TaskKFold(stratify="y"), "stratify is 'y'; pass 'auto', True or"),
        (lambda: TaskShuffleSplit(0), "n_splits must be an integer >= 1"),
        (lambda: TaskShuffleSplit(test_size=1.0), r"test_size is 1\.0; pass a frac"),
        (lambda: TaskShuffleSplit(train_size=0), "train_size is 0; pass a fraction"),
        (lambda: TaskShuffleSplit(test_size="a"), "test_size is 'a'"),
        (
            lambda: TaskShuffleSplit(test_size=0.6, train_size=0.6),
            "sum to more than 1",
        ),
    ],
)
def test_wrong_parameters(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("splitter", "data", "message"),
    [
        (
            TaskKFold(5),
            {"groups": list("aaabbbb")},
            r"n_splits=5 leaves a fold .* largest of 2 tasks, 'b', has 4 labelled",
        ),
        (TaskKFold(8), {}, "X has 7 labelled rows"),
        (TaskKFold(2), {"y": np.where(np.eye(7), 1.0, np.nan)}, "leaves a fold"),
        (TaskKFold(2), {"groups": list("aaa")}, "groups has 3 labels but X has 7"),
        (TaskKFold(2), {"groups": [None] * 7}, "groups has 7 missing labels"),
        (TaskKFold(2), {"y": np.zeros(3)}, r"y has shape \(3,\) but X has 7 rows"),
        (TaskKFold(2, stratify=True), {}, "stratify=True needs y"),
        (
            TaskKFold(2),
            {"y": np.array(["a", 1] * 3 + ["b"], dtype=object)},
            "y mixes strings and other values",
        ),
        (TaskKFold(2, task_column="site"), {}, "pass a DataFrame or an integer"),
        (TaskShuffleSplit(), {"groups": list("abcdefg")}, "no row can be tested"),
    ],
)
def test_data_that_cannot_be_split(splitter, data, message):
    with pytest.raises(ValueError, match=message):
        list(splitter.split(np.zeros((7, 2)), **data))


def test_tasks_of_different_kinds_are_split_without_classes():
    y = np.array(["a", "b"] * 4 + [1.5, 2.5] * 4, dtype=object)
    groups = np.repeat(["text", "numbers"], 8)
    X = np.zeros((16, 1))
    plain = list(TaskKFold(2, stratify=False).split(X, y, groups))
    for found, known in zip(TaskKFold(2).split(X, y, groups), plain, strict=True):
        np.testing.assert_array_equal(found[1], known[1])
    Y = np.column_stack([y[:8], y[8:]])
    assert len(list(TaskKFold(2).split(X[:8], Y))) == 2
    with pytest.raises(ValueError, match="y mixes strings"):
        list(TaskKFold(2).split(X, y[::-1], np.arange(16) % 2))


def test_no_rows():
    with pytest.raises(ValueError, match="no rows"):
        list(TaskKFold(2).split(np.zeros((0, 2))))


def test_one_row_in_each_task():
    X, y = np.eye(6), np.arange(6.0)
    for model in (L21RegressorCV(), IndependentRegressor("cv")):
        with pytest.raises(ValueError, match="each of 6 tasks has one labelled row"):
            model.fit(X, y, np.arange(6))
