// What the scripts say, in the language of the page. The page carries the words (config/templatetags/words.py) where
// it is not in English; the English text is the key. First of the scripts, because the others ask it.

const kept = document.getElementById("words");
const words = kept ? JSON.parse(kept.textContent) : {};

globalThis.said = (text, values = {}) =>
  (words[text] ?? text).replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
