// What the server was told and has not answered yet. Streamlit loses an event now and then: when another comes before the script
// has begun to run for the first, or when the server is started anew. What was not heard is told again, a few times.

/** Milliseconds between two looks at whether it was heard. */
const LOOK = 600;
/** Looks at a page at rest, one after the other, until it is taken for lost. */
const LOOKS = 2;
/** How often it is told again: nobody may listen at all. */
const TIMES = 4;

/** @typedef {{ value: unknown, asked: boolean, before: number, rests: number, times: number }} Word */

export class Told {
  /** @type {Map<string, Word>} by its name */
  #words = new Map();
  /** @type {string | undefined} who listens */
  #session;
  /** @type {Record<string, number>} how often something was heard under each name */
  #heard = {};
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #again;
  #rests;

  /**
   * @param {(kept: string[], asked: [name: string, value: unknown][]) => void} again tells it once more: what lasts, by its name,
   *   and what is asked
   * @param {() => boolean} rests whether the server is not at work
   */
  constructor(again, rests) {
    this.#again = again;
    this.#rests = rests;
  }

  /** @param {string} name of what lasts; the server knows the value */
  keeps(name) {
    this.#tell(name, null, false);
  }

  /** @param {string} name @param {unknown} value */
  asks(name, value) {
    this.#tell(name, value, true);
  }

  /**
   * What the server says: a session, and how often that heard something under each name.
   * @param {string | undefined} session @param {Record<string, number>} heard
   */
  answers(session, heard) {
    const other = this.#session !== undefined && session !== this.#session;
    this.#session = session;
    this.#heard = heard;
    if (other) {
      // It was started anew, and took what came with its first run for having been there all along.
      for (const [name, word] of this.#words) word.before = heard[name] ?? 0;
      this.#repeat([...this.#words.keys()]);
    } else for (const [name, { before }] of this.#words) if ((heard[name] ?? 0) > before) this.#words.delete(name);
  }

  end() {
    clearTimeout(this.#timer);
    this.#words.clear();
  }

  /** @param {string} name @param {unknown} value @param {boolean} asked */
  #tell(name, value, asked) {
    this.#words.set(name, { value, asked, before: this.#heard[name] ?? 0, rests: 0, times: 0 });
    this.#timer ??= setTimeout(() => this.#look(), LOOK);
  }

  #look() {
    this.#timer = undefined;
    const rests = this.#rests();
    const lost = [];
    for (const [name, word] of this.#words) {
      word.rests = rests ? word.rests + 1 : 0;
      if (word.times === TIMES) this.#words.delete(name);
      else if (word.rests === LOOKS) lost.push(name);
    }
    this.#repeat(lost);
    if (this.#words.size) this.#timer = setTimeout(() => this.#look(), LOOK);
  }

  /** @param {string[]} names */
  #repeat(names) {
    /** @type {string[]} */
    const kept = [];
    /** @type {[string, unknown][]} */
    const asked = [];
    for (const name of names) {
      const word = /** @type {Word} */ (this.#words.get(name));
      word.rests = 0;
      word.times++;
      if (word.asked) asked.push([name, word.value]);
      else kept.push(name);
    }
    if (names.length) this.#again(kept, asked);
  }
}
