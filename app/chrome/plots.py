"""Arrays -> plotly figures. No Streamlit. The same colour for the same term everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from vae_core.config.events import Losses

PALETTE = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip
"""Ten colours that colour-blind viewers tell apart (Petroff 2021, arXiv 2107.02270)."""

ELBO, RECONSTRUCTION, KL = "#7c5cff", "#3f90da", "#e8750a"
"""The terms."""

OBJECTIVE = "#8a909d"
"""What is optimised, where that is not the ELBO."""

STYLE = f"""
/* Plotly's own grey is 3.7 : 1 on white; WCAG AA asks for 4.5. The titles that name a curve keep its colour. */
.js-plotly-plot .main-svg > :not(.hoverlayer) text {{ fill: currentcolor !important; }}
.st-key-terms .js-plotly-plot text.ytitle {{ fill: color-mix(in srgb, {RECONSTRUCTION} 60%, currentcolor) !important; }}
.st-key-terms .js-plotly-plot text.y2title {{ fill: color-mix(in srgb, {KL} 60%, currentcolor) !important; }}
"""
"""Of the page around the figures."""

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


def enlarged(fig: go.Figure, by: float = 1.35) -> go.Figure:
    """The same figure for presenter mode: its type, its margins and its height, so many times as large."""
    layout: Any = fig.layout
    size = by * layout.font.size
    fig.update_layout(
        height=by * layout.height,
        margin={side: by * layout.margin[side] for side in "lrtb"},
        font_size=size,
        title_font_size=size,
        legend_font_size=by * layout.legend.font.size,
    )
    for axes in (fig.update_xaxes, fig.update_yaxes):
        axes(tickfont_size=size, title_font_size=size)
    fig.update_xaxes(nticks=5)
    return fig


def _wait(fig: go.Figure) -> go.Figure:
    """No data yet: axes without invented numbers."""
    fig.update_xaxes(showticklabels=False, range=[0, 1])
    fig.update_yaxes(showticklabels=False, range=[0, 1])
    return fig


def elbo_curve(losses: Sequence[Losses]) -> go.Figure:
    """ELBO of the training batches and of the held-out images over epochs, and the objective where it is another."""
    fig = figure("ELBO", "epochs", "nats per image")
    if not losses:
        return _wait(fig)
    epochs = [point.epoch for point in losses]
    _line(fig, epochs, [point.train.elbo for point in losses], "train", ELBO)
    _line(fig, epochs, [point.held_out.elbo for point in losses], "held out", ELBO, dash="dot")
    aims = [point.train.elbo if point.objective is None else point.objective for point in losses]
    another = any(
        abs(aim - point.train.elbo) > 0.005 * abs(point.train.elbo) for aim, point in zip(aims, losses, strict=True)
    )
    if another:
        _line(fig, epochs, aims, "objective", OBJECTIVE, dash="dash")
    # The first points, from random weights, would flatten everything after them.
    values = [point.held_out.elbo for point in losses]
    if len(values) > 8:
        train = [point.train.elbo for point in losses]
        low = min(float(np.quantile(values, 0.08)), float(np.quantile(train, 0.08)))
        high = max(max(values), max(train[3:]))
        if another:
            low, high = min(low, *aims[len(aims) // 2 :]), max(high, *aims[len(aims) // 2 :])
        fig.update_yaxes(range=[low - 0.05 * (high - low) - 1e-6, high + 0.08 * (high - low) + 1e-6])
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


def term_curves(losses: Sequence[Losses]) -> go.Figure:
    """Distortion (−reconstruction), KL and β·KL over epochs."""
    fig = figure("Reconstruction and KL", "epochs", "−reconstruction, nats")
    if not losses:
        return _wait(fig)
    epochs = [point.epoch for point in losses]
    distortion = [-point.held_out.reconstruction for point in losses]
    _line(fig, epochs, [-point.train.reconstruction for point in losses], "−reconstruction", RECONSTRUCTION)
    _line(fig, epochs, distortion, "−reconstruction, held out", RECONSTRUCTION, dash="dot")
    _line(fig, epochs, [point.train.kl for point in losses], "KL", KL, yaxis="y2")
    _line(fig, epochs, [point.held_out.kl for point in losses], "KL, held out", KL, yaxis="y2", dash="dot")
    right = "KL, nats"
    if any(point.beta != 1 for point in losses):
        weighted = [point.beta * point.train.kl for point in losses]
        _line(fig, epochs, weighted, "β·KL", KL, yaxis="y2", dash="dash")
        right = "KL; dashed β·KL, nats"
    if len(distortion) > 8:
        low, high = min(distortion), float(np.quantile(distortion, 0.92))
        fig.update_yaxes(range=[low - 0.12 * (high - low) - 1e-6, high + 0.1 * (high - low) + 1e-6])
    # The axes name the curves, in their colours: a legend would take a third of so small a plot.
    fig.update_layout(
        margin_r=48,
        showlegend=False,
        yaxis={"title": {"font": {"color": RECONSTRUCTION}}},
        yaxis2={
            "title": {"text": right, "standoff": 4, "font": {"color": KL}},
            "overlaying": "y",
            "side": "right",
            "rangemode": "tozero",
            "tickmode": "auto",
            "nticks": 5,
            "showgrid": False,
        },
    )
    return fig


def kl_bars(kl_per_dim: Sequence[float], active: float) -> go.Figure:
    """KL of each dimension, most active first; those that carry nothing fade."""
    fig = figure("KL per dimension", "latent dimension", "nats")
    if not kl_per_dim:
        return _wait(fig)
    order = np.argsort(kl_per_dim)[::-1]
    values = [kl_per_dim[i] for i in order]
    fig.add_bar(
        x=[f"z{i + 1}" for i in order],
        y=values,
        marker_color=[KL if value >= active else "#94a4a2" for value in values],
        hovertemplate="%{y:.2f} nats<extra></extra>",
    )
    fig.update_yaxes(rangemode="tozero")
    fig.update_layout(showlegend=False, hovermode="x", xaxis_type="category")
    return fig


def means_scatter(means: NDArray[Any], labels: NDArray[Any], dims: tuple[int, int], height: int = 250) -> go.Figure:
    """Where a thousand test images are encoded, in two of the dimensions, coloured by label."""
    fig = figure("", f"z{dims[0] + 1}", f"z{dims[1] + 1}", height)
    for label in np.unique(labels):
        chosen = means[labels == label]
        fig.add_scattergl(
            x=chosen[:, dims[0]].round(3),
            y=chosen[:, dims[1]].round(3),
            mode="markers",
            name=str(label),
            marker={"size": 3.5, "color": PALETTE[int(label) % 10]},
            hoverinfo="name",
        )
    fig.update_xaxes(range=[-4, 4])
    fig.update_yaxes(range=[-4, 4], scaleanchor=None)
    fig.update_layout(
        hovermode="closest", showlegend=False, margin={"l": 40, "t": 4, "b": 34, "r": 4}, uirevision="means"
    )
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
