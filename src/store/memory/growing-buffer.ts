/** A buffer that grows in place: its address stays, and views of it grow with it. */
export type GrowingBuffer = ArrayBuffer | SharedArrayBuffer;

const FIRST_BYTES = 2 ** 20;

/**
 * Reserves addresses for `most` bytes. If the system refuses, tries half as many again and again, down to
 * `least`.
 *
 * The buffer itself has 1 MiB at first. A runtime counts its length as memory in use, even where nothing was
 * written, and with gigabytes in use it would collect no garbage.
 *
 * @throws {RangeError} if the system refuses `least` bytes.
 */
export function reserveBuffer(most: number, least: number, isShared: boolean): GrowingBuffer {
  for (let bytes = most; ; bytes = Math.floor(bytes / 2)) {
    try {
      const options = { maxByteLength: bytes };
      return isShared ? new SharedArrayBuffer(FIRST_BYTES, options) : new ArrayBuffer(FIRST_BYTES, options);
    } catch (error) {
      if (bytes / 2 >= least) continue;
      throw new RangeError(`The system refuses to reserve ${bytes} bytes of memory`, { cause: error });
    }
  }
}

/** Grows a buffer to `bytes` or more, and returns false if fewer were reserved. Never shrinks. */
export function growTo(buffer: GrowingBuffer, bytes: number): boolean {
  if (bytes <= buffer.byteLength) return true;
  if (bytes > buffer.maxByteLength) return false;
  // In steps of a quarter: each one is a system call.
  const length = Math.min(buffer.maxByteLength, Math.max(bytes, Math.ceil(buffer.byteLength * 1.25)));
  if (buffer instanceof ArrayBuffer) buffer.resize(length);
  else buffer.grow(length);
  return true;
}
