// A view as a Streamlit component. The inline source that Streamlit carries (app/components/modules.py) imports this
// module and the view's by URL, and starts to fetch the style sheets; here they come together.

/**
 * What Streamlit calls: the default export of the view's module, dressed. It is given out when the styles are there,
 * so nothing is ever shown without them.
 */
export async function component(module, responses) {
  const texts = await Promise.all(responses.map(read));
  const sheets = texts.map((text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    return sheet;
  });
  return (call) => {
    const root = call.parentElement.getRootNode();
    const missing = sheets.filter((sheet) => !root.adoptedStyleSheets.includes(sheet));
    if (missing.length) root.adoptedStyleSheets = [...root.adoptedStyleSheets, ...missing];
    return module.default(call);
  };
}

async function read(coming) {
  const response = await coming;
  if (!response.ok) throw new Error(`${response.url} is not there (${response.status}): reload the page`);
  return response.text();
}
