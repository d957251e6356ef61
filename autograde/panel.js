// The panel at the foot of a notebook. It stays there as long as the output that it came with.

function render({ model, el }) {
  el.textContent = "Your progress is shown at the foot of this notebook.";
  const panel = document.createElement("details");
  panel.className = "autograde-panel";
  panel.setAttribute("role", "region");
  panel.setAttribute("aria-label", "Progress");
  panel.style.cssText =
    "left:0;right:0;bottom:0;z-index:10;padding:4px 12px;max-height:60%;overflow:auto;" +
    "border-top:1px solid var(--jp-border-color1,#bdbdbd);background:var(--jp-layout-color1,#fff);" +
    "color:var(--jp-ui-font-color1,#1f1f1f);font:13px var(--jp-ui-font-family,system-ui,sans-serif)";
  const summary = document.createElement("summary");
  summary.setAttribute("aria-live", "polite");
  summary.style.cursor = "pointer";
  const details = document.createElement("div");
  details.style.marginTop = "6px";
  panel.append(summary, details);

  const show = () => {
    summary.textContent = model.get("brief");
    details.innerHTML = model.get("details");
  };
  show();
  model.on("change", show);

  let padded = null; // what scrolls in the notebook ends above the panel
  const resized = new ResizeObserver(() => {
    if (padded) padded.style.paddingBottom = `${panel.offsetHeight}px`;
  });
  const place = () => {
    const notebook = el.closest(".jp-NotebookPanel");
    const host = notebook ?? document.body;
    host.querySelectorAll(":scope > .autograde-panel").forEach((other) => other.remove());
    panel.style.position = notebook ? "absolute" : "fixed";
    host.append(panel);
    padded = notebook?.querySelector(".jp-WindowedPanel-outer") ?? null;
    resized.observe(panel);
  };
  // a widget is drawn before its cell is in the page
  let frame = requestAnimationFrame(function wait() {
    if (el.isConnected) place();
    else frame = requestAnimationFrame(wait);
  });

  return () => {
    cancelAnimationFrame(frame);
    resized.disconnect();
    model.off("change", show);
    panel.remove();
    if (padded) padded.style.paddingBottom = "";
  };
}

export default { render };
