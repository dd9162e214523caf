// A view as a widget in a notebook, as anywidget (or whatever speaks its contract) shows it: the model carries `data`, `blobs`
// (address -> bytes) and `kept`, which Python reads and may write.

import { takeBlobsFrom } from "../net/blob.js";
import { place, withKept } from "./page.js";

/**
 * @typedef {object} Traits what the model carries; what Python has not set is null
 * @property {Record<string, unknown>} data
 * @property {Record<string, DataView> | null} blobs
 * @property {Record<string, unknown> | null} kept
 */
/**
 * @typedef {object} Model
 * @property {<Name extends keyof Traits>(name: Name) => Traits[Name]} get
 * @property {(name: string, value: unknown) => void} set
 * @property {() => void} save_changes
 * @property {(event: string, act: () => void) => void} on
 * @property {(event: string, act: () => void) => void} off
 */

/**
 * What a widget's module exports by default.
 * @param {import("../kit/view.js").Definition} definition
 * @param {string[]} css texts
 */
export const widget = (definition, css) => ({
  /** @param {{model: Model, el: HTMLElement}} place */
  render({ model, el }) {
    takeBlobsFrom((address) => model.get("blobs")?.[address]);
    const life = place(definition, el, css, {
      keep(name, value) {
        model.set("kept", { ...model.get("kept"), [name]: value });
        model.save_changes();
      },
      ask() {},
    });
    const show = () => life.update(withKept(model.get("data"), model.get("kept") ?? {}));
    model.on("change:data", show);
    model.on("change:kept", show);
    show();
    return () => {
      model.off("change:data", show);
      model.off("change:kept", show);
      life.destroy();
    };
  },
});
