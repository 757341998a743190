// SPDX-License-Identifier: Apache-2.0
// Times ONNX Runtime on one network; called by scripts/benchmark. Prints the seconds of each pass as JSON, on the
// clock and on processors, after one pass that does not count.
// Arguments: node_modules folder, model, raw input bytes, shape of an image ("3,32,32"), images, images per batch,
// threads, passes. Images are used again from the file's start when more are asked for.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const [modules, model, file, shape, images, batch, threads, passes] = process.argv.slice(2);
const ort = createRequire(join(modules, 'time_onnxruntime.cjs'))('onnxruntime-node');
const session = await ort.InferenceSession.create(model, {
  executionProviders: ['cpu'],
  graphOptimizationLevel: 'all',
  intraOpNumThreads: Number(threads),
  interOpNumThreads: 1,
  logSeverityLevel: 3,
});
const extents = shape.split(',').map(Number);
const size = extents.reduce((product, extent) => product * extent, 1);
const bytes = readFileSync(file);
const given = Math.floor(bytes.length / size);
const tensors = [];
for (let first = 0; first < Number(images); first += Number(batch)) {
  const count = Math.min(Number(batch), Number(images) - first);
  const values = new Float32Array(count * size);
  for (let i = 0; i < count; ++i) {
    const from = ((first + i) % given) * size;
    for (let v = 0; v < size; ++v) values[i * size + v] = bytes[from + v] / 255;
  }
  tensors.push(new ort.Tensor('float32', values, [count, ...extents]));
}
const pass = async () => {
  const start = process.hrtime.bigint();
  const before = process.cpuUsage();
  for (const tensor of tensors) await session.run({ [session.inputNames[0]]: tensor });
  const used = process.cpuUsage(before);
  return [Number(process.hrtime.bigint() - start) / 1e9, (used.user + used.system) / 1e6];
};
await pass();
const measured = [];
for (let i = 0; i < Number(passes); ++i) measured.push(await pass());
console.log(JSON.stringify({ seconds: measured.map((m) => m[0]), processor: measured.map((m) => m[1]) }));
