"""Task labels: what is read, what is refused, and how it is numbered."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from helpers.frames import PolarsLike
from helpers.loops import looped
from linmtl.data._labels import (
    as_task_labels,
    codes_of,
    encode_tasks,
    split_task_column,
)

STRINGS = ["b", "a", "b", "cc"]
NUMBERS = [3, 1, 3, 2]


@looped(
    "wrap",
    [
        list,
        tuple,
        iter,
        np.array,
        lambda v: np.array(v, dtype=object),
        lambda v: np.array(v)[:, None],
        lambda v: (label for label in v),
        pd.Series,
        lambda v: pd.Series(v, index=[7, 7, 1, 0]),
        lambda v: pd.Series(v, dtype=object),
        lambda v: pd.Series(v).convert_dtypes(),
        pd.Categorical,
        lambda v: pd.Series(pd.Categorical(v, categories=sorted(set(v))[::-1])),
        lambda v: pd.DataFrame({"task": v}),
        pd.Index,
        np.ma.array,
    ],
)
@pytest.mark.parametrize("values", [STRINGS, NUMBERS])
def test_every_container_gives_the_same_labels(wrap, values):
    labels = as_task_labels(wrap(values), 4)
    assert isinstance(labels, np.ndarray)
    assert labels.shape == (4,)
    assert labels.dtype.kind == ("U" if isinstance(values[0], str) else "i")
    assert labels.tolist() == values


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([True, False], np.bool_),
        ([np.int8(1), 2], np.int64),
        (np.array([1, 2], dtype=np.uint8), np.int64),
        (np.array([1.5, 2], dtype=np.float32), np.float64),
        ([1, 2.5], np.float64),
        ([True, 2], np.int64),
        ([np.str_("a"), "b"], np.dtype("<U1")),
    ],
)
def test_dtypes(values, dtype):
    labels = as_task_labels(values)
    assert labels.dtype == dtype
    assert labels.tolist() == list(values)


@looped(
    "values, message",
    [
        (["a", None, "b", None], r"2 missing labels .* first at row 1;"),
        (["a", "b", np.nan], r"1 missing label .* first at row 2;"),
        ([1.0, np.nan, np.nan], r"2 missing labels .* first at row 1;"),
        (np.array([np.nan, 1.0]), r"1 missing label .* first at row 0;"),
        (pd.Series(["a", pd.NA], dtype="string"), r"1 missing .* row 1;"),
        (pd.Series([1, pd.NA], dtype="Int64"), r"1 missing .* row 1;"),
        (pd.Categorical(["a", None]), r"1 missing .* row 1;"),
        (pd.Categorical([1, None]), r"1 missing .* row 1;"),
        (pd.Series([pd.NaT, pd.Timestamp(0)]), r"1 missing .* row 0;"),
        ([pd.NaT, "a"], r"1 missing .* row 0;"),
        (np.ma.array([1, 2], mask=[False, True]), r"1 missing .* row 1;"),
        ([1.0, np.inf], r"infinite label at row 1"),
        ([1, "a"], r"mixes strings and numbers, for instance 'a' and 1; make all"),
        (np.array(["a", 2.5], dtype=object), r"'a' and 2\.5; make all labels strings"),
        ([["a", 1], ["b", 2]], r"shape \(2, 2\); pass a 1-D array"),
        ([{"a"}, {"b"}], r"label of type set: \{'a'\}"),
        ([1j, 2], r"label of type complex"),
        (np.array([1j]), r"dtype complex128; make all labels"),
        (np.array([b"a"]), r"np\.char\.decode\(tasks\)"),
        ([b"a"], r"label of type bytes"),
        ("abcd", r"tasks is the single value 'abcd'; pass an array"),
        (3, r"single value 3"),
        (None, r"single value None"),
        ({"a": 1}, r"tasks is a dict"),
        ({"a", "b"}, r"tasks is a set"),
        (np.zeros((2, 2)), r"tasks has shape \(2, 2\)"),
        (np.array(3), r"tasks has shape \(\)"),
        ([], r"tasks is empty"),
        ([2**53 + 1, 0.5], r"cannot tell apart; pass them as strings"),
        ([2**64, 2**64 + 1], r"cannot tell apart; pass them as strings"),
        ([10**400, 1], r"cannot tell apart; pass them as strings"),
        (np.array([2**64 - 1], dtype=np.uint64), r"beyond int64"),
    ],
)
def test_what_is_no_label_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        as_task_labels(values)


def test_the_wrong_length_is_named():
    with pytest.raises(ValueError, match=r"^tasks has 3 labels but X has 4 rows; pass"):
        as_task_labels(["a", "b", "c"], 4)
    with pytest.raises(ValueError, match=r"^groups has 3 labels but X has 4 rows"):
        as_task_labels(iter("abc"), 4, name="groups")


@pytest.mark.parametrize("values", [STRINGS, NUMBERS, [2.5, -1.0, 2.5], [True, False]])
def test_encoding_is_a_round_trip_over_sorted_labels(values):
    labels = as_task_labels(values)
    tasks, codes = encode_tasks(labels)
    assert codes.dtype == np.int64
    assert tasks.tolist() == sorted(set(values))
    np.testing.assert_array_equal(tasks[codes], labels)
    np.testing.assert_array_equal(codes_of(labels, tasks), codes)


@pytest.mark.parametrize("seed", range(5))
def test_task_order_is_followed_and_restricted(seed):
    rng = np.random.default_rng(seed)
    labels = rng.choice(np.array(["t2", "t10", "t1"]), size=9)
    order = rng.permutation(["t1", "t2", "t3", "t10"])
    tasks, codes = encode_tasks(labels, task_order=list(order))
    assert tasks.tolist() == [t for t in order.tolist() if t in set(labels.tolist())]
    np.testing.assert_array_equal(tasks[codes], labels)


def test_task_order_matches_numbers_by_value_and_keeps_the_dtype_of_the_labels():
    tasks, codes = encode_tasks(np.array([1, 2]), task_order=[2.0, 1.0])
    assert tasks.dtype == np.int64
    assert tasks.tolist() == [2, 1]
    assert codes.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (["a"], r"lacks the labels 'b', 'c'; it has 'a'; list"),
        (["a", "b", "c", "a"], r"repeats 'a'; list"),
        ([1, 2, 3], r"lacks the labels 'a', 'b', 'c'; it has 1, 2, 3"),
        (["a", "b", None], r"task_order has 1 missing"),
    ],
)
def test_wrong_task_order(order, message):
    with pytest.raises(ValueError, match=message):
        encode_tasks(np.array(["c", "a", "b"]), task_order=order)


@pytest.mark.parametrize("seed", range(5))
def test_codes_equal_a_dictionary_lookup(seed):
    rng = np.random.default_rng(seed)
    tasks = rng.permutation(20)[:8]
    labels = rng.integers(-3, 23, size=50)
    lookup = {int(task): i for i, task in enumerate(tasks)}
    expected = [lookup.get(int(label), -1) for label in labels]
    for cast in (np.int64, np.float64):
        assert codes_of(labels.astype(cast), tasks).tolist() == expected
    names, label_names = tasks.astype(str), labels.astype(str)
    assert codes_of(label_names, names).tolist() == expected


def test_codes_of_many_integers():
    """Those of a table are those of a search, whatever overflows."""
    rng = np.random.default_rng(0)
    ends = np.iinfo(np.int64)
    labels = np.concatenate([rng.integers(-60, 60, 200), [ends.min, ends.max]])
    for tasks in (rng.permutation(np.arange(-50, 50, 3)), np.array([7])):
        known = {task: t for t, task in enumerate(tasks.tolist())}
        expected = [known.get(label, -1) for label in labels.tolist()]
        assert codes_of(labels, tasks).tolist() == expected
    for low in (ends.min, ends.max - 9):
        tasks = low + np.arange(10)
        assert codes_of(tasks[::-1], tasks).tolist() == list(range(9, -1, -1))
        assert codes_of(labels, tasks).tolist()[:200] == [-1] * 200


def test_strings_never_match_numbers():
    assert codes_of(np.array(["1", "2"]), np.array([1, 2])).tolist() == [-1, -1]
    assert codes_of(np.array([1, 2]), np.array(["1", "2"])).tolist() == [-1, -1]
    assert codes_of(np.array([1]), np.array([], dtype=int)).tolist() == [-1]
    # The longer string must not be cut to the width of the known labels.
    assert codes_of(np.array(["ab"]), np.array(["a"])).tolist() == [-1]


@pytest.mark.parametrize("index", [0, 1, 2, -1, -3, np.int64(1)])
def test_split_numeric_array(index):
    X = np.arange(12.0).reshape(4, 3)
    rest, labels, names = split_task_column(X, index)
    np.testing.assert_array_equal(labels, X[:, index])
    np.testing.assert_array_equal(rest, np.delete(X, index, axis=1))
    assert names is None


@pytest.mark.parametrize(
    "wrap", [list, lambda rows: np.array(rows, dtype=object), np.array]
)
def test_split_mixed_rows_gives_floats(wrap):
    rows = [["s1", 1.5, 2], ["s2", 3.5, np.nan]]
    rest, labels, names = split_task_column(wrap(rows), 0)
    assert labels.tolist() == ["s1", "s2"]
    assert rest.dtype == np.float64
    np.testing.assert_array_equal(rest, [[1.5, 2], [3.5, np.nan]])
    assert names is None


def test_split_leaves_what_is_not_numeric():
    X = np.array([["s1", "red", 1.0]], dtype=object)
    rest, _, _ = split_task_column(X, 0)
    assert rest.dtype == object
    assert rest.tolist() == [["red", 1.0]]


def test_split_of_mixed_lists_still_sees_mixed_labels():
    with pytest.raises(ValueError, match=r"task_column 0 mixes strings and numbers"):
        split_task_column([["a", 1.0], [2, 1.0]], 0)


@pytest.mark.parametrize("column", ["site", 1, -2])
def test_split_dataframe(column):
    X = pd.DataFrame(
        {"u": [1, 2], "site": pd.Categorical(["n", "s"]), "v": [0.5, 1.5]},
        index=[5, 3],
    )
    rest, labels, names = split_task_column(X, column)
    pd.testing.assert_frame_equal(rest, X[["u", "v"]])
    assert labels.tolist() == ["n", "s"]
    assert names == ["u", "v"]


def test_an_integer_is_a_position_even_among_integer_names():
    X = pd.DataFrame([[10, 20]], columns=[1, 0])
    _, labels, names = split_task_column(X, 0)
    assert labels.tolist() == [10]
    assert names == [0]


@pytest.mark.parametrize("column", ["site", 1])
def test_split_polars_like(column):
    X = PolarsLike({"u": [1, 2], "site": ["n", "s"]})
    rest, labels, names = split_task_column(X, column)
    assert rest.data == {"u": [1, 2]}
    assert labels.tolist() == ["n", "s"]
    assert names == ["u"]


@pytest.mark.parametrize("fmt", ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"])
@pytest.mark.parametrize("family", ["array", "matrix"])
def test_split_sparse_keeps_format_and_family(fmt, family):
    dense = np.array([[1.0, 0, 2], [0, 3, 0], [1, 0, 0]])
    X = getattr(sparse, f"{fmt}_{family}")(dense)
    rest, labels, names = split_task_column(X, -1)
    assert rest.format == fmt
    assert isinstance(rest, sparse.sparray) == (family == "array")
    np.testing.assert_array_equal(rest.toarray(), dense[:, :-1])
    assert labels.tolist() == [2, 0, 0]
    assert names is None


WIDE = pd.DataFrame(np.zeros((2, 12)), columns=[f"c{i}" for i in range(12)])


@pytest.mark.parametrize(
    ("X", "column", "message"),
    [
        (WIDE, "site", r"'site' is not a column .* 'c9' and 2 more; pass one of"),
        (WIDE, 12, r"task_column is 12 but X has 12 columns; pass an index from 0 to"),
        (WIDE, True, r"task_column is True; pass the name"),
        (WIDE, 1.5, r"1\.5 is not a column"),
        (pd.DataFrame(np.zeros((1, 2)), columns=["a", "a"]), "a", r"names 2 columns"),
        (np.zeros((2, 3)), "site", r"'site' but X is a ndarray .*pass a DataFrame or"),
        (sparse.csr_array((2, 3)), "site", r"pass a DataFrame or an integer index"),
        ([[1, 2]], "site", r"pass a DataFrame or an integer index"),
        (np.zeros((2, 3)), 3, r"is 3 but X has 3 columns; .* 0 to 2 \(or from -3"),
        (np.zeros((2, 3)), -4, r"is -4 but X has 3 columns"),
        (np.zeros((2, 3)), 1.0, r"task_column is 1\.0; pass the name"),
        (np.zeros(3), 0, r"X has 1 dimensions"),
        (np.array([[1.0, np.nan]]), 1, r"task_column 1 has 1 missing label"),
        (pd.DataFrame({"s": ["a", None]}), "s", r"task_column 's' has 1 missing"),
    ],
)
def test_split_errors(X, column, message):
    with pytest.raises(ValueError, match=message):
        split_task_column(X, column)


@pytest.mark.parametrize("dtype", ["category", "string"])
def test_columns_whose_values_are_read_once(dtype):
    values = ["b", "a", "b", "cc"]
    found = as_task_labels(pd.Series(values).astype(dtype), 4)
    expected = as_task_labels(values)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == expected.dtype
    with pytest.raises(ValueError, match=r"1 missing label.*first at row 2"):
        as_task_labels(pd.Series(["b", "a", None, "a"]).astype(dtype))
    with pytest.raises(ValueError, match="4 labels but X has 5 rows"):
        as_task_labels(pd.Series(values).astype(dtype), 5)
    with pytest.raises(ValueError, match="is empty"):
        as_task_labels(pd.Series([], dtype=dtype))
