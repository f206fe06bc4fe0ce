"""Targets and labels of classes, as users pass them."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from linmtl import L21Classifier
from linmtl.data._targets import as_array, missing_mask, read_labels
from linmtl.model_selection import TaskKFold

NAN = float("nan")


@pytest.mark.parametrize("missing", [NAN, None, np.nan])
def test_a_missing_label_in_a_list_of_strings_is_no_class(missing):
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(40, 3)), ["a", "b"] * 20
    y = ["p" if x > 0 else "q" for x in X[:, 0]]
    y[5] = missing
    model = L21Classifier(0.01).fit(X, y, tasks)
    same = L21Classifier(0.01).fit(X, np.array(y, dtype=object), tasks)
    assert model.classes_.tolist() == ["p", "q"]
    assert_array_equal(model.coef_, same.coef_)
    wide = [[a, b] for a, b in zip(y, y[::-1], strict=True)]
    assert L21Classifier(0.01).fit(X, wide).classes_[1].tolist() == ["p", "q"]
    for train, test in TaskKFold(2).split(X, y, tasks):
        assert len(train) + len(test) == 40


@pytest.mark.parametrize(
    ("y", "kind"),
    [
        ([0, 1, 1], "i"),
        ([0.0, NAN], "f"),
        ([True, False], "b"),
        (["a", "b"], "U"),
        (("a", NAN), "O"),
        ([["a", None], ["b", "a"]], "O"),
        (iter(["a", "b"]), "U"),
    ],
)
def test_elements_stay_what_they_are(y, kind):
    array = as_array(y)
    assert array.dtype.kind == kind
    assert missing_mask(array).sum() == (1 if kind in "Of" else 0)


def test_labels_of_numbers_and_missing_ones_are_numbers():
    assert_array_equal(read_labels([0, 1, None]), [0.0, 1.0, NAN])


@pytest.mark.parametrize("kind", ["Int64", "object"])
def test_whole_numbers_of_objects_stay_whole(kind):
    pd = pytest.importorskip("pandas")
    labels = read_labels(pd.Series([0, 2, 1], dtype=kind))
    assert labels.dtype.kind == "i"
    assert read_labels(pd.Series([True, False], dtype="boolean")).dtype == bool


@pytest.mark.parametrize("missing", [None, NAN])
def test_truth_values_stay_so_beside_missing_ones(missing):
    X = np.arange(8.0)[:, None]
    y = np.array([False, True, missing, True, False, False, True, True], dtype=object)
    model = L21Classifier().fit(X, y, np.zeros(8, dtype=int))
    assert (
        model.classes_.dtype == model.predict(X, np.zeros(8, dtype=int)).dtype == bool
    )
    wide = L21Classifier().fit(X, np.column_stack([y, y[::-1]]))
    assert wide.predict(X).dtype == bool


def test_labels_of_bytes_say_so():
    with pytest.raises(ValueError, match=r"y holds bytes; pass strings"):
        L21Classifier().fit(np.eye(4), np.array([b"a", b"b"] * 2))
