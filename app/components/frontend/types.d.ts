// What travels between Python, the modules of the page and its worker. Types only: nothing of this file runs.

/** Numbers that are only read, whatever holds them. */
export type Numbers = ArrayLike<number>;

/** Numbers that are written into. */
export interface Room {
  readonly length: number;
  [n: number]: number;
}

/** What `h` takes: what begins with "on" are listeners, all else are attributes; true is one without a value. */
export type Attributes = {
  [Name in keyof HTMLElementEventMap as `on${Name}`]?: (event: HTMLElementEventMap[Name]) => void;
} & Record<string, string | number | boolean | null | undefined | ((event: never) => void)>;

// ---- arrays that Python sends

export type Dtype = "F32" | "F16" | "I32" | "U8";

export interface Tensor<Data extends Room = Float32Array | Int32Array | Uint8Array> {
  dtype: Dtype;
  shape: number[];
  data: Data;
}

/** A safetensors byte string, parsed. */
export interface Arrays {
  metadata: Record<string, string>;
  tensors: Map<string, Tensor>;
}

/** What comes of addresses: arrays, and null where there was no address. */
export type Blobs<Addresses extends (string | null | undefined)[]> = {
  [Place in keyof Addresses]: Addresses[Place] extends string ? Arrays : Arrays | null;
};

// ---- the network: what `vae_core.networks.page_` and `vae_core.networks.graph` write

/** A value of a graph; its shape begins with the batch, "N". */
export interface GraphValue {
  name: string;
  shape: (string | number)[];
}

/** An operator with names in and names out, in ONNX's words. */
export interface GraphNode {
  op: string;
  inputs: string[];
  outputs: string[];
  attributes: Record<string, number | number[] | undefined>;
}

export interface Graph {
  inputs: GraphValue[];
  outputs: GraphValue[];
  initializers: { name: string; shape: number[] }[];
  nodes: GraphNode[];
}

export interface Manifest {
  format: number;
  /** What the model is called. */
  name: string;
  latent_dim: number;
  /** [C, H, W] */
  image_shape: number[];
  likelihood: string;
  is_log_likelihood: boolean;
  posterior: string;
  decoder: Graph;
  encoder: Graph | null;
  /** Of a Gaussian: one for all pixels, or one for each; not there where it was not kept. */
  sigma?: number | number[];
}

/** Q(z|X) = N(mu, L·Lᵀ): L has exp(logvar / 2) on its diagonal and `lower` below it, row by row; null where Q is diagonal. */
export interface Code {
  mu: Float32Array;
  logvar: Float32Array;
  lower: Float32Array | null;
}

/** What `compile` makes of a manifest. What the functions return is valid until their next call. */
export interface Network {
  D: number;
  /** [C, H, W] */
  shape: number[];
  /** C·H·W */
  size: number;
  /** z (D) -> f(z) (C·H·W), the likelihood's parameter. */
  parameters(z: Numbers): Float32Array;
  /** −log P(x|z) in nats; NaN where the manifest has no σ for a Gaussian. */
  distortion(z: Numbers, x: Numbers): number;
  /** z (D) -> the mean picture (C·H·W) in [0, 1], into `out` if given. */
  decode(z: Numbers, out?: Float32Array): Float32Array;
  /** zs (n·D) -> n mean pictures, one after the other, into `out` (n·C·H·W) if given. */
  decodeBatch(zs: Float32Array, out?: Float32Array): Float32Array;
  /** x (C·H·W) in [0, 1] -> Q(z|X); null without an encoder. */
  encode: ((x: Numbers) => Code) | null;
  isLogLikelihood: boolean;
}

// ---- the worker that decodes beside the page

/** A place of the decoded plane: column, row, how many cells it stands for on a side. */
export type Cell = [column: number, row: number, span: number];

export type WorkerRequest =
  | { type: "model"; manifest: Manifest; tensors: Map<string, Tensor>; dims: number[] }
  | { type: "z"; z: Numbers; moved: number }
  | { type: "dims"; dims: number[] }
  | { type: "plane"; cells: number };

export type WorkerAnswer =
  | { type: "strip"; dim: number; pixels: Uint8ClampedArray<ArrayBuffer> }
  | { type: "cells"; cells: Cell[]; pixels: Uint8ClampedArray<ArrayBuffer> };

// ---- what a component gets

/** What one latent dimension says: `dim` from 0 on, `kl` in nats, averaged over images; null where it is not known. */
export interface DimensionKL {
  dim: number;
  kl: number | null;
}

/** `app/components/map.py` */
export interface MapData {
  key: string;
  /** Address of `points` F32 (N, 2), `labels` U8, `indices` I32 and, where points carry a number, `values` F32. */
  points: string;
  /** Address of `images` U8 (M, C, H, W) and `indices` I32. */
  images: string;
  names: string[];
  palette: string[];
  colourBy: "label" | "value";
  colourTitle: string;
  colourUnit: string;
  selected: number | null;
  lasso: number[];
  axes: { x: string; y: string; meaningful: boolean };
  caption: string;
  progress: number | null;
  progressText: string;
  height: number;
}

/** `app/components/gallery.py`: one picture of the blob. */
export interface GalleryPicture {
  tensor: string;
  index: number;
  caption?: string;
  /** A difference: 128 is none. */
  diverging?: boolean;
}

/** `app/components/gallery.py`: what is shown together. */
export interface GalleryTile {
  pictures: GalleryPicture[];
  title?: string;
  lines?: string[];
  /** What a click returns. */
  value?: number | string;
}

/** `app/components/gallery.py` */
export interface GalleryData {
  blob: string;
  /** The name of a tensor stands for all its pictures. */
  tiles: GalleryTile[] | string;
  columns: number;
  tilePx: number;
  selected: number | string | null;
  clickable: boolean;
  dense: boolean;
  gap: number;
  caption: string;
}

/** `app/chrome/presenter.py` */
export interface PresenterData {
  presenting: boolean;
  /** Of the tour, from 1 on; 0 or null off it. */
  stop: number | null;
  stops: number;
  sentence: string;
  astray: boolean;
  offer: boolean;
  /** Which of `places` the keys lead through; null for another page. */
  place: number | null;
  places: number;
}

/** `app/views/compare.py`: one model; `links` say which dimension follows which: [the first model's, its own, sign, |r|]. */
export interface CompareModel {
  letter: string;
  title: string;
  colour: string;
  blob: string;
  images: string;
  links: [dim: number, other: number, sign: number, r: number | null][];
}

/** `app/views/compare.py` */
export interface CompareData {
  models: CompareModel[];
  dims: { dim: number; kl: number }[];
  inactive: { dim: number; kl: number }[];
  z: number[];
}

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
  /** Nats from which a dimension is called active. */
  threshold: number;
  /** Address of `values`: the variance of the data along its first principal components. */
  eigenvalues: string;
  palette: string[];
}

/** `app/lab/collapse.py`: one run. */
export interface CollapsePanel {
  run: string;
  title: string;
  /** Address of `epoch`, `beta`, `reconstruction` (T) and `kl` (T, D); null while there is one point at most. */
  blob: string | null;
  epochs: number;
  /** The dimensions, the one that ends most active first. */
  order: number[];
  /** Whether the objective is reconstruction − β·KL, of whatever form. */
  weighs: boolean;
  /** Nats for which no dimension is charged. */
  free: number;
  /** What it is doing; empty once it is finished. */
  status: string;
  /** Of each dimension at the end. */
  findings: { state: string; sentence: string }[] | null;
}

/** `app/lab/collapse.py` */
export interface CollapseData {
  panels: CollapsePanel[];
  at: number | null;
  /** Panel and dimension; −1: none. */
  pick: [panel: number, dim: number];
  palette: string[];
}

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

/** `app/components/__init__.py` */
export interface PlayerData {
  model: string;
  images: string | null;
  means: string | null;
  z: number[];
  dims: DimensionKL[];
  inactive: DimensionKL[];
  image: number | null;
  palette: string[];
  height: number;
}
