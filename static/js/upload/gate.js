// What has to be open before anything is sent: closed by a pause, a network that is
// gone, a session that has ended. Whatever is on its way then is broken off.
export const CLOSED = new Error("closed");

export class Gate {
  reason = null;
  #way = new AbortController();
  #waiting = [];

  constructor(tell) { this.tell = tell; }

  get signal() { return this.#way.signal; }

  close(reason) {
    this.reason = reason;
    this.breakOff();
    this.tell();
  }

  breakOff() {
    this.#way.abort(CLOSED);
    this.#way = new AbortController();
    this.wake();
  }

  open() {
    this.reason = null;
    this.wake();
    this.tell();
  }

  // Ends every wait between two tries.
  wake() {
    for (const go of this.#waiting.splice(0)) go();
  }

  // Waits until it is open, or the signal says that nobody goes on.
  async pass(signal) {
    while (this.reason && !signal.aborted) await new Promise((go) => { this.#waiting.push(go); });
  }

  rest(milliseconds) {
    return new Promise((go) => {
      this.#waiting.push(go);
      setTimeout(go, milliseconds);
    });
  }
}
