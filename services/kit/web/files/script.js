// Every page works without this. It spares a form that is sent twice its second request, moves the focus to the list of
// errors in browsers that do not heed `autofocus` there, and keeps the back button from asking to send a form again.
"use strict";

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "true";
  // Not `disabled`: the button's own value is sent with the form.
  event.submitter?.setAttribute("aria-disabled", "true");
  // This page answered a form and is stored nowhere: going back to it must ask for its address, not for the form.
  if ("sent" in document.documentElement.dataset) history.replaceState(null, "", location.href);
});

// A page that comes back with the back button must be usable again.
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
  for (const button of document.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
});

document.querySelector("[data-focus]")?.focus();
