// What `app/lab/rate_distortion.py` hands its view; `tests/app/test_page_types.py` holds it to that.

/** `app/lab/rate_distortion.py`: nats per image; errors are null where they are not worked out. */
export interface RateDistortionModel {
  run: string;
  title: string;
  /** Of the sweep; one outside is only comparable. */
  inside: boolean;
  /** Null for another objective than reconstruction − β·KL. */
  beta: number | null;
  rate: number;
  distortion: number;
  elbo: number;
  rateError: number | null;
  distortionError: number | null;
  elboError: number | null;
  /** Address of `images` and `reconstructions`. */
  pictures: string;
}

/** `app/lab/rate_distortion.py` */
export interface RateDistortionData {
  sweep: string;
  models: RateDistortionModel[];
  beta: number;
  current: string | null;
}
