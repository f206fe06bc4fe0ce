"""TaskScaler: what StandardScaler does, task by task."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from helpers.frames import PolarsLike
from linmtl.preprocessing import TaskScaler

TASKS = np.array(["b", "a", "c", "a", "b", "b", "a", "b", "a", "c", "a", "b"])
NUMBERS = np.unique(TASKS, return_inverse=True)[1]


@parametrize_with_checks(
    [TaskScaler(), TaskScaler(with_mean=False), TaskScaler(with_std=False)]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def features(seed=0, missing=False):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(12, 4)) * [1, 10, 0.1, 1] + [0, 5, 100, -3]
    X[:, 3] = 7.1
    if missing:
        X[[0, 3, 5], [0, 1, 2]] = np.nan
    return X


FLAGS = [
    {"with_mean": with_mean, "with_std": with_std}
    for with_mean in (True, False)
    for with_std in (True, False)
]


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize("tasks", [None, TASKS])
def test_pooled_scaling_is_standard_scaling(flags, missing, tasks):
    X = features(missing=missing)
    ours = TaskScaler(**flags).fit(X, tasks=tasks)
    theirs = StandardScaler(**flags).fit(X)
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), atol=1e-12)
    new = features(1)
    np.testing.assert_allclose(ours.transform(new), theirs.transform(new), atol=1e-12)
    assert ours.mean_.shape == (4,)
    assert hasattr(ours, "tasks_") == (tasks is not None)


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize("weighted", [False, True])
def test_scaling_within_tasks_is_one_standard_scaler_per_task(flags, missing, weighted):
    X = features(missing=missing)
    weight = np.arange(1.0, 13.0) if weighted else None
    ours = TaskScaler(within_task=True, **flags)
    Z = ours.fit_transform(X, tasks=TASKS, sample_weight=weight)
    assert ours.tasks_.tolist() == ["a", "b", "c"]
    assert ours.mean_.shape == (3, 4)
    for t, task in enumerate(ours.tasks_):
        mine = np.flatnonzero(task == TASKS)
        theirs = StandardScaler(**flags)
        theirs.fit(X[mine], sample_weight=None if weight is None else weight[mine])
        np.testing.assert_allclose(Z[mine], theirs.transform(X[mine]), atol=1e-10)
        np.testing.assert_allclose(
            ours.mean_[t], weighted_nanmean(X[mine], weight, mine)
        )
        if flags["with_std"]:
            np.testing.assert_allclose(ours.scale_[t], theirs.scale_)
        else:
            assert ours.scale_ is None
    back = ours.inverse_transform(Z, tasks=TASKS)
    np.testing.assert_allclose(back, X, rtol=1e-12)


def weighted_nanmean(X, weight, mine):
    weight = np.ones(len(X)) if weight is None else weight[mine]
    total = np.where(np.isnan(X), 0.0, weight[:, None]).sum(axis=0)
    return np.nansum(X * weight[:, None], axis=0) / total


@pytest.mark.parametrize("within_task", [False, True])
def test_integer_weights_are_repetitions_and_zeros_are_removals(within_task):
    X = features(missing=True)
    weight = np.array([2, 1, 1, 0, 3, 1, 2, 1, 1, 2, 1, 0])
    scaler = TaskScaler(within_task=within_task)
    weighted = clone(scaler).fit(X, tasks=TASKS, sample_weight=weight)
    repeated = clone(scaler).fit(X.repeat(weight, axis=0), tasks=TASKS.repeat(weight))
    np.testing.assert_allclose(weighted.mean_, repeated.mean_)
    np.testing.assert_allclose(weighted.scale_, repeated.scale_)


@pytest.mark.parametrize("constant", [0.1, 1e-300, 0.0, 1e8 / 3, -7.3])
@pytest.mark.parametrize("n", [3, 12, 1001])
def test_a_constant_feature_keeps_its_scale(constant, n):
    X = np.full((n, 1), constant)
    scaler = TaskScaler().fit(X)
    assert scaler.scale_.tolist() == [1.0]
    np.testing.assert_allclose(scaler.transform(X), 0.0, atol=1e-8 * abs(constant))


def test_a_feature_constant_in_one_task_is_scaled_in_the_others():
    X = np.array([[3.0], [3.0], [1.0], [5.0]])
    Z = TaskScaler(within_task=True).fit_transform(X, tasks=[1, 1, 2, 2])
    assert Z.ravel().tolist() == [0, 0, -1, 1]


def test_a_small_spread_beside_a_large_mean_is_no_constant():
    X = np.array([[1e8], [1e8 + 1], [1e8 + 2]])
    np.testing.assert_allclose(TaskScaler().fit(X).scale_, np.std([0, 1, 2]))


def test_a_task_without_values_falls_back_to_all_rows():
    nan = np.nan
    X = np.array([[nan, nan], [nan, nan], [1.0, nan], [5.0, nan]])
    scaler = TaskScaler(within_task=True).fit(X, tasks=["a", "a", "b", "b"])
    assert scaler.mean_.tolist() == [[3, 0], [3, 0]]
    assert scaler.scale_.tolist() == [[2, 1], [2, 1]]
    new = scaler.transform([[7.0, 8.0]], tasks=["a"])
    assert new.tolist() == [[2, 8]]


@pytest.mark.parametrize("within_task", [False, True])
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("fmt", ["csr_array", "csc_array", "coo_array", "csr_matrix"])
def test_sparse_equals_dense(within_task, missing, fmt):
    X = features(missing=missing)
    X[np.random.default_rng(2).random(X.shape) < 0.4] = 0.0
    X[:, 3] = 0.0
    S = getattr(sparse, fmt)(X)
    dense = TaskScaler(within_task=within_task, with_mean=False)
    weight = np.arange(12) % 3
    dense.fit(X, tasks=TASKS, sample_weight=weight)
    scaler = clone(dense).fit(S, tasks=TASKS, sample_weight=weight)
    np.testing.assert_allclose(scaler.mean_, dense.mean_, atol=1e-14)
    np.testing.assert_allclose(scaler.scale_, dense.scale_)
    Z = scaler.transform(S, tasks=TASKS)
    assert sparse.issparse(Z)
    assert Z.nnz == S.nnz
    np.testing.assert_allclose(Z.toarray(), dense.transform(X, tasks=TASKS))
    back = scaler.inverse_transform(Z, tasks=TASKS)
    np.testing.assert_allclose(back.toarray(), X)
    np.testing.assert_array_equal(S.toarray(), X)


def test_duplicate_entries_of_a_sparse_matrix_add_up():
    S = sparse.csr_array(
        (np.array([1.0, 2.0, 4.0]), np.array([0, 0, 0]), np.array([0, 2, 3]))
    )
    scaler = TaskScaler(with_mean=False).fit(S)
    assert scaler.mean_.tolist() == [3.5]
    assert scaler.scale_.tolist() == [0.5]
    assert S.nnz == 3, "the input is left as it was"


def test_centring_sparse_data_is_refused():
    with pytest.raises(TypeError, match=r"centring .* set with_mean=False"):
        TaskScaler().fit(sparse.csr_array(features()))


@pytest.mark.parametrize("place", [0, 2, 4, -1])
@pytest.mark.parametrize("within_task", [False, True])
@pytest.mark.parametrize("kind", ["float", "float32", "object", "sparse"])
def test_the_task_column_stays_where_and_what_it_was(place, within_task, kind):
    X = features()
    position = place % 5
    flags = {"within_task": within_task, "with_mean": kind != "sparse"}
    expected = TaskScaler(**flags).fit_transform(X, tasks=TASKS)
    labels = TASKS if kind == "object" else NUMBERS
    data = np.insert(
        X.astype(object if kind == "object" else float), position, labels, axis=1
    )
    if kind == "float32":
        data = data.astype(np.float32)
    if kind == "sparse":
        data = sparse.csc_array(data)
    scaler = TaskScaler(task_column=place, **flags)
    Z = scaler.fit_transform(data)
    assert scaler.n_features_in_ == 5
    assert scaler.mean_.shape[-1] == 4
    back = scaler.inverse_transform(Z)
    if kind == "sparse":
        Z, back, data = Z.toarray(), back.toarray(), data.toarray()
    assert Z.dtype == data.dtype
    assert Z[:, position].tolist() == labels.tolist()
    rest = np.delete(Z, position, axis=1).astype(float)
    tolerance = 1e-3 if kind == "float32" else 1e-12
    np.testing.assert_allclose(rest, expected, atol=tolerance)
    np.testing.assert_array_equal(back[:, position], data[:, position])
    np.testing.assert_allclose(
        np.delete(back, position, axis=1).astype(float), X, rtol=1e-4
    )


def frame():
    X = pd.DataFrame(features(), columns=list("pqrs"), index=np.arange(12)[::-1])
    X.insert(1, "site", pd.Categorical(TASKS))
    return X


@pytest.mark.parametrize("column", ["site", 1])
@pytest.mark.parametrize("within_task", [False, True])
@pytest.mark.parametrize("output", [None, "default", "pandas"])
def test_a_dataframe_with_a_task_column_gives_a_dataframe(column, within_task, output):
    X = frame()
    before = X.copy()
    scaler = TaskScaler(within_task=within_task, task_column=column)
    if output is not None:
        scaler.set_output(transform=output)
    Z = scaler.fit_transform(X)
    pd.testing.assert_frame_equal(X, before)
    assert isinstance(Z, pd.DataFrame)
    assert Z.columns.tolist() == X.columns.tolist()
    assert scaler.get_feature_names_out().tolist() == X.columns.tolist()
    assert scaler.feature_names_in_.tolist() == X.columns.tolist()
    pd.testing.assert_series_equal(Z["site"], X["site"])
    pd.testing.assert_index_equal(Z.index, X.index)
    expected = TaskScaler(within_task=within_task).fit_transform(
        features(), tasks=TASKS
    )
    np.testing.assert_allclose(Z.drop(columns="site"), expected, atol=1e-12)
    pd.testing.assert_frame_equal(scaler.inverse_transform(Z), X)


def test_a_dataframe_without_task_column_follows_set_output():
    X = frame().drop(columns="site")
    scaler = TaskScaler(within_task=True).fit(X, tasks=TASKS)
    assert isinstance(scaler.transform(X, tasks=TASKS), np.ndarray)
    Z = scaler.set_output(transform="pandas").transform(X, tasks=TASKS)
    assert Z.columns.tolist() == list("pqrs")


def test_a_polars_like_dataframe_gives_its_like():
    X = PolarsLike({name: np.asarray(column) for name, column in frame().items()})
    Z = TaskScaler(within_task=True, task_column="site").fit_transform(X)
    assert isinstance(Z, PolarsLike)
    assert Z.columns == X.columns
    assert Z["site"] is X["site"]
    expected = TaskScaler(within_task=True).fit_transform(features(), tasks=TASKS)
    np.testing.assert_allclose(Z.select(list("pqrs")), expected, atol=1e-12)


def test_lists_of_mixed_rows():
    rows = [["a", 1.0], ["a", 3.0], ["b", 10.0], ["b", 30.0]]
    Z = TaskScaler(within_task=True, task_column=0).fit_transform(rows)
    assert Z.tolist() == [["a", -1.0], ["a", 1.0], ["b", -1.0], ["b", 1.0]]


@pytest.mark.parametrize("task_column", [None, 0])
def test_the_input_is_not_written_to(task_column):
    X = np.column_stack([NUMBERS, features()])
    X.setflags(write=False)
    copy = X.copy()
    tasks = NUMBERS if task_column is None else None
    scaler = TaskScaler(within_task=True, task_column=task_column)
    Z = scaler.fit_transform(X, tasks=tasks)
    scaler.inverse_transform(Z, tasks=tasks)
    np.testing.assert_array_equal(X, copy)


def test_unknown_tasks():
    X = features()
    scaler = TaskScaler(within_task=True).fit(
        X[TASKS != "c"], tasks=TASKS[TASKS != "c"]
    )
    with pytest.raises(ValueError, match=r"not in fit: 'c'; fit knew 'a', 'b'\. Drop"):
        scaler.transform(X, tasks=TASKS)
    scaler.set_params(handle_unknown="mean")
    Z = scaler.transform(X, tasks=TASKS)
    pooled = StandardScaler().fit(X[TASKS != "c"])
    unknown = TASKS == "c"
    np.testing.assert_allclose(Z[unknown], pooled.transform(X[unknown]), atol=1e-12)
    np.testing.assert_allclose(
        Z[~unknown], scaler.transform(X[~unknown], tasks=TASKS[~unknown])
    )
    # All rows are scaled alike without within_task: no task is needed or unknown.
    pooled = TaskScaler().fit(X, tasks=TASKS)
    np.testing.assert_array_equal(
        pooled.transform(X, tasks=np.full(12, "new")), pooled.transform(X)
    )


def test_a_refit_forgets_the_tasks():
    scaler = TaskScaler().fit(features(), tasks=TASKS)
    assert not hasattr(scaler.fit(features()), "tasks_")


def test_tasks_in_a_pipeline():
    """With a task column nothing is to be routed; without one, routing does it."""
    X, y = features(), np.arange(12.0)
    Z = TaskScaler(within_task=True).fit_transform(X, tasks=TASKS)
    expected = Ridge().fit(Z, y).predict(Z)
    with sklearn.config_context(enable_metadata_routing=True):
        scaler = TaskScaler(within_task=True)
        scaler.set_fit_request(tasks=True).set_transform_request(tasks=True)
        pipeline = make_pipeline(scaler, Ridge()).fit(X, y, tasks=TASKS)
        np.testing.assert_allclose(pipeline.predict(X, tasks=TASKS), expected)
    data = np.column_stack([NUMBERS, X])
    pipeline = make_pipeline(TaskScaler(within_task=True, task_column=0), Ridge())
    expected = Ridge().fit(np.column_stack([NUMBERS, Z]), y)
    np.testing.assert_allclose(
        pipeline.fit(data, y).predict(data),
        expected.predict(np.column_stack([NUMBERS, Z])),
    )


@pytest.mark.parametrize(
    ("params", "options", "message"),
    [
        ({"within_task": True}, {}, r"needs the task of each row; pass fit\(X, tasks"),
        ({"within_task": 1}, {}, "within_task must be a bool, got 1"),
        ({"with_mean": None}, {}, "with_mean must be a bool"),
        ({"with_std": "no"}, {}, "with_std must be a bool"),
        ({"handle_unknown": "ignore"}, {}, "handle_unknown must be one of 'error'"),
        ({"task_column": 0}, {"tasks": TASKS}, "pass tasks or set task_column, not"),
        ({"task_column": 4}, {}, "task_column is 4 but X has 4 columns"),
        ({"task_column": "site"}, {}, "pass a DataFrame or an integer index"),
        ({}, {"tasks": TASKS[:3]}, "tasks has 3 labels but X has 12 rows"),
        ({}, {"tasks": [None] * 12}, "12 missing labels"),
        ({}, {"sample_weight": np.ones(3)}, r"sample_weight has shape \(3,\) but X"),
        ({}, {"sample_weight": -np.ones(12)}, r"negative value -1\.0; pass weights"),
        ({}, {"sample_weight": np.zeros(12)}, "zero everywhere"),
    ],
)
def test_wrong_arguments(params, options, message):
    with pytest.raises(ValueError, match=message):
        TaskScaler(**params).fit(features(), **options)


def test_a_scaler_fitted_with_tasks_asks_for_them():
    scaler = TaskScaler(within_task=True).fit(features(), tasks=TASKS)
    with pytest.raises(ValueError, match=r"pass transform\(X, tasks=\.\.\.\)"):
        scaler.transform(features())


def test_other_columns_than_in_fit():
    X = frame()
    scaler = TaskScaler(task_column="site").fit(X)
    with pytest.raises(ValueError, match="feature names should match"):
        scaler.transform(X.rename(columns={"p": "new"}))
    scaler = TaskScaler(task_column=0).fit(np.ones((3, 4)))
    with pytest.raises(ValueError, match="X has 3 features, but TaskScaler"):
        scaler.transform(np.ones((3, 3)))


def test_what_is_not_numeric_is_named():
    X = np.array([["s1", "red"], ["s2", "blue"]], dtype=object)
    with pytest.raises(ValueError, match="'red'"):
        TaskScaler(task_column=0).fit(X)
