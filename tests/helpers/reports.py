"""Reports on transfer without any fit."""

import numpy as np

from linmtl.transfer import NegativeTransferReport
from linmtl.transfer._paired import PairedDifferences


def made_up(effect, verdict):
    """Return a report whose tasks have these effects and verdicts."""
    effect, verdict = np.asarray(effect, dtype=float), np.asarray(verdict)
    p = np.where(np.isin(verdict, ("helped", "hurt")), 0.001, 0.5)
    alone = PairedDifferences(
        baseline="alone",
        difference=effect,
        effect=effect,
        low=effect - 0.1,
        high=effect + 0.1,
        p_value=p,
        adjusted=p,
        within=verdict == "equivalent",
        verdict=verdict,
        refused=np.zeros(effect.size, dtype=bool),
    )
    loss = np.ones(effect.size)
    losses = {"model": loss - effect, "alone": loss, "pooled": loss, "levels": 2 * loss}
    return NegativeTransferReport(
        tasks=np.array([f"task {t}" for t in range(effect.size)]),
        n_samples=np.full(effect.size, 30),
        model="L21Regressor",
        loss="mean squared error",
        losses={name: values[None] for name, values in losses.items()},
        mean_losses=losses,
        alone=alone,
        pooled=alone,
        level=0.05,
        method="clt",
        margin=0.05,
        trained=0.8,
    )
