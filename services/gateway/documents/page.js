/** Shows, above an operation's responses, how it is called from a shell and from TypeScript. */
function codeSamples({ React }) {
  const { createElement: h, useState } = React;

  function Samples({ samples }) {
    const [chosen, choose] = useState(0);
    const tabs = samples.map(({ label }, index) =>
      h(
        "button",
        {
          key: label,
          type: "button",
          role: "tab",
          "aria-selected": index === chosen,
          onClick: () => choose(index),
        },
        label,
      ),
    );
    return h(
      "section",
      { className: "code-samples", "aria-label": "Code samples" },
      h("div", { role: "tablist" }, tabs),
      h("pre", { role: "tabpanel" }, h("code", null, samples[chosen].source)),
    );
  }

  const beforeResponses = (Responses, { specSelectors }) =>
    function ResponsesWithSamples(props) {
      const samples = specSelectors.specJson().getIn(["paths", props.path, props.method, "x-codeSamples"]);
      return h(React.Fragment, null, samples && h(Samples, { samples: samples.toJS() }), h(Responses, props));
    };
  return { wrapComponents: { responses: beforeResponses } };
}

window.SwaggerUIBundle({
  url: "openapi.json",
  domNode: document.getElementById("page"),
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  // Its default sends documents to a host outside.
  validatorUrl: null,
  plugins: [codeSamples],
});
