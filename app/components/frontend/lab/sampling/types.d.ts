// What `app/lab/sampling.py` hands its view; `tests/app/test_page_types.py` holds it to that.

/** `app/lab/sampling.py` */
export interface SamplingData {
  refine: string | null;
  image: number;
  seed: number;
  labels: string;
  /** Address of `pixels`, and of `prior` and `q` each `…_log_weight`, `…_log_likelihood` and `…_pictures`. */
  blob: string;
  samples: number;
  /** log P(X), nats, or its best bound; null where it is not known. */
  reference: number | null;
  /** How many other samples the bound is from; 0: it was integrated. */
  referenceSamples: number;
  isLogLikelihood: boolean;
  k: number | null;
}
