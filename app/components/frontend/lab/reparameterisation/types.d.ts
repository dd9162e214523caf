// What `app/lab/reparameterisation.py` hands its view; `tests/app/test_page_types.py` holds it to that.

/** `app/lab/reparameterisation.py` */
export interface ReparameterisationData {
  model: string;
  images: string;
  /** μ1, μ2, σ1, σ2 */
  q: number[];
  zoom: boolean;
  seed: number;
  /** Row of the images blob. */
  image: number | null;
  how: "trick" | "direct";
  code: number;
}
