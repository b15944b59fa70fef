
// This script runs on every page with an outcome. It removes the code from the
// address, tells the outcome to the window of the application, and closes the
// popup, unless the person should read the page first. A provider can cut the
// connection between a popup and its opener; a BroadcastChannel then carries the
// outcome to pages of the same origin.
(function () {
  "use strict";
  var data = document.currentScript.dataset;
  if (!data.outcome) return;
  if (data.stay === undefined) history.replaceState(null, "", location.pathname);
  var message = { connectorauth: data.outcome, popup: data.popup, text: data.text, account: data.account };
  if (window.opener && data.origin) window.opener.postMessage(message, data.origin);
  if (data.popup && window.BroadcastChannel && location.origin === data.origin) {
    new BroadcastChannel("connectorauth").postMessage(message);
  }
  if (!data.popup && !window.opener) return;
  var button = document.getElementById("close");
  var back = document.getElementById("back");
  if (back) back.hidden = true; // the application is in the other window
  if (button) {
    button.hidden = false;
    button.onclick = function () { window.close(); };
  }
  if (data.stay !== undefined) return;
  if (data.outcome === "connected" || data.outcome === "denied") window.close();
})();
