// Which point a place, a direction or a lasso means. A cloud is {n, at: (n, 2) coordinates, labels, muted: Set of hidden labels};
// a point is its row, −1 is none. Plain loops: 10,000 points take less than 0.2 ms.

/** The shown point nearest to (x, y) in CSS px that is at most `reach` px away. */
export function findNearest(view, cloud, x, y, reach = Infinity) {
  const { scale, left, top } = view.affine();
  let best = -1;
  let distance = reach ** 2;
  for (let i = 0; i < cloud.n; i++) {
    const dx = scale * cloud.at[2 * i] + left - x;
    const dy = top - scale * cloud.at[2 * i + 1] - y;
    const d = dx * dx + dy * dy;
    if (d < distance && !cloud.muted.has(cloud.labels[i])) {
      distance = d;
      best = i;
    }
  }
  return best;
}

/** The nearest shown point from `row` in a direction (a cone of 90° around it), at least `step` px on; `row` itself where none is. */
export function findNeighbour(view, cloud, row, [right, up], step) {
  const { scale } = view.affine();
  let best = row;
  let distance = Infinity;
  for (let i = 0; i < cloud.n; i++) {
    const dx = scale * (cloud.at[2 * i] - cloud.at[2 * row]);
    const dy = scale * (cloud.at[2 * i + 1] - cloud.at[2 * row + 1]);
    const along = dx * right + dy * up;
    const across = Math.abs(dx * up) + Math.abs(dy * right);
    if (along < step || across > along || cloud.muted.has(cloud.labels[i])) continue;
    const d = along * along + across * across;
    if (d < distance) {
      distance = d;
      best = i;
    }
  }
  return best;
}

/** The shown points inside the closed path [[x, y], …] in CSS px. */
export function findInside(view, cloud, path) {
  const { scale, left, top } = view.affine();
  const rows = [];
  for (let i = 0; i < cloud.n; i++) {
    if (cloud.muted.has(cloud.labels[i])) continue;
    if (contains(path, scale * cloud.at[2 * i] + left, top - scale * cloud.at[2 * i + 1])) rows.push(i);
  }
  return rows;
}

/** Whether the closed path holds (x, y): even–odd rule. */
function contains(path, x, y) {
  let inside = false;
  for (let i = 0, j = path.length - 1; i < path.length; j = i++) {
    const [xi, yi] = path[i];
    const [xj, yj] = path[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}
