// What `app/lab/gap.py` hands its view; `tests/app/test_page_types.py` holds it to that.

/** `app/lab/gap.py`: nats. */
export interface GapTerms {
  logPx: number;
  gap: number;
  reconstruction: number;
  kl: number;
  elbo: number;
}

export type GapName = "encoder" | "diagonal" | "full";

/** `app/lab/gap.py`: a Gaussian over the posterior; `terms` is null until the integrals are known. */
export interface GapGaussian {
  mean: [number, number];
  covariance: [[number, number], [number, number]];
  terms: GapTerms | null;
}

/** `app/lab/gap.py` */
export interface GapData {
  key: string;
  /** What to ask for to have the final figures; null once they are there. */
  refine: string | null;
  image: number;
  labels: string;
  decoder: string;
  /** Address of `means` and `labels`; null for figures that are not final. */
  encoded: string | null;
  palette: string[];
  /** Address of `pixels` (C, H, W) and `log_density` (n, m). */
  grid: string;
  /** The corners of the grid. */
  low: [number, number];
  high: [number, number];
  /** Of the log density, where 50, 90 and 99 % are inside. */
  levels: number[];
  gaussians: { encoder: GapGaussian } & Partial<Record<GapName, GapGaussian>>;
  family: "diagonal" | "full";
  isLogLikelihood: boolean;
  /** Where z was dragged to; null is Q's mean. */
  z: [number, number] | null;
  gaussian: GapName;
}
