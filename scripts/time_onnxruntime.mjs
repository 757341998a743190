// SPDX-License-Identifier: Apache-2.0
// Times ONNX Runtime on all images of a float32 file; called by scripts/benchmark. Prints the seconds of one pass.
// Arguments: node_modules folder, model, raw float32 images, values per image, images per batch, threads
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const [modules, model, file, size, batch, threads] = process.argv.slice(2);
const ort = createRequire(join(modules, 'time_onnxruntime.cjs'))('onnxruntime-node');
const session = await ort.InferenceSession.create(model, {
  executionProviders: ['cpu'],
  graphOptimizationLevel: 'all',
  intraOpNumThreads: Number(threads),
  interOpNumThreads: 1,
  logSeverityLevel: 3,
});
const raw = readFileSync(file);
const values = new Float32Array(raw.buffer, raw.byteOffset, raw.byteLength / 4);
const side = Math.sqrt(Number(size));
const step = Number(size) * Number(batch);
const tensors = [];
for (let at = 0; at < values.length; at += step) {
  const part = values.slice(at, at + step);
  tensors.push(new ort.Tensor('float32', part, [part.length / Number(size), 1, side, side]));
}
const pass = async () => {
  const start = process.hrtime.bigint();
  for (const tensor of tensors) await session.run({ [session.inputNames[0]]: tensor });
  return Number(process.hrtime.bigint() - start) / 1e9;
};
await pass();  // warm-up
console.log(await pass());
