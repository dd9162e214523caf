// Which views of the lab this browser's visitor has seen; nothing where nothing may be kept.

const KEY = "elbo-room-lab";

const names = () => {
  try {
    return (localStorage.getItem(KEY) ?? "").split(" ").filter(Boolean);
  } catch {
    return [];
  }
};

/** @param {string} name */
export const isSeen = (name) => names().includes(name);

/** @param {string} name */
export function see(name) {
  const known = names();
  if (known.includes(name)) return;
  try {
    localStorage.setItem(KEY, [...known, name].join(" "));
  } catch {} // then the lab begins anew
}
