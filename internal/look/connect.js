// The functions of connectorauth, such as connect(name, options), open a popup in which a
// person connects an account. Call them in the handler of a click.
//
// They return a promise. The promise is fulfilled, with the account, when the account is
// connected, and rejected with an Error when the person denies access or closes
// the popup. The property reason of the Error is "denied", "closed", or another
// Reason of the Go package consent, and the message says the same to the person.
// After any other failure the popup stays open, so the person can read the message
// and try again.
//
// If the browser blocks the popup, the page opens in this window. Afterwards
// the browser goes to options.returnTo, a path of this site. The default is the
// present page.
//
// options.language is the language of the pages and of the message, such as "de".
// The default is the language of the browser.
//
// options.width and options.height are the size of the popup, in pixels.
(function () {
  "use strict";
  var base = new URL(".", document.currentScript.src);
  var closed = {/* texts */}; // the message for "closed", by language in lower case; "" is the browser's language
  var functions = {/* functions */}; // by name: the path that opens, and the parameter for the argument
  var running = new Map(); // the open popups, by URL

  // open opens a popup at a path, or at a URL if there is no path.
  function open(path, parameter, argument, options) {
    options = options || {};
    var start = new URL(path || argument, base);
    if (start.origin !== base.origin) throw new TypeError("connectorauth: " + start.origin + " is another origin");
    if (parameter && argument) start.searchParams.set(parameter, argument);
    var key = start.href;
    var before = running.get(key);
    if (before && !before.popup.closed) {
      before.popup.focus();
      return before.promise;
    }
    var id = randomID();
    if (options.language) start.searchParams.set("language", options.language);
    start.searchParams.set("popup", id);
    var popup = window.open(start.href, "connectorauth-" + id, features(options));
    if (!popup || popup.closed) {
      start.searchParams.delete("popup");
      start.searchParams.set("return_to", options.returnTo || location.pathname + location.search);
      location.assign(start.href);
      return new Promise(function () {}); // the browser is leaving this page
    }
    var promise = wait(id, popup, closedIn(options.language)).finally(function () {
      var now = running.get(key);
      if (now && now.promise === promise) running.delete(key);
    });
    running.set(key, { popup: popup, promise: promise });
    return promise;
  }

  // closedIn returns the message for "closed" in a language: "de" in place of "de-AT".
  function closedIn(language) {
    var tag = String(language || "").toLowerCase();
    while (tag && typeof closed[tag] !== "string") tag = tag.slice(0, Math.max(0, tag.lastIndexOf("-")));
    return closed[tag];
  }

  // wait returns a promise for the outcome of the popup with this ID. The message is
  // for a popup that is closed before any page has told an outcome.
  function wait(id, popup, message) {
    return new Promise(function (fulfil, reject) {
      var channel = window.BroadcastChannel ? new BroadcastChannel("connectorauth") : null;
      var reason = "closed";
      var account;
      var closedAt = 0;

      function onMessage(event) {
        if (event.origin !== base.origin) return;
        var data = event.data;
        if (!data || typeof data.connectorauth !== "string") return;
        if (event.source !== popup && data.popup !== id) return;
        reason = data.connectorauth;
        message = data.text;
        account = data.account;
        if (reason === "connected" || reason === "denied") end();
      }

      // checkClosed ends the wait half a second after the popup was closed: a
      // message from the popup may still be on the way. Some providers cut the
      // connection between a popup and its opener. The popup then looks closed
      // although the person still uses it, so checkClosed also waits until this
      // window has the focus again.
      function checkClosed() {
        if (!popup.closed || !document.hasFocus()) closedAt = 0;
        else if (!closedAt) closedAt = Date.now();
        else if (Date.now() - closedAt > 500) end();
      }

      function end() {
        window.removeEventListener("message", onMessage);
        if (channel) channel.close();
        clearInterval(timer);
        if (reason === "connected") {
          fulfil(account);
          return;
        }
        var error = new Error(message);
        error.reason = reason;
        reject(error);
      }

      window.addEventListener("message", onMessage);
      if (channel) channel.onmessage = onMessage;
      var timer = setInterval(checkClosed, 200);
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

  window.connectorauth = {};
  Object.keys(functions).forEach(function (name) {
    window.connectorauth[name] = function (argument, options) {
      return open(functions[name][0], functions[name][1], argument, options);
    };
  });
})();
