// What `app/lab/steps.py` hands its view; `tests/app/test_page_types.py` holds it to that.

/** β from that step on. */
export type BetaFrom = [step: number, beta: number];

/** `app/lab/steps.py` */
export interface StepsData {
  /** Address of `images` and `labels`. */
  images: string;
  palette: string[];
  hidden: number;
  latentDim: number;
  batch: number;
  rate: number;
  /** The values of β to choose from. */
  stops: number[];
  limit: number;
  seed: number;
  image: number;
  step: number;
  path: BetaFrom[];
}
