import { expect, test } from "bun:test";
import { readRedirection, readSlotRanges, slotOf } from "../../../src/store/redis/cluster/slots.ts";

test.each([
  ["123456789", 0x31c3], // the check value of CRC16/XMODEM
  ["foo", 12_182], // by CLUSTER KEYSLOT
  ["", 0],
  ["playcount:0", 487],
])("The slot of %p is %p", (tag, slot) => expect(slotOf(tag)).toBe(slot));

test("The owner of a slot is the first node that CLUSTER SLOTS lists for it", () => {
  const reply = [
    [0, 99, ["10.0.0.1", 7000, "id", []], ["10.0.0.2", 7001, "id", []]],
    [100, 100, ["", 7002, "id"]],
    [101, 16_383, ["fd00::1", 7003, "id"]],
  ];
  expect(readSlotRanges(reply, "a.example")).toEqual([
    { first: 0, last: 99, address: "10.0.0.1:7000" },
    { first: 100, last: 100, address: "a.example:7002" },
    { first: 101, last: 16_383, address: "[fd00::1]:7003" },
  ]);
});

test.each([
  ["MOVED 3999 127.0.0.1:6381", "127.0.0.1:6381"],
  ["ASK 3999 :6381", "a.example:6381"],
  ["MOVED 3999 ?:6381", "a.example:6381"],
  ["ASK 487 ::1:27132", "[::1]:27132"],
  ["MOVED 487 fd00::1:7000", "[fd00::1]:7000"],
  ["MOVED 487 b.example:7000", "b.example:7000"],
])("%p leads to %p", (message, address) => expect(readRedirection(message, "a.example:7000")).toBe(address));
