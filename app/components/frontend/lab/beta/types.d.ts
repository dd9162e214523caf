// What `app/lab/beta.py` hands its view; `tests/app/test_page_types.py` holds it to that.

/** `app/lab/beta.py`: one model of the sweep; nats per image. */
export interface BetaModel {
  run: string;
  beta: number;
  latentDim: number;
  reconstruction: number;
  kl: number;
  elbo: number;
  klPerDim: number[];
  /** The two dimensions that are shown of its codes. */
  axes: [number, number];
  decoder: string;
  /** Address of `start` (images, D), `means` (N, 2) and `labels` (N). */
  encoded: string;
}

/** `app/lab/beta.py` */
export interface BetaData {
  sweep: string;
  models: BetaModel[];
  beta: number;
  /** Address of `images` and `labels`. */
  images: string;
  set: number;
  seed: number;
  plane: boolean;
  /** σ of the decoder of a linear VAE. */
  noise: number;
  /** Nats from which a dimension is called active. */
  threshold: number;
  /** Address of `values`: the variance of the data along its first principal components. */
  eigenvalues: string;
  palette: string[];
}
