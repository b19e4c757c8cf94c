"use strict";
// The page of a server: says what to draw, follows it, shows what was drawn. Everything that comes from
// requests and pictures is put in as text (`textContent`), never as markup.

const byId = (id) => document.getElementById(id);
const form = byId("form");
const fields = new Map(); // by the option's name: {option, read, write, failure, control}
const running = new Map(); // by the job's id: its card
const KEPT = "sdcli-jobs"; // in sessionStorage: jobs that a reload goes on following
const KEY = "sdcli-key";

/** A new element: properties, then texts and elements within it. */
function make(tag, properties = {}, ...inside) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...inside.filter((part) => part !== null && part !== undefined));
  return element;
}

function isNarrow() { return matchMedia("(max-width: 860px)").matches; }

function say(text) { byId("status").textContent = text; }

function showFailure(element, failure) {
  element.textContent = failure ? [failure.fact, failure.hint].filter(Boolean).join("\n") : "";
  element.hidden = !failure;
}

// ---- asking the server

/** An answer of the server; a failure is thrown as {fact, hint, param}. */
async function ask(path, { method = "GET", body } = {}) {
  for (;;) {
    const key = sessionStorage.getItem(KEY);
    const headers = {};
    if (key) headers.authorization = "Bearer " + key;
    if (body !== undefined) headers["content-type"] = "application/json";
    let answer;
    try {
      answer = await fetch(path, {
        method, headers, credentials: "omit", body: body === undefined ? undefined : JSON.stringify(body),
      });
    } catch {
      throw { fact: "the server does not answer", hint: "is `sdcli serve` still running?" };
    }
    if (answer.ok) return answer;
    if (answer.status === 401) { await askForKey(key !== null); continue; }
    throw await readFailure(answer);
  }
}

async function readFailure(answer) {
  try {
    const { error } = await answer.json();
    return { fact: error.fact || error.message, hint: error.hint || "", param: error.param };
  } catch {
    return { fact: `the server answered ${answer.status}`, hint: "" };
  }
}

let askingForKey = null;

/** Until the user has said the key; asked once, whoever needs it. */
function askForKey(wrong) {
  askingForKey ??= new Promise((resolve) => {
    const dialog = byId("key-dialog");
    byId("key-failure").hidden = !wrong;
    byId("key").value = "";
    dialog.addEventListener("close", () => {
      sessionStorage.setItem(KEY, byId("key").value);
      askingForKey = null;
      resolve();
    }, { once: true });
    dialog.showModal();
  });
  return askingForKey;
}

async function askJson(path, options) { return (await ask(path, options)).json(); }

/** An address for an <img>. It is fetched by hand because an <img> sends no key. */
async function fetchImage(path) { return URL.createObjectURL(await (await ask(path)).blob()); }

function base64Of(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject({ fact: "the file cannot be read", hint: "choose another" });
    reader.readAsDataURL(blob);
  });
}

// ---- the form, made from the table of options

const KINDS = { number: numberField, word: wordField, choice: wordField, many: manyField, yes: yesField, file: fileField, text: textField };

function buildForm(table) {
  addPrompt();
  const groups = byId("groups");
  for (const group of table.groups) {
    const grid = make("div", { className: "fields" });
    for (const option of group.options) {
      const field = Object.assign(KINDS[option.kind](option), { option });
      fields.set(option.name, field);
      grid.append(field.element);
    }
    const said = make("span", { className: "said" });
    const fold = make("details", {}, make("summary", {}, group.title, said), grid);
    fold.addEventListener("change", () => countSaid(fold));
    fold.addEventListener("input", () => countSaid(fold));
    groups.append(fold);
  }
  groups.firstElementChild.classList.add("usual");
  groups.firstElementChild.open = !isNarrow();
  fields.get("image").onChange = showMaskPainter;
  fields.get("model").control.addEventListener("change", showUsualValues);
}

/** Where nothing is said, what the chosen model answers. */
async function showUsualValues() {
  const model = fields.get("model").control.value;
  const table = await askJson("/v1/form" + (model ? `?model=${encodeURIComponent(model)}` : "")).catch(() => null);
  for (const option of table?.groups.flatMap((group) => group.options) ?? []) {
    const { control } = fields.get(option.name);
    if (control.placeholder !== undefined) control.placeholder = shortly(option.default);
    else if (control.options && option.kind !== "many") control.options[0].text = usualWord(option);
  }
}

function countSaid(fold) {
  const names = [...fold.querySelectorAll("[data-option]")].map((one) => one.dataset.option);
  const count = names.filter((name) => fields.get(name)?.isSaid()).length;
  fold.querySelector(".said").textContent = count ? `${count} set` : "";
}

function countAllSaid() { form.querySelectorAll("details").forEach(countSaid); }

/** The label, help and place for a failure around a control. */
function frame(option, control, { wide = false, after = [] } = {}) {
  const id = "option-" + option.name;
  control.id = id;
  const failure = make("p", { className: "failure", id: id + "-failure", hidden: true });
  const help = make("p", { className: "faint", id: id + "-help" }, option.help);
  control.setAttribute("aria-describedby", `${id}-help ${id}-failure`);
  const element = make("div", { className: wide ? "field wide" : "field", title: option.help },
    make("label", { htmlFor: id }, option.title), control, ...after, help, failure);
  element.dataset.option = option.name;
  return { element, failure, control };
}

function plainField(option, control, read, wide) {
  return {
    ...frame(option, control, { wide }),
    read,
    isSaid: () => control.value !== "",
    write: (value) => { control.value = value ?? ""; },
  };
}

function addPrompt() {
  const control = byId("prompt");
  fields.set("prompt", {
    option: { name: "prompt" }, control, failure: byId("prompt-failure"),
    read: () => control.value, isSaid: () => control.value !== "",
    write: (value) => { control.value = value ?? ""; },
  });
}

/** The usual value, as short as a field needs it: "random" of "random, always recorded". */
function shortly(text) { return text.split(/[,:]/)[0].trim(); }

function usualWord(option) { return option.default || "as usual"; }

function textField(option) {
  const control = option.long
    ? make("textarea", { rows: 2, dir: "auto" })
    : make("input", { type: "text", placeholder: shortly(option.default) });
  return plainField(option, control, () => control.value, option.long);
}

function numberField(option) {
  const whole = option.whole;
  const control = make("input", { type: "text", inputMode: whole ? "numeric" : "decimal", placeholder: shortly(option.default) });
  const read = () => {
    const text = control.value.trim();
    // What is no number goes as it is: the server says what is wrong with it. Seeds may be too long for
    // a number of JavaScript's.
    const number = Number(text);
    return text === "" || Number.isNaN(number) || (whole && !Number.isSafeInteger(number)) ? text : number;
  };
  return plainField(option, control, read);
}

function wordField(option) {
  const control = make("select", {}, make("option", { value: "" }, usualWord(option)));
  for (const word of option.words) control.append(make("option", { value: word }, word));
  const read = () => (option.boolean && control.value ? control.value === "yes" : control.value);
  const field = plainField(option, control, read, option.kind === "choice");
  return {
    ...field,
    write: (value) => {
      if (value && !option.words.includes(value)) control.append(make("option", { value }, value));
      field.write(value);
    },
  };
}

function yesField(option) {
  const control = make("input", { type: "checkbox" });
  const framed = frame(option, control);
  framed.element.classList.add("check");
  framed.element.prepend(control);
  const isSaid = () => control.checked;
  return { ...framed, isSaid, read: () => (control.checked ? option.value : ""), write: (value) => { control.checked = Boolean(value); } };
}

/** Several of a list, each with a weight where it has one. */
function manyField(option) {
  const chosen = new Map(); // by name: its weight, as text
  const control = make("select", {}, make("option", { value: "" }, option.words.length ? "add..." : "none here"));
  for (const word of option.words) control.append(make("option", { value: word }, word));
  const chips = make("ul", { className: "chips" });
  const show = () => chips.replaceChildren(...[...chosen].map(([name, weight]) => {
    const away = make("button", { type: "button", "aria-label": `without ${name}` }, "×");
    away.addEventListener("click", () => { chosen.delete(name); show(); control.focus(); countAllSaid(); });
    const input = make("input", { type: "text", inputMode: "decimal", value: weight, "aria-label": `weight of ${name}` });
    input.addEventListener("input", () => chosen.set(name, input.value));
    return make("li", {}, name, option.weighed ? input : null, away);
  }));
  control.addEventListener("change", () => {
    if (control.value) chosen.set(control.value, "1");
    control.value = "";
    show();
  });
  const spell = ([name, weight]) => (option.weighed ? `${name}:${weight.trim() || "1"}` : name);
  return {
    ...frame(option, control, { wide: true, after: [chips] }),
    read: () => (chosen.size ? [...chosen].map(spell) : ""),
    isSaid: () => chosen.size > 0,
    write: (values) => {
      chosen.clear();
      for (const value of values ?? []) {
        const cut = option.weighed ? value.lastIndexOf(":") : -1;
        chosen.set(cut > 0 ? value.slice(0, cut) : value, cut > 0 ? value.slice(cut + 1) : "1");
      }
      show();
    },
  };
}

/** A picture: one that is chosen from the disk, or one of the server's. */
function fileField(option) {
  const control = make("input", { type: "file", accept: "image/*" });
  const name = make("p", { className: "faint" });
  const away = make("button", { type: "button", hidden: true }, "Without it");
  const field = { ...frame(option, control, { wide: true, after: [name, away] }), blob: null, onChange: null };
  const set = (blob, title) => {
    field.blob = blob;
    name.textContent = blob && title ? title : "";
    away.hidden = !blob;
    field.onChange?.(blob);
    countAllSaid();
  };
  control.addEventListener("change", () => set(control.files[0] ?? null, ""));
  away.addEventListener("click", () => { field.write(null); control.focus(); });
  return Object.assign(field, {
    read: async () => (field.blob ? base64Of(field.blob) : ""),
    isSaid: () => Boolean(field.blob),
    write: (blob, title) => { control.value = ""; set(blob, title); },
  });
}

/** What the form says, by the names of the options. */
async function readForm() {
  const said = {};
  for (const [name, field] of fields) {
    const value = await field.read();
    if (value !== "" && value !== null && value !== undefined) said[name] = value;
  }
  return said;
}

function clearFailures() {
  showFailure(byId("form-failure"), null);
  fields.forEach(clearFailure);
}

function clearFailure(field) {
  field.control.removeAttribute("aria-invalid");
  showFailure(field.failure, null);
}

/** The failure beside the field that it is about, which is shown and gets the focus. */
function showFormFailure(failure) {
  const name = String(failure.param ?? "").replaceAll("_", "-");
  const field = fields.get(name);
  say(failure.fact ?? "");
  if (!field) { showFailure(byId("form-failure"), failure); return; }
  const fold = field.control.closest("details");
  if (fold) fold.open = true;
  field.control.setAttribute("aria-invalid", "true");
  showFailure(field.failure, failure);
  field.control.focus();
}

// ---- a mask, painted over the picture to start from

function showMaskPainter(blob) {
  const mask = fields.get("mask");
  document.querySelector(".painter")?.remove();
  mask.write(null);
  if (!blob) return;
  const image = make("img", { alt: "the picture to start from", src: URL.createObjectURL(blob) });
  const canvas = make("canvas", { "aria-label": "paint what is to be drawn anew, with a pointer; or choose a file with a mask" });
  const size = make("input", { type: "range", min: 2, max: 30, value: 10, "aria-label": "width of the brush" });
  const clear = make("button", { type: "button" }, "Clear the mask");
  const painter = make("div", { className: "painter field wide" },
    make("p", { className: "faint" }, "Paint over what is to be drawn anew; the rest stays as it is. Paint nothing, and all of it is redrawn."),
    make("div", { className: "mask" }, image, canvas), make("div", { className: "row" }, size, clear));
  image.addEventListener("load", () => { canvas.width = image.naturalWidth; canvas.height = image.naturalHeight; });
  image.addEventListener("error", () => painter.remove());
  paintOn(canvas, size, () => exportMask(canvas).then((file) => mask.write(file, "as it is painted above")));
  clear.addEventListener("click", () => { canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height); mask.write(null); });
  mask.element.before(painter);
}

function paintOn(canvas, size, onPainted) {
  let last = null;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * canvas.width / box.width, (event.clientY - box.top) * canvas.height / box.height];
  };
  const draw = (event) => {
    const brush = canvas.getContext("2d");
    const [x, y] = place(event);
    brush.lineWidth = Math.max(canvas.width, canvas.height) * size.value / 100;
    brush.lineCap = brush.lineJoin = "round";
    brush.strokeStyle = "#fff";
    brush.beginPath();
    brush.moveTo(...(last ?? [x, y]));
    brush.lineTo(x + 0.01, y);
    brush.stroke();
    last = [x, y];
  };
  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); last = null; draw(event); });
  canvas.addEventListener("pointermove", (event) => { if (event.buttons) draw(event); });
  canvas.addEventListener("pointerup", onPainted);
}

function exportMask(canvas) {
  const whole = make("canvas", { width: canvas.width, height: canvas.height });
  const brush = whole.getContext("2d");
  brush.fillRect(0, 0, whole.width, whole.height);
  brush.drawImage(canvas, 0, 0);
  return new Promise((resolve) => whole.toBlob(resolve, "image/png"));
}

// ---- jobs

async function draw() {
  clearFailures();
  const button = byId("draw");
  button.disabled = true;
  try {
    await submit("/v1/jobs", await readForm());
  } catch (failure) {
    showFormFailure(failure);
  } finally {
    button.disabled = false;
  }
}

async function submit(path, said) {
  const job = await askJson(path, { method: "POST", body: { ...said, preview: true, save: true } });
  remember(job.id, true);
  follow(job.id, job.plan.prompt);
}

function remember(id, is) {
  const kept = new Set(JSON.parse(sessionStorage.getItem(KEPT) ?? "[]"));
  if (is) kept.add(id); else kept.delete(id);
  sessionStorage.setItem(KEPT, JSON.stringify([...kept]));
}

/** A card for a job, kept true until the job has ended. */
async function follow(id, words) {
  const card = makeCard(id, words);
  running.set(id, card);
  byId("jobs").append(card.element);
  byId("now").hidden = false;
  if (isNarrow()) byId("now").scrollIntoView({ block: "start" }); // it is below the form there
  say("waiting");
  try {
    while (running.has(id)) { // a connection that breaks off is made again: it tells all from the beginning
      card.notes.replaceChildren();
      const answer = await ask(`/v1/jobs/${id}/events`);
      for await (const [kind, facts] of readEvents(answer)) {
        Promise.resolve(HEARD[kind]?.(card, facts, id)).catch((failure) => say(failure.fact ?? String(failure)));
      }
      if (running.has(id)) await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  } catch (failure) {
    endCard(card, id, failure);
  }
}

function makeCard(id, words) {
  const card = {
    state: make("p", { className: "faint" }, "waiting"),
    progress: make("progress", { max: 1 }),
    view: make("div", { className: "view", "aria-hidden": "true", hidden: true }),
    notes: make("ul", { className: "notes faint" }),
    cancel: make("button", { type: "button" }, "Cancel"),
  };
  card.cancel.addEventListener("click", () => cancel(id));
  card.body = make("div", {}, make("p", { className: "words", dir: "auto" }, words || "a picture"), card.state, card.progress, card.notes, make("div", { className: "row" }, card.cancel));
  card.element = make("li", { className: "job" }, card.view, card.body);
  return card;
}

const HEARD = {
  position: (card, { position }) => { card.state.textContent = position ? `waiting, ${position} before it` : "next"; },
  stage: (card, { text }) => { card.state.textContent = text; },
  note: (card, { text }) => card.notes.append(make("li", {}, text)),
  step: (card, step) => {
    const which = step.pictures > 1 ? `picture ${step.picture} of ${step.pictures}, ` : "";
    card.state.textContent = `${which}step ${step.step} of ${step.steps}`;
    card.progress.value = step.share;
    if (step.preview?.startsWith("data:image/")) showIn(card, step.preview, "rough");
  },
  picture: async (card, picture) => {
    showIn(card, await fetchImage(picture.url), "");
    say(`a picture is finished, seed ${picture.seed}`);
    await loadPictures();
  },
  done: (card, _, id) => endCard(card, id, null),
  cancelled: (card, _, id) => endCard(card, id, null, "cancelled"),
  failed: (card, { error }, id) => endCard(card, id, error),
};

function showIn(card, address, kind) {
  const image = card.view.querySelector("img") ?? make("img", { alt: "" });
  image.src = address;
  image.className = kind;
  if (!image.isConnected) card.view.replaceChildren(image);
  card.view.hidden = false;
}

function endCard(card, id, failure, words = "") {
  running.delete(id);
  remember(id, false);
  if (words) say(words);
  if (failure) {
    card.progress.remove();
    card.state.className = "failure";
    showFailure(card.state, failure);
    say(failure.fact ?? "it failed");
    card.cancel.replaceWith(dismissButton(card));
    return;
  }
  card.element.remove();
  byId("now").hidden = byId("jobs").childElementCount === 0;
}

function dismissButton(card) {
  const button = make("button", { type: "button" }, "Put it away");
  button.addEventListener("click", () => {
    card.element.remove();
    byId("now").hidden = byId("jobs").childElementCount === 0;
    byId("prompt").focus();
  });
  return button;
}

async function cancel(id) {
  try { await ask(`/v1/jobs/${id}`, { method: "DELETE" }); } catch (failure) { say(failure.fact); }
}

/** The server-sent events of an answer, as [kind, facts]. */
async function* readEvents(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read().catch(() => ({ done: true })); // it broke off
    if (done) return;
    text += value;
    const events = text.split("\n\n");
    text = events.pop();
    for (const event of events) {
      const lines = event.split("\n");
      const kind = lines.find((line) => line.startsWith("event: "))?.slice(7);
      const data = lines.filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
      if (kind && data) yield [kind, JSON.parse(data)];
    }
  }
}

// ---- the pictures that are there

let listed = []; // their names, the newest first
const addresses = new Map(); // of thumbnails, by name and time

async function loadPictures(after = null) {
  const query = after === null ? "" : `?after=${encodeURIComponent(after)}`;
  const { pictures, more } = await askJson("/v1/pictures" + query);
  const list = byId("pictures");
  const names = pictures.map((picture) => picture.name);
  const fresh = pictures.filter((picture) => !listed.includes(picture.name));
  if (after !== null) {
    list.append(...fresh.map(makeTile));
    listed.push(...fresh.map((picture) => picture.name));
  } else if (fresh.length < pictures.length) { // what is shown stays, whatever page it is on
    list.prepend(...fresh.map(makeTile));
    listed.unshift(...fresh.map((picture) => picture.name));
    byId("no-pictures").hidden = true;
    return;
  } else {
    list.replaceChildren(...pictures.map(makeTile));
    listed = names;
  }
  byId("older").hidden = !more;
  byId("no-pictures").hidden = listed.length > 0;
}

function makeTile(picture) {
  const image = make("img", { alt: "", loading: "lazy" });
  const button = make("button", { type: "button", title: picture.name, "aria-label": `show ${picture.name}` }, image);
  button.dataset.name = picture.name;
  button.addEventListener("click", () => showPicture(picture.name));
  showThumbnail(image, picture).catch(() => button.replaceChildren(make("span", { className: "faint" }, "no picture")));
  return make("li", {}, button);
}

async function showThumbnail(image, picture) {
  const key = `${picture.name} ${picture.changed}`;
  if (!addresses.has(key)) addresses.set(key, fetchImage(pathOf(picture.name) + "/thumbnail"));
  image.src = await addresses.get(key);
}

function pathOf(name) { return "/v1/pictures/" + encodeURIComponent(name); }

let shown = null; // {name, facts, address} of the picture in the dialog
let wanted = null; // the name of the picture that was asked for last

async function showPicture(name) {
  const dialog = byId("shown");
  showFailure(byId("shown-failure"), null);
  byId("shown-said").textContent = "";
  wanted = name;
  try {
    const [facts, address] = await Promise.all([askJson(pathOf(name) + "/facts"), fetchImage(pathOf(name))]);
    if (wanted !== name) return; // another was asked for meanwhile
    if (shown?.address) URL.revokeObjectURL(shown.address);
    shown = { name, facts, address };
    const image = byId("shown-image");
    image.src = address;
    image.alt = facts.prompt || name;
    byId("shown-title").textContent = facts.prompt || name;
    byId("command").textContent = facts.command;
    byId("facts").replaceChildren(...factRows(name, facts));
    byId("actions").replaceChildren(...actionsOf(facts).map(([title, act]) => {
      const button = make("button", { type: "button", className: title === "Vary" ? "main" : "" }, title);
      button.addEventListener("click", () => act().catch((failure) => showFailure(byId("shown-failure"), failure)));
      return button;
    }));
    if (!dialog.open) dialog.showModal();
  } catch (failure) {
    showFailure(byId("form-failure"), failure);
  }
}

function factRows(name, facts) {
  const rows = [["file", name], ["pixels", facts.pixels], ["negative", facts.negative],
    ...Object.entries(facts.settings), ["what it is", facts.title]];
  return rows.filter(([, value]) => value && String(value) !== "").flatMap(([title, value]) => [
    make("dt", {}, title), make("dd", { dir: "auto" }, Array.isArray(value) ? value.join(", ") : String(value)),
  ]);
}

function actionsOf(facts) {
  const drawAgain = (vary) => async () => {
    await submit(pathOf(shown.name) + "/jobs", { vary });
    byId("shown").close();
  };
  const start = async () => {
    const blob = await (await ask(pathOf(shown.name))).blob();
    fields.get("image").write(blob, shown.name);
    openFold("image");
  };
  const settings = async () => { takeSettings(facts); openFold(null); };
  const copy = async () => {
    await navigator.clipboard.writeText(facts.command).catch(selectCommand);
    byId("shown-said").textContent = "The command is copied.";
  };
  const known = facts.command !== "";
  return [
    ...(known ? [["Vary", drawAgain(true)], ["Draw again", drawAgain(false)], ["Take its settings", settings]] : []),
    ["Start from it", start],
    ...(known ? [["Copy the command", copy]] : []),
  ];
}

function selectCommand() {
  getSelection().selectAllChildren(byId("command"));
  document.execCommand("copy");
}

function takeSettings(facts) {
  clearFailures();
  for (const field of fields.values()) field.write(null);
  const said = { ...facts.settings, prompt: facts.prompt, negative: facts.negative };
  for (const [name, value] of Object.entries(said)) {
    const field = fields.get(name);
    if (field && !field.option.start) field.write(field.option.kind === "many" && !Array.isArray(value) ? [value] : value);
  }
  countAllSaid();
}

function openFold(name) {
  byId("shown").close();
  const field = fields.get(name ?? "prompt");
  const fold = field.control.closest("details");
  if (fold) fold.open = true;
  (name ? fields.get("prompt") : field).control.focus();
}

// ---- keys, and the beginning

form.addEventListener("input", (event) => {
  const field = fields.get(event.target.closest("[data-option]")?.dataset.option);
  if (field) clearFailure(field);
});
form.addEventListener("submit", (event) => { event.preventDefault(); draw(); });
byId("prompt").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); draw(); }
});
byId("reset").addEventListener("click", () => {
  for (const field of fields.values()) field.write(null);
  clearFailures();
  countAllSaid();
  byId("prompt").focus();
});
byId("older").addEventListener("click", async () => {
  const first = listed.length;
  await loadPictures(listed.at(-1)).catch((failure) => say(failure.fact));
  byId("pictures").children[first]?.querySelector("button").focus();
});
byId("shown").addEventListener("close", () => {
  const tile = [...byId("pictures").querySelectorAll("button")].find((one) => one.dataset.name === shown?.name);
  if (document.activeElement === document.body) tile?.focus();
});
document.addEventListener("keydown", (event) => {
  const open = byId("shown").open;
  if (event.key === "Escape" && !document.querySelector("dialog[open]")) {
    const newest = [...running.keys()].at(-1);
    if (newest) cancel(newest);
  }
  const turn = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (open && turn) {
    const next = listed[listed.indexOf(shown.name) + turn];
    if (next) showPicture(next);
  }
});

async function begin() {
  const table = await askJson("/v1/form");
  byId("about").textContent = `${table.model}, on this server; sdcli ${table.version}`;
  buildForm(table);
  await loadPictures();
  for (const id of JSON.parse(sessionStorage.getItem(KEPT) ?? "[]")) {
    askJson(`/v1/jobs/${id}`).then((job) => follow(id, job.plan?.prompt), () => remember(id, false));
  }
}
begin().catch((failure) => showFailure(byId("form-failure"), failure.fact ? failure : { fact: String(failure) }));
