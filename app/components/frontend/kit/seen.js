// What this browser's visitor has seen of the lab and answered in it; nothing where nothing may be kept.

const SEEN = "elbo-room-lab";
const ANSWERED = "elbo-room-questions";
const OFF = "off"; // among the names of what was answered: ask nothing

/** @param {string} key @returns {string[]} */
const names = (key) => {
  try {
    return (localStorage.getItem(key) ?? "").split(" ").filter(Boolean);
  } catch {
    return [];
  }
};

/** @param {string} key @param {string} name */
function add(key, name) {
  const known = names(key);
  if (known.includes(name)) return;
  try {
    localStorage.setItem(key, [...known, name].join(" "));
  } catch {} // then the lab begins anew
}

/** @param {string} name of a view */
export const isSeen = (name) => names(SEEN).includes(name);

/** @param {string} name */
export const see = (name) => add(SEEN, name);

/** Whether the question of this view was answered or skipped. @param {string} name */
export const answered = (name) => names(ANSWERED).includes(name);

/** @param {string} name */
export const closeQuestion = (name) => add(ANSWERED, name);

export const areQuestionsOff = () => names(ANSWERED).includes(OFF);

/** Ask before each view, all of them anew; or ask nothing. @param {boolean} on */
export function turnQuestions(on) {
  if (!on) {
    add(ANSWERED, OFF);
    return;
  }
  try {
    localStorage.removeItem(ANSWERED);
  } catch {} // it was never kept
}
