// Elements in one expression: h("button", {type: "button", onclick: f}, "Play"). Functions become listeners.
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value == null || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

// "−0.35": a real minus sign, as wide as the plus would be.
export const decimal = (value, digits = 2) =>
  (Math.abs(value) < 0.5 * 10 ** -digits ? 0 : value).toFixed(digits).replace("-", "−");

export const nats = (value) => `${decimal(value, Math.abs(value) < 0.995 ? 2 : 1)} nats`;
