// A view as a Streamlit component. The inline source that Streamlit carries (app/components/modules.py) imports this
// module and the view's by URL, and starts to fetch the style sheets; here they come together.

import { mount } from "../kit/view.js";
import { Told } from "./told.js";

/**
 * @typedef {object} Call what Streamlit hands over, again on every change of the data
 * @property {HTMLElement | ShadowRoot} parentElement
 * @property {Record<string, unknown> & {session?: string, heard?: Record<string, number>}} data what the view is given, which
 *   session gives it, and how often that has heard something under each name
 * @property {(name: string, value: unknown) => void} setStateValue
 * @property {(name: string, value: unknown) => void} setTriggerValue
 */
/** @typedef {ReturnType<typeof mount> & {outside: import("../kit/view.js").Outside, call: Call, told: Told}} Life */

/** Under which name `app/components/__init__.py` hears which kept things were told in vain. */
const AGAIN = "again";
/** While the script runs, the answer may still come. */
const AT_WORK = '[data-test-script-state="running"], [data-test-script-state="rerunRequested"]';

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
  const { parentElement } = call;
  const { session, heard, ...data } = call.data;
  const life = lives.get(parentElement) ?? begin(definition, call);
  // Each call brings callbacks of its own; only the latest are heard.
  life.call = call;
  life.update(data);
  life.told.answers(session, heard ?? {});
  return () => {
    // Data that changes while the module is still on its way makes two calls at once; Streamlit then ends the first of them
    // after the second has begun, and must not end what the second shows.
    if (life.call !== call) return;
    life.told.end();
    life.destroy();
    lives.delete(parentElement);
  };
}

/**
 * @param {import("../kit/view.js").Definition} definition
 * @param {Call} call
 */
function begin(definition, call) {
  const told = new Told(
    (names, asked) => {
      // A value that Streamlit has already is no news to it, unless it says that it is.
      if (names.length) life.call.setStateValue(AGAIN, { names, time: Date.now() });
      for (const [name, value] of asked) life.call.setTriggerValue(name, value);
    },
    () => document.querySelector(AT_WORK) === null,
  );
  /** @type {import("../kit/view.js").Outside} */
  const outside = {
    keep(name, value) {
      told.keeps(name);
      life.call.setStateValue(name, value);
    },
    ask(name, value) {
      told.asks(name, value);
      life.call.setTriggerValue(name, value);
    },
  };
  /** @type {Life} */
  const life = { outside, call, told, ...mount(definition, call.parentElement, outside) };
  lives.set(call.parentElement, life);
  return life;
}

/** @param {Response | Promise<Response>} coming */
async function read(coming) {
  const response = await coming;
  if (!response.ok) throw new Error(`${response.url} is not there (${response.status}): reload the page`);
  return response.text();
}
