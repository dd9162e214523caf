"""Arrays -> plotly figures. No Streamlit. The same colour for the same term everywhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from vae_core.config.events import Losses

PALETTE = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip
"""Ten colours that colour-blind viewers tell apart (Petroff 2021, arXiv 2107.02270)."""

CONFIG = {"displayModeBar": False}
"""Plotly's own buttons are not wanted on small live plots."""


def figure(title: str, x: str, y: str, height: int = 205) -> go.Figure:
    """An empty figure in the house style: small title, labelled axes with units, legend on top."""
    return go.Figure(
        layout={
            "title": {"text": title, "font": {"size": 15}, "x": 0, "xref": "paper", "y": 0.97, "yanchor": "top"},
            "height": height,
            "margin": {"l": 50, "r": 8, "t": 46, "b": 42},
            "xaxis": {"title": {"text": x, "standoff": 8}, "automargin": False},
            "yaxis": {"title": {"text": y, "standoff": 4}},
            "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "font": {"size": 12}},
            "font": {"size": 13},
            "uirevision": title,
            "hovermode": "x unified",
        }
    )


def _wait(fig: go.Figure) -> go.Figure:
    """No data yet: axes without invented numbers."""
    fig.update_xaxes(showticklabels=False, range=[0, 1])
    fig.update_yaxes(showticklabels=False, range=[0, 1])
    return fig


def elbo_comparison(curves: Sequence[tuple[str, str, Sequence[Losses]]]) -> go.Figure:
    """Held-out ELBO of several runs over epochs: of each its name, its colour and its losses."""
    fig = figure("ELBO on held-out images", "epochs", "nats per image", height=300)
    if not any(losses for _, _, losses in curves):
        return _wait(fig)
    low: list[float] = []
    high: list[float] = []
    for i, (name, colour, losses) in enumerate(curves):
        values = [point.held_out.elbo for point in losses]
        dash = ("solid", "dash", "dot", "dashdot")[i % 4]
        _line(fig, [point.epoch for point in losses], values, name, colour, dash=dash)
        if values:
            # The first points, from random weights, would flatten everything after them.
            low.append(float(np.quantile(values, 0.08)))
            high.append(max(values))
    room = 0.06 * (max(high) - min(low)) + 1e-6
    fig.update_yaxes(range=[min(low) - room, max(high) + room])
    return fig


def _line(
    fig: go.Figure,
    x: Sequence[float],
    y: Sequence[float],
    name: str,
    colour: str,
    *,
    dash: str = "solid",
    yaxis: str = "y",
    legend: bool = True,
) -> None:
    fig.add_scatter(
        x=x,
        y=y,
        name=name,
        mode="lines",
        line={"color": colour, "width": 2, "dash": dash},
        yaxis=yaxis,
        showlegend=legend,
        hovertemplate="%{y:.2f}",
    )
