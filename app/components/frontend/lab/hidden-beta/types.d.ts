// What `app/lab/hidden_beta.py` hands its view; `tests/app/test_page_types.py` holds it to that.

/** `app/lab/hidden_beta.py`: one model of the sweep; nats per image. */
export interface HiddenBetaModel {
  run: string;
  beta: number;
  rate: number;
  distortion: number;
  /** Address of `images` and `reconstructions`. */
  pictures: string;
}

/** `app/lab/hidden_beta.py` */
export interface HiddenBetaData {
  sweep: string;
  models: HiddenBetaModel[];
  /** Values in an image. */
  pixels: number;
  /** Latent dimensions. */
  dims: number;
  /** Images in a gradient step. */
  batch: number;
  /** Images of the training set. */
  images: number;
  /** How the loss is written, as `loss.js` reads it. */
  loss: string;
  weight: number;
  variance: number;
}
