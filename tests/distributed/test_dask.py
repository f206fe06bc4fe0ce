"""Estimators on Dask collections: those of one place, also when a worker dies."""

import os
import signal
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone

from helpers.parts import data
from linmtl import L21Classifier, L21Regressor, MeanRegularizedRegressor
from linmtl.losses import LOSSES

da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")
distributed = pytest.importorskip("distributed")

from linmtl.dask import (  # noqa: E402
    DaskL21Classifier,
    DaskL21Regressor,
    DaskMeanRegularizedRegressor,
    DaskMixedEffectsRegressor,
)


def collections(*arrays, chunks=37):
    return [da.from_array(a, chunks=(chunks, *a.shape[1:])) for a in arrays]


def test_arrays_without_a_cluster():
    X, y, tasks = data()
    dX, dy, dt = collections(X, y, tasks)
    model = DaskL21Regressor(alpha=0.1).fit(dX, dy, dt)
    whole = L21Regressor(0.1).fit(X, y, tasks)
    np.testing.assert_allclose(model.coef_, whole.coef_, atol=1e-8)
    lazy = model.predict(dX, dt)
    assert isinstance(lazy, da.Array)
    np.testing.assert_allclose(lazy.compute(), whole.predict(X, tasks), atol=1e-7)
    local = model.to_local()
    assert isinstance(local, L21Regressor)
    assert model.client_ is None


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*increase tol")  # to the last digits
def test_classifiers_and_features_in_several_blocks():
    X, y, tasks = data(True)
    dX = da.from_array(X, chunks=(50, 2))  # of features too
    dy, dt = collections(y, tasks, chunks=31)
    model = DaskL21Classifier(0.02, tol=1e-15).fit(dX, dy, dt)
    whole = L21Classifier(0.02, tol=1e-13).fit(X, y, tasks)
    np.testing.assert_allclose(model.coef_, whole.coef_, atol=1e-8)
    p = model.predict_proba(dX, dt.rechunk(50)).compute()
    np.testing.assert_allclose(p, whole.predict_proba(X, tasks), atol=1e-8)


@pytest.mark.slow
def test_frames_with_a_task_column_and_an_empty_partition():
    X, y, tasks = data()
    frame = pd.DataFrame(X, columns=list("abcdef"))
    frame["site"], frame["y"] = [f"s{t}" for t in tasks], y
    table = dd.from_pandas(frame, npartitions=4)
    table = dd.concat([table, table[table.y > 1e9]])  # some without rows
    features = table.drop(columns="y")
    model = DaskMeanRegularizedRegressor(0.3, task_column="site")
    model.fit(features, table.y)
    local = MeanRegularizedRegressor(0.3, task_column="site")
    local.fit(frame.drop(columns="y"), y)
    np.testing.assert_allclose(model.coef_, local.coef_, rtol=1e-6)
    found = model.predict(features).compute()
    np.testing.assert_allclose(found, local.predict(frame.drop(columns="y")), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["disk", "tasks"])
def test_rows_of_a_shuffled_frame_stay_together(method):
    """Each column alone would be shuffled into an order of its own."""
    X, y, tasks = data()
    names = list("abcdef")
    frame = pd.DataFrame(X, columns=names).assign(site=tasks, y=y)
    frame = frame.sample(frac=1, random_state=0).reset_index(drop=True)
    table = dd.from_pandas(frame, npartitions=4)
    table = table.shuffle("site", shuffle_method=method)
    model = DaskL21Regressor(0.1).fit(table[names], table.y, table.site)
    np.testing.assert_allclose(
        model.coef_, L21Regressor(0.1).fit(X, y, tasks).coef_, atol=1e-8
    )
    found = model.predict(table[names], table.site).compute()
    local = model.to_local().predict(frame[names], frame.site)
    np.testing.assert_allclose(np.sort(found), np.sort(local))


def test_rows_in_two_orders_are_an_error():
    X, y, tasks = data()
    frame = pd.DataFrame(X).assign(site=tasks, y=y)
    parts = [frame[:30], frame[30:60]]
    table = dd.from_map(lambda part: part, parts)
    backwards = dd.from_map(lambda part: part["y"][::-1], parts)
    with pytest.raises(ValueError, match=r"partition \d: y has the index of X in ano"):
        DaskL21Regressor(0.1).fit(table[[0, 1, 2]], backwards, table.site)


def test_chunks_of_unknown_size():
    X, y, tasks = data()
    dX, dy, dt = collections(X, y, tasks)
    kept = dX[:, 0] > -0.5
    model = DaskL21Regressor(0.1).fit(dX[kept], dy[kept], dt[kept])
    keep = X[:, 0] > -0.5
    whole = L21Regressor(0.1).fit(X[keep], y[keep], tasks[keep])
    np.testing.assert_allclose(model.coef_, whole.coef_, atol=1e-8)
    assert len(model.predict(dX[kept], dt[kept]).compute()) == keep.sum()


@pytest.mark.slow
def test_predictions_of_empty_partitions_have_the_kind_of_the_others():
    X, y, tasks = data(True)
    rows = collections(X, np.where(y > 0, "ill", "well"), tasks)
    model = DaskL21Classifier(0.02).fit(*rows)
    none, dt = rows[0][:, 0] > 1e9, rows[2]
    empty = model.predict(rows[0][none], dt[none]).compute()
    assert empty.dtype == model.predict(rows[0], dt).compute().dtype
    assert model.predict_proba(rows[0][none], dt[none]).compute().shape == (0, 2)
    sparse_rows = rows[0].map_blocks(sparse.csr_matrix)
    found = model.predict(sparse_rows, dt).compute()
    np.testing.assert_array_equal(found, model.to_local().predict(X, tasks))
    with pytest.raises(TypeError, match="X must be a Dask array"):
        model.predict(X, tasks)


def test_mixed_effects_and_the_order_of_coefficients():
    X, y, tasks = data()
    order = np.argsort(-tasks, kind="stable")
    dX, dy, dt = collections(X[order], y[order], tasks[order])
    model = DaskMixedEffectsRegressor().fit(dX, dy, dt)
    np.testing.assert_array_equal(model.tasks_, np.unique(tasks))
    assert model.log_likelihood_ < 0


def test_parameters_are_those_of_the_estimator():
    model = DaskL21Regressor(0.3, tol=1e-5)
    assert model.get_params()["alpha"] == 0.3
    assert clone(model.set_params(alpha=0.7)).get_params()["alpha"] == 0.7
    assert repr(model) == "DaskL21Regressor(alpha=0.7, tol=1e-05)"
    with pytest.raises(AttributeError, match="coef_"):
        model.coef_  # noqa: B018
    with pytest.raises(TypeError, match="alhpa"):
        DaskL21Regressor(alhpa=1)


def test_methods_for_rows_in_memory_are_those_of_the_local_model():
    model = DaskL21Regressor(0.1).fit(*collections(*data()))
    with pytest.raises(AttributeError, match=r"no score, .* to_local\(\)\.score"):
        model.score(*data())
    assert model.to_local().score(*data()) > 0
    assert not hasattr(model, "predict_proba")
    assert hasattr(DaskL21Classifier(), "predict_proba")


def test_parameters_set_after_a_fit_are_shown_and_used():
    rows = collections(*data())
    model = DaskL21Regressor(0.1).fit(*rows)
    model.set_params(alpha=0.7)
    assert model.alpha == model.get_params()["alpha"] == 0.7
    assert model.to_local().alpha == 0.1
    model.alpha = 0.3
    assert model.get_params()["alpha"] == 0.3
    assert model.fit(*rows).to_local().alpha == 0.3


def test_collections_that_do_not_fit_together_are_refused():
    X, y, tasks = data()
    dX, dy, dt = collections(X, y, tasks)
    with pytest.raises(TypeError, match="y must be a Dask array"):
        DaskL21Regressor().fit(dX, y, dt)
    with pytest.raises(ValueError, match="partitions; X, y"):
        DaskL21Regressor().fit(dX, dy[:37], dt)
    model = DaskL21Regressor()
    with pytest.raises(ValueError, match="NaN"):
        model.fit(da.where(dX > 1, np.nan, dX), dy, dt)
    assert not hasattr(model, "coef_")


def test_a_scheduler_that_is_gone_is_said_and_nothing_is_fitted():
    class Gone:
        def compute(self, value):
            return self

        def result(self):
            raise CancelledError("merge_two-1 cancelled for reason: unknown")

    model = DaskL21Regressor(0.1, client=Gone())
    with pytest.raises(ConnectionError, match="the Dask cluster gave up"):
        model.fit(*collections(*data()))
    assert not hasattr(model, "coef_")


def test_so_is_a_client_that_is_closed():
    class Closed:
        status = "closed"

    model = DaskL21Classifier(0.1, client=Closed())
    with pytest.raises(ConnectionError, match="the Dask client is closed"):
        model.fit(*collections(*data(True)))
    assert not hasattr(model, "coef_")


def slowly(block):
    time.sleep(0.15)
    return block


@pytest.fixture(scope="module")
def cluster():
    with (
        distributed.LocalCluster(
            n_workers=4, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of what the cluster says when workers die
def test_a_worker_that_is_killed_changes_no_bit(cluster):
    """Not of a fit with any loss; all of them go on when it happens."""
    models, given = [], []
    for name, loss in LOSSES.items():
        if loss.mostly_flat:
            continue
        X, y, tasks = data(loss.classify)
        if name in ("poisson", "gamma", "tweedie"):
            y = np.exp(0.2 * y)
        kind = DaskL21Classifier if loss.classify else DaskL21Regressor
        models.append(kind(0.05, loss=name, client=cluster))
        given.append(collections(X, y, tasks, chunks=27))
    undisturbed = [
        clone(model).fit(*rows).to_local()
        for model, rows in zip(models, given, strict=True)
    ]
    slow = [(X.map_blocks(slowly, dtype=X.dtype), y, t) for X, y, t in given]
    victim = next(iter(cluster.run(os.getpid).values()))
    with ThreadPoolExecutor(len(models)) as pool:
        fits = [
            pool.submit(model.fit, *rows)
            for model, rows in zip(models, slow, strict=True)
        ]
        time.sleep(0.5)
        assert not any(fit.done() for fit in fits)
        os.kill(victim, signal.SIGKILL)
        disturbed = [fit.result().to_local() for fit in fits]
    for one, other in zip(undisturbed, disturbed, strict=True):
        np.testing.assert_array_equal(one.coef_, other.coef_)
        np.testing.assert_array_equal(one.intercept_, other.intercept_)
        assert one.dual_gap_ == other.dual_gap_
