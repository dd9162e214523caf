// What `app/lab/collapse.py` hands its view; `tests/app/test_page_types.py` holds it to that.

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
