// SPDX-License-Identifier: Apache-2.0
// Runs one model with ONNX Runtime as a request file says; called by fixture_tools.run_onnxruntime.
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const request = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const require = createRequire(join(request.nodeModules, 'run_onnxruntime.cjs'));
const ort = require('onnxruntime-node');
const { version } = JSON.parse(readFileSync(join(request.nodeModules, 'onnxruntime-node', 'package.json'), 'utf8'));

const session = await ort.InferenceSession.create(request.model, {
  executionProviders: ['cpu'],
  graphOptimizationLevel: request.level,
  optimizedModelFilePath: request.optimised,
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  logSeverityLevel: 3,
});
const raw = readFileSync(request.input);
const arrays = { float32: Float32Array, uint8: Uint8Array, int8: Int8Array };
const Values = arrays[request.type];
const values = new Values(raw.buffer, raw.byteOffset, raw.byteLength / Values.BYTES_PER_ELEMENT);
const feeds = { [session.inputNames[0]]: new ort.Tensor(request.type, values, request.shape) };
const results = await session.run(feeds, request.outputs);

const outputs = {};
request.outputs.forEach((name, index) => {
  const { type, dims, data } = results[name];
  const file = `output-${index}.raw`;
  writeFileSync(join(request.folder, file), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  outputs[name] = { type, shape: dims.map(Number), file };
});
writeFileSync(join(request.folder, 'answer.json'), JSON.stringify({ version, outputs }));
