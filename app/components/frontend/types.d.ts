// What travels between Python, the modules of the page and its worker. Types only: nothing of this file runs.

/** Numbers that are only read, whatever holds them. */
export type Numbers = ArrayLike<number>;

/** Numbers that are written into. */
export interface Room {
  readonly length: number;
  [n: number]: number;
}

/** Each 0 … 255. */
export type RGB = [number, number, number];

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

/** Pictures (N, C, H, W), C 1 or 3. */
export interface Pictures {
  shape: number[];
  data: Numbers;
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

// ---- the network: what `vae_core.store.export` writes

export interface LinearLayer {
  type: "linear";
  in: number;
  out: number;
  weight: string;
  bias: string;
}

export interface ConvolutionLayer {
  type: "conv2d" | "conv_transpose2d";
  in: number;
  out: number;
  kernel: number;
  stride: number;
  padding: number;
  weight: string;
  bias: string;
}

export interface WindowLayer {
  type: "pad" | "crop";
  shape: number[];
}

export interface ReshapeLayer {
  type: "reshape";
  shape: number[];
}

export interface ActivationLayer {
  type: "relu" | "tanh" | "silu";
}

export type Layer = LinearLayer | ConvolutionLayer | WindowLayer | ReshapeLayer | ActivationLayer;

export interface Manifest {
  format: number;
  latent_dim: number;
  /** [C, H, W] */
  image_shape: number[];
  output: string;
  is_log_likelihood: boolean;
  posterior: string;
  decoder: Layer[];
  encoder?: Layer[];
  /** Of a Gaussian: one for all pixels, or one for each. */
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

/** How Streamlit calls the default export of a component's module. */
export interface ComponentCall<Data> {
  data: Data;
  parentElement: HTMLElement | ShadowRoot;
  setStateValue(name: string, value: unknown): void;
  setTriggerValue(name: string, value: unknown): void;
}
