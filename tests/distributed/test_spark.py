"""Spark DataFrames: the fit of all rows, in whatever partitions they lie."""

import shutil

import numpy as np
import pandas as pd
import pytest

from helpers.parts import data
from linmtl import L21Classifier, L21Regressor, L21RegressorCV, MeanRegularizedRegressor
from linmtl.spark import fit_spark


class Row:
    def __init__(self, answer):
        self.answer = bytearray(answer)  # what Spark makes of binary columns


class Frame:
    """As much of a Spark DataFrame as is asked for, in batches within partitions."""

    def __init__(self, partitions):
        self.partitions = partitions
        self.columns = list(partitions[0][0].columns)

    def select(self, *names):
        return Frame([[b[list(names)] for b in p] for p in self.partitions])

    def mapInPandas(self, fn, schema):
        assert schema == "answer binary"
        self.tables = [t for p in self.partitions for t in fn(iter(p))]
        return self

    def collect(self):
        return [Row(answer) for t in self.tables for answer in t["answer"]]


def table(classify=False):
    X, y, tasks = data(classify)
    frame = pd.DataFrame(X, columns=list("abcdef"))
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    return frame.assign(y=y, clinic=[f"c{t}" for t in tasks], w=weight)


def partitions(frame):
    parts = [frame[:50], frame[50:50], frame[50:61], frame[61:]]
    return Frame([[p[:30], p[30:]] for p in parts])


def arguments(frame):
    X = frame[list("abcdef")].to_numpy()
    return X, frame["y"].to_numpy(), frame["clinic"].to_numpy()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "classify"),
    [(L21Regressor(0.1), False), (L21Classifier(0.02, tol=1e-8), True)],
)
def test_a_fit_is_that_of_all_rows(model, classify):
    frame = table(classify)
    found = fit_spark(
        model, partitions(frame), target="y", tasks="clinic", sample_weight="w"
    )
    assert found is model
    assert found.converged_
    coef = found.coef_
    found.fit(*arguments(frame), sample_weight=frame["w"].to_numpy())
    np.testing.assert_allclose(coef, found.coef_, atol=1e-3 if classify else 1e-8)


def test_strengths_are_chosen_in_folds():
    frame = table()
    model = L21RegressorCV(alphas=5, cv=3)
    fit_spark(model, partitions(frame), target="y", tasks="clinic", features=["a", "b"])
    assert model.coef_.shape == (4, 2)
    assert model.alpha_ > 0


def test_columns_that_are_missing_are_named():
    frame = partitions(table())
    with pytest.raises(ValueError, match="no column 'outcome'"):
        fit_spark(L21Regressor(), frame, target="outcome", tasks="clinic")
    with pytest.raises(ValueError, match="no row with a label"):
        fit_spark(L21Regressor(), Frame([[table()[:0]]]), target="y", tasks="clinic")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of Spark's own
@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java")
def test_a_session():
    sql = pytest.importorskip("pyspark.sql")
    session = (
        sql.SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", False)
        .config("spark.sql.shuffle.partitions", 3)
        .getOrCreate()
    )
    try:
        frame = table()
        rows = session.createDataFrame(frame).repartition(5)
        whole = MeanRegularizedRegressor(0.3).fit(*arguments(frame))
        model = MeanRegularizedRegressor(0.3)
        features = list("abcdef")
        fit_spark(model, rows, target="y", tasks="clinic", features=features)
        np.testing.assert_allclose(model.coef_, whole.coef_, rtol=1e-7)
        again = MeanRegularizedRegressor(0.3)
        fit_spark(again, rows, target="y", tasks="clinic", features=features)
        np.testing.assert_array_equal(model.coef_, again.coef_)
    finally:
        session.stop()
