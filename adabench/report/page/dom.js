"use strict";

// Small helpers to make elements: text is always set as text, never as markup.
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name in made && typeof value !== "string") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// Radio buttons in the shape of a row of pills; `chosen` is told the place of the one that is picked.
function choice(words, values, chosen) {
  const name = `choice-${++choice.count}`;
  const group = element("fieldset", { class: "choice" }, element("legend", {}, words));
  values.forEach((value, place) => {
    const input = element("input", { type: "radio", name, checked: place === 0 });
    input.addEventListener("change", () => chosen(place));
    group.append(element("label", {}, input, element("span", {}, value)));
  });
  return group;
}
choice.count = 0;
