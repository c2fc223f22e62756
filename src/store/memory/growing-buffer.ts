/** Memory that grows in place; its address does not change, so that views of it grow with it. */
export type GrowingBuffer = ArrayBuffer | SharedArrayBuffer;

/** What there is at first. */
const FIRST_BYTES = 2 ** 20;

/**
 * Reserves addresses for `most` bytes, or, down to `least`, for half as many again and again where the system does not
 * give that. It has but few bytes at first and is to be grown: what it has counts as in use, and with gigabytes of that
 * a runtime would see no reason to collect its garbage. What is not touched takes no memory.
 *
 * @throws {RangeError} if there is not even that.
 */
export function reserveBuffer(most: number, least: number, isShared: boolean): GrowingBuffer {
  for (let bytes = most; ; bytes = Math.floor(bytes / 2)) {
    try {
      const options = { maxByteLength: bytes };
      return isShared ? new SharedArrayBuffer(FIRST_BYTES, options) : new ArrayBuffer(FIRST_BYTES, options);
    } catch (error) {
      if (bytes / 2 >= least) continue;
      throw new RangeError(`The system does not give ${bytes} bytes of memory`, { cause: error });
    }
  }
}

/** Grows a buffer, if it is shorter, so that it has `bytes` or some more. False if that is more than was reserved. */
export function growTo(buffer: GrowingBuffer, bytes: number): boolean {
  if (bytes <= buffer.byteLength) return true;
  if (bytes > buffer.maxByteLength) return false;
  // In steps of a quarter, or else every block would be a call of the system.
  const length = Math.min(buffer.maxByteLength, Math.max(bytes, Math.ceil(buffer.byteLength * 1.25)));
  if (buffer instanceof ArrayBuffer) buffer.resize(length);
  else buffer.grow(length);
  return true;
}
