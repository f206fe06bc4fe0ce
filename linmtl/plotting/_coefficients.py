"""A heat map of the coefficients of all tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from linmtl.data._checks import check_choice
from linmtl.plotting._axes import (
    entitle,
    figure_of,
    given_axes,
    heat_map,
    label,
    margin,
    new_axes,
    read_names,
    room,
    symmetric_limit,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# in inches: a cell, and the least and largest side of a panel and of all of them
_CELL, _MIN_SIDE, _MAX_WIDTH, _MAX_HEIGHT = 0.22, 2.2, 14.0, 14.0
_THIN_ROW = 1.5  # points


class CoefficientDisplay:
    """A heat map of coefficients, features by tasks.

    Red is positive, blue negative and white zero, on one scale for all panels.

    Parameters
    ----------
    coef : array-like of shape (n_tasks, n_features), or dict of them
        The coefficients; of a dict each entry is a panel, under its name.
    tasks : array-like of shape (n_tasks,), default=None
        Task labels; by default their positions.
    feature_names : array-like of shape (n_features,), default=None
        Names of the features; by default their positions.
    order : {"given", "norm"}, default="given"
        The features as they are, or by the norm of their coefficients over all tasks
        and panels, the largest on top.
    top : int, default=None
        Draw only that many features, those of the largest norms.

    Attributes
    ----------
    features_ : ndarray of shape (n_drawn,)
        Positions of the features drawn, from the top.
    images_ : list of matplotlib AxesImage
        The heat map of each panel.
    axes_ : ndarray of matplotlib Axes
        Where each panel was drawn.
    ax_ : matplotlib Axes
        The first of them.
    figure_ : matplotlib Figure
        The figure of the axes.

    Examples
    --------
    >>> from linmtl import L21Regressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.plotting import CoefficientDisplay
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> model = L21Regressor(0.1).fit(X, y, tasks)
    >>> display = CoefficientDisplay.from_estimator(model, top=5, order="norm")
    >>> display.features_.shape
    (5,)
    """

    def __init__(
        self,
        coef: ArrayLike | dict[str, ArrayLike],
        tasks: ArrayLike | None = None,
        feature_names: ArrayLike | None = None,
        *,
        order: str = "given",
        top: int | None = None,
    ):
        self.coef = coef
        self.tasks = tasks
        self.feature_names = feature_names
        self.order = order
        self.top = top

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        feature_names: ArrayLike | None = None,
        components: bool = False,
        order: str = "given",
        top: int | None = None,
        ax: Axes | ArrayLike | None = None,
        cmap: str = "RdBu_r",
        limit: float | None = None,
    ) -> Self:
        """Draw the coefficients of a fitted model.

        Parameters
        ----------
        estimator : estimator
            A fitted linear model, also of scikit-learn.
        feature_names : array-like of shape (n_features,), default=None
            Names of the features; by default those that the model saw in fit.
        components : bool, default=False
            Whether to draw the parts of a decomposition (``coef_components_``), one
            panel each.
        order, top
            Parameters of the class.
        ax, cmap, limit
            Parameters of `plot`.

        Returns
        -------
        CoefficientDisplay
            The display.
        """
        check_is_fitted(estimator)
        name = type(estimator).__name__
        if not hasattr(estimator, "coef_"):
            raise TypeError(
                f"{name} has no coef_; pass a linear model (the last step of a "
                "pipeline: pipeline[-1])"
            )
        coef: Any = np.atleast_2d(estimator.coef_)
        if coef.ndim > 2:
            raise ValueError(
                f"coef_ of this {name} has an axis for classes; pass those of one, "
                "CoefficientDisplay(coef_[:, k], tasks_)"
            )
        tasks = getattr(estimator, "tasks_", None)
        if feature_names is None:
            for attribute in ("coef_feature_names_", "feature_names_in_"):
                known = getattr(estimator, attribute, None)
                if known is not None and len(known) == coef.shape[1]:
                    feature_names = known
                    break
        if components:
            if not hasattr(estimator, "coef_components_"):
                raise ValueError(
                    f"{name} is no decomposition: it has no coef_components_; pass "
                    "components=False"
                )
            coef = {k: np.atleast_2d(P) for k, P in estimator.coef_components_.items()}
            if tasks is not None:  # fit_new_task adds tasks that have no parts
                tasks = tasks[: len(next(iter(coef.values())))]
        display = cls(coef, tasks, feature_names, order=order, top=top)
        return display.plot(ax, cmap=cmap, limit=limit)

    def plot(
        self,
        ax: Axes | ArrayLike | None = None,
        *,
        cmap: str = "RdBu_r",
        limit: float | None = None,
    ) -> Self:
        """Draw one heat map per panel.

        Parameters
        ----------
        ax : matplotlib Axes or array of them, default=None
            Where to draw, one per panel; None makes a figure whose size goes with the
            numbers of features and tasks.
        cmap : str, default="RdBu_r"
            Name of a colour map of matplotlib.
        limit : float, default=None
            The colours end at plus and minus this; None: the largest absolute value.

        Returns
        -------
        self : CoefficientDisplay
            With the attributes of what was drawn.
        """
        panels = self._panels()
        n_tasks, d = next(iter(panels.values())).shape
        tasks = read_names(self.tasks, n_tasks, "tasks")
        names = read_names(self.feature_names, d, "feature_names")
        rows = self._rows(list(panels.values()))
        if ax is None:
            least, n_panels = _MIN_SIDE, len(panels)
            width = np.clip(_CELL * n_tasks, least, _MAX_WIDTH / n_panels)
            height = np.clip(_CELL * len(rows), least, _MAX_HEIGHT)
            width = width * n_panels + 1.2 + margin(names[rows].tolist())
            height += 0.8 + margin(tasks.tolist())
            axes = new_axes((width, height), n_panels)
        else:
            axes = given_axes(ax, len(panels))
        if limit is None:
            limit = symmetric_limit(np.concatenate(list(panels.values())))
        thin = room(axes[0], "y", len(rows)) < _THIN_ROW
        self.images_ = []
        for axis, (title, coef) in zip(axes, panels.items(), strict=True):
            image = heat_map(
                axis,
                coef[:, rows].T,
                cmap=cmap,
                limits=(-limit, limit),
                aspect="auto",
                # thinner than a pixel, some would be left out
                interpolation="antialiased" if thin else "nearest",
            )
            label(axis, "x", tasks.tolist(), room(axis, "x", n_tasks))
            axis.set_xlabel("task")
            if title:
                wide = room(axis, "x", 1)
                entitle(axis, str(title).replace("_", " "), wide)
            self.images_.append(image)
        label(axes[0], "y", names[rows].tolist(), room(axes[0], "y", len(rows)))
        axes[0].set_ylabel("feature")
        axes[0].figure.colorbar(
            self.images_[-1], ax=list(axes), aspect=30, label="coefficient"
        )
        self.features_, self.axes_ = rows, np.array(axes)
        self.ax_, self.figure_ = axes[0], figure_of(axes[0])
        return self

    def _panels(self) -> dict[str, np.ndarray]:
        """Return the coefficients by title, checked."""
        given = self.coef if isinstance(self.coef, dict) else {"": self.coef}
        panels = {k: np.asarray(coef, dtype=float) for k, coef in given.items()}
        if not panels:
            raise ValueError("coef is empty; pass one matrix or more")
        shapes = {coef.shape for coef in panels.values()}
        shape = shapes.pop()
        if shapes or len(shape) != 2 or 0 in shape:
            found = [coef.shape for coef in panels.values()]
            raise ValueError(
                f"coef has the shapes {found}; pass matrices of one shape "
                "(n_tasks, n_features)"
            )
        return panels

    def _rows(self, panels: list[np.ndarray]) -> np.ndarray:
        """Return which features to draw, in their order."""
        check_choice("order", self.order, ("given", "norm"))
        top = self.top
        if top is not None and (
            isinstance(top, bool) or not isinstance(top, (int, np.integer)) or top < 1
        ):
            raise ValueError(f"top must be an integer >= 1 or None, got {top!r}")
        coef = np.concatenate(panels)
        norm = np.linalg.norm(np.where(np.isnan(coef), 0.0, coef), axis=0)
        largest = np.argsort(-norm, kind="stable")[:top]
        return largest if self.order == "norm" else np.sort(largest)
