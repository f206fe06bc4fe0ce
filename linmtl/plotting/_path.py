"""What a model is along its path of strengths, and which strength was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from linmtl.data._checks import check_choice
from linmtl.losses import LOSSES
from linmtl.plotting._axes import (
    figure_of,
    given_axes,
    new_axes,
    read_names,
    texts,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE = (6.4, 4.4)
_MAX_NAMED = 8  # lines that get a colour and an entry in the legend
_MAX_THICK_TASKS = 12  # lines of more are thin
_LOSSES = {loss.score.path: loss.score.name for loss in LOSSES.values()} | {
    "rmse_path_": "root mean squared error"
}


class PathDisplay:
    """Coefficients, or held-out losses, against the strength of the penalty.

    The strength falls from left to right: the path begins where the penalty leaves
    least. With coefficients, the features of the largest norms have colours and names.
    With losses, bars are one standard error over the folds either way; where other
    parameters were tried too, the curve of the best is coloured and the others are
    grey.

    Parameters
    ----------
    alphas : array-like of shape (n_alphas,) or (n_settings, n_alphas)
        Strengths.
    coefs : array-like of shape (n_tasks, n_features, n_alphas), default=None
        Coefficients, as `linmtl.path.mtl_path` returns them.
    losses : array-like of shape (n_alphas, n_folds) or (n_settings, n_alphas, n_folds)
        Held-out losses, in place of ``coefs``.
    chosen : float, default=None
        A strength to mark.
    kind : {"norm", "coef"}, default="norm"
        What is drawn of coefficients: one line per feature, the norm of its row of W;
        or one per feature and task.
    feature_names : array-like of shape (n_features,), default=None
        Names of the features; by default their positions.
    loss_name : str, default="held-out loss"
        What the losses are, for the axis.

    Attributes
    ----------
    lines_ : list of matplotlib Line2D
        The lines that have a colour: of the features named in the legend, or the
        curve of the losses.
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure of the axes.

    Examples
    --------
    >>> from linmtl import L21RegressorCV
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.path import mtl_path
    >>> from linmtl.penalties import L21
    >>> from linmtl.plotting import PathDisplay
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> alphas, coefs, _ = mtl_path(X, y, tasks, penalty=L21(), alphas=20)
    >>> PathDisplay.from_path(alphas, coefs).ax_.get_ylabel()
    'norm of the coefficients'
    >>> model = L21RegressorCV(alphas=20).fit(X, y, tasks)
    >>> PathDisplay.from_estimator(model).ax_.get_ylabel()
    'held-out mean squared error'
    """

    def __init__(
        self,
        alphas: ArrayLike,
        coefs: ArrayLike | None = None,
        losses: ArrayLike | None = None,
        *,
        chosen: float | None = None,
        kind: str = "norm",
        feature_names: ArrayLike | None = None,
        loss_name: str = "held-out loss",
    ):
        self.alphas = alphas
        self.coefs = coefs
        self.losses = losses
        self.chosen = chosen
        self.kind = kind
        self.feature_names = feature_names
        self.loss_name = loss_name

    @classmethod
    def from_path(
        cls,
        alphas: ArrayLike,
        coefs: ArrayLike,
        *,
        chosen: float | None = None,
        kind: str = "norm",
        feature_names: ArrayLike | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the coefficients along a path.

        Parameters
        ----------
        alphas : array-like of shape (n_alphas,)
            Strengths.
        coefs : array-like of shape (n_tasks, n_features, n_alphas)
            Coefficients.
        chosen, kind, feature_names
            Parameters of the class.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        PathDisplay
            The display.
        """
        return cls(
            alphas, coefs, chosen=chosen, kind=kind, feature_names=feature_names
        ).plot(ax)

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Axes | None = None) -> Self:
        """Draw the held-out losses of an estimator that has chosen its strength.

        Parameters
        ----------
        estimator : estimator
            A fitted ``...RegressorCV`` or ``...ClassifierCV``.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        PathDisplay
            The display.
        """
        check_is_fitted(estimator)
        for attribute, name in _LOSSES.items():
            if hasattr(estimator, attribute) and hasattr(estimator, "alphas_"):
                losses = np.asarray(getattr(estimator, attribute))
                loss = LOSSES.get(getattr(estimator, "loss", ""))
                if loss is not None and loss.score.path == attribute:
                    name = loss.score.name  # several may share a path
                return cls(
                    estimator.alphas_,
                    # log-likelihoods are the larger the better
                    losses=-losses if attribute == "scores_path_" else losses,
                    chosen=estimator.alpha_,
                    loss_name=f"held-out {name}",
                ).plot(ax)
        raise TypeError(
            f"{type(estimator).__name__} has no path of held-out losses; pass a fitted "
            "estimator whose name ends in CV, or use PathDisplay.from_path"
        )

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the lines.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self : PathDisplay
            With the attributes of what was drawn.
        """
        check_choice("kind", self.kind, ("norm", "coef"))
        if (self.coefs is None) == (self.losses is None):
            raise ValueError("pass either coefs or losses, and not both")
        alphas = np.asarray(self.alphas, dtype=float)
        if not alphas.size or not np.all(np.isfinite(alphas) & (alphas >= 0)):
            raise ValueError("alphas must be one finite number >= 0 or more")
        if self.coefs is None:
            draw, given = self._draw_losses, self._read_losses(alphas)
        else:
            draw, given = self._draw_coefs, self._read_coefs(alphas)
        ax = new_axes(_SIZE)[0] if ax is None else given_axes(ax, 1)[0]
        self.lines_, entries, title = draw(ax, *given)
        if self.chosen is not None:
            line = ax.axvline(self.chosen, color="black", linestyle=":", linewidth=1.2)
            entries[f"chosen: {self.chosen:.3g}"] = line
        _strength_axis(ax, alphas)
        # text set afterwards: a name may begin with an underscore, or have dollar signs
        count = map(str, range(len(entries)))
        legend = ax.legend(entries.values(), count, title=title, fontsize="small")
        for text, name in zip(legend.get_texts(), entries, strict=True):
            text.set(text=name, parse_math=False)
        for line in legend.get_lines():
            line.set_linewidth(1.4)
        self.ax_, self.figure_ = ax, figure_of(ax)
        return self

    def _read_coefs(self, alphas):
        coefs = np.asarray(self.coefs, dtype=float)
        if coefs.ndim != 3 or (coefs.shape[-1],) != alphas.shape or 0 in coefs.shape:
            raise ValueError(
                f"coefs has shape {coefs.shape} and alphas {alphas.shape}; pass "
                "(n_tasks, n_features, n_alphas) and (n_alphas,)"
            )
        names = read_names(self.feature_names, coefs.shape[1], "feature_names")
        return alphas, coefs, texts(names.tolist())

    def _read_losses(self, alphas):
        losses = np.asarray(self.losses, dtype=float)
        if losses.ndim not in (2, 3) or losses.shape[:-1] != alphas.shape:
            raise ValueError(
                f"losses has shape {losses.shape} and alphas {alphas.shape}; pass "
                "(n_alphas, n_folds) and (n_alphas,), or both with a leading axis for "
                "other parameters"
            )
        if np.all(np.isnan(losses)):
            raise ValueError(
                f"losses of shape {losses.shape} has no number; pass held-out losses "
                "of one fold or more"
            )
        return np.atleast_2d(alphas), losses.reshape(-1, *losses.shape[-2:])

    def _draw_coefs(self, ax, alphas, coefs, names):
        from matplotlib.collections import LineCollection

        norms = np.linalg.norm(coefs, axis=0)  # (n_features, n_alphas)
        largest = np.nan_to_num(norms).max(axis=1)
        ranked = np.argsort(-largest, kind="stable")
        named = [j for j in ranked[:_MAX_NAMED] if largest[j] > 0]
        own = self.kind == "coef"
        others = np.setdiff1d(ranked, named)
        lines = coefs[:, others].reshape(-1, len(alphas)) if own else norms[others]
        grey = [np.column_stack([alphas, line]) for line in lines if np.any(line)]
        ax.add_collection(LineCollection(grey, colors="0.75", linewidths=0.8, zorder=1))
        drawn, entries = [], {}
        for place, j in enumerate(named):
            values = coefs[:, j].T if own else norms[j]
            found = ax.plot(
                alphas,
                values,
                color=f"C{place}",
                linewidth=0.5 if own and len(coefs) > _MAX_THICK_TASKS else 1.4,
                zorder=3 - place / _MAX_NAMED,  # the largest feature on top
            )
            drawn += found
            entries[names[j]] = found[0]
        ax.autoscale_view()
        ax.set_ylabel("coefficient" if own else "norm of the coefficients")
        return drawn, entries, "largest features" if len(others) else "features"

    def _draw_losses(self, ax, alphas, losses):
        judged = ~np.isnan(losses)
        folds = judged.sum(axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.nansum(losses, axis=-1) / folds
            variance = np.nansum((losses - mean[..., None]) ** 2, axis=-1) / (folds - 1)
            error = np.where(folds > 1, np.sqrt(variance / folds), 0.0)
        best = int(np.argmin(np.nanmin(np.where(judged.any(-1), mean, np.inf), axis=1)))
        others = np.setdiff1d(np.arange(len(mean)), best)
        bars = ax.errorbar(
            alphas[best],
            mean[best],
            error[best],
            color="C0",
            ecolor="0.6",
            elinewidth=0.9,
            marker="o",
            markersize=3.0,
        )
        entries: dict[str, Any] = {
            f"mean of {int(folds.max())} folds, ± standard error": bars
        }
        if len(others):
            grey = ax.plot(
                alphas[others].T, mean[others].T, color="0.75", linewidth=0.8, zorder=1
            )
            entries["other parameters"] = grey[0]
        ax.set_ylabel(self.loss_name)
        return [bars.lines[0]], entries, None


def _strength_axis(ax: Axes, alphas: np.ndarray) -> None:
    """Draw strengths on a logarithmic scale, falling; one of zero at its end."""
    positive = alphas[alphas > 0]
    if positive.size < alphas.size and positive.size:
        ax.set_xscale("symlog", linthresh=float(positive.min()))
    elif positive.size:
        ax.set_xscale("log")
    if not ax.xaxis_inverted():
        ax.invert_xaxis()
    ax.set_xlabel("alpha (strength of the penalty)")
