// This script runs on every page of accounts. The pages work without the script.
(function () {
  "use strict";
  // A page whose account waits for a consent goes on to the service, once: who comes back
  // by the back button finds the account as it is.
  var go = document.currentScript.dataset.go;
  if (go) {
    var here = new URL(location.href);
    here.searchParams.delete("did");
    history.replaceState(null, "", here.href);
    window.addEventListener("load", function () {
      setTimeout(function () { location.assign(go); }, 0);
    });
  }
  // A second click on a button sends no second form.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.getAttribute("method") !== "post") return; // form.method is the field with this name
    if (form.getAttribute("aria-busy") === "true") event.preventDefault();
    form.setAttribute("aria-busy", "true");
  });
  // Browsers keep a page for the back button, but its secrets are gone.
  window.addEventListener("pagehide", function () {
    document.querySelectorAll("[data-secret]").forEach(function (field) { field.value = ""; });
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[aria-busy]").forEach(function (form) { form.removeAttribute("aria-busy"); });
  });
  // What went wrong, or well, is read out first.
  var notice = document.getElementById("errors") || document.getElementById("done");
  if (notice) notice.focus();
})();
