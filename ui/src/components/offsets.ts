/** Where each row of a long list begins, while some rows are measured and the rest estimated. */

/**
 * Row heights with running sums. Changing a height is O(1); the sums from the first changed row on are made anew when
 * they are next read, so that a burst of measurements costs one pass.
 */
export class Offsets {
  private readonly heights: Float64Array;
  private readonly sums: Float64Array;
  private clean = 0;

  constructor(
    readonly count: number,
    estimate: number,
    known: (index: number) => number | undefined = () => undefined,
  ) {
    this.heights = new Float64Array(count);
    this.sums = new Float64Array(count + 1);
    for (let index = 0; index < count; index++) this.heights[index] = known(index) ?? estimate;
  }

  /** Whether the height is another one than before. */
  set(index: number, height: number): boolean {
    if (index >= this.count || Math.abs((this.heights[index] ?? 0) - height) < 0.5) return false;
    this.heights[index] = height;
    this.clean = Math.min(this.clean, index);
    return true;
  }

  height(index: number): number {
    return this.heights[index] ?? 0;
  }

  /** Distance from the list's top to the row's; `count` gives the whole height. */
  top(index: number): number {
    for (let at = this.clean; at < this.count; at++) this.sums[at + 1] = (this.sums[at] ?? 0) + (this.heights[at] ?? 0);
    this.clean = this.count;
    return this.sums[Math.min(index, this.count)] ?? 0;
  }

  get total(): number {
    return this.top(this.count);
  }

  /** The row that covers `y`, the last one when `y` lies below. */
  at(y: number): number {
    this.top(0);
    let low = 0;
    let high = Math.max(0, this.count - 1);
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.sums[middle] ?? 0) <= y) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
