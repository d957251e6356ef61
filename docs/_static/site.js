// Whoever has no mouse can scroll what is wider than the page: code, tables, formulas.
function reachable() {
  for (const each of document.querySelectorAll("pre, .table-wrapper, .math-wrapper")) {
    const scrolls = each.scrollWidth > each.clientWidth || each.scrollHeight > each.clientHeight;
    if (scrolls) each.tabIndex = 0;
    else each.removeAttribute("tabindex");
  }
}
addEventListener("load", reachable);
addEventListener("resize", reachable);
