// What lies over the points: axes, rings, the lasso being drawn.

/**
 * @import { MapView, Tick } from "./map-view.js"
 * @import { RGB } from "../kit/colours.js"
 */

/** @typedef {{ background: RGB, ink: string, line: string, accent: string, font: string }} Look the theme */

/**
 * Tick labels and titles in the gutters.
 * @param {CanvasRenderingContext2D} pen @param {MapView} view @param {{ x: Tick[], y: Tick[] }} ticks
 * @param {{ x: string, y: string }} titles @param {Look} look
 */
export function drawAxes(pen, view, ticks, titles, look) {
  const plot = view.plot();
  pen.strokeStyle = look.line;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(plot.left - 0.5, 0);
  pen.lineTo(plot.left - 0.5, plot.height + 0.5);
  pen.lineTo(view.width, plot.height + 0.5);
  pen.stroke();
  pen.fillStyle = look.ink;
  pen.font = `12px ${look.font}`;
  pen.textBaseline = "middle";
  pen.textAlign = "center";
  for (const { px, text } of ticks.x)
    if (px > plot.left + 10 && px < view.width - 14) pen.fillText(text, px, plot.height + 13);
  pen.textAlign = "right";
  for (const { px, text } of ticks.y) if (px > 8 && px < plot.height - 6) pen.fillText(text, plot.left - 7, px);
  pen.font = `600 13px ${look.font}`;
  pen.textAlign = "center";
  pen.fillText(titles.x, plot.left + plot.width / 2, view.height - 12);
  pen.save();
  pen.translate(13, plot.height / 2);
  pen.rotate(-Math.PI / 2);
  pen.fillText(titles.y, 0, 0);
  pen.restore();
}

/**
 * A ring around a point (or a frame around its picture): in the text's colour on the background's, seen on any crowd.
 * @param {CanvasRenderingContext2D} pen @param {[number, number]} place @param {number} radius @param {number} side
 * @param {string} colour @param {boolean} chosen @param {Look} look
 */
export function drawRing(pen, [x, y], radius, side, colour, chosen, look) {
  pen.beginPath();
  if (side) pen.rect(Math.round(x) - side / 2 - 4, Math.round(y) - side / 2 - 4, side + 8, side + 8);
  else pen.arc(x, y, radius + (chosen ? 6 : 4), 0, 2 * Math.PI);
  pen.strokeStyle = `rgb(${look.background})`;
  pen.lineWidth = chosen ? 6 : 5;
  pen.stroke();
  pen.strokeStyle = look.ink;
  pen.lineWidth = chosen ? 3 : 1.75;
  pen.stroke();
  if (side) return;
  pen.beginPath();
  pen.arc(x, y, radius + 1.5, 0, 2 * Math.PI);
  pen.fillStyle = colour;
  pen.fill();
}

/**
 * The lasso while it is drawn.
 * @param {CanvasRenderingContext2D} pen @param {[number, number][]} path @param {Look} look
 */
export function drawLasso(pen, path, look) {
  pen.beginPath();
  for (const [x, y] of path) pen.lineTo(x, y);
  pen.closePath();
  pen.globalAlpha = 0.12;
  pen.fillStyle = look.accent;
  pen.fill();
  pen.globalAlpha = 1;
  pen.setLineDash([6, 4]);
  pen.lineWidth = 2;
  pen.strokeStyle = look.accent;
  pen.stroke();
  pen.setLineDash([]);
}
