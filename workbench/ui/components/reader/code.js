// Runs whenever this module is loaded, which is once per page load: hands the reader to the mounts that wait for it.

const shared = (globalThis[Symbol.for("workbench.reader")] ??= { waiting: new Map() });
shared.take = take;
shared.leave = leave;
for (const component of shared.waiting.values()) take(component);
shared.waiting.clear();

export default function ({ parentElement }) {
  hideRow(parentElement);
}

// What shows nothing of its own must not take a row's gap on the page either.
function hideRow(parentElement) {
  const box = parentElement.getRootNode().host?.closest("[data-testid=stElementContainer]");
  if (box) box.style.display = "none";
}
