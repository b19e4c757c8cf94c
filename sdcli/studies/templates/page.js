"use strict";
// Sorting: a click on a heading orders the rows by that column, a second click turns them over.
for (const table of document.querySelectorAll("table.numbers")) {
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => heading.querySelector("button").addEventListener("click", () => {
    const down = heading.getAttribute("aria-sort") === "ascending";
    headings.forEach((other) => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = (row) => row.cells[column].dataset.value;
    const order = (a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === "" || y === "") return (x === "") - (y === ""); // what is not known comes last
      const difference = heading.classList.contains("words") ? x.localeCompare(y) : x - y;
      return down ? -difference : difference;
    };
    body.append(...[...body.rows].sort(order));
  }));
}
// The slider: any two pictures of the page, the second uncovered to the right of the line.
for (const section of document.querySelectorAll("section.slider")) {
  const pictures = [...document.querySelectorAll("figure img")];
  const images = [...section.querySelectorAll(".pair img")];
  const choices = [...section.querySelectorAll("select")];
  const pair = section.querySelector(".pair");
  const show = () => images.forEach((image, place) => {
    const chosen = pictures[choices[place].value];
    image.src = chosen.src;
    image.alt = chosen.alt;
  });
  for (const choice of choices) {
    pictures.forEach((picture, place) => choice.add(new Option(picture.alt, place)));
    choice.addEventListener("change", show);
  }
  choices[0].value = section.dataset.left;
  choices[1].value = section.dataset.right;
  const range = section.querySelector("input[type=range]");
  range.addEventListener("input", () => pair.style.setProperty("--at", range.value + "%"));
  show();
  section.hidden = false;
}
// Escape closes an enlarged picture, arrows turn the page.
document.addEventListener("keydown", (event) => {
  const shown = document.querySelector("figure:target");
  if (!shown) return;
  const link = { Escape: ".close", ArrowLeft: ".before", ArrowRight: ".after" }[event.key];
  const to = link && shown.querySelector("nav " + link);
  if (to) { event.preventDefault(); to.click(); }
});
