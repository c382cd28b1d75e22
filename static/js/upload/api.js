// Requests to the register, and what can come of them.
export class Refused extends Error {
  constructor(status, detail, wait) {
    super(detail);
    this.status = status;
    this.wait = wait;
  }

  // Nobody answered, or somebody who asks for patience.
  get isPassing() { return [0, 408, 429, 500, 502, 503, 504].includes(this.status); }

  get isSignedOut() { return this.status === 401 || (this.status === 403 && this.message.startsWith("CSRF")); }
}

export class Unreadable extends Error {}

const token = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";

const detailOf = (request) => {
  try {
    return JSON.parse(request.responseText).detail ?? "";
  } catch {
    return "";
  }
};

// XMLHttpRequest, as fetch does not say how much of a body is sent.
export const ask = (method, address, { json, body, signal, progress } = {}) =>
  new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const request = new XMLHttpRequest();
    request.open(method, address);
    request.setRequestHeader("X-CSRFToken", token());
    const abort = () => request.abort();
    signal?.addEventListener("abort", abort, { once: true });
    request.addEventListener("loadend", () => signal?.removeEventListener("abort", abort));
    request.addEventListener("abort", () => reject(signal.reason));
    request.addEventListener("error", () => reject(new Refused(0, "", 0)));
    request.addEventListener("load", () => {
      const { status } = request;
      if (status >= 200 && status < 300) resolve(status === 204 ? null : JSON.parse(request.responseText));
      else reject(new Refused(status, detailOf(request), Number(request.getResponseHeader("Retry-After"))));
    });
    if (progress) request.upload.addEventListener("progress", (event) => progress(event.loaded));
    if (json === undefined) {
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.send(body);
    } else {
      request.setRequestHeader("Content-Type", "application/json");
      request.send(JSON.stringify(json));
    }
  });
