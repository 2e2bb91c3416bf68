// The page: signs in, loads, draws, and follows the changes.

import { Refused, follow, token } from "./api.js";
import { inventory, load, refresh } from "./inventory.js";
import { draw } from "./tree.js";
import { show } from "./details.js";
import { make } from "./dom.js";

const at = (id) => document.getElementById(id);
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
let chosen = null;
let running = null;

function redraw() {
  draw(at("tree"), at("search").value, chosen, choose);
  show(at("details"), chosen);
  const connected = [...inventory.computes.values()].filter((compute) => compute.agent?.connected).length;
  at("totals").textContent = `${connected} of ${inventory.computes.size} computes connected · ${inventory.workloads.size} workloads`;
}

function choose(key) {
  chosen = key;
  for (const element of at("tree").querySelectorAll("[data-key]")) element.classList.toggle("chosen", element.dataset.key === key);
  show(at("details"), chosen);
  at("details").scrollTop = 0;
}

function tell(state, text) {
  at("feed").className = `feed ${state}`;
  at("feed").textContent = text;
}

function warn(text) {
  at("banner").hidden = text == null;
  at("banner").textContent = text ?? "";
}

// Loads, then follows; begins anew when the connection is lost, until it is stopped.
async function run(stop) {
  at("tree").replaceChildren(make("p", { class: "empty" }, "Loading the inventory…"));
  show(at("details"), null);
  for (let wait = 1000; !stop.aborted; wait = Math.min(wait * 2, 30000)) {
    try {
      tell("", "loading");
      let sequence = await load();
      if (stop.aborted) return;
      warn(null);
      redraw();
      let changes = [];
      let busy = false;
      const settle = async () => {
        // One at a time; what comes in meanwhile is dealt with afterwards.
        if (busy) return;
        busy = true;
        while (changes.length > 0 && !stop.aborted) {
          await pause(200);
          const due = changes;
          changes = [];
          if (!(await refresh(due))) await load();
          redraw();
        }
        busy = false;
      };
      const lost = new AbortController();
      stop.addEventListener("abort", () => lost.abort());
      // Liveness, use and coverage change without a change of a resource: read all again from time to time.
      const timer = setInterval(() => load().then(redraw).catch(() => lost.abort()), 30000);
      try {
        await follow(sequence, lost.signal, (event) => {
          if (event.name === "ready") { tell("live", "live"); wait = 500; }
          else if (event.name === "reset") lost.abort();
          else if (event.name === "change") {
            changes.push(JSON.parse(event.data));
            settle().catch(() => lost.abort());
          }
        });
      } finally {
        clearInterval(timer);
      }
      if (!stop.aborted) warn("The collector ended the connection; connecting again.");
    } catch (error) {
      if (stop.aborted) return;
      if (error instanceof Refused) return signOut(error.message);
      warn(`The collector does not answer (${error.message}). What is shown may be old. Trying again.`);
    }
    tell("lost", "not connected");
    await pause(wait * (0.5 + Math.random()));
  }
}

function signOut(reason) {
  running?.abort();
  token.clear();
  for (const list of Object.values(inventory)) list.clear();
  chosen = null;
  at("app").hidden = true;
  at("login").hidden = false;
  at("login-error").hidden = reason == null;
  at("login-error").textContent = reason ?? "";
  at("token").focus();
}

function signIn() {
  at("login").hidden = true;
  at("app").hidden = false;
  running = new AbortController();
  run(running.signal);
}

at("login").addEventListener("submit", (event) => {
  event.preventDefault();
  token.set(at("token").value.trim());
  at("token").value = "";
  signIn();
});
at("sign-out").addEventListener("click", () => signOut(null));
at("search").addEventListener("input", redraw);
document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLInputElement;
  if (event.key === "/" && !typing) { event.preventDefault(); at("search").focus(); }
  else if (event.key === "Escape" && event.target === at("search")) { at("search").value = ""; redraw(); at("search").blur(); }
});

if (token.get()) signIn();
else signOut(null);
