// Modules that travel as text, where there is no server to fetch them from: each becomes a Blob URL, after those that it needs,
// and its import specifiers are replaced by theirs. Scopes, workers and stack traces stay what they are. It imports nothing.

// `from "./a.js"`, `import "./a.js"`, `import("./a.js")`, and `new URL("./worker.js", import.meta.url)`.
const SPECIFIER = /(\bfrom\s*|\bimport\s*\(?\s*|\bnew\s+URL\(\s*)"(\.{1,2}\/[^"]+\.js)"(\s*,\s*import\.meta\.url)?/g;

/**
 * @param {[path: string, text: string][]} modules a module after all that it imports
 * @returns {Map<string, string>} path -> its URL
 */
export function link(modules) {
  const texts = new Map(modules);
  /** @type {Map<string, string>} */
  const urls = new Map();
  /** @param {string} path @param {(path: string) => string} urlOf what an import is replaced by */
  const linked = (path, urlOf) =>
    (texts.get(path) ?? "").replace(SPECIFIER, (whole, before, specifier, started) => {
      const wanted = new URL(specifier, `file:///${path}`).pathname.slice(1);
      if (!texts.has(wanted)) return whole; // it stands in a comment
      return `${before}"${started ? alone(wanted) : urlOf(wanted)}"`;
    });
  /**
   * A worker and what it imports, as data URLs: a page from a disk may start none from a Blob URL.
   * @param {string} path
   * @returns {string}
   */
  const alone = (path) => `data:text/javascript;charset=utf-8,${encodeURIComponent(linked(path, alone))}`;
  for (const path of texts.keys()) {
    const text = linked(path, (other) => urls.get(other) ?? "");
    urls.set(path, URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
  }
  return urls;
}
