// The page's sentences, from its template, and amounts as people read them.
const UNITS = ["B", "kB", "MB", "GB", "TB"];
const { lang } = document.documentElement;

export const word = (name, values = {}) =>
  document.querySelector(`[data-words] [data-word="${name}"]`).textContent
    .replace(/\{(\w+)\}/g, (_, key) => values[key]);

export const amount = (bytes) => {
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), UNITS.length - 1);
  const value = bytes / 1000 ** power;
  const digits = { maximumFractionDigits: value < 10 && power ? 1 : 0 };
  return `${new Intl.NumberFormat(lang, digits).format(value)} ${UNITS[power]}`;
};

export const duration = (seconds) => {
  if (seconds < 90) return word("seconds", { n: Math.max(1, Math.round(seconds)) });
  if (seconds < 5400) return word("minutes", { n: Math.round(seconds / 60) });
  return word("hours", { n: Math.round(seconds / 360) / 10 });
};
