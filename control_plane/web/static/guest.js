// Moves the secret of a guest's link out of the address bar, where it would be kept and seen, into the form.
// It sends nothing: only the person's own press of the button does.
"use strict";

const SECRET = /^#[A-Za-z0-9_-]{20,}$/; // and not #content, to which the first link of the page leads

function takeSecret() {
  const { hash, pathname } = window.location;
  if (!SECRET.test(hash)) {
    return;
  }
  window.history.replaceState(null, "", pathname);
  document.getElementById("token").value = hash.slice(1);
  document.getElementById("by-hand").hidden = true;
  document.getElementById("ready").hidden = false;
  // Another language is another page: the secret goes along as it came, behind a # and so to no server.
  for (const link of document.querySelectorAll(".languages a")) {
    link.hash = hash;
  }
}

window.addEventListener("hashchange", takeSecret);
takeSecret();
