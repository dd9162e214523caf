// A view as a Streamlit component. The inline source that Streamlit carries (app/components/modules.py) imports this
// module and the view's by URL, and starts to fetch the style sheets; here they come together.

import { mount } from "../kit/view.js";

/**
 * @typedef {object} Call what Streamlit hands over, again on every change of the data
 * @property {HTMLElement | ShadowRoot} parentElement
 * @property {unknown} data
 * @property {(name: string, value: unknown) => void} setStateValue
 * @property {(name: string, value: unknown) => void} setTriggerValue
 */
/** @typedef {ReturnType<typeof mount> & {outside: import("../kit/view.js").Outside, call: Call}} Life */

/** @type {WeakMap<Node, Life>} parentElement -> the view that lives there */
const lives = new WeakMap();

/**
 * What Streamlit calls: the view that `module` exports, dressed. It is given out when the styles are there, so nothing is ever
 * shown without them.
 * @param {{default: import("../kit/view.js").Definition}} module
 * @param {(Response | Promise<Response>)[]} responses
 */
export async function component(module, responses) {
  const texts = await Promise.all(responses.map(read));
  const sheets = texts.map((text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    return sheet;
  });
  return (/** @type {Call} */ call) => {
    const root = /** @type {ShadowRoot} */ (call.parentElement.getRootNode());
    const missing = sheets.filter((sheet) => !root.adoptedStyleSheets.includes(sheet));
    if (missing.length) root.adoptedStyleSheets = [...root.adoptedStyleSheets, ...missing];
    return show(module.default, call);
  };
}

/**
 * @param {import("../kit/view.js").Definition} definition
 * @param {Call} call
 */
function show(definition, call) {
  const { parentElement, data, setStateValue, setTriggerValue } = call;
  let life = lives.get(parentElement);
  if (!life) {
    const outside = { keep: setStateValue, ask: setTriggerValue };
    life = { outside, call, ...mount(definition, parentElement, outside) };
    lives.set(parentElement, life);
  }
  // Each call brings callbacks of its own; only the latest are heard.
  Object.assign(life.outside, { keep: setStateValue, ask: setTriggerValue });
  life.call = call;
  life.update(data);
  return () => {
    // Data that changes while the module is still on its way makes two calls at once; Streamlit then ends the first of them
    // after the second has begun, and must not end what the second shows.
    if (life.call !== call) return;
    life.destroy();
    lives.delete(parentElement);
  };
}

/** @param {Response | Promise<Response>} coming */
async function read(coming) {
  const response = await coming;
  if (!response.ok) throw new Error(`${response.url} is not there (${response.status}): reload the page`);
  return response.text();
}
