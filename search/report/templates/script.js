"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const automata = data.automata;
  const find = (id) => document.getElementById(id);
  const svg = (name, attributes, parent) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (parent) parent.append(element);
    return element;
  };
  const html = (name, text, parent) => {
    const element = document.createElement(name);
    element.textContent = text;
    if (parent) parent.append(element);
    return element;
  };
  const letterName = (letter) => String.fromCharCode(97 + letter);

{% include "table.js" %}

{% include "automaton.js" %}

{% include "texts.js" %}

{% include "map.js" %}

{% include "scroll.js" %}

  function visit() {
    const asked = /^#automaton-(\d+)$/.exec(location.hash);
    if (asked && automata[Number(asked[1]) - 1]) open(Number(asked[1]) - 1);
  }

  addEventListener("hashchange", visit);
  visit();
})();
