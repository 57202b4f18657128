export default function (component) {
  const shared = (globalThis[Symbol.for("workbench.reader")] ??= { waiting: new Map() });
  const { parentElement, data } = component;
  const row = parentElement.getRootNode().host?.closest("[data-testid=stElementContainer]");
  if (row) row.style.display = data.role === "overlay" ? "none" : "";
  if (shared.take) shared.take(component);
  else shared.waiting.set(parentElement, component);
  return () => {
    shared.waiting.delete(parentElement);
    if (row) row.style.display = "";
    shared.leave?.(component);
  };
}
