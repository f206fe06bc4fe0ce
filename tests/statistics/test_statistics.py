"""Statistics add up, and a fit to them is the fit to the rows."""

import copy
import pickle
import tracemalloc
import warnings
from functools import partial, reduce

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone

import linmtl
from helpers.data import generated
from helpers.quick import is_second
from linmtl import (
    IndependentRegressor,
    L21Classifier,
    L21Regressor,
    L21RegressorCV,
    MeanRegularizedRegressor,
    MixedEffectsRegressor,
    TaskStatistics,
)
from linmtl.statistics import chunks_of, map_reduce, read_chunks

NAMES = [n for n in linmtl.__all__ if hasattr(getattr(linmtl, n), "fit_statistics")]


def rows(seed=0, n_samples=30):
    """Return uneven features, weights and labels in no order."""
    X, y, tasks = generated(
        n_tasks=4, n_samples=n_samples, n_features=5, random_state=seed
    )
    rng = np.random.default_rng(seed)
    order = rng.permutation(y.size)
    X = X * [1.0, 10.0, 0.1, 1.0, 3.0] + np.arange(5)
    return X[order], y[order], tasks[order], rng.uniform(0.5, 2.0, y.size)


def parts_of(n, k=5):
    return np.array_split(np.arange(n), k)


@pytest.mark.product(name=NAMES, dear=is_second)
@pytest.mark.slow
def test_every_regressor_learns_from_statistics_what_it_learns_from_rows(name):
    X, y, tasks, weight = rows()
    parts = parts_of(y.size)
    each = [TaskStatistics.of(X[p], y[p], tasks[p], weight[p]) for p in parts]
    model = getattr(linmtl, name)()
    parameters = model.get_params(deep=False)
    model.set_params(
        **{k: v for k, v in {"tol": 1e-9, "alphas": 4}.items() if k in parameters}
    )
    if model._chooses_by_folds():
        fold = np.repeat(np.arange(5), [p.size for p in parts])
        every = np.arange(y.size)
        model.set_params(cv=[(every[fold != k], every[fold == k]) for k in range(5)])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*the (best|cross-validation)")
        warnings.filterwarnings("ignore", ".*did not converge")
        warnings.filterwarnings("ignore", ".*features lie far from zero")
        model.fit(X, y, tasks, weight)
        coef, intercept = model.coef_, model.intercept_
        again = model.fit_statistics(each)
    assert again is model
    size = np.abs(coef).max()
    np.testing.assert_allclose(model.coef_, coef, atol=1e-6 * size)
    np.testing.assert_allclose(model.intercept_, intercept, atol=1e-5)
    np.testing.assert_array_equal(model.statistics_.n_rows, [30] * 4)


def test_independent_tuned_alone_takes_folds():
    X, y, tasks, _ = rows()
    each = [TaskStatistics.of(X[p], y[p], tasks[p]) for p in parts_of(y.size)]
    model = IndependentRegressor("cv").fit_statistics(each)
    assert model.alpha_.shape == (4,)


def test_any_grouping_of_the_same_parts_is_the_same():
    X, y, tasks, weight = rows()
    X = X + 1e4
    each = [
        TaskStatistics.of(X[p], y[p], tasks[p], weight[p]) for p in parts_of(120, 9)
    ]
    left = reduce(TaskStatistics.merge, each)
    right = reduce(TaskStatistics.merge, each[::-1])
    pairs = [a.merge(b) for a, b in zip(each[::2], each[1::2], strict=False)]
    pairs = reduce(TaskStatistics.merge, [each[8], *pairs])
    whole = TaskStatistics.of(X, y, tasks, weight)
    for other in (left, right, pairs):
        for name in ("total", "x", "y", "H", "C", "square"):
            one, two = (getattr(s._moments, name) for s in (whole, other))
            np.testing.assert_allclose(
                one, two, rtol=1e-10, atol=1e-10 * np.abs(one).max()
            )
        np.testing.assert_array_equal(other.n_rows, whole.n_rows)


def test_a_made_table_has_the_statistics_it_was_made_from():
    X, y, tasks, weight = rows()
    one = TaskStatistics.of(X, y, tasks, weight)
    two = TaskStatistics.of(*one.rows())
    for name in ("total", "x", "y", "H", "C", "square"):
        np.testing.assert_allclose(
            getattr(one._moments, name),
            getattr(two._moments, name),
            rtol=1e-10,
            atol=1e-9,
        )


def test_tasks_may_come_one_after_the_other():
    X, y, tasks, _ = rows()
    order = np.argsort(tasks, kind="stable")
    statistics = TaskStatistics()
    for p in parts_of(y.size, 11):
        statistics.update(X[order][p], y[order][p], tasks[order][p])
    np.testing.assert_array_equal(statistics.tasks, np.unique(tasks))
    model = MeanRegularizedRegressor(0.5, tol=1e-10).fit_statistics(statistics)
    whole = MeanRegularizedRegressor(0.5, tol=1e-10).fit(X, y, tasks)
    np.testing.assert_allclose(model.coef_, whole.coef_, rtol=1e-8)


def test_one_row_at_a_time():
    X, y, tasks, weight = rows(n_samples=6)
    statistics = TaskStatistics()
    for i in range(y.size):
        row = slice(i, i + 1)
        statistics.update(X[row], y[row], tasks[row], weight[row])
    model = L21Regressor(0.1, tol=1e-9).fit_statistics(statistics)
    whole = L21Regressor(0.1, tol=1e-9).fit(X, y, tasks, weight)
    np.testing.assert_allclose(model.coef_, whole.coef_, atol=1e-7)


def test_a_chunk_takes_memory_for_its_own_tasks_only():
    X, tasks = np.random.default_rng(0).standard_normal((160, 40)), np.arange(160) // 2
    statistics = TaskStatistics.of(X, X[:, 0], tasks)
    held = statistics.moments.H.nbytes
    statistics.update(X[:2], X[:2, 0], tasks[:2])  # of its own arrays from here on
    tracemalloc.start()
    statistics.update(X[2:4], X[2:4, 0], tasks[2:4])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < held / 4


@pytest.mark.parametrize(
    "taken",
    [
        lambda s: s.moments.H,
        lambda s: copy.copy(s).moments.H,
        lambda s: s.merge(TaskStatistics()).moments.H,
        lambda s: s.to_arrays()["H"],
        lambda s: TaskStatistics().merge(s).to_arrays()["H"],
    ],
)
def test_what_was_taken_from_statistics_stays_as_it_was(taken):
    X, y, tasks, _ = rows()
    statistics = TaskStatistics.of(X, y, tasks).update(X, y, tasks)
    found = taken(statistics)
    before = found.copy()
    statistics.update(X, y, tasks).forget(0.5).update(X, y, tasks)
    np.testing.assert_array_equal(found, before)
    assert not np.array_equal(statistics.moments.H, before)


def test_a_likelihood_counts_the_rows():
    X, y, tasks, _ = rows()
    model = MixedEffectsRegressor("full").fit(X, y, tasks)
    value = model.log_likelihood_
    model.fit_statistics(TaskStatistics.of(X, y, tasks))
    assert model.log_likelihood_ == pytest.approx(value, abs=1e-7)


def test_partial_fit_goes_on():
    X, y, tasks, weight = rows()
    model = L21Regressor(0.1, tol=1e-9)
    for p in parts_of(y.size, 4):
        model.partial_fit(X[p], y[p], tasks[p], weight[p])
    whole = L21Regressor(0.1, tol=1e-9).fit(X, y, tasks, weight)
    np.testing.assert_allclose(model.coef_, whole.coef_, atol=1e-7)
    before = model.statistics_
    with pytest.raises(ValueError, match="features"):
        model.partial_fit(X[:, :3], y, tasks)
    assert model.statistics_ is before
    assert model.statistics_.n_rows.sum() == y.size


@pytest.mark.filterwarnings("ignore:.*far from zero")
@pytest.mark.parametrize("model", [L21Regressor(0.1), MixedEffectsRegressor()])
def test_partial_fit_after_fit_begins_anew(model):
    X, y, tasks, _ = rows()
    model = clone(model).partial_fit(X, y, tasks)
    some = tasks != tasks[0]
    model.fit(X[some], y[some], tasks[some])
    assert not hasattr(model, "statistics_")
    model.partial_fit(X[~some], y[~some], tasks[~some])
    assert model.statistics_.n_rows.tolist() == [np.sum(~some)]


def test_partial_fit_of_one_task_and_of_a_task_column():
    X, y, tasks, _ = rows()
    one = MeanRegularizedRegressor(0.1)
    for p in parts_of(y.size, 3):
        one.partial_fit(X[p], y[p])
    whole = MeanRegularizedRegressor(0.1).fit(X, y)
    np.testing.assert_allclose(one.coef_, whole.coef_, rtol=1e-6)
    frame = pd.DataFrame(X, columns=list("abcde"))
    frame.insert(2, "site", [f"s{t}" for t in tasks])
    column = MeanRegularizedRegressor(0.1, task_column="site")
    for p in parts_of(y.size, 3):
        column.partial_fit(frame.iloc[p], y[p])
    expected = MeanRegularizedRegressor(0.1, task_column="site").fit(frame, y)
    np.testing.assert_allclose(column.coef_, expected.coef_, rtol=1e-6)
    np.testing.assert_allclose(column.predict(frame), expected.predict(frame))


def test_old_rows_count_less():
    X, y, tasks, _ = rows()
    old, new = parts_of(y.size, 2)
    statistics = TaskStatistics.of(X[old], y[old], tasks[old]).forget(0.25)
    statistics.update(X[new], y[new], tasks[new])
    weight = np.where(np.arange(y.size) < old.size, 0.25, 1.0)
    model = MeanRegularizedRegressor(0.5).fit_statistics(statistics)
    whole = MeanRegularizedRegressor(0.5).fit(X, y, tasks, weight)
    np.testing.assert_allclose(model.coef_, whole.coef_, rtol=1e-7)
    with pytest.raises(ValueError, match="factor must be"):
        statistics.forget(0.0)


@pytest.mark.parametrize("column", [None, "site"])
def test_files_hold_everything(tmp_path, column):
    X, y, tasks, _ = rows()
    frame = pd.DataFrame(X, columns=list("abcde"))
    labels = np.array([f"s{t}" for t in tasks])
    if column:
        frame["site"], labels = labels, None
    statistics = TaskStatistics(task_column=column).update(frame, y, labels)
    statistics.save(tmp_path / "a.npz")
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]
    loaded = TaskStatistics.load(tmp_path / "a.npz")
    assert repr(loaded) == repr(statistics)
    np.testing.assert_array_equal(loaded.feature_names, list("abcde"))
    loaded.update(frame, y, labels)
    assert loaded.n_rows.sum() == 2 * y.size
    with pytest.raises(ValueError, match="feature names"):
        loaded.update(frame.rename(columns={"a": "z"}), y, labels)


def test_files_of_other_kinds_are_refused(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"no archive")
    with pytest.raises(ValueError, match="no file of TaskStatistics"):
        TaskStatistics.load(tmp_path / "a.npz")
    TaskStatistics.of(*rows()).save(tmp_path / "d.npz")
    (tmp_path / "e.npz").write_bytes((tmp_path / "d.npz").read_bytes()[:500])
    np.save(tmp_path / "f.npy", np.ones(3))
    np.savez(tmp_path / "g.npz", version=1, tasks=[1, 2], a=np.ones(2))
    for name in ("e.npz", "f.npy", "g.npz"):
        with pytest.raises(ValueError, match=f"{name}' is no file of TaskStat"):
            TaskStatistics.load(tmp_path / name)
    np.savez(tmp_path / "b.npz", version=99)
    with pytest.raises(ValueError, match="version 99"):
        TaskStatistics.load(tmp_path / "b.npz")
    with pytest.raises(FileNotFoundError):
        TaskStatistics.load(tmp_path / "c.npz")


def test_statistics_travel():
    X, y, tasks, _ = rows()
    one = TaskStatistics.of(X, y, tasks)
    two = pickle.loads(pickle.dumps(one))
    np.testing.assert_array_equal(one._moments.H, two._moments.H)


def of_part(part, X, y, tasks):
    return TaskStatistics.of(X[part], y[part], tasks[part])


@pytest.mark.parametrize("n_jobs", [None, pytest.param(2, marks=pytest.mark.slow)])
def test_a_part_that_is_computed_again_changes_no_bit(n_jobs):
    X, y, tasks, _ = rows()
    parts = parts_of(y.size, 6)
    compute = partial(of_part, X=X, y=y, tasks=tasks)
    once = map_reduce(parts, compute)
    again = map_reduce(parts, compute, n_jobs=n_jobs)
    np.testing.assert_array_equal(once._moments.H, again._moments.H)
    with pytest.raises(ValueError, match="no parts"):
        map_reduce([], compute)


def test_memory_maps_are_read_in_pieces(tmp_path):
    X, y, tasks, _ = rows()
    disk = np.memmap(tmp_path / "X", dtype=np.float32, mode="w+", shape=X.shape)
    disk[:] = X
    pieces = list(chunks_of(disk, y, tasks, size=50))
    assert [len(y) for _, y, _, _ in pieces] == [50, 50, 20]
    statistics = TaskStatistics.of_chunks(pieces)
    model = MeanRegularizedRegressor(0.5).fit_statistics(statistics)
    whole = MeanRegularizedRegressor(0.5).fit(disk.astype(float), y, tasks)
    np.testing.assert_allclose(model.coef_, whole.coef_, rtol=1e-6)


def test_pieces_are_of_the_kind_of_the_whole_and_rows_have_to_fit():
    X, y, tasks, _ = rows()
    frame, series = pd.DataFrame(X, columns=list("abcde")), pd.Series(tasks[::-1])
    for kind, whole, labels in [
        ("frame", frame, series[::-1]),  # by position, not by the index
        ("sparse", sparse.coo_array(X), tasks),
        ("list", X.tolist(), tasks.tolist()),
    ]:
        found = TaskStatistics.of_chunks(chunks_of(whole, y, labels, size=50))
        expected = TaskStatistics.of(X, y, tasks)
        np.testing.assert_allclose(found.moments.C, expected.moments.C, atol=1e-9)
        assert (found.feature_names is not None) == (kind == "frame")
    with pytest.raises(ValueError, match="tasks has 240 rows, but X has 120"):
        list(chunks_of(X, y, np.tile(tasks, 2)))


@pytest.mark.parametrize("kind", ["csv", "frame", "frames", "parquet", "batches"])
def test_tables_are_read_in_pieces(tmp_path, kind):
    X, y, tasks, _ = rows()
    frame = pd.DataFrame(X, columns=list("abcde"))
    frame["y"], frame["site"] = y, tasks
    if kind == "csv":
        source = tmp_path / "table.csv"
        frame.to_csv(source, index=False)
    elif kind == "frame":
        source = frame
    elif kind == "frames":
        source = (frame.iloc[p] for p in parts_of(len(frame), 3))
    else:
        pyarrow = pytest.importorskip("pyarrow")
        source = tmp_path / "table.parquet"
        frame.to_parquet(source)
        if kind == "batches":
            table = pyarrow.Table.from_pandas(frame)
            source = pyarrow.RecordBatchReader.from_batches(
                table.schema, table.to_batches(max_chunksize=40)
            )
    chunks = read_chunks(source, target="y", tasks="site", size=50)
    model = MeanRegularizedRegressor(0.5).fit_statistics(
        TaskStatistics.of_chunks(chunks)
    )
    whole = MeanRegularizedRegressor(0.5).fit(frame[list("abcde")], y, tasks)
    np.testing.assert_allclose(model.coef_, whole.coef_, rtol=1e-7)
    np.testing.assert_allclose(
        model.predict(frame[list("abcde")], tasks),
        whole.predict(frame[list("abcde")], tasks),
    )


def test_missing_columns_of_a_piece_are_named(tmp_path):
    frame = pd.DataFrame({"a": [1.0, 2.0], "y": [0.0, 1.0]})
    frame.to_csv(tmp_path / "table.csv", index=False)
    for source in ([frame], frame, tmp_path / "table.csv"):
        for features in (None, ["a"]):
            with pytest.raises(ValueError, match="has no column 'site'; it has a, y"):
                list(read_chunks(source, target="y", tasks="site", features=features))


def test_empty_pieces_and_missing_labels_add_nothing():
    X, y, tasks, _ = rows()
    statistics = TaskStatistics.of(X, y, tasks)
    before = statistics._moments.H.copy()
    statistics.update(X[:0], y[:0], tasks[:0])
    statistics.update(X[:3], [np.nan] * 3, tasks[:3])
    statistics.update(X[:3], y[:3], tasks[:3], np.zeros(3))
    np.testing.assert_array_equal(statistics._moments.H, before)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y, t: (X[:, :2], y, t), "features"),
        (lambda X, y, t: (np.where(X[0, 0] == X, np.nan, X), y, t), "NaN"),
        (lambda X, y, t: (X, y[:-1], t), "y has shape"),
        (lambda X, y, t: (X, y, t.astype(str)), "another type"),
        (lambda X, y, t: (X, y), "with a task cannot be added to rows without"),
        (lambda X, y, t: (X, np.where(y == y[0], np.inf, y), t), "infinity"),
    ],
)
def test_bad_pieces_are_refused_and_add_nothing(change, message):
    X, y, tasks, _ = rows()
    statistics = TaskStatistics.of(X, y, tasks)
    with pytest.raises(ValueError, match=message):
        statistics.update(*change(X, y, tasks))
    assert statistics.n_rows.sum() == y.size


def test_what_statistics_cannot_say_is_refused():
    X, y, tasks, _ = rows()
    statistics = TaskStatistics.of(X, y, tasks)
    assert not hasattr(L21Classifier(), "fit_statistics")
    with pytest.raises(ValueError, match="loss='huber' needs the rows"):
        L21Regressor(loss="huber").fit_statistics(statistics)
    with pytest.raises(ValueError, match="one for each fold"):
        L21RegressorCV().fit_statistics(statistics)
    assert not hasattr(L21RegressorCV(), "partial_fit")
    assert not hasattr(IndependentRegressor("cv"), "partial_fit")
    assert hasattr(IndependentRegressor(0.1), "partial_fit")
    with pytest.raises(ValueError, match="no rows with a label yet"):
        L21Regressor().fit_statistics(TaskStatistics())
    with pytest.raises(TypeError, match="must be TaskStatistics"):
        L21Regressor().fit_statistics([X])
    with pytest.raises(ValueError, match="empty list"):
        L21Regressor().fit_statistics([])
    with pytest.raises(ValueError, match="cannot be added"):
        statistics.merge(TaskStatistics.of(X[:, :2], y, tasks))
    with pytest.raises(ValueError, match="with a task cannot be added"):
        statistics.merge(TaskStatistics.of(X, y))


def test_the_column_of_tasks_is_that_of_the_estimator():
    X, y, tasks, _ = rows()
    inside = TaskStatistics.of(np.column_stack([X, tasks]), y, task_column=-1)
    for statistics, model in [
        (inside, L21Regressor()),  # which would take the tasks for a feature
        (TaskStatistics.of(X, y, tasks), L21Regressor(task_column=-1)),
    ]:
        with pytest.raises(ValueError, match=r"task_column=.* give both the same"):
            model.fit_statistics(statistics)


def test_rows_that_say_nothing_and_numbers_too_large_are_refused():
    X, y, tasks, _ = rows()
    statistics = TaskStatistics.of(X, y, tasks)
    with pytest.raises(TypeError, match="other must be TaskStatistics, got 3"):
        statistics.merge(3)
    with pytest.raises(ValueError, match="no rows with a label yet"):
        L21Regressor().partial_fit(X, np.full(y.size, np.nan), tasks)
    with pytest.raises(ValueError, match="cross-products are not finite"):
        statistics.update(1e200 * X, y, tasks)
    with pytest.raises(TypeError, match="a chunk is a tuple"):
        TaskStatistics.of_chunks([{"X": X, "y": y}])
    assert statistics.n_rows.sum() == y.size
