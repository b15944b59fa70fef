// connectorauth.connect(connector, options) opens the consent for a connector in
// a popup; call it from a click. It returns a promise, which is fulfilled when
// the account is connected and rejected with an Error when it is not: its reason
// is "closed" if the person closed the window, or one of package consent's
// Reasons, such as "denied". After other failures the popup stays open for the
// person to read and try again, and the promise waits until it is closed.
//
// If the browser blocks the popup, the consent opens in this window and returns
// to options.returnTo, a path of this site (by default the present page).
(function () {
  "use strict";
  var base = new URL(".", document.currentScript.src);
  var running = new Map(); // by connector

  function connect(connector, options) {
    options = options || {};
    var before = running.get(connector);
    if (before && !before.popup.closed) {
      before.popup.focus();
      return before.promise;
    }
    var id = randomID();
    var start = new URL("start", base);
    start.searchParams.set("connector", connector);
    var popup = window.open(start.href + "&popup=" + id, "connectorauth-" + id, features(options));
    if (!popup || popup.closed) {
      start.searchParams.set("return_to", options.returnTo || location.pathname + location.search);
      location.assign(start.href);
      return new Promise(function () {}); // this page is about to go
    }
    var promise = wait(id, popup).finally(function () {
      var now = running.get(connector);
      if (now && now.promise === promise) running.delete(connector);
    });
    running.set(connector, { popup: popup, promise: promise });
    return promise;
  }

  // wait returns a promise for the outcome of a popup.
  function wait(id, popup) {
    return new Promise(function (fulfil, reject) {
      var channel = window.BroadcastChannel ? new BroadcastChannel("connectorauth") : null;
      var reason = "closed";
      var closedAt = 0;

      function onMessage(event) {
        if (event.origin !== base.origin) return;
        var data = event.data;
        if (!data || typeof data.connectorauth !== "string") return;
        if (event.source !== popup && data.popup !== id) return;
        reason = data.connectorauth;
        if (reason === "connected" || reason === "denied") end();
      }

      // A provider that cuts the tie to its opener makes the popup look closed
      // while the person is still there. The focus comes back with the person.
      // A message may still be on its way when the window has gone.
      function look() {
        if (!popup.closed || !document.hasFocus()) closedAt = 0;
        else if (!closedAt) closedAt = Date.now();
        else if (Date.now() - closedAt > 500) end();
      }

      function end() {
        window.removeEventListener("message", onMessage);
        if (channel) channel.close();
        clearInterval(timer);
        if (reason === "connected") {
          fulfil();
          return;
        }
        var error = new Error("The account was not connected: " + reason);
        error.reason = reason;
        reject(error);
      }

      window.addEventListener("message", onMessage);
      if (channel) channel.onmessage = onMessage;
      var timer = setInterval(look, 200);
    });
  }

  function features(options) {
    var width = options.width || 520;
    var height = options.height || 680;
    var left = Math.max(0, window.screenX + (window.outerWidth - width) / 2);
    var top = Math.max(0, window.screenY + (window.outerHeight - height) / 2);
    return "popup,width=" + width + ",height=" + height + ",left=" + Math.round(left) + ",top=" + Math.round(top);
  }

  function randomID() {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), function (byte) {
      return byte.toString(16).padStart(2, "0");
    }).join("");
  }

  window.connectorauth = { connect: connect };
})();
