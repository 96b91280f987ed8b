"use strict";
(function () {
  const byId = (id) => document.getElementById(id);
  const METHODS = ["get", "post", "put", "delete"];
  let api;

  // Text only ever becomes text: nothing of the document is taken for markup.
  function make(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  }

  const pre = (value) => make("pre", { tabindex: "0" }, JSON.stringify(value, null, 2));

  function resolve(thing) {
    if (!thing || !thing.$ref) return thing || {};
    return thing.$ref.slice(2).split("/").reduce((at, key) => (at || {})[key], api) || {};
  }

  const nameOf = (schema) => (schema && schema.$ref ? schema.$ref.split("/").pop() : "");

  function typeOf(schema) {
    if (!schema) return "";
    if (schema.$ref) return nameOf(schema);
    const several = schema.oneOf || schema.anyOf || schema.allOf;
    if (several) return several.map(typeOf).filter(Boolean).join(schema.allOf ? " and " : " or ");
    const type = Array.isArray(schema.type) ? schema.type.join(" or ") : schema.type || "anything";
    if (schema.items) return "list of " + (typeOf(schema.items) || "anything");
    return schema.format ? type + " (" + schema.format + ")" : type;
  }

  // Depth is bounded: schemas may refer to themselves.
  function shape(schema, depth) {
    const full = resolve(schema);
    const required = new Set(full.required || []);
    const parts = [].concat(full.allOf || [], full.oneOf || [], full.anyOf || []);
    if (full.items) parts.push(full.items);
    const rows = Object.entries(full.properties || {}).map(([name, field]) => {
      const about = field.description || resolve(field).description;
      const row = make("li", {}, make("code", {}, name), ": " + typeOf(field));
      if (required.has(name)) row.append(", required");
      if (about) row.append(". " + about);
      const choices = resolve(field.items || field).enum;
      if (choices) row.append(" One of: " + choices.join(", "));
      const inner = depth > 0 ? shape(field, depth - 1) : null;
      if (inner) row.append(inner);
      return row;
    });
    const inner = depth > 0 ? parts.map((part) => shape(part, depth - 1)).filter(Boolean) : [];
    if (!rows.length && !inner.length) return null;
    return make("div", {}, rows.length ? make("ul", {}, ...rows) : null, ...inner);
  }

  function content(of) {
    const parts = [];
    for (const [kind, media] of Object.entries(of || {})) {
      parts.push(make("p", {}, make("code", {}, kind), " " + typeOf(media.schema)));
      const fields = media.schema && shape(media.schema, 4);
      if (fields) parts.push(fields);
      if (media.example !== undefined) parts.push(pre(media.example));
      for (const [name, example] of Object.entries(media.examples || {})) {
        parts.push(make("p", {}, "Example: " + name), pre(resolve(example).value));
      }
    }
    return parts;
  }

  function fill(box, operation) {
    if (operation.description) box.append(make("p", {}, operation.description));
    box.append(make("p", {}, operation.security ? "Needs a key in the header apikey." : "Needs no key."));
    const parameters = (operation.parameters || []).map(resolve);
    if (parameters.length) {
      box.append(make("h3", {}, "Parameters"), make("ul", {}, ...parameters.map((parameter) =>
        make("li", {}, make("code", {}, parameter.name), " (" + parameter.in + ", " +
          typeOf(parameter.schema) + ") " + (parameter.description || "")))));
    }
    if (operation.requestBody) box.append(make("h3", {}, "Body"), ...content(operation.requestBody.content));
    for (const [status, named] of Object.entries(operation.responses || {})) {
      const response = resolve(named);
      box.append(make("h3", {}, "Answer " + status), make("p", {}, response.description || ""));
      box.append(...content(response.content));
    }
  }

  function entry(method, path, operation) {
    const box = make("div", { class: "in" });
    const summary = make("summary", {}, make("span", { class: "method" }, method.toUpperCase()),
      make("code", {}, path), " " + (operation.summary || ""));
    const details = make("details", {}, summary, box);
    details.addEventListener("toggle", () => { if (details.open && !box.firstChild) fill(box, operation); });
    details.dataset.text = (method + " " + path + " " + (operation.summary || "")).toLowerCase();
    return details;
  }

  function show() {
    byId("title").textContent = api.info.title + " " + api.info.version;
    byId("about").textContent = api.info.description || "";
    const chapters = new Map((api.tags || []).map((tag) => [tag.name, make("section", {},
      make("h2", {}, tag.name), make("p", {}, tag.description || ""))]));
    for (const [path, item] of Object.entries(api.paths)) {
      for (const method of METHODS.filter((known) => item[known])) {
        const chapter = chapters.get((item[method].tags || [])[0]);
        if (chapter) chapter.append(entry(method, path, item[method]));
      }
    }
    byId("routes").append(...chapters.values());
    find();
  }

  function find() {
    const wanted = byId("filter").value.trim().toLowerCase();
    let count = 0;
    for (const section of byId("routes").children) {
      let shown = 0;
      for (const details of section.querySelectorAll("details")) {
        details.hidden = !details.dataset.text.includes(wanted);
        if (!details.hidden) shown += 1;
      }
      section.hidden = shown === 0;
      count += shown;
    }
    byId("count").textContent = count === 1 ? "1 route" : count + " routes";
  }

  const source = location.pathname.replace(/\/docs\/?$/i, "/openapi.json");
  byId("source").setAttribute("href", source);
  byId("filter").addEventListener("input", () => { if (api) find(); });
  fetch(source)
    .then((answer) => { if (!answer.ok) throw new Error(answer.status); return answer.json(); })
    .then((found) => { api = found; show(); })
    .catch((error) => { byId("count").textContent = "The document could not be read: " + error.message; });
})();
