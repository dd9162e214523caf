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
  /** `share`: of its time that it works, from 0 to 1. */
  | { type: "model"; manifest: Manifest; tensors: Map<string, Tensor>; dims: number[]; share: number }
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

/** `app/components/map.py`: one map. */
export interface MapPanel {
  /** Empty: there is no other to tell it from. */
  title: string;
  /** Address of `points` F32 (N, 2), `labels` U8, `indices` I32 and, where points carry a number, `values` F32. */
  points: string;
  progress: number | null;
  progressText: string;
}

/** `app/components/map.py` */
export interface MapData {
  key: string;
  /** One, or two of the same images side by side. */
  panels: MapPanel[];
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
  height: number;
}

/** `app/components/gallery.py`: one picture of the blob. */
export interface GalleryPicture {
  tensor: string;
  index: number;
  caption?: string;
  /** A difference: 128 is none. */
  diverging?: boolean;
  /** Whether it has a row of its own. */
  wide?: boolean;
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
  /** A selector of what the stop speaks of; empty for nothing. */
  points: string;
  /** Pages to go on with from the last stop, and their names. */
  ends: [page: string, name: string][];
  astray: boolean;
  offer: boolean;
  /** Its name in the URL. */
  page: string;
  /** Which of `places` the keys lead through; null for another page. */
  place: number | null;
  places: number;
}

/** `app/chrome/waiting.py`: how it stands with what a component waits for; `button` is what may be asked there. */
export interface Waiting {
  text: string;
  failed: boolean;
  button: "" | "retry" | "cancel";
}

/** Which dimension follows which: the first model's, the own, the sign, |r|; null where nothing aligns the two models. */
export type Link = [dim: number, other: number, sign: number, r: number | null];

/** `app/views/compare.py`: one model; `links` are null, and `waiting` says why, until they are known. */
export interface CompareModel {
  letter: string;
  title: string;
  colour: string;
  blob: string;
  images: string;
  /** [C, H, W] */
  shape: number[];
  links: Link[] | null;
  waiting: Waiting | null;
}

/** `app/views/compare.py` */
export interface CompareData {
  models: CompareModel[];
  dims: { dim: number; kl: number }[];
  inactive: { dim: number; kl: number }[];
  z: number[];
}

/** `app/components/__init__.py` */
export interface PlayerData {
  model: string;
  images: string | null;
  means: string | null;
  /** What the model is called. */
  title: string;
  /** What its pictures are of: "digit". */
  thing: string;
  /** Null: where the picture is clear. */
  z: number[] | null;
  dims: DimensionKL[];
  inactive: DimensionKL[];
  image: number | null;
  palette: string[];
  height: number;
}

// ---- a run while it is trained: what `vae_core/config/events.py` and `app/live.py` write

/** The two terms of the ELBO, nats per image. */
export interface Terms {
  reconstruction: number;
  kl: number;
  kl_per_dim: number[];
}

/** One point of the curves: `train` of the steps since the last point; `seen` and `held_out` of this moment. */
export interface CurvePoint {
  type: "losses";
  step: number;
  epoch: number;
  beta: number;
  train: Terms;
  held_out: Terms;
  objective: number | null;
  /** Of as many training images as are held out; null in older runs. */
  seen?: Terms | null;
}

export interface RunProgress {
  type: "progress";
  step: number;
  steps: number;
  epoch: number;
  images_per_second: number;
  eta_seconds: number;
  train?: Terms | null;
  /** The step of the last frame. */
  frame?: number | null;
}

export type RunMessage =
  | CurvePoint
  | RunProgress
  | { type: "snapshot"; index: number; epoch: number }
  | { type: "status" | "end"; status: string }
  | { type: "finished"; test: Terms }
  | { type: "diverged"; message: string }
  | { type: "again" | "started" };

/** One model of a sweep, or of what waits. */
export interface QueueRow {
  run: string;
  label: string;
  status: string;
  ahead: number | null;
  share: number | null;
  elbo: number | null;
  /** Whether it belongs with the one that is shown. */
  sibling: boolean;
}

/** `app/views/train_live.py` */
export interface LiveData {
  /** Null: none was trained yet. */
  run: string | null;
  title: string;
  status: string;
  /** What is to be said of a run that is halted, failed or done. */
  note: string;
  /** Its terms on the whole test set, in words that add up. */
  result: string;
  /** Where the form says another model than the one that is shown. */
  other: string;
  mine: boolean;
  explorable: boolean;
  resumable: boolean;
  epochs: number;
  dims: number;
  shape: number[];
  layers: string[];
  beta: number;
  /** In words, where the ELBO is not what is maximised. */
  objective: string;
  weighsKL: boolean;
  warmup: boolean;
  /** Address of `images` U8 (N, C, H, W), test images. */
  images: string;
  palette: string[];
  activeKL: number;
  queue: QueueRow[];
}

interface ChoiceCard {
  id: string;
  title: string;
  text: string;
}

/** `app/views/train_choices.py` */
export interface ChoicesData {
  presets: ChoiceCard[];
  /** `images`: address of `images` U8 (N, C, H, W). */
  sets: (ChoiceCard & { images: string })[];
  networks: (ChoiceCard & { about: string })[];
  data: string;
  network: string;
}
