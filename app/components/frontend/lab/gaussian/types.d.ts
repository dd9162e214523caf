// What `app/lab/gaussian.py` hands its view; `tests/app/test_page_types.py` holds it to that.

/** `app/lab/gaussian.py`: one model of the family; figures in nats, null where they are not worked out yet. */
export interface AggregateModel {
  run: string;
  beta: number;
  /** How far the density reaches upwards and to the right, of a code. */
  reach: number;
  wide: number;
  rate: number;
  information: number | null;
  marginal: number | null;
}

/** `app/lab/gaussian.py`: a whole data set, or why there is none. */
export interface AggregateData {
  error?: string;
  key?: string;
  options?: [run: string, title: string][];
  run?: string;
  /** Address of `means`, `sigma` (models, images, 2), `density` (models, H, W) and `labels`. */
  blob?: string;
  palette?: string[];
  models?: AggregateModel[];
}

/** `app/lab/gaussian.py` */
export interface GaussianViewData {
  mode: "line" | "plane" | "data";
  line: [mu: number, sigma: number];
  plane: number[];
  sweep: AggregateData;
}
